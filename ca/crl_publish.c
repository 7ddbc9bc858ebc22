/* SPDX-License-Identifier: Apache-2.0
 *
 * When a CRL is due, and its publication: a number claimed in the store, a file written
 * beside the old one and put in its place, a row and an audit event. Whatever fails, the
 * old CRL stays. It does not serve CRLs and does not wait for the time to come.
 */
#include "authority_private.h"

#include "clock.h"
#include "crl.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define THIS_UPDATE_BACK_S (INT64_C(10) * 60)
#define LEASE_S            10
#define ENTRIES_PER_S      50000 /* that a slow machine writes: so much longer is the lease */
#define STREAM_BUFFER_LEN  (256u << 10)

static enum status crl_dir(const struct authority *authority, char **out, struct err *err)
{
    return path_join(authority->config.dir, "crl", out, err);
}

enum status crl_path(const struct authority *authority, int64_t key_index, char **out, struct err *err)
{
    return text_format(out, err, "%s/crl/%lld.crl", authority->config.dir, (long long)key_index);
}

/* The newest generation with that key; NULL if there is none. */
static const struct generation *find_generation(const struct authority *authority, int64_t key_index)
{
    for (size_t i = authority->generation_count; i > 0; i--) {
        if (authority->generations[i - 1].key_index == key_index)
            return &authority->generations[i - 1];
    }
    return NULL;
}

/* ---- when ---- */

/* How long after a scheduled CRL the next one comes: in any case before it ends. */
static int64_t period_s(const struct authority_config *config)
{
    int64_t latest_s = config->crl_validity_s - config->crl_validity_s / 10;
    return config->crl_period_s < latest_s ? config->crl_period_s : latest_s;
}

static enum status newest(struct store *store, int64_t key_index, bool only_scheduled, struct crl_row *out,
                          bool *found, struct err *err)
{
    enum status status = store_crl(store, key_index, only_scheduled, out, err);
    *found = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status file_is_whole(const struct authority *authority, const struct crl_row *row, bool *whole,
                                 struct err *err)
{
    AUTO(heap) char *path = NULL;
    TRY(crl_path(authority, row->issuer_key, &path, err));
    struct stat seen;
    *whole = stat(path, &seen) == 0 && S_ISREG(seen.st_mode) && seen.st_size == row->size &&
             access(path, R_OK) == 0;
    return STATUS_OK;
}

/* A CRL from a clock that was ahead is not valid yet: the clock has been put right, make another. */
static bool from_the_future(const struct crl_row *row, int64_t now_s)
{
    return row->this_update_s > now_s;
}

enum status crl_check(const struct authority *authority, struct store *store, int64_t key_index,
                      int64_t now_s, struct crl_due *out, struct err *err)
{
    struct crl_row last = {0};
    struct crl_row scheduled = {0};
    struct crl_due due = {.due = true, .scheduled = true, .next_scheduled_s = now_s};
    bool published = false;
    bool whole = false;
    TRY(newest(store, key_index, false, &last, &published, err));
    TRY(newest(store, key_index, true, &scheduled, &published, err));
    if (published) {
        TRY(file_is_whole(authority, &last, &whole, err));
        due.next_update_s = last.next_update_s;
        due.next_scheduled_s = scheduled.created_s + period_s(&authority->config);
    }
    if (whole && now_s < due.next_scheduled_s && !from_the_future(&last, now_s)) {
        int64_t version = 0;
        TRY(store_revocation_version(store, &version, err));
        due.scheduled = false;
        due.due = version != last.revocation_version &&
                  (now_s >= last.created_s + authority->config.crl_min_interval_s || now_s < last.created_s);
    }
    *out = due;
    return STATUS_OK;
}

/* ---- publishing ---- */

/* One publication under way. */
struct publication {
    const struct authority *authority;
    struct store *store;
    struct crl_row row;
    char *path;      /* where it is to stand */
    char *fresh;     /* written beside it; once they have changed places, the old one */
    bool is_claimed; /* its number is claimed and no row ended the claim yet */
};

/* So that the next try need not wait for the lease to end; where the store fails too, it has to. */
static void release_claim(const struct publication *publication)
{
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_CRL_RELEASE, .crl = &publication->row});
    enum status unused = store_commit(publication->store, &change, NULL);
    (void)unused;
}

/* Nothing but the published file stays behind. */
static void publication_end(struct publication *publication)
{
    if (publication->is_claimed)
        release_claim(publication);
    if (publication->fresh != NULL)
        (void)unlink(publication->fresh);
    free(publication->path);
    free(publication->fresh);
}
AUTO_VALUE(publication, struct publication, publication_end)

/* Its number, by which nobody else makes a CRL of this key meanwhile. */
static enum status claim(struct publication *publication, int64_t last_entries, struct err *err)
{
    struct crl_row *row = &publication->row;
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_CRL_CLAIM,
                                           .crl_claim = {.issuer_key = row->issuer_key,
                                                         .now_s = row->created_s,
                                                         .lease_s = LEASE_S + last_entries / ENTRIES_PER_S}});
    TRY(store_commit(publication->store, &change, err));
    row->number = change.crl_number;
    publication->is_claimed = true;
    TRY(crl_path(publication->authority, row->issuer_key, &publication->path, err));
    return text_format(&publication->fresh, err, "%s.new-%lld", publication->path, (long long)row->number);
}

/* crl/ is made when it is missing: it holds nothing that cannot be made again. */
static enum status open_fresh(const struct publication *publication, FILE **out, struct err *err)
{
    AUTO(heap) char *dir = NULL;
    TRY(crl_dir(publication->authority, &dir, err));
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return ERR(err, STATUS_IO, "cannot make the directory %s: %m", dir);
    int fd = open(publication->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return ERR(err, STATUS_IO, "cannot write %s: %m", publication->fresh);
    FILE *file = fdopen(fd, "w");
    if (file == NULL) {
        (void)close(fd);
        return ERR(err, STATUS_NOMEM, "out of memory");
    }
    *out = file;
    return STATUS_OK;
}

static void stream_close(FILE *file)
{
    if (file != NULL)
        (void)fclose(file);
}
AUTO_POINTER(stream, FILE, stream_close)

static enum status sync_stream(FILE *file, const char *path, struct err *err)
{
    if (fflush(file) != 0 || fsync(fileno(file)) != 0)
        return ERR(err, STATUS_IO, "cannot write %s: %m", path);
    return STATUS_OK;
}

/* Signs the present revocations into the fresh file; completes the row. */
static enum status write_fresh(struct publication *publication, const struct generation *generation,
                               int64_t last_scheduled_s, int64_t next_publish_s, struct err *err)
{
    struct crl_row *row = &publication->row;
    struct crl_parameters parameters = {
        .generation = generation,
        .number = row->number,
        .this_update_s = row->this_update_s,
        .next_update_s = row->next_update_s,
        .next_publish_s = next_publish_s,
    };
    struct crl_written written = {0};
    AUTO(revoked_walk) struct revoked_walk *walk = NULL;
    AUTO(stream) FILE *file = NULL;
    TRY(open_fresh(publication, &file, err));
    (void)setvbuf(file, NULL, _IOFBF, STREAM_BUFFER_LEN);
    TRY(store_revoked_begin(publication->store, row->issuer_key, last_scheduled_s, &walk,
                            &row->revocation_version, err));
    TRY(crl_write(&parameters, walk, file, &written, err));
    TRY(sync_stream(file, publication->fresh, err));
    row->entries = written.entries;
    row->size = written.size;
    memcpy(row->sha256, written.sha256, SHA256_LEN);
    return STATUS_OK;
}

static bool exchange(const struct publication *publication)
{
    return renameat2(AT_FDCWD, publication->fresh, AT_FDCWD, publication->path, RENAME_EXCHANGE) == 0;
}

/* The new one in place of the old, in one step that can be taken back (*exchanged); the first one, or on a
 * file system that cannot exchange, by a plain rename. */
static enum status put_in_place(struct publication *publication, bool *exchanged, struct err *err)
{
    *exchanged = exchange(publication);
    if (!*exchanged && rename(publication->fresh, publication->path) != 0)
        return ERR(err, STATUS_IO, "cannot put the CRL in place as %s: %m", publication->path);
    AUTO(heap) char *dir = NULL;
    TRY(crl_dir(publication->authority, &dir, err));
    return dir_sync(dir, err);
}

static enum status commit_row(struct publication *publication, const char *actor, struct err *err)
{
    const struct crl_row *row = &publication->row;
    AUTO(audit_row) struct audit_row audit = {0};
    char until[32];
    time_text(row->next_update_s, until);
    TRY(text_copy(actor, &audit.actor, err));
    TRY(text_copy("crl.published", &audit.action, err));
    TRY(text_format(&audit.object, err, "crl %lld", (long long)row->number));
    TRY(text_format(&audit.detail, err, "key %lld, %lld entries, %s, valid until %s",
                    (long long)row->issuer_key, (long long)row->entries,
                    row->scheduled ? "scheduled" : "for revocations", until));
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_CRL_PUBLISHED, .crl = row});
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    TRY(store_commit(publication->store, &change, err));
    publication->is_claimed = false;
    return STATUS_OK;
}

/* File and row, or neither. The file first: whoever sees the row finds a file at least as new. */
static enum status put_and_commit(struct publication *publication, const char *actor, struct err *err)
{
    bool exchanged = false;
    enum status status = put_in_place(publication, &exchanged, err);
    if (status == STATUS_OK)
        status = commit_row(publication, actor, err);
    if (status != STATUS_OK && exchanged)
        (void)exchange(publication); /* should it fail: a newer CRL is served, and another one is due */
    return status;
}

static void set_times(struct crl_row *row, const struct authority *authority,
                      const struct generation *generation)
{
    row->this_update_s = row->created_s - THIS_UPDATE_BACK_S;
    if (row->this_update_s < generation->certificate->not_before_s)
        row->this_update_s = generation->certificate->not_before_s;
    row->next_update_s = row->created_s + authority->config.crl_validity_s;
}

enum status crl_publish(const struct authority *authority, struct store *store, int64_t key_index,
                        bool scheduled, const char *actor, struct crl_row *out, struct err *err)
{
    struct crl_row last = {0};
    struct crl_row last_scheduled = {0};
    bool found = false;
    int64_t now_s = clock_now();
    const struct generation *generation = find_generation(authority, key_index);
    if (generation == NULL)
        return ERR(err, STATUS_NOT_FOUND, "the authority has no key %lld", (long long)key_index);
    AUTO(publication)
    struct publication publication = {
        .authority = authority,
        .store = store,
        .row = {.issuer_key = key_index, .created_s = now_s, .scheduled = scheduled},
    };
    set_times(&publication.row, authority, generation);
    TRY(newest(store, key_index, false, &last, &found, err));
    TRY(claim(&publication, last.entries, err));
    TRY(newest(store, key_index, true, &last_scheduled, &found, err));

    int64_t next_publish_s = last_scheduled.created_s + period_s(&authority->config);
    if (scheduled || !found || next_publish_s <= now_s)
        next_publish_s = now_s + period_s(&authority->config);
    TRY(write_fresh(&publication, generation, last_scheduled.created_s, next_publish_s, err));
    TRY(put_and_commit(&publication, actor, err));
    if (out != NULL)
        *out = publication.row;
    return STATUS_OK;
}

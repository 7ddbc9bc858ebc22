/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening an SQLite store: is it ours, does its schema fit, the vtable, the pool of
 * reading connections. What the methods do is in the files beside it.
 */
#include "sqlite.h"

#include "clock.h"
#include "file.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* PRAGMA application_id of our files: "SCEP". */
#define APPLICATION_ID 0x53434550

struct migration {
    const char *name;
    const char *sql;
};

/* schema/NNNN_name.sql in order of name; number i + 1 leads to user_version i + 1. */
static const struct migration MIGRATIONS[] = {
#include "migrations.inc"
};
#define SCHEMA_VERSION ((int64_t)(sizeof MIGRATIONS / sizeof *MIGRATIONS))

/* ---- readers ---- */

enum status reader_take(struct store *store, struct sql_connection **out, struct err *err)
{
    struct sqlite_store *self = sqlite_store_of(store);
    pthread_mutex_lock(&self->pool_lock);
    struct sql_connection *reader = self->idle;
    if (reader != NULL) {
        self->idle = reader->next;
        self->idle_count--;
    }
    pthread_mutex_unlock(&self->pool_lock);
    if (reader == NULL)
        return sql_open(self->path, true, out, err);
    reader->next = NULL;
    *out = reader;
    return STATUS_OK;
}

void reader_give(struct store *store, struct sql_connection *reader)
{
    struct sqlite_store *self = sqlite_store_of(store);
    if (reader == NULL)
        return;
    pthread_mutex_lock(&self->pool_lock);
    bool is_kept = self->idle_count < IDLE_READERS_MAX;
    if (is_kept) {
        reader->next = self->idle;
        self->idle = reader;
        self->idle_count++;
    }
    pthread_mutex_unlock(&self->pool_lock);
    if (!is_kept)
        sql_close(reader);
}

/* ---- numbers ---- */

static enum status one_number(struct store *store, const char *sql, int64_t *out, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on, sql, &query, err));
    return query_number(&query, out, err);
}

enum status sqlite_last_commit_s(struct store *store, int64_t *time_s, struct err *err)
{
    return one_number(store, "SELECT last_commit_s FROM state", time_s, err);
}

enum status sqlite_revocation_version(struct store *store, int64_t *version, struct err *err)
{
    return one_number(store, "SELECT revocation_version FROM state", version, err);
}

/* Expired ones: state.expired counts those before expired_until_s; what lies between that moment and now is
 * counted in the index on not_after_s. The writer keeps that part small (sqlite_expiry_advance). */
#define COUNTS                                                                                               \
    "SELECT certificates, revoked, held, "                                                                   \
    "expired + (SELECT count(*) FROM certificate WHERE reason IS NULL "                                      \
    "AND not_after_s >= expired_until_s AND not_after_s < ?1) "                                              \
    "- (SELECT count(*) FROM certificate WHERE reason IS NULL "                                              \
    "AND not_after_s >= ?1 AND not_after_s < expired_until_s), "                                             \
    "requests_issued, requests_pending, requests_denied, requests_failed, "                                  \
    "(SELECT count(*) FROM challenge WHERE used < uses AND expires_s > ?1 AND failures < ?2) FROM state"

enum status sqlite_counts(struct store *store, int64_t now_s, struct store_counts *out, struct err *err)
{
    struct sqlite_store *self = sqlite_store_of(store);
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on, COUNTS, &query, err));
    bind_int(&query, now_s);
    bind_int(&query, CHALLENGE_FAILURES_MAX);
    bool found = false;
    TRY(query_row(&query, &found, err));
    struct store_counts counts = {0};
    int64_t all = read_int(&query);
    counts.certificates_revoked = read_int(&query);
    counts.certificates_held = read_int(&query);
    counts.certificates_expired = read_int(&query);
    counts.certificates_valid =
        all - counts.certificates_revoked - counts.certificates_held - counts.certificates_expired;
    counts.requests_issued = read_int(&query);
    counts.requests_pending = read_int(&query);
    counts.requests_denied = read_int(&query);
    counts.requests_failed = read_int(&query);
    counts.challenges_open = read_int(&query);
    pthread_mutex_lock(&self->queue_lock);
    counts.commits = self->commits;
    counts.changes = self->changes;
    pthread_mutex_unlock(&self->queue_lock);
    *out = counts;
    return STATUS_OK;
}

/* ---- integrity ---- */

/* What SQLite cannot know: the numbers of the row state, and the two places of a revocation. */
static const char COUNTERS_THAT_ARE_WRONG[] =
    "SELECT CASE "
    "WHEN certificates <> (SELECT count(*) FROM certificate) THEN 'the number of certificates' "
    "WHEN held <> (SELECT count(*) FROM certificate WHERE reason IS NOT NULL AND reason = 6) "
    "THEN 'the number of held certificates' "
    "WHEN revoked <> (SELECT count(*) FROM certificate WHERE reason IS NOT NULL AND reason <> 6) "
    "THEN 'the number of revoked certificates' "
    "WHEN expired <> (SELECT count(*) FROM certificate WHERE reason IS NULL AND not_after_s < "
    "expired_until_s) "
    "THEN 'the number of expired certificates' "
    "WHEN requests_pending <> (SELECT count(*) FROM request WHERE disposition = 1) "
    "THEN 'the number of pending requests' "
    "END FROM state";
static const char REVOCATIONS_THAT_DIFFER[] =
    "SELECT c.id FROM certificate c LEFT JOIN revocation r ON r.issuer_key = c.issuer_key "
    "AND r.serial_len = length(c.serial) AND r.serial = c.serial "
    "WHERE c.reason IS NOT NULL AND c.reason IS NOT r.reason LIMIT 1";

static enum status complain(struct sql_connection *on, const char *sql, const char *fine, const char *about,
                            struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, sql, &query, err));
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (!found)
        return STATUS_OK;
    AUTO(heap) char *text = read_text(&query);
    TRY(read_status(&query, err));
    if (text == NULL || strcmp(text, fine) == 0)
        return STATUS_OK;
    return ERR(err, STATUS_INTEGRITY, "%s is damaged: %s%s: restore it from a backup", on->path, about, text);
}

enum status sqlite_integrity(struct store *store, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    TRY(complain(reader.on, "PRAGMA integrity_check(1)", "ok", "", err));
    TRY(complain(reader.on, "PRAGMA foreign_key_check", "", "a row without its parent in table ", err));
    TRY(complain(reader.on, COUNTERS_THAT_ARE_WRONG, "", "the store has lost count of ", err));
    return complain(reader.on, REVOCATIONS_THAT_DIFFER, "",
                    "CRLs would not list the revoked certificate in row ", err);
}

/* ---- opening ---- */

static enum status pragma_number(struct sql_connection *on, const char *sql, int64_t *out, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, sql, &query, err));
    return query_number(&query, out, err);
}

static enum status check_ours(struct sql_connection *on, struct err *err)
{
    int64_t application = 0, tables = 0;
    TRY(pragma_number(on, "PRAGMA application_id", &application, err));
    TRY(pragma_number(on, "SELECT count(*) FROM sqlite_schema", &tables, err));
    if (application == APPLICATION_ID)
        return STATUS_OK;
    if (application == 0 && tables == 0)
        return ERR(err, STATUS_CONFIG,
                   "%s is an empty database: restore it from a backup, or remove it and make a new one with "
                   "scepter init",
                   on->path);
    return ERR(err, STATUS_CONFIG,
               "%s is an SQLite database, but not one of Scepter: see that the path is right", on->path);
}

static enum status migrate_one(struct sql_connection *on, int64_t number, struct err *err)
{
    char numbers[128];
    snprintf(numbers, sizeof numbers, "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
             (int)number);
    TRY(sql_exec(on, MIGRATIONS[number - 1].sql, err));
    return sql_exec(on, numbers, err);
}

/* One transaction, so that a crash leaves the old schema or the new one; the version is read inside it,
 * because another process may migrate at the same time. */
static enum status migrate_all(struct sql_connection *on, struct err *err)
{
    int64_t version = 0;
    TRY(pragma_number(on, "PRAGMA user_version", &version, err));
    for (int64_t number = version + 1; number <= SCHEMA_VERSION; number++)
        if (migrate_one(on, number, err) != STATUS_OK)
            return err_prefix(err, "schema migration %s: ", MIGRATIONS[number - 1].name);
    return STATUS_OK;
}

static enum status migrate(struct sql_connection *on, struct err *err)
{
    int64_t version = 0;
    TRY(pragma_number(on, "PRAGMA user_version", &version, err));
    if (version > SCHEMA_VERSION)
        return ERR(err, STATUS_CONFIG,
                   "%s has the schema version %d, this program knows only versions up to %d: use the newer "
                   "program that wrote it",
                   on->path, (int)version, (int)SCHEMA_VERSION);
    if (version == SCHEMA_VERSION)
        return STATUS_OK;
    TRY(sql_exec(on, "BEGIN IMMEDIATE", err));
    struct err first = {0};
    enum status status = migrate_all(on, &first);
    if (status == STATUS_OK)
        status = sql_exec(on, "COMMIT", &first);
    if (status == STATUS_OK)
        return STATUS_OK;
    sqlite3_exec(on->db, "ROLLBACK", NULL, NULL, NULL);
    return ERR(err, status, "%s", first.text);
}

/* Journal sizes: 4,000 pages (16 MiB) before a checkpoint, so that pages which many issues touch are written
 * once; a journal that a long reader let grow is cut to 64 MiB afterwards. */
static enum status set_journal(struct sql_connection *on, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "PRAGMA journal_mode=WAL", &query, err));
    bool found = false;
    TRY(query_row(&query, &found, err));
    AUTO(heap) char *mode = found ? read_text(&query) : NULL;
    if (mode == NULL || strcmp(mode, "wal") != 0)
        return ERR(err, STATUS_IO,
                   "%s cannot keep a write-ahead log (it says \"%s\"): it must lie on a local file system",
                   on->path, mode != NULL ? mode : "nothing");
    return sql_exec(on, "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864", err);
}

static const struct store_ops OPS;

static void sqlite_close(struct store *store)
{
    struct sqlite_store *self = sqlite_store_of(store);
    sqlite_writer_stop(self);
    while (self->idle != NULL) {
        struct sql_connection *next = self->idle->next;
        sql_close(self->idle);
        self->idle = next;
    }
    sql_close(self->writer);
    pthread_mutex_destroy(&self->pool_lock);
    pthread_mutex_destroy(&self->queue_lock);
    pthread_mutex_destroy(&self->writer_lock);
    pthread_cond_destroy(&self->queue_filled);
    free(self->path);
    free(self);
}

static enum status store_new(const char *path, struct store **out, struct err *err)
{
    struct sqlite_store *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    self->base.ops = &OPS;
    self->last = &self->first;
    pthread_mutex_init(&self->pool_lock, NULL);
    pthread_mutex_init(&self->queue_lock, NULL);
    pthread_mutex_init(&self->writer_lock, NULL);
    pthread_cond_init(&self->queue_filled, NULL);
    AUTO(store) struct store *store = &self->base;
    TRY(text_copy(path, &self->path, err));
    *out = MOVE(store);
    return STATUS_OK;
}

/* Makes the empty file, for its owner alone. */
static enum status make_file(const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return ERR(err, STATUS_CONFLICT, "%s exists already and is not overwritten", path);
    if (fd < 0)
        return ERR(err, STATUS_IO, "%s cannot be made: %s", path, strerror(errno));
    close(fd);
    return STATUS_OK;
}

static enum status check_file(const char *path, struct err *err)
{
    struct stat found;
    if (stat(path, &found) == 0)
        return STATUS_OK;
    if (errno == ENOENT)
        return ERR(
            err, STATUS_NOT_FOUND,
            "there is no database %s: see that the data directory is right, or make one with scepter init",
            path);
    return ERR(err, STATUS_IO, "%s cannot be opened: %s", path, strerror(errno));
}

static enum status open_writer(struct sqlite_store *self, bool create, struct err *err)
{
    TRY(sql_open(self->path, false, &self->writer, err));
    if (!create)
        TRY(check_ours(self->writer, err));
    TRY(set_journal(self->writer, err));
    TRY(migrate(self->writer, err));
    self->writer->is_opening = false;
    return STATUS_OK;
}

enum status store_open_sqlite(const char *path, bool create, struct store **out, struct err *err)
{
    AUTO(store) struct store *store = NULL;
    TRY(create ? make_file(path, err) : check_file(path, err));
    TRY(store_new(path, &store, err));
    struct sqlite_store *self = sqlite_store_of(store);
    enum status status = open_writer(self, create, err);
    if (status == STATUS_OK) {
        *out = MOVE(store);
        return STATUS_OK;
    }
    if (create)
        unlink(path);
    return status;
}

static const struct store_ops OPS = {
    .commit = sqlite_commit,
    .request = sqlite_request,
    .request_retry = sqlite_request_retry,
    .request_transaction = sqlite_request_transaction,
    .request_other_key = sqlite_request_other_key,
    .requests = sqlite_requests,
    .certificate = sqlite_certificate,
    .certificates = sqlite_certificates,
    .key_compromised = sqlite_key_compromised,
    .challenge = sqlite_challenge,
    .revoked_begin = sqlite_revoked_begin,
    .revoked_rewind = sqlite_revoked_rewind,
    .revoked_next = sqlite_revoked_next,
    .revoked_end = sqlite_revoked_end,
    .revocation_version = sqlite_revocation_version,
    .crl = sqlite_crl,
    .device = sqlite_device,
    .device_by_value = sqlite_device_by_value,
    .devices = sqlite_devices,
    .setting = sqlite_setting,
    .audit = sqlite_audit,
    .audit_head = sqlite_audit_head,
    .counts = sqlite_counts,
    .foreign_version = sqlite_foreign_version,
    .last_commit_s = sqlite_last_commit_s,
    .probe = sqlite_probe,
    .integrity = sqlite_integrity,
    .backup = sqlite_backup,
    .close = sqlite_close,
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * CRLs and CA certificates as they are served: read once when they change, kept as one
 * immutable set that is swapped whole. CRLs above 1 MiB stay files, kept open. A file
 * that somebody touched is read again, and never served when it is not what was
 * published. Signs and publishes nothing.
 */
#include "server.h"

#include "clock.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_PREFIX    "/CertEnroll/"
#define IN_MEMORY_MAX  ((size_t)1 << 20)
#define MAX_AGE_S      300
#define CHUNK_LEN      65536
#define SETTLE_MS      400
#define SETTLE_LOOK_MS 20
#define TYPE_CRL       "application/pkix-crl"
#define TYPE_CERT      "application/pkix-cert"

/* What the file system says of a file: as long as it stays so, nobody has written it. */
struct file_state {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

/* One file below /CertEnroll/. */
struct published {
    char *name;
    struct blob *blob; /* NULL: fd */
    int fd;            /* -1: blob */
    int64_t size;
    char etag[72];
    int64_t modified_s;
    int64_t next_scheduled_s;   /* CRL: when the next one comes; 0: not a CRL */
    int64_t number;             /* CRL */
    uint8_t sha256[SHA256_LEN]; /* CRL: of the whole */
    struct file_state state;    /* CRL: of its file when it was read */
};

struct cdp_set {
    _Atomic size_t references;
    size_t count;
    struct published items[];
};

struct cdp_cache {
    pthread_mutex_t present_lock;        /* held for a pointer's copy; guards the damaged one too */
    pthread_mutex_t refresh_lock;        /* one refresh at a time */
    struct cdp_set *present;             /* NULL: nothing yet */
    int64_t damaged_key, damaged_number; /* CRL whose file is not what was published; number 0: none */
};

/* ---- sets ---- */

static void published_free(struct published *item)
{
    free(item->name);
    blob_unref(item->blob);
    if (item->fd >= 0)
        (void)close(item->fd);
}

static void cdp_set_unref(struct cdp_set *set)
{
    if (set == NULL || atomic_fetch_sub(&set->references, 1) != 1)
        return;
    for (size_t i = 0; i < set->count; i++)
        published_free(&set->items[i]);
    free(set);
}
AUTO_POINTER(cdp_set, struct cdp_set, cdp_set_unref)

static struct cdp_set *cdp_set_present(struct cdp_cache *cache)
{
    (void)pthread_mutex_lock(&cache->present_lock);
    struct cdp_set *set = cache->present;
    if (set != NULL)
        (void)atomic_fetch_add(&set->references, 1);
    (void)pthread_mutex_unlock(&cache->present_lock);
    return set;
}

/* Names compare without case: RFC 5280 clients copy them from certificates, people type them. */
static const struct published *cdp_set_find(const struct cdp_set *set, const char *name)
{
    for (size_t i = 0; set != NULL && i < set->count; i++)
        if (text_equal_nocase(set->items[i].name, name))
            return &set->items[i];
    return NULL;
}

enum status cdp_cache_new(struct cdp_cache **out, struct err *err)
{
    struct cdp_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the published files");
    (void)pthread_mutex_init(&cache->present_lock, NULL);
    (void)pthread_mutex_init(&cache->refresh_lock, NULL);
    *out = cache;
    return STATUS_OK;
}

void cdp_cache_free(struct cdp_cache *cache)
{
    if (cache == NULL)
        return;
    cdp_set_unref(cache->present);
    (void)pthread_mutex_destroy(&cache->present_lock);
    (void)pthread_mutex_destroy(&cache->refresh_lock);
    free(cache);
}

/* ---- reading what is published ---- */

struct descriptor {
    int fd;
};
static void descriptor_close(struct descriptor *descriptor)
{
    if (descriptor->fd >= 0)
        (void)close(descriptor->fd);
}
AUTO_VALUE(descriptor, struct descriptor, descriptor_close)

/* The whole file, into memory (appended to octets unless NULL) and into a digest. */
static enum status digest_file(int fd, const char *path, struct buf *octets, uint8_t sha256_out[SHA256_LEN],
                               struct err *err)
{
    AUTO(digest_stream) struct digest_stream *stream = NULL;
    AUTO(heap) uint8_t *chunk = malloc(CHUNK_LEN);
    if (chunk == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory to read %s", path);
    TRY(digest_stream_new(DIGEST_SHA256, &stream, err));
    off_t at = 0;
    for (;;) {
        ssize_t len = pread(fd, chunk, CHUNK_LEN, at);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return ERR(err, STATUS_IO, "%s cannot be read: %m", path);
        if (len == 0)
            break;
        at += len;
        digest_stream_add(stream, SPAN(chunk, (size_t)len));
        if (octets != NULL)
            buf_add(octets, SPAN(chunk, (size_t)len));
    }
    return digest_stream_end(stream, sha256_out, err);
}

static bool file_state_of(int fd, struct file_state *out)
{
    struct stat seen;
    memset(out, 0, sizeof *out);
    if (fstat(fd, &seen) != 0)
        return false;
    out->device = seen.st_dev;
    out->inode = seen.st_ino;
    out->size = seen.st_size;
    out->modified = seen.st_mtim;
    out->changed = seen.st_ctim;
    return true;
}

static bool time_equal(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool file_state_equal(const struct file_state *a, const struct file_state *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           time_equal(a->modified, b->modified) && time_equal(a->changed, b->changed);
}

/* Whether nobody has touched the file at the path since it was read. */
static bool is_untouched(const char *path, const struct published *item)
{
    struct file_state now;
    AUTO(descriptor) struct descriptor file = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    return file.fd >= 0 && file_state_of(file.fd, &now) && file_state_equal(&now, &item->state);
}

/* Whether the octets that are kept open are those that were read. What is in memory always is. */
static bool is_servable(const struct published *item)
{
    struct file_state now;
    return item->fd < 0 || (file_state_of(item->fd, &now) && now.size == item->state.size &&
                            time_equal(now.modified, item->state.modified));
}

/* The published CRL of a row: into a blob, or kept open. STATUS_INTEGRITY if the file is not the row's (it is
 * being replaced, or damaged). */
static enum status load_crl(const char *path, const struct crl_row *row, struct published *item,
                            struct err *err)
{
    AUTO(descriptor) struct descriptor file = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    AUTO(buf) struct buf octets = BUF(IN_MEMORY_MAX);
    uint8_t found[SHA256_LEN];
    if (file.fd < 0)
        return ERR(err, STATUS_IO, "the CRL %s cannot be opened: %m", path);
    if (!file_state_of(file.fd, &item->state))
        return ERR(err, STATUS_IO, "the CRL %s cannot be read: %m", path);
    bool in_memory = row->size <= (int64_t)IN_MEMORY_MAX;
    TRY(digest_file(file.fd, path, in_memory ? &octets : NULL, found, err));
    if (memcmp(found, row->sha256, SHA256_LEN) != 0)
        return ERR(err, STATUS_INTEGRITY, "the file %s is not CRL number %lld as it was published", path,
                   (long long)row->number);
    if (in_memory) {
        TRY(buf_status(&octets, path, err));
        return blob_new(&octets, TYPE_CRL, row->created_s, &item->blob, err);
    }
    AUTO(buf) struct buf tag = BUF(sizeof item->etag);
    buf_add_text(&tag, "\"");
    hex_encode(&tag, SPAN(row->sha256, SHA256_LEN / 2));
    buf_add_text(&tag, "\"");
    TRY(buf_status(&tag, "an entity tag", err));
    memcpy(item->etag, tag.data, tag.len);
    item->modified_s = row->created_s;
    item->size = row->size;
    item->fd = file.fd;
    file.fd = -1;
    return STATUS_OK;
}

/* The same file again, for the next set. */
static enum status share(const struct published *old, struct published *item, struct err *err)
{
    item->number = old->number;
    memcpy(item->sha256, old->sha256, SHA256_LEN);
    memcpy(item->etag, old->etag, sizeof item->etag);
    item->modified_s = old->modified_s;
    item->size = old->size;
    item->next_scheduled_s = old->next_scheduled_s;
    item->state = old->state;
    item->blob = blob_ref(old->blob);
    if (old->fd >= 0)
        item->fd = fcntl(old->fd, F_DUPFD_CLOEXEC, 3);
    if (old->fd >= 0 && item->fd < 0)
        return ERR(err, STATUS_IO, "no file descriptor for the CRL: %m");
    return STATUS_OK;
}

/* ---- one refresh ---- */

struct refresh {
    const struct authority *authority;
    struct store *store;
    const struct cdp_set *old; /* NULL: none */
    struct cdp_set *fresh;
    bool changed;
    int64_t damaged_key, damaged_number; /* the last one found; number 0: none */
    enum status failure;                 /* the first, and its text */
    struct err *err;
};

static void refresh_failed(struct refresh *refresh, const struct err *detail)
{
    if (refresh->failure == STATUS_OK)
        refresh->failure = ERR(refresh->err, detail->status, "%s", detail->text);
}

/* Puts a finished item into the fresh set, which takes it over. */
static void refresh_put(struct refresh *refresh, struct published *item, char *name)
{
    item->name = name;
    refresh->fresh->items[refresh->fresh->count++] = *item;
    *item = (struct published){.fd = -1};
}
AUTO_VALUE(published, struct published, published_free)

/* A file is put in place before its row is committed: while another process publishes, the two differ for as
 * long as a commit takes. Only what stays different is damaged. */
static enum status load_settled(struct refresh *refresh, const char *path, struct crl_row *row,
                                struct published *item, struct err *err)
{
    const int64_t until_ms = clock_monotonic_ms() + SETTLE_MS;
    enum status status = load_crl(path, row, item, err);
    while (status == STATUS_INTEGRITY && clock_monotonic_ms() < until_ms) {
        (void)usleep(SETTLE_LOOK_MS * 1000);
        TRY(store_crl(refresh->store, row->issuer_key, false, row, err));
        status = load_crl(path, row, item, err);
    }
    return status;
}

static enum status load_crl_item(struct refresh *refresh, const char *path, struct crl_row *row,
                                 struct published *item, struct err *err)
{
    enum status status = load_settled(refresh, path, row, item, err);
    if (status == STATUS_INTEGRITY) {
        refresh->damaged_key = row->issuer_key;
        refresh->damaged_number = row->number;
    }
    TRY(status);
    item->number = row->number;
    memcpy(item->sha256, row->sha256, SHA256_LEN);
    return STATUS_OK;
}

static enum status refresh_crl_item(struct refresh *refresh, int64_t key_index, const struct published *old,
                                    struct published *item, struct err *err)
{
    AUTO(heap) char *path = NULL;
    struct crl_row row = {0};
    struct crl_due due = {0};
    TRY(store_crl(refresh->store, key_index, false, &row, err));
    TRY(crl_check(refresh->authority, refresh->store, key_index, clock_now(), &due, err));
    TRY(crl_path(refresh->authority, key_index, &path, err));
    bool same = old != NULL && memcmp(old->sha256, row.sha256, SHA256_LEN) == 0 && is_untouched(path, old);
    if (same)
        TRY(share(old, item, err));
    else
        TRY(load_crl_item(refresh, path, &row, item, err));
    refresh->changed = refresh->changed || !same || item->next_scheduled_s != due.next_scheduled_s;
    item->next_scheduled_s = due.next_scheduled_s;
    return STATUS_OK;
}

static enum status refresh_crl(struct refresh *refresh, int64_t key_index, struct err *err)
{
    AUTO(heap) char *name = NULL;
    AUTO(published) struct published item = {.fd = -1};
    struct err detail = {0};
    TRY(authority_crl_name(refresh->authority, key_index, &name, err));
    const struct published *old = cdp_set_find(refresh->old, name);
    if (refresh_crl_item(refresh, key_index, old, &item, &detail) != STATUS_OK) {
        refresh_failed(refresh, &detail);
        published_free(&item);
        item = (struct published){.fd = -1};
        if (old == NULL)
            return STATUS_OK;
        if (!is_servable(old)) {
            refresh->changed = true; /* nothing is better than a damaged one */
            return STATUS_OK;
        }
        TRY(share(old, &item, err));
    }
    refresh_put(refresh, &item, MOVE(name));
    return STATUS_OK;
}

static enum status refresh_certificate(struct refresh *refresh, const struct generation *generation,
                                       struct err *err)
{
    AUTO(heap) char *name = NULL;
    AUTO(published) struct published item = {.fd = -1};
    AUTO(buf) struct buf octets = BUF(IN_MEMORY_MAX);
    TRY(authority_crt_name(refresh->authority, generation->certificate_index, &name, err));
    const struct published *old = cdp_set_find(refresh->old, name);
    if (old != NULL) {
        TRY(share(old, &item, err));
    } else {
        buf_add(&octets, buf_span(&generation->certificate->der));
        TRY(buf_status(&octets, "the CA certificate", err));
        TRY(blob_new(&octets, TYPE_CERT, generation->certificate->not_before_s, &item.blob, err));
        refresh->changed = true;
    }
    refresh_put(refresh, &item, MOVE(name));
    return STATUS_OK;
}

/* Several certificates may hold the same key: one CRL. */
static bool key_seen_before(const struct authority *authority, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (authority_generation(authority, i)->key_index ==
            authority_generation(authority, index)->key_index)
            return true;
    return false;
}

static enum status refresh_all(struct refresh *refresh, struct err *err)
{
    for (size_t i = 0; i < authority_generation_count(refresh->authority); i++) {
        const struct generation *generation = authority_generation(refresh->authority, i);
        TRY(refresh_certificate(refresh, generation, err));
        if (!key_seen_before(refresh->authority, i))
            TRY(refresh_crl(refresh, generation->key_index, err));
    }
    return STATUS_OK;
}

static void swap_set(struct cdp_cache *cache, struct cdp_set *fresh)
{
    (void)pthread_mutex_lock(&cache->present_lock);
    struct cdp_set *old = cache->present;
    cache->present = fresh;
    (void)pthread_mutex_unlock(&cache->present_lock);
    cdp_set_unref(old);
}

static void note_damaged(struct cdp_cache *cache, const struct refresh *refresh)
{
    (void)pthread_mutex_lock(&cache->present_lock);
    cache->damaged_key = refresh->damaged_key;
    cache->damaged_number = refresh->damaged_number;
    (void)pthread_mutex_unlock(&cache->present_lock);
}

bool cdp_cache_damaged(struct cdp_cache *cache, int64_t key_index, int64_t number)
{
    (void)pthread_mutex_lock(&cache->present_lock);
    bool damaged = number != 0 && cache->damaged_number == number && cache->damaged_key == key_index;
    (void)pthread_mutex_unlock(&cache->present_lock);
    return damaged;
}

static enum status refresh_locked(struct cdp_cache *cache, const struct snapshot *snapshot,
                                  struct store *store, struct err *err)
{
    AUTO(cdp_set) struct cdp_set *old = cdp_set_present(cache);
    size_t room = 2 * authority_generation_count(snapshot->authority);
    AUTO(cdp_set) struct cdp_set *fresh = calloc(1, sizeof *fresh + room * sizeof fresh->items[0]);
    if (fresh == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the published files");
    fresh->references = 1;
    struct refresh refresh = {
        .authority = snapshot->authority, .store = store, .old = old, .fresh = fresh, .err = err};
    TRY(refresh_all(&refresh, err));
    note_damaged(cache, &refresh);
    if (refresh.changed)
        swap_set(cache, MOVE(fresh));
    return refresh.failure;
}

enum status cdp_cache_refresh(struct cdp_cache *cache, const struct snapshot *snapshot, struct store *store,
                              struct err *err)
{
    (void)pthread_mutex_lock(&cache->refresh_lock);
    enum status status = refresh_locked(cache, snapshot, store, err);
    (void)pthread_mutex_unlock(&cache->refresh_lock);
    return status;
}

/* ---- serving ---- */

/* rules.md: until the next scheduled one, at most 300 s. */
static int64_t max_age_s(const struct published *item)
{
    if (item->next_scheduled_s == 0)
        return MAX_AGE_S;
    int64_t left_s = item->next_scheduled_s - clock_now();
    if (left_s < 0)
        return 0;
    return left_s < MAX_AGE_S ? left_s : MAX_AGE_S;
}

void cdp_handler(const struct http_request *request, struct http_reply *reply)
{
    const struct server *server = request->application;
    AUTO(cdp_set) struct cdp_set *set = cdp_set_present(server->cdp);
    /* the route compares the prefix without case; the rest was percent-decoded once */
    const struct published *item = cdp_set_find(set, request->path + sizeof PATH_PREFIX - 1);
    if (item == NULL) {
        reply_text(reply, 404, "There is no CRL or CA certificate of this name.");
        return;
    }
    if (item->blob != NULL) {
        reply->blob = blob_ref(item->blob);
    } else if (!is_servable(item)) {
        reply_text(reply, 503, "The CRL is being made anew; try again.");
        reply->retry_after_s = 5;
        return;
    } else {
        int fd = fcntl(item->fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0) {
            reply_text(reply, 503, "The server has too many files open; try again.");
            reply->retry_after_s = 5;
            return;
        }
        reply->file_fd = fd;
        reply->file_size = item->size;
        memcpy(reply->etag, item->etag, sizeof reply->etag);
        reply->modified_s = item->modified_s;
        reply->content_type = TYPE_CRL;
    }
    reply->status = 200;
    reply->cache = true;
    reply->max_age_s = max_age_s(item);
    reply_conditional(request, reply);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the SQLite backend share: connections, queries, the store's own
 * struct, and the operations by file. Nobody outside db/ includes it but the backend's
 * own tests.
 */
#ifndef SCEPTER_DB_SQLITE_H
#define SCEPTER_DB_SQLITE_H

#include "store_backend.h"

#include <pthread.h>
#include <sqlite3.h>

/* ---- connections and queries (sqlite_sql.c) ---- */

#define SQL_CACHE_MAX 64

/* One connection, used by one thread at a time. */
struct sql_connection {
    sqlite3 *db;
    const char *path;            /* the store's, for error texts */
    bool is_opening;             /* damage is STATUS_INTEGRITY still, STATUS_IO later */
    struct sql_connection *next; /* in the list of idle readers */
    struct {
        const char *sql; /* a literal: found again by its address */
        sqlite3_stmt *stmt;
    } cache[SQL_CACHE_MAX];
    size_t cached;
};

/* One use of a statement: bind in order, then query_run or query_row; then read in order. The first failure
 * of binding or reading is kept and reported by the next call that takes an err. */
struct query {
    struct sql_connection *on;
    sqlite3_stmt *stmt;
    bool is_cached;
    int parameter; /* bound last */
    int column;    /* to be read next */
    int rc;        /* SQLITE_OK or the first failure */
    bool damaged;  /* a column held what no writer writes */
};

/* SQLITE_OPEN_READWRITE (and CREATE) with the pragmas of the house. STATUS_IO, STATUS_INTEGRITY … */
NODISCARD enum status sql_open(const char *path, bool reader, struct sql_connection **out, struct err *err);
void sql_close(struct sql_connection *on);
AUTO_POINTER(sql_connection, struct sql_connection, sql_close)
/* Fills err from an SQLite result code: what is wrong with the file and what to do. */
enum status sql_error(struct sql_connection *on, int rc, struct err *err);
/* Runs text without parameters or rows. */
NODISCARD enum status sql_exec(struct sql_connection *on, const char *sql, struct err *err);

/* sql must be a literal: the statement is kept with the connection. */
NODISCARD enum status query_begin(struct sql_connection *on, const char *sql, struct query *out,
                                  struct err *err);
/* For text that is built: the statement is forgotten at query_end. */
NODISCARD enum status query_begin_once(struct sql_connection *on, const struct buf *sql, struct query *out,
                                       struct err *err);
/* What is bound must live until query_end. */
void bind_int(struct query *query, int64_t value);
void bind_text(struct query *query, const char *text); /* NULL binds NULL */
void bind_blob(struct query *query, struct span octets);
void bind_blob_or_null(struct query *query, struct span octets); /* an empty one binds NULL */
/* A digest; all zero binds NULL. */
void bind_digest(struct query *query, const uint8_t digest[SHA256_LEN]);

/* Expects no row. */
NODISCARD enum status query_run(struct query *query, struct err *err);
/* The next row; *found is false at the end. */
NODISCARD enum status query_row(struct query *query, bool *found, struct err *err);
/* A single number out of the first row; 0 without a row. Ends nothing. */
NODISCARD enum status query_number(struct query *query, int64_t *out, struct err *err);
/* Rows that the last query_run of this connection changed. */
int64_t sql_changes(struct sql_connection *on);
void query_end(struct query *query);
AUTO_VALUE(query, struct query, query_end)

int64_t read_int(struct query *query);
char *read_text(struct query *query);                           /* the caller's; NULL for NULL */
struct buf read_blob(struct query *query);                      /* the caller's; empty for NULL */
void read_digest(struct query *query, uint8_t out[SHA256_LEN]); /* NULL gives zeros */
struct serial read_serial(struct query *query);                 /* NULL gives len 0 */
struct values read_values(struct query *query);                 /* JSON; the caller's */
struct general_names read_names(struct query *query);           /* JSON; the caller's */
/* How reading went. */
NODISCARD enum status read_status(struct query *query, struct err *err);

/* ---- lists as JSON (sqlite_json.c) ---- */

/* [["name","text"], …]; *out is the caller's, NULL for the empty list. STATUS_NOMEM, STATUS_MALFORMED. */
NODISCARD enum status values_to_json(const struct values *values, char **out, struct err *err);
NODISCARD enum status names_to_json(const struct general_names *names, char **out, struct err *err);
/* Back again; text of NULL gives the empty list. STATUS_NOMEM, STATUS_MALFORMED. */
NODISCARD enum status values_from_json(const char *text, struct values *out);
NODISCARD enum status names_from_json(const char *text, struct general_names *out);

/* ---- the store (sqlite_open.c) ---- */

#define IDLE_READERS_MAX 32
#define COMMIT_GROUP_MAX 256

/* One caller of store_commit that waits. */
struct commit_wait {
    struct change *change; /* NULL: a probe */
    int64_t request_id, challenge_id, crl_number;
    bool is_retry;
    enum status status;
    struct err err;
    bool done;
    pthread_cond_t wake;
    struct commit_wait *next;
};

struct sqlite_store {
    struct store base;
    char *path;

    pthread_mutex_t pool_lock;
    struct sql_connection *idle;
    size_t idle_count;

    pthread_mutex_t queue_lock; /* the queue, the thread, the numbers */
    pthread_cond_t queue_filled;
    struct commit_wait *first, **last;
    pthread_t thread;
    bool started, stopping;
    int64_t commits, changes;

    pthread_mutex_t writer_lock; /* the writing connection */
    struct sql_connection *writer;
};

static inline struct sqlite_store *sqlite_store_of(struct store *store)
{
    return (struct sqlite_store *)store;
}

/* A reading connection, given back by reader_give. */
NODISCARD enum status reader_take(struct store *store, struct sql_connection **out, struct err *err);
void reader_give(struct store *store, struct sql_connection *reader);

struct reader {
    struct store *store;
    struct sql_connection *on;
};
/* Gives back at the end of the scope: AUTO(reader) struct reader reader = {store, NULL}; */
static inline void reader_release(struct reader *reader)
{
    reader_give(reader->store, reader->on);
}
AUTO_VALUE(reader, struct reader, reader_release)

/* ---- the writer (sqlite_writer.c) ---- */

enum status sqlite_commit(struct store *store, struct change *change, struct err *err);
enum status sqlite_probe(struct store *store, struct err *err);
enum status sqlite_foreign_version(struct store *store, int64_t *version, struct err *err);
/* Lets what waits be committed, then ends the thread. */
void sqlite_writer_stop(struct sqlite_store *store);

/* What each kind of change does, inside the writer's transaction; results go to the wait. */
typedef enum status change_apply(struct sql_connection *on, const struct change_op *op,
                                 struct commit_wait *wait, struct err *err);
change_apply sqlite_request_add, sqlite_request_decide, sqlite_request_delivered;
change_apply sqlite_certificate_add, sqlite_revoke, sqlite_unhold;
change_apply sqlite_challenge_add, sqlite_challenge_use, sqlite_challenge_fail, sqlite_challenge_give_back;
change_apply sqlite_challenges_void;
change_apply sqlite_crl_claim, sqlite_crl_release, sqlite_crl_published;
change_apply sqlite_device_put, sqlite_setting_put, sqlite_audit_add;
/* Moves state.expired on to now_s, in bounded steps. */
NODISCARD enum status sqlite_expiry_advance(struct sql_connection *on, int64_t now_s, struct err *err);

/* ---- reading, as in struct store_ops ---- */

enum status sqlite_request(struct store *store, int64_t id, struct request_row *out, struct err *err);
enum status sqlite_request_retry(struct store *store, const uint8_t retry_key[SHA256_LEN], int64_t since_s,
                                 int64_t now_s, struct request_row *out, struct err *err);
enum status sqlite_request_transaction(struct store *store, const char *profile, const char *transaction_id,
                                       const uint8_t key_fingerprint[SHA256_LEN], struct request_row *out,
                                       struct err *err);
enum status sqlite_request_other_key(struct store *store, const char *profile, const char *transaction_id,
                                     const uint8_t key_fingerprint[SHA256_LEN], bool *exists,
                                     struct err *err);
enum status sqlite_requests(struct store *store, const struct request_filter *filter, request_visit *visit,
                            void *context, struct err *err);
enum status sqlite_certificate(struct store *store, const struct serial *serial, struct certificate_row *out,
                               struct err *err);
enum status sqlite_certificates(struct store *store, const struct certificate_filter *filter,
                                certificate_visit *visit, void *context, struct err *err);
enum status sqlite_key_compromised(struct store *store, const uint8_t key_fingerprint[SHA256_LEN],
                                   bool *compromised, struct err *err);
enum status sqlite_challenge(struct store *store, const uint8_t sha256_[SHA256_LEN],
                             struct challenge_row *out, struct err *err);
enum status sqlite_revoked_begin(struct store *store, int64_t issuer_key, int64_t last_scheduled_s,
                                 struct revoked_walk **out, int64_t *revocation_version, struct err *err);
enum status sqlite_revoked_rewind(struct revoked_walk *walk, struct err *err);
enum status sqlite_revoked_next(struct revoked_walk *walk, struct revoked_entry *entry, bool *found,
                                struct err *err);
void sqlite_revoked_end(struct revoked_walk *walk);
enum status sqlite_revocation_version(struct store *store, int64_t *version, struct err *err);
enum status sqlite_crl(struct store *store, int64_t issuer_key, bool only_scheduled, struct crl_row *out,
                       struct err *err);
enum status sqlite_device(struct store *store, const char *uid, struct device_row *out, struct err *err);
enum status sqlite_device_by_value(struct store *store, const char *name, const char *text,
                                   struct device_row *out, struct err *err);
enum status sqlite_devices(struct store *store, device_visit *visit, void *context, struct err *err);
enum status sqlite_setting(struct store *store, const char *name, struct buf *out, struct err *err);
enum status sqlite_audit(struct store *store, const struct audit_filter *filter, audit_visit *visit,
                         void *context, struct err *err);
enum status sqlite_audit_head(struct store *store, int64_t *id, uint8_t hash[SHA256_LEN], struct err *err);
enum status sqlite_counts(struct store *store, int64_t now_s, struct store_counts *out, struct err *err);
enum status sqlite_last_commit_s(struct store *store, int64_t *time_s, struct err *err);
enum status sqlite_integrity(struct store *store, struct err *err);
enum status sqlite_backup(struct store *store, const char *path, struct err *err);

#endif

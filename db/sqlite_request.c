/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests: added (unless they are retries), decided, found again, listed. Whether a
 * request may be issued is not decided here.
 */
#include "sqlite.h"

#include <inttypes.h>
#include <stdio.h>

/* In the order of request_read. */
#define REQUEST_COLUMNS                                                                                      \
    "r.id, r.created_s, r.decided_s, r.lapses_s, r.disposition, r.reason, r.protocol, r.profile, "           \
    "r.template, r.transaction_id, r.requester, r.decided_by, r.remote, r.subject, r.san, r.lookup_values, " \
    "r.key_fingerprint, r.retry_key, r.challenge_id, r.challenge_sha256, r.renews, r.serial, r.sealed, "     \
    "r.csr FROM request r "

/* Issued ones count while their certificate is neither expired nor revoked. ?1 retry_key, ?2 since_s,
 * ?3 now_s. The second term lets SQLite use the partial index. */
#define RETRY_OF                                                                                             \
    "LEFT JOIN certificate c ON c.serial = r.serial "                                                        \
    "WHERE r.retry_key = ?1 AND r.disposition IN (0, 1) AND r.created_s >= ?2 "                              \
    "AND (r.disposition = 1 OR (c.id IS NOT NULL AND c.reason IS NULL AND c.not_after_s >= ?3)) "            \
    "ORDER BY r.id DESC LIMIT 1"

/* One column of state counts each disposition. */
static const char *const COUNT_UP[] = {
    [DISPOSITION_ISSUED] = "UPDATE state SET requests_issued = requests_issued + 1",
    [DISPOSITION_PENDING] = "UPDATE state SET requests_pending = requests_pending + 1",
    [DISPOSITION_DENIED] = "UPDATE state SET requests_denied = requests_denied + 1",
    [DISPOSITION_FAILED] = "UPDATE state SET requests_failed = requests_failed + 1",
};
static const char COUNT_PENDING_DOWN[] = "UPDATE state SET requests_pending = requests_pending - 1";

static enum status run_literal(struct sql_connection *on, const char *sql, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, sql, &query, err));
    return query_run(&query, err);
}

/* ---- adding ---- */

static bool has_retry_key(const struct request_row *row)
{
    static const uint8_t none[SHA256_LEN];
    return memcmp(row->retry_key, none, SHA256_LEN) != 0;
}

static enum status refuse_retry(struct sql_connection *on, const struct change_op *op,
                                struct commit_wait *wait, struct err *err)
{
    const struct request_row *row = op->request.row;
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "SELECT r.id FROM request r " RETRY_OF, &query, err));
    bind_digest(&query, row->retry_key);
    bind_int(&query, op->request.retry_since_s);
    bind_int(&query, row->created_s);
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (!found)
        return STATUS_OK;
    wait->request_id = read_int(&query);
    wait->is_retry = true;
    return ERR(err, STATUS_CONFLICT, "this is a retry of request %" PRId64, wait->request_id);
}

static void bind_request(struct query *query, const struct request_row *row, const char *san,
                         const char *values)
{
    bind_int(query, row->created_s);
    bind_int(query, row->decided_s);
    bind_int(query, row->lapses_s);
    bind_int(query, row->disposition);
    bind_text(query, row->reason);
    bind_text(query, row->protocol);
    bind_text(query, row->profile);
    bind_text(query, row->template_name);
    bind_text(query, row->transaction_id);
    bind_text(query, row->requester);
    bind_text(query, row->decided_by);
    bind_text(query, row->remote);
    bind_text(query, row->subject);
    bind_text(query, san);
    bind_text(query, values);
    bind_blob(query, SPAN(row->key_fingerprint, SHA256_LEN));
    bind_digest(query, row->retry_key);
    bind_int(query, row->challenge_id);
    bind_digest(query, row->challenge_sha256);
    bind_blob_or_null(query, serial_span(&row->renews));
    bind_blob_or_null(query, serial_span(&row->serial));
    bind_blob_or_null(query, buf_span(&row->sealed));
    bind_blob_or_null(query, buf_span(&row->csr));
}

static enum status insert_request(struct sql_connection *on, const struct request_row *row, struct err *err)
{
    AUTO(heap) char *san = NULL;
    AUTO(heap) char *values = NULL;
    TRY(names_to_json(&row->san, &san, err));
    TRY(values_to_json(&row->values, &values, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(
        on,
        "INSERT INTO request (created_s, decided_s, lapses_s, disposition, reason, protocol, profile, "
        "template, transaction_id, requester, decided_by, remote, subject, san, lookup_values, "
        "key_fingerprint, retry_key, challenge_id, challenge_sha256, renews, serial, sealed, csr) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        &query, err));
    bind_request(&query, row, san, values);
    return query_run(&query, err);
}

/* Anybody can send these: their number is bounded, the oldest goes. The newest row is the stranger's. */
static enum status keep_strangers(struct sql_connection *on, int64_t most, struct err *err)
{
    TRY(run_literal(on, "UPDATE request SET stranger = 1 WHERE id = last_insert_rowid()", err));
    TRY(run_literal(on, "UPDATE state SET strangers = strangers + 1", err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(
        on,
        "DELETE FROM request WHERE id = (SELECT id FROM request WHERE stranger = 1 ORDER BY id LIMIT 1) "
        "AND (SELECT strangers FROM state) > ?1",
        &query, err));
    bind_int(&query, most);
    TRY(query_run(&query, err));
    if (sql_changes(on) == 0)
        return STATUS_OK;
    return run_literal(
        on, "UPDATE state SET strangers = strangers - 1, requests_denied = requests_denied - 1", err);
}

enum status sqlite_request_add(struct sql_connection *on, const struct change_op *op,
                               struct commit_wait *wait, struct err *err)
{
    const struct request_row *row = op->request.row;
    bool may_be_retry = row->disposition == DISPOSITION_ISSUED || row->disposition == DISPOSITION_PENDING;
    if (may_be_retry && has_retry_key(row))
        TRY(refuse_retry(on, op, wait, err));
    TRY(insert_request(on, row, err));
    wait->request_id = sqlite3_last_insert_rowid(on->db);
    if (op->request.strangers_max > 0)
        TRY(keep_strangers(on, op->request.strangers_max, err));
    return run_literal(on, COUNT_UP[row->disposition], err);
}

/* ---- deciding ---- */

static enum status why_not_decided(struct sql_connection *on, int64_t id, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "SELECT disposition FROM request WHERE id = ?1", &query, err));
    bind_int(&query, id);
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (!found)
        return ERR(err, STATUS_NOT_FOUND, "there is no request %" PRId64, id);
    return ERR(err, STATUS_CONFLICT, "request %" PRId64 " is %s: only a pending one can be decided", id,
               disposition_name((enum disposition)read_int(&query)));
}

static enum status update_decided(struct sql_connection *on, const struct request_row *row, struct err *err)
{
    AUTO(heap) char *san = NULL;
    AUTO(heap) char *values = NULL;
    TRY(names_to_json(&row->san, &san, err));
    TRY(values_to_json(&row->values, &values, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(
        on,
        "UPDATE request SET disposition = ?, reason = ?, decided_by = ?, decided_s = ?, serial = ?, "
        "subject = coalesce(?, subject), san = coalesce(?, san), "
        "lookup_values = coalesce(?, lookup_values), lapses_s = 0 WHERE id = ? AND disposition = 1",
        &query, err));
    bind_int(&query, row->disposition);
    bind_text(&query, row->reason);
    bind_text(&query, row->decided_by);
    bind_int(&query, row->decided_s);
    bind_blob_or_null(&query, serial_span(&row->serial));
    bind_text(&query, row->subject);
    bind_text(&query, san);
    bind_text(&query, values);
    bind_int(&query, row->id);
    TRY(query_run(&query, err));
    return sql_changes(on) == 1 ? STATUS_OK : why_not_decided(on, row->id, err);
}

enum status sqlite_request_decide(struct sql_connection *on, const struct change_op *op,
                                  struct commit_wait *wait, struct err *err)
{
    const struct request_row *row = op->request.row;
    TRY(update_decided(on, row, err));
    wait->request_id = row->id;
    TRY(run_literal(on, COUNT_PENDING_DOWN, err));
    return run_literal(on, COUNT_UP[row->disposition], err);
}

enum status sqlite_request_delivered(struct sql_connection *on, const struct change_op *op,
                                     struct commit_wait *wait, struct err *err)
{
    (void)wait;
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "UPDATE request SET sealed = NULL WHERE id = ?1", &query, err));
    bind_int(&query, op->id);
    TRY(query_run(&query, err));
    if (sql_changes(on) == 0)
        return ERR(err, STATUS_NOT_FOUND, "there is no request %" PRId64, op->id);
    return STATUS_OK;
}

/* ---- reading ---- */

static enum status request_read(struct query *query, struct request_row *row, struct err *err)
{
    row->id = read_int(query);
    row->created_s = read_int(query);
    row->decided_s = read_int(query);
    row->lapses_s = read_int(query);
    row->disposition = (enum disposition)read_int(query);
    row->reason = read_text(query);
    row->protocol = read_text(query);
    row->profile = read_text(query);
    row->template_name = read_text(query);
    row->transaction_id = read_text(query);
    row->requester = read_text(query);
    row->decided_by = read_text(query);
    row->remote = read_text(query);
    row->subject = read_text(query);
    row->san = read_names(query);
    row->values = read_values(query);
    read_digest(query, row->key_fingerprint);
    read_digest(query, row->retry_key);
    row->challenge_id = read_int(query);
    read_digest(query, row->challenge_sha256);
    row->renews = read_serial(query);
    row->serial = read_serial(query);
    row->sealed = read_blob(query);
    row->csr = read_blob(query);
    return read_status(query, err);
}

/* The first row, or STATUS_NOT_FOUND. */
static enum status request_read_one(struct query *query, const char *what, struct request_row *out,
                                    struct err *err)
{
    bool found = false;
    TRY(query_row(query, &found, err));
    if (!found)
        return ERR(err, STATUS_NOT_FOUND, "there is no %s", what);
    AUTO(request_row) struct request_row row = {0};
    TRY(request_read(query, &row, err));
    *out = row;
    row = (struct request_row){0};
    return STATUS_OK;
}

enum status sqlite_request(struct store *store, int64_t id, struct request_row *out, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on, "SELECT " REQUEST_COLUMNS "WHERE r.id = ?1", &query, err));
    bind_int(&query, id);
    char what[48];
    snprintf(what, sizeof what, "request %" PRId64, id);
    return request_read_one(&query, what, out, err);
}

enum status sqlite_request_retry(struct store *store, const uint8_t retry_key[SHA256_LEN], int64_t since_s,
                                 int64_t now_s, struct request_row *out, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on, "SELECT " REQUEST_COLUMNS RETRY_OF, &query, err));
    bind_digest(&query, retry_key);
    bind_int(&query, since_s);
    bind_int(&query, now_s);
    return request_read_one(&query, "earlier request that this one repeats", out, err);
}

enum status sqlite_request_transaction(struct store *store, const char *profile, const char *transaction_id,
                                       const uint8_t key_fingerprint[SHA256_LEN], struct request_row *out,
                                       struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on,
                    "SELECT " REQUEST_COLUMNS "WHERE r.profile = ?1 AND r.transaction_id = ?2 "
                    "AND r.key_fingerprint = ?3 AND (r.disposition IN (0, 1) OR r.decided_by IS NOT NULL) "
                    "ORDER BY r.id DESC LIMIT 1",
                    &query, err));
    bind_text(&query, profile);
    bind_text(&query, transaction_id);
    bind_blob(&query, SPAN(key_fingerprint, SHA256_LEN));
    return request_read_one(&query, "request with this transactionID and key", out, err);
}

enum status sqlite_request_other_key(struct store *store, const char *profile, const char *transaction_id,
                                     const uint8_t key_fingerprint[SHA256_LEN], bool *exists, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on,
                    "SELECT 1 FROM request r WHERE r.profile = ?1 AND r.transaction_id = ?2 "
                    "AND r.key_fingerprint <> ?3 AND r.disposition = 1 LIMIT 1",
                    &query, err));
    bind_text(&query, profile);
    bind_text(&query, transaction_id);
    bind_blob(&query, SPAN(key_fingerprint, SHA256_LEN));
    return query_row(&query, exists, err);
}

/* ---- lists ---- */

/* Numbers stand in the text where a partial index is meant: SQLite sees only then that it fits. Whatever is
 * left is a walk in order of id that stops at the limit. */
static void list_text(const struct request_filter *filter, struct buf *sql)
{
    buf_add_text(sql, "SELECT " REQUEST_COLUMNS "WHERE r.id > ?");
    if (filter->by_disposition)
        buf_printf(sql, " AND r.disposition = %d", (int)filter->disposition);
    if (filter->by_disposition && filter->disposition != DISPOSITION_ISSUED)
        buf_add_text(sql, " AND r.disposition <> 0");
    if (filter->pending_lapsed_s > 0)
        buf_add_text(sql, " AND r.id IN (SELECT id FROM request WHERE disposition = 1 AND lapses_s > 0 "
                          "AND lapses_s <= ?)");
    if (filter->profile != NULL)
        buf_add_text(sql, " AND +r.profile = ?");
    buf_add_text(sql, " ORDER BY r.id LIMIT ?");
}

static enum status visit_rows(struct query *query, request_visit *visit, void *context, struct err *err)
{
    for (;;) {
        bool found = false;
        TRY(query_row(query, &found, err));
        if (!found)
            return STATUS_OK;
        AUTO(request_row) struct request_row row = {0};
        TRY(request_read(query, &row, err));
        TRY(visit(&row, context, err));
    }
}

enum status sqlite_requests(struct store *store, const struct request_filter *filter, request_visit *visit,
                            void *context, struct err *err)
{
    AUTO(buf) struct buf sql = BUF(4096);
    list_text(filter, &sql);
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin_once(reader.on, &sql, &query, err));
    bind_int(&query, filter->after_id);
    if (filter->pending_lapsed_s > 0)
        bind_int(&query, filter->pending_lapsed_s);
    if (filter->profile != NULL)
        bind_text(&query, filter->profile);
    bind_int(&query, filter->limit > 0 ? filter->limit : -1);
    return visit_rows(&query, visit, context, err);
}

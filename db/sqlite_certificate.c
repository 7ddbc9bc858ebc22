/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates: added, found by serial or key, listed by filter. Revoking them is in
 * sqlite_revocation.c.
 */
#include "sqlite.h"

#include <assert.h>
#include <inttypes.h>

/* In the order of certificate_read, the DER behind them. */
#define CERTIFICATE_COLUMNS                                                                                  \
    "c.id, c.request_id, c.created_s, c.serial, c.issuer_key, c.template, c.template_version, c.profile, "   \
    "c.subject, c.subject_der, c.san, c.lookup_values, c.key_fingerprint, c.not_before_s, c.not_after_s, "   \
    "c.requester, c.renews, coalesce(c.reason, -1), c.revoked_s"
#define WITH_DER    ", d.der FROM certificate c LEFT JOIN certificate_der d ON d.id = c.id "
#define WITHOUT_DER ", NULL FROM certificate c "

/* ---- adding ---- */

static enum status insert_row(struct sql_connection *on, const struct certificate_row *row,
                              int64_t request_id, struct err *err)
{
    AUTO(heap) char *san = NULL;
    AUTO(heap) char *values = NULL;
    TRY(names_to_json(&row->san, &san, err));
    TRY(values_to_json(&row->values, &values, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(on,
                    "INSERT INTO certificate (request_id, created_s, serial, issuer_key, template, "
                    "template_version, profile, subject, subject_der, san, lookup_values, key_fingerprint, "
                    "not_before_s, not_after_s, requester, renews) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    &query, err));
    bind_int(&query, request_id);
    bind_int(&query, row->created_s);
    bind_blob(&query, serial_span(&row->serial));
    bind_int(&query, row->issuer_key);
    bind_text(&query, row->template_name);
    bind_int(&query, row->template_version);
    bind_text(&query, row->profile);
    bind_text(&query, row->subject);
    bind_blob_or_null(&query, buf_span(&row->subject_der));
    bind_text(&query, san);
    bind_text(&query, values);
    bind_blob(&query, SPAN(row->key_fingerprint, SHA256_LEN));
    bind_int(&query, row->not_before_s);
    bind_int(&query, row->not_after_s);
    bind_text(&query, row->requester);
    bind_blob_or_null(&query, serial_span(&row->renews));
    return query_run(&query, err);
}

static enum status insert_der(struct sql_connection *on, int64_t id, const struct buf *der, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "INSERT INTO certificate_der (id, der) VALUES (?, ?)", &query, err));
    bind_int(&query, id);
    bind_blob(&query, buf_span(der));
    return query_run(&query, err);
}

static enum status insert_value(struct sql_connection *on, int64_t id, const struct value *value,
                                struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "INSERT INTO certificate_value (name, text, certificate_id) VALUES (?, ?, ?)", &query,
                    err));
    bind_text(&query, value->name);
    bind_text(&query, value->text);
    bind_int(&query, id);
    return query_run(&query, err);
}

static enum status count_certificate(struct sql_connection *on, int64_t not_after_s, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on,
                    "UPDATE state SET certificates = certificates + 1, "
                    "expired = expired + (?1 < expired_until_s)",
                    &query, err));
    bind_int(&query, not_after_s);
    return query_run(&query, err);
}

enum status sqlite_certificate_add(struct sql_connection *on, const struct change_op *op,
                                   struct commit_wait *wait, struct err *err)
{
    const struct certificate_row *row = op->certificate.row;
    assert(row->serial.len > 0);
    struct err inner = {0};
    int64_t request_id = op->certificate.of_this_request ? wait->request_id : row->request_id;
    enum status status = insert_row(on, row, request_id, &inner);
    if (status == STATUS_CONFLICT) {
        char text[2 * SERIAL_MAX + 1];
        serial_text(&row->serial, text);
        return ERR(err, status, "a certificate with the serial number %s is already in the store", text);
    }
    if (status != STATUS_OK)
        return ERR(err, status, "%s", inner.text);
    int64_t id = sqlite3_last_insert_rowid(on->db);
    TRY(insert_der(on, id, &row->der, err));
    for (size_t i = 0; i < row->values.count; i++)
        TRY(insert_value(on, id, &row->values.items[i], err));
    return count_certificate(on, row->not_after_s, err);
}

/* ---- expiry ---- */

/* Certificates that one transaction moves at most: a backlog is worked off by the following ones. */
#define EXPIRY_STEP 500

static enum status count_between(struct sql_connection *on, int64_t from_s, int64_t to_s, int64_t *count,
                                 struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on,
                    "SELECT count(*) FROM certificate WHERE reason IS NULL AND not_after_s >= ?1 "
                    "AND not_after_s < ?2",
                    &query, err));
    bind_int(&query, from_s);
    bind_int(&query, to_s);
    return query_number(&query, count, err);
}

/* How far one step gets from from_s: to now_s, or to the end of the EXPIRY_STEP-th certificate. */
static enum status step_end(struct sql_connection *on, int64_t from_s, int64_t now_s, int64_t *to_s,
                            struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on,
                    "SELECT not_after_s + 1 FROM certificate WHERE reason IS NULL AND not_after_s >= ?1 "
                    "AND not_after_s < ?2 ORDER BY not_after_s LIMIT 1 OFFSET ?3",
                    &query, err));
    bind_int(&query, from_s);
    bind_int(&query, now_s);
    bind_int(&query, EXPIRY_STEP);
    bool found = false;
    TRY(query_row(&query, &found, err));
    *to_s = found ? read_int(&query) : now_s;
    return STATUS_OK;
}

static enum status expiry_set(struct sql_connection *on, int64_t more, int64_t until_s, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "UPDATE state SET expired = expired + ?1, expired_until_s = ?2", &query, err));
    bind_int(&query, more);
    bind_int(&query, until_s);
    return query_run(&query, err);
}

enum status sqlite_expiry_advance(struct sql_connection *on, int64_t now_s, struct err *err)
{
    int64_t from_s = 0, to_s = 0, count = 0;
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "SELECT expired_until_s FROM state", &query, err));
    TRY(query_number(&query, &from_s, err));
    query_end(&query);
    if (from_s == now_s)
        return STATUS_OK;
    if (from_s > now_s) { /* the clock was wrong, then or now: as far back as it goes */
        TRY(count_between(on, now_s, from_s, &count, err));
        return expiry_set(on, -count, now_s, err);
    }
    TRY(step_end(on, from_s, now_s, &to_s, err));
    TRY(count_between(on, from_s, to_s, &count, err));
    return expiry_set(on, count, to_s, err);
}

/* ---- reading ---- */

static enum status certificate_read(struct query *query, struct certificate_row *row, struct err *err)
{
    row->id = read_int(query);
    row->request_id = read_int(query);
    row->created_s = read_int(query);
    row->serial = read_serial(query);
    row->issuer_key = read_int(query);
    row->template_name = read_text(query);
    row->template_version = read_int(query);
    row->profile = read_text(query);
    row->subject = read_text(query);
    row->subject_der = read_blob(query);
    row->san = read_names(query);
    row->values = read_values(query);
    read_digest(query, row->key_fingerprint);
    row->not_before_s = read_int(query);
    row->not_after_s = read_int(query);
    row->requester = read_text(query);
    row->renews = read_serial(query);
    row->reason = (enum crl_reason)read_int(query);
    row->revoked_s = read_int(query);
    row->der = read_blob(query);
    return read_status(query, err);
}

enum status sqlite_certificate(struct store *store, const struct serial *serial, struct certificate_row *out,
                               struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on, "SELECT " CERTIFICATE_COLUMNS WITH_DER "WHERE c.serial = ?1", &query, err));
    bind_blob(&query, serial_span(serial));
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (!found) {
        char text[2 * SERIAL_MAX + 1];
        serial_text(serial, text);
        return ERR(err, STATUS_NOT_FOUND, "there is no certificate with the serial number %s", text);
    }
    AUTO(certificate_row) struct certificate_row row = {0};
    TRY(certificate_read(&query, &row, err));
    *out = row;
    row = (struct certificate_row){0};
    return STATUS_OK;
}

enum status sqlite_key_compromised(struct store *store, const uint8_t key_fingerprint[SHA256_LEN],
                                   bool *compromised, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on, "SELECT 1 FROM certificate WHERE key_fingerprint = ?1 AND +reason = 1 LIMIT 1",
                    &query, err));
    bind_blob(&query, SPAN(key_fingerprint, SHA256_LEN));
    return query_row(&query, compromised, err);
}

/* ---- lists ---- */

/* The ids of few come from an index; the rest is a walk in order of id that stops at the limit. A unary plus
 * keeps SQLite from sorting millions of rows for the sake of an index. */
static void list_status(const struct certificate_filter *filter, struct buf *sql)
{
    switch (filter->status) {
    case CERTIFICATE_VALID:
        buf_add_text(sql, " AND c.reason IS NULL AND +c.not_after_s >= ?");
        break;
    case CERTIFICATE_EXPIRED:
        buf_add_text(sql, " AND c.reason IS NULL AND +c.not_after_s < ?");
        break;
    case CERTIFICATE_REVOKED:
        buf_add_text(sql, " AND c.reason IS NOT NULL AND c.reason <> 6");
        break;
    case CERTIFICATE_HELD:
        buf_add_text(sql, " AND c.reason IS NOT NULL AND c.reason = 6");
        break;
    }
}

static void list_text(const struct certificate_filter *filter, struct buf *sql)
{
    buf_add_text(sql, filter->with_der ? "SELECT " CERTIFICATE_COLUMNS WITH_DER
                                       : "SELECT " CERTIFICATE_COLUMNS WITHOUT_DER);
    buf_add_text(sql, "WHERE c.id > ?");
    if (filter->by_status)
        list_status(filter, sql);
    if (filter->expires_before_s > 0)
        buf_add_text(sql,
                     " AND c.id IN (SELECT id FROM certificate WHERE reason IS NULL AND not_after_s >= ? "
                     "AND not_after_s < ?)");
    if (filter->value_name != NULL && filter->value_text != NULL)
        buf_add_text(sql, " AND c.id IN (SELECT certificate_id FROM certificate_value WHERE name = ? "
                          "AND text = ?)");
    if (filter->key_fingerprint != NULL)
        buf_add_text(sql, " AND c.id IN (SELECT id FROM certificate WHERE key_fingerprint = ?)");
    if (filter->subject != NULL) /* LIKE ignores ASCII case, but gives % and _ a meaning */
        buf_add_text(sql, " AND instr(lower(c.subject), lower(?)) > 0");
    if (filter->subject_exact != NULL)
        buf_add_text(sql, " AND c.subject = ?");
    if (filter->template_name != NULL)
        buf_add_text(sql, " AND c.template = ?");
    buf_add_text(sql, " ORDER BY c.id LIMIT ?");
}

/* In the order of list_text. */
static void list_bind(const struct certificate_filter *filter, struct query *query)
{
    bind_int(query, filter->after_id);
    if (filter->by_status && (filter->status == CERTIFICATE_VALID || filter->status == CERTIFICATE_EXPIRED))
        bind_int(query, filter->now_s);
    if (filter->expires_before_s > 0) {
        bind_int(query, filter->now_s);
        bind_int(query, filter->expires_before_s);
    }
    if (filter->value_name != NULL && filter->value_text != NULL) {
        bind_text(query, filter->value_name);
        bind_text(query, filter->value_text);
    }
    if (filter->key_fingerprint != NULL)
        bind_blob(query, SPAN(filter->key_fingerprint, SHA256_LEN));
    if (filter->subject != NULL)
        bind_text(query, filter->subject);
    if (filter->subject_exact != NULL)
        bind_text(query, filter->subject_exact);
    if (filter->template_name != NULL)
        bind_text(query, filter->template_name);
    bind_int(query, filter->limit > 0 ? filter->limit : -1);
}

static enum status visit_rows(struct query *query, certificate_visit *visit, void *context, struct err *err)
{
    for (;;) {
        bool found = false;
        TRY(query_row(query, &found, err));
        if (!found)
            return STATUS_OK;
        AUTO(certificate_row) struct certificate_row row = {0};
        TRY(certificate_read(query, &row, err));
        TRY(visit(&row, context, err));
    }
}

enum status sqlite_certificates(struct store *store, const struct certificate_filter *filter,
                                certificate_visit *visit, void *context, struct err *err)
{
    AUTO(buf) struct buf sql = BUF(4096);
    list_text(filter, &sql);
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin_once(reader.on, &sql, &query, err));
    list_bind(filter, &query);
    return visit_rows(&query, visit, context, err);
}

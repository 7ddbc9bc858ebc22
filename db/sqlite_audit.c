/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit: each row extends the chain whose end is the one row of audit_head, in the
 * transaction of what it tells of. The hash itself is in audit_chain.c; verifying works
 * over any store and is in store.c.
 */
#include "sqlite.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>

static enum status head_read(struct sql_connection *on, int64_t *id, uint8_t hash[SHA256_LEN],
                             struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "SELECT id, hash FROM audit_head", &query, err));
    bool found = false;
    TRY(query_row(&query, &found, err));
    *id = found ? read_int(&query) : 0;
    if (found)
        read_digest(&query, hash);
    return read_status(&query, err);
}

static enum status head_write(struct sql_connection *on, const struct audit_row *row, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "UPDATE audit_head SET id = ?1, hash = ?2", &query, err));
    bind_int(&query, row->id);
    bind_blob(&query, SPAN(row->hash, SHA256_LEN));
    return query_run(&query, err);
}

static enum status row_insert(struct sql_connection *on, const struct audit_row *row, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on,
                    "INSERT INTO audit (id, time_s, actor, action, object, detail, hash) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    &query, err));
    bind_int(&query, row->id);
    bind_int(&query, row->time_s);
    bind_text(&query, row->actor);
    bind_text(&query, row->action);
    bind_text(&query, row->object);
    bind_text(&query, row->detail);
    bind_blob(&query, SPAN(row->hash, SHA256_LEN));
    return query_run(&query, err);
}

enum status sqlite_audit_add(struct sql_connection *on, const struct change_op *op, struct commit_wait *wait,
                             struct err *err)
{
    struct audit_row row = *op->audit; /* borrows its texts */
    uint8_t previous[SHA256_LEN] = {0};
    TRY(head_read(on, &row.id, previous, err));
    row.id++;
    if (row.time_s == 0)
        row.time_s = clock_now();
    char object[48];
    if (row.object != NULL && strcmp(row.object, "request 0") == 0) {
        snprintf(object, sizeof object, "request %" PRId64, wait->request_id);
        row.object = object;
    } else if (row.object != NULL && strcmp(row.object, "challenge 0") == 0) {
        snprintf(object, sizeof object, "challenge %" PRId64, wait->challenge_id);
        row.object = object;
    }
    TRY(audit_hash(previous, &row, row.hash, err));
    TRY(row_insert(on, &row, err));
    return head_write(on, &row, err);
}

static enum status audit_read(struct query *query, struct audit_row *row, struct err *err)
{
    row->id = read_int(query);
    row->time_s = read_int(query);
    row->actor = read_text(query);
    row->action = read_text(query);
    row->object = read_text(query);
    row->detail = read_text(query);
    read_digest(query, row->hash);
    return read_status(query, err);
}

enum status sqlite_audit(struct store *store, const struct audit_filter *filter, audit_visit *visit,
                         void *context, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on,
                    "SELECT id, time_s, actor, action, object, detail, hash FROM audit WHERE id > ?1 "
                    "ORDER BY id LIMIT ?2",
                    &query, err));
    bind_int(&query, filter->after_id);
    bind_int(&query, filter->limit > 0 ? filter->limit : -1);
    for (;;) {
        bool found = false;
        TRY(query_row(&query, &found, err));
        if (!found)
            return STATUS_OK;
        AUTO(audit_row) struct audit_row row = {0};
        TRY(audit_read(&query, &row, err));
        TRY(visit(&row, context, err));
    }
}

enum status sqlite_audit_head(struct store *store, int64_t *id, uint8_t hash[SHA256_LEN], struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    return head_read(reader.on, id, hash, err);
}

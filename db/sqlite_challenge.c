/* SPDX-License-Identifier: Apache-2.0
 *
 * One-time challenges: made, found by the hash of the phrase, consumed once, voided.
 * Who may use one for what is for ca/.
 */
#include "sqlite.h"

#include <inttypes.h>

enum status sqlite_challenge_add(struct sql_connection *on, const struct change_op *op,
                                 struct commit_wait *wait, struct err *err)
{
    const struct challenge_row *row = op->challenge;
    AUTO(heap) char *values = NULL;
    TRY(values_to_json(&row->values, &values, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(
        on,
        "INSERT INTO challenge (sha256, profile, template, lookup_values, created_s, expires_s, uses, "
        "used, failures, created_by) VALUES (?,?,?,?,?,?,?,?,?,?)",
        &query, err));
    bind_blob(&query, SPAN(row->sha256, SHA256_LEN));
    bind_text(&query, row->profile);
    bind_text(&query, row->template_name);
    bind_text(&query, values);
    bind_int(&query, row->created_s);
    bind_int(&query, row->expires_s);
    bind_int(&query, row->uses);
    bind_int(&query, row->used);
    bind_int(&query, row->failures);
    bind_text(&query, row->created_by);
    TRY(query_run(&query, err));
    wait->challenge_id = sqlite3_last_insert_rowid(on->db);
    return STATUS_OK;
}

static enum status why_not_used(struct sql_connection *on, int64_t id, int64_t now_s, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "SELECT failures, expires_s, uses FROM challenge WHERE id = ?1", &query, err));
    bind_int(&query, id);
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (!found)
        return ERR(err, STATUS_NOT_FOUND, "there is no challenge %" PRId64, id);
    if (read_int(&query) >= CHALLENGE_FAILURES_MAX)
        return ERR(err, STATUS_CONFLICT,
                   "challenge %" PRId64 " is void after %d failed attempts: ask for a new one", id,
                   CHALLENGE_FAILURES_MAX);
    if (read_int(&query) <= now_s)
        return ERR(err, STATUS_CONFLICT, "challenge %" PRId64 " has expired: ask for a new one", id);
    return ERR(err, STATUS_CONFLICT,
               "challenge %" PRId64 " is used up (it was good for %" PRId64 "): ask for a new one", id,
               read_int(&query));
}

enum status sqlite_challenge_use(struct sql_connection *on, const struct change_op *op,
                                 struct commit_wait *wait, struct err *err)
{
    (void)wait;
    AUTO(query) struct query query = {0};
    TRY(query_begin(on,
                    "UPDATE challenge SET used = used + 1 WHERE id = ? AND used < uses AND expires_s > ? "
                    "AND failures < ?",
                    &query, err));
    bind_int(&query, op->use.id);
    bind_int(&query, op->use.now_s);
    bind_int(&query, CHALLENGE_FAILURES_MAX);
    TRY(query_run(&query, err));
    return sql_changes(on) == 1 ? STATUS_OK : why_not_used(on, op->use.id, op->use.now_s, err);
}

enum status sqlite_challenge_fail(struct sql_connection *on, const struct change_op *op,
                                  struct commit_wait *wait, struct err *err)
{
    (void)wait;
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "UPDATE challenge SET failures = failures + 1 WHERE id = ?1", &query, err));
    bind_int(&query, op->id);
    TRY(query_run(&query, err));
    if (sql_changes(on) == 0)
        return ERR(err, STATUS_NOT_FOUND, "there is no challenge %" PRId64, op->id);
    return STATUS_OK;
}

/* A challenge that is over or gone gets nothing back, and that is no failure: the denial goes on. */
enum status sqlite_challenge_give_back(struct sql_connection *on, const struct change_op *op,
                                       struct commit_wait *wait, struct err *err)
{
    (void)wait;
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "UPDATE challenge SET used = used - 1 WHERE id = ? AND used > 0 AND expires_s > ?",
                    &query, err));
    bind_int(&query, op->use.id);
    bind_int(&query, op->use.now_s);
    return query_run(&query, err);
}

enum status sqlite_challenges_void(struct sql_connection *on, const struct change_op *op,
                                   struct commit_wait *wait, struct err *err)
{
    (void)op;
    (void)wait;
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "UPDATE challenge SET failures = ?1 WHERE used < uses AND failures < ?1", &query,
                    err));
    bind_int(&query, CHALLENGE_FAILURES_MAX);
    return query_run(&query, err);
}

static enum status challenge_read(struct query *query, struct challenge_row *row, struct err *err)
{
    row->id = read_int(query);
    read_digest(query, row->sha256);
    row->profile = read_text(query);
    row->template_name = read_text(query);
    row->values = read_values(query);
    row->created_s = read_int(query);
    row->expires_s = read_int(query);
    row->uses = read_int(query);
    row->used = read_int(query);
    row->failures = read_int(query);
    row->created_by = read_text(query);
    return read_status(query, err);
}

enum status sqlite_challenge(struct store *store, const uint8_t sha256_[SHA256_LEN],
                             struct challenge_row *out, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on,
                    "SELECT id, sha256, profile, template, lookup_values, created_s, expires_s, uses, used, "
                    "failures, created_by FROM challenge WHERE sha256 = ?1",
                    &query, err));
    bind_blob(&query, SPAN(sha256_, SHA256_LEN));
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (!found)
        return ERR(err, STATUS_NOT_FOUND, "there is no such challenge");
    AUTO(challenge_row) struct challenge_row row = {0};
    TRY(challenge_read(&query, &row, err));
    *out = row;
    row = (struct challenge_row){0};
    return STATUS_OK;
}

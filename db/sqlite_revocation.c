/* SPDX-License-Identifier: Apache-2.0
 *
 * Revocation: revoke, unhold, and the walk over what a CRL lists. A revocation stands
 * in the table revocation (the CRL's order) and in its certificate's row (lists and
 * counts); both are changed here alone. CRLs themselves are not made here.
 */
#include "sqlite.h"

#include <inttypes.h>

struct revocable {
    int64_t id;
    int64_t issuer_key;
    int64_t not_after_s;
    enum crl_reason reason;
};

static enum status find_revocable(struct sql_connection *on, const struct serial *serial,
                                  const char text[2 * SERIAL_MAX + 1], struct revocable *out, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on,
                    "SELECT id, issuer_key, not_after_s, coalesce(reason, -1) FROM certificate "
                    "WHERE serial = ?1",
                    &query, err));
    bind_blob(&query, serial_span(serial));
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (!found)
        return ERR(err, STATUS_NOT_FOUND, "there is no certificate with the serial number %s", text);
    out->id = read_int(&query);
    out->issuer_key = read_int(&query);
    out->not_after_s = read_int(&query);
    out->reason = (enum crl_reason)read_int(&query);
    return STATUS_OK;
}

/* ---- both places of a revocation, and the numbers ---- */

static enum status mark_certificate(struct sql_connection *on, int64_t id, enum crl_reason reason,
                                    int64_t revoked_s, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "UPDATE certificate SET reason = nullif(?1, -1), revoked_s = ?2 WHERE id = ?3",
                    &query, err));
    bind_int(&query, reason);
    bind_int(&query, revoked_s);
    bind_int(&query, id);
    return query_run(&query, err);
}

/* held and revoked: by how much these numbers change; unrevoked: whether the certificate leaves (-1) or joins
 * (1) those that are neither. The new revocation_version counts every change. */
static enum status count_revocation(struct sql_connection *on, int64_t held, int64_t revoked,
                                    int64_t unrevoked, int64_t not_after_s, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on,
                    "UPDATE state SET revocation_version = revocation_version + 1, held = held + ?1, "
                    "revoked = revoked + ?2, expired = expired + ?3 * (?4 < expired_until_s)",
                    &query, err));
    bind_int(&query, held);
    bind_int(&query, revoked);
    bind_int(&query, unrevoked);
    bind_int(&query, not_after_s);
    return query_run(&query, err);
}

static enum status enter(struct sql_connection *on, const struct change_op *op, const struct revocable *found,
                         struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on,
                    "INSERT INTO revocation (issuer_key, serial_len, serial, revoked_s, reason, not_after_s, "
                    "version) VALUES (?, ?, ?, ?, ?, ?, (SELECT revocation_version FROM state))",
                    &query, err));
    bind_int(&query, found->issuer_key);
    bind_int(&query, (int64_t)op->revoke.serial.len);
    bind_blob(&query, serial_span(&op->revoke.serial));
    bind_int(&query, op->revoke.revoked_s);
    bind_int(&query, op->revoke.reason);
    bind_int(&query, found->not_after_s);
    return query_run(&query, err);
}

/* X.509 section 8.5.2.2: a final revocation that replaces a hold keeps the date of the hold. */
static enum status replace_hold(struct sql_connection *on, const struct change_op *op,
                                const struct revocable *found, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on,
                    "UPDATE revocation SET reason = ?, version = (SELECT revocation_version FROM state) "
                    "WHERE issuer_key = ? AND serial_len = ? AND serial = ?",
                    &query, err));
    bind_int(&query, op->revoke.reason);
    bind_int(&query, found->issuer_key);
    bind_int(&query, (int64_t)op->revoke.serial.len);
    bind_blob(&query, serial_span(&op->revoke.serial));
    TRY(query_run(&query, err));
    AUTO(query) struct query mark = {0};
    TRY(query_begin(on, "UPDATE certificate SET reason = ?1 WHERE id = ?2", &mark, err));
    bind_int(&mark, op->revoke.reason);
    bind_int(&mark, found->id);
    return query_run(&mark, err);
}

enum status sqlite_revoke(struct sql_connection *on, const struct change_op *op, struct commit_wait *wait,
                          struct err *err)
{
    (void)wait;
    enum crl_reason reason = op->revoke.reason;
    if (crl_reason_name(reason) == NULL || reason == REASON_REMOVE_FROM_CRL)
        return ERR(err, STATUS_INTERNAL, "%d is no reason to revoke for", (int)reason);
    char text[2 * SERIAL_MAX + 1];
    serial_text(&op->revoke.serial, text);
    struct revocable found = {0};
    TRY(find_revocable(on, &op->revoke.serial, text, &found, err));
    bool to_hold = reason == REASON_CERTIFICATE_HOLD;
    bool was_held = found.reason == REASON_CERTIFICATE_HOLD;
    if (was_held && !to_hold) {
        TRY(count_revocation(on, -1, 1, 0, found.not_after_s, err));
        return replace_hold(on, op, &found, err);
    }
    if (found.reason != REASON_NONE)
        return ERR(err, STATUS_CONFLICT, "certificate %s is already %s (%s)", text,
                   was_held ? "on hold" : "revoked", crl_reason_name(found.reason));
    TRY(count_revocation(on, to_hold, !to_hold, -1, found.not_after_s, err));
    TRY(mark_certificate(on, found.id, reason, op->revoke.revoked_s, err));
    return enter(on, op, &found, err);
}

enum status sqlite_unhold(struct sql_connection *on, const struct change_op *op, struct commit_wait *wait,
                          struct err *err)
{
    (void)wait;
    char text[2 * SERIAL_MAX + 1];
    serial_text(&op->revoke.serial, text);
    struct revocable found = {0};
    TRY(find_revocable(on, &op->revoke.serial, text, &found, err));
    if (found.reason == REASON_NONE)
        return ERR(err, STATUS_DENIED, "certificate %s is not on hold", text);
    if (found.reason != REASON_CERTIFICATE_HOLD)
        return ERR(err, STATUS_DENIED,
                   "certificate %s is revoked (%s), not on hold: only a hold (certificateHold) can be lifted",
                   text, crl_reason_name(found.reason));
    TRY(count_revocation(on, -1, 0, 1, found.not_after_s, err));
    TRY(mark_certificate(on, found.id, REASON_NONE, 0, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "DELETE FROM revocation WHERE issuer_key = ? AND serial_len = ? AND serial = ?",
                    &query, err));
    bind_int(&query, found.issuer_key);
    bind_int(&query, (int64_t)op->revoke.serial.len);
    bind_blob(&query, serial_span(&op->revoke.serial));
    return query_run(&query, err);
}

/* ---- the walk ---- */

struct sqlite_walk {
    struct revoked_walk base;
    struct store *store;
    struct sql_connection *on; /* with a read transaction of the walk's own */
    struct query query;
};

/* An expired certificate's entry leaves only after a scheduled CRL issued after its notAfter has listed it
 * (RFC 5280 section 3.3). Whether that CRL did is told by its revocation_version: a clock could not say it of
 * a revocation that was committed while the CRL was being made. */
#define REVOKED                                                                                              \
    "SELECT serial, revoked_s, reason FROM revocation WHERE issuer_key = ?1 "                                \
    "AND NOT (not_after_s < ?2 AND revoked_s < ?2 AND version <= coalesce((SELECT revocation_version "       \
    "FROM crl WHERE issuer_key = ?1 AND scheduled = 1 ORDER BY number DESC LIMIT 1), -1)) "                  \
    "ORDER BY serial_len, serial"

static enum status walk_version(struct sqlite_walk *walk, int64_t *version, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(walk->on, "SELECT revocation_version FROM state", &query, err));
    return query_number(&query, version, err);
}

void sqlite_revoked_end(struct revoked_walk *base)
{
    struct sqlite_walk *walk = (struct sqlite_walk *)base;
    query_end(&walk->query);
    if (walk->on != NULL && !sqlite3_get_autocommit(walk->on->db))
        sqlite3_exec(walk->on->db, "COMMIT", NULL, NULL, NULL);
    reader_give(walk->store, walk->on);
    free(walk);
}

enum status sqlite_revoked_begin(struct store *store, int64_t issuer_key, int64_t last_scheduled_s,
                                 struct revoked_walk **out, int64_t *revocation_version, struct err *err)
{
    struct sqlite_walk *walk = calloc(1, sizeof *walk);
    if (walk == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    walk->base.ops = store->ops;
    walk->store = store;
    AUTO(revoked_walk) struct revoked_walk *owner = &walk->base;
    TRY(reader_take(store, &walk->on, err));
    TRY(sql_exec(walk->on, "BEGIN", err));
    int64_t version = 0;
    TRY(walk_version(walk, &version, err));
    TRY(query_begin(walk->on, REVOKED, &walk->query, err));
    bind_int(&walk->query, issuer_key);
    bind_int(&walk->query, last_scheduled_s);
    *revocation_version = version;
    *out = MOVE(owner);
    return STATUS_OK;
}

enum status sqlite_revoked_rewind(struct revoked_walk *base, struct err *err)
{
    struct sqlite_walk *walk = (struct sqlite_walk *)base;
    int rc = sqlite3_reset(walk->query.stmt);
    return rc == SQLITE_OK ? STATUS_OK : sql_error(walk->on, rc, err);
}

enum status sqlite_revoked_next(struct revoked_walk *base, struct revoked_entry *entry, bool *found,
                                struct err *err)
{
    struct query *query = &((struct sqlite_walk *)base)->query;
    TRY(query_row(query, found, err));
    if (!*found)
        return STATUS_OK;
    entry->serial = read_serial(query);
    entry->revoked_s = read_int(query);
    entry->reason = (enum crl_reason)read_int(query);
    return read_status(query, err);
}

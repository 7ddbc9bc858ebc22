/* SPDX-License-Identifier: Apache-2.0
 *
 * CRL numbers: who may make the next CRL of a key, and the record of those that were
 * published. The CRLs themselves are files, made in ca/.
 */
#include "sqlite.h"

#include <inttypes.h>

/* A lease that was taken this much later than now is one of a clock that has been put right since. */
#define CLOCK_SLACK_S 300

struct claim {
    int64_t number, claimed_s, lease_until_s;
};

static enum status claim_read(struct sql_connection *on, int64_t issuer_key, struct claim *out,
                              struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "SELECT number, claimed_s, lease_until_s FROM crl_claim WHERE issuer_key = ?1",
                    &query, err));
    bind_int(&query, issuer_key);
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (found) {
        out->number = read_int(&query);
        out->claimed_s = read_int(&query);
        out->lease_until_s = read_int(&query);
    }
    return STATUS_OK;
}

static enum status claim_write(struct sql_connection *on, int64_t issuer_key, const struct claim *claim,
                               struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "INSERT OR REPLACE INTO crl_claim VALUES (?, ?, ?, ?)", &query, err));
    bind_int(&query, issuer_key);
    bind_int(&query, claim->number);
    bind_int(&query, claim->claimed_s);
    bind_int(&query, claim->lease_until_s);
    return query_run(&query, err);
}

enum status sqlite_crl_claim(struct sql_connection *on, const struct change_op *op, struct commit_wait *wait,
                             struct err *err)
{
    int64_t now_s = op->crl_claim.now_s;
    struct claim claim = {0};
    TRY(claim_read(on, op->crl_claim.issuer_key, &claim, err));
    if (claim.lease_until_s > now_s && claim.claimed_s - CLOCK_SLACK_S <= now_s)
        return ERR(err, STATUS_CONFLICT,
                   "CRL %" PRId64 " of key %" PRId64 " is just being made by somebody else, for %" PRId64
                   " s more at the most",
                   claim.number, op->crl_claim.issuer_key, claim.lease_until_s - now_s);
    claim.number = claim.number + 1 > now_s ? claim.number + 1 : now_s;
    claim.claimed_s = now_s;
    claim.lease_until_s = now_s + op->crl_claim.lease_s;
    TRY(claim_write(on, op->crl_claim.issuer_key, &claim, err));
    wait->crl_number = claim.number;
    return STATUS_OK;
}

enum status sqlite_crl_release(struct sql_connection *on, const struct change_op *op,
                               struct commit_wait *wait, struct err *err)
{
    (void)wait;
    struct claim claim = {0};
    TRY(claim_read(on, op->crl->issuer_key, &claim, err));
    if (claim.number != op->crl->number)
        return STATUS_OK;
    claim.lease_until_s = 0;
    return claim_write(on, op->crl->issuer_key, &claim, err);
}

static enum status crl_insert(struct sql_connection *on, const struct crl_row *row, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "INSERT INTO crl VALUES (?,?,?,?,?,?,?,?,?,?)", &query, err));
    bind_int(&query, row->issuer_key);
    bind_int(&query, row->number);
    bind_int(&query, row->created_s);
    bind_int(&query, row->this_update_s);
    bind_int(&query, row->next_update_s);
    bind_int(&query, row->scheduled);
    bind_int(&query, row->entries);
    bind_int(&query, row->size);
    bind_blob(&query, SPAN(row->sha256, SHA256_LEN));
    bind_int(&query, row->revocation_version);
    return query_run(&query, err);
}

static enum status newest_number(struct sql_connection *on, int64_t issuer_key, int64_t *out, struct err *err)
{
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "SELECT max(number) FROM crl WHERE issuer_key = ?1", &query, err));
    bind_int(&query, issuer_key);
    return query_number(&query, out, err);
}

/* Ends the lease of this number; a number from elsewhere (imported) is not given again. */
enum status sqlite_crl_published(struct sql_connection *on, const struct change_op *op,
                                 struct commit_wait *wait, struct err *err)
{
    (void)wait;
    const struct crl_row *row = op->crl;
    int64_t newest = 0;
    TRY(newest_number(on, row->issuer_key, &newest, err));
    if (newest >= row->number)
        return ERR(err, STATUS_CONFLICT,
                   "CRL %" PRId64 " of key %" PRId64 " comes too late: %" PRId64 " is published already",
                   row->number, row->issuer_key, newest);
    TRY(crl_insert(on, row, err));
    struct claim claim = {0};
    TRY(claim_read(on, row->issuer_key, &claim, err));
    if (claim.number > row->number)
        return STATUS_OK;
    claim.number = row->number;
    claim.lease_until_s = 0;
    return claim_write(on, row->issuer_key, &claim, err);
}

static void crl_read(struct query *query, struct crl_row *row)
{
    row->issuer_key = read_int(query);
    row->number = read_int(query);
    row->created_s = read_int(query);
    row->this_update_s = read_int(query);
    row->next_update_s = read_int(query);
    row->scheduled = read_int(query) != 0;
    row->entries = read_int(query);
    row->size = read_int(query);
    read_digest(query, row->sha256);
    row->revocation_version = read_int(query);
}

#define NEWEST      "SELECT * FROM crl WHERE issuer_key = ?1 "
#define NEWEST_ONLY "ORDER BY number DESC LIMIT 1"

enum status sqlite_crl(struct store *store, int64_t issuer_key, bool only_scheduled, struct crl_row *out,
                       struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on, only_scheduled ? NEWEST "AND scheduled = 1 " NEWEST_ONLY : NEWEST NEWEST_ONLY,
                    &query, err));
    bind_int(&query, issuer_key);
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (!found)
        return ERR(err, STATUS_NOT_FOUND, "no %sCRL of key %" PRId64 " has been published yet",
                   only_scheduled ? "scheduled " : "", issuer_key);
    struct crl_row row = {0};
    crl_read(&query, &row);
    TRY(read_status(&query, err));
    *out = row;
    return STATUS_OK;
}

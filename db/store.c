/* SPDX-License-Identifier: Apache-2.0
 *
 * The face of the store over its vtable, and what works over any backend alike:
 * building a change, verifying the audit chain.
 */
#include "store_backend.h"

#include <assert.h>
#include <inttypes.h>

void change_add(struct change *change, struct change_op op)
{
    assert(change->count < CHANGE_OPS_MAX);
    change->ops[change->count++] = op;
}

enum status store_commit(struct store *store, struct change *change, struct err *err)
{
    return store->ops->commit(store, change, err);
}

enum status store_request(struct store *store, int64_t id, struct request_row *out, struct err *err)
{
    return store->ops->request(store, id, out, err);
}

enum status store_request_retry(struct store *store, const uint8_t retry_key[SHA256_LEN], int64_t since_s,
                                int64_t now_s, struct request_row *out, struct err *err)
{
    return store->ops->request_retry(store, retry_key, since_s, now_s, out, err);
}

enum status store_request_transaction(struct store *store, const char *profile, const char *transaction_id,
                                      const uint8_t key_fingerprint[SHA256_LEN], struct request_row *out,
                                      struct err *err)
{
    return store->ops->request_transaction(store, profile, transaction_id, key_fingerprint, out, err);
}

enum status store_request_other_key(struct store *store, const char *profile, const char *transaction_id,
                                    const uint8_t key_fingerprint[SHA256_LEN], bool *exists, struct err *err)
{
    return store->ops->request_other_key(store, profile, transaction_id, key_fingerprint, exists, err);
}

enum status store_requests(struct store *store, const struct request_filter *filter, request_visit *visit,
                           void *context, struct err *err)
{
    return store->ops->requests(store, filter, visit, context, err);
}

enum status store_certificate(struct store *store, const struct serial *serial, struct certificate_row *out,
                              struct err *err)
{
    return store->ops->certificate(store, serial, out, err);
}

enum status store_certificates(struct store *store, const struct certificate_filter *filter,
                               certificate_visit *visit, void *context, struct err *err)
{
    return store->ops->certificates(store, filter, visit, context, err);
}

enum status store_key_compromised(struct store *store, const uint8_t key_fingerprint[SHA256_LEN],
                                  bool *compromised, struct err *err)
{
    return store->ops->key_compromised(store, key_fingerprint, compromised, err);
}

enum status store_challenge(struct store *store, const uint8_t sha256_[SHA256_LEN], struct challenge_row *out,
                            struct err *err)
{
    return store->ops->challenge(store, sha256_, out, err);
}

enum status store_revoked_begin(struct store *store, int64_t issuer_key, int64_t last_scheduled_s,
                                struct revoked_walk **out, int64_t *revocation_version, struct err *err)
{
    return store->ops->revoked_begin(store, issuer_key, last_scheduled_s, out, revocation_version, err);
}

enum status store_revoked_rewind(struct revoked_walk *walk, struct err *err)
{
    return walk->ops->revoked_rewind(walk, err);
}

enum status store_revoked_next(struct revoked_walk *walk, struct revoked_entry *entry, bool *found,
                               struct err *err)
{
    return walk->ops->revoked_next(walk, entry, found, err);
}

void store_revoked_end(struct revoked_walk *walk)
{
    if (walk != NULL)
        walk->ops->revoked_end(walk);
}

enum status store_revocation_version(struct store *store, int64_t *version, struct err *err)
{
    return store->ops->revocation_version(store, version, err);
}

enum status store_crl(struct store *store, int64_t issuer_key, bool only_scheduled, struct crl_row *out,
                      struct err *err)
{
    return store->ops->crl(store, issuer_key, only_scheduled, out, err);
}

enum status store_device(struct store *store, const char *uid, struct device_row *out, struct err *err)
{
    return store->ops->device(store, uid, out, err);
}

enum status store_device_by_value(struct store *store, const char *name, const char *text,
                                  struct device_row *out, struct err *err)
{
    return store->ops->device_by_value(store, name, text, out, err);
}

enum status store_devices(struct store *store, device_visit *visit, void *context, struct err *err)
{
    return store->ops->devices(store, visit, context, err);
}

enum status store_setting(struct store *store, const char *name, struct buf *out, struct err *err)
{
    return store->ops->setting(store, name, out, err);
}

enum status store_audit(struct store *store, const struct audit_filter *filter, audit_visit *visit,
                        void *context, struct err *err)
{
    return store->ops->audit(store, filter, visit, context, err);
}

enum status store_audit_head(struct store *store, int64_t *id, uint8_t hash[SHA256_LEN], struct err *err)
{
    return store->ops->audit_head(store, id, hash, err);
}

enum status store_counts(struct store *store, int64_t now_s, struct store_counts *out, struct err *err)
{
    return store->ops->counts(store, now_s, out, err);
}

enum status store_foreign_version(struct store *store, int64_t *version, struct err *err)
{
    return store->ops->foreign_version(store, version, err);
}

enum status store_last_commit_s(struct store *store, int64_t *time_s, struct err *err)
{
    return store->ops->last_commit_s(store, time_s, err);
}

enum status store_probe(struct store *store, struct err *err)
{
    return store->ops->probe(store, err);
}

enum status store_integrity(struct store *store, struct err *err)
{
    return store->ops->integrity(store, err);
}

enum status store_backup(struct store *store, const char *path, struct err *err)
{
    return store->ops->backup(store, path, err);
}

void store_close(struct store *store)
{
    if (store != NULL)
        store->ops->close(store);
}

/* ---- the audit chain ---- */

/* Rows are read in pages, so that verifying a long chain holds no snapshot for long. */
#define AUDIT_PAGE 10000

struct audit_check {
    int64_t last_id;
    uint8_t hash[SHA256_LEN]; /* of the row last_id */
    int64_t head_id;          /* of the head as it was at the start */
    uint8_t head_hash[SHA256_LEN];
    bool page_was_empty;
};

static enum status audit_check_row(const struct audit_row *row, void *context, struct err *err)
{
    struct audit_check *check = context;
    check->page_was_empty = false;
    if (row->id != check->last_id + 1)
        return ERR(err, STATUS_INTEGRITY,
                   "audit row %" PRId64 " is missing (row %" PRId64 " comes next): rows were removed",
                   check->last_id + 1, row->id);
    uint8_t hash[SHA256_LEN];
    TRY(audit_hash(check->hash, row, hash, err));
    if (memcmp(hash, row->hash, SHA256_LEN) != 0)
        return ERR(err, STATUS_INTEGRITY,
                   "audit row %" PRId64 " does not fit the chain: it or its hash was changed", row->id);
    if (row->id == check->head_id && memcmp(hash, check->head_hash, SHA256_LEN) != 0)
        return ERR(err, STATUS_INTEGRITY,
                   "the chain's head does not fit audit row %" PRId64 ": the chain was rewritten", row->id);
    check->last_id = row->id;
    memcpy(check->hash, hash, SHA256_LEN);
    return STATUS_OK;
}

enum status store_audit_verify(struct store *store, int64_t *rows, uint8_t head[SHA256_LEN], struct err *err)
{
    struct audit_check check = {0};
    TRY(store_audit_head(store, &check.head_id, check.head_hash, err));
    while (!check.page_was_empty) {
        check.page_was_empty = true;
        struct audit_filter filter = {.after_id = check.last_id, .limit = AUDIT_PAGE};
        TRY(store_audit(store, &filter, audit_check_row, &check, err));
    }
    if (check.last_id < check.head_id)
        return ERR(err, STATUS_INTEGRITY,
                   "the audit ends with row %" PRId64 ", but its head says %" PRId64 ": rows were removed",
                   check.last_id, check.head_id);
    *rows = check.last_id;
    memcpy(head, check.hash, SHA256_LEN);
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Each method of the vtable: fail if this call's turn has come, else hand it on.
 */
#include "store_faulty.h"

#include "fault.h"
#include "store_backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the above first */
#include <cmocka.h>

struct faulty_store {
    struct store base;
    struct store *inner;
};

struct faulty_walk {
    struct revoked_walk base;
    struct revoked_walk *inner;
};

static struct store *inner_of(struct store *store)
{
    return ((struct faulty_store *)store)->inner;
}

static enum status strike(struct err *err)
{
    if (!fault_strikes(FAULT_STORE_CALL))
        return STATUS_OK;
    return ERR(err, fault_strike_status(), "the store fails on purpose");
}

static enum status faulty_commit(struct store *store, struct change *change, struct err *err)
{
    TRY(strike(err));
    return store_commit(inner_of(store), change, err);
}

static enum status faulty_request(struct store *store, int64_t id, struct request_row *out, struct err *err)
{
    TRY(strike(err));
    return store_request(inner_of(store), id, out, err);
}

static enum status faulty_request_retry(struct store *store, const uint8_t retry_key[SHA256_LEN],
                                        int64_t since_s, int64_t now_s, struct request_row *out,
                                        struct err *err)
{
    TRY(strike(err));
    return store_request_retry(inner_of(store), retry_key, since_s, now_s, out, err);
}

static enum status faulty_request_transaction(struct store *store, const char *profile,
                                              const char *transaction_id,
                                              const uint8_t key_fingerprint[SHA256_LEN],
                                              struct request_row *out, struct err *err)
{
    TRY(strike(err));
    return store_request_transaction(inner_of(store), profile, transaction_id, key_fingerprint, out, err);
}

static enum status faulty_request_other_key(struct store *store, const char *profile,
                                            const char *transaction_id,
                                            const uint8_t key_fingerprint[SHA256_LEN], bool *exists,
                                            struct err *err)
{
    TRY(strike(err));
    return store_request_other_key(inner_of(store), profile, transaction_id, key_fingerprint, exists, err);
}

static enum status faulty_requests(struct store *store, const struct request_filter *filter,
                                   request_visit *visit, void *context, struct err *err)
{
    TRY(strike(err));
    return store_requests(inner_of(store), filter, visit, context, err);
}

static enum status faulty_certificate(struct store *store, const struct serial *serial,
                                      struct certificate_row *out, struct err *err)
{
    TRY(strike(err));
    return store_certificate(inner_of(store), serial, out, err);
}

static enum status faulty_certificates(struct store *store, const struct certificate_filter *filter,
                                       certificate_visit *visit, void *context, struct err *err)
{
    TRY(strike(err));
    return store_certificates(inner_of(store), filter, visit, context, err);
}

static enum status faulty_key_compromised(struct store *store, const uint8_t key_fingerprint[SHA256_LEN],
                                          bool *compromised, struct err *err)
{
    TRY(strike(err));
    return store_key_compromised(inner_of(store), key_fingerprint, compromised, err);
}

static enum status faulty_challenge(struct store *store, const uint8_t digest[SHA256_LEN],
                                    struct challenge_row *out, struct err *err)
{
    TRY(strike(err));
    return store_challenge(inner_of(store), digest, out, err);
}

static const struct store_ops faulty_ops;

static enum status faulty_revoked_begin(struct store *store, int64_t issuer_key, int64_t last_scheduled_s,
                                        struct revoked_walk **out, int64_t *revocation_version,
                                        struct err *err)
{
    struct revoked_walk *inner = NULL;
    TRY(strike(err));
    TRY(store_revoked_begin(inner_of(store), issuer_key, last_scheduled_s, &inner, revocation_version, err));
    struct faulty_walk *walk = calloc(1, sizeof *walk);
    if (walk == NULL) {
        store_revoked_end(inner);
        return ERR(err, STATUS_NOMEM, "out of memory");
    }
    *walk = (struct faulty_walk){.base.ops = &faulty_ops, .inner = inner};
    *out = &walk->base;
    return STATUS_OK;
}

static enum status faulty_revoked_rewind(struct revoked_walk *walk, struct err *err)
{
    TRY(strike(err));
    return store_revoked_rewind(((struct faulty_walk *)walk)->inner, err);
}

static enum status faulty_revoked_next(struct revoked_walk *walk, struct revoked_entry *entry, bool *found,
                                       struct err *err)
{
    TRY(strike(err));
    return store_revoked_next(((struct faulty_walk *)walk)->inner, entry, found, err);
}

static void faulty_revoked_end(struct revoked_walk *walk)
{
    store_revoked_end(((struct faulty_walk *)walk)->inner);
    free(walk);
}

static enum status faulty_revocation_version(struct store *store, int64_t *version, struct err *err)
{
    TRY(strike(err));
    return store_revocation_version(inner_of(store), version, err);
}

static enum status faulty_crl(struct store *store, int64_t issuer_key, bool only_scheduled,
                              struct crl_row *out, struct err *err)
{
    TRY(strike(err));
    return store_crl(inner_of(store), issuer_key, only_scheduled, out, err);
}

static enum status faulty_device(struct store *store, const char *uid, struct device_row *out,
                                 struct err *err)
{
    TRY(strike(err));
    return store_device(inner_of(store), uid, out, err);
}

static enum status faulty_device_by_value(struct store *store, const char *name, const char *text,
                                          struct device_row *out, struct err *err)
{
    TRY(strike(err));
    return store_device_by_value(inner_of(store), name, text, out, err);
}

static enum status faulty_devices(struct store *store, device_visit *visit, void *context, struct err *err)
{
    TRY(strike(err));
    return store_devices(inner_of(store), visit, context, err);
}

static enum status faulty_setting(struct store *store, const char *name, struct buf *out, struct err *err)
{
    TRY(strike(err));
    return store_setting(inner_of(store), name, out, err);
}

static enum status faulty_audit(struct store *store, const struct audit_filter *filter, audit_visit *visit,
                                void *context, struct err *err)
{
    TRY(strike(err));
    return store_audit(inner_of(store), filter, visit, context, err);
}

static enum status faulty_audit_head(struct store *store, int64_t *id, uint8_t hash[SHA256_LEN],
                                     struct err *err)
{
    TRY(strike(err));
    return store_audit_head(inner_of(store), id, hash, err);
}

static enum status faulty_counts(struct store *store, int64_t now_s, struct store_counts *out,
                                 struct err *err)
{
    TRY(strike(err));
    return store_counts(inner_of(store), now_s, out, err);
}

static enum status faulty_foreign_version(struct store *store, int64_t *version, struct err *err)
{
    TRY(strike(err));
    return store_foreign_version(inner_of(store), version, err);
}

static enum status faulty_last_commit_s(struct store *store, int64_t *time_s, struct err *err)
{
    TRY(strike(err));
    return store_last_commit_s(inner_of(store), time_s, err);
}

static enum status faulty_probe(struct store *store, struct err *err)
{
    TRY(strike(err));
    return store_probe(inner_of(store), err);
}

static enum status faulty_integrity(struct store *store, struct err *err)
{
    TRY(strike(err));
    return store_integrity(inner_of(store), err);
}

static enum status faulty_backup(struct store *store, const char *path, struct err *err)
{
    TRY(strike(err));
    return store_backup(inner_of(store), path, err);
}

static void faulty_close(struct store *store)
{
    free(store);
}

static const struct store_ops faulty_ops = {
    .commit = faulty_commit,
    .request = faulty_request,
    .request_retry = faulty_request_retry,
    .request_transaction = faulty_request_transaction,
    .request_other_key = faulty_request_other_key,
    .requests = faulty_requests,
    .certificate = faulty_certificate,
    .certificates = faulty_certificates,
    .key_compromised = faulty_key_compromised,
    .challenge = faulty_challenge,
    .revoked_begin = faulty_revoked_begin,
    .revoked_rewind = faulty_revoked_rewind,
    .revoked_next = faulty_revoked_next,
    .revoked_end = faulty_revoked_end,
    .revocation_version = faulty_revocation_version,
    .crl = faulty_crl,
    .device = faulty_device,
    .device_by_value = faulty_device_by_value,
    .devices = faulty_devices,
    .setting = faulty_setting,
    .audit = faulty_audit,
    .audit_head = faulty_audit_head,
    .counts = faulty_counts,
    .foreign_version = faulty_foreign_version,
    .last_commit_s = faulty_last_commit_s,
    .probe = faulty_probe,
    .integrity = faulty_integrity,
    .backup = faulty_backup,
    .close = faulty_close,
};

struct store *store_faulty(struct store *inner)
{
    struct faulty_store *self = calloc(1, sizeof *self);
    assert_non_null(self);
    *self = (struct faulty_store){.base.ops = &faulty_ops, .inner = inner};
    return &self->base;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a store backend implements: the vtable, one method for each function of store.h, with the same
 * contract. Only backends and the fault decorator of the tests include this.
 */
#ifndef SCEPTER_DB_STORE_BACKEND_H
#define SCEPTER_DB_STORE_BACKEND_H

#include "store.h"

struct store_ops {
    enum status (*commit)(struct store *store, struct change *change, struct err *err);
    enum status (*request)(struct store *store, int64_t id, struct request_row *out, struct err *err);
    enum status (*request_retry)(struct store *store, const uint8_t retry_key[SHA256_LEN], int64_t since_s,
                                 int64_t now_s, struct request_row *out, struct err *err);
    enum status (*request_transaction)(struct store *store, const char *profile, const char *transaction_id,
                                       const uint8_t key_fingerprint[SHA256_LEN], struct request_row *out,
                                       struct err *err);
    enum status (*request_other_key)(struct store *store, const char *profile, const char *transaction_id,
                                     const uint8_t key_fingerprint[SHA256_LEN], bool *exists,
                                     struct err *err);
    enum status (*requests)(struct store *store, const struct request_filter *filter, request_visit *visit,
                            void *context, struct err *err);
    enum status (*certificate)(struct store *store, const struct serial *serial, struct certificate_row *out,
                               struct err *err);
    enum status (*certificates)(struct store *store, const struct certificate_filter *filter,
                                certificate_visit *visit, void *context, struct err *err);
    enum status (*key_compromised)(struct store *store, const uint8_t key_fingerprint[SHA256_LEN],
                                   bool *compromised, struct err *err);
    enum status (*challenge)(struct store *store, const uint8_t sha256[SHA256_LEN], struct challenge_row *out,
                             struct err *err);
    enum status (*revoked_begin)(struct store *store, int64_t issuer_key, int64_t last_scheduled_s,
                                 struct revoked_walk **out, int64_t *revocation_version, struct err *err);
    enum status (*revoked_rewind)(struct revoked_walk *walk, struct err *err);
    enum status (*revoked_next)(struct revoked_walk *walk, struct revoked_entry *entry, bool *found,
                                struct err *err);
    void (*revoked_end)(struct revoked_walk *walk);
    enum status (*revocation_version)(struct store *store, int64_t *version, struct err *err);
    enum status (*crl)(struct store *store, int64_t issuer_key, bool only_scheduled, struct crl_row *out,
                       struct err *err);
    enum status (*device)(struct store *store, const char *uid, struct device_row *out, struct err *err);
    enum status (*device_by_value)(struct store *store, const char *name, const char *text,
                                   struct device_row *out, struct err *err);
    enum status (*devices)(struct store *store, device_visit *visit, void *context, struct err *err);
    enum status (*setting)(struct store *store, const char *name, struct buf *out, struct err *err);
    enum status (*audit)(struct store *store, const struct audit_filter *filter, audit_visit *visit,
                         void *context, struct err *err);
    enum status (*audit_head)(struct store *store, int64_t *id, uint8_t hash[SHA256_LEN], struct err *err);
    enum status (*counts)(struct store *store, int64_t now_s, struct store_counts *out, struct err *err);
    enum status (*foreign_version)(struct store *store, int64_t *version, struct err *err);
    enum status (*last_commit_s)(struct store *store, int64_t *time_s, struct err *err);
    enum status (*probe)(struct store *store, struct err *err);
    enum status (*integrity)(struct store *store, struct err *err);
    enum status (*backup)(struct store *store, const char *path, struct err *err);
    void (*close)(struct store *store);
};

/* First member of every backend's own store struct. */
struct store {
    const struct store_ops *ops;
};
/* First member of every backend's own walk struct. */
struct revoked_walk {
    const struct store_ops *ops;
};

/* The hash of an audit row: SHA-256 over the previous hash (zeros before the first row), id and time as
 * 64-bit big-endian numbers, then actor, action, object and detail, each as its length plus one (0: NULL) as
 * such a number and its octets. STATUS_NOMEM, STATUS_INTERNAL. */
NODISCARD enum status audit_hash(const uint8_t previous[SHA256_LEN], const struct audit_row *row,
                                 uint8_t out[SHA256_LEN], struct err *err);

#endif

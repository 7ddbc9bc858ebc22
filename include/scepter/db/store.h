/* SPDX-License-Identifier: Apache-2.0
 *
 * The store: everything that Scepter must not lose, behind one vtable.
 *
 * What changes the store is a struct change: a few operations that happen together
 * or not at all. store_commit blocks until they are durable. What must be unique or
 * happen once only (a challenge's use, a retry, a serial, a CRL number, the audit
 * chain's head) is decided inside the store's transaction, because several processes
 * may share it. The backends have no other side effects and never log.
 *
 * Every method may be called from any thread. Statuses common to all: STATUS_NOMEM;
 * STATUS_BUSY (another process holds the database for longer than 10 s); STATUS_IO
 * (disk full, read-only, damaged: the text says which and what to do; nothing was changed, and the store
 * works again by itself once the cause is gone).
 */
#ifndef SCEPTER_DB_STORE_H
#define SCEPTER_DB_STORE_H

#include "record.h"

struct store; /* opaque to callers; a backend embeds struct store_base */

/* ---- changes ---- */

enum change_kind {
    CHANGE_REQUEST_ADD,    /* request; sets change.request_id. retry_key is held against others only for rows
                              that are issued or pending */
    CHANGE_REQUEST_DECIDE, /* request: id, disposition, reason, decided_by, decided_s, serial; subject, san
                              and values replace what is there unless they are NULL or empty. Sets
                              change.request_id */
    CHANGE_REQUEST_DELIVERED, /* id: wipe the sealed secret */
    CHANGE_CERTIFICATE_ADD,   /* certificate; request_id 0 and `of_this_request`: change.request_id is taken.
                                 reason and revoked_s are not read: add CHANGE_REVOKE */
    CHANGE_CHALLENGE_ADD,     /* challenge; sets change.challenge_id */
    CHANGE_CHALLENGE_USE,     /* use */
    CHANGE_CHALLENGE_FAIL,    /* id */
    CHANGE_CHALLENGE_GIVE_BACK, /* use: a use given back, within the challenge's life; one that is over,
                                   unused or gone gets nothing, which is no failure */
    CHANGE_CHALLENGES_VOID,     /* every open challenge, as after too many failures (a restore) */
    CHANGE_REVOKE,              /* revoke. One on hold can be revoked for good and keeps the date of its hold
                                   (X.509 section 8.5.2.2) */
    CHANGE_UNHOLD,              /* revoke.serial */
    CHANGE_CRL_CLAIM,           /* crl_claim; sets change.crl_number */
    CHANGE_CRL_RELEASE,   /* crl: issuer_key and number of a claim that came to nothing; another's claim stays
                           */
    CHANGE_CRL_PUBLISHED, /* crl; ends the claim on its number. STATUS_CONFLICT if an equal or higher number
                             of this key is published already */
    CHANGE_DEVICE_PUT,    /* device */
    CHANGE_SETTING_PUT,   /* setting */
    CHANGE_AUDIT,         /* audit; id and hash are not read, time_s 0 is the present, the object "request 0"
                             stands for the request of this change, "challenge 0" for the challenge that
                             it added before */
};

struct change_op {
    enum change_kind kind;
    union { /* all borrowed until store_commit returns */
        struct {
            const struct request_row *row;
            int64_t retry_since_s; /* ADD: a row with the same retry_key, created at or after this, issued
                                      (with a valid certificate) or pending, is a conflict */
            int64_t strangers_max; /* ADD: > 0: a denied one that nobody vouched for; of these so many are
                                      kept, the oldest go */
        } request;
        struct {
            const struct certificate_row *row;
            bool of_this_request;
        } certificate;
        const struct challenge_row *challenge;
        struct {
            int64_t id;
            int64_t now_s;
        } use;
        struct {
            struct serial serial;
            enum crl_reason reason;
            int64_t revoked_s;
        } revoke;
        struct {
            int64_t issuer_key;
            int64_t now_s;
            int64_t lease_s; /* for so long nobody else may claim the next CRL of this key */
        } crl_claim;
        const struct crl_row *crl;
        const struct device_row *device;
        struct {
            const char *name;
            struct span value;
        } setting;
        const struct audit_row *audit;
        int64_t id;
    };
};

#define CHANGE_OPS_MAX 16
/* Zero-initialise, append with change_add, hand to store_commit. */
struct change {
    struct change_op ops[CHANGE_OPS_MAX];
    size_t count;
    /* results */
    int64_t request_id; /* of CHANGE_REQUEST_ADD; on a retry conflict: the id of the earlier request */
    bool is_retry;      /* STATUS_CONFLICT came from retry_key */
    int64_t challenge_id;
    int64_t crl_number; /* max(previous + 1, now_s) */
};
/* Appends; asserts that there is room. */
void change_add(struct change *change, struct change_op op);

/* Makes the change durable (committed and synced), or changes nothing. May be grouped with other threads'
 * changes. Ops are carried out in order. Statuses:
 * STATUS_CONFLICT: retry_key (is_retry), serial already there, challenge used up or expired or voided, a
 * request that is no longer pending, certificate already revoked, CRL claimed by somebody else;
 * STATUS_NOT_FOUND: id or serial; STATUS_DENIED: unhold of one that is not held. */
NODISCARD enum status store_commit(struct store *store, struct change *change, struct err *err);

/* ---- reading ---- */

NODISCARD enum status store_request(struct store *store, int64_t id, struct request_row *out,
                                    struct err *err);
/* The newest request with this retry key that is pending or issued, created at or after since_s. An issued
 * one counts only while its certificate is neither expired at now_s nor revoked. STATUS_NOT_FOUND. */
NODISCARD enum status store_request_retry(struct store *store, const uint8_t retry_key[SHA256_LEN],
                                          int64_t since_s, int64_t now_s, struct request_row *out,
                                          struct err *err);
/* The newest request of a profile and transactionID with this key (pubkey_fingerprint) that is issued,
 * pending, or was decided by an officer: what was refused at once never occupies a transactionID (rules.md).
 * STATUS_NOT_FOUND. */
NODISCARD enum status store_request_transaction(struct store *store, const char *profile,
                                                const char *transaction_id,
                                                const uint8_t key_fingerprint[SHA256_LEN],
                                                struct request_row *out, struct err *err);
/* Whether a pending request of that profile and transactionID exists that holds another key. */
NODISCARD enum status store_request_other_key(struct store *store, const char *profile,
                                              const char *transaction_id,
                                              const uint8_t key_fingerprint[SHA256_LEN], bool *exists,
                                              struct err *err);

struct request_filter {
    bool by_disposition;
    enum disposition disposition;
    const char *profile;      /* NULL: any */
    int64_t pending_lapsed_s; /* > 0: only pending ones whose lapses_s is at or before this */
    int64_t after_id;         /* ids above this only */
    int64_t limit;            /* 0: all */
};
/* Called once per row in order of id; the row is borrowed for the call. A status other than OK ends the walk
 * and is passed on. The walk sees one consistent state. */
typedef enum status request_visit(const struct request_row *row, void *context, struct err *err);
NODISCARD enum status store_requests(struct store *store, const struct request_filter *filter,
                                     request_visit *visit, void *context, struct err *err);

NODISCARD enum status store_certificate(struct store *store, const struct serial *serial,
                                        struct certificate_row *out, struct err *err);
struct certificate_filter {
    bool by_status;
    enum certificate_status status;
    int64_t now_s;             /* for status; must be set */
    const char *subject;       /* NULL: any; else a part of the RFC 4514 text, ASCII case ignored */
    const char *subject_exact; /* NULL: any; else the whole text */
    const char *template_name;
    const char *value_name; /* with value_text: certificates made from this lookup value */
    const char *value_text;
    const uint8_t *key_fingerprint; /* SHA256_LEN octets, NULL: any */
    int64_t expires_before_s;       /* > 0: valid ones whose not_after is before this */
    bool with_der;
    int64_t after_id;
    int64_t limit; /* 0: all */
};
typedef enum status certificate_visit(const struct certificate_row *row, void *context, struct err *err);
NODISCARD enum status store_certificates(struct store *store, const struct certificate_filter *filter,
                                         certificate_visit *visit, void *context, struct err *err);
/* Whether a certificate with this key was revoked for keyCompromise. */
NODISCARD enum status store_key_compromised(struct store *store, const uint8_t key_fingerprint[SHA256_LEN],
                                            bool *compromised, struct err *err);

NODISCARD enum status store_challenge(struct store *store, const uint8_t sha256[SHA256_LEN],
                                      struct challenge_row *out, struct err *err);

/* Revoked certificates of one CA key, in the order of their serial octets (shorter ones first), in one
 * consistent state: two passes see the same. An entry is left out once its certificate had expired and was
 * revoked before last_scheduled_s and the newest scheduled CRL on record (CHANGE_CRL_PUBLISHED) covers its
 * revocation (RFC 5280 section 3.3). */
struct revoked_walk; /* opaque; belongs to the thread that began it */
NODISCARD enum status store_revoked_begin(struct store *store, int64_t issuer_key, int64_t last_scheduled_s,
                                          struct revoked_walk **out, int64_t *revocation_version,
                                          struct err *err);
/* From the start again. */
NODISCARD enum status store_revoked_rewind(struct revoked_walk *walk, struct err *err);
/* *found is false at the end. */
NODISCARD enum status store_revoked_next(struct revoked_walk *walk, struct revoked_entry *entry, bool *found,
                                         struct err *err);
void store_revoked_end(struct revoked_walk *walk);
AUTO_POINTER(revoked_walk, struct revoked_walk, store_revoked_end)
/* Counts every revocation and unhold: a CRL that covers less is due. */
NODISCARD enum status store_revocation_version(struct store *store, int64_t *version, struct err *err);

/* The newest published CRL of a key, or the newest scheduled one. STATUS_NOT_FOUND. */
NODISCARD enum status store_crl(struct store *store, int64_t issuer_key, bool only_scheduled,
                                struct crl_row *out, struct err *err);

/* By DeviceUid, or by another value that exactly one device has ({DeviceSerialNumber}, {EnrollmentUser} …).
 * STATUS_NOT_FOUND; STATUS_CONFLICT if several have it. */
NODISCARD enum status store_device(struct store *store, const char *uid, struct device_row *out,
                                   struct err *err);
NODISCARD enum status store_device_by_value(struct store *store, const char *name, const char *text,
                                            struct device_row *out, struct err *err);
typedef enum status device_visit(const struct device_row *row, void *context, struct err *err);
NODISCARD enum status store_devices(struct store *store, device_visit *visit, void *context, struct err *err);

/* STATUS_NOT_FOUND. */
NODISCARD enum status store_setting(struct store *store, const char *name, struct buf *out, struct err *err);

struct audit_filter {
    int64_t after_id;
    int64_t limit; /* 0: all */
};
typedef enum status audit_visit(const struct audit_row *row, void *context, struct err *err);
NODISCARD enum status store_audit(struct store *store, const struct audit_filter *filter, audit_visit *visit,
                                  void *context, struct err *err);
/* The chain's head: last id (0: empty) and its hash. */
NODISCARD enum status store_audit_head(struct store *store, int64_t *id, uint8_t hash[SHA256_LEN],
                                       struct err *err);
/* Recomputes the whole chain. STATUS_INTEGRITY names the first row that does not fit. *rows counts them.
 * Backend-independent: works over store_audit. */
NODISCARD enum status store_audit_verify(struct store *store, int64_t *rows, uint8_t head[SHA256_LEN],
                                         struct err *err);

struct store_counts {
    int64_t certificates_valid, certificates_expired, certificates_revoked, certificates_held;
    int64_t requests_issued, requests_pending, requests_denied, requests_failed;
    int64_t challenges_open;
    int64_t commits; /* transactions since this store was opened */
    int64_t changes; /* changes in them */
};
NODISCARD enum status store_counts(struct store *store, int64_t now_s, struct store_counts *out,
                                   struct err *err);
/* A number that changes when somebody else has committed: another process, or another handle of this one.
 * Commits through this handle leave it alone. Cheap; waits for a commit that is under way. */
NODISCARD enum status store_foreign_version(struct store *store, int64_t *version, struct err *err);
/* The latest time at which anything was committed, by the clock of then; 0 if nothing was. It never goes
 * back. For "the clock is behind the last commit". */
NODISCARD enum status store_last_commit_s(struct store *store, int64_t *time_s, struct err *err);
/* Whether it can be written right now: a small durable write. */
NODISCARD enum status store_probe(struct store *store, struct err *err);
/* The backend's own integrity check, and the kept numbers against the rows: slow. STATUS_INTEGRITY with the
 * first complaint. */
NODISCARD enum status store_integrity(struct store *store, struct err *err);
/* A consistent copy into a new file (mode 0600, whole or not there) while others write. STATUS_CONFLICT if
 * the path exists. */
NODISCARD enum status store_backup(struct store *store, const char *path, struct err *err);

void store_close(struct store *store);
AUTO_POINTER(store, struct store, store_close)

/* ---- opening ---- */

/* SQLite: WAL, synchronous=FULL, foreign keys; a file for its owner alone. create: the file must not exist
 * (STATUS_CONFLICT), else it must (STATUS_NOT_FOUND). Migrations that are missing are applied; a schema newer
 * than this program, a file that is no database or damaged: STATUS_CONFIG / STATUS_INTEGRITY. */
NODISCARD enum status store_open_sqlite(const char *path, bool create, struct store **out, struct err *err);

#endif

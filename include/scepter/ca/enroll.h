/* SPDX-License-Identifier: Apache-2.0
 *
 * The one door: every protocol turns its wire form into a struct request, calls
 * enroll(), and turns the struct outcome back. Nothing here knows HTTP, SCEP or files.
 */
#ifndef SCEPTER_CA_ENROLL_H
#define SCEPTER_CA_ENROLL_H

#include "authority.h"
#include "store.h"
#include "template.h"

/* ---- configuration: one immutable, counted snapshot ---- */

enum challenge_policy { CHALLENGE_NONE, CHALLENGE_STATIC, CHALLENGE_ONE_TIME, CHALLENGE_WEBHOOK };
/* "none", "static", "one-time", "webhook"; static. */
const char *challenge_policy_name(enum challenge_policy policy);

struct webhook {
    char *url;     /* https, or http on loopback */
    char *secret;  /* HMAC-SHA256 key, from a file; NULL: no signature header */
    char *ca_file; /* PEM trust anchors; NULL: the system's */
    int64_t timeout_ms;
};

/* One SCEP endpoint. Strings are owned by the snapshot. */
struct profile {
    char *name;
    char *template_any;        /* `template`; or the three of `templates`, by the CSR's key usage: */
    char *template_signing;    /* digitalSignature only */
    char *template_encryption; /* keyEncipherment only */
    char *template_both;       /* both, or none asked for */
    enum challenge_policy challenge;
    char *challenge_phrase; /* static: the phrase, read from challenge_file */
    struct webhook webhook;
    bool ra_pair;   /* "pair" instead of "combined" */
    bool ca_single; /* ca_certificates = "single" */
    bool allow_sha1, allow_des3;
    int64_t retry_window_s;  /* 24h */
    int64_t renewal_grace_s; /* 0 */
    int64_t pending_lapse_s; /* 30d */
};

struct snapshot {
    struct authority *authority;
    struct template_set *templates;
    struct profile *profiles;
    size_t profile_count;
    size_t references; /* snapshot_ref, snapshot_unref: atomically */
};
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot);
AUTO_POINTER(snapshot, struct snapshot, snapshot_unref)
/* NULL if there is none. */
const struct profile *snapshot_profile(const struct snapshot *snapshot, const char *name);
/* Whether the profile issues from that template. */
bool profile_allows(const struct profile *profile, const char *template_name);
void profile_free(struct profile *profile); /* what it holds */

/* What the pipeline works with. Lives as long as the process; the snapshot is per request. */
struct enroll_context {
    struct store *store;
    const struct snapshot *snapshot;
};

/* ---- who asks ---- */

enum requester_kind {
    REQUESTER_CLIENT,  /* a SCEP client: by challenge or by the certificate that signed */
    REQUESTER_LOCAL,   /* the command line: local:<os user>, counts as admin */
    REQUESTER_ACCOUNT, /* an authenticated account (its name and values) */
};
struct requester {
    enum requester_kind kind;
    const char *name;            /* "local:root", account name; NULL for a client */
    const struct values *values; /* what is known of it, or given with --set; NULL: nothing */
};

/* Who signed a SCEP message. */
struct request_signer {
    const struct certificate *certificate; /* as presented; its key judged and the message verified */
    bool ours;                             /* signed by one of the authority's keys; false: self-signed */
};

struct request {
    const char *protocol;          /* "scep", "cli" */
    const struct profile *profile; /* NULL at the command line */
    const char *template_wanted;   /* NULL: the profile's */
    struct span csr_der;
    const char *transaction_id;          /* NULL: none */
    const struct request_signer *signer; /* NULL: none */
    struct requester requester;
    const char *remote;       /* "192.0.2.7", NULL */
    struct span reply_secret; /* sealed in the row while it is pending (EC by password); empty: none */
};

/* ---- what became of it ---- */

struct outcome {
    enum disposition disposition;
    enum status status;      /* why denied or failed: STATUS_DENIED, STATUS_ALGORITHM, STATUS_INTEGRITY … */
    char *reason;            /* one line: the same words in reply, row and log; NULL if issued */
    int64_t request_id;      /* 0: nothing was stored */
    bool is_stranger;        /* denied: no valid challenge, log-in or certificate of ours came with it */
    bool retry;              /* the answer of an earlier request again */
    struct serial serial;    /* issued */
    struct buf certificate;  /* issued: DER */
    struct buf reply_secret; /* enroll_poll: unsealed, for a request that was held with one; else empty */
    char *template_name;     /* as far as known, for the log */
    char *subject;
    char *requester;
};
void outcome_free(struct outcome *outcome);
AUTO_VALUE(outcome, struct outcome, outcome_free)

/* Setting of the store: why nothing is issued ("restored from …"); absent or empty: issuing is on. */
#define SETTING_SUSPENDED "authority.suspended"

/* The whole way of a request, as design.md draws it. STATUS_OK: look at the outcome (issued, pending, denied,
 * or failed for what the CA could not do). Another status only if not even a denial could be recorded (store
 * down): then nothing was issued and err says why. When it returns "issued", the certificate is durable.
 * Of refusals of strangers (no challenge, a wrong or dead one, a signer that may not renew) 10,000 rows are
 * kept at the most. No row and request_id 0: a CSR that cannot be read, and while the clock is behind
 * (STATUS_TIME). Thread-safe.
 */
NODISCARD enum status enroll(const struct enroll_context *context, const struct request *request,
                             struct outcome *outcome, struct err *err);

/* What became of a held request: found by profile, transactionID and the signer, who must be the one that
 * sent it (the key that the request holds, or the certificate of ours that signed it). Lapsed ones are denied
 * on the way. The reply secret is handed out until the certificate is, and then wiped. STATUS_NOT_FOUND if
 * there is none; STATUS_INTEGRITY if the secret cannot be unsealed. */
NODISCARD enum status enroll_poll(const struct enroll_context *context, const struct profile *profile,
                                  const char *transaction_id, const struct request_signer *signer,
                                  struct outcome *outcome, struct err *err);

/* An officer approves: the template is applied again with the stored values, and the certificate issued.
 * STATUS_CONFLICT: no longer pending (or lapsed just now); STATUS_NOT_FOUND. What the template or the key
 * rules refuse by now comes as their status and leaves the request pending; STATUS_TIME: the clock is behind.
 * actor: "local:root", "account NAME" (who cannot approve a request of its own: STATUS_DENIED). */
NODISCARD enum status enroll_approve(const struct enroll_context *context, int64_t request_id,
                                     const char *actor, struct outcome *outcome, struct err *err);
/* An officer denies; reason may be NULL (else one printable line of at most 512 octets: STATUS_MALFORMED). A
 * one-time challenge's use is given back within its ttl. STATUS_CONFLICT: no longer pending;
 * STATUS_NOT_FOUND. */
NODISCARD enum status enroll_deny(const struct enroll_context *context, int64_t request_id, const char *actor,
                                  const char *reason, struct err *err);
/* Denies pending requests whose time has run out; *lapsed counts them. */
NODISCARD enum status enroll_lapse(const struct enroll_context *context, int64_t *lapsed, struct err *err);

/* ---- challenges ---- */

struct challenge_new {
    const char *profile;       /* NULL: "default" */
    const char *template_name; /* NULL: any of the profile's */
    const struct values *values;
    int64_t ttl_s; /* > 0 */
    int64_t uses;  /* >= 1 */
    const char *actor;
};
/* Makes a one-time challenge: 32 upper-case hex digits, stored as SHA-256; *phrase is the caller's
 * (secret_free), *row as well. STATUS_NOT_FOUND names the profiles or templates there are; STATUS_DENIED: the
 * profile takes no one-time challenges; STATUS_USAGE: ttl, uses, or a value that no template knows. */
NODISCARD enum status challenge_create(const struct enroll_context *context,
                                       const struct challenge_new *wanted, char **phrase,
                                       struct challenge_row *row, struct err *err);

/* ---- revocation ---- */

/* Revokes or holds. STATUS_CONFLICT: already revoked (a hold may become a revocation), STATUS_NOT_FOUND;
 * STATUS_USAGE for removeFromCRL. */
NODISCARD enum status revoke_certificate(struct store *store, const struct serial *serial,
                                         enum crl_reason reason, const char *actor, struct err *err);
/* STATUS_DENIED: it is not on hold; STATUS_NOT_FOUND. */
NODISCARD enum status unhold_certificate(struct store *store, const struct serial *serial, const char *actor,
                                         struct err *err);

/* Signs the audit chain's head with the CA's current key and records it as an audit row "audit.checkpoint",
 * whose detail is "rows=N hash=HEX time=RFC3339 key=INDEX signature=BASE64" (what stands before " signature="
 * is signed, SHA-256). Does nothing if the newest row is a checkpoint. */
NODISCARD enum status audit_checkpoint(struct store *store, const struct authority *authority,
                                       struct err *err);
/* Holds a checkpoint that was kept elsewhere (that detail, or a log line that contains it) against the chain:
 * *rows is the row that it covers up to. store_audit_verify checks the chain itself. STATUS_MALFORMED: no
 * checkpoint; STATUS_INTEGRITY: not signed by this CA, or rows were removed or rewritten since. */
NODISCARD enum status audit_checkpoint_verify(struct store *store, const struct authority *authority,
                                              const char *text, int64_t *rows, struct err *err);

#endif

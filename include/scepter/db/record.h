/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows that a store keeps, as plain structs. Strings and octets in a row that a
 * store hands out are owned by the row (x_row_free) unless a method says "borrowed".
 * Times are Unix seconds.
 */
#ifndef SCEPTER_DB_RECORD_H
#define SCEPTER_DB_RECORD_H

#include "digest.h"
#include "name.h"
#include "values.h"

/* What became of a request (AD CS's words). */
enum disposition { DISPOSITION_ISSUED, DISPOSITION_PENDING, DISPOSITION_DENIED, DISPOSITION_FAILED };
/* "issued", "pending", "denied", "failed"; static. */
const char *disposition_name(enum disposition disposition);
bool disposition_by_name(const char *word, enum disposition *disposition);

/* What a certificate is at a moment; derived, never stored. */
enum certificate_status {
    CERTIFICATE_VALID,
    CERTIFICATE_EXPIRED, /* revoked wins over expired */
    CERTIFICATE_REVOKED,
    CERTIFICATE_HELD,
};
/* "valid", "expired", "revoked", "held"; static. */
const char *certificate_status_name(enum certificate_status status);
bool certificate_status_by_name(const char *word, enum certificate_status *status);

/* CRLReason (RFC 5280 section 5.3.1). */
enum crl_reason {
    REASON_NONE = -1, /* not revoked */
    REASON_UNSPECIFIED = 0,
    REASON_KEY_COMPROMISE = 1,
    REASON_CA_COMPROMISE = 2,
    REASON_AFFILIATION_CHANGED = 3,
    REASON_SUPERSEDED = 4,
    REASON_CESSATION_OF_OPERATION = 5,
    REASON_CERTIFICATE_HOLD = 6,
    REASON_REMOVE_FROM_CRL = 8,
    REASON_PRIVILEGE_WITHDRAWN = 9,
    REASON_AA_COMPROMISE = 10,
};
/* As RFC 5280 spells them ("keyCompromise"); static, NULL for REASON_NONE. */
const char *crl_reason_name(enum crl_reason reason);
/* Case ignored. False if there is no such reason or it cannot be given (removeFromCRL). */
bool crl_reason_by_name(const char *word, enum crl_reason *reason);

#define SERIAL_MAX 20
/* A certificate's serial number: magnitude, big-endian, without leading zero octets. */
struct serial {
    uint8_t octets[SERIAL_MAX];
    size_t len;
};
static inline struct span serial_span(const struct serial *serial)
{
    return (struct span){serial->octets, serial->len};
}
/* Lower-case hex, an even number of digits; out holds 2 * SERIAL_MAX + 1. */
void serial_text(const struct serial *serial, char out[2 * SERIAL_MAX + 1]);
/* Any case, with 0x, colons, blanks, leading zeros. STATUS_MALFORMED. */
NODISCARD enum status serial_parse(const char *text, struct serial *out, struct err *err);
/* From the octets of a DER INTEGER or magnitude: leading zeros dropped. STATUS_LIMIT above SERIAL_MAX. */
NODISCARD enum status serial_from(struct span octets, struct serial *out, struct err *err);

/* One enrolment request, whatever protocol brought it. */
struct request_row {
    int64_t id; /* 0 until stored */
    int64_t created_s;
    int64_t decided_s; /* 0 while pending */
    int64_t lapses_s;  /* pending ones: when it lapses; else 0 */
    enum disposition disposition;
    char *reason;         /* why denied or failed, or held; NULL for issued */
    char *protocol;       /* "scep", "cli" … */
    char *profile;        /* NULL where no profile took part */
    char *template_name;  /* NULL if it was never chosen */
    char *transaction_id; /* SCEP's; NULL otherwise. Not unique */
    char *requester;      /* "challenge 12", "static challenge", "account NAME", "local:root", "renewal of
                             <serial>" */
    char *decided_by;     /* who approved or denied; NULL if nobody had to */
    char *remote;         /* address it came from, NULL for the command line */
    char *subject;        /* RFC 4514: of the certificate if that was worked out, else of the CSR */
    struct general_names san;
    struct values values;
    struct buf csr;                      /* DER, the challenge blanked */
    uint8_t key_fingerprint[SHA256_LEN]; /* pubkey_fingerprint of the CSR's key */
    uint8_t retry_key[SHA256_LEN]; /* digest of what makes a retry (rules.md); all zero: never replayed */
    int64_t challenge_id;          /* one-time challenge that was used, 0 = none */
    uint8_t challenge_sha256[SHA256_LEN]; /* of the challenge that was presented; all zero: none */
    struct serial renews;                 /* serial of the certificate being renewed; len 0 = none */
    struct serial serial;                 /* of the issued certificate; len 0 = none */
    struct buf sealed; /* secret for the reply of a pending EC request, encrypted; empty = none */
};
void request_row_free(struct request_row *row);
AUTO_VALUE(request_row, struct request_row, request_row_free)

/* One certificate that the authority signed. */
struct certificate_row {
    int64_t id;         /* 0 until stored */
    int64_t request_id; /* 0: none (CA, RA, imported) */
    int64_t created_s;
    struct serial serial;
    int64_t issuer_key; /* key index of the authority's generation that signed it */
    char *template_name;
    int64_t template_version;
    char *profile;
    char *subject; /* RFC 4514 */
    struct buf subject_der;
    struct general_names san;
    struct values values; /* lookup values it was made from: the first source at its renewal */
    uint8_t key_fingerprint[SHA256_LEN];
    int64_t not_before_s;
    int64_t not_after_s;
    char *requester;
    struct serial renews;   /* the certificate that it renewed; len 0 = none */
    struct buf der;         /* empty in lists unless the filter asks for it */
    enum crl_reason reason; /* REASON_NONE: not revoked */
    int64_t revoked_s;      /* 0: not revoked */
};
void certificate_row_free(struct certificate_row *row);
AUTO_VALUE(certificate_row, struct certificate_row, certificate_row_free)
enum certificate_status certificate_row_status(const struct certificate_row *row, int64_t now_s);

/* A one-time challenge. The phrase itself is never stored. */
struct challenge_row {
    int64_t id;
    uint8_t sha256[SHA256_LEN]; /* of the phrase */
    char *profile;              /* where it may be used */
    char *template_name;        /* NULL: any that the profile allows */
    struct values values;
    int64_t created_s;
    int64_t expires_s;
    int64_t uses;     /* how many were granted */
    int64_t used;     /* how many are consumed */
    int64_t failures; /* denied or failed attempts; CHALLENGE_FAILURES_MAX void it */
    char *created_by;
};
#define CHALLENGE_FAILURES_MAX 10
void challenge_row_free(struct challenge_row *row);
AUTO_VALUE(challenge_row, struct challenge_row, challenge_row_free)

/* One revoked certificate as a CRL lists it. */
struct revoked_entry {
    struct serial serial;
    int64_t revoked_s;
    enum crl_reason reason;
};

/* A published CRL. */
struct crl_row {
    int64_t issuer_key;
    int64_t number;
    int64_t created_s; /* when it was made; this_update lies a little before it */
    int64_t this_update_s;
    int64_t next_update_s;
    bool scheduled; /* a regularly scheduled one (RFC 5280 section 3.3) */
    int64_t entries;
    int64_t size;               /* octets */
    uint8_t sha256[SHA256_LEN]; /* of the whole CRL */
    int64_t revocation_version; /* store's revocation version that it covers */
};

/* A device and what is known of it. */
struct device_row {
    char *uid; /* DeviceUid; unique */
    struct values values;
    int64_t updated_s;
};
void device_row_free(struct device_row *row);
AUTO_VALUE(device_row, struct device_row, device_row_free)

/* One audit event. time, id and the hashes are filled in by the store. */
struct audit_row {
    int64_t id;
    int64_t time_s;
    char *actor;  /* "local:root", "challenge 12", "system" … */
    char *action; /* "request.issued", "certificate.revoked", "crl.published", "challenge.created" … */
    char *object; /* "request 12", "certificate 0a1b…", NULL */
    char *detail; /* one line for people, NULL */
    uint8_t hash[SHA256_LEN]; /* over the previous row's hash and this row */
};
void audit_row_free(struct audit_row *row);
AUTO_VALUE(audit_row, struct audit_row, audit_row_free)

#endif

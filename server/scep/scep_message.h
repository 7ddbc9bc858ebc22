/* SPDX-License-Identifier: Apache-2.0
 *
 * A SCEP message (RFC 8894 section 3) as a struct, read by scep_decode.c; a CertRep,
 * written by scep_encode.c.
 */
#ifndef SCEPTER_SERVER_SCEP_MESSAGE_H
#define SCEPTER_SERVER_SCEP_MESSAGE_H

#include "cms.h"
#include "enroll.h"

/* RFC 8894 section 3.2.1.2. */
enum scep_type {
    SCEP_NONE = 0,
    SCEP_CERT_REP = 3,
    SCEP_RENEWAL_REQ = 17,
    SCEP_PKCS_REQ = 19,
    SCEP_CERT_POLL = 20,
    SCEP_GET_CERT = 21,
    SCEP_GET_CRL = 22,
};
/* "PKCSReq" …; static. */
const char *scep_type_name(enum scep_type type);

#define SCEP_TRANSACTION_ID_MAX 256
#define SCEP_NONCE_MAX          64

struct scep_message {
    enum scep_type type;
    char *transaction_id; /* NULL until it was read */
    struct buf sender_nonce;
    struct certificate *signer; /* as presented; NULL until it was read */
    bool signer_is_ours;
    bool verified;             /* signature and digest hold */
    enum digest digest;        /* that the request used */
    enum cms_cipher cipher;    /* that the request used */
    bool by_password;          /* a password was tried to open it */
    int64_t passwords_after_s; /* set before scep_decode: > 0: passwords are refused for so long */
    struct buf content;        /* what was in the envelope: one whole DER SEQUENCE */
};
void scep_message_free(struct scep_message *message);
AUTO_VALUE(scep_message, struct scep_message, scep_message_free)

/* Reads, verifies and decrypts one PKIMessage for a profile. On failure *out still holds what was read by
 * then, so that a failure can be answered once transaction_id is there. Statuses as a CertRep needs them:
 * STATUS_ALGORITHM (badAlg), STATUS_INTEGRITY (badMessageCheck; one text for all that can be wrong inside the
 * envelope), others (badRequest); STATUS_BUSY: a password was to be tried, and out->passwords_after_s says
 * that none is: before any work on it. *out is zero-initialised but for that. */
NODISCARD enum status scep_decode(struct span octets, const struct snapshot *snapshot,
                                  const struct profile *profile, struct scep_message *out, struct err *err);

/* RFC 8894 section 3.2.1.4. */
enum scep_fail_info {
    SCEP_BAD_ALG = 0,
    SCEP_BAD_MESSAGE_CHECK = 1,
    SCEP_BAD_REQUEST = 2,
    SCEP_BAD_TIME = 3,
    SCEP_BAD_CERT_ID = 4,
};
/* The one place where a status becomes a failInfo. */
enum scep_fail_info scep_fail_info(enum status status);
/* "badAlg" …; static. */
const char *scep_fail_info_name(enum scep_fail_info info);

enum scep_status { SCEP_SUCCESS = 0, SCEP_FAILURE = 2, SCEP_PENDING = 3 };

struct scep_reply {
    enum scep_status status;
    enum status failure;     /* SCEP_FAILURE: what became failInfo */
    const char *reason;      /* SCEP_FAILURE: failInfoText */
    struct span certificate; /* SCEP_SUCCESS: the one certificate, DER; or */
    struct span crl;         /* SCEP_SUCCESS of GetCRL */
    struct span password;    /* for signers whose key cannot decrypt (EC): the challenge; else empty */
};
/* CertRep for that message, appended to out: signed by the profile's RA with the request's digest, encrypted
 * to its signer (or with the password) with the request's cipher. */
NODISCARD enum status scep_encode(const struct snapshot *snapshot, const struct profile *profile,
                                  const struct scep_message *message, const struct scep_reply *reply,
                                  struct buf *out, struct err *err);

/* ---- scep_static.c: what needs no request ---- */

/* GetCACaps: one keyword a line. */
void scep_capabilities(const struct profile *profile, struct buf *out);
/* GetCACert: its octets and content type. */
void scep_ca_certificates(const struct snapshot *snapshot, const struct profile *profile, struct buf *out,
                          const char **content_type);

#endif

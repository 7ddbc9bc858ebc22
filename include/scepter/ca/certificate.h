/* SPDX-License-Identifier: Apache-2.0
 *
 * An X.509 certificate read back (RFC 5280): signers of SCEP messages, CA certificates
 * that are installed, certificates that are imported or shown. Judges nothing.
 */
#ifndef SCEPTER_CA_CERTIFICATE_H
#define SCEPTER_CA_CERTIFICATE_H

#include "csr.h"
#include "record.h"

#define CERTIFICATE_MAX_LEN        65536
#define CERTIFICATE_SERIAL_MAX_LEN 64

/* Spans borrow der. v1 certificates have no extensions. */
struct certificate {
    struct buf der;
    struct span tbs;
    struct span issuer_der;
    struct span subject_der;
    struct name issuer;
    struct name subject;
    struct span serial_octets; /* as in the INTEGER, up to 64 octets: clients' own certificates are odd */
    struct pubkey *key;        /* decoded, not judged */
    int64_t not_before_s;      /* 0 and INT64_MAX where the dates do not parse (self-signed signers) */
    int64_t not_after_s;
    struct general_names san;
    bool has_key_usage;
    unsigned key_usage;
    bool has_basic_constraints, is_ca;
    int64_t path_len;       /* -1: none */
    struct span ski, aki;   /* key identifiers; empty if absent */
    struct span extensions; /* the whole Extensions SEQUENCE, empty if absent */
    enum digest signature_digest;
    enum key_type signature_key_type;
    struct span signature;
};

/* One DER certificate, nothing behind it. STATUS_MALFORMED, STATUS_LIMIT, STATUS_ALGORITHM. */
NODISCARD enum status certificate_decode(struct span der, struct certificate **out, struct err *err);
void certificate_free(struct certificate *certificate);
AUTO_POINTER(certificate, struct certificate, certificate_free)

/* Its signature by that key (judged by the caller). STATUS_INTEGRITY. */
NODISCARD enum status certificate_verify(const struct certificate *certificate, const struct pubkey *issuer,
                                         struct err *err);
/* Issuer and subject are the same octets (says nothing about the signature). */
bool certificate_is_self_issued(const struct certificate *certificate);
/* The content of one extension by OID, or false. */
bool certificate_extension(const struct certificate *certificate, enum oid oid, struct span *value,
                           bool *critical);
/* Labels for der_from_any: "CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE", NULL. */
extern const char *const certificate_pem_labels[];

#endif

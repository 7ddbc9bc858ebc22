/* SPDX-License-Identifier: Apache-2.0
 *
 * A decoded PKCS#10 request (RFC 2986): what it asks for, as data. Decides nothing.
 */
#ifndef SCEPTER_BASE_CSR_H
#define SCEPTER_BASE_CSR_H

#include "name.h"
#include "pubkey.h"

/* Key usage bits as in RFC 5280 section 4.2.1.3, for der_put_flags and der_take_flags. (OpenSSL's macros KU_…
 * count the bits from the other end.) */
enum key_usage {
    KEY_USAGE_DIGITAL_SIGNATURE = 1u << 0,
    KEY_USAGE_NON_REPUDIATION = 1u << 1,
    KEY_USAGE_KEY_ENCIPHERMENT = 1u << 2,
    KEY_USAGE_DATA_ENCIPHERMENT = 1u << 3,
    KEY_USAGE_KEY_AGREEMENT = 1u << 4,
    KEY_USAGE_KEY_CERT_SIGN = 1u << 5,
    KEY_USAGE_CRL_SIGN = 1u << 6,
};

#define CSR_MAX_LEN           65536
#define CSR_CHALLENGE_MAX_LEN 16384 /* octets as UTF-8; UEMs send tokens of a few thousand */

struct csr {
    struct buf der;   /* the whole request */
    struct span info; /* CertificationRequestInfo, whole TLV; borrows der, as the spans below */
    struct span subject_der;
    struct name subject;
    struct pubkey *key;           /* decoded, neither judged nor verified by csr_decode */
    char *challenge;              /* challengePassword as UTF-8, NULL if there is none; wiped when freed */
    uint8_t challenge_tag;        /* its DER string type */
    struct span challenge_octets; /* its content octets */
    struct general_names san;     /* of the extension request; empty if none */
    bool san_by_attribute; /* a name-value pair "SAN" asks for one (ESC6); what it asks for is not kept */
    bool has_key_usage;
    unsigned key_usage;        /* enum key_usage bits */
    struct span template_name; /* content of 1.3.6.1.4.1.311.20.2 as UTF-8 is in template_name_text */
    char *template_name_text;  /* NULL if not asked for */
    enum digest signature_digest;
    enum key_type signature_key_type;
    struct span signature;
};

/* Reads one DER CertificationRequest. Duplicate attributes and extensions (the two kinds of extension request
 * count as one), an extension request with more than one value, trailing octets and NULs in names are
 * refused: STATUS_MALFORMED; STATUS_LIMIT above CSR_MAX_LEN, CSR_CHALLENGE_MAX_LEN and 64 attributes or
 * extensions; STATUS_ALGORITHM for keys and signatures of kinds that are not taken. Extensions that it does
 * not name are passed over. */
NODISCARD enum status csr_decode(struct span der, struct csr **out, struct err *err);
/* Proof of possession: the request's signature by its own key, which must have been judged.
 * STATUS_INTEGRITY. */
NODISCARD enum status csr_verify(const struct csr *csr, struct err *err);
/* The request with the challenge's characters replaced by '*' (for the store and exports): DER of the same
 * length that csr_decode reads, appended to out. Its signature no longer holds. */
void csr_blanked(const struct csr *csr, struct buf *out);
void csr_free(struct csr *csr);
AUTO_POINTER(csr, struct csr, csr_free)

/* PEM labels of a request: "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", NULL. For der_from_any. */
extern const char *const csr_pem_labels[];

#endif

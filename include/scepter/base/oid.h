/* SPDX-License-Identifier: Apache-2.0
 *
 * Object identifiers: those that Scepter knows, by name, and any other as dotted text.
 * An OID travels as a span of its content octets (X.690 section 8.19).
 */
#ifndef SCEPTER_BASE_OID_H
#define SCEPTER_BASE_OID_H

#include "buf.h"

/* Known OIDs. The table in base/oid_table.h gives name, dotted text and octets. */
enum oid {
    OID_UNKNOWN = 0,
    /* attribute types (RFC 4519, RFC 5280, RFC 2985) */
    OID_CN,
    OID_SURNAME,
    OID_SERIAL_NUMBER,
    OID_C,
    OID_L,
    OID_ST,
    OID_STREET,
    OID_O,
    OID_OU,
    OID_TITLE,
    OID_DESCRIPTION,
    OID_POSTAL_CODE,
    OID_NAME,
    OID_GIVEN_NAME,
    OID_INITIALS,
    OID_GENERATION,
    OID_DN_QUALIFIER,
    OID_PSEUDONYM,
    OID_UID,
    OID_DC,
    OID_EMAIL,
    OID_UNSTRUCTURED_NAME,
    OID_UNSTRUCTURED_ADDRESS,
    /* PKCS#9 attributes */
    OID_CHALLENGE_PASSWORD,
    OID_EXTENSION_REQUEST,
    OID_MS_EXTENSION_REQUEST,
    OID_MS_NAME_VALUE_PAIR,
    OID_CONTENT_TYPE,
    OID_MESSAGE_DIGEST,
    OID_SIGNING_TIME,
    /* keys and signatures */
    OID_RSA,
    OID_RSASSA_PSS,
    OID_EC_PUBLIC_KEY,
    OID_P256,
    OID_P384,
    OID_P521,
    OID_MD5_RSA,
    OID_SHA1_RSA,
    OID_SHA224_RSA,
    OID_SHA256_RSA,
    OID_SHA384_RSA,
    OID_SHA512_RSA,
    OID_ECDSA_SHA1,
    OID_ECDSA_SHA224,
    OID_ECDSA_SHA256,
    OID_ECDSA_SHA384,
    OID_ECDSA_SHA512,
    OID_MD5,
    OID_SHA1,
    OID_SHA224,
    OID_SHA256,
    OID_SHA384,
    OID_SHA512,
    OID_HMAC_SHA1,
    OID_HMAC_SHA224,
    OID_HMAC_SHA256,
    OID_HMAC_SHA384,
    OID_HMAC_SHA512,
    /* content encryption */
    OID_DES_CBC,
    OID_DES3_CBC,
    OID_AES128_CBC,
    OID_AES192_CBC,
    OID_AES256_CBC,
    OID_RC2_CBC,
    OID_PBKDF2,
    OID_PWRI_KEK,
    OID_RSAES_OAEP,
    /* CMS content types */
    OID_DATA,
    OID_SIGNED_DATA,
    OID_ENVELOPED_DATA,
    /* SCEP attributes (RFC 8894 section 3.2.1) */
    OID_SCEP_MESSAGE_TYPE,
    OID_SCEP_PKI_STATUS,
    OID_SCEP_FAIL_INFO,
    OID_SCEP_SENDER_NONCE,
    OID_SCEP_RECIPIENT_NONCE,
    OID_SCEP_TRANSACTION_ID,
    OID_SCEP_FAIL_INFO_TEXT,
    /* extensions (RFC 5280) */
    OID_SKI,
    OID_KEY_USAGE,
    OID_SAN,
    OID_ISSUER_ALT_NAME,
    OID_BASIC_CONSTRAINTS,
    OID_CRL_NUMBER,
    OID_CRL_REASON,
    OID_INVALIDITY_DATE,
    OID_DELTA_CRL,
    OID_ISSUING_DP,
    OID_NAME_CONSTRAINTS,
    OID_CDP,
    OID_CERTIFICATE_POLICIES,
    OID_AKI,
    OID_POLICY_CONSTRAINTS,
    OID_EKU,
    OID_FRESHEST_CRL,
    OID_AIA,
    OID_ANY_POLICY,
    OID_CPS,
    OID_AD_OCSP,
    OID_AD_CA_ISSUERS,
    OID_OCSP_NOCHECK,
    /* extended key usages */
    OID_EKU_SERVER_AUTH,
    OID_EKU_CLIENT_AUTH,
    OID_EKU_CODE_SIGNING,
    OID_EKU_EMAIL_PROTECTION,
    OID_EKU_TIME_STAMPING,
    OID_EKU_OCSP_SIGNING,
    OID_EKU_ANY,
    OID_EKU_IPSEC_END_SYSTEM,
    OID_EKU_IPSEC_TUNNEL,
    OID_EKU_IPSEC_USER,
    OID_EKU_IPSEC_IKE,
    OID_EKU_PKINIT_CLIENT,
    OID_EKU_PKINIT_KDC,
    OID_EKU_SMARTCARD_LOGON,
    OID_EKU_REQUEST_AGENT,
    OID_EKU_EFS,
    OID_EKU_DOCUMENT_SIGNING,
    /* Microsoft */
    OID_MS_UPN,
    OID_MS_SID_EXTENSION,
    OID_MS_SID,
    OID_MS_TEMPLATE_NAME,
    OID_MS_TEMPLATE_INFO,
    OID_MS_APPLICATION_POLICIES,
    OID_MS_CA_VERSION,
    OID_MS_PREVIOUS_CA_HASH,
    OID_MS_NEXT_PUBLISH,
    OID_PKINIT_SAN,
    OID_COUNT_
};

/* Content octets of a known OID, static. */
struct span oid_octets(enum oid oid);
/* Which one it is, or OID_UNKNOWN. Thread-safe and quick: a switch, no state. */
enum oid oid_find(struct span octets);
/* Short name as people write it (CN, clientAuth, sha256WithRSAEncryption), static; NULL for unknown. */
const char *oid_name(enum oid oid);
/* By short name or one of the other names that people and programs write (E, EMAIL, S, G, commonName …),
 * ASCII case ignored; OID_UNKNOWN if none. name may not be NULL. */
enum oid oid_by_name(const char *name);
/* Dotted text of any OID of at most 64 octets appended to out; "malformed OID" for what is none. */
void oid_text(struct buf *out, struct span octets);
/* Dotted text ("1.3.6.1.5.5.7.3.2") or a short name into content octets. STATUS_MALFORMED names the text. */
NODISCARD enum status oid_parse(const char *text, struct buf *octets, struct err *err);
/* OBJECT IDENTIFIER TLV of a known OID. */
void der_put_oid(struct buf *out, enum oid oid);
/* AlgorithmIdentifier: SEQUENCE { oid, NULL } or, without null, SEQUENCE { oid }. */
void der_put_algorithm(struct buf *out, enum oid oid, bool null);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Cryptographic Message Syntax (RFC 5652) as SCEP uses it: SignedData with one signer,
 * EnvelopedData with key transport or a password, degenerate SignedData of certificates.
 * Input is DER (run ber_to_der first). No recursion into contents, no X.509 judgement.
 */
#ifndef SCEPTER_CA_CMS_H
#define SCEPTER_CA_CMS_H

#include "certificate.h"
#include "keystore.h"

#define CMS_CERTIFICATES_MAX 16
#define CMS_ATTRIBUTES_MAX   24
#define CMS_RECIPIENTS_MAX   16

/* ---- SignedData ---- */

struct cms_attribute {
    struct span oid;   /* content octets */
    struct span value; /* the one AttributeValue, whole TLV */
};

/* Spans borrow the input. */
struct cms_signed {
    struct span content;                            /* eContent's octets; empty if absent */
    struct span certificates[CMS_CERTIFICATES_MAX]; /* whole TLVs */
    size_t certificate_count;
    bool by_ski;
    struct span signer_issuer; /* DER Name */
    struct span signer_serial; /* INTEGER octets */
    struct span signer_ski;
    enum digest digest;
    enum key_type signature_key_type;
    struct span signed_attributes; /* the [0] IMPLICIT TLV as sent */
    struct cms_attribute attributes[CMS_ATTRIBUTES_MAX];
    size_t attribute_count;
    struct span signature;
};
/* ContentInfo with SignedData: exactly one signerInfo with signed attributes (content type, message digest;
 * each at most once, each with one value), id-data inside, trailing octets refused. STATUS_MALFORMED with the
 * section; STATUS_ALGORITHM for digests and signatures that are not known (MD5 …). */
NODISCARD enum status cms_signed_decode(struct span der, struct cms_signed *out, struct err *err);
/* Value of an attribute (whole TLV) or NULL. */
const struct span *cms_signed_attribute(const struct cms_signed *cms, enum oid oid);
/* The certificate that the signerInfo names, decoded. STATUS_NOT_FOUND; if none fits and one could not be
 * read, certificate_decode's status. */
NODISCARD enum status cms_signed_signer(const struct cms_signed *cms, struct certificate **out,
                                        struct err *err);
/* Message digest over the content and signature over the attributes, by a judged key of the type that the
 * signature algorithm asks for. Attributes are taken as
 * sent (retagged SET OF), and, should that not verify, sorted as DER asks. STATUS_INTEGRITY. */
NODISCARD enum status cms_signed_verify(const struct cms_signed *cms, const struct pubkey *key,
                                        struct err *err);

struct cms_signing {
    const struct key *key;
    const struct certificate *certificate; /* the signer's */
    enum digest digest;
    const struct span *certificates; /* sent along, in this order; whole TLVs */
    size_t certificate_count;
    const struct cms_attribute *attributes; /* beside content type and message digest */
    size_t attribute_count;
};
/* ContentInfo with SignedData around content, appended; empty content (a SCEP reply without an envelope) is
 * an empty eContent. signatureAlgorithm rsaEncryption for RSA (strongSwan). */
NODISCARD enum status cms_signed_encode(const struct cms_signing *signing, struct span content,
                                        struct buf *out, struct err *err);
/* Degenerate SignedData: certificates only (as listed, not sorted) and optionally one CRL; appended. */
void cms_certificates_encode(const struct span *certificates, size_t count, struct span crl, struct buf *out);

/* ---- EnvelopedData ---- */

enum cms_cipher { CIPHER_AES128_CBC, CIPHER_AES192_CBC, CIPHER_AES256_CBC, CIPHER_DES3_CBC };
size_t cms_cipher_key_len(enum cms_cipher cipher);
const char *cms_cipher_name(enum cms_cipher cipher); /* "AES-128-CBC", static */

enum cms_recipient_kind { RECIPIENT_ISSUER_SERIAL, RECIPIENT_SKI, RECIPIENT_PASSWORD };
struct cms_recipient {
    enum cms_recipient_kind kind;
    struct span issuer; /* a Name as sent: to be compared as octets, not decoded */
    struct span serial; /* INTEGER octets */
    struct span ski;
    struct span encrypted_key;
    /* password: PBKDF2 and PWRI-KEK (RFC 3211) */
    enum digest prf;
    struct span salt;
    uint64_t iterations;
    enum cms_cipher kek_cipher;
    struct span kek_iv;
};
struct cms_enveloped {
    struct cms_recipient recipients[CMS_RECIPIENTS_MAX];
    size_t recipient_count;
    enum cms_cipher cipher;
    struct span iv;
    struct span ciphertext;
    bool segmented; /* ciphertext is a row of OCTET STRINGs, as streaming writers send it */
};
/* The one answer to everything that is wrong inside an envelope, also for those who read its content: fills
 * err and gives STATUS_INTEGRITY back. */
NODISCARD enum status cms_envelope_refused(struct err *err);
/* ContentInfo with EnvelopedData. Recipients of other kinds and algorithms are passed over (at least one must
 * remain, else STATUS_ALGORITHM). DES and unknown content ciphers: STATUS_ALGORITHM, named. */
NODISCARD enum status cms_enveloped_decode(struct span der, struct cms_enveloped *out, struct err *err);
/* Decrypts the content with a content key of the cipher's length, appended to out. A wrong key and a broken
 * padding are the same STATUS_INTEGRITY with the same text. */
NODISCARD enum status cms_enveloped_decrypt(const struct cms_enveloped *cms, const uint8_t *content_key,
                                            struct buf *out, struct err *err);
/* The content key out of a password recipient: iterations from 1,000 to 100,000 and SHA-2 or
 * STATUS_ALGORITHM; a wrong password gives STATUS_INTEGRITY with cms_enveloped_decrypt's text. */
NODISCARD enum status cms_password_key(const struct cms_enveloped *cms, const struct cms_recipient *recipient,
                                       struct span password, uint8_t *content_key, struct err *err);
/* ContentInfo with EnvelopedData for one certificate (issuerAndSerialNumber, RSAES-PKCS1-v1_5), appended. */
NODISCARD enum status cms_enveloped_encode(const struct certificate *recipient, enum cms_cipher cipher,
                                           struct span content, struct buf *out, struct err *err);
/* The same for a password (PBKDF2 with HMAC-SHA-256, 10,000 iterations; PWRI-KEK with AES). */
NODISCARD enum status cms_enveloped_encode_password(struct span password, enum cms_cipher cipher,
                                                    struct span content, struct buf *out, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Public keys: SubjectPublicKeyInfo read without OpenSSL's decoder, judged before
 * any arithmetic is done with them, then used by EVP. Private keys: ca/keystore.
 */
#ifndef SCEPTER_BASE_PUBKEY_H
#define SCEPTER_BASE_PUBKEY_H

#include "digest.h"

enum key_type { KEY_RSA, KEY_EC };
enum ec_curve { CURVE_NONE, CURVE_P256, CURVE_P384, CURVE_P521 };

struct pubkey; /* opaque, immutable, owns its octets; thread-safe once made */

/* What keys are taken. */
struct key_limits {
    bool rsa;
    unsigned rsa_min_bits;
    unsigned rsa_max_bits;
    bool p256;
    bool p384;
};

/* Reads one whole SubjectPublicKeyInfo TLV: rsaEncryption with NULL parameters or id-ecPublicKey with a named
 * curve and an uncompressed point, so that each key has one encoding. Does no arithmetic. STATUS_MALFORMED;
 * STATUS_ALGORITHM for other kinds, named; STATUS_LIMIT above RSA 16,384 bits. */
NODISCARD enum status pubkey_decode(struct span spki, struct pubkey **out, struct err *err);
void pubkey_free(struct pubkey *key);
AUTO_POINTER(pubkey, struct pubkey, pubkey_free)

/* rules.md: modulus odd and within the limits, exponent 3, 17 or odd from 65537 to 2^32, curve allowed,
 * point on the curve. STATUS_ALGORITHM says what the key has and what is allowed. */
NODISCARD enum status pubkey_judge(const struct pubkey *key, const struct key_limits *limits,
                                   struct err *err);

enum key_type pubkey_type(const struct pubkey *key);
/* Modulus length, or 256, 384, 521. */
unsigned pubkey_bits(const struct pubkey *key);
enum ec_curve pubkey_curve(const struct pubkey *key);
/* "rsa:2048", "ec:p256": static or in a thread-local buffer until the next call. */
const char *pubkey_text(const struct pubkey *key);
/* The whole SubjectPublicKeyInfo TLV; borrowed. */
struct span pubkey_spki(const struct pubkey *key);
/* SHA-1 of the BIT STRING's octets (RFC 5280 section 4.2.1.2 (1)); borrowed. */
struct span pubkey_key_id(const struct pubkey *key);
/* SHA-256 of the SubjectPublicKeyInfo; borrowed, SHA256_LEN octets. */
struct span pubkey_fingerprint(const struct pubkey *key);
bool pubkey_equal(const struct pubkey *a, const struct pubkey *b);

/* Verifies an RSA PKCS#1 v1.5 or ECDSA (DER Ecdsa-Sig-Value) signature over data. The key must have been
 * judged. STATUS_INTEGRITY if it does not hold. Thread-safe. */
NODISCARD enum status pubkey_verify(const struct pubkey *key, enum digest digest, struct span data,
                                    struct span signature, struct err *err);
/* RSAES-PKCS1-v1_5 of a short secret (content key). STATUS_ALGORITHM for EC. */
NODISCARD enum status pubkey_encrypt(const struct pubkey *key, struct span secret, struct buf *out,
                                     struct err *err);

/* AlgorithmIdentifier of a signature, one whole TLV: its digest and the key type it needs. For
 * rsaEncryption alone *digest_given is false and *digest is left as it was. Parameters must be NULL or
 * absent. MD5, SHA-224, PSS and unknown ones: STATUS_ALGORITHM, named. */
NODISCARD enum status sigalg_decode(struct span algorithm, enum key_type *type, enum digest *digest,
                                    bool *digest_given, struct err *err);
/* sha256WithRSAEncryption with NULL, ecdsa-with-SHA256 without parameters … */
void sigalg_encode(struct buf *out, enum key_type type, enum digest digest);

#endif

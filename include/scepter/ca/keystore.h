/* SPDX-License-Identifier: Apache-2.0
 *
 * Private keys, reached through one face whatever holds them. Outside this module a
 * key is an opaque handle that signs and decrypts; its bits never come out, but for
 * key_pkcs12 of a key made by key_generate for somebody else.
 */
#ifndef SCEPTER_CA_KEYSTORE_H
#define SCEPTER_CA_KEYSTORE_H

#include "pubkey.h"

enum key_spec { KEY_SPEC_RSA_2048, KEY_SPEC_RSA_3072, KEY_SPEC_RSA_4096, KEY_SPEC_EC_P256, KEY_SPEC_EC_P384 };
/* "rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384". STATUS_USAGE lists them. */
NODISCARD enum status key_spec_parse(const char *text, enum key_spec *spec, struct err *err);

struct key; /* a private key, counted, immutable; every function on it is thread-safe */

/* Makes a new key where `location` says: a file path (backend "file": PKCS#8 PEM, mode 0600, encrypted with
 * PBES2 AES-256-CBC when passphrase is not NULL). STATUS_CONFLICT if it is there already, STATUS_IO. */
NODISCARD enum status key_create(const char *location, enum key_spec spec, const char *passphrase,
                                 struct key **out, struct err *err);
/* Opens it and tries a signature. Files by others may be PKCS#8 or traditional, PEM or DER. A file readable
 * by group or others is refused (STATUS_DENIED says chmod 600); wrong or missing passphrase: STATUS_DENIED; a
 * key other than RSA of 2,048 to 16,384 bits, P-256 or P-384: STATUS_ALGORITHM; STATUS_NOT_FOUND, STATUS_IO;
 * STATUS_MALFORMED, also if the private half does not fit the public one. It never asks for a passphrase. */
NODISCARD enum status key_open(const char *location, const char *passphrase, struct key **out,
                               struct err *err);
/* A key in memory only. */
NODISCARD enum status key_generate(enum key_spec spec, struct key **out, struct err *err);
struct key *key_ref(struct key *key);
void key_unref(struct key *key);
AUTO_POINTER(key, struct key, key_unref)

/* Borrowed, lives as long as the key. */
const struct pubkey *key_public(const struct key *key);

/* Signs data: RSA PKCS#1 v1.5 or ECDSA (DER), appended to out. STATUS_INTERNAL, STATUS_IO (a lost token). */
NODISCARD enum status key_sign(const struct key *key, enum digest digest, struct span data, struct buf *out,
                               struct err *err);
/* The same over a digest that was computed already (CRL in two passes). */
NODISCARD enum status key_sign_digest(const struct key *key, enum digest digest, struct span digest_octets,
                                      struct buf *out, struct err *err);
/* Decrypts an RSAES-PKCS1-v1_5 content key of exactly len (1 to 64) octets. Never says whether the padding
 * was right: a random key was drawn first and stays in content_key, in constant time, unless everything
 * fitted (design.md). Only a ciphertext that is not of the modulus' length or a key that is not RSA fail
 * visibly (STATUS_INTEGRITY, STATUS_ALGORITHM). */
NODISCARD enum status key_decrypt(const struct key *key, struct span ciphertext, uint8_t *content_key,
                                  size_t len, struct err *err);

/* PKCS#12 (AES-256-CBC, PBKDF2-HMAC-SHA256) of a generated key with its certificate and chain (DER), for
 * handing a key to the device it was made for. STATUS_DENIED for keys that did not come from key_generate. */
NODISCARD enum status key_pkcs12(const struct key *key, struct span certificate, const struct span *chain,
                                 size_t chain_count, const char *friendly_name, const char *passphrase,
                                 struct buf *out, struct err *err);

#endif

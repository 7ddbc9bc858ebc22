/* SPDX-License-Identifier: Apache-2.0
 *
 * The private face between keystore.c and what holds a key: a table of functions for each kind of place
 * (file, token …), and what keystore and pkcs12 share. A new kind of place is one more file with one table,
 * named in keystore.c's list. Nothing outside keystore*.c and pkcs12.c includes this.
 */
#ifndef SCEPTER_CA_KEYSTORE_BACKEND_H
#define SCEPTER_CA_KEYSTORE_BACKEND_H

#include "keystore.h"

#include <openssl/evp.h>

#define KEY_RSA_MIN_BITS    2048
#define KEY_RSA_MAX_BITS    16384
#define KEY_MODULUS_MAX_LEN (KEY_RSA_MAX_BITS / 8)

/* A handle is the backend's own; it is immutable, and all but close may be called from several threads at
 * once. */
struct key_backend {
    /* Whether a location is of this kind. The first backend of the list that says so has it. */
    bool (*takes)(const char *location);
    /* As key_create and key_open. A key that has another type or size than the keystore allows is
     * STATUS_ALGORITHM. */
    enum status (*create)(const char *location, enum key_spec spec, const char *passphrase, void **handle,
                          struct err *err);
    enum status (*open)(const char *location, const char *passphrase, void **handle, struct err *err);
    /* Takes back what create has just made there, if it can. */
    void (*remove)(const char *location);
    /* SubjectPublicKeyInfo, appended. */
    enum status (*spki)(const void *handle, struct buf *out, struct err *err);
    /* PKCS#1 v1.5 or ECDSA over a digest of the right length; the signature is appended. */
    enum status (*sign_digest)(const void *handle, enum digest digest, struct span octets, struct buf *out,
                               struct err *err);
    /* RSAES-PKCS1-v1_5. ciphertext is as long as the modulus, and so is plain, which holds zeros. Returns the
     * length of what was in the padding or 0 if anything failed, and must not tell by its time which. */
    size_t (*decrypt)(const void *handle, struct span ciphertext, uint8_t *plain);
    void (*close)(void *handle);
};

extern const struct key_backend keystore_file_backend;
/* Keys that live in memory alone: neither takes a location nor creates nor opens. */
extern const struct key_backend keystore_memory_backend;

/* ---- keys that are an EVP_PKEY, whatever they came from (keystore_evp.c) ---- */

AUTO_POINTER(evp_pkey, EVP_PKEY, EVP_PKEY_free)
/* AUTO(evp_pkey) EVP_PKEY *pkey = NULL; */

struct evp_key; /* EVP_PKEY and contexts made ready */

/* STATUS_INTERNAL if OpenSSL fails. */
NODISCARD enum status evp_key_generate(enum key_spec spec, EVP_PKEY **out, struct err *err);
/* Checks type and size and takes a reference of its own. STATUS_ALGORITHM says what the key is and what is
 * allowed. */
NODISCARD enum status evp_key_new(EVP_PKEY *pkey, struct evp_key **out, struct err *err);
void evp_key_free(struct evp_key *key);
AUTO_POINTER(evp_key, struct evp_key, evp_key_free)
/* Borrowed. */
EVP_PKEY *evp_key_pkey(const struct evp_key *key);
/* The four functions of struct key_backend for a handle that is a struct evp_key. */
enum status evp_key_spki(const void *handle, struct buf *out, struct err *err);
enum status evp_key_sign_digest(const void *handle, enum digest digest, struct span octets, struct buf *out,
                                struct err *err);
size_t evp_key_decrypt(const void *handle, struct span ciphertext, uint8_t *plain);
void evp_key_close(void *handle);

/* ---- for pkcs12.c ---- */

/* The EVP_PKEY of a key made by key_generate, borrowed, or NULL for any other key. */
EVP_PKEY *key_generated_pkey(const struct key *key);

#endif

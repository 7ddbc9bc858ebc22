/* SPDX-License-Identifier: Apache-2.0
 *
 * Handles of private keys, and the list of backends that hold them. What a backend decrypts is made
 * harmless here (key_decrypt). It does not know keys by their purpose: that is the authority's affair.
 */
#include "keystore.h"

#include "keystore_backend.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdatomic.h>

#define CONTENT_KEY_MAX_LEN 64
#define SPKI_MAX_LEN        4096
#define SIGNATURE_MAX_LEN   KEY_MODULUS_MAX_LEN

struct key {
    atomic_uint references;
    const struct key_backend *backend;
    void *handle;
    struct pubkey *public;
};

/* The first that takes a location has it; file takes every location. */
static const struct key_backend *const backends[] = {&keystore_file_backend};

static const struct {
    const char *text;
    enum key_spec spec;
} specs[] = {
    {"rsa:2048", KEY_SPEC_RSA_2048}, {"rsa:3072", KEY_SPEC_RSA_3072}, {"rsa:4096", KEY_SPEC_RSA_4096},
    {"ec:p256", KEY_SPEC_EC_P256},   {"ec:p384", KEY_SPEC_EC_P384},
};

const struct key_backend keystore_memory_backend = {
    .spki = evp_key_spki,
    .sign_digest = evp_key_sign_digest,
    .decrypt = evp_key_decrypt,
    .close = evp_key_close,
};

enum status key_spec_parse(const char *text, enum key_spec *spec, struct err *err)
{
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        if (strcmp(specs[i].text, text) == 0) {
            *spec = specs[i].spec;
            return STATUS_OK;
        }
    }
    return ERR(err, STATUS_USAGE,
               "\"%.40s\" is no kind of key: rsa:2048, rsa:3072, rsa:4096, ec:p256 and ec:p384 are", text);
}

/* A private key whose file was damaged, or whose public half is another's, must not sign anything. */
static enum status key_try(const struct key *key, struct err *err)
{
    static const struct span probe = {(const uint8_t *)"does this key work?", 19};
    AUTO(buf) struct buf signature = BUF(SIGNATURE_MAX_LEN);
    TRY(key_sign(key, DIGEST_SHA256, probe, &signature, err));
    return pubkey_verify(key->public, DIGEST_SHA256, probe, buf_span(&signature), err);
}

/* Makes a handle of what a backend gave; the backend's handle is taken over, also on failure. */
static enum status key_wrap(const struct key_backend *backend, void *handle, struct key **out,
                            struct err *err)
{
    AUTO(buf) struct buf spki = BUF(SPKI_MAX_LEN);
    AUTO(key) struct key *key = calloc(1, sizeof *key);
    if (key == NULL) {
        backend->close(handle);
        return ERR(err, STATUS_NOMEM, "out of memory for a key");
    }
    atomic_init(&key->references, 1);
    key->backend = backend;
    key->handle = handle;
    TRY(backend->spki(handle, &spki, err));
    TRY(pubkey_decode(buf_span(&spki), &key->public, err));
    enum status status = key_try(key, err);
    if (status == STATUS_NOMEM)
        return status;
    if (status != STATUS_OK)
        return ERR(err, STATUS_MALFORMED, "the private key does not fit its public key: it is damaged");
    *out = MOVE(key);
    return STATUS_OK;
}

static enum status backend_for(const char *location, const struct key_backend **out, struct err *err)
{
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (backends[i]->takes(location)) {
            *out = backends[i];
            return STATUS_OK;
        }
    }
    return ERR(err, STATUS_USAGE, "\"%s\" says no place for a key: the path of a file does", location);
}

enum status key_create(const char *location, enum key_spec spec, const char *passphrase, struct key **out,
                       struct err *err)
{
    const struct key_backend *backend = NULL;
    void *handle = NULL;
    TRY(backend_for(location, &backend, err));
    TRY(backend->create(location, spec, passphrase, &handle, err));
    enum status status = key_wrap(backend, handle, out, err);
    if (status != STATUS_OK)
        backend->remove(location);
    return status;
}

enum status key_open(const char *location, const char *passphrase, struct key **out, struct err *err)
{
    const struct key_backend *backend = NULL;
    void *handle = NULL;
    TRY(backend_for(location, &backend, err));
    enum status status = backend->open(location, passphrase, &handle, err);
    if (status == STATUS_OK)
        status = key_wrap(backend, handle, out, err);
    if (status != STATUS_OK)
        (void)err_prefix(err, "key %s: ", location);
    return status;
}

enum status key_generate(enum key_spec spec, struct key **out, struct err *err)
{
    AUTO(evp_pkey) EVP_PKEY *pkey = NULL;
    struct evp_key *handle = NULL;
    TRY(evp_key_generate(spec, &pkey, err));
    TRY(evp_key_new(pkey, &handle, err));
    return key_wrap(&keystore_memory_backend, handle, out, err);
}

struct key *key_ref(struct key *key)
{
    atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
    return key;
}

void key_unref(struct key *key)
{
    if (key == NULL || atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) != 1)
        return;
    key->backend->close(key->handle);
    pubkey_free(key->public);
    free(key);
}

const struct pubkey *key_public(const struct key *key)
{
    return key->public;
}

EVP_PKEY *key_generated_pkey(const struct key *key)
{
    return key->backend == &keystore_memory_backend ? evp_key_pkey(key->handle) : NULL;
}

enum status key_sign_digest(const struct key *key, enum digest digest, struct span digest_octets,
                            struct buf *out, struct err *err)
{
    if (digest_octets.len != digest_len(digest))
        return ERR(err, STATUS_INTERNAL, "a %s digest has %zu octets, not %zu", digest_name(digest),
                   digest_len(digest), digest_octets.len);
    return key->backend->sign_digest(key->handle, digest, digest_octets, out, err);
}

enum status key_sign(const struct key *key, enum digest digest, struct span data, struct buf *out,
                     struct err *err)
{
    uint8_t octets[DIGEST_MAX_LEN];
    TRY(digest_compute(digest, data, octets, err));
    return key_sign_digest(key, digest, SPAN(octets, digest_len(digest)), out, err);
}

/* 0xff if equal, else 0, without a branch. */
static uint8_t mask_if_equal(size_t a, size_t b)
{
    size_t difference = a ^ b;
    size_t differs = (difference | ((size_t)0 - difference)) >> (8 * sizeof(size_t) - 1);
    return (uint8_t)(differs - 1);
}

/* design.md, "DER and cryptography": the sender of a ciphertext must not learn whether its padding held
 * (Bleichenbacher; RFC 3218 section 2.3.2). So there is a key of the right length in every case. */
enum status key_decrypt(const struct key *key, struct span ciphertext, uint8_t *content_key, size_t len,
                        struct err *err)
{
    assert(len >= 1 && len <= CONTENT_KEY_MAX_LEN);
    uint8_t plain[KEY_MODULUS_MAX_LEN] = {0};
    uint8_t chosen[CONTENT_KEY_MAX_LEN];
    if (pubkey_type(key->public) != KEY_RSA)
        return ERR(err, STATUS_ALGORITHM, "a key of type %s cannot decrypt: an RSA key can",
                   pubkey_text(key->public));
    size_t modulus_len = (pubkey_bits(key->public) + 7) / 8;
    if (ciphertext.len != modulus_len)
        return ERR(err, STATUS_INTEGRITY, "an encrypted key of %zu octets is not for this key of %zu",
                   ciphertext.len, modulus_len);
    if (RAND_priv_bytes(chosen, (int)len) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "no random numbers");
    uint8_t mask = mask_if_equal(key->backend->decrypt(key->handle, ciphertext, plain), len);
    for (size_t i = 0; i < len; i++)
        content_key[i] = (uint8_t)((plain[i] & mask) | (chosen[i] & (uint8_t)~mask));
    OPENSSL_cleanse(plain, sizeof plain);
    OPENSSL_cleanse(chosen, sizeof chosen);
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What OpenSSL does with a private key: making one, signing a digest, decrypting. Contexts with their
 * algorithms looked up are made once for each key and copied for each call, for looking algorithms up takes
 * locks. It does not know where a key is kept, and gives no judgement on what it decrypts.
 */
#include "keystore_backend.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define DIGEST_COUNT 4

struct evp_key {
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *sign[DIGEST_COUNT]; /* never used themselves, only copied */
    EVP_PKEY_CTX *decrypt;            /* NULL for EC */
};

AUTO_POINTER(evp_pkey_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free)

/* As OpenSSL names them. */
static const char *const digest_names[DIGEST_COUNT] = {
    [DIGEST_SHA1] = "SHA1",
    [DIGEST_SHA256] = "SHA256",
    [DIGEST_SHA384] = "SHA384",
    [DIGEST_SHA512] = "SHA512",
};

enum status evp_key_generate(enum key_spec spec, EVP_PKEY **out, struct err *err)
{
    EVP_PKEY *pkey = NULL;
    switch (spec) {
    case KEY_SPEC_RSA_2048:
        pkey = EVP_RSA_gen(2048U);
        break;
    case KEY_SPEC_RSA_3072:
        pkey = EVP_RSA_gen(3072U);
        break;
    case KEY_SPEC_RSA_4096:
        pkey = EVP_RSA_gen(4096U);
        break;
    case KEY_SPEC_EC_P256:
        pkey = EVP_EC_gen("P-256");
        break;
    case KEY_SPEC_EC_P384:
        pkey = EVP_EC_gen("P-384");
        break;
    }
    if (pkey == NULL)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "a key could not be generated");
    *out = pkey;
    return STATUS_OK;
}

static enum status check_ec(EVP_PKEY *pkey, struct err *err)
{
    char group[64] = "";
    if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL) != 1)
        return ERR_OPENSSL(err, STATUS_ALGORITHM,
                           "the EC key has no named curve: use a key on P-256 or P-384");
    if (strcmp(group, "prime256v1") != 0 && strcmp(group, "secp384r1") != 0)
        return ERR(err, STATUS_ALGORITHM, "the key is on the curve %s: allowed are P-256 and P-384", group);
    if (EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                       OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "the form of the EC key's point could not be set");
    return STATUS_OK;
}

static enum status check_pkey(EVP_PKEY *pkey, struct err *err)
{
    if (EVP_PKEY_is_a(pkey, "EC"))
        return check_ec(pkey, err);
    int bits = EVP_PKEY_get_bits(pkey);
    if (!EVP_PKEY_is_a(pkey, "RSA"))
        return ERR(err, STATUS_ALGORITHM,
                   "the key is of the type %s: allowed are RSA and EC on P-256 or P-384",
                   EVP_PKEY_get0_type_name(pkey));
    if (bits < KEY_RSA_MIN_BITS || bits > KEY_RSA_MAX_BITS)
        return ERR(err, STATUS_ALGORITHM, "the RSA key has %d bits: allowed are %d to %d", bits,
                   KEY_RSA_MIN_BITS, KEY_RSA_MAX_BITS);
    return STATUS_OK;
}

/* Ready to sign digests of that kind. */
static EVP_PKEY_CTX *sign_context(EVP_PKEY *pkey, enum digest digest)
{
    AUTO(evp_pkey_ctx) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    EVP_MD *md = EVP_MD_fetch(NULL, digest_names[digest], NULL);
    bool ready =
        context != NULL && md != NULL && EVP_PKEY_sign_init(context) == 1 &&
        EVP_PKEY_CTX_set_signature_md(context, md) == 1 &&
        (!EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1);
    EVP_MD_free(md);
    return ready ? MOVE(context) : NULL;
}

static EVP_PKEY_CTX *decrypt_context(EVP_PKEY *pkey)
{
    AUTO(evp_pkey_ctx) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool ready = context != NULL && EVP_PKEY_decrypt_init(context) == 1 &&
                 EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return ready ? MOVE(context) : NULL;
}

enum status evp_key_new(EVP_PKEY *pkey, struct evp_key **out, struct err *err)
{
    TRY(check_pkey(pkey, err));
    AUTO(evp_key) struct evp_key *key = calloc(1, sizeof *key);
    if (key == NULL || EVP_PKEY_up_ref(pkey) != 1)
        return ERR(err, STATUS_NOMEM, "out of memory for a key");
    key->pkey = pkey;
    for (size_t i = 0; i < DIGEST_COUNT; i++) {
        key->sign[i] = sign_context(pkey, (enum digest)i);
        if (key->sign[i] == NULL)
            return ERR_OPENSSL(err, STATUS_INTERNAL, "the key cannot sign %s", digest_name((enum digest)i));
    }
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        key->decrypt = decrypt_context(pkey);
        if (key->decrypt == NULL)
            return ERR_OPENSSL(err, STATUS_INTERNAL, "the key cannot decrypt");
    }
    *out = MOVE(key);
    return STATUS_OK;
}

void evp_key_free(struct evp_key *key)
{
    if (key == NULL)
        return;
    for (size_t i = 0; i < DIGEST_COUNT; i++)
        EVP_PKEY_CTX_free(key->sign[i]);
    EVP_PKEY_CTX_free(key->decrypt);
    EVP_PKEY_free(key->pkey);
    free(key);
}

EVP_PKEY *evp_key_pkey(const struct evp_key *key)
{
    return key->pkey;
}

enum status evp_key_spki(const void *handle, struct buf *out, struct err *err)
{
    const struct evp_key *key = handle;
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key->pkey, &der);
    if (len <= 0)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "the public key could not be encoded");
    buf_add(out, SPAN(der, (size_t)len));
    OPENSSL_free(der);
    return buf_status(out, "a public key", err);
}

enum status evp_key_sign_digest(const void *handle, enum digest digest, struct span octets, struct buf *out,
                                struct err *err)
{
    const struct evp_key *key = handle;
    uint8_t signature[KEY_MODULUS_MAX_LEN];
    size_t len = sizeof signature;
    AUTO(evp_pkey_ctx) EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(key->sign[digest]);
    if (context == NULL || EVP_PKEY_sign(context, signature, &len, octets.data, octets.len) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "the key could not sign");
    buf_add(out, SPAN(signature, len));
    return buf_status(out, "a signature", err);
}

/* OpenSSL's own check of the padding takes the same time whatever it finds, as long as nobody asks for the
 * reason; the error queue is put back without being looked at. */
size_t evp_key_decrypt(const void *handle, struct span ciphertext, uint8_t *plain)
{
    const struct evp_key *key = handle;
    size_t len = ciphertext.len;
    AUTO(evp_pkey_ctx) EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(key->decrypt);
    if (context == NULL)
        return 0;
    ERR_set_mark();
    int done = EVP_PKEY_decrypt(context, plain, &len, ciphertext.data, ciphertext.len);
    ERR_pop_to_mark();
    return len & ((size_t)0 - (size_t)(done == 1));
}

void evp_key_close(void *handle)
{
    evp_key_free(handle);
}

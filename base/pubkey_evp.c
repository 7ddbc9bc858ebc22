/* SPDX-License-Identifier: Apache-2.0
 *
 * Computing with public keys: the EVP key, made at first use without OpenSSL's
 * decoder, verification and key transport. Judges nothing but that an EC point is
 * on its curve.
 */
#include "pubkey_private.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <pthread.h>

AUTO_POINTER(evp_key, EVP_PKEY, EVP_PKEY_free)
AUTO_POINTER(evp_key_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
AUTO_POINTER(evp_md_ctx, EVP_MD_CTX, EVP_MD_CTX_free)

/* STATUS_NOMEM if that is what OpenSSL's queue says, else the status given. */
static enum status evp_failure(enum status status)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE ? STATUS_NOMEM : status;
}

/* ---- making the EVP key ---- */

/* One key without a point per curve: copying its parameters is four times as fast as naming the group. */
static EVP_PKEY *curve_keys[CURVE_P521 + 1];
static pthread_once_t curve_keys_once = PTHREAD_ONCE_INIT;

static EVP_PKEY *make_curve_key(const char *group)
{
    AUTO(evp_key_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;

    if (ctx == NULL || EVP_PKEY_paramgen_init(ctx) != 1 || EVP_PKEY_CTX_set_group_name(ctx, group) != 1 ||
        EVP_PKEY_paramgen(ctx, &key) != 1)
        return NULL;
    return key;
}

static void make_curve_keys(void)
{
    curve_keys[CURVE_P256] = make_curve_key("P-256");
    curve_keys[CURVE_P384] = make_curve_key("P-384");
    curve_keys[CURVE_P521] = make_curve_key("P-521");
    ERR_clear_error();
}

static enum status make_ec(const struct pubkey *key, EVP_PKEY **out, struct err *err)
{
    AUTO(evp_key) EVP_PKEY *evp = NULL;

    pthread_once(&curve_keys_once, make_curve_keys);
    if (curve_keys[key->curve] == NULL)
        return ERR(err, STATUS_INTERNAL, "OpenSSL does not offer the curve of the key %s", pubkey_text(key));
    evp = EVP_PKEY_new();
    if (evp == NULL || EVP_PKEY_copy_parameters(evp, curve_keys[key->curve]) != 1)
        return ERR_OPENSSL(err, evp_failure(STATUS_INTERNAL), "cannot make an EC key");
    if (EVP_PKEY_set1_encoded_public_key(evp, key->bits_content.data, key->bits_content.len) != 1)
        return ERR_OPENSSL(err, evp_failure(STATUS_ALGORITHM), "the EC key's point is not on the curve %s",
                           pubkey_text(key));
    *out = MOVE(evp);
    return STATUS_OK;
}

/* Big-endian octets as OSSL_PARAM has unsigned integers: in the machine's order. */
static OSSL_PARAM unsigned_param(const char *name, struct span magnitude, uint8_t *scratch)
{
    for (size_t i = 0; i < magnitude.len; i++)
        scratch[i] = magnitude.data[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? magnitude.len - 1 - i : i];
    return OSSL_PARAM_construct_BN(name, scratch, magnitude.len);
}

static enum status make_rsa(const struct pubkey *key, EVP_PKEY **out, struct err *err)
{
    AUTO(evp_key_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    uint8_t modulus[RSA_MAX_LEN];
    uint8_t exponent[RSA_MAX_LEN];
    OSSL_PARAM params[] = {
        unsigned_param(OSSL_PKEY_PARAM_RSA_N, key->modulus, modulus),
        unsigned_param(OSSL_PKEY_PARAM_RSA_E, key->exponent, exponent),
        OSSL_PARAM_construct_end(),
    };

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return ERR_OPENSSL(err, evp_failure(STATUS_ALGORITHM), "cannot use the RSA key");
    return STATUS_OK;
}

/* The EVP key, borrowed. Threads that come at the same time may each make one; the first is kept. */
static enum status get_evp(const struct pubkey *key, EVP_PKEY **out, struct err *err)
{
    /* The cached key is no part of what makes a pubkey immutable to its users. */
    _Atomic(EVP_PKEY *) *cache = (_Atomic(EVP_PKEY *) *)(uintptr_t)&key->evp;
    EVP_PKEY *made = NULL;
    EVP_PKEY *found = atomic_load(cache);

    if (found == NULL) {
        TRY(key->type == KEY_RSA ? make_rsa(key, &made, err) : make_ec(key, &made, err));
        if (atomic_compare_exchange_strong(cache, &found, made))
            found = made;
        else
            EVP_PKEY_free(made);
    }
    *out = found;
    return STATUS_OK;
}

enum status pubkey_evp_check(const struct pubkey *key, struct err *err)
{
    EVP_PKEY *evp = NULL;

    return get_evp(key, &evp, err);
}

void pubkey_evp_free(struct pubkey *key)
{
    EVP_PKEY_free(atomic_load(&key->evp));
}

/* ---- using it ---- */

static const EVP_MD *evp_digest(enum digest digest)
{
    switch (digest) {
    case DIGEST_SHA1:
        return EVP_sha1();
    case DIGEST_SHA256:
        return EVP_sha256();
    case DIGEST_SHA384:
        return EVP_sha384();
    case DIGEST_SHA512:
        return EVP_sha512();
    }
    return NULL;
}

enum status pubkey_verify(const struct pubkey *key, enum digest digest, struct span data,
                          struct span signature, struct err *err)
{
    AUTO(evp_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY *evp = NULL;
    EVP_PKEY_CTX *key_ctx = NULL; /* ctx's */

    TRY(get_evp(key, &evp, err));
    if (ctx == NULL || EVP_DigestVerifyInit(ctx, &key_ctx, evp_digest(digest), NULL, evp) != 1 ||
        (key->type == KEY_RSA && EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PADDING) != 1))
        return ERR_OPENSSL(err, evp_failure(STATUS_INTERNAL), "cannot verify a signature with a %s key",
                           pubkey_text(key));
    if (EVP_DigestVerify(ctx, signature.data, signature.len, data.data, data.len) != 1)
        return ERR_OPENSSL(err, evp_failure(STATUS_INTEGRITY),
                           "the signature (%s with %s) does not belong to the data and the key",
                           pubkey_text(key), digest_name(digest));
    return STATUS_OK;
}

enum status pubkey_encrypt(const struct pubkey *key, struct span secret, struct buf *out, struct err *err)
{
    AUTO(evp_key_ctx) EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *evp = NULL;
    uint8_t encrypted[RSA_MAX_LEN];
    size_t len = sizeof(encrypted);

    if (key->type != KEY_RSA)
        return ERR(err, STATUS_ALGORITHM, "a key of the type %s cannot encrypt; an RSA key is needed",
                   pubkey_text(key));
    TRY(get_evp(key, &evp, err));
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
    if (ctx == NULL || EVP_PKEY_encrypt_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_encrypt(ctx, encrypted, &len, secret.data, secret.len) != 1)
        return ERR_OPENSSL(err, evp_failure(STATUS_INTERNAL), "cannot encrypt %zu octets with the key %s",
                           secret.len, pubkey_text(key));
    buf_add(out, SPAN(encrypted, len));
    return buf_status(out, "encrypted key", err);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * PasswordRecipientInfo (RFC 5652 section 6.2.4), both ways: a key-encryption key from the password by PBKDF2
 * (RFC 8018 section 5.2), the content key wrapped with it by PWRI-KEK (RFC 3211 section 2.3). Which
 * passwords are good enough is decided elsewhere.
 */
#include "cms_private.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define ITERATIONS       10000
#define ITERATIONS_MIN   1000
#define ITERATIONS_MAX   100000
#define ITERATIONS_READ  INT32_MAX
#define SALT_LEN         16
#define SALT_MAX_LEN     1024
#define PASSWORD_MAX_LEN 1024
#define WRAP_HEAD_LEN    4
#define WRAPPED_MAX_LEN  128 /* a key of any cipher with its head fits in */
#define WRAP_MIN_BLOCKS  2
#define KEY_CHECK_LEN    3

/* ---- reading ---- */

static bool find_prf(struct span oid, enum digest *prf)
{
    switch (oid_find(oid)) {
    case OID_HMAC_SHA1:
        *prf = DIGEST_SHA1;
        return true;
    case OID_HMAC_SHA256:
        *prf = DIGEST_SHA256;
        return true;
    case OID_HMAC_SHA384:
        *prf = DIGEST_SHA384;
        return true;
    case OID_HMAC_SHA512:
        *prf = DIGEST_SHA512;
        return true;
    default:
        return false;
    }
}

/* PBKDF2-params ::= SEQUENCE { salt OCTET STRING, iterationCount INTEGER, keyLength INTEGER OPTIONAL, prf
 * AlgorithmIdentifier DEFAULT hmacWithSHA1 } (RFC 8018 appendix A.2). *key_len is 0 if not given. */
static enum status take_pbkdf2(struct span parameters, struct cms_recipient *out, uint64_t *key_len,
                               bool *known, struct err *err)
{
    static const char what[] = "PBKDF2-params (RFC 8018 appendix A.2)";
    struct der_reader reader;
    struct span oid;
    struct span prf_parameters;
    TRY(der_open_whole(parameters, DER_SEQUENCE, &reader, what, err));
    TRY(der_take(&reader, DER_OCTET_STRING, &out->salt, what, err));
    if (out->salt.len > SALT_MAX_LEN)
        return ERR(err, STATUS_LIMIT, "a salt has %zu octets: at most %d are taken", out->salt.len,
                   SALT_MAX_LEN);
    TRY(der_take_uint(&reader, &out->iterations, ITERATIONS_READ, what, err));
    if (der_peek(&reader) == DER_INTEGER)
        TRY(der_take_uint(&reader, key_len, CMS_KEY_MAX_LEN, what, err));
    out->prf = DIGEST_SHA1;
    *known = true;
    if (!der_at_end(&reader)) {
        TRY(cms_take_algorithm(&reader, &oid, &prf_parameters, what, err));
        *known = find_prf(oid, &out->prf) && cms_no_parameters(prf_parameters);
    }
    return der_finish(&reader, what, err);
}

/* The KEK's cipher in the parameters of PWRI-KEK (RFC 3211 section 3.2); any that we do not have makes the
 * recipient unknown. */
static enum status take_kek(struct span parameters, struct cms_recipient *out, bool *known, struct err *err)
{
    static const char what[] = "PWRI-KEK (RFC 3211 section 3.2)";
    struct der_reader reader = der_reader(parameters);
    struct span oid;
    struct span iv;
    TRY(cms_take_algorithm(&reader, &oid, &iv, what, err));
    TRY(der_finish(&reader, what, err));
    enum status status = cms_cipher_find(oid, iv, &out->kek_cipher, &out->kek_iv, err);
    *known = status == STATUS_OK;
    return status == STATUS_ALGORITHM ? STATUS_OK : status;
}

/* keyDerivationAlgorithm [0] IMPLICIT AlgorithmIdentifier OPTIONAL; without it the key would be known by
 * other means than a password. */
static enum status take_derivation(struct der_reader *info, struct span *oid, struct span *parameters,
                                   struct err *err)
{
    static const char what[] = "keyDerivationAlgorithm (RFC 5652 section 6.2.4)";
    struct der_reader reader;
    struct der_tlv tlv = {.whole = SPAN_NONE};
    *oid = SPAN_NONE;
    *parameters = SPAN_NONE;
    if (der_peek(info) != DER_CONTEXT_CONSTRUCTED(0))
        return STATUS_OK;
    TRY(der_enter(info, DER_CONTEXT_CONSTRUCTED(0), &reader, what, err));
    TRY(der_take_oid(&reader, oid, what, err));
    if (!der_at_end(&reader))
        TRY(der_any(&reader, &tlv, what, err));
    *parameters = tlv.whole;
    return der_finish(&reader, what, err);
}

/* PasswordRecipientInfo ::= SEQUENCE { version, keyDerivationAlgorithm [0] OPTIONAL, keyEncryptionAlgorithm,
 * encryptedKey OCTET STRING } */
enum status cms_take_password_recipient(struct der_reader *reader, struct cms_recipient *out, bool *known,
                                        struct err *err)
{
    static const char what[] = "PasswordRecipientInfo (RFC 5652 section 6.2.4)";
    struct der_reader info;
    struct span derivation;
    struct span derivation_parameters;
    struct span wrapping;
    struct span wrapping_parameters;
    uint64_t version = 0;
    uint64_t key_len = 0;
    TRY(der_enter(reader, DER_CONTEXT_CONSTRUCTED(3), &info, what, err));
    TRY(der_take_uint(&info, &version, 5, what, err));
    TRY(take_derivation(&info, &derivation, &derivation_parameters, err));
    TRY(cms_take_algorithm(&info, &wrapping, &wrapping_parameters, what, err));
    TRY(der_take(&info, DER_OCTET_STRING, &out->encrypted_key, what, err));
    TRY(der_finish(&info, what, err));
    out->kind = RECIPIENT_PASSWORD;
    *known = oid_find(derivation) == OID_PBKDF2 && oid_find(wrapping) == OID_PWRI_KEK;
    if (*known)
        TRY(take_pbkdf2(derivation_parameters, out, &key_len, known, err));
    if (*known)
        TRY(take_kek(wrapping_parameters, out, known, err));
    if (*known && key_len != 0 && key_len != cms_cipher_key_len(out->kek_cipher))
        return ERR(err, STATUS_MALFORMED, "a key length of %llu octets is not that of %s",
                   (unsigned long long)key_len, cms_cipher_name(out->kek_cipher));
    return STATUS_OK;
}

/* ---- key from password ---- */

static const EVP_MD *prf_digest(enum digest prf)
{
    switch (prf) {
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

static enum status derive(const struct cms_recipient *recipient, struct span password, uint8_t *kek,
                          struct err *err)
{
    size_t len = cms_cipher_key_len(recipient->kek_cipher);
    if (password.len > PASSWORD_MAX_LEN)
        return ERR(err, STATUS_LIMIT, "a password has more than %d octets", PASSWORD_MAX_LEN);
    if (PKCS5_PBKDF2_HMAC(password.len > 0 ? (const char *)password.data : "", (int)password.len,
                          recipient->salt.data, (int)recipient->salt.len, (int)recipient->iterations,
                          prf_digest(recipient->prf), (int)len, kek) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "PBKDF2 failed");
    return STATUS_OK;
}

/* ---- PWRI-KEK ---- */

/* RFC 3211 section 2.3.2: the last block gives the vector with which the outer layer comes off, whole; then
 * the inner layer. Both are one pass of CBC. */
static enum status unwrap_blocks(const struct cms_recipient *recipient, const uint8_t *kek, struct buf *plain,
                                 struct err *err)
{
    AUTO(buf) struct buf last = BUF(2 * WRAPPED_MAX_LEN);
    AUTO(buf) struct buf inner = BUF(2 * WRAPPED_MAX_LEN);
    struct span in = recipient->encrypted_key;
    size_t block = cms_cipher_block_len(recipient->kek_cipher);
    if (in.len < WRAP_MIN_BLOCKS * block || in.len > WRAPPED_MAX_LEN || in.len % block != 0)
        return cms_envelope_refused(err);
    bool done =
        cms_cipher_run(recipient->kek_cipher, CMS_DECRYPT, false, kek, in.data + in.len - 2 * block,
                       SPAN(in.data + in.len - block, block), false, &last) &&
        cms_cipher_run(recipient->kek_cipher, CMS_DECRYPT, false, kek, last.data, in, false, &inner) &&
        cms_cipher_run(recipient->kek_cipher, CMS_DECRYPT, false, kek, recipient->kek_iv.data,
                       buf_span(&inner), false, plain);
    TRY(buf_status(&last, "the content key", err));
    TRY(buf_status(&inner, "the content key", err));
    TRY(buf_status(plain, "the content key", err));
    return done ? STATUS_OK : cms_envelope_refused(err);
}

/* The key's length in the first octet, then the complement of its first three. */
static bool unwrapped_fits(struct span plain, size_t key_len)
{
    unsigned wrong = plain.data[0] ^ (unsigned)key_len;
    for (size_t i = 0; i < KEY_CHECK_LEN; i++)
        wrong |= 0xffU ^ plain.data[1 + i] ^ plain.data[WRAP_HEAD_LEN + i];
    return wrong == 0;
}

enum status cms_password_unwrap(enum cms_cipher content_cipher, const struct cms_recipient *recipient,
                                struct span password, uint8_t *content_key, struct err *err)
{
    uint8_t kek[CMS_KEY_MAX_LEN];
    AUTO(buf) struct buf plain = BUF(2 * WRAPPED_MAX_LEN);
    size_t key_len = cms_cipher_key_len(content_cipher);
    TRY(derive(recipient, password, kek, err));
    enum status status = unwrap_blocks(recipient, kek, &plain, err);
    OPENSSL_cleanse(kek, sizeof kek);
    TRY(status);
    if (plain.len <= WRAP_HEAD_LEN || plain.len - WRAP_HEAD_LEN < key_len ||
        !unwrapped_fits(buf_span(&plain), key_len))
        return cms_envelope_refused(err);
    memcpy(content_key, plain.data + WRAP_HEAD_LEN, key_len);
    return STATUS_OK;
}

enum status cms_password_key(const struct cms_enveloped *cms, const struct cms_recipient *recipient,
                             struct span password, uint8_t *content_key, struct err *err)
{
    if (recipient->prf == DIGEST_SHA1)
        return ERR(err, STATUS_ALGORITHM,
                   "PBKDF2 with HMAC-SHA-1 is not taken: use HMAC with SHA-256, SHA-384 or SHA-512");
    if (recipient->iterations < ITERATIONS_MIN || recipient->iterations > ITERATIONS_MAX)
        return ERR(err, STATUS_ALGORITHM, "PBKDF2 with %llu iterations is not taken: use %d to %d",
                   (unsigned long long)recipient->iterations, ITERATIONS_MIN, ITERATIONS_MAX);
    return cms_password_unwrap(cms->cipher, recipient, password, content_key, err);
}

/* ---- writing ---- */

/* RFC 3211 section 2.3.1: length, check, key and random padding to whole blocks, at least two; then CBC over
 * it and, going on from its last block, CBC once more. */
static enum status wrap(const struct cms_recipient *recipient, const uint8_t *kek, struct span content_key,
                        struct buf *out, struct err *err)
{
    uint8_t plain[WRAPPED_MAX_LEN];
    AUTO(buf) struct buf inner = BUF(2 * WRAPPED_MAX_LEN);
    size_t block = cms_cipher_block_len(recipient->kek_cipher);
    size_t len = (WRAP_HEAD_LEN + content_key.len + block - 1) / block * block;
    if (len < WRAP_MIN_BLOCKS * block)
        len = WRAP_MIN_BLOCKS * block;
    TRY(cms_random(plain, len, err));
    plain[0] = (uint8_t)content_key.len;
    for (size_t i = 0; i < KEY_CHECK_LEN; i++)
        plain[1 + i] = (uint8_t)~content_key.data[i];
    memcpy(plain + WRAP_HEAD_LEN, content_key.data, content_key.len);
    bool done = cms_cipher_run(recipient->kek_cipher, CMS_ENCRYPT, false, kek, recipient->kek_iv.data,
                               SPAN(plain, len), false, &inner) &&
                cms_cipher_run(recipient->kek_cipher, CMS_ENCRYPT, false, kek, inner.data + len - block,
                               buf_span(&inner), false, out);
    OPENSSL_cleanse(plain, sizeof plain);
    TRY(buf_status(&inner, "the content key", err));
    TRY(buf_status(out, "the content key", err));
    return done ? STATUS_OK : ERR(err, STATUS_INTERNAL, "the content key could not be wrapped");
}

static void put_derivation(struct buf *out, const struct cms_recipient *recipient)
{
    size_t derivation = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    der_put_oid(out, OID_PBKDF2);
    size_t parameters = der_open(out, DER_SEQUENCE);
    der_put(out, DER_OCTET_STRING, recipient->salt);
    der_put_uint(out, recipient->iterations);
    der_put_algorithm(out, OID_HMAC_SHA256, true);
    der_close(out, parameters);
    der_close(out, derivation);
}

/* RecipientInfos with one PasswordRecipientInfo of version 0. */
static void put_recipient(struct buf *out, const struct cms_recipient *recipient)
{
    size_t set = der_open(out, DER_SET);
    size_t info = der_open(out, DER_CONTEXT_CONSTRUCTED(3));
    der_put_uint(out, 0);
    put_derivation(out, recipient);
    size_t wrapping = der_open(out, DER_SEQUENCE);
    der_put_oid(out, OID_PWRI_KEK);
    cms_cipher_put(out, recipient->kek_cipher, recipient->kek_iv);
    der_close(out, wrapping);
    der_put(out, DER_OCTET_STRING, recipient->encrypted_key);
    der_close(out, info);
    der_close(out, set);
}

/* EnvelopedData of version 3, as RFC 5652 section 6.1 asks where there is a password recipient. */
static enum status encode(struct cms_recipient *recipient, const uint8_t *kek, const uint8_t *content_key,
                          enum cms_cipher cipher, struct span content, struct buf *out, struct err *err)
{
    AUTO(buf) struct buf wrapped = BUF(2 * WRAPPED_MAX_LEN);
    TRY(wrap(recipient, kek, SPAN(content_key, cms_cipher_key_len(cipher)), &wrapped, err));
    recipient->encrypted_key = buf_span(&wrapped);
    struct cms_marks marks = cms_begin_content(out, OID_ENVELOPED_DATA);
    der_put_uint(out, 3);
    put_recipient(out, recipient);
    TRY(cms_put_encrypted_content(out, cipher, content_key, content, err));
    cms_end_content(out, &marks);
    return buf_status(out, "an envelope", err);
}

enum status cms_enveloped_encode_password(struct span password, enum cms_cipher cipher, struct span content,
                                          struct buf *out, struct err *err)
{
    uint8_t salt[SALT_LEN];
    uint8_t iv[CMS_BLOCK_MAX_LEN];
    uint8_t content_key[CMS_KEY_MAX_LEN];
    uint8_t kek[CMS_KEY_MAX_LEN];
    struct cms_recipient recipient = {
        .kind = RECIPIENT_PASSWORD,
        .prf = DIGEST_SHA256,
        .iterations = ITERATIONS,
        .salt = SPAN(salt, sizeof salt),
        .kek_cipher = cipher == CIPHER_DES3_CBC ? CIPHER_AES128_CBC : cipher,
        .kek_iv = SPAN(iv, sizeof iv),
    };
    TRY(cms_random(salt, sizeof salt, err));
    TRY(cms_random(iv, sizeof iv, err));
    TRY(cms_random(content_key, sizeof content_key, err));
    enum status status = derive(&recipient, password, kek, err);
    if (status == STATUS_OK)
        status = encode(&recipient, kek, content_key, cipher, content, out, err);
    OPENSSL_cleanse(content_key, sizeof content_key);
    OPENSSL_cleanse(kek, sizeof kek);
    return status;
}

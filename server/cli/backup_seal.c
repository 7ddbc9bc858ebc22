/* SPDX-License-Identifier: Apache-2.0
 *
 * Passphrase encryption of a small secret by EVP.
 */
#include "backup_seal.h"

#include "clock.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define MAGIC       "SCEPTER-KEYS-1\n"
#define MAGIC_LEN   (sizeof(MAGIC) - 1)
#define SALT_LEN    16
#define NONCE_LEN   12
#define TAG_LEN     16
#define KEY_LEN     32
#define HEAD_LEN    (MAGIC_LEN + SALT_LEN + NONCE_LEN)
#define SCRYPT_N    32768
#define SCRYPT_R    8
#define SCRYPT_P    1
#define SCRYPT_ROOM (64 * 1024 * 1024)

static void cipher_auto_(EVP_CIPHER_CTX **context)
{
    EVP_CIPHER_CTX_free(*context);
}

static enum status derive(const char *passphrase, const uint8_t *salt, uint8_t key[KEY_LEN], struct err *err)
{
    if (EVP_PBE_scrypt(passphrase, strlen(passphrase), salt, SALT_LEN, SCRYPT_N, SCRYPT_R, SCRYPT_P,
                       SCRYPT_ROOM, key, KEY_LEN) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "the passphrase cannot be made into a key");
    return STATUS_OK;
}

static enum status encrypt(const uint8_t *key, struct span plain, struct buf *out, struct err *err)
{
    AUTO(cipher) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    const uint8_t *nonce = out->data + out->len - NONCE_LEN;
    uint8_t nonce_copy[NONCE_LEN], tag[TAG_LEN];
    int len = 0, end_len = 0;
    memcpy(nonce_copy, nonce, NONCE_LEN);
    uint8_t *into = buf_extend(out, plain.len);
    TRY(buf_status(out, "the keys", err));
    if (context == NULL || EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce_copy) != 1 ||
        EVP_EncryptUpdate(context, into, &len, plain.data, (int)plain.len) != 1 ||
        EVP_EncryptFinal_ex(context, into + len, &end_len) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "the keys cannot be encrypted");
    buf_add(out, SPAN(tag, TAG_LEN));
    return buf_status(out, "the keys", err);
}

enum status backup_seal(struct span plain, const char *passphrase, struct buf *out, struct err *err)
{
    uint8_t key[KEY_LEN], random[SALT_LEN + NONCE_LEN];
    if (plain.len > BACKUP_KEYS_MAX)
        return ERR(err, STATUS_LIMIT, "the keys are larger than %d octets", BACKUP_KEYS_MAX);
    TRY(random_octets(random, sizeof(random), err));
    TRY(derive(passphrase, random, key, err));
    buf_add_text(out, MAGIC);
    buf_add(out, SPAN(random, sizeof(random)));
    enum status status = buf_status(out, "the keys", err);
    if (status == STATUS_OK)
        status = encrypt(key, plain, out, err);
    OPENSSL_cleanse(key, sizeof(key));
    return status;
}

static enum status decrypt(const uint8_t *key, struct span sealed, struct buf *out, struct err *err)
{
    AUTO(cipher) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    const uint8_t *nonce = sealed.data + MAGIC_LEN + SALT_LEN;
    size_t plain_len = sealed.len - HEAD_LEN - TAG_LEN;
    uint8_t tag[TAG_LEN];
    int len = 0, end_len = 0;
    memcpy(tag, sealed.data + sealed.len - TAG_LEN, TAG_LEN);
    uint8_t *into = buf_extend(out, plain_len);
    TRY(buf_status(out, "the keys", err));
    if (context == NULL || EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
        EVP_DecryptUpdate(context, into, &len, sealed.data + HEAD_LEN, (int)plain_len) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "the keys cannot be decrypted");
    if (EVP_DecryptFinal_ex(context, into + len, &end_len) == 1)
        return STATUS_OK;
    buf_clear(out);
    return ERR(err, STATUS_DENIED, "the passphrase is wrong, or the backup was changed");
}

enum status backup_unseal(struct span sealed, const char *passphrase, struct buf *out, struct err *err)
{
    uint8_t key[KEY_LEN];
    if (sealed.len < HEAD_LEN + TAG_LEN || sealed.len > BACKUP_KEYS_MAX + HEAD_LEN + TAG_LEN ||
        memcmp(sealed.data, MAGIC, MAGIC_LEN) != 0)
        return ERR(err, STATUS_MALFORMED, "the keys in the backup are not in a form that this version knows");
    TRY(derive(passphrase, sealed.data + MAGIC_LEN, key, err));
    enum status status = decrypt(key, sealed, out, err);
    OPENSSL_cleanse(key, sizeof(key));
    return status;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Small secrets in the store, encrypted with AES-256-GCM: the reply secret of a held
 * request. A copy of the database alone does not give them away. The key is
 * <dir>/keys/seal.key, 32 random octets, mode 0600, made at first need.
 *
 * Sealed form: version octet 1, 12 octets of nonce, ciphertext, 16 octets of tag.
 */
#include "enroll_private.h"

#include "clock.h"
#include "file.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#define SEAL_VERSION    1
#define SEAL_KEY_LEN    32
#define SEAL_NONCE_LEN  12
#define SEAL_TAG_LEN    16
#define SEAL_OVERHEAD   (1 + SEAL_NONCE_LEN + SEAL_TAG_LEN)
#define SEAL_SECRET_MAX 4096

AUTO_POINTER(cipher, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

/* ---- the key ---- */

static enum status read_key(const char *path, struct buf *key, struct err *err)
{
    struct stat facts;
    TRY(file_read(path, key, err));
    if (stat(path, &facts) == 0 && (facts.st_mode & 077) != 0)
        return ERR(err, STATUS_DENIED, "%s is readable by others: chmod 600 it", path);
    if (key->len != SEAL_KEY_LEN)
        return ERR(err, STATUS_INTEGRITY, "%s has %zu octets instead of %d: restore it from a backup", path,
                   key->len, SEAL_KEY_LEN);
    return STATUS_OK;
}

/* Of several that make it at once, one does. */
static enum status make_key(const char *path, struct err *err)
{
    AUTO(buf) struct buf fresh = BUF(SEAL_KEY_LEN);
    uint8_t *octets = buf_extend(&fresh, SEAL_KEY_LEN);
    TRY(buf_status(&fresh, "the seal key", err));
    TRY(random_octets(octets, SEAL_KEY_LEN, err));
    enum status status = file_write_new(path, buf_span(&fresh), 0600, err);
    return status == STATUS_CONFLICT ? STATUS_OK : status;
}

static enum status load_key(const char *dir, bool make, struct buf *key, struct err *err)
{
    AUTO(heap) char *path = NULL;
    TRY(path_join(dir, "keys/seal.key", &path, err));
    enum status status = read_key(path, key, err);
    if (status != STATUS_NOT_FOUND || !make)
        return status;
    TRY(make_key(path, err));
    return read_key(path, key, err);
}

/* ---- the cipher ---- */

static bool start(EVP_CIPHER_CTX *cipher, bool encrypt, const uint8_t *key, const uint8_t *nonce,
                  struct span bound_to)
{
    int written = 0;
    return EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce, encrypt ? 1 : 0) == 1 &&
           EVP_CipherUpdate(cipher, NULL, &written, bound_to.data, (int)bound_to.len) == 1;
}

static bool encrypt(const uint8_t *key, const uint8_t *nonce, struct span secret, struct span bound_to,
                    uint8_t *out, uint8_t *tag)
{
    AUTO(cipher) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int len = 0, last = 0;
    return cipher != NULL && start(cipher, true, key, nonce, bound_to) &&
           EVP_CipherUpdate(cipher, out, &len, secret.data, (int)secret.len) == 1 &&
           EVP_CipherFinal_ex(cipher, out + len, &last) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_LEN, tag) == 1;
}

static bool decrypt(const uint8_t *key, const uint8_t *nonce, struct span sealed, struct span bound_to,
                    uint8_t *tag, uint8_t *out)
{
    AUTO(cipher) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int len = 0, last = 0;
    return cipher != NULL && start(cipher, false, key, nonce, bound_to) &&
           EVP_CipherUpdate(cipher, out, &len, sealed.data, (int)sealed.len) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_LEN, tag) == 1 &&
           EVP_CipherFinal_ex(cipher, out + len, &last) == 1;
}

/* ---- the face ---- */

enum status seal_close(const char *dir, struct span secret, struct span bound_to, struct buf *out,
                       struct err *err)
{
    AUTO(buf) struct buf key = BUF(SEAL_KEY_LEN + 1);
    if (secret.len == 0 || secret.len > SEAL_SECRET_MAX)
        return ERR(err, STATUS_LIMIT, "a secret to be sealed has from 1 to %d octets", SEAL_SECRET_MAX);
    TRY(load_key(dir, true, &key, err));
    AUTO(buf) struct buf sealed = BUF(SEAL_OVERHEAD + SEAL_SECRET_MAX);
    uint8_t *octets = buf_extend(&sealed, SEAL_OVERHEAD + secret.len);
    TRY(buf_status(&sealed, "the sealed secret", err));
    uint8_t *nonce = octets + 1, *text = nonce + SEAL_NONCE_LEN;
    octets[0] = SEAL_VERSION;
    TRY(random_octets(nonce, SEAL_NONCE_LEN, err));
    if (!encrypt(key.data, nonce, secret, bound_to, text, text + secret.len))
        return ERR_OPENSSL(err, STATUS_INTERNAL, "cannot seal a secret");
    buf_move(out, &sealed);
    return STATUS_OK;
}

enum status seal_open(const char *dir, struct span sealed, struct span bound_to, struct buf *out,
                      struct err *err)
{
    AUTO(buf) struct buf key = BUF(SEAL_KEY_LEN + 1);
    AUTO(buf) struct buf secret = BUF(SEAL_SECRET_MAX);
    uint8_t tag[SEAL_TAG_LEN];
    if (sealed.len <= SEAL_OVERHEAD || sealed.len > SEAL_OVERHEAD + SEAL_SECRET_MAX ||
        sealed.data[0] != SEAL_VERSION)
        return ERR(err, STATUS_INTEGRITY, "a sealed secret is damaged");
    TRY(load_key(dir, false, &key, err));
    const uint8_t *nonce = sealed.data + 1;
    struct span text = {nonce + SEAL_NONCE_LEN, sealed.len - SEAL_OVERHEAD};
    memcpy(tag, text.data + text.len, SEAL_TAG_LEN);
    uint8_t *octets = buf_extend(&secret, text.len);
    TRY(buf_status(&secret, "the secret", err));
    if (!decrypt(key.data, nonce, text, bound_to, tag, octets))
        return ERR_OPENSSL(err, STATUS_INTEGRITY,
                           "a sealed secret does not open: it was changed, or keys/seal.key is another one");
    buf_move(out, &secret);
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Private keys in files: PKCS#8 PEM of mode 0600, encrypted with PBES2 (PBKDF2 with HMAC-SHA-256,
 * AES-256-CBC) where a passphrase is given. Reads what others write too: PKCS#8 and the traditional forms, as
 * PEM or DER. It never asks for a passphrase; what the key then does is in keystore_evp.c.
 */
#include "keystore_backend.h"

#include "file.h"

#include <errno.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX_LEN  65536
#define KEY_FILE_MODE     0600
#define PBKDF2_ITERATIONS 200000
#define PBKDF2_SALT_LEN   16

AUTO_POINTER(bio, BIO, BIO_free_all)
AUTO_POINTER(pkcs8, PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
AUTO_POINTER(pkcs8_encrypted, X509_SIG, X509_SIG_free)
AUTO_POINTER(algorithm, X509_ALGOR, X509_ALGOR_free)
AUTO_POINTER(decoder, OSSL_DECODER_CTX, OSSL_DECODER_CTX_free)

static bool file_takes(const char *location)
{
    return location[0] != '\0';
}

/* ---- writing ---- */

static bool write_encrypted(BIO *bio, PKCS8_PRIV_KEY_INFO *info, const char *passphrase)
{
    unsigned char salt[PBKDF2_SALT_LEN];
    if (RAND_bytes(salt, sizeof salt) != 1)
        return false;
    AUTO(algorithm)
    X509_ALGOR *pbes2 =
        PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ITERATIONS, salt, sizeof salt, NULL, NID_hmacWithSHA256);
    if (pbes2 == NULL)
        return false;
    AUTO(pkcs8_encrypted)
    X509_SIG *encrypted = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), info, pbes2);
    if (encrypted == NULL)
        return false;
    pbes2 = NULL; /* now part of encrypted */
    return PEM_write_bio_PKCS8(bio, encrypted) == 1;
}

static enum status file_write_key(const char *path, EVP_PKEY *pkey, const char *passphrase, struct err *err)
{
    AUTO(bio) BIO *bio = BIO_new(BIO_s_secmem());
    AUTO(pkcs8) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    if (bio == NULL || info == NULL)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "the key for %s could not be encoded", path);
    bool written = passphrase != NULL ? write_encrypted(bio, info, passphrase)
                                      : PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1;
    if (!written)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "the key for %s could not be encoded", path);
    char *pem = NULL;
    long len = BIO_get_mem_data(bio, &pem);
    return file_write_new(path, SPAN(pem, (size_t)len), KEY_FILE_MODE, err);
}

/* Refuses before the time for a key is spent; file_write_new is what makes sure. */
static enum status file_is_new(const char *path, struct err *err)
{
    struct stat status;
    if (lstat(path, &status) == 0)
        return ERR(err, STATUS_CONFLICT, "%s is there already: a key is never overwritten", path);
    return STATUS_OK;
}

static enum status file_create(const char *location, enum key_spec spec, const char *passphrase,
                               void **handle, struct err *err)
{
    TRY(file_is_new(location, err));
    AUTO(evp_pkey) EVP_PKEY *pkey = NULL;
    AUTO(evp_key) struct evp_key *key = NULL;
    TRY(evp_key_generate(spec, &pkey, err));
    TRY(evp_key_new(pkey, &key, err));
    TRY(file_write_key(location, pkey, passphrase, err));
    *handle = MOVE(key);
    return STATUS_OK;
}

static void file_remove(const char *location)
{
    (void)unlink(location); /* at worst a file is left that nothing refers to */
}

/* ---- reading ---- */

struct passphrase {
    const char *text; /* may be NULL */
    bool asked;
};

static int give_passphrase(char *out, int size, int for_writing, void *user)
{
    (void)for_writing;
    struct passphrase *passphrase = user;
    passphrase->asked = true;
    if (passphrase->text == NULL || size < 0 || strlen(passphrase->text) > (size_t)size)
        return -1;
    memcpy(out, passphrase->text, strlen(passphrase->text));
    return (int)strlen(passphrase->text);
}

static enum status file_check_mode(const char *path, struct err *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return ERR(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "the file cannot be read: %s",
                   strerror(errno));
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return ERR(err, STATUS_DENIED,
                   "the file has mode %04o, others than its owner can use it: chmod 600 %s",
                   (unsigned)(status.st_mode & 07777), path);
    return STATUS_OK;
}

static enum status refuse_file(const struct passphrase *passphrase, struct err *err)
{
    ERR_clear_error();
    if (passphrase->asked && passphrase->text == NULL)
        return ERR(err, STATUS_DENIED, "the file is encrypted: give its passphrase");
    if (passphrase->asked)
        return ERR(err, STATUS_DENIED, "the passphrase does not open the file");
    return ERR(err, STATUS_MALFORMED, "the file holds no private key: a PKCS#8 key in PEM or DER is wanted");
}

static enum status file_decode(struct span octets, const char *text, EVP_PKEY **out, struct err *err)
{
    EVP_PKEY *pkey = NULL;
    struct passphrase passphrase = {.text = text};
    if (octets.len == 0)
        return refuse_file(&passphrase, err);
    AUTO(bio) BIO *bio = BIO_new_mem_buf(octets.data, (int)octets.len);
    AUTO(decoder)
    OSSL_DECODER_CTX *decoder =
        OSSL_DECODER_CTX_new_for_pkey(&pkey, NULL, NULL, NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
    if (bio == NULL || decoder == NULL ||
        OSSL_DECODER_CTX_set_pem_password_cb(decoder, give_passphrase, &passphrase) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "the file cannot be decoded");
    if (OSSL_DECODER_from_bio(decoder, bio) != 1 || pkey == NULL) {
        EVP_PKEY_free(pkey);
        return refuse_file(&passphrase, err);
    }
    *out = pkey;
    return STATUS_OK;
}

static enum status file_open(const char *location, const char *passphrase, void **handle, struct err *err)
{
    AUTO(buf) struct buf octets = BUF(KEY_FILE_MAX_LEN);
    AUTO(evp_pkey) EVP_PKEY *pkey = NULL;
    AUTO(evp_key) struct evp_key *key = NULL;
    TRY(file_check_mode(location, err));
    TRY(file_read(location, &octets, err));
    TRY(file_decode(buf_span(&octets), passphrase, &pkey, err));
    TRY(evp_key_new(pkey, &key, err));
    *handle = MOVE(key);
    return STATUS_OK;
}

const struct key_backend keystore_file_backend = {
    .takes = file_takes,
    .create = file_create,
    .open = file_open,
    .remove = file_remove,
    .spki = evp_key_spki,
    .sign_digest = evp_key_sign_digest,
    .decrypt = evp_key_decrypt,
    .close = evp_key_close,
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * Content ciphers of CMS: AES and, to read old devices, triple DES, each in CBC mode. Fetched once per
 * process. Which of them a profile allows is decided elsewhere.
 */
#include "cms_private.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>

#define CIPHER_COUNT 4

AUTO_POINTER(evp_cipher_ctx, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

static const struct {
    const char *name; /* as OpenSSL knows it, too */
    enum oid oid;
    size_t key_len;
    size_t block_len;
} ciphers[CIPHER_COUNT] = {
    [CIPHER_AES128_CBC] = {"AES-128-CBC", OID_AES128_CBC, 16, 16},
    [CIPHER_AES192_CBC] = {"AES-192-CBC", OID_AES192_CBC, 24, 16},
    [CIPHER_AES256_CBC] = {"AES-256-CBC", OID_AES256_CBC, 32, 16},
    [CIPHER_DES3_CBC] = {"DES-EDE3-CBC", OID_DES3_CBC, 24, 8},
};

static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *fetched[CIPHER_COUNT];

static void fetch_all(void)
{
    for (size_t i = 0; i < CIPHER_COUNT; i++)
        fetched[i] = EVP_CIPHER_fetch(NULL, ciphers[i].name, NULL);
}

size_t cms_cipher_key_len(enum cms_cipher cipher)
{
    return ciphers[cipher].key_len;
}

size_t cms_cipher_block_len(enum cms_cipher cipher)
{
    return ciphers[cipher].block_len;
}

const char *cms_cipher_name(enum cms_cipher cipher)
{
    return ciphers[cipher].name;
}

static enum status refuse_cipher(struct span oid, struct err *err)
{
    AUTO(buf) struct buf text = BUF(512);
    const char *name = oid_name(oid_find(oid));
    oid_text(&text, oid);
    return ERR(err, STATUS_ALGORITHM, "the content cipher %.*s (%s) is not taken: use AES in CBC mode",
               (int)text.len, text.len > 0 ? (const char *)text.data : "", name != NULL ? name : "unknown");
}

enum status cms_cipher_find(struct span oid, struct span parameters, enum cms_cipher *cipher, struct span *iv,
                            struct err *err)
{
    static const char what[] = "initialisation vector of a cipher (RFC 3565 section 4.2, RFC 3370 section 5)";
    enum oid known = oid_find(oid);
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        if (ciphers[i].oid != known)
            continue;
        struct der_reader reader = der_reader(parameters);
        TRY(der_take(&reader, DER_OCTET_STRING, iv, what, err));
        TRY(der_finish(&reader, what, err));
        if (iv->len != ciphers[i].block_len)
            return ERR(err, STATUS_MALFORMED, "an initialisation vector of %s has %zu octets, not %zu",
                       ciphers[i].name, ciphers[i].block_len, iv->len);
        *cipher = (enum cms_cipher)i;
        return STATUS_OK;
    }
    return refuse_cipher(oid, err);
}

void cms_cipher_put(struct buf *out, enum cms_cipher cipher, struct span iv)
{
    size_t mark = der_open(out, DER_SEQUENCE);
    der_put_oid(out, ciphers[cipher].oid);
    der_put(out, DER_OCTET_STRING, iv);
    der_close(out, mark);
}

/* One piece, appended to where *len says. */
static bool run_piece(EVP_CIPHER_CTX *context, struct span in, uint8_t *at, size_t *len)
{
    int written = 0;
    if (in.len > INT32_MAX || EVP_CipherUpdate(context, at + *len, &written, in.data, (int)in.len) != 1)
        return false;
    *len += (size_t)written;
    return true;
}

static bool run_pieces(EVP_CIPHER_CTX *context, struct span in, bool segmented, uint8_t *at, size_t *len)
{
    if (!segmented)
        return run_piece(context, in, at, len);
    struct der_reader reader = der_reader(in);
    while (!der_at_end(&reader)) {
        struct span piece;
        if (der_take(&reader, DER_OCTET_STRING, &piece, "a segment", NULL) != STATUS_OK ||
            (piece.len > 0 && !run_piece(context, piece, at, len)))
            return false;
    }
    return true;
}

bool cms_cipher_run(enum cms_cipher cipher, enum cms_direction direction, bool padded, const uint8_t *key,
                    const uint8_t *iv, struct span in, bool segmented, struct buf *out)
{
    size_t before = out->len;
    size_t len = 0;
    int last = 0;
    AUTO(evp_cipher_ctx) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t *at = buf_extend(out, in.len + 2 * CMS_BLOCK_MAX_LEN);
    if (at == NULL)
        return false;
    ERR_set_mark();
    bool done = context != NULL && pthread_once(&fetch_once, fetch_all) == 0 && fetched[cipher] != NULL &&
                EVP_CipherInit_ex2(context, fetched[cipher], key, iv, direction == CMS_ENCRYPT, NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(context, padded) == 1 &&
                run_pieces(context, in, segmented, at, &len) &&
                EVP_CipherFinal_ex(context, at + len, &last) == 1;
    ERR_pop_to_mark();
    out->len = done ? before + len + (size_t)last : before;
    return done;
}

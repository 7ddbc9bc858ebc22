/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing EnvelopedData (RFC 5652 section 6) for the holder of an RSA certificate. For a password:
 * cms_password.c.
 */
#include "cms_private.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#define ENCRYPTED_KEY_MAX_LEN 2048

enum status cms_random(uint8_t *out, size_t len, struct err *err)
{
    if (RAND_priv_bytes_ex(NULL, out, len, 0) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "no random numbers");
    return STATUS_OK;
}

enum status cms_put_encrypted_content(struct buf *out, enum cms_cipher cipher, const uint8_t *content_key,
                                      struct span content, struct err *err)
{
    uint8_t iv[CMS_BLOCK_MAX_LEN];
    TRY(cms_random(iv, sizeof iv, err));
    size_t info = der_open(out, DER_SEQUENCE);
    der_put_oid(out, OID_DATA);
    cms_cipher_put(out, cipher, SPAN(iv, cms_cipher_block_len(cipher)));
    size_t encrypted = der_open(out, DER_CONTEXT(0));
    bool done = cms_cipher_run(cipher, CMS_ENCRYPT, true, content_key, iv, content, false, out);
    TRY(buf_status(out, "an envelope", err));
    if (!done)
        return ERR(err, STATUS_INTERNAL, "%s could not encrypt", cms_cipher_name(cipher));
    der_close(out, encrypted);
    der_close(out, info);
    return buf_status(out, "an envelope", err);
}

/* RecipientInfos with one KeyTransRecipientInfo of version 0 (RFC 5652 section 6.2.1). */
static void put_recipient(struct buf *out, const struct certificate *recipient, struct span encrypted_key)
{
    size_t set = der_open(out, DER_SET);
    size_t info = der_open(out, DER_SEQUENCE);
    der_put_uint(out, 0);
    cms_put_issuer_serial(out, recipient);
    der_put_algorithm(out, OID_RSA, true);
    der_put(out, DER_OCTET_STRING, encrypted_key);
    der_close(out, info);
    der_close(out, set);
}

static enum status encode(const struct certificate *recipient, enum cms_cipher cipher,
                          const uint8_t *content_key, struct span content, struct buf *out, struct err *err)
{
    AUTO(buf) struct buf encrypted_key = BUF(ENCRYPTED_KEY_MAX_LEN);
    TRY(pubkey_encrypt(recipient->key, SPAN(content_key, cms_cipher_key_len(cipher)), &encrypted_key, err));
    struct cms_marks marks = cms_begin_content(out, OID_ENVELOPED_DATA);
    der_put_uint(out, 0);
    put_recipient(out, recipient, buf_span(&encrypted_key));
    TRY(cms_put_encrypted_content(out, cipher, content_key, content, err));
    cms_end_content(out, &marks);
    return buf_status(out, "an envelope", err);
}

enum status cms_enveloped_encode(const struct certificate *recipient, enum cms_cipher cipher,
                                 struct span content, struct buf *out, struct err *err)
{
    uint8_t content_key[CMS_KEY_MAX_LEN];
    TRY(cms_random(content_key, sizeof content_key, err));
    enum status status = encode(recipient, cipher, content_key, content, out, err);
    OPENSSL_cleanse(content_key, sizeof content_key);
    return status;
}

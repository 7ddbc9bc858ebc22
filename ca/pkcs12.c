/* SPDX-License-Identifier: Apache-2.0
 *
 * PKCS#12 (RFC 7292) of a key that was generated for somebody else, with its certificate: PBES2 with
 * AES-256-CBC, MAC with SHA-256. Only writes; a PKCS#12 that is imported is another matter.
 */
#include "keystore.h"
#include "keystore_backend.h"

#include <limits.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#define PBKDF_ITERATIONS 100000
#define MAC_SALT_LEN     16

static void certificates_free(STACK_OF(X509) * certificates)
{
    sk_X509_pop_free(certificates, X509_free);
}

AUTO_POINTER(x509, X509, X509_free)
AUTO_POINTER(certificates, STACK_OF(X509), certificates_free)
AUTO_POINTER(pkcs12, PKCS12, PKCS12_free)

static enum status x509_decode(struct span der, X509 **out, struct err *err)
{
    const unsigned char *next = der.data;
    AUTO(x509) X509 *x509 = der.len <= LONG_MAX ? d2i_X509(NULL, &next, (long)der.len) : NULL;
    if (x509 == NULL || next != der.data + der.len)
        return ERR_OPENSSL(err, STATUS_MALFORMED, "a certificate for the PKCS#12 file cannot be read");
    *out = MOVE(x509);
    return STATUS_OK;
}

static enum status chain_decode(const struct span *chain, size_t count, STACK_OF(X509) * *out,
                                struct err *err)
{
    AUTO(certificates) STACK_OF(X509) *stack = sk_X509_new_null();
    if (stack == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for a PKCS#12 file");
    for (size_t i = 0; i < count; i++) {
        AUTO(x509) X509 *x509 = NULL;
        TRY(x509_decode(chain[i], &x509, err));
        if (sk_X509_push(stack, x509) == 0)
            return ERR(err, STATUS_NOMEM, "out of memory for a PKCS#12 file");
        x509 = NULL; /* the stack's */
    }
    *out = MOVE(stack);
    return STATUS_OK;
}

static enum status pkcs12_append(PKCS12 *pkcs12, struct buf *out, struct err *err)
{
    int len = i2d_PKCS12(pkcs12, NULL);
    if (len <= 0)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "the PKCS#12 file could not be encoded");
    unsigned char *at = buf_extend(out, (size_t)len);
    if (at != NULL)
        (void)i2d_PKCS12(pkcs12, &at);
    return buf_status(out, "a PKCS#12 file", err);
}

enum status key_pkcs12(const struct key *key, struct span certificate, const struct span *chain,
                       size_t chain_count, const char *friendly_name, const char *passphrase, struct buf *out,
                       struct err *err)
{
    AUTO(x509) X509 *x509 = NULL;
    AUTO(certificates) STACK_OF(X509) *stack = NULL;
    AUTO(pkcs12) PKCS12 *pkcs12 = NULL;
    EVP_PKEY *pkey = key_generated_pkey(key);
    if (pkey == NULL)
        return ERR(err, STATUS_DENIED,
                   "this key stays in its keystore: only a key made for its holder is handed over");
    TRY(x509_decode(certificate, &x509, err));
    TRY(chain_decode(chain, chain_count, &stack, err));
    pkcs12 = PKCS12_create(passphrase, friendly_name, pkey, x509, stack, NID_aes_256_cbc, NID_aes_256_cbc,
                           PBKDF_ITERATIONS, -1, 0);
    if (pkcs12 == NULL ||
        PKCS12_set_mac(pkcs12, passphrase, -1, NULL, MAC_SALT_LEN, PBKDF_ITERATIONS, EVP_sha256()) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "the PKCS#12 file could not be made");
    return pkcs12_append(pkcs12, out, err);
}

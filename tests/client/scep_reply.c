/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a CertRep with OpenSSL's CMS and prints what it says.
 */
#include "scep_client.h"

#include <openssl/pem.h>
#include <string.h>

static void print_attribute(CMS_SignerInfo *signer, int nid, const char *name, char *out, size_t size)
{
    out[0] = '\0';
    int at = CMS_signed_get_attr_by_NID(signer, nid, -1);
    if (at < 0)
        return;
    ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(CMS_signed_get_attr(signer, at), 0);
    NEED(name, value != NULL && value->value.asn1_string != NULL);
    snprintf(out, size, "%.*s", ASN1_STRING_length(value->value.asn1_string),
             (const char *)ASN1_STRING_get0_data(value->value.asn1_string));
    printf("%s=%s\n", name, out);
}

static BIO *decrypt(const struct options *options, const struct material *material, CMS_ContentInfo *envelope)
{
    BIO *out = BIO_new(BIO_s_mem());
    if (options->reply_password != NULL) {
        unsigned char *copy = (unsigned char *)OPENSSL_strdup(options->reply_password);
        NEED("the password does not open the reply",
             CMS_decrypt_set1_password(envelope, copy, (ossl_ssize_t)strlen(options->reply_password)));
        NEED("decrypting the reply", CMS_decrypt(envelope, NULL, NULL, NULL, out, 0));
        OPENSSL_free(copy);
    } else {
        NEED("decrypting the reply",
             CMS_decrypt(envelope, material->signer_key, material->signer, NULL, out, 0));
    }
    return out;
}

static void write_contents(const struct options *options, CMS_ContentInfo *inner)
{
    BIO *out = options->out != NULL ? BIO_new_file(options->out, "wb") : NULL;
    NEED(options->out, options->out == NULL || out != NULL);
    STACK_OF(X509) *certificates = CMS_get1_certs(inner);
    printf("certificates=%d\n", sk_X509_num(certificates) < 0 ? 0 : sk_X509_num(certificates));
    for (int i = 0; i < sk_X509_num(certificates); i++)
        if (out != NULL)
            NEED("writing", PEM_write_bio_X509(out, sk_X509_value(certificates, i)));
    STACK_OF(X509_CRL) *crls = CMS_get1_crls(inner);
    if (sk_X509_CRL_num(crls) > 0) {
        printf("crls=%d\n", sk_X509_CRL_num(crls));
        if (out != NULL)
            NEED("writing", PEM_write_bio_X509_CRL(out, sk_X509_CRL_value(crls, 0)));
    }
    sk_X509_pop_free(certificates, X509_free);
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
    BIO_free(out);
}

static void open_envelope(const struct options *options, const struct material *material, BIO *content)
{
    CMS_ContentInfo *envelope = d2i_CMS_bio(content, NULL);
    NEED("the reply's content is no EnvelopedData",
         envelope != NULL && OBJ_obj2nid(CMS_get0_type(envelope)) == NID_pkcs7_enveloped);
    BIO *plain = decrypt(options, material, envelope);
    CMS_ContentInfo *inner = d2i_CMS_bio(plain, NULL);
    NEED("the reply holds no degenerate SignedData", inner != NULL);
    write_contents(options, inner);
    CMS_ContentInfo_free(inner);
    CMS_ContentInfo_free(envelope);
    BIO_free(plain);
}

int read_reply(const struct options *options, const struct material *material, const unsigned char *octets,
               size_t len)
{
    char text[1024];
    BIO *bio = BIO_new_mem_buf(octets, (int)len);
    CMS_ContentInfo *cms = d2i_CMS_bio(bio, NULL);
    NEED("the reply is no CMS", cms != NULL);
    BIO *content = BIO_new(BIO_s_mem());
    /* FAILURE and PENDING carry no content (RFC 8894 section 3.3.2): then the signature is over nothing */
    ASN1_OCTET_STRING **inside = CMS_get0_content(cms);
    BIO *nothing = inside == NULL || *inside == NULL ? BIO_new(BIO_s_mem()) : NULL;
    if (nothing != NULL)
        BIO_set_mem_eof_return(nothing, 0);
    NEED("the reply's signature does not hold",
         CMS_verify(cms, NULL, NULL, nothing, content, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY));
    BIO_free(nothing);
    CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    print_attribute(signer, nids.message_type, "messageType", text, sizeof text);
    print_attribute(signer, nids.transaction_id, "transactionID", text, sizeof text);
    print_attribute(signer, nids.fail_info, "failInfo", text, sizeof text);
    print_attribute(signer, nids.fail_info_text, "failInfoText", text, sizeof text);
    print_attribute(signer, nids.pki_status, "pkiStatus", text, sizeof text);
    int status = atoi(text);
    NEED("no recipientNonce", CMS_signed_get_attr_by_NID(signer, nids.recipient_nonce, -1) >= 0);
    if (status == 0 && text[0] == '0')
        open_envelope(options, material, content);
    CMS_ContentInfo_free(cms);
    BIO_free(content);
    BIO_free(bio);
    return status;
}

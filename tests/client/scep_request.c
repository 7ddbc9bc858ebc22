/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes PKIMessages (RFC 8894 section 3) with OpenSSL's CMS, good ones and, on demand, broken ones.
 */
#include "scep_client.h"

#include <openssl/asn1t.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

struct scep_nids nids;

/* IssuerAndSubject ::= SEQUENCE { issuer Name, subject Name } (RFC 8894 section 3.3.3) */
typedef struct {
    X509_NAME *issuer;
    X509_NAME *subject;
} ISSUER_AND_SUBJECT;
ASN1_SEQUENCE(ISSUER_AND_SUBJECT) = {ASN1_SIMPLE(ISSUER_AND_SUBJECT, issuer, X509_NAME),
                                     ASN1_SIMPLE(ISSUER_AND_SUBJECT, subject,
                                                 X509_NAME)} static_ASN1_SEQUENCE_END(ISSUER_AND_SUBJECT)

    /* IssuerAndSerialNumber (RFC 5652 section 10.2.4) */
    typedef struct {
    X509_NAME *issuer;
    ASN1_INTEGER *serial;
} ISSUER_AND_SERIAL;
ASN1_SEQUENCE(ISSUER_AND_SERIAL) = {ASN1_SIMPLE(ISSUER_AND_SERIAL, issuer, X509_NAME),
                                    ASN1_SIMPLE(ISSUER_AND_SERIAL, serial,
                                                ASN1_INTEGER)} static_ASN1_SEQUENCE_END(ISSUER_AND_SERIAL)

    void register_nids(void)
{
    nids.message_type = OBJ_create("2.16.840.1.113733.1.9.2", "scepMessageType", "scepMessageType");
    nids.pki_status = OBJ_create("2.16.840.1.113733.1.9.3", "scepPkiStatus", "scepPkiStatus");
    nids.fail_info = OBJ_create("2.16.840.1.113733.1.9.4", "scepFailInfo", "scepFailInfo");
    nids.sender_nonce = OBJ_create("2.16.840.1.113733.1.9.5", "scepSenderNonce", "scepSenderNonce");
    nids.recipient_nonce = OBJ_create("2.16.840.1.113733.1.9.6", "scepRecipientNonce", "scepRecipientNonce");
    nids.transaction_id = OBJ_create("2.16.840.1.113733.1.9.7", "scepTransactionId", "scepTransactionId");
    nids.fail_info_text = OBJ_create("1.3.6.1.5.5.7.24.1", "scepFailInfoText", "scepFailInfoText");
}

/* ---- material ---- */

static BIO *open_file(const char *path)
{
    BIO *bio = BIO_new_file(path, "rb");
    NEED(path, bio != NULL);
    return bio;
}

static X509 *load_certificate(const char *path)
{
    BIO *bio = open_file(path);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    NEED(path, certificate != NULL);
    BIO_free(bio);
    return certificate;
}

static EVP_PKEY *load_key(const char *path)
{
    BIO *bio = open_file(path);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    NEED(path, key != NULL);
    BIO_free(bio);
    return key;
}

static X509_NAME *parse_subject(const char *text)
{
    X509_NAME *name = X509_NAME_new();
    char *copy = strdup(text), *rest = NULL;
    for (char *part = strtok_r(copy, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
        char *equals = strchr(part, '=');
        NEED("--subject takes /CN=a/O=b", equals != NULL);
        *equals = '\0';
        NEED(part,
             X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (unsigned char *)equals + 1, -1, -1, 0));
    }
    free(copy);
    return name;
}

/* --san email:a@b, DNS:x, IP:1.2.3.4, URI:u, otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@b (OpenSSL's own words)
 */
static void add_sans(const struct options *options, STACK_OF(X509_EXTENSION) * extensions)
{
    char text[2048] = "";
    for (size_t i = 0; i < options->san_count; i++) {
        if (i > 0)
            strcat(text, ",");
        NEED("--san is too long", strlen(text) + strlen(options->sans[i]) + 2 < sizeof text);
        strcat(text, options->sans[i]);
    }
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
    NEED(text, extension != NULL);
    sk_X509_EXTENSION_push(extensions, extension);
}

static X509_REQ *make_csr(const struct options *options, EVP_PKEY *key)
{
    X509_REQ *csr = X509_REQ_new();
    X509_NAME *subject = parse_subject(options->subject != NULL ? options->subject : "/CN=test");
    NEED("subject", X509_REQ_set_subject_name(csr, subject) && X509_REQ_set_pubkey(csr, key));
    X509_NAME_free(subject);
    if (options->challenge != NULL)
        NEED("challenge", X509_REQ_add1_attr_by_NID(csr, NID_pkcs9_challengePassword, MBSTRING_UTF8,
                                                    (const unsigned char *)options->challenge, -1));
    if (options->san_count > 0) {
        STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
        add_sans(options, extensions);
        NEED("extensions", X509_REQ_add_extensions(csr, extensions));
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    }
    NEED("signing the CSR", X509_REQ_sign(csr, key, EVP_sha256()) > 0);
    return csr;
}

static X509 *make_self_signed(const struct options *options, X509_REQ *csr, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *subject =
        csr != NULL ? X509_NAME_dup(X509_REQ_get_subject_name(csr)) : parse_subject("/CN=signer");
    NEED("self-signed",
         X509_set_version(certificate, 2) && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
             X509_set_subject_name(certificate, subject) && X509_set_issuer_name(certificate, subject) &&
             X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) != NULL &&
             X509_set_pubkey(certificate, key) &&
             X509_sign(certificate, key, options->signer_sha1 ? EVP_sha1() : EVP_sha256()) > 0);
    X509_NAME_free(subject);
    return certificate;
}

void load_material(const struct options *options, struct material *material)
{
    memset(material, 0, sizeof *material);
    if (options->key != NULL)
        material->key = load_key(options->key);
    if (options->csr != NULL) {
        BIO *bio = open_file(options->csr);
        material->csr = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
        NEED(options->csr, material->csr != NULL);
        BIO_free(bio);
    } else if (material->key != NULL) {
        material->csr = make_csr(options, material->key);
    }
    if (options->signer_cert != NULL) {
        material->signer = load_certificate(options->signer_cert);
        material->signer_key = load_key(options->signer_key != NULL ? options->signer_key : options->key);
    } else {
        NEED("--key is needed", material->key != NULL);
        material->signer = make_self_signed(options, material->csr, material->key);
        material->signer_key = material->key;
        EVP_PKEY_up_ref(material->key);
    }
    material->recipients = sk_X509_new_null();
    if (options->recipient != NULL)
        sk_X509_push(material->recipients, load_certificate(options->recipient));
}

void free_material(struct material *material)
{
    EVP_PKEY_free(material->key);
    EVP_PKEY_free(material->signer_key);
    X509_REQ_free(material->csr);
    X509_free(material->signer);
    sk_X509_pop_free(material->recipients, X509_free);
}

/* ---- content ---- */

static BIO *der_bio(const void *value, const ASN1_ITEM *item)
{
    unsigned char *der = NULL;
    int len = ASN1_item_i2d((const ASN1_VALUE *)value, &der, item);
    NEED("encoding the content", len > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    BIO_write(bio, der, len);
    OPENSSL_free(der);
    return bio;
}

static BIO *make_content(const struct options *options, const struct material *material, const char *type)
{
    X509 *issuer = options->issuer_cert != NULL ? load_certificate(options->issuer_cert) : NULL;
    BIO *content = NULL;
    if (strcmp(type, "20") == 0) {
        ISSUER_AND_SUBJECT value = {
            .issuer = X509_get_subject_name(issuer != NULL ? issuer : material->signer),
            .subject = material->csr != NULL ? X509_REQ_get_subject_name(material->csr)
                                             : X509_get_subject_name(material->signer)};
        content = der_bio(&value, ASN1_ITEM_rptr(ISSUER_AND_SUBJECT));
    } else if (strcmp(type, "21") == 0 || strcmp(type, "22") == 0) {
        NEED("--issuer-cert and --serial are needed", issuer != NULL && options->serial != NULL);
        BIGNUM *number = NULL;
        NEED("--serial", BN_hex2bn(&number, options->serial) > 0);
        ISSUER_AND_SERIAL value = {.issuer = X509_get_subject_name(issuer),
                                   .serial = BN_to_ASN1_INTEGER(number, NULL)};
        content = der_bio(&value, ASN1_ITEM_rptr(ISSUER_AND_SERIAL));
        ASN1_INTEGER_free(value.serial);
        BN_free(number);
    } else if (options->corrupt != NULL && strcmp(options->corrupt, "content") == 0) {
        unsigned char rubbish[300];
        RAND_bytes(rubbish, sizeof rubbish);
        content = BIO_new(BIO_s_mem());
        BIO_write(content, rubbish, sizeof rubbish);
    } else {
        content = der_bio(material->csr, ASN1_ITEM_rptr(X509_REQ));
    }
    X509_free(issuer);
    return content;
}

/* ---- envelope ---- */

static const EVP_CIPHER *cipher_of(const char *name)
{
    const EVP_CIPHER *cipher = EVP_get_cipherbyname(name != NULL ? name : "aes-128-cbc");
    NEED(name, cipher != NULL);
    return cipher;
}

static BIO *to_bio(CMS_ContentInfo *cms, BIO *data, int flags, bool indefinite)
{
    BIO *out = BIO_new(BIO_s_mem());
    if (indefinite)
        NEED("streaming", i2d_CMS_bio_stream(out, cms, data, flags | CMS_STREAM));
    else
        NEED("encoding", i2d_CMS_bio(out, cms));
    return out;
}

/* Where the first OCTET STRING of 256 octets is, 04 82 01 00: the encrypted key. */
static unsigned char *encrypted_key(unsigned char *octets, long len)
{
    long at = 0;
    while (at + 4 + 256 <= len && memcmp(octets + at, "\x04\x82\x01\x00", 4) != 0)
        at++;
    NEED("no encrypted key to corrupt", at + 4 + 256 <= len);
    return octets + at + 4;
}

/* A content key of 15 octets, rightly encrypted: no cipher has such. */
static void shorten_key(const struct material *material, unsigned char *encrypted)
{
    unsigned char key[15];
    size_t len = 256;
    RAND_bytes(key, sizeof key);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(X509_get0_pubkey(sk_X509_value(material->recipients, 0)), NULL);
    NEED("encrypting a short key", context != NULL && EVP_PKEY_encrypt_init(context) > 0 &&
                                       EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0 &&
                                       EVP_PKEY_encrypt(context, encrypted, &len, key, sizeof key) > 0 &&
                                       len == 256);
    EVP_PKEY_CTX_free(context);
}

/* Flips bits of the encrypted key or of the ciphertext's last octet, or puts another key in. */
static BIO *corrupt_envelope(BIO *envelope, const struct material *material, const char *how)
{
    unsigned char *octets = NULL;
    long len = BIO_get_mem_data(envelope, &octets);
    if (strcmp(how, "key") == 0)
        encrypted_key(octets, len)[96] ^= 0x55;
    else if (strcmp(how, "key-length") == 0)
        shorten_key(material, encrypted_key(octets, len));
    else if (strcmp(how, "ciphertext") == 0)
        octets[len - 1] ^= 0x55;
    return envelope;
}

static BIO *make_envelope(const struct options *options, struct material *material, BIO *content)
{
    int flags = CMS_BINARY | CMS_PARTIAL | (options->ski ? CMS_USE_KEYID : 0);
    if (options->indefinite)
        flags |= CMS_STREAM;
    bool by_password = options->password_recipient != NULL;
    CMS_ContentInfo *cms = CMS_encrypt(by_password ? NULL : material->recipients, content,
                                       cipher_of(options->cipher), (unsigned)flags);
    NEED("CMS_encrypt", cms != NULL);
    if (by_password) {
        unsigned char *copy = (unsigned char *)OPENSSL_strdup(options->password_recipient);
        NEED("password recipient",
             CMS_add0_recipient_password(cms, 10000, NID_undef, NID_undef, copy,
                                         (ossl_ssize_t)strlen(options->password_recipient), NULL) != NULL);
    }
    if (!options->indefinite)
        NEED("CMS_final", CMS_final(cms, content, NULL, (unsigned)flags));
    BIO *out = to_bio(cms, content, flags, options->indefinite);
    CMS_ContentInfo_free(cms);
    return options->corrupt != NULL ? corrupt_envelope(out, material, options->corrupt) : out;
}

/* ---- signature ---- */

static void add_text(CMS_SignerInfo *signer, int nid, const char *text)
{
    NEED("attribute",
         CMS_signed_add1_attr_by_NID(signer, nid, V_ASN1_PRINTABLESTRING, text, (int)strlen(text)));
}

static char *transaction_of(const struct options *options, const struct material *material)
{
    if (options->transaction != NULL)
        return strdup(options->transaction);
    unsigned char hash[32];
    unsigned len = 0;
    NEED("transactionID", X509_pubkey_digest(material->signer, EVP_sha256(), hash, &len));
    char *text = OPENSSL_buf2hexstr(hash, 16);
    char *out = strdup(text), *to = out;
    for (const char *from = text; *from != '\0'; from++)
        if (*from != ':')
            *to++ = *from;
    *to = '\0';
    OPENSSL_free(text);
    return out;
}

BIO *make_message(const struct options *options, struct material *material)
{
    const char *type = options->message_type != NULL ? options->message_type : "19";
    BIO *content = make_content(options, material, type);
    BIO *envelope = make_envelope(options, material, content);
    const EVP_MD *digest = EVP_get_digestbyname(options->digest != NULL ? options->digest : "sha256");
    NEED(options->digest, digest != NULL);
    int flags = CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP | (options->indefinite ? CMS_STREAM : 0);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, envelope, (unsigned)flags);
    NEED("CMS_sign", cms != NULL);
    CMS_SignerInfo *signer =
        CMS_add1_signer(cms, material->signer, material->signer_key, digest, (unsigned)flags);
    NEED("CMS_add1_signer", signer != NULL);
    unsigned char nonce[16];
    RAND_bytes(nonce, sizeof nonce);
    char *transaction = transaction_of(options, material);
    add_text(signer, nids.message_type, type);
    add_text(signer, nids.transaction_id, transaction);
    NEED("nonce",
         CMS_signed_add1_attr_by_NID(signer, nids.sender_nonce, V_ASN1_OCTET_STRING, nonce, sizeof nonce));
    free(transaction);
    if (!options->indefinite)
        NEED("CMS_final", CMS_final(cms, envelope, NULL, (unsigned)flags));
    BIO *out = to_bio(cms, envelope, flags, options->indefinite);
    CMS_ContentInfo_free(cms);
    BIO_free(content);
    BIO_free(envelope);
    if (options->corrupt != NULL && strcmp(options->corrupt, "signature") == 0) {
        char *octets = NULL;
        long len = BIO_get_mem_data(out, &octets);
        octets[len - 1] = (char)(octets[len - 1] ^ 1);
    }
    return out;
}

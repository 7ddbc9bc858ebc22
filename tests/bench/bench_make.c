/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes the messages of the benchmark with OpenSSL's CMS, and holds a sample of replies
 * against it. Shares no code with the server.
 *
 *   bench_make keys   OUT COUNT                                  a pool of RSA-2048 keys
 *   bench_make enrol  KEYS RA.pem CHALLENGE FROM COUNT OUT       PKCSReq
 *   bench_make poll   KEYS RA.pem CA.pem FROM COUNT OUT          CertPoll for the same
 *   bench_make renew  KEYS RA.pem REPLIES OUT                    RenewalReq, by what the replies hold
 *   bench_make check  KEYS REPLIES                               opens and verifies each reply
 */
#include "bench.h"

#include <openssl/asn1t.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define POOL_MAX    1024
#define BATCH_FLAGS (CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP)

/* IssuerAndSubject ::= SEQUENCE { issuer Name, subject Name } (RFC 8894 section 3.3.3) */
typedef struct {
    X509_NAME *issuer;
    X509_NAME *subject;
} ISSUER_AND_SUBJECT;
ASN1_SEQUENCE(ISSUER_AND_SUBJECT) = {ASN1_SIMPLE(ISSUER_AND_SUBJECT, issuer, X509_NAME),
                                     ASN1_SIMPLE(ISSUER_AND_SUBJECT, subject,
                                                 X509_NAME)} static_ASN1_SEQUENCE_END(ISSUER_AND_SUBJECT)

    static struct {
    EVP_PKEY *keys[POOL_MAX];
    X509 *signers[POOL_MAX];
    size_t count;
} pool;

static struct {
    int message_type, sender_nonce, transaction_id;
} nids;

static void register_nids(void)
{
    nids.message_type = OBJ_create("2.16.840.1.113733.1.9.2", "scepMessageType", "scepMessageType");
    nids.sender_nonce = OBJ_create("2.16.840.1.113733.1.9.5", "scepSenderNonce", "scepSenderNonce");
    nids.transaction_id = OBJ_create("2.16.840.1.113733.1.9.7", "scepTransactionId", "scepTransactionId");
}

/* ---- the pool ---- */

static X509_NAME *subject_of(const char *word, size_t number)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%s-%08zu", word, number);
    X509_NAME *name = X509_NAME_new();
    NEED("subject", name != NULL && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                               (const unsigned char *)text, -1, -1, 0));
    return name;
}

static X509 *self_signed(EVP_PKEY *key, size_t number)
{
    X509 *certificate = X509_new();
    X509_NAME *name = subject_of("bench-key", number);
    NEED("self-signed",
         certificate != NULL && X509_set_version(certificate, 2) &&
             ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
             X509_set_subject_name(certificate, name) && X509_set_issuer_name(certificate, name) &&
             X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) != NULL &&
             X509_set_pubkey(certificate, key) && X509_sign(certificate, key, EVP_sha256()) > 0);
    X509_NAME_free(name);
    return certificate;
}

static void make_keys(const char *path, size_t count)
{
    FILE *file = fopen(path, "wbe");
    NEED(path, file != NULL);
    for (size_t i = 0; i < count; i++) {
        EVP_PKEY *key = EVP_RSA_gen(2048);
        unsigned char *der = NULL;
        int len = i2d_PrivateKey(key, &der);
        NEED("making a key", len > 0);
        record_write(file, (uint32_t)i, der, (size_t)len);
        OPENSSL_free(der);
        EVP_PKEY_free(key);
    }
    NEED(path, fclose(file) == 0);
}

static void load_pool(const char *path)
{
    struct records records;
    records_read(path, &records);
    NEED("the pool of keys is empty or too large", records.count > 0 && records.count <= POOL_MAX);
    for (size_t i = 0; i < records.count; i++) {
        const unsigned char *der = records.all[i].octets;
        pool.keys[i] = d2i_AutoPrivateKey(NULL, &der, (long)records.all[i].len);
        NEED("a key of the pool", pool.keys[i] != NULL);
        pool.signers[i] = self_signed(pool.keys[i], i);
    }
    pool.count = records.count;
    records_free(&records);
}

static void free_pool(void)
{
    for (size_t i = 0; i < pool.count; i++) {
        EVP_PKEY_free(pool.keys[i]);
        X509_free(pool.signers[i]);
    }
}

static X509 *load_certificate(const char *path)
{
    BIO *bio = BIO_new_file(path, "rb");
    X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    NEED(path, certificate != NULL);
    BIO_free(bio);
    return certificate;
}

/* ---- messages ---- */

static BIO *der_bio(const void *value, const ASN1_ITEM *item)
{
    unsigned char *der = NULL;
    int len = ASN1_item_i2d((const ASN1_VALUE *)value, &der, item);
    BIO *bio = BIO_new(BIO_s_mem());
    NEED("encoding", len > 0 && bio != NULL && BIO_write(bio, der, len) == len);
    OPENSSL_free(der);
    return bio;
}

static BIO *csr_content(EVP_PKEY *key, size_t number, const char *challenge)
{
    X509_REQ *csr = X509_REQ_new();
    X509_NAME *subject = subject_of("device", number);
    NEED("CSR", csr != NULL && X509_REQ_set_subject_name(csr, subject) && X509_REQ_set_pubkey(csr, key));
    if (challenge != NULL)
        NEED("challenge", X509_REQ_add1_attr_by_NID(csr, NID_pkcs9_challengePassword, MBSTRING_UTF8,
                                                    (const unsigned char *)challenge, -1));
    NEED("signing the CSR", X509_REQ_sign(csr, key, EVP_sha256()) > 0);
    BIO *content = der_bio(csr, ASN1_ITEM_rptr(X509_REQ));
    X509_NAME_free(subject);
    X509_REQ_free(csr);
    return content;
}

static BIO *poll_content(X509 *ca, size_t number)
{
    ISSUER_AND_SUBJECT value = {.issuer = X509_get_subject_name(ca), .subject = subject_of("device", number)};
    BIO *content = der_bio(&value, ASN1_ITEM_rptr(ISSUER_AND_SUBJECT));
    X509_NAME_free(value.subject);
    return content;
}

static BIO *cms_bio(CMS_ContentInfo *cms, BIO *data)
{
    BIO *out = BIO_new(BIO_s_mem());
    NEED("CMS", CMS_final(cms, data, NULL, BATCH_FLAGS) && i2d_CMS_bio(out, cms));
    CMS_ContentInfo_free(cms);
    BIO_free(data);
    return out;
}

/* Takes content. */
static BIO *envelope(BIO *content, X509 *ra)
{
    STACK_OF(X509) *recipients = sk_X509_new_null();
    sk_X509_push(recipients, ra);
    CMS_ContentInfo *cms = CMS_encrypt(recipients, content, EVP_aes_128_cbc(), CMS_BINARY | CMS_PARTIAL);
    NEED("CMS_encrypt", cms != NULL);
    sk_X509_free(recipients);
    return cms_bio(cms, content);
}

static void add_text(CMS_SignerInfo *signer, int nid, const char *text)
{
    NEED("attribute",
         CMS_signed_add1_attr_by_NID(signer, nid, V_ASN1_PRINTABLESTRING, text, (int)strlen(text)));
}

/* Takes content. */
static BIO *sign(BIO *content, const char *type, const char *transaction, X509 *certificate, EVP_PKEY *key)
{
    unsigned char nonce[16];
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, content, BATCH_FLAGS);
    CMS_SignerInfo *signer =
        cms != NULL ? CMS_add1_signer(cms, certificate, key, EVP_sha256(), BATCH_FLAGS) : NULL;
    NEED("CMS_sign", signer != NULL && RAND_bytes(nonce, sizeof nonce) > 0);
    add_text(signer, nids.message_type, type);
    add_text(signer, nids.transaction_id, transaction);
    NEED("nonce",
         CMS_signed_add1_attr_by_NID(signer, nids.sender_nonce, V_ASN1_OCTET_STRING, nonce, sizeof nonce));
    return cms_bio(cms, content);
}

static void write_message(FILE *file, size_t number, BIO *message)
{
    char *octets = NULL;
    long len = BIO_get_mem_data(message, &octets);
    record_write(file, (uint32_t)number, octets, (size_t)len);
    BIO_free(message);
}

static void make_messages(const char *ra_path, const char *challenge, const char *ca_path, size_t from,
                          size_t count, const char *out)
{
    X509 *ra = load_certificate(ra_path);
    X509 *ca = ca_path != NULL ? load_certificate(ca_path) : NULL;
    FILE *file = fopen(out, "wbe");
    NEED(out, file != NULL);
    for (size_t number = from; number < from + count; number++) {
        size_t at = number % pool.count;
        char transaction[32];
        (void)snprintf(transaction, sizeof transaction, "BENCH%016zX", number);
        BIO *content = ca != NULL ? poll_content(ca, number) : csr_content(pool.keys[at], number, challenge);
        write_message(file, number,
                      sign(envelope(content, ra), ca != NULL ? "20" : "19", transaction, pool.signers[at],
                           pool.keys[at]));
    }
    NEED(out, fclose(file) == 0);
    X509_free(ca);
    X509_free(ra);
}

/* ---- replies ---- */

/* The certificate in a reply that is verified, opened and holds the right key. */
static X509 *certificate_in(const struct record *reply)
{
    size_t at = reply->number % pool.count;
    BIO *octets = BIO_new_mem_buf(reply->octets, (int)reply->len), *content = BIO_new(BIO_s_mem());
    BIO *plain = BIO_new(BIO_s_mem());
    CMS_ContentInfo *cms = d2i_CMS_bio(octets, NULL);
    NEED("a reply's signature",
         cms != NULL && CMS_verify(cms, NULL, NULL, NULL, content, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY));
    CMS_ContentInfo *sealed = d2i_CMS_bio(content, NULL);
    NEED("a reply's envelope",
         sealed != NULL && CMS_decrypt(sealed, pool.keys[at], NULL, NULL, plain, CMS_BINARY));
    CMS_ContentInfo *inner = d2i_CMS_bio(plain, NULL);
    STACK_OF(X509) *certificates = inner != NULL ? CMS_get1_certs(inner) : NULL;
    NEED("a reply's certificate", sk_X509_num(certificates) >= 1);
    X509 *found = sk_X509_value(certificates, 0);
    X509_NAME *subject = subject_of("device", reply->number);
    NEED("a reply holds another key or subject",
         X509_check_private_key(found, pool.keys[at]) &&
             X509_NAME_cmp(X509_get_subject_name(found), subject) == 0 && X509_up_ref(found));
    X509_NAME_free(subject);
    sk_X509_pop_free(certificates, X509_free);
    CMS_ContentInfo_free(inner);
    CMS_ContentInfo_free(sealed);
    CMS_ContentInfo_free(cms);
    BIO_free(plain);
    BIO_free(content);
    BIO_free(octets);
    return found;
}

static void check_replies(const char *path)
{
    struct records replies;
    records_read(path, &replies);
    for (size_t i = 0; i < replies.count; i++)
        X509_free(certificate_in(&replies.all[i]));
    printf("{\"verified\":%zu}\n", replies.count);
    records_free(&replies);
}

static void make_renewals(const char *ra_path, const char *replies_path, const char *out)
{
    X509 *ra = load_certificate(ra_path);
    struct records replies;
    FILE *file = fopen(out, "wbe");
    NEED(out, file != NULL);
    records_read(replies_path, &replies);
    for (size_t i = 0; i < replies.count; i++) {
        size_t number = replies.all[i].number, at = number % pool.count;
        char transaction[32];
        (void)snprintf(transaction, sizeof transaction, "RENEW%016zX", number);
        X509 *old = certificate_in(&replies.all[i]);
        BIO *content = csr_content(pool.keys[at], number, NULL);
        write_message(file, number, sign(envelope(content, ra), "17", transaction, old, pool.keys[at]));
        X509_free(old);
    }
    NEED(out, fclose(file) == 0);
    records_free(&replies);
    X509_free(ra);
}

/* ---- command line ---- */

static size_t number_of(const char *text)
{
    return strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
    const char *command = argc > 2 ? argv[1] : "";
    register_nids();
    if (strcmp(command, "keys") == 0 && argc == 4) {
        make_keys(argv[2], number_of(argv[3]));
        return 0;
    }
    NEED("usage: see the head of bench_make.c", argc > 3);
    load_pool(argv[2]);
    if (strcmp(command, "enrol") == 0 && argc == 8)
        make_messages(argv[3], argv[4], NULL, number_of(argv[5]), number_of(argv[6]), argv[7]);
    else if (strcmp(command, "poll") == 0 && argc == 8)
        make_messages(argv[3], NULL, argv[4], number_of(argv[5]), number_of(argv[6]), argv[7]);
    else if (strcmp(command, "renew") == 0 && argc == 6)
        make_renewals(argv[3], argv[4], argv[5]);
    else if (strcmp(command, "check") == 0 && argc == 4)
        check_replies(argv[3]);
    else
        bench_die("usage: see the head of bench_make.c");
    free_pool();
    return 0;
}

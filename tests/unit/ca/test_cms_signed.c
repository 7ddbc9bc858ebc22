/* SPDX-License-Identifier: Apache-2.0
 *
 * SignedData both ways: what OpenSSL signs is read and verified, what we sign OpenSSL verifies, and of the
 * mutated messages none is taken that OpenSSL refuses.
 */
#include "test_cms.h"

#include "mutate.h"

#include <openssl/pkcs7.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MUTATIONS 3000

static const char content_text[] = "the content of the message";
static const char transaction_oid[] = "2.16.840.1.113733.1.9.7";

static CMS_ContentInfo *openssl_signed(EVP_PKEY *pkey, X509 *x509, const EVP_MD *md, unsigned flags)
{
    BIO *in = BIO_new_mem_buf(content_text, -1);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, in, flags | CMS_BINARY | CMS_PARTIAL);
    CMS_SignerInfo *signer = CMS_add1_signer(cms, x509, pkey, md, flags | CMS_BINARY);
    assert_non_null(signer);
    ASN1_OBJECT *oid = OBJ_txt2obj(transaction_oid, 1);
    assert_int_equal(CMS_signed_add1_attr_by_OBJ(signer, oid, V_ASN1_PRINTABLESTRING, "12345", 5), 1);
    ASN1_OBJECT_free(oid);
    if ((flags & CMS_STREAM) == 0)
        assert_int_equal(CMS_final(cms, in, NULL, flags | CMS_BINARY), 1);
    BIO_free(in);
    return cms;
}

static enum status read_and_verify(struct span der, struct cms_signed *cms, struct err *err)
{
    AUTO(certificate) struct certificate *signer = NULL;
    TRY(cms_signed_decode(der, cms, err));
    TRY(cms_signed_signer(cms, &signer, err));
    return cms_signed_verify(cms, signer->key, err);
}

static bool openssl_accepts(struct span der)
{
    AUTO(openssl_cms) CMS_ContentInfo *cms = test_cms_parse(der);
    AUTO(bio) BIO *out = BIO_new(BIO_s_mem());
    return cms != NULL && CMS_verify(cms, NULL, NULL, NULL, out, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1;
}

/* ---- reading ---- */

static void cms_signed_decode__reads_what_openssl_signs(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum digest digest;
    } digests[] = {{"SHA1", DIGEST_SHA1},
                   {"SHA256", DIGEST_SHA256},
                   {"SHA384", DIGEST_SHA384},
                   {"SHA512", DIGEST_SHA512}};
    EVP_PKEY *ec = test_key_ec("P-256");
    for (size_t i = 0; i < 8; i++) {
        EVP_PKEY *pkey = i < 4 ? test_key_rsa() : ec;
        AUTO(x509) X509 *x509 = test_x509(pkey, &(struct test_certificate){.v1 = true});
        AUTO(openssl_cms)
        CMS_ContentInfo *theirs = openssl_signed(pkey, x509, EVP_get_digestbyname(digests[i % 4].name), 0);
        AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
        struct cms_signed cms;
        test_cms_der(theirs, &der);
        assert_int_equal(read_and_verify(buf_span(&der), &cms, NULL), STATUS_OK);
        assert_int_equal(cms.digest, digests[i % 4].digest);
        assert_true(span_equal(cms.content, SPAN_STR(content_text)));
        assert_int_equal(cms.certificate_count, 1);
        assert_false(cms.by_ski);
        const struct span *transaction = cms_signed_attribute(&cms, OID_SCEP_TRANSACTION_ID);
        assert_non_null(transaction);
        assert_true(span_equal(*transaction, SPAN("\x13\x05\x31\x32\x33\x34\x35", 7)));
        assert_null(cms_signed_attribute(&cms, OID_SCEP_SENDER_NONCE));
    }
    EVP_PKEY_free(ec);
}

static void cms_signed_decode__reads_a_signer_by_key_identifier(void **state)
{
    (void)state;
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.ski = true});
    AUTO(openssl_cms)
    CMS_ContentInfo *theirs = openssl_signed(test_key_rsa(), x509, EVP_sha256(), CMS_USE_KEYID);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    struct cms_signed cms;
    test_cms_der(theirs, &der);
    assert_int_equal(read_and_verify(buf_span(&der), &cms, NULL), STATUS_OK);
    assert_true(cms.by_ski);
}

static void cms_signed_decode__reads_streamed_ber(void **state)
{
    (void)state;
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.serial_hex = "-7F01"});
    AUTO(openssl_cms)
    CMS_ContentInfo *theirs = openssl_signed(test_key_rsa(), x509, EVP_sha256(), CMS_STREAM);
    AUTO(buf) struct buf ber = BUF(TEST_MESSAGE_MAX);
    AUTO(buf) struct buf scratch = BUF(TEST_MESSAGE_MAX);
    struct cms_signed cms;
    struct span der;
    test_cms_streamed(theirs, SPAN_STR(content_text), &ber);
    assert_int_equal(ber.data[1], 0x80);
    assert_int_equal(ber_to_der(buf_span(&ber), &scratch, &der, NULL), STATUS_OK);
    assert_int_equal(read_and_verify(der, &cms, NULL), STATUS_OK);
    assert_true(span_equal(cms.content, SPAN_STR(content_text)));
}

static void cms_signed_decode__takes_a_signature_algorithm_with_its_digest(void **state)
{
    (void)state;
    static const uint8_t plain[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.v1 = true});
    AUTO(openssl_cms)
    CMS_ContentInfo *theirs = openssl_signed(test_key_rsa(), x509, EVP_sha256(), CMS_NOCERTS);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    struct cms_signed cms;
    struct err err = {0};
    test_cms_der(theirs, &der);
    AUTO(certificate) struct certificate *signer = test_decoded(x509);
    uint8_t *oid = memmem(der.data, der.len, plain, sizeof plain);
    assert_non_null(oid);
    oid[sizeof plain - 1] = 11; /* sha256WithRSAEncryption */
    assert_int_equal(cms_signed_decode(buf_span(&der), &cms, &err), STATUS_OK);
    assert_int_equal(cms_signed_verify(&cms, signer->key, &err), STATUS_OK);
    oid[sizeof plain - 1] = 12; /* sha384WithRSAEncryption */
    assert_int_equal(cms_signed_decode(buf_span(&der), &cms, &err), STATUS_MALFORMED);
    oid[sizeof plain - 1] = 4; /* md5WithRSAEncryption */
    assert_int_equal(cms_signed_decode(buf_span(&der), &cms, &err), STATUS_ALGORITHM);
}

/* RFC 5652 section 5.3: "it MUST contain, at a minimum, the following two attributes" */
static void cms_signed_decode__refuses_missing_attributes(void **state)
{
    (void)state;
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.v1 = true});
    AUTO(bio) BIO *in = BIO_new_mem_buf(content_text, -1);
    AUTO(openssl_cms)
    CMS_ContentInfo *theirs = CMS_sign(x509, test_key_rsa(), NULL, in, CMS_BINARY | CMS_NOATTR);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    struct cms_signed cms;
    test_cms_der(theirs, &der);
    assert_int_equal(cms_signed_decode(buf_span(&der), &cms, NULL), STATUS_MALFORMED);
}

static void cms_signed_decode__refuses_two_signers_and_none(void **state)
{
    (void)state;
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.v1 = true});
    AUTO(bio) BIO *in = BIO_new_mem_buf(content_text, -1);
    AUTO(openssl_cms)
    CMS_ContentInfo *two = CMS_sign(x509, test_key_rsa(), NULL, in, CMS_BINARY | CMS_PARTIAL);
    assert_non_null(CMS_add1_signer(two, x509, test_key_rsa(), EVP_sha384(), CMS_BINARY | CMS_NOCERTS));
    assert_int_equal(CMS_final(two, in, NULL, CMS_BINARY), 1);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    AUTO(buf) struct buf none = BUF(TEST_MESSAGE_MAX);
    struct cms_signed cms;
    test_cms_der(two, &der);
    assert_int_equal(cms_signed_decode(buf_span(&der), &cms, NULL), STATUS_MALFORMED);
    cms_certificates_encode(NULL, 0, SPAN_NONE, &none);
    assert_int_equal(cms_signed_decode(buf_span(&none), &cms, NULL), STATUS_MALFORMED);
}

static void cms_signed_decode__refuses_trailing_octets_and_other_content(void **state)
{
    (void)state;
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.v1 = true});
    AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_signed(test_key_rsa(), x509, EVP_sha256(), 0);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    struct cms_signed cms;
    test_cms_der(theirs, &der);
    for (size_t len = 0; len < der.len; len += 11)
        assert_int_not_equal(cms_signed_decode(SPAN(der.data, len), &cms, NULL), STATUS_OK);
    buf_add_octet(&der, 0);
    assert_int_equal(cms_signed_decode(buf_span(&der), &cms, NULL), STATUS_MALFORMED);
    struct cms_enveloped enveloped;
    assert_int_equal(cms_enveloped_decode(SPAN(der.data, der.len - 1), &enveloped, NULL), STATUS_MALFORMED);
}

static void cms_signed_signer__passes_over_other_certificates(void **state)
{
    (void)state;
    EVP_PKEY *odd = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.serial_hex = "99"});
    AUTO(x509) X509 *other = test_x509(test_key_rsa(), &(struct test_certificate){.serial_hex = "98"});
    AUTO(x509) X509 *unreadable = X509_dup(other);
    assert_int_equal(X509_set_pubkey(unreadable, odd), 1);
    assert_true(X509_sign(unreadable, test_key_rsa(), EVP_sha256()) > 0);
    AUTO(openssl_cms)
    CMS_ContentInfo *theirs = openssl_signed(test_key_rsa(), x509, EVP_sha256(), CMS_NOCERTS);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    AUTO(certificate) struct certificate *signer = NULL;
    struct cms_signed cms;
    assert_int_equal(CMS_add1_cert(theirs, other), 1);
    test_cms_der(theirs, &der);
    assert_int_equal(cms_signed_decode(buf_span(&der), &cms, NULL), STATUS_OK);
    assert_int_equal(cms_signed_signer(&cms, &signer, NULL), STATUS_NOT_FOUND);
    assert_int_equal(CMS_add1_cert(theirs, unreadable), 1);
    buf_clear(&der);
    test_cms_der(theirs, &der);
    assert_int_equal(cms_signed_decode(buf_span(&der), &cms, NULL), STATUS_OK);
    assert_int_equal(cms_signed_signer(&cms, &signer, NULL), STATUS_ALGORITHM);
    assert_int_equal(CMS_add1_cert(theirs, x509), 1);
    buf_clear(&der);
    test_cms_der(theirs, &der);
    assert_int_equal(cms_signed_decode(buf_span(&der), &cms, NULL), STATUS_OK);
    assert_int_equal(cms_signed_signer(&cms, &signer, NULL), STATUS_OK);
    assert_true(span_equal(signer->serial_octets, SPAN("\x00\x99", 2)));
    EVP_PKEY_free(odd);
}

static void cms_signed_verify__refuses_another_key_content_or_attribute(void **state)
{
    (void)state;
    EVP_PKEY *ec = test_key_ec("P-256");
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.v1 = true});
    AUTO(x509) X509 *ec_x509 = test_x509(ec, &(struct test_certificate){.v1 = true});
    AUTO(certificate) struct certificate *signer = test_decoded(x509);
    AUTO(certificate) struct certificate *other = test_decoded(ec_x509);
    AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_signed(test_key_rsa(), x509, EVP_sha256(), 0);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    struct cms_signed cms;
    test_cms_der(theirs, &der);
    assert_int_equal(cms_signed_decode(buf_span(&der), &cms, NULL), STATUS_OK);
    assert_int_equal(cms_signed_verify(&cms, other->key, NULL), STATUS_INTEGRITY);
    uint8_t *content = memmem(der.data, der.len, content_text, strlen(content_text));
    content[0] ^= 1;
    assert_int_equal(cms_signed_verify(&cms, signer->key, NULL), STATUS_INTEGRITY);
    content[0] ^= 1;
    assert_int_equal(cms_signed_verify(&cms, signer->key, NULL), STATUS_OK);
    uint8_t *attribute = memmem(der.data, der.len, "12345", 5);
    attribute[4] ^= 1;
    assert_int_equal(cms_signed_verify(&cms, signer->key, NULL), STATUS_INTEGRITY);
    EVP_PKEY_free(ec);
}

/* ---- writing ---- */

struct peer {
    struct key *key;
    X509 *x509;
    struct certificate *certificate;
};

static void peer_free(struct peer *peer)
{
    key_unref(peer->key);
    X509_free(peer->x509);
    certificate_free(peer->certificate);
}
AUTO_VALUE(peer, struct peer, peer_free)

static void peer_make(struct peer *peer, EVP_PKEY *pkey)
{
    peer->key = test_key_opened(pkey);
    peer->x509 = test_x509(pkey, &(struct test_certificate){.serial_hex = "80FF", .ski = true});
    peer->certificate = test_decoded(peer->x509);
}

static const uint8_t nonce[] = {DER_OCTET_STRING, 4, 1, 2, 3, 4};
static const uint8_t transaction[] = {DER_PRINTABLE_STRING, 2, 'a', 'b'};

static enum status sign(const struct peer *peer, enum digest digest, struct span content, struct buf *out)
{
    struct span certificates[] = {buf_span(&peer->certificate->der)};
    struct cms_attribute attributes[] = {
        {oid_octets(OID_SCEP_TRANSACTION_ID), {transaction, sizeof transaction}},
        {oid_octets(OID_SCEP_SENDER_NONCE), {nonce, sizeof nonce}},
    };
    struct cms_signing signing = {
        .key = peer->key,
        .certificate = peer->certificate,
        .digest = digest,
        .certificates = certificates,
        .certificate_count = 1,
        .attributes = attributes,
        .attribute_count = 2,
    };
    return cms_signed_encode(&signing, content, out, NULL);
}

static void cms_signed_encode__makes_what_openssl_verifies(void **state)
{
    (void)state;
    EVP_PKEY *ec = test_key_ec("P-384");
    static const enum digest digests[] = {DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
    for (size_t i = 0; i < 8; i++) {
        AUTO(peer) struct peer peer = {0};
        AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
        AUTO(buf) struct buf again = BUF(TEST_MESSAGE_MAX);
        struct cms_signed cms;
        peer_make(&peer, i < 4 ? test_key_rsa() : ec);
        assert_int_equal(sign(&peer, digests[i % 4], SPAN_STR(content_text), &out), STATUS_OK);
        AUTO(openssl_cms) CMS_ContentInfo *theirs = test_cms_parse(buf_span(&out));
        AUTO(bio) BIO *content = BIO_new(BIO_s_mem());
        assert_non_null(theirs);
        assert_int_equal(
            CMS_verify(theirs, NULL, NULL, NULL, content, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY), 1);
        assert_true(test_bio_holds(content, SPAN_STR(content_text)));
        test_cms_der(theirs, &again); /* DER: OpenSSL writes it the same */
        assert_true(span_equal(buf_span(&again), buf_span(&out)));
        assert_int_equal(read_and_verify(buf_span(&out), &cms, NULL), STATUS_OK);
        assert_int_equal(cms.attribute_count, 4);
    }
    EVP_PKEY_free(ec);
}

/* strongSwan's pki reads no other. */
static void cms_signed_encode__names_rsa_encryption(void **state)
{
    (void)state;
    AUTO(peer) struct peer peer = {0};
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    peer_make(&peer, test_key_rsa());
    assert_int_equal(sign(&peer, DIGEST_SHA256, SPAN_STR(content_text), &out), STATUS_OK);
    AUTO(openssl_cms) CMS_ContentInfo *theirs = test_cms_parse(buf_span(&out));
    X509_ALGOR *algorithm = NULL;
    CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(theirs), 0);
    CMS_SignerInfo_get0_algs(signer, NULL, NULL, NULL, &algorithm);
    assert_int_equal(OBJ_obj2nid(algorithm->algorithm), NID_rsaEncryption);
    assert_int_equal(algorithm->parameter->type, V_ASN1_NULL);
}

static void cms_signed_encode__writes_empty_content_for_readers_by_pkcs7(void **state)
{
    (void)state;
    AUTO(peer) struct peer peer = {0};
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    struct cms_signed cms;
    peer_make(&peer, test_key_rsa());
    assert_int_equal(sign(&peer, DIGEST_SHA256, SPAN_NONE, &out), STATUS_OK);
    AUTO(openssl_cms) CMS_ContentInfo *theirs = test_cms_parse(buf_span(&out));
    assert_int_equal(CMS_is_detached(theirs), 0);
    assert_int_equal(CMS_verify(theirs, NULL, NULL, NULL, NULL, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY), 1);
    const unsigned char *octets = out.data;
    PKCS7 *pkcs7 = d2i_PKCS7(NULL, &octets, (long)out.len);
    assert_non_null(pkcs7);
    assert_int_equal(PKCS7_verify(pkcs7, NULL, NULL, NULL, NULL, PKCS7_NOVERIFY | PKCS7_BINARY), 1);
    PKCS7_free(pkcs7);
    assert_int_equal(read_and_verify(buf_span(&out), &cms, NULL), STATUS_OK);
    assert_int_equal(cms.content.len, 0);
}

static void cms_signed_encode__reports_a_full_buffer(void **state)
{
    (void)state;
    AUTO(peer) struct peer peer = {0};
    AUTO(buf) struct buf out = BUF(300);
    peer_make(&peer, test_key_rsa());
    assert_int_equal(sign(&peer, DIGEST_SHA256, SPAN_STR(content_text), &out), STATUS_LIMIT);
}

/* Swaps the first two attributes of our own message. */
static void swap_attributes(struct buf *message)
{
    struct cms_signed cms;
    assert_int_equal(cms_signed_decode(buf_span(message), &cms, NULL), STATUS_OK);
    struct der_reader list;
    struct der_tlv first;
    struct der_tlv second;
    AUTO(buf) struct buf swapped = BUF(TEST_MESSAGE_MAX);
    assert_int_equal(der_open_whole(cms.signed_attributes, DER_CONTEXT_CONSTRUCTED(0), &list, "", NULL),
                     STATUS_OK);
    assert_int_equal(der_any(&list, &first, "", NULL), STATUS_OK);
    assert_int_equal(der_any(&list, &second, "", NULL), STATUS_OK);
    buf_add(&swapped, second.whole);
    buf_add(&swapped, first.whole);
    memcpy(message->data + (first.whole.data - message->data), swapped.data, swapped.len);
}

/* RFC 5652 section 5.4: "the DER encoding of the signedAttrs value" is signed, however it was sent. */
static void cms_signed_verify__sorts_attributes_that_were_sent_unsorted(void **state)
{
    (void)state;
    AUTO(peer) struct peer peer = {0};
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    struct cms_signed cms;
    peer_make(&peer, test_key_rsa());
    assert_int_equal(sign(&peer, DIGEST_SHA256, SPAN_STR(content_text), &out), STATUS_OK);
    swap_attributes(&out);
    assert_int_equal(read_and_verify(buf_span(&out), &cms, NULL), STATUS_OK);
}

static void cms_signed_decode__refuses_an_attribute_twice(void **state)
{
    (void)state;
    AUTO(peer) struct peer peer = {0};
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    struct cms_signed cms;
    struct err err = {0};
    peer_make(&peer, test_key_rsa());
    struct cms_attribute attributes[] = {
        {oid_octets(OID_SCEP_SENDER_NONCE), {nonce, sizeof nonce}},
        {oid_octets(OID_SCEP_SENDER_NONCE), {transaction, sizeof transaction}},
    };
    struct cms_signing signing = {.key = peer.key,
                                  .certificate = peer.certificate,
                                  .digest = DIGEST_SHA256,
                                  .attributes = attributes,
                                  .attribute_count = 2};
    assert_int_equal(cms_signed_encode(&signing, SPAN_STR("x"), &out, NULL), STATUS_OK);
    assert_int_equal(cms_signed_decode(buf_span(&out), &cms, &err), STATUS_MALFORMED);
    assert_non_null(strstr(err.text, "appears twice"));
}

static void cms_certificates_encode__keeps_the_order(void **state)
{
    (void)state;
    AUTO(x509)
    X509 *longer =
        test_x509(test_key_rsa(),
                  &(struct test_certificate){.ski = true, .subject = "a longer name that sorts behind"});
    AUTO(x509) X509 *shorter = test_x509(test_key_rsa(), &(struct test_certificate){.v1 = true});
    AUTO(buf) struct buf first = BUF(CERTIFICATE_MAX_LEN);
    AUTO(buf) struct buf second = BUF(CERTIFICATE_MAX_LEN);
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    test_x509_der(longer, &first);
    test_x509_der(shorter, &second);
    struct span certificates[] = {buf_span(&first), buf_span(&second)};
    cms_certificates_encode(certificates, 2, SPAN_NONE, &out);
    AUTO(openssl_cms) CMS_ContentInfo *theirs = test_cms_parse(buf_span(&out));
    assert_non_null(theirs);
    STACK_OF(X509) *read = CMS_get1_certs(theirs);
    assert_int_equal(sk_X509_num(read), 2);
    assert_int_equal(X509_cmp(sk_X509_value(read, 0), longer), 0);
    assert_int_equal(X509_cmp(sk_X509_value(read, 1), shorter), 0);
    sk_X509_pop_free(read, X509_free);
}

static void cms_certificates_encode__carries_a_crl(void **state)
{
    (void)state;
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, 1767225600);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, now), 1);
    assert_true(X509_CRL_sign(crl, test_key_rsa(), EVP_sha256()) > 0);
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    assert_true(len > 0);
    cms_certificates_encode(NULL, 0, SPAN(der, (size_t)len), &out);
    AUTO(openssl_cms) CMS_ContentInfo *theirs = test_cms_parse(buf_span(&out));
    assert_non_null(theirs);
    STACK_OF(X509_CRL) *read = CMS_get1_crls(theirs);
    assert_int_equal(sk_X509_CRL_num(read), 1);
    assert_int_equal(X509_CRL_cmp(sk_X509_CRL_value(read, 0), crl), 0);
    sk_X509_CRL_pop_free(read, X509_CRL_free);
    OPENSSL_free(der);
    ASN1_TIME_free(now);
    X509_CRL_free(crl);
}

/* ---- differential ---- */

static void try_mutations(struct span der, uint64_t seed)
{
    size_t taken = 0;
    for (size_t i = 0; i < MUTATIONS; i++) {
        AUTO(heap) uint8_t *copy = malloc(der.len);
        struct cms_signed cms;
        assert_non_null(copy);
        memcpy(copy, der.data, der.len);
        size_t len = mutate(&seed, copy, der.len);
        if (read_and_verify(SPAN(copy, len), &cms, NULL) != STATUS_OK)
            continue;
        assert_true(openssl_accepts(SPAN(copy, len)));
        taken++;
    }
    assert_true(taken > 0);
}

static void cms_signed_decode__takes_no_mutation_that_openssl_refuses(void **state)
{
    (void)state;
    EVP_PKEY *ec = test_key_ec("P-256");
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.v1 = true});
    AUTO(x509) X509 *ec_x509 = test_x509(ec, &(struct test_certificate){.ski = true});
    AUTO(openssl_cms) CMS_ContentInfo *rsa_signed = openssl_signed(test_key_rsa(), x509, EVP_sha256(), 0);
    AUTO(openssl_cms) CMS_ContentInfo *ec_signed = openssl_signed(ec, ec_x509, EVP_sha384(), CMS_USE_KEYID);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    test_cms_der(rsa_signed, &der);
    try_mutations(buf_span(&der), 8894);
    buf_clear(&der);
    test_cms_der(ec_signed, &der);
    try_mutations(buf_span(&der), 5652);
    EVP_PKEY_free(ec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cms_signed_decode__reads_what_openssl_signs),
        cmocka_unit_test(cms_signed_decode__reads_a_signer_by_key_identifier),
        cmocka_unit_test(cms_signed_decode__reads_streamed_ber),
        cmocka_unit_test(cms_signed_decode__takes_a_signature_algorithm_with_its_digest),
        cmocka_unit_test(cms_signed_decode__refuses_missing_attributes),
        cmocka_unit_test(cms_signed_decode__refuses_two_signers_and_none),
        cmocka_unit_test(cms_signed_decode__refuses_trailing_octets_and_other_content),
        cmocka_unit_test(cms_signed_signer__passes_over_other_certificates),
        cmocka_unit_test(cms_signed_verify__refuses_another_key_content_or_attribute),
        cmocka_unit_test(cms_signed_encode__makes_what_openssl_verifies),
        cmocka_unit_test(cms_signed_encode__names_rsa_encryption),
        cmocka_unit_test(cms_signed_encode__writes_empty_content_for_readers_by_pkcs7),
        cmocka_unit_test(cms_signed_encode__reports_a_full_buffer),
        cmocka_unit_test(cms_signed_verify__sorts_attributes_that_were_sent_unsorted),
        cmocka_unit_test(cms_signed_decode__refuses_an_attribute_twice),
        cmocka_unit_test(cms_certificates_encode__keeps_the_order),
        cmocka_unit_test(cms_certificates_encode__carries_a_crl),
        cmocka_unit_test(cms_signed_decode__takes_no_mutation_that_openssl_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

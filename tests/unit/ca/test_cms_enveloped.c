/* SPDX-License-Identifier: Apache-2.0
 *
 * EnvelopedData by key transport, both ways against OpenSSL, and that what is wrong inside has one answer.
 */
#include "test_cms.h"

#include "mutate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MUTATIONS   2500
#define KEY_MAX_LEN 32

static const char content_text[] = "a certification request, which is longer than one block of any cipher";

static const struct {
    const char *openssl;
    enum cms_cipher cipher;
} ciphers[] = {
    {"AES-128-CBC", CIPHER_AES128_CBC},
    {"AES-192-CBC", CIPHER_AES192_CBC},
    {"AES-256-CBC", CIPHER_AES256_CBC},
    {"DES-EDE3-CBC", CIPHER_DES3_CBC},
};
#define CIPHER_COUNT (sizeof ciphers / sizeof ciphers[0])

/* Our key and certificate, beside OpenSSL's. */
static struct key *our_key;
static X509 *our_x509;

static int set_up(void **state)
{
    (void)state;
    our_key = test_key_opened(test_key_rsa());
    our_x509 = test_x509(test_key_rsa(), &(struct test_certificate){.serial_hex = "C0FFEE", .ski = true});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    key_unref(our_key);
    X509_free(our_x509);
    return 0;
}

static CMS_ContentInfo *openssl_encrypted(const char *cipher, unsigned flags)
{
    STACK_OF(X509) *recipients = sk_X509_new_null();
    BIO *in = BIO_new_mem_buf(content_text, -1);
    test_must(sk_X509_push(recipients, our_x509) > 0, "a list");
    CMS_ContentInfo *cms = CMS_encrypt(recipients, in, EVP_get_cipherbyname(cipher), flags | CMS_BINARY);
    test_must(cms != NULL, "an envelope");
    BIO_free(in);
    sk_X509_free(recipients);
    return cms;
}

/* By the recipient of that number. */
static enum status open_envelope(const struct cms_enveloped *cms, size_t recipient, struct buf *out,
                                 struct err *err)
{
    uint8_t content_key[KEY_MAX_LEN];
    TRY(key_decrypt(our_key, cms->recipients[recipient].encrypted_key, content_key,
                    cms_cipher_key_len(cms->cipher), err));
    return cms_enveloped_decrypt(cms, content_key, out, err);
}

/* As a server does: the recipient must be ours, by octets. */
static enum status read_envelope(struct span der, struct buf *out, struct err *err)
{
    struct cms_enveloped cms;
    AUTO(certificate) struct certificate *ours = test_decoded(our_x509);
    TRY(cms_enveloped_decode(der, &cms, err));
    if (!span_equal(cms.recipients[0].issuer, ours->issuer_der) ||
        !span_equal(cms.recipients[0].serial, ours->serial_octets))
        return STATUS_NOT_FOUND;
    return open_envelope(&cms, 0, out, err);
}

/* ---- reading ---- */

static void cms_enveloped_decode__reads_what_openssl_encrypts(void **state)
{
    (void)state;
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_encrypted(ciphers[i].openssl, 0);
        AUTO(certificate) struct certificate *recipient = test_decoded(our_x509);
        AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
        AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
        struct cms_enveloped cms;
        test_cms_der(theirs, &der);
        assert_int_equal(cms_enveloped_decode(buf_span(&der), &cms, NULL), STATUS_OK);
        assert_int_equal(cms.cipher, ciphers[i].cipher);
        assert_string_equal(cms_cipher_name(cms.cipher), ciphers[i].openssl);
        assert_int_equal(cms.recipient_count, 1);
        assert_int_equal(cms.recipients[0].kind, RECIPIENT_ISSUER_SERIAL);
        assert_true(span_equal(cms.recipients[0].issuer, recipient->issuer_der));
        assert_true(span_equal(cms.recipients[0].serial, recipient->serial_octets));
        assert_int_equal(open_envelope(&cms, 0, &out, NULL), STATUS_OK);
        assert_true(span_equal(buf_span(&out), SPAN_STR(content_text)));
    }
}

static void cms_enveloped_decode__reads_streamed_ber(void **state)
{
    (void)state;
    AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_encrypted("AES-256-CBC", CMS_STREAM);
    AUTO(buf) struct buf content = BUF(TEST_MESSAGE_MAX);
    AUTO(buf) struct buf ber = BUF(TEST_MESSAGE_MAX);
    AUTO(buf) struct buf scratch = BUF(TEST_MESSAGE_MAX);
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    struct cms_enveloped cms;
    struct span der;
    for (size_t i = 0; i < 500; i++)
        buf_printf(&content, "line %zu of many\n", i);
    test_cms_streamed(theirs, buf_span(&content), &ber);
    assert_int_equal(ber.data[1], 0x80);
    assert_int_equal(ber_to_der(buf_span(&ber), &scratch, &der, NULL), STATUS_OK);
    assert_int_equal(cms_enveloped_decode(der, &cms, NULL), STATUS_OK);
    assert_true(cms.segmented);
    assert_int_equal(open_envelope(&cms, 0, &out, NULL), STATUS_OK);
    assert_true(span_equal(buf_span(&out), buf_span(&content)));
}

static void cms_enveloped_decode__reads_a_recipient_by_key_identifier(void **state)
{
    (void)state;
    AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_encrypted("AES-128-CBC", CMS_USE_KEYID);
    AUTO(certificate) struct certificate *recipient = test_decoded(our_x509);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    struct cms_enveloped cms;
    test_cms_der(theirs, &der);
    assert_int_equal(cms_enveloped_decode(buf_span(&der), &cms, NULL), STATUS_OK);
    assert_int_equal(cms.recipients[0].kind, RECIPIENT_SKI);
    assert_true(span_equal(cms.recipients[0].ski, recipient->ski));
    assert_int_equal(open_envelope(&cms, 0, &out, NULL), STATUS_OK);
}

/* Clients address every certificate that GetCACert gave; EC ones by key agreement, which is passed over. */
static void cms_enveloped_decode__finds_ours_among_several(void **state)
{
    (void)state;
    EVP_PKEY *other_key = EVP_RSA_gen(2048);
    EVP_PKEY *ec = test_key_ec("P-256");
    AUTO(x509) X509 *other = test_x509(other_key, &(struct test_certificate){.serial_hex = "2"});
    AUTO(x509) X509 *ec_x509 = test_x509(ec, &(struct test_certificate){.serial_hex = "3"});
    AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_encrypted("AES-128-CBC", CMS_PARTIAL);
    assert_non_null(CMS_add1_recipient_cert(theirs, other, 0));
    assert_non_null(CMS_add1_recipient_cert(theirs, ec_x509, 0));
    AUTO(bio) BIO *in = BIO_new_mem_buf(content_text, -1);
    assert_int_equal(CMS_final(theirs, in, NULL, CMS_BINARY), 1);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    struct cms_enveloped cms;
    size_t opened = 0;
    test_cms_der(theirs, &der);
    assert_int_equal(cms_enveloped_decode(buf_span(&der), &cms, NULL), STATUS_OK);
    assert_int_equal(cms.recipient_count, 2);
    for (size_t i = 0; i < 2; i++)
        opened += span_equal(cms.recipients[i].serial, SPAN("\x00\xc0\xff\xee", 4)) &&
                  open_envelope(&cms, i, &out, NULL) == STATUS_OK;
    assert_int_equal(opened, 1);
    assert_true(span_equal(buf_span(&out), SPAN_STR(content_text)));
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(ec);
}

static void cms_enveloped_decode__passes_over_oaep_and_names_bad_ciphers(void **state)
{
    (void)state;
    static const uint8_t rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05};
    static const uint8_t aes[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02};
    AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_encrypted("AES-128-CBC", 0);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    struct cms_enveloped cms;
    struct err err = {0};
    test_cms_der(theirs, &der);
    uint8_t *algorithm = memmem(der.data, der.len, rsa, sizeof rsa);
    assert_non_null(algorithm);
    algorithm[8] = 7; /* RSAES-OAEP */
    assert_int_equal(cms_enveloped_decode(buf_span(&der), &cms, &err), STATUS_ALGORITHM);
    algorithm[8] = 1;
    uint8_t *cipher = memmem(der.data, der.len, aes, sizeof aes);
    assert_non_null(cipher);
    cipher[8] = 6; /* AES-128-GCM */
    assert_int_equal(cms_enveloped_decode(buf_span(&der), &cms, &err), STATUS_ALGORITHM);
    assert_non_null(strstr(err.text, "2.16.840.1.101.3.4.1.6"));
}

static void cms_enveloped_decode__refuses_trailing_octets_and_stumps(void **state)
{
    (void)state;
    AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_encrypted("AES-128-CBC", 0);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    struct cms_enveloped cms;
    test_cms_der(theirs, &der);
    for (size_t len = 0; len < der.len; len += 7)
        assert_int_equal(cms_enveloped_decode(SPAN(der.data, len), &cms, NULL), STATUS_MALFORMED);
    buf_add_octet(&der, 0);
    assert_int_equal(cms_enveloped_decode(buf_span(&der), &cms, NULL), STATUS_MALFORMED);
}

/* Nothing may tell a corrupted key, a corrupted padding and a content that is cut short apart. */
static void cms_enveloped_decrypt__has_one_answer(void **state)
{
    (void)state;
    AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_encrypted("AES-256-CBC", 0);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    uint8_t content_key[KEY_MAX_LEN];
    struct cms_enveloped cms;
    struct err wrong_key = {0};
    struct err wrong_padding = {0};
    struct err wrong_length = {0};
    struct err stated = {0};
    test_cms_der(theirs, &der);
    assert_int_equal(cms_enveloped_decode(buf_span(&der), &cms, NULL), STATUS_OK);
    assert_int_equal(key_decrypt(our_key, cms.recipients[0].encrypted_key, content_key, 32, NULL), STATUS_OK);
    content_key[0] ^= 1;
    assert_int_equal(cms_enveloped_decrypt(&cms, content_key, &out, &wrong_key), STATUS_INTEGRITY);
    content_key[0] ^= 1;
    cms.ciphertext.len -= 16;
    assert_int_equal(cms_enveloped_decrypt(&cms, content_key, &out, &wrong_padding), STATUS_INTEGRITY);
    cms.ciphertext.len -= 1;
    assert_int_equal(cms_enveloped_decrypt(&cms, content_key, &out, &wrong_length), STATUS_INTEGRITY);
    cms.ciphertext.len = 0;
    assert_int_equal(cms_enveloped_decrypt(&cms, content_key, &out, NULL), STATUS_INTEGRITY);
    assert_int_equal(cms_envelope_refused(&stated), STATUS_INTEGRITY);
    assert_string_equal(wrong_key.text, stated.text);
    assert_string_equal(wrong_padding.text, stated.text);
    assert_string_equal(wrong_length.text, stated.text);
    assert_int_equal(out.len, 0);
}

/* ---- writing ---- */

static void cms_enveloped_encode__makes_what_openssl_decrypts(void **state)
{
    (void)state;
    AUTO(certificate) struct certificate *recipient = test_decoded(our_x509);
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
        AUTO(buf) struct buf again = BUF(TEST_MESSAGE_MAX);
        AUTO(buf) struct buf content = BUF(TEST_MESSAGE_MAX);
        assert_int_equal(
            cms_enveloped_encode(recipient, ciphers[i].cipher, SPAN_STR(content_text), &out, NULL),
            STATUS_OK);
        AUTO(openssl_cms) CMS_ContentInfo *theirs = test_cms_parse(buf_span(&out));
        AUTO(bio) BIO *decrypted = BIO_new(BIO_s_mem());
        assert_non_null(theirs);
        assert_int_equal(CMS_decrypt(theirs, test_key_rsa(), our_x509, NULL, decrypted, CMS_BINARY), 1);
        assert_true(test_bio_holds(decrypted, SPAN_STR(content_text)));
        test_cms_der(theirs, &again);
        assert_true(span_equal(buf_span(&again), buf_span(&out)));
        assert_int_equal(read_envelope(buf_span(&out), &content, NULL), STATUS_OK);
        assert_true(span_equal(buf_span(&content), SPAN_STR(content_text)));
    }
}

static void cms_enveloped_encode__pads_contents_of_any_length(void **state)
{
    (void)state;
    AUTO(certificate) struct certificate *recipient = test_decoded(our_x509);
    for (size_t len = 0; len < 34; len++) {
        AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
        AUTO(buf) struct buf content = BUF(TEST_MESSAGE_MAX);
        struct span part = SPAN(content_text, len);
        assert_int_equal(cms_enveloped_encode(recipient, CIPHER_AES128_CBC, part, &out, NULL), STATUS_OK);
        assert_int_equal(read_envelope(buf_span(&out), &content, NULL), STATUS_OK);
        assert_true(span_equal(buf_span(&content), part));
    }
}

static void cms_enveloped_encode__refuses_an_ec_key(void **state)
{
    (void)state;
    EVP_PKEY *ec = test_key_ec("P-256");
    AUTO(x509) X509 *x509 = test_x509(ec, &(struct test_certificate){.v1 = true});
    AUTO(certificate) struct certificate *recipient = test_decoded(x509);
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    assert_int_equal(cms_enveloped_encode(recipient, CIPHER_AES128_CBC, SPAN_STR("x"), &out, NULL),
                     STATUS_ALGORITHM);
    assert_int_equal(out.len, 0);
    EVP_PKEY_free(ec);
}

/* ---- differential ---- */

static bool openssl_reads(struct span der, struct span expected)
{
    AUTO(openssl_cms) CMS_ContentInfo *cms = test_cms_parse(der);
    AUTO(bio) BIO *out = BIO_new(BIO_s_mem());
    return cms != NULL && CMS_decrypt(cms, test_key_rsa(), our_x509, NULL, out, CMS_BINARY) == 1 &&
           test_bio_holds(out, expected);
}

static void cms_enveloped_decode__takes_no_mutation_that_openssl_refuses(void **state)
{
    (void)state;
    AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_encrypted("AES-128-CBC", 0);
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    uint64_t seed = 5652;
    size_t taken = 0;
    test_cms_der(theirs, &der);
    for (size_t i = 0; i < MUTATIONS; i++) {
        AUTO(heap) uint8_t *copy = malloc(der.len);
        AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
        assert_non_null(copy);
        memcpy(copy, der.data, der.len);
        size_t len = mutate(&seed, copy, der.len);
        if (read_envelope(SPAN(copy, len), &out, NULL) != STATUS_OK || out.len < strlen(content_text) - 16)
            continue; /* one random key in 256 gives a padding that fits */
        if (memmem(out.data, out.len, content_text + 32, 16) == NULL)
            continue;
        assert_true(openssl_reads(SPAN(copy, len), buf_span(&out)));
        taken++;
    }
    assert_true(taken > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cms_enveloped_decode__reads_what_openssl_encrypts),
        cmocka_unit_test(cms_enveloped_decode__reads_streamed_ber),
        cmocka_unit_test(cms_enveloped_decode__reads_a_recipient_by_key_identifier),
        cmocka_unit_test(cms_enveloped_decode__finds_ours_among_several),
        cmocka_unit_test(cms_enveloped_decode__passes_over_oaep_and_names_bad_ciphers),
        cmocka_unit_test(cms_enveloped_decode__refuses_trailing_octets_and_stumps),
        cmocka_unit_test(cms_enveloped_decrypt__has_one_answer),
        cmocka_unit_test(cms_enveloped_encode__makes_what_openssl_decrypts),
        cmocka_unit_test(cms_enveloped_encode__pads_contents_of_any_length),
        cmocka_unit_test(cms_enveloped_encode__refuses_an_ec_key),
        cmocka_unit_test(cms_enveloped_decode__takes_no_mutation_that_openssl_refuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * PasswordRecipientInfo both ways against OpenSSL. OpenSSL 3.0 itself writes PBKDF2 with HMAC-SHA-1 alone,
 * which cms_password_key refuses, so its messages are unwrapped behind that rule.
 */
#include "test_cms.h"

#include "cms_private.h"
#include "mutate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MUTATIONS 1000

static const char content_text[] = "a reply for a device whose key cannot decrypt";
static const char password[] = "a challenge of more than twenty characters";

/* The caller's: OpenSSL keeps what it is given. */
static unsigned char *password_copy(void)
{
    return (unsigned char *)OPENSSL_strdup(password);
}

static CMS_ContentInfo *openssl_encrypted(const EVP_CIPHER *content_cipher, const EVP_CIPHER *kek_cipher)
{
    BIO *in = BIO_new_mem_buf(content_text, -1);
    CMS_ContentInfo *cms = CMS_encrypt(NULL, in, content_cipher, CMS_BINARY | CMS_PARTIAL);
    test_must(cms != NULL &&
                  CMS_add0_recipient_password(cms, 2000, NID_id_alg_PWRI_KEK, NID_undef, password_copy(), -1,
                                              kek_cipher) != NULL &&
                  CMS_final(cms, in, NULL, CMS_BINARY) == 1,
              "an envelope");
    BIO_free(in);
    return cms;
}

static void cms_password_unwrap__opens_what_openssl_wraps(void **state)
{
    (void)state;
    const EVP_CIPHER *ciphers[] = {EVP_aes_128_cbc(), EVP_aes_192_cbc(), EVP_aes_256_cbc(),
                                   EVP_des_ede3_cbc()};
    for (size_t i = 0; i < 16; i++) {
        AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_encrypted(ciphers[i / 4], ciphers[i % 4]);
        AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
        AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
        uint8_t content_key[CMS_KEY_MAX_LEN];
        struct cms_enveloped cms;
        test_cms_der(theirs, &der);
        assert_int_equal(cms_enveloped_decode(buf_span(&der), &cms, NULL), STATUS_OK);
        assert_int_equal(cms.recipient_count, 1);
        assert_int_equal(cms.recipients[0].kind, RECIPIENT_PASSWORD);
        assert_int_equal(cms.recipients[0].iterations, 2000);
        assert_int_equal(cms.recipients[0].prf, DIGEST_SHA1);
        assert_int_equal(
            cms_password_unwrap(cms.cipher, &cms.recipients[0], SPAN_STR(password), content_key, NULL),
            STATUS_OK);
        assert_int_equal(cms_enveloped_decrypt(&cms, content_key, &out, NULL), STATUS_OK);
        assert_true(span_equal(buf_span(&out), SPAN_STR(content_text)));
    }
}

static void cms_password_key__refuses_sha1_and_iterations_out_of_bounds(void **state)
{
    (void)state;
    AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_encrypted(EVP_aes_128_cbc(), EVP_aes_128_cbc());
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    uint8_t content_key[CMS_KEY_MAX_LEN];
    struct cms_enveloped cms;
    struct err err = {0};
    test_cms_der(theirs, &der);
    assert_int_equal(cms_enveloped_decode(buf_span(&der), &cms, NULL), STATUS_OK);
    struct cms_recipient recipient = cms.recipients[0];
    assert_int_equal(cms_password_key(&cms, &recipient, SPAN_STR(password), content_key, &err),
                     STATUS_ALGORITHM);
    assert_non_null(strstr(err.text, "HMAC-SHA-1"));
    recipient.prf = DIGEST_SHA256;
    recipient.iterations = 999;
    assert_int_equal(cms_password_key(&cms, &recipient, SPAN_STR(password), content_key, &err),
                     STATUS_ALGORITHM);
    recipient.iterations = 100001;
    assert_int_equal(cms_password_key(&cms, &recipient, SPAN_STR(password), content_key, &err),
                     STATUS_ALGORITHM);
    recipient.iterations = 100000;
    assert_int_equal(cms_password_key(&cms, &recipient, SPAN_STR(password), content_key, &err),
                     STATUS_INTEGRITY);
}

static bool openssl_reads(struct span der)
{
    AUTO(openssl_cms) CMS_ContentInfo *theirs = test_cms_parse(der);
    AUTO(bio) BIO *out = BIO_new(BIO_s_mem());
    unsigned char *copy = password_copy();
    bool done = theirs != NULL && CMS_decrypt_set1_password(theirs, copy, -1) == 1 &&
                CMS_decrypt(theirs, NULL, NULL, NULL, out, CMS_BINARY) == 1 &&
                test_bio_holds(out, SPAN_STR(content_text));
    OPENSSL_free(copy);
    return done;
}

static enum status read_envelope(struct span der, struct span secret, struct buf *out, struct err *err)
{
    uint8_t content_key[CMS_KEY_MAX_LEN];
    struct cms_enveloped cms;
    TRY(cms_enveloped_decode(der, &cms, err));
    TRY(cms_password_key(&cms, &cms.recipients[0], secret, content_key, err));
    return cms_enveloped_decrypt(&cms, content_key, out, err);
}

static void cms_enveloped_encode_password__makes_what_openssl_decrypts(void **state)
{
    (void)state;
    static const enum cms_cipher ciphers[] = {CIPHER_AES128_CBC, CIPHER_AES192_CBC, CIPHER_AES256_CBC,
                                              CIPHER_DES3_CBC};
    for (size_t i = 0; i < 4; i++) {
        AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
        AUTO(buf) struct buf again = BUF(TEST_MESSAGE_MAX);
        AUTO(buf) struct buf content = BUF(TEST_MESSAGE_MAX);
        assert_int_equal(
            cms_enveloped_encode_password(SPAN_STR(password), ciphers[i], SPAN_STR(content_text), &out, NULL),
            STATUS_OK);
        assert_true(openssl_reads(buf_span(&out)));
        AUTO(openssl_cms) CMS_ContentInfo *theirs = test_cms_parse(buf_span(&out));
        test_cms_der(theirs, &again);
        assert_true(span_equal(buf_span(&again), buf_span(&out)));
        assert_int_equal(read_envelope(buf_span(&out), SPAN_STR(password), &content, NULL), STATUS_OK);
        assert_true(span_equal(buf_span(&content), SPAN_STR(content_text)));
    }
}

/* RFC 5652 section 6.1: "IF ((originatorInfo is present) AND ...) OR (any RecipientInfo structures include
 * pwri) ... THEN version is 3" or above. */
static void cms_enveloped_encode_password__is_of_version_3(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    struct der_reader data;
    uint64_t version = 0;
    assert_int_equal(
        cms_enveloped_encode_password(SPAN_STR(password), CIPHER_AES128_CBC, SPAN_STR("x"), &out, NULL),
        STATUS_OK);
    assert_int_equal(cms_open_content(buf_span(&out), OID_ENVELOPED_DATA, &data, NULL), STATUS_OK);
    assert_int_equal(der_take_uint(&data, &version, 9, "version", NULL), STATUS_OK);
    assert_int_equal(version, 3);
}

static void cms_password_key__gives_a_wrong_password_the_one_answer(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
    AUTO(buf) struct buf content = BUF(TEST_MESSAGE_MAX);
    struct err err = {0};
    struct err stated = {0};
    assert_int_equal(cms_enveloped_encode_password(SPAN_STR(password), CIPHER_AES256_CBC,
                                                   SPAN_STR(content_text), &out, NULL),
                     STATUS_OK);
    assert_int_equal(cms_envelope_refused(&stated), STATUS_INTEGRITY);
    assert_int_equal(read_envelope(buf_span(&out), SPAN_STR("another challenge"), &content, &err),
                     STATUS_INTEGRITY);
    assert_string_equal(err.text, stated.text);
    assert_int_equal(read_envelope(buf_span(&out), SPAN_NONE, &content, &err), STATUS_INTEGRITY);
    assert_string_equal(err.text, stated.text);
    assert_int_equal(content.len, 0);
}

static void cms_password_key__takes_no_mutation_that_openssl_refuses(void **state)
{
    (void)state;
    AUTO(openssl_cms) CMS_ContentInfo *theirs = openssl_encrypted(EVP_aes_128_cbc(), EVP_aes_128_cbc());
    AUTO(buf) struct buf der = BUF(TEST_MESSAGE_MAX);
    uint64_t seed = 3211;
    size_t taken = 0;
    test_cms_der(theirs, &der);
    for (size_t i = 0; i < MUTATIONS; i++) {
        AUTO(heap) uint8_t *copy = malloc(der.len);
        AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
        uint8_t content_key[CMS_KEY_MAX_LEN];
        struct cms_enveloped cms;
        assert_non_null(copy);
        memcpy(copy, der.data, der.len);
        size_t len = mutate(&seed, copy, der.len);
        if (cms_enveloped_decode(SPAN(copy, len), &cms, NULL) != STATUS_OK ||
            cms.recipients[0].kind != RECIPIENT_PASSWORD || cms.recipients[0].iterations > 10000 ||
            cms_password_unwrap(cms.cipher, &cms.recipients[0], SPAN_STR(password), content_key, NULL) !=
                STATUS_OK ||
            cms_enveloped_decrypt(&cms, content_key, &out, NULL) != STATUS_OK ||
            !span_equal(buf_span(&out), SPAN_STR(content_text)))
            continue;
        assert_true(openssl_reads(SPAN(copy, len)));
        taken++;
    }
    assert_true(taken > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cms_password_unwrap__opens_what_openssl_wraps),
        cmocka_unit_test(cms_password_key__refuses_sha1_and_iterations_out_of_bounds),
        cmocka_unit_test(cms_enveloped_encode_password__makes_what_openssl_decrypts),
        cmocka_unit_test(cms_enveloped_encode_password__is_of_version_3),
        cmocka_unit_test(cms_password_key__gives_a_wrong_password_the_one_answer),
        cmocka_unit_test(cms_password_key__takes_no_mutation_that_openssl_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

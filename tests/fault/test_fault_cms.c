/* SPDX-License-Identifier: Apache-2.0
 *
 * Lack of memory in the messages of RFC 5652: it is neither a broken message nor a wrong key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "test_cms.h"

#include "der.h"
#include "fault.h"

static const char content_text[] = "a certification request";
static const char password[] = "a phrase of the lab";

static struct key *key;
static struct certificate *certificate;

static int set_up(void **state)
{
    (void)state;
    X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.serial_hex = "C0FFEE", .ski = true});
    key = test_key_opened(test_key_rsa());
    certificate = test_decoded(x509);
    X509_free(x509);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    key_unref(key);
    certificate_free(certificate);
    return 0;
}

/* ---- SignedData ---- */

static enum status sign_and_verify(struct buf *out, struct err *err)
{
    const struct span certificates[] = {buf_span(&certificate->der)};
    struct cms_signing signing = {.key = key,
                                  .certificate = certificate,
                                  .digest = DIGEST_SHA256,
                                  .certificates = certificates,
                                  .certificate_count = 1};
    struct cms_signed cms;
    AUTO(certificate) struct certificate *signer = NULL;
    TRY(cms_signed_encode(&signing, SPAN_STR(content_text), out, err));
    TRY(cms_signed_decode(buf_span(out), &cms, err));
    TRY(cms_signed_signer(&cms, &signer, err));
    return cms_signed_verify(&cms, signer->key, err);
}

static void cms_signed__says_that_memory_ran_out(void **state)
{
    (void)state;
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
        struct err err = {0};
        fault_arm(&fault);
        enum status status = sign_and_verify(&out, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
    }
}

static void cms_certificates_encode__says_that_memory_ran_out(void **state)
{
    (void)state;
    const struct span certificates[] = {buf_span(&certificate->der), buf_span(&certificate->der)};
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(buf) struct buf out = BUF(TEST_MESSAGE_MAX);
        struct err err = {0};
        fault_arm(&fault);
        cms_certificates_encode(certificates, 2, SPAN_NONE, &out);
        fault_disarm(&fault);
        fault_expect(&fault, buf_status(&out, "the certificates", &err), &err);
    }
}

/* ---- EnvelopedData ---- */

static enum status seal_and_open(struct buf *content, struct err *err)
{
    AUTO(buf) struct buf message = BUF(TEST_MESSAGE_MAX);
    struct cms_enveloped cms;
    uint8_t content_key[32];
    TRY(cms_enveloped_encode(certificate, CIPHER_AES256_CBC, SPAN_STR(content_text), &message, err));
    TRY(cms_enveloped_decode(buf_span(&message), &cms, err));
    TRY(key_decrypt(key, cms.recipients[0].encrypted_key, content_key, cms_cipher_key_len(cms.cipher), err));
    return cms_enveloped_decrypt(&cms, content_key, content, err);
}

static enum status seal_and_open_password(struct buf *content, struct err *err)
{
    AUTO(buf) struct buf message = BUF(TEST_MESSAGE_MAX);
    struct cms_enveloped cms;
    uint8_t content_key[32];
    TRY(cms_enveloped_encode_password(SPAN_STR(password), CIPHER_AES128_CBC, SPAN_STR(content_text), &message,
                                      err));
    TRY(cms_enveloped_decode(buf_span(&message), &cms, err));
    TRY(cms_password_key(&cms, &cms.recipients[0], SPAN_STR(password), content_key, err));
    return cms_enveloped_decrypt(&cms, content_key, content, err);
}

static void envelopes(enum status (*both_ways)(struct buf *content, struct err *err))
{
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(buf) struct buf content = BUF(TEST_MESSAGE_MAX);
        struct err err = {0};
        fault_arm(&fault);
        enum status status = both_ways(&content, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        if (status == STATUS_OK)
            assert_true(span_equal(buf_span(&content), SPAN_STR(content_text)));
    }
}

static void cms_enveloped__says_that_memory_ran_out(void **state)
{
    (void)state;
    envelopes(seal_and_open);
}

static void cms_password__says_that_memory_ran_out(void **state)
{
    (void)state;
    envelopes(seal_and_open_password);
}

/* ---- BER ---- */

static void ber_to_der__says_that_memory_ran_out(void **state)
{
    (void)state;
    CMS_ContentInfo *cms = CMS_data_create(NULL, CMS_PARTIAL | CMS_STREAM);
    AUTO(buf) struct buf ber = BUF(TEST_MESSAGE_MAX);
    test_must(cms != NULL, "a message");
    test_cms_streamed(cms, SPAN_STR(content_text), &ber);
    CMS_ContentInfo_free(cms);
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(buf) struct buf scratch = BUF(TEST_MESSAGE_MAX);
        struct span der = SPAN_NONE;
        struct err err = {0};
        fault_arm(&fault);
        enum status status = ber_to_der(buf_span(&ber), &scratch, &der, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        assert_true((der.data != NULL) == (status == STATUS_OK));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cms_signed__says_that_memory_ran_out),
        cmocka_unit_test(cms_certificates_encode__says_that_memory_ran_out),
        cmocka_unit_test(cms_enveloped__says_that_memory_ran_out),
        cmocka_unit_test(cms_password__says_that_memory_ran_out),
        cmocka_unit_test(ber_to_der__says_that_memory_ran_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

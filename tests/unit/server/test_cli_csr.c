/* SPDX-License-Identifier: Apache-2.0
 *
 * The requests that we write, held against OpenSSL's parser and our own reader.
 */
#include "cli_csr.h"
#include "csr.h"

#include <openssl/x509.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void make(enum key_spec spec, const char *subject, bool with_san, struct buf *out)
{
    AUTO(key) struct key *key = NULL;
    AUTO(name) struct name name = {0};
    AUTO(general_names) struct general_names san = {0};
    assert_int_equal(key_generate(spec, &key, NULL), STATUS_OK);
    assert_int_equal(name_parse(subject, &name, NULL), STATUS_OK);
    if (with_san) {
        assert_int_equal(general_names_add(&san, SAN_UPN, "jdoe@LAB.TEST", NULL), STATUS_OK);
        assert_int_equal(general_names_add(&san, SAN_DNS, "host.lab.test", NULL), STATUS_OK);
    }
    assert_int_equal(csr_make(key, &name, &san, out, NULL), STATUS_OK);
}

/* Signature and structure by OpenSSL; *extensions counts those asked for. */
static void openssl_verifies(const struct buf *der, int extensions)
{
    const unsigned char *next = der->data;
    X509_REQ *request = d2i_X509_REQ(NULL, &next, (long)der->len);
    assert_non_null(request);
    assert_ptr_equal(next, der->data + der->len);
    assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
    STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(request);
    assert_int_equal(list != NULL ? sk_X509_EXTENSION_num(list) : 0, extensions);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    X509_REQ_free(request);
}

static void we_read_back(const struct buf *der, const char *subject, size_t names)
{
    AUTO(csr) struct csr *csr = NULL;
    AUTO(heap) char *text = NULL;
    assert_int_equal(csr_decode(buf_span(der), &csr, NULL), STATUS_OK);
    assert_int_equal(name_text_copy(&csr->subject, &text, NULL), STATUS_OK);
    assert_string_equal(text, subject);
    assert_int_equal(csr->san.count, names);
    const struct key_limits limits = {.rsa = true, .rsa_min_bits = 2048, .rsa_max_bits = 4096, .p256 = true};
    assert_int_equal(pubkey_judge(csr->key, &limits, NULL), STATUS_OK);
    assert_int_equal(csr_verify(csr, NULL), STATUS_OK);
}

static void csr_make__writes_what_openssl_verifies(void **state)
{
    static const enum key_spec specs[] = {KEY_SPEC_RSA_2048, KEY_SPEC_EC_P256};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        AUTO(buf) struct buf der = BUF(CSR_MAX_LEN);
        make(specs[i], "CN=jdoe,O=Example\\, Inc.,C=DE", true, &der);
        openssl_verifies(&der, 1);
        we_read_back(&der, "CN=jdoe,O=Example\\, Inc.,C=DE", 2);
    }
}

/* RFC 2986 section 4.1: attributes is present, if only as an empty SET. */
static void csr_make__leaves_no_extension_request_without_san(void **state)
{
    (void)state;
    AUTO(buf) struct buf der = BUF(CSR_MAX_LEN);
    make(KEY_SPEC_EC_P256, "", false, &der);
    openssl_verifies(&der, 0);
    we_read_back(&der, "", 0);
}

static void csr_make__refuses_names_that_cannot_be_written(void **state)
{
    (void)state;
    char text[] = "directoryName";
    struct general_name other = {.type = SAN_OTHER, .text = text};
    const struct general_names san = {.items = &other, .count = 1};
    const struct name subject = {0};
    AUTO(key) struct key *key = NULL;
    AUTO(buf) struct buf der = BUF(CSR_MAX_LEN);
    struct err err = {0};
    assert_int_equal(key_generate(KEY_SPEC_EC_P256, &key, NULL), STATUS_OK);
    assert_int_equal(csr_make(key, &subject, &san, &der, &err), STATUS_USAGE);
    assert_non_null(strstr(err.text, "directoryName"));
    assert_int_equal(der.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csr_make__writes_what_openssl_verifies),
        cmocka_unit_test(csr_make__leaves_no_extension_request_without_san),
        cmocka_unit_test(csr_make__refuses_names_that_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

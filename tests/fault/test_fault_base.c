/* SPDX-License-Identifier: Apache-2.0
 *
 * Lack of memory in base/ and in what reads certificates: said as such, nothing written, nothing leaked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "certificate.h"
#include "config.h"
#include "fault.h"
#include "test_certificates.h"
#include "text.h"
#include "values.h"
#include <openssl/x509v3.h>

/* ---- requests and certificates ---- */

static void csr_attributes(X509_REQ *req)
{
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    X509_EXTENSION *san = X509V3_EXT_conf_nid(
        NULL, NULL, NID_subject_alt_name, "DNS:a.example,email:a@example,IP:192.0.2.1,URI:http://a.example/");
    X509_EXTENSION *usage = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "digitalSignature");
    assert_true(sk_X509_EXTENSION_push(extensions, san) > 0);
    assert_true(sk_X509_EXTENSION_push(extensions, usage) > 0);
    assert_int_equal(X509_REQ_add_extensions(req, extensions), 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    assert_int_equal(X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword, MBSTRING_UTF8,
                                               (const unsigned char *)"a phrase", -1),
                     1);
}

/* Everything that csr_decode keeps is in it. */
static void make_csr(EVP_PKEY *key, struct buf *out)
{
    unsigned char *der = NULL;
    X509_REQ *req = X509_REQ_new();
    assert_non_null(req);
    X509_NAME *subject = X509_REQ_get_subject_name(req);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)"a", -1, -1, 0), 1);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"b", -1, -1, 0), 1);
    assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
    csr_attributes(req);
    assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
    int len = i2d_X509_REQ(req, &der);
    assert_true(len > 0);
    buf_add(out, SPAN(der, (size_t)len));
    OPENSSL_free(der);
    X509_REQ_free(req);
}

static void decode_csr(EVP_PKEY *key)
{
    AUTO(buf) struct buf der = BUF(CSR_MAX_LEN);
    make_csr(key, &der);
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(csr) struct csr *csr = NULL;
        struct err err = {0};
        fault_arm(&fault);
        enum status status = csr_decode(buf_span(&der), &csr, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        assert_true((csr != NULL) == (status == STATUS_OK));
    }
}

static void csr_decode__says_that_memory_ran_out(void **state)
{
    (void)state;
    EVP_PKEY *ec = test_key_ec("P-256");
    decode_csr(ec);
    decode_csr(test_key_rsa());
    EVP_PKEY_free(ec);
}

static void csr_verify_and_blanked__say_that_memory_ran_out(void **state)
{
    (void)state;
    AUTO(buf) struct buf der = BUF(CSR_MAX_LEN);
    AUTO(csr) struct csr *csr = NULL;
    struct err err = {0};
    make_csr(test_key_rsa(), &der);
    assert_int_equal(csr_decode(buf_span(&der), &csr, &err), STATUS_OK);
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(buf) struct buf blanked = BUF(CSR_MAX_LEN);
        fault_arm(&fault);
        enum status status = csr_verify(csr, &err);
        if (status == STATUS_OK) {
            csr_blanked(csr, &blanked);
            status = buf_status(&blanked, "the request", &err);
        }
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
    }
}

static void certificate_decode__says_that_memory_ran_out(void **state)
{
    (void)state;
    X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.ski = true,
                                                                      .san = "DNS:a.example,email:a@example",
                                                                      .key_usage = "digitalSignature",
                                                                      .constraints = "CA:TRUE"});
    AUTO(buf) struct buf der = BUF(CERTIFICATE_MAX_LEN);
    test_x509_der(x509, &der);
    X509_free(x509);
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(certificate) struct certificate *certificate = NULL;
        struct err err = {0};
        fault_arm(&fault);
        enum status status = certificate_decode(buf_span(&der), &certificate, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        assert_true((certificate != NULL) == (status == STATUS_OK));
    }
}

/* ---- names ---- */

static const char name_there_and_back[] =
    "CN=a\\, b+UID=y,OU=x,1.2.3.4=#0c0161,DC=example,serialNumber=1,C=AQ";

static enum status read_and_write_name(struct name *name, char **text, struct err *err)
{
    AUTO(name) struct name copy = {0};
    AUTO(buf) struct buf der = BUF(4096);
    AUTO(buf) struct buf canonical = BUF(4096);
    TRY(name_parse(name_there_and_back, name, err));
    TRY(name_copy(name, &copy, err));
    name_encode(&copy, &der);
    TRY(buf_status(&der, "the name", err));
    TRY(name_decode(buf_span(&der), &copy, err));
    name_canonical(&copy, &canonical);
    TRY(buf_status(&canonical, "the name", err));
    return name_text_copy(&copy, text, err);
}

static void name__says_that_memory_ran_out(void **state)
{
    (void)state;
    AUTO(heap) char *first = NULL;
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(name) struct name name = {0};
        AUTO(heap) char *text = NULL;
        struct err err = {0};
        fault_arm(&fault);
        enum status status = read_and_write_name(&name, &text, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        assert_true((text != NULL) == (status == STATUS_OK));
    }
    AUTO(name) struct name name = {0};
    struct err err = {0};
    assert_int_equal(read_and_write_name(&name, &first, &err), STATUS_OK);
    assert_string_equal(first, name_there_and_back);
}

/* A failed call leaves a name and a list that were filled before as they were. */
static void name_and_general_names_add__keep_what_was_there(void **state)
{
    (void)state;
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(name) struct name name = {0};
        AUTO(general_names) struct general_names names = {0};
        struct err err = {0};
        assert_int_equal(name_parse("CN=first", &name, &err), STATUS_OK);
        assert_int_equal(general_names_add(&names, SAN_DNS, "first.example", &err), STATUS_OK);
        fault_arm(&fault);
        enum status status = name_add(&name, oid_octets(OID_CN), "second", 0, false, &err);
        if (status == STATUS_OK)
            status = general_names_add(&names, SAN_IP, "192.0.2.1", &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        assert_string_equal(name.avas[0].value, "first");
        assert_string_equal(names.items[0].text, "first.example");
        assert_int_equal(names.count, status == STATUS_OK ? 2 : 1);
    }
}

static enum status read_and_write_general_names(struct general_names *names, struct err *err)
{
    static const struct {
        enum san_type type;
        const char *text;
    } wanted[] = {{SAN_UPN, "a@EXAMPLE"},          {SAN_EMAIL, "a@example"},
                  {SAN_DNS, "*.a.example"},        {SAN_IP, "2001:db8::1"},
                  {SAN_URI, "http://a.example/x"}, {SAN_SID_URI, "S-1-5-21-1-2-3-4"}};
    AUTO(buf) struct buf der = BUF(4096);
    AUTO(buf) struct buf text = BUF(4096);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        TRY(general_names_add(names, wanted[i].type, wanted[i].text, err));
    general_names_encode(names, &der);
    TRY(buf_status(&der, "the names", err));
    TRY(general_names_decode(buf_span(&der), names, err));
    general_names_text(names, &text);
    return buf_status(&text, "the names", err);
}

static void general_names__say_that_memory_ran_out(void **state)
{
    (void)state;
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(general_names) struct general_names names = {0};
        struct err err = {0};
        fault_arm(&fault);
        enum status status = read_and_write_general_names(&names, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        if (status == STATUS_OK)
            assert_int_equal(names.count, 6);
    }
}

/* ---- text ---- */

static enum status read_and_write_text(struct buf *out, struct err *err)
{
    static const char *const labels[] = {"CERTIFICATE", NULL};
    static uint8_t octets[3000];
    AUTO(buf) struct buf pem = BUF(8192);
    AUTO(buf) struct buf base64 = BUF(8192);
    pem_encode(&pem, labels[0], SPAN(octets, sizeof octets));
    TRY(buf_status(&pem, "PEM", err));
    TRY(pem_decode(buf_span(&pem), labels, out, NULL, err));
    base64_encode(&base64, buf_span(out));
    TRY(buf_status(&base64, "base64", err));
    buf_clear(out);
    TRY(base64_decode(buf_span(&base64), out, err));
    buf_clear(out);
    TRY(der_from_any(buf_span(&pem), labels, out, err));
    buf_clear(&pem);
    hex_encode(&pem, SPAN(octets, 100));
    TRY(buf_status(&pem, "hex", err));
    AUTO(heap) char *hex = buf_take_text(&pem);
    if (hex == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    return hex_decode(hex, out, err);
}

static void text__says_that_memory_ran_out(void **state)
{
    (void)state;
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(buf) struct buf out = BUF(8192);
        struct err err = {0};
        fault_arm(&fault);
        enum status status = read_and_write_text(&out, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        if (status == STATUS_OK)
            assert_int_equal(out.len, 3100);
    }
}

static void values_set__keeps_what_was_there(void **state)
{
    (void)state;
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(values) struct values values = {0};
        AUTO(values) struct values copy = {0};
        struct err err = {0};
        assert_int_equal(values_set(&values, "DeviceUid", "1", &err), STATUS_OK);
        fault_arm(&fault);
        enum status status = values_set(&values, "DeviceUid", "2", &err);
        if (status == STATUS_OK)
            status = values_set_pair(&values, "EnrollmentUser=alice", &err);
        if (status == STATUS_OK)
            status = values_copy(&values, &copy, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        assert_non_null(values_get(&values, "DeviceUid"));
    }
}

/* ---- configuration ---- */

struct sample {
    char *name;
    struct config_strings items;
    char *fallback;
};

static const struct config_key table[] = {
    {.name = "name", .type = CONFIG_STRING, .offset = offsetof(struct sample, name), .required = true},
    {.name = "items", .type = CONFIG_STRINGS, .offset = offsetof(struct sample, items)},
    {.name = "fallback",
     .type = CONFIG_STRING,
     .offset = offsetof(struct sample, fallback),
     .fallback = "some text"},
    {.name = NULL},
};

static void read_sample(const char *text, struct config_mistakes *mistakes, struct sample *sample,
                        enum status *status, struct err *err)
{
    AUTO(config) struct config_file *file = NULL;
    struct config_context context = {.file = "x.cfg", .mistakes = mistakes};
    *status = config_open_text(text, "x.cfg", mistakes, &file, err);
    if (*status != STATUS_OK)
        return;
    config_read_group(config_root(file), "", table, sample, &context);
    *status = config_mistakes_status(mistakes, err);
}

/* A configuration that could not be read whole is never taken for a good one. */
static void config__is_not_half_read(void **state)
{
    (void)state;
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(config_mistakes) struct config_mistakes mistakes = {0};
        struct sample sample = {0};
        struct err err = {0};
        enum status status = STATUS_OK;
        fault_arm(&fault);
        read_sample("name = \"a\"; items = [\"x\", \"y\"];", &mistakes, &sample, &status, &err);
        fault_disarm(&fault);
        if (status == STATUS_OK) { /* what failed was needed for words only */
            assert_string_equal(sample.name, "a");
            assert_int_equal(sample.items.count, 2);
            assert_string_equal(sample.items.items[1], "y");
            assert_string_equal(sample.fallback, "some text");
        } else {
            assert_true(fault.struck);
            assert_non_null(strstr(err.text, "memory"));
        }
        config_clear(table, &sample);
    }
}

static void config_mistakes__are_counted_when_their_text_is_lost(void **state)
{
    (void)state;
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(config_mistakes) struct config_mistakes mistakes = {0};
        struct err err = {0};
        fault_arm(&fault);
        config_mistake(&mistakes, "x.cfg", 1, "name", "is %s", "wrong");
        config_mistake(&mistakes, "x.cfg", 2, "other", "is %s too", "wrong");
        fault_disarm(&fault);
        assert_int_equal(mistakes.count + mistakes.lost, 2);
        assert_int_equal(mistakes.lost, fault.struck ? 1 : 0);
        assert_int_equal(config_mistakes_status(&mistakes, &err), STATUS_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csr_decode__says_that_memory_ran_out),
        cmocka_unit_test(csr_verify_and_blanked__say_that_memory_ran_out),
        cmocka_unit_test(certificate_decode__says_that_memory_ran_out),
        cmocka_unit_test(name__says_that_memory_ran_out),
        cmocka_unit_test(name_and_general_names_add__keep_what_was_there),
        cmocka_unit_test(general_names__say_that_memory_ran_out),
        cmocka_unit_test(text__says_that_memory_ran_out),
        cmocka_unit_test(values_set__keeps_what_was_there),
        cmocka_unit_test(config__is_not_half_read),
        cmocka_unit_test(config_mistakes__are_counted_when_their_text_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

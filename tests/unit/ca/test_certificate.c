/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading certificates: each field held against what OpenSSL reads, odd certificates of devices, and mutated
 * ones, of which none may be taken that OpenSSL refuses or reads otherwise.
 */
#include "certificate.h"

#include "mutate.h"
#include "test_certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MUTATIONS 4000
#define YEAR_9999 253402300799LL

AUTO_POINTER(x509, X509, X509_free)

static void certificate_decode__reads_what_openssl_wrote(void **state)
{
    (void)state;
    AUTO(x509)
    X509 *x509 = test_x509(
        test_key_rsa(), &(struct test_certificate){.subject = "alice",
                                                   .serial_hex = "00FF01",
                                                   .san = "DNS:a.lab.example,email:alice@lab.example",
                                                   .key_usage = "critical,digitalSignature,keyEncipherment",
                                                   .constraints = "critical,CA:TRUE,pathlen:2",
                                                   .ski = true});
    AUTO(certificate) struct certificate *certificate = test_decoded(x509);
    assert_int_equal(certificate->subject.count, 1);
    assert_string_equal(certificate->subject.avas[0].value, "alice");
    assert_true(span_equal(certificate->serial_octets, SPAN("\x00\xff\x01", 3)));
    assert_int_equal(certificate->not_before_s, 1767225600);
    assert_int_equal(certificate->not_after_s, 2082758400);
    assert_int_equal(certificate->key_usage, KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_ENCIPHERMENT);
    assert_true(certificate->has_basic_constraints && certificate->is_ca && certificate->has_key_usage);
    assert_int_equal(certificate->path_len, 2);
    assert_int_equal(certificate->san.count, 2);
    assert_string_equal(certificate->san.items[1].text, "alice@lab.example");
    assert_true(span_equal(certificate->ski, pubkey_key_id(certificate->key)));
    assert_true(certificate_is_self_issued(certificate));
    assert_int_equal(certificate_verify(certificate, certificate->key, NULL), STATUS_OK);
}

static void certificate_extension__finds_value_and_criticality(void **state)
{
    (void)state;
    AUTO(x509)
    X509 *x509 = test_x509(test_key_rsa(),
                           &(struct test_certificate){.key_usage = "critical,keyCertSign", .ski = true});
    AUTO(certificate) struct certificate *certificate = test_decoded(x509);
    struct span value = SPAN_NONE;
    bool critical = false;
    assert_true(certificate_extension(certificate, OID_KEY_USAGE, &value, &critical));
    assert_true(critical);
    assert_true(span_equal(value, SPAN("\x03\x02\x02\x04", 4)));
    assert_true(certificate_extension(certificate, OID_SKI, &value, &critical));
    assert_false(critical);
    assert_false(certificate_extension(certificate, OID_SAN, &value, &critical));
}

/* Devices make these for themselves. */
static void certificate_decode__bears_odd_self_signed_certificates(void **state)
{
    (void)state;
    static const char long_serial[] = "7FAABBCCDDEEFF00112233445566778899AABBCCDDEEFF00112233445566778899";
    static const struct test_certificate odd[] = {
        {.v1 = true},
        {.serial_hex = long_serial},
        {.serial_hex = "-80"},
        {.serial_hex = "0"},
        {.not_after = "21260101000000Z"},
        {.not_before = "19700101000000Z", .not_after = "99991231235959Z"},
        {.digest = "SHA1"},
        {.digest = "SHA512"},
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &odd[i]);
        AUTO(certificate) struct certificate *certificate = test_decoded(x509);
        assert_int_equal(certificate_verify(certificate, certificate->key, NULL), STATUS_OK);
        if (odd[i].serial_hex == long_serial)
            assert_int_equal(certificate->serial_octets.len, 33);
        if (odd[i].not_before != NULL)
            assert_int_equal(certificate->not_after_s, YEAR_9999);
    }
}

static void certificate_decode__takes_dates_that_are_none(void **state)
{
    (void)state;
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.v1 = true});
    AUTO(buf) struct buf der = BUF(CERTIFICATE_MAX_LEN);
    AUTO(certificate) struct certificate *certificate = NULL;
    test_x509_der(x509, &der);
    uint8_t *date = memmem(der.data, der.len, "260101000000Z", 13);
    assert_non_null(date);
    memcpy(date, "269999000000Z", 13);
    date = memmem(der.data, der.len, "360101000000Z", 13);
    assert_non_null(date);
    memcpy(date, "not a date at", 13);
    assert_int_equal(certificate_decode(buf_span(&der), &certificate, NULL), STATUS_OK);
    assert_int_equal(certificate->not_before_s, 0);
    assert_true(certificate->not_after_s == INT64_MAX);
}

static void certificate_decode__refuses_trailing_octets_and_size(void **state)
{
    (void)state;
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.ski = true});
    AUTO(buf) struct buf der = BUF(CERTIFICATE_MAX_LEN + 1);
    struct certificate *certificate = NULL;
    test_x509_der(x509, &der);
    assert_int_equal(certificate_decode(SPAN(der.data, der.len - 1), &certificate, NULL), STATUS_MALFORMED);
    buf_add_octet(&der, 0);
    assert_int_equal(certificate_decode(buf_span(&der), &certificate, NULL), STATUS_MALFORMED);
    assert_non_null(buf_extend(&der, CERTIFICATE_MAX_LEN + 1 - der.len));
    assert_int_equal(certificate_decode(buf_span(&der), &certificate, NULL), STATUS_LIMIT);
    assert_int_equal(certificate_decode(SPAN_NONE, &certificate, NULL), STATUS_MALFORMED);
    assert_null(certificate);
}

/* RFC 5280 section 4.2: "A certificate MUST NOT include more than one instance of a particular extension." */
static void certificate_decode__refuses_an_extension_twice(void **state)
{
    (void)state;
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.ski = true});
    test_x509_extension(x509, NID_subject_key_identifier, "hash");
    assert_true(X509_sign(x509, test_key_rsa(), EVP_sha256()) > 0);
    AUTO(buf) struct buf der = BUF(CERTIFICATE_MAX_LEN);
    struct certificate *certificate = NULL;
    struct err err = {0};
    test_x509_der(x509, &der);
    assert_int_equal(certificate_decode(buf_span(&der), &certificate, &err), STATUS_MALFORMED);
    assert_non_null(strstr(err.text, "2.5.29.14 appears twice"));
}

/* RFC 5280 section 4.1.2.9: "This field MUST only appear if the version is 3" */
static void certificate_decode__refuses_extensions_before_version_3(void **state)
{
    (void)state;
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.ski = true, .v1 = true});
    AUTO(buf) struct buf der = BUF(CERTIFICATE_MAX_LEN);
    struct certificate *certificate = NULL;
    test_x509_der(x509, &der);
    assert_int_equal(certificate_decode(buf_span(&der), &certificate, NULL), STATUS_MALFORMED);
}

static void certificate_verify__refuses_another_key_and_a_changed_certificate(void **state)
{
    (void)state;
    EVP_PKEY *ec = test_key_ec("P-256");
    AUTO(x509) X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.ski = true});
    AUTO(x509) X509 *other = test_x509(ec, &(struct test_certificate){.ski = true});
    AUTO(certificate) struct certificate *rsa_certificate = test_decoded(x509);
    AUTO(certificate) struct certificate *ec_certificate = test_decoded(other);
    assert_int_equal(certificate_verify(ec_certificate, ec_certificate->key, NULL), STATUS_OK);
    assert_int_equal(certificate_verify(rsa_certificate, ec_certificate->key, NULL), STATUS_INTEGRITY);
    rsa_certificate->der.data[40] ^= 1;
    assert_int_equal(certificate_verify(rsa_certificate, rsa_certificate->key, NULL), STATUS_INTEGRITY);
    EVP_PKEY_free(ec);
}

/* ---- differential ---- */

static void assert_der(int (*encode)(const X509_NAME *, unsigned char **), const X509_NAME *name,
                       struct span ours)
{
    unsigned char *der = NULL;
    int len = encode(name, &der);
    assert_true(len >= 0 && span_equal(ours, SPAN(der, (size_t)len)));
    OPENSSL_free(der);
}

static void assert_same(const struct certificate *ours, struct span der)
{
    const unsigned char *next = der.data;
    AUTO(x509) X509 *theirs = d2i_X509(NULL, &next, (long)der.len);
    assert_non_null(theirs);
    assert_ptr_equal(next, der.data + der.len);
    assert_der(i2d_X509_NAME, X509_get_subject_name(theirs), ours->subject_der);
    assert_der(i2d_X509_NAME, X509_get_issuer_name(theirs), ours->issuer_der);
    unsigned char *serial = NULL;
    int len = i2d_ASN1_INTEGER(X509_get_serialNumber(theirs), &serial);
    assert_true(len > 2 && span_equal(ours->serial_octets, SPAN(serial + 2, (size_t)len - 2)));
    OPENSSL_free(serial);
    const ASN1_BIT_STRING *signature = NULL;
    X509_get0_signature(&signature, NULL, theirs);
    assert_true(span_equal(ours->signature, SPAN(signature->data, (size_t)signature->length)));
    struct tm date;
    if (ours->not_before_s != 0 && ASN1_TIME_to_tm(X509_get0_notBefore(theirs), &date) == 1)
        assert_int_equal(ours->not_before_s, timegm(&date));
    if (ours->has_key_usage)
        assert_int_equal(X509_get_ext_by_NID(theirs, NID_key_usage, -1) >= 0, 1);
    if (ours->ski.len > 0) {
        const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(theirs);
        assert_true(ski == NULL || span_equal(ours->ski, SPAN(ski->data, (size_t)ski->length)));
    }
}

static void certificate_decode__takes_no_mutation_that_openssl_refuses(void **state)
{
    (void)state;
    AUTO(x509)
    X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.san = "DNS:a.lab.example",
                                                                      .key_usage = "keyCertSign",
                                                                      .constraints = "CA:TRUE",
                                                                      .ski = true});
    AUTO(buf) struct buf der = BUF(CERTIFICATE_MAX_LEN);
    uint64_t seed = 20260101;
    size_t taken = 0;
    test_x509_der(x509, &der);
    for (size_t i = 0; i < MUTATIONS; i++) {
        AUTO(heap) uint8_t *copy = malloc(der.len);
        AUTO(certificate) struct certificate *certificate = NULL;
        assert_non_null(copy);
        memcpy(copy, der.data, der.len);
        size_t len = mutate(&seed, copy, der.len);
        if (certificate_decode(SPAN(copy, len), &certificate, NULL) != STATUS_OK)
            continue;
        assert_same(certificate, SPAN(copy, len));
        taken++;
    }
    assert_true(taken > MUTATIONS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificate_decode__reads_what_openssl_wrote),
        cmocka_unit_test(certificate_extension__finds_value_and_criticality),
        cmocka_unit_test(certificate_decode__bears_odd_self_signed_certificates),
        cmocka_unit_test(certificate_decode__takes_dates_that_are_none),
        cmocka_unit_test(certificate_decode__refuses_trailing_octets_and_size),
        cmocka_unit_test(certificate_decode__refuses_an_extension_twice),
        cmocka_unit_test(certificate_decode__refuses_extensions_before_version_3),
        cmocka_unit_test(certificate_verify__refuses_another_key_and_a_changed_certificate),
        cmocka_unit_test(certificate_decode__takes_no_mutation_that_openssl_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

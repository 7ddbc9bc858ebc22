/* SPDX-License-Identifier: Apache-2.0
 *
 * Issued certificates, held against OpenSSL: parsed, encoded anew to the same octets,
 * verified with the CRL, and judged by purpose.
 */
#include "authority_private.h"
#include "test_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "authority_fixture.h"

#define SID "S-1-5-21-1234567890-1234567890-1234567890-500"

static struct place place;
static struct authority *authority;
static X509 *root;
static X509_CRL *crl;
static struct pubkey *key;

static X509_CRL *read_crl(const struct authority *of)
{
    AUTO(buf) struct buf der = BUF(1u << 20);
    AUTO(heap) char *path = NULL;
    OK(crl_path(of, 0, &path, &err));
    OK(file_read(path, &der, &err));
    return openssl_crl(buf_span(&der));
}

static int start(void **state)
{
    AUTO(buf) struct buf spki = BUF(8192);
    (void)state;
    authority = place_root(&place, KEY_SPEC_EC_P256);
    root = openssl_certificate(buf_span(&authority_current(authority)->certificate->der));
    crl = read_crl(authority);
    test_key_spki(test_key_rsa(), &spki);
    OK(pubkey_decode(buf_span(&spki), &key, &err));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pubkey_free(key);
    X509_CRL_free(crl);
    X509_free(root);
    authority_free(authority);
    place_remove(&place);
    return 0;
}

/* ---- contents ---- */

static void set_text(char **field, const char *text)
{
    free(*field);
    *field = NULL;
    OK(text_copy(text, field, &err));
}

static void set_oid(struct buf *field, const char *text)
{
    *field = BUF(64);
    OK(oid_parse(text, field, &err));
}

/* A person's client certificate. */
static struct content person(void)
{
    struct content content = {.key_usage = KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_ENCIPHERMENT,
                              .template_extension = true,
                              .validity_s = 365 * DAY_S};
    OK(name_parse("CN=Alice\\, A.,OU=People,O=Example", &content.subject, &err));
    OK(general_names_add(&content.san, SAN_UPN, "alice@LAB.TEST", &err));
    OK(general_names_add(&content.san, SAN_EMAIL, "alice@lab.test", &err));
    content.eku = calloc(1, sizeof *content.eku);
    assert_non_null(content.eku);
    content.eku_count = 1;
    set_oid(&content.eku[0], "clientAuth");
    set_text(&content.template_name, "User");
    return content;
}

static X509 *issue(const struct content *content, int64_t now_s, struct issued *issued)
{
    OK(authority_issue(authority, content, key, now_s, issued, &err));
    return openssl_certificate(buf_span(&issued->der));
}

static void authority_issue__gives_what_the_content_says(void **state)
{
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued issued = {0};
    (void)state;
    set_text(&content.sid, SID);
    content.application_policies = true;
    X509 *leaf = issue(&content, clock_now(), &issued);

    assert_int_equal(X509_get_version(leaf), X509_VERSION_3);
    assert_int_equal(openssl_verify(leaf, root, NULL, crl), X509_V_OK);
    assert_int_equal(X509_check_purpose(leaf, X509_PURPOSE_SSL_CLIENT, 0), 1);
    assert_int_equal(X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0), 0);
    assert_int_equal(X509_check_ca(leaf), 0);
    char *subject = X509_NAME_oneline(X509_get_subject_name(leaf), NULL, 0);
    assert_string_equal(subject, "/O=Example/OU=People/CN=Alice, A.");
    OPENSSL_free(subject);
    assert_string_equal(openssl_extension(leaf, "2.5.29.15"), "!030205a0");
    assert_string_equal(openssl_extension(leaf, "2.5.29.37"), "300a06082b06010505070302");
    assert_string_equal(openssl_extension(leaf, "2.5.29.19"), "3000");
    assert_string_equal(openssl_extension(leaf, "1.3.6.1.4.1.311.20.2"), "1e080055007300650072");
    assert_string_equal(openssl_extension(leaf, "1.3.6.1.4.1.311.21.10"), "300c300a06082b06010505070302");
    assert_memory_equal(openssl_extension(leaf, "1.3.6.1.4.1.311.25.2"),
                        "303fa03d060a2b060104018237190201a02f042d", 40);
    assert_int_not_equal(openssl_extension(leaf, "2.5.29.17")[0], '!');
    assert_string_equal(openssl_extension(leaf, "1.3.6.1.4.1.311.21.7"), "");
    assert_string_equal(openssl_extension(leaf, "1.3.6.1.4.1.311.21.1"), "");
    X509_free(leaf);
}

static void authority_issue__points_to_issuer_and_crl(void **state)
{
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued issued = {0};
    (void)state;
    X509 *leaf = issue(&content, clock_now(), &issued);
    const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(leaf);
    assert_non_null(aki);
    assert_int_equal(ASN1_OCTET_STRING_cmp(aki, X509_get0_subject_key_id(root)), 0);
    CRL_DIST_POINTS *points = X509_get_ext_d2i(leaf, NID_crl_distribution_points, NULL, NULL);
    const GENERAL_NAME *name =
        sk_GENERAL_NAME_value(sk_DIST_POINT_value(points, 0)->distpoint->name.fullname, 0);
    assert_string_equal((const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
                        "http://ca.example.com:8080/CertEnroll/Example%20CA.crl");
    CRL_DIST_POINTS_free(points);
    AUTHORITY_INFO_ACCESS *aia = X509_get_ext_d2i(leaf, NID_info_access, NULL, NULL);
    assert_int_equal(sk_ACCESS_DESCRIPTION_num(aia), 1);
    name = sk_ACCESS_DESCRIPTION_value(aia, 0)->location;
    assert_string_equal((const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
                        "http://ca.example.com:8080/CertEnroll/Example%20CA.crt");
    AUTHORITY_INFO_ACCESS_free(aia);
    X509_free(leaf);
}

static void authority_issue__takes_the_templates_own_places(void **state)
{
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued issued = {0};
    (void)state;
    content.has_cdp = true;
    content.has_aia = true;
    content.cdp.items = calloc(1, sizeof(char *));
    assert_non_null(content.cdp.items);
    content.cdp.count = 1;
    set_text(&content.cdp.items[0], "http://own.example/x.crl");
    X509 *leaf = issue(&content, clock_now(), &issued);
    CRL_DIST_POINTS *points = X509_get_ext_d2i(leaf, NID_crl_distribution_points, NULL, NULL);
    const GENERAL_NAME *name =
        sk_GENERAL_NAME_value(sk_DIST_POINT_value(points, 0)->distpoint->name.fullname, 0);
    assert_string_equal((const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
                        "http://own.example/x.crl");
    CRL_DIST_POINTS_free(points);
    assert_string_equal(openssl_extension(leaf, "1.3.6.1.5.5.7.1.1"), "");
    X509_free(leaf);
}

static void authority_issue__writes_template_information_for_a_template_with_an_oid(void **state)
{
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued issued = {0};
    (void)state;
    set_oid(&content.template_oid, "1.3.6.1.4.1.311.21.8.1");
    content.template_major = 2;
    X509 *leaf = issue(&content, clock_now(), &issued);
    assert_string_equal(openssl_extension(leaf, "1.3.6.1.4.1.311.21.7"),
                        "3012060a2b060104018237150801020102020100");
    assert_string_equal(openssl_extension(leaf, "1.3.6.1.4.1.311.20.2"), "");
    X509_free(leaf);
}

static void authority_issue__leaves_out_what_the_content_has_not(void **state)
{
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued issued = {0};
    (void)state;
    general_names_free(&content.san);
    content.template_extension = false;
    X509 *leaf = issue(&content, clock_now(), &issued);
    assert_string_equal(openssl_extension(leaf, "2.5.29.17"), "");
    assert_string_equal(openssl_extension(leaf, "2.5.29.32"), "");
    assert_string_equal(openssl_extension(leaf, "1.3.6.1.4.1.311.20.2"), "");
    assert_string_equal(openssl_extension(leaf, "1.3.6.1.4.1.311.25.2"), "");
    assert_string_equal(openssl_extension(leaf, "1.3.6.1.5.5.7.48.1.5"), "");
    X509_free(leaf);
}

/* RFC 5280 section 4.1.2.6: "If subject naming information is present only in the subjectAltName extension …
 * then the subject name MUST be an empty sequence and the subjectAltName extension MUST be critical." */
static void authority_issue__makes_the_san_critical_without_a_subject(void **state)
{
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued issued = {0};
    (void)state;
    name_free(&content.subject);
    X509 *leaf = issue(&content, clock_now(), &issued);
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(leaf)), 0);
    assert_int_equal(openssl_extension(leaf, "2.5.29.17")[0], '!');
    assert_int_equal(openssl_verify(leaf, root, NULL, crl), X509_V_OK);
    X509_free(leaf);
}

static void authority_issue__refuses_to_certify_nobody(void **state)
{
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued issued = {0};
    struct err err = {0};
    (void)state;
    name_free(&content.subject);
    general_names_free(&content.san);
    assert_int_equal(authority_issue(authority, &content, key, clock_now(), &issued, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "User"));
}

/* ---- validity and serial ---- */

static void authority_issue__begins_five_minutes_back(void **state)
{
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued issued = {0};
    int64_t now_s = clock_now();
    (void)state;
    X509 *leaf = issue(&content, now_s, &issued);
    assert_false(issued.cut);
    assert_int_equal(issued.not_before_s, now_s - 300);
    assert_int_equal(issued.not_after_s, now_s + 365 * DAY_S);
    assert_int_equal(openssl_time(X509_get0_notBefore(leaf)), issued.not_before_s);
    assert_int_equal(openssl_time(X509_get0_notAfter(leaf)), issued.not_after_s);
    X509_free(leaf);
}

static void authority_issue__stays_inside_the_issuers_validity(void **state)
{
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued issued = {0};
    const struct certificate *ca = authority_current(authority)->certificate;
    (void)state;
    X509_free(issue(&content, ca->not_before_s + 60, &issued));
    assert_int_equal(issued.not_before_s, ca->not_before_s);
    assert_false(issued.cut);
    X509_free(issue(&content, ca->not_after_s - DAY_S, &issued));
    assert_int_equal(issued.not_after_s, ca->not_after_s);
    assert_true(issued.cut);
}

static void authority_issue__refuses_outside_the_issuers_validity(void **state)
{
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued issued = {0};
    const struct certificate *ca = authority_current(authority)->certificate;
    struct err err = {0};
    (void)state;
    assert_int_equal(authority_issue(authority, &content, key, ca->not_before_s - 1, &issued, &err),
                     STATUS_TIME);
    assert_int_equal(authority_issue(authority, &content, key, ca->not_after_s, &issued, &err), STATUS_TIME);
    assert_non_null(strstr(err.text, "set the clock"));
}

/* RFC 5280 section 4.1.2.5: "CAs conforming to this profile MUST always encode certificate validity dates
 * through the year 2049 as UTCTime; certificate validity dates in 2050 or later MUST be encoded as
 * GeneralizedTime." */
static void certificate_build__changes_to_generalizedtime_in_2050(void **state)
{
    const int64_t last_utc_s = 2524607999; /* 2049-12-31T23:59:59Z */
    struct place other;
    struct authority_create create = {
        .key = KEY_SPEC_EC_P256, .ra_key = KEY_SPEC_RSA_2048, .validity_s = 40 * 365 * DAY_S};
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued issued = {0};
    (void)state;
    place_make(&other);
    OK(authority_create(other.store, &other.config, &create, other.templates, &err));
    struct authority *long_lived = place_open(&other);
    for (int64_t after = 0; after <= 1; after++) {
        int64_t now_s = clock_now();
        content.validity_s = last_utc_s + after - now_s;
        OK(authority_issue(long_lived, &content, key, now_s, &issued, &err));
        X509 *leaf = openssl_certificate(buf_span(&issued.der));
        assert_int_equal(X509_get0_notAfter(leaf)->type,
                         after == 0 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);
        assert_int_equal(openssl_time(X509_get0_notAfter(leaf)), last_utc_s + after);
        X509_free(leaf);
    }
    authority_free(long_lived);
    place_remove(&other);
}

static int compare_serials(const void *left, const void *right)
{
    const struct serial *a = left, *b = right;
    return memcmp(a->octets, b->octets, sizeof a->octets);
}

/* RFC 5280 section 4.1.2.2: "The serial number MUST be a positive integer assigned by the CA to each
 * certificate. It MUST be unique for each certificate issued by a given CA." */
static void authority_issue__draws_positive_serials_of_128_bits(void **state)
{
    enum { COUNT = 300 };
    static struct serial serials[COUNT];
    AUTO(content) struct content content = person();
    bool high_bit = false;
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        AUTO(issued) struct issued issued = {0};
        X509 *leaf = issue(&content, clock_now(), &issued);
        const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
        assert_int_equal(serial->type, V_ASN1_INTEGER); /* not V_ASN1_NEG_INTEGER */
        assert_true(issued.serial.len > 12 && issued.serial.len <= 16);
        assert_true(span_equal(SPAN(serial->data, (size_t)serial->length), serial_span(&issued.serial)));
        high_bit |= issued.serial.len == 16 && (issued.serial.octets[0] & 0x80) != 0;
        serials[i] = issued.serial;
        X509_free(leaf);
    }
    assert_true(high_bit);
    qsort(serials, COUNT, sizeof *serials, compare_serials);
    for (size_t i = 1; i < COUNT; i++)
        assert_int_not_equal(compare_serials(&serials[i - 1], &serials[i]), 0);
}

/* ---- signatures ---- */

static void authority_issue__signs_with_the_digest_of_its_key(void **state)
{
    static const struct {
        enum key_spec spec;
        int nid;
    } cases[] = {{KEY_SPEC_RSA_2048, NID_sha256WithRSAEncryption}, {KEY_SPEC_EC_P384, NID_ecdsa_with_SHA384}};
    AUTO(content) struct content content = person();
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct place other;
        AUTO(issued) struct issued issued = {0};
        AUTO(authority) struct authority *signer = place_root(&other, cases[i].spec);
        OK(authority_issue(signer, &content, key, clock_now(), &issued, &err));
        X509 *leaf = openssl_certificate(buf_span(&issued.der));
        X509 *issuer = openssl_certificate(buf_span(&authority_current(signer)->certificate->der));
        X509_CRL *list = read_crl(signer);
        assert_int_equal(X509_get_signature_nid(leaf), cases[i].nid);
        assert_int_equal(X509_get_signature_nid(issuer), cases[i].nid);
        assert_int_equal(X509_CRL_get_signature_nid(list), cases[i].nid);
        assert_int_equal(openssl_verify(leaf, issuer, NULL, list), X509_V_OK);
        X509_CRL_free(list);
        X509_free(issuer);
        X509_free(leaf);
        place_remove(&other);
    }
}

static void authority_issuer_of__knows_its_own_certificates_only(void **state)
{
    struct place other;
    AUTO(content) struct content content = person();
    AUTO(issued) struct issued ours = {0};
    AUTO(issued) struct issued theirs = {0};
    AUTO(certificate) struct certificate *our_leaf = NULL;
    AUTO(certificate) struct certificate *their_leaf = NULL;
    AUTO(authority) struct authority *namesake = place_root(&other, KEY_SPEC_EC_P256);
    (void)state;
    OK(authority_issue(authority, &content, key, clock_now(), &ours, &err));
    OK(authority_issue(namesake, &content, key, clock_now(), &theirs, &err));
    OK(certificate_decode(buf_span(&ours.der), &our_leaf, &err));
    OK(certificate_decode(buf_span(&theirs.der), &their_leaf, &err));
    assert_true(span_equal(our_leaf->issuer_der, their_leaf->issuer_der));
    assert_ptr_equal(authority_issuer_of(authority, our_leaf), authority_current(authority));
    assert_null(authority_issuer_of(authority, their_leaf));
    place_remove(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authority_issue__gives_what_the_content_says),
        cmocka_unit_test(authority_issue__points_to_issuer_and_crl),
        cmocka_unit_test(authority_issue__takes_the_templates_own_places),
        cmocka_unit_test(authority_issue__writes_template_information_for_a_template_with_an_oid),
        cmocka_unit_test(authority_issue__leaves_out_what_the_content_has_not),
        cmocka_unit_test(authority_issue__makes_the_san_critical_without_a_subject),
        cmocka_unit_test(authority_issue__refuses_to_certify_nobody),
        cmocka_unit_test(authority_issue__begins_five_minutes_back),
        cmocka_unit_test(authority_issue__stays_inside_the_issuers_validity),
        cmocka_unit_test(authority_issue__refuses_outside_the_issuers_validity),
        cmocka_unit_test(certificate_build__changes_to_generalizedtime_in_2050),
        cmocka_unit_test(authority_issue__draws_positive_serials_of_128_bits),
        cmocka_unit_test(authority_issue__signs_with_the_digest_of_its_key),
        cmocka_unit_test(authority_issuer_of__knows_its_own_certificates_only),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

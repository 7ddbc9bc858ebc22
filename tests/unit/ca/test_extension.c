/* SPDX-License-Identifier: Apache-2.0
 *
 * Extensions: octet for octet where a document gives the octets, and as OpenSSL reads them.
 */
#include "extension.h"

#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SID "S-1-5-21-1234567890-1234567890-1234567890-500"

static void expect_hex(struct buf *out, const char *expected)
{
    AUTO(buf) struct buf hex = BUF(16384);
    assert_int_equal(out->failed, STATUS_OK);
    hex_encode(&hex, buf_span(out));
    char *text = buf_take_text(&hex);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    buf_clear(out);
}

/* The one extension as OpenSSL decodes its value: the caller's. */
static void *openssl_value(const struct buf *out, int nid, bool critical)
{
    assert_int_equal(out->failed, STATUS_OK);
    const unsigned char *at = out->data;
    X509_EXTENSION *extension = d2i_X509_EXTENSION(NULL, &at, (long)out->len);
    assert_non_null(extension);
    assert_ptr_equal(at, out->data + out->len);
    assert_int_equal(OBJ_obj2nid(X509_EXTENSION_get_object(extension)), nid);
    assert_int_equal(X509_EXTENSION_get_critical(extension), critical);
    void *value = X509V3_EXT_d2i(extension);
    assert_non_null(value);
    X509_EXTENSION_free(extension);
    return value;
}

static struct buf oid_buf(const char *text)
{
    struct buf oid = BUF(64);
    assert_int_equal(oid_parse(text, &oid, NULL), STATUS_OK);
    return oid;
}

static struct config_strings strings(char **items, size_t count)
{
    return (struct config_strings){.items = items, .count = count};
}

/* ---- RFC 5280 ---- */

static void extension_key_identifiers__hold_the_identifier(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    (void)state;
    extension_ski(&out, SPAN("\x01\x02\x03", 3));
    expect_hex(&out, "300c0603551d0e0405"
                     "0403010203");
    extension_aki(&out, SPAN("\x01\x02\x03", 3));
    expect_hex(&out, "300e0603551d230407"
                     "30058003010203");
}

/* RFC 5280 section 4.2.1.3: "When present, conforming CAs SHOULD mark this extension as critical." */
static void extension_key_usage__is_critical_and_absent_without_bits(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    (void)state;
    extension_key_usage(&out, KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_ENCIPHERMENT);
    expect_hex(&out, "300e0603551d0f0101ff0404030205a0");
    extension_key_usage(&out, KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_CERT_SIGN | KEY_USAGE_CRL_SIGN);
    expect_hex(&out, "300e0603551d0f0101ff040403020186");
    extension_key_usage(&out, 0);
    assert_int_equal(out.len, 0);
}

/* RFC 5280 section 4.2.1.9: "Conforming CAs MUST include this extension in all CA certificates that contain
 * public keys used to validate digital signatures on certificates and MUST mark the extension as critical in
 * such certificates." */
static void extension_basic_constraints__is_critical_for_a_ca_and_empty_for_a_leaf(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    (void)state;
    extension_basic_constraints(&out, true);
    expect_hex(&out, "300f0603551d130101ff040530030101ff");
    extension_basic_constraints(&out, false);
    expect_hex(&out, "30090603551d1304023000");
}

static void extension_eku__lists_each_purpose(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    struct buf oids[] = {oid_buf("clientAuth"), oid_buf("1.3.6.1.4.1.311.20.2.2")};
    (void)state;
    extension_eku(&out, oids, 2);
    EXTENDED_KEY_USAGE *eku = openssl_value(&out, NID_ext_key_usage, false);
    assert_int_equal(sk_ASN1_OBJECT_num(eku), 2);
    assert_int_equal(OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, 0)), NID_client_auth);
    assert_int_equal(OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, 1)), NID_ms_smartcard_login);
    EXTENDED_KEY_USAGE_free(eku);
    buf_clear(&out);
    extension_eku(&out, oids, 0);
    assert_int_equal(out.len, 0);
    buf_free(&oids[0]);
    buf_free(&oids[1]);
}

static void extension_san__is_critical_where_asked(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    AUTO(general_names) struct general_names names = {0};
    (void)state;
    extension_san(&out, &names, false);
    assert_int_equal(out.len, 0);
    assert_int_equal(general_names_add(&names, SAN_DNS, "a.example", NULL), STATUS_OK);
    assert_int_equal(general_names_add(&names, SAN_UPN, "alice@LAB.TEST", NULL), STATUS_OK);
    for (int critical = 0; critical <= 1; critical++) {
        extension_san(&out, &names, critical != 0);
        GENERAL_NAMES *read = openssl_value(&out, NID_subject_alt_name, critical != 0);
        assert_int_equal(sk_GENERAL_NAME_num(read), 2);
        assert_int_equal(sk_GENERAL_NAME_value(read, 0)->type, GEN_DNS);
        assert_int_equal(sk_GENERAL_NAME_value(read, 1)->type, GEN_OTHERNAME);
        GENERAL_NAMES_free(read);
        buf_clear(&out);
    }
}

static const char *uri_of(const GENERAL_NAME *name)
{
    assert_int_equal(name->type, GEN_URI);
    return (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
}

static void extension_cdp__keeps_the_order_of_its_urls(void **state)
{
    char first[] = "http://a.example/A%20CA.crl", second[] = "http://b.example/ca.crl";
    char *urls[] = {first, second};
    struct config_strings list = strings(urls, 2), none = {0};
    AUTO(buf) struct buf out = BUF(1024);
    (void)state;
    extension_cdp(&out, &list);
    CRL_DIST_POINTS *points = openssl_value(&out, NID_crl_distribution_points, false);
    assert_int_equal(sk_DIST_POINT_num(points), 1);
    const DIST_POINT *point = sk_DIST_POINT_value(points, 0);
    assert_null(point->reasons);
    assert_null(point->CRLissuer);
    assert_int_equal(sk_GENERAL_NAME_num(point->distpoint->name.fullname), 2);
    assert_string_equal(uri_of(sk_GENERAL_NAME_value(point->distpoint->name.fullname, 0)), first);
    assert_string_equal(uri_of(sk_GENERAL_NAME_value(point->distpoint->name.fullname, 1)), second);
    CRL_DIST_POINTS_free(points);
    buf_clear(&out);
    extension_cdp(&out, &none);
    assert_int_equal(out.len, 0);
}

static void extension_aia__names_issuers_then_ocsp(void **state)
{
    char first[] = "http://a.example/ca.crt";
    char *urls[] = {first};
    struct config_strings list = strings(urls, 1), none = {0};
    AUTO(buf) struct buf out = BUF(1024);
    (void)state;
    extension_aia(&out, &list, "http://a.example/ocsp");
    AUTHORITY_INFO_ACCESS *aia = openssl_value(&out, NID_info_access, false);
    assert_int_equal(sk_ACCESS_DESCRIPTION_num(aia), 2);
    const ACCESS_DESCRIPTION *issuer = sk_ACCESS_DESCRIPTION_value(aia, 0);
    const ACCESS_DESCRIPTION *ocsp = sk_ACCESS_DESCRIPTION_value(aia, 1);
    assert_int_equal(OBJ_obj2nid(issuer->method), NID_ad_ca_issuers);
    assert_string_equal(uri_of(issuer->location), first);
    assert_int_equal(OBJ_obj2nid(ocsp->method), NID_ad_OCSP);
    assert_string_equal(uri_of(ocsp->location), "http://a.example/ocsp");
    AUTHORITY_INFO_ACCESS_free(aia);
    buf_clear(&out);
    extension_aia(&out, &none, NULL);
    assert_int_equal(out.len, 0);
    extension_aia(&out, &none, "http://a.example/ocsp");
    assert_true(out.len > 0);
}

static void extension_policies__carry_their_cps(void **state)
{
    char cps[] = "http://a.example/cps";
    struct policy policies[] = {{.oid = oid_buf("1.2.3.4"), .cps = cps}, {.oid = oid_buf("1.2.3.5")}};
    AUTO(buf) struct buf out = BUF(1024);
    (void)state;
    extension_policies(&out, policies, 2);
    CERTIFICATEPOLICIES *read = openssl_value(&out, NID_certificate_policies, false);
    assert_int_equal(sk_POLICYINFO_num(read), 2);
    const POLICYINFO *first = sk_POLICYINFO_value(read, 0);
    assert_int_equal(sk_POLICYQUALINFO_num(first->qualifiers), 1);
    const POLICYQUALINFO *qualifier = sk_POLICYQUALINFO_value(first->qualifiers, 0);
    assert_int_equal(OBJ_obj2nid(qualifier->pqualid), NID_id_qt_cps);
    assert_string_equal((const char *)ASN1_STRING_get0_data(qualifier->d.cpsuri), cps);
    assert_null(sk_POLICYINFO_value(read, 1)->qualifiers);
    CERTIFICATEPOLICIES_free(read);
    buf_clear(&out);
    extension_policies(&out, policies, 0);
    assert_int_equal(out.len, 0);
    buf_free(&policies[0].oid);
    buf_free(&policies[1].oid);
}

static void extension_ocsp_nocheck__is_null(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    (void)state;
    extension_ocsp_nocheck(&out);
    expect_hex(&out, "300f06092b060105050730010504020500");
}

/* RFC 5280 section 5.2.3: "CRL number … non-critical" */
static void extension_crl_number__is_not_critical(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    (void)state;
    extension_crl_number(&out, 0x80);
    expect_hex(&out, "300b0603551d140404"
                     "02020080");
}

/* ---- Microsoft ---- */

/* KB5014754: a 45-character SID gives 303fa03d060a2b060104018237190201a02f042d… */
static void extension_sid__has_the_octets_of_kb5014754(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    AUTO(buf) struct buf expected = BUF(1024);
    (void)state;
    assert_int_equal(strlen(SID), 45);
    assert_int_equal(hex_decode("304e06092b060104018237190204"
                                "41"
                                "303fa03d060a2b060104018237190201a02f042d",
                                &expected, NULL),
                     STATUS_OK);
    buf_add_text(&expected, SID);
    extension_sid(&out, SID);
    assert_int_equal(out.failed, STATUS_OK);
    assert_true(span_equal(buf_span(&out), buf_span(&expected)));
}

static void extension_template_name__is_a_bmp_string(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    (void)state;
    assert_int_equal(extension_template_name(&out, "Us\xc3\xa9\xe2\x82\xac", NULL), STATUS_OK);
    expect_hex(&out, "301706092b060104018237140204"
                     "0a"
                     "1e08"
                     "0055"
                     "0073"
                     "00e9"
                     "20ac");
}

static void extension_template_name__refuses_what_a_bmp_string_cannot_say(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    struct err err = {0};
    (void)state;
    assert_int_equal(extension_template_name(&out, "a\xf0\x9f\x98\x80", &err), STATUS_MALFORMED);
    assert_non_null(strstr(err.text, "U+FFFF"));
    assert_int_equal(extension_template_name(&out, "a\xff", &err), STATUS_MALFORMED);
    assert_int_equal(out.len, 0);
}

static void extension_template_info__holds_oid_and_versions(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    AUTO(buf) struct buf oid = oid_buf("1.3.6.1.4.1.311.21.8.1");
    (void)state;
    extension_template_info(&out, buf_span(&oid), 100, 3);
    expect_hex(&out, "302106092b060104018237150704"
                     "14"
                     "3012"
                     "060a2b060104018237150801"
                     "020164"
                     "020103");
}

static void extension_application_policies__are_policies_without_qualifiers(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    struct buf oids[] = {oid_buf("clientAuth")};
    (void)state;
    extension_application_policies(&out, oids, 1);
    expect_hex(&out, "301b06092b060104018237150a04"
                     "0e"
                     "300c"
                     "300a"
                     "06082b06010505070302");
    extension_application_policies(&out, oids, 0);
    assert_int_equal(out.len, 0);
    buf_free(&oids[0]);
}

static void extension_ca_version__is_key_index_above_certificate_index(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    (void)state;
    extension_ca_version(&out, 0, 0);
    expect_hex(&out, "301006092b060104018237150104"
                     "03"
                     "020100");
    extension_ca_version(&out, 1, 3);
    expect_hex(&out, "301206092b060104018237150104"
                     "05"
                     "0203010003");
}

static void extension_next_publish__is_a_utctime(void **state)
{
    AUTO(buf) struct buf out = BUF(1024);
    (void)state;
    extension_next_publish(&out, 1767225600); /* 2026-01-01T00:00:00Z */
    expect_hex(&out, "301c06092b060104018237150404"
                     "0f"
                     "170d"
                     "3236303130313030303030305a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extension_key_identifiers__hold_the_identifier),
        cmocka_unit_test(extension_key_usage__is_critical_and_absent_without_bits),
        cmocka_unit_test(extension_basic_constraints__is_critical_for_a_ca_and_empty_for_a_leaf),
        cmocka_unit_test(extension_eku__lists_each_purpose),
        cmocka_unit_test(extension_san__is_critical_where_asked),
        cmocka_unit_test(extension_cdp__keeps_the_order_of_its_urls),
        cmocka_unit_test(extension_aia__names_issuers_then_ocsp),
        cmocka_unit_test(extension_policies__carry_their_cps),
        cmocka_unit_test(extension_ocsp_nocheck__is_null),
        cmocka_unit_test(extension_crl_number__is_not_critical),
        cmocka_unit_test(extension_sid__has_the_octets_of_kb5014754),
        cmocka_unit_test(extension_template_name__is_a_bmp_string),
        cmocka_unit_test(extension_template_name__refuses_what_a_bmp_string_cannot_say),
        cmocka_unit_test(extension_template_info__holds_oid_and_versions),
        cmocka_unit_test(extension_application_policies__are_policies_without_qualifiers),
        cmocka_unit_test(extension_ca_version__is_key_index_above_certificate_index),
        cmocka_unit_test(extension_next_publish__is_a_utctime),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

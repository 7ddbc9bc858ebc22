/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of OIDs: its columns against each other and against OpenSSL; dotted text of any OID.
 */
#include "der.h"
#include "oid.h"
#include "oid_table.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/objects.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define OCTETS(text) SPAN("" text, sizeof(text) - 1)

#define assert_status(expected, call) assert_string_equal(status_name(expected), status_name(call))

static const struct {
    enum oid oid;
    const char *name;
    const char *dotted;
} rows[] = {
#define ROW(oid, name, dotted, ...) {oid, name, dotted},
    OID_TABLE(ROW)
#undef ROW
};
#define ROWS (sizeof rows / sizeof rows[0])

static void assert_parses_to(const char *text, struct span octets)
{
    AUTO(buf) struct buf parsed = BUF(64);
    assert_status(STATUS_OK, oid_parse(text, &parsed, NULL));
    assert_true(span_equal(buf_span(&parsed), octets));
}

static void assert_text(struct span octets, const char *dotted)
{
    AUTO(buf) struct buf text = BUF(400);
    oid_text(&text, octets);
    assert_int_equal(text.len, strlen(dotted));
    assert_memory_equal(text.data, dotted, text.len);
}

static void oid_table__octets_are_those_of_the_dotted_text(void **state)
{
    (void)state;
    assert_int_equal(ROWS, OID_COUNT_ - 1);
    for (size_t i = 0; i < ROWS; i++) {
        struct span octets = oid_octets(rows[i].oid);
        assert_parses_to(rows[i].dotted, octets);
        assert_text(octets, rows[i].dotted);
        assert_int_equal(oid_find(octets), rows[i].oid);
    }
}

static void oid_table__octets_are_those_of_openssl(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        ASN1_OBJECT *object = OBJ_txt2obj(rows[i].dotted, 1);
        assert_non_null(object);
        assert_true(span_equal(SPAN(OBJ_get0_data(object), OBJ_length(object)), oid_octets(rows[i].oid)));
        ASN1_OBJECT_free(object);
    }
}

/* The meaning, not only the digits: where OpenSSL has the same name it has the same OID. But for "data",
 * which is ITU-T's arc 0.9 there. */
static void oid_table__names_mean_what_openssl_means(void **state)
{
    (void)state;
    size_t shared = 0;
    for (size_t i = 0; i < ROWS; i++) {
        ASN1_OBJECT *object = OBJ_txt2obj(rows[i].name, 0);
        if (object == NULL || rows[i].oid == OID_DATA) {
            ASN1_OBJECT_free(object);
            continue;
        }
        shared++;
        assert_true(span_equal(SPAN(OBJ_get0_data(object), OBJ_length(object)), oid_octets(rows[i].oid)));
        ASN1_OBJECT_free(object);
    }
    assert_true(shared > 75);
}

/* Names that OpenSSL spells otherwise. */
static void oid_table__other_names_mean_what_openssl_means(void **state)
{
    (void)state;
    static const struct {
        enum oid oid;
        const char *openssl_name;
    } cases[] = {
        {OID_P256, "prime256v1"},
        {OID_P384, "secp384r1"},
        {OID_P521, "secp521r1"},
        {OID_EC_PUBLIC_KEY, "id-ecPublicKey"},
        {OID_AES128_CBC, "AES-128-CBC"},
        {OID_AES192_CBC, "AES-192-CBC"},
        {OID_AES256_CBC, "AES-256-CBC"},
        {OID_SIGNED_DATA, "pkcs7-signedData"},
        {OID_ENVELOPED_DATA, "pkcs7-envelopedData"},
        {OID_DATA, "pkcs7-data"},
        {OID_PWRI_KEK, "id-alg-PWRI-KEK"},
        {OID_EXTENSION_REQUEST, "extReq"},
        {OID_MS_EXTENSION_REQUEST, "msExtReq"},
        {OID_CRL_NUMBER, "crlNumber"},
        {OID_CRL_REASON, "CRLReason"},
        {OID_DELTA_CRL, "deltaCRL"},
        {OID_CDP, "crlDistributionPoints"},
        {OID_ANY_POLICY, "X509v3 Any Policy"},
        {OID_CPS, "id-qt-cps"},
        {OID_AD_OCSP, "OCSP"},
        {OID_OCSP_NOCHECK, "noCheck"},
        {OID_MS_UPN, "msUPN"},
        {OID_EKU_SMARTCARD_LOGON, "msSmartcardLogin"},
        {OID_EKU_EFS, "msEFS"},
        {OID_EKU_IPSEC_IKE, "ipsecIKE"},
        {OID_EKU_PKINIT_CLIENT, "pkInitClientAuth"},
        {OID_EKU_PKINIT_KDC, "pkInitKDC"},
        {OID_RSASSA_PSS, "rsassaPss"},
        {OID_RSAES_OAEP, "rsaesOaep"},
        {OID_FRESHEST_CRL, "freshestCRL"},
        {OID_ISSUING_DP, "issuingDistributionPoint"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int nid = OBJ_txt2nid(cases[i].openssl_name);
        assert_int_not_equal(nid, NID_undef);
        const ASN1_OBJECT *object = OBJ_nid2obj(nid);
        assert_true(span_equal(SPAN(OBJ_get0_data(object), OBJ_length(object)), oid_octets(cases[i].oid)));
    }
}

static void oid_by_name__finds_each_name_whatever_its_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        char upper[64];
        size_t len = strlen(rows[i].name);
        assert_true(len < sizeof upper);
        for (size_t n = 0; n <= len; n++) {
            char c = rows[i].name[n];
            upper[n] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        }
        assert_string_equal(oid_name(rows[i].oid), rows[i].name);
        assert_int_equal(oid_by_name(rows[i].name), rows[i].oid);
        assert_int_equal(oid_by_name(upper), rows[i].oid);
    }
}

static void oid_by_name__knows_other_spellings(void **state)
{
    (void)state;
    assert_int_equal(oid_by_name("E"), OID_EMAIL);
    assert_int_equal(oid_by_name("email"), OID_EMAIL);
    assert_int_equal(oid_by_name("S"), OID_ST);
    assert_int_equal(oid_by_name("G"), OID_GIVEN_NAME);
    assert_int_equal(oid_by_name("SN"), OID_SURNAME);
    assert_int_equal(oid_by_name("SERIALNUMBER"), OID_SERIAL_NUMBER);
    assert_int_equal(oid_by_name("STREET"), OID_STREET);
    assert_int_equal(oid_by_name("commonname"), OID_CN);
    assert_int_equal(oid_by_name(""), OID_UNKNOWN);
    assert_int_equal(oid_by_name("CNN"), OID_UNKNOWN);
}

static void oid_octets_and_name__have_none_for_unknown(void **state)
{
    (void)state;
    assert_int_equal(oid_octets(OID_UNKNOWN).len, 0);
    assert_int_equal(oid_octets(OID_COUNT_).len, 0);
    assert_null(oid_name(OID_UNKNOWN));
    assert_null(oid_name(OID_COUNT_));
}

/* Every octet of every known OID changed in each bit, cut by one, longer by one. */
static void oid_find__finds_nothing_near(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct span known = oid_octets(rows[i].oid);
        uint8_t octets[16] = {0};
        memcpy(octets, known.data, known.len);
        for (size_t bit = 0; bit < 8 * known.len; bit++) {
            octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
            struct span changed = SPAN(octets, known.len);
            enum oid found = oid_find(changed);
            assert_int_not_equal(found, rows[i].oid);
            assert_true(found == OID_UNKNOWN || span_equal(oid_octets(found), changed));
            octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_not_equal(oid_find(SPAN(octets, known.len - 1)), rows[i].oid);
        octets[known.len] = 0xff;
        assert_int_equal(oid_find(SPAN(octets, known.len + 1)), OID_UNKNOWN);
    }
    assert_int_equal(oid_find(SPAN_NONE), OID_UNKNOWN);
}

static void oid_text__writes_arcs_of_any_size(void **state)
{
    (void)state;
    assert_text(OCTETS("\x00"), "0.0");
    assert_text(OCTETS("\x27"), "0.39");
    assert_text(OCTETS("\x28"), "1.0");
    assert_text(OCTETS("\x4f"), "1.39");
    assert_text(OCTETS("\x50"), "2.0");
    assert_text(OCTETS("\x88\x37"), "2.999");
    assert_text(OCTETS("\x69\x83\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
                "2.25.255211775190703847597530955573826158592");
    assert_text(OCTETS("\x88\x80\x80\x80\x80\x80\x00"), "2.35184372088752");
}

static void oid_text__says_what_is_none(void **state)
{
    (void)state;
    static const uint8_t long_oid[65];
    assert_text(SPAN_NONE, "malformed OID");
    assert_text(OCTETS("\x55\x84"), "malformed OID");
    assert_text(SPAN(long_oid, sizeof long_oid), "malformed OID");
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Random well-formed octets: our text is OpenSSL's, and reads back. */
static void oid_text__agrees_with_openssl(void **state)
{
    (void)state;
    uint32_t seed = 0x5ce97e12;
    for (size_t round = 0; round < 3000; round++) {
        uint8_t der[2 + 64] = {DER_OID, (uint8_t)(1 + next_random(&seed) % 64)};
        size_t len = der[1];
        unsigned continued = next_random(&seed) % 10;
        for (size_t i = 0; i < len; i++)
            der[2 + i] =
                (uint8_t)((next_random(&seed) & 0x7f) | (next_random(&seed) % 10 < continued ? 0x80 : 0));
        der[1 + len] &= 0x7f;
        struct der_reader reader = der_reader(SPAN(der, 2 + len));
        struct span octets;
        if (der_take_oid(&reader, &octets, "OID", NULL) != STATUS_OK)
            continue;
        const uint8_t *at = der;
        ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)(2 + len));
        assert_non_null(object);
        char dotted[400];
        assert_in_range(OBJ_obj2txt(dotted, sizeof dotted, object, 1), 1, sizeof dotted - 1);
        assert_text(octets, dotted);
        assert_parses_to(dotted, octets);
        ASN1_OBJECT_free(object);
    }
}

static void oid_parse__takes_names_and_appends(void **state)
{
    (void)state;
    AUTO(buf) struct buf octets = BUF(64);
    assert_status(STATUS_OK, oid_parse("clientAuth", &octets, NULL));
    assert_status(STATUS_OK, oid_parse("2.5.4.3", &octets, NULL));
    assert_true(span_equal(buf_span(&octets), OCTETS("\x2b\x06\x01\x05\x05\x07\x03\x02\x55\x04\x03")));
}

static void oid_parse__refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "1",
        "1.",
        ".1",
        "1.2.",
        "1..2",
        "3.1",
        "1.40",
        "0.40",
        "01.2",
        "1.02",
        "1.2.00",
        "1.2 ",
        " 1.2",
        "1.-2",
        "noSuchName",
        "2.5.4.x",
        "1,2",
        "1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0."
        "1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7",
        "2."
        "9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999"
        "9"
        "999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999"
        "9",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO(buf) struct buf octets = BUF(100);
        struct err err = {0};
        assert_status(STATUS_MALFORMED, oid_parse(bad[i], &octets, &err));
        assert_non_null(strstr(err.text, "dotted numbers"));
        assert_int_equal(octets.len, 0);
    }
}

static void oid_parse__takes_64_octets_and_no_more(void **state)
{
    (void)state;
    char text[3 + 64 * 2 + 1] = "1.2";
    for (size_t i = 0; i < 63; i++)
        memcpy(text + 3 + 2 * i, ".1", 3);
    AUTO(buf) struct buf octets = BUF(100);
    assert_status(STATUS_OK, oid_parse(text, &octets, NULL));
    assert_int_equal(octets.len, 64);
    memcpy(text + 3 + 2 * 63, ".1", 3);
    assert_status(STATUS_MALFORMED, oid_parse(text, &octets, NULL));
    assert_int_equal(octets.len, 64);
}

static void der_put_algorithm__writes_both_forms(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(100);
    der_put_oid(&out, OID_CN);
    der_put_algorithm(&out, OID_SHA1, true);
    der_put_algorithm(&out, OID_SHA1, false);
    assert_true(span_equal(buf_span(&out), OCTETS("\x06\x03\x55\x04\x03"
                                                  "\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00"
                                                  "\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oid_table__octets_are_those_of_the_dotted_text),
        cmocka_unit_test(oid_table__octets_are_those_of_openssl),
        cmocka_unit_test(oid_table__names_mean_what_openssl_means),
        cmocka_unit_test(oid_table__other_names_mean_what_openssl_means),
        cmocka_unit_test(oid_by_name__finds_each_name_whatever_its_case),
        cmocka_unit_test(oid_by_name__knows_other_spellings),
        cmocka_unit_test(oid_octets_and_name__have_none_for_unknown),
        cmocka_unit_test(oid_find__finds_nothing_near),
        cmocka_unit_test(oid_text__writes_arcs_of_any_size),
        cmocka_unit_test(oid_text__says_what_is_none),
        cmocka_unit_test(oid_text__agrees_with_openssl),
        cmocka_unit_test(oid_parse__takes_names_and_appends),
        cmocka_unit_test(oid_parse__refuses_what_is_none),
        cmocka_unit_test(oid_parse__takes_64_octets_and_no_more),
        cmocka_unit_test(der_put_algorithm__writes_both_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

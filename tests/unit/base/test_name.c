/* SPDX-License-Identifier: Apache-2.0
 *
 * Names as DER and compared: held against OpenSSL's X509_NAME, whole and mutated.
 */
#include "name.h"

#include "der.h"
#include "mutate.h"

#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MUTATIONS 40000

/* ---- names made by OpenSSL ---- */

struct entry {
    int nid;
    int string_type;
    const char *octets;
    int len;
    int set; /* 0: a new RDN, -1: the one before */
};

static const struct entry entries[] = {
    {NID_countryName, V_ASN1_PRINTABLESTRING, "DE", 2, 0},
    {NID_domainComponent, V_ASN1_IA5STRING, "example", 7, 0},
    {NID_organizationName, V_ASN1_UTF8STRING, "M\xc3\xbcller & S\xc3\xb6hne", 16, 0},
    {NID_organizationalUnitName, V_ASN1_BMPSTRING, "\0D\0e\0v\x20\xac", 8, 0},
    {NID_localityName, V_ASN1_T61STRING, "K\xf6ln", 4, 0},
    {NID_title, V_ASN1_UNIVERSALSTRING, "\0\0\0T\0\x01\xf6\0", 8, 0},
    {NID_serialNumber, V_ASN1_PRINTABLESTRING, "C02-1234", 8, 0},
    {NID_commonName, V_ASN1_UTF8STRING, "alice", 5, 0},
    {NID_userId, V_ASN1_UTF8STRING, "a1", 2, -1},
    {NID_pkcs9_emailAddress, V_ASN1_IA5STRING, "alice@lab.example", 17, -1},
};
#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

static X509_NAME *openssl_name(void)
{
    X509_NAME *name = X509_NAME_new();

    for (size_t i = 0; i < ENTRY_COUNT; i++)
        assert_int_equal(X509_NAME_add_entry_by_NID(name, entries[i].nid, entries[i].string_type,
                                                    (const unsigned char *)entries[i].octets, entries[i].len,
                                                    -1, entries[i].set),
                         1);
    return name;
}

static void encode_openssl(X509_NAME *name, struct buf *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509_NAME(name, &der);

    assert_true(len > 0);
    buf_add(out, SPAN(der, (size_t)len));
    OPENSSL_free(der);
}

/* Types, values and the division into RDNs are the same. */
static void assert_same(const struct name *name, const X509_NAME *expected)
{
    assert_int_equal(name->count, X509_NAME_entry_count(expected));
    for (size_t i = 0; i < name->count; i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(expected, (int)i);
        const ASN1_OBJECT *type = X509_NAME_ENTRY_get_object(entry);
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
        unsigned char *text = NULL;
        int len = ASN1_STRING_to_UTF8(&text, value);
        assert_true(len >= 0);
        assert_true(span_equal(buf_span(&name->avas[i].type), SPAN(OBJ_get0_data(type), OBJ_length(type))));
        assert_true(span_equal(SPAN_STR(name->avas[i].value), SPAN(text, (size_t)len)));
        assert_int_equal(name->avas[i].string_tag, ASN1_STRING_type(value));
        assert_int_equal(name->avas[i].with_previous,
                         i > 0 && X509_NAME_ENTRY_set(entry) ==
                                      X509_NAME_ENTRY_set(X509_NAME_get_entry(expected, (int)i - 1)));
        OPENSSL_free(text);
    }
}

static void name_decode__reads_what_openssl_wrote(void **state)
{
    AUTO(name) struct name name = {0};
    AUTO(buf) struct buf der = BUF(4096);
    X509_NAME *expected = openssl_name();
    const unsigned char *next = NULL;
    X509_NAME *sorted = NULL;

    (void)state;
    encode_openssl(expected, &der);
    next = der.data;
    sorted = d2i_X509_NAME(NULL, &next, (long)der.len);
    assert_int_equal(name_decode(buf_span(&der), &name, NULL), STATUS_OK);
    assert_same(&name, sorted);
    X509_NAME_free(sorted);
    X509_NAME_free(expected);
}

static void name_encode__gives_the_same_octets_back(void **state)
{
    AUTO(name) struct name name = {0};
    AUTO(name) struct name copy = {0};
    AUTO(buf) struct buf der = BUF(4096);
    AUTO(buf) struct buf again = BUF(4096);
    X509_NAME *expected = openssl_name();

    (void)state;
    encode_openssl(expected, &der);
    assert_int_equal(name_decode(buf_span(&der), &name, NULL), STATUS_OK);
    assert_int_equal(name_copy(&name, &copy, NULL), STATUS_OK);
    name_encode(&copy, &again);
    assert_true(span_equal(buf_span(&der), buf_span(&again)));
    X509_NAME_free(expected);
}

static void name_decode__reads_mutated_names_as_openssl_does_or_refuses(void **state)
{
    AUTO(buf) struct buf der = BUF(4096);
    X509_NAME *original = openssl_name();
    uint64_t seed = 1;
    unsigned accepted = 0;

    (void)state;
    encode_openssl(original, &der);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        AUTO(name) struct name name = {0};
        uint8_t octets[1024];
        const unsigned char *next = octets;
        size_t len = 0;
        X509_NAME *read = NULL;
        memcpy(octets, der.data, der.len);
        len = mutate(&seed, octets, der.len);
        if (name_decode(SPAN(octets, len), &name, NULL) != STATUS_OK)
            continue;
        read = d2i_X509_NAME(NULL, &next, (long)len);
        assert_non_null(read);
        assert_ptr_equal(next, octets + len);
        assert_same(&name, read);
        X509_NAME_free(read);
        accepted++;
    }
    assert_true(accepted > MUTATIONS / 20);
    X509_NAME_free(original);
}

/* ---- hostile names ---- */

#define OCTETS(...) SPAN(((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__}))

static enum status decode(struct span der)
{
    AUTO(name) struct name name = {0};

    return name_decode(der, &name, NULL);
}

static void name_decode__takes_the_empty_name(void **state)
{
    (void)state;
    assert_int_equal(decode(OCTETS(0x30, 0x00)), STATUS_OK);
}

static void name_decode__refuses_hostile_names(void **state)
{
    const struct span hostile[] = {
        SPAN_NONE,
        OCTETS(0x31, 0x00),                                                          /* no SEQUENCE */
        OCTETS(0x30, 0x00, 0x00),                                                    /* trailing octet */
        OCTETS(0x30, 0x02, 0x31, 0x00),                                              /* an RDN of nothing */
        OCTETS(0x30, 0x0b, 0x31, 0x09, 0x30, 0x07, 6, 3, 0x55, 4, 3, 0x0c, 1),       /* length too long */
        OCTETS(0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 6, 3, 0x55, 4, 3, 0x0c, 1, 0),    /* NUL */
        OCTETS(0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 6, 3, 0x55, 4, 3, 0x0c, 1, 0xff), /* no UTF-8 */
        OCTETS(0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 6, 3, 0x55, 4, 3, 0x1e, 1, 'a'),  /* half a character */
        OCTETS(0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 6, 3, 0x55, 4, 3, 0x02, 1, 1),    /* INTEGER */
        OCTETS(0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 6, 3, 0x55, 4, 3, 0x1a, 1, 'a'),  /* VisibleString */
        OCTETS(0x30, 0x0e, 0x31, 0x0c, 0x30, 0x0a, 6, 3, 0x55, 4, 3, 0x0c, 1, 'a', 5, 0), /* a third field */
    };

    (void)state;
    assert_int_equal(decode(OCTETS(0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 6, 3, 0x55, 4, 3, 0x0c, 1, 'a')),
                     STATUS_OK);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        assert_int_equal(decode(hostile[i]), STATUS_MALFORMED);
}

static void name_decode__reads_characters_that_printable_string_lacks(void **state)
{
    AUTO(name) struct name name = {0};
    AUTO(buf) struct buf der = BUF(64);

    (void)state;
    assert_int_equal(
        name_decode(OCTETS(0x30, 0x0e, 0x31, 0x0c, 0x30, 0x0a, 6, 3, 0x55, 4, 3, 0x13, 3, 'a', '@', 'b'),
                    &name, NULL),
        STATUS_OK);
    assert_string_equal(name.avas[0].value, "a@b");
    name_encode(&name, &der);
    assert_int_equal(der.data[11], DER_UTF8_STRING);
}

static void name_add__limits_number_and_length(void **state)
{
    AUTO(name) struct name name = {0};
    static char longest[NAME_VALUE_MAX + 2];

    (void)state;
    memset(longest, 'a', NAME_VALUE_MAX + 1);
    assert_int_equal(name_add(&name, oid_octets(OID_CN), longest, 0, false, NULL), STATUS_LIMIT);
    assert_int_equal(name_add(&name, oid_octets(OID_CN), "\xc0\x80", 0, false, NULL), STATUS_MALFORMED);
    for (unsigned i = 0; i < NAME_AVA_MAX; i++)
        assert_int_equal(name_add(&name, oid_octets(OID_CN), longest + 1, 0, false, NULL), STATUS_OK);
    assert_int_equal(name_add(&name, oid_octets(OID_CN), "b", 0, false, NULL), STATUS_LIMIT);
}

static void name_encode__chooses_the_string_type_by_attribute(void **state)
{
    static const struct {
        enum oid type;
        const char *value;
        uint8_t tag;
    } cases[] = {
        {OID_C, "DE", DER_PRINTABLE_STRING},
        {OID_C, "D_", DER_UTF8_STRING},
        {OID_SERIAL_NUMBER, "1", DER_PRINTABLE_STRING},
        {OID_DN_QUALIFIER, "1", DER_PRINTABLE_STRING},
        {OID_DC, "example", DER_IA5_STRING},
        {OID_DC, "\xc3\xbc", DER_UTF8_STRING},
        {OID_EMAIL, "a@b", DER_IA5_STRING},
        {OID_CN, "DE", DER_UTF8_STRING},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(name) struct name name = {0};
        AUTO(name) struct name read = {0};
        AUTO(buf) struct buf der = BUF(256);
        assert_int_equal(name_add(&name, oid_octets(cases[i].type), cases[i].value, 0, false, NULL),
                         STATUS_OK);
        name_encode(&name, &der);
        assert_int_equal(name_decode(buf_span(&der), &read, NULL), STATUS_OK);
        assert_int_equal(read.avas[0].string_tag, cases[i].tag);
        assert_string_equal(read.avas[0].value, cases[i].value);
    }
}

/* ---- comparing ---- */

/* RFC 5280 section 7.1: "Two naming attributes match if the attribute types are the same and the values of
 * the attributes are an exact match after processing with the string preparation algorithm. Two relative
 * distinguished names RDN1 and RDN2 match if they have the same number of naming attributes and for each
 * naming attribute in RDN1 there is a matching naming attribute in RDN2. Two distinguished names DN1 and DN2
 * match if they have the same number of RDNs, for each RDN in DN1 there is a matching RDN in DN2, and the
 * matching RDNs appear in the same order in both DNs." */
static const struct {
    const char *a;
    const char *b;
    bool equal;
} comparisons[] = {
    {"", "", true},
    {"CN=a", "", false},
    {"CN=Alice", "cn=ALICE", true},
    {"CN=a", "CN=#1e020041", true},
    {"CN=a", "O=a", false},
    {"CN=a b", "CN=\\ \\ A  \t  B\\ ", true},
    {"CN=a b", "CN=ab", false},
    {"CN=ab", "CN=a", false},
    {"CN=\\ ", "CN=", true},
    {"CN=a,O=x", "O=x,CN=a", false},
    {"CN=a+O=x", "O=X+CN=A", true},
    {"CN=a+O=x", "CN=a,O=x", false},
    {"CN=a+CN=a+CN=b", "CN=a+CN=b+CN=b", false},
    {"CN=a+CN=b+CN=a", "CN=b+CN=a+CN=a", true},
    {"CN=a+O=x,OU=y", "CN=a,OU=y+O=x", false},
    {"1.2.3.4=#0c0161", "1.2.3.4=#130141", true},
};

static void parse_pair(size_t i, struct name *a, struct name *b)
{
    assert_int_equal(name_parse(comparisons[i].a, a, NULL), STATUS_OK);
    assert_int_equal(name_parse(comparisons[i].b, b, NULL), STATUS_OK);
}

static void name_equal__follows_rfc_5280_section_7_1(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
        AUTO(name) struct name a = {0};
        AUTO(name) struct name b = {0};
        parse_pair(i, &a, &b);
        assert_int_equal(name_equal(&a, &b), comparisons[i].equal);
        assert_int_equal(name_equal(&b, &a), comparisons[i].equal);
    }
}

static X509_NAME *as_openssl(const struct name *name)
{
    AUTO(buf) struct buf der = BUF(4096);
    const unsigned char *next = NULL;

    name_encode(name, &der);
    next = der.data;
    return d2i_X509_NAME(NULL, &next, (long)der.len);
}

static void name_equal__agrees_with_openssl(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
        AUTO(name) struct name a = {0};
        AUTO(name) struct name b = {0};
        X509_NAME *openssl_a = NULL;
        X509_NAME *openssl_b = NULL;
        parse_pair(i, &a, &b);
        openssl_a = as_openssl(&a);
        openssl_b = as_openssl(&b);
        assert_int_equal(X509_NAME_cmp(openssl_a, openssl_b) == 0, comparisons[i].equal);
        X509_NAME_free(openssl_a);
        X509_NAME_free(openssl_b);
    }
}

static void name_canonical__is_equal_when_names_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
        AUTO(name) struct name a = {0};
        AUTO(name) struct name b = {0};
        AUTO(buf) struct buf form_a = BUF(4096);
        AUTO(buf) struct buf form_b = BUF(4096);
        parse_pair(i, &a, &b);
        name_canonical(&a, &form_a);
        name_canonical(&b, &form_b);
        assert_int_equal(span_equal(buf_span(&form_a), buf_span(&form_b)), comparisons[i].equal);
    }
}

static void name_value_equal__folds_case_beyond_ascii(void **state)
{
    (void)state;
    assert_true(name_value_equal("M\u00dcLLER", "m\u00fcller"));
    assert_true(name_value_equal("\u0160\u017d\u0139\u0178", "\u0161\u017e\u013a\u00ff"));
    assert_true(name_value_equal("\u0391\u03a9", "\u03b1\u03c9"));
    assert_true(name_value_equal("\u042f\u0401", "\u044f\u0451"));
    assert_true(name_value_equal("a\u00a0\u3000b", "a b"));
    assert_false(name_value_equal("\u00d7", "\u00f7"));
    assert_false(name_value_equal("\u0130", "i"));
    assert_false(name_value_equal("m\u00fcller", "muller"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_decode__reads_what_openssl_wrote),
        cmocka_unit_test(name_encode__gives_the_same_octets_back),
        cmocka_unit_test(name_decode__reads_mutated_names_as_openssl_does_or_refuses),
        cmocka_unit_test(name_decode__takes_the_empty_name),
        cmocka_unit_test(name_decode__refuses_hostile_names),
        cmocka_unit_test(name_decode__reads_characters_that_printable_string_lacks),
        cmocka_unit_test(name_add__limits_number_and_length),
        cmocka_unit_test(name_encode__chooses_the_string_type_by_attribute),
        cmocka_unit_test(name_equal__follows_rfc_5280_section_7_1),
        cmocka_unit_test(name_equal__agrees_with_openssl),
        cmocka_unit_test(name_canonical__is_equal_when_names_are),
        cmocka_unit_test(name_value_equal__folds_case_beyond_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Names as RFC 4514 text, both ways: held against OpenSSL's printing, against the examples of the RFC, and
 * against themselves.
 */
#include "name.h"

#include "mutate.h"

#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void add(struct name *name, enum oid type, const char *value, bool with_previous)
{
    assert_int_equal(name_add(name, oid_octets(type), value, 0, with_previous, NULL), STATUS_OK);
}

static void assert_text(const struct name *name, const char *expected)
{
    AUTO(heap) char *text = NULL;

    assert_int_equal(name_text_copy(name, &text, NULL), STATUS_OK);
    assert_string_equal(text, expected);
}

static void assert_identical(const struct name *a, const struct name *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_true(span_equal(buf_span(&a->avas[i].type), buf_span(&b->avas[i].type)));
        assert_string_equal(a->avas[i].value, b->avas[i].value);
        assert_int_equal(a->avas[i].with_previous, b->avas[i].with_previous);
    }
}

/* ---- printing ---- */

/* RFC 4514 section 2.1: "the output consists of the string encodings of each RelativeDistinguishedName in the
 * RDNSequence, starting with the last element of the sequence and moving backwards toward the first." */
static void name_text__lists_the_last_rdn_first(void **state)
{
    AUTO(name) struct name name = {0};

    (void)state;
    assert_text(&name, "");
    add(&name, OID_DC, "example", false);
    add(&name, OID_OU, "x", false);
    add(&name, OID_UID, "y", true);
    add(&name, OID_CN, "a, b", false);
    assert_text(&name, "CN=a\\, b,OU=x+UID=y,DC=example");
}

/* RFC 4514 section 2.4: "a space (' ' U+0020) or number sign ('#' U+0023) occurring at the beginning of the
 * string; a space character occurring at the end of the string; one of the characters '"', '+', ',', ';',
 * '<',
 * '>', or '\' " are escaped. */
static void name_text__escapes_what_rfc_4514_asks(void **state)
{
    static const char *const cases[][2] = {
        {" a ", "CN=\\ a\\ "},
        {" ", "CN=\\ "},
        {"  ", "CN=\\ \\ "},
        {"#a#", "CN=\\#a#"},
        {"a=b", "CN=a=b"},
        {"a\"+,;<>\\b", "CN=a\\\"\\+\\,\\;\\<\\>\\\\b"},
        {"a\nb\x7f", "CN=a\\0Ab\\7F"},
        {"\u00fc\u20ac", "CN=\u00fc\u20ac"},
        {"\xc2\x85", "CN=\\C2\\85"},
        {"", "CN="},
        {"{x}", "CN={x}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(name) struct name name = {0};
        AUTO(name) struct name again = {0};
        add(&name, OID_CN, cases[i][0], false);
        assert_text(&name, cases[i][1]);
        assert_int_equal(name_parse(cases[i][1], &again, NULL), STATUS_OK);
        assert_identical(&name, &again);
    }
}

/* RFC 4514 section 2.4: "If the AttributeType is of the dotted-decimal form, the AttributeValue is
 * represented by a number sign ('#' U+0023) character followed by the hexadecimal encoding of each of the
 * octets of the BER encoding of the X.500 AttributeValue." */
static void name_text__writes_unknown_types_in_hex(void **state)
{
    static const uint8_t type[] = {0x2a, 0x03, 0x04};
    AUTO(name) struct name name = {0};

    (void)state;
    assert_int_equal(name_add(&name, SPAN(type, sizeof(type)), "a", 0, false, NULL), STATUS_OK);
    assert_text(&name, "1.2.3.4=#0c0161");
}

static void random_value(uint64_t *seed, char *value, size_t characters)
{
    static const char *const pieces[] = {" ",      "#",      "\"",         "+", ",", ";", "<",
                                         ">",      "\\",     "=",          "a", "F", "0", "\n",
                                         "\u00fc", "\u20ac", "\U0001f600", "{", "}", "'"};
    size_t count = mutate_random(seed) % characters;

    value[0] = '\0';
    for (size_t i = 0; i < count; i++)
        strcat(value, pieces[mutate_random(seed) % (sizeof(pieces) / sizeof(pieces[0]))]);
}

/* OpenSSL 3.0 forgets to escape a '#' that is the whole value. */
static bool is_number_sign(const char *value)
{
    return strcmp(value, "#") == 0;
}

static void random_name(uint64_t *seed, struct name *name, bool multi_valued)
{
    static const enum oid types[] = {OID_CN, OID_O, OID_OU, OID_C, OID_DC, OID_UID, OID_EMAIL, OID_L};
    unsigned count = mutate_random(seed) % 5;

    for (unsigned i = 0; i < count; i++) {
        char value[64];
        do
            random_value(seed, value, 12);
        while (is_number_sign(value));
        add(name, types[mutate_random(seed) % 8], value, multi_valued && mutate_random(seed) % 3 == 0);
    }
}

static void name_text__agrees_with_openssl(void **state)
{
    uint64_t seed = 2;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        AUTO(name) struct name name = {0};
        AUTO(buf) struct buf der = BUF(4096);
        BIO *bio = BIO_new(BIO_s_mem());
        const unsigned char *next = NULL;
        X509_NAME *openssl = NULL;
        char *text = NULL;
        random_name(&seed, &name, false);
        name_encode(&name, &der);
        next = der.data;
        openssl = d2i_X509_NAME(NULL, &next, (long)der.len);
        assert_true(
            X509_NAME_print_ex(bio, openssl, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0);
        BIO_write(bio, "", 1);
        BIO_get_mem_data(bio, &text);
        assert_text(&name, text);
        X509_NAME_free(openssl);
        BIO_free(bio);
    }
}

static void name_parse__reads_back_what_name_text_writes(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        AUTO(name) struct name name = {0};
        AUTO(name) struct name again = {0};
        AUTO(heap) char *text = NULL;
        random_name(&seed, &name, true);
        assert_int_equal(name_text_copy(&name, &text, NULL), STATUS_OK);
        assert_int_equal(name_parse(text, &again, NULL), STATUS_OK);
        assert_identical(&name, &again);
    }
}

/* ---- parsing ---- */

static void name_parse__reads_other_spellings(void **state)
{
    static const char *const cases[][2] = {
        /* RFC 4514 section 4 */
        {"UID=jsmith,DC=example,DC=net", "UID=jsmith,DC=example,DC=net"},
        {"OU=Sales+CN=J.  Smith,DC=example,DC=net", "OU=Sales+CN=J.  Smith,DC=example,DC=net"},
        {"CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net",
         "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net"},
        {"CN=Before\\0dAfter,DC=example,DC=net", "CN=Before\\0DAfter,DC=example,DC=net"},
        {"1.3.6.1.4.1.1466.0=#04024869", NULL}, /* an OCTET STRING is no character string */
        {"CN=Lu\\C4\\8Di\\C4\\87", "CN=Lu\u010di\u0107"},
        /* more spellings */
        {"cn = a , o = b ; c = DE", "CN=a,O=b,C=DE"},
        {"CN=a\\=b\\#\\ ", "CN=a=b#\\ "},
        {"2.5.4.3=a,OID.2.5.4.10=b", "CN=a,O=b"},
        {"CN=#0c0161 ,O=b", "CN=a,O=b"},
        {"   ", ""},
        {"CN=", "CN="},
        {"CN=,O=b", "CN=,O=b"},
        {"CN=WorkspaceONEUEM.{EnrollmentUser},O=x", "CN=WorkspaceONEUEM.{EnrollmentUser},O=x"},
        {"CN={{a}}", "CN={{a}}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(name) struct name name = {0};
        enum status expected = cases[i][1] != NULL ? STATUS_OK : STATUS_MALFORMED;
        assert_int_equal(name_parse(cases[i][0], &name, NULL), expected);
        if (cases[i][1] != NULL)
            assert_text(&name, cases[i][1]);
    }
}

static void name_parse__puts_the_last_rdn_first(void **state)
{
    AUTO(name) struct name name = {0};

    (void)state;
    assert_int_equal(name_parse("CN=a+UID=b,O=c", &name, NULL), STATUS_OK);
    assert_string_equal(name.avas[0].value, "c");
    assert_string_equal(name.avas[1].value, "a");
    assert_false(name.avas[1].with_previous);
    assert_string_equal(name.avas[2].value, "b");
    assert_true(name.avas[2].with_previous);
}

static void name_parse__refuses_and_names_the_place(void **state)
{
    static const struct {
        const char *text;
        const char *place;
    } cases[] = {
        {"CN", "character 3"},
        {"CN=a,", "character 6"},
        {"=a", "character 1"},
        {"CN=a,,O=b", "character 6"},
        {"nosuch=a", "character 1"},
        {"CN=a\"b", "character 5"},
        {"CN=a<b", "character 5"},
        {"CN=a\\", "character 5"},
        {"CN=\\0", "character 4"},
        {"CN=\\zz", "character 4"},
        {"CN=\\00", "NUL"},
        {"CN=\\FF", "UTF-8"},
        {"CN=#", "character 4"},
        {"CN=#0c016", "character 4"},
        {"CN=#0c0161x", "character 11"},
        {"CN=#0c016100", "octets behind"},
        {"1.2.3x=a", "character 1"},
        {"3.1.2=a", "character 1"},
        {"CN=#0c0100", "NUL"},
        {"CN=a,+O=b", "character 6"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(name) struct name name = {0};
        struct err err = {0};
        assert_int_equal(name_parse(cases[i].text, &name, &err), STATUS_MALFORMED);
        assert_int_equal(name.count, 0);
        assert_non_null(strstr(err.text, cases[i].place));
    }
}

static void name_parse__is_stable_on_mutated_text(void **state)
{
    static const char original[] =
        "CN=James \\\"Jim\\\" Smith\\, III+UID=\\C3\\BC,2.5.4.11=#0c0161;O= x ,C=DE";
    uint64_t seed = 4;
    unsigned accepted = 0;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        AUTO(name) struct name name = {0};
        AUTO(name) struct name again = {0};
        AUTO(heap) char *text = NULL;
        char mutated[sizeof(original)];
        memcpy(mutated, original, sizeof(original));
        mutate(&seed, (uint8_t *)mutated, sizeof(original) - 1);
        if (name_parse(mutated, &name, NULL) != STATUS_OK)
            continue;
        accepted++;
        assert_int_equal(name_text_copy(&name, &text, NULL), STATUS_OK);
        assert_int_equal(name_parse(text, &again, NULL), STATUS_OK);
        assert_identical(&name, &again);
    }
    assert_true(accepted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_text__lists_the_last_rdn_first),
        cmocka_unit_test(name_text__escapes_what_rfc_4514_asks),
        cmocka_unit_test(name_text__writes_unknown_types_in_hex),
        cmocka_unit_test(name_text__agrees_with_openssl),
        cmocka_unit_test(name_parse__reads_back_what_name_text_writes),
        cmocka_unit_test(name_parse__reads_other_spellings),
        cmocka_unit_test(name_parse__puts_the_last_rdn_first),
        cmocka_unit_test(name_parse__refuses_and_names_the_place),
        cmocka_unit_test(name_parse__is_stable_on_mutated_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

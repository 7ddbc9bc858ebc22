/* SPDX-License-Identifier: Apache-2.0
 *
 * General names: held against OpenSSL's GENERAL_NAMES, whole and mutated, and against the grammar of each
 * type.
 */
#include "name.h"

#include "der.h"
#include "mutate.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MUTATIONS  40000
#define SID        "S-1-5-21-1004336348-1177238915-682003330-1104"
#define SID_PREFIX "tag:microsoft.com,2022-09-14:sid:"

static const struct {
    enum san_type type;
    const char *text;
    const char *openssl; /* as in OpenSSL's configuration */
} names[] = {
    {SAN_UPN, "alice@LAB.TEST", "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:alice@LAB.TEST"},
    {SAN_EMAIL, "alice@lab.example", "email:alice@lab.example"},
    {SAN_DNS, "*.lab.example", "DNS:*.lab.example"},
    {SAN_IP, "192.0.2.1", "IP:192.0.2.1"},
    {SAN_IP, "2001:db8::1", "IP:2001:DB8:0:0::1"},
    {SAN_URI, "https://lab.example/a?b=c", "URI:https://lab.example/a?b=c"},
    {SAN_SID_URI, SID, NULL}, /* a comma cannot be written there */
};
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

/* The extension's value as OpenSSL writes it. */
static void encode_openssl(const char *config, struct buf *out)
{
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, NULL, NID_subject_alt_name, config);

    assert_non_null(extension);
    buf_add(out, SPAN(ASN1_STRING_get0_data(X509_EXTENSION_get_data(extension)),
                      (size_t)ASN1_STRING_length(X509_EXTENSION_get_data(extension))));
    X509_EXTENSION_free(extension);
}

/* All of names[] in one list. */
static void all_names(struct general_names *out)
{
    for (size_t i = 0; i < NAME_COUNT; i++)
        assert_int_equal(general_names_add(out, names[i].type, names[i].text, NULL), STATUS_OK);
}

static void general_names_encode__writes_what_openssl_writes(void **state)
{
    AUTO(buf) struct buf expected = BUF(4096);
    AUTO(buf) struct buf der = BUF(4096);

    (void)state;
    for (size_t i = 0; i < NAME_COUNT && names[i].openssl != NULL; i++) {
        AUTO(general_names) struct general_names one = {0};
        AUTO(general_names) struct general_names read = {0};
        buf_clear(&expected);
        buf_clear(&der);
        encode_openssl(names[i].openssl, &expected);
        assert_int_equal(general_names_add(&one, names[i].type, names[i].text, NULL), STATUS_OK);
        general_names_encode(&one, &der);
        assert_true(span_equal(buf_span(&der), buf_span(&expected)));
        assert_int_equal(general_names_decode(buf_span(&expected), &read, NULL), STATUS_OK);
        assert_int_equal(read.items[0].type, names[i].type);
        assert_string_equal(read.items[0].text, names[i].text);
    }
}

static void general_names_decode__reads_back_the_whole_list(void **state)
{
    AUTO(buf) struct buf der = BUF(4096);
    AUTO(general_names) struct general_names list = {0};
    AUTO(general_names) struct general_names read = {0};

    (void)state;
    all_names(&list);
    general_names_encode(&list, &der);
    assert_int_equal(general_names_decode(buf_span(&der), &read, NULL), STATUS_OK);
    assert_int_equal(read.count, NAME_COUNT);
    for (size_t i = 0; i < NAME_COUNT; i++) {
        assert_int_equal(read.items[i].type, names[i].type);
        assert_string_equal(read.items[i].text, names[i].text);
    }
}

static void general_names_decode__describes_other_kinds(void **state)
{
    static const char *const cases[][2] = {
        {"otherName:1.2.3.4;UTF8:x", "otherName 1.2.3.4"},
        {"RID:1.2.3.4", "registeredID 1.2.3.4"},
    };
    static const uint8_t directory[] = {0x30, 0x10, 0xa4, 0x0e, 0x30, 0x0c, 0x31, 0x0a, 0x30,
                                        0x08, 6,    3,    0x55, 4,    3,    0x0c, 1,    'a'};
    static const uint8_t edi[] = {0x30, 0x0c, 0xa5, 0x0a, 0xa0, 0x03, 0x0c, 1, 'a', 0xa1, 0x03, 0x0c, 1, 'b'};
    AUTO(general_names) struct general_names read = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        AUTO(buf) struct buf der = BUF(4096);
        encode_openssl(cases[i][0], &der);
        assert_int_equal(general_names_decode(buf_span(&der), &read, NULL), STATUS_OK);
        assert_int_equal(read.items[0].type, SAN_OTHER);
        assert_string_equal(read.items[0].text, cases[i][1]);
    }
    assert_int_equal(general_names_decode(SPAN(directory, sizeof(directory)), &read, NULL), STATUS_OK);
    assert_string_equal(read.items[0].text, "directoryName");
    assert_int_equal(general_names_decode(SPAN(edi, sizeof(edi)), &read, NULL), STATUS_OK);
    assert_string_equal(read.items[0].text, "ediPartyName");
}

/* ---- mutated ---- */

static struct span string_span(const ASN1_STRING *string)
{
    return SPAN(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

static void assert_ip(const char *text, struct span octets)
{
    uint8_t address[16];

    assert_int_equal(inet_pton(octets.len == 4 ? AF_INET : AF_INET6, text, address), 1);
    assert_memory_equal(address, octets.data, octets.len);
}

/* RFC 3986 section 3.1: schemes are case-insensitive, so the SID's prefix is found in any case. */
static void assert_uri(const struct general_name *name, struct span uri)
{
    const char *text = (const char *)uri.data;

    if (name->type == SAN_SID_URI) {
        assert_int_equal(strncasecmp(text, SID_PREFIX, strlen(SID_PREFIX)), 0);
        uri = SPAN(uri.data + strlen(SID_PREFIX), uri.len - strlen(SID_PREFIX));
    } else {
        assert_int_equal(name->type, SAN_URI);
        assert_int_not_equal(strncasecmp(text, SID_PREFIX, strlen(SID_PREFIX)), 0);
    }
    assert_true(span_equal(SPAN_STR(name->text), uri));
}

static void assert_same(const struct general_name *name, const GENERAL_NAME *openssl)
{
    switch (openssl->type) {
    case GEN_EMAIL:
    case GEN_DNS:
        assert_int_equal(name->type, openssl->type == GEN_DNS ? SAN_DNS : SAN_EMAIL);
        assert_true(span_equal(SPAN_STR(name->text), string_span(openssl->d.ia5)));
        break;
    case GEN_URI:
        assert_uri(name, string_span(openssl->d.ia5));
        break;
    case GEN_IPADD:
        assert_int_equal(name->type, SAN_IP);
        assert_ip(name->text, string_span(openssl->d.iPAddress));
        break;
    case GEN_OTHERNAME:
        if (OBJ_obj2nid(openssl->d.otherName->type_id) == NID_ms_upn) {
            assert_int_equal(name->type, SAN_UPN);
            assert_int_equal(openssl->d.otherName->value->type, V_ASN1_UTF8STRING);
            assert_true(
                span_equal(SPAN_STR(name->text), string_span(openssl->d.otherName->value->value.utf8string)));
            break;
        }
        /* fall through */
    default:
        assert_int_equal(name->type, SAN_OTHER);
    }
}

/* The values of kinds that cannot be written are not looked into, as OpenSSL does. */
static bool has_other(const struct general_names *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].type == SAN_OTHER)
            return true;
    return false;
}

static void general_names_decode__reads_mutated_names_as_openssl_does_or_refuses(void **state)
{
    AUTO(buf) struct buf der = BUF(4096);
    AUTO(general_names) struct general_names list = {0};
    uint64_t seed = 5;
    unsigned accepted = 0;

    (void)state;
    all_names(&list);
    general_names_encode(&list, &der);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        AUTO(general_names) struct general_names read = {0};
        uint8_t octets[1024];
        const unsigned char *next = octets;
        GENERAL_NAMES *openssl = NULL;
        size_t len = 0;
        memcpy(octets, der.data, der.len);
        len = mutate(&seed, octets, der.len);
        if (general_names_decode(SPAN(octets, len), &read, NULL) != STATUS_OK)
            continue;
        accepted++;
        openssl = d2i_GENERAL_NAMES(NULL, &next, (long)len);
        if (openssl == NULL) {
            assert_true(has_other(&read));
            continue;
        }
        assert_ptr_equal(next, octets + len);
        assert_int_equal(sk_GENERAL_NAME_num(openssl), read.count);
        for (size_t n = 0; n < read.count; n++)
            assert_same(&read.items[n], sk_GENERAL_NAME_value(openssl, (int)n));
        GENERAL_NAMES_free(openssl);
    }
    assert_true(accepted > MUTATIONS / 20);
}

/* ---- hostile ---- */

#define OCTETS(...) SPAN(((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__}))

static void general_names_decode__refuses_hostile_names(void **state)
{
    const struct span hostile[] = {
        SPAN_NONE,
        OCTETS(0x30, 0x00),                                          /* SIZE (1..MAX) */
        OCTETS(0x30, 0x03, 0x82, 1, 'a', 0),                         /* trailing octet */
        OCTETS(0x30, 0x05, 0x82, 3, 'a', 0, 'b'),                    /* NUL */
        OCTETS(0x30, 0x02, 0x82, 0),                                 /* empty */
        OCTETS(0x30, 0x03, 0x82, 1, 0xfc),                           /* no IA5String */
        OCTETS(0x30, 0x03, 0x81, 1, 'a'),                            /* no '@' */
        OCTETS(0x30, 0x07, 0x87, 5, 1, 2, 3, 4, 5),                  /* an address of 5 octets */
        OCTETS(0x30, 0x0a, 0x87, 8, 192, 0, 2, 0, 255, 255, 255, 0), /* a network: for name constraints */
        OCTETS(0x30, 0x03, 0x89, 1, 'a'),                            /* no such kind */
        OCTETS(0x30, 0x05, 0xa2, 3, 0x16, 1, 'a'),                   /* constructed */
        OCTETS(0x30, 0x04, 0x88, 2, 0x2a, 0x80),                     /* half an OID */
        OCTETS(0x30, 0x04, 0xa4, 2, 0x31, 0),                        /* no Name */
        OCTETS(0x30, 0x09, 0xa0, 7, 6, 2, 0x2a, 3, 0x0c, 1, 'a'),    /* otherName without [0] */
        OCTETS(0x30, 0x0d, 0xa0, 11, 6, 2, 0x2a, 3, 0xa0, 5, 0x0c, 1, 'a', 5, 0), /* two values */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        AUTO(general_names) struct general_names read = {0};
        assert_int_equal(general_names_decode(hostile[i], &read, NULL), STATUS_MALFORMED);
        assert_int_equal(read.count, 0);
    }
}

static void general_names_decode__finds_a_sid_in_any_case_and_refuses_a_broken_one(void **state)
{
    static const struct {
        const char *uri;
        enum status status;
    } cases[] = {
        {SID_PREFIX SID, STATUS_OK},
        {"TAG:Microsoft.com,2022-09-14:SID:" SID, STATUS_OK},
        {"tag:microsoft.com,2022-09-14:%73id:" SID, STATUS_OK},
        {"%74AG%3amicrosoft.com%2C2022-09-14%3ASID%3a" SID, STATUS_OK},
        {SID_PREFIX "%53-1-5-21-1-2-3-500", STATUS_MALFORMED},
        {SID_PREFIX "S-1-5", STATUS_MALFORMED},
        {SID_PREFIX SID "/x", STATUS_MALFORMED},
        {SID_PREFIX, STATUS_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(general_names) struct general_names read = {0};
        AUTO(buf) struct buf der = BUF(512);
        size_t mark = der_open(&der, DER_SEQUENCE);
        der_put(&der, DER_CONTEXT(6), SPAN_STR(cases[i].uri));
        der_close(&der, mark);
        assert_int_equal(general_names_decode(buf_span(&der), &read, NULL), cases[i].status);
        if (cases[i].status == STATUS_OK) {
            assert_int_equal(read.items[0].type, SAN_SID_URI);
            assert_string_equal(read.items[0].text, SID);
        }
    }
}

static void general_names_add__checks_each_type(void **state)
{
    static const struct {
        enum san_type type;
        const char *text;
        bool good;
    } cases[] = {
        {SAN_UPN, "a@B", true},
        {SAN_UPN, "\u00fc@B", true},
        {SAN_UPN, "a", false},
        {SAN_UPN, "@b", false},
        {SAN_UPN, "a@", false},
        {SAN_UPN, "a@b@c", false},
        {SAN_UPN, "a\n@b", false},
        {SAN_UPN, "a b@c", false},
        {SAN_UPN, "", false},
        {SAN_EMAIL, "a@b", true},
        {SAN_EMAIL, "o'x+y@b.c", true},
        {SAN_EMAIL, "\u00fc@b", false},
        {SAN_EMAIL, "a b@c", false},
        {SAN_EMAIL, "A <a@b>", false},
        {SAN_EMAIL, "a@b,c", false},
        {SAN_DNS, "a", true},
        {SAN_DNS, "a_b.c-d.e1", true},
        {SAN_DNS, "*.a", true},
        {SAN_DNS, "a.*", false},
        {SAN_DNS, "a*.b", false},
        {SAN_DNS, "*", false},
        {SAN_DNS, "a..b", false},
        {SAN_DNS, ".a", false},
        {SAN_DNS, "a.", false},
        {SAN_DNS, "-a", false},
        {SAN_DNS, "a-.b", false},
        {SAN_DNS, "a b", false},
        {SAN_DNS, "\u00fc.de", false},
        {SAN_DNS, "", false},
        {SAN_IP, "1.2.3.4", true},
        {SAN_IP, "::1", true},
        {SAN_IP, "1.2.3", false},
        {SAN_IP, "1.2.3.4/8", false},
        {SAN_IP, "fe80::1%eth0", false},
        {SAN_IP, "", false},
        {SAN_URI, "urn:a", true},
        {SAN_URI, "a+b-c.d:e", true},
        {SAN_URI, "//a/b", false},
        {SAN_URI, "a", false},
        {SAN_URI, "a:", false},
        {SAN_URI, "1a:b", false},
        {SAN_URI, "a b:c", false},
        {SAN_URI, "a:b c", false},
        {SAN_URI, "a:<b>", false},
        {SAN_URI, SID_PREFIX SID, false},
        {SAN_URI, "Tag:microsoft.com,2022-09-14:sid:x", false},
        {SAN_SID_URI, SID, true},
        {SAN_SID_URI, "S-1-5-32-544", true},
        {SAN_SID_URI, "S-1-5", false},
        {SAN_SID_URI, "s-1-5-1", false},
        {SAN_SID_URI, "S-2-5-1", false},
        {SAN_SID_URI, "S-1-5-4294967296", false},
        {SAN_SID_URI, "S-1-5-01", false},
        {SAN_SID_URI, "S-1-5-1-", false},
        {SAN_SID_URI, "S-1-5-1x", false},
        {SAN_SID_URI, "", false},
        {SAN_SID_URI, "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15", true},
        {SAN_SID_URI, "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(general_names) struct general_names list = {0};
        assert_int_equal(general_names_add(&list, cases[i].type, cases[i].text, NULL),
                         cases[i].good ? STATUS_OK : STATUS_MALFORMED);
        assert_int_equal(list.count, cases[i].good ? 1 : 0);
    }
}

static void general_names_add__limits_number_and_length(void **state)
{
    AUTO(general_names) struct general_names list = {0};
    char text[GENERAL_NAME_TEXT_MAX + 2];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    text[1] = ':';
    assert_int_equal(general_names_add(&list, SAN_URI, text, NULL), STATUS_LIMIT);
    text[sizeof(text) - 2] = '\0';
    for (unsigned i = 0; i < GENERAL_NAMES_MAX; i++)
        assert_int_equal(general_names_add(&list, SAN_URI, text, NULL), STATUS_OK);
    assert_int_equal(general_names_add(&list, SAN_URI, "a:b", NULL), STATUS_LIMIT);
    memset(text, 'a', 254);
    for (unsigned i = 50; i < 250; i += 50)
        text[i] = '.';
    text[254] = '\0';
    general_names_free(&list);
    assert_int_equal(general_names_add(&list, SAN_DNS, text, NULL), STATUS_MALFORMED);
    assert_int_equal(general_names_add(&list, SAN_DNS, text + 1, NULL), STATUS_OK);
}

/* ---- comparing and showing ---- */

struct pair {
    enum san_type type;
    const char *text;
};

static void general_names_equal__takes_any_order(void **state)
{
    static const struct {
        struct pair a[2];
        struct pair b[2];
        bool equal;
    } cases[] = {
        {{{SAN_DNS, "a.b"}, {SAN_DNS, "c"}}, {{SAN_DNS, "C"}, {SAN_DNS, "A.b"}}, true},
        {{{SAN_DNS, "a"}, {SAN_DNS, "a"}}, {{SAN_DNS, "a"}, {SAN_DNS, "b"}}, false},
        {{{SAN_EMAIL, "a@B"}, {SAN_UPN, "a@B"}}, {{SAN_UPN, "a@B"}, {SAN_EMAIL, "a@b"}}, true},
        {{{SAN_EMAIL, "A@b"}, {SAN_UPN, "a@B"}}, {{SAN_UPN, "a@B"}, {SAN_EMAIL, "a@b"}}, false},
        {{{SAN_EMAIL, "a@b"}, {SAN_UPN, "a@B"}}, {{SAN_UPN, "a@b"}, {SAN_EMAIL, "a@b"}}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(general_names) struct general_names a = {0};
        AUTO(general_names) struct general_names b = {0};
        for (size_t n = 0; n < 2; n++) {
            assert_int_equal(general_names_add(&a, cases[i].a[n].type, cases[i].a[n].text, NULL), STATUS_OK);
            assert_int_equal(general_names_add(&b, cases[i].b[n].type, cases[i].b[n].text, NULL), STATUS_OK);
        }
        assert_int_equal(general_names_equal(&a, &b), cases[i].equal);
        assert_int_equal(general_names_equal(&b, &a), cases[i].equal);
    }
}

static void general_names_text__is_for_people(void **state)
{
    AUTO(general_names) struct general_names list = {0};
    AUTO(buf) struct buf text = BUF(256);

    (void)state;
    assert_int_equal(general_names_add(&list, SAN_UPN, "alice@LAB.TEST", NULL), STATUS_OK);
    assert_int_equal(general_names_add(&list, SAN_IP, "2001:DB8:0::1", NULL), STATUS_OK);
    general_names_text(&list, &text);
    assert_true(span_equal(buf_span(&text), SPAN_STR("upn=alice@LAB.TEST, ip=2001:db8::1")));
}

static void san_type_by_name__knows_all_but_other(void **state)
{
    enum san_type type = SAN_OTHER;

    (void)state;
    for (int i = SAN_UPN; i < SAN_OTHER; i++) {
        assert_true(san_type_by_name(san_type_name((enum san_type)i), &type));
        assert_int_equal(type, i);
    }
    assert_string_equal(san_type_name(SAN_SID_URI), "sid-uri");
    assert_false(san_type_by_name("other", &type));
    assert_false(san_type_by_name("", &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(general_names_encode__writes_what_openssl_writes),
        cmocka_unit_test(general_names_decode__reads_back_the_whole_list),
        cmocka_unit_test(general_names_decode__describes_other_kinds),
        cmocka_unit_test(general_names_decode__reads_mutated_names_as_openssl_does_or_refuses),
        cmocka_unit_test(general_names_decode__refuses_hostile_names),
        cmocka_unit_test(general_names_decode__finds_a_sid_in_any_case_and_refuses_a_broken_one),
        cmocka_unit_test(general_names_add__checks_each_type),
        cmocka_unit_test(general_names_add__limits_number_and_length),
        cmocka_unit_test(general_names_equal__takes_any_order),
        cmocka_unit_test(general_names_text__is_for_people),
        cmocka_unit_test(san_type_by_name__knows_all_but_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificate requests: those that OpenSSL makes, whole and mutated, and hostile ones made by hand.
 */
#include "csr.h"

#include "der.h"
#include "mutate.h"
#include "test_keys.h"
#include "text.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CHALLENGE "B1A2-secret*"

/* ---- requests made by OpenSSL ---- */

static void add_extensions(X509_REQ *request)
{
    static const struct {
        int nid;
        const char *value;
    } extensions[] = {
        {NID_subject_alt_name, "DNS:a.lab.example,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:alice@LAB.TEST"},
        {NID_key_usage, "critical,digitalSignature,keyEncipherment"},
        {NID_ext_key_usage, "clientAuth"},
    };
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    ASN1_OBJECT *type = OBJ_txt2obj("1.3.6.1.4.1.311.20.2", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

    for (size_t i = 0; i < 3; i++)
        sk_X509_EXTENSION_push(list, X509V3_EXT_conf_nid(NULL, NULL, extensions[i].nid, extensions[i].value));
    ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x1e\x08\0U\0s\0e\0r", 10);
    sk_X509_EXTENSION_push(list, X509_EXTENSION_create_by_OBJ(NULL, type, 0, value));
    assert_int_equal(X509_REQ_add_extensions(request, list), 1);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    ASN1_OBJECT_free(type);
    ASN1_OCTET_STRING_free(value);
}

static void make_request(EVP_PKEY *key, const EVP_MD *md, struct buf *out)
{
    X509_REQ *request = X509_REQ_new();
    X509_NAME *subject = X509_REQ_get_subject_name(request);
    unsigned char *der = NULL;
    int len = 0;

    X509_REQ_set_version(request, 0);
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Lab", -1, -1, 0);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)"alice", -1, -1, 0);
    X509_REQ_set_pubkey(request, key);
    X509_REQ_add1_attr_by_NID(request, NID_pkcs9_challengePassword, MBSTRING_ASC,
                              (const unsigned char *)CHALLENGE, -1);
    add_extensions(request);
    assert_true(X509_REQ_sign(request, key, md) > 0);
    len = i2d_X509_REQ(request, &der);
    assert_true(len > 0);
    buf_add(out, SPAN(der, (size_t)len));
    OPENSSL_free(der);
    X509_REQ_free(request);
}

static void check_fields(const struct csr *csr)
{
    AUTO(heap) char *subject = NULL;

    assert_int_equal(name_text_copy(&csr->subject, &subject, NULL), STATUS_OK);
    assert_string_equal(subject, "CN=alice,O=Lab");
    assert_string_equal(csr->challenge, CHALLENGE);
    assert_int_equal(csr->san.count, 2);
    assert_string_equal(csr->san.items[0].text, "a.lab.example");
    assert_string_equal(csr->san.items[1].text, "alice@LAB.TEST");
    assert_true(csr->has_key_usage);
    assert_int_equal(csr->key_usage, KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_ENCIPHERMENT);
    assert_string_equal(csr->template_name_text, "User");
    assert_int_equal(csr->template_name.len, 8);
}

static void csr_decode__reads_what_openssl_wrote(void **state)
{
    struct {
        EVP_PKEY *key;
        const EVP_MD *md;
        enum digest digest;
    } cases[] = {
        {test_key_rsa(), EVP_sha256(), DIGEST_SHA256},
        {test_key_rsa(), EVP_sha1(), DIGEST_SHA1},
        {test_key_ec("P-256"), EVP_sha512(), DIGEST_SHA512},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        AUTO(buf) struct buf der = BUF(CSR_MAX_LEN);
        AUTO(buf) struct buf spki = BUF(1024);
        AUTO(csr) struct csr *csr = NULL;
        make_request(cases[i].key, cases[i].md, &der);
        assert_int_equal(csr_decode(buf_span(&der), &csr, NULL), STATUS_OK);
        check_fields(csr);
        test_key_spki(cases[i].key, &spki);
        assert_true(span_equal(pubkey_spki(csr->key), buf_span(&spki)));
        assert_int_equal(csr->signature_digest, cases[i].digest);
        assert_int_equal(csr_verify(csr, NULL), STATUS_OK);
    }
    EVP_PKEY_free(cases[2].key);
}

static void csr_decode__takes_pem_of_both_labels(void **state)
{
    AUTO(buf) struct buf der = BUF(CSR_MAX_LEN);

    (void)state;
    make_request(test_key_rsa(), EVP_sha256(), &der);
    for (size_t i = 0; csr_pem_labels[i] != NULL; i++) {
        AUTO(buf) struct buf pem = BUF(CSR_MAX_LEN);
        AUTO(buf) struct buf read = BUF(CSR_MAX_LEN);
        pem_encode(&pem, csr_pem_labels[i], buf_span(&der));
        assert_int_equal(der_from_any(buf_span(&pem), csr_pem_labels, &read, NULL), STATUS_OK);
        assert_true(span_equal(buf_span(&read), buf_span(&der)));
    }
}

static void csr_verify__finds_a_changed_request(void **state)
{
    AUTO(buf) struct buf der = BUF(CSR_MAX_LEN);
    AUTO(csr) struct csr *csr = NULL;
    struct err err = {0};
    uint8_t *cn = NULL;

    (void)state;
    make_request(test_key_rsa(), EVP_sha256(), &der);
    cn = memmem(der.data, der.len, "alice", 5);
    assert_non_null(cn);
    cn[0] = 'A';
    assert_int_equal(csr_decode(buf_span(&der), &csr, NULL), STATUS_OK);
    assert_int_equal(csr_verify(csr, &err), STATUS_INTEGRITY);
    assert_int_equal(csr_verify(csr, NULL), STATUS_INTEGRITY);
}

/* ---- mutated ---- */

static void assert_challenge(const struct csr *csr, X509_REQ *openssl)
{
    int at = X509_REQ_get_attr_by_NID(openssl, NID_pkcs9_challengePassword, -1);
    unsigned char *text = NULL;
    int len = 0;

    assert_int_equal(at >= 0, csr->challenge != NULL);
    if (at < 0)
        return;
    len = ASN1_STRING_to_UTF8(&text,
                              X509_ATTRIBUTE_get0_type(X509_REQ_get_attr(openssl, at), 0)->value.asn1_string);
    assert_true(len >= 0);
    assert_true(span_equal(SPAN_STR(csr->challenge), SPAN(text, (size_t)len)));
    OPENSSL_free(text);
}

static void assert_extensions(const struct csr *csr, X509_REQ *openssl)
{
    STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(openssl);
    GENERAL_NAMES *san = X509V3_get_d2i(list, NID_subject_alt_name, NULL, NULL);
    ASN1_BIT_STRING *usage = X509V3_get_d2i(list, NID_key_usage, NULL, NULL);

    assert_int_equal(sk_GENERAL_NAME_num(san) > 0 ? sk_GENERAL_NAME_num(san) : 0, csr->san.count);
    assert_int_equal(usage != NULL, csr->has_key_usage);
    for (int bit = 0; usage != NULL && bit < 9; bit++)
        assert_int_equal(ASN1_BIT_STRING_get_bit(usage, bit), csr->key_usage >> bit & 1);
    GENERAL_NAMES_free(san);
    ASN1_BIT_STRING_free(usage);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

static void assert_same(const struct csr *csr, X509_REQ *openssl)
{
    const unsigned char *next = csr->subject_der.data;
    X509_NAME *name = d2i_X509_NAME(NULL, &next, (long)csr->subject_der.len);
    assert_int_equal(X509_NAME_cmp(name, X509_REQ_get_subject_name(openssl)), 0);
    assert_int_equal(csr->subject.count, X509_NAME_entry_count(name));
    X509_NAME_free(name);
    assert_challenge(csr, openssl);
    assert_extensions(csr, openssl);
}

/* A mutation that made an attribute, an extension or a kind of name unknown: their values are not looked
 * into. */
static bool lost_something(const struct csr *csr)
{
    if (csr->challenge == NULL || csr->san.count < 2 || !csr->has_key_usage ||
        csr->template_name_text == NULL)
        return true;
    return csr->san.items[0].type == SAN_OTHER || csr->san.items[1].type == SAN_OTHER;
}

static void csr_decode__reads_mutated_requests_as_openssl_does_or_refuses(void **state)
{
    AUTO(buf) struct buf der = BUF(CSR_MAX_LEN);
    EVP_PKEY *key = test_key_ec("P-256");
    uint64_t seed = 9;
    unsigned accepted = 0;

    (void)state;
    make_request(key, EVP_sha256(), &der);
    for (unsigned i = 0; i < 20000; i++) {
        AUTO(csr) struct csr *csr = NULL;
        uint8_t octets[2048];
        const unsigned char *next = octets;
        X509_REQ *openssl = NULL;
        size_t len = 0;
        assert_true(der.len <= sizeof(octets));
        memcpy(octets, der.data, der.len);
        len = mutate(&seed, octets, der.len);
        if (csr_decode(SPAN(octets, len), &csr, NULL) != STATUS_OK)
            continue;
        accepted++;
        openssl = d2i_X509_REQ(NULL, &next, (long)len);
        if (openssl == NULL) {
            assert_true(lost_something(csr));
            continue;
        }
        assert_ptr_equal(next, octets + len);
        if (!lost_something(csr))
            assert_same(csr, openssl);
        X509_REQ_free(openssl);
    }
    assert_true(accepted > 2000);
    EVP_PKEY_free(key);
}

/* ---- requests made by hand ---- */

/* What may be wrong with one. */
struct recipe {
    uint64_t version;
    struct span attributes; /* Attribute TLVs */
    bool no_attributes;     /* not even the empty set */
    uint8_t behind_info;    /* an octet too many where: 1 in the info, 2 behind the signature, 3 at the end */
    enum oid signature_oid;
};

static void build(const struct recipe *recipe, struct buf *out)
{
    size_t request = der_open(out, DER_SEQUENCE);
    size_t info = der_open(out, DER_SEQUENCE);
    size_t mark = 0;

    der_put_uint(out, recipe->version);
    der_close(out, der_open(out, DER_SEQUENCE));
    test_key_spki(test_key_rsa(), out);
    if (!recipe->no_attributes) {
        mark = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
        buf_add(out, recipe->attributes);
        der_close(out, mark);
    }
    if (recipe->behind_info == 1)
        der_put_null(out);
    der_close(out, info);
    der_put_algorithm(out, recipe->signature_oid != OID_UNKNOWN ? recipe->signature_oid : OID_SHA256_RSA,
                      true);
    der_put_bits(out, SPAN_STR("signature"));
    if (recipe->behind_info == 2)
        der_put_null(out);
    der_close(out, request);
    if (recipe->behind_info == 3)
        der_put_null(out);
}

static enum status decode(const struct recipe *recipe, struct csr **csr)
{
    AUTO(buf) struct buf der = BUF(2 * CSR_MAX_LEN);
    struct csr *made = NULL;
    enum status status = STATUS_OK;

    build(recipe, &der);
    status = csr_decode(buf_span(&der), &made, NULL);
    if (csr != NULL)
        *csr = made;
    else
        csr_free(made);
    return status;
}

/* One Attribute with values, whose TLVs are given. */
static void put_attribute(struct buf *out, enum oid type, struct span values)
{
    size_t attribute = der_open(out, DER_SEQUENCE);
    size_t set = 0;

    der_put_oid(out, type);
    set = der_open(out, DER_SET);
    buf_add(out, values);
    der_close(out, set);
    der_close(out, attribute);
}

static void put_extension(struct buf *out, enum oid type, struct span value)
{
    size_t mark = der_open(out, DER_SEQUENCE);

    der_put_oid(out, type);
    der_put(out, DER_OCTET_STRING, value);
    der_close(out, mark);
}

static enum status decode_attribute(enum oid type, struct span values)
{
    AUTO(buf) struct buf attribute = BUF(2 * CSR_MAX_LEN);

    put_attribute(&attribute, type, values);
    return decode(&(struct recipe){.attributes = buf_span(&attribute)}, NULL);
}

/* An extension request with these Extension TLVs. */
static enum status decode_extensions(struct span extensions)
{
    AUTO(buf) struct buf list = BUF(CSR_MAX_LEN);

    der_put(&list, DER_SEQUENCE, extensions);
    return decode_attribute(OID_EXTENSION_REQUEST, buf_span(&list));
}

#define OCTETS(...) SPAN(((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__}))

static void csr_decode__refuses_wrong_frames(void **state)
{
    (void)state;
    assert_int_equal(decode(&(struct recipe){0}, NULL), STATUS_OK);
    assert_int_equal(decode(&(struct recipe){.no_attributes = true}, NULL), STATUS_OK);
    /* RFC 2986 section 4.1: "version ... shall be 0 for this version of the standard." */
    assert_int_equal(decode(&(struct recipe){.version = 1}, NULL), STATUS_MALFORMED);
    for (uint8_t i = 1; i <= 3; i++)
        assert_int_equal(decode(&(struct recipe){.behind_info = i}, NULL), STATUS_MALFORMED);
    assert_int_equal(decode(&(struct recipe){.signature_oid = OID_MD5_RSA}, NULL), STATUS_ALGORITHM);
    assert_int_equal(decode(&(struct recipe){.signature_oid = OID_RSA}, NULL), STATUS_ALGORITHM);
}

static void csr_decode__limits_the_length(void **state)
{
    static char text[CSR_MAX_LEN + 1];
    AUTO(buf) struct buf longest = BUF(CSR_MAX_LEN);
    AUTO(buf) struct buf too_long = BUF(CSR_MAX_LEN);
    AUTO(csr) struct csr *csr = NULL;

    (void)state;
    memset(text, 'a', sizeof(text));
    der_put(&longest, DER_UTF8_STRING, SPAN(text, CSR_CHALLENGE_MAX_LEN));
    assert_int_equal(decode_attribute(OID_CHALLENGE_PASSWORD, buf_span(&longest)), STATUS_OK);
    der_put(&too_long, DER_UTF8_STRING, SPAN(text, CSR_CHALLENGE_MAX_LEN + 1));
    assert_int_equal(decode_attribute(OID_CHALLENGE_PASSWORD, buf_span(&too_long)), STATUS_LIMIT);
    assert_int_equal(csr_decode(SPAN(text, CSR_MAX_LEN + 1), &csr, NULL), STATUS_LIMIT);
}

static void csr_decode__refuses_attributes_that_come_twice(void **state)
{
    static const struct {
        enum oid first;
        enum oid second;
        enum status status;
    } cases[] = {
        {OID_CHALLENGE_PASSWORD, OID_CHALLENGE_PASSWORD, STATUS_MALFORMED},
        {OID_EXTENSION_REQUEST, OID_EXTENSION_REQUEST, STATUS_MALFORMED},
        {OID_EXTENSION_REQUEST, OID_MS_EXTENSION_REQUEST, STATUS_MALFORMED},
        {OID_UNSTRUCTURED_NAME, OID_UNSTRUCTURED_NAME, STATUS_MALFORMED},
        {OID_UNSTRUCTURED_NAME, OID_CHALLENGE_PASSWORD, STATUS_OK},
        {OID_MS_EXTENSION_REQUEST, OID_CHALLENGE_PASSWORD, STATUS_OK},
    };
    const struct span string = OCTETS(0x13, 1, 'a');
    const struct span empty = OCTETS(0x30, 0);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(buf) struct buf attributes = BUF(1024);
        bool first_is_list =
            cases[i].first == OID_EXTENSION_REQUEST || cases[i].first == OID_MS_EXTENSION_REQUEST;
        bool second_is_list =
            cases[i].second == OID_EXTENSION_REQUEST || cases[i].second == OID_MS_EXTENSION_REQUEST;
        put_attribute(&attributes, cases[i].first, first_is_list ? empty : string);
        put_attribute(&attributes, cases[i].second, second_is_list ? empty : string);
        assert_int_equal(decode(&(struct recipe){.attributes = buf_span(&attributes)}, NULL),
                         cases[i].status);
    }
}

static void csr_decode__tells_of_a_san_by_attribute(void **state)
{
    const struct {
        struct span pair;
        bool is_san;
        enum status status;
    } cases[] = {
        {OCTETS(0x30, 11, 0x1e, 6, 0, 'S', 0, 'A', 0, 'N', 0x16, 1, 'x'), true, STATUS_OK},
        {OCTETS(0x30, 11, 0x1e, 6, 0, 's', 0, 'a', 0, 'n', 0x16, 1, 'x'), true, STATUS_OK},
        {OCTETS(0x30, 6, 0x16, 1, 'S', 0x16, 1, 'x'), false, STATUS_OK},
        {OCTETS(0x30, 6, 0x16, 1, 'S', 0x16, 1, 'x', 0x30, 8, 0x16, 3, 'S', 'A', 'N', 0x16, 1, 'x'), true,
         STATUS_OK},
        {OCTETS(0x30, 3, 0x16, 1, 'S'), false, STATUS_MALFORMED},
        {OCTETS(0x13, 1, 'S'), false, STATUS_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(buf) struct buf attribute = BUF(512);
        AUTO(csr) struct csr *csr = NULL;
        put_attribute(&attribute, OID_MS_NAME_VALUE_PAIR, cases[i].pair);
        assert_int_equal(decode(&(struct recipe){.attributes = buf_span(&attribute)}, &csr), cases[i].status);
        assert_true(cases[i].status != STATUS_OK || csr->san_by_attribute == cases[i].is_san);
    }
}

static void csr_decode__wants_exactly_one_value(void **state)
{
    static const enum oid kinds[] = {OID_CHALLENGE_PASSWORD, OID_EXTENSION_REQUEST, OID_MS_EXTENSION_REQUEST};
    const struct span two[] = {OCTETS(0x13, 1, 'a', 0x13, 1, 'b'), OCTETS(0x30, 0, 0x30, 0),
                               OCTETS(0x30, 0, 0x30, 0)};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(decode_attribute(kinds[i], SPAN(two[i].data, two[i].len / 2)), STATUS_OK);
        assert_int_equal(decode_attribute(kinds[i], two[i]), STATUS_MALFORMED);
        assert_int_equal(decode_attribute(kinds[i], SPAN_NONE), STATUS_MALFORMED);
    }
    assert_int_equal(decode_attribute(OID_UNSTRUCTURED_NAME, two[0]), STATUS_OK);
    assert_int_equal(decode_attribute(OID_UNSTRUCTURED_NAME, SPAN_NONE), STATUS_MALFORMED);
}

/* RFC 5280 section 4.2: "A certificate MUST NOT include more than one instance of a particular extension." */
static void csr_decode__refuses_extensions_that_come_twice(void **state)
{
    AUTO(buf) struct buf extensions = BUF(1024);
    const struct span usage = OCTETS(0x03, 2, 5, 0xa0);

    (void)state;
    put_extension(&extensions, OID_KEY_USAGE, usage);
    put_extension(&extensions, OID_EKU, SPAN_NONE);
    assert_int_equal(decode_extensions(buf_span(&extensions)), STATUS_OK);
    put_extension(&extensions, OID_EKU, SPAN_NONE);
    assert_int_equal(decode_extensions(buf_span(&extensions)), STATUS_MALFORMED);
}

static void csr_decode__refuses_malformed_extensions(void **state)
{
    const struct {
        enum oid type;
        struct span value;
        enum status status;
    } cases[] = {
        {OID_KEY_USAGE, OCTETS(0x03, 2, 7, 0x80), STATUS_OK},
        {OID_KEY_USAGE, OCTETS(0x03, 2, 7, 0x80, 0), STATUS_MALFORMED},
        {OID_KEY_USAGE, OCTETS(0x04, 2, 7, 0x80), STATUS_MALFORMED},
        {OID_SAN, OCTETS(0x30, 3, 0x82, 1, 'a'), STATUS_OK},
        {OID_SAN, OCTETS(0x30, 0), STATUS_MALFORMED},
        {OID_SAN, OCTETS(0x30, 4, 0x82, 2, 'a', 0), STATUS_MALFORMED},
        {OID_SAN, OCTETS(0x30, 3, 0x82, 1, 'a', 0), STATUS_MALFORMED},
        {OID_MS_TEMPLATE_NAME, OCTETS(0x1e, 2, 0, 'U'), STATUS_OK},
        {OID_MS_TEMPLATE_NAME, OCTETS(0x1e, 1, 'U'), STATUS_MALFORMED},
        {OID_MS_TEMPLATE_NAME, OCTETS(0x1e, 2, 0, 0), STATUS_MALFORMED},
        {OID_MS_TEMPLATE_NAME, OCTETS(0x1e, 2, 0, 'U', 0), STATUS_MALFORMED},
        {OID_MS_SID_EXTENSION, OCTETS(0xff), STATUS_OK}, /* passed over */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(buf) struct buf extensions = BUF(1024);
        put_extension(&extensions, cases[i].type, cases[i].value);
        assert_int_equal(decode_extensions(buf_span(&extensions)), cases[i].status);
    }
}

/* ---- the challenge ---- */

static const struct {
    uint8_t tag;
    const char *octets;
    size_t len;
    const char *text;
    const char *blanked;
} challenges[] = {
    {DER_PRINTABLE_STRING, "abc", 3, "abc", "***"},
    {DER_PRINTABLE_STRING, "a@*_", 4, "a@*_", "****"},
    {DER_UTF8_STRING, "\u00fcx", 3, "\u00fcx", "***"},
    {DER_IA5_STRING, "a b", 3, "a b", "***"},
    {DER_NUMERIC_STRING, "123", 3, "123", "***"},
    {DER_T61_STRING, "\xfc", 1, "\u00fc", "*"},
    {DER_BMP_STRING, "\0a\x20\xac", 4, "a\u20ac", "**"},
    {DER_UNIVERSAL_STRING, "\0\0\0a", 4, "a", "*"},
    {DER_UTF8_STRING, "", 0, "", ""},
};

static void csr_blanked__hides_the_challenge_and_can_be_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(challenges) / sizeof(challenges[0]); i++) {
        AUTO(buf) struct buf value = BUF(64);
        AUTO(buf) struct buf attribute = BUF(256);
        AUTO(buf) struct buf blanked = BUF(CSR_MAX_LEN);
        AUTO(csr) struct csr *csr = NULL;
        AUTO(csr) struct csr *again = NULL;
        der_put(&value, challenges[i].tag, SPAN(challenges[i].octets, challenges[i].len));
        put_attribute(&attribute, OID_CHALLENGE_PASSWORD, buf_span(&value));
        assert_int_equal(decode(&(struct recipe){.attributes = buf_span(&attribute)}, &csr), STATUS_OK);
        assert_string_equal(csr->challenge, challenges[i].text);
        csr_blanked(csr, &blanked);
        assert_int_equal(blanked.len, csr->der.len);
        assert_int_equal(csr_decode(buf_span(&blanked), &again, NULL), STATUS_OK);
        assert_string_equal(again->challenge, challenges[i].blanked);
        assert_true(pubkey_equal(csr->key, again->key));
    }
}

static void csr_blanked__leaves_a_request_without_challenge_as_it_is(void **state)
{
    AUTO(csr) struct csr *csr = NULL;
    AUTO(buf) struct buf blanked = BUF(CSR_MAX_LEN);

    (void)state;
    assert_int_equal(decode(&(struct recipe){0}, &csr), STATUS_OK);
    assert_null(csr->challenge);
    csr_blanked(csr, &blanked);
    assert_true(span_equal(buf_span(&blanked), buf_span(&csr->der)));
}

static void csr_decode__refuses_challenges_that_are_no_text(void **state)
{
    (void)state;
    assert_int_equal(decode_attribute(OID_CHALLENGE_PASSWORD, OCTETS(0x04, 1, 'a')), STATUS_MALFORMED);
    assert_int_equal(decode_attribute(OID_CHALLENGE_PASSWORD, OCTETS(0x0c, 1, 0)), STATUS_MALFORMED);
    assert_int_equal(decode_attribute(OID_CHALLENGE_PASSWORD, OCTETS(0x13, 1, 0xfc)), STATUS_MALFORMED);
    assert_int_equal(decode_attribute(OID_CHALLENGE_PASSWORD, OCTETS(0x1e, 1, 'a')), STATUS_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csr_decode__reads_what_openssl_wrote),
        cmocka_unit_test(csr_decode__takes_pem_of_both_labels),
        cmocka_unit_test(csr_verify__finds_a_changed_request),
        cmocka_unit_test(csr_decode__reads_mutated_requests_as_openssl_does_or_refuses),
        cmocka_unit_test(csr_decode__refuses_wrong_frames),
        cmocka_unit_test(csr_decode__limits_the_length),
        cmocka_unit_test(csr_decode__refuses_attributes_that_come_twice),
        cmocka_unit_test(csr_decode__tells_of_a_san_by_attribute),
        cmocka_unit_test(csr_decode__wants_exactly_one_value),
        cmocka_unit_test(csr_decode__refuses_extensions_that_come_twice),
        cmocka_unit_test(csr_decode__refuses_malformed_extensions),
        cmocka_unit_test(csr_blanked__hides_the_challenge_and_can_be_read),
        cmocka_unit_test(csr_blanked__leaves_a_request_without_challenge_as_it_is),
        cmocka_unit_test(csr_decode__refuses_challenges_that_are_no_text),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    EVP_PKEY_free(test_key_rsa());
    return failed;
}

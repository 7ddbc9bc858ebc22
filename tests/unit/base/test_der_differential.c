/* SPDX-License-Identifier: Apache-2.0
 *
 * DER against OpenSSL: what our writer writes OpenSSL reads with the same value and writes again as it was;
 * what our reader accepts of random mutations OpenSSL accepts with the same value. The seeds are fixed.
 */
#include "der.h"
#include "oid.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#define OCTETS(text) SPAN("" text, sizeof(text) - 1)
#define ROUNDS       20000

#define assert_status(expected, call) assert_string_equal(status_name(expected), status_name(call))

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void assert_written_again(int len, unsigned char *again, struct span der)
{
    assert_int_equal(len, der.len);
    assert_memory_equal(again, der.data, der.len);
    OPENSSL_free(again);
}

/* ---- one reader of ours each: false if ours refuses, failure if OpenSSL sees it otherwise ---- */

typedef bool check_fn(struct span der);

static bool check_tlv(struct span der)
{
    struct der_reader reader = der_reader(der);
    struct der_tlv tlv;
    if (der_any(&reader, &tlv, "TLV", NULL) != STATUS_OK)
        return false;
    const uint8_t *at = der.data;
    long len = 0;
    int tag = 0;
    int class = 0;
    int form = ASN1_get_object(&at, &len, &tag, &class, (long)der.len);
    assert_int_equal(form & 0x81, 0);
    assert_int_equal(tlv.tag, tag | class | (form & V_ASN1_CONSTRUCTED));
    assert_int_equal(tlv.content.len, len);
    assert_ptr_equal(tlv.content.data, at);
    return true;
}

static bool check_integer(struct span der)
{
    struct der_reader reader = der_reader(der);
    struct der_reader small = reader;
    struct span octets;
    uint64_t value = 0;
    uint64_t their_value = 0;
    if (der_take_integer(&reader, &octets, 64, "INTEGER", NULL) != STATUS_OK || !der_at_end(&reader))
        return false;
    const uint8_t *at = der.data;
    ASN1_INTEGER *theirs = d2i_ASN1_INTEGER(NULL, &at, (long)der.len);
    assert_non_null(theirs);
    assert_ptr_equal(at, der.data + der.len);
    unsigned char *again = NULL;
    int len = i2d_ASN1_INTEGER(theirs, &again);
    assert_written_again(len, again, der);
    bool fits = ASN1_INTEGER_get_uint64(&their_value, theirs) == 1;
    assert_int_equal(der_take_uint(&small, &value, UINT64_MAX, "INTEGER", NULL) == STATUS_OK, fits);
    assert_true(!fits || value == their_value);
    ASN1_INTEGER_free(theirs);
    return true;
}

static bool check_oid(struct span der)
{
    struct der_reader reader = der_reader(der);
    struct span octets;
    if (der_take_oid(&reader, &octets, "OID", NULL) != STATUS_OK || !der_at_end(&reader))
        return false;
    const uint8_t *at = der.data;
    ASN1_OBJECT *theirs = d2i_ASN1_OBJECT(NULL, &at, (long)der.len);
    assert_non_null(theirs);
    assert_true(span_equal(octets, SPAN(OBJ_get0_data(theirs), OBJ_length(theirs))));
    ASN1_OBJECT_free(theirs);
    return true;
}

static bool check_bits(struct span der)
{
    struct der_reader reader = der_reader(der);
    struct der_reader named = reader;
    struct span octets = SPAN_NONE;
    unsigned flags = 0;
    bool whole = der_take_bits(&reader, &octets, "BIT STRING", NULL) == STATUS_OK && der_at_end(&reader);
    bool flagged = der_take_flags(&named, &flags, "BIT STRING", NULL) == STATUS_OK && der_at_end(&named);
    if (!whole && !flagged)
        return false;
    const uint8_t *at = der.data;
    ASN1_BIT_STRING *theirs = d2i_ASN1_BIT_STRING(NULL, &at, (long)der.len);
    assert_non_null(theirs);
    if (whole)
        assert_true(
            span_equal(octets, SPAN(ASN1_STRING_get0_data(theirs), (size_t)ASN1_STRING_length(theirs))));
    for (int n = 0; flagged && n < 32; n++)
        assert_int_equal(flags >> n & 1u, ASN1_BIT_STRING_get_bit(theirs, n));
    ASN1_BIT_STRING_free(theirs);
    return true;
}

static bool check_time(struct span der)
{
    struct der_reader reader = der_reader(der);
    int64_t unix_s = 0;
    if (der_take_time(&reader, &unix_s, "time", NULL) != STATUS_OK || !der_at_end(&reader))
        return false;
    const uint8_t *at = der.data;
    struct tm parts;
    ASN1_TIME *theirs = d2i_ASN1_TIME(NULL, &at, (long)der.len);
    assert_non_null(theirs);
    assert_int_equal(ASN1_TIME_to_tm(theirs, &parts), 1);
    assert_true(timegm(&parts) == unix_s);
    ASN1_TIME_free(theirs);
    return true;
}

static bool check_string(struct span der)
{
    struct der_reader reader = der_reader(der);
    struct der_tlv tlv;
    AUTO(buf) struct buf text = BUF(1000);
    if (der_any(&reader, &tlv, "string", NULL) != STATUS_OK || !der_at_end(&reader) ||
        der_string_utf8(tlv.tag, tlv.content, &text, "string", NULL) != STATUS_OK)
        return false;
    const uint8_t *at = der.data;
    ASN1_TYPE *theirs = d2i_ASN1_TYPE(NULL, &at, (long)der.len);
    assert_non_null(theirs);
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, theirs->value.asn1_string);
    assert_int_equal(len, text.len);
    assert_true(span_equal(buf_span(&text), SPAN(utf8, (size_t)len)));
    OPENSSL_free(utf8);
    ASN1_TYPE_free(theirs);
    return true;
}

static bool check_bool(struct span der)
{
    struct der_reader reader = der_reader(der);
    bool value = false;
    if (der_take_bool(&reader, &value, "BOOLEAN", NULL) != STATUS_OK || !der_at_end(&reader))
        return false;
    const uint8_t *at = der.data;
    ASN1_TYPE *theirs = d2i_ASN1_TYPE(NULL, &at, (long)der.len);
    assert_non_null(theirs);
    assert_int_equal(theirs->type, V_ASN1_BOOLEAN);
    assert_int_equal(theirs->value.boolean != 0, value);
    ASN1_TYPE_free(theirs);
    return true;
}

/* ---- mutations ---- */

/* Octets changed, bits flipped, cut or longer: one to three of them. */
static size_t mutate(uint8_t *octets, size_t len, size_t max_len, uint32_t *seed)
{
    for (size_t changes = 1 + next_random(seed) % 3; changes > 0 && len > 0; changes--) {
        size_t at = next_random(seed) % len;
        switch (next_random(seed) % 5) {
        case 0:
            octets[at] = (uint8_t)next_random(seed);
            break;
        case 1:
            octets[len > 1 ? 1 : 0] = (uint8_t)(octets[len > 1 ? 1 : 0] - 1 + next_random(seed) % 3);
            break;
        case 2:
            len -= next_random(seed) % 2;
            break;
        case 3:
            if (len < max_len)
                octets[len++] = (uint8_t)next_random(seed);
            break;
        default:
            octets[at] ^= (uint8_t)(1u << next_random(seed) % 8);
        }
    }
    return len;
}

static void check_mutations(check_fn *check, const struct span *originals, size_t count, size_t at_least)
{
    uint32_t seed = 0xd1ff;
    size_t accepted = 0;
    size_t refused = 0;
    for (size_t i = 0; i < count; i++)
        assert_true(check(originals[i]));
    for (size_t round = 0; round < ROUNDS; round++) {
        uint8_t octets[128];
        struct span original = originals[round % count];
        assert_true(original.len < sizeof octets);
        memcpy(octets, original.data, original.len);
        size_t len = mutate(octets, original.len, sizeof octets, &seed);
        if (check(SPAN(octets, len)))
            accepted++;
        else
            refused++;
    }
    assert_true(accepted >= at_least);
    assert_true(refused >= ROUNDS / 10);
}

#define CHECK_MUTATIONS(check, originals, at_least)                                                          \
    check_mutations(check, originals, sizeof(originals) / sizeof(originals)[0], at_least)

static void der_any__agrees_with_openssl_on_mutations(void **state)
{
    (void)state;
    uint8_t longer[2 + 100] = {0x30, 100};
    const struct span originals[] = {OCTETS("\x30\x06\x02\x01\x05\x04\x01"
                                            "a"),
                                     OCTETS("\xa0\x02\x05\x00"), OCTETS("\x5e\x01\x00"),
                                     SPAN(longer, sizeof longer)};
    CHECK_MUTATIONS(check_tlv, originals, 5000);
}

static void der_take_integer__agrees_with_openssl_on_mutations(void **state)
{
    (void)state;
    static const struct span originals[] = {
        OCTETS("\x02\x01\x00"),
        OCTETS("\x02\x02\x00\x80"),
        OCTETS("\x02\x01\x80"),
        OCTETS("\x02\x02\xff\x00"),
        OCTETS("\x02\x03\x01\x00\x00"),
        OCTETS("\x02\x09\x00\xff\x01\x02\x03\x04\x05\x06\x07"),
        OCTETS("\x02\x14\x7f\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13")};
    CHECK_MUTATIONS(check_integer, originals, 2000);
}

static void der_take_oid__agrees_with_openssl_on_mutations(void **state)
{
    (void)state;
    static const struct span originals[] = {OCTETS("\x06\x03\x55\x04\x03"),
                                            OCTETS("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"),
                                            OCTETS("\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02")};
    CHECK_MUTATIONS(check_oid, originals, 2000);
}

static void der_take_bits__agrees_with_openssl_on_mutations(void **state)
{
    (void)state;
    static const struct span originals[] = {OCTETS("\x03\x01\x00"), OCTETS("\x03\x02\x05\xa0"),
                                            OCTETS("\x03\x03\x07\x00\x80"), OCTETS("\x03\x02\x00\xff"),
                                            OCTETS("\x03\x05\x00\x01\x02\x03\x04")};
    CHECK_MUTATIONS(check_bits, originals, 2000);
}

static void der_take_time__agrees_with_openssl_on_mutations(void **state)
{
    (void)state;
    static const struct span originals[] = {OCTETS("\x17\x0d"
                                                   "491231235959Z"),
                                            OCTETS("\x17\x0d"
                                                   "500101000000Z"),
                                            OCTETS("\x17\x0d"
                                                   "240229111111Z"),
                                            OCTETS("\x18\x0f"
                                                   "20500101000000Z"),
                                            OCTETS("\x18\x0f"
                                                   "99991231235959Z"),
                                            OCTETS("\x18\x0f"
                                                   "21000228101112Z")};
    CHECK_MUTATIONS(check_time, originals, 500);
}

static void der_string_utf8__agrees_with_openssl_on_mutations(void **state)
{
    (void)state;
    static const struct span originals[] = {
        OCTETS("\x0c\x09"
               "J\xc3\xb6\xe2\x82\xac"
               "ab"
               "\x7f"),
        OCTETS("\x13\x05"
               "Ab 1."),
        OCTETS("\x16\x03"
               "a@b"),
        OCTETS("\x1a\x03"
               "a~b"),
        OCTETS("\x12\x03"
               "1 2"),
        OCTETS("\x14\x03"
               "a\xf6"
               "b"),
        OCTETS("\x1e\x06\0a\x20\xac\0b"),
        OCTETS("\x1c\x08\0\0\0a\0\x01\xf6\0"),
    };
    CHECK_MUTATIONS(check_string, originals, 2000);
}

static void der_take_bool__agrees_with_openssl_on_mutations(void **state)
{
    (void)state;
    static const struct span originals[] = {OCTETS("\x01\x01\xff"), OCTETS("\x01\x01\x00")};
    CHECK_MUTATIONS(check_bool, originals, 10);
}

/* ---- what we write ---- */

static void der_put_unsigned__is_read_by_openssl(void **state)
{
    (void)state;
    uint32_t seed = 0x1f2e3d;
    for (size_t round = 0; round < 2000; round++) {
        uint8_t magnitude[60];
        size_t len = next_random(&seed) % sizeof magnitude;
        for (size_t i = 0; i < len; i++)
            magnitude[i] = (uint8_t)(next_random(&seed) % 3 == 0 ? 0 : next_random(&seed));
        AUTO(buf) struct buf out = BUF(100);
        der_put_unsigned(&out, SPAN(magnitude, len));
        assert_true(check_integer(buf_span(&out)));
        const uint8_t *at = out.data;
        ASN1_INTEGER *theirs = d2i_ASN1_INTEGER(NULL, &at, (long)out.len);
        BIGNUM *number = ASN1_INTEGER_to_BN(theirs, NULL);
        BIGNUM *expected = BN_bin2bn(magnitude, (int)len, NULL);
        assert_int_equal(BN_cmp(number, expected), 0);
        BN_free(number);
        BN_free(expected);
        ASN1_INTEGER_free(theirs);
    }
}

static void der_put_time__writes_what_openssl_writes(void **state)
{
    (void)state;
    for (int64_t unix_s = -631152000; unix_s <= 253402300799; unix_s += 86400 * 97 + 4321) {
        AUTO(buf) struct buf out = BUF(100);
        der_put_time(&out, unix_s);
        assert_true(check_time(buf_span(&out)));
        ASN1_TIME *theirs = ASN1_TIME_set(NULL, unix_s);
        unsigned char *again = NULL;
        int len = i2d_ASN1_TIME(theirs, &again);
        assert_written_again(len, again, buf_span(&out));
        ASN1_TIME_free(theirs);
    }
}

static void der_put_flags__writes_what_openssl_writes(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 1u << 16; flags += 31) {
        AUTO(buf) struct buf out = BUF(100);
        der_put_flags(&out, flags);
        ASN1_BIT_STRING *theirs = ASN1_BIT_STRING_new();
        for (int n = 0; n < 16; n++)
            if ((flags >> n & 1u) != 0)
                assert_int_equal(ASN1_BIT_STRING_set_bit(theirs, n, 1), 1);
        unsigned char *again = NULL;
        int len = i2d_ASN1_BIT_STRING(theirs, &again);
        assert_written_again(len, again, buf_span(&out));
        ASN1_BIT_STRING_free(theirs);
    }
}

/* OpenSSL sorts a SET OF when it writes one. */
static void der_close_set_of__orders_as_openssl_does(void **state)
{
    (void)state;
    uint32_t seed = 0x5e70f;
    for (size_t round = 0; round < 500; round++) {
        AUTO(buf) struct buf out = BUF(10000);
        ASN1_SEQUENCE_ANY *theirs = sk_ASN1_TYPE_new_null();
        size_t mark = der_open(&out, DER_SET);
        for (size_t count = next_random(&seed) % 20; count > 0; count--) {
            uint8_t octets[4];
            size_t len = next_random(&seed) % (sizeof octets + 1);
            for (size_t i = 0; i < sizeof octets; i++)
                octets[i] = (uint8_t)(next_random(&seed) % 3);
            der_put(&out, DER_OCTET_STRING, SPAN(octets, len));
            ASN1_OCTET_STRING *string = ASN1_OCTET_STRING_new();
            ASN1_TYPE *any = ASN1_TYPE_new();
            assert_int_equal(ASN1_OCTET_STRING_set(string, octets, (int)len), 1);
            ASN1_TYPE_set(any, V_ASN1_OCTET_STRING, string);
            assert_true(sk_ASN1_TYPE_push(theirs, any) > 0);
        }
        der_close_set_of(&out, mark);
        unsigned char *again = NULL;
        int len = i2d_ASN1_SET_ANY(theirs, &again);
        assert_written_again(len, again, buf_span(&out));
        sk_ASN1_TYPE_pop_free(theirs, ASN1_TYPE_free);
    }
}

static void der_put_algorithm__is_read_by_openssl(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(100);
    der_put_algorithm(&out, OID_SHA256_RSA, true);
    const uint8_t *at = out.data;
    ASN1_SEQUENCE_ANY *theirs = d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long)out.len);
    assert_non_null(theirs);
    assert_int_equal(sk_ASN1_TYPE_num(theirs), 2);
    assert_int_equal(OBJ_obj2nid(sk_ASN1_TYPE_value(theirs, 0)->value.object), NID_sha256WithRSAEncryption);
    assert_int_equal(sk_ASN1_TYPE_value(theirs, 1)->type, V_ASN1_NULL);
    sk_ASN1_TYPE_pop_free(theirs, ASN1_TYPE_free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(der_any__agrees_with_openssl_on_mutations),
        cmocka_unit_test(der_take_integer__agrees_with_openssl_on_mutations),
        cmocka_unit_test(der_take_oid__agrees_with_openssl_on_mutations),
        cmocka_unit_test(der_take_bits__agrees_with_openssl_on_mutations),
        cmocka_unit_test(der_take_time__agrees_with_openssl_on_mutations),
        cmocka_unit_test(der_string_utf8__agrees_with_openssl_on_mutations),
        cmocka_unit_test(der_take_bool__agrees_with_openssl_on_mutations),
        cmocka_unit_test(der_put_unsigned__is_read_by_openssl),
        cmocka_unit_test(der_put_time__writes_what_openssl_writes),
        cmocka_unit_test(der_put_flags__writes_what_openssl_writes),
        cmocka_unit_test(der_close_set_of__orders_as_openssl_does),
        cmocka_unit_test(der_put_algorithm__is_read_by_openssl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The DER writer: octet for octet what X.690 asks, and what our own reader takes back.
 */
#include "der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OCTETS(text) SPAN("" text, sizeof(text) - 1)

#define assert_status(expected, call) assert_string_equal(status_name(expected), status_name(call))

static void assert_octets(const struct buf *out, struct span expected)
{
    assert_status(STATUS_OK, buf_status(out, "DER", NULL));
    assert_int_equal(out->len, expected.len);
    assert_memory_equal(out->data, expected.data, expected.len);
}

/* Contents of each size around which the number of length octets changes. */
static void der_close__makes_room_for_long_lengths(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        AUTO(buf) struct buf out = BUF(200000);
        size_t outer = der_open(&out, DER_SEQUENCE);
        size_t inner = der_open(&out, DER_OCTET_STRING);
        for (size_t n = 0; n < sizes[i]; n++)
            buf_add_octet(&out, (uint8_t)(n * 7));
        der_close(&out, inner);
        der_put_null(&out);
        der_close(&out, outer);
        struct der_reader reader;
        struct span content;
        assert_status(STATUS_OK, der_open_whole(buf_span(&out), DER_SEQUENCE, &reader, "outer", NULL));
        assert_status(STATUS_OK, der_take(&reader, DER_OCTET_STRING, &content, "inner", NULL));
        assert_int_equal(content.len, sizes[i]);
        for (size_t n = 0; n < content.len; n++)
            assert_int_equal(content.data[n], (uint8_t)(n * 7));
        assert_status(STATUS_OK, der_take_null(&reader, "null", NULL));
        assert_status(STATUS_OK, der_finish(&reader, "outer", NULL));
    }
}

static void der_put__writes_the_same_as_open_and_close(void **state)
{
    (void)state;
    static const uint8_t octets[70000];
    static const size_t sizes[] = {0, 127, 128, 256, 65536, 70000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        AUTO(buf) struct buf put = BUF(80000);
        AUTO(buf) struct buf closed = BUF(80000);
        der_put(&put, DER_OCTET_STRING, SPAN(octets, sizes[i]));
        size_t mark = der_open(&closed, DER_OCTET_STRING);
        buf_add(&closed, SPAN(octets, sizes[i]));
        der_close(&closed, mark);
        assert_octets(&put, buf_span(&closed));
    }
}

static void der_close__keeps_a_failure(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(130);
    size_t mark = der_open(&out, DER_SEQUENCE);
    for (size_t i = 0; i < 128; i++)
        buf_add_octet(&out, 0x05);
    der_close(&out, mark);
    assert_status(STATUS_LIMIT, buf_status(&out, "DER", NULL));
    der_close(&out, mark);
    der_close_set_of(&out, mark);
    assert_status(STATUS_LIMIT, buf_status(&out, "DER", NULL));
}

/* X.690 section 11.6: "The encodings of the component values of a set-of value shall appear in ascending
 * order, the encodings being compared as octet strings with the shorter components being padded at their
 * trailing end with 0-octets." */
static void der_close_set_of__sorts(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(100);
    size_t mark = der_open(&out, DER_SET);
    der_put(&out, DER_OCTET_STRING, OCTETS("b"));
    der_put(&out, DER_OCTET_STRING, OCTETS("aa"));
    der_put(&out, DER_OCTET_STRING, OCTETS("a"));
    der_put(&out, DER_INTEGER, OCTETS("\x7f"));
    der_put(&out, DER_OCTET_STRING, OCTETS("a"));
    der_close_set_of(&out, mark);
    assert_octets(&out, OCTETS("\x31\x10\x02\x01\x7f\x04\x01"
                               "a"
                               "\x04\x01"
                               "a"
                               "\x04\x01"
                               "b"
                               "\x04\x02"
                               "aa"));
}

static void der_close_set_of__takes_none_and_one(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(100);
    der_close_set_of(&out, der_open(&out, DER_SET));
    size_t mark = der_open(&out, DER_SET);
    der_put_null(&out);
    der_close_set_of(&out, mark);
    assert_octets(&out, OCTETS("\x31\x00\x31\x02\x05\x00"));
}

static void der_close_set_of__takes_64_elements_and_no_more(void **state)
{
    (void)state;
    for (unsigned count = 64; count <= 65; count++) {
        AUTO(buf) struct buf out = BUF(1000);
        size_t mark = der_open(&out, DER_SET);
        for (unsigned i = 0; i < count; i++)
            der_put_uint(&out, 100 - i);
        der_close_set_of(&out, mark);
        assert_status(count == 64 ? STATUS_OK : STATUS_LIMIT, buf_status(&out, "SET OF", NULL));
        if (count == 64)
            assert_memory_equal(out.data + 3, "\x02\x01\x25", 3);
    }
}

static void der_put_unsigned__is_positive_and_minimal(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(100);
    der_put_unsigned(&out, SPAN_NONE);
    der_put_unsigned(&out, OCTETS("\0\0"));
    der_put_unsigned(&out, OCTETS("\x7f"));
    der_put_unsigned(&out, OCTETS("\0\0\x80"));
    der_put_uint(&out, 0);
    der_put_uint(&out, 128);
    der_put_uint(&out, UINT64_MAX);
    assert_octets(&out,
                  OCTETS("\x02\x01\x00\x02\x01\x00\x02\x01\x7f\x02\x02\x00\x80\x02\x01\x00\x02\x02\x00\x80"
                         "\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff"));
}

static void der_put_bool_null_bits__write_their_octets(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(100);
    der_put_bool(&out, true);
    der_put_bool(&out, false);
    der_put_null(&out);
    der_put_bits(&out, OCTETS("\xab"));
    der_put_bits(&out, SPAN_NONE);
    assert_octets(&out, OCTETS("\x01\x01\xff\x01\x01\x00\x05\x00\x03\x02\x00\xab\x03\x01\x00"));
}

/* X.690 section 11.2.2: "Where Rec. ITU-T X.680 … 22.7, applies, the bitstring shall have all trailing 0 bits
 * removed before it is encoded." */
static void der_put_flags__drops_trailing_zero_bits(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(100);
    der_put_flags(&out, 0);
    der_put_flags(&out, 1u << 0);
    der_put_flags(&out, 1u << 0 | 1u << 2);
    der_put_flags(&out, 1u << 7);
    der_put_flags(&out, 1u << 8);
    assert_octets(&out,
                  OCTETS("\x03\x01\x00\x03\x02\x07\x80\x03\x02\x05\xa0\x03\x02\x00\x01\x03\x03\x07\x00\x80"));
}

static void der_put_flags__is_read_back(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 1u << 16; flags += flags < 1024 ? 1 : 37) {
        AUTO(buf) struct buf out = BUF(100);
        unsigned read = ~flags;
        der_put_flags(&out, flags);
        struct der_reader reader = der_reader(buf_span(&out));
        assert_status(STATUS_OK, der_take_flags(&reader, &read, "flags", NULL));
        assert_int_equal(read, flags);
    }
}

/* RFC 5280 section 4.1.2.5: "CAs conforming to this profile MUST always encode certificate validity dates
 * through the year 2049 as UTCTime; certificate validity dates in 2050 or later MUST be encoded as
 * GeneralizedTime." */
static void der_put_time__changes_form_in_2050(void **state)
{
    (void)state;
    static const struct {
        int64_t unix_s;
        struct span der;
    } cases[] = {
        {0, OCTETS("\x17\x0d"
                   "700101000000Z")},
        {2524607999, OCTETS("\x17\x0d"
                            "491231235959Z")},
        {2524608000, OCTETS("\x18\x0f"
                            "20500101000000Z")},
        {-631152000, OCTETS("\x17\x0d"
                            "500101000000Z")},
        {-631152001, OCTETS("\x18\x0f"
                            "19491231235959Z")},
        {951782400, OCTETS("\x17\x0d"
                           "000229000000Z")},
        {253402300799, OCTETS("\x18\x0f"
                              "99991231235959Z")},
        {INT64_MAX, OCTETS("\x18\x0f"
                           "99991231235959Z")},
        {INT64_MIN, OCTETS("\x18\x0f"
                           "00000101000000Z")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(buf) struct buf out = BUF(100);
        der_put_time(&out, cases[i].unix_s);
        assert_octets(&out, cases[i].der);
    }
}

static void der_put_generalized_time__is_always_that_form(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(100);
    der_put_generalized_time(&out, 0);
    assert_octets(&out, OCTETS("\x18\x0f"
                               "19700101000000Z"));
}

static void der_put_time__is_read_back(void **state)
{
    (void)state;
    for (int64_t unix_s = -62167219200; unix_s <= 253402300799; unix_s += 86400 * 100 + 12345) {
        AUTO(buf) struct buf out = BUF(100);
        int64_t read = 1;
        der_put_time(&out, unix_s);
        struct der_reader reader = der_reader(buf_span(&out));
        assert_status(STATUS_OK, der_take_time(&reader, &read, "time", NULL));
        assert_true(read == unix_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(der_close__makes_room_for_long_lengths),
        cmocka_unit_test(der_put__writes_the_same_as_open_and_close),
        cmocka_unit_test(der_close__keeps_a_failure),
        cmocka_unit_test(der_close_set_of__sorts),
        cmocka_unit_test(der_close_set_of__takes_none_and_one),
        cmocka_unit_test(der_close_set_of__takes_64_elements_and_no_more),
        cmocka_unit_test(der_put_unsigned__is_positive_and_minimal),
        cmocka_unit_test(der_put_bool_null_bits__write_their_octets),
        cmocka_unit_test(der_put_flags__drops_trailing_zero_bits),
        cmocka_unit_test(der_put_flags__is_read_back),
        cmocka_unit_test(der_put_time__changes_form_in_2050),
        cmocka_unit_test(der_put_generalized_time__is_always_that_form),
        cmocka_unit_test(der_put_time__is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

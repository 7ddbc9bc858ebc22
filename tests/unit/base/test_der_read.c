/* SPDX-License-Identifier: Apache-2.0
 *
 * The DER reader: what X.690 and RFC 5280 allow is read, everything else is refused with its field's name.
 */
#include "der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OCTETS(text) SPAN("" text, sizeof(text) - 1)
#define READER(text) der_reader(OCTETS(text))

#define assert_status(expected, call) assert_string_equal(status_name(expected), status_name(call))

static void der_any__reads_short_and_long_lengths(void **state)
{
    (void)state;
    uint8_t octets[3 + 200] = {0x04, 0x81, 200};
    struct der_reader reader = der_reader(SPAN(octets, sizeof octets));
    struct der_tlv tlv;
    assert_status(STATUS_OK, der_any(&reader, &tlv, "field", NULL));
    assert_int_equal(tlv.tag, DER_OCTET_STRING);
    assert_int_equal(tlv.content.len, 200);
    assert_ptr_equal(tlv.content.data, octets + 3);
    assert_ptr_equal(tlv.whole.data, octets);
    assert_int_equal(tlv.whole.len, sizeof octets);
    assert_true(der_at_end(&reader));
    assert_int_equal(der_peek(&reader), 0);
}

/* X.690 section 10.1: "The definite form of length encoding shall be used, encoded in the minimum number of
 * octets." */
static void der_any__refuses_wrong_lengths_and_tags(void **state)
{
    (void)state;
    static const struct {
        struct span octets;
        const char *why;
    } cases[] = {
        {OCTETS(""), "missing"},
        {OCTETS("\x04"), "ends where a length"},
        {OCTETS("\x04\x01"), "only 0 octets follow"},
        {OCTETS("\x04\x80\x00\x00"), "indefinite"},
        {OCTETS("\x04\x81"), "length octets"},
        {OCTETS("\x04\x81\x01\x00"), "more octets than DER allows"},
        {OCTETS("\x04\x82\x00\x80"), "more octets than DER allows"},
        {OCTETS("\x04\x85\x00\x00\x00\x00\x01\x00"), "at most 4"},
        {OCTETS("\x04\xff\x00"), "at most 4"},
        {OCTETS("\x04\x84\xff\xff\xff\xff\x00"), "only 1 octets follow"},
        {OCTETS("\x1f\x01\x00"), "tag 0x1f"},
        {OCTETS("\xbf\x81\x01\x00"), "tag 0xbf"},
        {OCTETS("\x00\x00"), "tag 0x00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        struct der_tlv tlv;
        struct der_reader reader = der_reader(cases[i].octets);
        assert_status(STATUS_MALFORMED, der_any(&reader, &tlv, "the field", &err));
        assert_non_null(strstr(err.text, "the field"));
        assert_non_null(strstr(err.text, cases[i].why));
        assert_ptr_equal(reader.next, cases[i].octets.data);
    }
}

static void der_any__finds_nothing_in_an_empty_span(void **state)
{
    (void)state;
    struct der_reader reader = der_reader(SPAN_NONE);
    struct der_tlv tlv;
    assert_true(der_at_end(&reader));
    assert_status(STATUS_MALFORMED, der_any(&reader, &tlv, "field", NULL));
    assert_status(STATUS_OK, der_finish(&reader, "field", NULL));
}

static void der_take__requires_its_tag(void **state)
{
    (void)state;
    struct err err = {0};
    struct span span;
    struct der_reader reader = READER("\x04\x01\x61\x0c\x01\x62");
    assert_status(STATUS_MALFORMED, der_take(&reader, DER_UTF8_STRING, &span, "name", &err));
    assert_non_null(strstr(err.text, "name: tag 0x04 where 0x0c is required"));
    assert_status(STATUS_OK, der_take(&reader, DER_OCTET_STRING, &span, "name", NULL));
    assert_true(span_equal(span, OCTETS("a")));
    assert_status(STATUS_OK, der_take_whole(&reader, DER_UTF8_STRING, &span, "name", NULL));
    assert_true(span_equal(span, OCTETS("\x0c\x01\x62")));
}

static void der_enter__keeps_within_the_contents(void **state)
{
    (void)state;
    struct der_reader reader = READER("\x30\x02\x04\x01\x61");
    struct der_reader inner;
    struct span span;
    assert_status(STATUS_OK, der_enter(&reader, DER_SEQUENCE, &inner, "outer", NULL));
    assert_status(STATUS_MALFORMED, der_take(&inner, DER_OCTET_STRING, &span, "inner", NULL));
}

static void der_optional__leaves_another_tag_alone(void **state)
{
    (void)state;
    struct der_reader reader = READER("\x80\x01\x07\x05");
    struct span span = SPAN_NONE;
    bool present = true;
    assert_status(STATUS_OK, der_optional(&reader, DER_CONTEXT(1), &span, &present, "field", NULL));
    assert_false(present);
    assert_status(STATUS_OK, der_optional(&reader, DER_CONTEXT(0), &span, &present, "field", NULL));
    assert_true(present);
    assert_true(span_equal(span, OCTETS("\x07")));
    assert_status(STATUS_MALFORMED, der_optional(&reader, DER_NULL, &span, &present, "field", NULL));
}

static void der_open_whole__refuses_trailing_octets(void **state)
{
    (void)state;
    struct err err = {0};
    struct der_reader inner;
    assert_status(STATUS_OK, der_open_whole(OCTETS("\x30\x02\x05\x00"), DER_SEQUENCE, &inner, "it", NULL));
    assert_status(STATUS_OK, der_take_null(&inner, "it", NULL));
    assert_status(STATUS_MALFORMED,
                  der_open_whole(OCTETS("\x30\x00\x05\x00"), DER_SEQUENCE, &inner, "it", &err));
    assert_non_null(strstr(err.text, "2 trailing octets"));
}

/* X.690 section 8.3.2: "the bits of the first octet and bit 8 of the second octet shall not all be ones and
 * shall not all be zero." */
static void der_take_integer__refuses_what_is_not_minimal(void **state)
{
    (void)state;
    static const struct span bad[] = {OCTETS("\x02\x00"), OCTETS("\x02\x02\x00\x00"),
                                      OCTETS("\x02\x02\x00\x7f"), OCTETS("\x02\x02\xff\x80"),
                                      OCTETS("\x02\x02\xff\xff")};
    static const struct span good[] = {OCTETS("\x02\x01\x00"), OCTETS("\x02\x02\x00\x80"),
                                       OCTETS("\x02\x02\xff\x7f"), OCTETS("\x02\x01\xff")};
    struct span octets;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct der_reader reader = der_reader(bad[i]);
        assert_status(STATUS_MALFORMED, der_take_integer(&reader, &octets, 20, "serial", NULL));
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct der_reader reader = der_reader(good[i]);
        assert_status(STATUS_OK, der_take_integer(&reader, &octets, 20, "serial", NULL));
        assert_int_equal(octets.len, good[i].len - 2);
    }
}

static void der_take_integer__limits_its_octets(void **state)
{
    (void)state;
    struct span octets;
    struct der_reader reader = READER("\x02\x03\x01\x02\x03");
    assert_status(STATUS_LIMIT, der_take_integer(&reader, &octets, 2, "serial", NULL));
}

static void der_take_uint__holds_its_range(void **state)
{
    (void)state;
    static const struct {
        struct span octets;
        uint64_t max;
        enum status status;
        uint64_t value;
    } cases[] = {
        {OCTETS("\x02\x01\x00"), 0, STATUS_OK, 0},
        {OCTETS("\x02\x01\x7f"), 127, STATUS_OK, 127},
        {OCTETS("\x02\x02\x00\x80"), 127, STATUS_MALFORMED, 0},
        {OCTETS("\x02\x01\xff"), 255, STATUS_MALFORMED, 0},
        {OCTETS("\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX, STATUS_OK, UINT64_MAX},
        {OCTETS("\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00"), UINT64_MAX, STATUS_MALFORMED, 0},
        {OCTETS("\x02\x0a\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX, STATUS_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = 0;
        struct der_reader reader = der_reader(cases[i].octets);
        assert_status(cases[i].status, der_take_uint(&reader, &value, cases[i].max, "version", NULL));
        assert_true(value == cases[i].value);
    }
}

/* X.690 section 11.1: "If the encoding represents the boolean value TRUE, its single contents octet shall
 * have all eight bits set to one." */
static void der_take_bool__takes_00_and_ff_only(void **state)
{
    (void)state;
    bool value = false;
    struct der_reader reader = READER("\x01\x01\xff\x01\x01\x00\x01\x01\x01\x01\x00\x01\x02\xff\xff");
    assert_status(STATUS_OK, der_take_bool(&reader, &value, "critical", NULL));
    assert_true(value);
    assert_status(STATUS_OK, der_take_bool(&reader, &value, "critical", NULL));
    assert_false(value);
    for (size_t i = 0; i < 3; i++)
        assert_status(STATUS_MALFORMED, der_take_bool(&reader, &value, "critical", NULL));
    assert_true(der_at_end(&reader));
}

static void der_take_null__has_no_octets(void **state)
{
    (void)state;
    struct der_reader reader = READER("\x05\x00\x05\x01\x00");
    assert_status(STATUS_OK, der_take_null(&reader, "parameters", NULL));
    assert_status(STATUS_MALFORMED, der_take_null(&reader, "parameters", NULL));
}

/* X.690 section 8.19.2: "the leading octet of the subidentifier shall not have the value 80 (hexadecimal)".
 */
static void der_take_oid__refuses_what_is_not_minimal_or_complete(void **state)
{
    (void)state;
    static const struct span bad[] = {OCTETS("\x06\x00"), OCTETS("\x06\x01\x80"), OCTETS("\x06\x02\x80\x01"),
                                      OCTETS("\x06\x03\x55\x80\x01"), OCTETS("\x06\x02\x55\x84")};
    struct span oid;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct der_reader reader = der_reader(bad[i]);
        assert_status(STATUS_MALFORMED, der_take_oid(&reader, &oid, "type", NULL));
    }
    uint8_t octets[2 + 65] = {0x06, 64};
    struct der_reader longest = der_reader(SPAN(octets, 2 + 64));
    assert_status(STATUS_OK, der_take_oid(&longest, &oid, "type", NULL));
    octets[1] = 65;
    struct der_reader longer = der_reader(SPAN(octets, sizeof octets));
    assert_status(STATUS_MALFORMED, der_take_oid(&longer, &oid, "type", NULL));
    struct der_reader inner_80 = READER("\x06\x03\x55\x81\x80");
    assert_status(STATUS_MALFORMED, der_take_oid(&inner_80, &oid, "type", NULL));
    struct der_reader good = READER("\x06\x05\x55\x81\x80\x80\x00");
    assert_status(STATUS_OK, der_take_oid(&good, &oid, "type", NULL));
}

static void der_take_bits__takes_whole_octets(void **state)
{
    (void)state;
    static const struct span bad[] = {OCTETS("\x03\x00"), OCTETS("\x03\x01\x01"), OCTETS("\x03\x02\x01\xfe"),
                                      OCTETS("\x03\x02\x08\x00"), OCTETS("\x23\x03\x03\x01\x00")};
    struct span octets;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct der_reader reader = der_reader(bad[i]);
        assert_status(STATUS_MALFORMED, der_take_bits(&reader, &octets, "signature", NULL));
    }
    struct der_reader reader = READER("\x03\x01\x00\x03\x02\x00\xff");
    assert_status(STATUS_OK, der_take_bits(&reader, &octets, "signature", NULL));
    assert_int_equal(octets.len, 0);
    assert_status(STATUS_OK, der_take_bits(&reader, &octets, "signature", NULL));
    assert_true(span_equal(octets, OCTETS("\xff")));
}

/* X.690 section 11.2.1: "Each unused bit in the final octet of the encoding of a bit string value shall be
 * set to zero." */
static void der_take_flags__reads_named_bits(void **state)
{
    (void)state;
    static const struct {
        struct span octets;
        enum status status;
        unsigned flags;
    } cases[] = {
        {OCTETS("\x03\x01\x00"), STATUS_OK, 0},
        {OCTETS("\x03\x02\x07\x80"), STATUS_OK, 1u << 0},
        {OCTETS("\x03\x02\x05\xa0"), STATUS_OK, 1u << 0 | 1u << 2},
        {OCTETS("\x03\x02\x00\xa0"), STATUS_OK, 1u << 0 | 1u << 2},
        {OCTETS("\x03\x03\x07\x00\x80"), STATUS_OK, 1u << 8},
        {OCTETS("\x03\x03\x00\x00\x01"), STATUS_OK, 1u << 15},
        {OCTETS("\x03\x02\x05\xb0"), STATUS_MALFORMED, 0},
        {OCTETS("\x03\x04\x00\x00\x00\x01"), STATUS_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned flags = 0;
        struct der_reader reader = der_reader(cases[i].octets);
        assert_status(cases[i].status, der_take_flags(&reader, &flags, "keyUsage", NULL));
        assert_int_equal(flags, cases[i].flags);
    }
}

/* RFC 5280 section 4.1.2.5.1: "UTCTime values MUST be expressed in Greenwich Mean Time (Zulu) and MUST
 * include seconds (i.e., times are YYMMDDHHMMSSZ) … Where YY is greater than or equal to 50, the year SHALL
 * be interpreted as 19YY". */
static void der_take_time__reads_both_forms(void **state)
{
    (void)state;
    static const struct {
        struct span octets;
        int64_t unix_s;
    } cases[] = {
        {OCTETS("\x17\x0d"
                "700101000000Z"),
         0},
        {OCTETS("\x17\x0d"
                "500101000000Z"),
         -631152000},
        {OCTETS("\x17\x0d"
                "491231235959Z"),
         2524607999},
        {OCTETS("\x17\x0d"
                "000229120000Z"),
         951825600},
        {OCTETS("\x18\x0f"
                "20500101000000Z"),
         2524608000},
        {OCTETS("\x18\x0f"
                "99991231235959Z"),
         253402300799},
        {OCTETS("\x18\x0f"
                "19000228235959Z"),
         -2203891201},
        {OCTETS("\x18\x0f"
                "00000101000000Z"),
         -62167219200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t unix_s = 1;
        struct der_reader reader = der_reader(cases[i].octets);
        assert_status(STATUS_OK, der_take_time(&reader, &unix_s, "notBefore", NULL));
        assert_true(unix_s == cases[i].unix_s);
        assert_true(der_at_end(&reader));
    }
}

/* RFC 5280 section 4.1.2.5.2: "GeneralizedTime values MUST NOT include fractional seconds." */
static void der_take_time__refuses_other_forms_and_false_dates(void **state)
{
    (void)state;
    static const struct span bad[] = {
        OCTETS("\x17\x0b"
               "7001010000Z"),
        OCTETS("\x17\x0c"
               "700101000000"),
        OCTETS("\x17\x11"
               "700101000000+0000"),
        OCTETS("\x17\x0d"
               "700101000000z"),
        OCTETS("\x17\x0d"
               "70010100000 Z"),
        OCTETS("\x17\x0d"
               "701301000000Z"),
        OCTETS("\x17\x0d"
               "700001000000Z"),
        OCTETS("\x17\x0d"
               "700100000000Z"),
        OCTETS("\x17\x0d"
               "700132000000Z"),
        OCTETS("\x17\x0d"
               "700431000000Z"),
        OCTETS("\x17\x0d"
               "010229000000Z"),
        OCTETS("\x17\x0d"
               "700101240000Z"),
        OCTETS("\x17\x0d"
               "700101006000Z"),
        OCTETS("\x17\x0d"
               "700101000060Z"),
        OCTETS("\x18\x0d"
               "700101000000Z"),
        OCTETS("\x17\x0f"
               "20500101000000Z"),
        OCTETS("\x18\x11"
               "20500101000000.5Z"),
        OCTETS("\x18\x0f"
               "19000229000000Z"),
        OCTETS("\x18\x0f"
               "-9990101000000Z"),
        OCTETS("\x17\x00"),
        OCTETS("\x04\x0d"
               "700101000000Z"),
        OCTETS(""),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t unix_s = 1;
        struct der_reader reader = der_reader(bad[i]);
        assert_status(STATUS_MALFORMED, der_take_time(&reader, &unix_s, "notBefore", NULL));
        assert_true(unix_s == 1);
        assert_ptr_equal(reader.next, bad[i].data);
    }
}

static void der_string_utf8__turns_each_type_into_utf8(void **state)
{
    (void)state;
    static const struct {
        uint8_t tag;
        struct span content;
        const char *utf8;
    } cases[] = {
        {DER_UTF8_STRING, OCTETS("J\xc3\xb6rg"), "J\xc3\xb6rg"},
        {DER_PRINTABLE_STRING, OCTETS("Az 09'()+,-./:=?"), "Az 09'()+,-./:=?"},
        {DER_PRINTABLE_STRING, OCTETS("a@b_*&"), "a@b_*&"},
        {DER_NUMERIC_STRING, OCTETS("1*"), "1*"},
        {DER_IA5_STRING, OCTETS("a@b"), "a@b"},
        {DER_VISIBLE_STRING, OCTETS("~ {}"), "~ {}"},
        {DER_NUMERIC_STRING, OCTETS("12 3"), "12 3"},
        {DER_T61_STRING, OCTETS("J\xf6rg"), "J\xc3\xb6rg"},
        {DER_BMP_STRING, OCTETS("\0A\0\xf6\x20\xac"), "A\xc3\xb6\xe2\x82\xac"},
        {DER_UNIVERSAL_STRING, OCTETS("\0\0\0A\0\x01\xf6\x00"), "A\xf0\x9f\x98\x80"},
        {DER_UTF8_STRING, OCTETS(""), ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(buf) struct buf out = BUF(100);
        buf_add_text(&out, "=");
        assert_status(STATUS_OK, der_string_utf8(cases[i].tag, cases[i].content, &out, "CN", NULL));
        assert_int_equal(out.len, 1 + strlen(cases[i].utf8));
        assert_memory_equal(out.data + 1, cases[i].utf8, strlen(cases[i].utf8));
    }
}

static void der_string_utf8__refuses_characters_that_the_type_does_not_have(void **state)
{
    (void)state;
    static const struct {
        uint8_t tag;
        struct span content;
    } cases[] = {
        {DER_UTF8_STRING, OCTETS("a\0b")},
        {DER_UTF8_STRING, OCTETS("\xc0\x80")},
        {DER_UTF8_STRING, OCTETS("\xed\xa0\x80")},
        {DER_PRINTABLE_STRING, OCTETS("a\n")},
        {DER_PRINTABLE_STRING, OCTETS("a\0b")},
        {DER_PRINTABLE_STRING, OCTETS("\xe4")},
        {DER_IA5_STRING, OCTETS("\x80")},
        {DER_IA5_STRING, OCTETS("a\0")},
        {DER_VISIBLE_STRING, OCTETS("\n")},
        {DER_NUMERIC_STRING, OCTETS("1\x7f")},
        {DER_T61_STRING, OCTETS("a\0")},
        {DER_BMP_STRING, OCTETS("\0A\0")},
        {DER_BMP_STRING, OCTETS("\0\0")},
        {DER_BMP_STRING, OCTETS("\xd8\x3d\xde\x00")},
        {DER_UNIVERSAL_STRING, OCTETS("\0\0\0")},
        {DER_UNIVERSAL_STRING, OCTETS("\x00\x11\x00\x00")},
        {DER_UNIVERSAL_STRING, OCTETS("\x00\x00\xdf\xff")},
        {DER_OCTET_STRING, OCTETS("a")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(buf) struct buf out = BUF(100);
        struct err err = {0};
        buf_add_text(&out, "=");
        assert_status(STATUS_MALFORMED, der_string_utf8(cases[i].tag, cases[i].content, &out, "CN", &err));
        assert_non_null(strstr(err.text, "CN: "));
        assert_int_equal(out.len, 1);
    }
}

static void der_string_utf8__holds_the_ceiling(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(3);
    assert_status(STATUS_LIMIT, der_string_utf8(DER_T61_STRING, OCTETS("\xf6\xf6"), &out, "CN", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(der_any__reads_short_and_long_lengths),
        cmocka_unit_test(der_any__refuses_wrong_lengths_and_tags),
        cmocka_unit_test(der_any__finds_nothing_in_an_empty_span),
        cmocka_unit_test(der_take__requires_its_tag),
        cmocka_unit_test(der_enter__keeps_within_the_contents),
        cmocka_unit_test(der_optional__leaves_another_tag_alone),
        cmocka_unit_test(der_open_whole__refuses_trailing_octets),
        cmocka_unit_test(der_take_integer__refuses_what_is_not_minimal),
        cmocka_unit_test(der_take_integer__limits_its_octets),
        cmocka_unit_test(der_take_uint__holds_its_range),
        cmocka_unit_test(der_take_bool__takes_00_and_ff_only),
        cmocka_unit_test(der_take_null__has_no_octets),
        cmocka_unit_test(der_take_oid__refuses_what_is_not_minimal_or_complete),
        cmocka_unit_test(der_take_bits__takes_whole_octets),
        cmocka_unit_test(der_take_flags__reads_named_bits),
        cmocka_unit_test(der_take_time__reads_both_forms),
        cmocka_unit_test(der_take_time__refuses_other_forms_and_false_dates),
        cmocka_unit_test(der_string_utf8__turns_each_type_into_utf8),
        cmocka_unit_test(der_string_utf8__refuses_characters_that_the_type_does_not_have),
        cmocka_unit_test(der_string_utf8__holds_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

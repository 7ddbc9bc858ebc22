/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of base/text.c and base/utf8.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text.h"
#include "utf8.h"

#include <openssl/asn1.h>

static void text_copy__copies_and_keeps_null(void **state)
{
    (void)state;
    AUTO(heap) char *copy = NULL;
    char *none = copy;
    assert_int_equal(text_copy("abc", &copy, NULL), STATUS_OK);
    assert_string_equal(copy, "abc");
    assert_int_equal(text_copy(NULL, &none, NULL), STATUS_OK);
    assert_null(none);
}

static void text_format__makes_a_string(void **state)
{
    (void)state;
    AUTO(heap) char *text = NULL;
    assert_int_equal(text_format(&text, NULL, "%s/%d", "a", 7), STATUS_OK);
    assert_string_equal(text, "a/7");
}

/* RFC 3629 section 3: "The definition of UTF-8 prohibits encoding character numbers between U+D800 and
 * U+DFFF"; section 10 on overlong forms. */
static void utf8_valid__refuses_overlong_surrogate_and_too_large(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc3",
        "\xc3(",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xe2\x82",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(utf8_valid(SPAN_STR(bad[i])));
    assert_true(utf8_valid(SPAN_STR("a\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80"
                                    "\xf4\x8f\xbf\xbf")));
    assert_true(utf8_valid(SPAN_NONE));
}

static void utf8_next__agrees_with_openssl_on_every_character(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        unsigned char octets[8];
        int len = UTF8_putc(octets, sizeof(octets), code);
        uint32_t read = 0;
        size_t taken = len > 0 ? utf8_next(SPAN(octets, (size_t)len), &read) : 0;
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        if (surrogate)
            assert_int_equal(taken, 0);
        else if (taken != (size_t)len || read != code)
            fail_msg("U+%04X", (unsigned)code);
    }
}

static void utf8_printable__refuses_control_characters(void **state)
{
    (void)state;
    assert_true(utf8_printable(SPAN_STR("J\xc3\xbcrgen \xe2\x82\xac\xc2\xa0")));
    assert_false(utf8_printable(SPAN_STR("a\nb")));
    assert_false(utf8_printable(SPAN("a\0b", 3)));
    assert_false(utf8_printable(SPAN_STR("\x7f")));
    assert_false(utf8_printable(SPAN_STR("\xc2\x85")));
    assert_false(utf8_printable(SPAN_STR("\xff")));
}

static void text_escape__shows_what_a_terminal_must_not_see(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(256);
    text_escape(&out, SPAN("a\\b\n\0\x1b\xff\xc3\xa9\xc2\x9b\xe2\x82", 13));
    assert_true(span_equal(buf_span(&out), SPAN_STR("a\\x5c"
                                                    "b\\x0a\\x00\\x1b\\xff\xc3\xa9\\xc2\\x9b\\xe2\\x82")));
}

static void text_equal_nocase__folds_ascii_only(void **state)
{
    (void)state;
    assert_true(text_equal_nocase("CN=Device", "cn=dEVICE"));
    assert_true(text_equal_nocase("", ""));
    assert_false(text_equal_nocase("abc", "abcd"));
    assert_false(text_equal_nocase("abcd", "abc"));
    assert_false(text_equal_nocase("[", "{"));
    assert_false(text_equal_nocase("\xc3\x84", "\xc3\xa4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_copy__copies_and_keeps_null),
        cmocka_unit_test(text_format__makes_a_string),
        cmocka_unit_test(utf8_valid__refuses_overlong_surrogate_and_too_large),
        cmocka_unit_test(utf8_next__agrees_with_openssl_on_every_character),
        cmocka_unit_test(utf8_printable__refuses_control_characters),
        cmocka_unit_test(text_escape__shows_what_a_terminal_must_not_see),
        cmocka_unit_test(text_equal_nocase__folds_ascii_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of base/duration.c and base/calendar.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text.h"

#define DAY INT64_C(86400)

static void duration_parse__reads_each_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"90s", 90},
        {"10m", 600},
        {"12h", 43200},
        {"30d", 30 * DAY},
        {"6w", 42 * DAY},
        {"1y", 365 * DAY},
        {"0", 0},
        {"0s", 0},
        {"0d", 0},
        {"007d", 7 * DAY},
        {"100y", 36500 * DAY},
        {"36500d", 36500 * DAY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t seconds = -1;
        assert_int_equal(duration_parse(cases[i].text, &seconds, NULL), STATUS_OK);
        assert_int_equal(seconds, cases[i].seconds);
    }
}

static void duration_parse__refuses_the_rest_and_says_what_is_allowed(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "s",
                                      "90",
                                      "-1s",
                                      "+1s",
                                      " 1s",
                                      "1s ",
                                      "1.5h",
                                      "1h30m",
                                      "1M",
                                      "1 d",
                                      "always",
                                      "101y",
                                      "36501d",
                                      "0x1s",
                                      "00",
                                      "9223372036854775808s",
                                      "99999999999999999999999s"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = {0};
        int64_t seconds = -1;
        assert_int_equal(duration_parse(bad[i], &seconds, &err), STATUS_MALFORMED);
        assert_int_equal(seconds, -1);
        assert_non_null(strstr(err.text, "s, m, h, d, w or y"));
    }
}

static void duration_text__is_the_shortest_exact_form(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "0s"},        {90, "90s"},       {60, "1m"},          {5400, "90m"},
        {DAY, "1d"},      {7 * DAY, "7d"},   {30 * DAY, "30d"},   {365 * DAY, "1y"},
        {42 * DAY, "6w"}, {730 * DAY, "2y"}, {DAY + 1, "86401s"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(buf) struct buf out = BUF(32);
        duration_text(&out, cases[i].seconds);
        AUTO(heap) char *text = buf_take_text(&out);
        assert_string_equal(text, cases[i].text);
        int64_t back = -1;
        assert_int_equal(duration_parse(text, &back, NULL), STATUS_OK);
        assert_int_equal(back, cases[i].seconds);
    }
}

static void size_parse__reads_octets_and_binary_units(void **state)
{
    (void)state;
    int64_t octets = -1;
    assert_int_equal(size_parse("512", &octets, NULL), STATUS_OK);
    assert_int_equal(octets, 512);
    assert_int_equal(size_parse("64KiB", &octets, NULL), STATUS_OK);
    assert_int_equal(octets, 65536);
    assert_int_equal(size_parse("10MiB", &octets, NULL), STATUS_OK);
    assert_int_equal(octets, 10485760);
    assert_int_equal(size_parse("3GiB", &octets, NULL), STATUS_OK);
    assert_int_equal(octets, INT64_C(3221225472));
    assert_int_equal(size_parse("9223372036854775807", &octets, NULL), STATUS_OK);
    assert_int_equal(octets, INT64_MAX);
}

static void size_parse__refuses_the_rest(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "KiB", "10MB", "10kib", "-1", "1.5MiB", "10 MiB", "9223372036854775808", "8589934592GiB"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t octets = -1;
        struct err err = {0};
        assert_int_equal(size_parse(bad[i], &octets, &err), STATUS_MALFORMED);
        assert_int_equal(octets, -1);
        assert_non_null(strstr(err.text, "KiB"));
    }
}

static void time_text__and_back(void **state)
{
    (void)state;
    static const struct {
        int64_t unix_s;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1769860800, "2026-01-31T12:00:00Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {INT64_C(253402300799), "9999-12-31T23:59:59Z"},
        {INT64_C(-62167219200), "0000-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[32];
        time_text(cases[i].unix_s, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void time_text__stays_within_four_digit_years(void **state)
{
    (void)state;
    char text[32];
    time_text(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    time_text(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
}

/* RFC 9110 section 5.6.7: "An example of the preferred format is Sun, 06 Nov 1994 08:49:37 GMT". */
static void time_http__writes_the_preferred_format(void **state)
{
    (void)state;
    char text[32];
    int64_t back = 0;
    time_http(784111777, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    for (int64_t unix_s = 0; unix_s < 4 * 366 * DAY; unix_s += DAY + 3607) {
        time_http(unix_s, text);
        assert_int_equal(time_http_parse(text, &back, NULL), STATUS_OK);
        assert_int_equal(back, unix_s);
    }
}

static void time_http_parse__refuses_other_forms(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:60 GMT",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t unix_s = 1;
        assert_int_equal(time_http_parse(bad[i], &unix_s, NULL), STATUS_MALFORMED);
        assert_int_equal(unix_s, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duration_parse__reads_each_unit),
        cmocka_unit_test(duration_parse__refuses_the_rest_and_says_what_is_allowed),
        cmocka_unit_test(duration_text__is_the_shortest_exact_form),
        cmocka_unit_test(size_parse__reads_octets_and_binary_units),
        cmocka_unit_test(size_parse__refuses_the_rest),
        cmocka_unit_test(time_text__and_back),
        cmocka_unit_test(time_text__stays_within_four_digit_years),
        cmocka_unit_test(time_http__writes_the_preferred_format),
        cmocka_unit_test(time_http_parse__refuses_other_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

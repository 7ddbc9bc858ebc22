/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 4180 as device lists use it.
 */
#include "csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

/* All records as "a|b\nc|d\n", or the error's text. */
static enum status read_all(const char *text, size_t len, char *out, size_t room, struct err *err)
{
    struct csv_reader reader;
    AUTO(csv_record) struct csv_record record = {0};
    size_t used = 0;
    bool found = true;
    out[0] = '\0';
    TRY(csv_open(SPAN(text, len), &reader, err));
    for (;;) {
        TRY(csv_next(&reader, &record, &found, err));
        if (!found)
            return STATUS_OK;
        for (size_t i = 0; i < record.count; i++)
            used += (size_t)snprintf(out + used, room - used, "%s%s", i > 0 ? "|" : "", record.fields[i]);
        used += (size_t)snprintf(out + used, room - used, "\n");
    }
}

static void expect(const char *text, const char *records)
{
    char out[1024];
    struct err err = {0};
    assert_int_equal(read_all(text, strlen(text), out, sizeof(out), &err), STATUS_OK);
    assert_string_equal(out, records);
}

static void refuse(const char *text, size_t len, const char *part)
{
    char out[1024];
    struct err err = {0};
    assert_int_equal(read_all(text, len, out, sizeof(out), &err), STATUS_MALFORMED);
    assert_non_null(strstr(err.text, part));
}

static void csv__reads_bare_fields(void **state)
{
    (void)state;
    expect("a,b\nc,d\n", "a|b\nc|d\n");
    expect("a,b\r\nc,d", "a|b\nc|d\n");
    expect("a,,\n", "a||\n");
    expect("", "");
}

/* RFC 4180 section 2.6: "Fields containing line breaks (CRLF), double quotes, and commas should be enclosed
 * in double-quotes." 2.7: a quote inside is doubled. */
static void csv__reads_quoted_fields(void **state)
{
    (void)state;
    expect("\"a,b\",\"say \"\"x\"\"\"\r\n\"two\nlines\",d\r\n", "a,b|say \"x\"\ntwo\nlines|d\n");
    expect("\"\",\"\"\n", "|\n");
    expect("\"end\"", "end\n");
}

static void csv__skips_byte_order_mark_and_empty_lines(void **state)
{
    (void)state;
    expect("\xef\xbb\xbf"
           "a,b\n\n\r\nc,d\n\n",
           "a|b\nc|d\n");
}

static void csv__counts_lines_through_quoted_breaks(void **state)
{
    (void)state;
    struct csv_reader reader;
    AUTO(csv_record) struct csv_record record = {0};
    bool found = false;
    assert_int_equal(csv_open(SPAN_STR("\"x\ny\"\nsecond\n"), &reader, NULL), STATUS_OK);
    assert_int_equal(csv_next(&reader, &record, &found, NULL), STATUS_OK);
    assert_int_equal(record.line, 1);
    assert_int_equal(csv_next(&reader, &record, &found, NULL), STATUS_OK);
    assert_true(found);
    assert_int_equal(record.line, 3);
}

static void csv__refuses_stray_quotes(void **state)
{
    (void)state;
    refuse("a\nb\"c\n", 6, "line 2");
    refuse("a\n\"b\"c\n", 7, "line 2");
    refuse("a\n\"b\n", 5, "line 2");
    refuse("\"", 1, "line 1");
}

static void csv__refuses_what_is_no_text(void **state)
{
    (void)state;
    refuse("a,\xff\n", 4, "UTF-8");
    refuse("a,\0b\n", 5, "NUL");
}

static void csv__limits_fields(void **state)
{
    (void)state;
    char text[CSV_FIELDS_MAX + 2], out[1024];
    struct err err = {0};
    memset(text, ',', sizeof(text));
    assert_int_equal(read_all(text, CSV_FIELDS_MAX - 1, out, sizeof(out), &err), STATUS_OK);
    assert_int_equal(read_all(text, CSV_FIELDS_MAX, out, sizeof(out), &err), STATUS_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv__reads_bare_fields),
        cmocka_unit_test(csv__reads_quoted_fields),
        cmocka_unit_test(csv__skips_byte_order_mark_and_empty_lines),
        cmocka_unit_test(csv__counts_lines_through_quoted_breaks),
        cmocka_unit_test(csv__refuses_stray_quotes),
        cmocka_unit_test(csv__refuses_what_is_no_text),
        cmocka_unit_test(csv__limits_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of base/buf.c: growth, ceilings, sticky failure, ownership.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"

static void buf_add__grows_and_keeps_what_is_there(void **state)
{
    (void)state;
    AUTO(buf) struct buf buf = BUF(100000);
    for (unsigned i = 0; i < 100000; i++)
        buf_add_octet(&buf, (uint8_t)(i * 7));
    assert_int_equal(buf.len, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(buf.data[i], (uint8_t)(i * 7));
    assert_int_equal(buf_status(&buf, "x", NULL), STATUS_OK);
    assert_true(buf.cap <= buf.ceiling);
}

static void buf_add__fills_up_to_the_ceiling_and_no_further(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(buf) struct buf buf = BUF(5);
    buf_add_text(&buf, "12345");
    assert_int_equal(buf_status(&buf, "the text", &err), STATUS_OK);
    buf_add_octet(&buf, '6');
    assert_int_equal(buf_status(&buf, "the text", &err), STATUS_LIMIT);
    assert_non_null(strstr(err.text, "the text is larger than 5 octets"));
    assert_true(span_equal(buf_span(&buf), SPAN_STR("12345")));
}

static void buf_add__does_nothing_after_a_failure(void **state)
{
    (void)state;
    AUTO(buf) struct buf buf = BUF(5);
    buf_add_text(&buf, "123456");
    buf_add_text(&buf, "1");
    buf_printf(&buf, "%d", 1);
    assert_null(buf_extend(&buf, 1));
    assert_int_equal(buf.len, 0);
    assert_null(buf_take_text(&buf));
}

static void buf_add__of_nothing_allocates_nothing(void **state)
{
    (void)state;
    AUTO(buf) struct buf buf = BUF(0);
    buf_add(&buf, SPAN_NONE);
    buf_add_text(&buf, "");
    assert_null(buf.data);
    assert_int_equal(buf_status(&buf, "x", NULL), STATUS_OK);
}

static void buf_add__refuses_a_length_that_overflows(void **state)
{
    (void)state;
    AUTO(buf) struct buf buf = BUF(SIZE_MAX);
    buf_add_text(&buf, "12345");
    assert_null(buf_extend(&buf, SIZE_MAX - 2));
    assert_int_equal(buf_status(&buf, "x", NULL), STATUS_LIMIT);
    buf_clear(&buf);
    assert_null(buf_extend(&buf, SIZE_MAX));
    assert_int_equal(buf_status(&buf, "x", NULL), STATUS_NOMEM);
}

static void buf_printf__fits_exactly(void **state)
{
    (void)state;
    AUTO(buf) struct buf buf = BUF(6);
    buf_printf(&buf, "%s-%d", "abc", 12);
    assert_int_equal(buf_status(&buf, "x", NULL), STATUS_OK);
    assert_true(span_equal(buf_span(&buf), SPAN_STR("abc-12")));
    buf_printf(&buf, "%s", "");
    assert_int_equal(buf_status(&buf, "x", NULL), STATUS_OK);
    buf_printf(&buf, "%s", "!");
    assert_int_equal(buf_status(&buf, "x", NULL), STATUS_LIMIT);
}

static void buf_take_text__hands_over_a_terminated_string(void **state)
{
    (void)state;
    AUTO(buf) struct buf buf = BUF(4);
    buf_add_text(&buf, "1234");
    AUTO(heap) char *text = buf_take_text(&buf);
    assert_string_equal(text, "1234");
    assert_null(buf.data);
    assert_int_equal(buf.ceiling, 4);
    AUTO(heap) char *empty = buf_take_text(&buf);
    assert_string_equal(empty, "");
}

static void buf_clear__wipes_and_forgives(void **state)
{
    (void)state;
    AUTO(buf) struct buf buf = BUF(8);
    buf_add_text(&buf, "secret");
    buf_add_text(&buf, "secret");
    buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf_status(&buf, "x", NULL), STATUS_OK);
    assert_memory_equal(buf.data, "\0\0\0\0\0\0", 6);
    buf_add_text(&buf, "12345678");
    assert_int_equal(buf_status(&buf, "x", NULL), STATUS_OK);
}

static void buf_move__hands_over_contents_and_failure(void **state)
{
    (void)state;
    AUTO(buf) struct buf from = BUF(4);
    AUTO(buf) struct buf to = BUF(9);
    buf_add_text(&from, "new");
    buf_add_text(&to, "old");
    buf_move(&to, &from);
    assert_true(span_equal(buf_span(&to), SPAN_STR("new")));
    assert_null(from.data);
    assert_int_equal(from.ceiling, 4);
    buf_add_text(&from, "12345");
    buf_move(&to, &from);
    assert_int_equal(to.failed, STATUS_LIMIT);
    assert_int_equal(from.failed, STATUS_OK);
    buf_move(&to, &to);
    assert_int_equal(to.failed, STATUS_LIMIT);
}

static void span_equal_secret__compares_lengths_and_octets(void **state)
{
    (void)state;
    assert_true(span_equal_secret(SPAN_STR("abc"), SPAN_STR("abc")));
    assert_false(span_equal_secret(SPAN_STR("abc"), SPAN_STR("abd")));
    assert_false(span_equal_secret(SPAN_STR("abc"), SPAN_STR("ab")));
    assert_true(span_equal_secret(SPAN_NONE, SPAN_STR("")));
}

static void secret_free__takes_null(void **state)
{
    (void)state;
    AUTO(secret) char *none = NULL;
    AUTO(secret) char *text = strdup("secret");
    assert_null(none);
    assert_string_equal(text, "secret");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_add__grows_and_keeps_what_is_there),
        cmocka_unit_test(buf_add__fills_up_to_the_ceiling_and_no_further),
        cmocka_unit_test(buf_add__does_nothing_after_a_failure),
        cmocka_unit_test(buf_add__of_nothing_allocates_nothing),
        cmocka_unit_test(buf_add__refuses_a_length_that_overflows),
        cmocka_unit_test(buf_printf__fits_exactly),
        cmocka_unit_test(buf_take_text__hands_over_a_terminated_string),
        cmocka_unit_test(buf_clear__wipes_and_forgives),
        cmocka_unit_test(buf_move__hands_over_contents_and_failure),
        cmocka_unit_test(span_equal_secret__compares_lengths_and_octets),
        cmocka_unit_test(secret_free__takes_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

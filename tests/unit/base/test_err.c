/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of base/err.c: what reaches an administrator when a call fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "err.h"
#include "text.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

static enum status fail_with(struct err *err, const char *value)
{
    return ERR(err, STATUS_DENIED, "the value \"%s\" is not allowed", value);
}

static enum status pass_up(struct err *err)
{
    TRY(fail_with(err, "inner"));
    return STATUS_OK;
}

static void err_fill__keeps_status_place_and_words(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(pass_up(&err), STATUS_DENIED);
    assert_int_equal(err.status, STATUS_DENIED);
    assert_string_equal(err.where, "fail_with");
    assert_string_equal(err.text, "the value \"inner\" is not allowed");
}

static void err_fill__takes_no_err(void **state)
{
    (void)state;
    assert_int_equal(fail_with(NULL, "x"), STATUS_DENIED);
    assert_int_equal(ERR_OPENSSL(NULL, STATUS_IO, "x"), STATUS_IO);
}

static void err_fill__keeps_hostile_values_in_one_printable_line(void **state)
{
    (void)state;
    struct err err = {0};
    (void)fail_with(&err, "a\nb\x1b[31m\xff\xc3\xa9\xc2\x85");
    assert_string_equal(err.text, "the value \"a?b?[31m?\xc3\xa9?\" is not allowed");
}

static void err_fill__cuts_long_texts_between_characters(void **state)
{
    (void)state;
    char value[4096] = "";
    for (size_t i = 0; i + 2 < sizeof(value); i += 2)
        memcpy(value + i, "\xc3\xa4", 3);
    struct err err = {0};
    (void)fail_with(&err, value);
    assert_in_range(strlen(err.text), sizeof(err.text) - 4, sizeof(err.text) - 1);
    assert_true(utf8_printable(SPAN_STR(err.text)));
}

static void err_fill__may_quote_its_own_text(void **state)
{
    (void)state;
    struct err err = {0};
    (void)fail_with(&err, "x");
    assert_int_equal(ERR(&err, STATUS_CONFIG, "outer: %s", err.text), STATUS_CONFIG);
    assert_string_equal(err.text, "outer: the value \"x\" is not allowed");
}

static void err_prefix__puts_context_before_and_keeps_the_status(void **state)
{
    (void)state;
    struct err err = {0};
    (void)fail_with(&err, "x");
    assert_int_equal(err_prefix(&err, "template %s: ", "User"), STATUS_DENIED);
    assert_string_equal(err.text, "template User: the value \"x\" is not allowed");
    assert_string_equal(err.where, "fail_with");
}

static void err_fill_openssl__drains_the_queue_into_the_text(void **state)
{
    (void)state;
    struct err err = {0};
    ERR_clear_error();
    assert_null(EVP_MD_fetch(NULL, "NO-SUCH-DIGEST", NULL));
    assert_int_equal(ERR_OPENSSL(&err, STATUS_INTERNAL, "no digest"), STATUS_INTERNAL);
    assert_non_null(strstr(err.text, "no digest: unsupported"));
    assert_int_equal(ERR_peek_error(), 0);
    (void)ERR_OPENSSL(&err, STATUS_INTERNAL, "no digest");
    assert_string_equal(err.text, "no digest");
}

static void err_fill_openssl__survives_a_full_queue(void **state)
{
    (void)state;
    struct err err = {0};
    char data[512];
    memset(data, 'd', sizeof(data) - 1);
    data[sizeof(data) - 1] = '\0';
    for (int i = 0; i < 12; i++)
        ERR_raise_data(ERR_LIB_USER, 1, "%s", data);
    (void)ERR_OPENSSL(&err, STATUS_INTERNAL, "%s", data);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_int_equal(ERR_peek_error(), 0);
}

static void status_name__knows_every_status(void **state)
{
    (void)state;
    for (int i = STATUS_OK; i <= STATUS_INTERNAL; i++) {
        assert_string_not_equal(status_name((enum status)i), "unknown");
        for (int j = STATUS_OK; j < i; j++)
            assert_string_not_equal(status_name((enum status)i), status_name((enum status)j));
    }
    assert_string_equal(status_name(STATUS_MALFORMED), "malformed");
    assert_string_equal(status_name((enum status)99), "unknown");
}

static void move__leaves_null_behind(void **state)
{
    (void)state;
    AUTO(heap) char *text = strdup("x");
    char *before = text;
    AUTO(heap) char *moved = MOVE(text);
    assert_null(text);
    assert_ptr_equal(moved, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err_fill__keeps_status_place_and_words),
        cmocka_unit_test(err_fill__takes_no_err),
        cmocka_unit_test(err_fill__keeps_hostile_values_in_one_printable_line),
        cmocka_unit_test(err_fill__cuts_long_texts_between_characters),
        cmocka_unit_test(err_fill__may_quote_its_own_text),
        cmocka_unit_test(err_prefix__puts_context_before_and_keeps_the_status),
        cmocka_unit_test(err_fill_openssl__drains_the_queue_into_the_text),
        cmocka_unit_test(err_fill_openssl__survives_a_full_queue),
        cmocka_unit_test(status_name__knows_every_status),
        cmocka_unit_test(move__leaves_null_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

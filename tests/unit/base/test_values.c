/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of lookup values.
 */
#include "values.h"

#include <setjmp.h>
#include <stdio.h>
/* cmocka wants the above first */
#include <cmocka.h>

static void set(struct values *values, const char *name, const char *text)
{
    struct err err = {0};
    assert_int_equal(values_set(values, name, text, &err), STATUS_OK);
}

static void values_set__keeps_the_order_and_replaces(void **state)
{
    (void)state;
    AUTO(values) struct values values = {0};
    set(&values, "EnrollmentUser", "jdoe");
    set(&values, "DeviceUid", "17");
    set(&values, "EnrollmentUser", "asmith");
    assert_int_equal(values.count, 2);
    assert_string_equal(values.items[0].name, "EnrollmentUser");
    assert_string_equal(values_get(&values, "EnrollmentUser"), "asmith");
    assert_string_equal(values_get(&values, "DeviceUid"), "17");
    assert_null(values_get(&values, "deviceuid"));
}

static void values_set__an_empty_text_removes(void **state)
{
    (void)state;
    AUTO(values) struct values values = {0};
    set(&values, "A", "1");
    set(&values, "B", "2");
    set(&values, "C", "3");
    set(&values, "B", "");
    set(&values, "None", "");
    assert_int_equal(values.count, 2);
    assert_string_equal(values.items[1].name, "C");
    assert_null(values_get(&values, "B"));
}

static void values_set__refuses_bad_names(void **state)
{
    (void)state;
    static const char *const names[] = {"", "1a", "_a", "a b", "a-b", "a=", "\xc3\xa4", "a\n"};
    AUTO(values) struct values values = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct err err = {0};
        assert_int_equal(values_set(&values, names[i], "x", &err), STATUS_MALFORMED);
        assert_non_null(strstr(err.text, "letter"));
    }
    char name[VALUE_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[VALUE_NAME_MAX + 1] = '\0';
    assert_int_equal(values_set(&values, name, "x", NULL), STATUS_MALFORMED);
    name[VALUE_NAME_MAX] = '\0';
    assert_int_equal(values_set(&values, name, "x", NULL), STATUS_OK);
    assert_int_equal(values.count, 1);
}

static void values_set__refuses_texts_that_are_not_printable_or_too_long(void **state)
{
    (void)state;
    AUTO(values) struct values values = {0};
    struct err err = {0};
    assert_int_equal(values_set(&values, "A", "x\ny", &err), STATUS_MALFORMED);
    assert_non_null(strstr(err.text, "control"));
    assert_int_equal(values_set(&values, "A", "\xff", NULL), STATUS_MALFORMED);
    char text[VALUE_TEXT_MAX + 2];
    memset(text, 't', sizeof text);
    text[VALUE_TEXT_MAX + 1] = '\0';
    assert_int_equal(values_set(&values, "A", text, &err), STATUS_LIMIT);
    text[VALUE_TEXT_MAX] = '\0';
    assert_int_equal(values_set(&values, "A", text, NULL), STATUS_OK);
}

static void values_set__refuses_more_than_the_limit(void **state)
{
    (void)state;
    AUTO(values) struct values values = {0};
    char name[16];
    for (int i = 0; i < VALUES_MAX; i++) {
        snprintf(name, sizeof name, "N%d", i);
        set(&values, name, "x");
    }
    struct err err = {0};
    assert_int_equal(values_set(&values, "OneMore", "x", &err), STATUS_LIMIT);
    assert_int_equal(values.count, VALUES_MAX);
    set(&values, "N3", "replaced");
}

static void values_set_pair__splits_at_the_first_equals_sign(void **state)
{
    (void)state;
    AUTO(values) struct values values = {0};
    struct err err = {0};
    assert_int_equal(values_set_pair(&values, "Dn=CN=x,O=y", &err), STATUS_OK);
    assert_string_equal(values_get(&values, "Dn"), "CN=x,O=y");
    assert_int_equal(values_set_pair(&values, "Dn=", &err), STATUS_OK);
    assert_int_equal(values.count, 0);
    assert_int_equal(values_set_pair(&values, "Dn", &err), STATUS_MALFORMED);
    assert_non_null(strstr(err.text, "Name=text"));
    assert_int_equal(values_set_pair(&values, "=x", &err), STATUS_MALFORMED);
    char pair[VALUE_NAME_MAX + 4];
    memset(pair, 'n', sizeof pair);
    memcpy(pair + VALUE_NAME_MAX + 1, "=x", 3);
    assert_int_equal(values_set_pair(&values, pair, &err), STATUS_MALFORMED);
}

static void values_copy__is_deep_and_frees_the_target(void **state)
{
    (void)state;
    AUTO(values) struct values from = {0};
    AUTO(values) struct values to = {0};
    set(&from, "A", "1");
    set(&to, "Old", "x");
    assert_int_equal(values_copy(&from, &to, NULL), STATUS_OK);
    set(&from, "A", "2");
    assert_int_equal(to.count, 1);
    assert_string_equal(values_get(&to, "A"), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_set__keeps_the_order_and_replaces),
        cmocka_unit_test(values_set__an_empty_text_removes),
        cmocka_unit_test(values_set__refuses_bad_names),
        cmocka_unit_test(values_set__refuses_texts_that_are_not_printable_or_too_long),
        cmocka_unit_test(values_set__refuses_more_than_the_limit),
        cmocka_unit_test(values_set_pair__splits_at_the_first_equals_sign),
        cmocka_unit_test(values_copy__is_deep_and_frees_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

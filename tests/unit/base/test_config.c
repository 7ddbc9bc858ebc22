/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of base/config*.c: values, defaults, and what an administrator is told about mistakes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config.h"
#include "file.h"

#include <stdio.h>
#include <unistd.h>

enum colour { RED, GREEN };
static const char *const colours[] = {"red", "green", NULL};

struct inner {
    int64_t number;
    char *text;
};

struct sample {
    char *name;
    bool on;
    int64_t count;
    int64_t age_s;
    int64_t size;
    int colour;
    struct config_strings items;
    struct inner inner;
    size_t custom_length;
    bool custom_absent;
};

static void read_custom(struct config_setting *setting, void *base, struct config_context *context)
{
    struct sample *sample = base;
    sample->custom_absent = setting == NULL;
    if (setting == NULL)
        return;
    sample->custom_length = config_length(setting);
    for (size_t i = 0; i < config_length(setting); i++) {
        struct config_setting *element = config_at(setting, i);
        if (!config_is_string(element))
            config_mistake(context->mistakes, context->file, config_line(element), "custom", "not a string");
    }
}

static const struct config_key inner_table[] = {
    {.name = "number",
     .type = CONFIG_INT,
     .offset = offsetof(struct inner, number),
     .fallback = "16",
     .min = 1,
     .max = 100},
    {.name = "text", .type = CONFIG_STRING, .offset = offsetof(struct inner, text), .required = true},
    {.name = NULL},
};

static const struct config_key table[] = {
    {.name = "name",
     .type = CONFIG_STRING,
     .offset = offsetof(struct sample, name),
     .required = true,
     .min = 1,
     .max = 8,
     .comment = "The name that is shown."},
    {.name = "on", .type = CONFIG_BOOL, .offset = offsetof(struct sample, on), .fallback = "true"},
    {.name = "count",
     .type = CONFIG_INT,
     .offset = offsetof(struct sample, count),
     .min = -5,
     .max = INT64_C(10000000000)},
    {.name = "age",
     .type = CONFIG_DURATION,
     .offset = offsetof(struct sample, age_s),
     .fallback = "7d",
     .min = 60,
     .max = 31536000},
    {.name = "size",
     .type = CONFIG_SIZE,
     .offset = offsetof(struct sample, size),
     .fallback = "64KiB",
     .min = 1024,
     .max = 1048576},
    {.name = "colour",
     .type = CONFIG_WORD,
     .offset = offsetof(struct sample, colour),
     .fallback = "green",
     .words = colours},
    {.name = "items",
     .type = CONFIG_STRINGS,
     .offset = offsetof(struct sample, items),
     .fallback = "a,b",
     .min = 1,
     .max = 8},
    {.name = "inner", .type = CONFIG_GROUP, .offset = offsetof(struct sample, inner), .table = inner_table},
    {.name = "custom", .type = CONFIG_CUSTOM, .read = read_custom},
    {.name = NULL},
};

/* Reads text into sample; the mistakes joined by newlines are the caller's to free. */
static char *read_sample(const char *text, struct sample *sample)
{
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(config) struct config_file *file = NULL;
    struct err err = {0};
    struct config_context context = {.file = "x.cfg", .mistakes = &mistakes};
    if (config_open_text(text, "x.cfg", &mistakes, &file, &err) == STATUS_OK)
        config_read_group(config_root(file), "", table, sample, &context);
    AUTO(buf) struct buf all = BUF(10000);
    for (size_t i = 0; i < mistakes.count; i++)
        buf_printf(&all, "%s%s", i > 0 ? "\n" : "", mistakes.lines[i]);
    assert_int_equal(mistakes.lost, 0);
    return buf_take_text(&all);
}

static void assert_mistakes(const char *text, const char *expected)
{
    struct sample sample = {0};
    AUTO(heap) char *mistakes = read_sample(text, &sample);
    config_clear(table, &sample);
    assert_string_equal(mistakes, expected);
}

static void config_read_group__fills_every_type(void **state)
{
    (void)state;
    struct sample sample = {0};
    AUTO(heap)
    char *mistakes = read_sample("# a comment, with (brackets,)\n"
                                 "name = \"J\\\"\xc3\xbc, )\";\non = false;\ncount = 5000000000L;\n"
                                 "age = \"90s\"; size = \"1MiB\"; colour = \"red\";\n"
                                 "items = ( \"x\", \"y\", \"z\" );\n"
                                 "inner: { number = 0x10, text = \"t\" }\n"
                                 "custom = [ \"1\", \"2\" ];\n",
                                 &sample);
    assert_string_equal(mistakes, "");
    assert_string_equal(sample.name, "J\"\xc3\xbc, )");
    assert_false(sample.on);
    assert_int_equal(sample.count, INT64_C(5000000000));
    assert_int_equal(sample.age_s, 90);
    assert_int_equal(sample.size, 1048576);
    assert_int_equal(sample.colour, RED);
    assert_int_equal(sample.items.count, 3);
    assert_string_equal(sample.items.items[2], "z");
    assert_int_equal(sample.inner.number, 16);
    assert_string_equal(sample.inner.text, "t");
    assert_int_equal(sample.custom_length, 2);
    config_clear(table, &sample);
    assert_null(sample.name);
    assert_null(sample.items.items);
    assert_null(sample.inner.text);
}

static void config_read_group__fills_in_defaults(void **state)
{
    (void)state;
    struct sample sample = {0};
    AUTO(heap) char *mistakes = read_sample("name = \"n\";", &sample);
    assert_string_equal(mistakes, "");
    assert_true(sample.on);
    assert_int_equal(sample.count, 0);
    assert_int_equal(sample.age_s, 7 * 86400);
    assert_int_equal(sample.size, 65536);
    assert_int_equal(sample.colour, GREEN);
    assert_int_equal(sample.items.count, 2);
    assert_string_equal(sample.items.items[1], "b");
    assert_int_equal(sample.inner.number, 16);
    assert_null(sample.inner.text);
    assert_true(sample.custom_absent);
    config_clear(table, &sample);
}

static void config_read_group__names_line_key_and_what_is_allowed(void **state)
{
    (void)state;
    assert_mistakes("name = 5;", "x.cfg:1: name: a string in quotes is allowed");
    assert_mistakes("name = \"123456789\";", "x.cfg:1: name: has 9 octets: 1 to 8 are allowed");
    assert_mistakes("name = \"\\xff\";", "x.cfg:1: name: is not UTF-8");
    assert_mistakes("name = \"n\";\non = \"true\";", "x.cfg:2: on: true or false is allowed, without quotes");
    assert_mistakes("name = \"n\";\non = 1;", "x.cfg:2: on: true or false is allowed, without quotes");
    assert_mistakes("name = \"n\"; count = \"5\";", "x.cfg:1: count: an integer is allowed, without quotes");
    assert_mistakes("name = \"n\"; count = -6;", "x.cfg:1: count: is -6: -5 to 10000000000 is allowed");
    assert_mistakes("name = \"n\"; age = 90;",
                    "x.cfg:1: age: a duration in quotes, as in \"90s\" or \"30d\", is allowed");
    assert_mistakes("name = \"n\"; age = \"1s\";", "x.cfg:1: age: is 1s: 1m to 1y is allowed");
    assert_mistakes("name = \"n\"; size = \"1GiB\";",
                    "x.cfg:1: size: is 1GiB: 1024 to 1048576 octets are allowed");
    assert_mistakes("name = \"n\"; colour = \"blue\";",
                    "x.cfg:1: colour: is \"blue\": \"red\", \"green\" is allowed");
    assert_mistakes("name = \"n\"; items = \"a\";",
                    "x.cfg:1: items: a list of strings is allowed, as in [ \"a\", \"b\" ]");
    assert_mistakes("name = \"n\"; items = ( \"a\", 1 );", "x.cfg:1: items: element 2 is not a string");
    assert_mistakes("name = \"n\"; inner = 1;", "x.cfg:1: inner: a group is allowed, as in { key = value; }");
}

static void config_read_group__gathers_all_mistakes(void **state)
{
    (void)state;
    assert_mistakes("\non = 1;\ncount = 5.0;\ninner:\n{\n  number = 101;\n};\ncustom = ( 1 );",
                    "x.cfg: name: is missing and has no default: The name that is shown.\n"
                    "x.cfg:2: on: true or false is allowed, without quotes\n"
                    "x.cfg:3: count: an integer is allowed, without quotes\n"
                    "x.cfg:6: inner.number: is 101: 1 to 100 is allowed\n"
                    "x.cfg:4: inner.text: is missing and has no default\n"
                    "x.cfg:8: custom: not a string");
}

static void config_read_group__names_the_nearest_key(void **state)
{
    (void)state;
    assert_mistakes("name = \"n\"; nmae = \"m\";",
                    "x.cfg:1: nmae: unknown key; the nearest known one is name");
    assert_mistakes("name = \"n\"; colors = 1;",
                    "x.cfg:1: colors: unknown key; the nearest known one is colour");
    assert_mistakes("name = \"n\"; inner: { text = \"t\"; numbr = 1; };",
                    "x.cfg:1: inner.numbr: unknown key; the nearest known one is number");
}

static void config_open__explains_trailing_commas(void **state)
{
    (void)state;
    assert_mistakes(
        "name = \"n\";\nitems = ( \"a\",\n  \"b\", # last\n);\nother = [ 1, ];\n",
        "x.cfg:3: a comma before ')': remove it, for the last element of a list has none behind it\n"
        "x.cfg:5: a comma before ']': remove it, for the last element of a list has none behind it");
}

static void config_open__refuses_integers_that_would_wrap(void **state)
{
    (void)state;
    assert_mistakes("name = \"n\";\ncount = 4294967297;",
                    "x.cfg:2: the integer 4294967297 is too large: -2147483648 to 2147483647 is allowed");
    assert_mistakes("name = \"n\"; count = 0xffffffff;",
                    "x.cfg:1: the integer 0xffffffff is too large: -2147483648 to 2147483647 is allowed");
    assert_mistakes(
        "name = \"n\"; count = 99999999999999999999L;",
        "x.cfg:1: the integer 99999999999999999999L is too large: -2147483648 to 2147483647 is allowed");
    assert_mistakes("name = \"n\"; /* 4294967297 */ // 4294967297\n count = 2147483647;", "");
}

static void config_open__refuses_other_files_and_octets(void **state)
{
    (void)state;
    assert_mistakes(
        "name = \"n\";\n@include \"/etc/passwd\"\n",
        "x.cfg:2: '@' is not allowed outside strings: @include is not offered, write everything in one "
        "file");
    assert_mistakes("name = \"n\";\n# \xff\n", "x.cfg:2: not UTF-8, or with a NUL character");
}

static void config_open__names_file_and_line_of_a_syntax_error(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "name = \"n\";\n= 5;",          "name = \"n\";\ninner: { number = 1;",
        "name = \"n\";\nname = \"m\";", "name = \"n\";\nitems = [ \"a\", 1 ];",
        "name = \"n\";\nx = \"open",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO(config_mistakes) struct config_mistakes mistakes = {0};
        AUTO(config) struct config_file *file = NULL;
        struct err err = {0};
        assert_int_equal(config_open_text(bad[i], "x.cfg", &mistakes, &file, &err), STATUS_CONFIG);
        assert_null(file);
        assert_int_equal(mistakes.count, 1);
        assert_string_equal(err.text, mistakes.lines[0]);
        if (strncmp(err.text, "x.cfg:2: ", 9) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(config_open_text(bad[i], "x.cfg", NULL, &file, NULL), STATUS_CONFIG);
    }
}

static void config_open__reads_files(void **state)
{
    (void)state;
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(config) struct config_file *file = NULL;
    AUTO(config) struct config_file *none = NULL;
    struct err err = {0};
    char path[] = "/tmp/scepter-test-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: { b = \"c\"; }\n", 16), 16);
    close(fd);
    assert_int_equal(config_open(path, &mistakes, &file, &err), STATUS_OK);
    unlink(path);
    struct config_setting *group = config_at(config_root(file), 0);
    assert_true(config_is_group(group));
    assert_false(config_is_list(group));
    assert_string_equal(config_name(group), "a");
    assert_null(config_text(group));
    assert_string_equal(config_text(config_at(group, 0)), "c");
    assert_null(config_at(group, 1));
    assert_int_equal(config_open(path, &mistakes, &none, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(mistakes.count, 0);
}

static void config_mistake__keeps_to_one_line_of_text(void **state)
{
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    (void)state;
    config_mistake(&mistakes, "x.cfg", 3, "url", "\"%s\"", "a\r\nb\x1b[2J\xffM\xc3\xbcller\xc2\x85");
    assert_int_equal(mistakes.count, 1);
    assert_string_equal(mistakes.lines[0], "x.cfg:3: url: \"a??b?[2J?M\xc3\xbcller?\"");
}

static void config_mistakes_status__tells_as_many_as_fit(void **state)
{
    (void)state;
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    struct err err = {0};
    assert_int_equal(config_mistakes_status(&mistakes, &err), STATUS_OK);
    config_mistake(&mistakes, "a.cfg", 3, "key", "is %d", 1);
    config_mistake(&mistakes, "b.cfg", 0, NULL, "is odd");
    assert_int_equal(config_mistakes_status(&mistakes, &err), STATUS_CONFIG);
    assert_string_equal(err.text, "a.cfg:3: key: is 1; b.cfg: is odd");
    for (int i = 0; i < 98; i++)
        config_mistake(&mistakes, "c.cfg", i + 1, "key", "is a mistake of some length");
    assert_int_equal(config_mistakes_status(&mistakes, &err), STATUS_CONFIG);
    const char *more = strstr(err.text, "; and ");
    assert_non_null(more);
    size_t told = 1;
    for (const char *at = err.text; at != more; at++)
        told += strncmp(at, "; ", 2) == 0;
    int left = 0;
    assert_int_equal(sscanf(more, "; and %d more", &left), 1);
    assert_int_equal(told + (size_t)left, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_read_group__fills_every_type),
        cmocka_unit_test(config_read_group__fills_in_defaults),
        cmocka_unit_test(config_read_group__names_line_key_and_what_is_allowed),
        cmocka_unit_test(config_read_group__gathers_all_mistakes),
        cmocka_unit_test(config_read_group__names_the_nearest_key),
        cmocka_unit_test(config_open__explains_trailing_commas),
        cmocka_unit_test(config_open__refuses_integers_that_would_wrap),
        cmocka_unit_test(config_open__refuses_other_files_and_octets),
        cmocka_unit_test(config_open__names_file_and_line_of_a_syntax_error),
        cmocka_unit_test(config_open__reads_files),
        cmocka_unit_test(config_mistake__keeps_to_one_line_of_text),
        cmocka_unit_test(config_mistakes_status__tells_as_many_as_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * templates/pattern.c: compile, fill, match, and that matching is bounded.
 */
#include "template_fixture.h"

#include "clock.h"

static void compile(const char *text, struct pattern *out)
{
    struct err err = {0};

    assert_ok(pattern_compile(text, out, &err), &err);
}

static bool matches(const char *pattern_text, const char *text, struct values *found)
{
    AUTO(pattern) struct pattern pattern = {0};
    struct err err = {0};
    bool yes = false;

    compile(pattern_text, &pattern);
    assert_ok(pattern_match(&pattern, text, &yes, found, &err), &err);
    return yes;
}

static void assert_refused(const char *text, const char *why)
{
    AUTO(pattern) struct pattern pattern = {0};
    struct err err = {0};

    assert_int_equal(pattern_compile(text, &pattern, &err), STATUS_MALFORMED);
    assert_has(err.text, why);
    assert_null(pattern.parts);
}

static void pattern_compile__splits_literals_and_names(void **state)
{
    AUTO(pattern) struct pattern pattern = {0};

    (void)state;
    compile("WorkspaceONEUEM.{EnrollmentUser}-x", &pattern);
    assert_int_equal(pattern.count, 3);
    assert_string_equal(pattern.parts[0].text, "WorkspaceONEUEM.");
    assert_string_equal(pattern.parts[1].text, "EnrollmentUser");
    assert_true(pattern.parts[1].is_name);
    assert_string_equal(pattern.parts[2].text, "-x");
}

/* rules.md: `{{` and `}}` are braces. */
static void pattern_compile__reads_double_braces_as_braces(void **state)
{
    AUTO(pattern) struct pattern pattern = {0};

    (void)state;
    compile("{{{DeviceUid}}}{{x}}", &pattern);
    assert_int_equal(pattern.count, 3);
    assert_string_equal(pattern.parts[0].text, "{");
    assert_string_equal(pattern.parts[1].text, "DeviceUid");
    assert_string_equal(pattern.parts[2].text, "}{x}");
}

/* rules.md: a placeholder stands inside one value, never beside another placeholder. */
static void pattern_compile__refuses_placeholders_side_by_side(void **state)
{
    (void)state;
    assert_refused("{FirstName}{LastName}", "side by side");
}

static void pattern_compile__refuses_what_is_no_placeholder(void **state)
{
    (void)state;
    assert_refused("", "empty");
    assert_refused("a{DeviceUid", "not closed");
    assert_refused("a}b", "closing brace");
    assert_refused("{}", "no placeholder");
    assert_refused("{Device Uid}", "no placeholder");
    assert_refused("{1x}", "no placeholder");
    assert_refused("{A{B}}", "not closed");
}

static void pattern_compile__limits_its_length(void **state)
{
    AUTO(pattern) struct pattern pattern = {0};
    char text[PATTERN_TEXT_MAX + 2];
    struct err err = {0};

    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(pattern_compile(text, &pattern, &err), STATUS_LIMIT);
    text[PATTERN_TEXT_MAX] = '\0';
    compile(text, &pattern);
    text[0] = '\0';
    for (int i = 0; i < 20; i++)
        strcat(text, "{A}-");
    assert_int_equal(pattern_compile(text, &pattern, &err), STATUS_LIMIT);
}

/* rules.md: a placeholder matches one or more characters without control characters. */
static void pattern_match__takes_one_or_more_characters(void **state)
{
    AUTO(values) struct values found = {0};

    (void)state;
    assert_true(matches("CN-{DeviceUid}", "CN-4f2a", &found));
    assert_string_equal(values_get(&found, "DeviceUid"), "4f2a");
    assert_false(matches("CN-{DeviceUid}", "CN-", &found));
    assert_int_equal(found.count, 0);
    assert_false(matches("{DeviceUid}", "a\x01z", &found));
    assert_false(matches("{DeviceUid}", "a\nz", &found));
    assert_true(matches("{DeviceUid}", "J\xc3\xb6rg", &found));
}

/* rules.md: literals compare with case. */
static void pattern_match__compares_literals_with_case(void **state)
{
    AUTO(values) struct values found = {0};

    (void)state;
    assert_true(matches("{EnrollmentUser}@lab.test", "alice@lab.test", &found));
    assert_false(matches("{EnrollmentUser}@lab.test", "alice@LAB.test", &found));
    assert_true(matches("plain", "plain", &found));
    assert_false(matches("plain", "plainer", &found));
    assert_false(matches("plain", "plai", &found));
}

static void pattern_match__anchors_the_last_literal_at_the_end(void **state)
{
    AUTO(values) struct values found = {0};

    (void)state;
    assert_true(matches("{DnsName}.lab.example", "a.lab.example.lab.example", &found));
    assert_string_equal(values_get(&found, "DnsName"), "a.lab.example");
    assert_false(matches("{DnsName}.lab.example", "a.lab.example.evil", &found));
    assert_false(matches("{DnsName}.lab.example", ".lab.example", &found));
    assert_true(matches("{FirstName}.{LastName}@x", "a.b.c@x", &found));
    assert_string_equal(values_get(&found, "FirstName"), "a");
    assert_string_equal(values_get(&found, "LastName"), "b.c");
}

static void pattern_match__wants_the_same_text_for_the_same_name(void **state)
{
    AUTO(values) struct values found = {0};

    (void)state;
    assert_true(matches("{DeviceUid}/{DeviceUid}", "a/a", &found));
    assert_false(matches("{DeviceUid}/{DeviceUid}", "a/b", &found));
}

static void pattern_match__leaves_wildcards_out(void **state)
{
    AUTO(values) struct values found = {0};

    (void)state;
    assert_true(matches("{x}-{DeviceUid}", "a-b", &found));
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].name, "DeviceUid");
}

/* Every text up to six letters of {a, -} against every such pattern, beside a plain recursive matcher. */
static bool plain_match(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern != '*')
        return *text == *pattern && plain_match(pattern + 1, text + 1);
    for (size_t i = 1; i <= strlen(text); i++)
        if (plain_match(pattern + 1, text + i))
            return true;
    return false;
}

static void pattern_match__agrees_with_trying_everything(void **state)
{
    static const char *const pairs[][2] = {{"*-*", "{x}-{y}"},         {"a*-a*a", "a{x}-a{y}a"},
                                           {"*aa*a", "{x}aa{y}a"},     {"*-*-*", "{x}-{y}-{z}"},
                                           {"*a-*a*", "{x}a-{y}a{z}"}, {"-*", "-{x}"}};
    AUTO(values) struct values found = {0};
    int matched = 0;

    (void)state;
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        for (unsigned bits = 0; bits < 64; bits++)
            for (size_t len = 0; len <= 6; len++) {
                char text[7] = "";

                for (size_t i = 0; i < len; i++)
                    text[i] = (bits >> i & 1) != 0 ? 'a' : '-';
                assert_int_equal(matches(pairs[p][1], text, &found), plain_match(pairs[p][0], text));
                matched += plain_match(pairs[p][0], text);
            }
    assert_true(matched > 50);
}

/* No backtracking: the worst text for a naive matcher costs no more than any other. */
static void pattern_match__is_bounded(void **state)
{
    AUTO(values) struct values found = {0};
    char text[VALUE_TEXT_MAX + 1];
    int64_t start = clock_monotonic_ms();

    (void)state;
    memset(text, 'a', VALUE_TEXT_MAX);
    text[VALUE_TEXT_MAX] = '\0';
    for (int i = 0; i < 100; i++)
        assert_false(matches("{a}aa{b}aa{c}aa{d}aa{e}aa{f}aa{g}aa{h}aa{i}aa{j}b", text, &found));
    assert_true(clock_monotonic_ms() - start < 2000);
}

static void pattern_match__refuses_texts_longer_than_a_value(void **state)
{
    AUTO(values) struct values found = {0};
    char text[VALUE_TEXT_MAX + 2];

    (void)state;
    memset(text, 'a', VALUE_TEXT_MAX + 1);
    text[VALUE_TEXT_MAX + 1] = '\0';
    assert_false(matches("{DeviceUid}", text, &found));
    text[VALUE_TEXT_MAX] = '\0';
    assert_true(matches("{DeviceUid}", text, &found));
}

static enum status value_of(void *context, const char *name, const char **text, struct err *err)
{
    (void)context;
    if (strcmp(name, "Unknown") == 0)
        return ERR(err, STATUS_NOT_FOUND, "no {%s}", name);
    *text = "a{DeviceUid},CN=b";
    return STATUS_OK;
}

static void pattern_fill__copies_values_as_they_are(void **state)
{
    AUTO(pattern) struct pattern pattern = {0};
    AUTO(buf) struct buf out = BUF(256);
    AUTO(heap) char *text = NULL;
    struct err err = {0};

    (void)state;
    compile("<{DeviceUid}>", &pattern);
    assert_ok(pattern_fill(&pattern, value_of, NULL, &out, &err), &err);
    text = buf_take_text(&out);
    assert_string_equal(text, "<a{DeviceUid},CN=b>");
}

static void pattern_fill__passes_on_what_is_unknown(void **state)
{
    AUTO(pattern) struct pattern pattern = {0};
    AUTO(buf) struct buf out = BUF(256);
    struct err err = {0};

    (void)state;
    compile("<{Unknown}>", &pattern);
    assert_int_equal(pattern_fill(&pattern, value_of, NULL, &out, &err), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pattern_compile__splits_literals_and_names),
        cmocka_unit_test(pattern_compile__reads_double_braces_as_braces),
        cmocka_unit_test(pattern_compile__refuses_placeholders_side_by_side),
        cmocka_unit_test(pattern_compile__refuses_what_is_no_placeholder),
        cmocka_unit_test(pattern_compile__limits_its_length),
        cmocka_unit_test(pattern_match__takes_one_or_more_characters),
        cmocka_unit_test(pattern_match__compares_literals_with_case),
        cmocka_unit_test(pattern_match__anchors_the_last_literal_at_the_end),
        cmocka_unit_test(pattern_match__wants_the_same_text_for_the_same_name),
        cmocka_unit_test(pattern_match__leaves_wildcards_out),
        cmocka_unit_test(pattern_match__agrees_with_trying_everything),
        cmocka_unit_test(pattern_match__is_bounded),
        cmocka_unit_test(pattern_match__refuses_texts_longer_than_a_value),
        cmocka_unit_test(pattern_fill__copies_values_as_they_are),
        cmocka_unit_test(pattern_fill__passes_on_what_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

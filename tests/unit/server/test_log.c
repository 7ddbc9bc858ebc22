/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the log: one line per event, nothing in a value can end it or forge another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log.h"

#include <jansson.h>
#include <unistd.h>

#define LINES_MAX 65536

/* Standard error goes into a pipe while lines are written. */
static int saved_fd, pipe_fd;

static void capture(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    saved_fd = dup(STDERR_FILENO);
    assert_true(saved_fd >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    (void)close(ends[1]);
    pipe_fd = ends[0];
}

/* What was written since, in out. */
static void captured(char out[LINES_MAX])
{
    assert_true(dup2(saved_fd, STDERR_FILENO) >= 0); /* closes the pipe's other end */
    (void)close(saved_fd);
    size_t used = 0;
    ssize_t len = 0;
    while ((len = read(pipe_fd, out + used, LINES_MAX - 1 - used)) > 0)
        used += (size_t)len;
    out[used] = '\0';
    (void)close(pipe_fd);
}

static char lines[LINES_MAX];

static void log_event__is_one_line_of_fields(void **state)
{
    (void)state;
    const struct log_field fields[] = {LOG_TEXT_FIELD("outcome", "issued"), LOG_TEXT_FIELD("absent", NULL),
                                       LOG_TEXT_FIELD("reason", "two words"), LOG_NUMBER_FIELD("ms", 4)};
    log_setup(LOG_TEXT, LOG_INFO);
    capture();
    log_event(LOG_INFO, "scep.request", fields, 4);
    captured(lines);
    assert_string_equal(lines + strlen("2026-01-31T12:00:00Z"),
                        " info scep.request outcome=issued reason=\"two words\" ms=4\n");
}

static void log_event__lets_no_value_end_its_line(void **state)
{
    (void)state;
    const struct log_field field = LOG_TEXT_FIELD("subject", "x\n2026 info forged \"q\" \\ \x1b[31m\xff");
    log_setup(LOG_TEXT, LOG_INFO);
    capture();
    log_event(LOG_INFO, "e", &field, 1);
    captured(lines);
    assert_ptr_equal(strchr(lines, '\n'), lines + strlen(lines) - 1);
    assert_null(strchr(lines, '\x1b'));
    assert_non_null(strstr(lines, "x\\x0a2026"));
    assert_non_null(strstr(lines, "\\\"q\\\""));
}

static void log_event__writes_json_that_parses(void **state)
{
    (void)state;
    const char *hostile = "a\"b\\c\n\x01 Zürich";
    const struct log_field fields[] = {LOG_TEXT_FIELD("subject", hostile), LOG_NUMBER_FIELD("ms", -7),
                                       LOG_TEXT_FIELD("invalid", "\xff\xfe")};
    log_setup(LOG_JSON, LOG_INFO);
    capture();
    log_event(LOG_WARNING, "scep.request", fields, 3);
    captured(lines);
    log_setup(LOG_TEXT, LOG_INFO);
    json_t *line = json_loads(lines, 0, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "subject")), hostile);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "warning");
    assert_string_equal(json_string_value(json_object_get(line, "event")), "scep.request");
    assert_int_equal(json_integer_value(json_object_get(line, "ms")), -7);
    json_decref(line);
}

static void log_event__leaves_out_what_is_too_verbose(void **state)
{
    (void)state;
    log_setup(LOG_TEXT, LOG_WARNING);
    capture();
    log_message(LOG_INFO, "quiet", "x");
    log_message(LOG_ERROR, "loud", "%d", 7);
    captured(lines);
    log_setup(LOG_TEXT, LOG_INFO);
    assert_null(strstr(lines, "quiet"));
    assert_non_null(strstr(lines, "error loud message=7\n"));
}

/* A subject of the client's making must not cost the line that says what was issued. */
static void log_event__cuts_a_long_value_and_keeps_the_others(void **state)
{
    (void)state;
    static char text[40001] = "x";
    for (size_t i = 1; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    const struct log_field fields[] = {LOG_TEXT_FIELD("subject", text), LOG_TEXT_FIELD("serial", "0a1b")};
    for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
        log_setup((enum log_format)format, LOG_INFO);
        capture();
        log_event(LOG_INFO, "issued", fields, 2);
        captured(lines);
        assert_null(strstr(lines, "log.lost"));
        assert_non_null(strstr(lines, "0a1b"));
        const char *cut = strstr(lines, "...");
        assert_non_null(cut);
        assert_memory_equal(cut - 2, "\xc3\xa9", 2);
        assert_true(strlen(lines) < 2000);
    }
    log_setup(LOG_TEXT, LOG_INFO);
}

static void log_event__says_that_a_line_was_lost(void **state)
{
    (void)state;
    static char text[1001];
    struct log_field fields[64];
    memset(text, 1, sizeof text - 1);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        fields[i] = LOG_TEXT_FIELD("value", text);
    log_setup(LOG_TEXT, LOG_INFO);
    capture();
    log_event(LOG_INFO, "big", fields, sizeof fields / sizeof fields[0]);
    captured(lines);
    assert_non_null(strstr(lines, "log.lost"));
    assert_non_null(strstr(lines, "big"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_event__is_one_line_of_fields),
        cmocka_unit_test(log_event__lets_no_value_end_its_line),
        cmocka_unit_test(log_event__writes_json_that_parses),
        cmocka_unit_test(log_event__leaves_out_what_is_too_verbose),
        cmocka_unit_test(log_event__cuts_a_long_value_and_keeps_the_others),
        cmocka_unit_test(log_event__says_that_a_line_was_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

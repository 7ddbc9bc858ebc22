/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of what is counted and of the text that Prometheus reads: every line of it is held
 * against the grammar of the format, version 0.0.4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "metrics.h"
#include "metrics_text.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX  65536
#define THREADS   4
#define PER_COUNT 2000

/* ---- a reader of the format ---- */

static const char *skip_name(const char *at)
{
    assert_true(isalpha((unsigned char)*at) || *at == '_' || *at == ':');
    while (isalnum((unsigned char)*at) || *at == '_' || *at == ':')
        at++;
    return at;
}

/* A label's value behind its first quote, up to behind its last. */
static const char *skip_quoted(const char *at)
{
    while (*at != '"') {
        assert_true(*at != '\0' && *at != '\n');
        if (*at == '\\') {
            at++;
            assert_true(*at == '\\' || *at == '"' || *at == 'n');
        }
        at++;
    }
    return at + 1;
}

static const char *skip_labels(const char *at)
{
    if (*at != '{')
        return at;
    do {
        at = skip_name(at + 1);
        assert_true(at[0] == '=' && at[1] == '"');
        at = skip_quoted(at + 2);
    } while (*at == ',');
    assert_int_equal(*at, '}');
    return at + 1;
}

static bool starts(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* Whether a sample's name belongs to the family whose TYPE was said last. */
static bool belongs(const char *line, const char *family, const char *type)
{
    static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
    size_t len = strlen(family);
    if (strncmp(line, family, len) != 0)
        return false;
    if (strcmp(type, "histogram") != 0)
        return line[len] == '{' || line[len] == ' ';
    for (size_t i = 0; i < 3; i++)
        if (starts(line + len, suffixes[i]))
            return true;
    return false;
}

static void check_sample(const char *line, const char *family, const char *type)
{
    char *end = NULL;
    assert_true(belongs(line, family, type));
    const char *at = skip_labels(skip_name(line));
    assert_int_equal(*at, ' ');
    (void)strtod(at + 1, &end);
    assert_ptr_not_equal(end, at + 1);
    assert_int_equal(*end, '\0');
}

/* "Only one HELP and one TYPE line may exist for any given metric name", HELP and TYPE before the samples. */
static size_t check_page(char *text)
{
    char family[128] = "", type[32] = "", help[128] = "";
    size_t samples = 0, len = strlen(text);
    assert_true(len > 0);
    assert_int_equal(text[len - 1], '\n');
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (starts(line, "# HELP ")) {
            assert_int_equal(sscanf(line, "# HELP %127s ", help), 1);
        } else if (starts(line, "# TYPE ")) {
            assert_int_equal(sscanf(line, "# TYPE %127s %31s", family, type), 2);
            assert_string_equal(family, help);
        } else {
            check_sample(line, family, type);
            samples++;
        }
    }
    return samples;
}

static char page[TEXT_MAX];

static const char *written(struct metrics *metrics)
{
    AUTO(buf) struct buf out = BUF(TEXT_MAX - 1);
    metrics_write(metrics, &out);
    assert_int_equal(out.failed, STATUS_OK);
    memcpy(page, out.data, out.len);
    page[out.len] = '\0';
    return page;
}

static void has_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    for (const char *at = strstr(text, line); at != NULL; at = strstr(at + 1, line))
        if ((at == text || at[-1] == '\n') && at[len] == '\n')
            return;
    fail_msg("there is no line '%s' in:\n%s", line, text);
}

static struct metrics *fresh(void)
{
    struct metrics *metrics = NULL;
    assert_int_equal(metrics_new(&metrics, NULL), STATUS_OK);
    return metrics;
}

/* ---- the text ---- */

static void equals(const struct buf *out, const char *text)
{
    assert_int_equal(out->failed, STATUS_OK);
    assert_int_equal(out->len, strlen(text));
    assert_memory_equal(out->data, text, out->len);
}

static void metric_family__writes_help_and_type(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(TEXT_MAX);
    metric_single(&out, "a_total", METRIC_COUNTER, "What \\ and\nhow \"often\".", 7);
    metric_single(&out, "b", METRIC_GAUGE, "B.", -3);
    equals(&out, "# HELP a_total What \\\\ and\\nhow \"often\".\n# TYPE a_total counter\na_total 7\n"
                 "# HELP b B.\n# TYPE b gauge\nb -3\n");
}

/* "label_value can be any sequence of UTF-8 characters, but the backslash, double-quote, and line feed
 * characters have to be escaped" */
static void metric_sample__escapes_label_values(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(TEXT_MAX);
    const struct metric_label labels[METRIC_LABELS_MAX] = {{"a", "x\\y\"z\nw"}, {"b", "J\xc3\xbcrgen"}};
    metric_sample(&out, "m", labels, 1);
    equals(&out, "m{a=\"x\\\\y\\\"z\\nw\",b=\"J\xc3\xbcrgen\"} 1\n");
}

static void metric_sample__keeps_what_is_not_utf8_out(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(TEXT_MAX);
    const struct metric_label labels[METRIC_LABELS_MAX] = {{"a", "J\xfcrgen"}};
    metric_sample(&out, "m", labels, 1);
    equals(&out, "m{a=\"J?rgen\"} 1\n");
}

/* "The histogram's buckets are cumulative", "must have a bucket with {le="+Inf"}", equal to _count. */
static void metric_histogram__is_cumulative(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(TEXT_MAX);
    const int64_t bounds[] = {25000, 1000000, 10000000}, counts[] = {2, 0, 3, 1};
    const struct metric_label labels[METRIC_LABELS_MAX] = {{"p", "d"}};
    const struct metric_histogram histogram = {
        .bounds_us = bounds, .bound_count = 3, .counts = counts, .sum_us = 31000042};
    metric_histogram(&out, "h", labels, &histogram);
    equals(&out, "h_bucket{p=\"d\",le=\"0.025\"} 2\nh_bucket{p=\"d\",le=\"1\"} 2\n"
                 "h_bucket{p=\"d\",le=\"10\"} 5\nh_bucket{p=\"d\",le=\"+Inf\"} 6\n"
                 "h_sum{p=\"d\"} 31.000042\nh_count{p=\"d\"} 6\n");
}

/* ---- what is counted ---- */

static void metrics_write__shows_known_profiles_with_zeros(void **state)
{
    (void)state;
    struct metrics *metrics = fresh();
    metrics_know_profile(metrics, "default");
    metrics_know_profile(metrics, "default");
    has_line(written(metrics), "scepter_requests_total{profile=\"default\",outcome=\"issued\"} 0");
    assert_null(strstr(strstr(page, "profile=\"default\",outcome=\"issued\"") + 1,
                       "profile=\"default\",outcome=\"issued\""));
    has_line(page, "scepter_scep_operations_total{operation=\"GetCACaps\"} 0");
    metrics_free(metrics);
}

static void metrics_write__shows_what_was_counted(void **state)
{
    (void)state;
    struct metrics *metrics = fresh();
    metrics_count_request(metrics, "lab", OUTCOME_ISSUED);
    metrics_count_request(metrics, "lab", OUTCOME_ISSUED);
    metrics_count_request(metrics, "ndes", OUTCOME_DENIED);
    metrics_count_refused(metrics, "lab", STATUS_DENIED);
    metrics_count_refused(metrics, "lab", STATUS_LIMIT);
    metrics_count_refused(metrics, "lab", STATUS_MALFORMED);
    metrics_count_operation(metrics, OPERATION_CERT_POLL);
    (void)written(metrics);
    has_line(page, "scepter_requests_total{profile=\"lab\",outcome=\"issued\"} 2");
    has_line(page, "scepter_requests_total{profile=\"lab\",outcome=\"denied\"} 0");
    has_line(page, "scepter_requests_total{profile=\"ndes\",outcome=\"denied\"} 1");
    has_line(page, "scepter_refused_total{profile=\"lab\",reason=\"unauthorised\"} 1");
    has_line(page, "scepter_refused_total{profile=\"lab\",reason=\"malformed\"} 2");
    has_line(page, "scepter_scep_operations_total{operation=\"CertPoll\"} 1");
    metrics_free(metrics);
}

/* A bucket holds what took at most its bound. */
static void metrics_count_duration__sorts_into_buckets(void **state)
{
    (void)state;
    static const int64_t durations_us[] = {0, 5000, 5001, 99999, 10000000, 10000001};
    struct metrics *metrics = fresh();
    for (size_t i = 0; i < sizeof durations_us / sizeof durations_us[0]; i++)
        metrics_count_duration(metrics, "lab", durations_us[i]);
    (void)written(metrics);
#define SERIES "scepter_pki_operation_duration_seconds"
    has_line(page, SERIES "_bucket{profile=\"lab\",le=\"0.005\"} 2");
    has_line(page, SERIES "_bucket{profile=\"lab\",le=\"0.01\"} 3");
    has_line(page, SERIES "_bucket{profile=\"lab\",le=\"0.1\"} 4");
    has_line(page, SERIES "_bucket{profile=\"lab\",le=\"10\"} 5");
    has_line(page, SERIES "_bucket{profile=\"lab\",le=\"+Inf\"} 6");
    has_line(page, SERIES "_count{profile=\"lab\"} 6");
    has_line(page, SERIES "_sum{profile=\"lab\"} 20.110001");
#undef SERIES
    metrics_free(metrics);
}

static void metrics_write__gives_lines_that_all_parse(void **state)
{
    (void)state;
    struct metrics *metrics = fresh();
    metrics_count_request(metrics, "a \"strange\" \\ name\n}", OUTCOME_RETRY);
    metrics_count_duration(metrics, "lab", 123456);
    (void)written(metrics);
    /* two profiles with 5 outcomes, 6 reasons, 12 buckets, sum and count; 10 operations */
    assert_int_equal(check_page(page), 2 * (5 + 6 + 12 + 2) + 10);
    metrics_free(metrics);
}

static void metrics__without_an_object_count_nothing(void **state)
{
    (void)state;
    metrics_know_profile(NULL, "lab");
    metrics_count_operation(NULL, OPERATION_GET_CRL);
    metrics_count_request(NULL, "lab", OUTCOME_FAILED);
    metrics_count_refused(NULL, "lab", STATUS_DENIED);
    metrics_count_duration(NULL, "lab", 1);
    metrics_free(NULL);
}

static void *count_much(void *argument)
{
    for (int i = 0; i < PER_COUNT; i++) {
        char profile[16];
        (void)snprintf(profile, sizeof profile, "p%d", i % 8);
        metrics_count_request(argument, profile, OUTCOME_ISSUED);
    }
    return NULL;
}

static void metrics_count_request__loses_nothing_between_threads(void **state)
{
    (void)state;
    struct metrics *metrics = fresh();
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_much, metrics), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)written(metrics);
    for (int i = 0; i < 8; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "scepter_requests_total{profile=\"p%d\",outcome=\"issued\"} %d", i,
                       THREADS * PER_COUNT / 8);
        has_line(page, line);
    }
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metric_family__writes_help_and_type),
        cmocka_unit_test(metric_sample__escapes_label_values),
        cmocka_unit_test(metric_sample__keeps_what_is_not_utf8_out),
        cmocka_unit_test(metric_histogram__is_cumulative),
        cmocka_unit_test(metrics_write__shows_known_profiles_with_zeros),
        cmocka_unit_test(metrics_write__shows_what_was_counted),
        cmocka_unit_test(metrics_count_duration__sorts_into_buckets),
        cmocka_unit_test(metrics_write__gives_lines_that_all_parse),
        cmocka_unit_test(metrics__without_an_object_count_nothing),
        cmocka_unit_test(metrics_count_request__loses_nothing_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

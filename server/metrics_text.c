/* SPDX-License-Identifier: Apache-2.0
 *
 * Prometheus' text format: the lines that https://prometheus.io/docs/instrumenting/
 * exposition_formats/ describes, and nothing about what they mean.
 */
#include "metrics_text.h"

#include "text.h"

#include <assert.h>
#include <stdio.h>

#define NAME_MAX_LEN 128
#define BOUND_LEN    32

/* Backslash and newline, in label values also the quote. */
static void add_escaped(struct buf *out, const char *text, bool quoted)
{
    bool valid = utf8_valid(span_str(text));
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\\' || (quoted && *c == '"'))
            buf_printf(out, "\\%c", *c);
        else if (*c == '\n')
            buf_add_text(out, "\\n");
        else
            buf_add_octet(out, !valid && (uint8_t)*c >= 0x80 ? '?' : (uint8_t)*c);
    }
}

void metric_family(struct buf *out, const char *name, enum metric_type type, const char *help)
{
    static const char *const words[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    buf_printf(out, "# HELP %s ", name);
    add_escaped(out, help, false);
    buf_printf(out, "\n# TYPE %s %s\n", name, words[type]);
}

/* Name and labels, and the blank before the value. */
static void add_series(struct buf *out, const char *name, const struct metric_label labels[METRIC_LABELS_MAX])
{
    size_t count = 0;
    buf_add_text(out, name);
    for (; labels != NULL && count < METRIC_LABELS_MAX && labels[count].name != NULL; count++) {
        buf_printf(out, "%s%s=\"", count == 0 ? "{" : ",", labels[count].name);
        add_escaped(out, labels[count].value, true);
        buf_add_text(out, "\"");
    }
    buf_add_text(out, count > 0 ? "} " : " ");
}

void metric_sample(struct buf *out, const char *name, const struct metric_label labels[METRIC_LABELS_MAX],
                   int64_t value)
{
    add_series(out, name, labels);
    buf_printf(out, "%lld\n", (long long)value);
}

void metric_sample_us(struct buf *out, const char *name, const struct metric_label labels[METRIC_LABELS_MAX],
                      int64_t value_us)
{
    add_series(out, name, labels);
    buf_printf(out, "%lld.%06lld\n", (long long)(value_us / 1000000), (long long)(value_us % 1000000));
}

void metric_single(struct buf *out, const char *name, enum metric_type type, const char *help, int64_t value)
{
    metric_family(out, name, type, help);
    metric_sample(out, name, NULL, value);
}

/* "0.025": seconds without superfluous zeros. */
static void bound_text(int64_t bound_us, char text[BOUND_LEN])
{
    int len = snprintf(text, BOUND_LEN, "%lld.%06lld", (long long)(bound_us / 1000000),
                       (long long)(bound_us % 1000000));
    while (text[len - 1] == '0')
        text[--len] = '\0';
    if (text[len - 1] == '.')
        text[len - 1] = '\0';
}

void metric_histogram(struct buf *out, const char *name, const struct metric_label labels[METRIC_LABELS_MAX],
                      const struct metric_histogram *histogram)
{
    struct metric_label series[METRIC_LABELS_MAX] = {0};
    size_t le = 0;
    char line[NAME_MAX_LEN], bound[BOUND_LEN];
    int64_t cumulative = 0;
    for (; labels != NULL && le < METRIC_LABELS_MAX && labels[le].name != NULL; le++)
        series[le] = labels[le];
    assert(le < METRIC_LABELS_MAX);
    (void)snprintf(line, sizeof line, "%s_bucket", name);
    for (size_t i = 0; i <= histogram->bound_count; i++) {
        if (i < histogram->bound_count)
            bound_text(histogram->bounds_us[i], bound);
        cumulative += histogram->counts[i];
        series[le] = (struct metric_label){"le", i < histogram->bound_count ? bound : "+Inf"};
        metric_sample(out, line, series, cumulative);
    }
    (void)snprintf(line, sizeof line, "%s_sum", name);
    metric_sample_us(out, line, labels, histogram->sum_us);
    (void)snprintf(line, sizeof line, "%s_count", name);
    metric_sample(out, line, labels, cumulative);
}

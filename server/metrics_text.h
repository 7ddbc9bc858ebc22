/* SPDX-License-Identifier: Apache-2.0
 *
 * Prometheus' text format, version 0.0.4: families, samples, histograms, escaping. Knows
 * no metric and keeps none.
 */
#ifndef SCEPTER_SERVER_METRICS_TEXT_H
#define SCEPTER_SERVER_METRICS_TEXT_H

#include "buf.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Everything is borrowed for the calls and appended to out. Names must fit [a-zA-Z_:][a-zA-Z0-9_:]*; values
 * of labels may hold any text without NUL: what is not UTF-8 becomes '?'. */
struct metric_label {
    const char *name, *value;
};
#define METRIC_LABELS_MAX 3

/* The HELP and TYPE lines; the family's samples follow before the next family begins. */
void metric_family(struct buf *out, const char *name, enum metric_type type, const char *help);
/* One sample; labels end at the first without a name. */
void metric_sample(struct buf *out, const char *name, const struct metric_label labels[METRIC_LABELS_MAX],
                   int64_t value);
/* A sample in seconds, from microseconds. */
void metric_sample_us(struct buf *out, const char *name, const struct metric_label labels[METRIC_LABELS_MAX],
                      int64_t value_us);
/* A family of one sample without labels. */
void metric_single(struct buf *out, const char *name, enum metric_type type, const char *help, int64_t value);

/* How often it took at most bounds_us[i] and more than the bound before; counts has one more, for what took
 * longer than the last. Not cumulative: the text is. */
struct metric_histogram {
    const int64_t *bounds_us;
    size_t bound_count;
    const int64_t *counts;
    int64_t sum_us;
};
/* _bucket lines, cumulative, with le as the last label, then _sum and _count; at most METRIC_LABELS_MAX - 1
 * labels. */
void metric_histogram(struct buf *out, const char *name, const struct metric_label labels[METRIC_LABELS_MAX],
                      const struct metric_histogram *histogram);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters and histograms in atomics. Profiles are a list that only grows at its head, by
 * compare and swap: there are few, and each was in the configuration once. Knows no store,
 * no HTTP and no request.
 */
#include "metrics.h"

#include "metrics_text.h"

#include <stdatomic.h>
#include <stdlib.h>

static const int64_t bounds_us[] = {5000,   10000,   25000,   50000,   100000,  250000,
                                    500000, 1000000, 2500000, 5000000, 10000000};
#define BOUNDS (sizeof bounds_us / sizeof bounds_us[0])

enum refusal {
    REFUSAL_MALFORMED,
    REFUSAL_ALGORITHM,
    REFUSAL_INTEGRITY,
    REFUSAL_UNAUTHORISED,
    REFUSAL_NOT_FOUND,
    REFUSAL_OTHER,
    REFUSALS
};

static const char *const outcome_words[METRIC_OUTCOMES] = {[OUTCOME_ISSUED] = "issued",
                                                           [OUTCOME_RETRY] = "retry",
                                                           [OUTCOME_PENDING] = "pending",
                                                           [OUTCOME_DENIED] = "denied",
                                                           [OUTCOME_FAILED] = "failed"};

static const char *const operation_words[METRIC_OPERATIONS] = {
    [OPERATION_GET_CA_CAPS] = "GetCACaps",
    [OPERATION_GET_CA_CERT] = "GetCACert",
    [OPERATION_GET_NEXT_CA_CERT] = "GetNextCACert",
    [OPERATION_PKCS_REQ] = "PKCSReq",
    [OPERATION_RENEWAL_REQ] = "RenewalReq",
    [OPERATION_CERT_POLL] = "CertPoll",
    [OPERATION_GET_CERT] = "GetCert",
    [OPERATION_GET_CRL] = "GetCRL",
    [OPERATION_UNREADABLE] = "unreadable",
    [OPERATION_UNKNOWN] = "unknown",
};

static const char *const refusal_words[REFUSALS] = {
    [REFUSAL_MALFORMED] = "malformed", [REFUSAL_ALGORITHM] = "algorithm",
    [REFUSAL_INTEGRITY] = "integrity", [REFUSAL_UNAUTHORISED] = "unauthorised",
    [REFUSAL_NOT_FOUND] = "not_found", [REFUSAL_OTHER] = "other"};

struct profile_metrics {
    struct profile_metrics *next; /* set before it is in the list */
    _Atomic int64_t requests[METRIC_OUTCOMES];
    _Atomic int64_t refused[REFUSALS];
    _Atomic int64_t durations[BOUNDS + 1];
    _Atomic int64_t duration_sum_us;
    char name[];
};

struct metrics {
    struct profile_metrics *_Atomic first;
    _Atomic int64_t operations[METRIC_OPERATIONS];
};

enum status metrics_new(struct metrics **out, struct err *err)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the metrics");
    *out = metrics;
    return STATUS_OK;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (struct profile_metrics *profile = atomic_load(&metrics->first), *next; profile != NULL;
         profile = next) {
        next = profile->next;
        free(profile);
    }
    free(metrics);
}

/* ---- profiles ---- */

static struct profile_metrics *find(struct profile_metrics *first, const char *name)
{
    while (first != NULL && strcmp(first->name, name) != 0)
        first = first->next;
    return first;
}

/* NULL: nothing can be counted. */
static struct profile_metrics *profile_of(struct metrics *metrics, const char *name)
{
    if (metrics == NULL)
        return NULL;
    struct profile_metrics *head = atomic_load(&metrics->first);
    struct profile_metrics *found = find(head, name);
    if (found != NULL)
        return found;
    size_t size = strlen(name) + 1;
    AUTO(heap) struct profile_metrics *fresh = calloc(1, sizeof *fresh + size);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh->name, name, size);
    for (;;) {
        fresh->next = head;
        if (atomic_compare_exchange_weak(&metrics->first, &head, fresh))
            return MOVE(fresh);
        found = find(head, name); /* another thread was first */
        if (found != NULL)
            return found;
    }
}

void metrics_know_profile(struct metrics *metrics, const char *profile)
{
    (void)profile_of(metrics, profile);
}

/* ---- counting ---- */

static void add(_Atomic int64_t *counter, int64_t by)
{
    (void)atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static int64_t value(const _Atomic int64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void metrics_count_operation(struct metrics *metrics, enum metric_operation operation)
{
    if (metrics != NULL)
        add(&metrics->operations[operation], 1);
}

void metrics_count_request(struct metrics *metrics, const char *profile, enum metric_outcome outcome)
{
    struct profile_metrics *of = profile_of(metrics, profile);
    if (of != NULL)
        add(&of->requests[outcome], 1);
}

static enum refusal refusal_of(enum status why)
{
    switch (why) {
    case STATUS_MALFORMED:
    case STATUS_LIMIT:
    case STATUS_USAGE:
        return REFUSAL_MALFORMED;
    case STATUS_ALGORITHM:
        return REFUSAL_ALGORITHM;
    case STATUS_INTEGRITY:
        return REFUSAL_INTEGRITY;
    case STATUS_DENIED:
        return REFUSAL_UNAUTHORISED;
    case STATUS_NOT_FOUND:
        return REFUSAL_NOT_FOUND;
    default:
        return REFUSAL_OTHER;
    }
}

void metrics_count_refused(struct metrics *metrics, const char *profile, enum status why)
{
    struct profile_metrics *of = profile_of(metrics, profile);
    if (of != NULL)
        add(&of->refused[refusal_of(why)], 1);
}

void metrics_count_duration(struct metrics *metrics, const char *profile, int64_t duration_us)
{
    struct profile_metrics *of = profile_of(metrics, profile);
    size_t bucket = 0;
    if (of == NULL)
        return;
    while (bucket < BOUNDS && duration_us > bounds_us[bucket])
        bucket++;
    add(&of->durations[bucket], 1);
    add(&of->duration_sum_us, duration_us);
}

/* ---- writing ---- */

/* A counter for each profile and word. */
static void write_requests(const struct profile_metrics *first, struct buf *out)
{
    static const char name[] = "scepter_requests_total";
    metric_family(out, name, METRIC_COUNTER,
                  "Requests that were judged, by profile and what became of them.");
    for (const struct profile_metrics *profile = first; profile != NULL; profile = profile->next)
        for (size_t i = 0; i < METRIC_OUTCOMES; i++) {
            const struct metric_label labels[METRIC_LABELS_MAX] = {{"profile", profile->name},
                                                                   {"outcome", outcome_words[i]}};
            metric_sample(out, name, labels, value(&profile->requests[i]));
        }
}

static void write_refused(const struct profile_metrics *first, struct buf *out)
{
    static const char name[] = "scepter_refused_total";
    metric_family(out, name, METRIC_COUNTER,
                  "Messages of strangers that were turned away, by profile and class of reason.");
    for (const struct profile_metrics *profile = first; profile != NULL; profile = profile->next)
        for (size_t i = 0; i < REFUSALS; i++) {
            const struct metric_label labels[METRIC_LABELS_MAX] = {{"profile", profile->name},
                                                                   {"reason", refusal_words[i]}};
            metric_sample(out, name, labels, value(&profile->refused[i]));
        }
}

static void write_durations(const struct profile_metrics *first, struct buf *out)
{
    static const char name[] = "scepter_pki_operation_duration_seconds";
    metric_family(out, name, METRIC_HISTOGRAM,
                  "Time from the header of a PKIOperation to its reply, waiting in the queue included.");
    for (const struct profile_metrics *profile = first; profile != NULL; profile = profile->next) {
        int64_t counts[BOUNDS + 1];
        const struct metric_label labels[METRIC_LABELS_MAX] = {{"profile", profile->name}};
        for (size_t i = 0; i <= BOUNDS; i++)
            counts[i] = value(&profile->durations[i]);
        metric_histogram(out, name, labels,
                         &(struct metric_histogram){.bounds_us = bounds_us,
                                                    .bound_count = BOUNDS,
                                                    .counts = counts,
                                                    .sum_us = value(&profile->duration_sum_us)});
    }
}

void metrics_write(struct metrics *metrics, struct buf *out)
{
    static const char operations[] = "scepter_scep_operations_total";
    const struct profile_metrics *first = atomic_load(&metrics->first);
    write_requests(first, out);
    write_refused(first, out);
    metric_family(out, operations, METRIC_COUNTER, "SCEP operations, by operation or messageType.");
    for (size_t i = 0; i < METRIC_OPERATIONS; i++) {
        const struct metric_label labels[METRIC_LABELS_MAX] = {{"operation", operation_words[i]}};
        metric_sample(out, operations, labels, value(&metrics->operations[i]));
    }
    write_durations(first, out);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the running server counts: requests by profile and outcome, refused strangers, SCEP
 * operations, how long they took. Counting is an addition without a lock. Labels come from
 * the configuration and from tables here, never from a request.
 */
#ifndef SCEPTER_SERVER_METRICS_H
#define SCEPTER_SERVER_METRICS_H

#include "buf.h"

/* What became of a request (PKCSReq, RenewalReq). */
enum metric_outcome {
    OUTCOME_ISSUED,
    OUTCOME_RETRY, /* the answer of an earlier request again */
    OUTCOME_PENDING,
    OUTCOME_DENIED,
    OUTCOME_FAILED, /* for what the CA could not do */
    METRIC_OUTCOMES
};

enum metric_operation {
    OPERATION_GET_CA_CAPS,
    OPERATION_GET_CA_CERT,
    OPERATION_GET_NEXT_CA_CERT,
    OPERATION_PKCS_REQ,
    OPERATION_RENEWAL_REQ,
    OPERATION_CERT_POLL,
    OPERATION_GET_CERT,
    OPERATION_GET_CRL,
    OPERATION_UNREADABLE, /* a PKIOperation whose messageType could not be read */
    OPERATION_UNKNOWN,
    METRIC_OPERATIONS
};

struct metrics; /* opaque, thread-safe */
NODISCARD enum status metrics_new(struct metrics **out, struct err *err);
void metrics_free(struct metrics *metrics);

/* All of these: metrics may be NULL (then nothing is counted); profile is the name of a configured profile,
 * copied at its first use. When memory runs out at that first use, it is not counted. */
void metrics_know_profile(struct metrics *metrics, const char *profile); /* shown with zeros from now on */
void metrics_count_operation(struct metrics *metrics, enum metric_operation operation);
void metrics_count_request(struct metrics *metrics, const char *profile, enum metric_outcome outcome);
/* Somebody unknown was turned away and left no row; why becomes one of a few classes. */
void metrics_count_refused(struct metrics *metrics, const char *profile, enum status why);
/* How long a PKIOperation took, from its whole header to its reply. */
void metrics_count_duration(struct metrics *metrics, const char *profile, int64_t duration_us);

/* Everything counted so far as Prometheus text, appended. */
void metrics_write(struct metrics *metrics, struct buf *out);

#endif

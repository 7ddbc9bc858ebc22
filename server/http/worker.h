/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker threads behind a queue that is bounded in time: what would wait longer than
 * queue_wait at the measured rate is refused at once. Knows no HTTP.
 */
#ifndef SCEPTER_SERVER_WORKER_H
#define SCEPTER_SERVER_WORKER_H

#include "err.h"

#include <stdint.h>

struct worker_pool; /* opaque */

/* A piece of work; embedded in what it is about, owned by the caller until run or expired was called. */
struct worker_job {
    /* Does the work, on a worker thread. */
    void (*run)(struct worker_job *job);
    /* Instead of run, where it waited longer than queue_wait; on a worker thread, must be quick. */
    void (*expired)(struct worker_job *job);
    bool waits_elsewhere; /* may block on another system: at most half of the workers do */
    /* the pool's */
    struct worker_job *next;
    int64_t queued_us;
};

NODISCARD enum status worker_pool_start(size_t threads, int64_t queue_wait_s, struct worker_pool **out,
                                        struct err *err);
/* STATUS_BUSY: the queue is full in time; *retry_after_s says when to come again. Thread-safe. */
NODISCARD enum status worker_submit(struct worker_pool *pool, struct worker_job *job, int64_t *retry_after_s);
/* Jobs that wait or run. */
int64_t worker_depth(struct worker_pool *pool);
/* Finishes everything that was accepted and ends the threads; what is submitted later is refused. NULL is
 * fine. */
void worker_pool_drain(struct worker_pool *pool);
/* Frees a drained pool; NULL is fine. */
void worker_pool_free(struct worker_pool *pool);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker threads and their two queues: ordinary jobs, and those that may wait for other
 * systems. The rate is measured while the workers are busy, so that the bound on the
 * queue follows what this machine can do. Does not know what a job is about.
 */
#include "worker.h"

#include "clock.h"

#include <pthread.h>

#define QUEUE_MAX       100000 /* jobs, whatever the rate: bounds memory */
#define RATE_WEIGHT     32     /* a new measurement counts 1/32 */
#define UNMEASURED_JOBS 256    /* so many may wait before anything was measured */

struct queue {
    struct worker_job *first, *last;
    int64_t length;
    int64_t running;
    int64_t running_max;
    int64_t gap_us;       /* smoothed time between completions while jobs waited; 0: not measured */
    int64_t last_done_us; /* of the present busy stretch; 0: idle before */
};

struct worker_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct queue ordinary, waiting;
    int64_t queue_wait_us;
    bool stopping;
    size_t thread_count;
    pthread_t threads[];
};

static void queue_push(struct queue *queue, struct worker_job *job)
{
    job->next = NULL;
    if (queue->last != NULL)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
    queue->length++;
}

static struct worker_job *queue_pop(struct queue *queue)
{
    struct worker_job *job = queue->first;
    if (job == NULL || queue->running >= queue->running_max)
        return NULL;
    queue->first = job->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->length--;
    queue->running++;
    return job;
}

/* The time between two completions counts only while jobs were waiting all along, and for jobs that were run.
 */
static void queue_done(struct queue *queue, bool was_run)
{
    int64_t now_us = clock_monotonic_us();
    queue->running--;
    if (queue->last_done_us != 0 && was_run) {
        int64_t gap_us = now_us - queue->last_done_us;
        queue->gap_us = queue->gap_us == 0 ? gap_us : queue->gap_us + (gap_us - queue->gap_us) / RATE_WEIGHT;
        if (queue->gap_us < 1)
            queue->gap_us = 1;
    }
    queue->last_done_us = queue->length > 0 ? now_us : 0;
}

/* How long a new job would wait, as far as is known. */
static int64_t queue_expected_us(const struct queue *queue)
{
    return queue->length * queue->gap_us;
}

static struct worker_job *next_job(struct worker_pool *pool, struct queue **from)
{
    struct queue *const queues[] = {&pool->ordinary, &pool->waiting};
    for (size_t i = 0; i < 2; i++) {
        struct worker_job *job = queue_pop(queues[i]);
        if (job != NULL) {
            *from = queues[i];
            return job;
        }
    }
    return NULL;
}

static void *worker_main(void *argument)
{
    struct worker_pool *pool = argument;
    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct queue *from = NULL;
        struct worker_job *job = next_job(pool, &from);
        if (job == NULL && pool->stopping && pool->ordinary.length == 0 && pool->waiting.length == 0)
            break;
        if (job == NULL) {
            (void)pthread_cond_wait(&pool->work, &pool->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&pool->lock);
        bool in_time = clock_monotonic_us() - job->queued_us <= pool->queue_wait_us;
        if (in_time)
            job->run(job);
        else
            job->expired(job);
        (void)pthread_mutex_lock(&pool->lock);
        queue_done(from, in_time);
        /* what the end of this job made possible, this thread does itself */
        if (pool->stopping)
            (void)pthread_cond_broadcast(&pool->work);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

void worker_pool_free(struct worker_pool *pool)
{
    if (pool == NULL)
        return;
    (void)pthread_cond_destroy(&pool->work);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

enum status worker_pool_start(size_t threads, int64_t queue_wait_s, struct worker_pool **out, struct err *err)
{
    struct worker_pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->threads[0]);
    if (pool == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for %zu worker threads", threads);
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->work, NULL);
    pool->queue_wait_us = queue_wait_s * 1000000;
    pool->ordinary.running_max = (int64_t)threads;
    pool->waiting.running_max = threads > 1 ? (int64_t)threads / 2 : 1;
    for (size_t i = 0; i < threads; i++) {
        int failure = pthread_create(&pool->threads[i], NULL, worker_main, pool);
        if (failure != 0) {
            worker_pool_drain(pool);
            worker_pool_free(pool);
            return ERR(err, STATUS_IO, "cannot start worker thread %zu of %zu: %s", i + 1, threads,
                       strerror(failure));
        }
        pool->thread_count++;
    }
    *out = pool;
    return STATUS_OK;
}

enum status worker_submit(struct worker_pool *pool, struct worker_job *job, int64_t *retry_after_s)
{
    (void)pthread_mutex_lock(&pool->lock);
    struct queue *queue = job->waits_elsewhere ? &pool->waiting : &pool->ordinary;
    int64_t expected_us = queue_expected_us(queue);
    bool full = pool->stopping || queue->length >= QUEUE_MAX || expected_us > pool->queue_wait_us ||
                (queue->gap_us == 0 && queue->length >= UNMEASURED_JOBS);
    if (!full) {
        job->queued_us = clock_monotonic_us();
        queue_push(queue, job);
        (void)pthread_cond_signal(&pool->work);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    if (!full)
        return STATUS_OK;
    *retry_after_s = expected_us / 1000000 + 1;
    return STATUS_BUSY;
}

int64_t worker_depth(struct worker_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    int64_t depth =
        pool->ordinary.length + pool->ordinary.running + pool->waiting.length + pool->waiting.running;
    (void)pthread_mutex_unlock(&pool->lock);
    return depth;
}

void worker_pool_drain(struct worker_pool *pool)
{
    if (pool == NULL)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->thread_count; i++)
        (void)pthread_join(pool->threads[i], NULL);
    pool->thread_count = 0;
}

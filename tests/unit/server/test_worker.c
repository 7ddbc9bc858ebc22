/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the worker pool: everything accepted is done, half of the workers stay free of
 * jobs that wait for other systems, and the queue is bounded in time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "worker.h"

#include <pthread.h>
#include <unistd.h>

#define THREADS 4

/* Jobs that stay at work until the gate opens. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opens;
    bool open;
    int inside, done, expired;
};

struct gated_job {
    struct worker_job job; /* first */
    struct gate *gate;
};

static void pass_gate(struct worker_job *job)
{
    struct gate *gate = ((struct gated_job *)(void *)job)->gate;
    (void)pthread_mutex_lock(&gate->lock);
    gate->inside++;
    while (!gate->open)
        (void)pthread_cond_wait(&gate->opens, &gate->lock);
    gate->inside--;
    gate->done++;
    (void)pthread_mutex_unlock(&gate->lock);
}

static void count_expired(struct worker_job *job)
{
    struct gate *gate = ((struct gated_job *)(void *)job)->gate;
    (void)pthread_mutex_lock(&gate->lock);
    gate->expired++;
    (void)pthread_mutex_unlock(&gate->lock);
}

static void gate_make(struct gate *gate)
{
    *gate = (struct gate){0};
    (void)pthread_mutex_init(&gate->lock, NULL);
    (void)pthread_cond_init(&gate->opens, NULL);
}

static void gate_open(struct gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    gate->open = true;
    (void)pthread_cond_broadcast(&gate->opens);
    (void)pthread_mutex_unlock(&gate->lock);
}

static int gate_inside(struct gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    int inside = gate->inside;
    (void)pthread_mutex_unlock(&gate->lock);
    return inside;
}

static void wait_until_inside(struct gate *gate, int count)
{
    int64_t until_ms = clock_monotonic_ms() + 10000;
    while (gate_inside(gate) < count && clock_monotonic_ms() < until_ms)
        (void)usleep(1000);
    assert_int_equal(gate_inside(gate), count);
}

static enum status submit(struct worker_pool *pool, struct gated_job *job, struct gate *gate, bool waits)
{
    int64_t retry_after_s = 0;
    *job = (struct gated_job){.job = {.run = pass_gate, .expired = count_expired, .waits_elsewhere = waits},
                              .gate = gate};
    enum status status = worker_submit(pool, &job->job, &retry_after_s);
    assert_true(status == STATUS_OK || retry_after_s > 0);
    return status;
}

static struct worker_pool *start(int64_t queue_wait_s)
{
    struct worker_pool *pool = NULL;
    assert_int_equal(worker_pool_start(THREADS, queue_wait_s, &pool, NULL), STATUS_OK);
    return pool;
}

static void worker_pool_drain__finishes_what_was_accepted(void **state)
{
    (void)state;
    struct gate gate;
    static struct gated_job jobs[100];
    gate_make(&gate);
    struct worker_pool *pool = start(10);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(submit(pool, &jobs[i], &gate, i % 2 == 0), STATUS_OK);
    assert_int_equal(worker_depth(pool), 100);
    gate_open(&gate);
    worker_pool_drain(pool);
    assert_int_equal(gate.done, 100);
    assert_int_equal(worker_depth(pool), 0);
    struct gated_job late;
    assert_int_equal(submit(pool, &late, &gate, false), STATUS_BUSY);
    worker_pool_free(pool);
}

/* design.md, Threads and load: waits on other systems hold at most half of them. */
static void worker_pool__keeps_half_of_the_workers_for_jobs_that_do_not_wait(void **state)
{
    (void)state;
    struct gate elsewhere, here;
    static struct gated_job waiting[10], ordinary[2];
    gate_make(&elsewhere);
    gate_make(&here);
    struct worker_pool *pool = start(10);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(submit(pool, &waiting[i], &elsewhere, true), STATUS_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(submit(pool, &ordinary[i], &here, false), STATUS_OK);
    wait_until_inside(&here, 2);
    wait_until_inside(&elsewhere, THREADS / 2);
    gate_open(&here);
    (void)usleep(20000);
    assert_int_equal(gate_inside(&elsewhere), THREADS / 2);
    gate_open(&elsewhere);
    worker_pool_drain(pool);
    assert_int_equal(elsewhere.done, 10);
    worker_pool_free(pool);
}

static void worker_submit__refuses_what_would_wait_too_long(void **state)
{
    (void)state;
    struct gate gate;
    static struct gated_job jobs[1000];
    gate_make(&gate);
    struct worker_pool *pool = start(1);
    size_t accepted = 0;
    while (accepted < 1000 && submit(pool, &jobs[accepted], &gate, false) == STATUS_OK)
        accepted++;
    assert_in_range(accepted, THREADS, 999);
    gate_open(&gate);
    worker_pool_drain(pool);
    assert_int_equal(gate.done + gate.expired, (int)accepted);
    worker_pool_free(pool);
}

static void worker_pool__answers_what_waited_too_long_without_doing_it(void **state)
{
    (void)state;
    struct gate gate;
    static struct gated_job jobs[THREADS + 1];
    gate_make(&gate);
    struct worker_pool *pool = start(0);
    for (size_t i = 0; i < THREADS + 1; i++)
        assert_int_equal(submit(pool, &jobs[i], &gate, false), STATUS_OK);
    (void)usleep(20000);
    gate_open(&gate);
    worker_pool_drain(pool);
    assert_true(gate.expired >= 1);
    assert_int_equal(gate.done + gate.expired, THREADS + 1);
    worker_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worker_pool_drain__finishes_what_was_accepted),
        cmocka_unit_test(worker_pool__keeps_half_of_the_workers_for_jobs_that_do_not_wait),
        cmocka_unit_test(worker_submit__refuses_what_would_wait_too_long),
        cmocka_unit_test(worker_pool__answers_what_waited_too_long_without_doing_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

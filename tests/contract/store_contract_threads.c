/* SPDX-License-Identifier: Apache-2.0
 *
 * The cases with several threads or several handles on one store.
 */
#include "store_contract.h"

#include <pthread.h>
#include <stdio.h>

#define THREADS 8

struct worker {
    struct store *store;
    int number;
    int64_t id; /* what the case hands in */
    enum status status;
    struct change change;
};

static void run_workers(struct store *store, int64_t id, void *(*work)(void *),
                        struct worker workers[THREADS])
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.store = store, .number = i, .id = id};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static int count_status(const struct worker workers[THREADS], enum status status)
{
    int count = 0;
    for (int i = 0; i < THREADS; i++)
        count += workers[i].status == status;
    return count;
}

static void *use_it(void *context)
{
    struct worker *worker = context;
    worker->status = use_challenge(worker->store, worker->id, NOW, NULL);
    return NULL;
}

void contract__one_of_eight_threads_uses_a_challenge(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct challenge_row row = some_challenge(1, 1);
    int64_t id = add_challenge(store, &row);
    struct worker workers[THREADS];
    run_workers(store, id, use_it, workers);
    assert_int_equal(count_status(workers, STATUS_OK), 1);
    assert_int_equal(count_status(workers, STATUS_CONFLICT), THREADS - 1);
}

static void *add_it(void *context)
{
    struct worker *worker = context;
    struct request_row row = some_request(DISPOSITION_PENDING, 1);
    worker->status = add_request(worker->store, &row, &worker->change, NULL);
    return NULL;
}

void contract__one_of_eight_threads_adds_a_retry_key(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct worker workers[THREADS];
    run_workers(store, 0, add_it, workers);
    assert_int_equal(count_status(workers, STATUS_OK), 1);
    assert_int_equal(count_status(workers, STATUS_CONFLICT), THREADS - 1);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].change.request_id, workers[0].change.request_id);
        assert_int_equal(workers[i].change.is_retry, workers[i].status == STATUS_CONFLICT);
    }
}

static void *put_or_fail(void *context)
{
    struct worker *worker = context;
    char name[16];
    for (int i = 0; i < 20; i++) {
        struct change change = {0};
        snprintf(name, sizeof name, "s%d.%d", worker->number, i);
        change_add(&change, (struct change_op){.kind = CHANGE_SETTING_PUT, .setting = {name, SPAN_STR("x")}});
        if (i % 2 == 1) /* no such challenge */
            change_add(&change, (struct change_op){.kind = CHANGE_CHALLENGE_USE, .use = {4711, NOW}});
        enum status status = store_commit(worker->store, &change, NULL);
        if (status != (i % 2 == 1 ? STATUS_NOT_FOUND : STATUS_OK))
            worker->status = STATUS_INTERNAL;
    }
    return NULL;
}

void contract__a_failing_change_does_not_undo_its_neighbours(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct worker workers[THREADS];
    run_workers(store, 0, put_or_fail, workers);
    assert_int_equal(count_status(workers, STATUS_OK), THREADS);
    for (int thread = 0; thread < THREADS; thread++)
        for (int i = 0; i < 20; i++) {
            char name[16];
            snprintf(name, sizeof name, "s%d.%d", thread, i);
            AUTO(buf) struct buf value = BUF(16);
            enum status status = store_setting(store, name, &value, NULL);
            assert_int_equal(status, i % 2 == 1 ? STATUS_NOT_FOUND : STATUS_OK);
        }
    struct store_counts counts = {0};
    OK(store_counts(store, NOW, &counts, &err));
    assert_int_equal(counts.changes, THREADS * 10);
    assert_true(counts.commits > 0 && counts.commits <= counts.changes);
}

void contract__two_handles_see_each_other(void **state)
{
    (void)state;
    AUTO(store) struct store *one = contract_store();
    AUTO(store) struct store *two = contract_again();
    struct challenge_row row = some_challenge(1, 2);
    int64_t id = add_challenge(one, &row);
    AUTO(challenge_row) struct challenge_row seen = {0};
    OK(store_challenge(two, row.sha256, &seen, &err));
    OK(use_challenge(two, id, NOW, &err));
    OK(use_challenge(one, id, NOW, &err));
    FAILS(STATUS_CONFLICT, use_challenge(two, id, NOW, &err));
}

static enum status claim(struct store *store, int64_t now_s, int64_t *number, struct err *err)
{
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_CRL_CLAIM, .crl_claim = {0, now_s, 60}});
    enum status status = store_commit(store, &change, err);
    *number = change.crl_number;
    return status;
}

void contract__one_of_two_handles_claims_a_crl(void **state)
{
    (void)state;
    AUTO(store) struct store *one = contract_store();
    AUTO(store) struct store *two = contract_again();
    int64_t number = 0;
    OK(claim(one, NOW, &number, &err));
    assert_int_equal(number, NOW);
    FAILS(STATUS_CONFLICT, claim(two, NOW + 59, &number, &err));
    OK(claim(two, NOW + 60, &number, &err)); /* the lease is over */
    assert_int_equal(number, NOW + 60);
}

void contract__foreign_version_follows_the_other_handle_only(void **state)
{
    (void)state;
    AUTO(store) struct store *one = contract_store();
    AUTO(store) struct store *two = contract_again();
    int64_t first = 0, second = 0;
    OK(store_foreign_version(one, &first, &err));
    OK(put_setting(one, "a", "1", &err));
    OK(store_foreign_version(one, &second, &err));
    assert_int_equal(first, second);
    OK(put_setting(two, "a", "2", &err));
    OK(store_foreign_version(one, &second, &err));
    assert_int_not_equal(first, second);
    first = second;
    OK(put_setting(two, "a", "3", &err)); /* still told apart when own commits lie between */
    OK(put_setting(one, "b", "1", &err));
    OK(store_foreign_version(one, &second, &err));
    assert_int_not_equal(first, second);
}

static void *write_audit(void *context)
{
    struct worker *worker = context;
    for (int i = 0; i < 20 && worker->status == STATUS_OK; i++)
        worker->status = add_audit(worker->store, "tested", NULL);
    return NULL;
}

void contract__the_chain_holds_with_many_writers(void **state)
{
    (void)state;
    AUTO(store) struct store *one = contract_store();
    AUTO(store) struct store *two = contract_again();
    OK(add_audit(two, "first", &err));
    struct worker workers[THREADS];
    run_workers(one, 0, write_audit, workers);
    assert_int_equal(count_status(workers, STATUS_OK), THREADS);
    OK(add_audit(two, "last", &err));
    int64_t rows = 0;
    uint8_t head[SHA256_LEN];
    OK(store_audit_verify(one, &rows, head, &err));
    assert_int_equal(rows, THREADS * 20 + 2);
}

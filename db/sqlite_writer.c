/* SPDX-License-Identifier: Apache-2.0
 *
 * Group commit: one thread takes all changes that wait, runs each in a savepoint of
 * its own, commits once (one fsync) and wakes the callers. What a change does to the
 * tables is in the files beside it.
 */
#include "sqlite.h"

#include "clock.h"

#include <signal.h>

static change_apply *const APPLY[] = {
    [CHANGE_REQUEST_ADD] = sqlite_request_add,
    [CHANGE_REQUEST_DECIDE] = sqlite_request_decide,
    [CHANGE_REQUEST_DELIVERED] = sqlite_request_delivered,
    [CHANGE_CERTIFICATE_ADD] = sqlite_certificate_add,
    [CHANGE_CHALLENGE_ADD] = sqlite_challenge_add,
    [CHANGE_CHALLENGE_USE] = sqlite_challenge_use,
    [CHANGE_CHALLENGE_FAIL] = sqlite_challenge_fail,
    [CHANGE_CHALLENGE_GIVE_BACK] = sqlite_challenge_give_back,
    [CHANGE_CHALLENGES_VOID] = sqlite_challenges_void,
    [CHANGE_REVOKE] = sqlite_revoke,
    [CHANGE_UNHOLD] = sqlite_unhold,
    [CHANGE_CRL_CLAIM] = sqlite_crl_claim,
    [CHANGE_CRL_RELEASE] = sqlite_crl_release,
    [CHANGE_CRL_PUBLISHED] = sqlite_crl_published,
    [CHANGE_DEVICE_PUT] = sqlite_device_put,
    [CHANGE_SETTING_PUT] = sqlite_setting_put,
    [CHANGE_AUDIT] = sqlite_audit_add,
};

/* ---- one change ---- */

static enum status apply_ops(struct sql_connection *on, struct commit_wait *wait, struct err *err)
{
    if (wait->change == NULL)
        return STATUS_OK;
    for (size_t i = 0; i < wait->change->count; i++) {
        const struct change_op *op = &wait->change->ops[i];
        TRY(APPLY[op->kind](on, op, wait, err));
    }
    return STATUS_OK;
}

/* The result goes to the wait; what comes back is how the transaction is: not OK if it is lost. */
static enum status apply_change(struct sql_connection *on, struct commit_wait *wait, struct err *err)
{
    TRY(sql_exec(on, "SAVEPOINT one", err));
    wait->status = apply_ops(on, wait, &wait->err);
    if (wait->status == STATUS_OK)
        return sql_exec(on, "RELEASE one", err);
    if (sqlite3_get_autocommit(on->db)) { /* SQLite rolled everything back: disk full, I/O error */
        *err = wait->err;
        return wait->status;
    }
    return sql_exec(on, "ROLLBACK TO one; RELEASE one", err);
}

/* ---- one group ---- */

static enum status finish_group(struct sql_connection *on, struct err *err)
{
    int64_t now_s = clock_now();
    TRY(sqlite_expiry_advance(on, now_s, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "UPDATE state SET last_commit_s = max(last_commit_s, ?1)", &query, err));
    bind_int(&query, now_s);
    TRY(query_run(&query, err));
    query_end(&query);
    return sql_exec(on, "COMMIT", err);
}

/* *succeeded counts the changes that are in the transaction. */
static enum status run_group(struct sql_connection *on, struct commit_wait *group, int64_t *succeeded,
                             struct err *err)
{
    TRY(sql_exec(on, "BEGIN IMMEDIATE", err));
    for (struct commit_wait *wait = group; wait != NULL; wait = wait->next) {
        TRY(apply_change(on, wait, err));
        *succeeded += wait->status == STATUS_OK;
    }
    if (*succeeded == 0)
        return sql_exec(on, "ROLLBACK", err);
    return finish_group(on, err);
}

/* If the transaction as a whole failed, every change of the group has failed, also one that met a conflict:
 * what it conflicted with may be gone. */
static int64_t commit_group(struct sqlite_store *self, struct commit_wait *group)
{
    struct err err = {0};
    int64_t succeeded = 0;
    pthread_mutex_lock(&self->writer_lock);
    enum status status = run_group(self->writer, group, &succeeded, &err);
    if (status != STATUS_OK && !sqlite3_get_autocommit(self->writer->db))
        sqlite3_exec(self->writer->db, "ROLLBACK", NULL, NULL, NULL);
    pthread_mutex_unlock(&self->writer_lock);
    if (status == STATUS_OK)
        return succeeded;
    for (struct commit_wait *wait = group; wait != NULL; wait = wait->next) {
        wait->status = status;
        wait->err = err;
        wait->is_retry = false;
    }
    return 0;
}

/* Takes what waits, up to a group's size. The lock is held. */
static struct commit_wait *take_group(struct sqlite_store *self)
{
    struct commit_wait *group = self->first, *end = group;
    for (size_t count = 1; count < COMMIT_GROUP_MAX && end->next != NULL; count++)
        end = end->next;
    self->first = end->next;
    if (self->first == NULL)
        self->last = &self->first;
    end->next = NULL;
    return group;
}

/* A wait lives on its caller's stack: it is gone as soon as it is done and the lock is free. */
static void wake_group(struct commit_wait *group)
{
    while (group != NULL) {
        struct commit_wait *next = group->next;
        group->done = true;
        pthread_cond_signal(&group->wake);
        group = next;
    }
}

static void *writer_main(void *context)
{
    struct sqlite_store *self = context;
    pthread_mutex_lock(&self->queue_lock);
    for (;;) {
        while (self->first == NULL && !self->stopping)
            pthread_cond_wait(&self->queue_filled, &self->queue_lock);
        if (self->first == NULL)
            break;
        struct commit_wait *group = take_group(self);
        pthread_mutex_unlock(&self->queue_lock);
        int64_t succeeded = commit_group(self, group);
        pthread_mutex_lock(&self->queue_lock);
        self->commits += succeeded > 0;
        self->changes += succeeded;
        wake_group(group);
    }
    pthread_mutex_unlock(&self->queue_lock);
    return NULL;
}

/* ---- callers ---- */

/* At the first commit; signals are for the program's own threads. The lock is held. */
static enum status writer_start(struct sqlite_store *self, struct err *err)
{
    if (self->started)
        return STATUS_OK;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&self->thread, NULL, writer_main, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return ERR(err, STATUS_NOMEM, "the thread that writes to %s cannot be started: %s", self->path,
                   strerror(failed));
    self->started = true;
    return STATUS_OK;
}

static enum status wait_for(struct sqlite_store *self, struct commit_wait *wait)
{
    pthread_mutex_lock(&self->queue_lock);
    enum status status = writer_start(self, &wait->err);
    if (status == STATUS_OK) {
        *self->last = wait;
        self->last = &wait->next;
        pthread_cond_signal(&self->queue_filled);
        while (!wait->done)
            pthread_cond_wait(&wait->wake, &self->queue_lock);
        status = wait->status;
    }
    pthread_mutex_unlock(&self->queue_lock);
    return status;
}

static enum status commit_and_wait(struct store *store, struct commit_wait *wait, struct err *err)
{
    pthread_cond_init(&wait->wake, NULL);
    enum status status = wait_for(sqlite_store_of(store), wait);
    pthread_cond_destroy(&wait->wake);
    if (status != STATUS_OK && err != NULL)
        *err = wait->err;
    return status;
}

enum status sqlite_commit(struct store *store, struct change *change, struct err *err)
{
    struct commit_wait wait = {.change = change};
    enum status status = commit_and_wait(store, &wait, err);
    change->is_retry = status == STATUS_CONFLICT && wait.is_retry;
    if (status == STATUS_OK || change->is_retry)
        change->request_id = wait.request_id;
    if (status == STATUS_OK) {
        change->challenge_id = wait.challenge_id;
        change->crl_number = wait.crl_number;
    }
    return status;
}

/* A group without operations still writes its time of commit. */
enum status sqlite_probe(struct store *store, struct err *err)
{
    struct commit_wait wait = {0};
    return commit_and_wait(store, &wait, err);
}

/* data_version as the writing connection sees it: that does not count its own commits, and nobody else in
 * this process commits. */
enum status sqlite_foreign_version(struct store *store, int64_t *version, struct err *err)
{
    struct sqlite_store *self = sqlite_store_of(store);
    struct query query = {0};
    pthread_mutex_lock(&self->writer_lock);
    enum status status = query_begin(self->writer, "PRAGMA data_version", &query, err);
    if (status == STATUS_OK)
        status = query_number(&query, version, err);
    query_end(&query);
    pthread_mutex_unlock(&self->writer_lock);
    return status;
}

void sqlite_writer_stop(struct sqlite_store *self)
{
    pthread_mutex_lock(&self->queue_lock);
    self->stopping = true;
    pthread_cond_signal(&self->queue_filled);
    bool started = self->started;
    pthread_mutex_unlock(&self->queue_lock);
    if (started)
        pthread_join(self->thread, NULL);
}

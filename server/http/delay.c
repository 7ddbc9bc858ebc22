/* SPDX-License-Identifier: Apache-2.0
 *
 * A list in the order of what is due first, and the thread that sleeps until then. What is
 * due is woken without the lock. Does not know what waits.
 */
#include "delay.h"

#include "clock.h"

#include <pthread.h>
#include <stdlib.h>

struct delay_list {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool stopping;
    struct delayed *first;
    size_t count, max;
};

/* Takes out what is due by then; wakes it after the lock was given up. */
static struct delayed *take_due(struct delay_list *list, int64_t until_us)
{
    struct delayed *due = NULL, **end = &due;
    while (list->first != NULL && list->first->due_us <= until_us) {
        *end = list->first;
        list->first = list->first->next;
        end = &(*end)->next;
        list->count--;
    }
    *end = NULL;
    return due;
}

static void wake_all(struct delayed *due)
{
    for (struct delayed *next; due != NULL; due = next) {
        next = due->next;
        due->wake(due);
    }
}

static void sleep_until(struct delay_list *list, int64_t due_us)
{
    const struct timespec until = {.tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000};
    (void)pthread_cond_timedwait(&list->changed, &list->lock, &until);
}

static void *delay_main(void *argument)
{
    struct delay_list *list = argument;
    (void)pthread_mutex_lock(&list->lock);
    while (!list->stopping) {
        struct delayed *due = take_due(list, clock_monotonic_us());
        if (due != NULL) {
            (void)pthread_mutex_unlock(&list->lock);
            wake_all(due);
            (void)pthread_mutex_lock(&list->lock);
        } else if (list->first != NULL) {
            sleep_until(list, list->first->due_us);
        } else {
            (void)pthread_cond_wait(&list->changed, &list->lock);
        }
    }
    (void)pthread_mutex_unlock(&list->lock);
    return NULL;
}

enum status delay_list_start(size_t max, struct delay_list **out, struct err *err)
{
    struct delay_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the list of delayed replies");
    list->max = max;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&list->lock, NULL);
    (void)pthread_cond_init(&list->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    int failure = pthread_create(&list->thread, NULL, delay_main, list);
    if (failure != 0) {
        (void)pthread_cond_destroy(&list->changed);
        (void)pthread_mutex_destroy(&list->lock);
        free(list);
        return ERR(err, STATUS_IO, "cannot start the thread that delays replies: %s", strerror(failure));
    }
    *out = list;
    return STATUS_OK;
}

static void insert(struct delay_list *list, struct delayed *delayed)
{
    struct delayed **at = &list->first;
    while (*at != NULL && (*at)->due_us <= delayed->due_us)
        at = &(*at)->next;
    delayed->next = *at;
    *at = delayed;
    list->count++;
}

enum status delay_hold(struct delay_list *list, struct delayed *delayed, int64_t delay_s)
{
    delayed->due_us = clock_monotonic_us() + delay_s * 1000000;
    (void)pthread_mutex_lock(&list->lock);
    bool full = list->stopping || list->count >= list->max;
    if (!full) {
        insert(list, delayed);
        (void)pthread_cond_signal(&list->changed);
    }
    (void)pthread_mutex_unlock(&list->lock);
    return full ? STATUS_BUSY : STATUS_OK;
}

void delay_stop(struct delay_list *list)
{
    if (list == NULL)
        return;
    (void)pthread_mutex_lock(&list->lock);
    bool first_time = !list->stopping;
    list->stopping = true;
    struct delayed *due = take_due(list, INT64_MAX);
    (void)pthread_cond_signal(&list->changed);
    (void)pthread_mutex_unlock(&list->lock);
    wake_all(due);
    if (first_time)
        (void)pthread_join(list->thread, NULL);
}

void delay_list_free(struct delay_list *list)
{
    if (list == NULL)
        return;
    delay_stop(list);
    (void)pthread_cond_destroy(&list->changed);
    (void)pthread_mutex_destroy(&list->lock);
    free(list);
}

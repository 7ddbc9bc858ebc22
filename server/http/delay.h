/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies that are held back for some seconds without a worker: one thread wakes each when
 * it is due, and so many at most are held. Knows no HTTP.
 */
#ifndef SCEPTER_SERVER_DELAY_H
#define SCEPTER_SERVER_DELAY_H

#include "err.h"

#include <stdint.h>

struct delay_list; /* opaque, thread-safe */

/* Embedded in what waits, owned by the caller until wake was called. */
struct delayed {
    /* On the list's thread or that of delay_stop; must be quick. The struct may be gone when it returns. */
    void (*wake)(struct delayed *delayed);
    /* the list's */
    struct delayed *next;
    int64_t due_us;
};

NODISCARD enum status delay_list_start(size_t max, struct delay_list **out, struct err *err);
/* Wakes it after delay_s. STATUS_BUSY: as many as may be are held already, or the list was stopped; wake is
 * not called then. */
NODISCARD enum status delay_hold(struct delay_list *list, struct delayed *delayed, int64_t delay_s);
/* Wakes everything now and holds nothing any more. NULL is fine. */
void delay_stop(struct delay_list *list);
/* Stops and frees; NULL is fine. */
void delay_list_free(struct delay_list *list);

#endif

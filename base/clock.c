/* SPDX-License-Identifier: Apache-2.0
 *
 * The clocks and random octets. No calendar (that is duration.c), no sleeping, no timers.
 */
#include "clock.h"

#include <limits.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t clock_shift_s;

int64_t clock_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec + atomic_load_explicit(&clock_shift_s, memory_order_relaxed);
}

int64_t clock_monotonic_us(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

void clock_shift_for_tests(int64_t seconds)
{
    atomic_store_explicit(&clock_shift_s, seconds, memory_order_relaxed);
}

enum status random_octets(void *out, size_t n, struct err *err)
{
    uint8_t *next = out;
    for (size_t left = n; left > 0;) {
        size_t part = left < INT_MAX ? left : INT_MAX;
        if (RAND_bytes(next, (int)part) != 1)
            return ERR_OPENSSL(err, STATUS_INTERNAL, "the random generator gave no octets");
        next += part;
        left -= part;
    }
    return STATUS_OK;
}

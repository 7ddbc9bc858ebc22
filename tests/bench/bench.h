/* SPDX-License-Identifier: Apache-2.0
 *
 * What the benchmark's programs share: a file of messages, made once and replayed, and a
 * monotonic clock. Everything here ends the program on failure.
 */
#ifndef SCEPTER_TESTS_BENCH_H
#define SCEPTER_TESTS_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdnoreturn.h>

/* One message or one reply. `number` counts the messages of a benchmark from 0: it gives the subject, the
 * transactionID and, modulo the pool's size, the key. A file is one record after the other, so that files
 * can be joined by cat. */
struct record {
    uint32_t number;
    uint32_t len;
    const uint8_t *octets;
};

struct records {
    struct record *all;
    size_t count;
    uint8_t *file; /* what octets point into */
};

noreturn void bench_die(const char *what);
#define NEED(what, expression)                                                                               \
    do {                                                                                                     \
        if (!(expression))                                                                                   \
            bench_die(what);                                                                                 \
    } while (0)

/* The whole file in memory; records_free gives it back. */
void records_read(const char *path, struct records *out);
void records_free(struct records *records);
void record_write(FILE *file, uint32_t number, const void *octets, size_t len);

int64_t bench_now_us(void);

#endif

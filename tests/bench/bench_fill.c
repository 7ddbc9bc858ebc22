/* SPDX-License-Identifier: Apache-2.0
 *
 * Fills the store of a data directory with certificates that look like issued ones, a part of
 * them revoked, through the store's own face: for what depends on the store's size.
 * Their DER is of the usual length but no certificate.
 *
 *   bench_fill DIR/scepter.db CERTIFICATES REVOKED
 */
#include "bench.h"

#include "store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS    64 /* so many changes share a commit */
#define PER_CHANGE 7  /* certificates in one change, each with its revocation */
#define DER_LEN    1100
#define VALIDITY_S (int64_t)31536000

static struct store *store;
static atomic_size_t next;
static size_t count, revoked;
static int64_t now_s;

/* Numbers spread over the whole range, as random serials are. */
static struct serial serial_of(size_t number)
{
    struct serial serial = {.len = 16};
    uint64_t mixed = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < 8; i++) {
        serial.octets[i] = (uint8_t)(mixed >> (8 * i));
        serial.octets[8 + i] = (uint8_t)(number >> (8 * i));
    }
    serial.octets[0] |= 0x40;
    return serial;
}

/* subject: room for its text. */
static void fill_row(size_t number, struct certificate_row *row, char *subject, size_t size, uint8_t *der)
{
    (void)snprintf(subject, size, "CN=filler-%zu", number);
    memcpy(der, &number, sizeof number);
    *row = (struct certificate_row){.created_s = now_s,
                                    .serial = serial_of(number),
                                    .template_name = (char *)(uintptr_t) "LabDevice",
                                    .template_version = 1,
                                    .profile = (char *)(uintptr_t) "lab",
                                    .subject = subject,
                                    .not_before_s = now_s - 300,
                                    .not_after_s = now_s + VALIDITY_S,
                                    .requester = (char *)(uintptr_t) "static challenge",
                                    .der = {.data = der, .len = DER_LEN, .cap = DER_LEN, .ceiling = DER_LEN},
                                    .reason = REASON_NONE};
    memcpy(row->key_fingerprint, row->serial.octets, row->serial.len);
}

static void add_some(size_t first, uint8_t (*der)[DER_LEN])
{
    struct certificate_row rows[PER_CHANGE];
    char subjects[PER_CHANGE][64];
    struct change change = {0};
    struct err err = {0};
    for (size_t i = 0; i < PER_CHANGE && first + i < count; i++) {
        fill_row(first + i, &rows[i], subjects[i], sizeof subjects[i], der[i]);
        change_add(&change,
                   (struct change_op){.kind = CHANGE_CERTIFICATE_ADD, .certificate = {.row = &rows[i]}});
        if (first + i < revoked)
            change_add(&change,
                       (struct change_op){.kind = CHANGE_REVOKE,
                                          .revoke = {rows[i].serial, REASON_CESSATION_OF_OPERATION, now_s}});
    }
    if (store_commit(store, &change, &err) != STATUS_OK)
        bench_die(err.text);
}

static void *fill(void *unused)
{
    (void)unused;
    uint8_t der[PER_CHANGE][DER_LEN] = {{0}};
    for (;;) {
        size_t first = atomic_fetch_add(&next, PER_CHANGE);
        if (first >= count)
            return NULL;
        add_some(first, der);
    }
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    struct err err = {0};
    NEED("usage: bench_fill DIR/scepter.db CERTIFICATES REVOKED", argc == 4);
    count = strtoul(argv[2], NULL, 10);
    revoked = strtoul(argv[3], NULL, 10);
    now_s = (int64_t)time(NULL);
    if (store_open_sqlite(argv[1], false, &store, &err) != STATUS_OK)
        bench_die(err.text);
    for (size_t i = 0; i < THREADS; i++)
        NEED("pthread_create", pthread_create(&threads[i], NULL, fill, NULL) == 0);
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    store_close(store);
    return 0;
}

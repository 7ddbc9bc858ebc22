/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of addresses with their failures of the present minute. It is searched from its
 * beginning: that takes some microseconds when it is full, none before the first failure,
 * and gives an attacker no hash to collide with. Knows no request.
 */
#include "failures.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_US    INT64_C(60000000)
#define DELAY_MAX_S  8
#define NETWORK_LEN  8 /* of an IPv6 address: a /64 */
#define MAPPED_AT    12
#define FAMILY_OTHER 0
#define FAMILY_IPV4  4
#define FAMILY_IPV6  6

struct peer {
    uint8_t octets[NETWORK_LEN];
    uint8_t family;
    uint8_t kind;
};

struct slot {
    struct peer peer;
    int64_t since_us; /* when its minute began */
    int64_t last_us;
    int64_t count; /* in that minute */
};

struct failures {
    pthread_mutex_t lock;
    int64_t per_minute;
    size_t used; /* slots, from the first */
    struct slot slots[FAILURES_ADDRESSES];
};

enum status failures_new(int64_t per_minute, struct failures **out, struct err *err)
{
    struct failures *failures = calloc(1, sizeof *failures);
    if (failures == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the table of failures");
    (void)pthread_mutex_init(&failures->lock, NULL);
    failures->per_minute = per_minute;
    *out = failures;
    return STATUS_OK;
}

void failures_free(struct failures *failures)
{
    if (failures == NULL)
        return;
    (void)pthread_mutex_destroy(&failures->lock);
    free(failures);
}

/* ---- addresses ---- */

static struct peer peer_of(enum failure_kind kind, const char *remote)
{
    struct peer peer = {.kind = (uint8_t)kind, .family = FAMILY_OTHER};
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, remote, &v4) == 1) {
        peer.family = FAMILY_IPV4;
        memcpy(peer.octets, &v4, sizeof v4);
    } else if (inet_pton(AF_INET6, remote, &v6) == 1 && IN6_IS_ADDR_V4MAPPED(&v6)) {
        peer.family = FAMILY_IPV4;
        memcpy(peer.octets, v6.s6_addr + MAPPED_AT, sizeof v4);
    } else if (strchr(remote, ':') != NULL && inet_pton(AF_INET6, remote, &v6) == 1) {
        peer.family = FAMILY_IPV6;
        memcpy(peer.octets, v6.s6_addr, NETWORK_LEN);
    }
    return peer;
}

static bool peers_equal(const struct peer *a, const struct peer *b)
{
    return a->kind == b->kind && a->family == b->family && memcmp(a->octets, b->octets, NETWORK_LEN) == 0;
}

/* ---- slots ---- */

static struct slot *find(struct failures *failures, const struct peer *peer)
{
    for (size_t i = 0; i < failures->used; i++)
        if (peers_equal(&failures->slots[i].peer, peer))
            return &failures->slots[i];
    return NULL;
}

/* A slot that was never used, or else the one whose last failure is oldest. */
static struct slot *take_slot(struct failures *failures)
{
    struct slot *oldest = &failures->slots[0];
    if (failures->used < FAILURES_ADDRESSES)
        return &failures->slots[failures->used++];
    for (size_t i = 1; i < FAILURES_ADDRESSES; i++)
        if (failures->slots[i].last_us < oldest->last_us)
            oldest = &failures->slots[i];
    return oldest;
}

static int64_t delay_s(int64_t over)
{
    int64_t delay = over > 0 ? 1 : 0;
    for (; over > 1 && delay < DELAY_MAX_S; over--)
        delay *= 2;
    return delay;
}

int64_t failures_count(struct failures *failures, enum failure_kind kind, const char *remote, int64_t now_us)
{
    if (failures == NULL || failures->per_minute == 0)
        return 0;
    const struct peer peer = peer_of(kind, remote);
    (void)pthread_mutex_lock(&failures->lock);
    struct slot *slot = find(failures, &peer);
    if (slot == NULL) {
        slot = take_slot(failures);
        *slot = (struct slot){.peer = peer, .since_us = now_us};
    } else if (now_us - slot->since_us >= WINDOW_US) {
        slot->since_us = now_us;
        slot->count = 0;
    }
    slot->last_us = now_us;
    slot->count++;
    int64_t over = slot->count - failures->per_minute;
    (void)pthread_mutex_unlock(&failures->lock);
    return delay_s(over);
}

int64_t failures_wait_s(struct failures *failures, enum failure_kind kind, const char *remote, int64_t now_us)
{
    if (failures == NULL || failures->per_minute == 0)
        return 0;
    const struct peer peer = peer_of(kind, remote);
    int64_t left_us = 0;
    (void)pthread_mutex_lock(&failures->lock);
    const struct slot *slot = find(failures, &peer);
    if (slot != NULL && slot->count >= failures->per_minute)
        left_us = slot->since_us + WINDOW_US - now_us;
    (void)pthread_mutex_unlock(&failures->lock);
    return left_us > 0 ? (left_us + 999999) / 1000000 : 0;
}

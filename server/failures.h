/* SPDX-License-Identifier: Apache-2.0
 *
 * How often each address presented a wrong challenge or password lately. Fixed memory: a
 * new address takes the place of the one whose last failure is oldest. Judges no request
 * and delays nothing itself. What it says slows a client that waits for its answers; one
 * that gives up waiting and asks anew is not slowed, for a right challenge is answered at
 * once whatever its address did: phrases must be long enough by themselves.
 */
#ifndef SCEPTER_SERVER_FAILURES_H
#define SCEPTER_SERVER_FAILURES_H

#include "err.h"

#include <stdint.h>

#define FAILURES_ADDRESSES 4096 /* remembered at once, for each kind together */

enum failure_kind {
    FAILURE_CHALLENGE, /* a challenge that is not taken */
    FAILURE_PASSWORD,  /* an envelope that the profile's phrase does not open */
};

struct failures; /* opaque, thread-safe */

/* per_minute: so many failures of one kind and address are free in each minute; 0: no limit at all. */
NODISCARD enum status failures_new(int64_t per_minute, struct failures **out, struct err *err);
void failures_free(struct failures *failures);

/* All of these: failures may be NULL (nothing is limited); remote is a numeric address, IPv6 ones count by
 * /64, IPv4 ones also in their mapped form; what is no address counts as one; now_us is
 * clock_monotonic_us(). */

/* Counts a failure. Gives for how long its answer is to be held back: 0 within the rate, then 1, 2, 4 and
 * 8 s. */
int64_t failures_count(struct failures *failures, enum failure_kind kind, const char *remote, int64_t now_us);
/* Seconds (1 to 60) until the address is within its rate again; 0 if it is. */
int64_t failures_wait_s(struct failures *failures, enum failure_kind kind, const char *remote,
                        int64_t now_us);

#endif

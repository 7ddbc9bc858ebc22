/* SPDX-License-Identifier: Apache-2.0
 *
 * The clocks and random octets. The one place where tests move the clock.
 */
#ifndef SCEPTER_BASE_CLOCK_H
#define SCEPTER_BASE_CLOCK_H

#include "buf.h"

/* Wall clock, Unix seconds. Thread-safe. */
int64_t clock_now(void);
/* Monotonic clock, milliseconds / microseconds since some start. Thread-safe; tests do not move it. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
/* Tests only: clock_now() is the real clock plus this many seconds from now on. */
void clock_shift_for_tests(int64_t seconds);

/* n random octets from OpenSSL's CSPRNG. STATUS_INTERNAL if it fails. Thread-safe. */
NODISCARD enum status random_octets(void *out, size_t n, struct err *err);

#endif

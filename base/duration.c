/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations and sizes as administrators write them: one number, one unit. No sums ("1h30m"), no fractions,
 * no percentages, no months. Dates are in calendar.c.
 */
#include "text.h"

#include <inttypes.h>
#include <stdio.h>

#define YEAR_S       (365 * INT64_C(86400))
#define DURATION_MAX (100 * YEAR_S)

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {
    {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", INT64_C(7) * 86400}, {"y", YEAR_S},
};
#define DURATION_UNITS (sizeof(duration_units) / sizeof(duration_units[0]))

static const struct unit size_units[] = {
    {"", 1},
    {"KiB", 1024},
    {"MiB", INT64_C(1024) * 1024},
    {"GiB", INT64_C(1024) * 1024 * 1024},
};
#define SIZE_UNITS (sizeof(size_units) / sizeof(size_units[0]))

/* Decimal digits, at least one, then the unit. False also when the value is above max. */
static bool quantity_read(const char *text, const struct unit *units, size_t count, int64_t max,
                          int64_t *value)
{
    int64_t number = 0;
    const char *next = text;
    for (; *next >= '0' && *next <= '9'; next++) {
        if (number > (max - (*next - '0')) / 10)
            return false;
        number = number * 10 + (*next - '0');
    }
    for (size_t i = 0; i < count && next != text; i++) {
        if (strcmp(next, units[i].name) == 0 && number <= max / units[i].factor) {
            *value = number * units[i].factor;
            return true;
        }
    }
    return false;
}

enum status duration_parse(const char *text, int64_t *seconds, struct err *err)
{
    if (strcmp(text, "0") == 0)
        *seconds = 0;
    else if (!quantity_read(text, duration_units, DURATION_UNITS, DURATION_MAX, seconds))
        return ERR(err, STATUS_MALFORMED,
                   "\"%.80s\" is no duration: a whole number with s, m, h, d, w or y, as in 90s or 30d, "
                   "at most 100y, is allowed",
                   text);
    return STATUS_OK;
}

void duration_text(struct buf *out, int64_t seconds)
{
    char shortest[32];
    int len = snprintf(shortest, sizeof(shortest), "%" PRId64 "s", seconds);
    for (size_t i = 1; i < DURATION_UNITS && seconds != 0; i++) {
        char text[sizeof(shortest)];
        if (seconds % duration_units[i].factor != 0)
            continue;
        int other = snprintf(text, sizeof(text), "%" PRId64 "%s", seconds / duration_units[i].factor,
                             duration_units[i].name);
        if (other < len) {
            memcpy(shortest, text, sizeof(text));
            len = other;
        }
    }
    buf_add_text(out, shortest);
}

enum status size_parse(const char *text, int64_t *octets, struct err *err)
{
    if (!quantity_read(text, size_units, SIZE_UNITS, INT64_MAX, octets))
        return ERR(err, STATUS_MALFORMED,
                   "\"%.80s\" is no size: a whole number of octets, or with KiB, MiB or GiB, is allowed, "
                   "as in 512 or 10MiB",
                   text);
    return STATUS_OK;
}

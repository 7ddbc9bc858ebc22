/* SPDX-License-Identifier: Apache-2.0
 *
 * Unix seconds as dates that people and HTTP write, in UTC, independent of locale and time zone.
 * Years 0000 to 9999; leap seconds do not exist. The dates of ASN.1 are read beside DER.
 */
#include "text.h"

#include <stdio.h>
#include <time.h>

#define CALENDAR_FIRST INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define CALENDAR_LAST  INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static const char calendar_days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char calendar_months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* The date of a time that is brought into the years that have four digits. */
static struct tm calendar_split(int64_t unix_s)
{
    time_t within = (time_t)(unix_s < CALENDAR_FIRST ? CALENDAR_FIRST : unix_s);
    if (within > CALENDAR_LAST)
        within = CALENDAR_LAST;
    struct tm date = {0};
    gmtime_r(&within, &date);
    return date;
}

/* The time of a date; false if there is no such date (30 February, 24:00:00, 23:59:60). */
static bool calendar_join(struct tm date, int64_t *unix_s)
{
    struct tm copy = date;
    time_t time = timegm(&copy);
    struct tm back = {0};
    if (gmtime_r(&time, &back) == NULL)
        return false;
    bool same = back.tm_year == date.tm_year && back.tm_mon == date.tm_mon && back.tm_mday == date.tm_mday &&
                back.tm_hour == date.tm_hour && back.tm_min == date.tm_min && back.tm_sec == date.tm_sec;
    if (same)
        *unix_s = (int64_t)time;
    return same;
}

/* Whether text has the form of the pattern, where '0' stands for a digit, 'x' for any character. */
static bool calendar_has_form(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; pattern++, text++) {
        bool fits = *text == *pattern || *pattern == 'x';
        if (*pattern == '0')
            fits = *text >= '0' && *text <= '9';
        if (*text == '\0' || !fits)
            return false;
    }
    return *text == '\0';
}

/* n digits that calendar_has_form has seen. */
static int calendar_number(const char *digits, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (digits[i] - '0');
    return value;
}

static void calendar_clock(const char *text, struct tm *date)
{
    date->tm_hour = calendar_number(text, 2);
    date->tm_min = calendar_number(text + 3, 2);
    date->tm_sec = calendar_number(text + 6, 2);
}

void time_text(int64_t unix_s, char out[32])
{
    struct tm date = calendar_split(unix_s);
    snprintf(out, 32, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)(date.tm_year + 1900) % 10000,
             (unsigned)(date.tm_mon + 1) % 100, (unsigned)date.tm_mday % 100, (unsigned)date.tm_hour % 100,
             (unsigned)date.tm_min % 100, (unsigned)date.tm_sec % 100);
}

void time_http(int64_t unix_s, char out[32])
{
    struct tm date = calendar_split(unix_s);
    snprintf(out, 32, "%s, %02u %s %04u %02u:%02u:%02u GMT", calendar_days[date.tm_wday],
             (unsigned)date.tm_mday % 100, calendar_months[date.tm_mon],
             (unsigned)(date.tm_year + 1900) % 10000, (unsigned)date.tm_hour % 100,
             (unsigned)date.tm_min % 100, (unsigned)date.tm_sec % 100);
}

static int calendar_month(const char *name)
{
    for (int i = 0; i < 12; i++) {
        if (strncmp(name, calendar_months[i], 3) == 0)
            return i;
    }
    return -1;
}

enum status time_http_parse(const char *text, int64_t *unix_s, struct err *err)
{
    struct tm date = {0};
    if (calendar_has_form(text, "xxx, 00 xxx 0000 00:00:00 GMT")) {
        date.tm_mday = calendar_number(text + 5, 2);
        date.tm_mon = calendar_month(text + 8);
        date.tm_year = calendar_number(text + 12, 4) - 1900;
        calendar_clock(text + 17, &date);
        int64_t time = 0;
        if (date.tm_mon >= 0 && calendar_join(date, &time) &&
            strncmp(text, calendar_days[calendar_split(time).tm_wday], 3) == 0) {
            *unix_s = time;
            return STATUS_OK;
        }
    }
    return ERR(err, STATUS_MALFORMED,
               "\"%.80s\" is no HTTP date: write it as Sun, 06 Nov 1994 08:49:37 GMT "
               "(RFC 9110 section 5.6.7)",
               text);
}

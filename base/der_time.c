/* SPDX-License-Identifier: Apache-2.0
 *
 * UTCTime and GeneralizedTime in the one form that RFC 5280 section 4.1.2.5 allows each, read and written
 * as Unix seconds. Which of the two a field should have held is not judged when reading. The calendar is
 * reckoned here because the C library's takes a lock over all threads; other forms of dates are in
 * calendar.c.
 */
#include "der.h"

#define SECONDS_PER_DAY 86400

/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what GeneralizedTime can say. */
#define FIRST_S (-INT64_C(62167219200))
#define LAST_S  INT64_C(253402300799)
/* UTCTime says 1950-01-01T00:00:00Z to 2049-12-31T23:59:59Z. */
#define UTC_FIRST_S (-INT64_C(631152000))
#define UTC_LAST_S  INT64_C(2524607999)

struct calendar {
    int year, month, day, hour, minute, second;
};

static bool leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap_year(year));
}

/* Days from 0000-01-01 to the first of January of that year. */
static int days_before_year(int year)
{
    int past = year - 1;
    return year == 0 ? 0 : 365 * year + past / 4 - past / 100 + past / 400 + 1;
}

static int64_t calendar_to_unix(const struct calendar *at)
{
    int days = days_before_year(at->year) + at->day - 1;
    for (int month = 1; month < at->month; month++)
        days += month_days(at->year, month);
    return FIRST_S + (int64_t)days * SECONDS_PER_DAY + (int64_t)at->hour * 3600 + (int64_t)at->minute * 60 +
           at->second;
}

static struct calendar calendar_from_unix(int64_t unix_s)
{
    int days = (int)((unix_s - FIRST_S) / SECONDS_PER_DAY);
    int seconds = (int)((unix_s - FIRST_S) % SECONDS_PER_DAY);
    struct calendar at = {.year = days / 366, .month = 1};
    while (days_before_year(at.year + 1) <= days)
        at.year++;
    days -= days_before_year(at.year);
    for (; days >= month_days(at.year, at.month); at.month++)
        days -= month_days(at.year, at.month);
    at.day = days + 1;
    at.hour = seconds / 3600;
    at.minute = seconds / 60 % 60;
    at.second = seconds % 60;
    return at;
}

static bool calendar_valid(const struct calendar *at)
{
    return at->month >= 1 && at->month <= 12 && at->day >= 1 && at->day <= month_days(at->year, at->month) &&
           at->hour <= 23 && at->minute <= 59 && at->second <= 59;
}

/* Two decimal digits, or -1 if they are none. */
static int two_digits(const uint8_t *at)
{
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return -1;
    return 10 * (at[0] - '0') + at[1] - '0';
}

/* MMDDHHMMSSZ behind the year. */
static bool parse_behind_year(const uint8_t *digits, struct calendar *at)
{
    int *const parts[] = {&at->month, &at->day, &at->hour, &at->minute, &at->second};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *parts[i] = two_digits(digits + 2 * i);
        if (*parts[i] < 0)
            return false;
    }
    return digits[10] == 'Z' && calendar_valid(at);
}

/* YYMMDDHHMMSSZ, where YY is of 1950 to 2049. */
static bool parse_utc_time(struct span text, struct calendar *at)
{
    int year = text.len == 13 ? two_digits(text.data) : -1;
    if (year < 0)
        return false;
    at->year = year + (year >= 50 ? 1900 : 2000);
    return parse_behind_year(text.data + 2, at);
}

/* YYYYMMDDHHMMSSZ */
static bool parse_generalized_time(struct span text, struct calendar *at)
{
    int century = text.len == 15 ? two_digits(text.data) : -1;
    int year = century >= 0 ? two_digits(text.data + 2) : -1;
    if (year < 0)
        return false;
    at->year = 100 * century + year;
    return parse_behind_year(text.data + 4, at);
}

enum status der_take_time(struct der_reader *reader, int64_t *unix_s, const char *what, struct err *err)
{
    struct der_reader ahead = *reader;
    struct der_tlv tlv = {.tag = 0};
    struct calendar at = {.year = 0};
    TRY(der_any(&ahead, &tlv, what, err));
    if (tlv.tag == DER_UTC_TIME) {
        if (!parse_utc_time(tlv.content, &at))
            return ERR(err, STATUS_MALFORMED, "%s: UTCTime must be a date as YYMMDDHHMMSSZ", what);
    } else if (tlv.tag == DER_GENERALIZED_TIME) {
        if (!parse_generalized_time(tlv.content, &at))
            return ERR(err, STATUS_MALFORMED, "%s: GeneralizedTime must be a date as YYYYMMDDHHMMSSZ", what);
    } else {
        return ERR(err, STATUS_MALFORMED, "%s: tag 0x%02x where UTCTime or GeneralizedTime is required", what,
                   tlv.tag);
    }
    *unix_s = calendar_to_unix(&at);
    *reader = ahead;
    return STATUS_OK;
}

static char *add_two_digits(char *at, int value)
{
    *at++ = (char)('0' + value / 10);
    *at++ = (char)('0' + value % 10);
    return at;
}

static void put_calendar(struct buf *out, uint8_t tag, const struct calendar *at)
{
    char text[15];
    char *end = text;
    if (tag == DER_GENERALIZED_TIME)
        end = add_two_digits(end, at->year / 100);
    const int parts[] = {at->year % 100, at->month, at->day, at->hour, at->minute, at->second};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        end = add_two_digits(end, parts[i]);
    *end++ = 'Z';
    der_put(out, tag, SPAN(text, (size_t)(end - text)));
}

void der_put_time(struct buf *out, int64_t unix_s)
{
    if (unix_s < UTC_FIRST_S || unix_s > UTC_LAST_S) {
        der_put_generalized_time(out, unix_s);
        return;
    }
    struct calendar at = calendar_from_unix(unix_s);
    put_calendar(out, DER_UTC_TIME, &at);
}

void der_put_generalized_time(struct buf *out, int64_t unix_s)
{
    int64_t bounded = unix_s < FIRST_S ? FIRST_S : (unix_s > LAST_S ? LAST_S : unix_s);
    struct calendar at = calendar_from_unix(bounded);
    put_calendar(out, DER_GENERALIZED_TIME, &at);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Octets as text: hex, base64, PEM, UTF-8, durations, times; strings that are owned.
 * Everything here is thread-safe and judges hostile input.
 */
#ifndef SCEPTER_BASE_TEXT_H
#define SCEPTER_BASE_TEXT_H

#include "buf.h"

/* strdup that reports: *out is the caller's to free(). STATUS_NOMEM. NULL text gives *out = NULL. */
NODISCARD enum status text_copy(const char *text, char **out, struct err *err);
/* printf into a new string, the caller's. STATUS_NOMEM. */
NODISCARD enum status text_format(char **out, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Lower-case hex without separators. */
void hex_encode(struct buf *out, struct span octets);
/* Reads hex of either case; a leading 0x, blanks and colons are passed over. STATUS_MALFORMED. */
NODISCARD enum status hex_decode(const char *text, struct buf *out, struct err *err);

/* RFC 4648 section 4, without line breaks. */
void base64_encode(struct buf *out, struct span octets);
/* Standard or URL-safe alphabet (RFC 4648 sections 4 and 5), padding optional, CR, LF and tabs passed
 * over, a blank read as '+' (SCEP by GET with an unescaped '+'). Anything else, more than two pads, octets
 * after a pad, a pad that does not complete its group: STATUS_MALFORMED, and out is as it was. */
NODISCARD enum status base64_decode(struct span text, struct buf *out, struct err *err);

/* RFC 7468: -----BEGIN label-----, 64 columns, LF. */
void pem_encode(struct buf *out, const char *label, struct span der);
/* Finds the first block whose label is one of labels (NULL-ended array), and gives its octets and, unless
 * found is NULL, the label found (one of labels). Line breaks may be missing or CR LF, blanks may
 * stand around lines; headers, URL-safe letters and empty blocks are refused. No such block:
 * STATUS_NOT_FOUND; a broken one: STATUS_MALFORMED. */
NODISCARD enum status pem_decode(struct span text, const char *const *labels, struct buf *out,
                                 const char **found, struct err *err);
/* Like pem_decode but from *rest, which is moved behind the block: for files with several. */
NODISCARD enum status pem_next(struct span *rest, const char *const *labels, struct buf *out,
                               const char **found, struct err *err);
/* DER from a file's octets that hold PEM with that label, DER itself (first octet 0x30), or bare base64. */
NODISCARD enum status der_from_any(struct span octets, const char *const *labels, struct buf *out,
                                   struct err *err);

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool utf8_valid(struct span octets);
/* Well-formed, and no character of the categories C0, DEL, C1. */
bool utf8_printable(struct span octets);
/* Length in octets (1 to 4) of the well-formed character (RFC 3629) that octets start with, and its code
 * point; 0 if there is none. */
size_t utf8_next(struct span octets, uint32_t *code);
/* Appends text for a log line or terminal: control characters, invalid octets and backslash as \xHH. */
void text_escape(struct buf *out, struct span octets);
/* ASCII-case-insensitive equality, independent of the locale. */
bool text_equal_nocase(const char *a, const char *b);

/* "90s", "10m", "12h", "30d", "6w", "1y" (y = 365d), or "always" nowhere: seconds > 0 and at most 100y.
 * "0", "0s", "0d" give 0. STATUS_MALFORMED names what is allowed. */
NODISCARD enum status duration_parse(const char *text, int64_t *seconds, struct err *err);
/* The shortest exact form: 7d, 90s, 365d as 1y. */
void duration_text(struct buf *out, int64_t seconds);
/* "10MiB", "64KiB", "512": octets. STATUS_MALFORMED. */
NODISCARD enum status size_parse(const char *text, int64_t *octets, struct err *err);

/* RFC 3339 in UTC, 2026-01-31T12:00:00Z; out holds at least 32. Unix seconds; a
 * time outside the years 0000 to 9999 is shown as the nearest within. */
void time_text(int64_t unix_s, char out[32]);
/* RFC 9110 section 5.6.7 IMF-fixdate (Sun, 06 Nov 1994 08:49:37 GMT). */
void time_http(int64_t unix_s, char out[32]);
/* Reads IMF-fixdate; STATUS_MALFORMED. */
NODISCARD enum status time_http_parse(const char *text, int64_t *unix_s, struct err *err);

#endif

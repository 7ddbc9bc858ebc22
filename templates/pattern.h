/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to templates/: one text with {Name} placeholders, filled or matched.
 *
 * A pattern is a row of literals and placeholders in which no two placeholders stand side by side. It knows
 * nothing of names and SANs: a subject is parsed as RFC 4514 first, and each attribute value is a pattern.
 */
#ifndef SCEPTER_TEMPLATES_PATTERN_H
#define SCEPTER_TEMPLATES_PATTERN_H

#include "values.h"

#define PATTERN_PARTS_MAX 32   /* literals and placeholders in one pattern */
#define PATTERN_TEXT_MAX  1024 /* octets of a pattern */

struct pattern_part {
    char *text; /* the literal, or the name between the braces; owned */
    bool is_name;
};

/* Zero-initialised it is empty and matches nothing. */
struct pattern {
    struct pattern_part *parts;
    size_t count;
};

void pattern_free(struct pattern *pattern);
AUTO_VALUE(pattern, struct pattern, pattern_free)

/* Reads "CN-{DeviceUid}"; "{{" and "}}" are braces. STATUS_MALFORMED: empty, a brace that is not closed or
 * opened, a name that is none, two placeholders side by side; STATUS_LIMIT; STATUS_NOMEM. *out is written
 * only on success. */
NODISCARD enum status pattern_compile(const char *text, struct pattern *out, struct err *err);

/* A placeholder of one small letter ({x}) matches like the others but is no lookup value. */
bool pattern_is_wildcard(const char *name);

/* Gives the value of a placeholder, borrowed until the next call. */
typedef enum status pattern_value(void *context, const char *name, const char **text, struct err *err);
/* Appends the pattern with its placeholders replaced; values are copied as they are, braces in them mean
 * nothing. The status of `value` is passed on. */
NODISCARD enum status pattern_fill(const struct pattern *pattern, pattern_value *value, void *context,
                                   struct buf *out, struct err *err);

/* Whether the whole text matches, and what its placeholders matched (wildcards left out), in *found (freed
 * first; empty if it does not match). A placeholder takes one or more characters, none of them a control
 * character; literals compare with case; a name that stands twice must match the same text twice.
 *
 * The search goes from left to right once: each placeholder ends before the first place where the literal
 * behind it occurs, the last literal stands at the end. Nothing is ever tried again, so the time is
 * proportional to the length of text and pattern, and what matches is found, because an earlier end never
 * leaves less room for the rest. STATUS_NOMEM. */
NODISCARD enum status pattern_match(const struct pattern *pattern, const char *text, bool *matches,
                                    struct values *found, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Lookup values: an ordered list of names and values ({EnrollmentUser} = jdoe).
 * Which source knows a value and whether sources agree is for templates/.
 */
#ifndef SCEPTER_BASE_VALUES_H
#define SCEPTER_BASE_VALUES_H

#include "buf.h"

#define VALUES_MAX     64   /* values in one list */
#define VALUE_NAME_MAX 64   /* octets in a name */
#define VALUE_TEXT_MAX 1024 /* octets in a value */

struct value {
    char *name; /* [A-Za-z][A-Za-z0-9_]*, compared with case; owned */
    char *text; /* printable UTF-8, not empty; owned */
};

/* Zero-initialised it is the empty list. */
struct values {
    struct value *items;
    size_t count;
};

void values_free(struct values *values);
AUTO_VALUE(values, struct values, values_free)

/* The text of a name, borrowed, or NULL. */
const char *values_get(const struct values *values, const char *name);
/* Adds or replaces; copies both. An empty text removes the name (an empty value counts as unknown).
 * STATUS_MALFORMED for a bad name or a text with control characters, STATUS_LIMIT, STATUS_NOMEM. */
NODISCARD enum status values_set(struct values *values, const char *name, const char *text, struct err *err);
/* "Name=text", as --set takes it. STATUS_MALFORMED says what is expected. */
NODISCARD enum status values_set_pair(struct values *values, const char *pair, struct err *err);
/* A deep copy into *out (freed first). STATUS_NOMEM. */
NODISCARD enum status values_copy(const struct values *values, struct values *out, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Comma-separated values as RFC 4180 writes them: quotes, doubled quotes, CR LF or LF,
 * UTF-8 with or without a byte order mark. Fields are text; what they mean is the caller's.
 */
#ifndef SCEPTER_SERVER_CSV_H
#define SCEPTER_SERVER_CSV_H

#include "buf.h"

#define CSV_FIELDS_MAX 64

/* One record: its fields, NUL-terminated, and the line it began at. */
struct csv_record {
    char *fields[CSV_FIELDS_MAX]; /* into text */
    size_t count;
    int line;
    struct buf text;
};
void csv_record_free(struct csv_record *record);
AUTO_VALUE(csv_record, struct csv_record, csv_record_free)

struct csv_reader {
    struct span rest;
    int line; /* of the next record */
};
/* Skips a byte order mark. STATUS_MALFORMED if the text is not UTF-8. */
NODISCARD enum status csv_open(struct span text, struct csv_reader *reader, struct err *err);
/* The next record that is not an empty line, into *record (freed first); *found false at the end.
 * STATUS_MALFORMED with the line: a quote inside a bare field, text behind a closing quote, an open quote at
 * the end, a NUL; STATUS_LIMIT above CSV_FIELDS_MAX fields. */
NODISCARD enum status csv_next(struct csv_reader *reader, struct csv_record *record, bool *found,
                               struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader for RFC 4180, one record at a time, without recursion.
 */
#include "csv.h"

#include "text.h"

#define RECORD_MAX 262144

void csv_record_free(struct csv_record *record)
{
    buf_free(&record->text);
    *record = (struct csv_record){0};
}

enum status csv_open(struct span text, struct csv_reader *reader, struct err *err)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    if (text.len >= sizeof(mark) && memcmp(text.data, mark, sizeof(mark)) == 0)
        text = SPAN(text.data + sizeof(mark), text.len - sizeof(mark));
    if (!utf8_valid(text))
        return ERR(err, STATUS_MALFORMED, "the file is not UTF-8: save it as \"CSV UTF-8\"");
    *reader = (struct csv_reader){.rest = text, .line = 1};
    return STATUS_OK;
}

static uint8_t peek(const struct csv_reader *reader)
{
    return reader->rest.len > 0 ? reader->rest.data[0] : '\0';
}

static void step(struct csv_reader *reader)
{
    reader->line += reader->rest.data[0] == '\n';
    reader->rest = SPAN(reader->rest.data + 1, reader->rest.len - 1);
}

/* Takes CR LF or LF; at the end of the text there is one as well. */
static bool take_line_end(struct csv_reader *reader)
{
    if (reader->rest.len == 0)
        return true;
    bool crlf = reader->rest.len >= 2 && reader->rest.data[0] == '\r' && reader->rest.data[1] == '\n';
    if (crlf)
        step(reader);
    if (peek(reader) != '\n')
        return false;
    step(reader);
    return true;
}

static bool at_line_end(const struct csv_reader *reader)
{
    struct csv_reader copy = *reader;
    return take_line_end(&copy);
}

static enum status quoted(struct csv_reader *reader, struct buf *text, struct err *err)
{
    int line = reader->line;
    step(reader);
    while (reader->rest.len > 0) {
        uint8_t octet = peek(reader);
        step(reader);
        if (octet == '"' && peek(reader) != '"') {
            if (peek(reader) == ',' || at_line_end(reader))
                return STATUS_OK;
            return ERR(err, STATUS_MALFORMED,
                       "line %d: text stands behind a closing quote: a quote inside a quoted field is "
                       "written twice",
                       reader->line);
        }
        if (octet == '"')
            step(reader);
        buf_add_octet(text, octet);
    }
    return ERR(err, STATUS_MALFORMED, "line %d: the quote that opens here is never closed", line);
}

static enum status bare(struct csv_reader *reader, struct buf *text, struct err *err)
{
    while (peek(reader) != ',' && !at_line_end(reader)) {
        if (peek(reader) == '"')
            return ERR(err, STATUS_MALFORMED,
                       "line %d: a quote stands inside a field that does not begin with one", reader->line);
        buf_add_octet(text, peek(reader));
        step(reader);
    }
    return STATUS_OK;
}

static enum status take_field(struct csv_reader *reader, struct csv_record *record, size_t *start,
                              struct err *err)
{
    if (record->count == CSV_FIELDS_MAX)
        return ERR(err, STATUS_LIMIT, "line %d: more than %d fields", record->line, CSV_FIELDS_MAX);
    *start = record->text.len;
    TRY(peek(reader) == '"' ? quoted(reader, &record->text, err) : bare(reader, &record->text, err));
    if (record->text.len > *start && memchr(record->text.data + *start, '\0', record->text.len - *start))
        return ERR(err, STATUS_MALFORMED, "line %d: a NUL character", record->line);
    buf_add_octet(&record->text, '\0');
    TRY(buf_status(&record->text, "a line of the file", err));
    record->count++;
    return STATUS_OK;
}

static enum status take_record(struct csv_reader *reader, struct csv_record *record, struct err *err)
{
    size_t starts[CSV_FIELDS_MAX + 1] = {0};
    record->text = BUF(RECORD_MAX);
    record->line = reader->line;
    for (;;) {
        TRY(take_field(reader, record, &starts[record->count], err));
        if (peek(reader) != ',')
            break;
        step(reader);
    }
    take_line_end(reader);
    for (size_t i = 0; i < record->count; i++) /* growth moved the text until here */
        record->fields[i] = (char *)record->text.data + starts[i];
    return STATUS_OK;
}

enum status csv_next(struct csv_reader *reader, struct csv_record *record, bool *found, struct err *err)
{
    csv_record_free(record);
    while (reader->rest.len > 0 && at_line_end(reader))
        take_line_end(reader);
    if (reader->rest.len == 0) {
        *found = false;
        return STATUS_OK;
    }
    AUTO(csv_record) struct csv_record next = {0};
    TRY(take_record(reader, &next, err));
    *record = next;
    next = (struct csv_record){0};
    *found = true;
    return STATUS_OK;
}

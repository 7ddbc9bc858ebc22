/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV files of the administrator: every record that is read, written with quotes and read again, has the same
 * fields.
 */
#include "fuzz.h"

#include "csv.h"

#define OCTETS_MAX ((size_t)1 << 20)

static void write_quoted(const struct csv_record *record, struct buf *out)
{
    for (size_t i = 0; i < record->count; i++) {
        buf_add_text(out, i > 0 ? ",\"" : "\"");
        for (const char *at = record->fields[i]; *at != '\0'; at++) {
            if (*at == '"')
                buf_add_octet(out, '"');
            buf_add_octet(out, (uint8_t)*at);
        }
        buf_add_octet(out, '"');
    }
    buf_add_text(out, "\r\n");
}

static void hold_again(const struct csv_record *record)
{
    struct err err = {0};
    bool found = false;
    struct csv_reader reader;
    AUTO(buf) struct buf text = BUF(OCTETS_MAX);
    AUTO(csv_record) struct csv_record again = {0};
    write_quoted(record, &text);
    PROMISE(csv_open(buf_span(&text), &reader, &err) == STATUS_OK);
    PROMISE(csv_next(&reader, &again, &found, &err) == STATUS_OK && found);
    PROMISE(again.count == record->count);
    for (size_t i = 0; i < record->count; i++)
        PROMISE(strcmp(again.fields[i], record->fields[i]) == 0);
    PROMISE(csv_next(&reader, &again, &found, &err) == STATUS_OK && !found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    bool found = true;
    int line = 0;
    struct csv_reader reader;
    if (!fuzz_ok(csv_open(SPAN(data, size), &reader, &err), &err))
        return 0;
    AUTO(csv_record) struct csv_record record = {0};
    while (fuzz_ok(csv_next(&reader, &record, &found, &err), &err) && found) {
        fuzz_accepted++;
        PROMISE(record.count > 0 && record.count <= CSV_FIELDS_MAX && record.line > line);
        line = record.line;
        hold_again(&record);
    }
    return 0;
}

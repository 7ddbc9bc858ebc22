/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables and details for people, written row by row: widths are minima, nothing is cut.
 */
#include "json_out.h"

#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define DETAIL_WIDTH 24
#define ESCAPED_MAX  65536

/* How many columns a terminal needs for it: characters, not octets. */
static int text_width(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* As it is, but for what would move a terminal. Returns the width. */
static int put_safe(FILE *stream, const char *text)
{
    AUTO(buf) struct buf escaped = BUF(ESCAPED_MAX);
    AUTO(heap) char *plain = NULL;
    if (!utf8_printable(SPAN_STR(text))) {
        text_escape(&escaped, SPAN_STR(text));
        plain = buf_take_text(&escaped);
        text = plain != NULL ? plain : "?";
    }
    fputs(text, stream);
    return text_width(text);
}

static void pad(FILE *stream, int width)
{
    fprintf(stream, "%*s", width > 0 ? width : 0, "");
}

static const char *cell(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : "-";
}

void table_row(FILE *stream, const struct column *columns, const char *const *texts)
{
    for (size_t i = 0; columns[i].title != NULL; i++) {
        int width = put_safe(stream, cell(texts[i]));
        if (columns[i + 1].title != NULL)
            pad(stream, columns[i].width > width ? columns[i].width - width + 2 : 2);
    }
    fputc('\n', stream);
}

void table_head(FILE *stream, const struct column *columns)
{
    for (size_t i = 0; columns[i].title != NULL; i++) {
        int width = text_width(columns[i].title);
        fputs(columns[i].title, stream);
        if (columns[i + 1].title != NULL)
            pad(stream, columns[i].width > width ? columns[i].width - width + 2 : 2);
    }
    fputc('\n', stream);
}

void detail_text(FILE *stream, const char *name, const char *text)
{
    if (text == NULL)
        return;
    const char *colon = name[0] != '\0' ? ":" : ""; /* a further line of the one before */
    int width = text_width(name) + 1;
    fprintf(stream, "%s%s", name, colon);
    pad(stream, colon[0] == '\0');
    pad(stream, width < DETAIL_WIDTH ? DETAIL_WIDTH - width : 1);
    put_safe(stream, text);
    fputc('\n', stream);
}

void detail_number(FILE *stream, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, number);
    detail_text(stream, name, text);
}

void detail_time(FILE *stream, const char *name, int64_t unix_s)
{
    char text[32];
    if (unix_s == 0)
        return;
    time_text(unix_s, text);
    detail_text(stream, name, text);
}

void detail_hex(FILE *stream, const char *name, struct span octets)
{
    AUTO(buf) struct buf hex = BUF(ESCAPED_MAX);
    hex_encode(&hex, octets);
    AUTO(heap) char *text = buf_take_text(&hex);
    detail_text(stream, name, text);
}

void detail_san(FILE *stream, const struct general_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "SAN %s", san_type_name(names->items[i].type));
        detail_text(stream, name, names->items[i].text);
    }
}

void detail_values(FILE *stream, const struct values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        char name[VALUE_NAME_MAX + 3];
        snprintf(name, sizeof(name), "{%s}", values->items[i].name);
        detail_text(stream, name, values->items[i].text);
    }
}

const char *time_or_dash(int64_t unix_s, char out[32])
{
    if (unix_s == 0)
        return "-";
    time_text(unix_s, out);
    return out;
}

enum status out_end(FILE *stream, struct err *err)
{
    if (fflush(stream) != 0 || ferror(stream))
        return ERR(err, STATUS_IO, "standard output cannot be written: %s", strerror(errno));
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: lines to standard error, as text or JSON. One write(2) per line, so that lines
 * of several threads do not mix. Does not rotate, filter or keep anything.
 */
#include "log.h"

#include "clock.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_LEN  131072
#define FIELD_MAX_LEN 1024 /* of a value; a longer one is cut: what clients send must not cost the line */

static enum log_format line_format = LOG_TEXT;
static enum log_level most_verbose = LOG_INFO;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_setup(enum log_format format, enum log_level level)
{
    line_format = format;
    most_verbose = level;
}

static void add_json_text(struct buf *line, const char *text)
{
    bool valid = utf8_valid(span_str(text));
    buf_add_octet(line, '"');
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char octet = (unsigned char)*c;
        if (octet == '"' || octet == '\\')
            buf_printf(line, "\\%c", octet);
        else if (octet < 0x20 || octet == 0x7f || (octet >= 0x80 && !valid))
            buf_printf(line, "\\u%04x", octet);
        else
            buf_add_octet(line, octet);
    }
    buf_add_octet(line, '"');
}

/* As it is where that is unambiguous, else in quotes with \xHH and \" for what is not. */
static void add_plain_text(struct buf *line, const char *text)
{
    if (text[0] != '\0' && strpbrk(text, " \"=\\") == NULL) {
        text_escape(line, span_str(text));
        return;
    }
    buf_add_octet(line, '"');
    for (const char *part = text; *part != '\0';) {
        size_t len = strcspn(part, "\"");
        text_escape(line, SPAN(part, len));
        if (part[len] == '"')
            buf_add_text(line, "\\\"");
        part += len + (part[len] == '"' ? 1 : 0);
    }
    buf_add_octet(line, '"');
}

/* The value, or its beginning in `cut`, which ends at a character and in three dots. */
static const char *shown_text(const char *text, char cut[FIELD_MAX_LEN + 4])
{
    size_t len = strnlen(text, FIELD_MAX_LEN + 1);
    if (len <= FIELD_MAX_LEN)
        return text;
    for (len = FIELD_MAX_LEN; len > 0 && ((unsigned char)text[len] & 0xc0U) == 0x80;)
        len--;
    memcpy(cut, text, len);
    memcpy(cut + len, "...", sizeof "...");
    return cut;
}

static void add_field(struct buf *line, const struct log_field *field)
{
    char cut[FIELD_MAX_LEN + 4];
    if (field->text == NULL && !field->is_number)
        return;
    buf_printf(line, line_format == LOG_JSON ? ",\"%s\":" : " %s=", field->name);
    if (field->is_number)
        buf_printf(line, "%lld", (long long)field->number);
    else if (line_format == LOG_JSON)
        add_json_text(line, shown_text(field->text, cut));
    else
        add_plain_text(line, shown_text(field->text, cut));
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
    if (level > most_verbose)
        return;
    char now[32];
    time_text(clock_now(), now);
    AUTO(buf) struct buf line = BUF(LINE_MAX_LEN);
    buf_printf(&line,
               line_format == LOG_JSON ? "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"" : "%s %s %s",
               now, level_names[level], event);
    for (size_t i = 0; i < count; i++)
        add_field(&line, &fields[i]);
    buf_add_text(&line, line_format == LOG_JSON ? "}\n" : "\n");
    if (line.failed != STATUS_OK) {
        log_message(LOG_ERROR, "log.lost", "a line of event %s did not fit into %d octets", event,
                    LINE_MAX_LEN);
        return;
    }
    if (write(STDERR_FILENO, line.data, line.len) < 0)
        return; /* nowhere to say so */
}

void log_message(enum log_level level, const char *event, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct log_field field = LOG_TEXT_FIELD("message", text);
    log_event(level, event, &field, 1);
}

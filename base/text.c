/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings that are owned, compared without case, and shown to people. Octets as text are in encoding.c,
 * durations in duration.c, dates in calendar.c, UTF-8 in utf8.c.
 */
#include "text.h"
#include "utf8.h"

#include <stdio.h>

enum status text_copy(const char *text, char **out, struct err *err)
{
    char *copy = text != NULL ? strdup(text) : NULL;
    if (text != NULL && copy == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for a text of %zu octets", strlen(text));
    *out = copy;
    return STATUS_OK;
}

enum status text_format(char **out, struct err *err, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (len < 0)
        return ERR(err, STATUS_NOMEM, "out of memory for a text");
    *out = text;
    return STATUS_OK;
}

void text_escape(struct buf *out, struct span octets)
{
    while (octets.len > 0) {
        uint32_t code = 0;
        size_t len = utf8_next(octets, &code);
        size_t step = len > 0 ? len : 1;
        if (len > 0 && !utf8_is_control(code) && code != '\\') {
            buf_add(out, SPAN(octets.data, step));
        } else {
            for (size_t i = 0; i < step; i++)
                buf_printf(out, "\\x%02x", octets.data[i]);
        }
        octets = SPAN(octets.data + step, octets.len - step);
    }
}

static char text_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool text_equal_nocase(const char *a, const char *b)
{
    while (*a != '\0' && text_lower(*a) == text_lower(*b)) {
        a++;
        b++;
    }
    return text_lower(*a) == text_lower(*b);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The mistakes of one reading, gathered so that an administrator sees all of them at once.
 * What a mistake is, config.c and its callers know.
 */
#include "config_lint.h"
#include "utf8.h"

#include <stdio.h>

void config_mistakes_free(struct config_mistakes *mistakes)
{
    for (size_t i = 0; i < mistakes->count; i++)
        free(mistakes->lines[i]);
    free(mistakes->lines);
    *mistakes = (struct config_mistakes){0};
}

/* Takes the line over. */
static bool config_mistakes_push(struct config_mistakes *mistakes, char *line)
{
    char **lines =
        line != NULL ? reallocarray(mistakes->lines, mistakes->count + 1, sizeof(*mistakes->lines)) : NULL;
    if (lines == NULL) {
        free(line);
        return false;
    }
    lines[mistakes->count] = line;
    mistakes->lines = lines;
    mistakes->count++;
    return true;
}

void config_mistakes_move(struct config_mistakes *all, struct config_mistakes *found)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < found->count; i++) {
        if (!config_mistakes_push(all, found->lines[i]))
            all->lost++;
    }
    all->lost += found->lost;
    found->count = 0; /* the lines have changed hands */
}

/* One line of UTF-8 for a terminal, whatever the file holds: anything else becomes '?', as in err.c. */
static void keep_printable(char *text)
{
    struct span left = SPAN_STR(text);
    char *to = text;
    while (left.len > 0) {
        uint32_t code = 0;
        size_t len = utf8_next(left, &code);
        bool shown = len > 0 && !utf8_is_control(code);
        size_t step = len > 0 ? len : 1;
        if (shown)
            memmove(to, left.data, len);
        else
            *to = '?';
        to += shown ? len : 1;
        left = SPAN(left.data + step, left.len - step);
    }
    *to = '\0';
}

void config_mistake(struct config_mistakes *mistakes, const char *file, int line, const char *key,
                    const char *format, ...)
{
    AUTO(heap) char *words = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&words, format, arguments);
    va_end(arguments);
    if (len < 0)
        words = NULL;
    char number[16] = "";
    if (line > 0)
        snprintf(number, sizeof(number), ":%d", line);
    bool has_key = key != NULL && key[0] != '\0';
    char *whole = NULL;
    if (words != NULL && text_format(&whole, NULL, "%s%s: %s%s%s", file, number, has_key ? key : "",
                                     has_key ? ": " : "", words) != STATUS_OK)
        whole = NULL;
    if (whole != NULL)
        keep_printable(whole);
    if (!config_mistakes_push(mistakes, whole))
        mistakes->lost++;
}

enum status config_mistakes_status(const struct config_mistakes *mistakes, struct err *err)
{
    size_t total = mistakes->count + mistakes->lost;
    if (total == 0)
        return STATUS_OK;
    char text[sizeof(err->text) - 32] = ""; /* leaves room for how many more */
    size_t used = 0;
    size_t shown = 0;
    for (; shown < mistakes->count; shown++) {
        const char *line = mistakes->lines[shown];
        if (shown > 0 && used + strlen(line) + 2 >= sizeof(text))
            break;
        int len = snprintf(text + used, sizeof(text) - used, "%s%s", shown > 0 ? "; " : "", line);
        used = len > 0 ? used + (size_t)len : used;
        used = used < sizeof(text) ? used : sizeof(text) - 1;
    }
    if (shown == total)
        return ERR(err, STATUS_CONFIG, "%s", text);
    return ERR(err, STATUS_CONFIG, "%s%s%zu more", text, shown > 0 ? "; and " : "mistakes: ", total - shown);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns of one value: compile, fill, match. Matching is bounded: one pass from left to right. What the
 * names mean, and whether a claim is true, is for lookup.c and apply.c.
 */
#include "pattern.h"

#include "text.h"

void pattern_free(struct pattern *pattern)
{
    for (size_t i = 0; i < pattern->count; i++)
        free(pattern->parts[i].text);
    free(pattern->parts);
    *pattern = (struct pattern){0};
}

bool pattern_is_wildcard(const char *name)
{
    return name[0] >= 'a' && name[0] <= 'z' && name[1] == '\0';
}

/* ---- compiling ---- */

static enum status add_part(struct pattern *pattern, const char *text, bool is_name, struct err *err)
{
    struct pattern_part *parts = NULL;

    if (pattern->count >= PATTERN_PARTS_MAX)
        return ERR(err, STATUS_LIMIT, "the pattern has more than %d literals and placeholders",
                   PATTERN_PARTS_MAX);
    if (is_name && pattern->count > 0 && pattern->parts[pattern->count - 1].is_name)
        return ERR(err, STATUS_MALFORMED,
                   "{%s} and {%s} stand side by side: put a literal between them, else nobody can tell where "
                   "one value ends and the next begins",
                   pattern->parts[pattern->count - 1].text, text);
    parts = realloc(pattern->parts, (pattern->count + 1) * sizeof *parts);
    if (parts == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    pattern->parts = parts;
    parts[pattern->count] = (struct pattern_part){.is_name = is_name};
    TRY(text_copy(text, &parts[pattern->count].text, err));
    pattern->count++;
    return STATUS_OK;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_name_text(const char *text, size_t len)
{
    if (len == 0 || len > VALUE_NAME_MAX || !is_letter(text[0]))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!is_letter(text[i]) && !(text[i] >= '0' && text[i] <= '9') && text[i] != '_')
            return false;
    return true;
}

/* Reads "{Name}" at *next and moves behind it. */
static enum status take_name(const char **next, struct pattern *pattern, struct err *err)
{
    char name[VALUE_NAME_MAX + 1];
    const char *start = *next + 1;
    size_t len = strcspn(start, "{}");

    if (start[len] != '}')
        return ERR(
            err, STATUS_MALFORMED,
            "the brace before \"%.32s\" is not closed within the value: a placeholder is {Name} inside "
            "one value, a literal brace is written twice",
            start);
    if (!is_name_text(start, len))
        return ERR(
            err, STATUS_MALFORMED,
            "{%.*s} is no placeholder: the name is a letter followed by letters, digits and '_', %d at "
            "most; a literal brace is written twice",
            (int)(len > VALUE_NAME_MAX ? VALUE_NAME_MAX : len), start, VALUE_NAME_MAX);
    memcpy(name, start, len);
    name[len] = '\0';
    *next = start + len + 1;
    return add_part(pattern, name, true, err);
}

/* Reads a literal up to the next placeholder or the end. */
static enum status take_literal(const char **next, struct pattern *pattern, struct err *err)
{
    char literal[PATTERN_TEXT_MAX + 1];
    size_t len = 0;
    const char *at = *next;

    while (*at != '\0' && (*at != '{' || at[1] == '{')) {
        if (*at == '}' && at[1] != '}')
            return ERR(err, STATUS_MALFORMED,
                       "a closing brace without an opening one before \"%.32s\": a literal brace is written "
                       "twice",
                       at + 1);
        at += *at == '{' || *at == '}' ? 1 : 0;
        literal[len++] = *at++;
    }
    literal[len] = '\0';
    *next = at;
    return add_part(pattern, literal, false, err);
}

enum status pattern_compile(const char *text, struct pattern *out, struct err *err)
{
    AUTO(pattern) struct pattern pattern = {0};
    const char *next = text;

    if (strlen(text) > PATTERN_TEXT_MAX)
        return ERR(err, STATUS_LIMIT, "the pattern is longer than %d octets", PATTERN_TEXT_MAX);
    if (*text == '\0')
        return ERR(err, STATUS_MALFORMED, "the pattern is empty: \"*\" takes any value from a request");
    while (*next != '\0') {
        if (next[0] == '{' && next[1] != '{')
            TRY(take_name(&next, &pattern, err));
        else
            TRY(take_literal(&next, &pattern, err));
    }
    pattern_free(out);
    *out = pattern;
    pattern = (struct pattern){0};
    return STATUS_OK;
}

/* ---- filling ---- */

enum status pattern_fill(const struct pattern *pattern, pattern_value *value, void *context, struct buf *out,
                         struct err *err)
{
    for (size_t i = 0; i < pattern->count; i++) {
        const char *text = pattern->parts[i].text;

        if (pattern->parts[i].is_name)
            TRY(value(context, pattern->parts[i].text, &text, err));
        buf_add_text(out, text);
    }
    return buf_status(out, "a value filled from its pattern", err);
}

/* ---- matching ---- */

/* Where the placeholder that starts at `start` ends: before the literal behind it, NULL if nowhere. */
static const char *placeholder_end(const struct pattern *pattern, size_t part, const char *start,
                                   const char *end)
{
    const char *literal = NULL;
    size_t len = 0;

    if (start == end)
        return NULL;
    if (part + 1 == pattern->count)
        return end;
    literal = pattern->parts[part + 1].text;
    len = strlen(literal);
    if (part + 2 < pattern->count)
        return memmem(start + 1, (size_t)(end - start - 1), literal, len);
    if ((size_t)(end - start) <= len || memcmp(end - len, literal, len) != 0)
        return NULL;
    return end - len;
}

/* Notes what a placeholder matched; false if the same name has matched another text. */
static enum status note(struct values *found, const char *name, const char *start, size_t len, bool *agrees,
                        struct err *err)
{
    char text[VALUE_TEXT_MAX + 1];
    const char *before = values_get(found, name);

    memcpy(text, start, len);
    text[len] = '\0';
    *agrees = before == NULL || strcmp(before, text) == 0;
    return *agrees && !pattern_is_wildcard(name) ? values_set(found, name, text, err) : STATUS_OK;
}

static enum status match_parts(const struct pattern *pattern, const char *at, const char *end, bool *matches,
                               struct values *found, struct err *err)
{
    *matches = false;
    for (size_t i = 0; i < pattern->count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        const char *stop = NULL;
        bool agrees = true;

        if (part->is_name) {
            stop = placeholder_end(pattern, i, at, end);
            if (stop != NULL)
                TRY(note(found, part->text, at, (size_t)(stop - at), &agrees, err));
        } else {
            size_t len = strlen(part->text);
            stop = (size_t)(end - at) >= len && memcmp(at, part->text, len) == 0 ? at + len : NULL;
        }
        if (stop == NULL || !agrees)
            return STATUS_OK;
        at = stop;
    }
    *matches = pattern->count > 0 && at == end;
    return STATUS_OK;
}

enum status pattern_match(const struct pattern *pattern, const char *text, bool *matches,
                          struct values *found, struct err *err)
{
    AUTO(values) struct values taken = {0};
    size_t len = strlen(text);

    *matches = false;
    values_free(found);
    if (len > VALUE_TEXT_MAX || !utf8_printable(SPAN(text, len)))
        return STATUS_OK;
    TRY(match_parts(pattern, text, text + len, matches, &taken, err));
    if (*matches) {
        *found = taken;
        taken = (struct values){0};
    }
    return STATUS_OK;
}

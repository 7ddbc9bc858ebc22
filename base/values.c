/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of lookup values: kept, looked up, copied. It checks what a name and a text
 * may look like; it does not know which names exist (the catalogue is in templates/).
 */
#include "values.h"

#include "text.h"

void values_free(struct values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        free(values->items[i].name);
        free(values->items[i].text);
    }
    free(values->items);
    *values = (struct values){0};
}

static struct value *values_find(const struct values *values, const char *name)
{
    for (size_t i = 0; i < values->count; i++)
        if (strcmp(values->items[i].name, name) == 0)
            return &values->items[i];
    return NULL;
}

const char *values_get(const struct values *values, const char *name)
{
    const struct value *value = values_find(values, name);
    return value != NULL ? value->text : NULL;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool name_is_good(const char *name)
{
    size_t len = strnlen(name, VALUE_NAME_MAX + 1);
    if (len == 0 || len > VALUE_NAME_MAX || !is_letter(name[0]))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!is_letter(name[i]) && !(name[i] >= '0' && name[i] <= '9') && name[i] != '_')
            return false;
    return true;
}

static enum status check_name(const char *name, struct err *err)
{
    if (name_is_good(name))
        return STATUS_OK;
    AUTO(buf) struct buf shown = BUF(4 * VALUE_NAME_MAX + 1);
    text_escape(&shown, SPAN(name, strnlen(name, VALUE_NAME_MAX)));
    AUTO(heap) char *text = buf_take_text(&shown);
    return ERR(
        err, STATUS_MALFORMED,
        "\"%s\" is no name of a lookup value: a letter, then letters, digits and '_', at most %d in all",
        text != NULL ? text : "", VALUE_NAME_MAX);
}

static enum status check_text(const char *name, const char *text, struct err *err)
{
    size_t len = strnlen(text, VALUE_TEXT_MAX + 1);
    if (len > VALUE_TEXT_MAX)
        return ERR(err, STATUS_LIMIT, "the value of %s is longer than %d octets", name, VALUE_TEXT_MAX);
    if (!utf8_printable(SPAN(text, len)))
        return ERR(err, STATUS_MALFORMED,
                   "the value of %s is no printable UTF-8: control characters are not allowed", name);
    return STATUS_OK;
}

static void values_remove(struct values *values, const char *name)
{
    struct value *value = values_find(values, name);
    if (value == NULL)
        return;
    free(value->name);
    free(value->text);
    size_t behind = values->count - 1 - (size_t)(value - values->items);
    memmove(value, value + 1, behind * sizeof *value);
    values->count--;
}

static enum status values_append(struct values *values, const char *name, const char *text, struct err *err)
{
    if (values->count >= VALUES_MAX)
        return ERR(err, STATUS_LIMIT, "no room for the lookup value %s: a list holds at most %d", name,
                   VALUES_MAX);
    struct value *items = realloc(values->items, (values->count + 1) * sizeof *items);
    if (items == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    values->items = items;
    AUTO(heap) char *name_copy = NULL;
    char *text_own = NULL;
    TRY(text_copy(name, &name_copy, err));
    TRY(text_copy(text, &text_own, err));
    items[values->count++] = (struct value){.name = MOVE(name_copy), .text = text_own};
    return STATUS_OK;
}

enum status values_set(struct values *values, const char *name, const char *text, struct err *err)
{
    TRY(check_name(name, err));
    TRY(check_text(name, text, err));
    if (text[0] == '\0') {
        values_remove(values, name);
        return STATUS_OK;
    }
    struct value *value = values_find(values, name);
    if (value == NULL)
        return values_append(values, name, text, err);
    char *copy = NULL;
    TRY(text_copy(text, &copy, err));
    free(value->text);
    value->text = copy;
    return STATUS_OK;
}

enum status values_set_pair(struct values *values, const char *pair, struct err *err)
{
    const char *equals = strchr(pair, '=');
    if (equals == NULL)
        return ERR(err, STATUS_MALFORMED,
                   "a lookup value is written Name=text, for example EnrollmentUser=jdoe");
    size_t len = (size_t)(equals - pair);
    if (len > VALUE_NAME_MAX)
        return ERR(err, STATUS_MALFORMED, "the name before '=' is longer than %d octets", VALUE_NAME_MAX);
    char name[VALUE_NAME_MAX + 1];
    memcpy(name, pair, len);
    name[len] = '\0';
    return values_set(values, name, equals + 1, err);
}

enum status values_copy(const struct values *values, struct values *out, struct err *err)
{
    AUTO(values) struct values copy = {0};
    for (size_t i = 0; i < values->count; i++)
        TRY(values_append(&copy, values->items[i].name, values->items[i].text, err));
    values_free(out);
    *out = copy;
    copy = (struct values){0};
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of values and of general names as the JSON text that their columns hold:
 * [["first","second"], …], order kept, readable with SQLite's own JSON functions.
 */
#include "sqlite.h"

#include "text.h"

#include <jansson.h>

static void json_auto_(json_t **value)
{
    json_decref(*value);
}

static enum status add_pair(json_t *list, const char *first, const char *second, struct err *err)
{
    if (!utf8_valid(SPAN_STR(first)) || !utf8_valid(SPAN_STR(second)))
        return ERR(err, STATUS_MALFORMED, "a lookup value or alternative name is no UTF-8");
    if (json_array_append_new(list, json_pack("[ss]", first, second)) != 0)
        return ERR(err, STATUS_NOMEM, "out of memory");
    return STATUS_OK;
}

static enum status list_text(json_t *list, char **out, struct err *err)
{
    char *text = json_dumps(list, JSON_COMPACT);
    if (text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    *out = text;
    return STATUS_OK;
}

enum status values_to_json(const struct values *values, char **out, struct err *err)
{
    *out = NULL;
    if (values->count == 0)
        return STATUS_OK;
    AUTO(json) json_t *list = json_array();
    for (size_t i = 0; i < values->count; i++)
        TRY(add_pair(list, values->items[i].name, values->items[i].text, err));
    return list_text(list, out, err);
}

enum status names_to_json(const struct general_names *names, char **out, struct err *err)
{
    *out = NULL;
    if (names->count == 0)
        return STATUS_OK;
    AUTO(json) json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++)
        TRY(add_pair(list, san_type_name(names->items[i].type), names->items[i].text, err));
    return list_text(list, out, err);
}

/* The list that a column's text holds; NULL if it holds none. */
static json_t *list_load(const char *text)
{
    json_t *list = json_loads(text, 0, NULL);
    if (json_is_array(list))
        return list;
    json_decref(list);
    return NULL;
}

static bool pair_at(const json_t *list, size_t i, const char **first, const char **second)
{
    const json_t *pair = json_array_get(list, i);
    *first = json_string_value(json_array_get(pair, 0));
    *second = json_string_value(json_array_get(pair, 1));
    return *first != NULL && *second != NULL;
}

enum status values_from_json(const char *text, struct values *out)
{
    if (text == NULL)
        return STATUS_OK;
    AUTO(json) json_t *list = list_load(text);
    if (list == NULL)
        return STATUS_MALFORMED;
    AUTO(values) struct values values = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = NULL, *value = NULL;
        if (!pair_at(list, i, &name, &value))
            return STATUS_MALFORMED;
        TRY(values_set(&values, name, value, NULL));
    }
    *out = values;
    values = (struct values){0};
    return STATUS_OK;
}

/* Taken as it stands: it was checked when it was made, and SAN_OTHER can only be kept. */
static enum status names_append(struct general_names *names, const char *type, const char *text)
{
    struct general_name *name = &names->items[names->count];
    name->type = SAN_OTHER;
    if (!san_type_by_name(type, &name->type) && strcmp(type, san_type_name(SAN_OTHER)) != 0)
        return STATUS_MALFORMED;
    TRY(text_copy(text, &name->text, NULL));
    names->count++;
    return STATUS_OK;
}

enum status names_from_json(const char *text, struct general_names *out)
{
    if (text == NULL)
        return STATUS_OK;
    AUTO(json) json_t *list = list_load(text);
    size_t count = json_array_size(list);
    if (count == 0 || count > GENERAL_NAMES_MAX)
        return STATUS_MALFORMED;
    AUTO(general_names) struct general_names names = {.items = calloc(count, sizeof *names.items)};
    if (names.items == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const char *type = NULL, *value = NULL;
        if (!pair_at(list, i, &type, &value))
            return STATUS_MALFORMED;
        TRY(names_append(&names, type, value));
    }
    *out = names;
    names = (struct general_names){0};
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Fills a struct from a group of settings as a table says. It knows types, ranges and words; what values
 * mean together, the caller checks. Defaults take the same way as what a file says.
 */
#include "config.h"
#include "utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdio.h>

/* One value on its way from a file, or from the table's default, into the struct. */
struct value {
    const struct config_key *key;
    const char *name; /* with its prefix */
    int line;
    void *target;
    struct config_context *context;
};

#define VALUE_MISTAKE(value, ...)                                                                            \
    config_mistake((value)->context->mistakes, (value)->context->file, (value)->line, (value)->name,         \
                   __VA_ARGS__)

/* ---- values written as text ---- */

static void value_no_memory(const struct value *value)
{
    VALUE_MISTAKE(value, "out of memory");
}

static bool value_text_ok(const struct value *value, const char *text)
{
    size_t len = strlen(text);
    const struct config_key *key = value->key;
    if (!utf8_valid(SPAN_STR(text))) {
        VALUE_MISTAKE(value, "is not UTF-8");
        return false;
    }
    if (key->max > 0 && (len < (size_t)key->min || len > (size_t)key->max)) {
        VALUE_MISTAKE(value, "has %zu octets: %" PRId64 " to %" PRId64 " are allowed", len, key->min,
                      key->max);
        return false;
    }
    return true;
}

static void value_string(const struct value *value, const char *text)
{
    if (value_text_ok(value, text) && text_copy(text, value->target, NULL) != STATUS_OK)
        value_no_memory(value);
}

static void value_bool(const struct value *value, const char *text)
{
    *(bool *)value->target = strcmp(text, "true") == 0;
}

static void value_integer(const struct value *value, int64_t number)
{
    const struct config_key *key = value->key;
    if ((key->min != 0 || key->max != 0) && (number < key->min || number > key->max))
        VALUE_MISTAKE(value, "is %" PRId64 ": %" PRId64 " to %" PRId64 " is allowed", number, key->min,
                      key->max);
    else
        *(int64_t *)value->target = number;
}

static void value_int(const struct value *value, const char *text)
{
    value_integer(value, strtoll(text, NULL, 10));
}

static void value_duration(const struct value *value, const char *text)
{
    const struct config_key *key = value->key;
    struct err err = {0};
    int64_t seconds = 0;
    if (duration_parse(text, &seconds, &err) != STATUS_OK) {
        VALUE_MISTAKE(value, "%s", err.text);
        return;
    }
    if ((key->min == 0 && key->max == 0) || (seconds >= key->min && seconds <= key->max)) {
        *(int64_t *)value->target = seconds;
        return;
    }
    AUTO(buf) struct buf range = BUF(128);
    duration_text(&range, key->min);
    buf_add_text(&range, " to ");
    duration_text(&range, key->max);
    VALUE_MISTAKE(value, "is %s: %.*s is allowed", text, (int)range.len,
                  range.len > 0 ? (const char *)range.data : "");
}

static void value_size(const struct value *value, const char *text)
{
    const struct config_key *key = value->key;
    struct err err = {0};
    int64_t octets = 0;
    if (size_parse(text, &octets, &err) != STATUS_OK)
        VALUE_MISTAKE(value, "%s", err.text);
    else if ((key->min != 0 || key->max != 0) && (octets < key->min || octets > key->max))
        VALUE_MISTAKE(value, "is %s: %" PRId64 " to %" PRId64 " octets are allowed", text, key->min,
                      key->max);
    else
        *(int64_t *)value->target = octets;
}

static void value_word(const struct value *value, const char *text)
{
    AUTO(buf) struct buf allowed = BUF(1024);
    for (int i = 0; value->key->words[i] != NULL; i++) {
        if (strcmp(text, value->key->words[i]) == 0) {
            *(int *)value->target = i;
            return;
        }
        buf_printf(&allowed, "%s\"%s\"", i > 0 ? ", " : "", value->key->words[i]);
    }
    VALUE_MISTAKE(value, "is \"%.80s\": %.*s is allowed", text, (int)allowed.len,
                  allowed.len > 0 ? (const char *)allowed.data : "nothing");
}

static bool value_append(const struct value *value, const char *text, size_t len)
{
    struct config_strings *strings = value->target;
    char **items = reallocarray(strings->items, strings->count + 1, sizeof(*items));
    if (items == NULL)
        return false;
    strings->items = items;
    items[strings->count] = strndup(text, len);
    if (items[strings->count] == NULL)
        return false;
    strings->count++;
    return true;
}

/* The default of CONFIG_STRINGS: "a,b". */
static void value_strings(const struct value *value, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        if (!value_append(value, text, len)) {
            value_no_memory(value);
            return;
        }
        text += text[len] == ',' ? len + 1 : len;
    }
}

/* ---- settings ---- */

static void setting_bool(const struct value *value, const config_setting_t *setting)
{
    if (setting->type != CONFIG_TYPE_BOOL)
        VALUE_MISTAKE(value, "true or false is allowed, without quotes");
    else
        *(bool *)value->target = config_setting_get_bool(setting) != 0;
}

static void setting_int(const struct value *value, const config_setting_t *setting)
{
    if (setting->type != CONFIG_TYPE_INT && setting->type != CONFIG_TYPE_INT64)
        VALUE_MISTAKE(value, "an integer is allowed, without quotes");
    else if (setting->type == CONFIG_TYPE_INT)
        value_integer(value, config_setting_get_int(setting));
    else
        value_integer(value, config_setting_get_int64(setting));
}

static void setting_strings(const struct value *value, const config_setting_t *setting)
{
    if (setting->type != CONFIG_TYPE_ARRAY && setting->type != CONFIG_TYPE_LIST) {
        VALUE_MISTAKE(value, "a list of strings is allowed, as in [ \"a\", \"b\" ]");
        return;
    }
    unsigned count = (unsigned)config_setting_length(setting);
    for (unsigned i = 0; i < count; i++) {
        const config_setting_t *item = config_setting_get_elem(setting, i);
        const char *text = item->type == CONFIG_TYPE_STRING ? config_setting_get_string(item) : NULL;
        if (text == NULL)
            VALUE_MISTAKE(value, "element %u is not a string", i + 1);
        else if (value_text_ok(value, text) && !value_append(value, text, strlen(text)))
            value_no_memory(value);
    }
}

/* How each type is read: from a text, and from a setting that is not a string (NULL: strings only). */
static const struct {
    void (*from_text)(const struct value *value, const char *text);
    void (*from_setting)(const struct value *value, const config_setting_t *setting);
    const char *wants;
} value_types[] = {
    [CONFIG_STRING] = {value_string, NULL, "a string in quotes"},
    [CONFIG_BOOL] = {value_bool, setting_bool, NULL},
    [CONFIG_INT] = {value_int, setting_int, NULL},
    [CONFIG_DURATION] = {value_duration, NULL, "a duration in quotes, as in \"90s\" or \"30d\","},
    [CONFIG_SIZE] = {value_size, NULL, "a size in quotes, as in \"64KiB\" or \"10MiB\","},
    [CONFIG_WORD] = {value_word, NULL, "a word in quotes"},
    [CONFIG_STRINGS] = {value_strings, setting_strings, NULL},
};

static void value_from_setting(const struct value *value, const config_setting_t *setting)
{
    enum config_type type = value->key->type;
    if (value_types[type].from_setting != NULL)
        value_types[type].from_setting(value, setting);
    else if (setting->type == CONFIG_TYPE_STRING)
        value_types[type].from_text(value, config_setting_get_string(setting));
    else
        VALUE_MISTAKE(value, "%s is allowed", value_types[type].wants);
}

/* ---- groups ---- */

static void group_nested(const struct value *value, config_setting_t *setting)
{
    AUTO(heap) char *prefix = NULL;
    if (setting != NULL && setting->type != CONFIG_TYPE_GROUP) {
        VALUE_MISTAKE(value, "a group is allowed, as in { key = value; }");
        setting = NULL;
    }
    if (text_format(&prefix, NULL, "%s.", value->name) != STATUS_OK) {
        value_no_memory(value);
        return;
    }
    config_read_group((struct config_setting *)setting, prefix, value->key->table, value->target,
                      value->context);
}

static void group_key(const struct value *value, config_setting_t *setting, bool group_is_there)
{
    const struct config_key *key = value->key;
    bool missed = setting == NULL && key->required && group_is_there;
    if (missed)
        VALUE_MISTAKE(value, "is missing and has no default%s%s", key->comment != NULL ? ": " : "",
                      key->comment != NULL ? key->comment : "");
    if (key->type == CONFIG_GROUP)
        group_nested(value, setting);
    else if (key->type == CONFIG_CUSTOM && !missed)
        key->read((struct config_setting *)setting, value->target, value->context);
    else if (key->type != CONFIG_CUSTOM && setting != NULL)
        value_from_setting(value, setting);
    else if (key->type != CONFIG_CUSTOM && key->fallback != NULL)
        value_types[key->type].from_text(value, key->fallback);
}

/* Edits (insert, remove, replace a character) that lead from a to b; names above 63 octets are far from all.
 */
static size_t name_distance(const char *a, const char *b)
{
    size_t row[64];
    size_t columns = strlen(b);
    if (columns >= sizeof(row) / sizeof(row[0]) || strlen(a) > columns + sizeof(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = best < row[j] + 1 ? best : row[j] + 1;
            row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
        }
    }
    return row[columns];
}

static const struct config_key *key_find(const struct config_key *table, const char *name)
{
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

static const char *key_nearest(const struct config_key *table, const char *name)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    for (; table->name != NULL; table++) {
        size_t distance = name_distance(name, table->name);
        if (nearest == NULL || distance < least) {
            least = distance;
            nearest = table->name;
        }
    }
    return nearest;
}

static void group_unknown_keys(const config_setting_t *group, const char *prefix,
                               const struct config_key *table, struct config_context *context)
{
    unsigned count = (unsigned)config_setting_length(group);
    for (unsigned i = 0; i < count; i++) {
        const config_setting_t *member = config_setting_get_elem(group, i);
        const char *name = config_setting_name(member);
        if (key_find(table, name) != NULL)
            continue;
        const char *nearest = key_nearest(table, name);
        AUTO(heap) char *full = NULL;
        if (text_format(&full, NULL, "%s%s", prefix, name) != STATUS_OK)
            full = NULL;
        config_mistake(context->mistakes, context->file, (int)config_setting_source_line(member), full,
                       "unknown key; the nearest known one is %s", nearest != NULL ? nearest : "none");
    }
}

void config_read_group(struct config_setting *group, const char *prefix, const struct config_key *table,
                       void *base, struct config_context *context)
{
    config_setting_t *inner = (config_setting_t *)group;
    for (const struct config_key *key = table; key->name != NULL; key++) {
        assert(key->type != CONFIG_WORD || key->words != NULL);
        config_setting_t *setting = inner != NULL ? config_setting_get_member(inner, key->name) : NULL;
        AUTO(heap) char *name = NULL;
        if (text_format(&name, NULL, "%s%s", prefix, key->name) != STATUS_OK)
            name = NULL;
        struct value value = {.key = key,
                              .name = name != NULL ? name : key->name,
                              .target = (char *)base + key->offset,
                              .context = context};
        if (setting != NULL || inner != NULL)
            value.line = (int)config_setting_source_line(setting != NULL ? setting : inner);
        group_key(&value, setting, inner != NULL);
    }
    if (inner != NULL)
        group_unknown_keys(inner, prefix, table, context);
}

void config_strings_free(struct config_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct config_strings){0};
}

void config_clear(const struct config_key *table, void *base)
{
    for (const struct config_key *key = table; key->name != NULL; key++) {
        void *target = (char *)base + key->offset;
        if (key->type == CONFIG_STRING) {
            free(*(char **)target);
            *(char **)target = NULL;
        } else if (key->type == CONFIG_STRINGS) {
            config_strings_free(target);
        } else if (key->type == CONFIG_GROUP) {
            config_clear(key->table, target);
        }
    }
}

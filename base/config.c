/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens libconfig files and gives their settings a face without libconfig's header. What may stand in them,
 * the tables say (config_read.c). Nothing is written.
 */
#include "config.h"
#include "config_lint.h"
#include "file.h"

#include <libconfig.h>

#define CONFIG_FILE_MAX (1024 * 1024)

struct config_file {
    config_t parsed;
};

/* The line of the first octet that is not UTF-8 or is NUL; 0 if there is none. */
static int config_bad_line(struct span text)
{
    int line = 1;
    while (text.len > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.len);
        size_t len = newline != NULL ? (size_t)(newline - text.data) + 1 : text.len;
        if (!utf8_valid(SPAN(text.data, len)) || memchr(text.data, '\0', len) != NULL)
            return line;
        text = SPAN(text.data + len, text.len - len);
        line++;
    }
    return 0;
}

static void config_parse(const char *text, const char *name, struct config_file *file,
                         struct config_mistakes *mistakes)
{
    if (config_read_string(&file->parsed, text) == CONFIG_TRUE)
        return;
    const char *reason = config_error_text(&file->parsed);
    config_mistake(
        mistakes, name, config_error_line(&file->parsed), NULL,
        "%s here or on the line before: a missing ';', quote, bracket or brace, or a key written twice",
        reason != NULL ? reason : "syntax error");
}

static enum status config_open_span(struct span text, const char *name, struct config_mistakes *mistakes,
                                    struct config_file **out, struct err *err)
{
    AUTO(config_mistakes) struct config_mistakes found = {0};
    AUTO(heap) char *copy = NULL;
    AUTO(config) struct config_file *file = calloc(1, sizeof(*file));
    if (file == NULL)
        return ERR(err, STATUS_NOMEM, "%s: out of memory", name);
    config_init(&file->parsed);
    int bad_line = config_bad_line(text);
    if (bad_line > 0)
        config_mistake(&found, name, bad_line, NULL, "not UTF-8, or with a NUL character");
    if (bad_line == 0 && text.len > 0)
        TRY(text_format(&copy, err, "%.*s", (int)text.len, (const char *)text.data));
    if (copy != NULL && config_lint(copy, name, &found))
        config_parse(copy, name, file, &found);
    enum status status = config_mistakes_status(&found, err);
    if (status == STATUS_OK)
        *out = MOVE(file);
    else
        config_mistakes_move(mistakes, &found);
    return status;
}

enum status config_open(const char *path, struct config_mistakes *mistakes, struct config_file **out,
                        struct err *err)
{
    AUTO(buf) struct buf text = BUF(CONFIG_FILE_MAX);
    TRY(file_read(path, &text, err));
    return config_open_span(buf_span(&text), path, mistakes, out, err);
}

enum status config_open_text(const char *text, const char *name, struct config_mistakes *mistakes,
                             struct config_file **out, struct err *err)
{
    if (strlen(text) > CONFIG_FILE_MAX)
        return ERR(err, STATUS_LIMIT, "%s is larger than %d octets, the most that is allowed", name,
                   CONFIG_FILE_MAX);
    return config_open_span(SPAN_STR(text), name, mistakes, out, err);
}

void config_close(struct config_file *file)
{
    if (file == NULL)
        return;
    config_destroy(&file->parsed);
    free(file);
}

/* The opaque type of our face and libconfig's own name one object. */
static config_setting_t *config_inner(struct config_setting *setting)
{
    return (config_setting_t *)setting;
}

static const config_setting_t *config_inner_const(const struct config_setting *setting)
{
    return (const config_setting_t *)setting;
}

struct config_setting *config_root(struct config_file *file)
{
    return (struct config_setting *)config_root_setting(&file->parsed);
}

int config_line(const struct config_setting *setting)
{
    return (int)config_setting_source_line(config_inner_const(setting));
}

bool config_is_group(const struct config_setting *setting)
{
    return config_setting_is_group(config_inner_const(setting));
}

bool config_is_list(const struct config_setting *setting)
{
    const config_setting_t *inner = config_inner_const(setting);
    return config_setting_is_list(inner) || config_setting_is_array(inner);
}

bool config_is_string(const struct config_setting *setting)
{
    return config_setting_type(config_inner_const(setting)) == CONFIG_TYPE_STRING;
}

size_t config_length(const struct config_setting *setting)
{
    int len = config_setting_length(config_inner_const(setting));
    return len > 0 ? (size_t)len : 0;
}

struct config_setting *config_at(struct config_setting *setting, size_t index)
{
    if (index >= config_length(setting))
        return NULL;
    return (struct config_setting *)config_setting_get_elem(config_inner(setting), (unsigned)index);
}

const char *config_name(const struct config_setting *setting)
{
    return config_setting_name(config_inner_const(setting));
}

const char *config_text(const struct config_setting *setting)
{
    return config_is_string(setting) ? config_setting_get_string(config_inner_const(setting)) : NULL;
}

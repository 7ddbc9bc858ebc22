/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes what comes from the table of keys: the commented scepter.cfg that init makes, and
 * the reference in docs/configuration.md. Reads nothing.
 */
#include "server_config_keys.h"

#define WIDTH 100

/* ---- text in columns ---- */

/* The text as comment lines, broken at blanks, from the second on further to the right by `hang`. */
static void put_lines(struct buf *out, const char *indent, int hang, const char *text)
{
    size_t room = WIDTH - strlen(indent) - 2 - (size_t)hang;
    int shift = 0;
    while (*text != '\0') {
        size_t len = strlen(text);
        if (len > room) {
            len = room;
            while (len > 1 && text[len] != ' ')
                len--;
        }
        buf_printf(out, "%s# %*s%.*s\n", indent, shift, "", (int)len, text);
        text += len;
        text += strspn(text, " ");
        shift = hang;
    }
}

static void put_comment(struct buf *out, const char *indent, const char *text)
{
    put_lines(out, indent, 0, text);
}

/* A string of libconfig (its manual, section 3.2.6). */
static void put_quoted(struct buf *out, const char *text)
{
    buf_add_octet(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_octet(out, '\\');
        buf_add_octet(out, (uint8_t)*text);
    }
    buf_add_octet(out, '"');
}

static bool is_bare(enum config_type type)
{
    return type == CONFIG_INT || type == CONFIG_BOOL;
}

static const char *default_of(const struct config_key *key)
{
    if (key->fallback != NULL)
        return key->fallback;
    return key->type == CONFIG_STRINGS ? "" : NULL;
}

/* ---- the sample ---- */

/* What the sample says for a key of `authority`, or NULL. */
static const char *value_of(const struct server_config_sample *sample, const struct config_key *key)
{
    if (strcmp(key->name, "name") == 0)
        return sample->name;
    if (strcmp(key->name, "url") == 0)
        return sample->url;
    return strcmp(key->name, "passphrase") == 0 ? sample->passphrase : NULL;
}

static void put_value(struct buf *out, const struct config_key *key, const char *text)
{
    if (key->type == CONFIG_STRINGS)
        buf_add_text(out, "[ ]");
    else if (is_bare(key->type))
        buf_add_text(out, text);
    else
        put_quoted(out, text);
}

/* A key with a value, or with its default commented out. */
static void put_key(struct buf *out, const struct config_key *key, const char *indent, const char *value)
{
    put_comment(out, indent, key->comment);
    const char *fallback = default_of(key);
    buf_printf(out, "%s%s%s = ", indent, value == NULL ? "# " : "", key->name);
    put_value(out, key, value != NULL ? value : fallback != NULL ? fallback : "");
    buf_printf(out, ";%s\n", value == NULL && fallback == NULL ? "    # not set" : "");
}

static void put_group(struct buf *out, const struct config_key *group,
                      const struct server_config_sample *sample)
{
    bool is_authority = strcmp(group->name, "authority") == 0;
    put_comment(out, "", group->comment);
    buf_printf(out, "%s = {\n", group->name);
    for (const struct config_key *key = group->table; key->name != NULL; key++)
        put_key(out, key, "    ", is_authority ? value_of(sample, key) : NULL);
    buf_add_text(out, "};\n");
}

static void put_words(struct buf *out, const struct config_key *key)
{
    for (size_t i = 0; key->words != NULL && key->words[i] != NULL; i++)
        buf_printf(out, "%s\"%s\"", i > 0 ? ", " : " One of ", key->words[i]);
    if (key->words != NULL)
        buf_add_text(out, ".");
}

/* The keys of a list's groups as comments: "profiles: name: …". */
static void put_element_keys(struct buf *out, const struct config_key *table, const char *prefix)
{
    for (const struct config_key *key = table; key->name != NULL; key++) {
        AUTO(buf) struct buf line = BUF(2048);
        buf_printf(&line, "%s%s: %s", prefix, key->name, key->comment);
        put_words(&line, key);
        if (key->fallback != NULL)
            buf_printf(&line, " Default: %s.", key->fallback);
        AUTO(heap) char *text = buf_take_text(&line);
        if (text != NULL)
            put_lines(out, "", (int)strlen(prefix) + 4, text);
        if (key->type == CONFIG_GROUP)
            put_element_keys(out, key->table, "    ");
    }
}

static void put_listen(struct buf *out, const struct listener_config *listener)
{
    buf_add_text(out, "listen = ( { address = ");
    put_quoted(out, listener != NULL ? listener->address : "127.0.0.1");
    buf_printf(out, "; port = %lld; } );\n", listener != NULL ? (long long)listener->port : 8080LL);
}

static void put_profiles(struct buf *out, bool lab)
{
    buf_add_text(out, "profiles = (\n"
                      "    { name = \"default\"; template = \"User\"; challenge = \"one-time\"; },\n"
                      "    { name = \"device\"; template = \"Device\"; challenge = \"one-time\"; },\n"
                      "    { name = \"ndes\"; template = \"UEMUser\"; challenge = \"one-time\"; }");
    if (lab)
        buf_add_text(out, ",\n    # a phrase that all share is no identity: for trying things out only\n"
                          "    { name = \"lab\"; template = \"LabDevice\"; challenge = \"static\"; "
                          "challenge_file = \"keys/lab.challenge\"; }");
    buf_add_text(out, "\n);\n");
}

static void put_list(struct buf *out, const struct config_key *key, const struct server_config_sample *sample)
{
    put_comment(out, "", key->comment);
    put_element_keys(out, key->table, "  ");
    if (strcmp(key->name, "listen") == 0)
        put_listen(out, sample->listener);
    else
        put_profiles(out, sample->lab);
}

void server_config_sample(const struct server_config_sample *sample, struct buf *out)
{
    buf_add_text(
        out, "# The configuration of Scepter (libconfig). A key that is commented out shows its default.\n"
             "# `kill -HUP` of the server takes changes over; a mistake leaves the old ones at work.\n");
    for (const struct config_key *key = server_config_keys; key->name != NULL; key++) {
        buf_add_text(out, "\n");
        if (key->type == CONFIG_GROUP)
            put_group(out, key, sample);
        else if (key->type == CONFIG_CUSTOM)
            put_list(out, key, sample);
        else
            put_key(out, key, "", NULL);
    }
}

/* ---- the reference ---- */

static const char *type_text(const struct config_key *key)
{
    switch (key->type) {
    case CONFIG_STRING:
        return "string";
    case CONFIG_BOOL:
        return "true or false";
    case CONFIG_INT:
        return "integer";
    case CONFIG_DURATION:
        return "duration";
    case CONFIG_SIZE:
        return "size";
    case CONFIG_WORD:
        return "word";
    case CONFIG_STRINGS:
        return "list of strings";
    case CONFIG_GROUP:
        return "group";
    case CONFIG_CUSTOM:
        return "list of groups";
    }
    return "";
}

static void put_range(struct buf *out, const struct config_key *key)
{
    if (key->type == CONFIG_INT) {
        buf_printf(out, ", %lld to %lld", (long long)key->min, (long long)key->max);
    } else if (key->type == CONFIG_DURATION) {
        buf_add_text(out, ", ");
        duration_text(out, key->min);
        buf_add_text(out, " to ");
        duration_text(out, key->max);
    }
    for (size_t i = 0; key->words != NULL && key->words[i] != NULL; i++)
        buf_printf(out, "%s`%s`", i > 0 ? ", " : ": ", key->words[i]);
}

/* One row, and one for each key of a group in a group ("webhook.url"). */
static void put_row(struct buf *out, const struct config_key *key, const char *prefix)
{
    if (key->type == CONFIG_GROUP && prefix[0] == '\0') {
        AUTO(heap) char *inner = NULL;
        if (text_format(&inner, NULL, "%s.", key->name) == STATUS_OK)
            for (const struct config_key *k = key->table; k->name != NULL; k++)
                put_row(out, k, inner);
        return;
    }
    buf_printf(out, "| `%s%s` | %s", prefix, key->name, type_text(key));
    put_range(out, key);
    buf_add_text(out, " | ");
    if (key->required)
        buf_add_text(out, "required");
    else if (key->fallback != NULL)
        buf_printf(out, "`%s`", key->fallback);
    else
        buf_add_text(out, "–");
    buf_printf(out, " | %s |\n", key->comment);
}

#define TABLE_HEAD "| key | type | default | meaning |\n| --- | --- | --- | --- |\n"

void server_config_reference(struct buf *out)
{
    buf_add_text(out, "### Keys at the top\n\n" TABLE_HEAD);
    for (const struct config_key *key = server_config_keys; key->name != NULL; key++)
        if (key->table == NULL)
            put_row(out, key, "");
    for (const struct config_key *key = server_config_keys; key->name != NULL; key++) {
        if (key->table == NULL)
            continue;
        bool is_list = key->type == CONFIG_CUSTOM;
        buf_printf(out, "\n### %s%s\n\n%s%s\n\n" TABLE_HEAD, key->name, is_list ? ", a list of groups" : "",
                   key->comment, key->required ? " Required." : "");
        for (const struct config_key *k = key->table; k->name != NULL; k++)
            put_row(out, k, "");
    }
}

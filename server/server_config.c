/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads scepter.cfg by the tables of server_config_keys.c and checks what keys mean
 * together. Opens neither templates nor keys.
 */
#include "server_config.h"

#include "file.h"
#include "server_config_keys.h"

#include <arpa/inet.h>
#include <stdio.h>

#define LISTENERS_MAX   64
#define PROFILES_MAX    1000
#define DEFAULT_ADDRESS "127.0.0.1"
#define DEFAULT_PORT    8080
#define NDES_PROFILE    "ndes"

void server_config_free(struct server_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->listener_count; i++)
        config_clear(listener_config_keys, &config->listeners[i]);
    for (size_t i = 0; i < config->profile_count; i++)
        config_clear(profile_config_keys, &config->profiles[i]);
    free(config->listeners);
    free(config->profiles);
    config_clear(server_config_keys, config);
    free(config);
}

static struct config_setting *member(struct config_setting *group, const char *name)
{
    for (size_t i = 0; i < config_length(group); i++) {
        struct config_setting *setting = config_at(group, i);
        if (config_name(setting) != NULL && strcmp(config_name(setting), name) == 0)
            return setting;
    }
    return NULL;
}

/* The line of a key in a group, or of the group. */
static int line_of(struct config_setting *group, const char *name)
{
    const struct config_setting *setting = member(group, name);
    return config_line(setting != NULL ? setting : group);
}

/* An element of a list of groups: false (and a mistake) if it is no group. */
static bool element_is_group(struct config_setting *element, const char *prefix,
                             struct config_context *context)
{
    if (config_is_group(element))
        return true;
    config_mistake(context->mistakes, context->file, config_line(element), prefix,
                   "a group is allowed, as in { key = value; }");
    return false;
}

/* Room for the elements of a list, zeroed; *count 0 and a mistake if it is none or too long. */
static void *list_room(struct config_setting *setting, const char *name, size_t element_size, size_t max,
                       size_t *count, struct config_context *context)
{
    *count = 0;
    if (!config_is_list(setting) || config_length(setting) > max) {
        config_mistake(context->mistakes, context->file, config_line(setting), name,
                       "a list of at most %zu groups is allowed, as in ( { … }, { … } )", max);
        return NULL;
    }
    void *room = calloc(config_length(setting) + 1, element_size);
    if (room == NULL)
        config_mistake(context->mistakes, context->file, config_line(setting), name, "out of memory");
    else
        *count = config_length(setting);
    return room;
}

/* ---- listen ---- */

static bool is_address(const char *text)
{
    struct in6_addr octets;
    return inet_pton(AF_INET, text, &octets) == 1 || inet_pton(AF_INET6, text, &octets) == 1;
}

static void check_listener(const struct server_config *config, size_t index, struct config_setting *element,
                           struct config_context *context)
{
    const struct listener_config *listener = &config->listeners[index];
    char key[40];
    (void)snprintf(key, sizeof key, "listen[%zu].address", index);
    if (listener->address == NULL)
        return;
    if (!is_address(listener->address))
        config_mistake(context->mistakes, context->file, line_of(element, "address"), key,
                       "\"%s\" is no address: a numeric IPv4 or IPv6 address is allowed, such as "
                       "\"127.0.0.1\" or \"::1\"",
                       listener->address);
    for (size_t i = 0; i < index; i++)
        if (config->listeners[i].address != NULL && listener->port != 0 &&
            config->listeners[i].port == listener->port &&
            strcmp(config->listeners[i].address, listener->address) == 0)
            config_mistake(context->mistakes, context->file, config_line(element), key,
                           "the same address and port as listen[%zu]", i);
}

static void default_listener(struct server_config *config, struct config_context *context)
{
    config->listeners = calloc(1, sizeof *config->listeners);
    char *address = strdup(DEFAULT_ADDRESS);
    if (config->listeners == NULL || address == NULL) {
        free(address);
        config_mistake(context->mistakes, context->file, 0, "listen", "out of memory");
        return;
    }
    config->listeners[0] = (struct listener_config){.address = address, .port = DEFAULT_PORT};
    config->listener_count = 1;
}

void server_config_read_listen(struct config_setting *setting, void *base, struct config_context *context)
{
    struct server_config *config = base;
    if (setting == NULL) {
        default_listener(config, context);
        return;
    }
    config->listeners = list_room(setting, "listen", sizeof *config->listeners, LISTENERS_MAX,
                                  &config->listener_count, context);
    if (config->listeners != NULL && config->listener_count == 0)
        config_mistake(context->mistakes, context->file, config_line(setting), "listen",
                       "is empty: name at least one address, or leave the key out");
    for (size_t i = 0; i < config->listener_count; i++) {
        struct config_setting *element = config_at(setting, i);
        char prefix[32];
        (void)snprintf(prefix, sizeof prefix, "listen[%zu].", i);
        if (!element_is_group(element, prefix, context))
            continue;
        config_read_group(element, prefix, listener_config_keys, &config->listeners[i], context);
        check_listener(config, i, element, context);
    }
}

/* ---- profiles ---- */

/* A profile that is being checked. */
struct profile_check {
    const struct profile_config *profile;
    struct config_setting *element;
    const char *prefix;
    struct config_context *context;
};

static void profile_mistake(const struct profile_check *check, const char *name, const char *text)
{
    char key[64];
    (void)snprintf(key, sizeof key, "%s%s", check->prefix, name);
    config_mistake(check->context->mistakes, check->context->file, line_of(check->element, name), key, "%s",
                   text);
}

static bool name_is_plain(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

static void check_templates(const struct profile_check *check)
{
    const struct profile_config *profile = check->profile;
    bool by_usage = profile->template_signing != NULL || profile->template_encryption != NULL ||
                    profile->template_both != NULL;
    if (profile->template_any != NULL && by_usage)
        profile_mistake(check, "templates", "stands beside template: only one of the two is allowed");
    if (profile->template_any == NULL && !by_usage)
        profile_mistake(
            check, "template",
            "is missing: name a template, or templates = { signing = …; encryption = …; both = …; }");
}

/* https anywhere, http on a loopback address: the same rule is held again where the webhook is called. */
static bool is_webhook_url(const char *url)
{
    struct in_addr address;
    char host[64];
    if (strncmp(url, "https://", 8) == 0)
        return true;
    if (strncmp(url, "http://", 7) != 0)
        return false;
    const char *authority = url + 7;
    size_t len = authority[0] == '[' ? strcspn(authority, "]") + 1 : strcspn(authority, ":/?#");
    if (memchr(authority, '@', strcspn(authority, "/?#")) != NULL || len >= sizeof host)
        return false;
    memcpy(host, authority, len);
    host[len] = '\0';
    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static void check_challenge(const struct profile_check *check)
{
    const struct profile_config *profile = check->profile;
    if (profile->challenge == CHALLENGE_STATIC && profile->challenge_file == NULL)
        profile_mistake(check, "challenge",
                        "\"static\" needs challenge_file, the file that holds the phrase");
    if (profile->challenge != CHALLENGE_STATIC && profile->challenge_file != NULL)
        profile_mistake(check, "challenge_file", "is allowed with challenge = \"static\" only");
    if (profile->challenge == CHALLENGE_WEBHOOK && profile->webhook_url == NULL)
        profile_mistake(check, "challenge", "\"webhook\" needs webhook = { url = \"https://…\"; }");
    if (profile->challenge != CHALLENGE_WEBHOOK && profile->webhook_url != NULL)
        profile_mistake(check, "webhook", "is allowed with challenge = \"webhook\" only");
    if (profile->webhook_url != NULL && !is_webhook_url(profile->webhook_url))
        profile_mistake(check, "webhook", "its url must be https, or http on a loopback address");
}

static void check_allow(const struct profile_check *check)
{
    const struct config_strings *allow = &check->profile->allow;
    for (size_t i = 0; i < allow->count; i++)
        if (strcmp(allow->items[i], "sha1") != 0 && strcmp(allow->items[i], "des3") != 0)
            profile_mistake(check, "allow", "holds an unknown word: \"sha1\" and \"des3\" are allowed");
}

static void check_profile(const struct profile_check *check, const struct server_config *config, size_t index)
{
    const struct profile_config *profile = check->profile;
    if (profile->name != NULL && !name_is_plain(profile->name))
        profile_mistake(check, "name", "letters, digits, '.', '_' and '-' are allowed");
    for (size_t i = 0; profile->name != NULL && i < index; i++)
        if (config->profiles[i].name != NULL && strcmp(config->profiles[i].name, profile->name) == 0)
            profile_mistake(check, "name", "stands twice: each profile has its own name");
    check_templates(check);
    check_challenge(check);
    check_allow(check);
}

void server_config_read_profiles(struct config_setting *setting, void *base, struct config_context *context)
{
    struct server_config *config = base;
    if (setting == NULL)
        return;
    config->profiles = list_room(setting, "profiles", sizeof *config->profiles, PROFILES_MAX,
                                 &config->profile_count, context);
    for (size_t i = 0; i < config->profile_count; i++) {
        struct profile_config *profile = &config->profiles[i];
        struct config_setting *element = config_at(setting, i);
        char prefix[32];
        (void)snprintf(prefix, sizeof prefix, "profiles[%zu].", i);
        if (!element_is_group(element, prefix, context))
            continue;
        config_read_group(element, prefix, profile_config_keys, profile, context);
        profile->line = config_line(element);
        if (member(element, "ra") == NULL && profile->name != NULL)
            profile->ra = strcmp(profile->name, NDES_PROFILE) == 0 ? 1 : 0;
        const struct profile_check check = {profile, element, prefix, context};
        check_profile(&check, config, i);
    }
}

/* ---- the whole ---- */

static void check_url(const char *url, struct config_setting *authority, const char *name,
                      struct config_context *context)
{
    char key[32];
    (void)snprintf(key, sizeof key, "authority.%s", name);
    if (url != NULL && strncmp(url, "http://", 7) != 0)
        config_mistake(context->mistakes, context->file, line_of(authority, name), key,
                       "\"%s\" is no http URL: http://host/… is allowed, for what it leads to is fetched "
                       "before any TLS can be trusted",
                       url);
}

/* The server's own paths go behind it. */
static void check_base_url(const char *url, struct config_setting *authority, struct config_context *context)
{
    check_url(url, authority, "url", context);
    if (url != NULL && strncmp(url, "http://", 7) == 0 && strpbrk(url + 7, "/?#") != NULL)
        config_mistake(context->mistakes, context->file, line_of(authority, "url"), "authority.url",
                       "\"%s\" has a path, query or fragment: http://host or http://host:port is allowed",
                       url);
}

static void check_authority(const struct server_config *config, struct config_setting *authority,
                            struct config_context *context)
{
    struct err err = {0};
    check_base_url(config->authority_url, authority, context);
    check_url(config->authority_ocsp, authority, "ocsp", context);
    for (size_t i = 0; i < config->authority_cdp.count; i++)
        check_url(config->authority_cdp.items[i], authority, "cdp", context);
    for (size_t i = 0; i < config->authority_aia.count; i++)
        check_url(config->authority_aia.items[i], authority, "aia", context);
    if (config->authority_name != NULL && authority_name_check(config->authority_name, &err) != STATUS_OK)
        config_mistake(context->mistakes, context->file, line_of(authority, "name"), "authority.name", "%s",
                       err.text);
    if (config->authority_passphrase != NULL &&
        passphrase_check(config->authority_passphrase, &err) != STATUS_OK)
        config_mistake(context->mistakes, context->file, line_of(authority, "passphrase"),
                       "authority.passphrase", "%s", err.text);
}

static void check_whole(const struct server_config *config, struct config_setting *root,
                        struct config_context *context)
{
    struct config_setting *authority = member(root, "authority");
    struct config_setting *crl = member(root, "crl");
    if (authority != NULL && config_is_group(authority))
        check_authority(config, authority, context);
    if (crl != NULL && config_is_group(crl) && config->crl_period_s >= config->crl_validity_s)
        config_mistake(
            context->mistakes, context->file, line_of(crl, "period"), "crl.period",
            "is not shorter than crl.validity: between two CRLs there would be none that is valid");
}

static enum status read_whole(struct config_file *file, const char *name, struct config_mistakes *mistakes,
                              struct server_config **out, struct err *err)
{
    AUTO(config_mistakes) struct config_mistakes own = {0};
    AUTO(server_config) struct server_config *config = calloc(1, sizeof *config);
    if (config == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the configuration");
    struct config_context context = {.file = name, .mistakes = mistakes != NULL ? mistakes : &own};
    config_read_group(config_root(file), "", server_config_keys, config, &context);
    check_whole(config, config_root(file), &context);
    TRY(config_mistakes_status(context.mistakes, err));
    *out = MOVE(config);
    return STATUS_OK;
}

enum status server_config_parse(const char *text, const char *name, struct config_mistakes *mistakes,
                                struct server_config **out, struct err *err)
{
    AUTO(config) struct config_file *file = NULL;
    TRY(config_open_text(text, name, mistakes, &file, err));
    return read_whole(file, name, mistakes, out, err);
}

enum status server_config_load(const char *dir, struct config_mistakes *mistakes, struct server_config **out,
                               struct err *err)
{
    AUTO(heap) char *path = NULL;
    AUTO(config) struct config_file *file = NULL;
    TRY(path_join(dir, "scepter.cfg", &path, err));
    enum status status = config_open(path, mistakes, &file, err);
    if (status == STATUS_NOT_FOUND)
        return ERR(err, status,
                   "%s holds no scepter.cfg: make an authority there with `scepter init`, or name another "
                   "data directory with --dir or $SCEPTER_DIR",
                   dir);
    TRY(status);
    return read_whole(file, path, mistakes, out, err);
}

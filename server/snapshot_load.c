/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes the snapshot that requests work with out of a configuration: opens templates and
 * authority, reads the secrets that profiles name. Judges how they fit together.
 */
#include "server_config.h"

#include "file.h"

#include <stdio.h>
#include <sys/stat.h>

#define SECRET_FILE_MAX  4096
#define STATIC_PHRASE_OK 16 /* octets: a shorter static phrase is warned of */

AUTO_VALUE(profile, struct profile, profile_free)

struct authority_config server_authority_config(const char *dir, const struct server_config *config,
                                                const char *passphrase)
{
    return (struct authority_config){
        .dir = dir,
        .name = config->authority_name,
        .url = config->authority_url,
        .cdp = config->authority_cdp,
        .aia = config->authority_aia,
        .ocsp = config->authority_ocsp,
        .passphrase = passphrase,
        .crl_validity_s = config->crl_validity_s,
        .crl_period_s = config->crl_period_s,
        .crl_min_interval_s = config->crl_min_interval_s,
    };
}

/* ---- one profile ---- */

/* A profile that is being made. */
struct making {
    const char *dir;
    const char *file; /* scepter.cfg, for messages */
    const struct profile_config *config;
    const struct template_set *templates;
    const struct authority *authority;
    struct config_mistakes *mistakes;
    struct config_mistakes *warnings;
};

#define MISTAKE(making, key, ...)                                                                            \
    config_mistake((making)->mistakes, (making)->file, (making)->config->line, (key), __VA_ARGS__)

static void warn(const struct making *making, const char *text)
{
    if (making->warnings != NULL)
        config_mistake(making->warnings, making->file, making->config->line, NULL, "profile %s: %s",
                       making->config->name, text);
}

/* Which of its values, `scepter template check` says. */
static void warn_of_trust(const struct making *making, const struct template *template)
{
    char text[256];
    if (!template_trusts_request(template))
        return;
    (void)snprintf(
        text, sizeof text,
        "template %s takes values on the request's word (verify = \"none\"): give its challenges only "
        "to those who may state them",
        template_name(template));
    warn(making, text);
}

static void check_template(const struct making *making, const char *name)
{
    const struct template *template = name != NULL ? template_set_find(making->templates, name) : NULL;
    if (name != NULL && template == NULL)
        MISTAKE(
            making, making->config->name,
            "names the template \"%s\", which does not exist: `scepter template list` shows those there are",
            name);
    else if (template != NULL && template_audience(template) != AUDIENCE_PUBLISHED)
        MISTAKE(making, making->config->name,
                "names the template \"%s\", whose audience is not \"published\": profiles issue from "
                "published ones only",
                name);
    else if (template != NULL)
        warn_of_trust(making, template);
}

static void check_modes(const struct making *making)
{
    const struct profile_config *config = making->config;
    if (config->challenge == CHALLENGE_NONE)
        warn(making, "challenge = \"none\": whoever reaches the server gets a certificate");
    if (config->ca_certificates == 1 && !authority_scep_with_ca_key(making->authority))
        MISTAKE(
            making, config->name,
            "ca_certificates = \"single\" needs an authority made with `scepter init --scep-with-ca-key`");
    else if (config->ca_certificates == 1)
        warn(making, "ca_certificates = \"single\": the CA key also decrypts and signs SCEP messages");
}

/* The first line of a file below the data directory. */
static enum status read_secret(const struct making *making, const char *name, char **out, struct err *err)
{
    AUTO(heap) char *path = NULL;
    AUTO(buf) struct buf text = BUF(SECRET_FILE_MAX);
    struct stat seen;
    TRY(path_join(making->dir, name, &path, err));
    TRY(file_read(path, &text, err));
    while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
        text.len--;
    if (text.len == 0 || !utf8_printable(buf_span(&text)))
        return ERR(err, STATUS_CONFIG, "%s must hold one line of printable text", path);
    if (stat(path, &seen) == 0 && (seen.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        warn(making, "others can read a file that holds a secret: chmod 600 it");
    char *secret = buf_take_text(&text);
    if (secret == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    *out = secret;
    return STATUS_OK;
}

static enum status take_secret(const struct making *making, const char *key, const char *name, char **out,
                               struct err *err)
{
    struct err detail = {0};
    if (name == NULL || read_secret(making, name, out, &detail) == STATUS_OK)
        return STATUS_OK;
    if (detail.status == STATUS_NOMEM)
        return ERR(err, detail.status, "%s", detail.text);
    AUTO(heap) char *full = NULL;
    TRY(text_format(&full, err, "%s.%s", making->config->name, key));
    MISTAKE(making, full, "%s", detail.text);
    return STATUS_OK;
}

static enum status copy_names(const struct profile_config *config, struct profile *out, struct err *err)
{
    TRY(text_copy(config->name, &out->name, err));
    TRY(text_copy(config->template_any, &out->template_any, err));
    TRY(text_copy(config->template_signing, &out->template_signing, err));
    TRY(text_copy(config->template_encryption, &out->template_encryption, err));
    TRY(text_copy(config->template_both, &out->template_both, err));
    return text_copy(config->webhook_url, &out->webhook.url, err);
}

static void copy_modes(const struct profile_config *config, struct profile *out)
{
    out->challenge = (enum challenge_policy)config->challenge;
    out->webhook.timeout_ms = config->webhook_timeout_s * 1000;
    out->ra_pair = config->ra == 1;
    out->ca_single = config->ca_certificates == 1;
    out->retry_window_s = config->retry_window_s;
    out->renewal_grace_s = config->renewal_grace_s;
    out->pending_lapse_s = config->pending_lapse_s;
    for (size_t i = 0; i < config->allow.count; i++) {
        out->allow_sha1 = out->allow_sha1 || strcmp(config->allow.items[i], "sha1") == 0;
        out->allow_des3 = out->allow_des3 || strcmp(config->allow.items[i], "des3") == 0;
    }
}

static enum status make_profile(const struct making *making, struct profile *out, struct err *err)
{
    const struct profile_config *config = making->config;
    AUTO(profile) struct profile made = {0};
    TRY(copy_names(config, &made, err));
    copy_modes(config, &made);
    TRY(take_secret(making, "challenge_file", config->challenge_file, &made.challenge_phrase, err));
    TRY(take_secret(making, "webhook.secret_file", config->webhook_secret_file, &made.webhook.secret, err));
    if (config->webhook_ca_file != NULL)
        TRY(path_join(making->dir, config->webhook_ca_file, &made.webhook.ca_file, err));
    check_template(making, made.template_any);
    check_template(making, made.template_signing);
    check_template(making, made.template_encryption);
    check_template(making, made.template_both);
    check_modes(making);
    if (made.challenge_phrase != NULL && strlen(made.challenge_phrase) < STATIC_PHRASE_OK)
        warn(making, "the static challenge is short: take 32 random hex digits");
    *out = made;
    made = (struct profile){0};
    return STATUS_OK;
}

/* ---- the whole ---- */

bool server_url_is_loopback(const char *url)
{
    return strncmp(url, "http://127.", 11) == 0 || strncmp(url, "http://[::1]", 12) == 0 ||
           strncmp(url, "http://localhost", 16) == 0;
}

bool server_is_hidden(const char *url, const struct listener_config *listeners, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(listeners[i].address, "127.", 4) != 0 && strcmp(listeners[i].address, "::1") != 0)
            return false;
    return count > 0 && !server_url_is_loopback(url);
}

static void warn_of_loopback(const struct server_config *config, const char *file,
                             struct config_mistakes *warnings)
{
    const struct config_strings *cdp = &config->authority_cdp;
    const char *first = cdp->count > 0 ? cdp->items[0] : config->authority_url;
    if (warnings != NULL && server_url_is_loopback(first))
        config_mistake(warnings, file, 0, cdp->count > 0 ? "authority.cdp" : "authority.url",
                       "%s is a loopback address: only programs on this machine will find the CRL", first);
}

static enum status make_profiles(struct making *making, const struct server_config *config,
                                 struct snapshot *snapshot, struct err *err)
{
    snapshot->profiles = calloc(config->profile_count + 1, sizeof *snapshot->profiles);
    if (snapshot->profiles == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the profiles");
    making->templates = snapshot->templates;
    making->authority = snapshot->authority;
    for (size_t i = 0; i < config->profile_count; i++) {
        making->config = &config->profiles[i];
        TRY(make_profile(making, &snapshot->profiles[i], err));
        snapshot->profile_count++;
    }
    return config_mistakes_status(making->mistakes, err);
}

/* Hands on what was found in templates, but for verify = "none", of which one line a profile is enough. */
static void pass_on(const struct config_mistakes *found, struct config_mistakes *warnings)
{
    for (size_t i = 0; warnings != NULL && i < found->count; i++)
        if (strstr(found->lines[i], "verify = \"none\"") == NULL)
            config_mistake(warnings, "templates", 0, NULL, "%s", found->lines[i]);
}

static enum status new_snapshot(struct snapshot **out, struct err *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the configuration");
    (*out)->references = 1;
    return STATUS_OK;
}

enum status snapshot_load(const char *dir, const struct server_config *config, const char *passphrase,
                          struct store *store, struct config_mistakes *warnings, struct snapshot **out,
                          struct err *err)
{
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(config_mistakes) struct config_mistakes found = {0};
    AUTO(snapshot) struct snapshot *snapshot = NULL;
    AUTO(heap) char *templates_dir = NULL;
    AUTO(heap) char *file = NULL;
    const struct authority_config authority = server_authority_config(dir, config, passphrase);
    TRY(new_snapshot(&snapshot, err));
    TRY(path_join(dir, "templates", &templates_dir, err));
    TRY(path_join(dir, "scepter.cfg", &file, err));
    TRY(template_set_load(templates_dir, &config->templates, &mistakes, &found, &snapshot->templates, err));
    pass_on(&found, warnings);
    TRY(authority_open(store, &authority, &snapshot->authority, err));
    struct making making = {.dir = dir, .file = file, .mistakes = &mistakes, .warnings = warnings};
    TRY(make_profiles(&making, config, snapshot, err));
    warn_of_loopback(config, file, warnings);
    *out = MOVE(snapshot);
    return STATUS_OK;
}

/* ---- the authority anew ---- */

static enum status copy_profile(const struct profile *from, struct profile *out, struct err *err)
{
    AUTO(profile) struct profile copy = *from;
    copy.name = copy.template_any = copy.template_signing = copy.template_encryption = NULL;
    copy.template_both = copy.challenge_phrase = NULL;
    copy.webhook.url = copy.webhook.secret = copy.webhook.ca_file = NULL;
    TRY(text_copy(from->name, &copy.name, err));
    TRY(text_copy(from->template_any, &copy.template_any, err));
    TRY(text_copy(from->template_signing, &copy.template_signing, err));
    TRY(text_copy(from->template_encryption, &copy.template_encryption, err));
    TRY(text_copy(from->template_both, &copy.template_both, err));
    TRY(text_copy(from->challenge_phrase, &copy.challenge_phrase, err));
    TRY(text_copy(from->webhook.url, &copy.webhook.url, err));
    TRY(text_copy(from->webhook.secret, &copy.webhook.secret, err));
    TRY(text_copy(from->webhook.ca_file, &copy.webhook.ca_file, err));
    *out = copy;
    copy = (struct profile){0}; /* NOLINT(clang-analyzer-deadcode.DeadStores): scope cleanup reads it */
    return STATUS_OK;
}

enum status snapshot_renew_authority(const struct snapshot *present, struct store *store,
                                     struct snapshot **out, struct err *err)
{
    AUTO(snapshot) struct snapshot *snapshot = NULL;
    TRY(new_snapshot(&snapshot, err));
    snapshot->profiles = calloc(present->profile_count + 1, sizeof *snapshot->profiles);
    if (snapshot->profiles == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the profiles");
    for (size_t i = 0; i < present->profile_count; i++) {
        TRY(copy_profile(&present->profiles[i], &snapshot->profiles[i], err));
        snapshot->profile_count++;
    }
    snapshot->templates = template_set_ref(present->templates);
    TRY(authority_open(store, authority_config(present->authority), &snapshot->authority, err));
    *out = MOVE(snapshot);
    return STATUS_OK;
}

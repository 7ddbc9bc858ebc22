/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter challenge new` and `scepter profile …`: what a SCEP client needs to enrol.
 */
#include "cli_run.h"
#include "cli_template.h"

#include "text.h"

#include <string.h>

#define TTL_DEFAULT_S 3600

/* ---- challenge new ---- */

static enum status print_challenge(const char *phrase, const struct challenge_row *row, bool json,
                                   struct err *err)
{
    if (!json) {
        printf("%s\n", phrase);
        return out_end(stdout, err);
    }
    AUTO(json_object) struct json_object object = json_object_new();
    json_put_id(&object, "id", row->id);
    json_put_text(&object, "challenge", phrase);
    json_put_text(&object, "profile", row->profile);
    json_put_text(&object, "template", row->template_name);
    json_put_values(&object, "values", &row->values);
    json_put_time(&object, "expires", row->expires_s);
    json_put_number(&object, "uses", row->uses);
    return json_show(stdout, &object, err);
}

/* ---- whether it can be used at all ---- */

static enum status found_device(const struct device_row *row, void *context, struct err *err)
{
    bool *found = context;
    (void)row, (void)err;
    *found = true;
    return STATUS_OK;
}

/* Whether an entry that must be filled needs the name, and no source can know it. What the request itself
 * states may yet name a registered device. */
static bool is_missing(const struct template *template, struct lookup *lookup, bool devices, const char *name)
{
    const char *text = NULL, *source = NULL;
    if (lookup_get(lookup, name, &text, &source, NULL) != STATUS_NOT_FOUND)
        return false;
    for (size_t i = 0; i < template_entry_count(template); i++) {
        const struct template_entry entry = template_entry_at(template, i);
        if (!entry.optional && template_entry_names(template, i, name) &&
            (!entry.from_request || (entry.verified && !devices)))
            return true;
    }
    return false;
}

static void note_template(struct store *store, const struct template *template, const struct values *bound,
                          bool devices)
{
    struct lookup_source registry = lookup_device_registry(store);
    AUTO(lookup) struct lookup *lookup = NULL;
    AUTO(buf) struct buf names = BUF(4096);
    if (cli_lookup(&registry, bound, &lookup, NULL) != STATUS_OK)
        return;
    for (const char *const *name = template_lookup_names(template); *name != NULL; name++)
        if (is_missing(template, lookup, devices, *name))
            buf_printf(&names, "%s{%s}", names.len > 0 ? ", " : "", *name);
    AUTO(heap) char *text = buf_take_text(&names);
    if (text != NULL && text[0] != '\0')
        cli_note(
            "note: template %s needs %s, which this challenge does not bind (--set) and the device registry "
            "does not know: a request with it will be denied",
            template_name(template), text);
}

static void note_missing(struct store *store, const struct snapshot *snapshot,
                         const struct challenge_row *row)
{
    const struct profile *profile = snapshot_profile(snapshot, row->profile);
    const char *const names[] = {profile->template_any, profile->template_signing,
                                 profile->template_encryption, profile->template_both};
    bool devices = false;
    if (store_devices(store, found_device, &devices, NULL) != STATUS_OK)
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct template *template =
            names[i] != NULL ? template_set_find(snapshot->templates, names[i]) : NULL;
        bool meant =
            row->template_name == NULL || (names[i] != NULL && strcmp(row->template_name, names[i]) == 0);
        if (template != NULL && meant)
            note_template(store, template, &row->values, devices);
    }
}

enum status cli_challenge_new(struct cli *cli, struct err *err)
{
    bool json = false;
    AUTO(values) struct values values = {0};
    struct challenge_new wanted = {.values = &values, .ttl_s = TTL_DEFAULT_S, .uses = 1, .actor = cli->actor};
    const struct cli_option options[] = {{"profile", CLI_TEXT, &wanted.profile},
                                         {"template", CLI_TEXT, &wanted.template_name},
                                         {"set", CLI_VALUES, &values},
                                         {"ttl", CLI_DURATION, &wanted.ttl_s},
                                         {"uses", CLI_NUMBER, &wanted.uses},
                                         {"json", CLI_FLAG, &json},
                                         {0}};
    AUTO(app) struct app *app = NULL;
    AUTO(secret) char *phrase = NULL;
    AUTO(challenge_row) struct challenge_row row = {0};
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(app_open(cli->dir, false, &app, err));
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(app);
    const struct enroll_context context = {.store = app_store(app), .snapshot = snapshot};
    TRY(challenge_create(&context, &wanted, &phrase, &row, err));
    note_missing(app_store(app), snapshot, &row);
    return print_challenge(phrase, &row, json, err);
}

/* ---- profiles: read from the configuration, so that no key is opened ---- */

static enum status profile_url(const struct server_config *config, const struct profile_config *profile,
                               char **out, struct err *err)
{
    return text_format(out, err, "%s/scep/%s", config->authority_url, profile->name);
}

/* "User", or "signing=A, encryption=B". */
static char *templates_text(const struct profile_config *profile)
{
    AUTO(buf) struct buf text = BUF(1024);
    if (profile->template_any != NULL)
        buf_add_text(&text, profile->template_any);
    if (profile->template_signing != NULL)
        buf_printf(&text, "%ssigning=%s", text.len > 0 ? ", " : "", profile->template_signing);
    if (profile->template_encryption != NULL)
        buf_printf(&text, "%sencryption=%s", text.len > 0 ? ", " : "", profile->template_encryption);
    if (profile->template_both != NULL)
        buf_printf(&text, "%sboth=%s", text.len > 0 ? ", " : "", profile->template_both);
    return buf_take_text(&text);
}

static json_t *templates_json(const struct profile_config *profile)
{
    struct json_object object = json_object_new();
    json_put_text(&object, "signing", profile->template_signing);
    json_put_text(&object, "encryption", profile->template_encryption);
    json_put_text(&object, "both", profile->template_both);
    return object.json;
}

static enum status profile_json(const struct server_config *config, const struct profile_config *profile,
                                struct json_object *object, struct err *err)
{
    AUTO(heap) char *url = NULL;
    json_t *allow = json_array();
    TRY(profile_url(config, profile, &url, err));
    for (size_t i = 0; i < profile->allow.count; i++)
        json_array_append_new(allow, json_string(profile->allow.items[i]));
    *object = json_object_new();
    json_put_text(object, "profile", profile->name);
    json_put_text(object, "template", profile->template_any);
    json_put_json(object, "templates", profile->template_any == NULL ? templates_json(profile) : json_null());
    json_put_text(object, "challenge", challenge_policy_name((enum challenge_policy)profile->challenge));
    json_put_text(object, "ra", profile->ra == 0 ? "combined" : "pair");
    json_put_text(object, "ca_certificates", profile->ca_certificates == 0 ? "chain" : "single");
    json_put_json(object, "allow", allow);
    json_put_text(object, "url", url);
    return STATUS_OK;
}

static enum status profiles_json(const struct server_config *config, struct err *err)
{
    struct json_list list;
    json_list_begin(&list, stdout);
    for (size_t i = 0; i < config->profile_count; i++) {
        AUTO(json_object) struct json_object object = {0};
        TRY(profile_json(config, &config->profiles[i], &object, err));
        TRY(json_list_add(&list, &object, err));
    }
    return json_list_end(&list, err);
}

static enum status profiles_plain(const struct server_config *config, struct err *err)
{
    static const struct column columns[] = {
        {"PROFILE", 10}, {"TEMPLATE", 14}, {"CHALLENGE", 9}, {"URL", 0}, {0}};
    table_head(stdout, columns);
    for (size_t i = 0; i < config->profile_count; i++) {
        const struct profile_config *profile = &config->profiles[i];
        AUTO(heap) char *url = NULL;
        AUTO(heap) char *templates = templates_text(profile);
        TRY(profile_url(config, profile, &url, err));
        const char *const texts[] = {profile->name, templates,
                                     challenge_policy_name((enum challenge_policy)profile->challenge), url};
        table_row(stdout, columns, texts);
    }
    return out_end(stdout, err);
}

enum status cli_profile_list(struct cli *cli, struct err *err)
{
    bool json = false;
    const struct cli_option options[] = {{"json", CLI_FLAG, &json}, {0}};
    AUTO(server_config) struct server_config *config = NULL;
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(server_config_load(cli->dir, NULL, &config, err));
    return json ? profiles_json(config, err) : profiles_plain(config, err);
}

static enum status detail_profile(const struct server_config *config, const struct profile_config *profile,
                                  struct err *err)
{
    AUTO(heap) char *url = NULL;
    AUTO(heap) char *templates = templates_text(profile);
    AUTO(buf) struct buf window = BUF(64);
    duration_text(&window, profile->retry_window_s);
    AUTO(heap) char *retry = buf_take_text(&window);
    TRY(profile_url(config, profile, &url, err));
    detail_text(stdout, "profile", profile->name);
    detail_text(stdout, "url", url);
    detail_text(stdout, "template", templates);
    detail_text(stdout, "challenge", challenge_policy_name((enum challenge_policy)profile->challenge));
    detail_text(stdout, "challenge file", profile->challenge_file);
    detail_text(stdout, "webhook", profile->webhook_url);
    detail_text(stdout, "RA certificates", profile->ra == 0 ? "combined" : "pair");
    detail_text(stdout, "CA certificates", profile->ca_certificates == 0 ? "chain" : "single");
    for (size_t i = 0; i < profile->allow.count; i++)
        detail_text(stdout, "also allows", profile->allow.items[i]);
    detail_text(stdout, "retry window", retry);
    return out_end(stdout, err);
}

enum status cli_profile_show(struct cli *cli, struct err *err)
{
    bool json = false;
    const struct cli_option options[] = {{"json", CLI_FLAG, &json}, {0}};
    AUTO(server_config) struct server_config *config = NULL;
    const struct profile_config *found = NULL;
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(server_config_load(cli->dir, NULL, &config, err));
    for (size_t i = 0; i < config->profile_count; i++)
        if (strcmp(config->profiles[i].name, cli->argv[0]) == 0)
            found = &config->profiles[i];
    if (found == NULL)
        return ERR(err, STATUS_NOT_FOUND, "there is no profile %.100s (`scepter profile list` shows them)",
                   cli->argv[0]);
    if (!json)
        return detail_profile(config, found, err);
    AUTO(json_object) struct json_object object = {0};
    TRY(profile_json(config, found, &object, err));
    return json_show(stdout, &object, err);
}

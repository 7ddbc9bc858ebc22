/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter template …`: what templates there are, what they make of given values, and
 * every mistake in them.
 */
#include "cli_template.h"
#include "certificate_detail.h"
#include "cli_csr.h"
#include "cli_run.h"

#include "file.h"
#include "text.h"

#include <string.h>

#define OIDS_MAX 64

static const char *audience_word(enum audience audience)
{
    switch (audience) {
    case AUDIENCE_PUBLISHED:
        return "published";
    case AUDIENCE_OFFICER:
        return "officer";
    case AUDIENCE_INTERNAL:
        break;
    }
    return "internal";
}

static char *duration_copy(int64_t seconds)
{
    AUTO(buf) struct buf text = BUF(64);
    duration_text(&text, seconds);
    return buf_take_text(&text);
}

/* ---- list ---- */

static struct json_object describe(const struct template *template)
{
    struct json_object object = json_object_new();
    AUTO(heap) char *validity = duration_copy(template_validity_s(template));
    json_t *names = json_array();
    for (const char *const *name = template_lookup_names(template); *name != NULL; name++)
        json_array_append_new(names, json_string(*name));
    json_put_text(&object, "template", template_name(template));
    json_put_text(&object, "description", template_description(template));
    json_put_number(&object, "version", template_version(template));
    json_put_text(&object, "audience", audience_word(template_audience(template)));
    json_put_text(&object, "approval", template_manual_approval(template) ? "manual" : "auto");
    json_put_text(&object, "validity", validity);
    json_put_bool(&object, "trusts_request", template_trusts_request(template));
    json_put_json(&object, "lookup_names", names);
    json_put_text(&object, "file", template_file(template));
    return object;
}

static enum status list_json(const struct template_set *set, struct err *err)
{
    struct json_list list;
    json_list_begin(&list, stdout);
    for (size_t i = 0; i < template_set_count(set); i++) {
        AUTO(json_object) struct json_object object = describe(template_set_at(set, i));
        TRY(json_list_add(&list, &object, err));
    }
    return json_list_end(&list, err);
}

static enum status list_plain(const struct template_set *set, struct err *err)
{
    static const struct column columns[] = {{"TEMPLATE", 12}, {"FOR", 9},         {"APPROVAL", 8},
                                            {"VALIDITY", 8},  {"DESCRIPTION", 0}, {0}};
    table_head(stdout, columns);
    for (size_t i = 0; i < template_set_count(set); i++) {
        const struct template *template = template_set_at(set, i);
        AUTO(heap) char *validity = duration_copy(template_validity_s(template));
        const char *const texts[] = {template_name(template), audience_word(template_audience(template)),
                                     template_manual_approval(template) ? "manual" : "auto", validity,
                                     template_description(template)};
        table_row(stdout, columns, texts);
    }
    return out_end(stdout, err);
}

enum status cli_template_list(struct cli *cli, struct err *err)
{
    bool json = false;
    const struct cli_option options[] = {{"json", CLI_FLAG, &json}, {0}};
    AUTO(server_config) struct server_config *config = NULL;
    AUTO(template_set) struct template_set *set = NULL;
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(server_config_load(cli->dir, NULL, &config, err));
    TRY(cli_templates(cli, config, &set, err));
    return json ? list_json(set, err) : list_plain(set, err);
}

/* ---- show: the certificate that would come out ---- */

enum status cli_lookup(const struct lookup_source *registry, const struct values *values, struct lookup **out,
                       struct err *err)
{
    const struct lookup_source *const sources[] = {registry};
    AUTO(lookup) struct lookup *lookup = NULL;
    TRY(lookup_new(sources, 1, &lookup, err));
    TRY(lookup_bind(lookup, "command line", values, err));
    *out = MOVE(lookup);
    return STATUS_OK;
}

/* A request as the template would have it, with a key that is thrown away: the same way as a real one. */
static enum status make_certificate(const struct template *template, struct store *store,
                                    const struct values *values, struct content *content, struct err *err)
{
    struct lookup_source registry = lookup_device_registry(store);
    AUTO(lookup) struct lookup *lookup = NULL;
    AUTO(name) struct name subject = {0};
    AUTO(general_names) struct general_names san = {0};
    AUTO(key) struct key *key = NULL;
    AUTO(buf) struct buf der = BUF(CSR_MAX_LEN);
    AUTO(csr) struct csr *csr = NULL;
    TRY(cli_lookup(&registry, values, &lookup, err));
    TRY(template_propose(template, lookup, &subject, &san, err));
    TRY(key_generate(template_key_limits(template)->rsa ? KEY_SPEC_RSA_2048 : KEY_SPEC_EC_P256, &key, err));
    TRY(csr_make(key, &subject, &san, &der, err));
    TRY(csr_decode(buf_span(&der), &csr, err));
    const struct template_input input = {.csr = csr, .lookup = lookup, .vouched = true};
    return template_apply(template, &input, content, err);
}

static json_t *eku_list(const struct content *content)
{
    struct span oids[OIDS_MAX];
    size_t count = content->eku_count < OIDS_MAX ? content->eku_count : OIDS_MAX;
    for (size_t i = 0; i < count; i++)
        oids[i] = buf_span(&content->eku[i]);
    return json_from_oids(oids, count);
}

static enum status put_content(const struct content *content, struct json_object *object, struct err *err)
{
    AUTO(heap) char *subject = NULL;
    AUTO(heap) char *validity = duration_copy(content->validity_s);
    TRY(name_text_copy(&content->subject, &subject, err));
    json_put_text(object, "subject", subject);
    json_put_san(object, "san", &content->san);
    json_put_json(object, "key_usage", json_from_key_usage(content->key_usage));
    json_put_json(object, "eku", eku_list(content));
    json_put_text(object, "sid", content->sid);
    json_put_text(object, "validity", validity);
    json_put_values(object, "values", &content->values);
    return STATUS_OK;
}

static const char *verify_word(const struct template_entry *entry)
{
    if (!entry->from_request)
        return NULL;
    return entry->verified ? "source" : "none";
}

static json_t *entries_json(const struct template *template)
{
    json_t *list = json_array();
    for (size_t i = 0; i < template_entry_count(template); i++) {
        const struct template_entry entry = template_entry_at(template, i);
        struct json_object object = json_object_new();
        json_put_text(&object, "entry", entry.kind);
        json_put_text(&object, "pattern", entry.pattern);
        json_put_text(&object, "from", entry.from_request ? "request" : "template");
        json_put_text(&object, "verify", verify_word(&entry));
        json_put_bool(&object, "optional", entry.optional);
        json_array_append_new(list, object.json);
    }
    return list;
}

static json_t *template_eku_list(const struct template *template)
{
    struct span oids[OIDS_MAX];
    return json_from_oids(oids, template_eku(template, oids, OIDS_MAX));
}

static json_t *curves_json(const struct key_limits *limits)
{
    json_t *list = json_array();
    if (limits->p256)
        json_array_append_new(list, json_string("P-256"));
    if (limits->p384)
        json_array_append_new(list, json_string("P-384"));
    return list;
}

static void put_rules(const struct template *template, struct json_object *object)
{
    const struct key_limits *limits = template_key_limits(template);
    json_put_json(object, "entries", entries_json(template));
    json_put_json(object, "key_usage", json_from_key_usage(template_key_usage(template, !limits->rsa)));
    json_put_json(object, "eku", template_eku_list(template));
    json_put_json(object, "rsa_min_bits", limits->rsa ? json_integer(limits->rsa_min_bits) : json_null());
    json_put_json(object, "curves", curves_json(limits));
}

static enum status show_json(const struct template *template, const struct content *content, struct err *err)
{
    AUTO(json_object) struct json_object object = describe(template);
    put_rules(template, &object);
    if (content != NULL)
        TRY(put_content(content, &object, err));
    return json_show(stdout, &object, err);
}

static void detail_keys(const struct key_limits *limits)
{
    char text[96];
    snprintf(text, sizeof(text), "RSA %u to %u bits", limits->rsa_min_bits, limits->rsa_max_bits);
    detail_text(stdout, "keys", limits->rsa ? text : NULL);
    detail_text(stdout, limits->rsa ? "" : "keys", limits->p256 ? "EC P-256" : NULL);
    detail_text(stdout, limits->rsa || limits->p256 ? "" : "keys", limits->p384 ? "EC P-384" : NULL);
}

/* "SAN upn  {UserPrincipalName}  from the request, as a source knows it; optional" */
static void detail_entry(const struct template_entry *entry, bool is_subject)
{
    char kind[48], text[1024];
    snprintf(kind, sizeof(kind), "%s%s", is_subject ? "" : "SAN ", entry->kind);
    snprintf(text, sizeof(text), "%s  (%s%s)", entry->pattern,
             !entry->from_request ? "filled by the template"
             : entry->verified    ? "from the request, if a source knows it too: verify = \"source\""
                                  : "from the request, on its word: verify = \"none\"",
             entry->optional ? "; optional" : "");
    detail_text(stdout, kind, text);
}

static void detail_rules(const struct template *template)
{
    json_t *usage = json_from_key_usage(template_key_usage(template, !template_key_limits(template)->rsa));
    json_t *eku = template_eku_list(template);
    for (size_t i = 0; i < template_entry_count(template); i++) {
        const struct template_entry entry = template_entry_at(template, i);
        detail_entry(&entry, i == 0);
    }
    detail_list(stdout, "key usage", usage);
    detail_list(stdout, "EKU", eku);
    json_decref(usage);
    json_decref(eku);
}

static void detail_template(const struct template *template)
{
    AUTO(heap) char *validity = duration_copy(template_validity_s(template));
    AUTO(buf) struct buf names = BUF(4096);
    for (const char *const *name = template_lookup_names(template); *name != NULL; name++)
        buf_printf(&names, "%s{%s}", names.len > 0 ? ", " : "", *name);
    AUTO(heap) char *text = buf_take_text(&names);
    detail_text(stdout, "template", template_name(template));
    detail_text(stdout, "description", template_description(template));
    detail_text(stdout, "file", template_file(template));
    detail_number(stdout, "version", template_version(template));
    detail_text(stdout, "for", audience_word(template_audience(template)));
    detail_text(stdout, "approval", template_manual_approval(template) ? "manual" : "auto");
    detail_rules(template);
    detail_keys(template_key_limits(template));
    detail_text(stdout, "validity", validity);
    detail_text(stdout, "lookup values", text != NULL && text[0] != '\0' ? text : "none");
    if (template_trusts_request(template))
        detail_text(stdout, "takes on trust", "what requests say (verify = \"none\")");
}

static enum status detail_content(const struct content *content, struct err *err)
{
    AUTO(heap) char *subject = NULL;
    json_t *usage = json_from_key_usage(content->key_usage);
    json_t *eku = eku_list(content);
    enum status status = name_text_copy(&content->subject, &subject, err);
    printf("\nThe certificate that comes out:\n");
    detail_text(stdout, "subject", subject != NULL && subject[0] != '\0' ? subject : "(empty)");
    detail_san(stdout, &content->san);
    detail_list(stdout, "key usage", usage);
    detail_list(stdout, "EKU", eku);
    detail_text(stdout, "SID", content->sid);
    detail_values(stdout, &content->values);
    json_decref(usage);
    json_decref(eku);
    return status;
}

static enum status show_plain(const struct template *template, const struct content *content, struct err *err)
{
    detail_template(template);
    if (content != NULL)
        TRY(detail_content(content, err));
    return out_end(stdout, err);
}

enum status cli_template_show(struct cli *cli, struct err *err)
{
    bool json = false;
    AUTO(values) struct values values = {0};
    const struct cli_option options[] = {{"set", CLI_VALUES, &values}, {"json", CLI_FLAG, &json}, {0}};
    const struct template *template = NULL;
    AUTO(app) struct app *app = NULL;
    AUTO(template_set) struct template_set *set = NULL;
    AUTO(content) struct content content = {0};
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(app_open_store(cli->dir, &app, err));
    TRY(cli_templates(cli, app_config(app), &set, err));
    TRY(cli_template_find(set, cli->argv[0], &template, err));
    enum status status = make_certificate(template, app_store(app), &values, &content, err);
    if (status == STATUS_DENIED && values.count > 0 && template_entry_at(template, 0).from_request)
        cli_note("note: the subject is taken from the request; with these values alone none comes out: %s",
                 err->text);
    else if (status != STATUS_OK && values.count > 0)
        return status;
    /* without values a template is shown all the same: what it lacks is in its list of lookup values */
    const struct content *made = status == STATUS_OK ? &content : NULL;
    return json ? show_json(template, made, err) : show_plain(template, made, err);
}

/* ---- check ---- */

static void print_lines(const struct config_mistakes *lines, const char *prefix)
{
    for (size_t i = 0; i < lines->count; i++)
        printf("%s%s\n", prefix, lines->lines[i]);
}

static enum status check_all(const struct cli *cli, const struct template_options *options,
                             struct config_mistakes *mistakes, struct config_mistakes *warnings,
                             struct err *err)
{
    AUTO(heap) char *dir = NULL;
    AUTO(template_set) struct template_set *set = NULL;
    TRY(path_join(cli->dir, "templates", &dir, err));
    return template_set_load(dir, options, mistakes, warnings, &set, err);
}

/* One file can be checked without a data directory: then only the catalogue's lookup names are known. */
static enum status load_options(const struct cli *cli, struct config_mistakes *mistakes,
                                struct server_config **config, struct err *err)
{
    enum status status = server_config_load(cli->dir, mistakes, config, err);
    return status == STATUS_NOT_FOUND && cli->argc > 0 ? STATUS_OK : status;
}

enum status cli_template_check(struct cli *cli, struct err *err)
{
    const struct cli_option options[] = {{0}};
    AUTO(server_config) struct server_config *config = NULL;
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(config_mistakes) struct config_mistakes warnings = {0};
    const struct template_options none = {0};
    TRY(cli_options(cli, options, 0, 1, err));
    if (load_options(cli, &mistakes, &config, err) != STATUS_OK) {
        print_lines(&mistakes, "");
        return err->status;
    }
    const struct template_options *given = config != NULL ? &config->templates : &none;
    enum status status = cli->argc > 0 ? template_check_file(cli->argv[0], given, &mistakes, &warnings, err)
                                       : check_all(cli, given, &mistakes, &warnings, err);
    print_lines(&mistakes, "");
    print_lines(&warnings, "warning: ");
    TRY(out_end(stdout, NULL));
    if (mistakes.count > 0)
        return ERR(err, STATUS_CONFIG, "%zu mistake%s found", mistakes.count + mistakes.lost,
                   mistakes.count + mistakes.lost == 1 ? "" : "s");
    TRY(status);
    printf("no mistakes\n");
    return out_end(stdout, err);
}

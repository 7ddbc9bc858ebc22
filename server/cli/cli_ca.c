/* SPDX-License-Identifier: Apache-2.0
 *
 * ca: shows and exports the authority, installs a subordinate's certificate, and lets it
 * issue again after a restore. Making one is init's.
 */
#include "certificate_file.h"
#include "cli.h"
#include "cli_run.h"
#include "cms.h"
#include "file.h"

/* ---- show ---- */

void cli_fingerprint(struct buf *out, struct span fingerprint)
{
    for (size_t i = 0; i < fingerprint.len; i++)
        buf_printf(out, "%s%02X", i > 0 ? ":" : "", fingerprint.data[i]);
}

/* What is shown of one certificate. */
struct shown {
    struct serial serial;
    char *subject, *issuer;
    uint8_t sha1[20];
    uint8_t sha256[SHA256_LEN];
};
static void shown_free(struct shown *shown)
{
    free(shown->subject);
    free(shown->issuer);
}
AUTO_VALUE(shown, struct shown, shown_free)

static enum status work_out(const struct certificate *certificate, struct shown *out, struct err *err)
{
    TRY(serial_from(certificate->serial_octets, &out->serial, err));
    TRY(name_text_copy(&certificate->subject, &out->subject, err));
    TRY(name_text_copy(&certificate->issuer, &out->issuer, err));
    TRY(digest_compute(DIGEST_SHA1, buf_span(&certificate->der), out->sha1, err));
    return digest_compute(DIGEST_SHA256, buf_span(&certificate->der), out->sha256, err);
}

static const char *usage_name(enum ra_usage usage)
{
    static const char *const names[] = {
        [RA_COMBINED] = "combined", [RA_SIGNING] = "signing", [RA_ENCRYPTION] = "encryption"};
    return names[usage];
}

/* Everything that show shows. */
struct ca_view {
    const struct authority *authority;
    const struct generation *current;
    struct shown shown;
    struct config_strings cdp, aia;
    bool suspended;
};
static void ca_view_free(struct ca_view *view)
{
    shown_free(&view->shown);
    config_strings_free(&view->cdp);
    config_strings_free(&view->aia);
}
AUTO_VALUE(ca_view, struct ca_view, ca_view_free)

static enum status is_suspended(struct store *store, bool *suspended, struct err *err)
{
    AUTO(buf) struct buf reason = BUF(4096);
    enum status status = store_setting(store, SETTING_SUSPENDED, &reason, err);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    *suspended = status == STATUS_OK && reason.len > 0;
    return STATUS_OK;
}

static enum status look(const struct authority *authority, struct store *store, struct ca_view *view,
                        struct err *err)
{
    view->authority = authority;
    view->current = authority_current(authority);
    TRY(work_out(view->current->certificate, &view->shown, err));
    TRY(authority_cdp_urls(authority, view->current, &view->cdp, err));
    TRY(authority_aia_urls(authority, view->current, &view->aia, err));
    return is_suspended(store, &view->suspended, err);
}

static void put_urls(struct json_object *object, const char *name, const struct config_strings *urls)
{
    json_t *list = json_array();
    for (size_t i = 0; i < urls->count; i++)
        if (json_array_append_new(list, json_from_text(urls->items[i])) != 0)
            object->failed = true;
    json_put_json(object, name, list);
}

static void put_dates(struct json_object *object, const struct certificate *certificate)
{
    json_put_time(object, "not_before", certificate->not_before_s);
    json_put_time(object, "not_after", certificate->not_after_s);
    json_put_text(object, "key", pubkey_text(certificate->key));
}

/* Appends an object to a list and empties it. */
static void list_append(json_t *list, struct json_object *element, struct json_object *whole)
{
    if (element->failed || json_array_append(list, element->json) != 0)
        whole->failed = true;
}

static enum status put_generations(struct json_object *object, const struct authority *authority,
                                   struct err *err)
{
    json_t *list = json_array();
    json_put_json(object, "generations", list);
    for (size_t i = 0; list != NULL && i < authority_generation_count(authority); i++) {
        const struct generation *generation = authority_generation(authority, i);
        AUTO(shown) struct shown shown = {0};
        AUTO(json_object) struct json_object element = json_object_new();
        TRY(work_out(generation->certificate, &shown, err));
        json_put_number(&element, "certificate_index", generation->certificate_index);
        json_put_number(&element, "key_index", generation->key_index);
        json_put_serial(&element, "serial", &shown.serial);
        json_put_hex(&element, "sha256", SPAN(shown.sha256, SHA256_LEN));
        put_dates(&element, generation->certificate);
        list_append(list, &element, object);
    }
    return STATUS_OK;
}

static enum status put_ras(struct json_object *object, const struct authority *authority, struct err *err)
{
    json_t *list = json_array();
    json_put_json(object, "ra", list);
    for (int usage = RA_COMBINED; list != NULL && usage <= RA_ENCRYPTION; usage++) {
        const struct ra *ra = authority_ra(authority, (enum ra_usage)usage);
        AUTO(shown) struct shown shown = {0};
        AUTO(json_object) struct json_object element = json_object_new();
        TRY(work_out(ra->certificate, &shown, err));
        json_put_text(&element, "usage", usage_name(ra->usage));
        json_put_serial(&element, "serial", &shown.serial);
        put_dates(&element, ra->certificate);
        list_append(list, &element, object);
    }
    return STATUS_OK;
}

static enum status show_json(const struct ca_view *view, struct err *err)
{
    AUTO(json_object) struct json_object object = json_object_new();
    json_put_text(&object, "name", authority_name(view->authority));
    json_put_text(&object, "subject", view->shown.subject);
    json_put_text(&object, "issuer", view->shown.issuer);
    json_put_serial(&object, "serial", &view->shown.serial);
    json_put_hex(&object, "sha1", SPAN(view->shown.sha1, sizeof view->shown.sha1));
    json_put_hex(&object, "sha256", SPAN(view->shown.sha256, SHA256_LEN));
    put_dates(&object, view->current->certificate);
    TRY(put_generations(&object, view->authority, err));
    TRY(put_ras(&object, view->authority, err));
    put_urls(&object, "cdp", &view->cdp);
    put_urls(&object, "aia", &view->aia);
    json_put_text(&object, "ocsp", authority_config(view->authority)->ocsp);
    json_put_bool(&object, "suspended", view->suspended);
    return json_show(stdout, &object, err);
}

static enum status detail_fingerprint(const char *name, struct span fingerprint, struct err *err)
{
    AUTO(buf) struct buf hex = BUF(256);
    cli_fingerprint(&hex, fingerprint);
    AUTO(heap) char *text = buf_take_text(&hex);
    if (text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    detail_text(stdout, name, text);
    return STATUS_OK;
}

static void detail_generations(const struct authority *authority)
{
    for (size_t i = 0; i < authority_generation_count(authority); i++) {
        const struct generation *generation = authority_generation(authority, i);
        char until[32], text[128];
        time_text(generation->certificate->not_after_s, until);
        (void)snprintf(text, sizeof text, "certificate %lld, key %lld, until %s",
                       (long long)generation->certificate_index, (long long)generation->key_index, until);
        detail_text(stdout, "generation", text);
    }
}

static void detail_ras(const struct authority *authority)
{
    for (int usage = RA_COMBINED; usage <= RA_ENCRYPTION; usage++) {
        const struct ra *ra = authority_ra(authority, (enum ra_usage)usage);
        char from[32], until[32], text[128];
        time_text(ra->certificate->not_before_s, from);
        time_text(ra->certificate->not_after_s, until);
        (void)snprintf(text, sizeof text, "%s, %s, %s to %s", usage_name(ra->usage),
                       pubkey_text(ra->certificate->key), from, until);
        detail_text(stdout, "RA certificate", text);
    }
}

static enum status show_text(const struct ca_view *view, struct err *err)
{
    const struct certificate *certificate = view->current->certificate;
    char serial[2 * SERIAL_MAX + 1];
    serial_text(&view->shown.serial, serial);
    detail_text(stdout, "name", authority_name(view->authority));
    detail_text(stdout, "subject", view->shown.subject);
    detail_text(stdout, "issuer", view->shown.issuer);
    detail_text(stdout, "serial", serial);
    TRY(detail_fingerprint("SHA-1", SPAN(view->shown.sha1, sizeof view->shown.sha1), err));
    TRY(detail_fingerprint("SHA-256", SPAN(view->shown.sha256, SHA256_LEN), err));
    detail_time(stdout, "not before", certificate->not_before_s);
    detail_time(stdout, "not after", certificate->not_after_s);
    detail_text(stdout, "key", pubkey_text(certificate->key));
    detail_generations(view->authority);
    detail_ras(view->authority);
    for (size_t i = 0; i < view->cdp.count; i++)
        detail_text(stdout, "CRL URL", view->cdp.items[i]);
    for (size_t i = 0; i < view->aia.count; i++)
        detail_text(stdout, "CA URL", view->aia.items[i]);
    detail_text(stdout, "OCSP URL", authority_config(view->authority)->ocsp);
    if (view->suspended)
        detail_text(stdout, "suspended", "it issues nothing until `scepter ca resume`");
    return out_end(stdout, err);
}

static enum status ca_show(struct cli *cli, struct err *err)
{
    bool json = false;
    const struct cli_option options[] = {{"json", CLI_FLAG, &json}, {NULL, CLI_FLAG, NULL}};
    AUTO(app) struct app *app = NULL;
    AUTO(snapshot) struct snapshot *snapshot = NULL;
    AUTO(ca_view) struct ca_view view = {0};
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(app_open(cli->dir, false, &app, err));
    snapshot = app_snapshot(app);
    TRY(look(snapshot->authority, app_store(app), &view, err));
    return json ? show_json(&view, err) : show_text(&view, err);
}

/* ---- export ---- */

static enum status export_as(const struct generation *generation, const char *format, struct buf *out,
                             struct err *err)
{
    struct span list[CERTIFICATE_LIST_MAX + 1];
    size_t count = 0;
    list[count++] = buf_span(&generation->certificate->der);
    for (size_t i = 0; i < generation->chain_count && count <= CERTIFICATE_LIST_MAX; i++)
        list[count++] = buf_span(&generation->chain[i]);
    if (strcmp(format, "pem") == 0)
        pem_encode(out, "CERTIFICATE", list[0]);
    else if (strcmp(format, "der") == 0)
        buf_add(out, list[0]);
    else if (strcmp(format, "p7b") == 0)
        cms_certificates_encode(list, count, SPAN_NONE, out);
    else
        return ERR(err, STATUS_USAGE, "--format is \"%s\": pem, der or p7b (with the chain) is allowed",
                   format);
    return buf_status(out, "the certificate", err);
}

static enum status ca_export(struct cli *cli, struct err *err)
{
    const char *format = "pem";
    const struct cli_option options[] = {{"format", CLI_TEXT, &format}, {NULL, CLI_FLAG, NULL}};
    AUTO(app) struct app *app = NULL;
    AUTO(snapshot) struct snapshot *snapshot = NULL;
    AUTO(buf) struct buf octets = BUF(CERTIFICATE_FILE_MAX * 2);
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(app_open(cli->dir, false, &app, err));
    snapshot = app_snapshot(app);
    TRY(export_as(authority_current(snapshot->authority), format, &octets, err));
    return cli_write(buf_span(&octets), err);
}

/* ---- csr, install ---- */

static enum status ca_csr(struct cli *cli, struct err *err)
{
    const struct cli_option options[] = {{NULL, CLI_FLAG, NULL}};
    AUTO(app) struct app *app = NULL;
    AUTO(buf) struct buf der = BUF(CSR_MAX_LEN);
    AUTO(buf) struct buf pem = BUF(2 * CSR_MAX_LEN);
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(app_open_store(cli->dir, &app, err));
    TRY(authority_csr(app_store(app), &der, err));
    pem_encode(&pem, "CERTIFICATE REQUEST", buf_span(&der));
    TRY(buf_status(&pem, "the CSR", err));
    return cli_write(buf_span(&pem), err);
}

static enum status install(const struct cli *cli, struct app *app, const struct certificate_list *list,
                           struct err *err)
{
    const struct server_config *config = app_config(app);
    AUTO(template_set) struct template_set *templates = NULL;
    AUTO(secret) char *passphrase = NULL;
    TRY(cli_templates(cli, config, &templates, err));
    TRY(passphrase_read(config->authority_passphrase, "the authority's keys", &passphrase, err));
    const struct authority_config authority = server_authority_config(cli->dir, config, passphrase);
    return authority_install(app_store(app), &authority, templates, list->spans, list->count, cli->actor,
                             err);
}

/* Clients verify up to a root: whether one was in the file. */
static void note_chain(const struct certificate_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        AUTO(certificate) struct certificate *certificate = NULL;
        if (certificate_decode(list->spans[i], &certificate, NULL) == STATUS_OK &&
            certificate_is_self_issued(certificate))
            return;
    }
    cli_note(
        "note: the file holds no root certificate, so SCEP clients get an incomplete chain and may refuse "
        "it: run `scepter ca install FILE` again with a file that holds the same certificate and its "
        "issuers up to the root");
}

static enum status ca_install(struct cli *cli, struct err *err)
{
    const struct cli_option options[] = {{NULL, CLI_FLAG, NULL}};
    AUTO(app) struct app *app = NULL;
    AUTO(buf) struct buf octets = BUF(CERTIFICATE_FILE_MAX);
    AUTO(certificate_list) struct certificate_list list = {0};
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(app_open_store(cli->dir, &app, err));
    TRY(file_read(cli->argv[0], &octets, err));
    if (certificate_file_read(buf_span(&octets), &list, err) != STATUS_OK)
        return err_prefix(err, "%s: ", cli->argv[0]);
    TRY(install(cli, app, &list, err));
    note_chain(&list);
    (void)printf("The certificate is installed. Next: scepter serve --dir %s\n", cli->dir);
    return STATUS_OK;
}

/* ---- resume ---- */

static enum status ca_resume(struct cli *cli, struct err *err)
{
    const struct cli_option options[] = {{NULL, CLI_FLAG, NULL}};
    AUTO(app) struct app *app = NULL;
    AUTO(audit_row) struct audit_row audit = {0};
    struct change change = {0};
    bool suspended = false;
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(app_open_store(cli->dir, &app, err));
    TRY(is_suspended(app_store(app), &suspended, err));
    if (!suspended)
        return ERR(err, STATUS_CONFLICT, "the authority is not suspended: there is nothing to resume");
    TRY(text_copy(cli->actor, &audit.actor, err));
    TRY(text_copy("authority.resumed", &audit.action, err));
    change_add(&change, (struct change_op){.kind = CHANGE_SETTING_PUT,
                                           .setting = {.name = SETTING_SUSPENDED, .value = SPAN("", 0)}});
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    TRY(store_commit(app_store(app), &change, err));
    (void)printf("The authority issues again.\n");
    return STATUS_OK;
}

const struct command cli_ca_commands[] = {
    {"ca show", "[--json]", "shows the authority: certificate, fingerprints, RA certificates, URLs", ca_show},
    {"ca export", "[--format pem|der|p7b]", "writes the CA certificate to standard output", ca_export},
    {"ca csr", "", "writes the request of a subordinate that waits for its certificate", ca_csr},
    {"ca install", "FILE", "installs a subordinate's certificate with its chain (PEM, DER, p7b)", ca_install},
    {"ca resume", "", "lets the authority issue again after a restore", ca_resume},
    {NULL, NULL, NULL, NULL},
};

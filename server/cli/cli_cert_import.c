/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter cert import` and `crl revoke-unknown`: after a restore, what was issued since
 * the backup is not in the store. A certificate that turns up is added again; of one that
 * does not, the serial number at least is put on the CRL.
 */
#include "cli_run.h"

#include "clock.h"
#include "file.h"
#include "text.h"

#include <string.h>

static char imported_name[] = "imported";
static char unknown_name[] = "unknown";
static char imported_action[] = "certificate.imported";
static char unknown_action[] = "certificate.revoked-unknown";

static enum status commit_row(const struct cli *cli, struct store *store, const struct certificate_row *row,
                              const struct change_op *revoke, char *action, struct err *err)
{
    char serial[2 * SERIAL_MAX + 1];
    AUTO(heap) char *object = NULL;
    AUTO(heap) char *actor = NULL;
    struct change change = {0};
    serial_text(&row->serial, serial);
    TRY(text_format(&object, err, "certificate %s", serial));
    TRY(text_copy(cli->actor, &actor, err));
    struct audit_row audit = {.actor = actor, .action = action, .object = object, .detail = row->subject};
    change_add(&change, (struct change_op){.kind = CHANGE_CERTIFICATE_ADD,
                                           .certificate = {.row = row, .of_this_request = false}});
    if (revoke != NULL)
        change_add(&change, *revoke);
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    return store_commit(store, &change, err);
}

/* ---- import ---- */

static enum status read_certificate(const char *path, struct certificate **out, struct err *err)
{
    AUTO(buf) struct buf file = BUF(4 * CERTIFICATE_MAX_LEN);
    AUTO(buf) struct buf der = BUF(CERTIFICATE_MAX_LEN);
    TRY(file_read(path, &file, err));
    enum status status = der_from_any(buf_span(&file), certificate_pem_labels, &der, err);
    if (status == STATUS_OK)
        status = certificate_decode(buf_span(&der), out, err);
    if (status != STATUS_OK)
        (void)err_prefix(err, "%.200s holds no certificate: ", path);
    return status;
}

/* Borrows from the certificate, but for subject. */
static enum status fill_row(const struct cli *cli, const struct certificate *certificate, int64_t key_index,
                            struct certificate_row *row, struct err *err)
{
    TRY(serial_from(certificate->serial_octets, &row->serial, err));
    TRY(name_text_copy(&certificate->subject, &row->subject, err));
    TRY(text_copy(cli->actor, &row->requester, err));
    TRY(text_copy(imported_name, &row->template_name, err));
    row->created_s = clock_now();
    row->issuer_key = key_index;
    row->reason = REASON_NONE;
    row->not_before_s = certificate->not_before_s;
    row->not_after_s = certificate->not_after_s;
    memcpy(row->key_fingerprint, pubkey_fingerprint(certificate->key).data, SHA256_LEN);
    row->subject_der = BUF(CERTIFICATE_MAX_LEN);
    buf_add(&row->subject_der, certificate->subject_der);
    row->der = BUF(CERTIFICATE_MAX_LEN);
    buf_add(&row->der, buf_span(&certificate->der));
    TRY(buf_status(&row->subject_der, "the subject", err));
    TRY(buf_status(&row->der, "the certificate", err));
    for (size_t i = 0; i < certificate->san.count; i++)
        if (certificate->san.items[i].type != SAN_OTHER)
            TRY(general_names_add(&row->san, certificate->san.items[i].type, certificate->san.items[i].text,
                                  err));
    return STATUS_OK;
}

static enum status print_imported(const struct certificate_row *row, bool json, struct err *err)
{
    if (json) {
        AUTO(json_object) struct json_object object = json_from_certificate(row, NULL, clock_now());
        return json_show(stdout, &object, err);
    }
    char serial[2 * SERIAL_MAX + 1];
    serial_text(&row->serial, serial);
    printf("%s imported: %s\n", serial, row->subject);
    return out_end(stdout, err);
}

enum status cli_cert_import(struct cli *cli, struct err *err)
{
    bool json = false;
    const struct cli_option options[] = {{"json", CLI_FLAG, &json}, {0}};
    AUTO(app) struct app *app = NULL;
    AUTO(certificate) struct certificate *certificate = NULL;
    AUTO(certificate_row) struct certificate_row row = {0};
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(app_open(cli->dir, false, &app, err));
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(app);
    TRY(read_certificate(cli->argv[0], &certificate, err));
    const struct generation *issuer = authority_issuer_of(snapshot->authority, certificate);
    if (issuer == NULL)
        return ERR(err, STATUS_DENIED, "%.200s was not signed by %s: only its own certificates are imported",
                   cli->argv[0], authority_name(snapshot->authority));
    TRY(fill_row(cli, certificate, issuer->key_index, &row, err));
    TRY(commit_row(cli, app_store(app), &row, NULL, imported_action, err));
    return print_imported(&row, json, err);
}

/* ---- revoke-unknown ---- */

/* A row that knows nothing but the serial: listed until the CA's own certificate ends. */
static enum status add_unknown(const struct cli *cli, struct store *store,
                               const struct generation *generation, const struct serial *serial,
                               enum crl_reason reason, struct err *err)
{
    struct certificate_row row = {.created_s = clock_now(),
                                  .serial = *serial,
                                  .issuer_key = generation->key_index,
                                  .template_name = unknown_name,
                                  .reason = REASON_NONE,
                                  .not_before_s = generation->certificate->not_before_s,
                                  .not_after_s = generation->certificate->not_after_s};
    const struct change_op revoke = {
        .kind = CHANGE_REVOKE, .revoke = {.serial = *serial, .reason = reason, .revoked_s = row.created_s}};
    return commit_row(cli, store, &row, &revoke, unknown_action, err);
}

enum status cli_crl_revoke_unknown(struct cli *cli, struct err *err)
{
    const char *word = NULL;
    const struct cli_option options[] = {{"reason", CLI_TEXT, &word}, {0}};
    enum crl_reason reason = REASON_UNSPECIFIED;
    struct serial serial = {0};
    AUTO(app) struct app *app = NULL;
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(serial_parse(cli->argv[0], &serial, err));
    if (word != NULL && !crl_reason_by_name(word, &reason))
        return ERR(err, STATUS_USAGE, "--reason %.100s is none of RFC 5280's (keyCompromise, superseded …)",
                   word);
    TRY(app_open(cli->dir, false, &app, err));
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(app);
    TRY(add_unknown(cli, app_store(app), authority_current(snapshot->authority), &serial, reason, err));
    char text[2 * SERIAL_MAX + 1];
    serial_text(&serial, text);
    printf("%s revoked\n", text);
    TRY(out_end(stdout, err));
    return cli_publish_due(cli, app, err);
}

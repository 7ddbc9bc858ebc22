/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter cert …`: the table of its commands, and list and export. The others stand in
 * files of their own.
 */
#include "cli_run.h"

#include "clock.h"
#include "text.h"

/* ---- list ---- */

static const struct column CERTIFICATE_COLUMNS[] = {{"SERIAL", 32},   {"STATUS", 7},  {"NOT AFTER", 20},
                                                    {"TEMPLATE", 12}, {"SUBJECT", 0}, {0}};

struct listing {
    bool json;
    struct json_list list;
    int64_t now_s;
};

static enum status visit_certificate(const struct certificate_row *row, void *context, struct err *err)
{
    struct listing *listing = context;
    if (listing->json) {
        AUTO(json_object) struct json_object object = json_from_certificate(row, NULL, listing->now_s);
        return json_list_add(&listing->list, &object, err);
    }
    char serial[2 * SERIAL_MAX + 1];
    char not_after[32];
    serial_text(&row->serial, serial);
    time_text(row->not_after_s, not_after);
    const char *const texts[] = {serial, certificate_status_name(certificate_row_status(row, listing->now_s)),
                                 not_after, row->template_name, row->subject};
    table_row(stdout, CERTIFICATE_COLUMNS, texts);
    return STATUS_OK;
}

static enum status print_certificates(struct store *store, const struct certificate_filter *filter, bool json,
                                      struct err *err)
{
    struct listing listing = {.json = json, .now_s = filter->now_s};
    if (json)
        json_list_begin(&listing.list, stdout);
    else
        table_head(stdout, CERTIFICATE_COLUMNS);
    TRY(store_certificates(store, filter, visit_certificate, &listing, err));
    return json ? json_list_end(&listing.list, err) : out_end(stdout, err);
}

static enum status set_status(struct certificate_filter *filter, const char *word, struct err *err)
{
    if (word == NULL)
        return STATUS_OK;
    filter->by_status = true;
    if (certificate_status_by_name(word, &filter->status))
        return STATUS_OK;
    return ERR(err, STATUS_USAGE, "--status %s: it is one of valid, expired, revoked, held", word);
}

static enum status cert_list(struct cli *cli, struct err *err)
{
    struct certificate_filter filter = {.now_s = clock_now()};
    const char *status = NULL;
    int64_t expiring_s = -1;
    bool json = false;
    const struct cli_option options[] = {{"status", CLI_TEXT, &status},
                                         {"subject", CLI_TEXT, &filter.subject},
                                         {"template", CLI_TEXT, &filter.template_name},
                                         {"expiring", CLI_DURATION, &expiring_s},
                                         {"limit", CLI_NUMBER, &filter.limit},
                                         {"json", CLI_FLAG, &json},
                                         {0}};
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(set_status(&filter, status, err));
    if (expiring_s >= 0)
        filter.expires_before_s = filter.now_s + expiring_s;
    AUTO(app) struct app *app = NULL;
    TRY(app_open_store(cli->dir, &app, err));
    return print_certificates(app_store(app), &filter, json, err);
}

/* ---- export ---- */

static enum status cert_export(struct cli *cli, struct err *err)
{
    const struct cli_option options[] = {{0}};
    struct serial serial = {0};
    AUTO(app) struct app *app = NULL;
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(buf) struct buf pem = BUF(2 * CERTIFICATE_MAX_LEN);
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(serial_parse(cli->argv[0], &serial, err));
    TRY(app_open_store(cli->dir, &app, err));
    TRY(store_certificate(app_store(app), &serial, &row, err));
    if (row.der.len == 0)
        return ERR(err, STATUS_NOT_FOUND,
                   "of certificate %s only the serial number is known (crl revoke-unknown): there is "
                   "nothing to export",
                   cli->argv[0]);
    pem_encode(&pem, "CERTIFICATE", buf_span(&row.der));
    TRY(buf_status(&pem, "the certificate", err));
    return cli_write(buf_span(&pem), err);
}

const struct command cli_cert_commands[] = {
    {"cert issue",
     "--template T (--csr FILE | --genkey --out FILE.p12 [--key SPEC]) [--set K=V]... [--subject NAME] "
     "[--san TYPE=VALUE]... [--json]",
     "issues a certificate for a request, or for a new key as PKCS#12", cli_cert_issue},
    {"cert list",
     "[--status valid|expired|revoked|held] [--subject PART] [--template T] [--expiring 30d] [--limit N] "
     "[--json]",
     "lists certificates", cert_list},
    {"cert show", "SERIAL [--json]", "shows one certificate with everything that is known of it",
     cli_cert_show},
    {"cert export", "SERIAL", "writes a certificate as PEM", cert_export},
    {"cert revoke",
     "SERIAL... | --subject NAME | --value NAME=VALUE | --file FILE [--reason REASON] [--dry-run] [--json]",
     "revokes certificates and publishes the CRL", cli_cert_revoke},
    {"cert unhold", "SERIAL... [--json]", "takes certificates off hold and publishes the CRL",
     cli_cert_unhold},
    {"cert import", "FILE [--json]", "adds a certificate of ours that the store does not know",
     cli_cert_import},
    {0}};

/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter request …`: what was asked for and what became of it; an officer's decision
 * on what is pending. What a decision does is ca/decide's affair.
 */
#include "cli_run.h"

#include "text.h"

#include <errno.h>
#include <inttypes.h>

static const struct column REQUEST_COLUMNS[] = {
    {"ID", 6},         {"DISPOSITION", 11}, {"CREATED", 20}, {"TEMPLATE", 12},
    {"REQUESTER", 16}, {"SUBJECT", 24},     {"REASON", 0},   {0}};

struct listing {
    bool json;
    struct json_list list;
};

static enum status visit_request(const struct request_row *row, void *context, struct err *err)
{
    struct listing *listing = context;
    if (listing->json) {
        AUTO(json_object) struct json_object object = json_from_request(row);
        return json_list_add(&listing->list, &object, err);
    }
    char id[24], created[32];
    snprintf(id, sizeof(id), "%" PRId64, row->id);
    time_text(row->created_s, created);
    const char *const texts[] = {id,
                                 disposition_name(row->disposition),
                                 created,
                                 row->template_name,
                                 row->requester,
                                 row->subject,
                                 row->reason};
    table_row(stdout, REQUEST_COLUMNS, texts);
    return STATUS_OK;
}

static enum status set_disposition(struct request_filter *filter, const char *word, struct err *err)
{
    if (word == NULL)
        return STATUS_OK;
    filter->by_disposition = true;
    if (disposition_by_name(word, &filter->disposition))
        return STATUS_OK;
    return ERR(err, STATUS_USAGE, "--status %.100s: it is one of issued, pending, denied, failed", word);
}

static enum status request_list(struct cli *cli, struct err *err)
{
    struct request_filter filter = {0};
    struct listing listing = {0};
    const char *status = NULL;
    const struct cli_option options[] = {{"status", CLI_TEXT, &status},
                                         {"profile", CLI_TEXT, &filter.profile},
                                         {"limit", CLI_NUMBER, &filter.limit},
                                         {"json", CLI_FLAG, &listing.json},
                                         {0}};
    AUTO(app) struct app *app = NULL;
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(set_disposition(&filter, status, err));
    TRY(app_open_store(cli->dir, &app, err));
    if (listing.json)
        json_list_begin(&listing.list, stdout);
    else
        table_head(stdout, REQUEST_COLUMNS);
    TRY(store_requests(app_store(app), &filter, visit_request, &listing, err));
    return listing.json ? json_list_end(&listing.list, err) : out_end(stdout, err);
}

/* ---- show ---- */

static enum status id_parse(const char *text, int64_t *id, struct err *err)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number <= 0)
        return ERR(err, STATUS_USAGE, "%.100s is no request id: it is a number from `scepter request list`",
                   text);
    *id = number;
    return STATUS_OK;
}

static enum status make_csr_pem(const struct request_row *row, char **out, struct err *err)
{
    AUTO(buf) struct buf pem = BUF(2 * CSR_MAX_LEN);
    if (row->csr.len == 0)
        return STATUS_OK;
    pem_encode(&pem, "CERTIFICATE REQUEST", buf_span(&row->csr));
    TRY(buf_status(&pem, "the request", err));
    *out = buf_take_text(&pem);
    return *out != NULL ? STATUS_OK : ERR(err, STATUS_NOMEM, "out of memory");
}

static void detail_decision(const struct request_row *row)
{
    char serial[2 * SERIAL_MAX + 1];
    serial_text(&row->renews, serial);
    detail_text(stdout, "renews", row->renews.len > 0 ? serial : NULL);
    serial_text(&row->serial, serial);
    detail_text(stdout, "serial", row->serial.len > 0 ? serial : NULL);
    detail_time(stdout, "created", row->created_s);
    detail_time(stdout, "decided", row->decided_s);
    detail_text(stdout, "decided by", row->decided_by);
    detail_time(stdout, "lapses", row->lapses_s);
}

static enum status show_plain(const struct request_row *row, const char *csr, struct err *err)
{
    detail_number(stdout, "request", row->id);
    detail_text(stdout, "disposition", disposition_name(row->disposition));
    detail_text(stdout, "reason", row->reason);
    detail_text(stdout, "subject", row->subject);
    detail_san(stdout, &row->san);
    detail_values(stdout, &row->values);
    detail_text(stdout, "template", row->template_name);
    detail_text(stdout, "profile", row->profile);
    detail_text(stdout, "protocol", row->protocol);
    detail_text(stdout, "requester", row->requester);
    detail_text(stdout, "remote", row->remote);
    detail_text(stdout, "transactionID", row->transaction_id);
    detail_decision(row);
    if (csr != NULL)
        fputs(csr, stdout);
    return out_end(stdout, err);
}

static enum status request_show(struct cli *cli, struct err *err)
{
    bool json = false;
    const struct cli_option options[] = {{"json", CLI_FLAG, &json}, {0}};
    int64_t id = 0;
    AUTO(app) struct app *app = NULL;
    AUTO(request_row) struct request_row row = {0};
    AUTO(heap) char *csr = NULL;
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(id_parse(cli->argv[0], &id, err));
    TRY(app_open_store(cli->dir, &app, err));
    TRY(store_request(app_store(app), id, &row, err));
    TRY(make_csr_pem(&row, &csr, err));
    if (!json)
        return show_plain(&row, csr, err);
    AUTO(json_object) struct json_object object = json_from_request(&row);
    json_put_text(&object, "csr", csr);
    return json_show(stdout, &object, err);
}

/* ---- decisions ---- */

static enum status print_approved(const struct outcome *outcome, bool json, struct err *err)
{
    char serial[2 * SERIAL_MAX + 1];
    if (!json) {
        serial_text(&outcome->serial, serial);
        printf("%s\n", serial);
        return out_end(stdout, err);
    }
    AUTO(json_object) struct json_object object = json_object_new();
    json_put_serial(&object, "serial", &outcome->serial);
    json_put_id(&object, "request_id", outcome->request_id);
    json_put_text(&object, "disposition", disposition_name(outcome->disposition));
    return json_show(stdout, &object, err);
}

static enum status request_approve(struct cli *cli, struct err *err)
{
    bool json = false;
    const struct cli_option options[] = {{"json", CLI_FLAG, &json}, {0}};
    int64_t id = 0;
    AUTO(app) struct app *app = NULL;
    AUTO(outcome) struct outcome outcome = {0};
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(id_parse(cli->argv[0], &id, err));
    TRY(app_open(cli->dir, false, &app, err));
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(app);
    const struct enroll_context context = {.store = app_store(app), .snapshot = snapshot};
    TRY(enroll_approve(&context, id, cli->actor, &outcome, err));
    return print_approved(&outcome, json, err);
}

static enum status request_deny(struct cli *cli, struct err *err)
{
    const char *reason = NULL;
    const struct cli_option options[] = {{"reason", CLI_TEXT, &reason}, {0}};
    int64_t id = 0;
    AUTO(app) struct app *app = NULL;
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(id_parse(cli->argv[0], &id, err));
    TRY(app_open(cli->dir, false, &app, err));
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(app);
    const struct enroll_context context = {.store = app_store(app), .snapshot = snapshot};
    TRY(enroll_deny(&context, id, cli->actor, reason, err));
    printf("request %" PRId64 " denied\n", id);
    return out_end(stdout, err);
}

const struct command cli_request_commands[] = {
    {"request list", "[--status issued|pending|denied|failed] [--profile P] [--limit N] [--json]",
     "lists requests", request_list},
    {"request show", "ID [--json]", "shows one request", request_show},
    {"request approve", "ID [--json]", "approves a pending request and prints the serial number",
     request_approve},
    {"request deny", "ID [--reason TEXT]", "denies a pending request", request_deny},
    {0}};

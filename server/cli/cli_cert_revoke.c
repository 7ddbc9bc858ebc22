/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter cert revoke` and `cert unhold`: which certificates are meant, one change each,
 * then the CRL. What a reason does to the store is ca/revoke's affair.
 */
#include "cli_run.h"
#include "enroll.h"

#include "clock.h"
#include "file.h"
#include "text.h"

#include <string.h>

/* ---- which ones ---- */

struct serials {
    struct serial *items;
    size_t count, room;
};

static void serials_free(struct serials *serials)
{
    free(serials->items);
}
AUTO_VALUE(serials, struct serials, serials_free)

static enum status serials_add(struct serials *serials, const struct serial *serial, struct err *err)
{
    if (serials->count == serials->room) {
        size_t room = serials->room == 0 ? 64 : 2 * serials->room;
        struct serial *items = reallocarray(serials->items, room, sizeof(*items));
        if (items == NULL)
            return ERR(err, STATUS_NOMEM, "out of memory");
        serials->items = items;
        serials->room = room;
    }
    serials->items[serials->count++] = *serial;
    return STATUS_OK;
}

static enum status add_text(struct serials *serials, const char *text, struct err *err)
{
    struct serial serial = {0};
    TRY(serial_parse(text, &serial, err));
    return serials_add(serials, &serial, err);
}

/* One serial a line; what stands behind # is a comment. */
static enum status add_line(struct serials *serials, char *line, int number, struct err *err)
{
    line[strcspn(line, "#")] = '\0';
    if (line[strspn(line, " \t\r")] == '\0')
        return STATUS_OK;
    line[strcspn(line, "\r")] = '\0';
    if (add_text(serials, line, err) != STATUS_OK)
        return err_prefix(err, "line %d: ", number);
    return STATUS_OK;
}

static enum status add_file(struct serials *serials, const char *path, struct err *err)
{
    AUTO(buf) struct buf file = BUF(CLI_FILE_MAX);
    TRY(file_read(path, &file, err));
    AUTO(heap) char *text = buf_take_text(&file);
    if (text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    int number = 0;
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
        TRY(add_line(serials, line, ++number, err));
    return STATUS_OK;
}

static enum status visit_serial(const struct certificate_row *row, void *context, struct err *err)
{
    return serials_add(context, &row->serial, err);
}

struct selection {
    const char *subject, *file;
    struct values value; /* one */
};

static void selection_free(struct selection *selection)
{
    values_free(&selection->value);
}
AUTO_VALUE(selection, struct selection, selection_free)

static enum status check_selection(const struct cli *cli, const struct selection *selection, struct err *err)
{
    int ways = (cli->argc > 0) + (selection->subject != NULL) + (selection->file != NULL) +
               (selection->value.count > 0);
    if (ways != 1)
        return ERR(err, STATUS_USAGE,
                   "give one of: serial numbers, --subject NAME, --value NAME=VALUE, --file FILE");
    if (selection->subject != NULL && strchr(selection->subject, '=') == NULL)
        return ERR(err, STATUS_USAGE,
                   "--subject %.100s: the whole subject is wanted, such as \"CN=jdoe\"; `scepter cert list "
                   "--subject %.100s` shows those that hold the word",
                   selection->subject, selection->subject);
    if (selection->value.count > 1)
        return ERR(err, STATUS_USAGE, "--value may be given once");
    return STATUS_OK;
}

/* Subjects compare as the store wrote them: the words are brought into that form first. */
static enum status find(const struct cli *cli, const struct selection *selection, struct store *store,
                        struct serials *out, struct err *err)
{
    struct certificate_filter filter = {.now_s = clock_now()};
    AUTO(name) struct name name = {0};
    AUTO(heap) char *subject = NULL;
    if (selection->file != NULL)
        return add_file(out, selection->file, err);
    for (int i = 0; i < cli->argc; i++)
        TRY(add_text(out, cli->argv[i], err));
    if (cli->argc > 0)
        return STATUS_OK;
    if (selection->subject != NULL) {
        TRY(name_parse(selection->subject, &name, err));
        TRY(name_text_copy(&name, &subject, err));
        filter.subject_exact = subject;
    } else {
        filter.value_name = selection->value.items[0].name;
        filter.value_text = selection->value.items[0].text;
    }
    TRY(store_certificates(store, &filter, visit_serial, out, err));
    if (out->count == 0)
        return ERR(err, STATUS_NOT_FOUND, "no certificate was issued to %s%s%s",
                   subject != NULL ? subject : filter.value_name, subject != NULL ? "" : "=",
                   subject != NULL ? "" : filter.value_text);
    return STATUS_OK;
}

/* ---- what is done to each ---- */

struct work {
    struct store *store;
    const char *actor;
    bool unhold;
    enum crl_reason reason;
    bool dry_run, json;
    struct json_list list;
    size_t done, already, failed;
    bool single; /* one certificate: why not is the command's own error */
    char complaint[768];
};

static enum status change_one(struct work *work, const struct certificate_row *row, struct err *err)
{
    if (work->dry_run)
        return STATUS_OK;
    if (work->unhold)
        return unhold_certificate(work->store, &row->serial, work->actor, err);
    return revoke_certificate(work->store, &row->serial, work->reason, work->actor, err);
}

static enum status report(struct work *work, const struct serial *serial, const char *subject,
                          const char *result, const char *reason, struct err *err)
{
    char text[2 * SERIAL_MAX + 1];
    serial_text(serial, text);
    if (work->json) {
        AUTO(json_object) struct json_object object = json_object_new();
        json_put_serial(&object, "serial", serial);
        json_put_text(&object, "subject", subject);
        json_put_text(&object, "result", result);
        json_put_text(&object, "revocation_reason", work->unhold ? NULL : crl_reason_name(work->reason));
        json_put_text(&object, "reason", reason);
        return json_list_add(&work->list, &object, err);
    }
    if (reason != NULL && work->single)
        snprintf(work->complaint, sizeof(work->complaint), "%s %s: %s", text, result, reason);
    else if (reason != NULL)
        cli_note("%s %s: %s", text, result, reason);
    else
        printf("%s %s%s%s\n", text, result, subject != NULL ? ": " : "", subject != NULL ? subject : "");
    return STATUS_OK;
}

static const char *word_for_done(const struct work *work)
{
    if (work->unhold)
        return "released";
    if (work->reason == REASON_CERTIFICATE_HOLD)
        return work->dry_run ? "would be held" : "held";
    return work->dry_run ? "would be revoked" : "revoked";
}

/* Whether the change asked for finds nothing to do. */
static bool is_already(const struct work *work, const struct certificate_row *row)
{
    if (work->unhold || row->reason == REASON_NONE)
        return false;
    return row->reason != REASON_CERTIFICATE_HOLD || work->reason == REASON_CERTIFICATE_HOLD;
}

/* A failure on one certificate is named and does not stop the others. */
static enum status work_on(struct work *work, const struct serial *serial, struct err *err)
{
    AUTO(certificate_row) struct certificate_row row = {0};
    struct err why = {0};
    enum status status = store_certificate(work->store, serial, &row, &why);
    if (status == STATUS_OK && is_already(work, &row)) {
        work->already++;
        char since[48] = "since ";
        time_text(row.revoked_s, since + strlen(since));
        return report(work, serial, row.subject,
                      row.reason == REASON_CERTIFICATE_HOLD ? "is held already" : "is revoked already", since,
                      err);
    }
    if (status == STATUS_OK)
        status = change_one(work, &row, &why);
    if (status == STATUS_OK) {
        work->done++;
        return report(work, serial, row.subject, word_for_done(work), NULL, err);
    }
    if (status == STATUS_NOMEM || status == STATUS_IO || status == STATUS_BUSY)
        return ERR(err, status, "%s", why.text);
    work->failed++;
    return report(work, serial, row.subject, work->unhold ? "not released" : "not revoked", why.text, err);
}

static enum status work_on_all(struct work *work, const struct serials *serials, struct err *err)
{
    work->single = serials->count == 1 && !work->json;
    if (work->json)
        json_list_begin(&work->list, stdout);
    for (size_t i = 0; i < serials->count; i++)
        TRY(work_on(work, &serials->items[i], err));
    return work->json ? json_list_end(&work->list, err) : out_end(stdout, err);
}

static enum status verdict(const struct work *work, struct err *err)
{
    const char *what = work->unhold ? "released" : "revoked";
    if (work->complaint[0] != '\0')
        return ERR(err, STATUS_CONFLICT, "%s", work->complaint);
    if (work->failed > 0)
        return ERR(err, STATUS_CONFLICT, "%zu of %zu could not be %s", work->failed,
                   work->done + work->already + work->failed, what);
    if (work->done == 0)
        return ERR(err, STATUS_CONFLICT, "nothing was %s: %s", what,
                   work->already > 0 ? "already done" : "no serial number was given");
    return STATUS_OK;
}

static enum status finish(const struct cli *cli, const struct work *work, const struct app *app,
                          struct err *err)
{
    if (work->done > 0 && !work->dry_run)
        TRY(cli_publish_due(cli, app, err));
    return verdict(work, err);
}

/* ---- the commands ---- */

static enum status set_reason(const char *word, enum crl_reason *reason, struct err *err)
{
    if (word == NULL || crl_reason_by_name(word, reason))
        return STATUS_OK;
    return ERR(err, STATUS_USAGE,
               "--reason %.100s: it is one of unspecified, keyCompromise, cACompromise, affiliationChanged, "
               "superseded, cessationOfOperation, certificateHold, privilegeWithdrawn, aACompromise",
               word);
}

enum status cli_cert_revoke(struct cli *cli, struct err *err)
{
    AUTO(selection) struct selection selection = {0};
    AUTO(serials) struct serials serials = {0};
    AUTO(app) struct app *app = NULL;
    struct work work = {.actor = cli->actor, .reason = REASON_UNSPECIFIED};
    const char *reason = NULL;
    const struct cli_option options[] = {{"subject", CLI_TEXT, &selection.subject},
                                         {"value", CLI_VALUES, &selection.value},
                                         {"file", CLI_TEXT, &selection.file},
                                         {"reason", CLI_TEXT, &reason},
                                         {"dry-run", CLI_FLAG, &work.dry_run},
                                         {"json", CLI_FLAG, &work.json},
                                         {0}};
    TRY(cli_options(cli, options, 0, CLI_TEXTS_MAX, err));
    TRY(check_selection(cli, &selection, err));
    TRY(set_reason(reason, &work.reason, err));
    TRY(app_open_store(cli->dir, &app, err));
    work.store = app_store(app);
    enum status status = find(cli, &selection, work.store, &serials, err);
    if (status == STATUS_NOT_FOUND && selection.value.count > 0)
        TRY(cli_value_names_check(cli, app_config(app), &selection.value, err));
    TRY(status);
    TRY(work_on_all(&work, &serials, err));
    return finish(cli, &work, app, err);
}

enum status cli_cert_unhold(struct cli *cli, struct err *err)
{
    AUTO(serials) struct serials serials = {0};
    AUTO(app) struct app *app = NULL;
    struct work work = {.actor = cli->actor, .unhold = true};
    const struct cli_option options[] = {{"json", CLI_FLAG, &work.json}, {0}};
    TRY(cli_options(cli, options, 1, CLI_TEXTS_MAX, err));
    for (int i = 0; i < cli->argc; i++)
        TRY(add_text(&serials, cli->argv[i], err));
    TRY(app_open_store(cli->dir, &app, err));
    work.store = app_store(app);
    TRY(work_on_all(&work, &serials, err));
    return finish(cli, &work, app, err);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter audit …`: the chain of audit rows, listed and recomputed.
 */
#include "cli_run.h"

#include "file.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

#define CHECKPOINT_FILE_MAX 65536

static const struct column AUDIT_COLUMNS[] = {
    {"ID", 6}, {"TIME", 20}, {"ACTOR", 14}, {"ACTION", 20}, {"OBJECT", 14}, {"DETAIL", 0}, {0}};

struct listing {
    bool json;
    struct json_list list;
};

#define SIGNATURE_SHOWN 12

/* A checkpoint's signature would fill the line: --json has it whole. */
static const char *without_signature(const struct audit_row *row, char *out, size_t size)
{
    const char *signature = row->detail != NULL ? strstr(row->detail, " signature=") : NULL;
    if (signature == NULL || strcmp(row->action, "audit.checkpoint") != 0)
        return row->detail;
    size_t shown = (size_t)(signature - row->detail) + strlen(" signature=") + SIGNATURE_SHOWN;
    snprintf(out, size, "%.*s…", (int)shown, row->detail);
    return out;
}

static enum status visit_audit(const struct audit_row *row, void *context, struct err *err)
{
    struct listing *listing = context;
    if (listing->json) {
        AUTO(json_object) struct json_object object = json_from_audit(row);
        return json_list_add(&listing->list, &object, err);
    }
    char id[24], time[32], cut[512];
    snprintf(id, sizeof(id), "%" PRId64, row->id);
    time_text(row->time_s, time);
    const char *const texts[] = {id,          time,        row->actor,
                                 row->action, row->object, without_signature(row, cut, sizeof(cut))};
    table_row(stdout, AUDIT_COLUMNS, texts);
    return STATUS_OK;
}

enum status cli_audit_list(struct cli *cli, struct err *err)
{
    struct listing listing = {0};
    struct audit_filter filter = {0};
    const struct cli_option options[] = {{"after", CLI_NUMBER, &filter.after_id},
                                         {"limit", CLI_NUMBER, &filter.limit},
                                         {"json", CLI_FLAG, &listing.json},
                                         {0}};
    AUTO(app) struct app *app = NULL;
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(app_open_store(cli->dir, &app, err));
    if (listing.json)
        json_list_begin(&listing.list, stdout);
    else
        table_head(stdout, AUDIT_COLUMNS);
    TRY(store_audit(app_store(app), &filter, visit_audit, &listing, err));
    return listing.json ? json_list_end(&listing.list, err) : out_end(stdout, err);
}

/* ---- verify ---- */

/* A checkpoint that was kept elsewhere; the CA's public key is needed, so the authority is opened. */
static enum status verify_checkpoint(const struct cli *cli, const char *path, int64_t *covered,
                                     struct err *err)
{
    AUTO(buf) struct buf file = BUF(CHECKPOINT_FILE_MAX);
    AUTO(app) struct app *app = NULL;
    TRY(file_read(path, &file, err));
    AUTO(heap) char *text = buf_take_text(&file);
    if (text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    TRY(app_open(cli->dir, false, &app, err));
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(app);
    return audit_checkpoint_verify(app_store(app), snapshot->authority, text, covered, err);
}

static enum status print_verified(int64_t rows, const uint8_t head[SHA256_LEN], int64_t covered, bool json,
                                  struct err *err)
{
    if (json) {
        AUTO(json_object) struct json_object object = json_object_new();
        json_put_number(&object, "rows", rows);
        json_put_hex(&object, "head", SPAN(head, SHA256_LEN));
        json_put_id(&object, "checkpoint_rows", covered);
        return json_show(stdout, &object, err);
    }
    detail_number(stdout, "rows", rows);
    detail_hex(stdout, "head", SPAN(head, SHA256_LEN));
    if (covered > 0)
        detail_number(stdout, "checkpoint holds", covered);
    printf("the chain holds\n");
    return out_end(stdout, err);
}

enum status cli_audit_verify(struct cli *cli, struct err *err)
{
    bool json = false;
    const char *path = NULL;
    const struct cli_option options[] = {{"checkpoint", CLI_TEXT, &path}, {"json", CLI_FLAG, &json}, {0}};
    int64_t rows = 0, covered = 0;
    uint8_t head[SHA256_LEN] = {0};
    AUTO(app) struct app *app = NULL;
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(app_open_store(cli->dir, &app, err));
    TRY(store_audit_verify(app_store(app), &rows, head, err));
    if (path != NULL)
        TRY(verify_checkpoint(cli, path, &covered, err));
    return print_verified(rows, head, covered, json, err);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints of the audit chain: its head, signed with the CA's key, kept as an audit
 * row and logged by the server. Who rewrites the whole chain cannot make the checkpoints
 * that were logged elsewhere fit. Shows nothing about rows that were never written.
 */
#include "enroll_private.h"

#include "clock.h"
#include "text.h"

#include <string.h>

#define CHECKPOINT_ACTION "audit.checkpoint"
#define CHECKPOINT_MAX    2048

struct last_row {
    bool is_checkpoint;
};

static enum status visit_last(const struct audit_row *row, void *context, struct err *err)
{
    struct last_row *last = context;
    (void)err;
    last->is_checkpoint = row->action != NULL && strcmp(row->action, CHECKPOINT_ACTION) == 0;
    return STATUS_OK;
}

/* "rows=12 hash=… time=… key=0": what is signed, and with " signature=…" behind it what is kept. */
static void add_statement(struct buf *out, int64_t id, const uint8_t hash[SHA256_LEN], int64_t key_index)
{
    char time[32];
    time_text(clock_now(), time);
    buf_printf(out, "rows=%lld hash=", (long long)id);
    hex_encode(out, SPAN(hash, SHA256_LEN));
    buf_printf(out, " time=%s key=%lld", time, (long long)key_index);
}

static enum status sign_statement(const struct generation *generation, struct buf *line, struct err *err)
{
    AUTO(buf) struct buf signature = BUF(1024);
    TRY(key_sign(generation->key, DIGEST_SHA256, buf_span(line), &signature, err));
    buf_add_text(line, " signature=");
    base64_encode(line, buf_span(&signature));
    return buf_status(line, "the checkpoint", err);
}

enum status audit_checkpoint(struct store *store, const struct authority *authority, struct err *err)
{
    const struct generation *generation = authority_current(authority);
    uint8_t hash[SHA256_LEN];
    int64_t id = 0;
    struct last_row last = {0};
    struct change change = {0};
    AUTO(buf) struct buf line = BUF(CHECKPOINT_MAX);
    TRY(store_audit_head(store, &id, hash, err));
    if (id == 0)
        return STATUS_OK;
    struct audit_filter filter = {.after_id = id - 1, .limit = 1};
    TRY(store_audit(store, &filter, visit_last, &last, err));
    if (last.is_checkpoint)
        return STATUS_OK;
    add_statement(&line, id, hash, generation->key_index);
    TRY(buf_status(&line, "the checkpoint", err));
    TRY(sign_statement(generation, &line, err));
    AUTO(heap) char *text = buf_take_text(&line);
    if (text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    struct audit_row audit = {
        .actor = borrowed("system"), .action = borrowed(CHECKPOINT_ACTION), .detail = text};
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    return store_commit(store, &change, err);
}

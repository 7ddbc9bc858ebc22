/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints of the audit chain: its head, signed with the CA's key, kept as an audit
 * row and logged by the server. Who rewrites the whole chain cannot make the checkpoints
 * that were logged elsewhere fit. Shows nothing about rows that were never written.
 */
#include "enroll_private.h"

#include "clock.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
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

/* ---- verifying ---- */

/* A checkpoint read back; spans borrow the text. */
struct checkpoint {
    struct span statement;
    int64_t id;
    int64_t key_index;
    uint8_t hash[SHA256_LEN];
    struct buf signature;
};

static void checkpoint_free(struct checkpoint *checkpoint)
{
    buf_free(&checkpoint->signature);
}
AUTO_VALUE(checkpoint, struct checkpoint, checkpoint_free)

static enum status not_a_checkpoint(struct err *err)
{
    return ERR(err, STATUS_MALFORMED,
               "this is no checkpoint: it reads \"rows=N hash=HEX time=TIME key=N signature=BASE64\"");
}

/* The word behind a label at *at, which is moved behind it. */
static bool take_word(const char **at, const char *label, struct span *word)
{
    size_t label_len = strlen(label);
    if (strncmp(*at, label, label_len) != 0)
        return false;
    *word = SPAN(*at + label_len, strcspn(*at + label_len, " "));
    *at += label_len + word->len;
    return word->len > 0;
}

static bool take_number(const char **at, const char *label, int64_t *number)
{
    struct span word;
    char *end = NULL;
    if (!take_word(at, label, &word))
        return false;
    errno = 0;
    *number = strtoll((const char *)word.data, &end, 10);
    return errno == 0 && end == *at;
}

static bool take_hash(const char **at, const char *label, uint8_t hash[SHA256_LEN])
{
    AUTO(buf) struct buf octets = BUF(SHA256_LEN);
    char digits[2 * SHA256_LEN + 1] = {0};
    struct span word;
    if (!take_word(at, label, &word) || word.len != 2 * SHA256_LEN)
        return false;
    memcpy(digits, word.data, word.len);
    if (hex_decode(digits, &octets, NULL) != STATUS_OK || octets.len != SHA256_LEN)
        return false;
    memcpy(hash, octets.data, SHA256_LEN);
    return true;
}

static enum status parse(const char *text, struct checkpoint *out, struct err *err)
{
    const char *start = strstr(text, "rows=");
    const char *end = start != NULL ? strstr(start, " signature=") : NULL;
    const char *at = start;
    struct span time;
    if (end == NULL || strcspn(start, "\r\n") > CHECKPOINT_MAX || !take_number(&at, "rows=", &out->id) ||
        !take_hash(&at, " hash=", out->hash) || !take_word(&at, " time=", &time) ||
        !take_number(&at, " key=", &out->key_index) || at != end)
        return not_a_checkpoint(err);
    const char *signature = end + strlen(" signature=");
    if (base64_decode(SPAN(signature, strcspn(signature, " \"\r\n")), &out->signature, NULL) != STATUS_OK)
        return not_a_checkpoint(err);
    out->statement = SPAN(start, (size_t)(end - start));
    return STATUS_OK;
}

/* Any generation of that key: they share it. */
static enum status verify_signature(const struct checkpoint *checkpoint, const struct authority *authority)
{
    for (size_t i = 0; i < authority_generation_count(authority); i++) {
        const struct generation *generation = authority_generation(authority, i);
        if (generation->key_index == checkpoint->key_index)
            return pubkey_verify(key_public(generation->key), DIGEST_SHA256, checkpoint->statement,
                                 buf_span(&checkpoint->signature), NULL);
    }
    return STATUS_INTEGRITY;
}

struct found_row {
    bool found;
    uint8_t hash[SHA256_LEN];
    int64_t id;
};

static enum status visit_row(const struct audit_row *row, void *context, struct err *err)
{
    struct found_row *found = context;
    (void)err;
    found->found = true;
    found->id = row->id;
    memcpy(found->hash, row->hash, SHA256_LEN);
    return STATUS_OK;
}

enum status audit_checkpoint_verify(struct store *store, const struct authority *authority, const char *text,
                                    int64_t *rows, struct err *err)
{
    AUTO(checkpoint) struct checkpoint checkpoint = {.signature = BUF(1024)};
    struct found_row found = {0};
    TRY(parse(text, &checkpoint, err));
    if (verify_signature(&checkpoint, authority) != STATUS_OK)
        return ERR(err, STATUS_INTEGRITY, "the checkpoint was not signed by this CA, or was changed");
    struct audit_filter filter = {.after_id = checkpoint.id - 1, .limit = 1};
    TRY(store_audit(store, &filter, visit_row, &found, err));
    if (!found.found || found.id != checkpoint.id || memcmp(found.hash, checkpoint.hash, SHA256_LEN) != 0)
        return ERR(err, STATUS_INTEGRITY,
                   "audit row %" PRId64 " is not the one that the checkpoint was made of: rows were removed "
                   "or rewritten",
                   checkpoint.id);
    *rows = checkpoint.id;
    return STATUS_OK;
}

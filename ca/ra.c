/* SPDX-License-Identifier: Apache-2.0
 *
 * The authority's registration authority certificates: made from the template RA, renewed
 * in the last third of their life, retired. Their use (CMS) is elsewhere.
 */
#include "authority_private.h"

#include "clock.h"
#include "enroll_private.h"

#define TEMPLATE_NAME "RA"

static const unsigned usage_bits[RA_USAGES] = {
    [RA_COMBINED] = KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_ENCIPHERMENT,
    [RA_SIGNING] = KEY_USAGE_DIGITAL_SIGNATURE,
    [RA_ENCRYPTION] = KEY_USAGE_KEY_ENCIPHERMENT,
};

bool ra_usable(const struct ra *ra, int64_t now_s)
{
    return !ra->retired || now_s <= ra->certificate->not_after_s || now_s < ra->retired_s + RA_RETIRED_S;
}

/* ---- making ---- */

void ra_batch_free(struct ra_batch *batch)
{
    for (size_t i = 0; i < RA_USAGES; i++) {
        key_made_free(&batch->keys[i]);
        certificate_row_free(&batch->rows[i]);
        audit_row_free(&batch->audits[i]);
    }
    batch->count = 0;
}

void ra_batch_keep(struct ra_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->keys[i].kept = true;
}

/* What the template RA says, for this authority. */
static enum status make_content(const struct authority *authority, const struct template *template,
                                struct content *out, struct err *err)
{
    AUTO(values) struct values values = {0};
    AUTO(lookup) struct lookup *lookup = NULL;
    TRY(values_set(&values, "AuthorityName", authority->name, err));
    TRY(lookup_new(NULL, 0, &lookup, err));
    TRY(lookup_bind(lookup, "authority", &values, err));
    struct template_input input = {.lookup = lookup, .vouched = true};
    return template_apply(template, &input, out, err);
}

/* Takes what it can from content and issued. */
static enum status fill_row(struct content *content, struct issued *issued, const struct pubkey *key,
                            int64_t template_version, int64_t now_s, struct certificate_row *row,
                            struct err *err)
{
    row->created_s = now_s;
    row->serial = issued->serial;
    row->issuer_key = issued->key_index;
    row->template_name = MOVE(content->template_name);
    row->template_version = template_version;
    TRY(name_text_copy(&content->subject, &row->subject, err));
    row->subject_der = BUF(CERTIFICATE_MAX_LEN);
    name_encode(&content->subject, &row->subject_der);
    TRY(buf_status(&row->subject_der, "the subject", err));
    row->san = content->san;
    content->san = (struct general_names){0};
    row->values = content->values;
    content->values = (struct values){0};
    memcpy(row->key_fingerprint, pubkey_fingerprint(key).data, SHA256_LEN);
    row->not_before_s = issued->not_before_s;
    row->not_after_s = issued->not_after_s;
    row->reason = REASON_NONE;
    TRY(text_copy("system", &row->requester, err));
    buf_move(&row->der, &issued->der);
    return STATUS_OK;
}

static enum status fill_audit(const struct certificate_row *row, enum ra_usage usage, const char *actor,
                              struct audit_row *audit, struct err *err)
{
    char serial[2 * SERIAL_MAX + 1];
    char until[32];
    serial_text(&row->serial, serial);
    time_text(row->not_after_s, until);
    TRY(text_copy(actor != NULL ? actor : "system", &audit->actor, err));
    TRY(text_copy("ra.issued", &audit->action, err));
    TRY(text_format(&audit->object, err, "certificate %s", serial));
    return text_format(&audit->detail, err, "RA certificate (%s) valid until %s", ra_usage_name(usage),
                       until);
}

static enum status remember(struct state *state, enum ra_usage usage, const char *location,
                            const struct buf *der, int64_t now_s, struct err *err)
{
    for (size_t i = 0; i < state->ra_count; i++) {
        if (state->ras[i].usage == usage && state->ras[i].retired_s == 0)
            state->ras[i].retired_s = now_s;
    }
    struct state_ra *ra = state_add_ra(state);
    if (ra == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    ra->usage = usage;
    TRY(text_copy(location, &ra->key, err));
    buf_add(&ra->certificate, buf_span(der));
    return buf_status(&ra->certificate, "the RA certificate", err);
}

enum status ra_batch_add(struct ra_batch *batch, const struct authority *authority,
                         const struct template_set *templates, enum ra_usage usage, int64_t now_s,
                         struct state *state, struct change *change, struct err *err)
{
    size_t at = batch->count;
    const struct template *template = template_set_find(templates, TEMPLATE_NAME);
    if (template == NULL)
        return ERR(err, STATUS_CONFIG,
                   "there is no template " TEMPLATE_NAME
                   ", which the server's own SCEP certificates are made "
                   "from: put templates/" TEMPLATE_NAME ".cfg back");
    AUTO(heap) char *stem = NULL;
    TRY(text_format(&stem, err, "ra-%s", ra_usage_name(usage)));
    TRY(key_make(&authority->config, stem, true, state->ra_key, &batch->keys[at], err));
    batch->count++;
    const struct pubkey *key = key_public(batch->keys[at].key);
    AUTO(content) struct content content = {0};
    AUTO(issued) struct issued issued = {0};
    TRY(make_content(authority, template, &content, err));
    content.key_usage = usage_bits[usage];
    TRY(issue_certificate(authority, &content, key, now_s, RA_BACK_S, &issued, err));
    struct certificate_row *row = &batch->rows[at];
    TRY(fill_row(&content, &issued, key, template_version(template), now_s, row, err));
    TRY(fill_audit(row, usage, state->actor, &batch->audits[at], err));
    TRY(remember(state, usage, batch->keys[at].location, &row->der, now_s, err));
    change_add(change, (struct change_op){.kind = CHANGE_CERTIFICATE_ADD, .certificate = {.row = row}});
    change_add(change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &batch->audits[at]});
    return STATUS_OK;
}

/* ---- renewing ---- */

/* Whether a certificate of the authority's RA is in the last third of its life, and a new one would last
 * longer. */
static bool certificate_due(const struct certificate *certificate, const struct certificate *issuer,
                            int64_t now_s)
{
    int64_t life_s = certificate->not_after_s - certificate->not_before_s;
    return now_s >= certificate->not_after_s - life_s / 3 && certificate->not_after_s < issuer->not_after_s;
}

static bool usage_due(const struct authority *authority, enum ra_usage usage, int64_t now_s)
{
    const struct ra *ra = authority_ra(authority, usage);
    return ra == NULL || certificate_due(ra->certificate, authority_current(authority)->certificate, now_s);
}

bool authority_ra_due(const struct authority *authority, int64_t now_s)
{
    return usage_due(authority, RA_COMBINED, now_s) || usage_due(authority, RA_SIGNING, now_s) ||
           usage_due(authority, RA_ENCRYPTION, now_s);
}

/* Those that may no longer decrypt leave the state. */
static enum status forget_lapsed(struct state *state, int64_t now_s, struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->ra_count; i++) {
        struct state_ra *from = &state->ras[i];
        AUTO(certificate) struct certificate *certificate = NULL;
        TRY(certificate_decode(buf_span(&from->certificate), &certificate, err));
        struct ra ra = {
            .certificate = certificate, .retired = from->retired_s != 0, .retired_s = from->retired_s};
        if (ra_usable(&ra, now_s)) {
            struct state_ra swapped = state->ras[kept];
            state->ras[kept++] = *from;
            *from = swapped;
        }
    }
    for (size_t i = kept; i < state->ra_count; i++) {
        free(state->ras[i].key);
        buf_free(&state->ras[i].certificate);
    }
    state->ra_count = kept;
    return STATUS_OK;
}

enum status authority_ra_renew(const struct authority *authority, struct store *store,
                               const struct template_set *templates, struct err *err)
{
    int64_t now_s = clock_now();
    TRY(issuing_check(store, now_s, err));
    AUTO(state) struct state state = {0};
    AUTO(authority) struct authority *present = NULL;
    TRY(state_load(store, &state, err));
    TRY(authority_from_state(&state, &authority->config, &present, err));
    if (!authority_ra_due(present, now_s))
        return ERR(err, STATUS_CONFLICT, "no RA certificate is due: another process may have renewed them");
    TRY(forget_lapsed(&state, now_s, err));
    AUTO(ra_batch) struct ra_batch batch = {0};
    struct change change = {0};
    for (int usage = 0; usage < RA_USAGES; usage++) {
        if (usage_due(present, (enum ra_usage)usage, now_s))
            TRY(ra_batch_add(&batch, present, templates, (enum ra_usage)usage, now_s, &state, &change, err));
    }
    TRY(state_commit(&state, store, &change, err));
    ra_batch_keep(&batch);
    return STATUS_OK;
}

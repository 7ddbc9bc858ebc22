/* SPDX-License-Identifier: Apache-2.0
 *
 * Held requests: an officer approves or denies, or their time runs out. Approving goes
 * through the same template, key check and issuing as a new request.
 */
#include "enroll_private.h"

#include "clock.h"
#include "text.h"

#include <string.h>

#define LAPSE_BATCH      256
#define APPROVE_ATTEMPTS 2
#define SYSTEM_ACTOR     "system"
#define REASON_MAX_LEN   512

static enum status load_pending(struct store *store, int64_t request_id, struct request_row *row,
                                struct err *err)
{
    TRY(store_request(store, request_id, row, err));
    if (row->disposition != DISPOSITION_PENDING)
        return ERR(err, STATUS_CONFLICT, "request %lld is %s, no longer pending", (long long)request_id,
                   disposition_name(row->disposition));
    return STATUS_OK;
}

/* ---- denying ---- */

/* Commits a denial and gives row the new state. given_back: the use of its challenge is returned. */
static enum status deny(struct store *store, struct request_row *row, const char *actor, const char *reason,
                        bool given_back, struct err *err)
{
    AUTO(heap) char *text = NULL;
    AUTO(heap) char *by = NULL;
    AUTO(heap) char *object = NULL;
    struct change change = {0};
    TRY(text_copy(reason, &text, err));
    TRY(text_copy(actor, &by, err));
    TRY(text_format(&object, err, "request %lld", (long long)row->id));
    struct audit_row audit = {
        .actor = by, .action = borrowed("request.denied"), .object = object, .detail = text};
    struct request_row decided = *row; /* borrows */
    decided.disposition = DISPOSITION_DENIED;
    decided.decided_s = clock_now();
    decided.decided_by = by;
    decided.reason = text;
    change_add(&change, (struct change_op){.kind = CHANGE_REQUEST_DECIDE, .request = {.row = &decided}});
    if (given_back && row->challenge_id != 0)
        change_add(&change, (struct change_op){.kind = CHANGE_CHALLENGE_GIVE_BACK,
                                               .use = {row->challenge_id, decided.decided_s}});
    if (row->sealed.len > 0)
        change_add(&change, (struct change_op){.kind = CHANGE_REQUEST_DELIVERED, .id = row->id});
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    TRY(store_commit(store, &change, err));
    free(row->reason);
    free(row->decided_by);
    row->disposition = DISPOSITION_DENIED;
    row->decided_s = decided.decided_s;
    row->reason = MOVE(text);
    row->decided_by = MOVE(by);
    buf_free(&row->sealed);
    return STATUS_OK;
}

enum status decide_lapsed(const struct enroll_context *context, struct request_row *row, struct err *err)
{
    char date[32];
    AUTO(heap) char *reason = NULL;
    time_text(row->lapses_s, date);
    TRY(text_format(&reason, err, "lapsed: nobody approved it until %s", date));
    return deny(context->store, row, SYSTEM_ACTOR, reason, false, err);
}

enum status enroll_deny(const struct enroll_context *context, int64_t request_id, const char *actor,
                        const char *reason, struct err *err)
{
    AUTO(request_row) struct request_row row = {0};
    AUTO(heap) char *text = NULL;
    if (reason != NULL && (!utf8_printable(SPAN_STR(reason)) || strlen(reason) > REASON_MAX_LEN))
        return ERR(err, STATUS_MALFORMED, "a reason is one line of UTF-8 of at most %d octets",
                   REASON_MAX_LEN);
    TRY(load_pending(context->store, request_id, &row, err));
    TRY(text_format(&text, err, "denied by %s%s%s", actor, reason != NULL ? ": " : "",
                    reason != NULL ? reason : ""));
    return deny(context->store, &row, actor, text, true, err);
}

/* ---- lapsing ---- */

struct batch {
    int64_t ids[LAPSE_BATCH];
    size_t count;
};

static enum status visit_lapsed(const struct request_row *row, void *context, struct err *err)
{
    struct batch *batch = context;
    (void)err;
    batch->ids[batch->count++] = row->id;
    return STATUS_OK;
}

/* Another process may decide it first: that is fine. */
static enum status lapse_one(const struct enroll_context *context, int64_t id, int64_t *lapsed,
                             struct err *err)
{
    AUTO(request_row) struct request_row row = {0};
    enum status status = load_pending(context->store, id, &row, err);
    if (status == STATUS_OK)
        status = decide_lapsed(context, &row, err);
    if (status == STATUS_OK)
        ++*lapsed;
    return status == STATUS_CONFLICT || status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status enroll_lapse(const struct enroll_context *context, int64_t *lapsed, struct err *err)
{
    struct request_filter filter = {.by_disposition = true,
                                    .disposition = DISPOSITION_PENDING,
                                    .pending_lapsed_s = clock_now(),
                                    .limit = LAPSE_BATCH};
    struct batch batch = {0};
    *lapsed = 0;
    do {
        batch.count = 0;
        TRY(store_requests(context->store, &filter, visit_lapsed, &batch, err));
        for (size_t i = 0; i < batch.count; i++)
            TRY(lapse_one(context, batch.ids[i], lapsed, err));
        if (batch.count > 0)
            filter.after_id = batch.ids[batch.count - 1];
    } while (batch.count == LAPSE_BATCH);
    return STATUS_OK;
}

/* ---- approving ---- */

/* Nobody approves a request of their own; the command line counts as the machine's administrator. */
static enum status check_officer(const struct request_row *row, const char *actor, struct err *err)
{
    if (strncmp(actor, "local:", 6) != 0 && row->requester != NULL && strcmp(row->requester, actor) == 0)
        return ERR(err, STATUS_DENIED, "%s made request %lld: somebody else must approve it", actor,
                   (long long)row->id);
    return STATUS_OK;
}

static enum status load_renewed(struct enrollment *work, const struct request_row *row, struct err *err)
{
    if (row->renews.len == 0)
        return STATUS_OK;
    struct certificate_row *renewed = &work->asker.renewed;
    TRY(store_certificate(work->context->store, &row->renews, renewed, err));
    if (renewed->revoked_s == 0)
        return STATUS_OK;
    return ERR(err, STATUS_DENIED, "the certificate that request %lld renews has been revoked since: deny it",
               (long long)row->id);
}

/* The held request as an enrolment again: its CSR was verified when it came, and is blanked now. */
static enum status restore(struct enrollment *work, const struct request_row *row, struct err *err)
{
    const struct snapshot *snapshot = work->context->snapshot;
    TRY(csr_decode(buf_span(&row->csr), &work->csr, err));
    TRY(text_copy(row->requester, &work->asker.text, err));
    TRY(load_renewed(work, row, err));
    if (row->template_name != NULL)
        work->template = template_set_find(snapshot->templates, row->template_name);
    if (work->template == NULL)
        return ERR(err, STATUS_NOT_FOUND, "the template %s of request %lld no longer exists",
                   row->template_name != NULL ? row->template_name : "(none)", (long long)row->id);
    return STATUS_OK;
}

static enum status apply_again(struct enrollment *work, const struct request_row *row, struct err *err)
{
    struct lookup_source registry = lookup_device_registry(work->context->store);
    AUTO(lookup) struct lookup *lookup = NULL;
    bool vouched = row->requester != NULL && strncmp(row->requester, "local:", 6) == 0;
    TRY(key_check(work, err));
    TRY(content_lookup(work, &registry, &lookup, err));
    TRY(lookup_bind(lookup, "held request", &row->values, err));
    TRY(content_make(work, lookup, vouched, err));
    return key_check_reuse(work, err);
}

static enum status commit_approved(const struct enrollment *work, const struct request_row *row,
                                   const char *actor, struct err *err)
{
    AUTO(heap) char *detail = NULL;
    AUTO(heap) char *object = NULL;
    struct request_row decided = *row; /* borrows */
    struct certificate_row certificate;
    struct change change = {0};
    TRY(record_detail(work, &detail, err));
    TRY(text_format(&object, err, "request %lld", (long long)row->id));
    decided.disposition = DISPOSITION_ISSUED;
    decided.reason = NULL;
    decided.decided_by = borrowed(actor);
    decided.decided_s = work->now_s;
    decided.serial = work->issued.serial;
    decided.subject = work->subject;
    decided.san = work->content.san;
    decided.values = work->content.values;
    record_certificate(work, &certificate);
    certificate.request_id = row->id;
    certificate.profile = row->profile;
    struct audit_row audit = {
        .actor = borrowed(actor), .action = borrowed("request.approved"), .object = object, .detail = detail};
    change_add(&change, (struct change_op){.kind = CHANGE_REQUEST_DECIDE, .request = {.row = &decided}});
    change_add(&change,
               (struct change_op){.kind = CHANGE_CERTIFICATE_ADD, .certificate = {.row = &certificate}});
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    return store_commit(work->context->store, &change, err);
}

/* A conflict is either a serial that is taken (once more) or an officer who was quicker. The answer is made
 * before the commit: once that is done, nothing may fail any more. */
static enum status issue_approved(struct enrollment *work, const struct request_row *row, const char *actor,
                                  struct outcome *answer, struct err *err)
{
    enum status status = STATUS_CONFLICT;
    for (int attempt = 0; attempt < APPROVE_ATTEMPTS && status == STATUS_CONFLICT; attempt++) {
        AUTO(request_row) struct request_row again = {0};
        if (attempt > 0)
            TRY(load_pending(work->context->store, row->id, &again, err));
        issued_free(&work->issued);
        outcome_free(answer);
        TRY(authority_issue(work->context->snapshot->authority, &work->content, work->csr->key, work->now_s,
                            &work->issued, err));
        TRY(answer_new(work, DISPOSITION_ISSUED, STATUS_OK, NULL, row->id, answer, err));
        status = commit_approved(work, row, actor, err);
    }
    return status;
}

enum status enroll_approve(const struct enroll_context *context, int64_t request_id, const char *actor,
                           struct outcome *outcome, struct err *err)
{
    AUTO(enrollment) struct enrollment work = {.context = context, .now_s = clock_now()};
    AUTO(request_row) struct request_row row = {0};
    AUTO(outcome) struct outcome answer = {0};
    TRY(issuing_check(context->store, work.now_s, err));
    TRY(load_pending(context->store, request_id, &row, err));
    if (row.lapses_s <= work.now_s) {
        TRY(decide_lapsed(context, &row, err));
        return ERR(err, STATUS_CONFLICT, "request %lld is no longer pending: it %s", (long long)request_id,
                   row.reason);
    }
    TRY(check_officer(&row, actor, err));
    TRY(restore(&work, &row, err));
    TRY(apply_again(&work, &row, err));
    TRY(issue_approved(&work, &row, actor, &answer, err));
    *outcome = answer;
    answer = (struct outcome){0};
    return STATUS_OK;
}

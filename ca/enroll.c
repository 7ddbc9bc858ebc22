/* SPDX-License-Identifier: Apache-2.0
 *
 * The one way a request takes: from a request of whatever protocol to what became of it.
 * The steps are the functions that enroll_judge, enroll_issue and enroll_refuse call, in
 * the order of the diagram in design.md; each has its own file. Knows no protocol, and
 * nothing here decides what a certificate holds (templates/) or how it is signed (issue.c).
 */
#include "enroll_private.h"

#include "clock.h"
#include "text.h"

#include <string.h>

#define ISSUE_ATTEMPTS 2     /* a serial that is taken already is drawn anew once */
#define STRANGERS_MAX  10000 /* rows of refused strangers */

bool status_is_denial(enum status status)
{
    switch (status) {
    case STATUS_MALFORMED:
    case STATUS_LIMIT:
    case STATUS_ALGORITHM:
    case STATUS_INTEGRITY:
    case STATUS_NOT_FOUND:
    case STATUS_CONFLICT:
    case STATUS_DENIED:
        return true;
    default:
        return false;
    }
}

void asker_free(struct asker *asker)
{
    free(asker->text);
    challenge_row_free(&asker->challenge);
    values_free(&asker->webhook_values);
    certificate_row_free(&asker->renewed);
    *asker = (struct asker){0};
}

void enrollment_free(struct enrollment *work)
{
    csr_free(work->csr);
    buf_free(&work->csr_blanked);
    request_row_free(&work->earlier);
    asker_free(&work->asker);
    content_free(&work->content);
    buf_free(&work->subject_der);
    free(work->subject);
    issued_free(&work->issued);
    *work = (struct enrollment){0};
}

/* ---- the CSR ---- */

static enum status read_request(struct enrollment *work, struct err *err)
{
    TRY(csr_decode(work->request->csr_der, &work->csr, err));
    TRY(name_text_copy(&work->csr->subject, &work->subject, err));
    work->csr_blanked = BUF(CSR_MAX_LEN);
    csr_blanked(work->csr, &work->csr_blanked);
    return buf_status(&work->csr_blanked, "the request", err);
}

/* Another key with the transactionID of a pending request is an error (rules.md). */
static enum status check_transaction(const struct enrollment *work, struct err *err)
{
    const struct request *request = work->request;
    if (request->profile == NULL || request->transaction_id == NULL)
        return STATUS_OK;
    bool exists = false;
    TRY(store_request_other_key(work->context->store, request->profile->name, request->transaction_id,
                                pubkey_fingerprint(work->csr->key).data, &exists, err));
    if (exists)
        return ERR(err, STATUS_CONFLICT,
                   "transactionID %.200s belongs to a pending request with another key: use a new one",
                   request->transaction_id);
    return STATUS_OK;
}

/* ---- what the certificate will hold ---- */

static enum status bind_values(const struct enrollment *work, struct lookup *lookup, struct err *err)
{
    const struct request *request = work->request;
    TRY(lookup_bind(lookup, "challenge", &work->asker.challenge.values, err));
    if (request->requester.values != NULL) {
        const char *source = request->requester.kind == REQUESTER_LOCAL ? "command line" : "account";
        TRY(lookup_bind(lookup, source, request->requester.values, err));
    }
    return lookup_bind(lookup, "webhook", &work->asker.webhook_values, err);
}

static enum status resolve_and_apply(struct enrollment *work, struct err *err)
{
    struct lookup_source registry = lookup_device_registry(work->context->store);
    AUTO(lookup) struct lookup *lookup = NULL;
    TRY(content_lookup(work, &registry, &lookup, err));
    TRY(bind_values(work, lookup, err));
    return content_make(work, lookup, work->request->requester.kind == REQUESTER_LOCAL, err);
}

/* Everything before the signature. With work->earlier set, the request is a retry and nothing was judged. */
static enum status enroll_judge(struct enrollment *work, struct err *err)
{
    TRY(read_request(work, err));
    TRY(requester_check_signer(work, err));
    TRY(retry_identify(work, err));
    TRY(retry_find(work, err));
    if (work->earlier.id != 0)
        return STATUS_OK;
    TRY(issuing_check(work->context->store, work->now_s, err));
    TRY(requester_identify(work, err));
    TRY(check_transaction(work, err));
    TRY(template_choose(work, err));
    TRY(key_check(work, err));
    TRY(csr_verify(work->csr, err));
    TRY(resolve_and_apply(work, err));
    return key_check_reuse(work, err);
}

/* ---- approve or hold: one change, durable before anybody hears of it ---- */

static void add_challenge_use(const struct enrollment *work, struct change *change)
{
    if (work->asker.challenge.id != 0)
        change_add(change, (struct change_op){.kind = CHANGE_CHALLENGE_USE,
                                              .use = {work->asker.challenge.id, work->now_s}});
}

static void add_audit(struct change *change, const struct audit_row *audit)
{
    change_add(change, (struct change_op){.kind = CHANGE_AUDIT, .audit = audit});
}

static void add_request(const struct enrollment *work, const struct request_row *row, struct change *change)
{
    int64_t window_s = work->request->profile != NULL ? work->request->profile->retry_window_s : 0;
    change_add(change, (struct change_op){.kind = CHANGE_REQUEST_ADD,
                                          .request = {.row = row, .retry_since_s = work->now_s - window_s}});
}

/* Commits; an identical request that won the race becomes work->earlier. */
static enum status commit_new(struct enrollment *work, struct change *change, int64_t *request_id,
                              struct err *err)
{
    enum status status = store_commit(work->context->store, change, err);
    if (status == STATUS_CONFLICT && change->is_retry)
        return store_request(work->context->store, change->request_id, &work->earlier, err);
    TRY(status);
    *request_id = change->request_id;
    return STATUS_OK;
}

static enum status commit_issued(struct enrollment *work, int64_t *request_id, struct err *err)
{
    AUTO(heap) char *detail = NULL;
    struct request_row request;
    struct certificate_row certificate;
    struct change change = {0};
    TRY(record_detail(work, &detail, err));
    record_request(work, DISPOSITION_ISSUED, NULL, &request);
    record_certificate(work, &certificate);
    struct audit_row audit = {.actor = work->asker.text,
                              .action = borrowed("request.issued"),
                              .object = borrowed("request 0"),
                              .detail = detail};
    add_request(work, &request, &change);
    change_add(&change, (struct change_op){.kind = CHANGE_CERTIFICATE_ADD,
                                           .certificate = {.row = &certificate, .of_this_request = true}});
    add_challenge_use(work, &change);
    add_audit(&change, &audit);
    return commit_new(work, &change, request_id, err);
}

static void hand_answer_over(struct outcome *answer, struct outcome *outcome)
{
    *outcome = *answer;
    *answer = (struct outcome){0};
}

/* The answer is made before the commit: once that is done, nothing may fail any more. */
static enum status issue_once(struct enrollment *work, struct outcome *answer, struct err *err)
{
    issued_free(&work->issued);
    outcome_free(answer);
    TRY(authority_issue(work->context->snapshot->authority, &work->content, work->csr->key, work->now_s,
                        &work->issued, err));
    TRY(answer_new(work, DISPOSITION_ISSUED, STATUS_OK, NULL, 0, answer, err));
    return commit_issued(work, &answer->request_id, err);
}

static enum status enroll_issue(struct enrollment *work, struct outcome *outcome, struct err *err)
{
    AUTO(outcome) struct outcome answer = {0};
    enum status status = STATUS_CONFLICT;
    for (int attempt = 0; attempt < ISSUE_ATTEMPTS && status == STATUS_CONFLICT; attempt++) {
        if (attempt > 0)
            TRY(challenge_recheck(work, err));
        status = issue_once(work, &answer, err);
    }
    if (status == STATUS_CONFLICT) {
        TRY(challenge_recheck(work, err));
        return ERR(err, STATUS_INTERNAL, "the store refused %d new serial numbers one after the other",
                   ISSUE_ATTEMPTS);
    }
    TRY(status);
    if (work->earlier.id == 0)
        hand_answer_over(&answer, outcome);
    return STATUS_OK;
}

/* What makes a held request's answer possible later: its sealed secret, and who may poll for it. */
struct held {
    struct buf sealed;
    char *poll_name;
};

static void held_free(struct held *held)
{
    buf_free(&held->sealed);
    free(held->poll_name);
}
AUTO_VALUE(held, struct held, held_free)

static enum status held_make(const struct enrollment *work, struct held *held, struct err *err)
{
    const struct request *request = work->request;
    if (request->reply_secret.len > 0)
        TRY(seal_close(authority_config(work->context->snapshot->authority)->dir, request->reply_secret,
                       SPAN(work->retry_key, SHA256_LEN), &held->sealed, err));
    if (request->signer != NULL && request->transaction_id != NULL &&
        !pubkey_equal(request->signer->certificate->key, work->csr->key))
        TRY(poll_setting_name(request->profile, request->transaction_id, request->signer, &held->poll_name,
                              err));
    return STATUS_OK;
}

static enum status enroll_hold(struct enrollment *work, struct outcome *outcome, struct err *err)
{
    static const char reason[] = "waits for an officer's approval";
    AUTO(held) struct held held = {.sealed = BUF(4096)};
    struct request_row request;
    AUTO(outcome) struct outcome answer = {0};
    struct change change = {0};
    TRY(held_make(work, &held, err));
    TRY(answer_new(work, DISPOSITION_PENDING, STATUS_OK, reason, 0, &answer, err));
    record_request(work, DISPOSITION_PENDING, reason, &request);
    request.sealed = held.sealed;
    struct audit_row audit = {.actor = work->asker.text,
                              .action = borrowed("request.pending"),
                              .object = borrowed("request 0"),
                              .detail = work->subject};
    add_request(work, &request, &change);
    add_challenge_use(work, &change);
    if (held.poll_name != NULL)
        change_add(&change,
                   (struct change_op){.kind = CHANGE_SETTING_PUT,
                                      .setting = {held.poll_name, pubkey_fingerprint(work->csr->key)}});
    add_audit(&change, &audit);
    enum status status = commit_new(work, &change, &answer.request_id, err);
    if (status == STATUS_CONFLICT)
        TRY(challenge_recheck(work, err));
    TRY(status);
    if (work->earlier.id == 0)
        hand_answer_over(&answer, outcome);
    return STATUS_OK;
}

/* ---- deny, or fail ---- */

/* The row of a refusal. A one-time challenge that was presented counts the attempt; the tenth voids it. */
static enum status commit_refused(const struct enrollment *work, enum disposition disposition,
                                  const char *reason, int64_t *request_id, struct err *err)
{
    struct request_row request;
    struct change change = {0};
    record_request(work, disposition, reason, &request);
    struct audit_row audit = {
        .actor = work->asker.text,
        .action = borrowed(disposition == DISPOSITION_DENIED ? "request.denied" : "request.failed"),
        .object = borrowed("request 0"),
        .detail = borrowed(reason)};
    add_request(work, &request, &change);
    if (work->asker.challenge.id != 0)
        change_add(&change,
                   (struct change_op){.kind = CHANGE_CHALLENGE_FAIL, .id = work->asker.challenge.id});
    add_audit(&change, &audit);
    TRY(store_commit(work->context->store, &change, err));
    *request_id = change.request_id;
    return STATUS_OK;
}

/* Who presented nothing valid leaves a row too, so that an administrator finds the reason; of these so many
 * are kept at most (rules.md, Records), and none of them is worth an outage: without a row the reason still
 * is in reply and log. */
static void commit_stranger(const struct enrollment *work, const char *reason, int64_t *request_id)
{
    struct request_row request;
    struct change change = {0};
    record_request(work, DISPOSITION_DENIED, reason, &request);
    request.requester = borrowed("stranger");
    change_add(&change, (struct change_op){.kind = CHANGE_REQUEST_ADD,
                                           .request = {.row = &request, .strangers_max = STRANGERS_MAX}});
    if (store_commit(work->context->store, &change, NULL) == STATUS_OK)
        *request_id = change.request_id;
}

/* Looks once more for an identical request: it may have used the challenge while this one was judged. */
static bool was_won_by_another(struct enrollment *work)
{
    return work->csr != NULL && retry_find(work, NULL) == STATUS_OK && work->earlier.id != 0;
}

/* why: what the step said. Refusals of strangers leave a bounded number of rows. */
static enum status enroll_refuse(struct enrollment *work, const struct err *why, struct outcome *outcome,
                                 struct err *err)
{
    bool denied = status_is_denial(why->status);
    enum disposition disposition = denied ? DISPOSITION_DENIED : DISPOSITION_FAILED;
    int64_t id = 0;
    if (denied && was_won_by_another(work))
        return answer_stored(work->context, &work->earlier, false, outcome, err);
    if (work->asker.known) {
        struct err second = {0};
        if (commit_refused(work, disposition, why->text, &id, &second) != STATUS_OK) {
            *err = denied ? second : *why;
            return err->status;
        }
    } else if (!denied && why->status != STATUS_TIME) {
        *err = *why;
        return err->status;
    } else if (denied && work->csr != NULL) {
        commit_stranger(work, why->text, &id);
    }
    return answer_new(work, disposition, why->status, why->text, id, outcome, err);
}

enum status enroll(const struct enroll_context *context, const struct request *request,
                   struct outcome *outcome, struct err *err)
{
    AUTO(enrollment) struct enrollment work = {.context = context, .request = request, .now_s = clock_now()};
    struct err why = {0}, unused = {0};
    if (err == NULL)
        err = &unused;
    enum status status = enroll_judge(&work, &why);
    if (status == STATUS_OK && work.earlier.id == 0)
        status = work.content.manual_approval ? enroll_hold(&work, outcome, &why)
                                              : enroll_issue(&work, outcome, &why);
    if (status != STATUS_OK)
        return enroll_refuse(&work, &why, outcome, err);
    if (work.earlier.id != 0)
        return answer_stored(context, &work.earlier, false, outcome, err);
    return STATUS_OK;
}

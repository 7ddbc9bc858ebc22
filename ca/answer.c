/* SPDX-License-Identifier: Apache-2.0
 *
 * Outcomes: of an enrolment that has just been decided, and of a stored request that is
 * asked about again. Decides nothing.
 */
#include "enroll_private.h"

#include "clock.h"
#include "text.h"

void outcome_free(struct outcome *outcome)
{
    free(outcome->reason);
    buf_free(&outcome->certificate);
    buf_free(&outcome->reply_secret);
    free(outcome->template_name);
    free(outcome->subject);
    free(outcome->requester);
    *outcome = (struct outcome){0};
}

static enum status copy_buf(struct span from, struct buf *to, struct err *err)
{
    AUTO(buf) struct buf copy = BUF(from.len);
    buf_add(&copy, from);
    TRY(buf_status(&copy, "the answer", err));
    buf_move(to, &copy);
    return STATUS_OK;
}

static void hand_over(struct outcome *outcome, struct outcome *made)
{
    *outcome = *made;
    *made = (struct outcome){0};
}

enum status answer_new(const struct enrollment *work, enum disposition disposition, enum status status,
                       const char *reason, int64_t request_id, struct outcome *outcome, struct err *err)
{
    AUTO(outcome)
    struct outcome made = {.disposition = disposition,
                           .status = status,
                           .request_id = request_id,
                           .is_stranger = disposition != DISPOSITION_ISSUED && !work->asker.known};
    TRY(text_copy(reason, &made.reason, err));
    TRY(text_copy(work->template != NULL ? template_name(work->template) : NULL, &made.template_name, err));
    TRY(text_copy(work->subject, &made.subject, err));
    TRY(text_copy(work->asker.text, &made.requester, err));
    if (disposition == DISPOSITION_ISSUED) {
        made.serial = work->issued.serial;
        TRY(copy_buf(buf_span(&work->issued.der), &made.certificate, err));
    }
    hand_over(outcome, &made);
    return STATUS_OK;
}

/* The certificate of an issued request; one that is no longer good is not handed out again. */
static enum status take_certificate(struct store *store, const struct request_row *row, struct outcome *made,
                                    struct err *err)
{
    AUTO(certificate_row) struct certificate_row certificate = {0};
    TRY(store_certificate(store, &row->serial, &certificate, err));
    enum certificate_status status = certificate_row_status(&certificate, clock_now());
    if (status == CERTIFICATE_VALID) {
        made->serial = certificate.serial;
        return copy_buf(buf_span(&certificate.der), &made->certificate, err);
    }
    made->disposition = DISPOSITION_DENIED;
    made->status = STATUS_DENIED;
    return text_format(&made->reason, err, "the certificate of this request is %s: send a new request",
                       certificate_status_name(status));
}

static enum status take_secret(const struct enroll_context *context, const struct request_row *row,
                               struct outcome *made, struct err *err)
{
    if (row->sealed.len == 0)
        return STATUS_OK;
    made->reply_secret = BUF(row->sealed.len);
    return seal_open(authority_config(context->snapshot->authority)->dir, buf_span(&row->sealed),
                     SPAN(row->retry_key, SHA256_LEN), &made->reply_secret, err);
}

static enum status wipe_secret(struct store *store, const struct request_row *row, struct err *err)
{
    if (row->sealed.len == 0)
        return STATUS_OK;
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_REQUEST_DELIVERED, .id = row->id});
    return store_commit(store, &change, err);
}

enum status answer_stored(const struct enroll_context *context, const struct request_row *row,
                          bool with_secret, struct outcome *outcome, struct err *err)
{
    AUTO(outcome)
    struct outcome made = {.disposition = row->disposition, .request_id = row->id, .retry = true};
    TRY(text_copy(row->template_name, &made.template_name, err));
    TRY(text_copy(row->subject, &made.subject, err));
    TRY(text_copy(row->requester, &made.requester, err));
    if (with_secret)
        TRY(take_secret(context, row, &made, err));
    if (row->disposition == DISPOSITION_ISSUED) {
        TRY(take_certificate(context->store, row, &made, err));
        TRY(wipe_secret(context->store, row, err));
    } else {
        TRY(text_copy(row->reason, &made.reason, err));
    }
    if (row->disposition == DISPOSITION_DENIED)
        made.status = STATUS_DENIED;
    if (row->disposition == DISPOSITION_FAILED)
        made.status = STATUS_INTERNAL;
    hand_over(outcome, &made);
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * An enrolment as rows for the store. The rows borrow their strings and octets from it.
 */
#include "enroll_private.h"

#include "text.h"

#include <string.h>

static void fill_key(const struct enrollment *work, uint8_t fingerprint[SHA256_LEN])
{
    memcpy(fingerprint, pubkey_fingerprint(work->csr->key).data, SHA256_LEN);
}

/* Only what was issued or held can be repeated, and only that has used its challenge. */
static void fill_effects(const struct enrollment *work, struct request_row *row)
{
    memcpy(row->retry_key, work->retry_key, SHA256_LEN);
    row->challenge_id = work->asker.challenge.id;
    if (row->disposition == DISPOSITION_ISSUED) {
        row->serial = work->issued.serial;
        return;
    }
    row->decided_s = 0;
    const struct profile *profile = work->request->profile;
    row->lapses_s = work->now_s + (profile != NULL ? profile->pending_lapse_s : PENDING_LAPSE_DEFAULT_S);
}

void record_request(const struct enrollment *work, enum disposition disposition, const char *reason,
                    struct request_row *row)
{
    const struct request *request = work->request;
    *row = (struct request_row){
        .created_s = work->now_s,
        .decided_s = work->now_s,
        .disposition = disposition,
        .reason = borrowed(reason),
        .protocol = borrowed(request->protocol),
        .profile = request->profile != NULL ? request->profile->name : NULL,
        .template_name = work->template != NULL ? borrowed(template_name(work->template)) : NULL,
        .transaction_id = borrowed(request->transaction_id),
        .requester = work->asker.text,
        .remote = borrowed(request->remote),
        .subject = work->subject,
        .san = work->content_made ? work->content.san : work->csr->san,
        .csr = work->csr_blanked,
        .renews = work->asker.renewed.serial,
    };
    if (work->content_made)
        row->values = work->content.values;
    fill_key(work, row->key_fingerprint);
    if (work->csr->challenge != NULL)
        sha256(SPAN_STR(work->csr->challenge), row->challenge_sha256);
    if (disposition == DISPOSITION_ISSUED || disposition == DISPOSITION_PENDING)
        fill_effects(work, row);
}

void record_certificate(const struct enrollment *work, struct certificate_row *row)
{
    *row = (struct certificate_row){
        .created_s = work->now_s,
        .serial = work->issued.serial,
        .issuer_key = work->issued.key_index,
        .template_name = borrowed(template_name(work->template)),
        .template_version = template_version(work->template),
        .profile =
            work->request != NULL && work->request->profile != NULL ? work->request->profile->name : NULL,
        .subject = work->subject,
        .subject_der = work->subject_der,
        .san = work->content.san,
        .values = work->content.values,
        .not_before_s = work->issued.not_before_s,
        .not_after_s = work->issued.not_after_s,
        .requester = work->asker.text,
        .renews = work->asker.renewed.serial,
        .der = work->issued.der,
        .reason = REASON_NONE,
    };
    fill_key(work, row->key_fingerprint);
}

enum status record_detail(const struct enrollment *work, char **out, struct err *err)
{
    char serial[2 * SERIAL_MAX + 1];
    serial_text(&work->issued.serial, serial);
    return text_format(out, err, "certificate %s, template %s, subject %s", serial,
                       template_name(work->template), work->subject);
}

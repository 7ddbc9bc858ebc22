/* SPDX-License-Identifier: Apache-2.0
 *
 * What makes two requests the same one (rules.md, "Retry, renewal, new request"), and
 * finding the earlier of them. Does not answer it: that is answer.c.
 */
#include "enroll_private.h"

#include <string.h>

#define RETRY_MAX_LEN (CSR_MAX_LEN + 4096)

void add_length_prefixed(struct buf *out, struct span part)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_add_octet(out, (uint8_t)((uint64_t)part.len >> shift));
    buf_add(out, part);
}

/* Which signer it was: any self-signed one (its key is the CSR's), or one certificate of ours. */
static void add_signer(struct buf *out, const struct request_signer *signer)
{
    uint8_t fingerprint[SHA256_LEN];
    if (!signer->ours) {
        add_length_prefixed(out, SPAN_STR("self"));
        return;
    }
    sha256(buf_span(&signer->certificate->der), fingerprint);
    add_length_prefixed(out, SPAN(fingerprint, SHA256_LEN));
}

enum status retry_identify(struct enrollment *work, struct err *err)
{
    const struct request *request = work->request;
    if (request->profile == NULL || request->transaction_id == NULL || request->signer == NULL)
        return STATUS_OK;
    AUTO(buf) struct buf parts = BUF(RETRY_MAX_LEN);
    add_length_prefixed(&parts, SPAN_STR(request->profile->name));
    add_length_prefixed(&parts, SPAN_STR(request->transaction_id));
    add_signer(&parts, request->signer);
    add_length_prefixed(&parts, work->csr->info);
    TRY(buf_status(&parts, "transactionID and request", err));
    sha256(buf_span(&parts), work->retry_key);
    return STATUS_OK;
}

static bool is_set(const uint8_t key[SHA256_LEN])
{
    static const uint8_t none[SHA256_LEN];
    return memcmp(key, none, SHA256_LEN) != 0;
}

/* A pending one is repeated as long as it may be pending, an issued one within the retry window. */
enum status retry_find(struct enrollment *work, struct err *err)
{
    if (!is_set(work->retry_key))
        return STATUS_OK;
    const struct profile *profile = work->request->profile;
    int64_t reach_s = profile->retry_window_s + profile->pending_lapse_s;
    AUTO(request_row) struct request_row row = {0};
    struct err none = {0};
    enum status status = store_request_retry(work->context->store, work->retry_key, work->now_s - reach_s,
                                             work->now_s, &row, &none);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status != STATUS_OK)
        return ERR(err, status, "%s", none.text);
    if (row.disposition == DISPOSITION_PENDING && row.lapses_s <= work->now_s)
        return decide_lapsed(work->context, &row, err);
    if (row.disposition == DISPOSITION_ISSUED && row.decided_s < work->now_s - profile->retry_window_s)
        return STATUS_OK;
    work->earlier = row;
    row = (struct request_row){0};
    return STATUS_OK;
}

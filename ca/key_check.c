/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a requested key may be certified. Its arithmetic is base/pubkey's; the proof
 * that the requester holds it is csr_verify's.
 */
#include "enroll_private.h"

#include <string.h>

enum status key_check(const struct enrollment *work, struct err *err)
{
    const struct pubkey *key = work->csr->key;
    bool compromised = false;
    enum status status = pubkey_judge(key, template_key_limits(work->template), err);
    if (status != STATUS_OK) {
        (void)err_prefix(err, "template %s: ", template_name(work->template));
        return status;
    }
    if (authority_owns_key(work->context->snapshot->authority, key))
        return ERR(err, STATUS_DENIED, "the key is one of this CA's own: make a new one");
    TRY(store_key_compromised(work->context->store, pubkey_fingerprint(key).data, &compromised, err));
    if (compromised)
        return ERR(err, STATUS_DENIED,
                   "a certificate with this key was revoked for keyCompromise: make a new key");
    return STATUS_OK;
}

/* The subject that is to have the key, and the certificate of somebody else that has it. */
struct holder {
    const char *subject;
    struct serial other;
};

static enum status visit_holder(const struct certificate_row *row, void *context, struct err *err)
{
    struct holder *holder = context;
    (void)err;
    if (row->subject == NULL || strcmp(row->subject, holder->subject) != 0)
        holder->other = row->serial;
    return STATUS_OK;
}

enum status key_check_reuse(const struct enrollment *work, struct err *err)
{
    if (!template_key_same_subject(work->template))
        return STATUS_OK;
    struct holder holder = {.subject = work->subject};
    struct certificate_filter filter = {.now_s = work->now_s,
                                        .key_fingerprint = pubkey_fingerprint(work->csr->key).data};
    TRY(store_certificates(work->context->store, &filter, visit_holder, &holder, err));
    if (holder.other.len == 0)
        return STATUS_OK;
    char serial[2 * SERIAL_MAX + 1];
    serial_text(&holder.other, serial);
    return ERR(err, STATUS_DENIED,
               "certificate %s holds this key for another subject (key_reuse = \"same-subject\"): make a new "
               "key",
               serial);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The template's word on a request: what the certificate will hold, and its subject in
 * the forms that rows want. The rules are templates/'s.
 */
#include "enroll_private.h"

#define SUBJECT_MAX_LEN 65536

enum status content_lookup(const struct enrollment *work, const struct lookup_source *registry,
                           struct lookup **out, struct err *err)
{
    const struct lookup_source *const sources[] = {registry};
    AUTO(lookup) struct lookup *lookup = NULL;
    TRY(lookup_new(sources, 1, &lookup, err));
    if (is_renewal(work))
        TRY(lookup_bind(lookup, LOOKUP_OLD_CERTIFICATE, &work->asker.renewed.values, err));
    *out = MOVE(lookup);
    return STATUS_OK;
}

enum status content_make(struct enrollment *work, struct lookup *lookup, bool vouched, struct err *err)
{
    struct template_input input = {
        .csr = work->csr,
        .lookup = lookup,
        .renewed = is_renewal(work) ? &work->asker.renewed : NULL,
        .vouched = vouched,
    };
    char *subject = NULL;
    TRY(template_apply(work->template, &input, &work->content, err));
    work->subject_der = BUF(SUBJECT_MAX_LEN);
    name_encode(&work->content.subject, &work->subject_der);
    TRY(buf_status(&work->subject_der, "the subject", err));
    TRY(name_text_copy(&work->content.subject, &subject, err));
    free(work->subject);
    work->subject = subject;
    work->content_made = true;
    return STATUS_OK;
}

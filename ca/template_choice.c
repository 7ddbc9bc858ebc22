/* SPDX-License-Identifier: Apache-2.0
 *
 * Which template a request is for, and whether this requester may have it.
 */
#include "enroll_private.h"

#include <string.h>

static enum status find(const struct enrollment *work, const char *name, const struct template **out,
                        struct err *err)
{
    *out = template_set_find(work->context->snapshot->templates, name);
    if (*out == NULL)
        return ERR(err, STATUS_NOT_FOUND, "there is no template %s (`scepter template list` shows them)",
                   name);
    return STATUS_OK;
}

/* ---- by profile ---- */

/* The template for the key usage that the CSR asks for; none asked for is both. */
static enum status by_key_usage(const struct profile *profile, const struct csr *csr, const char **name,
                                struct err *err)
{
    const unsigned sign_bits = KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_NON_REPUDIATION;
    const unsigned encrypt_bits =
        KEY_USAGE_KEY_ENCIPHERMENT | KEY_USAGE_DATA_ENCIPHERMENT | KEY_USAGE_KEY_AGREEMENT;
    bool signs = csr->has_key_usage && (csr->key_usage & sign_bits) != 0;
    bool encrypts = csr->has_key_usage && (csr->key_usage & encrypt_bits) != 0;
    const char *purpose = signs == encrypts ? "both" : signs ? "signing" : "encryption";
    if (profile->template_any != NULL)
        *name = profile->template_any;
    else if (signs == encrypts)
        *name = profile->template_both;
    else
        *name = signs ? profile->template_signing : profile->template_encryption;
    if (*name == NULL)
        return ERR(err, STATUS_DENIED, "profile %s has no template for a key whose usage is \"%s\"",
                   profile->name, purpose);
    return STATUS_OK;
}

/* A challenge that is bound to a template is good for no other; where the CSR leaves it open, the bound one
 * is taken. */
static enum status by_challenge(const struct enrollment *work, const char **name, struct err *err)
{
    const struct profile *profile = work->request->profile;
    const char *bound = work->asker.challenge.template_name;
    if (profile->template_any == NULL && !work->csr->has_key_usage) {
        *name = bound;
        return STATUS_OK;
    }
    TRY(by_key_usage(profile, work->csr, name, err));
    if (strcmp(*name, bound) != 0)
        return ERR(err, STATUS_DENIED, "challenge %lld is for template %s, but the request is for %s",
                   (long long)work->asker.challenge.id, bound, *name);
    return STATUS_OK;
}

static enum status name_for_client(const struct enrollment *work, const char **name, struct err *err)
{
    const struct request *request = work->request;
    if (is_renewal(work))
        *name = work->asker.renewed.template_name;
    else if (work->asker.challenge.template_name != NULL)
        TRY(by_challenge(work, name, err));
    else
        TRY(by_key_usage(request->profile, work->csr, name, err));
    if (request->template_wanted != NULL && strcmp(request->template_wanted, *name) != 0)
        return ERR(err, STATUS_DENIED, "template %s was asked for, but this request can only have %s",
                   request->template_wanted, *name);
    return STATUS_OK;
}

/* ---- by name ---- */

static enum status name_for_account(const struct enrollment *work, const char **name, struct err *err)
{
    const struct request *request = work->request;
    *name = request->template_wanted;
    if (*name != NULL && request->profile != NULL && !profile_allows(request->profile, *name))
        return ERR(err, STATUS_DENIED, "profile %s does not issue from template %s", request->profile->name,
                   *name);
    if (*name == NULL && request->profile != NULL)
        return by_key_usage(request->profile, work->csr, name, err);
    if (*name == NULL)
        return ERR(err, STATUS_DENIED, "the request names no template");
    return STATUS_OK;
}

/* ---- permission ---- */

static enum status check_audience(const struct enrollment *work, const struct template *template,
                                  struct err *err)
{
    switch (template_audience(template)) {
    case AUDIENCE_PUBLISHED:
        return STATUS_OK;
    case AUDIENCE_OFFICER:
        if (work->request->requester.kind == REQUESTER_LOCAL)
            return STATUS_OK;
        return ERR(err, STATUS_DENIED, "template %s is for officers only: it is not published",
                   template_name(template));
    case AUDIENCE_INTERNAL:
        break;
    }
    return ERR(err, STATUS_DENIED, "template %s is for the server itself: nobody can ask for it",
               template_name(template));
}

enum status template_choose(struct enrollment *work, struct err *err)
{
    const struct template *template = NULL;
    const char *name = NULL;
    if (work->request->requester.kind == REQUESTER_CLIENT)
        TRY(name_for_client(work, &name, err));
    else
        TRY(name_for_account(work, &name, err));
    TRY(find(work, name, &template, err));
    TRY(check_audience(work, template, err));
    work->template = template;
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * struct content: what does not depend on the request but for the kind of its key, and its end.
 */
#include "template_private.h"

void content_free(struct content *content)
{
    name_free(&content->subject);
    general_names_free(&content->san);
    for (size_t i = 0; i < content->eku_count; i++)
        buf_free(&content->eku[i]);
    free(content->eku);
    for (size_t i = 0; i < content->policy_count; i++) {
        buf_free(&content->policies[i].oid);
        free(content->policies[i].cps);
    }
    free(content->policies);
    free(content->template_name);
    buf_free(&content->template_oid);
    free(content->sid);
    config_strings_free(&content->cdp);
    config_strings_free(&content->aia);
    values_free(&content->values);
    *content = (struct content){0};
}

/* RFC 5280 section 4.2.1.3 */
unsigned template_key_usage(const struct template *template, bool ec)
{
    unsigned signing = KEY_USAGE_DIGITAL_SIGNATURE;
    unsigned encryption = ec ? KEY_USAGE_KEY_AGREEMENT : KEY_USAGE_KEY_ENCIPHERMENT;

    switch (template->key.purpose) {
    case PURPOSE_SIGNING:
        return signing;
    case PURPOSE_ENCRYPTION:
        return encryption;
    default:
        return signing | encryption;
    }
}

/* rules.md: a key without request counts as RSA. */
static unsigned key_usage(const struct template *template, const struct csr *csr)
{
    return template_key_usage(template, csr != NULL && pubkey_type(csr->key) == KEY_EC);
}

static enum status copy_octets(const struct buf *from, struct buf *to, struct err *err)
{
    *to = BUF(64);
    buf_add(to, buf_span(from));
    return buf_status(to, "an OID", err);
}

static enum status copy_eku(struct content *content, const struct template *template, struct err *err)
{
    content->eku = calloc(template->eku_count + 1, sizeof *content->eku);
    if (content->eku == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < template->eku_count; i++) {
        content->eku_count++;
        TRY(copy_octets(&template->eku[i], &content->eku[i], err));
    }
    return STATUS_OK;
}

static enum status copy_policies(struct content *content, const struct template *template, struct err *err)
{
    content->policies = calloc(template->policy_count + 1, sizeof *content->policies);
    if (content->policies == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < template->policy_count; i++) {
        content->policy_count++;
        TRY(copy_octets(&template->policies[i].oid, &content->policies[i].oid, err));
        TRY(text_copy(template->policies[i].cps, &content->policies[i].cps, err));
    }
    return STATUS_OK;
}

static enum status copy_strings(const struct config_strings *from, struct config_strings *to, struct err *err)
{
    for (size_t i = 0; i < from->count; i++)
        TRY(strings_add(to, from->items[i], err));
    return STATUS_OK;
}

enum status content_fill(struct content *content, const struct template *template, const struct csr *csr,
                         struct err *err)
{
    content->key_usage = key_usage(template, csr);
    content->application_policies = template->application_policies;
    content->template_extension = template->oid.len > 0 || template->template_name_extension;
    content->template_major = template->major;
    content->template_minor = template->minor;
    content->validity_s = template->validity_s;
    content->has_cdp = template->has_cdp;
    content->has_aia = template->has_aia;
    content->ocsp_nocheck = template->ocsp_nocheck;
    content->manual_approval = template->approval == APPROVAL_MANUAL;
    TRY(text_copy(template->name, &content->template_name, err));
    TRY(copy_octets(&template->oid, &content->template_oid, err));
    TRY(copy_eku(content, template, err));
    TRY(copy_policies(content, template, err));
    TRY(copy_strings(&template->cdp, &content->cdp, err));
    return copy_strings(&template->aia, &content->aia, err);
}

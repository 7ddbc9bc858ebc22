/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request for a template would have to say: for requests that we make ourselves. Nothing is judged
 * here: the proposal takes the same way through template_apply as any request.
 */
#include "template_private.h"

/* The lookup value that says what the pattern "*" leaves open. */
static const char *name_for_any(enum san_type type)
{
    switch (type) {
    case SAN_UPN:
        return "UserPrincipalName";
    case SAN_EMAIL:
        return "EmailAddress";
    case SAN_DNS:
        return "DnsName";
    case SAN_IP:
        return "IpAddress";
    default:
        return NULL;
    }
}

/* With the pattern "*": {DistinguishedName} if it is known, else nothing. */
static enum status propose_any_subject(struct lookup *lookup, struct name *out, struct err *err)
{
    const char *text = NULL;
    const char *source = NULL;
    enum status status = lookup_get(lookup, "DistinguishedName", &text, &source, err);

    if (status == STATUS_NOT_FOUND)
        return name_parse("", out, err);
    TRY(status);
    return name_parse(text, out, err);
}

static enum status propose_text(struct application *application, const struct san_rule *rule,
                                struct buf *filled, struct err *err)
{
    const char *name = NULL;
    const char *text = NULL;

    if (!rule->entry.any)
        return pattern_fill(&rule->pattern, application_value, application, filled, err);
    name = name_for_any((enum san_type)rule->type);
    if (name == NULL)
        return ERR(err, STATUS_NOT_FOUND, "the pattern \"*\" of type %s has no lookup value to fill it",
                   san_type_name((enum san_type)rule->type));
    TRY(application_value(application, name, &text, err));
    buf_add_text(filled, text);
    return buf_status(filled, "a SAN value", err);
}

static enum status propose_entry(struct application *application, const struct san_rule *rule,
                                 struct general_names *out, struct err *err)
{
    AUTO(buf) struct buf filled = BUF(GENERAL_NAME_TEXT_MAX);
    AUTO(heap) char *text = NULL;
    enum status status = propose_text(application, rule, &filled, err);

    if (status == STATUS_NOT_FOUND && rule->optional)
        return STATUS_OK;
    TRY(status);
    text = buf_take_text(&filled);
    if (text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    return general_names_add(out, (enum san_type)rule->type, text, err);
}

static enum status propose(struct application *application, struct name *subject, struct general_names *san,
                           struct err *err)
{
    const struct template *template = application->template;

    if (template->subject.entry.any)
        TRY(propose_any_subject(application->input->lookup, subject, err));
    else
        TRY(subject_fill(&template->subject, application_value, application, subject, err));
    for (size_t i = 0; i < template->san_count; i++)
        if (template->sans[i].entry.from == FROM_REQUEST)
            TRY(propose_entry(application, &template->sans[i], san, err));
    return STATUS_OK;
}

enum status template_propose(const struct template *template, struct lookup *lookup, struct name *subject,
                             struct general_names *san, struct err *err)
{
    struct template_input input = {.lookup = lookup};
    struct application application = {.template = template, .input = &input};
    AUTO(name) struct name name = {0};
    AUTO(general_names) struct general_names names = {0};
    enum status status = propose(&application, &name, &names, err);

    if (status != STATUS_OK)
        return template_refuse(template, status, err);
    name_free(subject);
    *subject = name;
    name = (struct name){0};
    general_names_free(san);
    *san = names;
    names = (struct general_names){0};
    return STATUS_OK;
}

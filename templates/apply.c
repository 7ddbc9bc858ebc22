/* SPDX-License-Identifier: Apache-2.0
 *
 * Template, request and lookup values together: the content of a certificate, or the denial. It reads from
 * top to bottom in the order in which things are judged. It signs and stores nothing, and leaves the key to
 * the pipeline.
 */
#include "template_private.h"

#include <stdio.h>

/* ---- values that nobody may claim ---- */

/* text: folded. Blanks and dots around a name are not part of it. */
static bool denied_part(const struct template *template, const char *text, size_t len)
{
    while (len > 0 && strchr(" .", text[0]) != NULL) {
        text++;
        len--;
    }
    while (len > 0 && strchr(" .", text[len - 1]) != NULL)
        len--;
    for (size_t i = 0; i < template->denied_values.count; i++) {
        const char *denied = template->denied_values.items[i];

        if (strlen(denied) == len && memcmp(denied, text, len) == 0)
            return true;
    }
    return false;
}

/* As a whole, and with realm (name@REALM) and domain (DOMAIN\name, DOMAIN/name) cut off. */
static bool is_denied(const struct template *template, const char *folded)
{
    const char *name = folded;
    const char *separator = NULL;

    while ((separator = strpbrk(name, "\\/")) != NULL)
        name = separator + 1;
    return denied_part(template, folded, strlen(folded)) ||
           denied_part(template, folded, strcspn(folded, "@")) || denied_part(template, name, strlen(name)) ||
           denied_part(template, name, strcspn(name, "@"));
}

enum status application_judge_value(const struct template *template, const char *what, const char *text,
                                    struct err *err)
{
    AUTO(heap) char *folded = NULL;

    TRY(text_copy(text, &folded, err));
    fold_name(folded);
    if (is_denied(template, folded))
        return ERR(err, STATUS_DENIED, "%s is \"%.200s\", a value that no request may state (denied_values)",
                   what, text);
    return STATUS_OK;
}

/* ---- what the request claims ---- */

enum status application_claim(struct application *application, const struct values *found, int verify,
                              struct err *err)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct value *claim = &found->items[i];
        const char *before = values_get(&application->claims, claim->name);

        if (before != NULL && strcmp(before, claim->text) != 0)
            return ERR(err, STATUS_DENIED,
                       "the request says {%s} = \"%s\" in one place and \"%s\" in another", claim->name,
                       before, claim->text);
        TRY(values_set(&application->claims, claim->name, claim->text, err));
        if (verify == VERIFY_SOURCE)
            TRY(values_set(&application->sourced, claim->name, claim->text, err));
    }
    return STATUS_OK;
}

static enum status judge_claim(struct application *application, const struct value *claim, struct err *err)
{
    bool known = false;
    char what[VALUE_NAME_MAX + 3];

    (void)snprintf(what, sizeof what, "{%s}", claim->name);
    TRY(application_judge_value(application->template, what, claim->text, err));
    TRY(lookup_claim(application->input->lookup, claim->name, claim->text, &known, err));
    if (known || application->input->vouched || values_get(&application->sourced, claim->name) == NULL)
        return STATUS_OK;
    return ERR(err, STATUS_DENIED,
               "the request says {%s} = \"%s\", which no source knows (verify = \"source\"): register the "
               "device, or bind the value to the challenge (challenge new --set %s=…)",
               claim->name, claim->text, claim->name);
}

/* All claims are made known first: a source is asked once, with all of them. SAN names are judged last, for a
 * SID among them is held against the sources. */
static enum status judge_request(struct application *application, struct err *err)
{
    TRY(subject_claim(application, err));
    TRY(san_assign(application, true, err));
    TRY(lookup_announce(application->input->lookup, &application->claims, err));
    for (size_t i = 0; i < application->claims.count; i++)
        TRY(judge_claim(application, &application->claims.items[i], err));
    return san_judge(application, err);
}

/* ---- values for the template ---- */

enum status application_sid(struct application *application, const char **sid, struct err *err)
{
    AUTO(general_names) struct general_names form = {0};
    const char *text = NULL;
    const char *source = NULL;

    TRY(lookup_get(application->input->lookup, "ObjectSid", &text, &source, err));
    if (strcmp(source, LOOKUP_REQUEST) == 0)
        return ERR(
            err, STATUS_DENIED,
            "{ObjectSid} is known from the request alone: a SID is issued only if another source knows "
            "it (challenge, account, directory)");
    if (general_names_add(&form, SAN_SID_URI, text, err) != STATUS_OK)
        return ERR(err, STATUS_DENIED, "{ObjectSid} is \"%.100s\" by the %s, which is no SID (S-1-5-21-…)",
                   text, source);
    *sid = text;
    return STATUS_OK;
}

enum status application_value(void *application, const char *name, const char **text, struct err *err)
{
    const struct application *self = application;
    const char *source = NULL;

    if (strcmp(name, "ObjectSid") == 0)
        return application_sid(application, text, err);
    if (pattern_is_wildcard(name))
        return ERR(err, STATUS_NOT_FOUND, "{%s} is a wildcard, which only a request can fill", name);
    return lookup_get(self->input->lookup, name, text, &source, err);
}

static bool has_group(const char *groups, const char *group)
{
    size_t len = strlen(group);

    for (const char *at = groups; *at != '\0';) {
        size_t part = strcspn(at, ";");
        size_t blanks = strspn(at, " ");
        size_t end = part;

        while (end > blanks && at[end - 1] == ' ')
            end--;
        if (blanks < end && end - blanks == len && strncasecmp(at + blanks, group, len) == 0)
            return true;
        at += at[part] == ';' ? part + 1 : part;
    }
    return false;
}

static enum status judge_groups(struct application *application, struct err *err)
{
    const struct config_strings *required = &application->template->require_groups;
    const char *groups = NULL;
    const char *source = NULL;
    enum status status = STATUS_OK;

    if (required->count == 0)
        return STATUS_OK;
    status = lookup_get(application->input->lookup, "Groups", &groups, &source, err);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && strcmp(source, LOOKUP_REQUEST) == 0))
        return ERR(
            err, STATUS_DENIED,
            "require_groups asks for the group \"%s\", but no source knows group membership ({Groups})",
            required->items[0]);
    TRY(status);
    for (size_t i = 0; i < required->count; i++)
        if (!has_group(groups, required->items[i]))
            return ERR(err, STATUS_DENIED,
                       "the %s does not list the group \"%s\", which require_groups asks for", source,
                       required->items[i]);
    return STATUS_OK;
}

/* ---- renewal ---- */

static bool pattern_names(const struct pattern *pattern, const char *name)
{
    for (size_t i = 0; i < pattern->count; i++)
        if (pattern->parts[i].is_name && strcmp(pattern->parts[i].text, name) == 0)
            return true;
    return false;
}

/* Whether an entry that is taken from the request names it: such an entry cannot be made anew. */
static bool claimed_by_request(const struct template *template, const char *name)
{
    const struct subject_rule *subject = &template->subject;

    for (size_t i = 0; subject->entry.from == FROM_REQUEST && i < subject->shape.count; i++)
        if (pattern_names(&subject->patterns[i], name))
            return true;
    for (size_t i = 0; i < template->san_count; i++)
        if (template->sans[i].entry.from == FROM_REQUEST && pattern_names(&template->sans[i].pattern, name))
            return true;
    return false;
}

static enum status judge_change(const struct template *template, const struct value *old, const char *newer,
                                const char *source, struct err *err)
{
    if (!strings_have(&template->lookup_names, old->name))
        return STATUS_OK;
    if (template->on_change == ON_CHANGE_DENY)
        return ERR(err, STATUS_DENIED,
                   "{%s} was \"%s\" when the certificate was issued, but the %s says \"%s\" now (on_change = "
                   "\"deny\"): enrol anew with a challenge",
                   old->name, old->text, source, newer);
    if (claimed_by_request(template, old->name))
        return ERR(
            err, STATUS_DENIED,
            "{%s} was \"%s\" when the certificate was issued, but the %s says \"%s\" now, and what came "
            "from a request cannot be made anew: enrol anew with a challenge",
            old->name, old->text, source, newer);
    return STATUS_OK;
}

static enum status settle_value(struct application *application, const struct value *old, bool *changed,
                                struct err *err)
{
    struct lookup *lookup = application->input->lookup;
    const char *newer = NULL;
    const char *source = NULL;

    if (strcmp(old->name, "Groups") == 0) {
        lookup_forget_old(lookup, old->name);
        return STATUS_OK;
    }
    TRY(lookup_newer(lookup, old->name, &newer, &source, err));
    if (newer == NULL || strcmp(newer, old->text) == 0)
        return STATUS_OK;
    TRY(judge_change(application->template, old, newer, source, err));
    if (strings_have(&application->template->lookup_names, old->name))
        *changed = true;
    lookup_forget_old(lookup, old->name);
    return STATUS_OK;
}

/* The old certificate's values come first; the sources are asked again, and what they know differently by
 * now follows on_change. Group membership is never remembered. */
static enum status settle_values(struct application *application, bool *changed, struct err *err)
{
    AUTO(values) struct values old = {0};
    const struct template_input *input = application->input;

    TRY(lookup_bind(input->lookup, LOOKUP_OLD_CERTIFICATE, &input->renewed->values, err));
    TRY(values_copy(&input->renewed->values, &old, err));
    for (size_t i = 0; i < old.count; i++)
        TRY(settle_value(application, &old.items[i], changed, err));
    return STATUS_OK;
}

static enum status copy_names(const struct general_names *from, const struct template *only_listed,
                              struct general_names *out, struct err *err)
{
    AUTO(general_names) struct general_names names = {0};

    for (size_t i = 0; i < from->count; i++) {
        const struct general_name *name = &from->items[i];

        if (only_listed != NULL && (name->type == SAN_OTHER || !san_listed(only_listed, name->type)))
            continue;
        if (name->type == SAN_OTHER)
            return ERR(err, STATUS_DENIED, "the SAN holds a name that cannot be issued: %.200s", name->text);
        TRY(general_names_add(&names, name->type, name->text, err));
    }
    general_names_free(out);
    *out = names;
    names = (struct general_names){0};
    return STATUS_OK;
}

static enum status renew_subject(struct application *application, const struct name *old, bool changed,
                                 struct name *out, struct err *err)
{
    const struct csr *csr = application->input->csr;
    AUTO(heap) char *asked = NULL;
    AUTO(heap) char *held = NULL;

    if (changed && application->template->subject.entry.from == FROM_TEMPLATE)
        TRY(subject_make(application, out, err));
    else
        TRY(name_copy(old, out, err));
    if (csr == NULL || csr->subject.count == 0 || name_equal(&csr->subject, old) ||
        name_equal(&csr->subject, out))
        return STATUS_OK;
    TRY(name_text_copy(&csr->subject, &asked, err));
    TRY(name_text_copy(old, &held, err));
    return ERR(
        err, STATUS_DENIED,
        "a renewal keeps the subject \"%.200s\", but the request says \"%.200s\": leave it out or repeat "
        "it, or enrol anew with a challenge",
        held, asked);
}

static enum status renew_san(struct application *application, bool changed, struct general_names *out,
                             struct err *err)
{
    const struct general_names *old = &application->input->renewed->san;
    const struct csr *csr = application->input->csr;
    const struct template *template = application->template;
    AUTO(general_names) struct general_names asked = {0};

    application->requested = old;
    if (changed) {
        TRY(san_assign(application, false, err));
        TRY(san_make(application, out, err));
    } else {
        TRY(copy_names(old, NULL, out, err));
    }
    if (csr == NULL)
        return STATUS_OK;
    if (csr->san.count > 0)
        TRY(copy_names(&csr->san, template->unlisted_san == UNLISTED_DROP ? template : NULL, &asked, err));
    if (asked.count == 0 || general_names_equal(&asked, old) || general_names_equal(&asked, out))
        return STATUS_OK;
    return ERR(err, STATUS_DENIED,
               "a renewal keeps the SAN, but the request asks for another one: leave it out or repeat it, or "
               "enrol anew with a challenge");
}

/* denied_values may have grown since: what the old certificate took from its request is judged again. */
static enum status judge_renewed(const struct application *application, const struct content *content,
                                 struct err *err)
{
    const struct template *template = application->template;

    for (size_t i = 0; template->subject.entry.from == FROM_REQUEST && i < content->subject.count; i++)
        TRY(application_judge_value(template, "a value of the subject", content->subject.avas[i].value, err));
    for (size_t i = 0; i < content->san.count; i++)
        if (san_from_request(template, content->san.items[i].type))
            TRY(application_judge_value(template, "a name of the SAN", content->san.items[i].text, err));
    return STATUS_OK;
}

static enum status apply_renewal(struct application *application, struct content *content, struct err *err)
{
    const struct certificate_row *row = application->input->renewed;
    AUTO(name) struct name old = {0};
    bool changed = false;

    TRY(settle_values(application, &changed, err));
    TRY(judge_groups(application, err));
    TRY(name_decode(buf_span(&row->subject_der), &old, err));
    TRY(renew_subject(application, &old, changed, &content->subject, err));
    TRY(renew_san(application, changed, &content->san, err));
    return judge_renewed(application, content, err);
}

/* ---- all together ---- */

static enum status apply_initial(struct application *application, struct content *content, struct err *err)
{
    const struct csr *csr = application->input->csr;

    if (csr != NULL) {
        application->requested = &csr->san;
        TRY(judge_request(application, err));
    }
    TRY(judge_groups(application, err));
    TRY(subject_make(application, &content->subject, err));
    TRY(san_make(application, &content->san, err));
    if (csr != NULL && content->subject.count == 0 && content->san.count == 0)
        return ERR(err, STATUS_DENIED,
                   "the certificate would name nobody: the request has neither a subject nor a SAN");
    return STATUS_OK;
}

/* What is stored with the certificate. A SID that the request alone states is not, for at the renewal it
 * would count as known. */
static enum status remember_values(struct application *application, struct content *content, struct err *err)
{
    struct lookup *lookup = application->input->lookup;
    const char *text = NULL;
    const char *source = NULL;

    TRY(lookup_values(lookup, &content->values, err));
    if (values_get(&application->claims, "ObjectSid") == NULL)
        return STATUS_OK;
    TRY(lookup_get(lookup, "ObjectSid", &text, &source, err));
    return strcmp(source, LOOKUP_REQUEST) == 0 ? values_set(&content->values, "ObjectSid", "", err)
                                               : STATUS_OK;
}

static enum status apply(struct application *application, struct content *content, struct err *err)
{
    const struct csr *csr = application->input->csr;
    const char *sid = NULL;

    if (csr != NULL && csr->san_by_attribute)
        return ERR(
            err, STATUS_DENIED,
            "the request asks for a SAN by an attribute (SAN:…), which is never honoured: put it into the "
            "extension request");
    if (application->input->renewed != NULL)
        TRY(apply_renewal(application, content, err));
    else
        TRY(apply_initial(application, content, err));
    if (application->template->sid_extension) {
        TRY(application_sid(application, &sid, err));
        TRY(text_copy(sid, &content->sid, err));
    }
    TRY(content_fill(content, application->template, application->input->csr, err));
    return remember_values(application, content, err);
}

/* What the request, or the values for it, lack is a denial; failures of sources and memory stay what they
 * are. */
enum status template_refuse(const struct template *template, enum status status, struct err *err)
{
    bool denial = status == STATUS_DENIED || status == STATUS_NOT_FOUND || status == STATUS_MALFORMED ||
                  status == STATUS_LIMIT;
    struct err why = {0};

    if (err != NULL)
        why = *err;
    return ERR(err, denial ? STATUS_DENIED : status, "template %s: %s", template->name, why.text);
}

static void application_end(struct application *application)
{
    values_free(&application->claims);
    values_free(&application->sourced);
}
AUTO_VALUE(application, struct application, application_end)

enum status template_apply(const struct template *template, const struct template_input *input,
                           struct content *out, struct err *err)
{
    AUTO(application) struct application application = {.template = template, .input = input};
    AUTO(content) struct content content = {0};
    enum status status = apply(&application, &content, err);

    if (status != STATUS_OK)
        return template_refuse(template, status, err);
    content_free(out);
    *out = content;
    content = (struct content){0};
    return STATUS_OK;
}

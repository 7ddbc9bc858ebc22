/* SPDX-License-Identifier: Apache-2.0
 *
 * The SAN, entry by entry: filled from the template, or taken from the request by type and pattern. What a
 * name of a type must look like is base's (general_names_add).
 */
#include "template_private.h"

#include <stdio.h>

bool san_listed(const struct template *template, enum san_type type)
{
    for (size_t i = 0; i < template->san_count; i++)
        if (template->sans[i].type == (int)type)
            return true;
    return false;
}

bool san_from_request(const struct template *template, enum san_type type)
{
    for (size_t i = 0; i < template->san_count; i++)
        if (template->sans[i].type == (int)type && template->sans[i].entry.from == FROM_REQUEST)
            return true;
    return false;
}

/* ---- which entry takes which requested name ---- */

static size_t taken_by(const struct application *application, size_t rule, size_t before)
{
    size_t taken = 0;

    for (size_t i = 0; i < before; i++)
        taken += application->assigned[i] == (int)rule;
    return taken;
}

static enum status rule_matches(const struct san_rule *rule, const struct general_name *name, bool *matches,
                                struct values *found, struct err *err)
{
    *matches = false;
    if (rule->type != (int)name->type || rule->entry.from != FROM_REQUEST)
        return STATUS_OK;
    *matches = rule->entry.any;
    return rule->entry.any ? STATUS_OK : pattern_match(&rule->pattern, name->text, matches, found, err);
}

/* Gives name `index` to the first entry that matches and has room. *full: one matched but had none. */
static enum status assign_name(struct application *application, size_t index, bool claim, bool *full,
                               struct err *err)
{
    const struct template *template = application->template;
    const struct general_name *name = &application->requested->items[index];

    application->assigned[index] = -1;
    for (size_t i = 0; i < template->san_count; i++) {
        AUTO(values) struct values found = {0};
        bool matches = false;

        TRY(rule_matches(&template->sans[i], name, &matches, &found, err));
        if (!matches)
            continue;
        if (taken_by(application, i, index) >= (size_t) template->sans[i].max) {
            *full = true;
            continue;
        }
        application->assigned[index] = (int)i;
        return claim ? application_claim(application, &found, template->sans[i].entry.verify, err)
                     : STATUS_OK;
    }
    return STATUS_OK;
}

/* What entries of that type would take: "{x}.lab.example" (max 4). */
static void describe_rules(const struct template *template, enum san_type type, struct buf *out)
{
    const char *separator = "";

    for (size_t i = 0; i < template->san_count; i++) {
        const struct san_rule *rule = &template->sans[i];

        if (rule->type != (int)type || rule->entry.from != FROM_REQUEST)
            continue;
        buf_printf(out, "%s\"%s\" (at most %d)", separator, rule->entry.text, (int)rule->max);
        separator = ", ";
    }
}

static enum status refuse_name(const struct template *template, const struct general_name *name, bool full,
                               struct err *err)
{
    AUTO(buf) struct buf rules = BUF(SAN_RULES_MAX * (PATTERN_TEXT_MAX + 64));
    AUTO(heap) char *text = NULL;

    describe_rules(template, name->type, &rules);
    text = buf_take_text(&rules);
    if (text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    if (full)
        return ERR(err, STATUS_DENIED,
                   "the request has too many SAN names of type %s, \"%.100s\" is one too "
                   "many: %s allowed",
                   san_type_name(name->type), name->text, text);
    return ERR(err, STATUS_DENIED, "the SAN %s \"%.200s\" in the request does not match: %s allowed",
               san_type_name(name->type), name->text, text);
}

static enum status refuse_unlisted(const struct template *template, const struct general_name *name,
                                   struct err *err)
{
    if (template->unlisted_san == UNLISTED_DROP)
        return STATUS_OK;
    return ERR(
        err, STATUS_DENIED,
        "the request asks for a SAN of type %s (\"%.200s\"), which the template does not list: leave it "
        "out, list it, or set unlisted_san = \"drop\"",
        san_type_name(name->type), name->text);
}

static enum status judge_name(struct application *application, const struct general_name *name,
                              struct err *err)
{
    char what[64];
    const char *sid = NULL;

    (void)snprintf(what, sizeof what, "the SAN's %s", san_type_name(name->type));
    TRY(application_judge_value(application->template, what, name->text, err));
    if (name->type != SAN_SID_URI)
        return STATUS_OK;
    TRY(application_sid(application, &sid, err));
    if (strcmp(sid, name->text) != 0)
        return ERR(err, STATUS_DENIED, "the request asks for the SID %.100s, but {ObjectSid} is %s",
                   name->text, sid);
    return STATUS_OK;
}

static enum status claim_name(struct application *application, size_t index, struct err *err)
{
    const struct template *template = application->template;
    const struct general_name *name = &application->requested->items[index];
    bool full = false;

    if (name->type == SAN_OTHER || !san_listed(template, name->type))
        return refuse_unlisted(template, name, err);
    if (!san_from_request(template, name->type))
        return STATUS_OK;
    TRY(assign_name(application, index, true, &full, err));
    return application->assigned[index] < 0 ? refuse_name(template, name, full, err) : STATUS_OK;
}

static enum status require_names(const struct application *application, struct err *err)
{
    const struct template *template = application->template;

    for (size_t i = 0; i < template->san_count; i++) {
        const struct san_rule *rule = &template->sans[i];

        if (rule->entry.from == FROM_REQUEST && !rule->optional &&
            taken_by(application, i, application->requested->count) == 0)
            return ERR(err, STATUS_DENIED,
                       "the request has no SAN of type %s that matches \"%s\", and the entry is not optional",
                       san_type_name((enum san_type)rule->type), rule->entry.text);
    }
    return STATUS_OK;
}

enum status san_assign(struct application *application, bool claim, struct err *err)
{
    if (application->requested->count > GENERAL_NAMES_MAX)
        return ERR(err, STATUS_LIMIT, "the SAN has more than %d names", GENERAL_NAMES_MAX);
    for (size_t i = 0; i < application->requested->count; i++) {
        bool full = false;

        application->assigned[i] = -1;
        if (claim)
            TRY(claim_name(application, i, err));
        else
            TRY(assign_name(application, i, false, &full, err));
    }
    return claim ? require_names(application, err) : STATUS_OK;
}

enum status san_judge(struct application *application, struct err *err)
{
    for (size_t i = 0; i < application->requested->count; i++)
        if (application->assigned[i] >= 0)
            TRY(judge_name(application, &application->requested->items[i], err));
    return STATUS_OK;
}

/* ---- making ---- */

static bool has_name(const struct general_names *names, enum san_type type, const char *text)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->items[i].type == type && strcmp(names->items[i].text, text) == 0)
            return true;
    return false;
}

static enum status add_name(struct general_names *out, const struct san_rule *rule, const char *text,
                            struct err *err)
{
    enum status status = STATUS_OK;

    if (has_name(out, (enum san_type)rule->type, text))
        return STATUS_OK;
    status = general_names_add(out, (enum san_type)rule->type, text, err);
    if (status != STATUS_OK)
        (void)err_prefix(err, "SAN entry %s: ", san_type_name((enum san_type)rule->type));
    return status;
}

static enum status fill_entry(struct application *application, const struct san_rule *rule,
                              struct general_names *out, struct err *err)
{
    AUTO(buf) struct buf filled = BUF(GENERAL_NAME_TEXT_MAX);
    AUTO(heap) char *text = NULL;
    enum status status = pattern_fill(&rule->pattern, application_value, application, &filled, err);

    if (status == STATUS_NOT_FOUND && rule->optional)
        return STATUS_OK;
    if (status != STATUS_OK) {
        (void)err_prefix(err, "SAN entry %s: ", san_type_name((enum san_type)rule->type));
        return status;
    }
    text = buf_take_text(&filled);
    if (text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    return add_name(out, rule, text, err);
}

static enum status take_assigned(const struct application *application, size_t index,
                                 struct general_names *out, struct err *err)
{
    const struct general_names *requested = application->requested;

    for (size_t i = 0; requested != NULL && i < requested->count; i++)
        if (application->assigned[i] == (int)index)
            TRY(add_name(out, &application->template->sans[index], requested->items[i].text, err));
    return STATUS_OK;
}

enum status san_make(struct application *application, struct general_names *out, struct err *err)
{
    AUTO(general_names) struct general_names names = {0};

    for (size_t i = 0; i < application->template->san_count; i++) {
        const struct san_rule *rule = &application->template->sans[i];

        if (rule->entry.from == FROM_TEMPLATE)
            TRY(fill_entry(application, rule, &names, err));
        else
            TRY(take_assigned(application, i, &names, err));
    }
    general_names_free(out);
    *out = names;
    names = (struct general_names){0};
    return STATUS_OK;
}

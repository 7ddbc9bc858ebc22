/* SPDX-License-Identifier: Apache-2.0
 *
 * The subject: filled from the template's pattern, or taken from the request where it matches. The pattern
 * is read as RFC 4514 before any value is put into it, so that no value changes the structure of a subject.
 */
#include "template_private.h"

#include <stdio.h>

void subject_rule_free(struct subject_rule *rule)
{
    for (size_t i = 0; rule->patterns != NULL && i < rule->shape.count; i++)
        pattern_free(&rule->patterns[i]);
    free(rule->patterns);
    rule->patterns = NULL;
    name_free(&rule->shape);
}

static enum status compile_values(struct subject_rule *rule, struct err *err)
{
    for (size_t i = 0; i < rule->shape.count; i++) {
        AUTO(buf) struct buf type = BUF(256);
        enum oid oid = oid_find(buf_span(&rule->shape.avas[i].type));
        enum status status = pattern_compile(rule->shape.avas[i].value, &rule->patterns[i], err);

        if (status == STATUS_OK)
            continue;
        oid_text(&type, buf_span(&rule->shape.avas[i].type));
        if (oid_name(oid) != NULL)
            (void)err_prefix(err, "in %s: ", oid_name(oid));
        else
            (void)err_prefix(err, "in %.*s: ", (int)type.len, (const char *)type.data);
        return status;
    }
    return STATUS_OK;
}

enum status subject_compile(struct subject_rule *rule, struct err *err)
{
    enum status status = name_parse(rule->entry.text, &rule->shape, err);

    if (status != STATUS_OK) {
        (void)err_prefix(err,
                         "\"%s\" is no RFC 4514 name (CN={EnrollmentUser},O=Example): ", rule->entry.text);
        return status;
    }
    if (rule->shape.count == 0)
        return ERR(err, STATUS_MALFORMED, "the subject's pattern has no attribute");
    rule->patterns = calloc(rule->shape.count, sizeof *rule->patterns);
    if (rule->patterns == NULL) {
        name_free(&rule->shape);
        return ERR(err, STATUS_NOMEM, "out of memory");
    }
    return compile_values(rule, err);
}

enum status subject_fill(const struct subject_rule *rule, pattern_value *value, void *context,
                         struct name *out, struct err *err)
{
    AUTO(name) struct name name = {0};

    for (size_t i = 0; i < rule->shape.count; i++) {
        const struct name_ava *ava = &rule->shape.avas[i];
        AUTO(buf) struct buf filled = BUF(NAME_VALUE_MAX);
        AUTO(heap) char *text = NULL;

        TRY(pattern_fill(&rule->patterns[i], value, context, &filled, err));
        text = buf_take_text(&filled);
        if (text == NULL)
            return ERR(err, STATUS_NOMEM, "out of memory");
        TRY(name_add(&name, buf_span(&ava->type), text, ava->string_tag, ava->with_previous, err));
    }
    name_free(out);
    *out = name;
    name = (struct name){0};
    return STATUS_OK;
}

/* ---- matching: which attribute of the request stands for which of the pattern ---- */

struct pairing {
    const struct subject_rule *rule;
    const struct name *subject;
    bool fits[NAME_AVA_MAX][NAME_AVA_MAX]; /* [pattern][request] */
    int pattern_of[NAME_AVA_MAX];          /* of each attribute of the request, -1: none yet */
};

static enum status ava_match(const struct subject_rule *rule, size_t index, const struct name_ava *ava,
                             bool *fits, struct values *found, struct err *err)
{
    *fits = false;
    if (!span_equal(buf_span(&rule->shape.avas[index].type), buf_span(&ava->type)))
        return STATUS_OK;
    return pattern_match(&rule->patterns[index], ava->value, fits, found, err);
}

static enum status find_fits(struct pairing *pairing, struct err *err)
{
    for (size_t p = 0; p < pairing->rule->shape.count; p++) {
        for (size_t r = 0; r < pairing->subject->count; r++) {
            AUTO(values) struct values found = {0};

            TRY(ava_match(pairing->rule, p, &pairing->subject->avas[r], &pairing->fits[p][r], &found, err));
        }
    }
    return STATUS_OK;
}

/* Gives pattern p an attribute, first a free one, else one whose holder can move (augmenting path). Depth and
 * work are bounded by NAME_AVA_MAX attributes, each visited once. */
static bool give(struct pairing *pairing, size_t p, bool visited[NAME_AVA_MAX])
{
    for (size_t r = 0; r < pairing->subject->count; r++) {
        if (pairing->fits[p][r] && pairing->pattern_of[r] < 0) {
            pairing->pattern_of[r] = (int)p;
            return true;
        }
    }
    for (size_t r = 0; r < pairing->subject->count; r++) {
        if (!pairing->fits[p][r] || visited[r])
            continue;
        visited[r] = true;
        if (give(pairing, (size_t)pairing->pattern_of[r], visited)) {
            pairing->pattern_of[r] = (int)p;
            return true;
        }
    }
    return false;
}

/* The first attribute of the RDN that holds this one. */
static size_t rdn_of(const struct name *name, size_t index)
{
    while (index > 0 && name->avas[index].with_previous)
        index--;
    return index;
}

/* Attributes that share an RDN in the pattern share one in the request, and the other way round. */
static bool same_rdns(const struct pairing *pairing)
{
    const struct name *subject = pairing->subject;
    const struct name *shape = &pairing->rule->shape;

    for (size_t a = 0; a < subject->count; a++)
        for (size_t b = a + 1; b < subject->count; b++) {
            bool together = rdn_of(subject, a) == rdn_of(subject, b);
            size_t first = rdn_of(shape, (size_t)pairing->pattern_of[a]);
            size_t second = rdn_of(shape, (size_t)pairing->pattern_of[b]);

            if (together != (first == second))
                return false;
        }
    return true;
}

static bool pair(struct pairing *pairing)
{
    if (pairing->rule->shape.count != pairing->subject->count)
        return false;
    for (size_t r = 0; r < NAME_AVA_MAX; r++)
        pairing->pattern_of[r] = -1;
    for (size_t p = 0; p < pairing->rule->shape.count; p++) {
        bool visited[NAME_AVA_MAX] = {false};

        if (!give(pairing, p, visited))
            return false;
    }
    return same_rdns(pairing);
}

static enum status no_match(const struct subject_rule *rule, const struct name *subject, struct err *err)
{
    AUTO(heap) char *text = NULL;

    TRY(name_text_copy(subject, &text, err));
    return ERR(err, STATUS_DENIED, "the request's subject \"%.200s\" does not match the pattern \"%s\"", text,
               rule->entry.text);
}

static enum status claim_pairs(struct application *application, const struct pairing *pairing,
                               struct err *err)
{
    for (size_t r = 0; r < pairing->subject->count; r++) {
        AUTO(values) struct values found = {0};
        bool fits = false;

        TRY(ava_match(pairing->rule, (size_t)pairing->pattern_of[r], &pairing->subject->avas[r], &fits,
                      &found, err));
        TRY(application_claim(application, &found, pairing->rule->entry.verify, err));
    }
    return STATUS_OK;
}

static enum status judge_values(const struct template *template, const struct name *subject, struct err *err)
{
    for (size_t i = 0; i < subject->count; i++) {
        const char *value = subject->avas[i].value;
        const char *type = oid_name(oid_find(buf_span(&subject->avas[i].type)));
        char what[64];

        (void)snprintf(what, sizeof what, "the subject's %.40s", type != NULL ? type : "attribute");
        if (value[0] == '\0')
            return ERR(err, STATUS_DENIED, "%s in the request is empty: leave it out", what);
        if (!utf8_printable(SPAN_STR(value)))
            return ERR(err, STATUS_DENIED, "%s in the request holds control characters", what);
        TRY(application_judge_value(template, what, value, err));
    }
    return STATUS_OK;
}

enum status subject_claim(struct application *application, struct err *err)
{
    const struct subject_rule *rule = &application->template->subject;
    struct pairing pairing = {.rule = rule, .subject = &application->input->csr->subject};

    if (rule->entry.from != FROM_REQUEST)
        return STATUS_OK;
    TRY(judge_values(application->template, pairing.subject, err));
    if (rule->entry.any)
        return STATUS_OK;
    TRY(find_fits(&pairing, err));
    if (!pair(&pairing))
        return no_match(rule, pairing.subject, err);
    return claim_pairs(application, &pairing, err);
}

enum status subject_make(struct application *application, struct name *out, struct err *err)
{
    const struct subject_rule *rule = &application->template->subject;

    if (rule->entry.from == FROM_TEMPLATE)
        return subject_fill(rule, application_value, application, out, err);
    if (application->input->csr == NULL)
        return STATUS_OK;
    return name_copy(&application->input->csr->subject, out, err);
}

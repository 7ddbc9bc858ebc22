/* SPDX-License-Identifier: Apache-2.0
 *
 * Where lookup values come from, in order, and whether those that know one agree. A source is asked once,
 * with everything that is known by then. What a value is used for is not known here.
 */
#include "template_private.h"

#define LOOKUP_BOUND_MAX 8

const char *const lookup_catalogue[] = {
    /* what a UEM fills in */
    "EnrollmentUser", "DeviceUid", "EmailAddress", "UserPrincipalName", "DeviceSerialNumber",
    "DeviceSerialNumberLastFour", "DeviceModel", "DeviceOperatingSystem", "FirstName", "LastName",
    "CustomAttribute1", "CustomAttribute2", "CustomAttribute3", "CustomAttribute4", "CustomAttribute5",
    /* what a directory knows */
    "ObjectSid", "DistinguishedName", "Groups",
    /* what a server is called */
    "DnsName", "IpAddress", NULL};

bool lookup_in_catalogue(const char *name)
{
    for (size_t i = 0; lookup_catalogue[i] != NULL; i++)
        if (strcmp(lookup_catalogue[i], name) == 0)
            return true;
    return false;
}

/* Names that say who or what somebody is: an answer that differs in one of them is about somebody else. */
static const char *const identities[] = {"EnrollmentUser", "DeviceUid", "DeviceSerialNumber",
                                         "UserPrincipalName", "ObjectSid"};

struct bound {
    const char *name; /* static */
    struct values values;
};

struct answer {
    const struct lookup_source *source;
    bool asked;
    struct values values;
};

struct lookup {
    struct bound bound[LOOKUP_BOUND_MAX];
    size_t bound_count;
    struct answer *answers;
    size_t answer_count;
    struct values claims;
};

enum status lookup_new(const struct lookup_source *const *sources, size_t count, struct lookup **out,
                       struct err *err)
{
    AUTO(lookup) struct lookup *lookup = calloc(1, sizeof *lookup);

    if (lookup == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    lookup->answers = calloc(count + 1, sizeof *lookup->answers);
    if (lookup->answers == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        lookup->answers[i].source = sources[i];
    lookup->answer_count = count;
    *out = MOVE(lookup);
    return STATUS_OK;
}

void lookup_free(struct lookup *lookup)
{
    if (lookup == NULL)
        return;
    for (size_t i = 0; i < lookup->bound_count; i++)
        values_free(&lookup->bound[i].values);
    for (size_t i = 0; i < lookup->answer_count; i++)
        values_free(&lookup->answers[i].values);
    free(lookup->answers);
    values_free(&lookup->claims);
    free(lookup);
}

static bool is_old(const struct bound *bound)
{
    return strcmp(bound->name, LOOKUP_OLD_CERTIFICATE) == 0;
}

/* ---- binding ---- */

static enum status check_agreement(const struct lookup *lookup, const char *source_name,
                                   const struct value *value, struct err *err)
{
    for (size_t i = 0; i < lookup->bound_count; i++) {
        const struct bound *bound = &lookup->bound[i];
        const char *before = values_get(&bound->values, value->name);

        if (before != NULL && !is_old(bound) && strcmp(before, value->text) != 0)
            return ERR(err, STATUS_DENIED, "{%s} is \"%s\" by the %s, but \"%s\" by the %s: they must agree",
                       value->name, before, bound->name, value->text, source_name);
    }
    return STATUS_OK;
}

static struct bound *find_old(struct lookup *lookup)
{
    for (size_t i = 0; i < lookup->bound_count; i++)
        if (is_old(&lookup->bound[i]))
            return &lookup->bound[i];
    return NULL;
}

enum status lookup_bind(struct lookup *lookup, const char *source_name, const struct values *values,
                        struct err *err)
{
    bool old = strcmp(source_name, LOOKUP_OLD_CERTIFICATE) == 0;
    struct bound *bound = old ? find_old(lookup) : NULL;

    for (size_t i = 0; !old && i < values->count; i++)
        TRY(check_agreement(lookup, source_name, &values->items[i], err));
    if (bound == NULL && lookup->bound_count >= LOOKUP_BOUND_MAX)
        return ERR(err, STATUS_LIMIT, "values were bound from more than %d places", LOOKUP_BOUND_MAX);
    if (bound == NULL)
        bound = &lookup->bound[lookup->bound_count];
    TRY(values_copy(values, &bound->values, err));
    bound->name = source_name;
    if (bound == &lookup->bound[lookup->bound_count])
        lookup->bound_count++;
    return STATUS_OK;
}

void lookup_forget_old(struct lookup *lookup, const char *name)
{
    struct bound *bound = find_old(lookup);

    /* an empty text removes the name; should that ever fail, nothing of the old certificate counts */
    if (bound != NULL && values_set(&bound->values, name, "", NULL) != STATUS_OK)
        values_free(&bound->values);
}

/* ---- asking ---- */

static enum status merge(struct values *into, const struct values *from, struct err *err)
{
    for (size_t i = 0; i < from->count; i++)
        if (values_get(into, from->items[i].name) == NULL)
            TRY(values_set(into, from->items[i].name, from->items[i].text, err));
    return STATUS_OK;
}

enum status lookup_values(struct lookup *lookup, struct values *out, struct err *err)
{
    AUTO(values) struct values all = {0};

    for (size_t i = 0; i < lookup->bound_count; i++)
        TRY(merge(&all, &lookup->bound[i].values, err));
    for (size_t i = 0; i < lookup->answer_count; i++)
        TRY(merge(&all, &lookup->answers[i].values, err));
    TRY(merge(&all, &lookup->claims, err));
    values_free(out);
    *out = all;
    all = (struct values){0};
    return STATUS_OK;
}

static enum status ask(struct lookup *lookup, struct answer *answer, struct err *err)
{
    AUTO(values) struct values known = {0};
    AUTO(values) struct values found = {0};
    enum status status = STATUS_OK;

    if (answer->asked)
        return STATUS_OK;
    TRY(lookup_values(lookup, &known, err));
    status = answer->source->find(answer->source, &known, &found, err);
    if (status != STATUS_OK) {
        (void)err_prefix(err, "the %s gives no answer: ", answer->source->name);
        return status;
    }
    answer->values = found;
    found = (struct values){0};
    answer->asked = true;
    return STATUS_OK;
}

/* ---- getting ---- */

static enum status get_from_sources(struct lookup *lookup, const char *name, const char **text,
                                    const char **source_name, struct err *err)
{
    *text = NULL;
    for (size_t i = 0; i < lookup->answer_count && *text == NULL; i++) {
        TRY(ask(lookup, &lookup->answers[i], err));
        *text = values_get(&lookup->answers[i].values, name);
        *source_name = lookup->answers[i].source->name;
    }
    return STATUS_OK;
}

static void get_bound(const struct lookup *lookup, const char *name, bool with_old, const char **text,
                      const char **source_name)
{
    *text = NULL;
    for (size_t i = 0; i < lookup->bound_count && *text == NULL; i++) {
        if (!with_old && is_old(&lookup->bound[i]))
            continue;
        *text = values_get(&lookup->bound[i].values, name);
        *source_name = lookup->bound[i].name;
    }
}

static enum status not_found(const struct lookup *lookup, const char *name, struct err *err)
{
    AUTO(buf) struct buf asked = BUF(4096);
    AUTO(heap) char *text = NULL;
    const char *comma = "";

    for (size_t i = 0; i < lookup->bound_count; i++, comma = ", ")
        buf_printf(&asked, "%s%s", comma, lookup->bound[i].name);
    for (size_t i = 0; i < lookup->answer_count; i++, comma = ", ")
        buf_printf(&asked, "%s%s", comma, lookup->answers[i].source->name);
    text = buf_take_text(&asked);
    if (text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    return ERR(err, STATUS_NOT_FOUND, "no source knows the lookup value {%s} (asked: %s)", name,
               text[0] != '\0' ? text : "nobody, for there is no source");
}

enum status lookup_get(struct lookup *lookup, const char *name, const char **text, const char **source_name,
                       struct err *err)
{
    const char *found = NULL;
    const char *from = NULL;

    get_bound(lookup, name, true, &found, &from);
    if (found == NULL)
        TRY(get_from_sources(lookup, name, &found, &from, err));
    if (found == NULL) {
        found = values_get(&lookup->claims, name);
        from = LOOKUP_REQUEST;
    }
    if (found == NULL)
        return not_found(lookup, name, err);
    *text = found;
    *source_name = from;
    return STATUS_OK;
}

enum status lookup_newer(struct lookup *lookup, const char *name, const char **text, const char **source_name,
                         struct err *err)
{
    const char *found = NULL;
    const char *from = NULL;

    get_bound(lookup, name, false, &found, &from);
    if (found == NULL)
        TRY(get_from_sources(lookup, name, &found, &from, err));
    *text = found;
    *source_name = from;
    return STATUS_OK;
}

/* ---- claims ---- */

enum status lookup_announce(struct lookup *lookup, const struct values *claims, struct err *err)
{
    for (size_t i = 0; i < claims->count; i++) {
        const struct value *claim = &claims->items[i];
        const char *before = values_get(&lookup->claims, claim->name);

        if (before != NULL && strcmp(before, claim->text) != 0)
            return ERR(err, STATUS_DENIED,
                       "the request says {%s} = \"%s\" in one place and \"%s\" in another", claim->name,
                       before, claim->text);
        TRY(values_set(&lookup->claims, claim->name, claim->text, err));
    }
    return STATUS_OK;
}

static enum status judge_claim(const char *name, const char *text, const char *other, const char *source_name,
                               bool *known, struct err *err)
{
    if (other == NULL)
        return STATUS_OK;
    if (strcmp(other, text) != 0)
        return ERR(err, STATUS_DENIED, "the request says {%s} = \"%s\", but the %s says \"%s\"", name, text,
                   source_name, other);
    *known = true;
    return STATUS_OK;
}

/* An answer about somebody else cannot vouch for a claim: the challenge is bound to one person, and the
 * registry knows the claimed device as another's. */
static enum status judge_answer(const struct lookup *lookup, const struct answer *answer, const char *name,
                                const char *text, struct err *err)
{
    for (size_t i = 0; i < sizeof identities / sizeof *identities; i++) {
        const char *told = values_get(&answer->values, identities[i]);
        const char *bound = NULL;
        const char *bound_by = NULL;

        get_bound(lookup, identities[i], false, &bound, &bound_by);
        if (told != NULL && bound != NULL && strcmp(told, bound) != 0)
            return ERR(err, STATUS_DENIED,
                       "the %s knows {%s} = \"%s\" only with {%s} = \"%s\", but the %s says \"%s\"",
                       answer->source->name, name, text, identities[i], told, bound_by, bound);
    }
    return STATUS_OK;
}

enum status lookup_claim(struct lookup *lookup, const char *name, const char *text, bool *known,
                         struct err *err)
{
    AUTO(values) struct values claim = {0};
    bool any = false;

    TRY(values_set(&claim, name, text, err));
    TRY(lookup_announce(lookup, &claim, err));
    for (size_t i = 0; i < lookup->bound_count; i++)
        TRY(judge_claim(name, text, values_get(&lookup->bound[i].values, name), lookup->bound[i].name, &any,
                        err));
    for (size_t i = 0; i < lookup->answer_count; i++) {
        struct answer *answer = &lookup->answers[i];

        TRY(ask(lookup, answer, err));
        TRY(judge_claim(name, text, values_get(&answer->values, name), answer->source->name, &any, err));
        if (values_get(&answer->values, name) != NULL)
            TRY(judge_answer(lookup, answer, name, text, err));
    }
    *known = any;
    return STATUS_OK;
}

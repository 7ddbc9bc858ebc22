/* SPDX-License-Identifier: Apache-2.0
 *
 * SCEP's challenges: making one-time ones, and judging what a CSR carries by the
 * profile's policy. A challenge is read here and consumed by the change that commits
 * the request. Phrases appear in no text.
 */
#include "enroll_private.h"

#include "clock.h"
#include "text.h"

#include <string.h>

#define PHRASE_OCTETS 16

/* ---- judging ---- */

static enum status need_challenge(const struct enrollment *work, struct err *err)
{
    const struct profile *profile = work->request->profile;
    if (work->csr->challenge != NULL && work->csr->challenge[0] != '\0')
        return STATUS_OK;
    return ERR(err, STATUS_DENIED,
               "the request carries no challenge, and profile %s needs one (%s) unless a certificate of this "
               "CA signs it",
               profile->name, challenge_policy_name(profile->challenge));
}

static enum status judge_static(const struct enrollment *work, struct asker *asker, struct err *err)
{
    const struct profile *profile = work->request->profile;
    uint8_t given[SHA256_LEN], wanted[SHA256_LEN];
    TRY(need_challenge(work, err));
    sha256(SPAN_STR(work->csr->challenge), given);
    sha256(SPAN_STR(profile->challenge_phrase), wanted);
    if (!span_equal_secret(SPAN(given, SHA256_LEN), SPAN(wanted, SHA256_LEN)))
        return ERR(err, STATUS_DENIED, "the challenge is not the one of profile %s", profile->name);
    TRY(text_format(&asker->text, err, "static challenge of profile %s", profile->name));
    asker->known = true;
    return STATUS_OK;
}

/* Whether it is still good for anything. */
static enum status check_open(const struct challenge_row *row, int64_t now_s, struct err *err)
{
    char date[32];
    if (row->failures >= CHALLENGE_FAILURES_MAX)
        return ERR(err, STATUS_DENIED, "challenge %lld is void after %d failed attempts: ask for a new one",
                   (long long)row->id, CHALLENGE_FAILURES_MAX);
    if (row->used >= row->uses)
        return ERR(err, STATUS_DENIED, "challenge %lld has been used already: ask for a new one",
                   (long long)row->id);
    if (row->expires_s <= now_s) {
        time_text(row->expires_s, date);
        return ERR(err, STATUS_DENIED, "challenge %lld expired at %s: ask for a new one", (long long)row->id,
                   date);
    }
    return STATUS_OK;
}

/* What it was made for (VU#971035): its values are held against the request by the lookup. */
static enum status check_binding(const struct challenge_row *row, const struct profile *profile,
                                 struct err *err)
{
    if (strcmp(row->profile, profile->name) != 0)
        return ERR(err, STATUS_DENIED, "challenge %lld is for profile %s, not for profile %s",
                   (long long)row->id, row->profile, profile->name);
    if (row->template_name != NULL && !profile_allows(profile, row->template_name))
        return ERR(err, STATUS_DENIED,
                   "challenge %lld is for template %s, from which profile %s does not issue",
                   (long long)row->id, row->template_name, profile->name);
    return STATUS_OK;
}

static enum status load_challenge(const struct enrollment *work, struct challenge_row *row, struct err *err)
{
    uint8_t digest[SHA256_LEN];
    sha256(SPAN_STR(work->csr->challenge), digest);
    enum status status = store_challenge(work->context->store, digest, row, err);
    if (status == STATUS_NOT_FOUND)
        return ERR(err, STATUS_DENIED,
                   "the challenge is unknown: profile %s takes one-time challenges (`scepter challenge new`)",
                   work->request->profile->name);
    return status;
}

static enum status judge_one_time(const struct enrollment *work, struct asker *asker, struct err *err)
{
    AUTO(challenge_row) struct challenge_row row = {0};
    TRY(need_challenge(work, err));
    TRY(load_challenge(work, &row, err));
    TRY(check_open(&row, work->now_s, err));
    TRY(text_format(&asker->text, err, "challenge %lld", (long long)row.id));
    asker->challenge = row;
    row = (struct challenge_row){0};
    asker->known = true;
    return check_binding(&asker->challenge, work->request->profile, err);
}

static enum status judge_webhook(const struct enrollment *work, struct asker *asker, struct err *err)
{
    TRY(need_challenge(work, err));
    TRY(webhook_ask(work, &asker->webhook_values, err));
    TRY(text_format(&asker->text, err, "webhook of profile %s", work->request->profile->name));
    asker->known = true;
    return STATUS_OK;
}

enum status challenge_judge(const struct enrollment *work, struct asker *asker, struct err *err)
{
    switch (work->request->profile->challenge) {
    case CHALLENGE_STATIC:
        return judge_static(work, asker, err);
    case CHALLENGE_ONE_TIME:
        return judge_one_time(work, asker, err);
    case CHALLENGE_WEBHOOK:
        return judge_webhook(work, asker, err);
    case CHALLENGE_NONE:
        break;
    }
    return text_format(&asker->text, err, "anybody on profile %s", work->request->profile->name);
}

enum status challenge_recheck(const struct enrollment *work, struct err *err)
{
    AUTO(challenge_row) struct challenge_row row = {0};
    if (work->asker.challenge.id == 0)
        return STATUS_OK;
    TRY(load_challenge(work, &row, err));
    return check_open(&row, work->now_s, err);
}

/* ---- making ---- */

static enum status find_profile(const struct snapshot *snapshot, const char *name, const struct profile **out,
                                struct err *err)
{
    AUTO(buf) struct buf names = BUF(512);
    *out = snapshot_profile(snapshot, name);
    if (*out == NULL) {
        for (size_t i = 0; i < snapshot->profile_count; i++)
            buf_printf(&names, "%s%s", i > 0 ? ", " : "", snapshot->profiles[i].name);
        return ERR(err, STATUS_NOT_FOUND, "there is no profile %s; there are: %.*s", name, (int)names.len,
                   (const char *)names.data);
    }
    if ((*out)->challenge != CHALLENGE_ONE_TIME)
        return ERR(err, STATUS_DENIED, "profile %s takes no one-time challenges (its challenge is \"%s\")",
                   name, challenge_policy_name((*out)->challenge));
    return STATUS_OK;
}

#define PROFILE_TEMPLATES 4

static void profile_templates(const struct profile *profile, const char *names[PROFILE_TEMPLATES])
{
    names[0] = profile->template_any;
    names[1] = profile->template_signing;
    names[2] = profile->template_encryption;
    names[3] = profile->template_both;
}

static enum status check_template(const struct profile *profile, const char *wanted, struct err *err)
{
    AUTO(buf) struct buf text = BUF(512);
    const char *names[PROFILE_TEMPLATES];
    if (wanted == NULL || profile_allows(profile, wanted))
        return STATUS_OK;
    profile_templates(profile, names);
    for (size_t i = 0; i < PROFILE_TEMPLATES; i++)
        if (names[i] != NULL)
            buf_printf(&text, "%s%s", text.len > 0 ? ", " : "", names[i]);
    return ERR(err, STATUS_NOT_FOUND, "profile %s does not issue from template %s; it does from: %.*s",
               profile->name, wanted, (int)text.len, (const char *)text.data);
}

static bool template_asks_for(const struct template *template, const char *name)
{
    const char *const *names = template_lookup_names(template);
    for (size_t i = 0; names != NULL && names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* A misspelt name would leave the challenge unbound without anybody noticing. */
static enum status check_value_name(const struct snapshot *snapshot, const char *name, struct err *err)
{
    if (lookup_in_catalogue(name))
        return STATUS_OK;
    for (size_t i = 0; i < template_set_count(snapshot->templates); i++)
        if (template_asks_for(template_set_at(snapshot->templates, i), name))
            return STATUS_OK;
    return ERR(err, STATUS_USAGE,
               "no template knows a lookup value {%s}: look at its spelling (`scepter template list`)", name);
}

static enum status check_wanted(const struct enroll_context *context, const struct challenge_new *wanted,
                                const struct profile **profile, struct err *err)
{
    TRY(find_profile(context->snapshot, wanted->profile != NULL ? wanted->profile : "default", profile, err));
    TRY(check_template(*profile, wanted->template_name, err));
    if (wanted->ttl_s <= 0 || wanted->ttl_s > CHALLENGE_TTL_MAX_S)
        return ERR(err, STATUS_USAGE, "a challenge lives for %s at the most, and for 1s at least",
                   CHALLENGE_TTL_MAX_TEXT);
    if (wanted->uses < 1 || wanted->uses > CHALLENGE_USES_MAX)
        return ERR(err, STATUS_USAGE, "a challenge has from 1 to %d uses", CHALLENGE_USES_MAX);
    for (size_t i = 0; wanted->values != NULL && i < wanted->values->count; i++)
        TRY(check_value_name(context->snapshot, wanted->values->items[i].name, err));
    return STATUS_OK;
}

static enum status make_phrase(char **phrase, uint8_t digest[SHA256_LEN], struct err *err)
{
    uint8_t octets[PHRASE_OCTETS];
    AUTO(buf) struct buf text = BUF(2 * PHRASE_OCTETS + 1);
    TRY(random_octets(octets, sizeof octets, err));
    for (size_t i = 0; i < sizeof octets; i++)
        buf_printf(&text, "%02X", octets[i]);
    TRY(buf_status(&text, "the challenge", err));
    sha256(buf_span(&text), digest);
    *phrase = buf_take_text(&text);
    return *phrase != NULL ? STATUS_OK : ERR(err, STATUS_NOMEM, "out of memory");
}

static enum status fill_challenge(const struct challenge_new *wanted, const struct profile *profile,
                                  struct challenge_row *row, struct err *err)
{
    row->created_s = clock_now();
    row->expires_s = row->created_s + wanted->ttl_s;
    row->uses = wanted->uses;
    TRY(text_copy(profile->name, &row->profile, err));
    TRY(text_copy(wanted->template_name, &row->template_name, err));
    TRY(text_copy(wanted->actor, &row->created_by, err));
    if (wanted->values != NULL)
        TRY(values_copy(wanted->values, &row->values, err));
    return STATUS_OK;
}

static enum status describe(const struct challenge_row *row, char **out, struct err *err)
{
    AUTO(buf) struct buf text = BUF(128 * 1024);
    char expires[32];
    time_text(row->expires_s, expires);
    buf_printf(&text, "profile %s, template %s, uses %lld, expires %s", row->profile,
               row->template_name != NULL ? row->template_name : "any", (long long)row->uses, expires);
    for (size_t i = 0; i < row->values.count; i++)
        buf_printf(&text, ", %s=%s", row->values.items[i].name, row->values.items[i].text);
    TRY(buf_status(&text, "the challenge's description", err));
    *out = buf_take_text(&text);
    return *out != NULL ? STATUS_OK : ERR(err, STATUS_NOMEM, "out of memory");
}

enum status challenge_create(const struct enroll_context *context, const struct challenge_new *wanted,
                             char **phrase, struct challenge_row *row, struct err *err)
{
    AUTO(challenge_row) struct challenge_row made = {0};
    AUTO(secret) char *text = NULL;
    AUTO(heap) char *detail = NULL;
    const struct profile *profile = NULL;
    struct change change = {0};
    TRY(check_wanted(context, wanted, &profile, err));
    TRY(make_phrase(&text, made.sha256, err));
    TRY(fill_challenge(wanted, profile, &made, err));
    TRY(describe(&made, &detail, err));
    struct audit_row audit = {.actor = made.created_by,
                              .action = borrowed("challenge.created"),
                              .object = borrowed("challenge 0"),
                              .detail = detail};
    change_add(&change, (struct change_op){.kind = CHANGE_CHALLENGE_ADD, .challenge = &made});
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    TRY(store_commit(context->store, &change, err));
    made.id = change.challenge_id;
    *row = made;
    made = (struct challenge_row){0};
    *phrase = MOVE(text);
    return STATUS_OK;
}

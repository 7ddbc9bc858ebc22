/* SPDX-License-Identifier: Apache-2.0
 *
 * One template file into struct template: the table of its keys, and what the table cannot read. Mistakes
 * that show only between keys are for template_check.c; the set of all templates is template_set.c.
 */
#include "template_private.h"

#include <stdio.h>

#define FIELD(member) offsetof(struct template, member)

static const char *const origin_words[] = {"template", "request", NULL};
static const char *const verify_words[] = {"source", "none", NULL};
static const char *const audience_words[] = {"published", "officer", "internal", NULL};
static const char *const unlisted_words[] = {"deny", "drop", NULL};
static const char *const approval_words[] = {"auto", "manual", NULL};
static const char *const on_change_words[] = {"deny", "update", NULL};
static const char *const key_reuse_words[] = {"any", "same-subject", NULL};
static const char *const purpose_words[] = {"signing", "encryption", "signing-and-encryption", NULL};

#define MISTAKE(context, setting, key, ...)                                                                  \
    config_mistake((context)->mistakes, (context)->file, (setting) != NULL ? config_line(setting) : 0,       \
                   (key), __VA_ARGS__)

struct config_setting *template_member(struct config_setting *group, const char *name)
{
    for (size_t i = 0; config_is_group(group) && i < config_length(group); i++) {
        struct config_setting *member = config_at(group, i);

        if (strcmp(config_name(member), name) == 0)
            return member;
    }
    return NULL;
}

/* ---- entries: subject and SAN ---- */

/* verify has no default where the request is believed: the choice must be written down. */
static void check_verify(struct config_setting *group, const struct entry *entry, const char *key,
                         struct config_context *context)
{
    struct config_setting *verify = template_member(group, "verify");

    if (entry->from == FROM_REQUEST && verify == NULL)
        MISTAKE(context, group, key,
                "verify is missing: what comes from a request is the client's own claim. verify = \"source\" "
                "issues only what a lookup source knows too (challenge, account, device registry); verify = "
                "\"none\" believes the request, as a UEM that holds the challenge needs it");
    if (entry->from == FROM_TEMPLATE && verify != NULL)
        MISTAKE(context, verify, key,
                "verify has a meaning with from = \"request\" only: what the template fills comes from the "
                "lookup sources");
}

static void check_any(struct config_setting *group, struct entry *entry, const char *key,
                      struct config_context *context)
{
    entry->any = entry->text != NULL && strcmp(entry->text, "*") == 0;
    if (entry->any && entry->from == FROM_TEMPLATE)
        MISTAKE(context, group, key,
                "the pattern \"*\" takes any value from a request: write from = \"request\", or a pattern");
    if (entry->any && entry->from == FROM_REQUEST && entry->verify == VERIFY_SOURCE &&
        template_member(group, "verify") != NULL)
        MISTAKE(
            context, group, key,
            "verify = \"source\" cannot be had with the pattern \"*\", which names no lookup value: write "
            "a pattern such as \"{DeviceUid}\", or verify = \"none\"");
}

static const struct config_key subject_keys[] = {
    {.name = "from",
     .type = CONFIG_WORD,
     .offset = offsetof(struct subject_rule, entry.from),
     .words = origin_words,
     .fallback = "template",
     .comment = "Who states the subject."},
    {.name = "pattern",
     .type = CONFIG_STRING,
     .offset = offsetof(struct subject_rule, entry.text),
     .required = true,
     .min = 1,
     .max = PATTERN_TEXT_MAX,
     .comment = "RFC 4514 with {Name} placeholders; \"*\" takes any subject from the request."},
    {.name = "verify",
     .type = CONFIG_WORD,
     .offset = offsetof(struct subject_rule, entry.verify),
     .words = verify_words,
     .comment = "Whether a source must know what the request says; required with from = \"request\"."},
    {.name = NULL},
};

static void read_subject(struct config_setting *setting, void *base, struct config_context *context)
{
    struct subject_rule *rule = base;
    struct err err = {0};

    if (!config_is_group(setting)) {
        MISTAKE(context, setting, "subject",
                "a group is allowed, as in { from = \"template\"; pattern = \"CN={EnrollmentUser}\"; }");
        return;
    }
    config_read_group(setting, "subject.", subject_keys, rule, context);
    check_verify(setting, &rule->entry, "subject", context);
    check_any(setting, &rule->entry, "subject", context);
    if (rule->entry.text != NULL && !rule->entry.any && subject_compile(rule, &err) != STATUS_OK)
        MISTAKE(context, template_member(setting, "pattern"), "subject.pattern", "%s", err.text);
}

static const char *const san_words[] = {"upn", "email", "dns", "ip", "uri", "sid-uri", NULL};
_Static_assert(SAN_UPN == 0 && SAN_SID_URI == 5, "san_words has the order of enum san_type");

static const struct config_key san_keys[] = {
    {.name = "type",
     .type = CONFIG_WORD,
     .offset = offsetof(struct san_rule, type),
     .words = san_words,
     .required = true,
     .comment = "What kind of name it is."},
    {.name = "pattern",
     .type = CONFIG_STRING,
     .offset = offsetof(struct san_rule, entry.text),
     .required = true,
     .min = 1,
     .max = PATTERN_TEXT_MAX,
     .comment = "Text with {Name} placeholders; \"*\" takes any value from the request."},
    {.name = "from",
     .type = CONFIG_WORD,
     .offset = offsetof(struct san_rule, entry.from),
     .words = origin_words,
     .fallback = "template",
     .comment = "Who states the name."},
    {.name = "verify",
     .type = CONFIG_WORD,
     .offset = offsetof(struct san_rule, entry.verify),
     .words = verify_words,
     .comment = "Whether a source must know what the request says; required with from = \"request\"."},
    {.name = "optional",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct san_rule, optional),
     .fallback = "false",
     .comment = "Left out when its values are unknown or the request has no such name."},
    {.name = "max",
     .type = CONFIG_INT,
     .offset = offsetof(struct san_rule, max),
     .fallback = "1",
     .min = 1,
     .max = SAN_ENTRY_MAX,
     .comment = "How many such names a request may have; more than 1 with from = \"request\" only."},
    {.name = NULL},
};

static void read_san_entry(struct config_setting *setting, size_t index, struct san_rule *rule,
                           struct config_context *context)
{
    char key[32];
    char prefix[34];
    struct err err = {0};

    (void)snprintf(key, sizeof key, "san[%zu]", index);
    (void)snprintf(prefix, sizeof prefix, "%s.", key);
    if (!config_is_group(setting)) {
        MISTAKE(context, setting, key,
                "a group is allowed, as in { type = \"upn\"; pattern = \"{UserPrincipalName}\"; }");
        return;
    }
    config_read_group(setting, prefix, san_keys, rule, context);
    check_verify(setting, &rule->entry, key, context);
    check_any(setting, &rule->entry, key, context);
    if (rule->entry.text != NULL && !rule->entry.any &&
        pattern_compile(rule->entry.text, &rule->pattern, &err) != STATUS_OK)
        MISTAKE(context, template_member(setting, "pattern"), key, "%s", err.text);
}

static void read_san(struct config_setting *setting, void *base, struct config_context *context)
{
    struct template *template = base;

    if (setting == NULL)
        return;
    if (!config_is_list(setting)) {
        MISTAKE(context, setting, "san", "a list of groups is allowed, as in ( { type = \"upn\"; … } )");
        return;
    }
    if (config_length(setting) > SAN_RULES_MAX)
        MISTAKE(context, setting, "san", "has %zu entries, at most %d are allowed", config_length(setting),
                SAN_RULES_MAX);
    for (size_t i = 0; i < config_length(setting) && i < SAN_RULES_MAX; i++)
        read_san_entry(config_at(setting, i), i, &template->sans[template->san_count++], context);
}

/* ---- other keys with a form of their own ---- */

/* "33%", "30d" or "always". */
static void read_renewal_window(struct config_setting *setting, void *base, struct config_context *context)
{
    static const char allowed[] =
        "a percentage of the lifetime (\"1%\" to \"100%\"), a duration (\"30d\") or "
        "\"always\" is allowed";
    struct template *template = base;
    const char *text = setting != NULL ? config_text(setting) : "33%";
    char *end = NULL;
    struct err err = {0};

    template->renewal_kind = RENEWAL_ALWAYS;
    if (text == NULL)
        MISTAKE(context, setting, "renewal_window", "is no string: %s", allowed);
    if (text == NULL || strcmp(text, "always") == 0)
        return;
    if (strchr(text, '%') == NULL) {
        template->renewal_kind = RENEWAL_DURATION;
        if (duration_parse(text, &template->renewal_amount, &err) != STATUS_OK)
            MISTAKE(context, setting, "renewal_window", "is \"%s\": %s", text, allowed);
        else if (template->renewal_amount == 0)
            MISTAKE(context, setting, "renewal_window", "is 0, so that nothing could be renewed: %s",
                    allowed);
        return;
    }
    template->renewal_kind = RENEWAL_PERCENT;
    template->renewal_amount = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : 0;
    if (end == NULL || strcmp(end, "%") != 0 || template->renewal_amount < 1 ||
        template->renewal_amount > 100)
        MISTAKE(context, setting, "renewal_window", "is \"%s\": %s", text, allowed);
}

/* "100.3" or "100": digits only, at most 2^31 - 1 each. */
static bool parse_version(const char *text, int64_t *major, int64_t *minor)
{
    int64_t *parts[] = {major, minor};

    *minor = 0;
    for (size_t i = 0; i < 2; i++) {
        size_t len = strspn(text, "0123456789");

        if (len == 0 || len > 10)
            return false;
        *parts[i] = strtoll(text, NULL, 10);
        text += len;
        if (*parts[i] > INT32_MAX || (*text != '\0' && (i == 1 || *text != '.')))
            return false;
        if (*text == '\0')
            return true;
        text++;
    }
    return false;
}

static void read_version(struct config_setting *setting, void *base, struct config_context *context)
{
    struct template *template = base;
    const char *text = setting != NULL ? config_text(setting) : "1";

    if (text == NULL || !parse_version(text, &template->major, &template->minor))
        MISTAKE(context, setting, "version",
                "an integer, or \"major.minor\" in quotes (\"100.3\") is allowed, each part at most "
                "2147483647");
}

static enum status add_policy(struct template *template, const char *oid, char **cps, struct err *err)
{
    AUTO(buf) struct buf octets = BUF(64);
    struct policy *policies = NULL;

    TRY(oid_parse(oid, &octets, err));
    for (size_t i = 0; i < template->policy_count; i++)
        if (span_equal(buf_span(&template->policies[i].oid), buf_span(&octets)))
            return ERR(err, STATUS_CONFLICT, "\"%s\" is listed twice", oid);
    policies = realloc(template->policies, (template->policy_count + 1) * sizeof *policies);
    if (policies == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    template->policies = policies;
    policies[template->policy_count] = (struct policy){.oid = BUF(64), .cps = MOVE(*cps)};
    buf_move(&policies[template->policy_count++].oid, &octets);
    return STATUS_OK;
}

struct policy_words {
    char *oid;
    char *cps;
};

static const struct config_key policy_keys[] = {
    {.name = "oid",
     .type = CONFIG_STRING,
     .offset = offsetof(struct policy_words, oid),
     .required = true,
     .comment = "The policy, dotted."},
    {.name = "cps",
     .type = CONFIG_STRING,
     .offset = offsetof(struct policy_words, cps),
     .comment = "Where the certification practice statement is."},
    {.name = NULL},
};

static void read_policy(struct config_setting *setting, struct template *template,
                        struct config_context *context)
{
    static const char key[] = "certificate_policies";
    struct policy_words words = {0};
    struct err err = {0};
    const char *oid = config_text(setting);

    if (oid == NULL && !config_is_group(setting))
        MISTAKE(context, setting, key,
                "an OID in quotes or { oid = \"1.2.3\"; cps = \"http://…\"; } is allowed");
    if (config_is_group(setting)) {
        config_read_group(setting, "certificate_policies.", policy_keys, &words, context);
        oid = words.oid;
    }
    if (words.cps != NULL && strncmp(words.cps, "http://", 7) != 0 && strncmp(words.cps, "https://", 8) != 0)
        MISTAKE(context, setting, key, "cps is \"%s\": an http or https URL is allowed", words.cps);
    if (oid != NULL && add_policy(template, oid, &words.cps, &err) != STATUS_OK)
        MISTAKE(context, setting, key, "%s", err.text);
    config_clear(policy_keys, &words);
}

static void read_policies(struct config_setting *setting, void *base, struct config_context *context)
{
    if (setting == NULL)
        return;
    if (!config_is_list(setting))
        MISTAKE(
            context, setting, "certificate_policies",
            "a list of OIDs, as in [ \"1.2.3\" ], or of groups { oid = \"1.2.3\"; cps = \"http://…\"; } is "
            "allowed");
    for (size_t i = 0; config_is_list(setting) && i < config_length(setting); i++)
        read_policy(config_at(setting, i), base, context);
}

/* ---- the table ---- */

static const struct config_key key_keys[] = {
    {.name = "types",
     .type = CONFIG_STRINGS,
     .offset = offsetof(struct key_rule, types),
     .fallback = "rsa,ec",
     .comment = "Kinds of keys: \"rsa\", \"ec\"."},
    {.name = "rsa_min_bits",
     .type = CONFIG_INT,
     .offset = offsetof(struct key_rule, rsa_min_bits),
     .fallback = "2048",
     .min = 2048,
     .max = 16384,
     .comment = "Shortest RSA modulus."},
    {.name = "rsa_max_bits",
     .type = CONFIG_INT,
     .offset = offsetof(struct key_rule, rsa_max_bits),
     .fallback = "4096",
     .min = 2048,
     .max = 16384,
     .comment = "Longest RSA modulus."},
    {.name = "curves",
     .type = CONFIG_STRINGS,
     .offset = offsetof(struct key_rule, curves),
     .fallback = "p256,p384",
     .comment = "EC curves: \"p256\", \"p384\"."},
    {.name = "usage",
     .type = CONFIG_WORD,
     .offset = offsetof(struct key_rule, purpose),
     .words = purpose_words,
     .fallback = "signing-and-encryption",
     .comment = "RSA: signing = digitalSignature, encryption = keyEncipherment; EC: encryption = "
                "keyAgreement."},
    {.name = NULL},
};

static const struct config_key template_keys[] = {
    {.name = "name",
     .type = CONFIG_STRING,
     .offset = FIELD(name),
     .required = true,
     .min = 1,
     .max = 64,
     .comment = "What profiles, accounts and commands call it."},
    {.name = "description", .type = CONFIG_STRING, .offset = FIELD(description), .comment = "For people."},
    {.name = "audience",
     .type = CONFIG_WORD,
     .offset = FIELD(audience),
     .words = audience_words,
     .fallback = "published",
     .comment = "Who may name it."},
    {.name = "subject",
     .type = CONFIG_CUSTOM,
     .offset = FIELD(subject),
     .required = true,
     .read = read_subject,
     .comment = "Where the subject comes from and what it looks like."},
    {.name = "san", .type = CONFIG_CUSTOM, .read = read_san, .comment = "Entries of the SAN."},
    {.name = "unlisted_san",
     .type = CONFIG_WORD,
     .offset = FIELD(unlisted_san),
     .words = unlisted_words,
     .fallback = "deny",
     .comment = "What becomes of requested SAN types that no entry lists."},
    {.name = "key", .type = CONFIG_GROUP, .offset = FIELD(key), .table = key_keys, .comment = "Its key."},
    {.name = "key_reuse",
     .type = CONFIG_WORD,
     .offset = FIELD(key_reuse),
     .words = key_reuse_words,
     .fallback = "any",
     .comment = "Whether a key that another subject's certificate holds is taken."},
    {.name = "eku",
     .type = CONFIG_STRINGS,
     .offset = FIELD(eku_words),
     .required = true,
     .comment = "Extended key usages, by name (\"clientAuth\") or dotted OID."},
    {.name = "validity",
     .type = CONFIG_DURATION,
     .offset = FIELD(validity_s),
     .fallback = "1y",
     .min = 1,
     .max = INT64_C(30) * 365 * 86400,
     .comment = "Lifetime; never beyond the authority's."},
    {.name = "renewal_window",
     .type = CONFIG_CUSTOM,
     .read = read_renewal_window,
     .comment = "The last part of the lifetime, in which it may be renewed."},
    {.name = "approval",
     .type = CONFIG_WORD,
     .offset = FIELD(approval),
     .words = approval_words,
     .fallback = "auto",
     .comment = "Whether an officer must approve each request."},
    {.name = "on_change",
     .type = CONFIG_WORD,
     .offset = FIELD(on_change),
     .words = on_change_words,
     .fallback = "deny",
     .comment = "What a renewal does when a source knows a value differently by now."},
    {.name = "oid",
     .type = CONFIG_STRING,
     .offset = FIELD(oid_text),
     .comment = "The template's own OID; writes the template information extension."},
    {.name = "version",
     .type = CONFIG_CUSTOM,
     .read = read_version,
     .comment = "Major version, or \"major.minor\"."},
    {.name = "template_name_extension",
     .type = CONFIG_BOOL,
     .offset = FIELD(template_name_extension),
     .fallback = "false",
     .comment = "Writes the name as a version 1 template has it; not beside oid."},
    {.name = "application_policies",
     .type = CONFIG_BOOL,
     .offset = FIELD(application_policies),
     .fallback = "false",
     .comment = "Repeats the EKU as Microsoft's application policies."},
    {.name = "certificate_policies",
     .type = CONFIG_CUSTOM,
     .read = read_policies,
     .comment = "Certificate policies."},
    {.name = "sid_extension",
     .type = CONFIG_BOOL,
     .offset = FIELD(sid_extension),
     .fallback = "false",
     .comment = "Writes {ObjectSid}, which never comes from the request."},
    {.name = "ocsp_nocheck",
     .type = CONFIG_BOOL,
     .offset = FIELD(ocsp_nocheck),
     .fallback = "false",
     .comment = "For OCSP responders: their own status is not asked for."},
    {.name = "require_groups",
     .type = CONFIG_STRINGS,
     .offset = FIELD(require_groups),
     .min = 1,
     .max = 256,
     .comment = "Groups of {Groups} that the person must all be in."},
    {.name = "cdp",
     .type = CONFIG_STRINGS,
     .offset = FIELD(cdp),
     .min = 1,
     .max = 1024,
     .comment = "CRL URLs instead of the authority's."},
    {.name = "aia",
     .type = CONFIG_STRINGS,
     .offset = FIELD(aia),
     .min = 1,
     .max = 1024,
     .comment = "URLs of the authority's certificate instead of its own."},
    {.name = NULL},
};

#define KEY_COUNT (sizeof template_keys / sizeof *template_keys)

/* A version without quotes is read as an integer. */
static void read_keys(struct config_setting *root, struct template *template, struct config_context *context)
{
    struct config_setting *version = template_member(root, "version");
    struct config_key keys[KEY_COUNT];

    memcpy(keys, template_keys, sizeof keys);
    for (size_t i = 0; version != NULL && config_text(version) == NULL && i < KEY_COUNT - 1; i++)
        if (keys[i].read == read_version)
            keys[i] = (struct config_key){
                .name = "version", .type = CONFIG_INT, .offset = FIELD(major), .min = 0, .max = INT32_MAX};
    config_read_group(root, "", keys, template, context);
    template->has_cdp = template_member(root, "cdp") != NULL;
    template->has_aia = template_member(root, "aia") != NULL;
}

void template_clear(struct template *template)
{
    config_clear(template_keys, template);
    config_clear(subject_keys, &template->subject);
    for (size_t i = 0; i < template->san_count; i++)
        config_clear(san_keys, &template->sans[i]);
}

/* ---- one file ---- */

static enum status open_file(const char *path, const char *text, struct config_mistakes *mistakes,
                             struct config_file **file, struct err *err)
{
    return text != NULL ? config_open_text(text, path, mistakes, file, err)
                        : config_open(path, mistakes, file, err);
}

enum status template_read(const char *path, const char *text, const struct template_options *options,
                          struct config_mistakes *mistakes, struct config_mistakes *warnings,
                          struct template **out, struct err *err)
{
    AUTO(config) struct config_file *file = NULL;
    AUTO(template) struct template *template = calloc(1, sizeof *template);
    struct config_context context = {.file = path, .mistakes = mistakes};
    size_t before = mistakes->count;
    enum status status = STATUS_OK;

    if (template == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    TRY(text_copy(path, &template->file, err));
    status = open_file(path, text, mistakes, &file, err);
    if (status == STATUS_CONFIG)
        return STATUS_OK;
    TRY(status);
    read_keys(config_root(file), template, &context);
    template_check(template, config_root(file), options, &context, warnings);
    if (mistakes->count == before)
        *out = MOVE(template);
    return STATUS_OK;
}

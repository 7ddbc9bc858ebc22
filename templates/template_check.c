/* SPDX-License-Identifier: Apache-2.0
 *
 * Mistakes that one key alone does not show: usage against EKU, names that nobody knows, who may have what.
 * All of them are gathered, each with its line. On the way it fills in what follows from several keys (key
 * limits, OIDs, lookup names). Reading is template_load.c's.
 */
#include "template_private.h"

#include <stdio.h>

/* What a check works on. */
struct check {
    struct template *template;
    struct config_setting *root;
    const struct template_options *options;
    struct config_context *context;
    struct config_mistakes *warnings; /* may be NULL */
};

static int line_of(struct config_setting *setting, struct config_setting *fallback)
{
    return config_line(setting != NULL ? setting : fallback);
}

#define MISTAKE(check, member, ...)                                                                          \
    config_mistake((check)->context->mistakes, (check)->context->file,                                       \
                   line_of(template_member((check)->root, (member)), (check)->root), (member), __VA_ARGS__)
#define MISTAKE_AT(check, line, key, ...)                                                                    \
    config_mistake((check)->context->mistakes, (check)->context->file, (line), (key), __VA_ARGS__)

static void warn(const struct check *check, int line, const char *key, const char *text)
{
    if (check->warnings != NULL)
        config_mistake(check->warnings, check->context->file, line, key, "%s", text);
}

/* ---- lists of strings ---- */

enum status strings_add(struct config_strings *strings, const char *text, struct err *err)
{
    char **items = reallocarray(strings->items, strings->count + 2, sizeof *items);

    if (items == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    strings->items = items;
    items[strings->count] = NULL;
    TRY(text_copy(text, &items[strings->count], err));
    items[++strings->count] = NULL;
    return STATUS_OK;
}

bool strings_have(const struct config_strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->count; i++)
        if (strcmp(strings->items[i], text) == 0)
            return true;
    return false;
}

/* ---- name, key ---- */

static void check_name(const struct check *check)
{
    const char *name = check->template->name;
    size_t good = 0;

    if (name == NULL)
        return;
    good = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._- ");
    if (name[good] != '\0' || name[0] == ' ' || name[0] == '.' || name[0] == '-')
        MISTAKE(check, "name",
                "is \"%s\": letters, digits, '.', '_', '-' and blanks are allowed, a letter or digit first",
                name);
}

static void check_words(const struct check *check, const char *key, const struct config_strings *strings,
                        const char *first, const char *second)
{
    struct config_setting *group = template_member(check->root, "key");
    int line = line_of(group != NULL ? template_member(group, key) : NULL, check->root);

    if (strings->count == 0)
        MISTAKE_AT(check, line, key, "is empty: \"%s\" or \"%s\" or both are needed", first, second);
    for (size_t i = 0; i < strings->count; i++)
        if (strcmp(strings->items[i], first) != 0 && strcmp(strings->items[i], second) != 0)
            MISTAKE_AT(check, line, key, "holds \"%s\": \"%s\" and \"%s\" are allowed", strings->items[i],
                       first, second);
}

static void check_key(const struct check *check)
{
    struct key_rule *key = &check->template->key;
    bool ec = strings_have(&key->types, "ec");

    check_words(check, "types", &key->types, "rsa", "ec");
    if (ec)
        check_words(check, "curves", &key->curves, "p256", "p384");
    if (key->rsa_min_bits > key->rsa_max_bits)
        MISTAKE(check, "key", "rsa_min_bits is above rsa_max_bits: no RSA key would be taken");
    key->limits = (struct key_limits){
        .rsa = strings_have(&key->types, "rsa"),
        .rsa_min_bits = (unsigned)key->rsa_min_bits,
        .rsa_max_bits = (unsigned)key->rsa_max_bits,
        .p256 = ec && strings_have(&key->curves, "p256"),
        .p384 = ec && strings_have(&key->curves, "p384"),
    };
}

/* ---- EKU ---- */

/* What goes with each EKU (RFC 5280 section 4.2.1.12, and who may have it: attacks ESC2, ESC3). */
static const struct eku_rule {
    enum oid oid;
    bool needs_signing;        /* digitalSignature, or for EC a key agreement */
    bool agreement_serves;     /* keyAgreement is enough */
    enum audience least;       /* the widest audience that may have it */
    const char *why_not_wider; /* NULL for the published ones */
} eku_rules[] = {
    {OID_EKU_CLIENT_AUTH, true, true, AUDIENCE_PUBLISHED, NULL},
    {OID_EKU_CODE_SIGNING, true, false, AUDIENCE_PUBLISHED, NULL},
    {OID_EKU_TIME_STAMPING, true, false, AUDIENCE_PUBLISHED, NULL},
    {OID_EKU_DOCUMENT_SIGNING, true, false, AUDIENCE_PUBLISHED, NULL},
    {OID_EKU_PKINIT_CLIENT, true, false, AUDIENCE_PUBLISHED, NULL},
    {OID_EKU_SMARTCARD_LOGON, true, false, AUDIENCE_PUBLISHED, NULL},
    {OID_EKU_PKINIT_KDC, true, false, AUDIENCE_OFFICER, "its holder can stand in for a domain controller"},
    {OID_EKU_REQUEST_AGENT, false, false, AUDIENCE_OFFICER, "its holder can enrol on behalf of others"},
    {OID_EKU_OCSP_SIGNING, true, false, AUDIENCE_INTERNAL, "its holder can call a revoked certificate good"},
};

static const struct eku_rule *find_eku_rule(enum oid oid)
{
    for (size_t i = 0; i < sizeof eku_rules / sizeof *eku_rules; i++)
        if (eku_rules[i].oid == oid)
            return &eku_rules[i];
    return NULL;
}

static void check_eku_rule(const struct check *check, const char *word, const struct eku_rule *rule)
{
    static const char *const audiences[] = {"published", "officer", "internal"};
    const struct template *template = check->template;
    char text[256];
    bool agreement = rule->agreement_serves && !template->key.limits.rsa;

    if (template->key.purpose == PURPOSE_ENCRYPTION && rule->needs_signing && !agreement) {
        /* AD CS issues such certificates, so it is no mistake; most peers will not take them */
        (void)snprintf(
            text, sizeof text,
            "%s needs a key that signs, but key.usage is \"encryption\" (RFC 5280 section 4.2.1.12): "
            "most peers will refuse these certificates",
            word);
        warn(check, line_of(template_member(check->root, "eku"), check->root), "eku", text);
    }
    if (template->audience < (int)rule->least)
        MISTAKE(check, "eku", "%s is not for audience = \"%s\", for %s: audience = \"%s\" is allowed", word,
                audiences[template->audience], rule->why_not_wider, audiences[rule->least]);
}

static void check_eku_word(const struct check *check, const char *word)
{
    struct template *template = check->template;
    AUTO(buf) struct buf octets = BUF(64);
    struct err err = {0};
    enum oid oid = OID_UNKNOWN;
    const struct eku_rule *rule = NULL;

    if (oid_parse(word, &octets, &err) != STATUS_OK) {
        MISTAKE(check, "eku", "%s; names such as \"clientAuth\" or dotted OIDs are allowed", err.text);
        return;
    }
    oid = oid_find(buf_span(&octets));
    rule = find_eku_rule(oid);
    for (size_t i = 0; i < template->eku_count; i++)
        if (span_equal(buf_span(&template->eku[i]), buf_span(&octets)))
            MISTAKE(check, "eku", "\"%s\" is listed twice", word);
    if (oid == OID_EKU_ANY)
        MISTAKE(check, "eku", "anyExtendedKeyUsage makes a certificate for every purpose: name the purposes");
    if (rule != NULL)
        check_eku_rule(check, word, rule);
    if (template->eku_count < TEMPLATE_EKU_MAX)
        buf_move(&template->eku[template->eku_count++], &octets);
}

static bool has_eku(const struct template *template, enum oid oid)
{
    for (size_t i = 0; i < template->eku_count; i++)
        if (span_equal(buf_span(&template->eku[i]), oid_octets(oid)))
            return true;
    return false;
}

static void check_eku(const struct check *check)
{
    const struct template *template = check->template;
    const struct config_strings *words = &template->eku_words;

    if (words->count == 0 && template_member(check->root, "eku") != NULL)
        MISTAKE(check, "eku", "is empty: a certificate without extended key usage serves every purpose");
    if (words->count > TEMPLATE_EKU_MAX)
        MISTAKE(check, "eku", "has %zu entries, at most %d are allowed", words->count, TEMPLATE_EKU_MAX);
    for (size_t i = 0; i < words->count; i++)
        check_eku_word(check, words->items[i]);
    if (template->ocsp_nocheck && !has_eku(template, OID_EKU_OCSP_SIGNING))
        MISTAKE(check, "ocsp_nocheck",
                "is for templates with the EKU OCSPSigning only (RFC 6960 section "
                "4.2.2.2.1)");
    if ((has_eku(template, OID_EKU_SMARTCARD_LOGON) || has_eku(template, OID_EKU_PKINIT_CLIENT)) &&
        !template->sid_extension)
        warn(check, line_of(template_member(check->root, "eku"), check->root), "eku",
             "certificates for log-on without sid_extension = true: domain controllers that enforce strong "
             "mapping refuse them");
}

/* ---- lookup names ---- */

static bool name_is_known(const struct check *check, const char *name)
{
    if (strcmp(name, LOOKUP_AUTHORITY_NAME) == 0)
        return check->template->audience == AUDIENCE_INTERNAL;
    return lookup_in_catalogue(name) ||
           (check->options != NULL && strings_have(&check->options->custom_values, name));
}

/* Edits that lead from a to b, ASCII case ignored. Both are at most VALUE_NAME_MAX octets. */
static size_t distance(const char *a, const char *b)
{
    size_t row[VALUE_NAME_MAX + 1];
    size_t columns = strnlen(b, VALUE_NAME_MAX);

    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < columns; j++) {
            char left[2] = {a[i], '\0'};
            char right[2] = {b[j], '\0'};
            size_t best = diagonal + (text_equal_nocase(left, right) ? 0 : 1);
            diagonal = row[j + 1];
            best = best < row[j + 1] + 1 ? best : row[j + 1] + 1;
            row[j + 1] = best < row[j] + 1 ? best : row[j] + 1;
        }
    }
    return row[columns];
}

static void take_nearer(const char *name, const char *candidate, const char **best, size_t *best_distance)
{
    size_t far = distance(name, candidate);

    if (far < *best_distance) {
        *best = candidate;
        *best_distance = far;
    }
}

static const char *nearest_name(const struct check *check, const char *name)
{
    const char *best = NULL;
    size_t best_distance = strlen(name) / 3 + 2;

    for (size_t i = 0; lookup_catalogue[i] != NULL; i++)
        take_nearer(name, lookup_catalogue[i], &best, &best_distance);
    for (size_t i = 0; check->options != NULL && i < check->options->custom_values.count; i++)
        take_nearer(name, check->options->custom_values.items[i], &best, &best_distance);
    return best;
}

static void unknown_name(const struct check *check, int line, const char *key, const char *name)
{
    const char *best = nearest_name(check, name);

    if (strcmp(name, LOOKUP_AUTHORITY_NAME) == 0)
        MISTAKE_AT(check, line, key, "{%s} is for templates with audience = \"internal\" only", name);
    else if (best != NULL)
        MISTAKE_AT(check, line, key,
                   "no lookup value is called {%s}: is {%s} meant? Others of your own are "
                   "listed in custom_values",
                   name, best);
    else
        MISTAKE_AT(check, line, key,
                   "no lookup value is called {%s}: values of your own are listed in "
                   "custom_values",
                   name);
}

static void check_wildcard(const struct check *check, int line, const char *key, const struct entry *entry,
                           const char *name)
{
    if (entry->from == FROM_TEMPLATE)
        MISTAKE_AT(check, line, key,
                   "{%s} is a wildcard, which no lookup source can fill: a placeholder of "
                   "one small letter is for from = \"request\"",
                   name);
    else if (entry->verify == VERIFY_SOURCE)
        MISTAKE_AT(check, line, key,
                   "{%s} is a wildcard, which no source can know: verify = \"none\", or the "
                   "name of a lookup value, is allowed",
                   name);
}

static void check_pattern(const struct check *check, int line, const char *key, const struct entry *entry,
                          const struct pattern *pattern)
{
    struct config_strings *names = &check->template->lookup_names;

    for (size_t i = 0; i < pattern->count; i++) {
        const char *name = pattern->parts[i].text;

        if (!pattern->parts[i].is_name)
            continue;
        if (pattern_is_wildcard(name))
            check_wildcard(check, line, key, entry, name);
        else if (!name_is_known(check, name))
            unknown_name(check, line, key, name);
        else if (!strings_have(names, name) && strings_add(names, name, NULL) != STATUS_OK)
            MISTAKE_AT(check, line, key, "out of memory");
    }
}

/* ---- subject and SAN ---- */

static int pattern_line(const struct check *check, struct config_setting *group)
{
    struct config_setting *pattern = group != NULL ? template_member(group, "pattern") : NULL;

    return line_of(pattern != NULL ? pattern : group, check->root);
}

static void check_subject(const struct check *check)
{
    const struct subject_rule *rule = &check->template->subject;
    int line = pattern_line(check, template_member(check->root, "subject"));

    for (size_t i = 0; rule->patterns != NULL && i < rule->shape.count; i++)
        check_pattern(check, line, "subject.pattern", &rule->entry, &rule->patterns[i]);
}

static void check_sid_entry(const struct check *check, int line, const char *key, const struct san_rule *rule)
{
    bool plain = rule->pattern.count == 1 && rule->pattern.parts[0].is_name &&
                 strcmp(rule->pattern.parts[0].text, "ObjectSid") == 0;

    if (rule->entry.text != NULL && rule->type == SAN_SID_URI && !plain)
        MISTAKE_AT(check, line, key,
                   "type \"sid-uri\" has the pattern \"{ObjectSid}\" and no other: a SID "
                   "is only written if a source knows it");
}

static void check_san_entry(const struct check *check, size_t index, struct config_setting *group)
{
    const struct san_rule *rule = &check->template->sans[index];
    char key[32];
    int line = pattern_line(check, group);

    (void)snprintf(key, sizeof key, "san[%zu]", index);
    check_pattern(check, line, key, &rule->entry, &rule->pattern);
    check_sid_entry(check, line, key, rule);
    if (rule->max > 1 && (rule->type == SAN_UPN || rule->type == SAN_SID_URI))
        MISTAKE_AT(check, line, key, "max is %d: a certificate has one %s, so max = 1 is allowed",
                   (int)rule->max, san_type_name((enum san_type)rule->type));
    else if (rule->max > 1 && rule->entry.from == FROM_TEMPLATE)
        MISTAKE_AT(check, line, key,
                   "max is %d: a pattern that the template fills makes one name; more than "
                   "1 is for from = \"request\"",
                   (int)rule->max);
    for (size_t i = 0; i < index; i++)
        if (check->template->sans[i].type == rule->type &&
            (rule->type == SAN_UPN || rule->type == SAN_SID_URI) && rule->entry.text != NULL)
            MISTAKE_AT(check, line, key, "a second entry of type \"%s\": a certificate has one at most",
                       san_type_name((enum san_type)rule->type));
}

static void check_sans(const struct check *check)
{
    struct config_setting *list = template_member(check->root, "san");

    for (size_t i = 0; list != NULL && i < check->template->san_count; i++)
        check_san_entry(check, i, config_at(list, i));
}

static bool is_trusted(const struct entry *entry)
{
    return entry->from == FROM_REQUEST && entry->verify == VERIFY_NONE && entry->text != NULL;
}

/* One for the whole template, however many entries it concerns. */
static void warn_trust(const struct check *check)
{
    const struct template *template = check->template;
    AUTO(buf) struct buf names = BUF(1024);

    if (is_trusted(&template->subject.entry))
        buf_add_text(&names, "subject");
    for (size_t i = 0; i < template->san_count; i++)
        if (is_trusted(&template->sans[i].entry))
            buf_printf(&names, "%ssan[%zu] (%s)", names.len > 0 ? ", " : "", i,
                       san_type_name((enum san_type) template->sans[i].type));
    AUTO(heap) char *text = buf_take_text(&names);
    if (text != NULL && text[0] != '\0')
        warn(check, line_of(template_member(check->root, "subject"), check->root), text,
             "verify = \"none\": whoever holds a challenge states this himself; give challenges only to "
             "those who may state it (a UEM), and close them with lookup values where you can");
}

/* ---- extensions and lists ---- */

static void check_oid(const struct check *check)
{
    struct template *template = check->template;
    struct err err = {0};

    template->oid = BUF(64);
    if (template->oid_text == NULL)
        return;
    if (oid_parse(template->oid_text, &template->oid, &err) != STATUS_OK)
        MISTAKE(check, "oid", "%s", err.text);
    if (template->template_name_extension)
        MISTAKE(check, "template_name_extension",
                "stands beside oid: a certificate carries the name (version 1 templates) or the OID");
}

static void check_sid_extension(const struct check *check)
{
    if (check->template->sid_extension && check->template->audience == AUDIENCE_INTERNAL)
        MISTAKE(check, "sid_extension",
                "is for people and their devices: a certificate of the server itself (audience = "
                "\"internal\") has no SID");
}

static void check_urls(const struct check *check, const char *key, const struct config_strings *urls)
{
    for (size_t i = 0; i < urls->count; i++)
        if (strncmp(urls->items[i], "http://", 7) != 0 || urls->items[i][7] == '\0' ||
            strpbrk(urls->items[i], " \t\r\n\"<>") != NULL)
            MISTAKE(check, key,
                    "holds \"%s\": a plain http:// URL is allowed (https would need a certificate to check a "
                    "certificate)",
                    urls->items[i]);
}

static void check_window(const struct check *check)
{
    const struct template *template = check->template;

    if (template->renewal_kind == RENEWAL_DURATION && template->renewal_amount > template->validity_s)
        warn(check, line_of(template_member(check->root, "renewal_window"), check->root), "renewal_window",
             "is longer than validity: \"always\" says the same in plain words");
}

/* What the set keeps for template_apply: copies, for options are borrowed, and folded as what they are held
 * against. */
static void copy_denied(const struct check *check)
{
    static const char *const built_in[] = {"administrator", "krbtgt", "guest"};
    struct config_strings *denied = &check->template->denied_values;
    bool copied = true;

    for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
        copied = strings_add(denied, built_in[i], NULL) == STATUS_OK && copied;
    for (size_t i = 0; check->options != NULL && i < check->options->denied_values.count; i++)
        copied = strings_add(denied, check->options->denied_values.items[i], NULL) == STATUS_OK && copied;
    for (size_t i = 0; i < denied->count; i++)
        fold_name(denied->items[i]);
    if (!copied)
        MISTAKE(check, "name", "out of memory");
}

static void add_name(const struct check *check, const char *name)
{
    struct config_strings *names = &check->template->lookup_names;

    if (!strings_have(names, name) && strings_add(names, name, NULL) != STATUS_OK)
        MISTAKE(check, "name", "out of memory");
}

void template_check(struct template *template, struct config_setting *root,
                    const struct template_options *options, struct config_context *context,
                    struct config_mistakes *warnings)
{
    struct check check = {template, root, options, context, warnings};

    check_name(&check);
    check_key(&check);
    check_eku(&check);
    check_subject(&check);
    check_sans(&check);
    warn_trust(&check);
    check_oid(&check);
    check_sid_extension(&check);
    check_urls(&check, "cdp", &template->cdp);
    check_urls(&check, "aia", &template->aia);
    check_window(&check);
    copy_denied(&check);
    if (template->sid_extension)
        add_name(&check, "ObjectSid");
    if (template->require_groups.count > 0)
        add_name(&check, "Groups");
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to templates/: what a template file says, once read, and the steps that use it.
 *
 * template_load.c fills struct template, template_check.c judges it, subject.c, san.c and content.c each
 * make one part of a certificate's content from it, apply.c puts them in order.
 */
#ifndef SCEPTER_TEMPLATES_TEMPLATE_PRIVATE_H
#define SCEPTER_TEMPLATES_TEMPLATE_PRIVATE_H

#include "pattern.h"
#include "template.h"

/* The order of these enums is that of the words in template_load.c. */
enum origin { FROM_TEMPLATE, FROM_REQUEST };
enum verification { VERIFY_SOURCE, VERIFY_NONE };
enum key_purpose { PURPOSE_SIGNING, PURPOSE_ENCRYPTION, PURPOSE_BOTH };
enum on_change { ON_CHANGE_DENY, ON_CHANGE_UPDATE };
enum unlisted_san { UNLISTED_DENY, UNLISTED_DROP };
enum approval { APPROVAL_AUTO, APPROVAL_MANUAL };
enum key_reuse { KEY_REUSE_ANY, KEY_REUSE_SAME_SUBJECT };

/* Where an entry's value comes from and what it must look like. */
struct entry {
    int from;   /* enum origin */
    int verify; /* enum verification; of meaning for FROM_REQUEST only */
    bool any;   /* pattern "*" */
    char *text; /* the pattern as it is written; NULL only in a template with mistakes */
};

struct subject_rule {
    struct entry entry;
    struct name shape;        /* the pattern read as RFC 4514, placeholders in its values */
    struct pattern *patterns; /* one for each attribute of shape */
};

#define SAN_RULES_MAX    16
#define SAN_ENTRY_MAX    64
#define TEMPLATE_EKU_MAX 16

struct san_rule {
    struct entry entry;
    int type; /* enum san_type */
    bool optional;
    int64_t max;
    struct pattern pattern;
};

enum renewal_kind { RENEWAL_PERCENT, RENEWAL_DURATION, RENEWAL_ALWAYS };

struct key_rule {
    struct config_strings types, curves;
    int64_t rsa_min_bits, rsa_max_bits;
    int purpose; /* enum key_purpose */
    struct key_limits limits;
};

struct template
{
    char *file;
    char *name;
    char *description;
    int audience; /* enum audience */
    struct subject_rule subject;
    struct san_rule sans[SAN_RULES_MAX];
    size_t san_count;
    int unlisted_san;
    struct key_rule key;
    int key_reuse;
    struct config_strings eku_words;
    struct buf eku[TEMPLATE_EKU_MAX];
    size_t eku_count;
    int64_t validity_s;
    enum renewal_kind renewal_kind;
    int64_t renewal_amount; /* percent or seconds */
    int approval;
    int on_change;
    char *oid_text;
    struct buf oid;
    int64_t major, minor;
    bool template_name_extension;
    bool application_policies;
    struct policy *policies;
    size_t policy_count;
    bool sid_extension;
    bool ocsp_nocheck;
    struct config_strings require_groups;
    bool has_cdp, has_aia;
    struct config_strings cdp, aia;
    struct config_strings denied_values; /* the built-in ones and the configured ones */
    struct config_strings lookup_names;  /* in patterns; items is NULL-ended */
};

void template_free(struct template *template);
AUTO_POINTER(template, struct template, template_free)

/* ---- reading ---- */

/* Reads and checks one file (text: its contents if they are at hand, else NULL: it is read from path). Every
 * mistake goes to mistakes; *out is NULL if there was one. */
NODISCARD enum status template_read(const char *path, const char *text,
                                    const struct template_options *options, struct config_mistakes *mistakes,
                                    struct config_mistakes *warnings, struct template **out, struct err *err);
/* Mistakes that one key alone does not show. root: where the lines come from. */
void template_check(struct template *template, struct config_setting *root,
                    const struct template_options *options, struct config_context *context,
                    struct config_mistakes *warnings);
/* The member of a group, or NULL. */
struct config_setting *template_member(struct config_setting *group, const char *name);
/* Frees the values that template_load.c's tables own. */
void template_clear(struct template *template);

/* Appends a copy. STATUS_NOMEM. */
NODISCARD enum status strings_add(struct config_strings *strings, const char *text, struct err *err);
bool strings_have(const struct config_strings *strings, const char *text);
/* Makes a name what a directory takes it for (fold.c). In place, for it never grows. */
void fold_name(char *text);

/* ---- applying ---- */

/* One application of a template: what it reads and what it has gathered so far. */
struct application {
    const struct template *template;
    const struct template_input *input;
    struct values claims;                  /* what the request's patterns matched */
    struct values sourced;                 /* those of them that a source must know (verify = "source") */
    const struct general_names *requested; /* SAN that entries from the request are taken from */
    int assigned[GENERAL_NAMES_MAX];       /* for each of them: the entry that takes it, or -1 */
};

/* Notes the claims that one match made. STATUS_DENIED if the request claims a name differently. */
NODISCARD enum status application_claim(struct application *application, const struct values *found,
                                        int verify, struct err *err);
/* Refuses denied_values: the whole value, and without realm or domain. what: "the subject's CN". */
NODISCARD enum status application_judge_value(const struct template *template, const char *what,
                                              const char *text, struct err *err);
/* pattern_value of an application: the lookup value, or STATUS_DENIED that names it. */
enum status application_value(void *application, const char *name, const char **text, struct err *err);
/* {ObjectSid} from anybody but the request. STATUS_DENIED. */
NODISCARD enum status application_sid(struct application *application, const char **sid, struct err *err);

/* Puts "template User: " before the text, and makes a denial of what the request or its values lack. */
enum status template_refuse(const struct template *template, enum status status, struct err *err);

/* Compiles the pattern into rule. STATUS_MALFORMED names what is wrong with it. */
NODISCARD enum status subject_compile(struct subject_rule *rule, struct err *err);
void subject_rule_free(struct subject_rule *rule);
/* Holds the request's subject against the pattern and notes its claims. STATUS_DENIED. */
NODISCARD enum status subject_claim(struct application *application, struct err *err);
/* The subject: filled from the pattern, or the request's. */
NODISCARD enum status subject_make(struct application *application, struct name *out, struct err *err);
/* The pattern filled, whatever its origin. */
NODISCARD enum status subject_fill(const struct subject_rule *rule, pattern_value *value, void *context,
                                   struct name *out, struct err *err);

/* Finds the entry for each of application->requested. claim: also note the claims and refuse what no entry
 * takes; without it names that no entry takes are passed over (a renewal, whose names were judged before). */
NODISCARD enum status san_assign(struct application *application, bool claim, struct err *err);
/* Judges what entries took from the request: denied_values; a SID must be {ObjectSid} of another source.
 * After the claims were made known. STATUS_DENIED. */
NODISCARD enum status san_judge(struct application *application, struct err *err);
/* The SAN, entry by entry. */
NODISCARD enum status san_make(struct application *application, struct general_names *out, struct err *err);
/* Whether the template lists that type at all. */
bool san_listed(const struct template *template, enum san_type type);
/* Whether an entry takes names of that type from the request. */
bool san_from_request(const struct template *template, enum san_type type);

/* What does not depend on the request: usage, policies, extensions, lists, validity. */
NODISCARD enum status content_fill(struct content *content, const struct template *template,
                                   const struct csr *csr, struct err *err);

/* ---- lookup values, beside lookup.h ---- */

/* Adds claims before any is judged, so that sources are asked with all of them. */
NODISCARD enum status lookup_announce(struct lookup *lookup, const struct values *claims, struct err *err);
/* The value that anything but the old certificate and the request gives. *text is NULL if none does. */
NODISCARD enum status lookup_newer(struct lookup *lookup, const char *name, const char **text,
                                   const char **source_name, struct err *err);
/* The old certificate's value no longer counts. */
void lookup_forget_old(struct lookup *lookup, const char *name);

/* "{AuthorityName}": known to internal templates only; ca/ binds it. */
#define LOOKUP_AUTHORITY_NAME "AuthorityName"

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificate templates: what a certificate of one kind holds, and for whom.
 *
 * A template turns a decoded request and lookup values into struct content (what the
 * certificate will hold) or into a denial that says why. It signs nothing, stores
 * nothing and knows no protocol.
 */
#ifndef SCEPTER_TEMPLATES_TEMPLATE_H
#define SCEPTER_TEMPLATES_TEMPLATE_H

#include "config.h"
#include "csr.h"
#include "lookup.h"

/* ---- what a certificate will hold ---- */

struct policy {
    struct buf oid; /* content octets */
    char *cps;      /* URI of the certification practice statement, NULL if none */
};

/* Zero-initialised it is empty. Strings are owned. */
struct content {
    struct name subject;
    struct general_names san;
    unsigned key_usage; /* enum key_usage bits, critical */
    struct buf *eku;    /* content octets of each OID */
    size_t eku_count;
    bool application_policies; /* 1.3.6.1.4.1.311.21.10 with the same OIDs as the EKU */
    struct policy *policies;
    size_t policy_count;
    char *template_name;     /* always set */
    struct buf template_oid; /* content octets; empty: write the template name extension (v1) instead, if it
                                has one of the two (see template_extension) */
    bool template_extension; /* write 20.2 (no OID) or 21.7 (OID) */
    int64_t template_major, template_minor;
    char *sid; /* for the SID extension; NULL: none */
    int64_t validity_s;
    bool has_cdp, has_aia; /* the template's own lists instead of the authority's */
    struct config_strings cdp, aia;
    bool ocsp_nocheck;
    bool manual_approval;
    struct values values; /* what it was made from: stored with the certificate */
};
void content_free(struct content *content);
AUTO_VALUE(content, struct content, content_free)

/* ---- templates ---- */

enum audience {
    AUDIENCE_PUBLISHED, /* profiles, certsrv, accounts */
    AUDIENCE_OFFICER,   /* only accounts that name it; and the command line */
    AUDIENCE_INTERNAL,  /* only the server itself */
};

struct template;     /* one, immutable; borrowed from its set */
struct template_set; /* all of a directory, immutable, counted */

/* What the configuration says for all templates. Borrowed strings. */
struct template_options {
    struct config_strings denied_values; /* beside the built-in administrator, krbtgt, guest */
    struct config_strings custom_values; /* lookup names beside the catalogue */
};

/* Reads every *.cfg of a directory. Every mistake of every file is gathered; with any, no set is made and the
 * status is STATUS_CONFIG. Warnings (verify = "none", and the like) go to `warnings` (may be NULL) in the
 * same form. *out has one reference. */
NODISCARD enum status template_set_load(const char *dir, const struct template_options *options,
                                        struct config_mistakes *mistakes, struct config_mistakes *warnings,
                                        struct template_set **out, struct err *err);
/* Checks one file as template_set_load would. */
NODISCARD enum status template_check_file(const char *path, const struct template_options *options,
                                          struct config_mistakes *mistakes, struct config_mistakes *warnings,
                                          struct err *err);
struct template_set *template_set_ref(struct template_set *set);
void template_set_unref(struct template_set *set);
AUTO_POINTER(template_set, struct template_set, template_set_unref)

size_t template_set_count(const struct template_set *set);
const struct template *template_set_at(const struct template_set *set, size_t index); /* by name, ascending */
/* NULL if there is none. Names compare with case. */
const struct template *template_set_find(const struct template_set *set, const char *name);

const char *template_name(const struct template *template);
const char *template_description(const struct template *template); /* NULL if none */
const char *template_file(const struct template *template);        /* path it was read from */
enum audience template_audience(const struct template *template);
/* The major version. */
int64_t template_version(const struct template *template);
int64_t template_validity_s(const struct template *template);
bool template_manual_approval(const struct template *template);
/* Seconds before not_after from which a renewal is allowed, for a certificate of that lifetime; INT64_MAX for
 * "always". */
int64_t template_renewal_window_s(const struct template *template, int64_t lifetime_s);
/* Whether values of the request are taken on its word (verify = "none"). */
bool template_trusts_request(const struct template *template);
const struct key_limits *template_key_limits(const struct template *template);
/* "any": false, "same-subject": true: a key that another subject's certificate holds is refused. */
bool template_key_same_subject(const struct template *template);
/* Every lookup name in its patterns, NULL-ended; borrowed. */
const char *const *template_lookup_names(const struct template *template);

/* The subject (index 0) and the SAN entries behind it, as the file writes them. Texts borrowed. */
struct template_entry {
    const char *kind;    /* "subject", or the SAN's type */
    const char *pattern; /* "CN={EnrollmentUser}", "*" */
    bool from_request;   /* else the template fills it */
    bool verified;       /* of the request's: verify = "source" */
    bool optional;
};
size_t template_entry_count(const struct template *template);
struct template_entry template_entry_at(const struct template *template, size_t index);
/* Whether an entry's pattern holds that lookup name. */
bool template_entry_names(const struct template *template, size_t index, const char *name);
/* The EKU as content octets of OIDs, borrowed; at most `max`. How many there are. */
size_t template_eku(const struct template *template, struct span *out, size_t max);
/* Bits of RFC 5280 section 4.2.1.3 for an RSA or an EC key. */
unsigned template_key_usage(const struct template *template, bool ec);

/* The texts of the built-in templates: name ("User") and text of the .cfg file; NULL name at the end. */
struct template_builtin {
    const char *name;
    const char *text;
};
extern const struct template_builtin template_builtins[];

/* What a request brings to a template. */
struct template_input {
    const struct csr *csr; /* NULL: only fill what comes from the template (template show) */
    struct lookup *lookup;
    const struct certificate_row *renewed; /* the certificate that is renewed, NULL for an initial request */
    bool vouched; /* an administrator at the command line vouches for what the request says: verify = "source"
                     then asks only that no source disagrees */
};

/* What certificate comes out. Order: what the request says (subject, SAN, denied values), whether the sources
 * agree, groups, unknown lookup values, SID. On a renewal input.renewed's values are bound as
 * LOOKUP_OLD_CERTIFICATE here, subject and SAN are those of the old row (the CSR may leave them out but not
 * differ), and a value of the template's that a source now knows differently follows on_change. Does not look
 * at the key. STATUS_DENIED names the template, the entry, the value and what is allowed; other statuses come
 * from sources and memory. *out is written only on success. */
NODISCARD enum status template_apply(const struct template *template, const struct template_input *input,
                                     struct content *out, struct err *err);

/* What a request for this template would have to say, its patterns filled with the values: the subject, and
 * the SAN names that entries take from a request, for a CSR that we make ourselves (cert issue --genkey).
 * "*" is filled with {DistinguishedName}, {UserPrincipalName}, {EmailAddress}, {DnsName}, {IpAddress}; a
 * subject
 * "*" without it is empty. Entries whose values are unknown are left out if optional, else STATUS_DENIED
 * names them. */
NODISCARD enum status template_propose(const struct template *template, struct lookup *lookup,
                                       struct name *subject, struct general_names *san, struct err *err);

#endif

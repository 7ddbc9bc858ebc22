/* SPDX-License-Identifier: Apache-2.0
 *
 * templates/san.c: SAN names from the template and from the request, allow-listed by type and pattern.
 */
#include "template_fixture.h"

#define SUBJECT   "subject = { pattern = \"CN=x\"; }; "
#define UPN(name) "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:" name
#define SID       "S-1-5-21-1-2-3-1104"
#define SID_URI   "tag:microsoft.com,2022-09-14:sid:"

/* Applies a template with these SAN entries to a request with this SAN. */
static enum status apply(const char *entries, const char *more, const char *bound, const char *san,
                         struct content *content, struct err *err)
{
    char text[4096];

    (void)snprintf(text, sizeof text, HEAD SUBJECT "san = ( %s ); %s", entries, more);
    AUTO(template) struct template *template = make_template(text);
    AUTO(lookup) struct lookup *lookup = make_lookup(bound, NULL);
    AUTO(csr) struct csr *csr = make_csr("CN=r", san);
    struct template_input input = {.csr = csr, .lookup = lookup};

    return template_apply(template, &input, content, err);
}

static void assert_made(const char *entries, const char *more, const char *bound, const char *san,
                        const char *expected)
{
    AUTO(content) struct content content = {0};
    struct err err = {0};

    assert_ok(apply(entries, more, bound, san, &content, &err), &err);
    assert_string_equal(san_text(&content.san), expected);
}

static void assert_denied(const char *entries, const char *more, const char *bound, const char *san,
                          const char *why)
{
    AUTO(content) struct content content = {0};
    struct err err = {0};

    assert_int_equal(apply(entries, more, bound, san, &content, &err), STATUS_DENIED);
    assert_has(err.text, why);
}

#define T_UPN   "{ type = \"upn\"; pattern = \"{UserPrincipalName}\"; }"
#define T_EMAIL "{ type = \"email\"; pattern = \"{EmailAddress}\"; optional = true; }"
#define R_UPN                                                                                                \
    "{ type = \"upn\"; pattern = \"{UserPrincipalName}\"; from = \"request\"; verify = \"source\"; }"
#define R_DNS                                                                                                \
    "{ type = \"dns\"; pattern = \"{x}.lab.example\"; from = \"request\"; verify = \"none\"; optional = "    \
    "true; max = 2; }"
#define R_ANY_DNS                                                                                            \
    "{ type = \"dns\"; pattern = \"*\"; from = \"request\"; verify = \"none\"; optional = true; max = 64; }"

static void san__is_filled_from_values(void **state)
{
    (void)state;
    assert_made(T_UPN ", " T_EMAIL, "", "UserPrincipalName=a@L;EmailAddress=a@l", NULL, "upn=a@L, email=a@l");
}

static void san__leaves_out_optional_entries_that_are_unknown(void **state)
{
    (void)state;
    assert_made(T_UPN ", " T_EMAIL, "", "UserPrincipalName=a@L", NULL, "upn=a@L");
    assert_denied(T_UPN ", " T_EMAIL, "", "EmailAddress=a@l", NULL, "{UserPrincipalName}");
}

/* design.md: from = "template": what the CSR says in that place is not used. */
static void san__from_the_template_does_not_use_the_request(void **state)
{
    (void)state;
    assert_made(T_UPN, "", "UserPrincipalName=a@L", UPN("root@L"), "upn=a@L");
}

/* rules.md: requested SAN types that the template does not list are denied by name, or dropped. */
static void san__unlisted_types_are_denied_or_dropped(void **state)
{
    (void)state;
    assert_denied(T_UPN, "", "UserPrincipalName=a@L", "DNS:x.example", "type dns (\"x.example\")");
    assert_denied(T_UPN, "", "UserPrincipalName=a@L", "RID:1.2.3", "type other");
    assert_made(T_UPN, "unlisted_san = \"drop\";", "UserPrincipalName=a@L", "DNS:x.example,RID:1.2.3",
                "upn=a@L");
}

static void san__of_a_request_must_match_a_pattern(void **state)
{
    (void)state;
    assert_made(R_DNS, "", NULL, "DNS:a.lab.example,DNS:b.lab.example",
                "dns=a.lab.example, dns=b.lab.example");
    assert_denied(R_DNS, "", NULL, "DNS:a.example", "\"{x}.lab.example\" (at most 2)");
    assert_denied(R_DNS, "", NULL, "DNS:a.lab.example,DNS:b.lab.example,DNS:c.lab.example", "too many");
    assert_made(R_ANY_DNS, "", NULL, "DNS:*.anything.example", "dns=*.anything.example");
}

static void san__of_a_request_is_required_unless_optional(void **state)
{
    (void)state;
    assert_denied(R_UPN, "", "UserPrincipalName=a@L", NULL, "not optional");
    assert_made(R_DNS, "", NULL, NULL, "");
}

/* verify = "source": what is requested must agree with a source that knows the person. */
static void san__of_a_request_is_held_against_the_sources(void **state)
{
    (void)state;
    assert_made(R_UPN, "", "UserPrincipalName=a@L", UPN("a@L"), "upn=a@L");
    assert_denied(R_UPN, "", "UserPrincipalName=a@L", UPN("b@L"), "the challenge says \"a@L\"");
    assert_denied(R_UPN, "", NULL, UPN("a@L"), "no source knows");
}

/* Even with verify = "none" a claim must agree with what is bound. */
static void san__believed_claims_still_agree_with_what_is_bound(void **state)
{
    static const char entry[] =
        "{ type = \"upn\"; pattern = \"{UserPrincipalName}\"; from = \"request\"; verify = \"none\"; }";

    (void)state;
    assert_made(entry, "", NULL, UPN("a@L"), "upn=a@L");
    assert_denied(entry, "", "UserPrincipalName=a@L", UPN("b@L"), "the challenge says \"a@L\"");
}

/* facts: exactly one UPN. */
static void san__has_one_upn_at_most(void **state)
{
    (void)state;
    assert_denied(R_UPN, "", "UserPrincipalName=a@L", UPN("a@L") "," UPN("a@L"), "too many");
}

/* rules.md: denied_values, case-insensitive, also with the realm cut off. */
static void san__of_a_request_is_never_a_denied_value(void **state)
{
    static const char entry[] =
        "{ type = \"upn\"; pattern = \"*\"; from = \"request\"; verify = \"none\"; }, "
        "{ type = \"email\"; pattern = \"{x}@lab\"; from = \"request\"; optional = true; "
        "verify = \"none\"; }";

    (void)state;
    assert_denied(entry, "", NULL, UPN("Administrator@LAB.TEST"), "denied_values");
    assert_denied(entry, "", NULL, UPN("LAB\\\\krbtgt@LAB.TEST"), "denied_values");
    assert_denied(entry, "", NULL, UPN("LAB/administrator@LAB.TEST"), "denied_values");
    assert_denied(entry, "", NULL, UPN("administrator.@LAB.TEST"), "denied_values");
    assert_denied(entry, "", NULL, UPN("x@L") ",email:guest@lab", "denied_values");
    assert_made(entry, "", NULL, UPN("administrators@LAB.TEST"), "upn=administrators@LAB.TEST");
}

#define R_SID "{ type = \"sid-uri\"; pattern = \"{ObjectSid}\"; from = \"request\"; verify = \"none\"; }"

/* rules.md: a SID from a request is issued only if it equals {ObjectSid} from another source. */
static void san__sid_of_a_request_needs_another_source(void **state)
{
    (void)state;
    assert_made(R_SID, "", "ObjectSid=" SID, SID_URI SID, "sid-uri=" SID);
    assert_denied(R_SID, "", NULL, SID_URI SID, "request alone");
    assert_denied(R_SID, "", "ObjectSid=S-1-5-21-1-2-3-500", SID_URI SID, "S-1-5-21-1-2-3-500");
}

static void san__sid_is_filled_from_a_source_only(void **state)
{
    (void)state;
    assert_made("{ type = \"sid-uri\"; pattern = \"{ObjectSid}\"; }", "", "ObjectSid=" SID, NULL,
                "sid-uri=" SID);
    assert_denied("{ type = \"sid-uri\"; pattern = \"{ObjectSid}\"; }", "", "ObjectSid=nonsense", NULL,
                  "no SID");
}

static void san__values_that_are_no_names_are_denied(void **state)
{
    (void)state;
    assert_denied(T_UPN ", { type = \"email\"; pattern = \"{EmailAddress}\"; }", "",
                  "UserPrincipalName=a@L;EmailAddress=nobody", NULL, "SAN entry email");
}

static void san__repeated_names_are_written_once(void **state)
{
    (void)state;
    assert_made("{ type = \"dns\"; pattern = \"{DnsName}\"; }, " R_ANY_DNS, "", "DnsName=a.example",
                "DNS:a.example,DNS:b.example", "dns=a.example, dns=b.example");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(san__is_filled_from_values),
        cmocka_unit_test(san__leaves_out_optional_entries_that_are_unknown),
        cmocka_unit_test(san__from_the_template_does_not_use_the_request),
        cmocka_unit_test(san__unlisted_types_are_denied_or_dropped),
        cmocka_unit_test(san__of_a_request_must_match_a_pattern),
        cmocka_unit_test(san__of_a_request_is_required_unless_optional),
        cmocka_unit_test(san__of_a_request_is_held_against_the_sources),
        cmocka_unit_test(san__believed_claims_still_agree_with_what_is_bound),
        cmocka_unit_test(san__has_one_upn_at_most),
        cmocka_unit_test(san__of_a_request_is_never_a_denied_value),
        cmocka_unit_test(san__sid_of_a_request_needs_another_source),
        cmocka_unit_test(san__sid_is_filled_from_a_source_only),
        cmocka_unit_test(san__values_that_are_no_names_are_denied),
        cmocka_unit_test(san__repeated_names_are_written_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

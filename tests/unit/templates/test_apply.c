/* SPDX-License-Identifier: Apache-2.0
 *
 * templates/apply.c, content.c and propose.c: the content of a certificate as a whole, renewals, groups, SID.
 */
#include "template_fixture.h"

#define USER                                                                                                 \
    HEAD "subject = { pattern = \"CN={EnrollmentUser}\"; }; "                                                \
         "san = ( { type = \"email\"; pattern = \"{EmailAddress}\"; } ); "
#define SID "S-1-5-21-1-2-3-1104"

static enum status apply(const char *text, struct lookup *lookup, const struct csr *csr,
                         const struct certificate_row *renewed, struct content *content, struct err *err)
{
    AUTO(template) struct template *template = make_template(text);
    struct template_input input = {.csr = csr, .lookup = lookup, .renewed = renewed};

    return template_apply(template, &input, content, err);
}

/* ---- what does not depend on the request ---- */

static void assert_usage(const char *usage, EVP_PKEY *key, unsigned expected)
{
    char text[1024];
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, NULL);
    AUTO(csr) struct csr *csr = key != NULL ? make_csr_with("CN=x", NULL, key) : NULL;
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)snprintf(
        text, sizeof text,
        "name = \"T\"; eku = [\"emailProtection\"]; subject = { pattern = \"CN=x\"; }; key = { usage = "
        "\"%s\"; };",
        usage);
    assert_ok(apply(text, lookup, csr, NULL, &content, &err), &err);
    assert_int_equal(content.key_usage, expected);
}

/* rules.md: RSA signing = digitalSignature, encryption = keyEncipherment; EC encryption = keyAgreement. */
static void apply__key_usage_follows_the_key(void **state)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    EVP_PKEY *ec = EVP_EC_gen("P-256");

    (void)state;
    assert_usage("signing", rsa, KEY_USAGE_DIGITAL_SIGNATURE);
    assert_usage("encryption", rsa, KEY_USAGE_KEY_ENCIPHERMENT);
    assert_usage("signing-and-encryption", rsa, KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_ENCIPHERMENT);
    assert_usage("signing", ec, KEY_USAGE_DIGITAL_SIGNATURE);
    assert_usage("encryption", ec, KEY_USAGE_KEY_AGREEMENT);
    assert_usage("signing-and-encryption", ec, KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_AGREEMENT);
    assert_usage("encryption", NULL, KEY_USAGE_KEY_ENCIPHERMENT);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}

static void apply__carries_the_templates_extensions(void **state)
{
    AUTO(lookup) struct lookup *lookup = make_lookup("EnrollmentUser=jdoe;EmailAddress=j@d", NULL);
    AUTO(content) struct content content = {0};
    AUTO(content) struct content named = {0};
    AUTO(content) struct content plain = {0};
    AUTO(buf) struct buf oid = BUF(64);
    struct err err = {0};

    (void)state;
    assert_ok(
        apply(USER
              "oid = \"1.3.6.1.4.1.311.21.8.1\"; version = \"100.3\"; application_policies = true; "
              "certificate_policies = ( { oid = \"1.2.3\"; cps = \"http://x\"; } ); cdp = [\"http://c\"]; "
              "approval = \"manual\"; validity = \"30d\";",
              lookup, NULL, NULL, &content, &err),
        &err);
    assert_ok(oid_parse("1.3.6.1.4.1.311.21.8.1", &oid, &err), &err);
    assert_true(content.template_extension && content.application_policies && content.manual_approval);
    assert_true(span_equal(buf_span(&content.template_oid), buf_span(&oid)));
    assert_int_equal(content.template_major, 100);
    assert_int_equal(content.template_minor, 3);
    assert_string_equal(content.template_name, "T");
    assert_int_equal(content.policy_count, 1);
    assert_string_equal(content.policies[0].cps, "http://x");
    assert_true(content.has_cdp && !content.has_aia && content.cdp.count == 1);
    assert_int_equal(content.validity_s, 30 * 86400);
    assert_ok(apply(USER "template_name_extension = true;", lookup, NULL, NULL, &named, &err), &err);
    assert_true(named.template_extension && named.template_oid.len == 0);
    assert_ok(apply(USER, lookup, NULL, NULL, &plain, &err), &err);
    assert_false(plain.template_extension);
}

/* rules.md: the lookup values of every certificate are stored with it. */
static void apply__remembers_what_it_was_made_from(void **state)
{
    AUTO(lookup)
    struct lookup *lookup = make_lookup("EnrollmentUser=jdoe;EmailAddress=j@d;DeviceUid=4f2a", NULL);
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    assert_ok(apply(USER, lookup, NULL, NULL, &content, &err), &err);
    assert_int_equal(content.values.count, 3);
    assert_string_equal(values_get(&content.values, "DeviceUid"), "4f2a");
}

static void apply__passes_on_a_source_that_does_not_answer(void **state)
{
    struct told_source directory = told("");
    AUTO(lookup) struct lookup *lookup = make_lookup("EnrollmentUser=jdoe", &directory);
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    directory.status = STATUS_BUSY;
    assert_int_equal(apply(USER, lookup, NULL, NULL, &content, &err), STATUS_BUSY);
    assert_null(content.template_name);
}

/* facts (ESC6): SAN: as a request attribute is never honoured, and denied with a reason. */
static void apply__denies_a_san_by_attribute(void **state)
{
    AUTO(lookup) struct lookup *lookup = make_lookup("EnrollmentUser=jdoe;EmailAddress=j@d", NULL);
    AUTO(csr) struct csr *csr = make_csr("CN=x", NULL);
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    csr->san_by_attribute = true;
    assert_int_equal(apply(USER, lookup, csr, NULL, &content, &err), STATUS_DENIED);
    assert_has(err.text, "attribute (SAN:");
}

/* ---- SID and groups ---- */

static void apply__writes_the_sid_of_a_source(void **state)
{
    AUTO(lookup)
    struct lookup *lookup = make_lookup("EnrollmentUser=jdoe;EmailAddress=j@d;ObjectSid=" SID, NULL);
    AUTO(lookup) struct lookup *without = make_lookup("EnrollmentUser=jdoe;EmailAddress=j@d", NULL);
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    assert_ok(apply(USER "sid_extension = true;", lookup, NULL, NULL, &content, &err), &err);
    assert_string_equal(content.sid, SID);
    assert_int_equal(apply(USER "sid_extension = true;", without, NULL, NULL, &content, &err), STATUS_DENIED);
    assert_has(err.text, "{ObjectSid}");
}

/* A SID that only the request states is neither written nor remembered: at the renewal it would be known. */
static void apply__never_takes_the_sid_of_the_request(void **state)
{
    static const char claims[] =
        HEAD "subject = { from = \"request\"; pattern = \"CN={ObjectSid}\"; verify = \"none\"; }; ";
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, NULL);
    AUTO(csr) struct csr *csr = make_csr("CN=" SID, NULL);
    AUTO(content) struct content content = {0};
    char text[512];
    struct err err = {0};

    (void)state;
    assert_ok(apply(claims, lookup, csr, NULL, &content, &err), &err);
    assert_null(values_get(&content.values, "ObjectSid"));
    (void)snprintf(text, sizeof text, "%s sid_extension = true;", claims);
    assert_int_equal(apply(text, lookup, csr, NULL, &content, &err), STATUS_DENIED);
    assert_has(err.text, "request alone");
}

static void apply__asks_for_groups(void **state)
{
    AUTO(lookup)
    struct lookup *member =
        make_lookup("EnrollmentUser=j;EmailAddress=j@d",
                    &(struct told_source){.source = {.name = "directory", .find = told_find}, .answer = ""});
    AUTO(lookup) struct lookup *nobody = make_lookup("EnrollmentUser=j;EmailAddress=j@d", NULL);
    AUTO(values) struct values groups = {0};
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    assert_ok(values_set(&groups, "Groups", "Staff; vpn users ;Mail", &err), &err);
    assert_ok(lookup_bind(member, "account", &groups, &err), &err);
    assert_ok(apply(USER "require_groups = [\"VPN Users\", \"staff\"];", member, NULL, NULL, &content, &err),
              &err);
    assert_int_equal(apply(USER "require_groups = [\"VPN\"];", member, NULL, NULL, &content, &err),
                     STATUS_DENIED);
    assert_has(err.text, "\"VPN\"");
    assert_int_equal(apply(USER "require_groups = [\"VPN\"];", nobody, NULL, NULL, &content, &err),
                     STATUS_DENIED);
    assert_has(err.text, "no source knows group membership");
}

/* ---- renewal ---- */

static void make_row(struct certificate_row *row, const char *subject, const char *email, const char *values)
{
    AUTO(name) struct name name = {0};
    struct err err = {0};

    *row = (struct certificate_row){.subject_der = BUF(4096)};
    assert_ok(name_parse(subject, &name, &err), &err);
    name_encode(&name, &row->subject_der);
    if (email != NULL)
        assert_ok(general_names_add(&row->san, SAN_EMAIL, email, &err), &err);
    set_pairs(&row->values, values);
}

#define OLD "EnrollmentUser=jdoe;EmailAddress=j@d;DeviceModel=Old"

/* rules.md: subject and SAN are taken from the store's row; the CSR may omit them but not differ. */
static void renewal__keeps_subject_and_san_of_the_row(void **state)
{
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, NULL);
    AUTO(csr) struct csr *empty = make_csr("", NULL);
    AUTO(csr) struct csr *same = make_csr("CN=as-issued", "email:old@d");
    AUTO(csr) struct csr *other_subject = make_csr("CN=other", NULL);
    AUTO(csr) struct csr *other_san = make_csr("", "email:new@d");
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    make_row(&row, "CN=as-issued", "old@d", OLD);
    assert_ok(apply(USER, lookup, empty, &row, &content, &err), &err);
    assert_string_equal(subject_text(&content.subject), "CN=as-issued");
    assert_string_equal(san_text(&content.san), "email=old@d");
    assert_string_equal(values_get(&content.values, "EnrollmentUser"), "jdoe");
    assert_ok(apply(USER, lookup, same, &row, &content, &err), &err);
    assert_int_equal(apply(USER, lookup, other_subject, &row, &content, &err), STATUS_DENIED);
    assert_has(err.text, "keeps the subject \"CN=as-issued\"");
    assert_int_equal(apply(USER, lookup, other_san, &row, &content, &err), STATUS_DENIED);
    assert_has(err.text, "keeps the SAN");
}

static void renewal__passes_over_unlisted_names_that_were_dropped(void **state)
{
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, NULL);
    AUTO(csr) struct csr *csr = make_csr("", "email:old@d,DNS:dropped.example");
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    make_row(&row, "CN=as-issued", "old@d", OLD);
    assert_ok(apply(USER "unlisted_san = \"drop\";", lookup, csr, &row, &content, &err), &err);
    assert_int_equal(apply(USER, lookup, csr, &row, &content, &err), STATUS_DENIED);
}

/* rules.md: values changed in the directory: on_change = "deny" | "update" (deny). */
static void renewal__denies_what_changed_and_names_old_and_new(void **state)
{
    struct told_source directory = told("EmailAddress=new@d;DeviceModel=New");
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, &directory);
    AUTO(csr) struct csr *csr = make_csr("", NULL);
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    make_row(&row, "CN=jdoe", "j@d", OLD);
    directory.only_for = "EnrollmentUser=jdoe";
    assert_int_equal(apply(USER, lookup, csr, &row, &content, &err), STATUS_DENIED);
    assert_has(err.text, "{EmailAddress} was \"j@d\"");
    assert_has(err.text, "directory says \"new@d\"");
}

static void renewal__updates_what_changed_where_the_template_makes_it(void **state)
{
    struct told_source directory = told("EmailAddress=new@d;DeviceModel=New");
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, &directory);
    AUTO(csr) struct csr *csr = make_csr("CN=as-issued", "email:j@d");
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    make_row(&row, "CN=as-issued", "j@d", OLD);
    assert_ok(apply(USER "on_change = \"update\";", lookup, csr, &row, &content, &err), &err);
    assert_string_equal(subject_text(&content.subject), "CN=jdoe");
    assert_string_equal(san_text(&content.san), "email=new@d");
    assert_string_equal(values_get(&content.values, "EmailAddress"), "new@d");
}

/* A value that the template does not use does not hold up a renewal; the new one is remembered. */
static void renewal__does_not_mind_changes_that_the_template_does_not_use(void **state)
{
    struct told_source directory = told("EmailAddress=j@d;DeviceModel=New");
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, &directory);
    AUTO(csr) struct csr *csr = make_csr("", NULL);
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    make_row(&row, "CN=jdoe", "j@d", OLD);
    assert_ok(apply(USER, lookup, csr, &row, &content, &err), &err);
    assert_string_equal(values_get(&content.values, "DeviceModel"), "New");
}

static void renewal__cannot_update_what_came_from_a_request(void **state)
{
    struct told_source directory = told("DeviceUid=new");
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, &directory);
    AUTO(csr) struct csr *csr = make_csr("", NULL);
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    make_row(&row, "CN=old", NULL, "DeviceUid=old");
    assert_int_equal(apply(HEAD "subject = { from = \"request\"; pattern = \"CN={DeviceUid}\"; verify = "
                                "\"source\"; }; on_change = \"update\";",
                           lookup, csr, &row, &content, &err),
                     STATUS_DENIED);
    assert_has(err.text, "cannot be made anew");
}

/* rules.md: directory conditions and the SID are looked up again; denied_values always applies. */
static void renewal__does_not_remember_groups(void **state)
{
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, NULL);
    AUTO(csr) struct csr *csr = make_csr("", NULL);
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    make_row(&row, "CN=jdoe", "j@d", OLD ";Groups=VPN");
    assert_int_equal(apply(USER "require_groups = [\"VPN\"];", lookup, csr, &row, &content, &err),
                     STATUS_DENIED);
    assert_has(err.text, "group membership");
}

static void renewal__looks_the_sid_up_again(void **state)
{
    struct told_source directory = told("ObjectSid=S-1-5-21-1-2-3-9");
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, &directory);
    AUTO(csr) struct csr *csr = make_csr("", NULL);
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    make_row(&row, "CN=jdoe", "j@d", OLD ";ObjectSid=" SID);
    assert_int_equal(apply(USER "sid_extension = true;", lookup, csr, &row, &content, &err), STATUS_DENIED);
    assert_has(err.text, "{ObjectSid} was \"" SID "\"");
    assert_ok(apply(USER "sid_extension = true; on_change = \"update\";", lookup, csr, &row, &content, &err),
              &err);
    assert_string_equal(content.sid, "S-1-5-21-1-2-3-9");
}

static void renewal__judges_denied_values_again(void **state)
{
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, NULL);
    AUTO(csr) struct csr *csr = make_csr("", NULL);
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    make_row(&row, "CN=Administrator", NULL, "");
    assert_int_equal(apply(HEAD "subject = { from = \"request\"; pattern = \"*\"; verify = \"none\"; };",
                           lookup, csr, &row, &content, &err),
                     STATUS_DENIED);
    assert_has(err.text, "denied_values");
}

/* ---- claims that belong together ---- */

/* docs/templates.md, "A template for a UEM". */
static void apply__one_name_in_subject_and_san_must_be_the_same(void **state)
{
    static const char mail[] = "name = \"Mail\"; eku = [\"clientAuth\"];"
                               "subject = { from = \"request\"; pattern = "
                               "\"CN={EnrollmentUser},OU=Mobile,O=Example\"; verify = \"none\"; };"
                               "san = ( { type = \"upn\"; pattern = \"{EnrollmentUser}@EXAMPLE.COM\"; from = "
                               "\"request\"; verify = \"none\"; },"
                               "{ type = \"email\"; pattern = \"{EmailAddress}\"; from = \"request\"; "
                               "optional = true; verify = \"none\"; } );";
    AUTO(lookup) struct lookup *first = make_lookup(NULL, NULL);
    AUTO(lookup) struct lookup *second = make_lookup(NULL, NULL);
    AUTO(csr)
    struct csr *csr =
        make_csr("CN=jdoe,OU=Mobile,O=Example", "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:jdoe@EXAMPLE.COM");
    AUTO(csr)
    struct csr *mixed =
        make_csr("CN=jdoe,OU=Mobile,O=Example", "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:alice@EXAMPLE.COM");
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    assert_ok(apply(mail, first, csr, NULL, &content, &err), &err);
    assert_string_equal(san_text(&content.san), "upn=jdoe@EXAMPLE.COM");
    assert_int_equal(apply(mail, second, mixed, NULL, &content, &err), STATUS_DENIED);
    assert_has(err.text, "\"jdoe\" in one place and \"alice\" in another");
}

/* ---- denied values of the configuration, proposals ---- */

static void apply__denies_configured_values(void **state)
{
    char *denied[] = {(char[]){"Director"}};
    struct template_options options = {.denied_values = {.items = denied, .count = 1}};
    AUTO(template)
    struct template *template = make_template_with(
        HEAD "subject = { from = \"request\"; pattern = \"*\"; verify = \"none\"; };", &options);
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, NULL);
    AUTO(csr) struct csr *csr = make_csr("CN=director@lab.test", NULL);
    AUTO(content) struct content content = {0};
    struct template_input input = {.csr = csr, .lookup = lookup, .vouched = true};
    struct err err = {0};

    (void)state;
    assert_int_equal(template_apply(template, &input, &content, &err), STATUS_DENIED);
    assert_has(err.text, "denied_values");
}

static void propose__says_what_a_request_would_have_to_say(void **state)
{
    AUTO(template) struct template *device = make_builtin("Device");
    AUTO(template) struct template *server = make_builtin("WebServer");
    AUTO(lookup)
    struct lookup *lookup =
        make_lookup("DeviceUid=4f2a;DnsName=www.example;DistinguishedName=CN=www\\, x,O=E", NULL);
    AUTO(lookup) struct lookup *nothing = make_lookup(NULL, NULL);
    AUTO(name) struct name subject = {0};
    AUTO(general_names) struct general_names san = {0};
    struct err err = {0};

    (void)state;
    assert_ok(template_propose(device, lookup, &subject, &san, &err), &err);
    assert_string_equal(subject_text(&subject), "CN=4f2a");
    assert_ok(template_propose(server, lookup, &subject, &san, &err), &err);
    assert_string_equal(subject_text(&subject), "CN=www\\, x,O=E");
    assert_string_equal(san_text(&san), "dns=www.example");
    assert_ok(template_propose(server, nothing, &subject, &san, &err), &err);
    assert_int_equal(subject.count + san.count, 0);
    assert_int_equal(template_propose(device, nothing, &subject, &san, &err), STATUS_DENIED);
    assert_has(err.text, "{DeviceUid}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apply__key_usage_follows_the_key),
        cmocka_unit_test(apply__carries_the_templates_extensions),
        cmocka_unit_test(apply__remembers_what_it_was_made_from),
        cmocka_unit_test(apply__passes_on_a_source_that_does_not_answer),
        cmocka_unit_test(apply__denies_a_san_by_attribute),
        cmocka_unit_test(apply__writes_the_sid_of_a_source),
        cmocka_unit_test(apply__never_takes_the_sid_of_the_request),
        cmocka_unit_test(apply__asks_for_groups),
        cmocka_unit_test(renewal__keeps_subject_and_san_of_the_row),
        cmocka_unit_test(renewal__passes_over_unlisted_names_that_were_dropped),
        cmocka_unit_test(renewal__denies_what_changed_and_names_old_and_new),
        cmocka_unit_test(renewal__updates_what_changed_where_the_template_makes_it),
        cmocka_unit_test(renewal__does_not_mind_changes_that_the_template_does_not_use),
        cmocka_unit_test(renewal__cannot_update_what_came_from_a_request),
        cmocka_unit_test(renewal__does_not_remember_groups),
        cmocka_unit_test(renewal__looks_the_sid_up_again),
        cmocka_unit_test(renewal__judges_denied_values_again),
        cmocka_unit_test(apply__one_name_in_subject_and_san_must_be_the_same),
        cmocka_unit_test(apply__denies_configured_values),
        cmocka_unit_test(propose__says_what_a_request_would_have_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

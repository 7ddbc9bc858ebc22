/* SPDX-License-Identifier: Apache-2.0
 *
 * The built-in templates: each reads without mistakes and says what design.md and rules.md promise.
 */
#include "template_fixture.h"

static void builtin__all_are_there_and_without_mistakes(void **state)
{
    static const char *const names[] = {"Device",  "LabDevice", "OCSPSigning", "RA",
                                        "UEMUser", "User",      "WebServer"};
    size_t count = 0;

    (void)state;
    for (const struct template_builtin *builtin = template_builtins; builtin->name != NULL; builtin++) {
        AUTO(template) struct template *template = make_template(builtin->text);

        assert_string_equal(builtin->name, names[count]);
        assert_string_equal(template_name(template), builtin->name);
        assert_non_null(template_description(template));
        count++;
    }
    assert_int_equal(count, sizeof names / sizeof *names);
}

/* design.md: verify = "none" is said loudly. */
static void builtin__only_the_believing_ones_warn(void **state)
{
    static const char *const believing[] = {"LabDevice", "UEMUser", "WebServer", NULL};

    (void)state;
    for (const struct template_builtin *builtin = template_builtins; builtin->name != NULL; builtin++) {
        AUTO(heap) char *warnings = read_mistakes(builtin->text, NULL, true);
        AUTO(template) struct template *template = make_template(builtin->text);
        bool believes = false;

        for (size_t i = 0; believing[i] != NULL; i++)
            believes = believes || strcmp(believing[i], builtin->name) == 0;
        assert_int_equal(template_trusts_request(template), believes);
        assert_int_equal(warnings[0] != '\0', believes);
    }
}

static void builtin__audiences_are_those_of_the_rules(void **state)
{
    AUTO(template) struct template *user = make_builtin("User");
    AUTO(template) struct template *ra = make_builtin("RA");
    AUTO(template) struct template *ocsp = make_builtin("OCSPSigning");

    (void)state;
    assert_int_equal(template_audience(user), AUDIENCE_PUBLISHED);
    assert_int_equal(template_audience(ra), AUDIENCE_INTERNAL);
    assert_int_equal(template_audience(ocsp), AUDIENCE_INTERNAL);
    assert_int_equal(template_validity_s(ra), INT64_C(2) * 365 * 86400);
    assert_int_equal(template_validity_s(ocsp), INT64_C(30) * 86400);
}

/* design.md: the User template. */
static void builtin_user__fills_subject_and_san(void **state)
{
    AUTO(template) struct template *template = make_builtin("User");
    AUTO(lookup)
    struct lookup *lookup =
        make_lookup("EnrollmentUser=jdoe;UserPrincipalName=jdoe@LAB.TEST;EmailAddress=jdoe@lab.test", NULL);
    AUTO(csr) struct csr *unlisted = make_csr("CN=somebody else", "DNS:evil.example");
    AUTO(csr) struct csr *csr = make_csr("CN=somebody else", "email:root@evil.example");
    AUTO(content) struct content content = {0};
    struct template_input input = {.csr = unlisted, .lookup = lookup};
    struct err err = {0};

    (void)state;
    assert_int_equal(template_apply(template, &input, &content, &err), STATUS_DENIED);
    assert_has(err.text, "dns");
    input.csr = csr;
    assert_ok(template_apply(template, &input, &content, &err), &err);
    assert_string_equal(subject_text(&content.subject), "CN=WorkspaceONEUEM.jdoe");
    assert_string_equal(san_text(&content.san), "upn=jdoe@LAB.TEST, email=jdoe@lab.test");
    assert_int_equal(content.validity_s, 365 * 86400);
    assert_false(content.manual_approval);
    assert_int_equal(content.eku_count, 1);
    assert_true(span_equal(buf_span(&content.eku[0]), oid_octets(OID_EKU_CLIENT_AUTH)));
    assert_int_equal(template_renewal_window_s(template, 100000), 33000);
    assert_string_equal(values_get(&content.values, "EnrollmentUser"), "jdoe");
}

static void builtin_uemuser__takes_the_uems_word_but_no_sid(void **state)
{
    AUTO(template) struct template *template = make_builtin("UEMUser");
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, NULL);
    AUTO(csr)
    struct csr *csr = make_csr("CN=WorkspaceONEUEM.jdoe,O=Example",
                               "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:jdoe@LAB.TEST,email:jdoe@lab.test");
    AUTO(csr)
    struct csr *with_sid = make_csr("CN=jdoe", "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500");
    AUTO(content) struct content content = {0};
    struct template_input input = {.csr = csr, .lookup = lookup};
    struct err err = {0};

    (void)state;
    assert_ok(template_apply(template, &input, &content, &err), &err);
    assert_string_equal(subject_text(&content.subject), "CN=WorkspaceONEUEM.jdoe,O=Example");
    assert_string_equal(san_text(&content.san), "upn=jdoe@LAB.TEST, email=jdoe@lab.test");
    assert_null(content.sid);
    assert_string_equal(values_get(&content.values, "UserPrincipalName"), "jdoe@LAB.TEST");
    input.csr = with_sid;
    assert_int_equal(template_apply(template, &input, &content, &err), STATUS_DENIED);
    assert_has(err.text, "sid-uri");
}

/* rules.md: SAN patterns {x}.lab.example (dns), {x}@lab.example (email, upn), ip, uri, max = 4 but for upn.
 */
static void builtin_labdevice__takes_names_under_lab_example(void **state)
{
    AUTO(template) struct template *template = make_builtin("LabDevice");
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, NULL);
    AUTO(csr)
    struct csr *csr =
        make_csr("CN=gw", "DNS:a.lab.example,DNS:b.lab.example,email:m@lab.example,IP:192.0.2.1,URI:urn:x:y,"
                          "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:u@lab.example");
    AUTO(csr) struct csr *outside = make_csr("CN=gw", "DNS:a.lab.example.evil");
    AUTO(csr)
    struct csr *many = make_csr("CN=gw", "DNS:a.lab.example,DNS:b.lab.example,DNS:c.lab.example,"
                                         "DNS:d.lab.example,DNS:e.lab.example");
    AUTO(content) struct content content = {0};
    struct template_input input = {.csr = csr, .lookup = lookup};
    struct err err = {0};

    (void)state;
    assert_ok(template_apply(template, &input, &content, &err), &err);
    assert_string_equal(san_text(&content.san), "dns=a.lab.example, dns=b.lab.example, email=m@lab.example, "
                                                "upn=u@lab.example, ip=192.0.2.1, uri=urn:x:y");
    assert_int_equal(template_renewal_window_s(template, 1000), INT64_MAX);
    assert_int_equal(template_validity_s(template), 90 * 86400);
    input.csr = outside;
    assert_int_equal(template_apply(template, &input, &content, &err), STATUS_DENIED);
    assert_has(err.text, "{x}.lab.example");
    input.csr = many;
    assert_int_equal(template_apply(template, &input, &content, &err), STATUS_DENIED);
    assert_has(err.text, "at most 4");
}

static void builtin_device__is_believed_only_with_a_source(void **state)
{
    AUTO(template) struct template *template = make_builtin("Device");
    AUTO(lookup) struct lookup *nobody = make_lookup(NULL, NULL);
    AUTO(lookup) struct lookup *bound = make_lookup("DeviceUid=4f2a", NULL);
    AUTO(lookup) struct lookup *other = make_lookup("DeviceUid=0000", NULL);
    AUTO(csr) struct csr *csr = make_csr("CN=4f2a", NULL);
    AUTO(content) struct content content = {0};
    struct template_input input = {.csr = csr, .lookup = bound};
    struct err err = {0};

    (void)state;
    assert_ok(template_apply(template, &input, &content, &err), &err);
    assert_string_equal(subject_text(&content.subject), "CN=4f2a");
    input.lookup = other;
    assert_int_equal(template_apply(template, &input, &content, &err), STATUS_DENIED);
    assert_has(err.text, "0000");
    input.lookup = nobody;
    assert_int_equal(template_apply(template, &input, &content, &err), STATUS_DENIED);
    assert_has(err.text, "no source knows");
    input.vouched = true;
    assert_ok(template_apply(template, &input, &content, &err), &err);
}

static void builtin_ra__is_named_after_the_authority(void **state)
{
    AUTO(template) struct template *template = make_builtin("RA");
    AUTO(template) struct template *ocsp = make_builtin("OCSPSigning");
    AUTO(lookup) struct lookup *lookup = make_lookup("AuthorityName=Example Issuing CA, Berlin", NULL);
    AUTO(content) struct content content = {0};
    struct template_input input = {.lookup = lookup};
    struct err err = {0};

    (void)state;
    assert_ok(template_apply(template, &input, &content, &err), &err);
    assert_int_equal(content.subject.count, 1);
    assert_string_equal(content.subject.avas[0].value, "Example Issuing CA, Berlin RA");
    assert_int_equal(content.key_usage, KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_ENCIPHERMENT);
    assert_ok(template_apply(ocsp, &input, &content, &err), &err);
    assert_true(content.ocsp_nocheck);
    assert_int_equal(content.key_usage, KEY_USAGE_DIGITAL_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builtin__all_are_there_and_without_mistakes),
        cmocka_unit_test(builtin__only_the_believing_ones_warn),
        cmocka_unit_test(builtin__audiences_are_those_of_the_rules),
        cmocka_unit_test(builtin_user__fills_subject_and_san),
        cmocka_unit_test(builtin_uemuser__takes_the_uems_word_but_no_sid),
        cmocka_unit_test(builtin_labdevice__takes_names_under_lab_example),
        cmocka_unit_test(builtin_device__is_believed_only_with_a_source),
        cmocka_unit_test(builtin_ra__is_named_after_the_authority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * templates/subject.c: subjects filled from values that want to be more, and subjects of requests held
 * against a pattern.
 */
#include "template_fixture.h"

#include "der.h"

static enum status apply(const char *template_text, const char *bound, const char *csr_subject,
                         struct content *content, struct err *err)
{
    AUTO(template) struct template *template = make_template(template_text);
    AUTO(lookup) struct lookup *lookup = make_lookup(bound, NULL);
    AUTO(csr) struct csr *csr = csr_subject != NULL ? make_csr(csr_subject, NULL) : NULL;
    struct template_input input = {.csr = csr, .lookup = lookup};

    return template_apply(template, &input, content, err);
}

/* issue: escaping right for , + " \ < > ; = #, blanks, UTF-8. A value never changes the structure. */
static void subject__keeps_values_inside_their_attribute(void **state)
{
    static const char *const hostile[] = {
        "a,CN=administrator",
        "a+OU=x",
        "\"quoted\"",
        "back\\slash",
        "<a>;b=c",
        "#0c0161",
        " blanks ",
        "J\xc3\xb6rg \xe6\xbc\xa2",
        "{DeviceUid}",
        "a\\,b",
        "CN=x",
        "*",
    };

    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        AUTO(template)
        struct template *template =
            make_template(HEAD "subject = { pattern = \"CN=p.{CustomAttribute1},O=Example\"; };");
        AUTO(lookup) struct lookup *lookup = make_lookup(NULL, NULL);
        AUTO(values) struct values values = {0};
        AUTO(content) struct content content = {0};
        AUTO(name) struct name again = {0};
        AUTO(buf) struct buf der = BUF(4096);
        struct template_input input = {.lookup = lookup};
        struct err err = {0};
        const unsigned char *at = NULL;
        X509_NAME *parsed = NULL;

        assert_ok(values_set(&values, "CustomAttribute1", hostile[i], &err), &err);
        assert_ok(lookup_bind(lookup, "challenge", &values, &err), &err);
        assert_ok(template_apply(template, &input, &content, &err), &err);
        assert_int_equal(content.subject.count, 2);
        assert_true(strncmp(content.subject.avas[1].value, "p.", 2) == 0);
        assert_string_equal(content.subject.avas[1].value + 2, hostile[i]);
        assert_ok(name_parse(subject_text(&content.subject), &again, &err), &err);
        assert_true(name_equal(&again, &content.subject));
        name_encode(&content.subject, &der);
        at = der.data;
        parsed = d2i_X509_NAME(NULL, &at, (long)der.len);
        assert_int_equal(X509_NAME_entry_count(parsed), 2);
        X509_NAME_free(parsed);
    }
}

/* rules.md: what is built is encoded as RFC 4514 says (last written first), UTF8String; PrintableString for
 * country, IA5String for domain components and e-mail. */
static void subject__is_built_last_written_first(void **state)
{
    AUTO(content) struct content content = {0};
    AUTO(buf) struct buf der = BUF(4096);
    struct err err = {0};
    const unsigned char *at = NULL;
    X509_NAME *name = NULL;
    static const int types[] = {V_ASN1_IA5STRING, V_ASN1_PRINTABLESTRING, V_ASN1_UTF8STRING,
                                V_ASN1_UTF8STRING};

    (void)state;
    assert_ok(apply(HEAD "subject = { pattern = \"CN={EnrollmentUser}+UID=u,O=X,C=DE,DC=test\"; };",
                    "EnrollmentUser=jdoe", NULL, &content, &err),
              &err);
    name_encode(&content.subject, &der);
    at = der.data;
    name = d2i_X509_NAME(NULL, &at, (long)der.len);
    assert_int_equal(X509_NAME_entry_count(name), 5);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i))), types[i]);
    assert_int_equal(X509_NAME_ENTRY_set(X509_NAME_get_entry(name, 3)),
                     X509_NAME_ENTRY_set(X509_NAME_get_entry(name, 4)));
    X509_NAME_free(name);
}

/* design.md: a lookup value that no source knows is a denial that names it. */
static void subject__names_the_unknown_value(void **state)
{
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(
        apply(HEAD "subject = { pattern = \"CN={EnrollmentUser}\"; };", "DeviceUid=x", NULL, &content, &err),
        STATUS_DENIED);
    assert_has(err.text, "template T: ");
    assert_has(err.text, "{EnrollmentUser}");
    assert_has(err.text, "challenge");
}

#define REQUEST(pattern)                                                                                     \
    HEAD "subject = { from = \"request\"; pattern = \"" pattern "\"; verify = \"none\"; };"

/* rules.md: order of RDNs in a request does not matter for matching; what is copied keeps order and type. */
static void subject__of_a_request_keeps_its_order(void **state)
{
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    assert_ok(apply(REQUEST("CN={DeviceUid},O=Example,C=DE"), NULL, "C=DE,O=Example,CN=4f2a", &content, &err),
              &err);
    assert_string_equal(subject_text(&content.subject), "C=DE,O=Example,CN=4f2a");
    assert_string_equal(values_get(&content.values, "DeviceUid"), "4f2a");
    assert_int_equal(content.subject.avas[2].string_tag, DER_PRINTABLE_STRING);
}

static void subject__of_a_request_must_match(void **state)
{
    static const char *const wrong[] = {
        "CN=4f2a",                /* lacks O */
        "CN=4f2a,O=Example,OU=x", /* one too many */
        "CN=4f2a,O=example",      /* literal compares with case */
        "CN=4f2a+O=Example",      /* one RDN instead of two */
        "OU=4f2a,O=Example",      /* another type */
        "CN=4f2a,CN=Example",     /* another type */
        "CN=4f2a\\,O=Example",    /* one value that looks like two */
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        AUTO(content) struct content content = {0};
        struct err err = {0};

        assert_int_equal(apply(REQUEST("CN={DeviceUid},O=Example"), NULL, wrong[i], &content, &err),
                         STATUS_DENIED);
        assert_has(err.text, "does not match");
        assert_has(err.text, "CN={DeviceUid},O=Example");
    }
}

static void subject__pairs_attributes_of_one_type(void **state)
{
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    assert_ok(apply(REQUEST("OU={CustomAttribute1},OU=fixed,CN={DeviceUid}+UID={CustomAttribute2}"), NULL,
                    "UID=u+CN=d,OU=fixed,OU=free", &content, &err),
              &err);
    assert_string_equal(values_get(&content.values, "CustomAttribute1"), "free");
    assert_string_equal(values_get(&content.values, "CustomAttribute2"), "u");
    assert_string_equal(values_get(&content.values, "DeviceUid"), "d");
}

/* rules.md: denied_values always applies. */
static void subject__of_a_request_is_never_a_denied_value(void **state)
{
    static const char *const denied[] = {"CN=Administrator",
                                         "CN=x,UID=krbtgt",
                                         "CN=LAB\\\\administrator",
                                         "CN=guest@LAB.TEST",
                                         "CN= Administrator",
                                         "CN=\uff21dministrator",
                                         "CN=x,UID=a\u0301dministrator@LAB",
                                         "CN=LAB\uff3cadmin\u200bistrator\u00a0"};

    (void)state;
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++) {
        AUTO(content) struct content content = {0};
        struct err err = {0};

        assert_int_equal(apply(REQUEST("*"), NULL, denied[i], &content, &err), STATUS_DENIED);
        assert_has(err.text, "denied_values");
    }
}

/* RFC 5280 appendix A: DirectoryString has SIZE (1..MAX); rules.md: an empty value counts as unknown. */
static void subject__of_a_request_has_no_empty_value(void **state)
{
    static const char *const empty[] = {"CN=", "O=Example,CN="};

    (void)state;
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        AUTO(content) struct content content = {0};
        struct err err = {0};

        assert_int_equal(apply(REQUEST("*"), NULL, empty[i], &content, &err), STATUS_DENIED);
        assert_has(err.text, "is empty");
    }
}

static void subject__judges_the_part_that_a_name_matched(void **state)
{
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(apply(REQUEST("CN=WorkspaceONEUEM.{EnrollmentUser}"), NULL,
                           "CN=WorkspaceONEUEM.administrator", &content, &err),
                     STATUS_DENIED);
    assert_has(err.text, "{EnrollmentUser}");
}

static void subject__and_san_must_not_both_be_empty(void **state)
{
    AUTO(content) struct content content = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(apply(REQUEST("*"), NULL, "", &content, &err), STATUS_DENIED);
    assert_has(err.text, "name nobody");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subject__keeps_values_inside_their_attribute),
        cmocka_unit_test(subject__is_built_last_written_first),
        cmocka_unit_test(subject__names_the_unknown_value),
        cmocka_unit_test(subject__of_a_request_keeps_its_order),
        cmocka_unit_test(subject__of_a_request_must_match),
        cmocka_unit_test(subject__pairs_attributes_of_one_type),
        cmocka_unit_test(subject__of_a_request_is_never_a_denied_value),
        cmocka_unit_test(subject__of_a_request_has_no_empty_value),
        cmocka_unit_test(subject__judges_the_part_that_a_name_matched),
        cmocka_unit_test(subject__and_san_must_not_both_be_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

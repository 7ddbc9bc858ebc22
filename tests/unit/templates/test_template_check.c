/* SPDX-License-Identifier: Apache-2.0
 *
 * templates/template_check.c and the custom readers: every mistake is found, with file, line and what is
 * allowed, and all of them at once.
 */
#include "template_fixture.h"

#define SUBJECT "subject = { pattern = \"CN={EnrollmentUser}\"; }; "

/* One mistaken text, and what one of its mistakes says. */
static const struct {
    const char *text;
    const char *says;
} mistaken[] = {
    /* subject and SAN entries */
    {HEAD "subject = { from = \"request\"; pattern = \"CN={DeviceUid}\"; };", "verify is missing"},
    {HEAD SUBJECT "san = ( { type = \"upn\"; from = \"request\"; pattern = \"*\"; } );",
     "san[0]: verify is missing"},
    {HEAD "subject = { pattern = \"CN=x\"; verify = \"none\"; };", "verify has a meaning with from"},
    {HEAD "subject = { pattern = \"*\"; };", "write from = \"request\""},
    {HEAD "subject = { from = \"request\"; pattern = \"*\"; verify = \"source\"; };",
     "names no lookup value"},
    {HEAD "subject = { from = \"template\"; };", "subject.pattern: "},
    {HEAD SUBJECT "san = ( { type = \"upn\"; } );", "san[0].pattern: "},
    {HEAD SUBJECT "san = ( { type = \"mail\"; pattern = \"x\"; } );", "\"mail\""},
    {HEAD SUBJECT "san = ( \"upn\" );", "a group is allowed"},
    {HEAD SUBJECT "san = \"upn\";", "a list of groups"},
    {HEAD "subject = \"CN=x\";", "a group is allowed"},
    {HEAD, "subject: is missing"},
    /* patterns */
    {HEAD "subject = { pattern = \"EnrollmentUser\"; };", "no RFC 4514 name"},
    {HEAD "subject = { pattern = \"CN={FirstName}{LastName}\"; };", "side by side"},
    {HEAD "subject = { pattern = \"CN={First,OU=Name}\"; };", "closing brace"},
    {HEAD "subject = { pattern = \"{DistinguishedName}\"; };", "no RFC 4514 name"},
    {HEAD "subject = { pattern = \"CN={x}\"; };", "wildcard, which no lookup source can fill"},
    {HEAD "subject = { from = \"request\"; pattern = \"CN={x}\"; verify = \"source\"; };",
     "wildcard, which no source can know"},
    /* names */
    {HEAD "subject = { pattern = \"CN={EnrolmentUser}\"; };", "is {EnrollmentUser} meant"},
    {HEAD "subject = { pattern = \"CN={enrollmentuser}\"; };", "is {EnrollmentUser} meant"},
    {HEAD "subject = { pattern = \"CN={Quux}\"; };", "custom_values"},
    {HEAD "subject = { pattern = \"CN={AuthorityName}\"; };", "audience = \"internal\" only"},
    /* counts */
    {HEAD SUBJECT
     "san = ( { type = \"upn\"; pattern = \"{UserPrincipalName}\"; }, { type = \"upn\"; pattern = "
     "\"{EmailAddress}\"; } );",
     "a second entry of type \"upn\""},
    {HEAD SUBJECT
     "san = ( { type = \"upn\"; from = \"request\"; verify = \"none\"; max = 2; pattern = \"*\"; } );",
     "max = 1 is allowed"},
    {HEAD SUBJECT "san = ( { type = \"dns\"; max = 2; pattern = \"{DnsName}\"; } );", "makes one name"},
    {HEAD SUBJECT "san = ( { type = \"dns\"; max = 65; pattern = \"{DnsName}\"; } );", "1 to 64"},
    {HEAD SUBJECT "san = ( { type = \"sid-uri\"; pattern = \"S-1-5-21-{DeviceUid}\"; } );", "{ObjectSid}"},
    {HEAD SUBJECT
     "san = ( { type = \"sid-uri\"; from = \"request\"; verify = \"none\"; pattern = \"*\"; } );",
     "{ObjectSid}"},
    /* EKU, usage, audience */
    {"name = \"T\"; " SUBJECT, "eku: is missing"},
    {"name = \"T\"; eku = []; " SUBJECT, "eku: is empty"},
    {"name = \"T\"; eku = [\"clientAut\"]; " SUBJECT, "clientAut"},
    {"name = \"T\"; eku = [\"clientAuth\", \"1.3.6.1.5.5.7.3.2\"]; " SUBJECT, "listed twice"},
    {"name = \"T\"; eku = [\"anyExtendedKeyUsage\"]; " SUBJECT, "every purpose"},
    {"name = \"T\"; eku = [\"certificateRequestAgent\"]; " SUBJECT, "audience = \"officer\" is allowed"},
    {"name = \"T\"; eku = [\"OCSPSigning\"]; audience = \"officer\"; " SUBJECT, "\"internal\" is allowed"},
    {HEAD SUBJECT "ocsp_nocheck = true;", "OCSPSigning only"},
    {HEAD SUBJECT "audience = \"internal\"; sid_extension = true;", "has no SID"},
    {HEAD SUBJECT "audience = \"everybody\";", "\"everybody\""},
    /* keys */
    {HEAD SUBJECT "key = { types = []; };", "types: is empty"},
    {HEAD SUBJECT "key = { types = [\"dsa\"]; };", "holds \"dsa\""},
    {HEAD SUBJECT "key = { curves = [\"p521\"]; };", "holds \"p521\""},
    {HEAD SUBJECT "key = { rsa_min_bits = 1024; };", "1024"},
    {HEAD SUBJECT "key = { rsa_min_bits = 4096; rsa_max_bits = 2048; };", "above rsa_max_bits"},
    {HEAD SUBJECT "key_reuse = \"never\";", "\"never\""},
    /* times */
    {HEAD SUBJECT "validity = \"31y\";", "validity"},
    {HEAD SUBJECT "validity = \"soon\";", "validity"},
    {HEAD SUBJECT "renewal_window = \"0%\";", "1%"},
    {HEAD SUBJECT "renewal_window = \"101%\";", "100%"},
    {HEAD SUBJECT "renewal_window = \"-5%\";", "100%"},
    {HEAD SUBJECT "renewal_window = \"5%%\";", "100%"},
    {HEAD SUBJECT "renewal_window = \"sometimes\";", "always"},
    {HEAD SUBJECT "renewal_window = \"0d\";", "nothing could be renewed"},
    {HEAD SUBJECT "renewal_window = 33;", "is no string"},
    /* extensions */
    {HEAD SUBJECT "oid = \"1.2.x\";", "oid"},
    {HEAD SUBJECT "oid = \"1.2.3\"; template_name_extension = true;", "beside oid"},
    {HEAD SUBJECT "version = \"1.2.3\";", "major.minor"},
    {HEAD SUBJECT "version = \"2147483648\";", "2147483647"},
    {HEAD SUBJECT "version = \"1.\";", "major.minor"},
    {HEAD SUBJECT "certificate_policies = \"1.2\";", "a list of OIDs"},
    {HEAD SUBJECT "certificate_policies = [\"abc\"];", "abc"},
    {HEAD SUBJECT "certificate_policies = [\"1.2\", \"1.2\"];", "listed twice"},
    {HEAD SUBJECT "certificate_policies = ( { oid = \"1.2\"; cps = \"ftp://x\"; } );", "http or https"},
    {HEAD SUBJECT "cdp = [\"https://x/a.crl\"];", "plain http://"},
    {HEAD SUBJECT "aia = [\"ldap://x\"];", "plain http://"},
    {"name = \"../x\"; eku = [\"clientAuth\"]; " SUBJECT, "letters, digits"},
    {"eku = [\"clientAuth\"]; " SUBJECT, "name: is missing"},
    {HEAD SUBJECT "aproval = \"auto\";", "approval"},
};

static void template_check__finds_each_mistake(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistaken / sizeof *mistaken; i++) {
        AUTO(heap) char *found = read_mistakes(mistaken[i].text, NULL, false);

        if (strstr(found, mistaken[i].says) == NULL)
            fail_msg("%s: \"%s\" is not among: %s", mistaken[i].text, mistaken[i].says, found);
        /* a key that is not there has no line */
        assert_has(found, strstr(mistaken[i].says, ": is missing") != NULL ? "T.cfg: " : "T.cfg:1: ");
    }
}

/* issue: `template check` finds every mistake at once, with file and line. */
static void template_check__finds_every_mistake_at_once_with_its_line(void **state)
{
    AUTO(heap)
    char *found = read_mistakes("name = \"T\";\n"
                                "eku = [\"codeSigning\"];\n"
                                "subject = {\n"
                                "  pattern = \"CN={EnrolmentUser}\"; };\n"
                                "san = (\n"
                                "  { type = \"upn\"; pattern = \"{UserPrincipalName}\"; },\n"
                                "  { type = \"upn\"; pattern = \"{A}{B}\"; } );\n"
                                "key = { usage = \"encryption\"; };\n"
                                "renewal_window = \"200%\";\n"
                                "validity = \"100y\";\n",
                                NULL, false);

    (void)state;
    assert_has(found, "T.cfg:4: subject.pattern");
    assert_has(found, "T.cfg:7: san[1]: {A} and {B}");
    assert_has(found, "T.cfg:7: san[1]: a second entry");
    assert_has(found, "T.cfg:9: renewal_window");
    assert_has(found, "T.cfg:10: validity");
}

static void template_check__knows_custom_values(void **state)
{
    char *custom[] = {(char[]){"CostCentre"}};
    struct template_options options = {.custom_values = {.items = custom, .count = 1}};
    AUTO(heap)
    char *without = read_mistakes(HEAD "subject = { pattern = \"CN={CostCentre}\"; };", NULL, false);
    AUTO(heap)
    char *misspelt = read_mistakes(HEAD "subject = { pattern = \"CN={CostCenter}\"; };", &options, false);
    AUTO(template)
    struct template *with =
        make_template_with(HEAD "subject = { pattern = \"CN={CostCentre}\"; };", &options);

    (void)state;
    assert_has(without, "{CostCentre}");
    assert_has(misspelt, "is {CostCentre} meant");
    assert_string_equal(template_lookup_names(with)[0], "CostCentre");
}

static void template_check__allows_what_only_looks_odd(void **state)
{
    static const char *const good[] = {
        HEAD SUBJECT "key = { types = [\"ec\"]; usage = \"encryption\"; };",
        "name = \"T\"; eku = [\"emailProtection\"]; key = { usage = \"encryption\"; }; " SUBJECT,
        "name = \"T\"; eku = [\"certificateRequestAgent\"]; audience = \"officer\"; key = { usage = "
        "\"encryption\"; }; " SUBJECT,
        HEAD SUBJECT "renewal_window = \"100%\"; validity = \"30y\";",
        HEAD SUBJECT "san = ( { type = \"dns\"; pattern = \"{DnsName}\"; }, { type = \"dns\"; pattern = "
                     "\"www.{DnsName}\"; } );",
        HEAD "subject = { from = \"request\"; pattern = \"CN=fixed\"; verify = \"source\"; };",
        HEAD SUBJECT "san = ( { type = \"sid-uri\"; pattern = \"{ObjectSid}\"; from = \"request\"; verify = "
                     "\"source\"; } ); sid_extension = true;",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        AUTO(template) struct template *template = make_template(good[i]);

        assert_non_null(template);
    }
}

/* RFC 5280 section 4.2.1.12: the usages have to be consistent; AD CS issues such certificates all the same.
 */
static void template_check__warns_of_keys_that_cannot_do_what_the_eku_says(void **state)
{
    AUTO(heap)
    char *client = read_mistakes(HEAD SUBJECT "key = { usage = \"encryption\"; };", NULL, true);
    AUTO(heap)
    char *code = read_mistakes("name = \"T\"; eku = [\"codeSigning\"]; key = { types = [\"ec\"]; usage = "
                               "\"encryption\"; }; " SUBJECT,
                               NULL, true);

    (void)state;
    assert_has(client, "clientAuth needs a key that signs");
    assert_has(code, "codeSigning needs a key that signs");
}

static void template_check__warns_of_logon_without_sid(void **state)
{
    AUTO(heap)
    char *without = read_mistakes(
        "name = \"T\"; eku = [\"smartcardLogon\"]; audience = \"officer\"; " SUBJECT, NULL, true);
    AUTO(heap)
    char *with = read_mistakes(
        "name = \"T\"; eku = [\"smartcardLogon\"]; audience = \"officer\"; sid_extension = true; " SUBJECT,
        NULL, true);

    (void)state;
    assert_has(without, "strong mapping");
    assert_string_equal(with, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_check__finds_each_mistake),
        cmocka_unit_test(template_check__finds_every_mistake_at_once_with_its_line),
        cmocka_unit_test(template_check__knows_custom_values),
        cmocka_unit_test(template_check__allows_what_only_looks_odd),
        cmocka_unit_test(template_check__warns_of_keys_that_cannot_do_what_the_eku_says),
        cmocka_unit_test(template_check__warns_of_logon_without_sid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

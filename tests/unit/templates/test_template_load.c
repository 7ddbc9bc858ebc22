/* SPDX-License-Identifier: Apache-2.0
 *
 * templates/template_load.c and template_set.c: what a file says comes out of the accessors; a directory is a
 * set; every mistake of every file is gathered.
 */
#include "template_fixture.h"

#include "file.h"

#include <unistd.h>

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/scepter-templates-XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
    static const char *const names[] = {"a.cfg", "b.cfg", "c.cfg", ".hidden.cfg", "notes.txt"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    return rmdir(dir);
}

static void write_file(const char *name, const char *text)
{
    AUTO(heap) char *path = NULL;
    struct err err = {0};

    assert_ok(path_join(dir, name, &path, &err), &err);
    assert_ok(file_write_atomic(path, SPAN_STR(text), 0600, &err), &err);
}

#define SUBJECT "subject = { pattern = \"CN={EnrollmentUser}\"; }; "

static void template_read__fills_in_the_defaults(void **state)
{
    AUTO(template) struct template *template = make_template(HEAD SUBJECT);
    const struct key_limits *limits = template_key_limits(template);

    (void)state;
    assert_int_equal(template_audience(template), AUDIENCE_PUBLISHED);
    assert_int_equal(template_version(template), 1);
    assert_int_equal(template_validity_s(template), 365 * 86400);
    assert_int_equal(template_renewal_window_s(template, 365 * 86400), 365 * 86400 * 33 / 100);
    assert_false(template_manual_approval(template));
    assert_false(template_key_same_subject(template));
    assert_false(template_trusts_request(template));
    assert_null(template_description(template));
    assert_true(limits->rsa && limits->p256 && limits->p384);
    assert_int_equal(limits->rsa_min_bits, 2048);
    assert_int_equal(limits->rsa_max_bits, 4096);
    assert_string_equal(template_file(template), "T.cfg");
    assert_string_equal(template_lookup_names(template)[0], "EnrollmentUser");
    assert_null(template_lookup_names(template)[1]);
}

static void template_read__reads_every_key(void **state)
{
    AUTO(template)
    struct template *template = make_template(
        "name = \"All\"; description = \"d\"; audience = \"officer\";"
        "subject = { from = \"request\"; pattern = \"*\"; verify = \"none\"; };"
        "san = ( { type = \"uri\"; pattern = \"urn:{DeviceUid}\"; optional = true; } );"
        "unlisted_san = \"drop\"; key_reuse = \"same-subject\"; on_change = \"update\";"
        "key = { types = [\"ec\"]; curves = [\"p384\"]; usage = \"signing\"; };"
        "eku = [\"clientAuth\", \"1.2.3.4\"]; validity = \"30d\"; renewal_window = \"10d\"; approval = "
        "\"manual\"; oid = \"1.3.6.1.4.1.311.21.8.1\"; version = \"100.3\"; application_policies = true;"
        "certificate_policies = ( \"1.2.3\", { oid = \"1.2.4\"; cps = \"http://x/cps\"; } );"
        "sid_extension = true; require_groups = [\"VPN\"]; cdp = [\"http://x/a.crl\"]; aia = [];");
    const struct key_limits *limits = template_key_limits(template);

    (void)state;
    assert_int_equal(template_audience(template), AUDIENCE_OFFICER);
    assert_true(template_trusts_request(template));
    assert_true(template_key_same_subject(template));
    assert_true(template_manual_approval(template));
    assert_false(limits->rsa || limits->p256);
    assert_true(limits->p384);
    assert_int_equal(template_renewal_window_s(template, 1), 10 * 86400);
    assert_int_equal(template_version(template), 100);
    assert_int_equal(template->minor, 3);
    assert_int_equal(template->eku_count, 2);
    assert_int_equal(template->policy_count, 2);
    assert_string_equal(template->policies[1].cps, "http://x/cps");
    assert_true(template->has_cdp && template->has_aia);
    assert_int_equal(template->aia.count, 0);
}

static void template_read__takes_the_version_as_an_integer_too(void **state)
{
    AUTO(template) struct template *template = make_template(HEAD SUBJECT "version = 7;");

    (void)state;
    assert_int_equal(template_version(template), 7);
    assert_int_equal(template->minor, 0);
}

static void template_set_load__sorts_by_name_and_counts_references(void **state)
{
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(config_mistakes) struct config_mistakes warnings = {0};
    struct template_set *set = NULL;
    struct template_set *second = NULL;
    struct err err = {0};

    (void)state;
    write_file("a.cfg", "name = \"Zebra\"; eku = [\"clientAuth\"]; " SUBJECT);
    write_file("b.cfg", "name = \"Ant\"; eku = [\"clientAuth\"]; "
                        "subject = { from = \"request\"; pattern = \"*\"; verify = \"none\"; };");
    write_file("notes.txt", "no template");
    write_file(".hidden.cfg", "no template");
    assert_ok(template_set_load(dir, NULL, &mistakes, &warnings, &set, &err), &err);
    assert_int_equal(template_set_count(set), 2);
    assert_string_equal(template_name(template_set_at(set, 0)), "Ant");
    assert_null(template_set_at(set, 2));
    assert_ptr_equal(template_set_find(set, "Zebra"), template_set_at(set, 1));
    assert_null(template_set_find(set, "zebra"));
    assert_int_equal(warnings.count, 1);
    assert_has(warnings.lines[0], "b.cfg:1: subject: verify = \"none\"");
    second = template_set_ref(set);
    template_set_unref(set);
    assert_string_equal(template_name(template_set_at(second, 0)), "Ant");
    template_set_unref(second);
}

static void template_set_load__gathers_the_mistakes_of_every_file(void **state)
{
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    struct template_set *set = NULL;
    struct err err = {0};

    (void)state;
    write_file("a.cfg", "name = \"A\"; eku = [\"nonsense\"]; validty = \"1y\"; " SUBJECT);
    write_file("b.cfg", "name = \"B\"\n  eku = ; ");
    write_file("c.cfg", HEAD);
    assert_int_equal(template_set_load(dir, NULL, &mistakes, NULL, &set, &err), STATUS_CONFIG);
    assert_null(set);
    assert_true(mistakes.count >= 4);
    assert_has(err.text, "nonsense");
}

static void template_set_load__names_both_files_of_a_duplicate(void **state)
{
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    struct template_set *set = NULL;
    struct err err = {0};

    (void)state;
    write_file("a.cfg", HEAD SUBJECT);
    write_file("b.cfg", HEAD SUBJECT);
    write_file("c.cfg", "name = \"C\"; eku = [\"clientAuth\"]; " SUBJECT);
    assert_int_equal(template_set_load(dir, NULL, &mistakes, NULL, &set, &err), STATUS_CONFIG);
    assert_int_equal(mistakes.count, 1);
    assert_has(mistakes.lines[0], "a.cfg");
    assert_has(mistakes.lines[0], "b.cfg");
}

static void template_set_load__reports_a_directory_that_is_not_there(void **state)
{
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    struct template_set *set = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(template_set_load("/nowhere/at/all", NULL, &mistakes, NULL, &set, &err), STATUS_IO);
    assert_has(err.text, "/nowhere/at/all");
}

static void template_check_file__judges_one_file(void **state)
{
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(heap) char *path = NULL;
    struct err err = {0};

    (void)state;
    write_file("a.cfg", HEAD SUBJECT);
    assert_ok(path_join(dir, "a.cfg", &path, &err), &err);
    assert_ok(template_check_file(path, NULL, &mistakes, NULL, &err), &err);
    write_file("a.cfg", HEAD "subject = { pattern = \"CN={Nobody}\"; };");
    assert_int_equal(template_check_file(path, NULL, &mistakes, NULL, &err), STATUS_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_read__fills_in_the_defaults),
        cmocka_unit_test(template_read__reads_every_key),
        cmocka_unit_test(template_read__takes_the_version_as_an_integer_too),
        cmocka_unit_test_setup_teardown(template_set_load__sorts_by_name_and_counts_references, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(template_set_load__gathers_the_mistakes_of_every_file, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(template_set_load__names_both_files_of_a_duplicate, make_dir,
                                        remove_dir),
        cmocka_unit_test(template_set_load__reports_a_directory_that_is_not_there),
        cmocka_unit_test_setup_teardown(template_check_file__judges_one_file, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of scepter.cfg: what is read, every mistake told at once, the sample that init
 * writes, and that docs/configuration.md says what the table of keys says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "file.h"
#include "server_config.h"

#include <stdio.h>

#define FILE_NAME "scepter.cfg"
#define DOCS      SOURCE_DIR "/docs/configuration.md"

static struct server_config *parse(const char *text)
{
    struct err err = {0};
    struct server_config *config = NULL;
    if (server_config_parse(text, FILE_NAME, NULL, &config, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return config;
}

static void assert_refused(const char *text, const char *part)
{
    struct err err = {0};
    AUTO(server_config) struct server_config *config = NULL;
    assert_int_equal(server_config_parse(text, FILE_NAME, NULL, &config, &err), STATUS_CONFIG);
    assert_null(config);
    if (strstr(err.text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, err.text);
}

#define AUTHORITY "authority = { name = \"Example Issuing CA\"; url = \"http://ca.example.com:8080\"; };\n"
#define PROFILES  "profiles = ( { name = \"default\"; template = \"User\"; } );\n"

static void server_config__reads_the_example(void **state)
{
    (void)state;
    AUTO(server_config)
    struct server_config *config = parse(
        AUTHORITY "listen = ( { address = \"127.0.0.1\"; port = 8080; } );\n"
                  "profiles = ( { name = \"default\"; template = \"User\"; challenge = \"one-time\"; },\n"
                  "  { name = \"device\"; template = \"Device\"; challenge = \"one-time\"; },\n"
                  "  { name = \"ndes\"; template = \"UEMUser\"; challenge = \"one-time\"; },\n"
                  "  { name = \"lab\"; template = \"LabDevice\"; challenge = \"static\"; "
                  "challenge_file = \"keys/lab.challenge\"; } );\n");
    assert_string_equal(config->authority_name, "Example Issuing CA");
    assert_int_equal(config->listener_count, 1);
    assert_int_equal(config->listeners[0].port, 8080);
    assert_int_equal(config->profile_count, 4);
    assert_string_equal(config->profiles[1].template_any, "Device");
    assert_int_equal(config->profiles[3].challenge, CHALLENGE_STATIC);
    assert_string_equal(config->profiles[3].challenge_file, "keys/lab.challenge");
    assert_int_equal(config->profiles[3].line, 6);
}

static void server_config__has_a_default_for_everything_else(void **state)
{
    (void)state;
    AUTO(server_config) struct server_config *config = parse(AUTHORITY PROFILES);
    assert_string_equal(config->listeners[0].address, "127.0.0.1");
    assert_int_equal(config->listeners[0].port, 8080);
    assert_int_equal(config->crl_validity_s, 7 * 86400);
    assert_int_equal(config->crl_period_s, 86400);
    assert_int_equal(config->crl_min_interval_s, 2);
    assert_int_equal(config->workers, 16);
    assert_int_equal(config->request_deadline_s, 60);
    assert_int_equal(config->queue_wait_s, 10);
    assert_int_equal(config->log_level, LOG_INFO);
    assert_int_equal(config->profiles[0].challenge, CHALLENGE_ONE_TIME);
    assert_int_equal(config->profiles[0].retry_window_s, 86400);
    assert_int_equal(config->profiles[0].renewal_grace_s, 0);
    assert_int_equal(config->profiles[0].pending_lapse_s, 30 * 86400);
}

static void server_config__gives_ndes_the_pair_of_ra_certificates(void **state)
{
    (void)state;
    AUTO(server_config)
    struct server_config *config = parse(AUTHORITY "profiles = ( { name = \"a\"; template = \"T\"; },\n"
                                                   "{ name = \"ndes\"; template = \"T\"; },\n"
                                                   "{ name = \"b\"; template = \"T\"; ra = \"pair\"; } );");
    assert_int_equal(config->profiles[0].ra, 0);
    assert_int_equal(config->profiles[1].ra, 1);
    assert_int_equal(config->profiles[2].ra, 1);
}

static void server_config__reads_templates_by_usage_and_a_webhook(void **state)
{
    (void)state;
    AUTO(server_config)
    struct server_config *config =
        parse(AUTHORITY "profiles = ( { name = \"a\"; templates = { signing = \"S\"; both = \"B\"; };\n"
                        "challenge = \"webhook\"; webhook = { url = \"https://h/\"; timeout = \"9s\"; };\n"
                        "allow = [ \"sha1\" ]; } );");
    assert_string_equal(config->profiles[0].template_signing, "S");
    assert_null(config->profiles[0].template_encryption);
    assert_string_equal(config->profiles[0].template_both, "B");
    assert_string_equal(config->profiles[0].webhook_url, "https://h/");
    assert_int_equal(config->profiles[0].webhook_timeout_s, 9);
}

static void server_config__tells_every_mistake_at_once_with_its_line(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(server_config) struct server_config *config = NULL;
    const char *text = "authority = { name = \"a/b\";\n"                                  /* 1 */
                       "  url = \"https://ca.example\"; };\n"                             /* 2 */
                       "listen = ( { address = \"localhost\";\n"                          /* 3 */
                       "  port = 70000; } );\n"                                           /* 4 */
                       "workrs = 4;\n"                                                    /* 5 */
                       "crl = { validity = \"1d\"; period = \"2d\"; };\n"                 /* 6 */
                       "profiles = ( { name = \"a b\"; challenge = \"static\"; },\n"      /* 7 */
                       "  { name = \"c\"; template = \"T\"; challenge = \"once\"; },\n"   /* 8 */
                       "  { name = \"c\"; template = \"T\"; allow = [ \"md5\" ]; } );\n"; /* 9 */
    static const char *const expected[] = {
        FILE_NAME ":1: authority.name: ",
        FILE_NAME ":2: authority.url: ",
        FILE_NAME ":3: listen[0].address: ",
        FILE_NAME ":4: listen[0].port: ",
        FILE_NAME ":5: workrs: ",
        FILE_NAME ":6: crl.period: ",
        FILE_NAME ":7: profiles[0].name: ",
        FILE_NAME ":7: profiles[0].template: ",
        FILE_NAME ":7: profiles[0].challenge: ",
        FILE_NAME ":8: profiles[1].challenge: ",
        FILE_NAME ":9: profiles[2].name: ",
        FILE_NAME ":9: profiles[2].allow: ",
    };
    assert_int_equal(server_config_parse(text, FILE_NAME, &mistakes, &config, &err), STATUS_CONFIG);
    assert_null(config);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        bool told = false;
        for (size_t m = 0; m < mistakes.count; m++)
            told = told || strncmp(mistakes.lines[m], expected[i], strlen(expected[i])) == 0;
        if (!told)
            fail_msg("no mistake begins with %s", expected[i]);
    }
    assert_int_equal(mistakes.count, sizeof expected / sizeof expected[0]);
}

static void server_config__refuses_what_does_not_fit_together(void **state)
{
    (void)state;
    assert_refused(PROFILES, "authority");
    assert_refused(AUTHORITY, "profiles");
    assert_refused(AUTHORITY PROFILES "listen = ( );", "listen");
    assert_refused(AUTHORITY PROFILES "listen = ( { address = \"::1\"; }, { address = \"::1\"; } );",
                   "the same address and port");
    assert_refused(AUTHORITY
                   "profiles = ( { name = \"a\"; template = \"T\"; templates = { both = \"T\"; }; } );",
                   "only one of the two");
    assert_refused(AUTHORITY "profiles = ( { name = \"a\"; template = \"T\"; challenge_file = \"f\"; } );",
                   "challenge_file");
    assert_refused(AUTHORITY "profiles = ( { name = \"a\"; template = \"T\"; challenge = \"webhook\"; } );",
                   "webhook");
    const char *const refused_urls[] = {"http://hook.example/", "http://127.0.0.1@hook.example/",
                                        "http://127.0.0.1.hook.example/", "http://[::1", "ftp://127.0.0.1/"};
    for (size_t i = 0; i < sizeof refused_urls / sizeof refused_urls[0]; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 AUTHORITY "profiles = ( { name = \"a\"; template = \"T\"; challenge = \"webhook\"; "
                           "webhook = { url = \"%s\"; }; } );",
                 refused_urls[i]);
        assert_refused(text, "https");
    }
    assert_refused(AUTHORITY "profiles = ( 7 );", "a group is allowed");
    assert_refused("authority = { name = \"a\"; url = \"http://h\"; passphrase = \"secret\"; };" PROFILES,
                   "authority.passphrase");
    assert_refused("authority = { name = \"a\"; url = \"http://h/pki\"; };" PROFILES,
                   "1: authority.url: \"http://h/pki\" has a path");
    assert_refused("authority = { name = \"a\"; url = \"http://h\"; cdp = [ \"ldap://h\" ]; };" PROFILES,
                   "authority.cdp");
}

static void server_config__says_where_a_data_directory_is_made(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(server_config) struct server_config *config = NULL;
    assert_int_equal(server_config_load("/nonexistent", NULL, &config, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, "scepter init"));
}

/* ---- what is written from the table ---- */

static struct server_config *parse_sample(const struct server_config_sample *sample)
{
    AUTO(buf) struct buf out = BUF(65536);
    server_config_sample(sample, &out);
    AUTO(heap) char *text = buf_take_text(&out);
    assert_non_null(text);
    return parse(text);
}

static void server_config_sample__is_read_back(void **state)
{
    (void)state;
    const struct listener_config listener = {.address = (char[]){"::1"}, .port = 9};
    const struct server_config_sample sample = {.name = "A \"quoted\" \\ Zürich CA",
                                                .url = "http://h:1",
                                                .passphrase = "env:PASS",
                                                .listener = &listener,
                                                .lab = true};
    AUTO(server_config) struct server_config *config = parse_sample(&sample);
    assert_string_equal(config->authority_name, sample.name);
    assert_string_equal(config->authority_url, sample.url);
    assert_string_equal(config->authority_passphrase, "env:PASS");
    assert_string_equal(config->listeners[0].address, "::1");
    assert_int_equal(config->listeners[0].port, 9);
    assert_int_equal(config->profile_count, 4);
    assert_string_equal(config->profiles[3].name, "lab");
}

static void server_config_sample__says_no_more_than_the_defaults(void **state)
{
    (void)state;
    const struct server_config_sample sample = {.name = "CA", .url = "http://h"};
    AUTO(server_config) struct server_config *written = parse_sample(&sample);
    AUTO(server_config)
    struct server_config *plain = parse("authority = { name = \"CA\"; url = \"http://h\"; };" PROFILES);
    assert_int_equal(written->profile_count, 3);
    assert_string_equal(written->profiles[2].template_any, "UEMUser");
    assert_int_equal(written->profiles[2].ra, 1);
    assert_null(written->authority_passphrase);
    assert_int_equal(written->workers, plain->workers);
    assert_int_equal(written->connections, plain->connections);
    assert_int_equal(written->crl_validity_s, plain->crl_validity_s);
    assert_int_equal(written->templates.denied_values.count, 0);
}

/* docs/configuration.md is kept by hand but for the reference, which this test writes with UPDATE_DOCS=1. */
static void server_config_reference__stands_in_the_documentation(void **state)
{
    (void)state;
    static const char begin[] = "<!-- reference -->\n";
    AUTO(buf) struct buf reference = BUF(65536);
    AUTO(buf) struct buf docs = BUF(262144);
    struct err err = {0};
    server_config_reference(&reference);
    assert_int_equal(reference.failed, STATUS_OK);
    if (file_read(DOCS, &docs, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    const uint8_t *mark = memmem(docs.data, docs.len, begin, sizeof begin - 1);
    assert_non_null(mark);
    size_t head = (size_t)(mark - docs.data) + sizeof begin - 1;
    if (getenv("UPDATE_DOCS") != NULL) {
        docs.len = head;
        buf_add(&docs, buf_span(&reference));
        assert_int_equal(file_write_atomic(DOCS, buf_span(&docs), 0644, NULL), STATUS_OK);
    }
    assert_int_equal(docs.len - head, reference.len);
    assert_memory_equal(docs.data + head, reference.data, reference.len);
}

static void passphrase_read__takes_the_first_line_of_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/scepter-passphrase-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    AUTO(heap) char *source = NULL;
    AUTO(secret) char *passphrase = NULL;
    assert_int_equal(file_write_atomic(path, SPAN_STR("correct horse\r\nsecond\n"), 0600, NULL), STATUS_OK);
    assert_int_equal(text_format(&source, NULL, "file:%s", path), STATUS_OK);
    assert_int_equal(passphrase_read(source, "a test", &passphrase, NULL), STATUS_OK);
    assert_string_equal(passphrase, "correct horse");
    assert_int_equal(remove(path), 0);
    assert_int_equal(passphrase_read(source, "a test", &passphrase, NULL), STATUS_NOT_FOUND);
}

static void passphrase_read__takes_an_environment_variable(void **state)
{
    (void)state;
    AUTO(secret) char *passphrase = NULL;
    AUTO(secret) char *none = NULL;
    struct err err = {0};
    assert_int_equal(setenv("SCEPTER_TEST_PASSPHRASE", "pass", 1), 0);
    assert_int_equal(passphrase_read("env:SCEPTER_TEST_PASSPHRASE", "a test", &passphrase, &err), STATUS_OK);
    assert_string_equal(passphrase, "pass");
    assert_int_equal(setenv("SCEPTER_TEST_PASSPHRASE", "", 1), 0);
    assert_int_equal(passphrase_read("env:SCEPTER_TEST_PASSPHRASE", "a test", &none, &err), STATUS_CONFIG);
    assert_int_equal(unsetenv("SCEPTER_TEST_PASSPHRASE"), 0);
    assert_int_equal(passphrase_read("env:SCEPTER_TEST_PASSPHRASE", "a test", &none, &err), STATUS_CONFIG);
    assert_int_equal(passphrase_read("the passphrase itself", "a test", &none, &err), STATUS_USAGE);
    assert_int_equal(passphrase_read(NULL, "a test", &none, &err), STATUS_OK);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_config__reads_the_example),
        cmocka_unit_test(server_config__has_a_default_for_everything_else),
        cmocka_unit_test(server_config__gives_ndes_the_pair_of_ra_certificates),
        cmocka_unit_test(server_config__reads_templates_by_usage_and_a_webhook),
        cmocka_unit_test(server_config__tells_every_mistake_at_once_with_its_line),
        cmocka_unit_test(server_config__refuses_what_does_not_fit_together),
        cmocka_unit_test(server_config__says_where_a_data_directory_is_made),
        cmocka_unit_test(server_config_sample__is_read_back),
        cmocka_unit_test(server_config_sample__says_no_more_than_the_defaults),
        cmocka_unit_test(server_config_reference__stands_in_the_documentation),
        cmocka_unit_test(passphrase_read__takes_the_first_line_of_a_file),
        cmocka_unit_test(passphrase_read__takes_an_environment_variable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Challenges: made as asked for, good for what they were made for, once, and for nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "ca_fixture.h"

#include <pthread.h>

/* ---- making ---- */

static enum status create(const struct challenge_new *wanted, struct err *err)
{
    AUTO(secret) char *phrase = NULL;
    AUTO(challenge_row) struct challenge_row row = {0};
    return challenge_create(&fixture.context, wanted, &phrase, &row, err);
}

static void challenge_create__gives_32_upper_case_hex_digits_and_stores_their_hash(void **state)
{
    (void)state;
    AUTO(challenge_row) struct challenge_row row = {0};
    AUTO(challenge_row) struct challenge_row stored = {0};
    AUTO(secret) char *phrase = fixture_challenge("device", "DeviceUid=d-1", &row);
    assert_int_equal(strlen(phrase), 32);
    assert_int_equal(strspn(phrase, "0123456789ABCDEF"), 32);
    challenge_load(phrase, &stored);
    assert_int_equal(stored.id, row.id);
    assert_string_equal(stored.profile, "device");
    assert_string_equal(values_get(&stored.values, "DeviceUid"), "d-1");
    assert_int_equal(stored.expires_s - stored.created_s, 3600);
    assert_int_equal(stored.used, 0);
    assert_string_equal(stored.created_by, "local:root");
}

static void challenge_create__names_what_there_is(void **state)
{
    (void)state;
    struct err err = {0};
    struct challenge_new wanted = {.profile = "nonesuch", .ttl_s = 60, .uses = 1, .actor = "local:root"};
    assert_int_equal(create(&wanted, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, "default, device, lab"));
    wanted.profile = "device";
    wanted.template_name = "User";
    assert_int_equal(create(&wanted, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, "Device"));
    wanted.profile = "lab";
    wanted.template_name = NULL;
    assert_int_equal(create(&wanted, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "static"));
}

static void challenge_create__refuses_what_cannot_be_meant(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(values) struct values values = {0};
    struct challenge_new wanted = {.profile = "device", .ttl_s = 0, .uses = 1, .actor = "local:root"};
    assert_int_equal(create(&wanted, &err), STATUS_USAGE);
    wanted.ttl_s = 60;
    wanted.uses = 0;
    assert_int_equal(create(&wanted, &err), STATUS_USAGE);
    wanted.uses = 1;
    wanted.values = &values;
    fixture_ok(values_set(&values, "DeviceUId", "d-1", &err), &err);
    assert_int_equal(create(&wanted, &err), STATUS_USAGE);
    assert_non_null(strstr(err.text, "DeviceUId"));
    fixture_ok(values_set(&values, "DeviceUId", "", &err), &err);
    fixture_ok(values_set(&values, "DeviceUid", "d-1", &err), &err);
    fixture_ok(create(&wanted, &err), &err);
}

/* ---- using ---- */

static void one_time__is_good_once(void **state)
{
    (void)state;
    AUTO(secret) char *phrase = fixture_challenge("device", "DeviceUid=d-2", NULL);
    AUTO(client) struct client first = {0};
    AUTO(client) struct client second = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(challenge_row) struct challenge_row row = {0};
    client_initial(&first, fixture_rsa(0), "d-2", phrase, "device", "t-2");
    client_enroll(&first, DISPOSITION_ISSUED, &outcome);
    assert_non_null(strstr(outcome.requester, "challenge "));
    client_initial(&second, fixture_rsa(1), "d-2", phrase, "device", "t-2b");
    client_denied(&second, "has been used already");
    challenge_load(phrase, &row);
    assert_int_equal(row.used, 1);
    assert_int_equal(row.failures, 0);
}

/* VU#971035: a challenge got for one identity is used for another. */
static void one_time__bound_to_values_is_refused_for_another_identity(void **state)
{
    (void)state;
    AUTO(secret) char *phrase = fixture_challenge("device", "DeviceUid=d-3", NULL);
    AUTO(client) struct client thief = {0};
    AUTO(client) struct client owner = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(challenge_row) struct challenge_row row = {0};
    client_initial(&thief, fixture_rsa(0), "d-4", phrase, "device", "t-3");
    client_denied(&thief, "d-3");
    challenge_load(phrase, &row);
    assert_int_equal(row.used, 0);
    assert_int_equal(row.failures, 1);
    client_initial(&owner, fixture_rsa(1), "d-3", phrase, "device", "t-3b");
    client_enroll(&owner, DISPOSITION_ISSUED, &outcome);
    assert_string_equal(outcome.subject, "CN=d-3");
}

static void one_time__fills_the_template_from_its_values_whatever_the_request_says(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(values) struct values values = {0};
    AUTO(secret) char *phrase = NULL;
    AUTO(challenge_row) struct challenge_row row = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    fixture_ok(values_set(&values, "EnrollmentUser", "jdoe", &err), &err);
    fixture_ok(values_set(&values, "UserPrincipalName", "jdoe@CORP.EXAMPLE", &err), &err);
    fixture_ok(values_set(&values, "EmailAddress", "jdoe@corp.example", &err), &err);
    struct challenge_new wanted = {.values = &values, .ttl_s = 60, .uses = 1, .actor = "local:root"};
    fixture_ok(challenge_create(&fixture.context, &wanted, &phrase, &row, &err), &err);
    client_initial(&client, fixture_rsa(0), "administrator", phrase, "default", "t-4");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_string_equal(outcome.subject, "CN=WorkspaceONEUEM.jdoe");
}

static void one_time__is_refused_at_another_profile_and_counts_the_attempt(void **state)
{
    (void)state;
    AUTO(secret) char *phrase = fixture_challenge("device", "DeviceUid=d-5", NULL);
    AUTO(client) struct client client = {0};
    AUTO(challenge_row) struct challenge_row row = {0};
    client_initial(&client, fixture_rsa(0), "d-5", phrase, "window", "t-5");
    client_denied(&client, "is for profile device, not for profile window");
    challenge_load(phrase, &row);
    assert_int_equal(row.failures, 1);
}

static void one_time__bound_to_a_template_is_refused_for_another(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(secret) char *phrase = NULL;
    AUTO(challenge_row) struct challenge_row row = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    struct challenge_new wanted = {
        .profile = "split", .template_name = "Window", .ttl_s = 60, .uses = 1, .actor = "local:root"};
    fixture_ok(challenge_create(&fixture.context, &wanted, &phrase, &row, &err), &err);
    client = (struct client){.csr = BUF(CSR_MAX_LEN), .certificate = self_signed(fixture_rsa(0))};
    csr_make(fixture_rsa(0), "d-6", phrase, NULL, "digitalSignature,keyEncipherment", &client.csr);
    client_request(&client, "split", "t-6");
    client_denied(&client, "is for template Window, but the request is for Held");
    buf_clear(&client.csr);
    csr_make(fixture_rsa(0), "d-6", phrase, NULL, "digitalSignature", &client.csr);
    client.request.csr_der = buf_span(&client.csr);
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_string_equal(outcome.template_name, "Window");
}

static void one_time__is_void_after_the_tenth_failure(void **state)
{
    (void)state;
    AUTO(secret) char *phrase = fixture_challenge("device", "DeviceUid=d-7", NULL);
    AUTO(client) struct client thief = {0};
    AUTO(client) struct client owner = {0};
    client_initial(&thief, fixture_rsa(0), "d-8", phrase, "device", "t-7");
    for (int i = 0; i < CHALLENGE_FAILURES_MAX; i++)
        client_denied(&thief, "d-7");
    client_denied(&thief, "void after 10 failed attempts");
    client_initial(&owner, fixture_rsa(1), "d-7", phrase, "device", "t-7b");
    client_denied(&owner, "void after 10 failed attempts");
}

static void one_time__expires(void **state)
{
    (void)state;
    AUTO(secret) char *phrase = fixture_challenge("device", "DeviceUid=d-9", NULL);
    AUTO(client) struct client client = {0};
    fixture_wait(3600);
    client_initial(&client, fixture_rsa(0), "d-9", phrase, "device", "t-9");
    client_denied(&client, "expired at");
}

struct racer {
    struct client client;
    struct outcome outcome;
    enum status status;
};

static void *race(void *context)
{
    struct racer *racer = context;
    struct err err = {0};
    racer->status = enroll(&fixture.context, &racer->client.request, &racer->outcome, &err);
    return NULL;
}

static void one_time__gives_exactly_one_certificate_to_two_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        AUTO(secret) char *phrase = fixture_challenge("window", NULL, NULL);
        struct racer racers[2] = {0};
        pthread_t threads[2];
        int64_t before = fixture_counts().certificates_valid;
        client_initial(&racers[0].client, fixture_rsa(0), "d-10", phrase, "window", "t-10a");
        client_initial(&racers[1].client, fixture_rsa(1), "d-11", phrase, "window", "t-10b");
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(racers[0].status, STATUS_OK);
        assert_int_equal(racers[1].status, STATUS_OK);
        bool first_won = racers[0].outcome.disposition == DISPOSITION_ISSUED;
        assert_int_equal(racers[first_won ? 1 : 0].outcome.disposition, DISPOSITION_DENIED);
        assert_int_equal(racers[first_won ? 0 : 1].outcome.disposition, DISPOSITION_ISSUED);
        assert_non_null(strstr(racers[first_won ? 1 : 0].outcome.reason, "has been used already"));
        assert_int_equal(fixture_counts().certificates_valid, before + 1);
        for (size_t i = 0; i < 2; i++) {
            outcome_free(&racers[i].outcome);
            client_free(&racers[i].client);
        }
    }
}

/* ---- static, none, strangers ---- */

static void static_phrase__is_compared_whole(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "x", "an-old-shared-phrase-of-the-la",
                                        "an-old-shared-phrase-of-the-labb",
                                        "AN-OLD-SHARED-PHRASE-OF-THE-LAB"};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        AUTO(client) struct client stranger = {0};
        client_initial(&stranger, fixture_rsa(0), "x", wrong[i][0] != '\0' ? wrong[i] : NULL, "lab", "t-12");
        client_denied(&stranger, "challenge");
    }
    client_initial(&client, fixture_rsa(0), "x", FIXTURE_PHRASE, "lab", "t-12");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_string_equal(outcome.requester, "static challenge of profile lab");
}

/* "Refused strangers: log and counters, and at most 10,000 rows" (rules.md); the bound is the store's
 * contract. */
static void a_stranger__leaves_a_row_with_the_reason(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(request_row) struct request_row row = {0};
    AUTO(client) struct client wrong = {0};
    AUTO(client) struct client none = {0};
    AUTO(outcome) struct outcome outcome = {0};
    int64_t before = fixture_counts().requests_denied;
    client_initial(&wrong, fixture_rsa(0), "x", "0123456789ABCDEF0123456789ABCDEF", "device", "t-13");
    client_enroll(&wrong, DISPOSITION_DENIED, &outcome);
    assert_true(outcome.is_stranger);
    assert_int_equal(outcome.status, STATUS_DENIED);
    assert_non_null(strstr(outcome.reason, "the challenge is unknown"));
    fixture_ok(store_request(fixture.store, outcome.request_id, &row, &err), &err);
    assert_string_equal(row.reason, outcome.reason);
    assert_string_equal(row.requester, "stranger");
    client_initial(&none, fixture_rsa(0), "x", NULL, "device", "t-13");
    client_denied(&none, "carries no challenge, and profile device needs one (one-time)");
    assert_int_equal(fixture_counts().requests_denied, before + 2);
}

static void no_challenge__is_asked_for_where_the_profile_says_so(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(&client, fixture_rsa(0), "anybody", NULL, "open", "t-14");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_string_equal(outcome.requester, "anybody on profile open");
}

static void the_stored_request__holds_no_phrase(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(secret) char *phrase = fixture_challenge("device", "DeviceUid=d-15", NULL);
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(request_row) struct request_row row = {0};
    uint8_t digest[SHA256_LEN];
    client_initial(&client, fixture_rsa(0), "d-15", phrase, "device", "t-15");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    fixture_ok(store_request(fixture.store, outcome.request_id, &row, &err), &err);
    sha256(SPAN_STR(phrase), digest);
    assert_memory_equal(row.challenge_sha256, digest, SHA256_LEN);
    assert_int_equal(row.csr.len, client.csr.len);
    assert_null(memmem(row.csr.data, row.csr.len, phrase, 32));
    assert_non_null(memmem(client.csr.data, client.csr.len, phrase, 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenge_create__gives_32_upper_case_hex_digits_and_stores_their_hash),
        cmocka_unit_test(challenge_create__names_what_there_is),
        cmocka_unit_test(challenge_create__refuses_what_cannot_be_meant),
        cmocka_unit_test(one_time__is_good_once),
        cmocka_unit_test(one_time__bound_to_values_is_refused_for_another_identity),
        cmocka_unit_test(one_time__fills_the_template_from_its_values_whatever_the_request_says),
        cmocka_unit_test(one_time__is_refused_at_another_profile_and_counts_the_attempt),
        cmocka_unit_test(one_time__bound_to_a_template_is_refused_for_another),
        cmocka_unit_test(one_time__is_void_after_the_tenth_failure),
        cmocka_unit_test(one_time__gives_exactly_one_certificate_to_two_at_once),
        cmocka_unit_test(static_phrase__is_compared_whole),
        cmocka_unit_test(a_stranger__leaves_a_row_with_the_reason),
        cmocka_unit_test(no_challenge__is_asked_for_where_the_profile_says_so),
        cmocka_unit_test(the_stored_request__holds_no_phrase),
        cmocka_unit_test(one_time__expires),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

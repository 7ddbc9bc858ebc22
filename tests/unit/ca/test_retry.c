/* SPDX-License-Identifier: Apache-2.0
 *
 * Retries: the same request gets the same answer, in a race as well, and nothing else
 * passes for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "ca_fixture.h"
#include "enroll_private.h"

#include <pthread.h>

static bool same_certificate(const struct outcome *a, const struct outcome *b)
{
    return span_equal(buf_span(&a->certificate), buf_span(&b->certificate));
}

static void retry__gets_the_same_certificate_and_consumes_nothing(void **state)
{
    (void)state;
    AUTO(challenge_row) struct challenge_row row = {0};
    AUTO(secret) char *phrase = fixture_challenge("window", NULL, NULL);
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome first = {0};
    AUTO(outcome) struct outcome second = {0};
    client_initial(&client, fixture_rsa(0), "r-1", phrase, "window", "r-1");
    client_enroll(&client, DISPOSITION_ISSUED, &first);
    client_enroll(&client, DISPOSITION_ISSUED, &second);
    assert_false(first.retry);
    assert_true(second.retry);
    assert_true(same_certificate(&first, &second));
    assert_int_equal(first.request_id, second.request_id);
    assert_string_equal(second.subject, "CN=r-1");
    challenge_load(phrase, &row);
    assert_int_equal(row.used, 1);
}

static void retry__is_another_request_with_another_transaction_profile_or_octet(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(client) struct client other = {0};
    AUTO(outcome) struct outcome first = {0};
    AUTO(outcome) struct outcome second = {0};
    client_initial(&client, fixture_rsa(0), "r-2", FIXTURE_PHRASE, "lab", "r-2");
    client_enroll(&client, DISPOSITION_ISSUED, &first);
    client.request.transaction_id = "r-2b";
    client_enroll(&client, DISPOSITION_ISSUED, &second);
    assert_false(second.retry);
    assert_false(same_certificate(&first, &second));
    client.request.transaction_id = "r-2";
    client.request.profile = fixture_find("open");
    client_enroll(&client, DISPOSITION_ISSUED, &second);
    assert_false(second.retry);
    client_initial(&other, fixture_rsa(0), "r-2x", FIXTURE_PHRASE, "lab", "r-2");
    client_enroll(&other, DISPOSITION_ISSUED, &second);
    assert_false(second.retry);
}

/* The parts are length-prefixed: moving octets from one to the next gives another key. */
static void retry__does_not_mistake_where_the_transaction_begins(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    struct profile shifted = *fixture_find("lab");
    client_initial(&client, fixture_rsa(0), "r-3", FIXTURE_PHRASE, "lab", "Xr-3");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    shifted.name = borrowed("labX");
    client.request.profile = &shifted;
    client.request.transaction_id = "r-3";
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_false(outcome.retry);
}

static void retry__ends_with_the_window_and_with_revocation(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome first = {0};
    AUTO(outcome) struct outcome second = {0};
    client_initial(&client, fixture_rsa(0), "r-4", FIXTURE_PHRASE, "lab", "r-4");
    client_enroll(&client, DISPOSITION_ISSUED, &first);
    fixture_ok(revoke_certificate(fixture.store, &first.serial, REASON_SUPERSEDED, "local:root", &err), &err);
    client_enroll(&client, DISPOSITION_ISSUED, &second);
    assert_false(second.retry);
    fixture_wait(DAY_S + 10);
    client_enroll(&client, DISPOSITION_ISSUED, &first);
    assert_false(first.retry);
    assert_false(same_certificate(&first, &second));
}

static void retry__of_a_denied_request_is_judged_afresh(void **state)
{
    (void)state;
    AUTO(secret) char *phrase = fixture_challenge("device", NULL, NULL);
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    struct err err = {0};
    client_initial(&client, fixture_rsa(0), "r-5", phrase, "device", "r-5");
    client_denied(&client, "DeviceUid");
    struct device_row device = {.uid = borrowed("r-5"), .updated_s = clock_now()};
    fixture_ok(values_set(&device.values, "DeviceUid", "r-5", &err), &err);
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_DEVICE_PUT, .device = &device});
    fixture_ok(store_commit(fixture.store, &change, &err), &err);
    values_free(&device.values);
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_false(outcome.retry);
}

struct racer {
    const struct client *client;
    struct outcome outcome;
    enum status status;
};

static void *race(void *context)
{
    struct racer *racer = context;
    struct err err = {0};
    racer->status = enroll(&fixture.context, &racer->client->request, &racer->outcome, &err);
    return NULL;
}

#define RACERS 4

static void retry__in_a_race_gets_one_certificate(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        AUTO(secret) char *phrase = fixture_challenge("window", NULL, NULL);
        AUTO(client) struct client client = {0};
        struct racer racers[RACERS] = {0};
        pthread_t threads[RACERS];
        size_t fresh = 0;
        client_initial(&client, fixture_rsa(0), "r-6", phrase, "window", "r-6");
        for (size_t i = 0; i < RACERS; i++) {
            racers[i].client = &client;
            assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        }
        for (size_t i = 0; i < RACERS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (size_t i = 0; i < RACERS; i++) {
            assert_int_equal(racers[i].status, STATUS_OK);
            assert_int_equal(racers[i].outcome.disposition, DISPOSITION_ISSUED);
            assert_true(same_certificate(&racers[0].outcome, &racers[i].outcome));
            fresh += racers[i].outcome.retry ? 0 : 1;
        }
        assert_int_equal(fresh, 1);
        for (size_t i = 0; i < RACERS; i++)
            outcome_free(&racers[i].outcome);
    }
}

static void retry__of_a_pending_request_is_pending_and_consumes_nothing(void **state)
{
    (void)state;
    AUTO(challenge_row) struct challenge_row row = {0};
    AUTO(secret) char *phrase = fixture_challenge("held", NULL, NULL);
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome first = {0};
    AUTO(outcome) struct outcome second = {0};
    client_initial(&client, fixture_rsa(0), "r-7", phrase, "held", "r-7");
    client_enroll(&client, DISPOSITION_PENDING, &first);
    client_enroll(&client, DISPOSITION_PENDING, &second);
    assert_int_equal(first.request_id, second.request_id);
    fixture_wait(5 * DAY_S); /* longer than the window of issued ones */
    client_enroll(&client, DISPOSITION_PENDING, &second);
    assert_int_equal(first.request_id, second.request_id);
    challenge_load(phrase, &row);
    assert_int_equal(row.used, 1);
}

static void another_key__under_a_pending_transaction_is_an_error(void **state)
{
    (void)state;
    AUTO(secret) char *phrase = fixture_challenge("held", NULL, NULL);
    AUTO(secret) char *second_phrase = fixture_challenge("held", NULL, NULL);
    AUTO(client) struct client client = {0};
    AUTO(client) struct client other = {0};
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(&client, fixture_rsa(0), "r-8", phrase, "held", "r-8");
    client_enroll(&client, DISPOSITION_PENDING, &outcome);
    client_initial(&other, fixture_rsa(1), "r-8", second_phrase, "held", "r-8");
    client_enroll(&other, DISPOSITION_DENIED, &outcome);
    assert_int_equal(outcome.status, STATUS_CONFLICT);
    assert_non_null(strstr(outcome.reason, "transactionID r-8 belongs to a pending request"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry__gets_the_same_certificate_and_consumes_nothing),
        cmocka_unit_test(retry__is_another_request_with_another_transaction_profile_or_octet),
        cmocka_unit_test(retry__does_not_mistake_where_the_transaction_begins),
        cmocka_unit_test(retry__of_a_denied_request_is_judged_afresh),
        cmocka_unit_test(retry__in_a_race_gets_one_certificate),
        cmocka_unit_test(retry__ends_with_the_window_and_with_revocation),
        cmocka_unit_test(retry__of_a_pending_request_is_pending_and_consumes_nothing),
        cmocka_unit_test(another_key__under_a_pending_transaction_is_an_error),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

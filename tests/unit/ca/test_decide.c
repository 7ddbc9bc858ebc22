/* SPDX-License-Identifier: Apache-2.0
 *
 * Held requests: approved, denied, lapsed, and what their signer hears when it polls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "ca_fixture.h"

/* A first request that is held; its challenge if phrase is not NULL (the caller's). */
static int64_t hold(struct client *client, size_t key, const char *cn, const char *id, char **phrase)
{
    AUTO(secret) char *made = fixture_challenge("held", NULL, NULL);
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(client, fixture_rsa(key), cn, made, "held", id);
    client_enroll(client, DISPOSITION_PENDING, &outcome);
    assert_true(outcome.request_id > 0);
    assert_string_equal(outcome.reason, "waits for an officer's approval");
    if (phrase != NULL)
        *phrase = MOVE(made);
    return outcome.request_id;
}

static enum status poll(const struct client *client, struct outcome *outcome)
{
    struct err err = {0};
    outcome_free(outcome);
    return enroll_poll(&fixture.context, client->request.profile, client->request.transaction_id,
                       &client->signer, outcome, &err);
}

static void approve(int64_t id, struct outcome *outcome)
{
    struct err err = {0};
    outcome_free(outcome);
    fixture_ok(enroll_approve(&fixture.context, id, "local:root", outcome, &err), &err);
}

static void approve__issues_and_the_poll_gets_the_certificate(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome approved = {0};
    AUTO(outcome) struct outcome polled = {0};
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(request_row) struct request_row request = {0};
    int64_t id = hold(&client, 0, "h-1", "h-1", NULL);
    assert_int_equal(poll(&client, &polled), STATUS_OK);
    assert_int_equal(polled.disposition, DISPOSITION_PENDING);
    approve(id, &approved);
    assert_int_equal(approved.disposition, DISPOSITION_ISSUED);
    assert_int_equal(poll(&client, &polled), STATUS_OK);
    assert_int_equal(polled.disposition, DISPOSITION_ISSUED);
    assert_int_equal(polled.request_id, id);
    assert_true(span_equal(buf_span(&polled.certificate), buf_span(&approved.certificate)));
    fixture_ok(store_certificate(fixture.store, &approved.serial, &row, &err), &err);
    assert_int_equal(row.request_id, id);
    assert_string_equal(row.profile, "held");
    assert_string_equal(row.subject, "CN=h-1");
    fixture_ok(store_request(fixture.store, id, &request, &err), &err);
    assert_int_equal(request.disposition, DISPOSITION_ISSUED);
    assert_string_equal(request.decided_by, "local:root");
    client_enroll(&client, DISPOSITION_ISSUED, &polled); /* the whole request again: a retry */
    assert_true(polled.retry);
}

static void approve__decides_once(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    int64_t id = hold(&client, 0, "h-2", "h-2", NULL);
    approve(id, &outcome);
    assert_int_equal(enroll_approve(&fixture.context, id, "local:root", &outcome, &err), STATUS_CONFLICT);
    assert_int_equal(enroll_deny(&fixture.context, id, "local:root", NULL, &err), STATUS_CONFLICT);
    assert_int_equal(enroll_approve(&fixture.context, 999999, "local:root", &outcome, &err),
                     STATUS_NOT_FOUND);
}

/* Nobody approves a request of their own (facts: ESC7). */
static void approve__is_not_for_the_requester(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(&client, fixture_rsa(0), "h-3", NULL, "held", NULL);
    client.request.signer = NULL;
    client.request.requester = (struct requester){.kind = REQUESTER_ACCOUNT, .name = "ann"};
    client_enroll(&client, DISPOSITION_PENDING, &outcome);
    int64_t id = outcome.request_id;
    assert_int_equal(enroll_approve(&fixture.context, id, "account ann", &outcome, &err), STATUS_DENIED);
    outcome_free(&outcome);
    fixture_ok(enroll_approve(&fixture.context, id, "account bob", &outcome, &err), &err);
}

static void deny__is_told_with_its_reason_and_gives_the_challenge_back(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(secret) char *phrase = NULL;
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(challenge_row) struct challenge_row row = {0};
    int64_t id = hold(&client, 0, "h-4", "h-4", &phrase);
    challenge_load(phrase, &row);
    assert_int_equal(row.used, 1);
    fixture_ok(enroll_deny(&fixture.context, id, "local:root", "not in the inventory", &err), &err);
    assert_int_equal(poll(&client, &outcome), STATUS_OK);
    assert_int_equal(outcome.disposition, DISPOSITION_DENIED);
    assert_string_equal(outcome.reason, "denied by local:root: not in the inventory");
    challenge_load(phrase, &row);
    assert_int_equal(row.used, 0);
    client_enroll(&client, DISPOSITION_PENDING, &outcome); /* never replayed: judged afresh */
    assert_true(outcome.request_id != id);
}

static void deny__gives_back_nothing_after_the_challenge_has_expired(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(secret) char *phrase = NULL;
    AUTO(client) struct client client = {0};
    AUTO(challenge_row) struct challenge_row row = {0};
    int64_t id = hold(&client, 0, "h-5", "h-5", &phrase);
    fixture_wait(3700);
    fixture_ok(enroll_deny(&fixture.context, id, "local:root", NULL, &err), &err);
    challenge_load(phrase, &row);
    assert_int_equal(row.used, 1);
}

static void deny__refuses_a_reason_of_several_lines(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {0};
    int64_t id = hold(&client, 0, "h-6", "h-6", NULL);
    assert_int_equal(enroll_deny(&fixture.context, id, "local:root", "a\nb", &err), STATUS_MALFORMED);
}

static void pending__lapses(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t lapsed = -1;
    AUTO(secret) char *phrase = NULL;
    AUTO(client) struct client client = {0};
    AUTO(client) struct client second = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(challenge_row) struct challenge_row row = {0};
    int64_t id = hold(&client, 0, "h-7", "h-7", &phrase);
    int64_t second_id = hold(&second, 1, "h-7b", "h-7b", NULL);
    fixture_ok(enroll_lapse(&fixture.context, &lapsed, &err), &err);
    assert_int_equal(lapsed, 0);
    fixture_wait(31 * DAY_S);
    assert_int_equal(enroll_approve(&fixture.context, second_id, "local:root", &outcome, &err),
                     STATUS_CONFLICT);
    assert_non_null(strstr(err.text, "lapsed"));
    fixture_ok(enroll_lapse(&fixture.context, &lapsed, &err), &err);
    assert_true(lapsed >= 1);
    assert_int_equal(enroll_approve(&fixture.context, id, "local:root", &outcome, &err), STATUS_CONFLICT);
    assert_int_equal(poll(&client, &outcome), STATUS_OK);
    assert_int_equal(outcome.disposition, DISPOSITION_DENIED);
    assert_non_null(strstr(outcome.reason, "lapsed"));
    challenge_load(phrase, &row);
    assert_int_equal(row.used, 1);
}

static void poll__denies_what_has_lapsed(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    (void)hold(&client, 0, "h-8", "h-8", NULL);
    fixture_wait(31 * DAY_S);
    assert_int_equal(poll(&client, &outcome), STATUS_OK);
    assert_int_equal(outcome.disposition, DISPOSITION_DENIED);
}

static void poll__answers_only_the_signer_of_the_request(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(client) struct client other = {0};
    AUTO(outcome) struct outcome outcome = {0};
    int64_t id = hold(&client, 0, "h-9", "h-9", NULL);
    client_initial(&other, fixture_rsa(1), "h-9", NULL, "held", "h-9");
    assert_int_equal(poll(&other, &outcome), STATUS_NOT_FOUND);
    approve(id, &outcome);
    assert_int_equal(poll(&other, &outcome), STATUS_NOT_FOUND);
    other.request.transaction_id = "nonesuch";
    assert_int_equal(poll(&other, &outcome), STATUS_NOT_FOUND);
}

static void poll__of_a_renewal_with_a_new_key_is_for_the_old_certificate(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(client) struct client renewal = {0};
    AUTO(client) struct client by_new_key = {0};
    AUTO(outcome) struct outcome first = {0};
    AUTO(outcome) struct outcome outcome = {0};
    approve(hold(&client, 0, "h-10", "h-10", NULL), &first);
    client_renewal(&renewal, fixture_rsa(2), "h-10", NULL, buf_span(&first.certificate), "held", "h-10n");
    client_enroll(&renewal, DISPOSITION_PENDING, &outcome);
    int64_t id = outcome.request_id;
    assert_int_equal(poll(&renewal, &outcome), STATUS_OK);
    assert_int_equal(outcome.disposition, DISPOSITION_PENDING);
    client_initial(&by_new_key, fixture_rsa(2), "h-10", NULL, "held", "h-10n");
    assert_int_equal(poll(&by_new_key, &outcome), STATUS_NOT_FOUND);
    approve(id, &outcome);
    assert_int_equal(poll(&renewal, &outcome), STATUS_OK);
    assert_int_equal(outcome.disposition, DISPOSITION_ISSUED);
    assert_int_equal(outcome.request_id, id);
}

static void approve__refuses_the_renewal_of_what_was_revoked_since(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {0};
    AUTO(client) struct client renewal = {0};
    AUTO(outcome) struct outcome first = {0};
    AUTO(outcome) struct outcome outcome = {0};
    approve(hold(&client, 0, "h-11", "h-11", NULL), &first);
    client_renewal(&renewal, fixture_rsa(0), "h-11", NULL, buf_span(&first.certificate), "held", "h-11n");
    client_enroll(&renewal, DISPOSITION_PENDING, &outcome);
    int64_t id = outcome.request_id;
    fixture_ok(revoke_certificate(fixture.store, &first.serial, REASON_KEY_COMPROMISE, "local:root", &err),
               &err);
    assert_int_equal(enroll_approve(&fixture.context, id, "local:root", &outcome, &err), STATUS_DENIED);
    assert_int_equal(poll(&renewal, &outcome), STATUS_OK);
    assert_int_equal(outcome.disposition, DISPOSITION_PENDING);
}

/* With manual approval the secret for the reply is kept sealed until delivered, then wiped (rules.md). */
static void reply_secret__is_kept_sealed_until_delivered(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(secret) char *phrase = fixture_challenge("held", NULL, NULL);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(request_row) struct request_row row = {0};
    client_initial(&client, key, "h-12", phrase, "held", "h-12");
    client.request.reply_secret = SPAN_STR(phrase);
    client_enroll(&client, DISPOSITION_PENDING, &outcome);
    int64_t id = outcome.request_id;
    fixture_ok(store_request(fixture.store, id, &row, &err), &err);
    assert_true(row.sealed.len > 32);
    assert_null(memmem(row.sealed.data, row.sealed.len, phrase, 32));
    approve(id, &outcome);
    assert_int_equal(poll(&client, &outcome), STATUS_OK);
    assert_int_equal(outcome.disposition, DISPOSITION_ISSUED);
    assert_true(span_equal(buf_span(&outcome.reply_secret), SPAN_STR(phrase)));
    request_row_free(&row);
    fixture_ok(store_request(fixture.store, id, &row, &err), &err);
    assert_int_equal(row.sealed.len, 0);
    EVP_PKEY_free(key);
}

static enum status count_checkpoints(const struct audit_row *row, void *context, struct err *err)
{
    (void)err;
    if (strcmp(row->action, "audit.checkpoint") == 0)
        ++*(int *)context;
    return STATUS_OK;
}

static void audit__keeps_its_chain_and_signs_each_head_once(void **state)
{
    (void)state;
    struct err err = {0};
    struct audit_filter all = {0};
    uint8_t head[SHA256_LEN];
    int64_t rows = 0;
    int count = 0;
    fixture_ok(audit_checkpoint(fixture.store, fixture.snapshot->authority, &err), &err);
    fixture_ok(audit_checkpoint(fixture.store, fixture.snapshot->authority, &err), &err);
    fixture_ok(store_audit(fixture.store, &all, count_checkpoints, &count, &err), &err);
    assert_int_equal(count, 1);
    fixture_ok(store_audit_verify(fixture.store, &rows, head, &err), &err);
    assert_true(rows > 10);
}

static void approve__needs_a_clock_that_is_right(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    int64_t id = hold(&client, 3, "h-13", "h-13", NULL);
    fixture_wait(-400);
    assert_int_equal(enroll_approve(&fixture.context, id, "local:root", &outcome, &err), STATUS_TIME);
    fixture_wait(400);
    approve(id, &outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(approve__issues_and_the_poll_gets_the_certificate),
        cmocka_unit_test(approve__decides_once),
        cmocka_unit_test(approve__is_not_for_the_requester),
        cmocka_unit_test(deny__is_told_with_its_reason_and_gives_the_challenge_back),
        cmocka_unit_test(deny__gives_back_nothing_after_the_challenge_has_expired),
        cmocka_unit_test(deny__refuses_a_reason_of_several_lines),
        cmocka_unit_test(pending__lapses),
        cmocka_unit_test(poll__denies_what_has_lapsed),
        cmocka_unit_test(poll__answers_only_the_signer_of_the_request),
        cmocka_unit_test(poll__of_a_renewal_with_a_new_key_is_for_the_old_certificate),
        cmocka_unit_test(approve__refuses_the_renewal_of_what_was_revoked_since),
        cmocka_unit_test(reply_secret__is_kept_sealed_until_delivered),
        cmocka_unit_test(approve__needs_a_clock_that_is_right),
        cmocka_unit_test(audit__keeps_its_chain_and_signs_each_head_once),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

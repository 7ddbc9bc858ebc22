/* SPDX-License-Identifier: Apache-2.0
 *
 * Lack of memory and a failing store on the way of a request: a certificate is handed out and listed, its
 * challenge used, or there is none of it; nobody is denied for it, and the same request succeeds later.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "ca_fixture.h"

#include "fault.h"
#include "store_faulty.h"

static struct store *faulty;

static int start(void **state)
{
    int result = fixture_start(state);
    faulty = store_faulty(fixture.store);
    return result;
}

static int stop(void **state)
{
    store_close(faulty);
    return fixture_stop(state);
}

/* The store of the pipeline: the decorator where its calls are to fail. */
static void use_store(const struct fault *fault)
{
    fixture.context.store = fault->kind == FAULT_STORE_CALL ? faulty : fixture.store;
}

static int64_t certificates(void)
{
    return fixture_counts().certificates_valid;
}

static int64_t challenge_used(const char *phrase)
{
    AUTO(challenge_row) struct challenge_row row = {0};
    challenge_load(phrase, &row);
    return row.used;
}

/* What enroll() came to in a pass. */
static void check_result(const struct fault *fault, enum status status, const struct outcome *outcome,
                         const struct err *err, enum disposition wanted)
{
    bool good = status == STATUS_OK && outcome->disposition == wanted;
    bool failed = status != STATUS_OK || outcome->disposition == DISPOSITION_FAILED;
    if (!good && !failed)
        print_error("pass %llu: %s: %s\n", (unsigned long long)fault->nth,
                    disposition_name(outcome->disposition),
                    outcome->reason != NULL ? outcome->reason : "no reason");
    assert_true(good || failed);
    if (!fault->struck)
        assert_true(good);
    if (status != STATUS_OK) {
        assert_int_equal(err->status, fault_status(fault));
        assert_int_not_equal(err->text[0], '\0');
    } else if (failed) {
        assert_int_equal(outcome->status, fault_status(fault));
        assert_non_null(outcome->reason);
    }
}

static void check_listed(const struct outcome *outcome)
{
    AUTO(certificate_row) struct certificate_row row = {0};
    struct err err = {0};
    fixture_ok(store_certificate(fixture.store, &outcome->serial, &row, &err), &err);
    assert_true(span_equal(buf_span(&row.der), buf_span(&outcome->certificate)));
}

/* One pass with a request that has a challenge of its own; true if it was answered as it should be. */
static bool initial_pass(struct fault *fault, const char *profile, enum disposition wanted,
                         struct client *client)
{
    AUTO(secret) char *phrase = fixture_challenge(profile, NULL, NULL);
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(outcome) struct outcome again = {0};
    struct err err = {0};
    int64_t before = certificates();
    client_initial(client, fixture_rsa(0), "device-1", phrase, profile, "t-1");
    use_store(fault);
    fault_arm(fault);
    enum status status = enroll(&fixture.context, &client->request, &outcome, &err);
    fault_disarm(fault);
    fixture.context.store = fixture.store;
    check_result(fault, status, &outcome, &err, wanted);
    bool good = status == STATUS_OK && outcome.disposition == wanted;
    bool issued = good && wanted == DISPOSITION_ISSUED;
    assert_int_equal(certificates() - before, issued ? 1 : 0);
    assert_int_equal(challenge_used(phrase), good ? 1 : 0);
    if (issued)
        check_listed(&outcome);
    client_enroll(client, wanted, &again);
    assert_int_equal(again.retry, good);
    assert_int_equal(certificates() - before, wanted == DISPOSITION_ISSUED ? 1 : 0);
    assert_int_equal(challenge_used(phrase), 1);
    return good;
}

static void initial_loop(struct fault fault, const char *profile, enum disposition wanted)
{
    while (fault_next(&fault)) {
        AUTO(client) struct client client = {0};
        (void)initial_pass(&fault, profile, wanted, &client);
    }
}

static void enroll__issues_whole_or_not_at_all_without_memory(void **state)
{
    (void)state;
    initial_loop(FAULT(FAULT_ALLOCATION), "window", DISPOSITION_ISSUED);
}

static void enroll__issues_whole_or_not_at_all_without_its_store(void **state)
{
    (void)state;
    struct fault gone = FAULT(FAULT_STORE_CALL);
    struct fault busy = FAULT(FAULT_STORE_CALL);
    gone.lasting = true;
    busy.status = STATUS_BUSY;
    initial_loop(FAULT(FAULT_STORE_CALL), "window", DISPOSITION_ISSUED);
    initial_loop(gone, "window", DISPOSITION_ISSUED);
    initial_loop(busy, "window", DISPOSITION_ISSUED);
}

static void enroll__holds_whole_or_not_at_all(void **state)
{
    (void)state;
    initial_loop(FAULT(FAULT_ALLOCATION), "held", DISPOSITION_PENDING);
    initial_loop(FAULT(FAULT_STORE_CALL), "held", DISPOSITION_PENDING);
}

/* ---- renewals ---- */

/* rules.md: a renewal takes its values from the store's row of the old certificate. */
static void renewal_loop(struct fault fault)
{
    AUTO(client) struct client first = {0};
    AUTO(outcome) struct outcome old = {0};
    AUTO(secret) char *phrase = fixture_challenge("window", NULL, NULL);
    client_initial(&first, fixture_rsa(0), "device-2", phrase, "window", "r-0");
    client_enroll(&first, DISPOSITION_ISSUED, &old);
    fixture_wait(70 * DAY_S); /* template Window: in the last 30 of 90 days */
    while (fault_next(&fault)) {
        AUTO(client) struct client client = {0};
        AUTO(outcome) struct outcome outcome = {0};
        AUTO(outcome) struct outcome again = {0};
        char id[32];
        struct err err = {0};
        int64_t before = certificates();
        (void)snprintf(id, sizeof id, "r-%lld", (long long)fixture_counts().requests_issued);
        client_renewal(&client, fixture_rsa(1), "device-2", NULL, buf_span(&old.certificate), "window", id);
        use_store(&fault);
        fault_arm(&fault);
        enum status status = enroll(&fixture.context, &client.request, &outcome, &err);
        fault_disarm(&fault);
        fixture.context.store = fixture.store;
        check_result(&fault, status, &outcome, &err, DISPOSITION_ISSUED);
        bool good = status == STATUS_OK && outcome.disposition == DISPOSITION_ISSUED;
        assert_int_equal(certificates() - before, good ? 1 : 0);
        client_enroll(&client, DISPOSITION_ISSUED, &again);
        assert_int_equal(again.retry, good);
        assert_int_equal(certificates() - before, 1);
    }
}

static void renewal__issues_whole_or_not_at_all(void **state)
{
    (void)state;
    renewal_loop(FAULT(FAULT_ALLOCATION));
    renewal_loop(FAULT(FAULT_STORE_CALL));
}

/* ---- held requests ---- */

static enum status poll(const struct client *client, struct outcome *outcome, struct err *err)
{
    return enroll_poll(&fixture.context, client->request.profile, client->request.transaction_id,
                       &client->signer, outcome, err);
}

static int64_t hold(struct client *client)
{
    AUTO(secret) char *phrase = fixture_challenge("held", NULL, NULL);
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(client, fixture_rsa(0), "device-3", phrase, "held", "h-1");
    client_enroll(client, DISPOSITION_PENDING, &outcome);
    return outcome.request_id;
}

static void approve_loop(struct fault fault)
{
    while (fault_next(&fault)) {
        AUTO(client) struct client client = {0};
        AUTO(outcome) struct outcome approved = {0};
        AUTO(outcome) struct outcome polled = {0};
        struct err err = {0};
        int64_t id = hold(&client);
        int64_t before = certificates();
        use_store(&fault);
        fault_arm(&fault);
        enum status status = enroll_approve(&fixture.context, id, "local:root", &approved, &err);
        fault_disarm(&fault);
        fixture.context.store = fixture.store;
        fault_expect(&fault, status, &err);
        assert_int_equal(certificates() - before, status == STATUS_OK ? 1 : 0);
        if (status != STATUS_OK)
            fixture_ok(enroll_approve(&fixture.context, id, "local:root", &approved, &err), &err);
        check_listed(&approved);
        fixture_ok(poll(&client, &polled, &err), &err);
        assert_true(span_equal(buf_span(&polled.certificate), buf_span(&approved.certificate)));
    }
}

static void approve__issues_whole_or_leaves_the_request_pending(void **state)
{
    (void)state;
    approve_loop(FAULT(FAULT_ALLOCATION));
    approve_loop(FAULT(FAULT_STORE_CALL));
}

/* A poll that fails is not an answer that the client could take for a refusal. */
static void poll_loop(struct fault fault, const struct client *client, enum disposition wanted)
{
    while (fault_next(&fault)) {
        AUTO(outcome) struct outcome outcome = {0};
        struct err err = {0};
        use_store(&fault);
        fault_arm(&fault);
        enum status status = poll(client, &outcome, &err);
        fault_disarm(&fault);
        fixture.context.store = fixture.store;
        fault_expect(&fault, status, &err);
        if (status == STATUS_OK)
            assert_int_equal(outcome.disposition, wanted);
    }
}

static void poll__says_that_it_failed(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome approved = {0};
    struct err err = {0};
    int64_t id = hold(&client);
    poll_loop(FAULT(FAULT_ALLOCATION), &client, DISPOSITION_PENDING);
    poll_loop(FAULT(FAULT_STORE_CALL), &client, DISPOSITION_PENDING);
    fixture_ok(enroll_approve(&fixture.context, id, "local:root", &approved, &err), &err);
    poll_loop(FAULT(FAULT_ALLOCATION), &client, DISPOSITION_ISSUED);
    poll_loop(FAULT(FAULT_STORE_CALL), &client, DISPOSITION_ISSUED);
}

static void deny_loop(struct fault fault)
{
    while (fault_next(&fault)) {
        AUTO(client) struct client client = {0};
        AUTO(request_row) struct request_row row = {0};
        struct err err = {0};
        int64_t id = hold(&client);
        use_store(&fault);
        fault_arm(&fault);
        enum status status = enroll_deny(&fixture.context, id, "local:root", "not today", &err);
        fault_disarm(&fault);
        fixture.context.store = fixture.store;
        fault_expect(&fault, status, &err);
        fixture_ok(store_request(fixture.store, id, &row, &err), &err);
        assert_int_equal(row.disposition, status == STATUS_OK ? DISPOSITION_DENIED : DISPOSITION_PENDING);
        if (status != STATUS_OK)
            fixture_ok(enroll_deny(&fixture.context, id, "local:root", "not today", &err), &err);
    }
}

static void deny__denies_or_leaves_the_request_pending(void **state)
{
    (void)state;
    deny_loop(FAULT(FAULT_ALLOCATION));
    deny_loop(FAULT(FAULT_STORE_CALL));
}

/* ---- challenges, revocation ---- */

static void challenge_loop(struct fault fault)
{
    while (fault_next(&fault)) {
        AUTO(secret) char *phrase = NULL;
        AUTO(challenge_row) struct challenge_row row = {0};
        AUTO(values) struct values values = {0};
        struct err err = {0};
        struct challenge_new wanted = {
            .profile = "device", .values = &values, .ttl_s = 3600, .uses = 1, .actor = "local:root"};
        fixture_ok(values_set_pair(&values, "DeviceUid=device-4", &err), &err);
        int64_t before = fixture_counts().challenges_open;
        use_store(&fault);
        fault_arm(&fault);
        enum status status = challenge_create(&fixture.context, &wanted, &phrase, &row, &err);
        fault_disarm(&fault);
        fixture.context.store = fixture.store;
        fault_expect(&fault, status, &err);
        assert_int_equal(fixture_counts().challenges_open - before, status == STATUS_OK ? 1 : 0);
        assert_true((phrase != NULL) == (status == STATUS_OK));
    }
}

static void challenge_create__makes_one_or_none(void **state)
{
    (void)state;
    challenge_loop(FAULT(FAULT_ALLOCATION));
    challenge_loop(FAULT(FAULT_STORE_CALL));
}

static void revoke_loop(struct fault fault)
{
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(secret) char *phrase = fixture_challenge("window", NULL, NULL);
    client_initial(&client, fixture_rsa(0), "device-5", phrase, "window", "v-1");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    while (fault_next(&fault)) {
        AUTO(certificate_row) struct certificate_row row = {0};
        struct err err = {0};
        use_store(&fault);
        fault_arm(&fault);
        enum status status =
            revoke_certificate(fixture.context.store, &outcome.serial, REASON_SUPERSEDED, "local:root", &err);
        fault_disarm(&fault);
        fixture.context.store = fixture.store;
        fault_expect(&fault, status, &err);
        fixture_ok(store_certificate(fixture.store, &outcome.serial, &row, &err), &err);
        assert_int_equal(row.reason, status == STATUS_OK ? REASON_SUPERSEDED : REASON_NONE);
    }
}

static void revoke__revokes_or_leaves_it_valid(void **state)
{
    (void)state;
    revoke_loop(FAULT(FAULT_ALLOCATION));
    revoke_loop(FAULT(FAULT_STORE_CALL));
}

static void audit_checkpoint__is_made_or_not(void **state)
{
    (void)state;
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        struct err err = {0};
        AUTO(secret) char *phrase = fixture_challenge("device", NULL, NULL); /* a row to cover */
        fault_arm(&fault);
        enum status status = audit_checkpoint(fixture.store, fixture.snapshot->authority, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        assert_non_null(phrase);
    }
}

/* After all that: the audit chain holds, and the store's numbers are those of its rows. */
static void store__is_whole_after_all(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t rows = 0;
    uint8_t head[SHA256_LEN];
    fixture_ok(store_audit_verify(fixture.store, &rows, head, &err), &err);
    fixture_ok(store_integrity(fixture.store, &err), &err);
    assert_true(rows > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enroll__issues_whole_or_not_at_all_without_memory),
        cmocka_unit_test(enroll__issues_whole_or_not_at_all_without_its_store),
        cmocka_unit_test(enroll__holds_whole_or_not_at_all),
        cmocka_unit_test(approve__issues_whole_or_leaves_the_request_pending),
        cmocka_unit_test(poll__says_that_it_failed),
        cmocka_unit_test(deny__denies_or_leaves_the_request_pending),
        cmocka_unit_test(challenge_create__makes_one_or_none),
        cmocka_unit_test(revoke__revokes_or_leaves_it_valid),
        cmocka_unit_test(audit_checkpoint__is_made_or_not),
        cmocka_unit_test(renewal__issues_whole_or_not_at_all),
        cmocka_unit_test(store__is_whole_after_all),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

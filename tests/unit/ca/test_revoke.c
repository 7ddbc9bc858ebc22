/* SPDX-License-Identifier: Apache-2.0
 *
 * Revoking, holding, releasing, each with its audit row; and the signed checkpoints of
 * the audit chain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "ca_fixture.h"

static void issue(const char *cn, struct outcome *outcome)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    AUTO(client) struct client client = {0};
    client_initial(&client, key, cn, FIXTURE_PHRASE, "lab", cn);
    client_enroll(&client, DISPOSITION_ISSUED, outcome);
    EVP_PKEY_free(key);
}

static enum certificate_status status_of(const struct serial *serial, enum crl_reason *reason)
{
    struct err err = {0};
    AUTO(certificate_row) struct certificate_row row = {0};
    fixture_ok(store_certificate(fixture.store, serial, &row, &err), &err);
    *reason = row.reason;
    return certificate_row_status(&row, clock_now());
}

static enum status revoke_it(const struct outcome *outcome, enum crl_reason reason)
{
    struct err err = {0};
    return revoke_certificate(fixture.store, &outcome->serial, reason, "local:root", &err);
}

static void revoke__is_final(void **state)
{
    (void)state;
    struct err err = {0};
    enum crl_reason reason = REASON_NONE;
    AUTO(outcome) struct outcome outcome = {0};
    issue("v-1", &outcome);
    assert_int_equal(revoke_it(&outcome, REASON_KEY_COMPROMISE), STATUS_OK);
    assert_int_equal(status_of(&outcome.serial, &reason), CERTIFICATE_REVOKED);
    assert_int_equal(reason, REASON_KEY_COMPROMISE);
    assert_int_equal(revoke_it(&outcome, REASON_SUPERSEDED), STATUS_CONFLICT);
    assert_int_equal(revoke_it(&outcome, REASON_CERTIFICATE_HOLD), STATUS_CONFLICT);
    assert_int_equal(unhold_certificate(fixture.store, &outcome.serial, "local:root", &err), STATUS_DENIED);
    assert_int_equal(status_of(&outcome.serial, &reason), CERTIFICATE_REVOKED);
    assert_int_equal(reason, REASON_KEY_COMPROMISE);
}

static void hold__can_be_released_or_become_a_revocation(void **state)
{
    (void)state;
    struct err err = {0};
    enum crl_reason reason = REASON_NONE;
    AUTO(outcome) struct outcome outcome = {0};
    issue("v-2", &outcome);
    assert_int_equal(revoke_it(&outcome, REASON_CERTIFICATE_HOLD), STATUS_OK);
    assert_int_equal(status_of(&outcome.serial, &reason), CERTIFICATE_HELD);
    fixture_ok(unhold_certificate(fixture.store, &outcome.serial, "local:root", &err), &err);
    assert_int_equal(status_of(&outcome.serial, &reason), CERTIFICATE_VALID);
    assert_int_equal(revoke_it(&outcome, REASON_CERTIFICATE_HOLD), STATUS_OK);
    assert_int_equal(revoke_it(&outcome, REASON_SUPERSEDED), STATUS_OK);
    assert_int_equal(status_of(&outcome.serial, &reason), CERTIFICATE_REVOKED);
    assert_int_equal(reason, REASON_SUPERSEDED);
}

static void revoke__refuses_what_is_no_reason_and_what_is_not_there(void **state)
{
    (void)state;
    struct outcome nobody = {.serial = {.octets = {1, 2, 3}, .len = 3}};
    assert_int_equal(revoke_it(&nobody, REASON_REMOVE_FROM_CRL), STATUS_USAGE);
    assert_int_equal(revoke_it(&nobody, REASON_NONE), STATUS_USAGE);
    assert_int_equal(revoke_it(&nobody, REASON_UNSPECIFIED), STATUS_NOT_FOUND);
}

/* ---- audit ---- */

struct newest {
    char action[64];
    char object[96];
    char detail[2048];
};

static enum status keep_newest(const struct audit_row *row, void *context, struct err *err)
{
    struct newest *newest = context;
    (void)err;
    (void)snprintf(newest->action, sizeof newest->action, "%s", row->action);
    (void)snprintf(newest->object, sizeof newest->object, "%s", row->object != NULL ? row->object : "");
    (void)snprintf(newest->detail, sizeof newest->detail, "%s", row->detail != NULL ? row->detail : "");
    return STATUS_OK;
}

static void audit_newest(struct newest *newest)
{
    struct err err = {0};
    struct audit_filter all = {0};
    fixture_ok(store_audit(fixture.store, &all, keep_newest, newest, &err), &err);
}

static void audit__names_the_certificate_and_what_was_done(void **state)
{
    (void)state;
    struct newest newest = {0};
    char object[96], serial[2 * SERIAL_MAX + 1];
    AUTO(outcome) struct outcome outcome = {0};
    issue("v-3", &outcome);
    audit_newest(&newest);
    assert_string_equal(newest.action, "request.issued");
    (void)snprintf(object, sizeof object, "request %lld", (long long)outcome.request_id);
    assert_string_equal(newest.object, object);
    assert_non_null(strstr(newest.detail, "subject CN=v-3"));
    assert_int_equal(revoke_it(&outcome, REASON_SUPERSEDED), STATUS_OK);
    audit_newest(&newest);
    serial_text(&outcome.serial, serial);
    (void)snprintf(object, sizeof object, "certificate %s", serial);
    assert_string_equal(newest.action, "certificate.revoked");
    assert_string_equal(newest.object, object);
    assert_string_equal(newest.detail, "superseded");
}

static enum status verify(const char *text, int64_t *rows)
{
    struct err err = {0};
    return audit_checkpoint_verify(fixture.store, fixture.snapshot->authority, text, rows, &err);
}

static void checkpoint__fits_the_chain_and_nothing_else(void **state)
{
    (void)state;
    struct err err = {0};
    struct newest newest = {0};
    AUTO(outcome) struct outcome outcome = {0};
    uint8_t head[SHA256_LEN];
    int64_t id = 0, rows = 0;
    char line[4096];
    issue("v-4", &outcome);
    fixture_ok(store_audit_head(fixture.store, &id, head, &err), &err);
    fixture_ok(audit_checkpoint(fixture.store, fixture.snapshot->authority, &err), &err);
    audit_newest(&newest);
    assert_string_equal(newest.action, "audit.checkpoint");
    assert_int_equal(verify(newest.detail, &rows), STATUS_OK);
    assert_int_equal(rows, id);
    (void)snprintf(line, sizeof line, "2026-01-31T12:00:00Z info audit.checkpoint %s\n", newest.detail);
    assert_int_equal(verify(line, &rows), STATUS_OK);
    for (char *digit = strstr(newest.detail, "hash=") + 5; digit < strstr(newest.detail, " time="); digit++) {
        char kept = *digit;
        *digit = kept == '0' ? '1' : '0';
        assert_int_equal(verify(newest.detail, &rows), STATUS_INTEGRITY);
        *digit = kept;
    }
    assert_int_equal(verify("rows=1", &rows), STATUS_MALFORMED);
    assert_int_equal(verify("", &rows), STATUS_MALFORMED);
    assert_int_equal(verify("rows=1 hash=00 time=x key=0 signature=AA==", &rows), STATUS_MALFORMED);
}

/* A store whose rows were written anew has another hash at the place that was signed. */
static void checkpoint__does_not_fit_another_chain(void **state)
{
    (void)state;
    struct err err = {0};
    struct newest newest = {0};
    struct change change = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(store) struct store *other = NULL;
    char path[128];
    int64_t rows = 0;
    issue("v-5", &outcome);
    fixture_ok(audit_checkpoint(fixture.store, fixture.snapshot->authority, &err), &err);
    audit_newest(&newest);
    (void)snprintf(path, sizeof path, "%s/other.db", fixture.dir);
    fixture_ok(store_open_sqlite(path, true, &other, &err), &err);
    assert_int_equal(audit_checkpoint_verify(other, fixture.snapshot->authority, newest.detail, &rows, &err),
                     STATUS_INTEGRITY);
    struct audit_row row = {.actor = fixture_text("x"), .action = fixture_text("y")};
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &row});
    int64_t signed_rows = strtoll(newest.detail + strlen("rows="), NULL, 10);
    for (int64_t i = 0; i < signed_rows; i++)
        fixture_ok(store_commit(other, &change, &err), &err);
    assert_int_equal(audit_checkpoint_verify(other, fixture.snapshot->authority, newest.detail, &rows, &err),
                     STATUS_INTEGRITY);
    audit_row_free(&row);
}

/* ---- snapshots ---- */

static void snapshot__finds_profiles_and_what_they_issue(void **state)
{
    (void)state;
    const struct profile *split = snapshot_profile(fixture.snapshot, "split");
    assert_non_null(split);
    assert_null(snapshot_profile(fixture.snapshot, "Split"));
    assert_true(profile_allows(split, "Window"));
    assert_true(profile_allows(split, "Held"));
    assert_false(profile_allows(split, "User"));
    assert_ptr_equal(snapshot_ref(fixture.snapshot), fixture.snapshot);
    snapshot_unref(fixture.snapshot);
    assert_non_null(snapshot_profile(fixture.snapshot, "split"));
    snapshot_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revoke__is_final),
        cmocka_unit_test(hold__can_be_released_or_become_a_revocation),
        cmocka_unit_test(revoke__refuses_what_is_no_reason_and_what_is_not_there),
        cmocka_unit_test(audit__names_the_certificate_and_what_was_done),
        cmocka_unit_test(checkpoint__fits_the_chain_and_nothing_else),
        cmocka_unit_test(checkpoint__does_not_fit_another_chain),
        cmocka_unit_test(snapshot__finds_profiles_and_what_they_issue),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

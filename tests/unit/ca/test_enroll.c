/* SPDX-License-Identifier: Apache-2.0
 *
 * The pipeline: keys, signers, templates, renewals, the command line, the clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "ca_fixture.h"

/* ---- issuing ---- */

static void enroll__issues_what_openssl_verifies_and_the_store_lists(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(request_row) struct request_row request = {0};
    client_initial(&client, fixture_rsa(0), "e-1", FIXTURE_PHRASE, "lab", "e-1");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);

    const struct generation *generation = authority_current(fixture.snapshot->authority);
    const unsigned char *ca_der = generation->certificate->der.data, *der = outcome.certificate.data;
    X509 *ca = d2i_X509(NULL, &ca_der, (long)generation->certificate->der.len);
    X509 *issued = d2i_X509(NULL, &der, (long)outcome.certificate.len);
    assert_non_null(ca);
    assert_non_null(issued);
    assert_int_equal(X509_verify(issued, X509_get0_pubkey(ca)), 1);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(issued), fixture_rsa(0)), 1);
    X509_free(ca);
    X509_free(issued);

    fixture_ok(store_certificate(fixture.store, &outcome.serial, &row, &err), &err);
    assert_int_equal(row.request_id, outcome.request_id);
    assert_true(span_equal(buf_span(&row.der), buf_span(&outcome.certificate)));
    assert_string_equal(row.subject, "CN=e-1");
    assert_string_equal(row.template_name, "LabDevice");
    assert_string_equal(row.profile, "lab");
    fixture_ok(store_request(fixture.store, outcome.request_id, &request, &err), &err);
    assert_int_equal(request.disposition, DISPOSITION_ISSUED);
    assert_string_equal(request.requester, "static challenge of profile lab");
    assert_string_equal(request.remote, "192.0.2.7");
    assert_string_equal(request.transaction_id, "e-1");
    assert_int_equal(request.serial.len, outcome.serial.len);
}

static void a_denial__with_a_valid_challenge_is_kept_with_its_reason(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {.csr = BUF(CSR_MAX_LEN), .certificate = self_signed(fixture_rsa(0))};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(request_row) struct request_row row = {0};
    csr_make(fixture_rsa(0), "e-2", FIXTURE_PHRASE, "DNS:www.evil.example", NULL, &client.csr);
    client_request(&client, "lab", "e-2");
    client_enroll(&client, DISPOSITION_DENIED, &outcome);
    assert_true(outcome.request_id > 0);
    fixture_ok(store_request(fixture.store, outcome.request_id, &row, &err), &err);
    assert_int_equal(row.disposition, DISPOSITION_DENIED);
    assert_string_equal(row.reason, outcome.reason);
    assert_non_null(strstr(row.reason, "www.evil.example"));
    assert_string_equal(row.subject, "CN=e-2");
}

/* ---- signers and keys ---- */

/* "What must hold for a first request: self-signed, and its key is the CSR's key" (facts: SCEP, Reading). */
static void signer__must_hold_the_key_of_the_request(void **state)
{
    (void)state;
    AUTO(client) struct client client = {.csr = BUF(CSR_MAX_LEN), .certificate = self_signed(fixture_rsa(1))};
    csr_make(fixture_rsa(0), "e-3", FIXTURE_PHRASE, NULL, NULL, &client.csr);
    client_request(&client, "lab", "e-3");
    client_denied(&client, "signed with another key");
}

static void signer__with_an_ec_key_needs_a_challenge_for_the_reply(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    AUTO(client) struct client client = {0};
    AUTO(client) struct client without = {0};
    AUTO(client) struct client renewal = {0};
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(&without, key, "e-4", NULL, "open", "e-4");
    client_denied(&without, "an EC key cannot decrypt the reply");
    client_initial(&client, key, "e-4", FIXTURE_PHRASE, "lab", "e-4");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    client_renewal(&renewal, key, "e-4", NULL, buf_span(&outcome.certificate), "lab", "e-4r");
    client_denied(&renewal, "also for a renewal");
    EVP_PKEY_free(key);
}

static void csr__with_a_broken_signature_is_denied(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(&client, fixture_rsa(0), "e-5", FIXTURE_PHRASE, "lab", "e-5");
    client.csr.data[client.csr.len - 1] ^= 1;
    client_enroll(&client, DISPOSITION_DENIED, &outcome);
    assert_int_equal(outcome.status, STATUS_INTEGRITY);
}

static void csr__that_is_none_is_denied(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(&client, fixture_rsa(0), "e-6", FIXTURE_PHRASE, "lab", "e-6");
    client.request.csr_der = SPAN(client.csr.data, client.csr.len - 1);
    client_enroll(&client, DISPOSITION_DENIED, &outcome);
    assert_int_equal(outcome.status, STATUS_MALFORMED);
    assert_int_equal(outcome.request_id, 0);
}

static void key__outside_the_templates_limits_is_denied(void **state)
{
    (void)state;
    EVP_PKEY *small = EVP_RSA_gen(1024), *curve = EVP_EC_gen("P-521");
    AUTO(client) struct client rsa = {0};
    AUTO(client) struct client ec = {0};
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(&rsa, small, "e-7", FIXTURE_PHRASE, "lab", "e-7");
    client_enroll(&rsa, DISPOSITION_DENIED, &outcome);
    assert_int_equal(outcome.status, STATUS_ALGORITHM);
    assert_non_null(strstr(outcome.reason, "template LabDevice: "));
    client_initial(&ec, curve, "e-7", FIXTURE_PHRASE, "lab", "e-7b");
    client_enroll(&ec, DISPOSITION_DENIED, &outcome);
    assert_int_equal(outcome.status, STATUS_ALGORITHM);
    EVP_PKEY_free(small);
    EVP_PKEY_free(curve);
}

static void key__of_a_certificate_revoked_for_compromise_is_denied(void **state)
{
    (void)state;
    struct err err = {0};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    AUTO(client) struct client client = {0};
    AUTO(client) struct client again = {0};
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(&client, key, "e-8", FIXTURE_PHRASE, "lab", "e-8");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    fixture_ok(revoke_certificate(fixture.store, &outcome.serial, REASON_KEY_COMPROMISE, "local:root", &err),
               &err);
    client_initial(&again, key, "e-8", FIXTURE_PHRASE, "lab", "e-8b");
    client_denied(&again, "keyCompromise");
    EVP_PKEY_free(key);
}

static void key__of_another_subject_is_denied_where_the_template_says_so(void **state)
{
    (void)state;
    AUTO(secret) char *first = fixture_challenge("ownkey", NULL, NULL);
    AUTO(secret) char *second = fixture_challenge("ownkey", NULL, NULL);
    AUTO(secret) char *third = fixture_challenge("ownkey", NULL, NULL);
    EVP_PKEY *key = EVP_EC_gen("P-384");
    AUTO(client) struct client client = {0};
    AUTO(client) struct client same = {0};
    AUTO(client) struct client other = {0};
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(&client, key, "e-9", first, "ownkey", "e-9");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    client_initial(&same, key, "e-9", second, "ownkey", "e-9b");
    client_enroll(&same, DISPOSITION_ISSUED, &outcome);
    client_initial(&other, key, "e-9x", third, "ownkey", "e-9c");
    client_denied(&other, "for another subject");
    EVP_PKEY_free(key);
}

/* A public key alone proves nothing, so the request of the RA's own key is made with another and patched:
 * the key is refused before its signature is looked at. */
static void key__of_the_ca_itself_is_denied(void **state)
{
    (void)state;
    struct span ours = pubkey_spki(key_public(authority_ra(fixture.snapshot->authority, RA_COMBINED)->key));
    AUTO(buf) struct buf spki = BUF(4096);
    AUTO(client) struct client client = {0};
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(fixture_rsa(0), &der);
    assert_int_equal(len, ours.len);
    buf_add(&spki, SPAN(der, (size_t)len));
    OPENSSL_free(der);
    client_initial(&client, fixture_rsa(0), "e-10", NULL, "lab", NULL);
    uint8_t *place = memmem(client.csr.data, client.csr.len, spki.data, spki.len);
    assert_non_null(place);
    memcpy(place, ours.data, ours.len);
    client.request.signer = NULL;
    client.request.profile = NULL;
    client.request.template_wanted = "LabDevice";
    client.request.requester = (struct requester){.kind = REQUESTER_LOCAL, .name = "local:root"};
    client_denied(&client, "one of this CA's own");
}

/* ---- the command line ---- */

static void local(struct client *client, const char *template_name, const char *cn)
{
    client_initial(client, fixture_rsa(0), cn, NULL, "lab", NULL);
    client->request.protocol = "cli";
    client->request.profile = NULL;
    client->request.signer = NULL;
    client->request.remote = NULL;
    client->request.template_wanted = template_name;
    client->request.requester = (struct requester){.kind = REQUESTER_LOCAL, .name = "local:root"};
}

static void local__needs_no_challenge_but_a_template(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    local(&client, "Officer", "e-11");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_string_equal(outcome.requester, "local:root");
    client.request.template_wanted = NULL;
    client_denied(&client, "names no template");
    client.request.template_wanted = "Nonesuch";
    client_denied(&client, "there is no template Nonesuch");
    client.request.template_wanted = "RA";
    client_denied(&client, "for the server itself");
    client.request.template_wanted = "Officer";
    client.request.requester = (struct requester){.kind = REQUESTER_ACCOUNT, .name = "ann"};
    client_denied(&client, "for officers only");
}

static void local__gives_lookup_values(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(values) struct values values = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    fixture_ok(values_set(&values, "EnrollmentUser", "asmith", &err), &err);
    fixture_ok(values_set(&values, "UserPrincipalName", "asmith@CORP.EXAMPLE", &err), &err);
    local(&client, "User", "ignored");
    client.request.requester.values = &values;
    client_denied(&client, "EmailAddress");
    fixture_ok(values_set(&values, "EmailAddress", "asmith@corp.example", &err), &err);
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_string_equal(outcome.subject, "CN=WorkspaceONEUEM.asmith");
}

static void local__vouches_for_what_no_source_knows(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    local(&client, "Device", "e-12");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_string_equal(outcome.subject, "CN=e-12");
}

/* ---- renewal ---- */

/* A first certificate of template Window (90 days, renewable in the last 30). */
static void first_certificate(const char *cn, struct outcome *outcome)
{
    AUTO(secret) char *phrase = fixture_challenge("window", NULL, NULL);
    AUTO(client) struct client client = {0};
    client_initial(&client, fixture_rsa(0), cn, phrase, "window", cn);
    client_enroll(&client, DISPOSITION_ISSUED, outcome);
}

static void renewal__waits_for_its_window(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(outcome) struct outcome old = {0};
    AUTO(outcome) struct outcome renewed = {0};
    AUTO(client) struct client early = {0};
    AUTO(client) struct client fresh_key = {0};
    AUTO(certificate_row) struct certificate_row row = {0};
    char allowed[32];
    first_certificate("n-1", &old);
    fixture_ok(store_certificate(fixture.store, &old.serial, &row, &err), &err);
    time_text(row.not_after_s - 30 * (int64_t)DAY_S, allowed);
    client_renewal(&early, fixture_rsa(0), "n-1", NULL, buf_span(&old.certificate), "window", "n-1r");
    client_denied(&early, allowed);
    fixture_wait(61 * (int64_t)DAY_S);
    client_enroll(&early, DISPOSITION_ISSUED, &renewed); /* the same key: a new certificate */
    assert_false(renewed.retry);
    assert_false(span_equal(buf_span(&old.certificate), buf_span(&renewed.certificate)));
    assert_non_null(strstr(renewed.requester, "renewal of "));
    client_renewal(&fresh_key, fixture_rsa(1), NULL, NULL, buf_span(&old.certificate), "window", "n-1k");
    client_enroll(&fresh_key, DISPOSITION_ISSUED, &renewed); /* the CSR may leave the subject out */
    assert_string_equal(renewed.subject, "CN=n-1");
    certificate_row_free(&row);
    fixture_ok(store_certificate(fixture.store, &renewed.serial, &row, &err), &err);
    assert_true(span_equal(serial_span(&row.renews), serial_span(&old.serial)));
}

static void renewal__may_not_change_the_subject_or_the_template(void **state)
{
    (void)state;
    AUTO(outcome) struct outcome old = {0};
    AUTO(client) struct client subject = {0};
    AUTO(client) struct client profile = {0};
    first_certificate("n-2", &old);
    fixture_wait(61 * (int64_t)DAY_S);
    client_renewal(&subject, fixture_rsa(0), "n-2x", NULL, buf_span(&old.certificate), "window", "n-2r");
    client_denied(&subject, "n-2");
    client_renewal(&profile, fixture_rsa(0), "n-2", NULL, buf_span(&old.certificate), "device", "n-2r");
    client_denied(&profile, "does not issue from the old certificate's template Window");
}

static void renewal__is_refused_to_the_revoked_held_and_expired(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(outcome) struct outcome old = {0};
    AUTO(outcome) struct outcome renewed = {0};
    AUTO(client) struct client client = {0};
    first_certificate("n-3", &old);
    fixture_wait(61 * (int64_t)DAY_S);
    client_renewal(&client, fixture_rsa(0), "n-3", NULL, buf_span(&old.certificate), "window", "n-3r");
    fixture_ok(revoke_certificate(fixture.store, &old.serial, REASON_CERTIFICATE_HOLD, "local:root", &err),
               &err);
    client_denied(&client, "is on hold");
    fixture_ok(unhold_certificate(fixture.store, &old.serial, "local:root", &err), &err);
    fixture_wait(30 * (int64_t)DAY_S);
    client_denied(&client, "expired at");
    fixture_find("window")->renewal_grace_s = 7 * DAY_S;
    client_enroll(&client, DISPOSITION_ISSUED, &renewed);
    fixture_find("window")->renewal_grace_s = 0;
    client_free(&client);
    client_renewal(&client, fixture_rsa(0), "n-3", NULL, buf_span(&renewed.certificate), "window", "n-3s");
    fixture_ok(revoke_certificate(fixture.store, &renewed.serial, REASON_SUPERSEDED, "local:root", &err),
               &err);
    client_denied(&client, "is revoked");
}

static void renewal__is_refused_to_a_certificate_that_the_store_does_not_hold(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    client_initial(&client, fixture_rsa(0), "n-4", NULL, "window", "n-4");
    client.signer.ours = true; /* a signature of ours on what was never committed */
    client_denied(&client, "not among those that this CA has issued");
}

/* "unless it carries a valid challenge: then it is an initial request" (rules.md). */
static void renewal__with_a_valid_challenge_is_an_initial_request(void **state)
{
    (void)state;
    AUTO(secret) char *phrase = fixture_challenge("device", "DeviceUid=n-5", NULL);
    AUTO(outcome) struct outcome old = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(client) struct client client = {0};
    AUTO(client) struct client used = {0};
    first_certificate("n-5", &old);
    client_renewal(&client, fixture_rsa(0), "n-5", phrase, buf_span(&old.certificate), "device", "n-5");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_string_equal(outcome.template_name, "Device");
    client_renewal(&used, fixture_rsa(1), "n-5", phrase, buf_span(&old.certificate), "window", "n-5r");
    client_denied(&used, "too early"); /* a challenge that is no longer valid: a renewal */
}

/* ---- a suspended authority ---- */

static void suspend(const char *why)
{
    struct err err = {0};
    struct change change = {0};
    change_add(&change,
               (struct change_op){.kind = CHANGE_SETTING_PUT, .setting = {SETTING_SUSPENDED, span_str(why)}});
    fixture_ok(store_commit(fixture.store, &change, &err), &err);
}

/* "restore … starts with issuing off until `ca resume`" (rules.md) */
static void a_suspended_authority__issues_nothing_until_it_is_resumed(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    const struct enroll_context context = {.store = fixture.store, .snapshot = fixture.snapshot};
    client_initial(&client, fixture_rsa(0), "s-1", FIXTURE_PHRASE, "lab", "s-1");
    suspend("restored from an old backup");
    assert_int_equal(enroll(&context, &client.request, &outcome, &err), STATUS_BUSY);
    assert_non_null(strstr(err.text, "restored from an old backup"));
    assert_non_null(strstr(err.text, "ca resume"));
    suspend("");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
}

/* ---- the clock ---- */

/* "If the clock is more than 5 min behind the last commit: no issuing" (rules.md). Last, for it turns back.
 */
static void clock__behind_the_last_commit_stops_issuing(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    client_initial(&client, fixture_rsa(0), "c-1", FIXTURE_PHRASE, "lab", "c-1");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    fixture_wait(-240);
    client.request.transaction_id = "c-2";
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    fixture_wait(-120);
    client.request.transaction_id = "c-3";
    client_enroll(&client, DISPOSITION_FAILED, &outcome);
    assert_int_equal(outcome.status, STATUS_TIME);
    assert_int_equal(outcome.request_id, 0);
    assert_non_null(strstr(outcome.reason, "behind the last commit"));
    client.request.transaction_id = "c-2";
    client_enroll(&client, DISPOSITION_ISSUED, &outcome); /* a retry issues nothing */
    assert_true(outcome.retry);
}

/* What the CA cannot do is "failed", kept with its reason, and no fault of the request: but it counts as an
 * attempt (rules.md: "Denied or failed attempts consume nothing, but the tenth voids it"). After the end of
 * the CA's certificate. */
static void a_failure__of_the_ca_is_kept_and_consumes_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(request_row) struct request_row row = {0};
    AUTO(challenge_row) struct challenge_row challenge = {0};
    fixture_wait(21 * 365 * (int64_t)DAY_S);
    AUTO(secret) char *phrase = fixture_challenge("window", NULL, NULL);
    client_initial(&client, fixture_rsa(0), "c-4", phrase, "window", "c-4");
    client_enroll(&client, DISPOSITION_FAILED, &outcome);
    assert_int_equal(outcome.status, STATUS_TIME);
    fixture_ok(store_request(fixture.store, outcome.request_id, &row, &err), &err);
    assert_int_equal(row.disposition, DISPOSITION_FAILED);
    assert_string_equal(row.reason, outcome.reason);
    challenge_load(phrase, &challenge);
    assert_int_equal(challenge.used, 0);
    assert_int_equal(challenge.failures, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enroll__issues_what_openssl_verifies_and_the_store_lists),
        cmocka_unit_test(a_denial__with_a_valid_challenge_is_kept_with_its_reason),
        cmocka_unit_test(signer__must_hold_the_key_of_the_request),
        cmocka_unit_test(signer__with_an_ec_key_needs_a_challenge_for_the_reply),
        cmocka_unit_test(csr__with_a_broken_signature_is_denied),
        cmocka_unit_test(csr__that_is_none_is_denied),
        cmocka_unit_test(key__outside_the_templates_limits_is_denied),
        cmocka_unit_test(key__of_a_certificate_revoked_for_compromise_is_denied),
        cmocka_unit_test(key__of_another_subject_is_denied_where_the_template_says_so),
        cmocka_unit_test(key__of_the_ca_itself_is_denied),
        cmocka_unit_test(local__needs_no_challenge_but_a_template),
        cmocka_unit_test(local__gives_lookup_values),
        cmocka_unit_test(local__vouches_for_what_no_source_knows),
        cmocka_unit_test(renewal__waits_for_its_window),
        cmocka_unit_test(renewal__may_not_change_the_subject_or_the_template),
        cmocka_unit_test(renewal__is_refused_to_the_revoked_held_and_expired),
        cmocka_unit_test(renewal__is_refused_to_a_certificate_that_the_store_does_not_hold),
        cmocka_unit_test(renewal__with_a_valid_challenge_is_an_initial_request),
        cmocka_unit_test(a_suspended_authority__issues_nothing_until_it_is_resumed),
        cmocka_unit_test(clock__behind_the_last_commit_stops_issuing),
        cmocka_unit_test(a_failure__of_the_ca_is_kept_and_consumes_nothing),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}

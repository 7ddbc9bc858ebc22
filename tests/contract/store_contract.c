/* SPDX-License-Identifier: Apache-2.0
 *
 * What every store does, operation by operation: its success and every conflict.
 */
#include "store_contract.h"

#include <stdio.h>

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static const struct store_maker *maker_in_use;

struct store *contract_store(void)
{
    return maker_in_use->fresh();
}

struct store *contract_again(void)
{
    return maker_in_use->again();
}

/* ---- requests ---- */

static void request_add__keeps_every_field(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct value values[] = {{TEXT("EnrollmentUser"), TEXT("jd\xc3\xb6"
                                                           "e")},
                             {TEXT("DeviceUid"), TEXT("\"17\"")}};
    struct general_name names[] = {{SAN_UPN, TEXT("alice@LAB.TEST")}, {SAN_OTHER, TEXT("directoryName")}};
    uint8_t octets[] = {0x30, 0, 1};
    struct request_row row = some_request(DISPOSITION_PENDING, 9);
    row.reason = TEXT("held");
    row.template_name = TEXT("User");
    row.requester = TEXT("challenge 1");
    row.remote = TEXT("192.0.2.1");
    row.subject = TEXT("CN=x");
    row.values = (struct values){values, 2};
    row.san = (struct general_names){names, 2};
    row.csr = (struct buf){.data = octets, .len = 3};
    row.sealed = (struct buf){.data = octets, .len = 2};
    row.challenge_id = 5;
    row.challenge_sha256[31] = 7;
    row.renews = some_serial(3);
    struct change change;
    OK(add_request(store, &row, &change, &err));
    assert_true(change.request_id > 0);

    AUTO(request_row) struct request_row got = {0};
    OK(store_request(store, change.request_id, &got, &err));
    assert_int_equal(got.id, change.request_id);
    assert_int_equal(got.disposition, DISPOSITION_PENDING);
    assert_int_equal(got.created_s, NOW);
    assert_int_equal(got.lapses_s, NOW + 1000);
    assert_string_equal(got.reason, "held");
    assert_string_equal(got.protocol, "scep");
    assert_string_equal(got.template_name, "User");
    assert_string_equal(got.transaction_id, "T1");
    assert_string_equal(got.requester, "challenge 1");
    assert_null(got.decided_by);
    assert_string_equal(got.remote, "192.0.2.1");
    assert_string_equal(values_get(&got.values, "EnrollmentUser"), "jd\xc3\xb6"
                                                                   "e");
    assert_string_equal(got.values.items[1].text, "\"17\"");
    assert_int_equal(got.san.count, 2);
    assert_int_equal(got.san.items[0].type, SAN_UPN);
    assert_string_equal(got.san.items[0].text, "alice@LAB.TEST");
    assert_int_equal(got.san.items[1].type, SAN_OTHER);
    assert_memory_equal(got.csr.data, octets, 3);
    assert_int_equal(got.sealed.len, 2);
    assert_int_equal(got.challenge_id, 5);
    assert_memory_equal(got.challenge_sha256, row.challenge_sha256, SHA256_LEN);
    assert_memory_equal(got.key_fingerprint, row.key_fingerprint, SHA256_LEN);
    assert_memory_equal(got.retry_key, row.retry_key, SHA256_LEN);
    assert_int_equal(got.renews.octets[2], 3);
    assert_int_equal(got.serial.len, 0);
    FAILS(STATUS_NOT_FOUND, store_request(store, change.request_id + 1, &got, &err));
}

/* An issued request with its certificate, in one change, as the pipeline commits it. */
static int64_t issue(struct store *store, uint8_t key)
{
    struct request_row request = some_request(DISPOSITION_ISSUED, key);
    struct certificate_row certificate = some_certificate(key);
    struct audit_row audit = {
        .actor = TEXT("system"), .action = TEXT("request.issued"), .object = TEXT("request 0")};
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_REQUEST_ADD,
                                           .request = {.row = &request, .retry_since_s = NOW - 86400}});
    change_add(&change,
               (struct change_op){.kind = CHANGE_CERTIFICATE_ADD, .certificate = {&certificate, true}});
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    OK(store_commit(store, &change, &err));
    return change.request_id;
}

/* rules.md: "Within retry_window of an issued, unexpired, unrevoked certificate it gets that certificate
 * again, a pending one gets PENDING … Denied and failed are never replayed but evaluated afresh" */
static void retry__counts_pending_ones_and_good_certificates(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct change change;
    AUTO(request_row) struct request_row got = {0};
    struct request_row issued = some_request(DISPOSITION_ISSUED, 1);
    int64_t id = issue(store, 1);
    FAILS(STATUS_CONFLICT, add_request(store, &issued, &change, &err));
    assert_true(change.is_retry);
    assert_int_equal(change.request_id, id);
    OK(store_request_retry(store, issued.retry_key, NOW, NOW, &got, &err));
    assert_int_equal(got.id, id);
    assert_int_equal(got.serial.octets[2], 1);
    /* outside the window, expired */
    FAILS(STATUS_NOT_FOUND, store_request_retry(store, issued.retry_key, NOW + 1, NOW, &got, &err));
    FAILS(STATUS_NOT_FOUND, store_request_retry(store, issued.retry_key, NOW, NOW + 1001, &got, &err));
    /* revoked */
    OK(revoke_one(store, 1, REASON_SUPERSEDED, &err));
    FAILS(STATUS_NOT_FOUND, store_request_retry(store, issued.retry_key, NOW, NOW, &got, &err));
    struct request_row pending = some_request(DISPOSITION_PENDING, 1);
    OK(add_request(store, &pending, &change, &err));
    assert_false(change.is_retry);
    id = change.request_id;
    FAILS(STATUS_CONFLICT, add_request(store, &pending, &change, &err));
    assert_int_equal(change.request_id, id);
    request_row_free(&got);
    OK(store_request_retry(store, issued.retry_key, NOW, NOW, &got, &err));
    assert_int_equal(got.id, id);
}

static void retry__ignores_denied_failed_and_keyless_ones(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct change change;
    struct request_row denied = some_request(DISPOSITION_DENIED, 2);
    struct request_row failed = some_request(DISPOSITION_FAILED, 2);
    struct request_row pending = some_request(DISPOSITION_PENDING, 2);
    OK(add_request(store, &denied, &change, &err));
    OK(add_request(store, &failed, &change, &err));
    OK(add_request(store, &pending, &change, &err));
    OK(add_request(store, &denied, &change, &err)); /* a refusal beside a pending one is kept */
    struct request_row keyless = some_request(DISPOSITION_PENDING, 3);
    memset(keyless.retry_key, 0, SHA256_LEN);
    OK(add_request(store, &keyless, &change, &err));
    OK(add_request(store, &keyless, &change, &err));
    AUTO(request_row) struct request_row got = {0};
    FAILS(STATUS_NOT_FOUND, store_request_retry(store, keyless.retry_key, NOW, NOW, &got, &err));
    struct store_counts counts;
    OK(store_counts(store, NOW, &counts, &err));
    assert_int_equal(counts.requests_denied, 2);
    assert_int_equal(counts.requests_failed, 1);
    assert_int_equal(counts.requests_pending, 3);
    assert_int_equal(counts.requests_issued, 0);
}

static void transaction__is_found_by_its_key(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct change change;
    struct request_row first = some_request(DISPOSITION_DENIED, 1);
    struct request_row second = some_request(DISPOSITION_PENDING, 1);
    OK(add_request(store, &first, &change, &err));
    OK(add_request(store, &second, &change, &err));
    AUTO(request_row) struct request_row got = {0};
    uint8_t other[SHA256_LEN] = {99};
    bool exists = false;
    OK(store_request_transaction(store, "default", "T1", second.key_fingerprint, &got, &err));
    assert_int_equal(got.id, change.request_id);
    request_row_free(&got);
    struct request_row third = some_request(DISPOSITION_DENIED, 1);
    struct change denied;
    OK(add_request(store, &third, &denied, &err));
    OK(store_request_transaction(store, "default", "T1", second.key_fingerprint, &got, &err));
    assert_int_equal(got.id, change.request_id); /* what was refused at once hides nothing */
    FAILS(STATUS_NOT_FOUND, store_request_transaction(store, "default", "T1", other, &got, &err));
    FAILS(STATUS_NOT_FOUND, store_request_transaction(store, "x", "T1", second.key_fingerprint, &got, &err));
    OK(store_request_other_key(store, "default", "T1", other, &exists, &err));
    assert_true(exists);
    OK(store_request_other_key(store, "default", "T1", second.key_fingerprint, &exists, &err));
    assert_false(exists);
}

/* rules.md: "Refused strangers: log and counters, and at most 10,000 rows" */
static void strangers__are_kept_up_to_a_number_and_the_oldest_go(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct change known_change, change;
    struct request_row known = some_request(DISPOSITION_DENIED, 1);
    struct request_row stranger = some_request(DISPOSITION_DENIED, 2);
    int64_t ids[3] = {0};
    OK(add_request(store, &known, &known_change, &err));
    for (size_t i = 0; i < 3; i++) {
        change = (struct change){0};
        change_add(&change, (struct change_op){.kind = CHANGE_REQUEST_ADD,
                                               .request = {.row = &stranger, .strangers_max = 2}});
        OK(store_commit(store, &change, &err));
        ids[i] = change.request_id;
    }
    AUTO(request_row) struct request_row got = {0};
    FAILS(STATUS_NOT_FOUND, store_request(store, ids[0], &got, &err));
    OK(store_request(store, ids[2], &got, &err));
    request_row_free(&got);
    OK(store_request(store, known_change.request_id, &got, &err));
    struct store_counts counts;
    OK(store_counts(store, NOW, &counts, &err));
    assert_int_equal(counts.requests_denied, 3);
}

static enum status decide(struct store *store, const struct request_row *row, struct err *err)
{
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_REQUEST_DECIDE,
                                           .request = {.row = row, .retry_since_s = 0}});
    return store_commit(store, &change, err);
}

static void decide__happens_once(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct change change;
    uint8_t secret[] = "secret";
    struct request_row row = some_request(DISPOSITION_PENDING, 1);
    row.subject = TEXT("CN=csr");
    row.sealed = (struct buf){.data = secret, .len = sizeof secret};
    OK(add_request(store, &row, &change, &err));
    struct request_row decided = {.id = change.request_id,
                                  .disposition = DISPOSITION_DENIED,
                                  .decided_s = NOW + 5,
                                  .reason = TEXT("no"),
                                  .decided_by = TEXT("local:root")};
    OK(decide(store, &decided, &err));
    FAILS(STATUS_CONFLICT, decide(store, &decided, &err));
    AUTO(request_row) struct request_row got = {0};
    OK(store_request(store, decided.id, &got, &err));
    assert_int_equal(got.disposition, DISPOSITION_DENIED);
    assert_string_equal(got.reason, "no");
    assert_string_equal(got.subject, "CN=csr");
    assert_int_equal(got.lapses_s, 0);
    assert_int_equal(got.sealed.len, sizeof secret);
    struct change delivered = {0};
    change_add(&delivered, (struct change_op){.kind = CHANGE_REQUEST_DELIVERED, .id = decided.id});
    OK(store_commit(store, &delivered, &err));
    request_row_free(&got);
    OK(store_request(store, decided.id, &got, &err));
    assert_int_equal(got.sealed.len, 0);
    decided.id += 1;
    FAILS(STATUS_NOT_FOUND, decide(store, &decided, &err));
    delivered.ops[0].id = decided.id;
    FAILS(STATUS_NOT_FOUND, store_commit(store, &delivered, &err));
}

struct seen {
    int64_t ids[16];
    size_t count, stop_at;
};

static enum status see(struct seen *seen, int64_t id, struct err *err)
{
    assert_true(seen->count < 16);
    seen->ids[seen->count++] = id;
    return seen->count == seen->stop_at ? ERR(err, STATUS_DENIED, "enough") : STATUS_OK;
}

static enum status see_request(const struct request_row *row, void *context, struct err *err)
{
    return see(context, row->id, err);
}

static struct seen requests(struct store *store, struct request_filter filter)
{
    struct seen seen = {0};
    OK(store_requests(store, &filter, see_request, &seen, &err));
    for (size_t i = 1; i < seen.count; i++)
        assert_true(seen.ids[i - 1] < seen.ids[i]);
    return seen;
}

static void requests__are_filtered_paged_and_stopped(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct change change;
    for (uint8_t key = 1; key <= 8; key++) {
        struct request_row row = some_request((enum disposition)(key % 4), key);
        row.lapses_s = row.disposition == DISPOSITION_PENDING ? NOW + key : 0;
        row.profile = key > 4 ? TEXT("device") : row.profile;
        OK(add_request(store, &row, &change, &err));
    }
    assert_int_equal(requests(store, (struct request_filter){0}).count, 8);
    for (int disposition = 0; disposition < 4; disposition++)
        assert_int_equal(
            requests(store, (struct request_filter){.by_disposition = true,
                                                    .disposition = (enum disposition)disposition})
                .count,
            2);
    assert_int_equal(requests(store, (struct request_filter){.profile = "device"}).count, 4);
    assert_int_equal(requests(store, (struct request_filter){.limit = 3}).count, 3);
    struct seen page =
        requests(store, (struct request_filter){.limit = 3, .after_id = change.request_id - 2});
    assert_int_equal(page.count, 2);
    assert_int_equal(page.ids[1], change.request_id);
    assert_int_equal(requests(store, (struct request_filter){.pending_lapsed_s = NOW}).count, 0);
    assert_int_equal(requests(store, (struct request_filter){.pending_lapsed_s = NOW + 1}).count, 1);
    assert_int_equal(requests(store, (struct request_filter){.pending_lapsed_s = NOW + 5}).count, 2);
    struct seen stopped = {.stop_at = 2};
    struct request_filter all = {0};
    FAILS(STATUS_DENIED, store_requests(store, &all, see_request, &stopped, &err));
    assert_int_equal(stopped.count, 2);
}

/* ---- certificates ---- */

static void certificate_add__keeps_every_field_and_refuses_a_second_serial(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    uint8_t octets[] = {0x30, 1, 0};
    struct value value = {TEXT("DeviceUid"), TEXT("17")};
    struct general_name name = {SAN_DNS, TEXT("x.lab.example")};
    struct certificate_row row = some_certificate(4);
    row.der = (struct buf){.data = octets, .len = 3};
    row.subject_der = (struct buf){.data = octets, .len = 2};
    row.values = (struct values){&value, 1};
    row.san = (struct general_names){&name, 1};
    row.requester = TEXT("account jdoe");
    row.renews = some_serial(3);
    row.issuer_key = 2;
    OK(add_certificate(store, &row, &err));
    FAILS(STATUS_CONFLICT, add_certificate(store, &row, &err));
    AUTO(certificate_row) struct certificate_row got = {0};
    OK(store_certificate(store, &row.serial, &got, &err));
    assert_int_equal(got.request_id, 0);
    assert_memory_equal(&got.serial, &row.serial, sizeof row.serial);
    assert_int_equal(got.issuer_key, 2);
    assert_string_equal(got.template_name, "User");
    assert_int_equal(got.template_version, 1);
    assert_null(got.profile);
    assert_string_equal(got.subject, row.subject);
    assert_memory_equal(got.subject_der.data, octets, 2);
    assert_memory_equal(got.der.data, octets, 3);
    assert_string_equal(values_get(&got.values, "DeviceUid"), "17");
    assert_string_equal(got.san.items[0].text, "x.lab.example");
    assert_int_equal(got.not_before_s, row.not_before_s);
    assert_int_equal(got.not_after_s, row.not_after_s);
    assert_string_equal(got.requester, "account jdoe");
    assert_int_equal(got.renews.octets[2], 3);
    assert_int_equal(got.reason, REASON_NONE);
    assert_int_equal(certificate_row_status(&got, NOW), CERTIFICATE_VALID);
    assert_int_equal(certificate_row_status(&got, NOW + 1001), CERTIFICATE_EXPIRED);
    struct serial none = some_serial(5);
    FAILS(STATUS_NOT_FOUND, store_certificate(store, &none, &got, &err));
}

static void certificate_add__takes_the_request_of_its_change(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    int64_t id = issue(store, 1);
    AUTO(certificate_row) struct certificate_row got = {0};
    struct serial serial = some_serial(1);
    OK(store_certificate(store, &serial, &got, &err));
    assert_int_equal(got.request_id, id);
}

static void commit__leaves_nothing_of_a_change_that_fails(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    OK(add_certificate(store, &(struct certificate_row){.serial = some_serial(1)}, &err));
    struct request_row request = some_request(DISPOSITION_ISSUED, 1);
    struct certificate_row certificate = some_certificate(1);
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_REQUEST_ADD,
                                           .request = {.row = &request, .retry_since_s = 0}});
    change_add(&change,
               (struct change_op){.kind = CHANGE_CERTIFICATE_ADD, .certificate = {&certificate, true}});
    FAILS(STATUS_CONFLICT, store_commit(store, &change, &err));
    assert_false(change.is_retry);
    assert_int_equal(change.request_id, 0);
    assert_int_equal(requests(store, (struct request_filter){0}).count, 0);
    struct store_counts counts;
    OK(store_counts(store, NOW, &counts, &err));
    assert_int_equal(counts.requests_issued, 0);
}

static enum status see_certificate(const struct certificate_row *row, void *context, struct err *err)
{
    return see(context, row->serial.octets[2], err);
}

static size_t certificates(struct store *store, struct certificate_filter filter)
{
    struct seen seen = {0};
    OK(store_certificates(store, &filter, see_certificate, &seen, &err));
    return seen.count;
}

static size_t of_status(struct store *store, enum certificate_status status, int64_t now_s)
{
    return certificates(store,
                        (struct certificate_filter){.by_status = true, .status = status, .now_s = now_s});
}

static void certificates__are_filtered(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct value value = {TEXT("EnrollmentUser"), TEXT("jdoe")};
    for (uint8_t key = 1; key <= 6; key++) {
        struct certificate_row row = some_certificate(key);
        row.not_after_s = NOW + 10 * key;
        row.subject = key == 1 ? TEXT("CN=100%_Sure") : row.subject;
        row.template_name = key < 3 ? TEXT("Device") : row.template_name;
        row.values = (struct values){&value, key < 4 ? 1 : 0};
        OK(add_certificate(store, &row, &err));
    }
    OK(revoke_one(store, 6, REASON_KEY_COMPROMISE, &err));
    OK(revoke_one(store, 5, REASON_CERTIFICATE_HOLD, &err));
    assert_int_equal(certificates(store, (struct certificate_filter){0}), 6);
    assert_int_equal(of_status(store, CERTIFICATE_VALID, NOW + 20), 3);
    assert_int_equal(of_status(store, CERTIFICATE_EXPIRED, NOW + 21), 2);
    assert_int_equal(of_status(store, CERTIFICATE_REVOKED, NOW), 1);
    assert_int_equal(of_status(store, CERTIFICATE_HELD, NOW), 1);
    struct certificate_filter expiring = {.now_s = NOW + 15, .expires_before_s = NOW + 40};
    assert_int_equal(certificates(store, expiring), 2);
    assert_int_equal(certificates(store, (struct certificate_filter){.subject = "100%_s"}), 1);
    assert_int_equal(certificates(store, (struct certificate_filter){.subject = "o=EXAMPLE"}), 5);
    assert_int_equal(certificates(store, (struct certificate_filter){.subject = "%"}), 1);
    assert_int_equal(certificates(store, (struct certificate_filter){.subject_exact = "CN=100%_Sure"}), 1);
    assert_int_equal(certificates(store, (struct certificate_filter){.subject_exact = "CN=100"}), 0);
    assert_int_equal(certificates(store, (struct certificate_filter){.template_name = "Device"}), 2);
    struct certificate_filter by_value = {.value_name = "EnrollmentUser", .value_text = "jdoe"};
    assert_int_equal(certificates(store, by_value), 3);
    by_value.template_name = "User";
    assert_int_equal(certificates(store, by_value), 1);
    uint8_t key[SHA256_LEN] = {6};
    assert_int_equal(certificates(store, (struct certificate_filter){.key_fingerprint = key}), 1);
    assert_int_equal(certificates(store, (struct certificate_filter){.after_id = 4, .limit = 1}), 1);
    bool compromised = false;
    OK(store_key_compromised(store, key, &compromised, &err));
    assert_true(compromised);
    key[0] = 5;
    OK(store_key_compromised(store, key, &compromised, &err));
    assert_false(compromised);
}

static void check_counts(struct store *store, int64_t now_s, int64_t valid, int64_t expired, int64_t revoked,
                         int64_t held)
{
    struct store_counts counts;
    OK(store_counts(store, now_s, &counts, &err));
    assert_int_equal(counts.certificates_valid, valid);
    assert_int_equal(counts.certificates_expired, expired);
    assert_int_equal(counts.certificates_revoked, revoked);
    assert_int_equal(counts.certificates_held, held);
}

static void counts__hold_at_any_moment(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    for (uint8_t key = 1; key <= 6; key++) {
        struct certificate_row row = some_certificate(key);
        row.not_after_s = key < 4 ? 1000 * key : (int64_t)NOW * 10; /* three are past by any clock */
        OK(add_certificate(store, &row, &err));
    }
    OK(store_probe(store, &err));
    check_counts(store, NOW, 3, 3, 0, 0);
    check_counts(store, 2000, 5, 1, 0, 0); /* as of long ago */
    OK(revoke_one(store, 1, REASON_UNSPECIFIED, &err));
    OK(revoke_one(store, 2, REASON_CERTIFICATE_HOLD, &err));
    OK(revoke_one(store, 4, REASON_CERTIFICATE_HOLD, &err));
    check_counts(store, NOW, 2, 1, 1, 2);
    OK(revoke_one(store, 4, REASON_SUPERSEDED, &err));
    OK(unhold_one(store, 2, &err));
    check_counts(store, NOW, 2, 2, 2, 0);
    check_counts(store, (int64_t)NOW * 10 + 1, 0, 4, 2, 0);
    OK(store_integrity(store, &err));
}

/* ---- challenges ---- */

static void challenge__is_used_as_often_as_granted(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct value value = {TEXT("EnrollmentUser"), TEXT("jdoe")};
    struct challenge_row row = some_challenge(1, 2);
    row.values = (struct values){&value, 1};
    int64_t id = add_challenge(store, &row);
    struct change again = {0};
    change_add(&again, (struct change_op){.kind = CHANGE_CHALLENGE_ADD, .challenge = &row});
    FAILS(STATUS_CONFLICT, store_commit(store, &again, &err));
    OK(use_challenge(store, id, NOW, &err));
    FAILS(STATUS_CONFLICT, use_challenge(store, id, NOW + 1000, &err)); /* expired */
    OK(use_challenge(store, id, NOW + 999, &err));
    FAILS(STATUS_CONFLICT, use_challenge(store, id, NOW, &err)); /* used up */
    FAILS(STATUS_NOT_FOUND, use_challenge(store, id + 1, NOW, &err));
    AUTO(challenge_row) struct challenge_row got = {0};
    OK(store_challenge(store, row.sha256, &got, &err));
    assert_int_equal(got.id, id);
    assert_int_equal(got.used, 2);
    assert_int_equal(got.uses, 2);
    assert_null(got.template_name);
    assert_string_equal(values_get(&got.values, "EnrollmentUser"), "jdoe");
    uint8_t other[SHA256_LEN] = {2};
    FAILS(STATUS_NOT_FOUND, store_challenge(store, other, &got, &err));
}

/* rules.md: "given back when an officer denies within its ttl" */
static void challenge__is_given_back_within_its_life(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct challenge_row row = some_challenge(1, 1);
    int64_t id = add_challenge(store, &row);
    OK(use_challenge(store, id, NOW, &err));
    struct change back = {0};
    change_add(&back, (struct change_op){.kind = CHANGE_CHALLENGE_GIVE_BACK, .use = {id, NOW + 1000}});
    OK(store_commit(store, &back, &err));
    FAILS(STATUS_CONFLICT, use_challenge(store, id, NOW, &err)); /* it was too late */
    back.ops[0].use.now_s = NOW + 1;
    OK(store_commit(store, &back, &err));
    OK(store_commit(store, &back, &err)); /* nothing more to give back */
    OK(use_challenge(store, id, NOW, &err));
    FAILS(STATUS_CONFLICT, use_challenge(store, id, NOW, &err));
}

/* rules.md: "Denied or failed attempts consume nothing, but the tenth voids it." */
static void challenge__is_void_after_ten_failures(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct challenge_row row = some_challenge(1, 100);
    int64_t id = add_challenge(store, &row);
    struct change fail = {0};
    change_add(&fail, (struct change_op){.kind = CHANGE_CHALLENGE_FAIL, .id = id});
    for (int i = 0; i < CHALLENGE_FAILURES_MAX - 1; i++)
        OK(store_commit(store, &fail, &err));
    OK(use_challenge(store, id, NOW, &err));
    struct store_counts counts;
    OK(store_counts(store, NOW, &counts, &err));
    assert_int_equal(counts.challenges_open, 1);
    OK(store_commit(store, &fail, &err));
    FAILS(STATUS_CONFLICT, use_challenge(store, id, NOW, &err));
    OK(store_counts(store, NOW, &counts, &err));
    assert_int_equal(counts.challenges_open, 0);
    fail.ops[0].id = id + 1;
    FAILS(STATUS_NOT_FOUND, store_commit(store, &fail, &err));
}

/* ---- devices, settings, audit ---- */

static enum status put_device(struct store *store, const char *uid, const char *user, struct err *err)
{
    struct value value = {TEXT("EnrollmentUser"), TEXT(user)};
    struct device_row row = {.uid = TEXT(uid), .values = {&value, 1}, .updated_s = NOW};
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_DEVICE_PUT, .device = &row});
    return store_commit(store, &change, err);
}

static enum status see_device(const struct device_row *row, void *context, struct err *err)
{
    return see(context, row->uid[0], err);
}

static void device__is_found_by_uid_and_by_a_value_that_it_alone_has(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    OK(put_device(store, "b", "jdoe", &err));
    OK(put_device(store, "a", "asmith", &err));
    AUTO(device_row) struct device_row got = {0};
    OK(store_device_by_value(store, "EnrollmentUser", "jdoe", &got, &err));
    assert_string_equal(got.uid, "b");
    FAILS(STATUS_NOT_FOUND, store_device_by_value(store, "EnrollmentUser", "JDOE", &got, &err));
    OK(put_device(store, "a", "jdoe", &err)); /* replaces */
    FAILS(STATUS_CONFLICT, store_device_by_value(store, "EnrollmentUser", "jdoe", &got, &err));
    FAILS(STATUS_NOT_FOUND, store_device_by_value(store, "EnrollmentUser", "asmith", &got, &err));
    device_row_free(&got);
    OK(store_device(store, "a", &got, &err));
    assert_string_equal(values_get(&got.values, "EnrollmentUser"), "jdoe");
    FAILS(STATUS_NOT_FOUND, store_device(store, "c", &got, &err));
    struct seen seen = {0};
    OK(store_devices(store, see_device, &seen, &err));
    assert_int_equal(seen.count, 2);
}

static void setting__is_put_and_replaced(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    AUTO(buf) struct buf value = BUF(100);
    FAILS(STATUS_NOT_FOUND, store_setting(store, "a", &value, &err));
    OK(put_setting(store, "a", "1", &err));
    OK(put_setting(store, "a", "22", &err));
    OK(store_setting(store, "a", &value, &err));
    assert_true(span_equal(buf_span(&value), SPAN_STR("22")));
    OK(put_setting(store, "a", "", &err));
    OK(store_setting(store, "a", &value, &err));
    assert_int_equal(value.len, 0);
}

static enum status check_audit(const struct audit_row *row, void *context, struct err *err)
{
    assert_string_equal(row->action, "request.issued");
    char object[32];
    snprintf(object, sizeof object, "request %d", *(int *)context);
    assert_string_equal(row->object, object);
    assert_true(row->time_s > 0);
    assert_null(row->detail);
    (void)err;
    return STATUS_OK;
}

static void audit__names_the_request_and_is_chained(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    int64_t rows = -1, id = -1;
    uint8_t head[SHA256_LEN], hash[SHA256_LEN], zeros[SHA256_LEN] = {0};
    OK(store_audit_head(store, &id, hash, &err));
    assert_int_equal(id, 0);
    assert_memory_equal(hash, zeros, SHA256_LEN);
    OK(store_audit_verify(store, &rows, head, &err));
    assert_int_equal(rows, 0);
    int request = (int)issue(store, 1);
    struct audit_filter all = {0};
    OK(store_audit(store, &all, check_audit, &request, &err));
    OK(add_audit(store, "second", &err));
    OK(store_audit_head(store, &id, hash, &err));
    assert_int_equal(id, 2);
    OK(store_audit_verify(store, &rows, head, &err));
    assert_int_equal(rows, 2);
    assert_memory_equal(hash, head, SHA256_LEN);
}

static void probe__writes_the_time_of_the_last_commit(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    int64_t time_s = -1;
    OK(store_last_commit_s(store, &time_s, &err));
    assert_int_equal(time_s, 0);
    OK(store_probe(store, &err));
    OK(store_last_commit_s(store, &time_s, &err));
    assert_true(time_s > 0);
}

int store_contract_run(const struct store_maker *maker)
{
    maker_in_use = maker;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_add__keeps_every_field),
        cmocka_unit_test(retry__counts_pending_ones_and_good_certificates),
        cmocka_unit_test(retry__ignores_denied_failed_and_keyless_ones),
        cmocka_unit_test(transaction__is_found_by_its_key),
        cmocka_unit_test(strangers__are_kept_up_to_a_number_and_the_oldest_go),
        cmocka_unit_test(decide__happens_once),
        cmocka_unit_test(requests__are_filtered_paged_and_stopped),
        cmocka_unit_test(certificate_add__keeps_every_field_and_refuses_a_second_serial),
        cmocka_unit_test(certificate_add__takes_the_request_of_its_change),
        cmocka_unit_test(commit__leaves_nothing_of_a_change_that_fails),
        cmocka_unit_test(certificates__are_filtered),
        cmocka_unit_test(counts__hold_at_any_moment),
        cmocka_unit_test(revoke__has_one_final_reason),
        cmocka_unit_test(revoked_walk__is_in_order_of_serial_and_sees_one_state),
        cmocka_unit_test(revoked_walk__drops_expired_entries_after_a_scheduled_crl),
        cmocka_unit_test(crl__numbers_rise_and_late_ones_are_refused),
        cmocka_unit_test(challenge__is_used_as_often_as_granted),
        cmocka_unit_test(challenge__is_given_back_within_its_life),
        cmocka_unit_test(challenge__is_void_after_ten_failures),
        cmocka_unit_test(device__is_found_by_uid_and_by_a_value_that_it_alone_has),
        cmocka_unit_test(setting__is_put_and_replaced),
        cmocka_unit_test(audit__names_the_request_and_is_chained),
        cmocka_unit_test(probe__writes_the_time_of_the_last_commit),
        cmocka_unit_test(contract__one_of_eight_threads_uses_a_challenge),
        cmocka_unit_test(contract__one_of_eight_threads_adds_a_retry_key),
        cmocka_unit_test(contract__a_failing_change_does_not_undo_its_neighbours),
        cmocka_unit_test(contract__two_handles_see_each_other),
        cmocka_unit_test(contract__one_of_two_handles_claims_a_crl),
        cmocka_unit_test(contract__foreign_version_follows_the_other_handle_only),
        cmocka_unit_test(contract__the_chain_holds_with_many_writers),
    };
    return cmocka_run_group_tests_name("store contract", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The cases about revocation, what a CRL lists, and CRL numbers.
 */
#include "store_contract.h"

void revoke__has_one_final_reason(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct certificate_row row = some_certificate(1);
    OK(add_certificate(store, &row, &err));
    FAILS(STATUS_NOT_FOUND, revoke_one(store, 2, REASON_UNSPECIFIED, &err));
    FAILS(STATUS_NOT_FOUND, unhold_one(store, 2, &err));
    FAILS(STATUS_DENIED, unhold_one(store, 1, &err));
    OK(revoke_one(store, 1, REASON_CERTIFICATE_HOLD, &err));
    FAILS(STATUS_CONFLICT, revoke_one(store, 1, REASON_CERTIFICATE_HOLD, &err));
    OK(unhold_one(store, 1, &err));
    OK(revoke_one(store, 1, REASON_CERTIFICATE_HOLD, &err));
    OK(revoke_one(store, 1, REASON_KEY_COMPROMISE, &err));
    FAILS(STATUS_CONFLICT, revoke_one(store, 1, REASON_SUPERSEDED, &err));
    FAILS(STATUS_CONFLICT, revoke_one(store, 1, REASON_CERTIFICATE_HOLD, &err));
    FAILS(STATUS_DENIED, unhold_one(store, 1, &err));
    AUTO(certificate_row) struct certificate_row got = {0};
    OK(store_certificate(store, &row.serial, &got, &err));
    assert_int_equal(got.reason, REASON_KEY_COMPROMISE);
    assert_int_equal(got.revoked_s, NOW + 1);
    int64_t version = 0;
    OK(store_revocation_version(store, &version, &err));
    assert_int_equal(version, 4);
}

static void revoke_some(struct store *store, struct serial serial, int64_t issuer_key, int64_t not_after_s)
{
    struct certificate_row row = some_certificate(1);
    row.serial = serial;
    row.issuer_key = issuer_key;
    row.not_after_s = not_after_s;
    OK(add_certificate(store, &row, &err));
    struct change change = {0};
    change_add(&change,
               (struct change_op){.kind = CHANGE_REVOKE, .revoke = {serial, REASON_SUPERSEDED, NOW}});
    OK(store_commit(store, &change, &err));
}

static size_t walk_all(struct revoked_walk *walk, struct revoked_entry entries[8])
{
    bool found = true;
    for (size_t count = 0;; count++) {
        OK(store_revoked_next(walk, &entries[count], &found, &err));
        if (!found)
            return count;
        assert_true(count < 7);
    }
}

static size_t entries_of(struct store *store, int64_t issuer_key, int64_t last_scheduled_s, int64_t *version)
{
    AUTO(revoked_walk) struct revoked_walk *walk = NULL;
    OK(store_revoked_begin(store, issuer_key, last_scheduled_s, &walk, version, &err));
    struct revoked_entry entries[8];
    return walk_all(walk, entries);
}

void revoked_walk__is_in_order_of_serial_and_sees_one_state(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    revoke_some(store, (struct serial){.octets = {1, 2, 3}, .len = 3}, 0, NOW + 9);
    revoke_some(store, (struct serial){.octets = {0xff}, .len = 1}, 0, NOW + 9);
    revoke_some(store, (struct serial){.octets = {1, 2, 2}, .len = 3}, 0, NOW + 9);
    revoke_some(store, (struct serial){.octets = {5}, .len = 1}, 1, NOW + 9);
    AUTO(revoked_walk) struct revoked_walk *walk = NULL;
    int64_t version = 0;
    OK(store_revoked_begin(store, 0, 0, &walk, &version, &err));
    assert_int_equal(version, 4);
    struct revoked_entry entries[8];
    assert_int_equal(walk_all(walk, entries), 3);
    assert_int_equal(entries[0].serial.octets[0], 0xff);
    assert_int_equal(entries[1].serial.octets[2], 2);
    assert_int_equal(entries[2].serial.octets[2], 3);
    assert_int_equal(entries[2].reason, REASON_SUPERSEDED);
    assert_int_equal(entries[2].revoked_s, NOW);
    revoke_some(store, (struct serial){.octets = {7}, .len = 1}, 0, NOW + 9); /* between two passes */
    OK(store_revoked_rewind(walk, &err));
    assert_int_equal(walk_all(walk, entries), 3);
    OK(store_revoked_rewind(walk, &err)); /* and from the middle */
    bool found = false;
    OK(store_revoked_next(walk, &entries[0], &found, &err));
    OK(store_revoked_rewind(walk, &err));
    assert_int_equal(walk_all(walk, entries), 3);
    assert_int_equal(entries_of(store, 0, 0, &version), 4);
    assert_int_equal(entries_of(store, 1, 0, &version), 1);
    assert_int_equal(entries_of(store, 2, 0, &version), 0);
}

static enum status publish(struct store *store, int64_t number, bool scheduled, int64_t version,
                           struct err *err)
{
    struct crl_row row = {.number = number,
                          .created_s = NOW,
                          .this_update_s = NOW - 600,
                          .next_update_s = NOW + 600,
                          .scheduled = scheduled,
                          .entries = 3,
                          .size = 500,
                          .sha256 = {7},
                          .revocation_version = version};
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_CRL_PUBLISHED, .crl = &row});
    return store_commit(store, &change, err);
}

static void release(struct store *store, int64_t number)
{
    const struct crl_row row = {.number = number};
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_CRL_RELEASE, .crl = &row});
    OK(store_commit(store, &change, &err));
}

/* RFC 5280 section 3.3: "An entry MUST NOT be removed from the CRL until it appears on one regularly
 * scheduled CRL issued beyond the revoked certificate's validity period." */
void revoked_walk__drops_expired_entries_after_a_scheduled_crl(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    int64_t version = 0;
    revoke_some(store, (struct serial){.octets = {1}, .len = 1}, 0, NOW - 100);
    revoke_some(store, (struct serial){.octets = {2}, .len = 1}, 0, NOW + 9000);
    assert_int_equal(entries_of(store, 0, NOW + 50, &version), 2); /* no CRL has listed them yet */
    OK(publish(store, 10, false, version, &err));
    assert_int_equal(entries_of(store, 0, NOW + 50, &version), 2); /* one that was not scheduled */
    OK(publish(store, 11, true, version, &err));
    assert_int_equal(entries_of(store, 0, NOW - 200, &version), 2); /* it was valid then */
    assert_int_equal(entries_of(store, 0, NOW + 50, &version), 1);
    /* committed after that CRL had been made, with an earlier date */
    revoke_some(store, (struct serial){.octets = {3}, .len = 1}, 0, NOW - 100);
    assert_int_equal(entries_of(store, 0, NOW + 50, &version), 2);
}

void crl__numbers_rise_and_late_ones_are_refused(void **state)
{
    (void)state;
    AUTO(store) struct store *store = contract_store();
    struct crl_row got = {0};
    FAILS(STATUS_NOT_FOUND, store_crl(store, 0, false, &got, &err));
    OK(publish(store, NOW + 100, true, 3, &err));
    OK(publish(store, NOW + 101, false, 4, &err));
    FAILS(STATUS_CONFLICT, publish(store, NOW + 101, false, 4, &err));
    FAILS(STATUS_CONFLICT, publish(store, NOW + 99, false, 4, &err));
    OK(store_crl(store, 0, false, &got, &err));
    assert_int_equal(got.number, NOW + 101);
    assert_int_equal(got.revocation_version, 4);
    assert_int_equal(got.entries, 3);
    assert_int_equal(got.size, 500);
    assert_int_equal(got.sha256[0], 7);
    assert_int_equal(got.next_update_s, NOW + 600);
    OK(store_crl(store, 0, true, &got, &err));
    assert_int_equal(got.number, NOW + 100);
    assert_true(got.scheduled);
    FAILS(STATUS_NOT_FOUND, store_crl(store, 1, false, &got, &err));
    /* rules.md: "numbers are max(previous + 1, Unix time)"; publishing ends the lease */
    struct change claim = {0};
    change_add(&claim, (struct change_op){.kind = CHANGE_CRL_CLAIM, .crl_claim = {0, NOW, 60}});
    OK(store_commit(store, &claim, &err));
    assert_int_equal(claim.crl_number, NOW + 102);
    FAILS(STATUS_CONFLICT, store_commit(store, &claim, &err));
    OK(publish(store, NOW + 102, false, 4, &err));
    OK(store_commit(store, &claim, &err));
    assert_int_equal(claim.crl_number, NOW + 103);
    release(store, NOW + 102); /* somebody else's: the claim on 103 stays */
    FAILS(STATUS_CONFLICT, store_commit(store, &claim, &err));
    release(store, NOW + 103);
    OK(store_commit(store, &claim, &err));
    assert_int_equal(claim.crl_number, NOW + 104);
    claim.ops[0].crl_claim.issuer_key = 1; /* another key's numbers are its own */
    OK(store_commit(store, &claim, &err));
    assert_int_equal(claim.crl_number, NOW);
}

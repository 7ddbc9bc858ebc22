/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of the store as a suite: every backend passes it unchanged. A backend's
 * test gives a maker of fresh stores and runs the suite beside its own cases.
 */
#ifndef SCEPTER_TESTS_STORE_CONTRACT_H
#define SCEPTER_TESTS_STORE_CONTRACT_H

#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

struct store_maker {
    /* A store without any row, which contract_store hands out; ends the process if it cannot. */
    struct store *(*fresh)(void);
    /* Another handle on the store that fresh made last. */
    struct store *(*again)(void);
};

/* Runs all cases; the number of failed ones. */
int store_contract_run(const struct store_maker *maker);

/* ---- for the cases, and for a backend's own ---- */

#define OK(call)                                                                                             \
    do {                                                                                                     \
        struct err err = {0};                                                                                \
        enum status status_ = (call);                                                                        \
        if (status_ != STATUS_OK)                                                                            \
            print_error("%s: %s\n", #call, err.text);                                                        \
        assert_int_equal(status_, STATUS_OK);                                                                \
    } while (0)
/* The call fails so, and says something about it. */
#define FAILS(expected, call)                                                                                \
    do {                                                                                                     \
        struct err err = {0};                                                                                \
        assert_int_equal((call), (expected));                                                                \
        assert_int_equal(err.status, (expected));                                                            \
        assert_int_not_equal(err.text[0], '\0');                                                             \
    } while (0)

#define NOW 1800000000

struct store *contract_store(void); /* a fresh one */
struct store *contract_again(void); /* another handle on it */

/* Rows that borrow literals: never freed. key numbers what must differ: serial, key, retry_key, sha256. */
struct request_row some_request(enum disposition disposition, uint8_t key);
struct certificate_row some_certificate(uint8_t key);
struct challenge_row some_challenge(uint8_t key, int64_t uses);
struct serial some_serial(uint8_t key);

/* Changes of one operation; the result is the id where there is one. */
enum status add_request(struct store *store, const struct request_row *row, struct change *change,
                        struct err *err);
enum status add_certificate(struct store *store, const struct certificate_row *row, struct err *err);
int64_t add_challenge(struct store *store, const struct challenge_row *row);
enum status use_challenge(struct store *store, int64_t id, int64_t now_s, struct err *err);
enum status revoke_one(struct store *store, uint8_t key, enum crl_reason reason, struct err *err);
enum status unhold_one(struct store *store, uint8_t key, struct err *err);
enum status put_setting(struct store *store, const char *name, const char *value, struct err *err);
enum status add_audit(struct store *store, const char *action, struct err *err);

/* The cases of store_contract_revoked.c. */
void revoke__has_one_final_reason(void **state);
void revoked_walk__is_in_order_of_serial_and_sees_one_state(void **state);
void revoked_walk__drops_expired_entries_after_a_scheduled_crl(void **state);
void crl__numbers_rise_and_late_ones_are_refused(void **state);

/* The cases of store_contract_threads.c. */
void contract__one_of_eight_threads_uses_a_challenge(void **state);
void contract__one_of_eight_threads_adds_a_retry_key(void **state);
void contract__a_failing_change_does_not_undo_its_neighbours(void **state);
void contract__two_handles_see_each_other(void **state);
void contract__one_of_two_handles_claims_a_crl(void **state);
void contract__foreign_version_follows_the_other_handle_only(void **state);
void contract__the_chain_holds_with_many_writers(void **state);

#endif

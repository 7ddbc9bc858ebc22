/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the table of failures: the rate, its minute, which addresses are one, and that
 * its memory is bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "failures.h"

#include <stdio.h>

#define SECOND_US  INT64_C(1000000)
#define PER_MINUTE 10
#define START_US   (5 * SECOND_US)

static struct failures *table(int64_t per_minute)
{
    struct failures *failures = NULL;
    assert_int_equal(failures_new(per_minute, &failures, NULL), STATUS_OK);
    return failures;
}

/* The delay of the last of so many failures. */
static int64_t fail_often(struct failures *failures, const char *remote, int times, int64_t now_us)
{
    int64_t delay_s = 0;
    for (int i = 0; i < times; i++)
        delay_s = failures_count(failures, FAILURE_CHALLENGE, remote, now_us);
    return delay_s;
}

static int64_t wait_s(struct failures *failures, const char *remote, int64_t now_us)
{
    return failures_wait_s(failures, FAILURE_CHALLENGE, remote, now_us);
}

static void failures__delay_what_is_over_the_rate(void **state)
{
    (void)state;
    static const int64_t delays_s[] = {1, 2, 4, 8, 8, 8};
    struct failures *failures = table(PER_MINUTE);
    for (int i = 0; i < PER_MINUTE; i++) {
        assert_int_equal(wait_s(failures, "192.0.2.1", START_US), 0);
        assert_int_equal(failures_count(failures, FAILURE_CHALLENGE, "192.0.2.1", START_US), 0);
    }
    for (size_t i = 0; i < sizeof delays_s / sizeof delays_s[0]; i++)
        assert_int_equal(failures_count(failures, FAILURE_CHALLENGE, "192.0.2.1", START_US), delays_s[i]);
    assert_int_equal(fail_often(failures, "192.0.2.1", 100000, START_US), 8);
    failures_free(failures);
}

static void failures__are_forgotten_after_a_minute(void **state)
{
    (void)state;
    struct failures *failures = table(PER_MINUTE);
    assert_int_equal(fail_often(failures, "192.0.2.1", PER_MINUTE + 1, START_US), 1);
    assert_int_equal(wait_s(failures, "192.0.2.1", START_US), 60);
    assert_int_equal(wait_s(failures, "192.0.2.1", START_US + 1), 60);
    assert_int_equal(wait_s(failures, "192.0.2.1", START_US + 60 * SECOND_US - 1), 1);
    assert_int_equal(fail_often(failures, "192.0.2.1", 1, START_US + 60 * SECOND_US - 1), 2);
    assert_int_equal(wait_s(failures, "192.0.2.1", START_US + 60 * SECOND_US), 0);
    assert_int_equal(fail_often(failures, "192.0.2.1", PER_MINUTE, START_US + 60 * SECOND_US), 0);
    assert_int_equal(wait_s(failures, "192.0.2.1", START_US + 61 * SECOND_US), 59);
    failures_free(failures);
}

static void failures__count_for_their_address_and_kind_only(void **state)
{
    (void)state;
    static const char *const others[] = {"192.0.2.2", "192.0.3.1", "2001:db8::1", "::1", ""};
    struct failures *failures = table(PER_MINUTE);
    assert_int_equal(fail_often(failures, "192.0.2.1", PER_MINUTE + 2, START_US), 2);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(wait_s(failures, others[i], START_US), 0);
        assert_int_equal(fail_often(failures, others[i], PER_MINUTE, START_US), 0);
    }
    assert_int_equal(failures_wait_s(failures, FAILURE_PASSWORD, "192.0.2.1", START_US), 0);
    assert_int_equal(failures_count(failures, FAILURE_PASSWORD, "192.0.2.1", START_US), 0);
    failures_free(failures);
}

static void failures__count_ipv6_by_its_64(void **state)
{
    (void)state;
    struct failures *failures = table(PER_MINUTE);
    char address[48];
    for (int i = 0; i < PER_MINUTE; i++) {
        (void)snprintf(address, sizeof address, "2001:db8:1:2:%x::%x", (unsigned)i, (unsigned)i + 1);
        assert_int_equal(fail_often(failures, address, 1, START_US), 0);
    }
    assert_int_equal(fail_often(failures, "2001:db8:1:2:ffff:ffff:ffff:ffff", 1, START_US), 1);
    assert_int_equal(fail_often(failures, "2001:db8:1:3::1", 1, START_US), 0);
    failures_free(failures);
}

/* A listener on :: sees IPv4 clients by mapped addresses, which all lie in one /64. */
static void failures__count_mapped_addresses_as_ipv4(void **state)
{
    (void)state;
    struct failures *failures = table(PER_MINUTE);
    assert_int_equal(fail_often(failures, "::ffff:192.0.2.1", PER_MINUTE, START_US), 0);
    assert_int_equal(wait_s(failures, "::ffff:192.0.2.2", START_US), 0);
    assert_int_equal(fail_often(failures, "192.0.2.1", 1, START_US), 1);
    failures_free(failures);
}

static void failures__replace_the_oldest_address(void **state)
{
    (void)state;
    struct failures *failures = table(1);
    char address[48];
    for (unsigned i = 0; i < FAILURES_ADDRESSES; i++) {
        (void)snprintf(address, sizeof address, "10.0.%u.%u", i / 256, i % 256);
        assert_int_equal(fail_often(failures, address, 1, START_US + i), 0);
    }
    int64_t now_us = START_US + SECOND_US;
    assert_int_equal(fail_often(failures, "10.0.0.0", 1, now_us), 1); /* now 10.0.0.1 is the oldest */
    assert_int_equal(fail_often(failures, "10.1.0.0", 1, now_us), 0);
    assert_int_equal(wait_s(failures, "10.0.0.1", now_us), 0);
    assert_int_not_equal(wait_s(failures, "10.0.0.0", now_us), 0);
    assert_int_not_equal(wait_s(failures, "10.0.0.2", now_us), 0);
    assert_int_not_equal(wait_s(failures, "10.1.0.0", now_us), 0);
    failures_free(failures);
}

static void failures__limit_nothing_at_zero(void **state)
{
    (void)state;
    struct failures *failures = table(0);
    assert_int_equal(fail_often(failures, "192.0.2.1", 1000, START_US), 0);
    assert_int_equal(wait_s(failures, "192.0.2.1", START_US), 0);
    failures_free(failures);
    assert_int_equal(fail_often(NULL, "192.0.2.1", 1000, START_US), 0);
    assert_int_equal(wait_s(NULL, "192.0.2.1", START_US), 0);
    failures_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures__delay_what_is_over_the_rate),
        cmocka_unit_test(failures__are_forgotten_after_a_minute),
        cmocka_unit_test(failures__count_for_their_address_and_kind_only),
        cmocka_unit_test(failures__count_ipv6_by_its_64),
        cmocka_unit_test(failures__count_mapped_addresses_as_ipv4),
        cmocka_unit_test(failures__replace_the_oldest_address),
        cmocka_unit_test(failures__limit_nothing_at_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

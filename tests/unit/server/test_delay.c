/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the list of delayed replies: each is woken once, in the order of what is due,
 * so many at most are held, and a stop leaves none behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "delay.h"

#include <stdatomic.h>
#include <unistd.h>

#define LIMIT_US INT64_C(5000000)

struct waiting {
    struct delayed delayed; /* first */
    _Atomic int woken;
    _Atomic int64_t woken_us;
};

static void note(struct delayed *delayed)
{
    struct waiting *waiting = (struct waiting *)(void *)delayed;
    atomic_store(&waiting->woken_us, clock_monotonic_us());
    (void)atomic_fetch_add(&waiting->woken, 1);
}

static void wait_for(const struct waiting *waiting)
{
    int64_t until_us = clock_monotonic_us() + LIMIT_US;
    while (atomic_load(&waiting->woken) == 0 && clock_monotonic_us() < until_us)
        (void)usleep(1000);
    assert_int_equal(atomic_load(&waiting->woken), 1);
}

static struct delay_list *start(size_t max)
{
    struct delay_list *list = NULL;
    assert_int_equal(delay_list_start(max, &list, NULL), STATUS_OK);
    return list;
}

static void delay__wakes_in_the_order_of_what_is_due(void **state)
{
    (void)state;
    struct delay_list *list = start(3);
    struct waiting late = {.delayed.wake = note}, soon = {.delayed.wake = note}, now = {.delayed.wake = note};
    int64_t began_us = clock_monotonic_us();
    assert_int_equal(delay_hold(list, &late.delayed, 600), STATUS_OK);
    assert_int_equal(delay_hold(list, &soon.delayed, 1), STATUS_OK);
    assert_int_equal(delay_hold(list, &now.delayed, 0), STATUS_OK);
    wait_for(&now);
    wait_for(&soon);
    assert_true(atomic_load(&soon.woken_us) - began_us >= 1000000);
    assert_true(atomic_load(&now.woken_us) <= atomic_load(&soon.woken_us));
    assert_int_equal(atomic_load(&late.woken), 0);
    delay_list_free(list);
    assert_int_equal(atomic_load(&late.woken), 1);
}

static void delay__holds_so_many_at_most(void **state)
{
    (void)state;
    struct delay_list *list = start(2);
    struct waiting waiting[3] = {{.delayed.wake = note}, {.delayed.wake = note}, {.delayed.wake = note}};
    assert_int_equal(delay_hold(list, &waiting[0].delayed, 600), STATUS_OK);
    assert_int_equal(delay_hold(list, &waiting[1].delayed, 0), STATUS_OK);
    wait_for(&waiting[1]);
    assert_int_equal(delay_hold(list, &waiting[2].delayed, 600), STATUS_OK);
    struct waiting more = {.delayed.wake = note};
    assert_int_equal(delay_hold(list, &more.delayed, 0), STATUS_BUSY);
    delay_list_free(list);
    assert_int_equal(atomic_load(&waiting[2].woken), 1);
    assert_int_equal(atomic_load(&more.woken), 0);
}

static void delay__holds_nothing_after_a_stop(void **state)
{
    (void)state;
    struct delay_list *list = start(2);
    struct waiting held = {.delayed.wake = note}, more = {.delayed.wake = note};
    assert_int_equal(delay_hold(list, &held.delayed, 600), STATUS_OK);
    delay_stop(list);
    assert_int_equal(atomic_load(&held.woken), 1);
    assert_int_equal(delay_hold(list, &more.delayed, 600), STATUS_BUSY);
    delay_stop(list);
    delay_list_free(list);
    assert_int_equal(atomic_load(&held.woken), 1);
    assert_int_equal(atomic_load(&more.woken), 0);
    delay_stop(NULL);
    delay_list_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delay__wakes_in_the_order_of_what_is_due),
        cmocka_unit_test(delay__holds_so_many_at_most),
        cmocka_unit_test(delay__holds_nothing_after_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

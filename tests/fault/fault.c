/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts the steps of the armed thread and says which of them fails. What a step is, is for the hooks.
 */
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define PASSES_MAX 100000

/* The armed loop of this thread, and how many steps it has made in this pass. */
static _Thread_local struct fault *armed;
static _Thread_local uint64_t steps;

bool fault_next(struct fault *fault)
{
    if (fault->nth > 0 && !fault->struck) {
        if (fault->nth == 1)
            fail_msg("nothing was there to fail");
        return false;
    }
    if (fault->nth == PASSES_MAX)
        fail_msg("no end after %d passes", PASSES_MAX);
    fault->nth++;
    fault->struck = false;
    return true;
}

void fault_arm(struct fault *fault)
{
    steps = 0;
    armed = fault;
}

void fault_disarm(struct fault *fault)
{
    assert_ptr_equal(armed, fault);
    armed = NULL;
}

enum status fault_status(const struct fault *fault)
{
    return fault->kind == FAULT_ALLOCATION ? STATUS_NOMEM : fault->status;
}

void fault_expect(const struct fault *fault, enum status status, const struct err *err)
{
    enum status expected = fault->struck ? fault_status(fault) : STATUS_OK;
    if (status != expected)
        print_error("pass %llu gives %s: %s (%s)\n", (unsigned long long)fault->nth, status_name(status),
                    err->text, err->where != NULL ? err->where : "nowhere");
    assert_int_equal(status, expected);
    if (status == STATUS_OK)
        return;
    assert_int_equal(err->status, status);
    assert_int_not_equal(err->text[0], '\0');
}

bool fault_strikes(enum fault_kind kind)
{
    if (armed == NULL || armed->kind != kind)
        return false;
    steps++;
    if (steps != armed->nth && !(armed->lasting && steps > armed->nth))
        return false;
    armed->struck = true;
    return true;
}

enum status fault_strike_status(void)
{
    return fault_status(armed);
}

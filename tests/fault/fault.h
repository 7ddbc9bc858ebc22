/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop of a fault test: what is tried fails at its first fallible step, then at its second, until a pass
 * is over in which nothing was left to fail. What must hold after each pass is the test's affair.
 *
 *     for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
 *         fault_arm(&fault);
 *         status = what_is_tried(&out, &err);
 *         fault_disarm(&fault);
 *         fault_expect(&fault, status, &err);
 *     }
 *
 * Include after cmocka. Only the arming thread fails; one loop at a time.
 */
#ifndef SCEPTER_TESTS_FAULT_H
#define SCEPTER_TESTS_FAULT_H

#include "err.h"

#include <stdint.h>

enum fault_kind {
    FAULT_ALLOCATION, /* malloc and its kin in our own code give NULL */
    FAULT_STORE_CALL, /* a call of a store made by store_faulty fails with `status` */
};

struct fault {
    enum fault_kind kind;
    bool lasting;       /* all steps from the N-th on fail, not the N-th alone */
    enum status status; /* with which calls of the store fail */
    uint64_t nth;       /* 0 before the first pass */
    bool struck;        /* something failed in this pass */
};

#define FAULT(kind_) ((struct fault){.kind = (kind_), .status = STATUS_IO})

/* Goes on to the next pass; false when nothing was left to fail in the last one. Fails the test if nothing
 * could fail at all, or if there is no end to it. */
bool fault_next(struct fault *fault);
/* From here to fault_disarm, the nth step of this thread fails. */
void fault_arm(struct fault *fault);
/* fault->struck says whether it came so far. */
void fault_disarm(struct fault *fault);

/* A pass in which something failed ends with exactly that status (STATUS_NOMEM, fault.status) and a text; any
 * other with STATUS_OK. */
void fault_expect(const struct fault *fault, enum status status, const struct err *err);
enum status fault_status(const struct fault *fault);

/* For the hooks: whether this step must fail, and with which status. */
bool fault_strikes(enum fault_kind kind);
enum status fault_strike_status(void);

#endif

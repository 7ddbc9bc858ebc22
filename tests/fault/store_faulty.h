/* SPDX-License-Identifier: Apache-2.0
 *
 * A store around another one, whose calls fail when fault.h says so. A call that fails has done nothing, as
 * store.h promises of every backend.
 */
#ifndef SCEPTER_TESTS_STORE_FAULTY_H
#define SCEPTER_TESTS_STORE_FAULTY_H

#include "store.h"

/* inner is borrowed and must outlive it; store_close frees the decorator alone. Ends the test if memory runs
 * out. */
struct store *store_faulty(struct store *inner);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the text of a general name must look like. For general_name.c alone.
 */
#ifndef SCEPTER_BASE_GENERAL_NAME_CHECK_H
#define SCEPTER_BASE_GENERAL_NAME_CHECK_H

#include "name.h"

/* STATUS_MALFORMED says what is wrong with the value and what is allowed; STATUS_LIMIT above
 * GENERAL_NAME_TEXT_MAX. */
NODISCARD enum status general_name_check(enum san_type type, const char *text, struct err *err);

#endif

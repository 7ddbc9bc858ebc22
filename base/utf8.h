/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to base/: one UTF-8 character at a time. Nothing here allocates or reports.
 */
#ifndef SCEPTER_BASE_UTF8_H
#define SCEPTER_BASE_UTF8_H

#include "buf.h"

/* Length in octets (1 to 4) of the well-formed character (RFC 3629) that octets start with, and its code
 * point; 0 if there is none. */
size_t utf8_next(struct span octets, uint32_t *code);

/* A control character: C0, DEL or C1. */
bool utf8_is_control(uint32_t code);

#endif

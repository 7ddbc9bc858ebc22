/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to base/: what a UTF-8 character is (text.h reads one at a time). Nothing here reports.
 */
#ifndef SCEPTER_BASE_UTF8_H
#define SCEPTER_BASE_UTF8_H

#include "text.h"

/* Appends a character up to U+10FFFF. */
void utf8_append(struct buf *out, uint32_t code);

/* A control character: C0, DEL or C1. */
bool utf8_is_control(uint32_t code);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the name_*.c files share: one attribute value as a DER string, and walking
 * UTF-8. Not for others.
 */
#ifndef SCEPTER_BASE_NAME_PRIVATE_H
#define SCEPTER_BASE_NAME_PRIVATE_H

#include "der.h"
#include "name.h"

/* Reads one DER string TLV and appends an attribute of that type with its value and string type. */
NODISCARD enum status name_take_value(struct der_reader *reader, struct span type, bool with_previous,
                                      struct name *name, struct err *err);
/* Writes the value in its string type, or as UTF8String where that type cannot hold it. */
void name_put_value(const struct name_ava *ava, struct buf *out);

/* What an octet that belongs to no UTF-8 character (in values that did not pass name_add) counts from. */
#define NAME_OCTET UINT32_C(0x110000)
/* The character at *next, which moves behind it; 0 at the end. */
uint32_t name_next_character(const char **next);
/* Appends such a character as UTF-8. */
void name_put_character(struct buf *out, uint32_t character);

#endif

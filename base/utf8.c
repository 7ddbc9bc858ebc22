/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 judged by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 * It does not normalise, fold case or convert from other encodings.
 */
#include "utf8.h"
#include "text.h"

/* The first octet: how many follow, its payload bits, the least code point of that length. */
static size_t utf8_lead(uint8_t octet, uint32_t *code, uint32_t *least)
{
    if (octet < 0x80) {
        *code = octet;
        *least = 0;
        return 1;
    }
    if (octet >= 0xc2 && octet <= 0xdf) {
        *code = octet & 0x1fU;
        *least = 0x80;
        return 2;
    }
    if (octet >= 0xe0 && octet <= 0xef) {
        *code = octet & 0x0fU;
        *least = 0x800;
        return 3;
    }
    if (octet >= 0xf0 && octet <= 0xf4) {
        *code = octet & 0x07U;
        *least = 0x10000;
        return 4;
    }
    return 0;
}

size_t utf8_next(struct span octets, uint32_t *code)
{
    uint32_t value = 0;
    uint32_t least = 0;
    size_t len = octets.len == 0 ? 0 : utf8_lead(octets.data[0], &value, &least);
    if (len == 0 || len > octets.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((octets.data[i] & 0xc0U) != 0x80)
            return 0;
        value = value << 6 | (octets.data[i] & 0x3fU);
    }
    if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code = value;
    return len;
}

void utf8_append(struct buf *out, uint32_t code)
{
    uint8_t octets[4];
    size_t len = 0;
    if (code < 0x80) {
        octets[len++] = (uint8_t)code;
    } else if (code < 0x800) {
        octets[len++] = (uint8_t)(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        octets[len++] = (uint8_t)(0xe0 | code >> 12);
        octets[len++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    } else {
        octets[len++] = (uint8_t)(0xf0 | code >> 18);
        octets[len++] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        octets[len++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    }
    if (code >= 0x80)
        octets[len++] = (uint8_t)(0x80 | (code & 0x3f));
    buf_add(out, SPAN(octets, len));
}

bool utf8_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

static bool utf8_all(struct span octets, bool allow_controls)
{
    for (size_t at = 0; at < octets.len;) {
        uint32_t code = 0;
        size_t len = utf8_next(SPAN(octets.data + at, octets.len - at), &code);
        if (len == 0 || (!allow_controls && utf8_is_control(code)))
            return false;
        at += len;
    }
    return true;
}

bool utf8_valid(struct span octets)
{
    return utf8_all(octets, true);
}

bool utf8_printable(struct span octets)
{
    return utf8_all(octets, false);
}

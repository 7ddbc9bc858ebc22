/* SPDX-License-Identifier: Apache-2.0
 *
 * The string types of X.509 into UTF-8, each held to its alphabet (PrintableString and
 * NumericString to printable ASCII). It does not normalise, compare or
 * shorten text, and does not know which type a field should have.
 */
#include "der.h"

#include "utf8.h"

/* Appends one character; false for what is none: NUL, surrogates, beyond U+10FFFF. */
static bool add_character(struct buf *out, uint32_t character)
{
    if (character == 0 || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
        return false;
    utf8_append(out, character);
    return true;
}

/* Characters of width octets each, big-endian: T61 as Latin-1 (1), BMP (2), Universal (4). */
static bool add_wide(struct buf *out, struct span content, size_t width)
{
    if (content.len % width != 0)
        return false;
    for (size_t i = 0; i < content.len; i += width) {
        uint32_t character = 0;
        for (size_t octet = 0; octet < width; octet++)
            character = character << 8 | content.data[i + octet];
        if (!add_character(out, character))
            return false;
    }
    return true;
}

static bool in_ia5(uint8_t c)
{
    return c > 0 && c < 0x80;
}

/* Also PrintableString and NumericString: devices write '@', '_' and '*' into them, which X.680 section 41
 * does not have there, and OpenSSL reads it. */
static bool in_visible(uint8_t c)
{
    return c >= 0x20 && c < 0x7f;
}

static bool add_narrow(struct buf *out, struct span content, bool (*in_alphabet)(uint8_t))
{
    for (size_t i = 0; i < content.len; i++)
        if (!in_alphabet(content.data[i]))
            return false;
    buf_add(out, content);
    return true;
}

static bool add_utf8(struct buf *out, struct span content)
{
    if (!utf8_valid(content) || (content.len > 0 && memchr(content.data, 0, content.len) != NULL))
        return false;
    buf_add(out, content);
    return true;
}

/* The name of a string type and its characters; NULL name if the tag is none. */
static bool add_string(uint8_t tag, struct span content, struct buf *out, const char **type)
{
    switch (tag) {
    case DER_UTF8_STRING:
        *type = "UTF8String";
        return add_utf8(out, content);
    case DER_PRINTABLE_STRING:
        *type = "PrintableString";
        return add_narrow(out, content, in_visible);
    case DER_IA5_STRING:
        *type = "IA5String";
        return add_narrow(out, content, in_ia5);
    case DER_VISIBLE_STRING:
        *type = "VisibleString";
        return add_narrow(out, content, in_visible);
    case DER_NUMERIC_STRING:
        *type = "NumericString";
        return add_narrow(out, content, in_visible);
    case DER_T61_STRING:
        *type = "TeletexString";
        return add_wide(out, content, 1);
    case DER_BMP_STRING:
        *type = "BMPString";
        return add_wide(out, content, 2);
    case DER_UNIVERSAL_STRING:
        *type = "UniversalString";
        return add_wide(out, content, 4);
    default:
        *type = NULL;
        return false;
    }
}

enum status der_string_utf8(uint8_t tag, struct span content, struct buf *out, const char *what,
                            struct err *err)
{
    const char *type = NULL;
    size_t start = out->len;
    bool well_formed = add_string(tag, content, out, &type);
    if (well_formed)
        return buf_status(out, what, err);
    out->len = start;
    if (type == NULL)
        return ERR(err, STATUS_MALFORMED,
                   "%s: tag 0x%02x is none of the string types of RFC 5280 section "
                   "4.1.2.4",
                   what, tag);
    return ERR(err, STATUS_MALFORMED,
               "%s: %s of %zu octets with a character that this type does not have, "
               "or NUL",
               what, type, content.len);
}

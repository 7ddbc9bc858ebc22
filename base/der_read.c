/* SPDX-License-Identifier: Apache-2.0
 *
 * The DER reader: tags, lengths, and the types that are not text. Strings are in der_string.c, times in
 * der_time.c. It allocates nothing and does not know what any field means.
 */
#include "der.h"

#include <inttypes.h>

#define OID_MAX_OCTETS 64

static size_t octets_left(const struct der_reader *reader)
{
    return (size_t)(reader->end - reader->next);
}

/* The length octets at *at: definite and minimal (X.690 section 10.1). *at moves behind them. */
static enum status read_length(const uint8_t **at, const uint8_t *end, size_t *len, const char *what,
                               struct err *err)
{
    if (*at == end)
        return ERR(err, STATUS_MALFORMED, "%s: ends where a length is expected", what);
    uint8_t first = *(*at)++;
    if (first < 0x80) {
        *len = first;
        return STATUS_OK;
    }
    size_t count = first & 0x7f;
    if (count == 0)
        return ERR(err, STATUS_MALFORMED, "%s: indefinite length, which DER does not allow", what);
    if (count > 4 || count > (size_t)(end - *at))
        return ERR(err, STATUS_MALFORMED, "%s: %zu length octets; at most 4, and no more than are there",
                   what, count);
    size_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | *(*at)++;
    if (value < 0x80 || value >> (8 * (count - 1)) == 0)
        return ERR(err, STATUS_MALFORMED, "%s: length %zu in more octets than DER allows", what, value);
    *len = value;
    return STATUS_OK;
}

enum status der_any(struct der_reader *reader, struct der_tlv *tlv, const char *what, struct err *err)
{
    if (der_at_end(reader))
        return ERR(err, STATUS_MALFORMED, "%s: missing, the octets end before it", what);
    uint8_t tag = *reader->next;
    if ((tag & 0x1f) == 0x1f || tag == 0)
        return ERR(err, STATUS_MALFORMED, "%s: tag 0x%02x; only tag numbers 1 to 30 are used here", what,
                   tag);
    const uint8_t *at = reader->next + 1;
    size_t len = 0;
    TRY(read_length(&at, reader->end, &len, what, err));
    if (len > (size_t)(reader->end - at))
        return ERR(err, STATUS_MALFORMED, "%s: length %zu, but only %zu octets follow", what, len,
                   (size_t)(reader->end - at));
    *tlv = (struct der_tlv){
        .tag = tag,
        .content = SPAN(at, len),
        .whole = SPAN(reader->next, (size_t)(at - reader->next) + len),
    };
    reader->next = at + len;
    return STATUS_OK;
}

static enum status take_tlv(struct der_reader *reader, uint8_t tag, struct der_tlv *tlv, const char *what,
                            struct err *err)
{
    if (!der_at_end(reader) && *reader->next != tag)
        return ERR(err, STATUS_MALFORMED, "%s: tag 0x%02x where 0x%02x is required", what, *reader->next,
                   tag);
    return der_any(reader, tlv, what, err);
}

enum status der_take(struct der_reader *reader, uint8_t tag, struct span *content, const char *what,
                     struct err *err)
{
    struct der_tlv tlv = {.tag = 0};
    TRY(take_tlv(reader, tag, &tlv, what, err));
    *content = tlv.content;
    return STATUS_OK;
}

enum status der_take_whole(struct der_reader *reader, uint8_t tag, struct span *whole, const char *what,
                           struct err *err)
{
    struct der_tlv tlv = {.tag = 0};
    TRY(take_tlv(reader, tag, &tlv, what, err));
    *whole = tlv.whole;
    return STATUS_OK;
}

enum status der_enter(struct der_reader *reader, uint8_t tag, struct der_reader *inner, const char *what,
                      struct err *err)
{
    struct span content = SPAN_NONE;
    TRY(der_take(reader, tag, &content, what, err));
    *inner = der_reader(content);
    return STATUS_OK;
}

enum status der_optional(struct der_reader *reader, uint8_t tag, struct span *content, bool *present,
                         const char *what, struct err *err)
{
    if (der_peek(reader) != tag) {
        *present = false;
        return STATUS_OK;
    }
    TRY(der_take(reader, tag, content, what, err));
    *present = true;
    return STATUS_OK;
}

enum status der_finish(const struct der_reader *reader, const char *what, struct err *err)
{
    if (der_at_end(reader))
        return STATUS_OK;
    return ERR(err, STATUS_MALFORMED, "%s: %zu trailing octets, the first is 0x%02x", what,
               octets_left(reader), *reader->next);
}

enum status der_open_whole(struct span octets, uint8_t tag, struct der_reader *inner, const char *what,
                           struct err *err)
{
    struct der_reader reader = der_reader(octets);
    struct der_reader content = {NULL, NULL};
    TRY(der_enter(&reader, tag, &content, what, err));
    TRY(der_finish(&reader, what, err));
    *inner = content;
    return STATUS_OK;
}

/* X.690 section 8.3.2: the first nine bits are neither all ones nor all zeros. */
static bool integer_minimal(struct span octets)
{
    if (octets.len < 2)
        return octets.len == 1;
    bool negative = octets.data[1] >= 0x80;
    return octets.data[0] != (negative ? 0xff : 0x00);
}

enum status der_take_integer(struct der_reader *reader, struct span *octets, size_t max_len, const char *what,
                             struct err *err)
{
    struct span content = SPAN_NONE;
    TRY(der_take(reader, DER_INTEGER, &content, what, err));
    if (!integer_minimal(content))
        return ERR(err, STATUS_MALFORMED, "%s: INTEGER of %zu octets is not minimal (X.690 section 8.3.2)",
                   what, content.len);
    if (content.len > max_len)
        return ERR(err, STATUS_LIMIT, "%s: INTEGER of %zu octets, at most %zu are allowed", what, content.len,
                   max_len);
    *octets = content;
    return STATUS_OK;
}

enum status der_take_uint(struct der_reader *reader, uint64_t *value, uint64_t max, const char *what,
                          struct err *err)
{
    struct span octets = SPAN_NONE;
    TRY(der_take_integer(reader, &octets, SIZE_MAX, what, err));
    if (octets.len > 0 && octets.data[0] >= 0x80)
        return ERR(err, STATUS_MALFORMED, "%s: negative; 0 to %" PRIu64 " is allowed", what, max);
    if (octets.len > 9 || (octets.len == 9 && octets.data[0] != 0))
        return ERR(err, STATUS_MALFORMED, "%s: INTEGER of %zu octets; 0 to %" PRIu64 " is allowed", what,
                   octets.len, max);
    uint64_t number = 0;
    for (size_t i = 0; i < octets.len; i++)
        number = number << 8 | octets.data[i];
    if (number > max)
        return ERR(err, STATUS_MALFORMED, "%s: %" PRIu64 "; 0 to %" PRIu64 " is allowed", what, number, max);
    *value = number;
    return STATUS_OK;
}

enum status der_take_bool(struct der_reader *reader, bool *value, const char *what, struct err *err)
{
    struct span content = SPAN_NONE;
    TRY(der_take(reader, DER_BOOLEAN, &content, what, err));
    if (content.len != 1 || (content.data[0] != 0x00 && content.data[0] != 0xff))
        return ERR(err, STATUS_MALFORMED, "%s: a BOOLEAN is one octet, 0x00 or 0xff (X.690 section 11.1)",
                   what);
    *value = content.data[0] != 0;
    return STATUS_OK;
}

enum status der_take_null(struct der_reader *reader, const char *what, struct err *err)
{
    struct span content = SPAN_NONE;
    TRY(der_take(reader, DER_NULL, &content, what, err));
    if (content.len != 0)
        return ERR(err, STATUS_MALFORMED, "%s: NULL with %zu octets, it has none", what, content.len);
    return STATUS_OK;
}

/* X.690 section 8.19.2: no arc begins with 0x80, and the last one ends. */
static bool oid_well_formed(struct span oid)
{
    if (oid.len == 0 || oid.len > OID_MAX_OCTETS || oid.data[oid.len - 1] >= 0x80)
        return false;
    bool arc_begins = true;
    for (size_t i = 0; i < oid.len; i++) {
        if (arc_begins && oid.data[i] == 0x80)
            return false;
        arc_begins = oid.data[i] < 0x80;
    }
    return true;
}

enum status der_take_oid(struct der_reader *reader, struct span *oid, const char *what, struct err *err)
{
    struct span content = SPAN_NONE;
    TRY(der_take(reader, DER_OID, &content, what, err));
    if (!oid_well_formed(content))
        return ERR(err, STATUS_MALFORMED,
                   "%s: OBJECT IDENTIFIER of %zu octets; 1 to %d with minimal arcs are allowed "
                   "(X.690 section 8.19)",
                   what, content.len, OID_MAX_OCTETS);
    *oid = content;
    return STATUS_OK;
}

/* X.690 sections 8.6.2 and 11.2.1: the number of unused bits, which are zero. */
static enum status take_bit_string(struct der_reader *reader, unsigned *unused, struct span *octets,
                                   const char *what, struct err *err)
{
    struct span content = SPAN_NONE;
    TRY(der_take(reader, DER_BIT_STRING, &content, what, err));
    if (content.len == 0)
        return ERR(err, STATUS_MALFORMED, "%s: BIT STRING without its first octet", what);
    unsigned bits = content.data[0];
    if (bits > 7 || (bits > 0 && content.len == 1))
        return ERR(err, STATUS_MALFORMED, "%s: BIT STRING of %zu octets with %u unused bits", what,
                   content.len - 1, bits);
    if ((content.data[content.len - 1] & ((1u << bits) - 1)) != 0 && content.len > 1)
        return ERR(err, STATUS_MALFORMED, "%s: unused bits of a BIT STRING are not zero", what);
    *unused = bits;
    *octets = SPAN(content.data + 1, content.len - 1);
    return STATUS_OK;
}

enum status der_take_bits(struct der_reader *reader, struct span *octets, const char *what, struct err *err)
{
    struct span bits = SPAN_NONE;
    unsigned unused = 0;
    TRY(take_bit_string(reader, &unused, &bits, what, err));
    if (unused != 0)
        return ERR(err, STATUS_MALFORMED, "%s: BIT STRING with %u unused bits, whole octets are required",
                   what, unused);
    *octets = bits;
    return STATUS_OK;
}

enum status der_take_flags(struct der_reader *reader, unsigned *flags, const char *what, struct err *err)
{
    struct span bits = SPAN_NONE;
    unsigned unused = 0;
    TRY(take_bit_string(reader, &unused, &bits, what, err));
    if (bits.len > 2)
        return ERR(err, STATUS_MALFORMED, "%s: %zu named bits, at most 16 are allowed", what,
                   8 * bits.len - unused);
    unsigned value = 0;
    for (unsigned n = 0; n < 8 * bits.len; n++)
        if ((bits.data[n / 8] & (0x80u >> n % 8)) != 0)
            value |= 1u << n;
    *flags = value;
    return STATUS_OK;
}

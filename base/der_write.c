/* SPDX-License-Identifier: Apache-2.0
 *
 * The DER writer. A TLV is opened with one octet for its length; when it is closed its contents move up if
 * the length needs more. Times are in der_time.c, OIDs in oid.c. It does not check what is written.
 */
#include "der.h"

#define SET_OF_MAX 64

static size_t length_octets(size_t len)
{
    size_t count = 0;
    for (; len != 0; len >>= 8)
        count++;
    return count;
}

static void fill_length(uint8_t *at, size_t len, size_t count)
{
    *at = (uint8_t)(0x80 | count);
    for (size_t i = count; i > 0; i--, len >>= 8)
        at[i] = (uint8_t)len;
}

size_t der_open(struct buf *out, uint8_t tag)
{
    buf_add_octet(out, tag);
    buf_add_octet(out, 0);
    return out->len;
}

void der_close(struct buf *out, size_t mark)
{
    if (out->failed != STATUS_OK)
        return;
    size_t len = out->len - mark;
    if (len < 0x80) {
        out->data[mark - 1] = (uint8_t)len;
        return;
    }
    size_t count = length_octets(len);
    if (buf_extend(out, count) == NULL)
        return;
    memmove(out->data + mark + count, out->data + mark, len);
    fill_length(out->data + mark - 1, len, count);
}

/* X.690 section 11.6: ascending, as if the shorter one had zeros behind it. Of two TLVs neither is the
 * beginning of a longer one, so the common length decides. */
static int compare_elements(const void *left, const void *right)
{
    const struct span *a = left;
    const struct span *b = right;
    return memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
}

/* The elements between mark and the end; how many, or SET_OF_MAX + 1 if too many or broken. */
static size_t list_elements(const struct buf *out, size_t mark, struct span *elements)
{
    struct der_reader reader = der_reader(SPAN(out->data + mark, out->len - mark));
    size_t count = 0;
    while (!der_at_end(&reader)) {
        struct der_tlv tlv;
        if (count == SET_OF_MAX || der_any(&reader, &tlv, "SET OF", NULL) != STATUS_OK)
            return SET_OF_MAX + 1;
        elements[count++] = tlv.whole;
    }
    return count;
}

void der_close_set_of(struct buf *out, size_t mark)
{
    struct span elements[SET_OF_MAX];
    if (out->failed != STATUS_OK)
        return;
    size_t count = list_elements(out, mark, elements);
    if (count > SET_OF_MAX) {
        out->failed = STATUS_LIMIT;
        return;
    }
    if (count > 1) {
        AUTO(buf) struct buf sorted = BUF(out->len - mark);
        qsort(elements, count, sizeof elements[0], compare_elements);
        for (size_t i = 0; i < count; i++)
            buf_add(&sorted, elements[i]);
        if (sorted.failed != STATUS_OK) {
            out->failed = sorted.failed;
            return;
        }
        memcpy(out->data + mark, sorted.data, sorted.len);
    }
    der_close(out, mark);
}

/* Tag and length; the contents follow. */
static void put_header(struct buf *out, uint8_t tag, size_t len)
{
    uint8_t header[2 + sizeof len] = {tag, (uint8_t)len};
    size_t count = 0;
    if (len >= 0x80) {
        count = length_octets(len);
        fill_length(header + 1, len, count);
    }
    buf_add(out, SPAN(header, 2 + count));
}

void der_put(struct buf *out, uint8_t tag, struct span content)
{
    put_header(out, tag, content.len);
    buf_add(out, content);
}

void der_put_unsigned(struct buf *out, struct span magnitude)
{
    while (magnitude.len > 0 && magnitude.data[0] == 0)
        magnitude = SPAN(magnitude.data + 1, magnitude.len - 1);
    bool sign_octet = magnitude.len == 0 || magnitude.data[0] >= 0x80;
    put_header(out, DER_INTEGER, magnitude.len + sign_octet);
    if (sign_octet)
        buf_add_octet(out, 0);
    buf_add(out, magnitude);
}

void der_put_uint(struct buf *out, uint64_t value)
{
    uint8_t octets[sizeof value];
    for (size_t i = sizeof octets; i > 0; i--, value >>= 8)
        octets[i - 1] = (uint8_t)value;
    der_put_unsigned(out, SPAN(octets, sizeof octets));
}

void der_put_bool(struct buf *out, bool value)
{
    der_put(out, DER_BOOLEAN, SPAN(value ? "\xff" : "\x00", 1));
}

void der_put_null(struct buf *out)
{
    der_put(out, DER_NULL, SPAN_NONE);
}

void der_put_bits(struct buf *out, struct span octets)
{
    put_header(out, DER_BIT_STRING, octets.len + 1);
    buf_add_octet(out, 0);
    buf_add(out, octets);
}

void der_put_flags(struct buf *out, unsigned flags)
{
    uint8_t content[1 + sizeof flags] = {0};
    unsigned used = 0;
    for (unsigned n = 0; n < 8 * sizeof flags; n++) {
        if ((flags >> n & 1u) == 0)
            continue;
        content[1 + n / 8] |= (uint8_t)(0x80u >> n % 8);
        used = n + 1;
    }
    content[0] = (uint8_t)((8 - used % 8) % 8);
    der_put(out, DER_BIT_STRING, SPAN(content, 1 + (used + 7) / 8));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * BER as SCEP clients send it, turned into DER lengths and primitive strings before anything reads it: one
 * pass looks whether anything must change, a second one writes. The nesting is kept on a stack of fixed
 * size. It does not sort a SET OF, shorten an INTEGER or judge any value.
 */
#include "der.h"

#define LEVELS_MAX 24
#define TLVS_MAX   20000

/* The primitive tag of the constructed string that surrounds us, 0 for none. */
#define NO_STRING 0

struct level {
    const uint8_t *end; /* of the contents, or as far as they may go */
    bool indefinite;
    uint8_t string;
    size_t mark; /* of the open TLV in out; unused in a string within a string */
};

struct ber {
    const uint8_t *next;
    const uint8_t *end;
    struct buf *out; /* NULL when only looking */
    bool changes;
    size_t tlvs;
    size_t depth;
    struct level levels[LEVELS_MAX];
    uint8_t unused_bits; /* of the last segment of the BIT STRING being joined */
};

struct ber_header {
    uint8_t tag;
    bool indefinite;
    size_t len;
};

static const uint8_t *limit(const struct ber *ber)
{
    return ber->depth > 0 ? ber->levels[ber->depth - 1].end : ber->end;
}

static uint8_t surrounding_string(const struct ber *ber)
{
    return ber->depth > 0 ? ber->levels[ber->depth - 1].string : NO_STRING;
}

static size_t minimal_length_octets(size_t len)
{
    size_t count = 1;
    if (len >= 0x80)
        for (; len != 0; len >>= 8)
            count++;
    return count;
}

/* X.690 section 8.1.3, all forms. */
static enum status read_length(struct ber *ber, struct ber_header *header, struct err *err)
{
    const uint8_t *end = limit(ber);
    if (ber->next == end)
        return ERR(err, STATUS_MALFORMED, "BER: ends where a length is expected");
    const uint8_t *start = ber->next;
    uint8_t first = *ber->next++;
    header->indefinite = first == 0x80;
    header->len = first;
    if (first > 0x80) {
        size_t count = first & 0x7f;
        if (count > sizeof header->len || count > (size_t)(end - ber->next))
            return ERR(err, STATUS_MALFORMED,
                       "BER: %zu length octets; at most %zu, and no more than are there", count,
                       sizeof header->len);
        header->len = 0;
        for (size_t i = 0; i < count; i++)
            header->len = header->len << 8 | *ber->next++;
    }
    if (header->indefinite || (size_t)(ber->next - start) != minimal_length_octets(header->len))
        ber->changes = true;
    if (!header->indefinite && header->len > (size_t)(end - ber->next))
        return ERR(err, STATUS_MALFORMED, "BER: length %zu, but only %zu octets follow", header->len,
                   (size_t)(end - ber->next));
    return STATUS_OK;
}

static enum status read_header(struct ber *ber, struct ber_header *header, struct err *err)
{
    if (++ber->tlvs > TLVS_MAX)
        return ERR(err, STATUS_LIMIT, "BER: more than %d elements", TLVS_MAX);
    if (ber->next == limit(ber))
        return ERR(err, STATUS_MALFORMED, "BER: ends inside an indefinite length");
    header->tag = *ber->next++;
    if ((header->tag & 0x1f) == 0x1f || header->tag == 0)
        return ERR(err, STATUS_MALFORMED, "BER: tag 0x%02x; only tag numbers 1 to 30 are used here",
                   header->tag);
    return read_length(ber, header, err);
}

/* The string types, which may come in segments (X.690 sections 8.6.4, 8.7.3 and 8.23). */
static bool is_string(uint8_t primitive_tag)
{
    switch (primitive_tag) {
    case DER_BIT_STRING:
    case DER_OCTET_STRING:
    case DER_UTF8_STRING:
    case DER_NUMERIC_STRING:
    case DER_PRINTABLE_STRING:
    case DER_T61_STRING:
    case DER_IA5_STRING:
    case DER_VISIBLE_STRING:
    case DER_UNIVERSAL_STRING:
    case DER_BMP_STRING:
        return true;
    default:
        return false;
    }
}

/* A segment has the tag of its string, or OCTET STRING in one of a character string. */
static enum status check_segment(uint8_t string, uint8_t tag, struct err *err)
{
    uint8_t primitive = tag & (uint8_t)~0x20;
    if (primitive == string || (primitive == DER_OCTET_STRING && string != DER_BIT_STRING))
        return STATUS_OK;
    return ERR(err, STATUS_MALFORMED, "BER: tag 0x%02x inside a constructed string of tag 0x%02x", tag,
               string);
}

static void open_level(struct ber *ber, const struct ber_header *header, uint8_t string)
{
    struct level level = {
        .end = header->indefinite ? limit(ber) : ber->next + header->len,
        .indefinite = header->indefinite,
        .string = string,
    };
    bool segment = surrounding_string(ber) != NO_STRING;
    if (ber->out != NULL && !segment) {
        level.mark = der_open(ber->out, string != NO_STRING ? string : header->tag);
        if (string == DER_BIT_STRING)
            buf_add_octet(ber->out, 0);
    }
    if (!segment)
        ber->unused_bits = 0;
    ber->levels[ber->depth++] = level;
}

static enum status enter_constructed(struct ber *ber, const struct ber_header *header, struct err *err)
{
    uint8_t string = surrounding_string(ber);
    if (ber->depth == LEVELS_MAX)
        return ERR(err, STATUS_LIMIT, "BER: more than %d levels", LEVELS_MAX);
    if (string == NO_STRING && header->tag < 0x40 && header->tag != DER_SEQUENCE && header->tag != DER_SET) {
        string = header->tag & (uint8_t)~0x20;
        if (!is_string(string))
            return ERR(err, STATUS_MALFORMED, "BER: tag 0x%02x, a type that is never constructed",
                       header->tag);
        ber->changes = true;
    }
    open_level(ber, header, string);
    return STATUS_OK;
}

/* X.690 section 8.6.4: each segment but the last has whole octets. */
static enum status join_bits(struct ber *ber, struct span content, struct err *err)
{
    if (ber->unused_bits != 0)
        return ERR(err, STATUS_MALFORMED, "BER: unused bits before the last segment of a BIT STRING");
    if (content.len == 0 || content.data[0] > 7 || (content.len == 1 && content.data[0] != 0))
        return ERR(err, STATUS_MALFORMED, "BER: segment of a BIT STRING with a wrong first octet");
    ber->unused_bits = content.data[0];
    if (ber->out != NULL)
        buf_add(ber->out, SPAN(content.data + 1, content.len - 1));
    return STATUS_OK;
}

static enum status take_primitive(struct ber *ber, const struct ber_header *header, struct err *err)
{
    if (header->indefinite)
        return ERR(err, STATUS_MALFORMED, "BER: primitive tag 0x%02x with an indefinite length", header->tag);
    struct span content = SPAN(ber->next, header->len);
    uint8_t string = surrounding_string(ber);
    if (string == DER_BIT_STRING)
        TRY(join_bits(ber, content, err));
    else if (ber->out != NULL && string != NO_STRING)
        buf_add(ber->out, content);
    else if (ber->out != NULL)
        der_put(ber->out, header->tag, content);
    ber->next += header->len;
    return STATUS_OK;
}

static enum status take_tlv(struct ber *ber, struct err *err)
{
    struct ber_header header = {.tag = 0};
    uint8_t string = surrounding_string(ber);
    TRY(read_header(ber, &header, err));
    if (string != NO_STRING)
        TRY(check_segment(string, header.tag, err));
    if ((header.tag & 0x20) != 0)
        return enter_constructed(ber, &header, err);
    return take_primitive(ber, &header, err);
}

/* Definite: at its end. Indefinite: takes the end-of-contents octets if they are next. */
static bool level_ends(struct ber *ber, const struct level *level)
{
    if (!level->indefinite)
        return ber->next == level->end;
    if (level->end - ber->next < 2 || ber->next[0] != 0 || ber->next[1] != 0)
        return false;
    ber->next += 2;
    return true;
}

static void close_levels(struct ber *ber)
{
    while (ber->depth > 0 && level_ends(ber, &ber->levels[ber->depth - 1])) {
        const struct level *level = &ber->levels[--ber->depth];
        if (ber->out == NULL || surrounding_string(ber) != NO_STRING)
            continue;
        if (level->string == DER_BIT_STRING && ber->out->failed == STATUS_OK)
            ber->out->data[level->mark] = ber->unused_bits;
        der_close(ber->out, level->mark);
    }
}

static enum status walk(struct ber *ber, struct err *err)
{
    do {
        TRY(take_tlv(ber, err));
        close_levels(ber);
    } while (ber->depth > 0);
    if (ber->next != ber->end)
        return ERR(err, STATUS_MALFORMED, "BER: %zu trailing octets, the first is 0x%02x",
                   (size_t)(ber->end - ber->next), *ber->next);
    return STATUS_OK;
}

enum status ber_to_der(struct span in, struct buf *scratch, struct span *out, struct err *err)
{
    if (in.len == 0)
        return ERR(err, STATUS_MALFORMED, "BER: no octets at all");
    struct ber look = {.next = in.data, .end = in.data + in.len};
    TRY(walk(&look, err));
    if (!look.changes) {
        *out = in;
        return STATUS_OK;
    }
    buf_clear(scratch);
    struct ber write = {.next = in.data, .end = in.data + in.len, .out = scratch};
    TRY(walk(&write, err));
    TRY(buf_status(scratch, "BER turned into DER", err));
    *out = buf_span(scratch);
    return STATUS_OK;
}

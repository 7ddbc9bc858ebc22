/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing names as RFC 5280 section 7.1 asks: case, string types and runs of
 * blanks do not count (RFC 4518 sections 2.2 and 2.6.1). Case is folded for the
 * Latin, Greek and Cyrillic alphabets; characters are not normalised (NFKC), so
 * that a composed and a decomposed letter differ.
 */
#include "name_private.h"

/* ---- one value, character by character in its folded form ---- */

struct folded {
    const char *next;
    bool started;
};

static bool is_blank(uint32_t c)
{
    return c == 0x20 || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

/* Latin Extended-A: capital and small letter are neighbours, capitals even or odd by block. */
static uint32_t lower_latin_a(uint32_t c)
{
    if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x17f)
        return c;
    if (c == 0x178)
        return 0xff;
    if ((c >= 0x139 && c <= 0x148) || c >= 0x179)
        return c + (c & 1);
    return c | 1;
}

static uint32_t lower(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) ||
        (c >= 0x391 && c <= 0x3ab && c != 0x3a2) || (c >= 0x410 && c <= 0x42f))
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40f)
        return c + 0x50;
    if (c >= 0x100 && c <= 0x17f)
        return lower_latin_a(c);
    return c;
}

/* The next character; blanks at the ends are left out, runs of them are one space; 0 at the end. */
static uint32_t folded_next(struct folded *folded)
{
    const char *ahead = folded->next;
    bool blank = false;
    uint32_t c = name_next_character(&ahead);

    while (is_blank(c)) {
        blank = true;
        folded->next = ahead;
        c = name_next_character(&ahead);
    }
    if (c == 0)
        return 0;
    if (blank && folded->started)
        return 0x20;
    folded->started = true;
    folded->next = ahead;
    return lower(c);
}

bool name_value_equal(const char *a, const char *b)
{
    struct folded left = {.next = a};
    struct folded right = {.next = b};
    uint32_t c = 0;

    do {
        c = folded_next(&left);
        if (c != folded_next(&right))
            return false;
    } while (c != 0);
    return true;
}

/* ---- whole names ---- */

static bool ava_equal(const struct name_ava *a, const struct name_ava *b)
{
    return span_equal(buf_span(&a->type), buf_span(&b->type)) && name_value_equal(a->value, b->value);
}

/* How many attributes the RDN that starts at first has. */
static size_t rdn_len(const struct name *name, size_t first)
{
    size_t end = first + 1;

    while (end < name->count && name->avas[end].with_previous)
        end++;
    return end - first;
}

static bool rdn_equal(const struct name_ava *a, const struct name_ava *b, size_t count)
{
    uint32_t taken = 0;

    _Static_assert(NAME_AVA_MAX <= 32, "one bit per attribute");
    for (size_t i = 0; i < count; i++) {
        size_t j = 0;
        while (j < count && ((taken >> j & 1) != 0 || !ava_equal(&a[i], &b[j])))
            j++;
        if (j == count)
            return false;
        taken |= UINT32_C(1) << j;
    }
    return true;
}

bool name_equal(const struct name *a, const struct name *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count;) {
        size_t len = rdn_len(a, i);
        if (rdn_len(b, i) != len || !rdn_equal(&a->avas[i], &b->avas[i], len))
            return false;
        i += len;
    }
    return true;
}

/* ---- canonical form: a SEQUENCE of SETs of attributes with folded values, lengths as DER has them ---- */

static void put_folded(const char *value, struct buf *out)
{
    struct folded folded = {.next = value};
    size_t mark = der_open(out, DER_UTF8_STRING);

    for (uint32_t c = folded_next(&folded); c != 0; c = folded_next(&folded))
        name_put_character(out, c);
    der_close(out, mark);
}

void name_canonical(const struct name *name, struct buf *out)
{
    size_t rdns = der_open(out, DER_SEQUENCE);

    for (size_t i = 0; i < name->count;) {
        size_t rdn = der_open(out, DER_SET);
        for (size_t end = i + rdn_len(name, i); i < end; i++) {
            size_t ava = der_open(out, DER_SEQUENCE);
            der_put(out, DER_OID, buf_span(&name->avas[i].type));
            put_folded(name->avas[i].value, out);
            der_close(out, ava);
        }
        der_close_set_of(out, rdn);
    }
    der_close(out, rdns);
}

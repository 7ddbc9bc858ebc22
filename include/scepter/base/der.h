/* SPDX-License-Identifier: Apache-2.0
 *
 * DER (X.690): a bounded reader that allocates nothing and does not recurse, and a writer into a buf.
 *
 * A reader stands before the next TLV of some content octets. Tags are single octets (class, constructed
 * bit and number 0 to 30: all that X.509, CMS and SCEP use); high tag numbers are refused. Lengths are
 * definite and minimal; BER that SCEP clients send goes through ber_to_der first. `what` names the field
 * for the error text, with its section ("signerInfos (RFC 5652 section 5.1)"). Failure is
 * STATUS_MALFORMED unless another status is named. Thread-safe: no state beside the arguments.
 */
#ifndef SCEPTER_BASE_DER_H
#define SCEPTER_BASE_DER_H

#include "buf.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTF8_STRING = 0x0c,
    DER_NUMERIC_STRING = 0x12,
    DER_PRINTABLE_STRING = 0x13,
    DER_T61_STRING = 0x14,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_VISIBLE_STRING = 0x1a,
    DER_UNIVERSAL_STRING = 0x1c,
    DER_BMP_STRING = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};
/* Context-specific tags: [n] of a primitive (implicit string …) and of a constructed type. */
#define DER_CONTEXT(n)             ((uint8_t)(0x80 | (n)))
#define DER_CONTEXT_CONSTRUCTED(n) ((uint8_t)(0xa0 | (n)))

/* ---- reading ---- */

struct der_reader {
    const uint8_t *next;
    const uint8_t *end;
};

/* One TLV: its tag, its contents, and the whole of it with tag and length. */
struct der_tlv {
    uint8_t tag;
    struct span content;
    struct span whole;
};

static inline struct der_reader der_reader(struct span octets)
{
    return (struct der_reader){octets.data, octets.len > 0 ? octets.data + octets.len : octets.data};
}

static inline bool der_at_end(const struct der_reader *reader)
{
    return reader->next == reader->end;
}

/* The next tag, or 0 at the end. */
static inline uint8_t der_peek(const struct der_reader *reader)
{
    return der_at_end(reader) ? 0 : *reader->next;
}

/* Takes the next TLV whatever it is. */
NODISCARD enum status der_any(struct der_reader *reader, struct der_tlv *tlv, const char *what,
                              struct err *err);
/* Takes the next TLV, which must have this tag, and gives its contents. */
NODISCARD enum status der_take(struct der_reader *reader, uint8_t tag, struct span *content, const char *what,
                               struct err *err);
/* The same, and gives the whole TLV. */
NODISCARD enum status der_take_whole(struct der_reader *reader, uint8_t tag, struct span *whole,
                                     const char *what, struct err *err);
/* Takes the next TLV of a constructed tag and gives a reader of its contents. */
NODISCARD enum status der_enter(struct der_reader *reader, uint8_t tag, struct der_reader *inner,
                                const char *what, struct err *err);
/* Takes the TLV if the next tag is this one (*present), else leaves the reader where it is. */
NODISCARD enum status der_optional(struct der_reader *reader, uint8_t tag, struct span *content,
                                   bool *present, const char *what, struct err *err);
/* Refuses trailing octets. */
NODISCARD enum status der_finish(const struct der_reader *reader, const char *what, struct err *err);
/* The one TLV of that tag that fills octets entirely: a reader of its contents. */
NODISCARD enum status der_open_whole(struct span octets, uint8_t tag, struct der_reader *inner,
                                     const char *what, struct err *err);

/* INTEGER: minimal two's complement. As octets (sign octet kept; at most max_len octets or STATUS_LIMIT). */
NODISCARD enum status der_take_integer(struct der_reader *reader, struct span *octets, size_t max_len,
                                       const char *what, struct err *err);
/* INTEGER that must be 0 <= value <= max. */
NODISCARD enum status der_take_uint(struct der_reader *reader, uint64_t *value, uint64_t max,
                                    const char *what, struct err *err);
NODISCARD enum status der_take_bool(struct der_reader *reader, bool *value, const char *what,
                                    struct err *err);
NODISCARD enum status der_take_null(struct der_reader *reader, const char *what, struct err *err);
/* OBJECT IDENTIFIER: its content octets, each arc minimal, at most 64 octets. */
NODISCARD enum status der_take_oid(struct der_reader *reader, struct span *oid, const char *what,
                                   struct err *err);
/* BIT STRING with whole octets only (keys, signatures). */
NODISCARD enum status der_take_bits(struct der_reader *reader, struct span *octets, const char *what,
                                    struct err *err);
/* BIT STRING as named bits, bit n of the string being 1u << n; at most 16 named bits. Trailing zero bits,
 * which a DER writer drops (X.690 section 11.2.2), are passed over. */
NODISCARD enum status der_take_flags(struct der_reader *reader, unsigned *flags, const char *what,
                                     struct err *err);
/* UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 writes them (Z, seconds). Unix seconds. */
NODISCARD enum status der_take_time(struct der_reader *reader, int64_t *unix_s, const char *what,
                                    struct err *err);
/* Any of the string types of RFC 5280 section 4.1.2.4, UTF-8, BMP, Universal, T61 (as Latin-1), Printable,
 * IA5, Visible and Numeric, appended to out as UTF-8. Printable and Numeric may hold any printable ASCII, as
 * devices send it. NUL characters and ill-formed strings are refused. */
NODISCARD enum status der_string_utf8(uint8_t tag, struct span content, struct buf *out, const char *what,
                                      struct err *err);

/* BER with indefinite lengths, long-form lengths and constructed strings (X.690 sections 8.1.3.6 and 8.7)
 * into DER lengths and primitive strings, order untouched. in is one TLV; octets behind it are refused. If in
 * is already so, *out = in and scratch stays empty; otherwise *out borrows scratch. At most 24 levels and
 * 20,000 TLVs: STATUS_LIMIT. */
NODISCARD enum status ber_to_der(struct span in, struct buf *scratch, struct span *out, struct err *err);

/* ---- writing: into a buf, whose failure is sticky ---- */

/* Opens a TLV; close it with the mark that came back, innermost first. */
size_t der_open(struct buf *out, uint8_t tag);
void der_close(struct buf *out, size_t mark);
/* Closes a SET OF: its elements are sorted as DER asks (X.690 section 11.6). At most 64 elements, else the
 * buf fails with STATUS_LIMIT. */
void der_close_set_of(struct buf *out, size_t mark);

void der_put(struct buf *out, uint8_t tag, struct span content);
/* Unsigned big-endian octets as a positive INTEGER: leading zeros dropped, a sign octet added. */
void der_put_unsigned(struct buf *out, struct span magnitude);
void der_put_uint(struct buf *out, uint64_t value);
void der_put_bool(struct buf *out, bool value);
void der_put_null(struct buf *out);
void der_put_bits(struct buf *out, struct span octets);
/* Named bits, trailing zero bits dropped (X.690 section 11.2.2). */
void der_put_flags(struct buf *out, unsigned flags);
/* UTCTime from 1950 to 2049, else GeneralizedTime (RFC 5280 section 4.1.2.5). A time before year 0 or after
 * 9999 is written as the first or last second that GeneralizedTime can say. */
void der_put_time(struct buf *out, int64_t unix_s);
void der_put_generalized_time(struct buf *out, int64_t unix_s);

#endif

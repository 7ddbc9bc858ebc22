/* SPDX-License-Identifier: Apache-2.0
 *
 * The DER reader held against OpenSSL's, value by value, and BER turned into DER: what ber_to_der gives, the
 * reader reads to its last leaf, and turning it again changes nothing.
 */
#include "fuzz.h"

#include "der.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#define CONSTRUCTED 0x20
#define DEPTH_MAX   24

/* Tag, class and length as OpenSSL reads them. */
static void hold_header(const struct der_tlv *tlv)
{
    const unsigned char *at = tlv->whole.data;
    long len = 0;
    int tag = 0, class = 0;
    int flags = ASN1_get_object(&at, &len, &tag, &class, (long)tlv->whole.len);
    PROMISE((flags & 0x80) == 0);
    PROMISE((flags & V_ASN1_CONSTRUCTED) == (tlv->tag & CONSTRUCTED));
    PROMISE((uint8_t)(class | (flags & V_ASN1_CONSTRUCTED) | tag) == tlv->tag);
    PROMISE(at == tlv->content.data && (size_t)len == tlv->content.len);
}

static void hold_uint(struct der_reader reader, struct span whole)
{
    struct err err = {0};
    struct der_reader copy = reader;
    struct span octets;
    uint64_t value = 0, theirs = 0;
    if (!fuzz_ok(der_take_integer(&reader, &octets, 64, "n", &err), &err))
        return;
    const unsigned char *at = whole.data;
    ASN1_INTEGER *integer = d2i_ASN1_INTEGER(NULL, &at, (long)whole.len);
    PROMISE(integer != NULL && at == whole.data + whole.len);
    if (fuzz_ok(der_take_uint(&copy, &value, UINT64_MAX, "n", &err), &err))
        PROMISE(ASN1_INTEGER_get_uint64(&theirs, integer) == 1 && theirs == value);
    ASN1_INTEGER_free(integer);
}

static void hold_oid(struct der_reader reader, struct span whole)
{
    struct err err = {0};
    struct span oid;
    if (!fuzz_ok(der_take_oid(&reader, &oid, "oid", &err), &err))
        return;
    const unsigned char *at = whole.data;
    ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)whole.len);
    PROMISE(object != NULL && at == whole.data + whole.len);
    PROMISE(span_equal(oid, SPAN(OBJ_get0_data(object), (size_t)OBJ_length(object))));
    ASN1_OBJECT_free(object);
}

static void hold_bits(struct der_reader reader, struct span whole)
{
    struct err err = {0};
    struct span bits;
    if (!fuzz_ok(der_take_bits(&reader, &bits, "bits", &err), &err))
        return;
    const unsigned char *at = whole.data;
    ASN1_BIT_STRING *theirs = d2i_ASN1_BIT_STRING(NULL, &at, (long)whole.len);
    PROMISE(theirs != NULL && at == whole.data + whole.len);
    PROMISE(span_equal(bits, SPAN(ASN1_STRING_get0_data(theirs), (size_t)ASN1_STRING_length(theirs))));
    ASN1_BIT_STRING_free(theirs);
}

/* Named bits, one by one. */
static void hold_flags(struct der_reader reader, struct span whole)
{
    struct err err = {0};
    unsigned flags = 0;
    if (!fuzz_ok(der_take_flags(&reader, &flags, "flags", &err), &err))
        return;
    const unsigned char *at = whole.data;
    ASN1_BIT_STRING *theirs = d2i_ASN1_BIT_STRING(NULL, &at, (long)whole.len);
    PROMISE(theirs != NULL);
    for (int bit = 0; bit < 16; bit++)
        PROMISE(((flags >> bit) & 1u) == (unsigned)ASN1_BIT_STRING_get_bit(theirs, bit));
    ASN1_BIT_STRING_free(theirs);
}

static void hold_time(struct der_reader reader, struct span whole)
{
    struct err err = {0};
    int64_t unix_s = 0;
    struct tm parts = {0};
    if (!fuzz_ok(der_take_time(&reader, &unix_s, "time", &err), &err))
        return;
    const unsigned char *at = whole.data;
    ASN1_TIME *theirs = d2i_ASN1_TIME(NULL, &at, (long)whole.len);
    PROMISE(theirs != NULL && ASN1_TIME_to_tm(theirs, &parts) == 1);
    PROMISE((int64_t)timegm(&parts) == unix_s);
    ASN1_TIME_free(theirs);
}

static void hold_string(const struct der_tlv *tlv)
{
    struct err err = {0};
    AUTO(buf) struct buf text = BUF(1 << 20);
    if (!fuzz_ok(der_string_utf8(tlv->tag, tlv->content, &text, "text", &err), &err))
        return;
    const unsigned char *at = tlv->whole.data;
    unsigned char *utf8 = NULL;
    ASN1_TYPE *theirs = d2i_ASN1_TYPE(NULL, &at, (long)tlv->whole.len);
    PROMISE(theirs != NULL);
    int len = ASN1_STRING_to_UTF8(&utf8, theirs->value.asn1_string);
    PROMISE(len >= 0 && span_equal(SPAN(utf8, (size_t)len), buf_span(&text)));
    OPENSSL_free(utf8);
    ASN1_TYPE_free(theirs);
}

static void hold_value(const struct der_tlv *tlv)
{
    struct err err = {0};
    struct der_reader reader = der_reader(tlv->whole), copy = reader;
    bool truth;
    hold_header(tlv);
    hold_uint(reader, tlv->whole);
    hold_oid(reader, tlv->whole);
    hold_bits(reader, tlv->whole);
    hold_flags(reader, tlv->whole);
    hold_time(reader, tlv->whole);
    hold_string(tlv);
    if (fuzz_ok(der_take_bool(&copy, &truth, "bool", &err), &err))
        PROMISE(der_at_end(&copy) && truth == (tlv->content.data[0] != 0));
    copy = reader;
    if (fuzz_ok(der_take_null(&copy, "null", &err), &err))
        PROMISE(der_at_end(&copy) && tlv->content.len == 0);
}

/* Whether it can be read to the leaves. */
static bool walk(struct span octets, size_t depth)
{
    struct err err = {0};
    struct der_reader reader = der_reader(octets);
    struct der_tlv tlv;
    while (!der_at_end(&reader)) {
        PROMISE(der_peek(&reader) == *reader.next);
        if (!fuzz_ok(der_any(&reader, &tlv, "a value", &err), &err))
            return false;
        hold_value(&tlv);
        if ((tlv.tag & CONSTRUCTED) != 0 && depth < DEPTH_MAX && !walk(tlv.content, depth + 1))
            return false;
    }
    return fuzz_ok(der_finish(&reader, "values", &err), &err);
}

static void hold_ber(struct span octets)
{
    struct err err = {0};
    AUTO(buf) struct buf scratch = BUF(1 << 20);
    AUTO(buf) struct buf again = BUF(1 << 20);
    struct span der, same;
    if (!fuzz_ok(ber_to_der(octets, &scratch, &der, &err), &err))
        return;
    fuzz_accepted++;
    PROMISE(walk(der, 0));
    PROMISE(ber_to_der(der, &again, &same, &err) == STATUS_OK);
    PROMISE(again.len == 0 && same.data == der.data && same.len == der.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span octets = SPAN(data, size);
    (void)walk(octets, 0);
    hold_ber(octets);
    ERR_clear_error();
    return 0;
}

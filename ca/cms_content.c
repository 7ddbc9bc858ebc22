/* SPDX-License-Identifier: Apache-2.0
 *
 * The pieces of RFC 5652 that signed and enveloped data have in common. No cryptography.
 */
#include "cms_private.h"

enum status cms_open_content(struct span der, enum oid type, struct der_reader *inner, struct err *err)
{
    static const char what[] = "ContentInfo (RFC 5652 section 3)";
    struct der_reader outer;
    struct der_reader field;
    struct span oid;
    TRY(der_open_whole(der, DER_SEQUENCE, &outer, what, err));
    TRY(der_take_oid(&outer, &oid, "contentType (RFC 5652 section 3)", err));
    if (oid_find(oid) != type)
        return ERR(err, STATUS_MALFORMED, "a CMS message is no %s (RFC 5652 section 3)", oid_name(type));
    TRY(der_enter(&outer, DER_CONTEXT_CONSTRUCTED(0), &field, "content (RFC 5652 section 3)", err));
    TRY(der_finish(&outer, what, err));
    TRY(der_enter(&field, DER_SEQUENCE, inner, oid_name(type), err));
    return der_finish(&field, "content (RFC 5652 section 3)", err);
}

struct cms_marks cms_begin_content(struct buf *out, enum oid type)
{
    struct cms_marks marks;
    marks.marks[0] = der_open(out, DER_SEQUENCE);
    der_put_oid(out, type);
    marks.marks[1] = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    marks.marks[2] = der_open(out, DER_SEQUENCE);
    return marks;
}

void cms_end_content(struct buf *out, const struct cms_marks *marks)
{
    for (size_t i = 3; i > 0; i--)
        der_close(out, marks->marks[i - 1]);
}

enum status cms_take_algorithm(struct der_reader *reader, struct span *oid, struct span *parameters,
                               const char *what, struct err *err)
{
    struct der_reader inner;
    struct der_tlv tlv = {.whole = SPAN_NONE};
    TRY(der_enter(reader, DER_SEQUENCE, &inner, what, err));
    TRY(der_take_oid(&inner, oid, what, err));
    if (!der_at_end(&inner))
        TRY(der_any(&inner, &tlv, what, err));
    *parameters = tlv.whole;
    return der_finish(&inner, what, err);
}

bool cms_no_parameters(struct span parameters)
{
    return parameters.len == 0 || span_equal(parameters, SPAN("\x05\x00", 2));
}

enum status cms_take_issuer_serial(struct der_reader *reader, struct span *issuer, struct span *serial,
                                   struct err *err)
{
    static const char what[] = "issuerAndSerialNumber (RFC 5652 section 10.2.4)";
    struct der_reader inner;
    TRY(der_enter(reader, DER_SEQUENCE, &inner, what, err));
    TRY(der_take_whole(&inner, DER_SEQUENCE, issuer, what, err));
    TRY(der_take_integer(&inner, serial, CERTIFICATE_SERIAL_MAX_LEN, what, err));
    return der_finish(&inner, what, err);
}

void cms_put_issuer_serial(struct buf *out, const struct certificate *certificate)
{
    size_t mark = der_open(out, DER_SEQUENCE);
    buf_add(out, certificate->issuer_der);
    der_put(out, DER_INTEGER, certificate->serial_octets);
    der_close(out, mark);
}

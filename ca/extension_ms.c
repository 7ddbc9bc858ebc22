/* SPDX-License-Identifier: Apache-2.0
 *
 * Microsoft's extensions, which Windows, domain controllers and certutil read: template
 * name and information, application policies, SID, CA version, next CRL publication.
 * None is critical. Values are taken as given; who may have a SID is for templates/.
 */
#include "extension.h"

#include "text.h"

/* One character of well-formed UTF-8; its octets. */
static size_t utf8_character(const uint8_t *at, uint32_t *character)
{
    static const uint8_t lead_mask[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t len = 4;
    if (at[0] < 0x80)
        len = 1;
    else if (at[0] < 0xe0)
        len = 2;
    else if (at[0] < 0xf0)
        len = 3;
    *character = at[0] & lead_mask[len];
    for (size_t i = 1; i < len; i++)
        *character = *character << 6 | (at[i] & 0x3f);
    return len;
}

enum status extension_template_name(struct buf *out, const char *name, struct err *err)
{
    struct span octets = SPAN_STR(name);
    if (!utf8_valid(octets))
        return ERR(err, STATUS_MALFORMED, "the template name is not UTF-8");
    AUTO(buf) struct buf wide = BUF(4096);
    for (size_t at = 0; at < octets.len;) {
        uint32_t character = 0;
        at += utf8_character(octets.data + at, &character);
        if (character > 0xffff)
            return ERR(err, STATUS_MALFORMED,
                       "template name \"%s\" holds a character beyond U+FFFF, which a BMPString cannot say",
                       name);
        buf_add_octet(&wide, (uint8_t)(character >> 8));
        buf_add_octet(&wide, (uint8_t)character);
    }
    TRY(buf_status(&wide, "the template name", err));
    struct extension_mark mark = extension_open(out, OID_MS_TEMPLATE_NAME, false);
    der_put(out, DER_BMP_STRING, buf_span(&wide));
    extension_close(out, mark);
    return STATUS_OK;
}

/* CertificateTemplateOID ::= SEQUENCE { templateID, majorVersion OPTIONAL, minorVersion OPTIONAL } */
void extension_template_info(struct buf *out, struct span oid, int64_t major, int64_t minor)
{
    struct extension_mark mark = extension_open(out, OID_MS_TEMPLATE_INFO, false);
    size_t sequence = der_open(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid);
    der_put_uint(out, (uint64_t)major);
    der_put_uint(out, (uint64_t)minor);
    der_close(out, sequence);
    extension_close(out, mark);
}

/* The syntax of certificate policies, each without qualifiers. */
void extension_application_policies(struct buf *out, const struct buf *oids, size_t count)
{
    if (count == 0)
        return;
    struct extension_mark mark = extension_open(out, OID_MS_APPLICATION_POLICIES, false);
    size_t sequence = der_open(out, DER_SEQUENCE);
    for (size_t i = 0; i < count; i++) {
        size_t policy = der_open(out, DER_SEQUENCE);
        der_put(out, DER_OID, buf_span(&oids[i]));
        der_close(out, policy);
    }
    der_close(out, sequence);
    extension_close(out, mark);
}

/* SEQUENCE { [0] { szOID_NTDS_OBJECTSID, [0] { OCTET STRING } } }: GeneralNames with one otherName */
void extension_sid(struct buf *out, const char *sid)
{
    struct extension_mark mark = extension_open(out, OID_MS_SID_EXTENSION, false);
    size_t sequence = der_open(out, DER_SEQUENCE);
    size_t other_name = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    der_put_oid(out, OID_MS_SID);
    size_t value = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    der_put(out, DER_OCTET_STRING, SPAN_STR(sid));
    der_close(out, value);
    der_close(out, other_name);
    der_close(out, sequence);
    extension_close(out, mark);
}

void extension_ca_version(struct buf *out, int64_t key_index, int64_t certificate_index)
{
    struct extension_mark mark = extension_open(out, OID_MS_CA_VERSION, false);
    der_put_uint(out, (uint64_t)key_index << 16 | (uint64_t)certificate_index);
    extension_close(out, mark);
}

void extension_next_publish(struct buf *out, int64_t time_s)
{
    struct extension_mark mark = extension_open(out, OID_MS_NEXT_PUBLISH, false);
    der_put_time(out, time_s);
    extension_close(out, mark);
}

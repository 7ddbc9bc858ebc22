/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing SignedData (RFC 5652 section 5): with one signer, or the degenerate form that only carries
 * certificates. Clients of many makes read it: version 1, digests without parameters (RFC 5754 section 2),
 * rsaEncryption as the signature algorithm of RSA, certificates in the order given.
 */
#include "cms_private.h"

#define ATTRIBUTES_MAX_LEN 65536
#define SIGNATURE_MAX_LEN  2048

static size_t begin_attribute(struct buf *out, struct span oid)
{
    size_t mark = der_open(out, DER_SEQUENCE);
    der_put(out, DER_OID, oid);
    return mark;
}

static void put_attribute(struct buf *out, struct span oid, struct span value)
{
    size_t mark = begin_attribute(out, oid);
    der_put(out, DER_SET, value);
    der_close(out, mark);
}

/* The SET OF attributes that is signed, in DER order (RFC 5652 section 5.4). */
static enum status encode_attributes(const struct cms_signing *signing, struct span content, struct buf *out,
                                     struct err *err)
{
    uint8_t digest[DIGEST_MAX_LEN];
    TRY(digest_compute(signing->digest, content, digest, err));
    size_t set = der_open(out, DER_SET);
    size_t attribute = begin_attribute(out, oid_octets(OID_CONTENT_TYPE));
    size_t values = der_open(out, DER_SET);
    der_put_oid(out, OID_DATA);
    der_close(out, values);
    der_close(out, attribute);
    attribute = begin_attribute(out, oid_octets(OID_MESSAGE_DIGEST));
    values = der_open(out, DER_SET);
    der_put(out, DER_OCTET_STRING, SPAN(digest, digest_len(signing->digest)));
    der_close(out, values);
    der_close(out, attribute);
    for (size_t i = 0; i < signing->attribute_count; i++)
        put_attribute(out, signing->attributes[i].oid, signing->attributes[i].value);
    der_close_set_of(out, set);
    return buf_status(out, "the signed attributes", err);
}

/* Empty content, a SCEP reply without an envelope (RFC 8894 section 3.3.2), is an empty eContent and not an
 * absent one: readers by PKCS #7 (certmonger, OpenSSL's PKCS7_verify) take the latter for a detached
 * signature. */
static void put_content(struct buf *out, struct span content)
{
    size_t info = der_open(out, DER_SEQUENCE);
    der_put_oid(out, OID_DATA);
    size_t field = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    der_put(out, DER_OCTET_STRING, content);
    der_close(out, field);
    der_close(out, info);
}

static void put_certificates(struct buf *out, const struct span *certificates, size_t count)
{
    if (count == 0)
        return;
    size_t field = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    for (size_t i = 0; i < count; i++)
        buf_add(out, certificates[i]);
    der_close(out, field);
}

static void put_signer(struct buf *out, const struct cms_signing *signing, struct span attributes,
                       struct span signature)
{
    size_t set = der_open(out, DER_SET);
    size_t signer = der_open(out, DER_SEQUENCE);
    der_put_uint(out, 1);
    cms_put_issuer_serial(out, signing->certificate);
    der_put_algorithm(out, digest_oid(signing->digest), false);
    buf_add_octet(out, DER_CONTEXT_CONSTRUCTED(0));
    buf_add(out, SPAN(attributes.data + 1, attributes.len - 1));
    if (pubkey_type(key_public(signing->key)) == KEY_RSA)
        der_put_algorithm(out, OID_RSA, true);
    else
        sigalg_encode(out, KEY_EC, signing->digest);
    der_put(out, DER_OCTET_STRING, signature);
    der_close(out, signer);
    der_close(out, set);
}

enum status cms_signed_encode(const struct cms_signing *signing, struct span content, struct buf *out,
                              struct err *err)
{
    AUTO(buf) struct buf attributes = BUF(ATTRIBUTES_MAX_LEN);
    AUTO(buf) struct buf signature = BUF(SIGNATURE_MAX_LEN);
    TRY(encode_attributes(signing, content, &attributes, err));
    TRY(key_sign(signing->key, signing->digest, buf_span(&attributes), &signature, err));
    struct cms_marks marks = cms_begin_content(out, OID_SIGNED_DATA);
    der_put_uint(out, 1);
    size_t set = der_open(out, DER_SET);
    der_put_algorithm(out, digest_oid(signing->digest), false);
    der_close(out, set);
    put_content(out, content);
    put_certificates(out, signing->certificates, signing->certificate_count);
    put_signer(out, signing, buf_span(&attributes), buf_span(&signature));
    cms_end_content(out, &marks);
    return buf_status(out, "a signed message", err);
}

void cms_certificates_encode(const struct span *certificates, size_t count, struct span crl, struct buf *out)
{
    struct cms_marks marks = cms_begin_content(out, OID_SIGNED_DATA);
    der_put_uint(out, 1);
    der_put(out, DER_SET, SPAN_NONE);
    put_content(out, SPAN_NONE);
    put_certificates(out, certificates, count);
    if (crl.len > 0)
        der_put(out, DER_CONTEXT_CONSTRUCTED(1), crl);
    der_put(out, DER_SET, SPAN_NONE);
    cms_end_content(out, &marks);
}

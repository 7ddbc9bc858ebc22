/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and verifying SignedData (RFC 5652 section 5) with one signer and signed attributes. It does not
 * ask who the signer is.
 */
#include "cms_private.h"

/* ---- attributes ---- */

const struct span *cms_signed_attribute(const struct cms_signed *cms, enum oid oid)
{
    struct span octets = oid_octets(oid);
    for (size_t i = 0; i < cms->attribute_count; i++) {
        if (span_equal(cms->attributes[i].oid, octets))
            return &cms->attributes[i].value;
    }
    return NULL;
}

static enum status check_unseen(const struct cms_signed *cms, struct span oid, struct err *err)
{
    for (size_t i = 0; i < cms->attribute_count; i++) {
        if (span_equal(cms->attributes[i].oid, oid)) {
            AUTO(buf) struct buf text = BUF(512);
            oid_text(&text, oid);
            return ERR(err, STATUS_MALFORMED, "the signed attribute %.*s appears twice (RFC 5652 section 11)",
                       (int)text.len, text.len > 0 ? (const char *)text.data : "");
        }
    }
    return STATUS_OK;
}

/* Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue } */
static enum status take_attribute(struct der_reader *list, struct cms_signed *cms, struct err *err)
{
    static const char what[] = "a signed attribute (RFC 5652 section 5.3)";
    struct der_reader inner;
    struct der_reader values;
    struct der_tlv value;
    struct span oid;
    if (cms->attribute_count == CMS_ATTRIBUTES_MAX)
        return ERR(err, STATUS_LIMIT, "a signer has more than %d signed attributes", CMS_ATTRIBUTES_MAX);
    TRY(der_enter(list, DER_SEQUENCE, &inner, what, err));
    TRY(der_take_oid(&inner, &oid, what, err));
    TRY(check_unseen(cms, oid, err));
    TRY(der_enter(&inner, DER_SET, &values, what, err));
    TRY(der_finish(&inner, what, err));
    TRY(der_any(&values, &value, "the value of a signed attribute (RFC 5652 section 5.3)", err));
    TRY(der_finish(&values, "the one value of a signed attribute (RFC 5652 section 11)", err));
    cms->attributes[cms->attribute_count++] = (struct cms_attribute){oid, value.whole};
    return STATUS_OK;
}

/* The contents of an attribute that must be there and have that tag. */
static enum status need_attribute(const struct cms_signed *cms, enum oid oid, uint8_t tag,
                                  struct span *content, struct err *err)
{
    const struct span *value = cms_signed_attribute(cms, oid);
    if (value == NULL)
        return ERR(err, STATUS_MALFORMED, "the signed attribute %s is missing (RFC 5652 section 5.3)",
                   oid_name(oid));
    struct der_reader reader = der_reader(*value);
    return der_take(&reader, tag, content, oid_name(oid), err);
}

/* RFC 5652 section 5.3: content type and message digest MUST be among them. */
static enum status take_attributes(struct der_reader *signer, struct cms_signed *cms, struct err *err)
{
    struct der_reader list;
    struct span content;
    if (der_peek(signer) != DER_CONTEXT_CONSTRUCTED(0))
        return ERR(err, STATUS_MALFORMED, "a signer has no signed attributes (RFC 8894 section 3.2)");
    TRY(der_take_whole(signer, DER_CONTEXT_CONSTRUCTED(0), &cms->signed_attributes, "signedAttrs", err));
    TRY(der_open_whole(cms->signed_attributes, DER_CONTEXT_CONSTRUCTED(0), &list, "signedAttrs", err));
    while (!der_at_end(&list))
        TRY(take_attribute(&list, cms, err));
    TRY(need_attribute(cms, OID_CONTENT_TYPE, DER_OID, &content, err));
    if (oid_find(content) != OID_DATA)
        return ERR(err, STATUS_MALFORMED,
                   "the signed content type is not the content's (RFC 5652 section 11.1)");
    TRY(need_attribute(cms, OID_MESSAGE_DIGEST, DER_OCTET_STRING, &content, err));
    if (content.len != digest_len(cms->digest))
        return ERR(err, STATUS_MALFORMED, "a message digest of %zu octets is no %s (RFC 5652 section 11.2)",
                   content.len, digest_name(cms->digest));
    return STATUS_OK;
}

/* ---- the signer ---- */

/* SignerIdentifier ::= CHOICE { issuerAndSerialNumber, subjectKeyIdentifier [0] } */
static enum status take_signer_id(struct der_reader *signer, struct cms_signed *cms, struct err *err)
{
    cms->by_ski = der_peek(signer) == DER_CONTEXT(0);
    if (cms->by_ski)
        return der_take(signer, DER_CONTEXT(0), &cms->signer_ski,
                        "subjectKeyIdentifier (RFC 5652 section 5.3)", err);
    return cms_take_issuer_serial(signer, &cms->signer_issuer, &cms->signer_serial, err);
}

static enum status take_digest(struct der_reader *reader, enum digest *digest, struct err *err)
{
    static const char what[] = "digestAlgorithm (RFC 5652 section 5.3)";
    struct span oid;
    struct span parameters;
    TRY(cms_take_algorithm(reader, &oid, &parameters, what, err));
    TRY(digest_from_oid(oid, digest, err));
    if (!cms_no_parameters(parameters))
        return ERR(err, STATUS_MALFORMED, "%s has parameters: NULL or none are allowed", what);
    return STATUS_OK;
}

/* rsaEncryption, or a signature algorithm that names the same digest. */
static enum status take_signature_algorithm(struct der_reader *signer, struct cms_signed *cms,
                                            struct err *err)
{
    struct span algorithm;
    enum digest digest = cms->digest;
    bool digest_given = false;
    TRY(der_take_whole(signer, DER_SEQUENCE, &algorithm, "signatureAlgorithm (RFC 5652 section 5.3)", err));
    TRY(sigalg_decode(algorithm, &cms->signature_key_type, &digest, &digest_given, err));
    if (digest_given && digest != cms->digest)
        return ERR(err, STATUS_MALFORMED,
                   "the signature algorithm has %s, the digest algorithm is %s (RFC 5652 section 5.3)",
                   digest_name(digest), digest_name(cms->digest));
    return STATUS_OK;
}

/* SignerInfo ::= SEQUENCE { version, sid, digestAlgorithm, signedAttrs [0], signatureAlgorithm, signature
 * OCTET STRING, unsignedAttrs [1] OPTIONAL }. The version is not held against sid: clients get it wrong. */
static enum status take_signer(struct der_reader *list, struct cms_signed *cms, struct err *err)
{
    static const char what[] = "SignerInfo (RFC 5652 section 5.3)";
    struct der_reader signer;
    struct span unsigned_attributes;
    uint64_t version = 0;
    bool present = false;
    if (der_at_end(list))
        return ERR(err, STATUS_MALFORMED, "the message has no signer (RFC 8894 section 3.1)");
    TRY(der_enter(list, DER_SEQUENCE, &signer, what, err));
    TRY(der_finish(list, "signerInfos with one signer (RFC 8894 section 3.1)", err));
    TRY(der_take_uint(&signer, &version, 5, what, err));
    TRY(take_signer_id(&signer, cms, err));
    TRY(take_digest(&signer, &cms->digest, err));
    TRY(take_attributes(&signer, cms, err));
    TRY(take_signature_algorithm(&signer, cms, err));
    TRY(der_take(&signer, DER_OCTET_STRING, &cms->signature, "signature (RFC 5652 section 5.3)", err));
    TRY(der_optional(&signer, DER_CONTEXT_CONSTRUCTED(1), &unsigned_attributes, &present, what, err));
    return der_finish(&signer, what, err);
}

/* ---- SignedData ---- */

/* EncapsulatedContentInfo ::= SEQUENCE { eContentType, eContent [0] EXPLICIT OCTET STRING OPTIONAL } */
static enum status take_content(struct der_reader *data, struct cms_signed *cms, struct err *err)
{
    static const char what[] = "encapContentInfo (RFC 5652 section 5.2)";
    struct der_reader info;
    struct der_reader field;
    struct span type;
    TRY(der_enter(data, DER_SEQUENCE, &info, what, err));
    TRY(der_take_oid(&info, &type, what, err));
    if (oid_find(type) != OID_DATA)
        return ERR(err, STATUS_MALFORMED, "the signed content is not id-data (RFC 8894 section 3.2)");
    cms->content = SPAN_NONE;
    if (der_at_end(&info))
        return STATUS_OK;
    TRY(der_enter(&info, DER_CONTEXT_CONSTRUCTED(0), &field, what, err));
    TRY(der_take(&field, DER_OCTET_STRING, &cms->content, "eContent (RFC 5652 section 5.2)", err));
    TRY(der_finish(&field, "eContent (RFC 5652 section 5.2)", err));
    return der_finish(&info, what, err);
}

/* CertificateSet ::= SET OF CertificateChoices, of which the X.509 certificate is the only one taken. */
static enum status take_certificates(struct der_reader *data, struct cms_signed *cms, struct err *err)
{
    static const char what[] = "certificates (RFC 5652 section 5.1)";
    struct der_reader list;
    if (der_peek(data) != DER_CONTEXT_CONSTRUCTED(0))
        return STATUS_OK;
    TRY(der_enter(data, DER_CONTEXT_CONSTRUCTED(0), &list, what, err));
    while (!der_at_end(&list)) {
        if (cms->certificate_count == CMS_CERTIFICATES_MAX)
            return ERR(err, STATUS_LIMIT, "a message carries more than %d certificates",
                       CMS_CERTIFICATES_MAX);
        TRY(der_take_whole(&list, DER_SEQUENCE, &cms->certificates[cms->certificate_count], what, err));
        cms->certificate_count++;
    }
    return STATUS_OK;
}

/* RFC 5652 section 5.1: the signer's digest is meant to be among them, and a verifier may insist. */
static enum status check_digest_listed(struct span algorithms, enum digest digest, struct err *err)
{
    static const char what[] = "digestAlgorithms (RFC 5652 section 5.1)";
    struct der_reader list = der_reader(algorithms);
    bool listed = false;
    while (!der_at_end(&list)) {
        struct span oid;
        struct span parameters;
        TRY(cms_take_algorithm(&list, &oid, &parameters, what, err));
        listed = listed || span_equal(oid, oid_octets(digest_oid(digest)));
    }
    if (!listed)
        return ERR(err, STATUS_MALFORMED, "%s do not list the signer's %s", what, digest_name(digest));
    return STATUS_OK;
}

/* SignedData ::= SEQUENCE { version, digestAlgorithms SET, encapContentInfo, certificates [0] OPTIONAL, crls
 * [1] OPTIONAL, signerInfos SET } */
enum status cms_signed_decode(struct span der, struct cms_signed *out, struct err *err)
{
    struct cms_signed cms = {.content = SPAN_NONE};
    struct der_reader data;
    struct der_reader signers;
    struct span algorithms;
    struct span crls;
    uint64_t version = 0;
    bool present = false;
    TRY(cms_open_content(der, OID_SIGNED_DATA, &data, err));
    TRY(der_take_uint(&data, &version, 5, "version (RFC 5652 section 5.1)", err));
    TRY(der_take(&data, DER_SET, &algorithms, "digestAlgorithms (RFC 5652 section 5.1)", err));
    TRY(take_content(&data, &cms, err));
    TRY(take_certificates(&data, &cms, err));
    TRY(der_optional(&data, DER_CONTEXT_CONSTRUCTED(1), &crls, &present, "crls", err));
    TRY(der_enter(&data, DER_SET, &signers, "signerInfos (RFC 5652 section 5.1)", err));
    TRY(der_finish(&data, "SignedData (RFC 5652 section 5.1)", err));
    TRY(take_signer(&signers, &cms, err));
    TRY(check_digest_listed(algorithms, cms.digest, err));
    *out = cms;
    return STATUS_OK;
}

/* ---- who signed, and whether ---- */

static bool is_signer(const struct cms_signed *cms, const struct certificate *certificate)
{
    if (cms->by_ski)
        return certificate->ski.len > 0 && span_equal(cms->signer_ski, certificate->ski);
    return span_equal(cms->signer_issuer, certificate->issuer_der) &&
           span_equal(cms->signer_serial, certificate->serial_octets);
}

/* A certificate that cannot be read may be anybody's: it is passed over, and told of if none fits. */
enum status cms_signed_signer(const struct cms_signed *cms, struct certificate **out, struct err *err)
{
    enum status unread = STATUS_OK;
    for (size_t i = 0; i < cms->certificate_count; i++) {
        AUTO(certificate) struct certificate *certificate = NULL;
        enum status status = certificate_decode(cms->certificates[i], &certificate, err);
        if (status == STATUS_OK && is_signer(cms, certificate)) {
            *out = MOVE(certificate);
            return STATUS_OK;
        }
        if (status != STATUS_OK)
            unread = status;
    }
    if (unread != STATUS_OK)
        return unread;
    return ERR(err, STATUS_NOT_FOUND,
               "the message does not carry the certificate of its signer (RFC 8894 section 3.1)");
}

static enum status verify_content(const struct cms_signed *cms, struct err *err)
{
    uint8_t digest[DIGEST_MAX_LEN];
    struct span sent;
    TRY(need_attribute(cms, OID_MESSAGE_DIGEST, DER_OCTET_STRING, &sent, err));
    TRY(digest_compute(cms->digest, cms->content, digest, err));
    if (!span_equal(sent, SPAN(digest, digest_len(cms->digest))))
        return ERR(err, STATUS_INTEGRITY,
                   "the message digest is not that of the content (RFC 5652 section 5.6)");
    return STATUS_OK;
}

/* The attributes as they are signed, an explicit SET OF (RFC 5652 section 5.4): in the order sent or as DER
 * sorts them. */
static enum status put_attributes(const struct cms_signed *cms, bool sorted, struct buf *out, struct err *err)
{
    struct der_reader list;
    TRY(der_open_whole(cms->signed_attributes, DER_CONTEXT_CONSTRUCTED(0), &list, "signedAttrs", err));
    size_t mark = der_open(out, DER_SET);
    buf_add(out, SPAN(list.next, (size_t)(list.end - list.next)));
    if (sorted)
        der_close_set_of(out, mark);
    else
        der_close(out, mark);
    return buf_status(out, "signedAttrs", err);
}

enum status cms_signed_verify(const struct cms_signed *cms, const struct pubkey *key, struct err *err)
{
    AUTO(buf) struct buf sent = BUF(cms->signed_attributes.len);
    AUTO(buf) struct buf sorted = BUF(cms->signed_attributes.len);
    if (pubkey_type(key) != cms->signature_key_type)
        return ERR(err, STATUS_INTEGRITY, "the signature algorithm does not fit the signer's key %s",
                   pubkey_text(key));
    TRY(verify_content(cms, err));
    TRY(put_attributes(cms, false, &sent, err));
    enum status status = pubkey_verify(key, cms->digest, buf_span(&sent), cms->signature, err);
    if (status != STATUS_INTEGRITY)
        return status;
    TRY(put_attributes(cms, true, &sorted, err));
    if (span_equal(buf_span(&sent), buf_span(&sorted)))
        return status;
    return pubkey_verify(key, cms->digest, buf_span(&sorted), cms->signature, err);
}

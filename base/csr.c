/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads PKCS#10 requests (RFC 2986). An allow-list: of attributes the challenge and
 * the extension request, of extensions those that a template may look at. Decides
 * nothing and verifies nothing unless asked to.
 */
#include "csr.h"

#include "der.h"
#include "text.h"

#define ATTRIBUTES_MAX    64
#define EXTENSIONS_MAX    64
#define TEMPLATE_NAME_MAX 256

const char *const csr_pem_labels[] = {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", NULL};

/* The OIDs seen so far, so that none comes twice. */
struct seen {
    struct span oids[ATTRIBUTES_MAX];
    size_t count;
};
_Static_assert(EXTENSIONS_MAX <= ATTRIBUTES_MAX, "struct seen serves both");

void csr_free(struct csr *csr)
{
    if (csr == NULL)
        return;
    name_free(&csr->subject);
    pubkey_free(csr->key);
    secret_free(csr->challenge);
    general_names_free(&csr->san);
    free(csr->template_name_text);
    buf_free(&csr->der);
    free(csr);
}

static enum status add_seen(struct seen *seen, struct span oid, const char *what, struct err *err)
{
    AUTO(buf) struct buf text = BUF(512);

    for (size_t i = 0; i < seen->count; i++) {
        if (!span_equal(seen->oids[i], oid))
            continue;
        oid_text(&text, oid);
        buf_add_octet(&text, '\0');
        TRY(buf_status(&text, what, err));
        return ERR(err, STATUS_MALFORMED, "the request has the %s %s twice", what, (const char *)text.data);
    }
    if (seen->count == ATTRIBUTES_MAX)
        return ERR(err, STATUS_LIMIT, "the request has more than %d of: %s", ATTRIBUTES_MAX, what);
    seen->oids[seen->count++] = oid;
    return STATUS_OK;
}

/* ---- extensions ---- */

static enum status read_key_usage(struct csr *csr, struct span value, struct err *err)
{
    struct der_reader reader = der_reader(value);

    TRY(der_take_flags(&reader, &csr->key_usage, "keyUsage (RFC 5280 section 4.2.1.3)", err));
    csr->has_key_usage = true;
    return der_finish(&reader, "keyUsage (RFC 5280 section 4.2.1.3)", err);
}

/* [MS-WCCE] section 2.2.2.7.7.1: one character string, a BMPString */
static enum status read_template_name(struct csr *csr, struct span value, struct err *err)
{
    static const char what[] = "template name ([MS-WCCE] section 2.2.2.7.7.1)";
    AUTO(buf) struct buf text = BUF(TEMPLATE_NAME_MAX);
    struct der_reader reader = der_reader(value);
    struct der_tlv tlv;

    TRY(der_any(&reader, &tlv, what, err));
    TRY(der_finish(&reader, what, err));
    TRY(der_string_utf8(tlv.tag, tlv.content, &text, what, err));
    csr->template_name = tlv.content;
    csr->template_name_text = buf_take_text(&text);
    if (csr->template_name_text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    return STATUS_OK;
}

/* Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
 */
static enum status take_extension(struct der_reader *extensions, struct csr *csr, struct seen *seen,
                                  struct err *err)
{
    static const char what[] = "requested extension (RFC 5280 section 4.2)";
    struct der_reader extension;
    struct span oid;
    struct span value;
    bool critical = false;

    TRY(der_enter(extensions, DER_SEQUENCE, &extension, what, err));
    TRY(der_take_oid(&extension, &oid, what, err));
    TRY(add_seen(seen, oid, "extension", err));
    if (der_peek(&extension) == DER_BOOLEAN)
        TRY(der_take_bool(&extension, &critical, what, err));
    TRY(der_take(&extension, DER_OCTET_STRING, &value, what, err));
    TRY(der_finish(&extension, what, err));
    switch (oid_find(oid)) {
    case OID_SAN:
        return general_names_decode(value, &csr->san, err);
    case OID_KEY_USAGE:
        return read_key_usage(csr, value, err);
    case OID_MS_TEMPLATE_NAME:
        return read_template_name(csr, value, err);
    default:
        return STATUS_OK;
    }
}

/* Extensions ::= SEQUENCE OF Extension; an empty one is sent by some clients and asks for nothing. */
static enum status read_extensions(struct csr *csr, struct der_reader *values, struct err *err)
{
    static const char what[] = "extension request (RFC 2985 section 5.4.2)";
    struct der_reader extensions;
    struct seen seen = {0};

    TRY(der_enter(values, DER_SEQUENCE, &extensions, what, err));
    while (!der_at_end(&extensions))
        TRY(take_extension(&extensions, csr, &seen, err));
    return der_finish(values, "extension request (RFC 2985 section 5.4.2) with more than one value", err);
}

/* ---- attributes ---- */

static enum status read_challenge(struct csr *csr, struct der_reader *values, struct err *err)
{
    static const char what[] = "challengePassword (RFC 2985 section 5.4.1)";
    AUTO(buf) struct buf text = BUF(CSR_CHALLENGE_MAX_LEN);
    struct der_tlv tlv;

    TRY(der_any(values, &tlv, what, err));
    TRY(der_finish(values, "challengePassword (RFC 2985 section 5.4.1) with more than one value", err));
    TRY(der_string_utf8(tlv.tag, tlv.content, &text, what, err));
    csr->challenge_tag = tlv.tag;
    csr->challenge_octets = tlv.content;
    csr->challenge = buf_take_text(&text);
    if (csr->challenge == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    return STATUS_OK;
}

/* EnrollmentNameValuePair ::= SEQUENCE { name BMPString, value BMPString } ([MS-WCCE] section 2.2.2.7.10).
 * AD CS can be told to take a SAN from one (EDITF_ATTRIBUTESUBJECTALTNAME2); we only note that it was tried.
 */
static enum status read_name_values(struct csr *csr, struct der_reader *values, struct err *err)
{
    static const char what[] = "name and value of a request ([MS-WCCE] section 2.2.2.7.10)";

    while (!der_at_end(values)) {
        AUTO(buf) struct buf name = BUF(TEMPLATE_NAME_MAX);
        struct der_reader pair;
        struct der_tlv tlv;

        TRY(der_enter(values, DER_SEQUENCE, &pair, what, err));
        TRY(der_any(&pair, &tlv, what, err));
        TRY(der_string_utf8(tlv.tag, tlv.content, &name, what, err));
        TRY(der_any(&pair, &tlv, what, err));
        TRY(der_finish(&pair, what, err));
        buf_add_octet(&name, '\0');
        TRY(buf_status(&name, what, err));
        csr->san_by_attribute = csr->san_by_attribute || text_equal_nocase((const char *)name.data, "SAN");
    }
    return STATUS_OK;
}

static enum status read_other(struct der_reader *values, struct err *err)
{
    struct der_tlv tlv;

    while (!der_at_end(values))
        TRY(der_any(values, &tlv, "attribute value of a request (RFC 2986 section 4.1)", err));
    return STATUS_OK;
}

/* Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET SIZE (1..MAX) OF ANY } */
static enum status take_attribute(struct der_reader *attributes, struct csr *csr, struct seen *seen,
                                  struct err *err)
{
    static const char what[] = "attribute of a request (RFC 2986 section 4.1)";
    struct der_reader attribute;
    struct der_reader values;
    struct span oid;

    TRY(der_enter(attributes, DER_SEQUENCE, &attribute, what, err));
    TRY(der_take_oid(&attribute, &oid, what, err));
    TRY(der_enter(&attribute, DER_SET, &values, what, err));
    TRY(der_finish(&attribute, what, err));
    if (der_at_end(&values))
        return ERR(err, STATUS_MALFORMED, "%s without a value", what);
    switch (oid_find(oid)) {
    case OID_CHALLENGE_PASSWORD:
        TRY(add_seen(seen, oid, "attribute", err));
        return read_challenge(csr, &values, err);
    case OID_EXTENSION_REQUEST:
    case OID_MS_EXTENSION_REQUEST:
        TRY(add_seen(seen, oid_octets(OID_EXTENSION_REQUEST), "attribute", err));
        return read_extensions(csr, &values, err);
    case OID_MS_NAME_VALUE_PAIR:
        TRY(add_seen(seen, oid, "attribute", err));
        return read_name_values(csr, &values, err);
    default:
        TRY(add_seen(seen, oid, "attribute", err));
        return read_other(&values, err);
    }
}

/* attributes [0] IMPLICIT SET OF Attribute. Some clients leave it out when it is empty. */
static enum status read_attributes(struct der_reader *info, struct csr *csr, struct err *err)
{
    struct der_reader attributes;
    struct seen seen = {0};

    if (der_at_end(info))
        return STATUS_OK;
    TRY(der_enter(info, DER_CONTEXT_CONSTRUCTED(0), &attributes,
                  "attributes of a request (RFC 2986 section 4.1)", err));
    while (!der_at_end(&attributes))
        TRY(take_attribute(&attributes, csr, &seen, err));
    return der_finish(info, "CertificationRequestInfo (RFC 2986 section 4.1)", err);
}

/* ---- the request ---- */

/* CertificationRequestInfo ::= SEQUENCE { version INTEGER, subject Name, subjectPKInfo, attributes } */
static enum status read_info(struct csr *csr, struct err *err)
{
    struct der_reader info;
    struct span spki;
    uint64_t version = 0;

    TRY(der_open_whole(csr->info, DER_SEQUENCE, &info, "CertificationRequestInfo (RFC 2986 section 4.1)",
                       err));
    TRY(der_take_uint(&info, &version, 0, "version of a request (RFC 2986 section 4.1: 0)", err));
    TRY(der_take_whole(&info, DER_SEQUENCE, &csr->subject_der, "subject of a request", err));
    TRY(name_decode(csr->subject_der, &csr->subject, err));
    TRY(der_take_whole(&info, DER_SEQUENCE, &spki, "public key of a request (RFC 2986 section 4.1)", err));
    TRY(pubkey_decode(spki, &csr->key, err));
    return read_attributes(&info, csr, err);
}

static enum status read_signature(struct der_reader *request, struct csr *csr, struct err *err)
{
    struct span algorithm;
    bool digest_given = false;

    TRY(der_take_whole(request, DER_SEQUENCE, &algorithm, "signatureAlgorithm (RFC 2986 section 4.2)", err));
    TRY(sigalg_decode(algorithm, &csr->signature_key_type, &csr->signature_digest, &digest_given, err));
    if (!digest_given)
        return ERR(err, STATUS_ALGORITHM,
                   "the request's signature algorithm is rsaEncryption without a digest; one such as "
                   "sha256WithRSAEncryption is needed");
    return der_take_bits(request, &csr->signature, "signature of a request (RFC 2986 section 4.2)", err);
}

/* CertificationRequest ::= SEQUENCE { CertificationRequestInfo, signatureAlgorithm, signature BIT STRING } */
static enum status read_request(struct csr *csr, struct err *err)
{
    struct der_reader request;

    TRY(der_open_whole(buf_span(&csr->der), DER_SEQUENCE, &request,
                       "CertificationRequest (RFC 2986 section 4.2)", err));
    TRY(der_take_whole(&request, DER_SEQUENCE, &csr->info, "CertificationRequestInfo (RFC 2986 section 4.1)",
                       err));
    TRY(read_signature(&request, csr, err));
    TRY(der_finish(&request, "CertificationRequest (RFC 2986 section 4.2)", err));
    return read_info(csr, err);
}

enum status csr_decode(struct span der, struct csr **out, struct err *err)
{
    AUTO(csr) struct csr *csr = NULL;

    if (der.len > CSR_MAX_LEN)
        return ERR(err, STATUS_LIMIT, "a certificate request of %zu octets; at most %d are allowed", der.len,
                   CSR_MAX_LEN);
    csr = calloc(1, sizeof(*csr));
    if (csr == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    csr->der = BUF(CSR_MAX_LEN);
    buf_add(&csr->der, der);
    TRY(buf_status(&csr->der, "certificate request", err));
    TRY(read_request(csr, err));
    *out = MOVE(csr);
    return STATUS_OK;
}

enum status csr_verify(const struct csr *csr, struct err *err)
{
    enum status status = STATUS_OK;

    if (csr->signature_key_type != pubkey_type(csr->key))
        return ERR(
            err, STATUS_INTEGRITY,
            "the request's signature algorithm is for %s keys but its key is %s (RFC 2986 section 4.2)",
            csr->signature_key_type == KEY_RSA ? "RSA" : "EC", pubkey_text(csr->key));
    status = pubkey_verify(csr->key, csr->signature_digest, csr->info, csr->signature, err);
    if (status != STATUS_OK)
        err_prefix(err, "the request does not prove that its sender has the key: ");
    return status;
}

/* How many octets a character of that string type has. */
static size_t character_width(uint8_t tag)
{
    return tag == DER_UNIVERSAL_STRING ? 4 : tag == DER_BMP_STRING ? 2 : 1;
}

void csr_blanked(const struct csr *csr, struct buf *out)
{
    size_t width = character_width(csr->challenge_tag);
    uint8_t *copy = buf_extend(out, csr->der.len);

    if (copy == NULL)
        return;
    memcpy(copy, csr->der.data, csr->der.len);
    if (csr->challenge == NULL || csr->challenge_octets.len == 0)
        return;
    copy += csr->challenge_octets.data - csr->der.data;
    for (size_t i = 0; i < csr->challenge_octets.len; i++)
        copy[i] = i % width == width - 1 ? '*' : 0;
}

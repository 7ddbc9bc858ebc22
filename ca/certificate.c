/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading X.509 certificates (RFC 5280 section 4.1), also those that devices make for themselves: version 1,
 * a century long, with serial numbers that no CA would give. It neither judges nor builds any.
 */
#include "certificate.h"

#define EXTENSIONS_MAX 64

const char *const certificate_pem_labels[] = {"CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE", NULL};

/* ---- extensions ---- */

struct extension {
    struct span oid;
    struct span value;
    bool critical;
};

/* Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
 * A FALSE that is written is passed over: it is common. */
static enum status extension_next(struct der_reader *list, struct extension *out, struct err *err)
{
    struct der_reader inner;
    struct extension extension = {.critical = false};
    TRY(der_enter(list, DER_SEQUENCE, &inner, "an extension (RFC 5280 section 4.1)", err));
    TRY(der_take_oid(&inner, &extension.oid, "extnID (RFC 5280 section 4.1)", err));
    if (der_peek(&inner) == DER_BOOLEAN)
        TRY(der_take_bool(&inner, &extension.critical, "critical (RFC 5280 section 4.1)", err));
    TRY(der_take(&inner, DER_OCTET_STRING, &extension.value, "extnValue (RFC 5280 section 4.1)", err));
    TRY(der_finish(&inner, "an extension (RFC 5280 section 4.1)", err));
    *out = extension;
    return STATUS_OK;
}

/* BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL } */
static enum status read_basic_constraints(struct span value, struct certificate *certificate, struct err *err)
{
    static const char what[] = "basicConstraints (RFC 5280 section 4.2.1.9)";
    struct der_reader inner;
    uint64_t path_len = 0;
    TRY(der_open_whole(value, DER_SEQUENCE, &inner, what, err));
    if (der_peek(&inner) == DER_BOOLEAN)
        TRY(der_take_bool(&inner, &certificate->is_ca, what, err));
    if (der_peek(&inner) == DER_INTEGER) {
        TRY(der_take_uint(&inner, &path_len, INT32_MAX, what, err));
        certificate->path_len = (int64_t)path_len;
    }
    certificate->has_basic_constraints = true;
    return der_finish(&inner, what, err);
}

static enum status read_key_usage(struct span value, struct certificate *certificate, struct err *err)
{
    static const char what[] = "keyUsage (RFC 5280 section 4.2.1.3)";
    struct der_reader inner = der_reader(value);
    TRY(der_take_flags(&inner, &certificate->key_usage, what, err));
    certificate->has_key_usage = true;
    return der_finish(&inner, what, err);
}

static enum status read_ski(struct span value, struct certificate *certificate, struct err *err)
{
    static const char what[] = "subjectKeyIdentifier (RFC 5280 section 4.2.1.2)";
    struct der_reader inner = der_reader(value);
    TRY(der_take(&inner, DER_OCTET_STRING, &certificate->ski, what, err));
    return der_finish(&inner, what, err);
}

/* AuthorityKeyIdentifier ::= SEQUENCE { [0] keyIdentifier, [1] issuer, [2] serial number }, each optional */
static enum status read_aki(struct span value, struct certificate *certificate, struct err *err)
{
    static const char what[] = "authorityKeyIdentifier (RFC 5280 section 4.2.1.1)";
    struct der_reader inner;
    struct span ignored;
    bool present = false;
    TRY(der_open_whole(value, DER_SEQUENCE, &inner, what, err));
    TRY(der_optional(&inner, DER_CONTEXT(0), &certificate->aki, &present, what, err));
    TRY(der_optional(&inner, DER_CONTEXT_CONSTRUCTED(1), &ignored, &present, what, err));
    TRY(der_optional(&inner, DER_CONTEXT(2), &ignored, &present, what, err));
    return der_finish(&inner, what, err);
}

static enum status read_extension(const struct extension *extension, struct certificate *certificate,
                                  struct err *err)
{
    switch (oid_find(extension->oid)) {
    case OID_BASIC_CONSTRAINTS:
        return read_basic_constraints(extension->value, certificate, err);
    case OID_KEY_USAGE:
        return read_key_usage(extension->value, certificate, err);
    case OID_SKI:
        return read_ski(extension->value, certificate, err);
    case OID_AKI:
        return read_aki(extension->value, certificate, err);
    case OID_SAN:
        return general_names_decode(extension->value, &certificate->san, err);
    default:
        return STATUS_OK;
    }
}

static enum status check_unseen(struct span *seen, size_t count, struct span oid, struct err *err)
{
    if (count == EXTENSIONS_MAX)
        return ERR(err, STATUS_LIMIT, "a certificate has more than %d extensions", EXTENSIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (span_equal(seen[i], oid)) {
            AUTO(buf) struct buf text = BUF(512);
            oid_text(&text, oid);
            return ERR(err, STATUS_MALFORMED, "the extension %.*s appears twice (RFC 5280 section 4.2)",
                       (int)text.len, text.len > 0 ? (const char *)text.data : "");
        }
    }
    seen[count] = oid;
    return STATUS_OK;
}

/* Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension, in [3] EXPLICIT */
static enum status read_extensions(struct span field, struct certificate *certificate, struct err *err)
{
    struct der_reader outer = der_reader(field);
    struct der_reader list;
    struct span seen[EXTENSIONS_MAX];
    size_t count = 0;
    TRY(der_take_whole(&outer, DER_SEQUENCE, &certificate->extensions,
                       "extensions (RFC 5280 section 4.1.2.9)", err));
    TRY(der_finish(&outer, "extensions (RFC 5280 section 4.1.2.9)", err));
    TRY(der_open_whole(certificate->extensions, DER_SEQUENCE, &list, "extensions", err));
    if (der_at_end(&list))
        return ERR(err, STATUS_MALFORMED, "the list of extensions is empty (RFC 5280 section 4.1.2.9)");
    for (; !der_at_end(&list); count++) {
        struct extension extension;
        TRY(extension_next(&list, &extension, err));
        TRY(check_unseen(seen, count, extension.oid, err));
        TRY(read_extension(&extension, certificate, err));
    }
    return STATUS_OK;
}

/* ---- the rest ---- */

/* What a device writes here may be no date at all; its certificate is only a wrapper for its key. */
static enum status read_date(struct der_reader *reader, int64_t *unix_s, int64_t otherwise, struct err *err)
{
    struct der_tlv tlv;
    TRY(der_any(reader, &tlv, "a date (RFC 5280 section 4.1.2.5)", err));
    if (tlv.tag != DER_UTC_TIME && tlv.tag != DER_GENERALIZED_TIME)
        return ERR(err, STATUS_MALFORMED,
                   "a date of validity is neither UTCTime nor GeneralizedTime (RFC 5280 section 4.1.2.5)");
    struct der_reader date = der_reader(tlv.whole);
    if (der_take_time(&date, unix_s, "a date", NULL) != STATUS_OK)
        *unix_s = otherwise;
    return STATUS_OK;
}

static enum status read_validity(struct der_reader *tbs, struct certificate *certificate, struct err *err)
{
    struct der_reader validity;
    TRY(der_enter(tbs, DER_SEQUENCE, &validity, "validity (RFC 5280 section 4.1.2.5)", err));
    TRY(read_date(&validity, &certificate->not_before_s, 0, err));
    TRY(read_date(&validity, &certificate->not_after_s, INT64_MAX, err));
    return der_finish(&validity, "validity (RFC 5280 section 4.1.2.5)", err);
}

static enum status read_name(struct der_reader *tbs, struct span *der, struct name *name, const char *what,
                             struct err *err)
{
    TRY(der_take_whole(tbs, DER_SEQUENCE, der, what, err));
    enum status status = name_decode(*der, name, err);
    if (status != STATUS_OK)
        (void)err_prefix(err, "%s: ", what);
    return status;
}

/* version [0] EXPLICIT INTEGER DEFAULT v1 */
static enum status read_version(struct der_reader *tbs, uint64_t *version, struct err *err)
{
    static const char what[] = "version (RFC 5280 section 4.1.2.1)";
    struct span field;
    bool present = false;
    *version = 0;
    TRY(der_optional(tbs, DER_CONTEXT_CONSTRUCTED(0), &field, &present, what, err));
    if (!present)
        return STATUS_OK;
    struct der_reader inner = der_reader(field);
    TRY(der_take_uint(&inner, version, 2, what, err));
    return der_finish(&inner, what, err);
}

/* UniqueIdentifier ::= BIT STRING, passed over once it is one (X.690 section 8.6.2.2). */
static enum status skip_unique_id(struct der_reader *tbs, unsigned number, const char *what, struct err *err)
{
    struct span bits;
    bool present = false;
    TRY(der_optional(tbs, DER_CONTEXT(number), &bits, &present, what, err));
    if (present && (bits.len == 0 || bits.data[0] > 7 || (bits.len == 1 && bits.data[0] != 0)))
        return ERR(err, STATUS_MALFORMED, "%s (RFC 5280 section 4.1.2.8) is no BIT STRING", what);
    return STATUS_OK;
}

/* issuerUniqueID [1], subjectUniqueID [2], extensions [3] EXPLICIT, each optional */
static enum status read_tail(struct der_reader *tbs, uint64_t version, struct certificate *certificate,
                             struct err *err)
{
    struct span field;
    bool present = false;
    TRY(skip_unique_id(tbs, 1, "issuerUniqueID", err));
    TRY(skip_unique_id(tbs, 2, "subjectUniqueID", err));
    TRY(der_optional(tbs, DER_CONTEXT_CONSTRUCTED(3), &field, &present, "extensions", err));
    if (present && version != 2)
        return ERR(err, STATUS_MALFORMED,
                   "a certificate of version %u has extensions (RFC 5280 section 4.1.2.9)",
                   (unsigned)version + 1);
    if (present)
        TRY(read_extensions(field, certificate, err));
    return der_finish(tbs, "tbsCertificate (RFC 5280 section 4.1.2)", err);
}

static enum status read_tbs(struct certificate *certificate, struct span *algorithm, struct err *err)
{
    struct der_reader tbs;
    struct span spki;
    uint64_t version = 0;
    TRY(der_open_whole(certificate->tbs, DER_SEQUENCE, &tbs, "tbsCertificate", err));
    TRY(read_version(&tbs, &version, err));
    TRY(der_take_integer(&tbs, &certificate->serial_octets, CERTIFICATE_SERIAL_MAX_LEN,
                         "serialNumber (RFC 5280 section 4.1.2.2)", err));
    TRY(der_take_whole(&tbs, DER_SEQUENCE, algorithm, "signature (RFC 5280 section 4.1.2.3)", err));
    TRY(read_name(&tbs, &certificate->issuer_der, &certificate->issuer, "issuer (RFC 5280 section 4.1.2.4)",
                  err));
    TRY(read_validity(&tbs, certificate, err));
    TRY(read_name(&tbs, &certificate->subject_der, &certificate->subject,
                  "subject (RFC 5280 section 4.1.2.6)", err));
    TRY(der_take_whole(&tbs, DER_SEQUENCE, &spki, "subjectPublicKeyInfo (RFC 5280 section 4.1.2.7)", err));
    TRY(pubkey_decode(spki, &certificate->key, err));
    return read_tail(&tbs, version, certificate, err);
}

static enum status read_signature_algorithm(struct span outer, struct span inner,
                                            struct certificate *certificate, struct err *err)
{
    bool digest_given = false;
    if (!span_equal(outer, inner))
        return ERR(err, STATUS_MALFORMED,
                   "a certificate names two different signature algorithms (RFC 5280 section 4.1.1.2)");
    TRY(sigalg_decode(outer, &certificate->signature_key_type, &certificate->signature_digest, &digest_given,
                      err));
    if (!digest_given)
        return ERR(err, STATUS_ALGORITHM,
                   "a certificate's signature algorithm names no digest (RFC 5280 section 4.1.1.2)");
    return STATUS_OK;
}

/* Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue BIT STRING } */
static enum status read_certificate(struct certificate *certificate, struct err *err)
{
    struct der_reader outer;
    struct span algorithm;
    struct span inner_algorithm;
    TRY(der_open_whole(buf_span(&certificate->der), DER_SEQUENCE, &outer,
                       "a certificate (RFC 5280 section 4.1)", err));
    TRY(der_take_whole(&outer, DER_SEQUENCE, &certificate->tbs, "tbsCertificate", err));
    TRY(der_take_whole(&outer, DER_SEQUENCE, &algorithm, "signatureAlgorithm", err));
    TRY(der_take_bits(&outer, &certificate->signature, "signatureValue (RFC 5280 section 4.1.1.3)", err));
    TRY(der_finish(&outer, "a certificate (RFC 5280 section 4.1)", err));
    TRY(read_tbs(certificate, &inner_algorithm, err));
    return read_signature_algorithm(algorithm, inner_algorithm, certificate, err);
}

enum status certificate_decode(struct span der, struct certificate **out, struct err *err)
{
    if (der.len > CERTIFICATE_MAX_LEN)
        return ERR(err, STATUS_LIMIT, "a certificate of %zu octets: at most %d are read", der.len,
                   CERTIFICATE_MAX_LEN);
    AUTO(certificate) struct certificate *certificate = calloc(1, sizeof *certificate);
    if (certificate == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for a certificate");
    certificate->der = BUF(CERTIFICATE_MAX_LEN);
    certificate->path_len = -1;
    buf_add(&certificate->der, der);
    TRY(buf_status(&certificate->der, "a certificate", err));
    TRY(read_certificate(certificate, err));
    *out = MOVE(certificate);
    return STATUS_OK;
}

void certificate_free(struct certificate *certificate)
{
    if (certificate == NULL)
        return;
    buf_free(&certificate->der);
    name_free(&certificate->issuer);
    name_free(&certificate->subject);
    pubkey_free(certificate->key);
    general_names_free(&certificate->san);
    free(certificate);
}

enum status certificate_verify(const struct certificate *certificate, const struct pubkey *issuer,
                               struct err *err)
{
    if (pubkey_type(issuer) != certificate->signature_key_type)
        return ERR(err, STATUS_INTEGRITY,
                   "the certificate's signature is of another type than its issuer's key");
    return pubkey_verify(issuer, certificate->signature_digest, certificate->tbs, certificate->signature,
                         err);
}

bool certificate_is_self_issued(const struct certificate *certificate)
{
    return span_equal(certificate->issuer_der, certificate->subject_der);
}

bool certificate_extension(const struct certificate *certificate, enum oid oid, struct span *value,
                           bool *critical)
{
    struct der_reader list;
    struct extension extension;
    if (certificate->extensions.len == 0 ||
        der_open_whole(certificate->extensions, DER_SEQUENCE, &list, "extensions", NULL) != STATUS_OK)
        return false;
    while (!der_at_end(&list) && extension_next(&list, &extension, NULL) == STATUS_OK) {
        if (span_equal(extension.oid, oid_octets(oid))) {
            *value = extension.value;
            *critical = extension.critical;
            return true;
        }
    }
    return false;
}

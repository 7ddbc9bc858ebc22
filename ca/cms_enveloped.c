/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading EnvelopedData (RFC 5652 section 6), and decrypting its content once the content key is there: from
 * key_decrypt or from cms_password_key. What is wrong inside is never told apart, for a sender who learns it
 * can decrypt what others sent (Bleichenbacher, Vaudenay).
 */
#include "cms_private.h"

enum status cms_envelope_refused(struct err *err)
{
    return ERR(err, STATUS_INTEGRITY,
               "the encrypted content cannot be read: it was encrypted for another key or password, or is "
               "damaged");
}

/* ---- recipients ---- */

/* RecipientIdentifier ::= CHOICE { issuerAndSerialNumber, subjectKeyIdentifier [0] } */
static enum status take_recipient_id(struct der_reader *reader, struct cms_recipient *recipient,
                                     struct err *err)
{
    if (der_peek(reader) != DER_CONTEXT(0)) {
        recipient->kind = RECIPIENT_ISSUER_SERIAL;
        return cms_take_issuer_serial(reader, &recipient->issuer, &recipient->serial, err);
    }
    recipient->kind = RECIPIENT_SKI;
    return der_take(reader, DER_CONTEXT(0), &recipient->ski, "rid (RFC 5652 section 6.2.1)", err);
}

/* KeyTransRecipientInfo ::= SEQUENCE { version, rid, keyEncryptionAlgorithm, encryptedKey OCTET STRING } */
static enum status take_key_transport(struct der_reader *list, struct cms_recipient *recipient, bool *known,
                                      struct err *err)
{
    static const char what[] = "KeyTransRecipientInfo (RFC 5652 section 6.2.1)";
    struct der_reader reader;
    struct span oid;
    struct span parameters;
    uint64_t version = 0;
    TRY(der_enter(list, DER_SEQUENCE, &reader, what, err));
    TRY(der_take_uint(&reader, &version, 5, what, err));
    TRY(take_recipient_id(&reader, recipient, err));
    TRY(cms_take_algorithm(&reader, &oid, &parameters, what, err));
    TRY(der_take(&reader, DER_OCTET_STRING, &recipient->encrypted_key, what, err));
    *known = oid_find(oid) == OID_RSA && cms_no_parameters(parameters);
    return der_finish(&reader, what, err);
}

/* RecipientInfo ::= CHOICE { ktri, kari [1], kekri [2], pwri [3], ori [4] } */
static enum status take_recipient(struct der_reader *list, struct cms_recipient *recipient, bool *known,
                                  struct err *err)
{
    struct der_tlv other;
    *known = false;
    switch (der_peek(list)) {
    case DER_SEQUENCE:
        return take_key_transport(list, recipient, known, err);
    case DER_CONTEXT_CONSTRUCTED(3):
        return cms_take_password_recipient(list, recipient, known, err);
    case DER_CONTEXT_CONSTRUCTED(1):
    case DER_CONTEXT_CONSTRUCTED(2):
    case DER_CONTEXT_CONSTRUCTED(4):
        return der_any(list, &other, "RecipientInfo (RFC 5652 section 6.2)", err);
    default:
        return ERR(err, STATUS_MALFORMED,
                   "a recipient has the tag 0x%02x: none of RecipientInfo's (RFC 5652 section 6.2)",
                   der_peek(list));
    }
}

static enum status take_recipients(struct der_reader *data, struct cms_enveloped *cms, struct err *err)
{
    struct der_reader list;
    size_t seen = 0;
    TRY(der_enter(data, DER_SET, &list, "recipientInfos (RFC 5652 section 6.1)", err));
    for (; !der_at_end(&list); seen++) {
        struct cms_recipient recipient = {.kind = RECIPIENT_ISSUER_SERIAL};
        bool known = false;
        if (seen == CMS_RECIPIENTS_MAX)
            return ERR(err, STATUS_LIMIT, "an envelope is for more than %d recipients", CMS_RECIPIENTS_MAX);
        TRY(take_recipient(&list, &recipient, &known, err));
        if (known)
            cms->recipients[cms->recipient_count++] = recipient;
    }
    if (seen == 0)
        return ERR(err, STATUS_MALFORMED, "an envelope is for no recipient (RFC 5652 section 6.1)");
    if (cms->recipient_count == 0)
        return ERR(err, STATUS_ALGORITHM,
                   "an envelope's key is not encrypted by rsaEncryption (PKCS#1 v1.5) or a password");
    return STATUS_OK;
}

/* ---- content ---- */

static enum status check_segments(struct span segments, struct err *err)
{
    struct der_reader reader = der_reader(segments);
    struct span segment;
    while (!der_at_end(&reader))
        TRY(der_take(&reader, DER_OCTET_STRING, &segment, "a segment of encryptedContent", err));
    return STATUS_OK;
}

/* encryptedContent [0] IMPLICIT OCTET STRING: primitive, or in segments as streaming writers have it, which
 * ber_to_der leaves because it cannot tell them from an explicit tag. */
static enum status take_ciphertext(struct der_reader *info, struct cms_enveloped *cms, struct err *err)
{
    static const char what[] = "encryptedContent (RFC 5652 section 6.1)";
    cms->segmented = der_peek(info) == DER_CONTEXT_CONSTRUCTED(0);
    TRY(der_take(info, cms->segmented ? DER_CONTEXT_CONSTRUCTED(0) : DER_CONTEXT(0), &cms->ciphertext, what,
                 err));
    return cms->segmented ? check_segments(cms->ciphertext, err) : STATUS_OK;
}

/* EncryptedContentInfo ::= SEQUENCE { contentType, contentEncryptionAlgorithm, encryptedContent [0] } */
static enum status take_encrypted_content(struct der_reader *data, struct cms_enveloped *cms, struct err *err)
{
    static const char what[] = "encryptedContentInfo (RFC 5652 section 6.1)";
    struct der_reader info;
    struct span type;
    struct span oid;
    struct span parameters;
    TRY(der_enter(data, DER_SEQUENCE, &info, what, err));
    TRY(der_take_oid(&info, &type, what, err));
    if (oid_find(type) != OID_DATA)
        return ERR(err, STATUS_MALFORMED, "the encrypted content is not id-data (RFC 8894 section 3.2.2)");
    TRY(cms_take_algorithm(&info, &oid, &parameters, what, err));
    TRY(cms_cipher_find(oid, parameters, &cms->cipher, &cms->iv, err));
    TRY(take_ciphertext(&info, cms, err));
    return der_finish(&info, what, err);
}

/* EnvelopedData ::= SEQUENCE { version, originatorInfo [0] OPTIONAL, recipientInfos SET,
 * encryptedContentInfo, unprotectedAttrs [1] OPTIONAL } */
enum status cms_enveloped_decode(struct span der, struct cms_enveloped *out, struct err *err)
{
    static const char what[] = "EnvelopedData (RFC 5652 section 6.1)";
    struct cms_enveloped cms = {.recipient_count = 0};
    struct der_reader data;
    struct span ignored;
    uint64_t version = 0;
    bool present = false;
    TRY(cms_open_content(der, OID_ENVELOPED_DATA, &data, err));
    TRY(der_take_uint(&data, &version, 5, what, err));
    TRY(der_optional(&data, DER_CONTEXT_CONSTRUCTED(0), &ignored, &present, what, err));
    TRY(take_recipients(&data, &cms, err));
    TRY(take_encrypted_content(&data, &cms, err));
    TRY(der_optional(&data, DER_CONTEXT_CONSTRUCTED(1), &ignored, &present, what, err));
    TRY(der_finish(&data, what, err));
    *out = cms;
    return STATUS_OK;
}

enum status cms_enveloped_decrypt(const struct cms_enveloped *cms, const uint8_t *content_key,
                                  struct buf *out, struct err *err)
{
    bool done = cms_cipher_run(cms->cipher, CMS_DECRYPT, true, content_key, cms->iv.data, cms->ciphertext,
                               cms->segmented, out);
    TRY(buf_status(out, "the decrypted content", err));
    return done ? STATUS_OK : cms_envelope_refused(err);
}

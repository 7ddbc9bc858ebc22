/* SPDX-License-Identifier: Apache-2.0
 *
 * PKIOperation octets into a struct scep_message: outer SignedData, SCEP attributes,
 * signer, envelope (RFC 8894 section 3.1). No I/O, and no judgement on whether a
 * certificate may be issued.
 */
#include "scep_message.h"

#include <stdio.h>

#define MESSAGE_MAX ((size_t)1 << 20)

const char *scep_type_name(enum scep_type type)
{
    switch (type) {
    case SCEP_CERT_REP:
        return "CertRep";
    case SCEP_RENEWAL_REQ:
        return "RenewalReq";
    case SCEP_PKCS_REQ:
        return "PKCSReq";
    case SCEP_CERT_POLL:
        return "CertPoll";
    case SCEP_GET_CERT:
        return "GetCert";
    case SCEP_GET_CRL:
        return "GetCRL";
    case SCEP_NONE:
        break;
    }
    return "unknown";
}

void scep_message_free(struct scep_message *message)
{
    free(message->transaction_id);
    buf_free(&message->sender_nonce);
    certificate_free(message->signer);
    buf_free(&message->content);
    memset(message, 0, sizeof *message);
}

/* ---- signed attributes (RFC 8894 section 3.2.1) ---- */

static enum status attribute_text(const struct cms_signed *cms, enum oid oid, size_t max, struct buf *text,
                                  const char *what, struct err *err)
{
    const struct span *value = cms_signed_attribute(cms, oid);
    if (value == NULL)
        return ERR(err, STATUS_MALFORMED, "%s is missing", what);
    struct der_reader reader = der_reader(*value);
    struct der_tlv tlv;
    TRY(der_any(&reader, &tlv, what, err));
    *text = BUF(max);
    TRY(der_string_utf8(tlv.tag, tlv.content, text, what, err));
    if (text->len == 0)
        return ERR(err, STATUS_MALFORMED, "%s is empty", what);
    if (!utf8_printable(buf_span(text)))
        return ERR(err, STATUS_MALFORMED, "%s holds control characters", what);
    return STATUS_OK;
}

static enum status read_transaction_id(const struct cms_signed *cms, struct scep_message *out,
                                       struct err *err)
{
    AUTO(buf) struct buf text = BUF(SCEP_TRANSACTION_ID_MAX);
    TRY(attribute_text(cms, OID_SCEP_TRANSACTION_ID, SCEP_TRANSACTION_ID_MAX, &text,
                       "transactionID (RFC 8894 section 3.2.1.1)", err));
    out->transaction_id = buf_take_text(&text);
    return out->transaction_id != NULL ? STATUS_OK : ERR(err, STATUS_NOMEM, "out of memory");
}

static enum status read_nonce(const struct cms_signed *cms, struct scep_message *out, struct err *err)
{
    static const char what[] = "senderNonce (RFC 8894 section 3.2.1.5)";
    const struct span *value = cms_signed_attribute(cms, OID_SCEP_SENDER_NONCE);
    if (value == NULL)
        return ERR(err, STATUS_MALFORMED, "%s is missing", what);
    struct der_reader reader = der_reader(*value);
    struct span nonce;
    TRY(der_take(&reader, DER_OCTET_STRING, &nonce, what, err));
    if (nonce.len == 0 || nonce.len > SCEP_NONCE_MAX)
        return ERR(err, STATUS_MALFORMED, "%s has %zu octets; 16 are expected", what, nonce.len);
    out->sender_nonce = BUF(SCEP_NONCE_MAX);
    buf_add(&out->sender_nonce, nonce);
    return buf_status(&out->sender_nonce, what, err);
}

static enum status read_type(const struct cms_signed *cms, struct scep_message *out, struct err *err)
{
    static const enum scep_type known[] = {SCEP_RENEWAL_REQ, SCEP_PKCS_REQ, SCEP_CERT_POLL, SCEP_GET_CERT,
                                           SCEP_GET_CRL};
    AUTO(buf) struct buf text = BUF(8);
    TRY(attribute_text(cms, OID_SCEP_MESSAGE_TYPE, 8, &text, "messageType (RFC 8894 section 3.2.1.2)", err));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char number[8];
        (void)snprintf(number, sizeof number, "%d", (int)known[i]);
        if (span_equal(buf_span(&text), span_str(number))) {
            out->type = known[i];
            return STATUS_OK;
        }
    }
    return ERR(err, STATUS_MALFORMED, "messageType \"%.*s\" is not a request: 17, 19, 20, 21 and 22 are",
               (int)text.len, (const char *)text.data);
}

/* ---- who signed ---- */

/* The widest limits among the profile's templates: rules.md asks that a key is judged before it is used. */
static struct key_limits signer_limits(const struct snapshot *snapshot, const struct profile *profile)
{
    struct key_limits limits = {.rsa_min_bits = UINT32_MAX};
    const char *const names[] = {profile->template_any, profile->template_signing,
                                 profile->template_encryption, profile->template_both};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct template *template =
            names[i] != NULL ? template_set_find(snapshot->templates, names[i]) : NULL;
        if (template == NULL)
            continue;
        const struct key_limits *own = template_key_limits(template);
        limits.rsa |= own->rsa;
        limits.p256 |= own->p256;
        limits.p384 |= own->p384;
        if (own->rsa_min_bits < limits.rsa_min_bits)
            limits.rsa_min_bits = own->rsa_min_bits;
        if (own->rsa_max_bits > limits.rsa_max_bits)
            limits.rsa_max_bits = own->rsa_max_bits;
    }
    return limits;
}

static enum status check_digest(enum digest digest, const struct profile *profile, struct err *err)
{
    if (digest == DIGEST_SHA1 && !profile->allow_sha1)
        return ERR(
            err, STATUS_ALGORITHM,
            "the message is signed with SHA-1, which profile %s does not allow: use SHA-256 (or allow = "
            "[\"sha1\"] in the profile)",
            profile->name);
    return STATUS_OK;
}

/* Self-signed, or signed by one of the authority's keys; nothing else gets further. */
static enum status check_signer(const struct cms_signed *cms, const struct snapshot *snapshot,
                                const struct profile *profile, struct scep_message *out, struct err *err)
{
    const struct certificate *signer = out->signer;
    const struct key_limits limits = signer_limits(snapshot, profile);
    if (pubkey_judge(signer->key, &limits, err) != STATUS_OK)
        return err_prefix(err, "the signer's certificate: ");
    TRY(check_digest(cms->digest, profile, err));
    out->signer_is_ours = authority_issuer_of(snapshot->authority, signer) != NULL;
    if (!out->signer_is_ours && !certificate_is_self_issued(signer))
        return ERR(err, STATUS_INTEGRITY,
                   "the signer's certificate is neither self-signed nor issued by this authority");
    if (!out->signer_is_ours && certificate_verify(signer, signer->key, err) != STATUS_OK)
        return err_prefix(err, "the signer's self-signed certificate: ");
    if (cms_signed_verify(cms, signer->key, err) != STATUS_OK)
        return err_prefix(err, "the message's signature: ");
    out->verified = true;
    return STATUS_OK;
}

/* ---- the envelope ---- */

/* The static phrase opens it, where the profile has a long enough one (rules.md, EC device keys). */
static enum status key_by_password(const struct cms_enveloped *envelope,
                                   const struct cms_recipient *recipient, const struct profile *profile,
                                   struct scep_message *out, uint8_t *content_key, struct err *err)
{
    if (profile->challenge != CHALLENGE_STATIC || strlen(profile->challenge_phrase) < 20)
        return ERR(
            err, STATUS_DENIED,
            "profile %s takes no messages encrypted with a password: that needs a static challenge of at "
            "least 20 characters; encrypt for the RA certificate",
            profile->name);
    if (out->passwords_after_s > 0)
        return ERR(err, STATUS_BUSY,
                   "too many messages encrypted with a wrong password came from this address: try again in "
                   "%lld s",
                   (long long)out->passwords_after_s);
    out->by_password = true;
    return cms_password_key(envelope, recipient, span_str(profile->challenge_phrase), content_key, err);
}

static enum status content_key_of(const struct cms_enveloped *envelope, const struct snapshot *snapshot,
                                  const struct profile *profile, struct scep_message *out,
                                  uint8_t *content_key, struct err *err)
{
    size_t key_len = cms_cipher_key_len(envelope->cipher);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct cms_recipient *recipient = &envelope->recipients[i];
        const struct key *key = NULL;
        if (recipient->kind == RECIPIENT_ISSUER_SERIAL)
            key = authority_recipient(snapshot->authority, recipient->issuer, recipient->serial);
        else if (recipient->kind == RECIPIENT_SKI)
            key = authority_recipient_by_ski(snapshot->authority, recipient->ski);
        if (key != NULL)
            return key_decrypt(key, recipient->encrypted_key, content_key, key_len, err);
    }
    for (size_t i = 0; i < envelope->recipient_count; i++)
        if (envelope->recipients[i].kind == RECIPIENT_PASSWORD)
            return key_by_password(envelope, &envelope->recipients[i], profile, out, content_key, err);
    return cms_envelope_refused(err);
}

static enum status check_cipher(enum cms_cipher cipher, const struct profile *profile, struct err *err)
{
    if (cipher == CIPHER_DES3_CBC && !profile->allow_des3)
        return ERR(err, STATUS_ALGORITHM,
                   "the message is encrypted with %s, which profile %s does not allow: use AES (or allow = "
                   "[\"des3\"] in the profile)",
                   cms_cipher_name(cipher), profile->name);
    return STATUS_OK;
}

static enum status open_envelope(struct span content, const struct snapshot *snapshot,
                                 const struct profile *profile, struct scep_message *out, struct err *err)
{
    AUTO(buf) struct buf scratch = BUF(MESSAGE_MAX);
    struct span der;
    struct cms_enveloped envelope;
    TRY(ber_to_der(content, &scratch, &der, err));
    TRY(cms_enveloped_decode(der, &envelope, err));
    TRY(check_cipher(envelope.cipher, profile, err));
    out->cipher = envelope.cipher;
    uint8_t content_key[64];
    enum status status = content_key_of(&envelope, snapshot, profile, out, content_key, err);
    out->content = BUF(MESSAGE_MAX);
    struct der_reader inside;
    if (status == STATUS_OK) {
        status = cms_enveloped_decrypt(&envelope, content_key, &out->content, err);
        if (status == STATUS_OK)
            status = der_open_whole(buf_span(&out->content), DER_SEQUENCE, &inside, "the content", err);
        if (status == STATUS_INTEGRITY || status == STATUS_MALFORMED)
            status = cms_envelope_refused(err);
    } else if (status == STATUS_INTEGRITY) {
        status = cms_envelope_refused(err);
    }
    explicit_bzero(content_key, sizeof content_key);
    return status;
}

/* ---- the whole ---- */

enum status scep_decode(struct span octets, const struct snapshot *snapshot, const struct profile *profile,
                        struct scep_message *out, struct err *err)
{
    AUTO(buf) struct buf scratch = BUF(MESSAGE_MAX);
    struct span der;
    struct cms_signed cms;
    TRY(ber_to_der(octets, &scratch, &der, err));
    TRY(cms_signed_decode(der, &cms, err));
    TRY(read_transaction_id(&cms, out, err));
    TRY(read_nonce(&cms, out, err));
    out->digest = cms.digest;
    TRY(cms_signed_signer(&cms, &out->signer, err));
    TRY(read_type(&cms, out, err));
    TRY(check_signer(&cms, snapshot, profile, out, err));
    if (cms.content.len == 0)
        return ERR(err, STATUS_MALFORMED, "%s carries no envelope (RFC 8894 section 3.1)",
                   scep_type_name(out->type));
    return open_envelope(cms.content, snapshot, profile, out, err);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A CertRep for a message (RFC 8894 section 3.3.2): attributes, envelope, signature.
 * Decides nothing: what became of the request is given.
 */
#include "scep_message.h"

#include "clock.h"

#include <stdio.h>

#define REPLY_MAX ((size_t)64 << 20) /* GetCRL carries a whole CRL */
#define NONCE_LEN 16

enum scep_fail_info scep_fail_info(enum status status)
{
    switch (status) {
    case STATUS_ALGORITHM:
        return SCEP_BAD_ALG;
    case STATUS_INTEGRITY:
        return SCEP_BAD_MESSAGE_CHECK;
    case STATUS_TIME:
        return SCEP_BAD_TIME;
    case STATUS_NOT_FOUND:
        return SCEP_BAD_CERT_ID;
    default:
        return SCEP_BAD_REQUEST;
    }
}

const char *scep_fail_info_name(enum scep_fail_info info)
{
    static const char *const names[] = {"badAlg", "badMessageCheck", "badRequest", "badTime", "badCertId"};
    return names[info];
}

/* ---- attributes ---- */

/* The values' octets live in one buf, so attributes are kept as ranges until it is whole. */
struct attribute_writer {
    struct buf octets;
    struct cms_attribute attributes[8];
    size_t starts[8], ends[8];
    size_t count;
};

static void attribute_writer_free(struct attribute_writer *writer)
{
    buf_free(&writer->octets);
}
AUTO_VALUE(attribute_writer, struct attribute_writer, attribute_writer_free)

static void add_attribute(struct attribute_writer *writer, enum oid oid, uint8_t tag, struct span value)
{
    writer->attributes[writer->count].oid = oid_octets(oid);
    writer->starts[writer->count] = writer->octets.len;
    der_put(&writer->octets, tag, value);
    writer->ends[writer->count] = writer->octets.len;
    writer->count++;
}

static void add_number(struct attribute_writer *writer, enum oid oid, int number)
{
    char text[8];
    (void)snprintf(text, sizeof text, "%d", number);
    add_attribute(writer, oid, DER_PRINTABLE_STRING, span_str(text));
}

static bool is_printable_string(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?", *c) == NULL)
            return false;
    return true;
}

static enum status write_attributes(const struct scep_message *message, const struct scep_reply *reply,
                                    struct attribute_writer *writer, struct err *err)
{
    uint8_t nonce[NONCE_LEN];
    TRY(random_octets(nonce, sizeof nonce, err));
    add_number(writer, OID_SCEP_MESSAGE_TYPE, SCEP_CERT_REP);
    add_number(writer, OID_SCEP_PKI_STATUS, (int)reply->status);
    if (reply->status == SCEP_FAILURE) {
        add_number(writer, OID_SCEP_FAIL_INFO, (int)scep_fail_info(reply->failure));
        if (reply->reason != NULL)
            add_attribute(writer, OID_SCEP_FAIL_INFO_TEXT, DER_UTF8_STRING, span_str(reply->reason));
    }
    add_attribute(writer, OID_SCEP_TRANSACTION_ID,
                  is_printable_string(message->transaction_id) ? DER_PRINTABLE_STRING : DER_UTF8_STRING,
                  span_str(message->transaction_id));
    add_attribute(writer, OID_SCEP_SENDER_NONCE, DER_OCTET_STRING, SPAN(nonce, sizeof nonce));
    if (message->sender_nonce.len > 0)
        add_attribute(writer, OID_SCEP_RECIPIENT_NONCE, DER_OCTET_STRING, buf_span(&message->sender_nonce));
    TRY(buf_status(&writer->octets, "the reply's attributes", err));
    for (size_t i = 0; i < writer->count; i++)
        writer->attributes[i].value =
            SPAN(writer->octets.data + writer->starts[i], writer->ends[i] - writer->starts[i]);
    return STATUS_OK;
}

/* ---- envelope ---- */

/* Only the issued certificate inside: with the CA's beside it Apple clients may take that for theirs. */
static enum status write_envelope(const struct scep_message *message, const struct scep_reply *reply,
                                  struct buf *out, struct err *err)
{
    AUTO(buf) struct buf inner = BUF(REPLY_MAX);
    cms_certificates_encode(&reply->certificate, reply->certificate.len > 0 ? 1 : 0, reply->crl, &inner);
    TRY(buf_status(&inner, "the reply's content", err));
    if (pubkey_type(message->signer->key) == KEY_RSA)
        return cms_enveloped_encode(message->signer, message->cipher, buf_span(&inner), out, err);
    if (reply->password.len == 0)
        return ERR(err, STATUS_INTERNAL, "an EC signer's reply needs the challenge, and there is none");
    return cms_enveloped_encode_password(reply->password, message->cipher, buf_span(&inner), out, err);
}

/* What the request used; where that is weaker than the profile allows, SHA-256. */
static enum digest reply_digest(const struct scep_message *message, const struct profile *profile)
{
    return message->digest == DIGEST_SHA1 && !profile->allow_sha1 ? DIGEST_SHA256 : message->digest;
}

enum status scep_encode(const struct snapshot *snapshot, const struct profile *profile,
                        const struct scep_message *message, const struct scep_reply *reply, struct buf *out,
                        struct err *err)
{
    AUTO(buf) struct buf envelope = BUF(REPLY_MAX);
    if (reply->status == SCEP_SUCCESS)
        TRY(write_envelope(message, reply, &envelope, err));
    AUTO(attribute_writer) struct attribute_writer writer = {.octets = BUF(8192)};
    TRY(write_attributes(message, reply, &writer, err));
    struct cms_signing signing = {.digest = reply_digest(message, profile),
                                  .attributes = writer.attributes,
                                  .attribute_count = writer.count};
    if (profile->ca_single) {
        const struct generation *current = authority_current(snapshot->authority);
        signing.key = current->key;
        signing.certificate = current->certificate;
    } else {
        const struct ra *ra = authority_ra(snapshot->authority, profile->ra_pair ? RA_SIGNING : RA_COMBINED);
        signing.key = ra->key;
        signing.certificate = ra->certificate;
    }
    const struct span certificate = buf_span(&signing.certificate->der);
    signing.certificates = &certificate;
    signing.certificate_count = 1;
    return cms_signed_encode(&signing, buf_span(&envelope), out, err);
}

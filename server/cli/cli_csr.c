/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a CertificationRequest. Reading them is base/csr's job.
 */
#include "cli_csr.h"

#include "csr.h"

#define SIGNATURE_MAX 1024

/* Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING } */
static void put_san(struct buf *out, const struct general_names *san)
{
    size_t extension = der_open(out, DER_SEQUENCE);
    der_put_oid(out, OID_SAN);
    size_t value = der_open(out, DER_OCTET_STRING);
    general_names_encode(san, out);
    der_close(out, value);
    der_close(out, extension);
}

/* attributes [0] Attributes: none, or one extensionRequest (RFC 2985 section 5.4.2) */
static void put_attributes(struct buf *out, const struct general_names *san)
{
    size_t attributes = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    if (san->count > 0) {
        size_t attribute = der_open(out, DER_SEQUENCE);
        der_put_oid(out, OID_EXTENSION_REQUEST);
        size_t values = der_open(out, DER_SET);
        size_t extensions = der_open(out, DER_SEQUENCE);
        put_san(out, san);
        der_close(out, extensions);
        der_close(out, values);
        der_close(out, attribute);
    }
    der_close(out, attributes);
}

/* CertificationRequestInfo ::= SEQUENCE { version 0, subject, subjectPKInfo, attributes } */
static void put_info(struct buf *out, const struct key *key, const struct name *subject,
                     const struct general_names *san)
{
    size_t info = der_open(out, DER_SEQUENCE);
    der_put_uint(out, 0);
    name_encode(subject, out);
    buf_add(out, pubkey_spki(key_public(key)));
    put_attributes(out, san);
    der_close(out, info);
}

static enum status check_san(const struct general_names *san, struct err *err)
{
    for (size_t i = 0; i < san->count; i++)
        if (san->items[i].type == SAN_OTHER)
            return ERR(err, STATUS_USAGE, "a name of kind %s cannot be written into a request",
                       san->items[i].text);
    return STATUS_OK;
}

enum status csr_make(const struct key *key, const struct name *subject, const struct general_names *san,
                     struct buf *out, struct err *err)
{
    AUTO(buf) struct buf info = BUF(CSR_MAX_LEN);
    AUTO(buf) struct buf signature = BUF(SIGNATURE_MAX);
    TRY(check_san(san, err));
    put_info(&info, key, subject, san);
    TRY(buf_status(&info, "the request", err));
    TRY(key_sign(key, DIGEST_SHA256, buf_span(&info), &signature, err));
    size_t request = der_open(out, DER_SEQUENCE);
    buf_add(out, buf_span(&info));
    sigalg_encode(out, pubkey_type(key_public(key)), DIGEST_SHA256);
    der_put_bits(out, buf_span(&signature));
    der_close(out, request);
    return buf_status(out, "the request", err);
}

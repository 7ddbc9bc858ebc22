/* SPDX-License-Identifier: Apache-2.0
 *
 * TBSCertificate and what stands around it, written with base's DER writer.
 */
#include "certificate_build.h"

#include "clock.h"

#define SERIAL_RANDOM_LEN 16
#define SIGNATURE_MAX_LEN 2048

enum digest signing_digest(const struct pubkey *key)
{
    return pubkey_curve(key) == CURVE_P384 ? DIGEST_SHA384 : DIGEST_SHA256;
}

enum status serial_random(struct serial *out, struct err *err)
{
    struct serial serial = {0};
    while (serial.len == 0) {
        uint8_t octets[SERIAL_RANDOM_LEN];
        TRY(random_octets(octets, sizeof octets, err));
        TRY(serial_from(SPAN(octets, sizeof octets), &serial, err));
    }
    *out = serial;
    return STATUS_OK;
}

/* TBSCertificate ::= SEQUENCE { version [0] v3, serialNumber, signature, issuer, validity, subject,
 * subjectPublicKeyInfo, extensions [3] } */
static void put_tbs(const struct certificate_parts *parts, const struct pubkey *signer, struct buf *out)
{
    size_t tbs = der_open(out, DER_SEQUENCE);
    size_t version = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    der_put_uint(out, 2);
    der_close(out, version);
    der_put_unsigned(out, serial_span(parts->serial));
    sigalg_encode(out, pubkey_type(signer), signing_digest(signer));
    buf_add(out, parts->issuer);
    size_t validity = der_open(out, DER_SEQUENCE);
    der_put_time(out, parts->not_before_s);
    der_put_time(out, parts->not_after_s);
    der_close(out, validity);
    buf_add(out, parts->subject);
    buf_add(out, parts->spki);
    size_t explicit = der_open(out, DER_CONTEXT_CONSTRUCTED(3));
    der_put(out, DER_SEQUENCE, parts->extensions);
    der_close(out, explicit);
    der_close(out, tbs);
}

enum status signed_sequence(struct span tbs, const struct key *signer, struct buf *out, struct err *err)
{
    const struct pubkey *public = key_public(signer);
    AUTO(buf) struct buf signature = BUF(SIGNATURE_MAX_LEN);
    TRY(key_sign(signer, signing_digest(public), tbs, &signature, err));
    size_t sequence = der_open(out, DER_SEQUENCE);
    buf_add(out, tbs);
    sigalg_encode(out, pubkey_type(public), signing_digest(public));
    der_put_bits(out, buf_span(&signature));
    der_close(out, sequence);
    return STATUS_OK;
}

enum status certificate_build(const struct certificate_parts *parts, const struct key *signer,
                              struct buf *out, struct err *err)
{
    AUTO(buf) struct buf tbs = BUF(CERTIFICATE_MAX_LEN);
    put_tbs(parts, key_public(signer), &tbs);
    TRY(buf_status(&tbs, "the certificate", err));
    AUTO(buf) struct buf der = BUF(CERTIFICATE_MAX_LEN);
    TRY(signed_sequence(buf_span(&tbs), signer, &der, err));
    TRY(buf_status(&der, "the certificate", err));
    buf_move(out, &der);
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * GetCert and GetCRL (RFC 8894 sections 3.3.4, 3.3.5): who holds a valid certificate of
 * ours may ask for another certificate or for the CRL. Everything else is badCertId.
 */
#include "scep_operation.h"

#include "clock.h"
#include "file.h"

#define CRL_MAX ((size_t)48 << 20) /* what fits into a CertRep; larger ones are for the CDP */

/* IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber INTEGER } */
static enum status read_issuer_and_serial(const struct scep_message *message, struct span *issuer,
                                          struct serial *serial, struct err *err)
{
    static const char what[] = "IssuerAndSerialNumber (RFC 8894 section 3.3.4)";
    struct der_reader inside;
    struct span octets;
    TRY(der_open_whole(buf_span(&message->content), DER_SEQUENCE, &inside, what, err));
    TRY(der_take_whole(&inside, DER_SEQUENCE, issuer, what, err));
    TRY(der_take_integer(&inside, &octets, SERIAL_MAX + 1, what, err));
    TRY(der_finish(&inside, what, err));
    return serial_from(octets, serial, err);
}

/* The signer's certificate must be ours, known, and neither ended nor revoked. */
static enum status check_asker(const struct scep_call *call, const struct scep_message *message,
                               struct err *err)
{
    if (!message->signer_is_ours)
        return ERR(err, STATUS_NOT_FOUND, "%s needs a signer with a certificate of this authority",
                   scep_type_name(message->type));
    if (pubkey_type(message->signer->key) != KEY_RSA)
        return ERR(err, STATUS_DENIED, "%s needs an RSA key: the reply could not be encrypted to an EC key",
                   scep_type_name(message->type));
    struct serial serial;
    AUTO(certificate_row) struct certificate_row row = {0};
    TRY(serial_from(message->signer->serial_octets, &serial, err));
    TRY(store_certificate(call->store, &serial, &row, err));
    enum certificate_status status = certificate_row_status(&row, clock_now());
    if (status != CERTIFICATE_VALID || !span_equal(buf_span(&row.der), buf_span(&message->signer->der)))
        return ERR(err, STATUS_NOT_FOUND, "the signer's certificate is %s", certificate_status_name(status));
    return STATUS_OK;
}

static const struct generation *generation_named(const struct snapshot *snapshot, struct span issuer)
{
    for (size_t i = authority_generation_count(snapshot->authority); i > 0; i--) {
        const struct generation *generation = authority_generation(snapshot->authority, i - 1);
        if (span_equal(generation->certificate->subject_der, issuer))
            return generation;
    }
    return NULL;
}

enum status scep_get_cert(const struct scep_call *call, const struct scep_message *message,
                          struct scep_result *result, struct err *err)
{
    struct span issuer;
    struct serial serial;
    AUTO(certificate_row) struct certificate_row row = {0};
    TRY(check_asker(call, message, err));
    TRY(read_issuer_and_serial(message, &issuer, &serial, err));
    if (generation_named(call->snapshot, issuer) == NULL)
        return ERR(err, STATUS_NOT_FOUND, "the issuer asked for is not this authority");
    TRY(store_certificate(call->store, &serial, &row, err));
    buf_move(&result->octets, &row.der);
    result->outcome.serial = serial;
    return STATUS_OK;
}

/* The CRL of the key that signed the certificate asked about; of the newest key for one that is not known. */
enum status scep_get_crl(const struct scep_call *call, const struct scep_message *message,
                         struct scep_result *result, struct err *err)
{
    struct span issuer;
    struct serial serial;
    AUTO(certificate_row) struct certificate_row row = {0};
    AUTO(heap) char *path = NULL;
    TRY(check_asker(call, message, err));
    TRY(read_issuer_and_serial(message, &issuer, &serial, err));
    const struct generation *generation = generation_named(call->snapshot, issuer);
    if (generation == NULL)
        return ERR(err, STATUS_NOT_FOUND, "the issuer asked for is not this authority");
    int64_t key_index = generation->key_index;
    enum status status = store_certificate(call->store, &serial, &row, err);
    if (status == STATUS_OK)
        key_index = row.issuer_key;
    else if (status != STATUS_NOT_FOUND)
        return status;
    TRY(crl_path(call->snapshot->authority, key_index, &path, err));
    result->octets = BUF(CRL_MAX);
    return file_read(path, &result->octets, err);
}

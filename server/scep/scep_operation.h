/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of SCEP's PKIOperation share.
 */
#ifndef SCEPTER_SERVER_SCEP_OPERATION_H
#define SCEPTER_SERVER_SCEP_OPERATION_H

#include "scep_message.h"
#include "server.h"

/* One SCEP request over HTTP. Everything is borrowed for the call. */
struct scep_call {
    const struct http_request *http;
    struct store *store;
    const struct snapshot *snapshot;
    const struct profile *profile;
    struct metrics *metrics;   /* NULL: nothing is counted */
    struct failures *failures; /* NULL: nothing is limited */
};

/* Answers a PKIMessage with a CertRep (HTTP 200 also for FAILURE and PENDING), or with an HTTP error where it
 * cannot be read far enough for one, or the CA cannot work. Writes the request's log line. */
void scep_pki_operation(const struct scep_call *call, struct span octets, struct http_reply *reply);

/* What a message led to, for CertRep and log. */
struct scep_result {
    struct outcome outcome; /* enrolment and polls */
    struct buf octets;      /* GetCert: the certificate; GetCRL: the CRL; DER */
    struct buf password;    /* EC signers: what the reply is encrypted with */
};

/* scep_query.c: GetCert and GetCRL (RFC 8894 sections 4.6, 4.7) into result->octets. STATUS_NOT_FOUND
 * (badCertId) also where the signer may not ask. */
NODISCARD enum status scep_get_cert(const struct scep_call *call, const struct scep_message *message,
                                    struct scep_result *result, struct err *err);
NODISCARD enum status scep_get_crl(const struct scep_call *call, const struct scep_message *message,
                                   struct scep_result *result, struct err *err);

#endif

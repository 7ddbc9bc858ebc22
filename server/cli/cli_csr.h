/* SPDX-License-Identifier: Apache-2.0
 *
 * A PKCS#10 request (RFC 2986) for a key that we made ourselves: subject and SAN.
 */
#ifndef SCEPTER_SERVER_CLI_CSR_H
#define SCEPTER_SERVER_CLI_CSR_H

#include "keystore.h"
#include "name.h"

/* Writes and signs the request (DER, appended). san may be empty: then there is no extension request.
 * STATUS_USAGE for a SAN of type other; statuses of key_sign. */
NODISCARD enum status csr_make(const struct key *key, const struct name *subject,
                               const struct general_names *san, struct buf *out, struct err *err);

#endif

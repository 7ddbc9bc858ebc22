/* SPDX-License-Identifier: Apache-2.0
 *
 * What a certificate says, as words for people and JSON: key usage, EKU, fingerprints,
 * and the strings that map it to an account in Active Directory.
 */
#ifndef SCEPTER_SERVER_CERTIFICATE_DETAIL_H
#define SCEPTER_SERVER_CERTIFICATE_DETAIL_H

#include "certificate.h"
#include "json_out.h"

/* The names of key usage bits (RFC 5280 section 4.2.1.3) as a JSON array, a new reference. */
json_t *json_from_key_usage(unsigned key_usage);
/* EKU: short names where there are, else dotted OIDs. eku: content octets. */
json_t *json_from_oids(const struct span *oids, size_t count);
/* The EKU of a certificate; an empty array if it has none. STATUS_MALFORMED. */
NODISCARD enum status json_from_eku(const struct certificate *certificate, json_t **out, struct err *err);
/* altSecurityIdentities, the strong ones first; borrowed by nobody, a new reference. STATUS_NOMEM. */
NODISCARD enum status json_from_mappings(const struct certificate *certificate, json_t **out,
                                         struct err *err);
/* A JSON array of strings as one line "a, b". */
void detail_list(FILE *stream, const char *name, const json_t *list);

#endif

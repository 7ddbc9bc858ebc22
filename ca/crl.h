/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a signed CRL from a walk over the store's revoked certificates into a stream.
 * When one is due, its number and where it stands are for crl_publish.c.
 */
#ifndef SCEPTER_CA_CRL_H
#define SCEPTER_CA_CRL_H

#include "authority.h"

#include <stdio.h>

struct crl_parameters {
    const struct generation *generation; /* whose key signs */
    int64_t number;
    int64_t this_update_s;
    int64_t next_update_s;
    int64_t next_publish_s;
};

struct crl_written {
    int64_t entries;
    int64_t size;
    uint8_t sha256[SHA256_LEN];
};

/* Walks twice (from the start each time): sums the entries' lengths, then writes. Memory does not grow with
 * the number of entries. The stream is not flushed. STATUS_IO, and the statuses of the walk and of
 * key_sign_digest; the stream then holds rubbish. */
NODISCARD enum status crl_write(const struct crl_parameters *parameters, struct revoked_walk *walk,
                                FILE *file, struct crl_written *out, struct err *err);

#endif

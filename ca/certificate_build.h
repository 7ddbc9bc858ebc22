/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts a certificate together from parts that are DER already, and signs it. Decides
 * nothing about what stands in it.
 */
#ifndef SCEPTER_CA_CERTIFICATE_BUILD_H
#define SCEPTER_CA_CERTIFICATE_BUILD_H

#include "certificate.h"
#include "keystore.h"

/* Everything borrowed. Names and SPKI are whole TLVs, extensions the contents of the Extensions SEQUENCE. */
struct certificate_parts {
    const struct serial *serial;
    struct span issuer;
    int64_t not_before_s;
    int64_t not_after_s;
    struct span subject;
    struct span spki;
    struct span extensions;
};

/* SHA-384 for P-384, SHA-256 for the rest. */
enum digest signing_digest(const struct pubkey *key);

/* Writes a v3 certificate (RFC 5280 section 4.1) signed by signer into out (emptied first).
 * STATUS_LIMIT above CERTIFICATE_MAX_LEN; key_sign's statuses. */
NODISCARD enum status certificate_build(const struct certificate_parts *parts, const struct key *signer,
                                        struct buf *out, struct err *err);

/* SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING }: signs tbs (a whole TLV) and appends the three to out,
 * as certificates and requests have them. */
NODISCARD enum status signed_sequence(struct span tbs, const struct key *signer, struct buf *out,
                                      struct err *err);

/* A random serial number: 128 bits, positive, not zero (RFC 5280 section 4.1.2.2). STATUS_INTERNAL. */
NODISCARD enum status serial_random(struct serial *out, struct err *err);

#endif

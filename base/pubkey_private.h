/* SPDX-License-Identifier: Apache-2.0
 *
 * struct pubkey, shared by pubkey.c (reads and judges) and pubkey_evp.c (computes).
 */
#ifndef SCEPTER_BASE_PUBKEY_PRIVATE_H
#define SCEPTER_BASE_PUBKEY_PRIVATE_H

#include "pubkey.h"

#include <stdatomic.h>

#define RSA_MAX_LEN 2048 /* octets of the longest modulus that is read: 16,384 bits */
#define SHA1_LEN    20

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

struct pubkey {
    enum key_type type;
    enum ec_curve curve;
    unsigned bits;
    struct buf spki;          /* the spans below borrow it */
    struct span bits_content; /* octets of the BIT STRING: RSAPublicKey or the point */
    struct span modulus;      /* big-endian without leading zeros, as the exponent; RSA only */
    struct span exponent;
    uint8_t key_id[SHA1_LEN];
    uint8_t fingerprint[SHA256_LEN];
    _Atomic(struct evp_pkey_st *) evp; /* made at first use, then never changed */
};

/* Makes the EVP key if it is not there yet, which finds points that are not on their curve:
 * STATUS_ALGORITHM. STATUS_NOMEM. Thread-safe. */
NODISCARD enum status pubkey_evp_check(const struct pubkey *key, struct err *err);
void pubkey_evp_free(struct pubkey *key);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Signature algorithms as AlgorithmIdentifier: an allow-list, one table for both ways. Whether SHA-1 may
 * be used is for the callers.
 */
#include "der.h"
#include "pubkey.h"

static const struct sigalg {
    enum oid oid;
    enum key_type type;
    enum digest digest;
} sigalgs[] = {
    {OID_SHA1_RSA, KEY_RSA, DIGEST_SHA1},      {OID_SHA256_RSA, KEY_RSA, DIGEST_SHA256},
    {OID_SHA384_RSA, KEY_RSA, DIGEST_SHA384},  {OID_SHA512_RSA, KEY_RSA, DIGEST_SHA512},
    {OID_ECDSA_SHA1, KEY_EC, DIGEST_SHA1},     {OID_ECDSA_SHA256, KEY_EC, DIGEST_SHA256},
    {OID_ECDSA_SHA384, KEY_EC, DIGEST_SHA384}, {OID_ECDSA_SHA512, KEY_EC, DIGEST_SHA512},
};
#define SIGALG_COUNT (sizeof(sigalgs) / sizeof(sigalgs[0]))

static enum status refuse(struct span oid, struct err *err)
{
    AUTO(buf) struct buf dotted = BUF(512);
    const char *name = oid_name(oid_find(oid));

    oid_text(&dotted, oid);
    buf_add_octet(&dotted, '\0');
    TRY(buf_status(&dotted, "signature algorithm", err));
    return ERR(
        err, STATUS_ALGORITHM,
        "the signature algorithm %s is not taken; RSA (PKCS#1 v1.5) and ECDSA with SHA-256, SHA-384 or "
        "SHA-512 are",
        name != NULL ? name : (const char *)dotted.data);
}

/* NULL or nothing. */
static enum status take_parameters(struct der_reader *reader, struct err *err)
{
    if (!der_at_end(reader))
        TRY(der_take_null(reader, "parameters of a signature algorithm (RFC 3279 section 2.2)", err));
    return der_finish(reader, "signature algorithm (RFC 5280 section 4.1.1.2)", err);
}

enum status sigalg_decode(struct span algorithm, enum key_type *type, enum digest *digest, bool *digest_given,
                          struct err *err)
{
    const struct sigalg *found = NULL;
    struct der_reader reader;
    struct span oid;
    enum oid known = OID_UNKNOWN;

    TRY(der_open_whole(algorithm, DER_SEQUENCE, &reader, "signature algorithm (RFC 5280 section 4.1.1.2)",
                       err));
    TRY(der_take_oid(&reader, &oid, "signature algorithm (RFC 5280 section 4.1.1.2)", err));
    known = oid_find(oid);
    for (size_t i = 0; i < SIGALG_COUNT; i++)
        if (sigalgs[i].oid == known)
            found = &sigalgs[i];
    if (found == NULL && known != OID_RSA)
        return refuse(oid, err);
    TRY(take_parameters(&reader, err));
    *type = found != NULL ? found->type : KEY_RSA;
    *digest_given = found != NULL;
    if (found != NULL)
        *digest = found->digest;
    return STATUS_OK;
}

void sigalg_encode(struct buf *out, enum key_type type, enum digest digest)
{
    for (size_t i = 0; i < SIGALG_COUNT; i++)
        if (sigalgs[i].type == type && sigalgs[i].digest == digest)
            der_put_algorithm(out, sigalgs[i].oid, type == KEY_RSA);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Public keys: reading SubjectPublicKeyInfo and judging it. The arithmetic (EVP) is
 * in pubkey_evp.c. Does not know private keys, nor which keys a template allows.
 */
#include "pubkey_private.h"

#include <stdio.h>

#define SPKI_MAX_LEN (2 * RSA_MAX_LEN + 64)

static const struct {
    enum oid oid;
    unsigned bits;
    const char *text;
} curves[] = {
    [CURVE_NONE] = {OID_UNKNOWN, 0, "none"},
    [CURVE_P256] = {OID_P256, 256, "ec:p256"},
    [CURVE_P384] = {OID_P384, 384, "ec:p384"},
    [CURVE_P521] = {OID_P521, 521, "ec:p521"},
};

void pubkey_free(struct pubkey *key)
{
    if (key == NULL)
        return;
    pubkey_evp_free(key);
    buf_free(&key->spki);
    free(key);
}

/* ---- RSA: RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } ---- */

/* A positive INTEGER without its sign octet. */
static enum status take_positive(struct der_reader *reader, struct span *magnitude, const char *what,
                                 struct err *err)
{
    struct span octets;

    TRY(der_take_integer(reader, &octets, RSA_MAX_LEN + 1, what, err));
    if ((octets.data[0] & 0x80) != 0)
        return ERR(err, STATUS_MALFORMED, "%s is negative", what);
    if (octets.data[0] == 0)
        octets = SPAN(octets.data + 1, octets.len - 1);
    if (octets.len == 0)
        return ERR(err, STATUS_MALFORMED, "%s is zero", what);
    *magnitude = octets;
    return STATUS_OK;
}

static unsigned bit_length(struct span magnitude)
{
    unsigned bits = (unsigned)(magnitude.len - 1) * 8;

    for (unsigned top = magnitude.data[0]; top != 0; top >>= 1)
        bits++;
    return bits;
}

static enum status read_rsa(struct pubkey *key, struct err *err)
{
    struct der_reader reader;

    TRY(der_open_whole(key->bits_content, DER_SEQUENCE, &reader, "RSAPublicKey (RFC 8017 A.1.1)", err));
    TRY(take_positive(&reader, &key->modulus, "RSA modulus (RFC 8017 A.1.1)", err));
    TRY(take_positive(&reader, &key->exponent, "RSA public exponent (RFC 8017 A.1.1)", err));
    TRY(der_finish(&reader, "RSAPublicKey (RFC 8017 A.1.1)", err));
    key->bits = bit_length(key->modulus);
    if (key->exponent.len > RSA_MAX_LEN)
        return ERR(err, STATUS_LIMIT, "the RSA public exponent has %zu octets; at most %d are read",
                   key->exponent.len, RSA_MAX_LEN);
    if (key->bits > RSA_MAX_LEN * 8)
        return ERR(err, STATUS_LIMIT, "the RSA modulus has %u bits; at most %d are read", key->bits,
                   RSA_MAX_LEN * 8);
    return STATUS_OK;
}

/* ---- EC: a named curve and an uncompressed point (RFC 5480 sections 2.1.1 and 2.2) ---- */

static enum status read_curve(struct der_reader *algorithm, enum ec_curve *curve, struct err *err)
{
    AUTO(buf) struct buf text = BUF(512);
    struct span oid;
    enum oid known = OID_UNKNOWN;

    if (der_peek(algorithm) != DER_OID)
        return ERR(err, STATUS_ALGORITHM,
                   "the EC key does not name its curve (RFC 5480 section 2.1.1); P-256, P-384 and P-521 are "
                   "read");
    TRY(der_take_oid(algorithm, &oid, "namedCurve (RFC 5480 section 2.1.1)", err));
    known = oid_find(oid);
    for (enum ec_curve i = CURVE_P256; i <= CURVE_P521; i++) {
        if (curves[i].oid == known) {
            *curve = i;
            return STATUS_OK;
        }
    }
    oid_text(&text, oid);
    buf_add_octet(&text, '\0');
    TRY(buf_status(&text, "namedCurve", err));
    return ERR(err, STATUS_ALGORITHM,
               "the EC key is on the unknown curve %s; P-256, P-384 and P-521 are read",
               (const char *)text.data);
}

static enum status read_point(struct pubkey *key, struct err *err)
{
    struct span point = key->bits_content;
    size_t coordinate_len = (key->bits + 7) / 8;

    if (point.len == coordinate_len + 1 && (point.data[0] == 0x02 || point.data[0] == 0x03))
        return ERR(
            err, STATUS_ALGORITHM,
            "the EC key is a compressed point; the uncompressed form is needed (RFC 5480 section 2.2)");
    if (point.len != 2 * coordinate_len + 1 || point.data[0] != 0x04)
        return ERR(err, STATUS_MALFORMED,
                   "the EC key's point has %zu octets; an uncompressed one has %zu, the first 0x04 (RFC 5480 "
                   "section 2.2)",
                   point.len, 2 * coordinate_len + 1);
    return STATUS_OK;
}

/* ---- SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING } ----
 */

/* Exactly one encoding of each key is taken (NULL parameters for RSA, RFC 3279 section 2.3.1; uncompressed
 * points), for keys are recognised by the digest of their SubjectPublicKeyInfo. */
static enum status read_algorithm(struct der_reader *algorithm, struct pubkey *key, struct err *err)
{
    AUTO(buf) struct buf text = BUF(512);
    struct span oid;

    TRY(der_take_oid(algorithm, &oid, "algorithm of a public key (RFC 5280 section 4.1.2.7)", err));
    switch (oid_find(oid)) {
    case OID_RSA:
        key->type = KEY_RSA;
        TRY(der_take_null(algorithm, "parameters of an RSA key (RFC 3279 section 2.3.1)", err));
        break;
    case OID_EC_PUBLIC_KEY:
        key->type = KEY_EC;
        TRY(read_curve(algorithm, &key->curve, err));
        key->bits = curves[key->curve].bits;
        break;
    default:
        oid_text(&text, oid);
        buf_add_octet(&text, '\0');
        TRY(buf_status(&text, "algorithm of a public key", err));
        return ERR(err, STATUS_ALGORITHM, "public keys of the algorithm %s are not taken; RSA and EC are",
                   (const char *)text.data);
    }
    return der_finish(algorithm, "algorithm of a public key (RFC 5280 section 4.1.2.7)", err);
}

static enum status read_spki(struct pubkey *key, struct err *err)
{
    struct der_reader reader;
    struct der_reader algorithm;

    TRY(der_open_whole(buf_span(&key->spki), DER_SEQUENCE, &reader,
                       "SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7)", err));
    TRY(der_enter(&reader, DER_SEQUENCE, &algorithm, "algorithm of a public key", err));
    TRY(read_algorithm(&algorithm, key, err));
    TRY(der_take_bits(&reader, &key->bits_content, "subjectPublicKey (RFC 5280 section 4.1.2.7)", err));
    TRY(der_finish(&reader, "SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7)", err));
    return key->type == KEY_RSA ? read_rsa(key, err) : read_point(key, err);
}

enum status pubkey_decode(struct span spki, struct pubkey **out, struct err *err)
{
    AUTO(pubkey) struct pubkey *key = NULL;

    if (spki.len > SPKI_MAX_LEN)
        return ERR(err, STATUS_LIMIT, "a public key of %zu octets; at most %d are read", spki.len,
                   SPKI_MAX_LEN);
    key = calloc(1, sizeof(*key));
    if (key == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    key->spki = BUF(SPKI_MAX_LEN);
    buf_add(&key->spki, spki);
    TRY(buf_status(&key->spki, "public key", err));
    TRY(read_spki(key, err));
    TRY(digest_compute(DIGEST_SHA1, key->bits_content, key->key_id, err));
    TRY(digest_compute(DIGEST_SHA256, spki, key->fingerprint, err));
    *out = MOVE(key);
    return STATUS_OK;
}

/* ---- judging ---- */

static enum status judge_exponent(struct span exponent, struct err *err)
{
    uint64_t value = 0;

    if (exponent.len <= 5)
        for (size_t i = 0; i < exponent.len; i++)
            value = value << 8 | exponent.data[i];
    if (value == 3 || value == 17 || (value % 2 == 1 && value >= 65537 && value <= UINT64_C(1) << 32))
        return STATUS_OK;
    if (value == 0)
        return ERR(err, STATUS_ALGORITHM,
                   "the RSA key's public exponent has %zu octets; 3, 17 and odd ones from 65537 to 2^32 are "
                   "allowed",
                   exponent.len);
    return ERR(err, STATUS_ALGORITHM,
               "the RSA key's public exponent is %llu; 3, 17 and odd ones from 65537 to 2^32 are allowed",
               (unsigned long long)value);
}

static enum status judge_rsa(const struct pubkey *key, const struct key_limits *limits, struct err *err)
{
    if (!limits->rsa)
        return ERR(err, STATUS_ALGORITHM, "the key is RSA with %u bits; RSA keys are not allowed here",
                   key->bits);
    if (key->bits < limits->rsa_min_bits || key->bits > limits->rsa_max_bits)
        return ERR(err, STATUS_ALGORITHM, "the RSA key has %u bits; %u to %u are allowed", key->bits,
                   limits->rsa_min_bits, limits->rsa_max_bits);
    if ((key->modulus.data[key->modulus.len - 1] & 1) == 0)
        return ERR(err, STATUS_ALGORITHM, "the RSA key's modulus is even; such a key is broken");
    return judge_exponent(key->exponent, err);
}

static enum status judge_ec(const struct pubkey *key, const struct key_limits *limits, struct err *err)
{
    bool allowed = (key->curve == CURVE_P256 && limits->p256) || (key->curve == CURVE_P384 && limits->p384);

    if (!allowed)
        return ERR(err, STATUS_ALGORITHM, "the key is %s; of EC keys %s allowed here",
                   curves[key->curve].text,
                   limits->p256 && limits->p384 ? "P-256 and P-384 are"
                   : limits->p256               ? "P-256 is"
                   : limits->p384               ? "P-384 is"
                                                : "none is");
    return pubkey_evp_check(key, err);
}

enum status pubkey_judge(const struct pubkey *key, const struct key_limits *limits, struct err *err)
{
    return key->type == KEY_RSA ? judge_rsa(key, limits, err) : judge_ec(key, limits, err);
}

/* ---- what a key is ---- */

enum key_type pubkey_type(const struct pubkey *key)
{
    return key->type;
}

unsigned pubkey_bits(const struct pubkey *key)
{
    return key->bits;
}

enum ec_curve pubkey_curve(const struct pubkey *key)
{
    return key->curve;
}

const char *pubkey_text(const struct pubkey *key)
{
    static _Thread_local char text[24];

    if (key->type == KEY_EC)
        return curves[key->curve].text;
    snprintf(text, sizeof(text), "rsa:%u", key->bits);
    return text;
}

struct span pubkey_spki(const struct pubkey *key)
{
    return buf_span(&key->spki);
}

struct span pubkey_key_id(const struct pubkey *key)
{
    return SPAN(key->key_id, sizeof(key->key_id));
}

struct span pubkey_fingerprint(const struct pubkey *key)
{
    return SPAN(key->fingerprint, sizeof(key->fingerprint));
}

bool pubkey_equal(const struct pubkey *a, const struct pubkey *b)
{
    return span_equal(pubkey_spki(a), pubkey_spki(b));
}

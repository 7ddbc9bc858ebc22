/* SPDX-License-Identifier: Apache-2.0
 *
 * Public keys: held against d2i_PUBKEY, whole and mutated; hostile keys; signatures made by OpenSSL.
 */
#include "pubkey_private.h"

#include "mutate.h"
#include "test_keys.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct key_limits usual = {
    .rsa = true, .rsa_min_bits = 2048, .rsa_max_bits = 4096, .p256 = true, .p384 = true};

static struct pubkey *decode(EVP_PKEY *key)
{
    AUTO(buf) struct buf spki = BUF(8192);
    struct pubkey *pubkey = NULL;

    test_key_spki(key, &spki);
    assert_int_equal(pubkey_decode(buf_span(&spki), &pubkey, NULL), STATUS_OK);
    assert_true(span_equal(pubkey_spki(pubkey), buf_span(&spki)));
    return pubkey;
}

/* ---- good keys ---- */

static void pubkey_decode__tells_type_bits_and_curve(void **state)
{
    static const struct {
        const char *curve;
        enum ec_curve expected;
        unsigned bits;
        const char *text;
    } cases[] = {
        {"P-256", CURVE_P256, 256, "ec:p256"},
        {"P-384", CURVE_P384, 384, "ec:p384"},
        {"P-521", CURVE_P521, 521, "ec:p521"},
    };
    AUTO(pubkey) struct pubkey *rsa = decode(test_key_rsa());

    (void)state;
    assert_int_equal(pubkey_type(rsa), KEY_RSA);
    assert_int_equal(pubkey_bits(rsa), 2048);
    assert_int_equal(pubkey_curve(rsa), CURVE_NONE);
    assert_string_equal(pubkey_text(rsa), "rsa:2048");
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *made = test_key_ec(cases[i].curve);
        AUTO(pubkey) struct pubkey *key = decode(made);
        assert_int_equal(pubkey_type(key), KEY_EC);
        assert_int_equal(pubkey_bits(key), cases[i].bits);
        assert_int_equal(pubkey_curve(key), cases[i].expected);
        assert_string_equal(pubkey_text(key), cases[i].text);
        assert_false(pubkey_equal(key, rsa));
        EVP_PKEY_free(made);
    }
}

/* RFC 5280 section 4.2.1.2 (1): "The keyIdentifier is composed of the 160-bit SHA-1 hash of the value of the
 * BIT STRING subjectPublicKey (excluding the tag, length, and number of unused bits)." */
static void pubkey_key_id__is_what_openssl_computes(void **state)
{
    AUTO(pubkey) struct pubkey *key = decode(test_key_rsa());
    X509 *certificate = X509_new();
    uint8_t expected[SHA_DIGEST_LENGTH];
    uint8_t fingerprint[SHA256_LEN];

    (void)state;
    assert_int_equal(X509_set_pubkey(certificate, test_key_rsa()), 1);
    assert_int_equal(X509_pubkey_digest(certificate, EVP_sha1(), expected, NULL), 1);
    assert_true(span_equal(pubkey_key_id(key), SPAN(expected, sizeof(expected))));
    SHA256(pubkey_spki(key).data, pubkey_spki(key).len, fingerprint);
    assert_true(span_equal(pubkey_fingerprint(key), SPAN(fingerprint, sizeof(fingerprint))));
    X509_free(certificate);
}

static size_t sign(EVP_PKEY *key, const EVP_MD *md, const char *text, uint8_t signature[512])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = 512;

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, md, NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)text, strlen(text)), 1);
    EVP_MD_CTX_free(ctx);
    return len;
}

static void check_signatures(EVP_PKEY *made)
{
    const struct {
        enum digest digest;
        const EVP_MD *md;
    } digests[] = {{DIGEST_SHA1, EVP_sha1()},
                   {DIGEST_SHA256, EVP_sha256()},
                   {DIGEST_SHA384, EVP_sha384()},
                   {DIGEST_SHA512, EVP_sha512()}};
    AUTO(pubkey) struct pubkey *key = decode(made);

    assert_int_equal(pubkey_judge(key, &usual, NULL), STATUS_OK);
    for (size_t i = 0; i < 4; i++) {
        struct err err = {0};
        uint8_t signature[512];
        size_t len = sign(made, digests[i].md, "data", signature);
        enum digest other = digests[(i + 1) % 4].digest;
        assert_int_equal(pubkey_verify(key, digests[i].digest, SPAN_STR("data"), SPAN(signature, len), NULL),
                         STATUS_OK);
        assert_int_equal(pubkey_verify(key, other, SPAN_STR("data"), SPAN(signature, len), &err),
                         STATUS_INTEGRITY);
        assert_int_equal(pubkey_verify(key, digests[i].digest, SPAN_STR("Data"), SPAN(signature, len), NULL),
                         STATUS_INTEGRITY);
        assert_int_equal(
            pubkey_verify(key, digests[i].digest, SPAN_STR("data"), SPAN(signature, len - 1), NULL),
            STATUS_INTEGRITY);
        assert_int_equal(pubkey_verify(key, digests[i].digest, SPAN_STR("data"), SPAN_NONE, NULL),
                         STATUS_INTEGRITY);
        signature[len / 2] ^= 1;
        assert_int_equal(pubkey_verify(key, digests[i].digest, SPAN_STR("data"), SPAN(signature, len), NULL),
                         STATUS_INTEGRITY);
    }
}

static void pubkey_verify__takes_good_signatures_alone(void **state)
{
    EVP_PKEY *p256 = test_key_ec("P-256");
    EVP_PKEY *p384 = test_key_ec("P-384");

    (void)state;
    check_signatures(test_key_rsa());
    check_signatures(p256);
    check_signatures(p384);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
}

/* PSS is not on the list: a signature of that kind by the right key does not hold. */
static void pubkey_verify__refuses_pss(void **state)
{
    AUTO(pubkey) struct pubkey *key = decode(test_key_rsa());
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_ctx = NULL;
    uint8_t signature[512];
    size_t len = sizeof(signature);

    (void)state;
    assert_int_equal(EVP_DigestSignInit(ctx, &key_ctx, EVP_sha256(), NULL, test_key_rsa()), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)"data", 4), 1);
    assert_int_equal(pubkey_verify(key, DIGEST_SHA256, SPAN_STR("data"), SPAN(signature, len), NULL),
                     STATUS_INTEGRITY);
    EVP_MD_CTX_free(ctx);
}

static void pubkey_encrypt__is_read_by_the_private_key(void **state)
{
    AUTO(pubkey) struct pubkey *key = decode(test_key_rsa());
    AUTO(buf) struct buf encrypted = BUF(512);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, test_key_rsa(), NULL);
    EVP_PKEY *ec = test_key_ec("P-256");
    AUTO(pubkey) struct pubkey *ec_key = decode(ec);
    uint8_t secret[512];
    size_t len = sizeof(secret);

    (void)state;
    assert_int_equal(pubkey_encrypt(key, SPAN_STR("0123456789abcdef"), &encrypted, NULL), STATUS_OK);
    assert_int_equal(encrypted.len, 256);
    assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
    assert_int_equal(EVP_PKEY_decrypt(ctx, secret, &len, encrypted.data, encrypted.len), 1);
    assert_true(span_equal(SPAN(secret, len), SPAN_STR("0123456789abcdef")));
    assert_int_equal(pubkey_encrypt(ec_key, SPAN_STR("0"), &encrypted, NULL), STATUS_ALGORITHM);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(ec);
}

struct shared_use {
    const struct pubkey *key;
    struct span signature;
    bool good;
};

static void *verify_in_thread(void *argument)
{
    struct shared_use *use = argument;

    use->good = true;
    for (unsigned i = 0; i < 20; i++)
        if (pubkey_verify(use->key, DIGEST_SHA256, SPAN_STR("data"), use->signature, NULL) != STATUS_OK)
            use->good = false;
    return NULL;
}

static void pubkey_verify__may_be_called_by_several_threads(void **state)
{
    EVP_PKEY *made[] = {test_key_rsa(), test_key_ec("P-256")};

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        AUTO(pubkey) struct pubkey *key = decode(made[k]);
        uint8_t signature[512];
        size_t len = sign(made[k], EVP_sha256(), "data", signature);
        struct shared_use uses[4];
        pthread_t threads[4];
        for (size_t i = 0; i < 4; i++) {
            uses[i] = (struct shared_use){key, SPAN(signature, len), false};
            assert_int_equal(pthread_create(&threads[i], NULL, verify_in_thread, &uses[i]), 0);
        }
        for (size_t i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
            assert_true(uses[i].good);
        }
    }
    EVP_PKEY_free(made[1]);
}

/* ---- hostile RSA keys ---- */

/* SubjectPublicKeyInfo of an RSA key with that modulus length, its ends, and that exponent. */
static void rsa_spki_long(struct buf *out, size_t modulus_len, uint8_t first, uint8_t last,
                          struct span exponent)
{
    AUTO(buf) struct buf key = BUF(8192);
    uint8_t modulus[4096];
    size_t mark = der_open(&key, DER_SEQUENCE);

    memset(modulus, 0x5a, modulus_len);
    modulus[0] = first;
    modulus[modulus_len - 1] = last;
    der_put_unsigned(&key, SPAN(modulus, modulus_len));
    der_put_unsigned(&key, exponent);
    der_close(&key, mark);
    mark = der_open(out, DER_SEQUENCE);
    der_put_algorithm(out, OID_RSA, true);
    der_put_bits(out, buf_span(&key));
    der_close(out, mark);
}

static void rsa_spki(struct buf *out, size_t modulus_len, uint8_t first, uint8_t last, uint64_t exponent)
{
    uint8_t octets[8];

    for (size_t i = 0; i < 8; i++)
        octets[i] = (uint8_t)(exponent >> (56 - 8 * i));
    rsa_spki_long(out, modulus_len, first, last, SPAN(octets, 8));
}

/* rules.md, Keys: "RSA modulus odd and within the limits, exponent 3, 17 or odd from 65537 to 2^32". */
static void pubkey_judge__refuses_hostile_rsa_keys(void **state)
{
    static const struct {
        size_t modulus_len;
        uint8_t first;
        uint8_t last;
        uint64_t exponent;
        enum status status;
        const char *why;
    } cases[] = {
        {256, 0x80, 1, 65537, STATUS_OK, NULL},
        {512, 0x80, 1, 65537, STATUS_OK, NULL},
        {256, 0x80, 1, 3, STATUS_OK, NULL},
        {256, 0x80, 1, 17, STATUS_OK, NULL},
        {256, 0x80, 1, 4294967295, STATUS_OK, NULL},
        {256, 0x80, 2, 65537, STATUS_ALGORITHM, "even"},
        {256, 0x80, 1, 1, STATUS_ALGORITHM, "exponent is 1;"},
        {256, 0x80, 1, 2, STATUS_ALGORITHM, "exponent is 2;"},
        {256, 0x80, 1, 5, STATUS_ALGORITHM, "exponent is 5;"},
        {256, 0x80, 1, 65535, STATUS_ALGORITHM, "exponent is 65535;"},
        {256, 0x80, 1, 65538, STATUS_ALGORITHM, "exponent is 65538;"},
        {256, 0x80, 1, 4294967296, STATUS_ALGORITHM, "exponent is 4294967296;"},
        {256, 0x80, 1, 4294967297, STATUS_ALGORITHM, "exponent is 4294967297;"},
        {256, 0x80, 1, UINT64_C(1) << 40 | 1, STATUS_ALGORITHM, "exponent has 6 octets"},
        {256, 0x7f, 1, 65537, STATUS_ALGORITHM, "2047 bits; 2048 to 4096"},
        {513, 0x01, 1, 65537, STATUS_ALGORITHM, "4097 bits"},
        {2048, 0x80, 1, 65537, STATUS_ALGORITHM, "16384 bits"},
        {1, 0x03, 1, 65537, STATUS_ALGORITHM, "1 bits"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(buf) struct buf spki = BUF(8192);
        AUTO(pubkey) struct pubkey *key = NULL;
        struct err err = {0};
        rsa_spki(&spki, cases[i].modulus_len, cases[i].first, cases[i].last, cases[i].exponent);
        assert_int_equal(pubkey_decode(buf_span(&spki), &key, &err), STATUS_OK);
        assert_int_equal(pubkey_judge(key, &usual, &err), cases[i].status);
        if (cases[i].why != NULL)
            assert_non_null(strstr(err.text, cases[i].why));
        assert_null(key->evp); /* judged without arithmetic */
    }
}

static void pubkey_judge__heeds_the_allowed_kinds(void **state)
{
    const struct key_limits ec_only = {.p256 = true};
    const struct key_limits rsa_only = {.rsa = true, .rsa_min_bits = 3072, .rsa_max_bits = 4096};
    EVP_PKEY *p384 = test_key_ec("P-384");
    EVP_PKEY *p521 = test_key_ec("P-521");
    AUTO(pubkey) struct pubkey *rsa_key = decode(test_key_rsa());
    AUTO(pubkey) struct pubkey *p384_key = decode(p384);
    AUTO(pubkey) struct pubkey *p521_key = decode(p521);

    (void)state;
    assert_int_equal(pubkey_judge(rsa_key, &ec_only, NULL), STATUS_ALGORITHM);
    assert_int_equal(pubkey_judge(rsa_key, &rsa_only, NULL), STATUS_ALGORITHM);
    assert_int_equal(pubkey_judge(p384_key, &ec_only, NULL), STATUS_ALGORITHM);
    assert_int_equal(pubkey_judge(p384_key, &rsa_only, NULL), STATUS_ALGORITHM);
    assert_int_equal(pubkey_judge(p384_key, &usual, NULL), STATUS_OK);
    assert_int_equal(pubkey_judge(p521_key, &usual, NULL), STATUS_ALGORITHM);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(p521);
}

static void pubkey_decode__limits_modulus_and_exponent_to_16384_bits(void **state)
{
    AUTO(buf) struct buf above = BUF(8192);
    AUTO(buf) struct buf far_above = BUF(16384);
    AUTO(buf) struct buf long_exponent = BUF(8192);
    AUTO(pubkey) struct pubkey *key = NULL;
    uint8_t exponent[RSA_MAX_LEN + 1];

    (void)state;
    rsa_spki(&above, 2049, 0x01, 1, 65537);
    assert_int_equal(pubkey_decode(buf_span(&above), &key, NULL), STATUS_LIMIT);
    rsa_spki(&far_above, 4096, 0x80, 1, 65537);
    assert_int_equal(pubkey_decode(buf_span(&far_above), &key, NULL), STATUS_LIMIT);
    memset(exponent, 1, sizeof(exponent));
    rsa_spki_long(&long_exponent, 256, 0x80, 1, SPAN(exponent, sizeof(exponent)));
    assert_int_equal(pubkey_decode(buf_span(&long_exponent), &key, NULL), STATUS_LIMIT);
    assert_null(key);
}

/* ---- hostile EC keys ---- */

static void ec_spki(struct buf *out, enum oid curve, struct span point)
{
    size_t mark = der_open(out, DER_SEQUENCE);
    size_t algorithm = der_open(out, DER_SEQUENCE);

    der_put_oid(out, OID_EC_PUBLIC_KEY);
    der_put_oid(out, curve);
    der_close(out, algorithm);
    der_put_bits(out, point);
    der_close(out, mark);
}

static enum status decode_point(enum oid curve, struct span point, struct pubkey **key)
{
    AUTO(buf) struct buf spki = BUF(1024);

    ec_spki(&spki, curve, point);
    return pubkey_decode(buf_span(&spki), key, NULL);
}

static void pubkey_judge__refuses_points_off_the_curve(void **state)
{
    EVP_PKEY *made = test_key_ec("P-256");
    uint8_t point[65];
    size_t len = 0;

    (void)state;
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(made, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len), 1);
    assert_int_equal(len, sizeof(point));
    for (unsigned i = 0; i < 4; i++) {
        AUTO(pubkey) struct pubkey *key = NULL;
        struct err err = {0};
        uint8_t bad[65];
        memcpy(bad, point, sizeof(bad));
        if (i == 1)
            bad[64] ^= 1;
        if (i == 2)
            memset(bad + 1, 0xff, 32); /* x >= p */
        if (i == 3)
            memset(bad + 1, 0, 64);
        assert_int_equal(decode_point(OID_P256, SPAN(bad, sizeof(bad)), &key), STATUS_OK);
        assert_int_equal(pubkey_judge(key, &usual, &err), i == 0 ? STATUS_OK : STATUS_ALGORITHM);
        assert_true(i == 0 || strstr(err.text, "not on the curve") != NULL);
    }
    EVP_PKEY_free(made);
}

static void pubkey_decode__refuses_other_forms_of_points(void **state)
{
    AUTO(pubkey) struct pubkey *key = NULL;
    uint8_t point[140] = {0};

    (void)state;
    assert_int_equal(decode_point(OID_P256, SPAN(point, 1), &key), STATUS_MALFORMED); /* infinity */
    assert_int_equal(decode_point(OID_P256, SPAN(point, 0), &key), STATUS_MALFORMED);
    point[0] = 0x02;
    assert_int_equal(decode_point(OID_P256, SPAN(point, 33), &key), STATUS_ALGORITHM); /* compressed */
    point[0] = 0x06;
    assert_int_equal(decode_point(OID_P256, SPAN(point, 65), &key), STATUS_MALFORMED); /* hybrid */
    point[0] = 0x04;
    assert_int_equal(decode_point(OID_P256, SPAN(point, 64), &key), STATUS_MALFORMED);
    assert_int_equal(decode_point(OID_P256, SPAN(point, 66), &key), STATUS_MALFORMED);
    assert_int_equal(decode_point(OID_P384, SPAN(point, 65), &key), STATUS_MALFORMED);
    assert_int_equal(decode_point(OID_SHA256, SPAN(point, 65), &key), STATUS_ALGORITHM); /* no curve */
    assert_null(key);
}

/* ---- other kinds, and the frame ---- */

static void pubkey_decode__names_kinds_that_it_does_not_take(void **state)
{
    static const struct {
        const char *type;
        const char *dotted;
    } cases[] = {{"ED25519", "1.3.101.112"}, {"X25519", "1.3.101.110"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        AUTO(buf) struct buf spki = BUF(1024);
        AUTO(pubkey) struct pubkey *key = NULL;
        struct err err = {0};
        EVP_PKEY *made = test_key_checked(EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type));
        test_key_spki(made, &spki);
        assert_int_equal(pubkey_decode(buf_span(&spki), &key, &err), STATUS_ALGORITHM);
        assert_non_null(strstr(err.text, cases[i].dotted));
        EVP_PKEY_free(made);
    }
}

/* RFC 3279 section 2.3.1: "The parameters field MUST have ASN.1 type NULL for this algorithm identifier." A
 * key has one encoding, so that its fingerprint recognises it. */
static void pubkey_decode__wants_null_parameters_for_rsa(void **state)
{
    AUTO(buf) struct buf spki = BUF(1024);
    AUTO(pubkey) struct pubkey *good = decode(test_key_rsa());
    AUTO(pubkey) struct pubkey *key = NULL;
    size_t mark = der_open(&spki, DER_SEQUENCE);

    (void)state;
    der_put_algorithm(&spki, OID_RSA, false);
    der_put_bits(&spki, good->bits_content);
    der_close(&spki, mark);
    assert_int_equal(pubkey_decode(buf_span(&spki), &key, NULL), STATUS_MALFORMED);
}

static void pubkey_decode__refuses_trailing_octets(void **state)
{
    AUTO(buf) struct buf spki = BUF(1024);
    AUTO(pubkey) struct pubkey *key = NULL;

    (void)state;
    test_key_spki(test_key_rsa(), &spki);
    buf_add_octet(&spki, 0);
    assert_int_equal(pubkey_decode(buf_span(&spki), &key, NULL), STATUS_MALFORMED);
}

/* ---- mutated ---- */

static void assert_bignum(const EVP_PKEY *evp, const char *param, struct span expected)
{
    BIGNUM *number = NULL;
    uint8_t octets[RSA_MAX_LEN];

    assert_int_equal(EVP_PKEY_get_bn_param(evp, param, &number), 1);
    assert_int_equal(BN_num_bytes(number), expected.len);
    BN_bn2bin(number, octets);
    assert_memory_equal(octets, expected.data, expected.len);
    BN_free(number);
}

static void assert_same(const struct pubkey *key, const EVP_PKEY *evp)
{
    uint8_t point[256];
    size_t len = 0;

    assert_int_equal(EVP_PKEY_get_bits(evp), pubkey_bits(key));
    if (pubkey_type(key) == KEY_RSA) {
        assert_int_equal(EVP_PKEY_get_base_id(evp), EVP_PKEY_RSA);
        assert_bignum(evp, OSSL_PKEY_PARAM_RSA_N, key->modulus);
        assert_bignum(evp, OSSL_PKEY_PARAM_RSA_E, key->exponent);
        return;
    }
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(evp, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len), 1);
    assert_true(span_equal(SPAN(point, len), key->bits_content));
}

/* What is decoded (EC: and judged, for OpenSSL checks the point while it decodes) OpenSSL decodes to the
 * same. */
static unsigned check_mutations(EVP_PKEY *made, unsigned count, uint64_t seed)
{
    AUTO(buf) struct buf spki = BUF(1024);
    unsigned accepted = 0;

    test_key_spki(made, &spki);
    for (unsigned i = 0; i < count; i++) {
        AUTO(pubkey) struct pubkey *key = NULL;
        uint8_t octets[1024];
        const unsigned char *next = octets;
        EVP_PKEY *read = NULL;
        size_t len = 0;
        memcpy(octets, spki.data, spki.len);
        len = mutate(&seed, octets, spki.len);
        if (pubkey_decode(SPAN(octets, len), &key, NULL) != STATUS_OK ||
            (pubkey_type(key) == KEY_EC && pubkey_judge(key, &usual, NULL) != STATUS_OK))
            continue;
        read = d2i_PUBKEY(NULL, &next, (long)len);
        assert_non_null(read);
        assert_ptr_equal(next, octets + len);
        assert_same(key, read);
        EVP_PKEY_free(read);
        accepted++;
    }
    return accepted;
}

static void pubkey_decode__reads_mutated_keys_as_openssl_does_or_refuses(void **state)
{
    EVP_PKEY *p256 = test_key_ec("P-256");
    EVP_PKEY *p384 = test_key_ec("P-384");

    (void)state;
    assert_true(check_mutations(test_key_rsa(), 2500, 6) > 1000);
    check_mutations(p256, 20000, 7); /* nearly none is on the curve */
    check_mutations(p384, 10000, 8);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pubkey_decode__tells_type_bits_and_curve),
        cmocka_unit_test(pubkey_key_id__is_what_openssl_computes),
        cmocka_unit_test(pubkey_verify__takes_good_signatures_alone),
        cmocka_unit_test(pubkey_verify__refuses_pss),
        cmocka_unit_test(pubkey_encrypt__is_read_by_the_private_key),
        cmocka_unit_test(pubkey_verify__may_be_called_by_several_threads),
        cmocka_unit_test(pubkey_judge__refuses_hostile_rsa_keys),
        cmocka_unit_test(pubkey_judge__heeds_the_allowed_kinds),
        cmocka_unit_test(pubkey_decode__limits_modulus_and_exponent_to_16384_bits),
        cmocka_unit_test(pubkey_judge__refuses_points_off_the_curve),
        cmocka_unit_test(pubkey_decode__refuses_other_forms_of_points),
        cmocka_unit_test(pubkey_decode__names_kinds_that_it_does_not_take),
        cmocka_unit_test(pubkey_decode__wants_null_parameters_for_rsa),
        cmocka_unit_test(pubkey_decode__refuses_trailing_octets),
        cmocka_unit_test(pubkey_decode__reads_mutated_keys_as_openssl_does_or_refuses),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    EVP_PKEY_free(test_key_rsa());
    return failed;
}

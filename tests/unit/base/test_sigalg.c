/* SPDX-License-Identifier: Apache-2.0
 *
 * Signature algorithms: those on the list both ways, held against OpenSSL, and what is refused.
 */
#include "der.h"
#include "pubkey.h"

#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void sigalg_encode__is_read_back_and_by_openssl(void **state)
{
    static const struct {
        enum key_type type;
        enum digest digest;
        int nid;
    } cases[] = {
        {KEY_RSA, DIGEST_SHA1, NID_sha1WithRSAEncryption},
        {KEY_RSA, DIGEST_SHA256, NID_sha256WithRSAEncryption},
        {KEY_RSA, DIGEST_SHA384, NID_sha384WithRSAEncryption},
        {KEY_RSA, DIGEST_SHA512, NID_sha512WithRSAEncryption},
        {KEY_EC, DIGEST_SHA1, NID_ecdsa_with_SHA1},
        {KEY_EC, DIGEST_SHA256, NID_ecdsa_with_SHA256},
        {KEY_EC, DIGEST_SHA384, NID_ecdsa_with_SHA384},
        {KEY_EC, DIGEST_SHA512, NID_ecdsa_with_SHA512},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(buf) struct buf der = BUF(64);
        enum key_type type = KEY_EC;
        enum digest digest = DIGEST_SHA1;
        bool given = false;
        const unsigned char *next = NULL;
        const ASN1_OBJECT *object = NULL;
        int parameters = 0;
        X509_ALGOR *openssl = NULL;
        sigalg_encode(&der, cases[i].type, cases[i].digest);
        assert_int_equal(sigalg_decode(buf_span(&der), &type, &digest, &given, NULL), STATUS_OK);
        assert_true(type == cases[i].type && digest == cases[i].digest && given);
        next = der.data;
        openssl = d2i_X509_ALGOR(NULL, &next, (long)der.len);
        X509_ALGOR_get0(&object, &parameters, NULL, openssl);
        assert_int_equal(OBJ_obj2nid(object), cases[i].nid);
        assert_int_equal(parameters, type == KEY_RSA ? V_ASN1_NULL : V_ASN1_UNDEF);
        X509_ALGOR_free(openssl);
    }
}

static void sigalg_decode__keeps_to_its_list(void **state)
{
    static const struct {
        enum oid oid;
        const char *name;
    } refused[] = {{OID_MD5_RSA, "md5WithRSAEncryption"},
                   {OID_SHA224_RSA, "sha224WithRSAEncryption"},
                   {OID_RSASSA_PSS, NULL},
                   {OID_ECDSA_SHA224, NULL},
                   {OID_SHA256, NULL},
                   {OID_CN, NULL}};
    static const uint8_t unknown[] = {0x30, 4, 6, 2, 0x2a, 3};
    enum key_type type = KEY_EC;
    enum digest digest = DIGEST_SHA1;
    bool given = true;
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        AUTO(buf) struct buf der = BUF(64);
        der_put_algorithm(&der, refused[i].oid, true);
        assert_int_equal(sigalg_decode(buf_span(&der), &type, &digest, &given, &err), STATUS_ALGORITHM);
        if (refused[i].name != NULL)
            assert_non_null(strcasestr(err.text, refused[i].name));
    }
    assert_int_equal(sigalg_decode(SPAN(unknown, sizeof(unknown)), &type, &digest, &given, &err),
                     STATUS_ALGORITHM);
    assert_non_null(strstr(err.text, "1.2.3"));
}

static void sigalg_decode__takes_null_or_no_parameters(void **state)
{
    AUTO(buf) struct buf rsa = BUF(64);
    AUTO(buf) struct buf bare = BUF(64);
    AUTO(buf) struct buf wrong = BUF(64);
    enum key_type type = KEY_EC;
    enum digest digest = DIGEST_SHA1;
    bool given = true;
    size_t mark = der_open(&wrong, DER_SEQUENCE);

    (void)state;
    der_put_algorithm(&rsa, OID_RSA, true);
    assert_int_equal(sigalg_decode(buf_span(&rsa), &type, &digest, &given, NULL), STATUS_OK);
    assert_true(type == KEY_RSA && !given);
    der_put_algorithm(&bare, OID_SHA256_RSA, false);
    assert_int_equal(sigalg_decode(buf_span(&bare), &type, &digest, &given, NULL), STATUS_OK);
    assert_true(digest == DIGEST_SHA256 && given);
    der_put_oid(&wrong, OID_SHA256_RSA);
    der_put_uint(&wrong, 0);
    der_close(&wrong, mark);
    assert_int_equal(sigalg_decode(buf_span(&wrong), &type, &digest, &given, NULL), STATUS_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigalg_encode__is_read_back_and_by_openssl),
        cmocka_unit_test(sigalg_decode__keeps_to_its_list),
        cmocka_unit_test(sigalg_decode__takes_null_or_no_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

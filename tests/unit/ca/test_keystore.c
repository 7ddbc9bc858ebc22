/* SPDX-License-Identifier: Apache-2.0
 *
 * Private keys: files held against OpenSSL's reading and writing, signatures and decryption against
 * OpenSSL's, and that a decryption tells nothing.
 */
#include "keystore.h"

#include "test_certificates.h"
#include "text.h"

#include <openssl/pkcs12.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SIGNATURE_LEN 2048

static void key_spec_parse__knows_five_and_lists_them(void **state)
{
    (void)state;
    enum key_spec spec = KEY_SPEC_RSA_2048;
    struct err err = {0};
    assert_int_equal(key_spec_parse("ec:p384", &spec, &err), STATUS_OK);
    assert_int_equal(spec, KEY_SPEC_EC_P384);
    assert_int_equal(key_spec_parse("rsa:3072", &spec, &err), STATUS_OK);
    assert_int_equal(spec, KEY_SPEC_RSA_3072);
    assert_int_equal(key_spec_parse("rsa:1024", &spec, &err), STATUS_USAGE);
    assert_non_null(strstr(err.text, "ec:p256"));
}

/* ---- files ---- */

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void key_create__writes_a_file_that_openssl_reads(void **state)
{
    (void)state;
    char path[64];
    AUTO(key) struct key *key = NULL;
    struct stat status;
    test_path(path, "plain.pem");
    assert_int_equal(key_create(path, KEY_SPEC_EC_P256, NULL, &key, NULL), STATUS_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    FILE *file = fopen(path, "r");
    EVP_PKEY *pkey = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(pkey);
    AUTO(buf) struct buf spki = BUF(1024);
    test_key_spki(pkey, &spki);
    assert_true(span_equal(buf_span(&spki), pubkey_spki(key_public(key))));
    EVP_PKEY_free(pkey);
    unlink(path);
}

static void key_create__never_replaces(void **state)
{
    (void)state;
    char path[64];
    AUTO(key) struct key *key = NULL;
    struct err err = {0};
    test_path(path, "there.pem");
    write_file(path, "mine", 0600);
    assert_int_equal(key_create(path, KEY_SPEC_EC_P256, NULL, &key, &err), STATUS_CONFLICT);
    assert_null(key);
    unlink(path);
}

static int give(char *out, int size, int rwflag, void *user)
{
    (void)rwflag;
    return snprintf(out, (size_t)size, "%s", (const char *)user);
}

static void key_open__needs_the_passphrase_of_an_encrypted_file(void **state)
{
    (void)state;
    char path[64];
    char passphrase[] = "a long one";
    AUTO(key) struct key *made = NULL;
    AUTO(key) struct key *key = NULL;
    struct err err = {0};
    test_path(path, "encrypted.pem");
    assert_int_equal(key_create(path, KEY_SPEC_RSA_2048, passphrase, &made, NULL), STATUS_OK);
    assert_int_equal(key_open(path, NULL, &key, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "give its passphrase"));
    assert_int_equal(key_open(path, "another", &key, &err), STATUS_DENIED);
    assert_int_equal(key_open(path, "", &key, &err), STATUS_DENIED);
    assert_null(key);
    assert_int_equal(key_open(path, passphrase, &key, &err), STATUS_OK);
    assert_true(pubkey_equal(key_public(made), key_public(key)));
    FILE *file = fopen(path, "r");
    EVP_PKEY *pkey = PEM_read_PrivateKey(file, NULL, give, passphrase);
    fclose(file);
    assert_non_null(pkey);
    EVP_PKEY_free(pkey);
    unlink(path);
}

static void key_open__reads_what_openssl_writes(void **state)
{
    (void)state;
    char path[64];
    char passphrase[] = "secret";
    AUTO(key) struct key *key = NULL;
    test_path(path, "theirs");
    write_file(path, "", 0600);
    FILE *file = fopen(path, "w");
    assert_int_equal(
        PEM_write_PKCS8PrivateKey(file, test_key_rsa(), EVP_aes_128_cbc(), passphrase, 6, NULL, NULL), 1);
    fclose(file);
    assert_int_equal(key_open(path, passphrase, &key, NULL), STATUS_OK);
    file = fopen(path, "w");
    assert_int_equal(i2d_PrivateKey_fp(file, test_key_rsa()), 1);
    fclose(file);
    key_unref(MOVE(key));
    assert_int_equal(key_open(path, NULL, &key, NULL), STATUS_OK);
    unlink(path);
}

static void key_open__refuses_a_file_that_others_can_read(void **state)
{
    (void)state;
    char path[64];
    AUTO(key) struct key *made = NULL;
    AUTO(key) struct key *key = NULL;
    struct err err = {0};
    test_path(path, "mode.pem");
    assert_int_equal(key_create(path, KEY_SPEC_EC_P256, NULL, &made, NULL), STATUS_OK);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(key_open(path, NULL, &key, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "chmod 600"));
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(key_open(path, NULL, &key, &err), STATUS_OK);
    unlink(path);
}

static void key_open__says_what_is_wrong_with_a_file(void **state)
{
    (void)state;
    char path[64];
    AUTO(key) struct key *key = NULL;
    struct err err = {0};
    test_path(path, "wrong.pem");
    assert_int_equal(key_open(path, NULL, &key, &err), STATUS_NOT_FOUND);
    write_file(path, "", 0600);
    assert_int_equal(key_open(path, NULL, &key, &err), STATUS_MALFORMED);
    write_file(path, "no key at all\n", 0600);
    assert_int_equal(key_open(path, NULL, &key, &err), STATUS_MALFORMED);
    assert_int_equal(key_open("", NULL, &key, &err), STATUS_USAGE);
    unlink(path);
}

static void refuse_pkey(EVP_PKEY *pkey, const char *words)
{
    char path[64];
    AUTO(key) struct key *key = NULL;
    struct err err = {0};
    test_path(path, "kind.pem");
    write_file(path, "", 0600);
    FILE *file = fopen(path, "w");
    assert_int_equal(PEM_write_PKCS8PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    assert_int_equal(key_open(path, NULL, &key, &err), STATUS_ALGORITHM);
    assert_non_null(strstr(err.text, words));
    EVP_PKEY_free(pkey);
    unlink(path);
}

static void key_open__refuses_keys_of_other_kinds(void **state)
{
    (void)state;
    refuse_pkey(EVP_RSA_gen(1024), "1024 bits");
    refuse_pkey(test_key_ec("P-521"), "secp521r1");
    refuse_pkey(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "ED25519");
}

/* ---- signing ---- */

static void verify_with_openssl(const struct key *key, enum digest digest, const EVP_MD *md)
{
    static const char data[] = "to be signed";
    AUTO(buf) struct buf signature = BUF(SIGNATURE_LEN);
    assert_int_equal(key_sign(key, digest, SPAN_STR(data), &signature, NULL), STATUS_OK);
    struct span spki = pubkey_spki(key_public(key));
    const unsigned char *next = spki.data;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &next, (long)spki.len);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, md, NULL, pkey), 1);
    assert_int_equal(
        EVP_DigestVerify(context, signature.data, signature.len, (const unsigned char *)data, strlen(data)),
        1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
}

static void key_sign__makes_what_openssl_verifies(void **state)
{
    (void)state;
    static const enum key_spec specs[] = {KEY_SPEC_RSA_2048, KEY_SPEC_EC_P256, KEY_SPEC_EC_P384};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        AUTO(key) struct key *key = NULL;
        assert_int_equal(key_generate(specs[i], &key, NULL), STATUS_OK);
        verify_with_openssl(key, DIGEST_SHA1, EVP_sha1());
        verify_with_openssl(key, DIGEST_SHA256, EVP_sha256());
        verify_with_openssl(key, DIGEST_SHA384, EVP_sha384());
        verify_with_openssl(key, DIGEST_SHA512, EVP_sha512());
    }
}

static void key_sign_digest__wants_a_digest_of_the_right_length(void **state)
{
    (void)state;
    static const uint8_t digest[SHA256_LEN] = {1};
    AUTO(key) struct key *key = test_key_opened(test_key_rsa());
    AUTO(buf) struct buf signature = BUF(SIGNATURE_LEN);
    assert_int_equal(key_sign_digest(key, DIGEST_SHA256, SPAN(digest, sizeof digest), &signature, NULL),
                     STATUS_OK);
    assert_int_equal(signature.len, 256);
    assert_int_equal(key_sign_digest(key, DIGEST_SHA384, SPAN(digest, sizeof digest), &signature, NULL),
                     STATUS_INTERNAL);
    assert_int_equal(signature.len, 256);
}

/* ---- decrypting ---- */

static const uint8_t content_key[16] = "0123456789abcde";

static void key_decrypt__gives_the_key_that_was_sent(void **state)
{
    (void)state;
    AUTO(key) struct key *key = test_key_opened(test_key_rsa());
    AUTO(buf) struct buf sent = BUF(SIGNATURE_LEN);
    uint8_t out[16] = {0};
    assert_int_equal(pubkey_encrypt(key_public(key), SPAN(content_key, 16), &sent, NULL), STATUS_OK);
    assert_int_equal(key_decrypt(key, buf_span(&sent), out, sizeof out, NULL), STATUS_OK);
    assert_memory_equal(out, content_key, sizeof out);
}

/* Two calls succeed and give two keys, neither of them the one that was sent. */
static void assert_random(const struct key *key, struct span ciphertext, size_t len)
{
    uint8_t first[64] = {0};
    uint8_t second[64] = {0};
    assert_int_equal(key_decrypt(key, ciphertext, first, len, NULL), STATUS_OK);
    assert_int_equal(key_decrypt(key, ciphertext, second, len, NULL), STATUS_OK);
    assert_memory_not_equal(first, second, len);
    assert_memory_not_equal(first, content_key, 16);
}

static void key_decrypt__gives_a_random_key_for_a_corrupted_ciphertext(void **state)
{
    (void)state;
    AUTO(key) struct key *key = test_key_opened(test_key_rsa());
    AUTO(buf) struct buf sent = BUF(SIGNATURE_LEN);
    assert_int_equal(pubkey_encrypt(key_public(key), SPAN(content_key, 16), &sent, NULL), STATUS_OK);
    for (size_t at = 1; at < sent.len; at += 37) {
        sent.data[at] ^= 1;
        assert_random(key, buf_span(&sent), 16);
        sent.data[at] ^= 1;
    }
    memset(sent.data, 0xff, sent.len); /* above the modulus */
    assert_random(key, buf_span(&sent), 16);
    memset(sent.data, 0, sent.len);
    assert_random(key, buf_span(&sent), 16);
}

static void key_decrypt__gives_a_random_key_for_another_length(void **state)
{
    (void)state;
    AUTO(key) struct key *key = test_key_opened(test_key_rsa());
    AUTO(buf) struct buf sent = BUF(SIGNATURE_LEN);
    assert_int_equal(pubkey_encrypt(key_public(key), SPAN(content_key, 16), &sent, NULL), STATUS_OK);
    assert_random(key, buf_span(&sent), 24);
    assert_random(key, buf_span(&sent), 64);
    assert_random(key, buf_span(&sent), 15);
}

static void key_decrypt__fails_visibly_for_what_anybody_sees(void **state)
{
    (void)state;
    AUTO(key) struct key *rsa = test_key_opened(test_key_rsa());
    AUTO(key) struct key *ec = NULL;
    uint8_t zeros[257] = {0};
    uint8_t out[16];
    assert_int_equal(key_generate(KEY_SPEC_EC_P256, &ec, NULL), STATUS_OK);
    assert_int_equal(key_decrypt(rsa, SPAN(zeros, 255), out, 16, NULL), STATUS_INTEGRITY);
    assert_int_equal(key_decrypt(rsa, SPAN(zeros, 257), out, 16, NULL), STATUS_INTEGRITY);
    assert_int_equal(key_decrypt(rsa, SPAN_NONE, out, 16, NULL), STATUS_INTEGRITY);
    assert_int_equal(key_decrypt(ec, SPAN(zeros, 256), out, 16, NULL), STATUS_ALGORITHM);
}

/* ---- PKCS#12 ---- */

static void parse_pkcs12(struct span der, const struct key *key, struct span certificate)
{
    const unsigned char *next = der.data;
    EVP_PKEY *pkey = NULL;
    X509 *x509 = NULL;
    STACK_OF(X509) *others = NULL;
    AUTO(buf) struct buf spki = BUF(1024);
    AUTO(buf) struct buf read = BUF(CERTIFICATE_MAX_LEN);
    PKCS12 *pkcs12 = d2i_PKCS12(NULL, &next, (long)der.len);
    assert_non_null(pkcs12);
    assert_int_equal(PKCS12_verify_mac(pkcs12, "wrong", -1), 0);
    assert_int_equal(PKCS12_parse(pkcs12, "secret", &pkey, &x509, &others), 1);
    test_key_spki(pkey, &spki);
    assert_true(span_equal(buf_span(&spki), pubkey_spki(key_public(key))));
    test_x509_der(x509, &read);
    assert_true(span_equal(buf_span(&read), certificate));
    assert_int_equal(sk_X509_num(others), 1);
    assert_string_equal((const char *)X509_alias_get0(x509, &(int){0}), "J. Doe");
    sk_X509_pop_free(others, X509_free);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    PKCS12_free(pkcs12);
}

static X509 *x509_for(const struct key *key)
{
    struct span spki = pubkey_spki(key_public(key));
    const unsigned char *next = spki.data;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &next, (long)spki.len);
    X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.subject = "jdoe"});
    assert_int_equal(X509_set_pubkey(x509, pkey), 1);
    assert_true(X509_sign(x509, test_key_rsa(), EVP_sha256()) > 0);
    EVP_PKEY_free(pkey);
    return x509;
}

static void key_pkcs12__holds_key_certificate_and_chain(void **state)
{
    (void)state;
    AUTO(key) struct key *key = NULL;
    AUTO(buf) struct buf der = BUF(CERTIFICATE_MAX_LEN);
    AUTO(buf) struct buf ca = BUF(CERTIFICATE_MAX_LEN);
    AUTO(buf) struct buf out = BUF(CERTIFICATE_MAX_LEN);
    assert_int_equal(key_generate(KEY_SPEC_EC_P256, &key, NULL), STATUS_OK);
    X509 *x509 = x509_for(key);
    X509 *issuer = test_x509(test_key_rsa(), &(struct test_certificate){.subject = "ca"});
    test_x509_der(x509, &der);
    test_x509_der(issuer, &ca);
    struct span chain[] = {buf_span(&ca)};
    assert_int_equal(key_pkcs12(key, buf_span(&der), chain, 1, "J. Doe", "secret", &out, NULL), STATUS_OK);
    parse_pkcs12(buf_span(&out), key, buf_span(&der));
    X509_free(x509);
    X509_free(issuer);
}

static void key_pkcs12__keeps_keys_that_were_opened(void **state)
{
    (void)state;
    AUTO(key) struct key *key = test_key_opened(test_key_rsa());
    AUTO(buf) struct buf der = BUF(CERTIFICATE_MAX_LEN);
    AUTO(buf) struct buf out = BUF(CERTIFICATE_MAX_LEN);
    X509 *x509 = test_x509(test_key_rsa(), &(struct test_certificate){.subject = "ca"});
    test_x509_der(x509, &der);
    assert_int_equal(key_pkcs12(key, buf_span(&der), NULL, 0, "x", "secret", &out, NULL), STATUS_DENIED);
    assert_int_equal(out.len, 0);
    X509_free(x509);
}

static void key_ref__keeps_a_key_until_its_last_user_is_gone(void **state)
{
    (void)state;
    struct key *key = test_key_opened(test_key_rsa());
    struct key *second = key_ref(key);
    key_unref(key);
    assert_int_equal(pubkey_bits(key_public(second)), 2048);
    key_unref(second);
    key_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_spec_parse__knows_five_and_lists_them),
        cmocka_unit_test(key_create__writes_a_file_that_openssl_reads),
        cmocka_unit_test(key_create__never_replaces),
        cmocka_unit_test(key_open__needs_the_passphrase_of_an_encrypted_file),
        cmocka_unit_test(key_open__reads_what_openssl_writes),
        cmocka_unit_test(key_open__refuses_a_file_that_others_can_read),
        cmocka_unit_test(key_open__says_what_is_wrong_with_a_file),
        cmocka_unit_test(key_open__refuses_keys_of_other_kinds),
        cmocka_unit_test(key_sign__makes_what_openssl_verifies),
        cmocka_unit_test(key_sign_digest__wants_a_digest_of_the_right_length),
        cmocka_unit_test(key_decrypt__gives_the_key_that_was_sent),
        cmocka_unit_test(key_decrypt__gives_a_random_key_for_a_corrupted_ciphertext),
        cmocka_unit_test(key_decrypt__gives_a_random_key_for_another_length),
        cmocka_unit_test(key_decrypt__fails_visibly_for_what_anybody_sees),
        cmocka_unit_test(key_pkcs12__holds_key_certificate_and_chain),
        cmocka_unit_test(key_pkcs12__keeps_keys_that_were_opened),
        cmocka_unit_test(key_ref__keeps_a_key_until_its_last_user_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

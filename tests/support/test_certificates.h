/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates made by OpenSSL for tests, and the keys that belong to them, in OpenSSL's hands and ours.
 */
#ifndef SCEPTER_TESTS_TEST_CERTIFICATES_H
#define SCEPTER_TESTS_TEST_CERTIFICATES_H

#include "certificate.h"
#include "keystore.h"
#include "test_keys.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

struct test_certificate {
    const char *subject;    /* common name; NULL: "device" */
    const char *serial_hex; /* NULL: 1; "-5" for a negative one */
    const char *not_before; /* ASN.1 time; NULL: 20260101000000Z */
    const char *not_after;  /* NULL: 20360101000000Z */
    bool v1;
    bool ski;
    const char *san;         /* as openssl x509v3_config(5) */
    const char *key_usage;   /* the same */
    const char *constraints; /* the same */
    const char *digest;      /* NULL: SHA256 */
};

static inline void test_must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "OpenSSL did not make %s\n", what);
    exit(1);
}

static inline void test_x509_extension(X509 *x509, int nid, const char *value)
{
    if (value == NULL)
        return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    test_must(extension != NULL && X509_add_ext(x509, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

/* Self-signed; the caller's. */
static inline X509 *test_x509(EVP_PKEY *pkey, const struct test_certificate *options)
{
    X509 *x509 = X509_new();
    BIGNUM *serial = NULL;
    const char *subject = options->subject != NULL ? options->subject : "device";
    test_must(x509 != NULL && BN_hex2bn(&serial, options->serial_hex != NULL ? options->serial_hex : "1") > 0,
              "a serial number");
    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509));
    BN_free(serial);
    X509_set_version(x509, options->v1 ? X509_VERSION_1 : X509_VERSION_3);
    ASN1_TIME_set_string_X509(X509_getm_notBefore(x509),
                              options->not_before != NULL ? options->not_before : "20260101000000Z");
    ASN1_TIME_set_string_X509(X509_getm_notAfter(x509),
                              options->not_after != NULL ? options->not_after : "20360101000000Z");
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                               (const unsigned char *)subject, -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_set_pubkey(x509, pkey);
    test_x509_extension(x509, NID_basic_constraints, options->constraints);
    test_x509_extension(x509, NID_key_usage, options->key_usage);
    test_x509_extension(x509, NID_subject_alt_name, options->san);
    test_x509_extension(x509, NID_subject_key_identifier, options->ski ? "hash" : NULL);
    const EVP_MD *digest = EVP_get_digestbyname(options->digest != NULL ? options->digest : "SHA256");
    test_must(X509_sign(x509, pkey, digest) > 0, "a signature");
    return x509;
}

static inline void test_x509_der(X509 *x509, struct buf *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(x509, &der);
    test_must(len > 0, "DER");
    buf_add(out, SPAN(der, (size_t)len));
    OPENSSL_free(der);
}

/* The same certificate as we read it; the caller's. */
static inline struct certificate *test_decoded(X509 *x509)
{
    AUTO(buf) struct buf der = BUF(CERTIFICATE_MAX_LEN);
    struct certificate *certificate = NULL;
    struct err err = {0};
    test_x509_der(x509, &der);
    if (certificate_decode(buf_span(&der), &certificate, &err) != STATUS_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return certificate;
}

/* A path for a file that the test makes, which is not there. */
static inline void test_path(char out[64], const char *name)
{
    snprintf(out, 64, "test_%ld_%.32s", (long)getpid(), name);
    unlink(out);
}

/* OpenSSL's key as ours, by way of a file; the caller's. */
static inline struct key *test_key_opened(EVP_PKEY *pkey)
{
    char path[64];
    struct key *key = NULL;
    struct err err = {0};
    test_path(path, "opened.pem");
    mode_t mask = umask(077);
    FILE *file = fopen(path, "w");
    umask(mask);
    test_must(file != NULL && PEM_write_PKCS8PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL) == 1,
              "a file");
    fclose(file);
    enum status status = key_open(path, NULL, &key, &err);
    unlink(path);
    if (status != STATUS_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return key;
}

#endif

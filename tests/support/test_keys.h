/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys made by OpenSSL for tests, and what OpenSSL says of them.
 */
#ifndef SCEPTER_TESTS_TEST_KEYS_H
#define SCEPTER_TESTS_TEST_KEYS_H

#include "buf.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>

/* A key that the test cannot do without: ends the program if OpenSSL does not give it. */
static inline EVP_PKEY *test_key_checked(EVP_PKEY *key)
{
    if (key == NULL) {
        fprintf(stderr, "OpenSSL made no key\n");
        exit(1);
    }
    return key;
}

/* 2,048 bits, made once. */
static inline EVP_PKEY *test_key_rsa(void)
{
    static EVP_PKEY *key;

    if (key == NULL)
        key = test_key_checked(EVP_RSA_gen(2048));
    return key;
}

/* "P-256", "P-384", "P-521"; the caller's. */
static inline EVP_PKEY *test_key_ec(const char *curve)
{
    return test_key_checked(EVP_EC_gen(curve));
}

/* Appends the SubjectPublicKeyInfo as OpenSSL writes it. */
static inline void test_key_spki(EVP_PKEY *key, struct buf *out)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);

    if (len > 0)
        buf_add(out, SPAN(der, (size_t)len));
    OPENSSL_free(der);
}

#endif

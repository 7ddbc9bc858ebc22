/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenSSL's CMS for tests: from and to DER, and what it says of our messages.
 */
#ifndef SCEPTER_TESTS_TEST_CMS_H
#define SCEPTER_TESTS_TEST_CMS_H

#include "cms.h"
#include "test_certificates.h"

#include <openssl/cms.h>

AUTO_POINTER(x509, X509, X509_free)
AUTO_POINTER(openssl_cms, CMS_ContentInfo, CMS_ContentInfo_free)
AUTO_POINTER(bio, BIO, BIO_free_all)

#define TEST_MESSAGE_MAX 65536

/* NULL if OpenSSL refuses it or leaves octets behind. */
static inline CMS_ContentInfo *test_cms_parse(struct span der)
{
    const unsigned char *next = der.data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &next, (long)der.len);
    if (cms != NULL && next == der.data + der.len)
        return cms;
    CMS_ContentInfo_free(cms);
    return NULL;
}

static inline void test_cms_der(CMS_ContentInfo *cms, struct buf *out)
{
    unsigned char *der = NULL;
    int len = i2d_CMS_ContentInfo(cms, &der);
    test_must(len > 0, "a CMS message");
    buf_add(out, SPAN(der, (size_t)len));
    OPENSSL_free(der);
}

/* BER of indefinite lengths, as OpenSSL streams it. */
static inline void test_cms_streamed(CMS_ContentInfo *cms, struct span content, struct buf *out)
{
    BIO *in = BIO_new_mem_buf(content.data, (int)content.len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *ber = NULL;
    test_must(i2d_CMS_bio_stream(bio, cms, in, CMS_STREAM | CMS_BINARY) == 1, "a stream");
    long len = BIO_get_mem_data(bio, &ber);
    buf_add(out, SPAN(ber, (size_t)len));
    BIO_free(bio);
    BIO_free(in);
}

static inline bool test_bio_holds(BIO *bio, struct span expected)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    return len >= 0 && span_equal(SPAN(data, (size_t)len), expected);
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * BER into DER: hand-made cases, random trees written both ways, and what OpenSSL streams.
 */
#include "der.h"

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OCTETS(text) SPAN("" text, sizeof(text) - 1)

#define assert_status(expected, call) assert_string_equal(status_name(expected), status_name(call))

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void ber_to_der__leaves_der_where_it_is(void **state)
{
    (void)state;
    static const struct span cases[] = {
        OCTETS("\x05\x00"),
        OCTETS("\x30\x00"),
        OCTETS("\x30\x06\xa0\x04\x04\x02\x30\x80"),
        OCTETS("\x31\x05\x02\x01\x02\x05\x00"),
        OCTETS("\x60\x02\x05\x00"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(buf) struct buf scratch = BUF(100);
        struct span out;
        assert_status(STATUS_OK, ber_to_der(cases[i], &scratch, &out, NULL));
        assert_ptr_equal(out.data, cases[i].data);
        assert_int_equal(out.len, cases[i].len);
        assert_int_equal(scratch.len, 0);
    }
}

static void ber_to_der__makes_lengths_definite_and_strings_primitive(void **state)
{
    (void)state;
    static const struct {
        struct span ber, der;
    } cases[] = {
        {OCTETS("\x30\x80\x00\x00"), OCTETS("\x30\x00")},
        {OCTETS("\x30\x81\x02\x05\x00"), OCTETS("\x30\x02\x05\x00")},
        {OCTETS("\x30\x03\x05\x81\x00"), OCTETS("\x30\x02\x05\x00")},
        {OCTETS("\x30\x88\x00\x00\x00\x00\x00\x00\x00\x02\x05\x00"), OCTETS("\x30\x02\x05\x00")},
        {OCTETS("\x04\x82\x00\x01\x61"), OCTETS("\x04\x01\x61")},
        {OCTETS("\x24\x80\x04\x01\x61\x04\x01\x62\x00\x00"), OCTETS("\x04\x02\x61\x62")},
        {OCTETS("\x24\x06\x04\x01\x61\x04\x01\x62"), OCTETS("\x04\x02\x61\x62")},
        {OCTETS("\x24\x80\x24\x80\x04\x01\x61\x00\x00\x24\x00\x04\x01\x62\x00\x00"),
         OCTETS("\x04\x02\x61\x62")},
        {OCTETS("\x24\x00"), OCTETS("\x04\x00")},
        {OCTETS("\x24\x80\x00\x00"), OCTETS("\x04\x00")},
        {OCTETS("\xa0\x80\x24\x80\x04\x01\x61\x00\x00\x00\x00"), OCTETS("\xa0\x03\x04\x01\x61")},
        {OCTETS("\x23\x80\x03\x02\x00\xab\x03\x02\x04\xc0\x00\x00"), OCTETS("\x03\x03\x04\xab\xc0")},
        {OCTETS("\x23\x80\x00\x00"), OCTETS("\x03\x01\x00")},
        {OCTETS("\x23\x05\x23\x03\x03\x01\x00"), OCTETS("\x03\x01\x00")},
        {OCTETS("\x2c\x06\x04\x01\x61\x0c\x01\x62"), OCTETS("\x0c\x02\x61\x62")},
        {OCTETS("\x31\x80\x30\x80\x02\x01\x05\x00\x00\x05\x00\x00\x00"),
         OCTETS("\x31\x07\x30\x03\x02\x01\x05\x05\x00")},
        {OCTETS("\xa0\x80\x04\x01\x61\x04\x01\x62\x00\x00"), OCTETS("\xa0\x06\x04\x01\x61\x04\x01\x62")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(buf) struct buf scratch = BUF(100);
        struct span out;
        assert_status(STATUS_OK, ber_to_der(cases[i].ber, &scratch, &out, NULL));
        assert_int_equal(out.len, cases[i].der.len);
        assert_memory_equal(out.data, cases[i].der.data, out.len);
    }
}

static void ber_to_der__refuses_what_is_not_ber(void **state)
{
    (void)state;
    static const struct {
        struct span ber;
        const char *why;
    } cases[] = {
        {SPAN_NONE, "no octets"},
        {OCTETS("\x30"), "ends where a length"},
        {OCTETS("\x30\x80"), "ends inside"},
        {OCTETS("\x30\x80\x00"), "tag 0x00"},
        {OCTETS("\x30\x80\x05\x00"), "ends inside"},
        {OCTETS("\x30\x02\x00\x00"), "tag 0x00"},
        {OCTETS("\x00\x00"), "tag 0x00"},
        {OCTETS("\x30\x80\x00\x01\x00\x00"), "tag 0x00"},
        {OCTETS("\x30\x02\x30\x80\x00\x00"), "ends inside"},
        {OCTETS("\x30\x03\x04\x02\x61\x62"), "only 1 octets follow"},
        {OCTETS("\x30\x82\x01"), "length octets"},
        {OCTETS("\x30\xff\x01"), "length octets"},
        {OCTETS("\x30\x89\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "length octets"},
        {OCTETS("\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff\x00"), "octets follow"},
        {OCTETS("\x04\x80\x61\x00\x00"), "primitive tag 0x04"},
        {OCTETS("\x3f\x01\x00"), "tag 0x3f"},
        {OCTETS("\x22\x03\x02\x01\x05"), "never constructed"},
        {OCTETS("\x37\x80\x00\x00"), "never constructed"},
        {OCTETS("\x24\x80\x0c\x01\x61\x00\x00"), "inside a constructed string"},
        {OCTETS("\x24\x80\x30\x00\x00\x00"), "inside a constructed string"},
        {OCTETS("\x23\x80\x04\x01\x61\x00\x00"), "inside a constructed string"},
        {OCTETS("\x23\x80\x03\x02\x01\xfe\x03\x02\x00\x61\x00\x00"), "before the last segment"},
        {OCTETS("\x23\x80\x03\x02\x08\x00\x00\x00"), "wrong first octet"},
        {OCTETS("\x23\x80\x03\x01\x01\x00\x00"), "wrong first octet"},
        {OCTETS("\x23\x80\x03\x00\x00\x00"), "wrong first octet"},
        {OCTETS("\x30\x80\x00\x00\x00"), "1 trailing octets"},
        {OCTETS("\x30\x00\x30\x00"), "2 trailing octets"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(buf) struct buf scratch = BUF(100);
        struct err err = {0};
        struct span out = SPAN_NONE;
        assert_status(STATUS_MALFORMED, ber_to_der(cases[i].ber, &scratch, &out, &err));
        assert_non_null(strstr(err.text, cases[i].why));
        assert_null(out.data);
    }
}

static enum status convert_nested(size_t levels)
{
    AUTO(buf) struct buf ber = BUF(100000);
    AUTO(buf) struct buf scratch = BUF(100000);
    struct span out;
    for (size_t i = 0; i < levels; i++)
        buf_add(&ber, OCTETS("\x30\x80"));
    for (size_t i = 0; i < levels; i++)
        buf_add(&ber, OCTETS("\x00\x00"));
    return ber_to_der(buf_span(&ber), &scratch, &out, NULL);
}

static void ber_to_der__limits_levels(void **state)
{
    (void)state;
    assert_status(STATUS_OK, convert_nested(24));
    assert_status(STATUS_LIMIT, convert_nested(25));
    assert_status(STATUS_LIMIT, convert_nested(20000));
}

static enum status convert_many(size_t tlvs)
{
    AUTO(buf) struct buf ber = BUF(100000);
    AUTO(buf) struct buf scratch = BUF(100000);
    struct span out;
    buf_add(&ber, OCTETS("\x30\x80"));
    for (size_t i = 1; i < tlvs; i++)
        der_put_null(&ber);
    buf_add(&ber, OCTETS("\x00\x00"));
    return ber_to_der(buf_span(&ber), &scratch, &out, NULL);
}

static void ber_to_der__limits_elements(void **state)
{
    (void)state;
    assert_status(STATUS_OK, convert_many(20000));
    assert_status(STATUS_LIMIT, convert_many(20001));
}

static void ber_to_der__holds_the_ceiling(void **state)
{
    (void)state;
    AUTO(buf) struct buf scratch = BUF(3);
    struct span out;
    assert_status(STATUS_LIMIT, ber_to_der(OCTETS("\x30\x80\x05\x00\x00\x00"), &scratch, &out, NULL));
    AUTO(buf) struct buf none = BUF(0);
    assert_status(STATUS_LIMIT, ber_to_der(OCTETS("\x23\x80\x00\x00"), &none, &out, NULL));
}

/* ---- random trees, written as DER by our writer and as BER by hand ---- */

struct twin {
    struct buf der;
    struct buf ber;
    uint32_t seed;
};

/* An open TLV in BER: indefinite, or definite with four length octets that are filled when it closes. */
struct ber_mark {
    bool indefinite;
    size_t at;
};

static struct ber_mark open_ber(struct twin *twin, uint8_t tag)
{
    struct ber_mark mark = {.indefinite = next_random(&twin->seed) % 2 == 0};
    buf_add_octet(&twin->ber, tag);
    buf_add(&twin->ber, mark.indefinite ? OCTETS("\x80") : OCTETS("\x84\0\0\0\0"));
    mark.at = twin->ber.len;
    return mark;
}

static void close_ber(struct twin *twin, struct ber_mark mark)
{
    size_t len = twin->ber.len - mark.at;
    if (mark.indefinite)
        buf_add(&twin->ber, OCTETS("\0\0"));
    else
        for (size_t i = 0; i < 4; i++, len >>= 8)
            twin->ber.data[mark.at - 1 - i] = (uint8_t)len;
}

static void put_string(struct twin *twin, size_t depth, struct span content)
{
    if (depth == 0 || next_random(&twin->seed) % 3 == 0) {
        der_put(&twin->ber, DER_OCTET_STRING, content);
        return;
    }
    struct ber_mark mark = open_ber(twin, DER_OCTET_STRING | 0x20);
    while (content.len > 0) {
        size_t len = 1 + next_random(&twin->seed) % content.len;
        put_string(twin, depth - 1, SPAN(content.data, len));
        content = SPAN(content.data + len, content.len - len);
    }
    close_ber(twin, mark);
}

static void put_random_string(struct twin *twin)
{
    uint8_t content[300];
    size_t len = next_random(&twin->seed) % sizeof content;
    for (size_t i = 0; i < len; i++)
        content[i] = (uint8_t)next_random(&twin->seed);
    der_put(&twin->der, DER_OCTET_STRING, SPAN(content, len));
    put_string(twin, 3, SPAN(content, len));
}

static void put_tree(struct twin *twin, size_t depth)
{
    static const uint8_t tags[] = {DER_SEQUENCE, DER_SET, DER_CONTEXT_CONSTRUCTED(0),
                                   DER_CONTEXT_CONSTRUCTED(7)};
    if (depth == 0 || next_random(&twin->seed) % 4 == 0) {
        put_random_string(twin);
        return;
    }
    uint8_t tag = tags[next_random(&twin->seed) % sizeof tags];
    size_t der = der_open(&twin->der, tag);
    struct ber_mark ber = open_ber(twin, tag);
    for (size_t children = next_random(&twin->seed) % 5; children > 0; children--)
        put_tree(twin, depth - 1);
    close_ber(twin, ber);
    der_close(&twin->der, der);
}

static void ber_to_der__gives_the_der_of_random_trees(void **state)
{
    (void)state;
    size_t changed = 0;
    for (uint32_t round = 0; round < 500; round++) {
        AUTO(buf) struct buf scratch = BUF(2000000);
        struct twin twin = {.der = BUF(2000000), .ber = BUF(2000000), .seed = 0xbe5 + round * 7919};
        put_tree(&twin, 5);
        struct span out;
        assert_status(STATUS_OK, buf_status(&twin.ber, "BER", NULL));
        assert_status(STATUS_OK, ber_to_der(buf_span(&twin.ber), &scratch, &out, NULL));
        assert_true(span_equal(out, buf_span(&twin.der)));
        changed += out.data != twin.ber.data;
        buf_free(&twin.der);
        buf_free(&twin.ber);
    }
    assert_true(changed > 400);
}

/* ---- what OpenSSL streams, and mutations of it ---- */

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static int make_identity(void **state)
{
    static struct identity identity;
    identity.key = EVP_EC_gen("P-256");
    identity.certificate = X509_new();
    X509_NAME *name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"ber", -1, -1, 0);
    X509_set_version(identity.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(identity.certificate), 7);
    X509_set_subject_name(identity.certificate, name);
    X509_set_issuer_name(identity.certificate, name);
    X509_NAME_free(name);
    ASN1_TIME_set(X509_getm_notBefore(identity.certificate), 1700000000);
    ASN1_TIME_set(X509_getm_notAfter(identity.certificate), 1800000000);
    X509_set_pubkey(identity.certificate, identity.key);
    X509_sign(identity.certificate, identity.key, EVP_sha256());
    *state = &identity;
    return identity.key != NULL && identity.certificate != NULL ? 0 : -1;
}

static int free_identity(void **state)
{
    struct identity *identity = *state;
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
    return 0;
}

/* The streamed form of a CMS: indefinite lengths, the content in segments of a kilobyte. */
static void stream_cms(CMS_ContentInfo *cms, struct span data, int flags, struct buf *out)
{
    assert_non_null(cms);
    BIO *in = BIO_new_mem_buf(data.data, (int)data.len);
    BIO *sink = BIO_new(BIO_s_mem());
    assert_int_equal(i2d_CMS_bio_stream(sink, cms, in, flags), 1);
    char *octets = NULL;
    long len = BIO_get_mem_data(sink, &octets);
    buf_add(out, SPAN(octets, (size_t)len));
    BIO_free(in);
    BIO_free(sink);
    CMS_ContentInfo_free(cms);
}

static void stream_signed(const struct identity *identity, struct span data, struct buf *out)
{
    int flags = CMS_STREAM | CMS_BINARY;
    stream_cms(CMS_sign(identity->certificate, identity->key, NULL, NULL, (unsigned)flags), data, flags, out);
}

static void stream_encrypted(struct span data, struct buf *out)
{
    static unsigned char key[16] = "sixteen octets..";
    int flags = CMS_STREAM | CMS_BINARY;
    stream_cms(CMS_EncryptedData_encrypt(NULL, EVP_aes_128_cbc(), key, sizeof key, (unsigned)flags), data,
               flags, out);
}

/* OpenSSL's reading of all octets, encoded again; empty if it refuses. */
static void openssl_again(struct span octets, struct buf *out)
{
    const uint8_t *at = octets.data;
    unsigned char *again = NULL;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)octets.len);
    int len = cms != NULL && at == octets.data + octets.len ? i2d_CMS_ContentInfo(cms, &again) : 0;
    if (len > 0)
        buf_add(out, SPAN(again, (size_t)len));
    OPENSSL_free(again);
    CMS_ContentInfo_free(cms);
}

/* What OpenSSL has no type for (an ANY, a signed certificate) it keeps as it came: the octets may differ by
 * that much, and only by that. */
static void assert_same_but_for_form(const struct buf *ours, const struct buf *theirs)
{
    AUTO(buf) struct buf scratch = BUF(20000);
    struct span der;
    if (span_equal(buf_span(ours), buf_span(theirs)))
        return;
    assert_status(STATUS_OK, ber_to_der(buf_span(theirs), &scratch, &der, NULL));
    assert_ptr_equal(der.data, scratch.data);
    assert_true(span_equal(buf_span(ours), der));
}

/* Whether both read it; then they read the same. */
static bool assert_same_reading(struct span ber)
{
    AUTO(buf) struct buf scratch = BUF(20000);
    AUTO(buf) struct buf theirs = BUF(20000);
    AUTO(buf) struct buf ours = BUF(20000);
    struct span der;
    if (ber_to_der(ber, &scratch, &der, NULL) != STATUS_OK)
        return false;
    openssl_again(ber, &theirs);
    if (theirs.len == 0)
        return false;
    openssl_again(der, &ours);
    assert_same_but_for_form(&ours, &theirs);
    return true;
}

static void assert_no_ber_left(struct span ber)
{
    AUTO(buf) struct buf scratch = BUF(20000);
    AUTO(buf) struct buf untouched = BUF(20000);
    struct span der;
    struct span again;
    assert_status(STATUS_OK, ber_to_der(ber, &scratch, &der, NULL));
    assert_ptr_equal(der.data, scratch.data);
    assert_status(STATUS_OK, ber_to_der(der, &untouched, &again, NULL));
    assert_ptr_equal(again.data, der.data);
}

static void make_data(uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 31 + i / 256);
}

static void ber_to_der__turns_streamed_signed_data(void **state)
{
    uint8_t data[3000];
    make_data(data, sizeof data);
    AUTO(buf) struct buf ber = BUF(20000);
    stream_signed(*state, SPAN(data, sizeof data), &ber);
    assert_no_ber_left(buf_span(&ber));
    assert_true(assert_same_reading(buf_span(&ber)));

    AUTO(buf) struct buf scratch = BUF(20000);
    struct span der;
    assert_status(STATUS_OK, ber_to_der(buf_span(&ber), &scratch, &der, NULL));
    const uint8_t *at = der.data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.len);
    assert_non_null(cms);
    BIO *content = BIO_new(BIO_s_mem());
    assert_int_equal(CMS_verify(cms, NULL, NULL, NULL, content, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY), 1);
    char *octets = NULL;
    assert_int_equal(BIO_get_mem_data(content, &octets), sizeof data);
    assert_memory_equal(octets, data, sizeof data);
    BIO_free(content);
    CMS_ContentInfo_free(cms);
}

static void ber_to_der__turns_streamed_encrypted_data(void **state)
{
    (void)state;
    uint8_t data[3000];
    make_data(data, sizeof data);
    AUTO(buf) struct buf ber = BUF(20000);
    stream_encrypted(SPAN(data, sizeof data), &ber);
    assert_no_ber_left(buf_span(&ber));
    assert_true(assert_same_reading(buf_span(&ber)));
}

/* The octets that carry meaning change most often: tags and lengths are mostly at the front. */
static size_t mutate_and_compare(struct span original, uint32_t seed, size_t rounds)
{
    uint8_t octets[20000];
    size_t accepted = 0;
    assert_in_range(original.len, 100, sizeof octets);
    for (size_t round = 0; round < rounds; round++) {
        memcpy(octets, original.data, original.len);
        for (size_t changes = 1 + next_random(&seed) % 2; changes > 0; changes--) {
            size_t reach = next_random(&seed) % 2 == 0 ? 100 : original.len;
            octets[next_random(&seed) % reach] ^= (uint8_t)(1u << next_random(&seed) % 8);
        }
        accepted += assert_same_reading(SPAN(octets, original.len));
    }
    return accepted;
}

static void ber_to_der__reads_mutations_as_openssl_does(void **state)
{
    uint8_t data[1500];
    make_data(data, sizeof data);
    AUTO(buf) struct buf streamed_signature = BUF(20000);
    AUTO(buf) struct buf encrypted = BUF(20000);
    stream_signed(*state, SPAN(data, sizeof data), &streamed_signature);
    stream_encrypted(SPAN(data, sizeof data), &encrypted);
    assert_true(mutate_and_compare(buf_span(&streamed_signature), 0x5161ed, 3000) > 500);
    assert_true(mutate_and_compare(buf_span(&encrypted), 0xe9c, 3000) > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ber_to_der__leaves_der_where_it_is),
        cmocka_unit_test(ber_to_der__makes_lengths_definite_and_strings_primitive),
        cmocka_unit_test(ber_to_der__refuses_what_is_not_ber),
        cmocka_unit_test(ber_to_der__limits_levels),
        cmocka_unit_test(ber_to_der__limits_elements),
        cmocka_unit_test(ber_to_der__holds_the_ceiling),
        cmocka_unit_test(ber_to_der__gives_the_der_of_random_trees),
        cmocka_unit_test(ber_to_der__turns_streamed_signed_data),
        cmocka_unit_test(ber_to_der__turns_streamed_encrypted_data),
        cmocka_unit_test(ber_to_der__reads_mutations_as_openssl_does),
    };
    return cmocka_run_group_tests(tests, make_identity, free_identity);
}

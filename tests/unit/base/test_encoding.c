/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of base/encoding.c: hex, base64 and PEM, held against OpenSSL's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define MOST 300

static const char *const certificate[] = {"CERTIFICATE", NULL};
static const char *const request_labels[] = {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", NULL};

/* Octets that hold every value, from a small generator with a fixed seed. */
static struct span some_octets(uint8_t octets[MOST], size_t len)
{
    uint32_t seed = 12345;
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245U + 12345U;
        octets[i] = (uint8_t)(seed >> 16);
    }
    return SPAN(octets, len);
}

static void assert_base64(const char *text, const char *expected)
{
    struct err err = {0};
    AUTO(buf) struct buf out = BUF(256);
    if (base64_decode(SPAN_STR(text), &out, &err) != STATUS_OK)
        fail_msg("%s: %s", text, err.text);
    if (!span_equal(buf_span(&out), SPAN_STR(expected)))
        fail_msg("%s", text);
}

static void assert_no_base64(struct span text)
{
    AUTO(buf) struct buf out = BUF(256);
    buf_add_text(&out, "before");
    struct err err = {0};
    if (base64_decode(text, &out, &err) != STATUS_MALFORMED)
        fail_msg("taken: %.*s", (int)text.len, (const char *)text.data);
    assert_true(span_equal(buf_span(&out), SPAN_STR("before")));
    assert_string_not_equal(err.text, "");
}

static void hex__goes_both_ways(void **state)
{
    (void)state;
    uint8_t octets[MOST];
    struct span in = some_octets(octets, MOST);
    AUTO(buf) struct buf hex = BUF(MOST * 2);
    AUTO(buf) struct buf back = BUF(MOST);
    hex_encode(&hex, in);
    AUTO(heap) char *text = buf_take_text(&hex);
    assert_int_equal(strlen(text), 2 * in.len);
    assert_int_equal(hex_decode(text, &back, NULL), STATUS_OK);
    assert_true(span_equal(buf_span(&back), in));
}

static void hex_decode__passes_over_prefix_blanks_and_colons(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(16);
    assert_int_equal(hex_decode(" 0x0A:bC d E", &out, NULL), STATUS_OK);
    assert_true(span_equal(buf_span(&out), SPAN("\x0a\xbc\xde", 3)));
}

static void hex_decode__refuses_odd_and_foreign_text(void **state)
{
    (void)state;
    static const char *const bad[] = {"a", "abc", "0x0x", "gg", "12-34", "0x0", "12\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO(buf) struct buf out = BUF(16);
        assert_int_equal(hex_decode(bad[i], &out, NULL), STATUS_MALFORMED);
        assert_int_equal(out.len, 0);
    }
}

static void base64__agrees_with_openssl_at_every_length(void **state)
{
    (void)state;
    uint8_t octets[MOST];
    for (size_t len = 0; len < MOST; len++) {
        struct span in = some_octets(octets, len);
        uint8_t theirs[MOST * 2];
        int theirs_len = EVP_EncodeBlock(theirs, in.data, (int)in.len);
        AUTO(buf) struct buf ours = BUF(MOST * 2);
        AUTO(buf) struct buf back = BUF(MOST);
        base64_encode(&ours, in);
        assert_true(span_equal(buf_span(&ours), SPAN(theirs, (size_t)theirs_len)));
        assert_int_equal(base64_decode(buf_span(&ours), &back, NULL), STATUS_OK);
        assert_true(span_equal(buf_span(&back), in));
    }
}

/* RFC 4648 section 10: test vectors. */
static void base64_decode__reads_the_vectors_with_and_without_pads(void **state)
{
    (void)state;
    assert_base64("", "");
    assert_base64("Zg==", "f");
    assert_base64("Zg", "f");
    assert_base64("Zm8=", "fo");
    assert_base64("Zm8", "fo");
    assert_base64("Zm9vYmFy", "foobar");
    assert_base64("Zm9v\r\nYm\tFy\n", "foobar");
    assert_base64("Zg\n=\n=\n", "f");
}

static void base64_decode__reads_both_alphabets_and_a_blank_as_plus(void **state)
{
    (void)state;
    assert_base64("+/+/", "\xfb\xff\xbf");
    assert_base64("-_-_", "\xfb\xff\xbf");
    assert_base64(" / /", "\xfb\xff\xbf");
}

static void base64_decode__refuses_what_openssl_passes_over(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z",       "Zg=",    "Zg===",    "Zm8==",  "Zg==Zg==",
                                      "=",       "==",     "Zm9v=",    "Zm9v==", "Zm9vYmFy!",
                                      "Zm%2B9v", "Zm\v9v", "Zm9v\xa0", "Z=m8"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_no_base64(SPAN_STR(bad[i]));
    assert_no_base64(SPAN("Zm9\0", 4));
}

static void base64_decode__holds_the_ceiling(void **state)
{
    (void)state;
    AUTO(buf) struct buf out = BUF(2);
    assert_int_equal(base64_decode(SPAN_STR("Zm9v"), &out, NULL), STATUS_LIMIT);
    assert_int_equal(out.len, 0);
}

static void pem_encode__is_what_openssl_writes(void **state)
{
    (void)state;
    uint8_t octets[MOST];
    for (size_t len = 1; len < MOST; len += 7) {
        struct span der = some_octets(octets, len);
        BIO *bio = BIO_new(BIO_s_mem());
        assert_true(PEM_write_bio(bio, "CERTIFICATE", "", der.data, (long)der.len) > 0);
        char *theirs = NULL;
        long theirs_len = BIO_get_mem_data(bio, &theirs);
        AUTO(buf) struct buf ours = BUF(MOST * 2);
        pem_encode(&ours, "CERTIFICATE", der);
        bool same = span_equal(buf_span(&ours), SPAN(theirs, (size_t)theirs_len));
        BIO_free(bio);
        assert_true(same);
    }
}

static void pem_decode__reads_what_it_wrote_and_names_the_label(void **state)
{
    (void)state;
    uint8_t octets[MOST];
    struct span der = some_octets(octets, 200);
    AUTO(buf) struct buf pem = BUF(1024);
    AUTO(buf) struct buf back = BUF(MOST);
    const char *found = NULL;
    buf_add_text(&pem, "some words\n-----BEGIN X-----\nZm9v\n-----END X-----\n");
    pem_encode(&pem, "NEW CERTIFICATE REQUEST", der);
    assert_int_equal(pem_decode(buf_span(&pem), request_labels, &back, &found, NULL), STATUS_OK);
    assert_true(span_equal(buf_span(&back), der));
    assert_ptr_equal(found, request_labels[1]);
}

static void pem_decode__takes_any_line_breaks(void **state)
{
    (void)state;
    static const char *const good[] = {
        "-----BEGIN CERTIFICATE-----Zm9vYmFy-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\r\nZm9v\r\nYmFy\r\n-----END CERTIFICATE-----\r\n",
        "  -----BEGIN CERTIFICATE-----  \n  Zm9v  \n\n\tYmFy\n  -----END CERTIFICATE-----",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        AUTO(buf) struct buf out = BUF(64);
        assert_int_equal(pem_decode(SPAN_STR(good[i]), certificate, &out, NULL, NULL), STATUS_OK);
        assert_true(span_equal(buf_span(&out), SPAN_STR("foobar")));
    }
}

static void pem_decode__tells_missing_from_broken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
    } cases[] = {
        {"", STATUS_NOT_FOUND},
        {"-----BEGIN CERTIFICATE", STATUS_NOT_FOUND},
        {"-----BEGIN CERTIFICATE REQUEST-----\nZm9v\n-----END CERTIFICATE REQUEST-----\n", STATUS_NOT_FOUND},
        {"-----BEGIN CERTIFICATE-----\nZm9v\n", STATUS_MALFORMED},
        {"-----BEGIN CERTIFICATE-----\nZm9v\n-----END X509-----\n", STATUS_MALFORMED},
        {"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", STATUS_MALFORMED},
        {"-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n", STATUS_MALFORMED},
        {"-----BEGIN CERTIFICATE-----\nZm9vY\n-----END CERTIFICATE-----\n", STATUS_MALFORMED},
        {"-----BEGIN CERTIFICATE-----\nZm9v-_A=\n-----END CERTIFICATE-----\n", STATUS_MALFORMED},
        {"-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\nZm9v\n-----END CERTIFICATE-----\n",
         STATUS_MALFORMED},
        {"-----BEGIN CERTIFICATE-----\nZm9v\n-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n",
         STATUS_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(buf) struct buf out = BUF(64);
        struct err err = {0};
        assert_int_equal(pem_decode(SPAN_STR(cases[i].text), certificate, &out, NULL, &err), cases[i].status);
        assert_int_equal(out.len, 0);
        assert_non_null(strstr(err.text, "CERTIFICATE"));
    }
}

static void pem_next__walks_through_a_file(void **state)
{
    (void)state;
    AUTO(buf) struct buf file = BUF(1024);
    AUTO(buf) struct buf out = BUF(64);
    pem_encode(&file, "CERTIFICATE", SPAN_STR("one"));
    pem_encode(&file, "PRIVATE KEY", SPAN_STR("key"));
    pem_encode(&file, "CERTIFICATE", SPAN_STR("two"));
    struct span rest = buf_span(&file);
    assert_int_equal(pem_next(&rest, certificate, &out, NULL, NULL), STATUS_OK);
    assert_int_equal(pem_next(&rest, certificate, &out, NULL, NULL), STATUS_OK);
    assert_true(span_equal(buf_span(&out), SPAN_STR("onetwo")));
    assert_int_equal(pem_next(&rest, certificate, &out, NULL, NULL), STATUS_NOT_FOUND);
}

static void der_from_any__takes_der_pem_and_base64(void **state)
{
    (void)state;
    struct span der = SPAN("\x30\x03\x02\x01\x05", 5);
    AUTO(buf) struct buf pem = BUF(256);
    pem_encode(&pem, "CERTIFICATE", der);
    struct span forms[] = {der, buf_span(&pem), SPAN_STR("MAMCAQU="), SPAN_STR("\r\n MAMC\r\nAQU \r\n")};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        AUTO(buf) struct buf out = BUF(64);
        assert_int_equal(der_from_any(forms[i], certificate, &out, NULL), STATUS_OK);
        assert_true(span_equal(buf_span(&out), der));
    }
}

static void der_from_any__refuses_everything_else(void **state)
{
    (void)state;
    static const char *const bad[] = {"", " ", "hello", "Zm9v", "MAMCAQU=!"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO(buf) struct buf out = BUF(64);
        assert_int_equal(der_from_any(SPAN_STR(bad[i]), certificate, &out, NULL), STATUS_MALFORMED);
        assert_int_equal(out.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex__goes_both_ways),
        cmocka_unit_test(hex_decode__passes_over_prefix_blanks_and_colons),
        cmocka_unit_test(hex_decode__refuses_odd_and_foreign_text),
        cmocka_unit_test(base64__agrees_with_openssl_at_every_length),
        cmocka_unit_test(base64_decode__reads_the_vectors_with_and_without_pads),
        cmocka_unit_test(base64_decode__reads_both_alphabets_and_a_blank_as_plus),
        cmocka_unit_test(base64_decode__refuses_what_openssl_passes_over),
        cmocka_unit_test(base64_decode__holds_the_ceiling),
        cmocka_unit_test(pem_encode__is_what_openssl_writes),
        cmocka_unit_test(pem_decode__reads_what_it_wrote_and_names_the_label),
        cmocka_unit_test(pem_decode__takes_any_line_breaks),
        cmocka_unit_test(pem_decode__tells_missing_from_broken),
        cmocka_unit_test(pem_next__walks_through_a_file),
        cmocka_unit_test(der_from_any__takes_der_pem_and_base64),
        cmocka_unit_test(der_from_any__refuses_everything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

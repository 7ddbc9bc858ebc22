/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of base/digest.c and base/clock.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "digest.h"
#include "text.h"

#include <openssl/evp.h>
#include <pthread.h>

static const enum digest all[] = {DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
#define ALL (sizeof(all) / sizeof(all[0]))

static void assert_hex(struct span octets, const char *expected)
{
    AUTO(buf) struct buf hex = BUF(256);
    hex_encode(&hex, octets);
    AUTO(heap) char *text = buf_take_text(&hex);
    assert_string_equal(text, expected);
}

/* FIPS 180-4, the example messages "abc". */
static void digest_compute__gives_the_published_values(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "a9993e364706816aba3e25717850c26c9cd0d89d",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
         "454d4423643ce80e2a9ac94fa54ca49f"),
    };
    for (size_t i = 0; i < ALL; i++) {
        uint8_t out[DIGEST_MAX_LEN];
        assert_int_equal(digest_compute(all[i], SPAN_STR("abc"), out, NULL), STATUS_OK);
        assert_hex(SPAN(out, digest_len(all[i])), expected[i]);
    }
    uint8_t short_form[SHA256_LEN];
    sha256(SPAN_STR("abc"), short_form);
    assert_hex(SPAN(short_form, SHA256_LEN), expected[1]);
}

static void digest_compute_parts__is_the_digest_of_the_whole(void **state)
{
    (void)state;
    const struct span parts[] = {SPAN_STR("a"), SPAN_NONE, SPAN_STR("bc")};
    for (size_t i = 0; i < ALL; i++) {
        uint8_t whole[DIGEST_MAX_LEN];
        uint8_t pieces[DIGEST_MAX_LEN];
        assert_int_equal(digest_compute(all[i], SPAN_STR("abc"), whole, NULL), STATUS_OK);
        assert_int_equal(digest_compute_parts(all[i], parts, 3, pieces, NULL), STATUS_OK);
        assert_memory_equal(whole, pieces, digest_len(all[i]));
    }
}

static void digest_stream__is_the_digest_of_the_whole(void **state)
{
    (void)state;
    AUTO(digest_stream) struct digest_stream *stream = NULL;
    uint8_t out[DIGEST_MAX_LEN];
    uint8_t whole[DIGEST_MAX_LEN];
    assert_int_equal(digest_stream_new(DIGEST_SHA384, &stream, NULL), STATUS_OK);
    digest_stream_add(stream, SPAN_STR("ab"));
    assert_int_equal(digest_compute(DIGEST_SHA384, SPAN_STR("abc"), whole, NULL), STATUS_OK);
    digest_stream_add(stream, SPAN_STR("c"));
    assert_int_equal(digest_stream_end(stream, out, NULL), STATUS_OK);
    assert_memory_equal(out, whole, digest_len(DIGEST_SHA384));
    assert_int_equal(digest_stream_end(stream, out, NULL), STATUS_INTERNAL);
}

static void digest_names__agree_with_openssl(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL; i++) {
        EVP_MD *theirs = EVP_MD_fetch(NULL, digest_name(all[i]), NULL);
        assert_non_null(theirs);
        size_t len = (size_t)EVP_MD_get_size(theirs);
        EVP_MD_free(theirs);
        assert_int_equal(len, digest_len(all[i]));
    }
}

static void digest_from_oid__knows_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL; i++) {
        enum digest digest = DIGEST_SHA1;
        assert_int_equal(digest_from_oid(oid_octets(digest_oid(all[i])), &digest, NULL), STATUS_OK);
        assert_int_equal(digest, all[i]);
    }
}

static void digest_from_oid__refuses_and_names_md5_and_strangers(void **state)
{
    (void)state;
    enum digest digest = DIGEST_SHA512;
    struct err err = {0};
    assert_int_equal(digest_from_oid(oid_octets(OID_MD5), &digest, &err), STATUS_ALGORITHM);
    assert_non_null(strstr(err.text, "1.2.840.113549.2.5"));
    assert_non_null(strstr(err.text, "SHA-256"));
    assert_int_equal(digest_from_oid(SPAN("\x2a\x03\x04", 3), &digest, &err), STATUS_ALGORITHM);
    assert_non_null(strstr(err.text, "1.2.3.4"));
    assert_int_equal(digest_from_oid(SPAN_NONE, &digest, &err), STATUS_ALGORITHM);
    assert_int_equal(digest, DIGEST_SHA512);
}

static void *digest_many(void *result)
{
    bool *right = result;
    uint8_t first[DIGEST_MAX_LEN];
    *right = digest_compute(DIGEST_SHA256, SPAN_STR("abc"), first, NULL) == STATUS_OK;
    for (int i = 0; i < 500; i++) {
        uint8_t out[DIGEST_MAX_LEN];
        enum digest digest = all[(size_t)i % ALL];
        *right = *right && digest_compute(digest, SPAN_STR("abc"), out, NULL) == STATUS_OK &&
                 (digest != DIGEST_SHA256 || memcmp(out, first, SHA256_LEN) == 0);
    }
    return NULL;
}

static void digest_compute__works_in_many_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    bool right[4] = {false};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, digest_many, &right[i]), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 4; i++)
        assert_true(right[i]);
}

static void clock_now__moves_only_when_tests_shift_it(void **state)
{
    (void)state;
    int64_t before = clock_now();
    int64_t monotonic = clock_monotonic_us();
    clock_shift_for_tests(-86400);
    assert_in_range(before - clock_now(), 86300, 86400);
    clock_shift_for_tests(0);
    assert_true(clock_now() >= before);
    assert_true(clock_monotonic_us() >= monotonic);
    assert_in_range(clock_monotonic_ms() - monotonic / 1000, 0, 60000);
}

static void random_octets__fills_all_and_differs(void **state)
{
    (void)state;
    uint8_t first[64] = {0};
    uint8_t second[64] = {0};
    assert_int_equal(random_octets(first, sizeof(first), NULL), STATUS_OK);
    assert_int_equal(random_octets(second, sizeof(second), NULL), STATUS_OK);
    assert_memory_not_equal(first, second, sizeof(first));
    assert_memory_not_equal(first + 32, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32);
    assert_int_equal(random_octets(NULL, 0, NULL), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_compute__gives_the_published_values),
        cmocka_unit_test(digest_compute_parts__is_the_digest_of_the_whole),
        cmocka_unit_test(digest_stream__is_the_digest_of_the_whole),
        cmocka_unit_test(digest_names__agree_with_openssl),
        cmocka_unit_test(digest_from_oid__knows_its_own),
        cmocka_unit_test(digest_from_oid__refuses_and_names_md5_and_strangers),
        cmocka_unit_test(digest_compute__works_in_many_threads),
        cmocka_unit_test(clock_now__moves_only_when_tests_shift_it),
        cmocka_unit_test(random_octets__fills_all_and_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

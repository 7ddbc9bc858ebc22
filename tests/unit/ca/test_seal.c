/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealed secrets: open again, and only unchanged, where they belong, with the same key.
 */
#include "enroll_private.h"
#include "file.h"
#include "text.h"

#include <setjmp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static char dir[64];
static char key_path[128];

static int setup(void **state)
{
    char keys[96];
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/scepter-seal-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(keys, sizeof keys, "%s/keys", dir);
    (void)snprintf(key_path, sizeof key_path, "%s/seal.key", keys);
    return mkdir(keys, 0700);
}

static int teardown(void **state)
{
    char keys[96];
    (void)state;
    (void)snprintf(keys, sizeof keys, "%s/keys", dir);
    (void)unlink(key_path);
    (void)rmdir(keys);
    return rmdir(dir);
}

static void seal(const char *secret, const char *bound_to, struct buf *out)
{
    struct err err = {0};
    assert_int_equal(seal_close(dir, SPAN_STR(secret), SPAN_STR(bound_to), out, &err), STATUS_OK);
}

static enum status open_sealed(struct span sealed, const char *bound_to, struct buf *out)
{
    struct err err = {0};
    return seal_open(dir, sealed, SPAN_STR(bound_to), out, &err);
}

static void seal__opens_again(void **state)
{
    (void)state;
    AUTO(buf) struct buf sealed = {0};
    AUTO(buf) struct buf secret = {0};
    seal("0123456789ABCDEF", "request", &sealed);
    assert_int_equal(open_sealed(buf_span(&sealed), "request", &secret), STATUS_OK);
    assert_true(span_equal(buf_span(&secret), SPAN_STR("0123456789ABCDEF")));
    assert_null(memmem(sealed.data, sealed.len, "0123456789ABCDEF", 16));
}

static void seal__never_gives_the_same_octets_twice(void **state)
{
    (void)state;
    AUTO(buf) struct buf a = {0};
    AUTO(buf) struct buf b = {0};
    seal("secret", "request", &a);
    seal("secret", "request", &b);
    assert_false(span_equal(buf_span(&a), buf_span(&b)));
}

static void seal__makes_its_key_for_its_owner_alone(void **state)
{
    (void)state;
    AUTO(buf) struct buf sealed = {0};
    struct stat facts;
    seal("secret", "request", &sealed);
    assert_int_equal(stat(key_path, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_equal(facts.st_size, 32);
}

static void seal__refuses_a_key_that_others_can_read(void **state)
{
    (void)state;
    AUTO(buf) struct buf sealed = {0};
    AUTO(buf) struct buf secret = {0};
    struct err err = {0};
    seal("secret", "request", &sealed);
    assert_int_equal(chmod(key_path, 0644), 0);
    assert_int_equal(seal_open(dir, buf_span(&sealed), SPAN_STR("request"), &secret, &err), STATUS_DENIED);
    assert_non_null(strstr(err.text, "chmod 600"));
}

static void seal__refuses_every_changed_octet(void **state)
{
    (void)state;
    AUTO(buf) struct buf sealed = {0};
    AUTO(buf) struct buf secret = {0};
    seal("secret", "request", &sealed);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 1;
        assert_int_equal(open_sealed(buf_span(&sealed), "request", &secret), STATUS_INTEGRITY);
        sealed.data[i] ^= 1;
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(open_sealed(SPAN(sealed.data, len), "request", &secret), STATUS_INTEGRITY);
    assert_int_equal(secret.len, 0);
}

static void seal__refuses_another_request_or_key(void **state)
{
    (void)state;
    AUTO(buf) struct buf sealed = {0};
    AUTO(buf) struct buf secret = {0};
    AUTO(buf) struct buf other = {0};
    seal("secret", "request", &sealed);
    assert_int_equal(open_sealed(buf_span(&sealed), "another", &secret), STATUS_INTEGRITY);
    assert_int_equal(unlink(key_path), 0);
    assert_int_equal(open_sealed(buf_span(&sealed), "request", &secret), STATUS_NOT_FOUND);
    seal("x", "y", &other);
    assert_int_equal(open_sealed(buf_span(&sealed), "request", &secret), STATUS_INTEGRITY);
}

static void seal__refuses_nothing_and_too_much(void **state)
{
    (void)state;
    AUTO(buf) struct buf sealed = {0};
    static const uint8_t large[4097];
    struct err err = {0};
    assert_int_equal(seal_close(dir, SPAN_NONE, SPAN_NONE, &sealed, &err), STATUS_LIMIT);
    assert_int_equal(seal_close(dir, SPAN(large, sizeof large), SPAN_NONE, &sealed, &err), STATUS_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(seal__opens_again, setup, teardown),
        cmocka_unit_test_setup_teardown(seal__never_gives_the_same_octets_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(seal__makes_its_key_for_its_owner_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(seal__refuses_a_key_that_others_can_read, setup, teardown),
        cmocka_unit_test_setup_teardown(seal__refuses_every_changed_octet, setup, teardown),
        cmocka_unit_test_setup_teardown(seal__refuses_another_request_or_key, setup, teardown),
        cmocka_unit_test_setup_teardown(seal__refuses_nothing_and_too_much, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

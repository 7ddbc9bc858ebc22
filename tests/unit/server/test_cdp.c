/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of CDP and AIA: which names are served, with which headers, and what stays served
 * when a new CRL cannot be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority_fixture.h"
#include "server.h"

#include <fcntl.h>

#define CA_NAME "Example CA + 1"

/* An authority, what is published of it, and a server to ask. */
struct published_place {
    struct place place;
    struct snapshot *snapshot;
    struct server server;
};

static int setup(void **state)
{
    static struct published_place it;
    it = (struct published_place){0};
    place_make(&it.place);
    it.place.config.name = CA_NAME;
    const struct authority_create create = {.key = KEY_SPEC_EC_P256, .ra_key = KEY_SPEC_RSA_2048};
    OK(authority_create(it.place.store, &it.place.config, &create, it.place.templates, &err));
    it.snapshot = calloc(1, sizeof *it.snapshot);
    assert_non_null(it.snapshot);
    it.snapshot->references = 1;
    OK(authority_open(it.place.store, &it.place.config, &it.snapshot->authority, &err));
    OK(cdp_cache_new(&it.server.cdp, &err));
    OK(cdp_cache_refresh(it.server.cdp, it.snapshot, it.place.store, &err));
    *state = &it;
    return 0;
}

static int teardown(void **state)
{
    struct published_place *it = *state;
    cdp_cache_free(it->server.cdp);
    snapshot_unref(it->snapshot);
    place_remove(&it->place);
    return 0;
}

static void ask(struct published_place *it, const char *path, const char *etag, struct http_reply *reply)
{
    const struct http_request request = {
        .method = HTTP_GET, .path = path, .if_none_match = etag, .application = &it->server};
    reply_free(reply);
    cdp_handler(&request, reply);
}

static void cdp_handler__serves_the_crl_with_its_headers(void **state)
{
    struct published_place *it = *state;
    AUTO(reply) struct http_reply reply = {0};
    AUTO(heap) char *path = NULL;
    AUTO(buf) struct buf file = BUF(65536);
    OK(crl_path(it->snapshot->authority, 0, &path, &err));
    OK(file_read(path, &file, &err));
    ask(it, "/CertEnroll/" CA_NAME ".crl", NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_non_null(reply.blob);
    assert_true(span_equal(buf_span(&reply.blob->octets), buf_span(&file)));
    assert_string_equal(reply.blob->content_type, "application/pkix-crl");
    assert_true(reply.blob->modified_s > 0 && reply.blob->modified_s <= clock_now());
    assert_true(reply.cache);
    assert_int_equal(reply.max_age_s, 300);
}

static void cdp_handler__serves_the_ca_certificate(void **state)
{
    struct published_place *it = *state;
    AUTO(reply) struct http_reply reply = {0};
    ask(it, "/CertEnroll/" CA_NAME ".crt", NULL, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(span_equal(buf_span(&reply.blob->octets),
                           buf_span(&authority_current(it->snapshot->authority)->certificate->der)));
    assert_string_equal(reply.blob->content_type, "application/pkix-cert");
}

/* rules.md, Authority: the path accepts any case. */
static void cdp_handler__takes_names_in_any_case(void **state)
{
    struct published_place *it = *state;
    AUTO(reply) struct http_reply reply = {0};
    ask(it, "/certenroll/EXAMPLE ca + 1.CRL", NULL, &reply);
    assert_int_equal(reply.status, 200);
}

static void cdp_handler__answers_404_for_other_names(void **state)
{
    struct published_place *it = *state;
    static const char *const paths[] = {
        "/CertEnroll/",
        "/CertEnroll/" CA_NAME,
        "/CertEnroll/" CA_NAME "(1).crl",
        "/CertEnroll/" CA_NAME ".crl/",
        "/CertEnroll/../scepter.cfg",
        "/CertEnroll/0.crl",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        AUTO(reply) struct http_reply reply = {0};
        ask(it, paths[i], NULL, &reply);
        assert_int_equal(reply.status, 404);
    }
}

/* RFC 9110 section 13.1.2: If-None-Match. */
static void cdp_handler__answers_304_for_what_the_client_has(void **state)
{
    struct published_place *it = *state;
    AUTO(reply) struct http_reply reply = {0};
    AUTO(heap) char *etag = NULL;
    ask(it, "/CertEnroll/" CA_NAME ".crl", NULL, &reply);
    OK(text_copy(reply.blob->etag, &etag, &err));
    ask(it, "/CertEnroll/" CA_NAME ".crl", etag, &reply);
    assert_int_equal(reply.status, 304);
    assert_null(reply.blob);
    ask(it, "/CertEnroll/" CA_NAME ".crl", "\"another\"", &reply);
    assert_int_equal(reply.status, 200);
}

static void cdp_cache_refresh__serves_a_new_crl(void **state)
{
    struct published_place *it = *state;
    AUTO(reply) struct http_reply before = {0};
    AUTO(reply) struct http_reply after = {0};
    ask(it, "/CertEnroll/" CA_NAME ".crl", NULL, &before);
    OK(crl_publish(it->snapshot->authority, it->place.store, 0, true, "system", NULL, &err));
    OK(cdp_cache_refresh(it->server.cdp, it->snapshot, it->place.store, &err));
    ask(it, "/CertEnroll/" CA_NAME ".crl", NULL, &after);
    assert_int_equal(after.status, 200);
    assert_string_not_equal(before.blob->etag, after.blob->etag);
}

/* A CRL that could not be read leaves the old one served and is an error; a damaged file is never served. */
static void cdp_cache_refresh__keeps_the_old_crl_when_the_new_one_is_damaged(void **state)
{
    struct published_place *it = *state;
    struct err damage = {0};
    AUTO(reply) struct http_reply before = {0};
    AUTO(reply) struct http_reply after = {0};
    AUTO(heap) char *path = NULL;
    ask(it, "/CertEnroll/" CA_NAME ".crl", NULL, &before);
    OK(crl_publish(it->snapshot->authority, it->place.store, 0, true, "system", NULL, &err));
    OK(crl_path(it->snapshot->authority, 0, &path, &err));
    OK(file_write_atomic(path, SPAN_STR("damaged"), 0644, &err));
    assert_int_equal(cdp_cache_refresh(it->server.cdp, it->snapshot, it->place.store, &damage),
                     STATUS_INTEGRITY);
    ask(it, "/CertEnroll/" CA_NAME ".crl", NULL, &after);
    assert_int_equal(after.status, 200);
    assert_string_equal(before.blob->etag, after.blob->etag);
}

/* The file of the newest CRL, of the same size as before. */
static void flip_an_octet(const char *path)
{
    uint8_t octet = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &octet, 1, 100), 1);
    octet ^= 1;
    assert_int_equal(pwrite(fd, &octet, 1, 100), 1);
    assert_int_equal(close(fd), 0);
}

static void cdp_cache_refresh__notices_a_file_that_was_written_over(void **state)
{
    struct published_place *it = *state;
    struct err damage = {0};
    struct crl_row row = {0};
    AUTO(reply) struct http_reply before = {0};
    AUTO(reply) struct http_reply after = {0};
    AUTO(heap) char *path = NULL;
    ask(it, "/CertEnroll/" CA_NAME ".crl", NULL, &before);
    OK(store_crl(it->place.store, 0, false, &row, &err));
    OK(crl_path(it->snapshot->authority, 0, &path, &err));
    flip_an_octet(path);
    assert_int_equal(cdp_cache_refresh(it->server.cdp, it->snapshot, it->place.store, &damage),
                     STATUS_INTEGRITY);
    assert_true(cdp_cache_damaged(it->server.cdp, 0, row.number));
    assert_false(cdp_cache_damaged(it->server.cdp, 0, row.number + 1));
    assert_false(cdp_cache_damaged(it->server.cdp, 1, row.number));
    ask(it, "/CertEnroll/" CA_NAME ".crl", NULL, &after);
    assert_string_equal(before.blob->etag, after.blob->etag);

    OK(crl_publish(it->snapshot->authority, it->place.store, 0, true, "system", NULL, &err));
    OK(cdp_cache_refresh(it->server.cdp, it->snapshot, it->place.store, &err));
    assert_false(cdp_cache_damaged(it->server.cdp, 0, row.number));
}

static void cdp_cache_refresh__does_not_mind_a_file_that_was_only_touched(void **state)
{
    struct published_place *it = *state;
    struct crl_row row = {0};
    AUTO(heap) char *path = NULL;
    OK(store_crl(it->place.store, 0, false, &row, &err));
    OK(crl_path(it->snapshot->authority, 0, &path, &err));
    assert_int_equal(utimensat(AT_FDCWD, path, NULL, 0), 0);
    OK(cdp_cache_refresh(it->server.cdp, it->snapshot, it->place.store, &err));
    assert_false(cdp_cache_damaged(it->server.cdp, 0, row.number));
    AUTO(reply) struct http_reply reply = {0};
    ask(it, "/CertEnroll/" CA_NAME ".crl", NULL, &reply);
    assert_int_equal(reply.status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cdp_handler__serves_the_crl_with_its_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(cdp_handler__serves_the_ca_certificate, setup, teardown),
        cmocka_unit_test_setup_teardown(cdp_handler__takes_names_in_any_case, setup, teardown),
        cmocka_unit_test_setup_teardown(cdp_handler__answers_404_for_other_names, setup, teardown),
        cmocka_unit_test_setup_teardown(cdp_handler__answers_304_for_what_the_client_has, setup, teardown),
        cmocka_unit_test_setup_teardown(cdp_cache_refresh__serves_a_new_crl, setup, teardown),
        cmocka_unit_test_setup_teardown(cdp_cache_refresh__notices_a_file_that_was_written_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(cdp_cache_refresh__does_not_mind_a_file_that_was_only_touched, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(cdp_cache_refresh__keeps_the_old_crl_when_the_new_one_is_damaged,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

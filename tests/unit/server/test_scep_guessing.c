/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of what becomes of messages that are encrypted with a wrong password: they count
 * for their address, and from too many on none is tried any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority_fixture.h"
#include "scep_operation.h"
#include "test_certificates.h"

#define PHRASE      "a phrase of more than twenty characters"
#define MESSAGE_MAX 65536
#define PER_MINUTE  3

struct guessing_place {
    struct place place;
    struct snapshot snapshot;
    struct failures *failures;
    struct key *key;
    struct certificate *certificate;
};

static int setup(void **state)
{
    static struct guessing_place it;
    it = (struct guessing_place){0};
    it.snapshot.authority = place_root(&it.place, KEY_SPEC_EC_P256);
    it.snapshot.templates = it.place.templates;
    EVP_PKEY *pkey = test_key_ec("P-256");
    X509 *x509 = test_x509(pkey, &(struct test_certificate){0});
    it.key = test_key_opened(pkey);
    it.certificate = test_decoded(x509);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    *state = &it;
    return 0;
}

static int teardown(void **state)
{
    struct guessing_place *it = *state;
    key_unref(it->key);
    certificate_free(it->certificate);
    authority_free(it->snapshot.authority);
    place_remove(&it->place);
    return 0;
}

/* A PKCSReq in an envelope by that password; its content is no CSR. */
static void make_message(const struct guessing_place *it, const char *password, struct buf *out)
{
    static const uint8_t content[] = {DER_SEQUENCE, 0};
    static const uint8_t type[] = {DER_PRINTABLE_STRING, 2, '1', '9'};
    static const uint8_t transaction[] = {DER_PRINTABLE_STRING, 2, 'a', 'b'};
    static const uint8_t nonce[] = {DER_OCTET_STRING, 4, 1, 2, 3, 4};
    AUTO(buf) struct buf envelope = BUF(MESSAGE_MAX);
    OK(cms_enveloped_encode_password(span_str(password), CIPHER_AES128_CBC, SPAN(content, sizeof content),
                                     &envelope, &err));
    const struct span certificates[] = {buf_span(&it->certificate->der)};
    const struct cms_attribute attributes[] = {
        {oid_octets(OID_SCEP_MESSAGE_TYPE), {type, sizeof type}},
        {oid_octets(OID_SCEP_TRANSACTION_ID), {transaction, sizeof transaction}},
        {oid_octets(OID_SCEP_SENDER_NONCE), {nonce, sizeof nonce}},
    };
    const struct cms_signing signing = {.key = it->key,
                                        .certificate = it->certificate,
                                        .digest = DIGEST_SHA256,
                                        .certificates = certificates,
                                        .certificate_count = 1,
                                        .attributes = attributes,
                                        .attribute_count = 3};
    OK(cms_signed_encode(&signing, buf_span(&envelope), out, &err));
}

/* What the server answers to a message by that password. */
static void ask(struct guessing_place *it, const char *remote, const char *phrase, const char *password,
                struct http_reply *reply)
{
    struct http_request http = {.method = HTTP_POST, .received_us = clock_monotonic_us()};
    (void)snprintf(http.remote, sizeof http.remote, "%s", remote);
    AUTO(heap) char *expected = strdup(phrase);
    struct profile profile = {.name = (char[]){"lab"},
                              .template_any = (char[]){"LabDevice"},
                              .challenge = CHALLENGE_STATIC,
                              .challenge_phrase = expected};
    const struct scep_call call = {.http = &http,
                                   .store = it->place.store,
                                   .snapshot = &it->snapshot,
                                   .profile = &profile,
                                   .failures = it->failures};
    AUTO(buf) struct buf message = BUF(MESSAGE_MAX);
    make_message(it, password, &message);
    reply_free(reply);
    scep_pki_operation(&call, buf_span(&message), reply);
}

static void scep_pki_operation__refuses_passwords_after_too_many_wrong_ones(void **state)
{
    struct guessing_place *it = *state;
    AUTO(reply) struct http_reply reply = {0};
    OK(failures_new(PER_MINUTE, &it->failures, &err));
    for (int i = 0; i < PER_MINUTE; i++) {
        ask(it, "192.0.2.1", PHRASE, "another phrase of more than twenty characters", &reply);
        assert_int_equal(reply.status, 200);
        assert_int_equal(reply.delay_s, 0);
    }
    /* none is tried: not even the right one */
    ask(it, "192.0.2.1", PHRASE, PHRASE, &reply);
    assert_int_equal(reply.status, 503);
    assert_in_range(reply.retry_after_s, 1, 60);
    ask(it, "192.0.2.2", PHRASE, PHRASE, &reply);
    assert_int_equal(reply.status, 200);
    failures_free(it->failures);
}

static void scep_pki_operation__counts_no_password_that_was_right_or_not_tried(void **state)
{
    struct guessing_place *it = *state;
    AUTO(reply) struct http_reply reply = {0};
    OK(failures_new(PER_MINUTE, &it->failures, &err));
    for (int i = 0; i < 2 * PER_MINUTE; i++) {
        ask(it, "192.0.2.1", PHRASE, PHRASE, &reply);
        assert_int_equal(reply.status, 200);
        assert_int_equal(reply.delay_s, 0);
        ask(it, "192.0.2.1", "too short", "too short", &reply);
        assert_int_equal(reply.status, 200);
        assert_int_equal(reply.delay_s, 0);
    }
    assert_int_equal(failures_wait_s(it->failures, FAILURE_PASSWORD, "192.0.2.1", clock_monotonic_us()), 0);
    failures_free(it->failures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scep_pki_operation__refuses_passwords_after_too_many_wrong_ones),
        cmocka_unit_test(scep_pki_operation__counts_no_password_that_was_right_or_not_tried),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The webhook that judges challenges: what it is told, and that only a clear yes is one.
 * It is a thread of this program that answers one connection after the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "ca_fixture.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <sys/socket.h>

#define HOOK_SECRET "hook-secret"
#define REQUEST_MAX (256 * 1024)

static struct {
    int listener;
    pthread_t thread;
    char url[64];
    /* what it answers; set before a request, read by the thread while that waits */
    pthread_mutex_t lock;
    const char *answer;  /* NULL: nothing at all */
    size_t padding;      /* so many blanks behind it */
    struct buf received; /* the last request */
} hook = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void set_answer(const char *answer, size_t padding)
{
    (void)pthread_mutex_lock(&hook.lock);
    hook.answer = answer;
    hook.padding = padding;
    (void)pthread_mutex_unlock(&hook.lock);
}

/* ---- the server ---- */

static bool is_whole(const struct buf *request)
{
    if (request->len == 0)
        return false;
    const char *end = memmem(request->data, request->len, "\r\n\r\n", 4);
    const char *length = memmem(request->data, request->len, "Content-Length: ", 16);
    if (end == NULL || length == NULL)
        return false;
    size_t head = (size_t)(end + 4 - (const char *)request->data);
    return request->len >= head + strtoul(length + 16, NULL, 10);
}

static void answer_one(int connection)
{
    char octets[4096];
    ssize_t got = 0;
    buf_clear(&hook.received);
    while (!is_whole(&hook.received) && (got = recv(connection, octets, sizeof octets, 0)) > 0)
        buf_add(&hook.received, SPAN(octets, (size_t)got));
    (void)pthread_mutex_lock(&hook.lock);
    const char *answer = hook.answer;
    const size_t padding = hook.padding;
    (void)pthread_mutex_unlock(&hook.lock);
    if (answer == NULL) { /* silence until the client gives up */
        while (recv(connection, octets, sizeof octets, 0) > 0)
            continue;
        return;
    }
    (void)send(connection, answer, strlen(answer), MSG_NOSIGNAL);
    memset(octets, ' ', sizeof octets);
    for (size_t sent = 0; sent < padding; sent += sizeof octets)
        if (send(connection, octets, sizeof octets, MSG_NOSIGNAL) < 0)
            break;
}

static void *serve(void *context)
{
    (void)context;
    for (;;) {
        int connection = accept(hook.listener, NULL, NULL);
        if (connection < 0)
            return NULL;
        answer_one(connection);
        close(connection);
    }
}

static int start(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    (void)fixture_start(state);
    hook.received = BUF(REQUEST_MAX);
    hook.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(hook.listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(hook.listener, 8), 0);
    assert_int_equal(getsockname(hook.listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(hook.url, sizeof hook.url, "http://127.0.0.1:%u/judge", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&hook.thread, NULL, serve, NULL), 0);
    struct profile *profile = fixture_find("hook");
    profile->webhook.url = fixture_text(hook.url);
    profile->webhook.secret = fixture_text(HOOK_SECRET);
    profile->webhook.timeout_ms = 2000;
    return 0;
}

static int stop(void **state)
{
    (void)shutdown(hook.listener, SHUT_RDWR);
    assert_int_equal(pthread_join(hook.thread, NULL), 0);
    close(hook.listener);
    buf_free(&hook.received);
    return fixture_stop(state);
}

/* ---- the cases ---- */

#define YES       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define OK_HEAD   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define DENY_HEAD "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"

static void hook_client(struct client *client, const char *cn, const char *id)
{
    client_initial(client, fixture_rsa(0), cn, "phrase-of-the-uem", "hook", id);
}

static void denied_with_padding(const char *answer, size_t padding, const char *words)
{
    AUTO(client) struct client client = {0};
    int64_t before = fixture_counts().certificates_valid;
    set_answer(answer, padding);
    hook_client(&client, "w", "w");
    client_denied(&client, words);
    assert_int_equal(fixture_counts().certificates_valid, before);
}

static void denied_with(const char *answer, const char *words)
{
    denied_with_padding(answer, 0, words);
}

static void webhook__a_plain_200_allows(void **state)
{
    (void)state;
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    set_answer(YES, 0);
    hook_client(&client, "w-1", "w-1");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_string_equal(outcome.requester, "webhook of profile hook");
}

/* The value of a header of the last request, up to the end of its line. */
static struct span header(const char *name)
{
    const uint8_t *start_ = memmem(hook.received.data, hook.received.len, name, strlen(name));
    assert_non_null(start_);
    start_ += strlen(name);
    const uint8_t *end = memchr(start_, '\r', hook.received.len - (size_t)(start_ - hook.received.data));
    assert_non_null(end);
    return (struct span){start_, (size_t)(end - start_)};
}

static struct span body(void)
{
    const uint8_t *end = memmem(hook.received.data, hook.received.len, "\r\n\r\n", 4);
    assert_non_null(end);
    return (struct span){end + 4, hook.received.len - (size_t)(end + 4 - hook.received.data)};
}

static void check_signature(void)
{
    AUTO(buf) struct buf text = BUF(REQUEST_MAX);
    AUTO(buf) struct buf hex = BUF(128);
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct span timestamp = header("X-Scepter-Timestamp: ");
    buf_add(&text, timestamp);
    buf_add_octet(&text, '.');
    buf_add(&text, body());
    assert_non_null(
        HMAC(EVP_sha256(), HOOK_SECRET, (int)strlen(HOOK_SECRET), text.data, text.len, mac, &len));
    buf_add_text(&hex, "sha256=");
    hex_encode(&hex, SPAN(mac, len));
    assert_true(span_equal(header("X-Scepter-Signature: "), buf_span(&hex)));
}

static void webhook__is_told_the_request_and_signed(void **state)
{
    (void)state;
    AUTO(client) struct client client = {.csr = BUF(CSR_MAX_LEN), .certificate = self_signed(fixture_rsa(0))};
    AUTO(outcome) struct outcome outcome = {0};
    set_answer(YES, 0);
    csr_make(fixture_rsa(0), "w-2", "phrase-of-the-uem", "DNS:w2.lab.example", NULL, &client.csr);
    client_request(&client, "hook", "w-2");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_int_equal(header("Idempotency-Key: ").len, 64);
    check_signature();
    json_t *object = json_loadb((const char *)body().data, body().len, 0, NULL);
    assert_non_null(object);
    assert_string_equal(json_string_value(json_object_get(object, "challenge")), "phrase-of-the-uem");
    assert_string_equal(json_string_value(json_object_get(object, "profile")), "hook");
    assert_string_equal(json_string_value(json_object_get(object, "transaction_id")), "w-2");
    assert_string_equal(json_string_value(json_object_get(object, "subject")), "CN=w-2");
    assert_string_equal(json_string_value(json_object_get(object, "key")), "rsa:2048");
    json_t *san = json_array_get(json_object_get(object, "san"), 0);
    assert_string_equal(json_string_value(json_object_get(san, "type")), "dns");
    assert_string_equal(json_string_value(json_object_get(san, "value")), "w2.lab.example");
    const char *pem = json_string_value(json_object_get(object, "csr"));
    assert_int_equal(strncmp(pem, "-----BEGIN CERTIFICATE REQUEST-----\n", 36), 0);
    json_decref(object);
}

static void webhook__gives_values_that_are_held_against_the_request(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(client) struct client client = {0};
    AUTO(client) struct client thief = {0};
    AUTO(outcome) struct outcome outcome = {0};
    AUTO(request_row) struct request_row row = {0};
    struct profile device = *fixture_find("hook");
    device.template_any = fixture_find("device")->template_any;
    set_answer(OK_HEAD "{\"values\": {\"DeviceUid\": \"w-3\", \"EnrollmentUser\": \"jdoe\"}}", 0);
    hook_client(&client, "w-3", "w-3");
    client.request.profile = &device;
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    fixture_ok(store_request(fixture.store, outcome.request_id, &row, &err), &err);
    assert_string_equal(values_get(&row.values, "EnrollmentUser"), "jdoe");
    hook_client(&thief, "w-4", "w-4");
    thief.request.profile = &device;
    client_denied(&thief, "w-3");
}

static void webhook__403_denies_in_its_own_words(void **state)
{
    (void)state;
    denied_with(DENY_HEAD "unknown device\r\n", "the webhook denied the challenge: unknown device");
    denied_with(DENY_HEAD "{\"reason\": \"no such user\"}", "the webhook denied the challenge: no such user");
    denied_with(DENY_HEAD "{\"other\": 1}", "without a reason");
    denied_with(DENY_HEAD "a\x01"
                          "b",
                "without a reason");
    denied_with(DENY_HEAD, "without a reason");
}

static void webhook__anything_else_denies(void **state)
{
    (void)state;
    denied_with("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "HTTP 500");
    denied_with("HTTP/1.1 204 Nothing\r\nConnection: close\r\n\r\n", "HTTP 204");
    denied_with("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n"
                "Connection: close\r\n\r\n",
                "HTTP 302");
    denied_with("no HTTP at all", "does not answer");
    denied_with(OK_HEAD "yes", "is not understood");
    denied_with(OK_HEAD "[]", "is not understood");
    denied_with(OK_HEAD "{\"values\": []}", "is not understood");
    denied_with(OK_HEAD "{\"values\": {\"DeviceUid\": 1}}", "that is no text");
    denied_with(OK_HEAD "{\"values\": {\"Device Uid\": \"x\"}}", "cannot be one");
    denied_with(OK_HEAD "{\"values\": {\"DeviceUid\": \"a\\nb\"}}", "cannot be one");
}

static void webhook__too_long_an_answer_denies(void **state)
{
    (void)state;
    denied_with_padding(OK_HEAD "{}", 70000, "larger than 65536 octets");
}

static void webhook__silence_denies_after_its_timeout(void **state)
{
    (void)state;
    struct profile *profile = fixture_find("hook");
    profile->webhook.timeout_ms = 200;
    int64_t before_ms = clock_monotonic_ms();
    denied_with(NULL, "does not answer");
    assert_true(clock_monotonic_ms() - before_ms < 1500);
    profile->webhook.timeout_ms = 2000;
}

static void webhook__must_be_https_unless_it_is_loopback(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://uem.example.com/", "ftp://127.0.0.1/",
                                       "http://127.evil.example/", "file:///etc/passwd", "nonsense:"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct err err = {0};
        AUTO(client) struct client client = {0};
        AUTO(outcome) struct outcome outcome = {0};
        struct profile profile = *fixture_find("hook");
        profile.webhook.url = (char *)(uintptr_t)urls[i];
        hook_client(&client, "w-5", "w-5");
        client.request.profile = &profile;
        assert_int_equal(enroll(&fixture.context, &client.request, &outcome, &err), STATUS_CONFIG);
        assert_non_null(strstr(err.text, urls[i]));
    }
}

static void webhook__is_not_asked_without_a_challenge_nor_for_a_retry(void **state)
{
    (void)state;
    AUTO(client) struct client none = {0};
    AUTO(client) struct client client = {0};
    AUTO(outcome) struct outcome outcome = {0};
    set_answer(YES, 0);
    hook_client(&client, "w-6", "w-6");
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    set_answer(DENY_HEAD "asked twice", 0);
    client_enroll(&client, DISPOSITION_ISSUED, &outcome);
    assert_true(outcome.retry);
    client_initial(&none, fixture_rsa(0), "w-7", NULL, "hook", "w-7");
    client_denied(&none, "carries no challenge");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(webhook__a_plain_200_allows),
        cmocka_unit_test(webhook__is_told_the_request_and_signed),
        cmocka_unit_test(webhook__gives_values_that_are_held_against_the_request),
        cmocka_unit_test(webhook__403_denies_in_its_own_words),
        cmocka_unit_test(webhook__anything_else_denies),
        cmocka_unit_test(webhook__too_long_an_answer_denies),
        cmocka_unit_test(webhook__silence_denies_after_its_timeout),
        cmocka_unit_test(webhook__must_be_https_unless_it_is_loopback),
        cmocka_unit_test(webhook__is_not_asked_without_a_challenge_nor_for_a_retry),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of HTTP as it is spoken on a socket: what HTTP/1.0 and odd clients send, and what
 * is refused. No authority behind it: health, and a SCEP route without profiles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app.h"
#include "file.h"
#include "server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_MAX 65536

/* A server on a free port over a data directory without authority. */
struct place {
    char dir[64];
    struct server server;
    uint16_t port;
};

static void place_write(const struct place *place, const char *name, const char *text)
{
    AUTO(heap) char *path = NULL;
    assert_int_equal(path_join(place->dir, name, &path, NULL), STATUS_OK);
    assert_int_equal(file_write_new(path, SPAN_STR(text), 0600, NULL), STATUS_OK);
}

static void place_remove(const struct place *place, const char *name)
{
    AUTO(heap) char *path = NULL;
    assert_int_equal(path_join(place->dir, name, &path, NULL), STATUS_OK);
    (void)unlink(path);
}

static int setup(void **state)
{
    static struct place place;
    AUTO(heap) char *database = NULL;
    struct store *store = NULL;
    (void)snprintf(place.dir, sizeof place.dir, "/tmp/scepter-http-XXXXXX");
    assert_non_null(mkdtemp(place.dir));
    place_write(
        &place, "scepter.cfg",
        "authority = { name = \"CA\"; url = \"http://h\"; }; profiles = ( ); log = { level = \"error\"; };");
    assert_int_equal(path_join(place.dir, "scepter.db", &database, NULL), STATUS_OK);
    assert_int_equal(store_open_sqlite(database, true, &store, NULL), STATUS_OK);
    store_close(store);
    assert_int_equal(app_open_store(place.dir, &place.server.app, NULL), STATUS_OK);
    assert_int_equal(cdp_cache_new(&place.server.cdp, NULL), STATUS_OK);
    const struct http_listener listener = {.address = "127.0.0.1", .port = 0};
    const struct http_limits limits = {
        .io_threads = 1, .workers = 2, .connections = 32, .request_deadline_s = 1, .queue_wait_s = 10};
    assert_int_equal(http_server_start(&listener, 1, &limits, &place.server, &place.server.http, NULL),
                     STATUS_OK);
    place.port = http_server_port(place.server.http, 0);
    assert_int_not_equal(place.port, 0);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    http_server_stop(place->server.http, 5);
    cdp_cache_free(place->server.cdp);
    app_close(place->server.app);
    static const char *const names[] = {"scepter.cfg", "scepter.db", "scepter.db-wal", "scepter.db-shm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        place_remove(place, names[i]);
    assert_int_equal(rmdir(place->dir), 0);
    return 0;
}

/* ---- a client ---- */

static int dial(const struct place *place)
{
    const struct timeval limit = {.tv_sec = 10};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(place->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        text += sent;
        len -= (size_t)sent;
    }
}

/* Everything until the server closes. */
static void hear(int fd, char answer[ANSWER_MAX])
{
    size_t used = 0;
    ssize_t len = 0;
    while (used < ANSWER_MAX - 1 && (len = recv(fd, answer + used, ANSWER_MAX - 1 - used, 0)) > 0)
        used += (size_t)len;
    answer[used] = '\0';
    assert_int_equal(close(fd), 0);
}

static char answer[ANSWER_MAX];

static void ask(const struct place *place, const char *request)
{
    int fd = dial(place);
    say(fd, request, strlen(request));
    hear(fd, answer);
}

static void assert_status(int status)
{
    char wanted[16];
    (void)snprintf(wanted, sizeof wanted, " %d ", status);
    if (strncmp(answer, "HTTP/1.", 7) != 0 || strncmp(answer + 8, wanted, strlen(wanted)) != 0)
        fail_msg("not %d: %.200s", status, answer);
}

#define CLOSE "Connection: close\r\n\r\n"

/* ---- the tests ---- */

/* RFC 9112 section 3.2: a Host header is a MUST for HTTP/1.1 only; SCEP clients of HTTP/1.0 send none. */
static void http__takes_http_1_0_without_host(void **state)
{
    ask(*state, "GET /healthz HTTP/1.0\r\n\r\n");
    assert_status(200);
    assert_non_null(strstr(answer, "\r\n\r\nok\n"));
}

static void http__takes_http_1_1_without_host(void **state)
{
    ask(*state, "GET /healthz HTTP/1.1\r\n" CLOSE);
    assert_status(200);
}

/* RFC 9110 section 9.3.2: the server MUST NOT send content in the response to HEAD. */
static void http__answers_head_without_content(void **state)
{
    ask(*state, "HEAD /healthz HTTP/1.1\r\nHost: h\r\n" CLOSE);
    assert_status(200);
    assert_non_null(strstr(answer, "Content-Length: 3\r\n"));
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
}

/* RFC 9110 section 15.5.6: the origin server MUST generate an Allow header field in a 405 response. */
static void http__refuses_other_methods_and_says_which_are_allowed(void **state)
{
    ask(*state, "POST /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n" CLOSE "abc");
    assert_status(405);
    assert_non_null(strstr(answer, "Allow: GET, HEAD\r\n"));
    ask(*state, "DELETE /scep HTTP/1.1\r\nHost: h\r\n" CLOSE);
    assert_status(405);
    assert_non_null(strstr(answer, "Allow: GET, HEAD, POST\r\n"));
}

static void http__answers_404_elsewhere(void **state)
{
    ask(*state, "GET /nothing HTTP/1.1\r\nHost: h\r\n" CLOSE);
    assert_status(404);
    ask(*state, "GET /CertEnroll/none.crl HTTP/1.1\r\nHost: h\r\n" CLOSE);
    assert_status(404);
}

/* RFC 9112 section 6.3: ambiguous framing is request smuggling. */
static void http__refuses_two_lengths_and_closes(void **state)
{
    ask(*state, "POST /scep HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n");
    assert_status(400);
    ask(*state, "POST /scep HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                "0\r\n\r\n");
    assert_status(400);
}

/* RFC 9112 section 5.1: a server MUST reject a request with whitespace between a header field name and colon.
 * Section 6.1: what is no "chunked" does not say where the body ends. */
static void http__refuses_framing_that_a_proxy_may_read_otherwise(void **state)
{
    ask(*state, "POST /scep HTTP/1.1\r\nHost: h\r\nContent-Length : 38\r\n\r\n"
                "GET /healthz HTTP/1.1\r\nHost: hidden\r\n\r\n");
    assert_status(400);
    assert_null(strstr(answer, "\r\n\r\nok\n"));
    ask(*state, "POST /scep HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
    assert_status(400);
    ask(*state, "POST /scep HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    assert_status(400);
}

static void http__refuses_a_nul_in_the_path(void **state)
{
    ask(*state, "GET /healthz%00/x HTTP/1.1\r\nHost: h\r\n" CLOSE);
    assert_status(400);
}

static void http__refuses_a_body_that_is_announced_too_large(void **state)
{
    ask(*state, "POST /scep HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n");
    assert_status(413);
}

static void http__answers_requests_in_a_row_on_one_connection(void **state)
{
    ask(*state, "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
                "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"
                "GET /scep HTTP/1.1\r\nHost: h\r\n\r\n"
                "GET /healthz HTTP/1.1\r\nHost: h\r\n" CLOSE);
    assert_status(200);
    int answers = 0;
    for (const char *at = answer; (at = strstr(at, "HTTP/1.1 ")) != NULL; at++)
        answers++;
    assert_int_equal(answers, 4);
}

/* SCEP by GET carries the message in the request line (RFC 8894 section 4.1). */
static void http__carries_a_request_line_of_64_kib(void **state)
{
    static char request[65536 + 64];
    static const char head[] = "GET /scep?operation=PKIOperation&message=";
    static const char tail[] = " HTTP/1.1\r\nHost: h\r\n" CLOSE;
    memset(request, 'A', 65536);
    memcpy(request, head, sizeof head - 1);
    memcpy(request + 65536 - 9, tail, sizeof tail); /* " HTTP/1.1" ends the line at 64 KiB */
    ask(*state, request);
    assert_status(404);
    assert_non_null(strstr(answer, "no SCEP profile"));
}

/* rules.md, HTTP: header and body arrive within request_deadline, however steadily octets drip in. */
static void http__closes_a_connection_whose_header_drips(void **state)
{
    int fd = dial(*state);
    bool closed = false;
    say(fd, "GET /healthz HTTP/1.1\r\nX: ", 26);
    for (int i = 0; i < 40 && !closed; i++) {
        (void)usleep(100000);
        closed = send(fd, "x", 1, MSG_NOSIGNAL) != 1 || recv(fd, answer, 1, MSG_DONTWAIT) == 0;
    }
    assert_int_equal(close(fd), 0);
    assert_true(closed);
}

/* So many that libmicrohttpd's memory for the connection is used up: it neither answers nor completes the
 * request, and the deadline closes it. Nothing of it stays behind (proven by the address sanitizer). */
static void http__lets_go_of_a_request_with_thousands_of_arguments(void **state)
{
    int fd = dial(*state);
    say(fd, "GET /healthz?", 13);
    for (int i = 0; i < 5000; i++)
        say(fd, "a=b&", 4);
    say(fd, " HTTP/1.1\r\n" CLOSE, strlen(" HTTP/1.1\r\n" CLOSE));
    hear(fd, answer);
    assert_true(strncmp(answer, "HTTP/1.1 2", 10) != 0);
}

static void http_server_start__refuses_a_port_that_is_taken(void **state)
{
    const struct place *place = *state;
    const struct http_listener listener = {.address = "127.0.0.1", .port = place->port};
    const struct http_limits limits = {
        .io_threads = 1, .workers = 1, .connections = 8, .request_deadline_s = 1, .queue_wait_s = 1};
    struct http_server *second = NULL;
    struct err err = {0};
    assert_int_equal(http_server_start(&listener, 1, &limits, NULL, &second, &err), STATUS_IO);
    assert_null(second);
    assert_non_null(strstr(err.text, "127.0.0.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http__takes_http_1_0_without_host),
        cmocka_unit_test(http__takes_http_1_1_without_host),
        cmocka_unit_test(http__answers_head_without_content),
        cmocka_unit_test(http__refuses_other_methods_and_says_which_are_allowed),
        cmocka_unit_test(http__answers_404_elsewhere),
        cmocka_unit_test(http__refuses_two_lengths_and_closes),
        cmocka_unit_test(http__refuses_framing_that_a_proxy_may_read_otherwise),
        cmocka_unit_test(http__refuses_a_nul_in_the_path),
        cmocka_unit_test(http__refuses_a_body_that_is_announced_too_large),
        cmocka_unit_test(http__answers_requests_in_a_row_on_one_connection),
        cmocka_unit_test(http__carries_a_request_line_of_64_kib),
        cmocka_unit_test(http__closes_a_connection_whose_header_drips),
        cmocka_unit_test(http__lets_go_of_a_request_with_thousands_of_arguments),
        cmocka_unit_test(http_server_start__refuses_a_port_that_is_taken),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

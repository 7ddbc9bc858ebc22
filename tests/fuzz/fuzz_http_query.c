/* SPDX-License-Identifier: Apache-2.0
 *
 * "METHOD target" in a first line and a body behind it, through routes and handlers (SCEP, CDP) of a server
 * that has everything but sockets. libmicrohttpd is not the target: the line is taken apart as it does it.
 */
#include "fuzz.h"

#include "clock.h"
#include "file.h"
#include "fuzz_authority.h"
#include "server.h"

#include <stdio.h>

#define ARGUMENTS_MAX 32

/* ---- a server without sockets ---- */

static void need(enum status status, const struct err *err)
{
    if (status != STATUS_OK)
        fprintf(stderr, "%s: %s\n", err->where, err->text);
    PROMISE(status == STATUS_OK);
}

static void write_file(const struct fuzz_place *place, const char *name, struct span octets)
{
    struct err err = {0};
    AUTO(heap) char *path = NULL;
    need(path_join(place->dir, name, &path, &err), &err);
    need(file_write_new(path, octets, 0600, &err), &err);
}

static void publish(struct fuzz_place *place)
{
    struct err err = {0};
    AUTO(authority) struct authority *authority = NULL;
    need(authority_open(place->store, &place->config, &authority, &err), &err);
    need(crl_publish(authority, place->store, 0, true, "system", NULL, &err), &err);
}

static void make_directory(struct fuzz_place *place)
{
    const struct server_config_sample sample = {
        .name = place->config.name, .url = place->config.url, .lab = true};
    AUTO(buf) struct buf config = BUF(65536);
    server_config_sample(&sample, &config);
    write_file(place, "scepter.cfg", buf_span(&config));
    write_file(place, "keys/lab.challenge", SPAN_STR(FUZZ_PHRASE));
    publish(place);
}

static struct server *the_server(void)
{
    static struct server server;
    static struct fuzz_place place;
    struct err err = {0};
    if (server.app != NULL)
        return &server;
    fuzz_place_make(&place);
    fuzz_place_fill(&place);
    make_directory(&place);
    need(app_open(place.dir, false, &server.app, &err), &err);
    log_setup(LOG_TEXT, LOG_ERROR);
    need(cdp_cache_new(&server.cdp, &err), &err);
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(server.app);
    need(cdp_cache_refresh(server.cdp, snapshot, app_store(server.app), &err), &err);
    return &server;
}

/* ---- a request line ---- */

static int hex_digit(char digit)
{
    const char *digits = "0123456789abcdef", *at = digit != '\0' ? strchr(digits, digit | 0x20) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* In place; gives the new length. */
static size_t percent_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (from[0] == '%' && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0) {
            *to++ = (char)(hex_digit(from[1]) << 4 | hex_digit(from[2]));
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}

static size_t split_arguments(char *query, struct http_argument *arguments)
{
    size_t count = 0;
    char *rest = query;
    for (char *part = strsep(&rest, "&"); part != NULL && count < ARGUMENTS_MAX; part = strsep(&rest, "&")) {
        char *value = part;
        (void)strsep(&value, "=");
        size_t len = value != NULL ? percent_decode(value) : 0;
        (void)percent_decode(part);
        arguments[count++] = (struct http_argument){.name = part, .value = SPAN(value, len)};
    }
    return count;
}

static unsigned method_of(const char *word)
{
    if (strcmp(word, "HEAD") == 0)
        return HTTP_HEAD;
    return strcmp(word, "POST") == 0 ? HTTP_POST : HTTP_GET;
}

/* ---- the answer ---- */

static void hold_reply(const struct http_reply *reply)
{
    PROMISE(reply->status >= 200 && reply->status < 500);
    PROMISE(reply->body.failed == STATUS_OK);
    PROMISE((reply->body.len > 0) + (reply->blob != NULL) + (reply->file_fd > 0) <= 1);
    fuzz_accepted += reply->status == 200;
}

static void handle(const struct http_request *request)
{
    const struct route *route = route_find(request->path);
    AUTO(reply) struct http_reply reply = {0};
    if (route == NULL || (route->methods & request->method) == 0 || request->body.len > route->body_limit)
        return;
    if (route->handler != scep_handler && route->handler != cdp_handler)
        return;
    if (route->waits_elsewhere != NULL)
        PROMISE(!route->waits_elsewhere(request));
    route->handler(request, &reply);
    reply_conditional(request, &reply);
    hold_reply(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_argument arguments[ARGUMENTS_MAX];
    const uint8_t *line_end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t line_len = line_end != NULL ? (size_t)(line_end - data) : size;
    AUTO(heap) char *line = fuzz_text(data, line_len);
    char *query = line;
    const char *method = strsep(&query, " ");
    if (query == NULL)
        return 0;
    char *path = strsep(&query, "?");
    if (strstr(path, "%00") != NULL)
        return 0;
    (void)percent_decode(path);
    struct http_request request = {.method = (enum http_method)method_of(method),
                                   .path = path,
                                   .arguments = arguments,
                                   .remote = "192.0.2.7",
                                   .listener_is_loopback = true,
                                   .received_us = clock_monotonic_us(),
                                   .application = the_server()};
    if (query != NULL)
        request.argument_count = split_arguments(query, arguments);
    if (line_end != NULL)
        request.body = SPAN(line_end + 1, size - line_len - 1);
    handle(&request);
    return 0;
}

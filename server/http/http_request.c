/* SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd calls a handler N+1 times: once with the header, once for each piece of
 * the body, once at its end. This file gathers them into one whole struct http_request,
 * runs its handler (here, or on a worker with the connection suspended meanwhile) and
 * queues the reply. What a request means is the handlers' affair.
 */
#include "http_private.h"

#include "clock.h"
#include "log.h"
#include "text.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <strings.h>

#define REFUSED_BODY_MAX 65536 /* of a body that is refused anyway, so much is read before the answer */
#define ARGUMENTS_MAX    32

enum exchange_state { RECEIVING, IN_WORK, ANSWERED };

/* One request and its reply. */
struct exchange {
    struct worker_job job; /* first: a job is its exchange */
    struct delayed delayed;
    struct listener *listener;
    struct MHD_Connection *connection;
    struct connection *tcp; /* NULL: not tracked */
    const struct route *route;
    struct http_request request;
    struct http_argument arguments[ARGUMENTS_MAX];
    struct http_reply reply;
    struct buf body;
    char *path;
    size_t discarded;
    enum exchange_state state;
    bool header_seen;
    bool path_has_nul;
    bool too_many_arguments;
};

static void exchange_free(struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    for (size_t i = 0; i < exchange->request.argument_count; i++)
        free(exchange->arguments[i].name);
    reply_free(&exchange->reply);
    buf_free(&exchange->body);
    free(exchange->path);
    free(exchange);
}

/* ---- connections ---- */

void http_on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode toe)
{
    struct listener *listener = cls;
    if (toe == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct connection *tcp = *socket_context;
        if (tcp != NULL)
            exchange_free(tcp->exchange); /* libmicrohttpd completes no request whose arguments do not fit */
        connection_close(listener->server->connections, *socket_context);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL)
        *socket_context = connection_open(listener->server->connections, info->connect_fd);
}

static struct connection *tcp_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

const struct span *http_argument(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->argument_count; i++)
        if (text_equal_nocase(request->arguments[i].name, name))
            return &request->arguments[i].value;
    return NULL;
}

/* ---- the life of an exchange ---- */

/* The request line is there: before the header. Gives what becomes *con_cls. */
void *http_on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    exchange->listener = cls;
    exchange->connection = connection;
    exchange->tcp = tcp_of(connection);
    size_t path_len = strcspn(uri, "?");
    for (size_t i = 0; i + 2 < path_len; i++)
        if (uri[i] == '%' && uri[i + 1] == '0' && uri[i + 2] == '0')
            exchange->path_has_nul = true;
    if (exchange->tcp != NULL) {
        exchange->tcp->exchange = exchange;
        connection_receiving(exchange->listener->server->connections, exchange->tcp);
    }
    return exchange;
}

void http_on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode toe)
{
    (void)cls, (void)connection, (void)toe;
    struct exchange *exchange = *con_cls;
    *con_cls = NULL;
    if (exchange == NULL)
        return;
    if (exchange->tcp != NULL) {
        exchange->tcp->exchange = NULL;
        connection_idle(exchange->listener->server->connections, exchange->tcp);
    }
    exchange_free(exchange);
}

/* ---- the header ---- */

/* What a header says of where the body ends. */
struct framing {
    unsigned lengths, encodings;
    bool unclear; /* a proxy may read the header in another way than libmicrohttpd */
};

static enum MHD_Result note_framing(void *context, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    (void)kind;
    struct framing *framing = context;
    if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
        framing->lengths++;
    if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        framing->encodings++;
        /* RFC 9112 section 6.1: none other is taken */
        framing->unclear = framing->unclear || value == NULL || strcasecmp(value, "chunked") != 0;
    }
    /* RFC 9112 section 5.1: no blank between a field's name and its colon */
    framing->unclear = framing->unclear || strpbrk(key, " \t\r\n\v\f") != NULL;
    return MHD_YES;
}

/* RFC 9112 section 6.3: more than one way to say where the body ends is request smuggling. */
static bool framing_is_ambiguous(struct MHD_Connection *connection)
{
    struct framing framing = {0};
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, note_framing, &framing);
    return framing.unclear || framing.lengths + framing.encodings > 1;
}

static enum MHD_Result take_argument(void *context, enum MHD_ValueKind kind, const char *key, size_t key_size,
                                     const char *value, size_t value_size)
{
    (void)kind;
    struct exchange *exchange = context;
    if (exchange->request.argument_count == ARGUMENTS_MAX) {
        exchange->too_many_arguments = true;
        return MHD_NO;
    }
    char *name = strndup(key, key_size);
    if (name == NULL)
        return MHD_NO;
    exchange->arguments[exchange->request.argument_count++] =
        (struct http_argument){.name = name, .value = SPAN(value, value != NULL ? value_size : 0)};
    return MHD_YES;
}

static unsigned method_bit(const char *method)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0)
        return HTTP_GET;
    if (strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
        return HTTP_HEAD;
    return strcmp(method, MHD_HTTP_METHOD_POST) == 0 ? HTTP_POST : 0;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void peer_address(struct MHD_Connection *connection, char *out, size_t size)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info != NULL ? info->client_addr : NULL;
    const char *text = NULL;
    if (address != NULL && address->sa_family == AF_INET)
        text = inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, out,
                         (socklen_t)size);
    else if (address != NULL && address->sa_family == AF_INET6)
        text = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, out,
                         (socklen_t)size);
    if (text == NULL)
        out[0] = '\0';
}

static const char *methods_text(unsigned methods)
{
    if ((methods & HTTP_POST) == 0)
        return "GET, HEAD";
    return (methods & HTTP_GET) != 0 ? "GET, HEAD, POST" : "POST";
}

/* What can be refused by the header alone. Leaves reply.status 0 if nothing is wrong. */
static void judge_header(struct exchange *exchange, unsigned method)
{
    struct http_reply *reply = &exchange->reply;
    const struct route *route = exchange->route;
    if (exchange->path_has_nul || exchange->too_many_arguments ||
        framing_is_ambiguous(exchange->connection)) {
        reply_text(reply, 400,
                   "The request is malformed: a NUL in its path, over %d arguments, or no clear length.",
                   ARGUMENTS_MAX);
        reply->close = true;
    } else if (route == NULL) {
        reply_text(reply, 404, "There is nothing at this address.");
    } else if ((route->methods & method) == 0) {
        reply_text(reply, 405, "This address takes %s.", methods_text(route->methods));
        reply->allow = methods_text(route->methods);
    } else if (!exchange->listener->loopback && !route->on_public) {
        reply_text(reply, 403, "This page is served on the loopback address only.");
    }
}

static bool announces_too_much(const struct exchange *exchange)
{
    const char *length = header(exchange->connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    size_t limit = exchange->reply.status != 0 ? REFUSED_BODY_MAX : exchange->body.ceiling;
    return length != NULL && strtoull(length, NULL, 10) > limit;
}

/* Counts the reply and hands it to libmicrohttpd. */
static enum MHD_Result queue_reply(struct exchange *exchange)
{
    size_t class = exchange->reply.status / 100 - 1;
    if (class < HTTP_STATUS_CLASSES)
        (void)atomic_fetch_add(&exchange->listener->server->replies[class], 1);
    return reply_queue(exchange->connection, &exchange->reply);
}

static enum MHD_Result answer_too_large(struct exchange *exchange)
{
    reply_free(&exchange->reply);
    reply_text(&exchange->reply, 413, "The body is larger than the %zu octets that are allowed here.",
               exchange->body.ceiling);
    exchange->reply.close = true;
    exchange->state = ANSWERED;
    return queue_reply(exchange);
}

/* First call: the header is whole, the body still to come. */
static enum MHD_Result take_header(struct exchange *exchange, const char *url, const char *method)
{
    struct http_request *request = &exchange->request;
    struct MHD_Connection *connection = exchange->connection;
    exchange->header_seen = true;
    exchange->path = strdup(url);
    if (exchange->path == NULL)
        return MHD_NO;
    exchange->route = route_find(exchange->path);
    exchange->body = BUF(exchange->route != NULL ? exchange->route->body_limit : 0);
    unsigned bit = method_bit(method);
    request->method = (enum http_method)bit;
    request->path = exchange->path;
    request->arguments = exchange->arguments;
    (void)MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, take_argument, exchange);
    request->content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    request->if_none_match = header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
    request->if_modified_since = header(connection, MHD_HTTP_HEADER_IF_MODIFIED_SINCE);
    request->user_agent = header(connection, MHD_HTTP_HEADER_USER_AGENT);
    request->listener_is_loopback = exchange->listener->loopback;
    request->received_us = clock_monotonic_us();
    request->application = exchange->listener->server->application;
    request->server = exchange->listener->server;
    peer_address(connection, request->remote, sizeof request->remote);
    (void)atomic_fetch_add(&exchange->listener->server->requests, 1);
    judge_header(exchange, bit);
    if (exchange->reply.close) { /* nobody knows where the body ends */
        exchange->state = ANSWERED;
        return queue_reply(exchange);
    }
    if (announces_too_much(exchange))
        return answer_too_large(exchange);
    return MHD_YES;
}

/* ---- the body ---- */

/* Bodies of refused requests are read up to a small cap, so that the answer reaches the client (RFC 9112
 * section 9.6); beyond it the connection ends. */
static enum MHD_Result take_body(struct exchange *exchange, const char *data, size_t *size)
{
    if (exchange->reply.status == 0) {
        buf_add(&exchange->body, SPAN(data, *size));
        if (exchange->body.failed == STATUS_LIMIT) {
            reply_text(&exchange->reply, 413, "The body is larger than the %zu octets that are allowed here.",
                       exchange->body.ceiling);
            exchange->reply.close = true;
        } else if (exchange->body.failed != STATUS_OK) {
            return MHD_NO;
        }
    } else {
        exchange->discarded += *size;
        if (exchange->discarded > REFUSED_BODY_MAX)
            return MHD_NO;
    }
    *size = 0;
    return MHD_YES;
}

/* ---- the answer ---- */

static void log_exchange(const struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    if (exchange->reply.logged)
        return;
    bool quiet = exchange->reply.status < 400;
    const struct log_field fields[] = {
        LOG_TEXT_FIELD("method", request->method == HTTP_POST   ? "POST"
                                 : request->method == HTTP_GET  ? "GET"
                                 : request->method == HTTP_HEAD ? "HEAD"
                                                                : "other"),
        LOG_TEXT_FIELD("path", request->path),
        LOG_NUMBER_FIELD("status", exchange->reply.status),
        LOG_TEXT_FIELD("remote", request->remote),
        LOG_NUMBER_FIELD("ms", (clock_monotonic_us() - request->received_us) / 1000),
    };
    log_event(quiet ? LOG_DEBUG : LOG_INFO, "http.request", fields, sizeof fields / sizeof fields[0]);
}

static enum MHD_Result answer(struct exchange *exchange)
{
    exchange->state = ANSWERED;
    log_exchange(exchange);
    if (atomic_load(&exchange->listener->server->stopping))
        exchange->reply.close = true;
    return queue_reply(exchange);
}

static void answer_busy(struct exchange *exchange, int64_t retry_after_s)
{
    (void)atomic_fetch_add(&exchange->listener->server->refused_busy, 1);
    reply_text(&exchange->reply, 503, "The server has more to do than it can; try again in %lld s.",
               (long long)retry_after_s);
    exchange->reply.retry_after_s = retry_after_s;
}

static void send_delayed(struct delayed *delayed)
{
    struct exchange *exchange =
        (struct exchange *)(void *)((char *)delayed - offsetof(struct exchange, delayed));
    MHD_resume_connection(exchange->connection);
}

/* Holds the reply back as its handler asks, with the connection still suspended. */
static bool delay_reply(struct exchange *exchange)
{
    struct http_server *server = exchange->listener->server;
    int64_t delay_s = exchange->reply.delay_s;
    (void)atomic_fetch_add(&server->delayed, 1);
    exchange->delayed.wake = send_delayed;
    /* from here on the exchange may be another thread's */
    if (delay_hold(server->delays, &exchange->delayed, delay_s) == STATUS_OK)
        return true;
    reply_free(&exchange->reply);
    reply_text(&exchange->reply, 503, "Too many wrong challenges at once; try again in %lld s.",
               (long long)delay_s);
    exchange->reply.retry_after_s = delay_s;
    return false;
}

static void run_job(struct worker_job *job)
{
    struct exchange *exchange = (struct exchange *)(void *)job;
    exchange->route->handler(&exchange->request, &exchange->reply);
    if (exchange->reply.delay_s > 0 && delay_reply(exchange))
        return;
    MHD_resume_connection(exchange->connection);
}

static void expire_job(struct worker_job *job)
{
    struct exchange *exchange = (struct exchange *)(void *)job;
    answer_busy(exchange, 5);
    MHD_resume_connection(exchange->connection);
}

/* The request is whole. */
static enum MHD_Result dispatch(struct exchange *exchange)
{
    struct http_server *server = exchange->listener->server;
    const struct route *route = exchange->route;
    if (exchange->tcp != NULL)
        connection_working(server->connections, exchange->tcp);
    exchange->request.body = buf_span(&exchange->body);
    if (exchange->reply.status != 0)
        return answer(exchange);
    if (!route->worker) {
        route->handler(&exchange->request, &exchange->reply);
        return answer(exchange);
    }
    exchange->job.run = run_job;
    exchange->job.expired = expire_job;
    exchange->job.waits_elsewhere =
        route->waits_elsewhere != NULL && route->waits_elsewhere(&exchange->request);
    exchange->state = IN_WORK;
    /* suspended first: the worker may resume it before worker_submit returns */
    MHD_suspend_connection(exchange->connection);
    int64_t retry_after_s = 0;
    if (worker_submit(server->workers, &exchange->job, &retry_after_s) != STATUS_OK) {
        answer_busy(exchange, retry_after_s);
        MHD_resume_connection(exchange->connection);
    }
    return MHD_YES;
}

enum MHD_Result http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload_data,
                                size_t *upload_data_size, void **con_cls)
{
    (void)cls, (void)connection, (void)version;
    struct exchange *exchange = *con_cls;
    if (exchange == NULL) /* out of memory at the request line */
        return MHD_NO;
    if (!exchange->header_seen)
        return take_header(exchange, url, method);
    if (*upload_data_size > 0)
        return take_body(exchange, upload_data, upload_data_size);
    if (exchange->state == IN_WORK)
        return answer(exchange);
    if (exchange->state == RECEIVING)
        return dispatch(exchange);
    return MHD_YES;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Listeners: one libmicrohttpd daemon each, with its limits, and a stop that finishes
 * what was accepted. Knows sockets; what a request means is not known here.
 */
#include "http_private.h"

#include "clock.h"
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTION_MEMORY (96 * 1024) /* carries a request line of 64 KiB (measured; SCEP by GET) */
#define IDLE_TIMEOUT_S    120
#define BACKLOG           1024
#define DELAYED_MAX       256 /* replies that are held back at once; a quarter of all connections at most */
#define OTHER_DESCRIPTORS 256 /* beside connections: the store's, CRLs being sent, those being closed */

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static enum status parse_address(const struct http_listener *wanted, struct sockaddr_storage *address,
                                 socklen_t *len, struct err *err)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)address;
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, wanted->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(wanted->port);
        *len = sizeof *v4;
    } else if (inet_pton(AF_INET6, wanted->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(wanted->port);
        *len = sizeof *v6;
    } else {
        return ERR(err, STATUS_CONFIG, "listen address \"%s\" is neither an IPv4 nor an IPv6 address",
                   wanted->address);
    }
    return STATUS_OK;
}

static enum status listen_failure(const struct http_listener *wanted, int fd, struct err *err)
{
    int reason = errno;
    if (fd >= 0)
        (void)close(fd);
    return ERR(err, STATUS_IO, "cannot listen on %s port %u: %s%s", wanted->address, wanted->port,
               strerror(reason),
               reason == EADDRINUSE ? "; another program has it, choose another with --listen" : "");
}

static enum status bind_listener(struct listener *listener, const struct http_listener *wanted,
                                 struct err *err)
{
    struct sockaddr_storage address;
    socklen_t len = 0;
    TRY(parse_address(wanted, &address, &len, err));
    const int yes = 1;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0)
        return listen_failure(wanted, fd, err);
    if (address.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0)
        return listen_failure(wanted, fd, err);
    if (bind(fd, (const struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return listen_failure(wanted, fd, err);
    listener->fd = fd;
    listener->loopback = is_loopback(&address);
    listener->port = address.ss_family == AF_INET
                         ? ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port)
                         : ntohs(((const struct sockaddr_in6 *)(const void *)&address)->sin6_port);
    return STATUS_OK;
}

__attribute__((format(printf, 2, 0))) static void log_library(void *cls, const char *format,
                                                              va_list arguments)
{
    (void)cls;
    char text[512];
    (void)vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    log_message(LOG_DEBUG, "http.library", "%s", text);
}

static enum status start_daemon(struct listener *listener, const struct http_limits *limits, struct err *err)
{
    /* our own list closes the idlest above the cap; libmicrohttpd's limit, which it divides among its
     * threads, only stands behind it */
    unsigned connections = (unsigned)((limits->connections + 256) * limits->io_threads);
    listener->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL,
        NULL, http_on_request, listener, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
        MHD_OPTION_LISTEN_SOCKET, listener->fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)limits->io_threads,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK,
        http_on_uri, listener, MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, listener,
        MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, listener, MHD_OPTION_END);
    if (listener->daemon == NULL)
        return ERR(err, STATUS_IO, "libmicrohttpd does not start on port %u: %s", listener->port,
                   strerror(errno));
    return STATUS_OK;
}

static void free_server(struct http_server *server)
{
    worker_pool_drain(server->workers);
    delay_stop(server->delays);
    for (size_t i = 0; i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        if (listener->daemon != NULL) {
            (void)MHD_quiesce_daemon(listener->daemon); /* else it closes our socket itself */
            MHD_stop_daemon(listener->daemon);
        }
        if (listener->fd >= 0)
            (void)close(listener->fd);
    }
    worker_pool_free(server->workers);
    delay_list_free(server->delays);
    connection_list_free(server->connections);
    free(server);
}

/* How many connections can be held. The soft limit on descriptors is raised as far as it may be; where that
 * is too low, the idlest connections are closed earlier, for without a descriptor nobody would be served. */
static size_t connections_possible(size_t wanted)
{
    const rlim_t needed = (rlim_t)wanted + OTHER_DESCRIPTORS;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return wanted;
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed)
        return wanted;
    size_t allowed = (size_t)limit.rlim_cur;
    size_t possible = allowed > (size_t)2 * OTHER_DESCRIPTORS ? allowed - OTHER_DESCRIPTORS : allowed / 2;
    log_message(LOG_WARNING, "http.descriptors",
                "only %zu of %zu connections are held open, for the system allows %zu descriptors: allow %zu "
                "(LimitNOFILE= in a systemd unit, ulimit -n in a shell), or lower \"connections\"",
                possible, wanted, allowed, (size_t)needed);
    return possible;
}

static enum status start_all(struct http_server *server, const struct http_listener *wanted, size_t count,
                             const struct http_limits *limits, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        server->listeners[i].fd = -1;
        server->listeners[i].server = server;
        server->listener_count++;
    }
    size_t connections = connections_possible(limits->connections);
    TRY(connection_list_new(connections, limits->request_deadline_s, &server->connections, err));
    TRY(delay_list_start(connections / 4 < DELAYED_MAX ? connections / 4 : DELAYED_MAX, &server->delays,
                         err));
    TRY(worker_pool_start(limits->workers, limits->queue_wait_s, &server->workers, err));
    for (size_t i = 0; i < count; i++)
        TRY(bind_listener(&server->listeners[i], &wanted[i], err));
    for (size_t i = 0; i < count; i++)
        TRY(start_daemon(&server->listeners[i], limits, err));
    return STATUS_OK;
}

enum status http_server_start(const struct http_listener *listeners, size_t count,
                              const struct http_limits *limits, void *application, struct http_server **out,
                              struct err *err)
{
    struct http_server *server = calloc(1, sizeof *server + count * sizeof server->listeners[0]);
    if (server == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for %zu listeners", count);
    server->application = application;
    enum status status = start_all(server, listeners, count, limits, err);
    if (status != STATUS_OK) {
        free_server(server);
        return status;
    }
    *out = server;
    return STATUS_OK;
}

uint16_t http_server_port(const struct http_server *server, size_t index)
{
    return server->listeners[index].port;
}

static void wait_until_idle(struct http_server *server, int64_t at_most_s)
{
    int64_t until_ms = clock_monotonic_ms() + at_most_s * 1000;
    while (connection_busy_count(server->connections) > 0 && clock_monotonic_ms() < until_ms)
        (void)usleep(10000);
}

/* libmicrohttpd aborts when it is stopped with a suspended connection: accept no more, wake what is
 * delayed, let the workers finish (each resumes its connection), let the replies go out, then stop. */
void http_server_stop(struct http_server *server, int64_t grace_s)
{
    if (server == NULL)
        return;
    atomic_store(&server->stopping, true);
    for (size_t i = 0; i < server->listener_count; i++) {
        (void)MHD_quiesce_daemon(server->listeners[i].daemon);
        /* its threads may be accepting at this moment: the descriptor is closed when they have ended */
        (void)shutdown(server->listeners[i].fd, SHUT_RDWR);
    }
    delay_stop(server->delays);
    wait_until_idle(server, grace_s);
    worker_pool_drain(server->workers);
    wait_until_idle(server, 1); /* for the last replies to go out */
    free_server(server);
}

void http_server_stats(const struct http_server *server, struct http_stats *out)
{
    out->queue_depth = worker_depth(server->workers);
    out->connections = (int64_t)connection_count(server->connections);
    out->requests = atomic_load(&server->requests);
    out->delayed = atomic_load(&server->delayed);
    out->refused_busy = atomic_load(&server->refused_busy);
    for (size_t i = 0; i < HTTP_STATUS_CLASSES; i++)
        out->replies[i] = atomic_load(&server->replies[i]);
}

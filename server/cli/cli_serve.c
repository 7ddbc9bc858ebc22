/* SPDX-License-Identifier: Apache-2.0
 *
 * serve: opens everything, starts the scheduler and the listeners, waits for signals, and
 * stops in the order that finishes what was accepted.
 */
#include "cli.h"
#include "server.h"

#include "clock.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>

#define LISTENERS_MAX 64

/* ---- --listen ---- */

/* "127.0.0.1:8080", "[::1]:8080": the address is copied into the listener. */
enum status cli_listener_parse(const char *text, struct listener_config *out, struct err *err)
{
    const char *colon = strrchr(text, ':');
    const char *start = text, *end = colon;
    if (text[0] == '[' && colon != NULL && colon > text && colon[-1] == ']') {
        start++;
        end--;
    } else if (colon != NULL && memchr(text, ':', (size_t)(colon - text)) != NULL) {
        colon = NULL; /* an IPv6 address without brackets */
    }
    char *rest = NULL;
    long port = colon != NULL && colon[1] >= '0' && colon[1] <= '9' ? strtol(colon + 1, &rest, 10) : -1;
    if (colon == NULL || end == start || port < 0 || port > 65535 || *rest != '\0')
        return ERR(err, STATUS_USAGE,
                   "--listen is \"%s\": ADDRESS:PORT is allowed, such as 127.0.0.1:8080 or [::1]:8080", text);
    AUTO(heap) char *address = strndup(start, (size_t)(end - start));
    if (address == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    uint8_t octets[16];
    if (inet_pton(AF_INET, address, octets) != 1 && inet_pton(AF_INET6, address, octets) != 1)
        return ERR(err, STATUS_USAGE,
                   "--listen is \"%s\": an IP address is expected before the port, such as 127.0.0.1:8080, "
                   "[::1]:8080 or 0.0.0.0:8080 (every interface)",
                   text);
    *out = (struct listener_config){.address = MOVE(address), .port = port};
    return STATUS_OK;
}

/* What is listened to: from --listen if it was given, else from the configuration. */
struct listening {
    struct listener_config own[LISTENERS_MAX]; /* of --listen */
    size_t own_count;
    struct http_listener listeners[LISTENERS_MAX];
    size_t count;
};

static void listening_free(struct listening *listening)
{
    for (size_t i = 0; i < listening->own_count; i++)
        free(listening->own[i].address);
}
AUTO_VALUE(listening, struct listening, listening_free)

static enum status choose_listeners(const struct cli_texts *wanted, const struct server_config *config,
                                    struct listening *out, struct err *err)
{
    for (; out->own_count < wanted->count; out->own_count++)
        TRY(cli_listener_parse(wanted->items[out->own_count], &out->own[out->own_count], err));
    const struct listener_config *chosen = out->own_count > 0 ? out->own : config->listeners;
    out->count = out->own_count > 0 ? out->own_count : config->listener_count;
    for (size_t i = 0; i < out->count; i++)
        out->listeners[i] =
            (struct http_listener){.address = chosen[i].address, .port = (uint16_t)chosen[i].port};
    return STATUS_OK;
}

/* ---- signals ---- */

/* Blocked before any thread is started, so that only the main thread takes them, when it waits for them. */
static void block_signals(sigset_t *set)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, set, NULL);
}

static void wait_for_stop(const sigset_t *set, struct server *server)
{
    for (;;) {
        int signal_number = 0;
        if (sigwait(set, &signal_number) != 0)
            continue;
        if (signal_number != SIGHUP)
            return;
        scheduler_reload(server->scheduler);
    }
}

/* ---- the server ---- */

static void log_serving(const struct server *server, const struct listening *listening)
{
    for (size_t i = 0; i < listening->count; i++) {
        const char *address = listening->listeners[i].address;
        bool is_v6 = strchr(address, ':') != NULL;
        char url[96];
        (void)snprintf(url, sizeof url, is_v6 ? "http://[%s]:%u" : "http://%s:%u", address,
                       http_server_port(server->http, i));
        const struct log_field fields[] = {LOG_TEXT_FIELD("url", url),
                                           LOG_TEXT_FIELD("dir", app_dir(server->app))};
        log_event(LOG_INFO, "serving", fields, sizeof fields / sizeof fields[0]);
    }
}

/* A proxy on this machine may be what clients find. */
static void warn_if_hidden(const struct server_config *config, const struct listening *listening)
{
    const struct listener_config *chosen = listening->own_count > 0 ? listening->own : config->listeners;
    if (server_is_hidden(config->authority_url, chosen, listening->count))
        log_message(
            LOG_WARNING, "listening",
            "on loopback only, while authority.url is %s: without a proxy on this machine nobody else "
            "reaches it (--listen 0.0.0.0:8080, or listeners in scepter.cfg)",
            config->authority_url);
}

static void server_stop(struct server *server)
{
    if (server->http != NULL)
        http_server_stop(server->http, app_config(server->app)->request_deadline_s);
    scheduler_stop(server->scheduler);
    cdp_cache_free(server->cdp);
    figures_free(server->figures);
    failures_free(server->failures);
    metrics_free(server->metrics);
    app_close(server->app);
}
AUTO_VALUE(server, struct server, server_stop)

static enum status server_start(struct server *server, const struct listening *listening, struct err *err)
{
    const struct server_config *config = app_config(server->app);
    const struct http_limits limits = {.io_threads = (size_t)config->io_threads,
                                       .workers = (size_t)config->workers,
                                       .connections = (size_t)config->connections,
                                       .request_deadline_s = config->request_deadline_s,
                                       .queue_wait_s = config->queue_wait_s};
    server->started_s = clock_now();
    TRY(metrics_new(&server->metrics, err));
    TRY(figures_new(&server->figures, err));
    TRY(failures_new(config->failures_per_minute, &server->failures, err));
    TRY(cdp_cache_new(&server->cdp, err));
    TRY(scheduler_start(server, &server->scheduler, err));
    return http_server_start(listening->listeners, listening->count, &limits, server, &server->http, err);
}

static enum status serve(struct cli *cli, struct err *err)
{
    struct cli_texts wanted = {0};
    const struct cli_option options[] = {{"listen", CLI_TEXTS, &wanted}, {NULL, CLI_FLAG, NULL}};
    AUTO(listening) struct listening listening = {0};
    AUTO(server) struct server server = {0};
    sigset_t signals;
    TRY(cli_options(cli, options, 0, 0, err));
    block_signals(&signals);
    TRY(app_open(cli->dir, true, &server.app, err));
    TRY(choose_listeners(&wanted, app_config(server.app), &listening, err));
    TRY(server_start(&server, &listening, err));
    log_serving(&server, &listening);
    warn_if_hidden(app_config(server.app), &listening);
    wait_for_stop(&signals, &server);
    log_message(LOG_INFO, "stopping", "requests that were accepted are finished first");
    return STATUS_OK;
}

const struct command cli_serve_commands[] = {
    {"serve", "[--listen ADDRESS:PORT]...", "serves SCEP, CRLs and CA certificates until SIGTERM or SIGINT",
     serve},
    {NULL, NULL, NULL, NULL},
};

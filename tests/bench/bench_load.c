/* SPDX-License-Identifier: Apache-2.0
 *
 * The load generator: posts the messages of a file over keep-alive connections, each
 * message once, from one thread that costs little. Closed loop: each connection sends as
 * soon as it has its reply. Open loop (--rate): messages are due at fixed moments, and
 * their time counts from there. Only replies with pkiStatus SUCCESS count.
 *
 *   bench_load --port P --path /scep/lab --file F --connections N [--count N] [--rate R]
 *              [--pid SERVER] [--replies F --every K]
 *
 * Prints one JSON object. Does not judge replies beyond their pkiStatus: bench_make check does.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#define REPLY_MAX 65536

struct options {
    const char *port, *path, *file, *connections, *count, *rate, *pid, *replies, *every;
};

/* One connection, and the message that is under way on it. */
struct peer {
    int fd;
    const struct record *message; /* NULL: idle */
    int64_t since_us;
    char header[512];
    size_t header_len, sent;
    uint8_t *reply;
    size_t reply_len, reply_whole;
};

enum { SUCCEEDED, FAILED, PENDING, BUSY, BROKEN, OUTCOMES };

struct load {
    struct options options;
    struct records messages;
    struct peer *peers, **idle;
    size_t peer_count, idle_count;
    size_t limit, started, done;
    int64_t start_us, gap_us; /* gap_us 0: closed loop */
    int epoll, timer;
    size_t outcomes[OUTCOMES];
    uint32_t *times_us; /* of what succeeded */
    uint32_t *busy_us;  /* of what got 503 */
    FILE *replies;
    size_t every;
};

/* ---- figures of a process ---- */

static double server_cpu_s(const char *pid)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    NEED(path, file != NULL && fgets(text, sizeof text, file) != NULL);
    (void)fclose(file);
    const char *at = strrchr(text, ')');
    unsigned long user = 0, system = 0;
    NEED(path, at != NULL && sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                                    &system) == 2);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static long server_memory_kib(const char *pid, const char *name)
{
    char path[64], text[256];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%s/status", pid);
    FILE *file = fopen(path, "re");
    NEED(path, file != NULL);
    while (fgets(text, sizeof text, file) != NULL)
        if (strncmp(text, name, strlen(name)) == 0)
            kib = strtol(text + strlen(name) + 1, NULL, 10);
    (void)fclose(file);
    return kib;
}

static double own_cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- connections ---- */

static void peer_connect(struct load *load, struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(load->options.port, NULL, 10)),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int one = 1;
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    NEED("socket", peer->fd >= 0);
    NEED("connect", connect(peer->fd, (struct sockaddr *)&address, sizeof address) == 0);
    (void)setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)fcntl(peer->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = peer};
    NEED("epoll_ctl", epoll_ctl(load->epoll, EPOLL_CTL_ADD, peer->fd, &event) == 0);
}

/* What is left of header and body. */
static void peer_send(struct peer *peer)
{
    size_t all = peer->header_len + peer->message->len;
    while (peer->sent < all) {
        size_t in_body = peer->sent > peer->header_len ? peer->sent - peer->header_len : 0;
        struct iovec parts[2] = {
            {peer->header + peer->sent, peer->header_len - peer->sent},
            {(void *)(uintptr_t)(peer->message->octets + in_body), peer->message->len - in_body}};
        bool header_left = peer->sent < peer->header_len;
        ssize_t sent = writev(peer->fd, header_left ? parts : parts + 1, header_left ? 2 : 1);
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0)
            return; /* the reading side will find the connection closed */
        peer->sent += (size_t)sent;
    }
}

static void peer_start(struct load *load, struct peer *peer, int64_t since_us)
{
    const struct record *message = &load->messages.all[load->started++];
    peer->message = message;
    peer->since_us = since_us;
    peer->sent = peer->reply_len = peer->reply_whole = 0;
    peer->header_len =
        (size_t)snprintf(peer->header, sizeof peer->header,
                         "POST %s?operation=PKIOperation HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Type: application/x-pki-message\r\nContent-Length: %u\r\n\r\n",
                         load->options.path, message->len);
    peer_send(peer);
}

/* ---- replies ---- */

static const char *header_value(const struct peer *peer, size_t header_len, const char *name)
{
    const char *at = (const char *)peer->reply, *end = at + header_len;
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (line == NULL)
            return NULL;
        at = line + 1;
        if (strncasecmp(at, name, strlen(name)) == 0)
            return at + strlen(name);
    }
    return NULL;
}

/* Whether the reply is whole; finds its length as soon as the header is there. */
static bool reply_is_whole(struct peer *peer)
{
    if (peer->reply_whole == 0) {
        const uint8_t *end = memmem(peer->reply, peer->reply_len, "\r\n\r\n", 4);
        if (end == NULL)
            return false;
        size_t header_len = (size_t)(end - peer->reply) + 4;
        const char *length = header_value(peer, header_len, "Content-Length:");
        peer->reply_whole = header_len + (length != NULL ? strtoul(length, NULL, 10) : 0);
        NEED("a reply is too long", peer->reply_whole <= REPLY_MAX);
    }
    return peer->reply_len >= peer->reply_whole;
}

/* pkiStatus (RFC 8894 section 3.2.1.3): its OID, a SET of one PrintableString of one digit. */
static int reply_outcome(const struct peer *peer)
{
    static const uint8_t status[] = {0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x45,
                                     0x01, 0x09, 0x03, 0x31, 0x03, 0x13, 0x01};
    if (peer->reply_len > 12 && memcmp(peer->reply + 9, "503", 3) == 0)
        return BUSY;
    const uint8_t *at = memmem(peer->reply, peer->reply_len, status, sizeof status);
    if (at == NULL || at + sizeof status >= peer->reply + peer->reply_len)
        return BROKEN;
    uint8_t digit = at[sizeof status];
    return digit == '0' ? SUCCEEDED : digit == '3' ? PENDING : FAILED;
}

static void keep_reply(const struct load *load, const struct peer *peer)
{
    const uint8_t *body = memmem(peer->reply, peer->reply_len, "\r\n\r\n", 4);
    if (load->replies == NULL || peer->message->number % load->every != 0 || body == NULL)
        return;
    body += 4;
    record_write(load->replies, peer->message->number, body, peer->reply_len - (size_t)(body - peer->reply));
}

static void start_next(struct load *load, struct peer *peer, int64_t now_us)
{
    peer->message = NULL;
    if (load->started >= load->limit)
        return;
    int64_t due_us = load->start_us + (int64_t)load->started * load->gap_us;
    if (load->gap_us == 0)
        peer_start(load, peer, now_us);
    else if (due_us <= now_us)
        peer_start(load, peer, due_us);
    else
        load->idle[load->idle_count++] = peer;
}

static void peer_done(struct load *load, struct peer *peer, int outcome)
{
    int64_t now_us = bench_now_us();
    uint32_t took_us = (uint32_t)(now_us - peer->since_us);
    if (outcome == SUCCEEDED) {
        load->times_us[load->outcomes[SUCCEEDED]] = took_us;
        keep_reply(load, peer);
    } else if (outcome == BUSY) {
        load->busy_us[load->outcomes[BUSY]] = took_us;
    }
    load->outcomes[outcome]++;
    load->done++;
    start_next(load, peer, now_us);
}

static void peer_lost(struct load *load, struct peer *peer)
{
    (void)close(peer->fd);
    peer_connect(load, peer);
    if (peer->message != NULL)
        peer_done(load, peer, BROKEN);
}

static void peer_receive(struct load *load, struct peer *peer)
{
    for (;;) {
        ssize_t got = read(peer->fd, peer->reply + peer->reply_len, REPLY_MAX - peer->reply_len);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            peer_lost(load, peer);
            return;
        }
        peer->reply_len += (size_t)got;
        if (peer->message != NULL && reply_is_whole(peer))
            peer_done(load, peer, reply_outcome(peer));
    }
}

/* ---- the run ---- */

static void set_timer(const struct load *load)
{
    int64_t due_us = load->start_us + (int64_t)load->started * load->gap_us;
    struct itimerspec when = {.it_value = {.tv_sec = due_us / 1000000, .tv_nsec = (due_us % 1000000) * 1000}};
    NEED("timerfd_settime", timerfd_settime(load->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0);
}

static void start_due(struct load *load)
{
    uint64_t ignored;
    ssize_t got = read(load->timer, &ignored, sizeof ignored);
    (void)got;
    int64_t now_us = bench_now_us();
    while (load->idle_count > 0 && load->started < load->limit) {
        int64_t due_us = load->start_us + (int64_t)load->started * load->gap_us;
        if (due_us > now_us)
            break;
        peer_start(load, load->idle[--load->idle_count], due_us);
    }
    if (load->started < load->limit && load->idle_count > 0)
        set_timer(load);
}

static void run(struct load *load)
{
    struct epoll_event events[256];
    load->start_us = bench_now_us();
    for (size_t i = 0; i < load->peer_count; i++)
        start_next(load, &load->peers[i], load->start_us);
    if (load->gap_us > 0)
        start_due(load);
    while (load->done < load->limit) {
        int ready = epoll_wait(load->epoll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer == NULL)
                continue;
            if (peer->message != NULL && (events[i].events & EPOLLOUT) != 0)
                peer_send(peer);
            if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
                peer_receive(load, peer);
        }
        if (load->gap_us > 0)
            start_due(load);
    }
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double percentile_ms(uint32_t *sorted, size_t count, double part)
{
    return count > 0 ? sorted[(size_t)((double)(count - 1) * part)] / 1e3 : 0;
}

static void report(struct load *load, double seconds, double server_s, double own_s)
{
    size_t good = load->outcomes[SUCCEEDED], busy = load->outcomes[BUSY];
    qsort(load->times_us, good, sizeof *load->times_us, by_value);
    qsort(load->busy_us, busy, sizeof *load->busy_us, by_value);
    printf("{\"connections\":%zu,\"success\":%zu,\"failure\":%zu,\"pending\":%zu,\"busy\":%zu,\"broken\":%zu,"
           "\"seconds\":%.3f,\"per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,"
           "\"busy_p99_ms\":%.3f,\"generator_us_each\":%.1f",
           load->peer_count, good, load->outcomes[FAILED], load->outcomes[PENDING], busy,
           load->outcomes[BROKEN], seconds, (double)good / seconds, percentile_ms(load->times_us, good, 0.5),
           percentile_ms(load->times_us, good, 0.99), percentile_ms(load->times_us, good, 1),
           percentile_ms(load->busy_us, busy, 0.99), own_s * 1e6 / (double)load->done);
    if (load->options.pid != NULL)
        printf(",\"server_us_each\":%.1f,\"rss_kib\":%ld,\"rss_peak_kib\":%ld", server_s * 1e6 / (double)good,
               server_memory_kib(load->options.pid, "VmRSS"), server_memory_kib(load->options.pid, "VmHWM"));
    printf("}\n");
}

static void read_options(int argc, char **argv, struct options *options)
{
    const struct option table[] = {
        {"port", required_argument, NULL, 0},  {"path", required_argument, NULL, 1},
        {"file", required_argument, NULL, 2},  {"connections", required_argument, NULL, 3},
        {"count", required_argument, NULL, 4}, {"rate", required_argument, NULL, 5},
        {"pid", required_argument, NULL, 6},   {"replies", required_argument, NULL, 7},
        {"every", required_argument, NULL, 8}, {NULL, 0, NULL, 0}};
    const char **places[] = {&options->port,        &options->path,    &options->file,
                             &options->connections, &options->count,   &options->rate,
                             &options->pid,         &options->replies, &options->every};
    int found;
    while ((found = getopt_long(argc, argv, "", table, NULL)) != -1) {
        NEED("usage: see the head of bench_load.c", found != '?');
        *places[found] = optarg;
    }
    NEED("--port, --path, --file and --connections are needed",
         options->port != NULL && options->path != NULL && options->file != NULL &&
             options->connections != NULL);
}

static void prepare(struct load *load)
{
    const struct options *options = &load->options;
    records_read(options->file, &load->messages);
    load->limit = options->count != NULL ? strtoul(options->count, NULL, 10) : load->messages.count;
    if (load->limit > load->messages.count)
        load->limit = load->messages.count;
    load->peer_count = strtoul(options->connections, NULL, 10);
    load->gap_us = options->rate != NULL ? (int64_t)(1e6 / strtod(options->rate, NULL)) : 0;
    load->every = options->every != NULL ? strtoul(options->every, NULL, 10) : 1;
    load->replies = options->replies != NULL ? fopen(options->replies, "wbe") : NULL;
    load->peers = calloc(load->peer_count, sizeof *load->peers);
    load->idle = calloc(load->peer_count, sizeof *load->idle);
    load->times_us = calloc(load->limit + 1, sizeof *load->times_us);
    load->busy_us = calloc(load->limit + 1, sizeof *load->busy_us);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    NEED("preparing", load->peers != NULL && load->idle != NULL && load->times_us != NULL &&
                          load->busy_us != NULL &&
                          epoll_ctl(load->epoll, EPOLL_CTL_ADD, load->timer, &event) == 0);
    for (size_t i = 0; i < load->peer_count; i++) {
        load->peers[i].reply = malloc(REPLY_MAX);
        NEED("malloc", load->peers[i].reply != NULL);
        peer_connect(load, &load->peers[i]);
    }
}

int main(int argc, char **argv)
{
    struct load load = {0};
    read_options(argc, argv, &load.options);
    prepare(&load);
    const char *pid = load.options.pid;
    double server_s = pid != NULL ? server_cpu_s(pid) : 0, own_s = own_cpu_s();
    run(&load);
    double seconds = (double)(bench_now_us() - load.start_us) / 1e6;
    own_s = own_cpu_s() - own_s;
    server_s = pid != NULL ? server_cpu_s(pid) - server_s : 0;
    report(&load, seconds, server_s, own_s);
    if (load.replies != NULL)
        NEED("writing replies", fclose(load.replies) == 0);
    for (size_t i = 0; i < load.peer_count; i++)
        free(load.peers[i].reply);
    free(load.peers);
    free(load.idle);
    free(load.times_us);
    free(load.busy_us);
    records_free(&load.messages);
    return 0;
}

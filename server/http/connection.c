/* SPDX-License-Identifier: Apache-2.0
 *
 * Every open TCP connection and the thread that shuts those that overstay: a request
 * whose octets drip in for longer than the deadline, and, above the cap, the idlest or
 * slowest. One whose request is in work or whose reply is held back is never shut: while
 * all are, new ones are accepted beyond the cap, up to libmicrohttpd's own limit.
 * libmicrohttpd's own timeout restarts with each octet and cannot do this. Shutting
 * happens under the lock that also guards the removal, so that no reused file
 * descriptor is ever hit. Does not bound how slowly a reply is taken.
 */
#include "http_private.h"

#include "clock.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define LOOK_EVERY_MS 250

struct connection_list {
    pthread_mutex_t lock;
    pthread_cond_t stop;
    pthread_t reaper;
    bool stopping;
    struct connection *first;
    size_t count, max;
    int64_t deadline_us;
};

/* Octets that the peer has sent so far, read or not. 0 where the kernel does not say. */
static uint64_t octets_received(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return 0;
    return info.tcpi_bytes_received;
}

/* Since when a request has been arriving on it; 0: it is idle or in work. */
static int64_t arriving_since(struct connection *connection, int64_t now_us)
{
    if (connection->busy)
        return 0;
    if (connection->request_since_us != 0)
        return connection->header_since_us != 0 ? connection->header_since_us : connection->request_since_us;
    if (connection->header_since_us == 0 && octets_received(connection->fd) != connection->received_at_idle)
        connection->header_since_us = now_us;
    return connection->header_since_us;
}

static void shut_overdue(struct connection_list *list)
{
    int64_t now_us = clock_monotonic_us();
    for (struct connection *c = list->first; c != NULL; c = c->next) {
        int64_t since_us = arriving_since(c, now_us);
        if (since_us != 0 && now_us - since_us > list->deadline_us)
            (void)shutdown(c->fd, SHUT_RDWR);
    }
}

static void *reaper_main(void *argument)
{
    struct connection_list *list = argument;
    (void)pthread_mutex_lock(&list->lock);
    while (!list->stopping) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_EVERY_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        (void)pthread_cond_timedwait(&list->stop, &list->lock, &until);
        shut_overdue(list);
    }
    (void)pthread_mutex_unlock(&list->lock);
    return NULL;
}

enum status connection_list_new(size_t max, int64_t deadline_s, struct connection_list **out, struct err *err)
{
    struct connection_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the list of connections");
    list->max = max;
    list->deadline_us = deadline_s * 1000000;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&list->lock, NULL);
    (void)pthread_cond_init(&list->stop, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    int failure = pthread_create(&list->reaper, NULL, reaper_main, list);
    if (failure != 0) {
        free(list);
        return ERR(err, STATUS_IO, "cannot start the thread that watches connections: %s", strerror(failure));
    }
    *out = list;
    return STATUS_OK;
}

void connection_list_free(struct connection_list *list)
{
    if (list == NULL)
        return;
    (void)pthread_mutex_lock(&list->lock);
    list->stopping = true;
    (void)pthread_cond_signal(&list->stop);
    (void)pthread_mutex_unlock(&list->lock);
    (void)pthread_join(list->reaper, NULL);
    (void)pthread_cond_destroy(&list->stop);
    (void)pthread_mutex_destroy(&list->lock);
    free(list);
}

/* Whether a rather goes than b: an idle one before one that is sending a request, then the older. */
static bool goes_before(const struct connection *a, const struct connection *b)
{
    if ((a->request_since_us == 0) != (b->request_since_us == 0))
        return a->request_since_us == 0;
    return a->request_since_us == 0 ? a->active_us < b->active_us : a->request_since_us < b->request_since_us;
}

/* Another one each time, although libmicrohttpd takes a moment to close what is shut. */
static void shut_idlest(struct connection_list *list)
{
    struct connection *idlest = NULL;
    for (struct connection *c = list->first; c != NULL; c = c->next)
        if (!c->busy && !c->shut && (idlest == NULL || goes_before(c, idlest)))
            idlest = c;
    if (idlest == NULL)
        return;
    idlest->shut = true;
    (void)shutdown(idlest->fd, SHUT_RDWR);
}

struct connection *connection_open(struct connection_list *list, int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    connection->fd = fd;
    connection->active_us = clock_monotonic_us();
    (void)pthread_mutex_lock(&list->lock);
    if (list->count >= list->max)
        shut_idlest(list);
    connection->next = list->first;
    if (list->first != NULL)
        list->first->previous = connection;
    list->first = connection;
    list->count++;
    (void)pthread_mutex_unlock(&list->lock);
    return connection;
}

void connection_close(struct connection_list *list, struct connection *connection)
{
    if (connection == NULL)
        return;
    (void)pthread_mutex_lock(&list->lock);
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        list->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    list->count--;
    (void)pthread_mutex_unlock(&list->lock);
    free(connection);
}

void connection_receiving(struct connection_list *list, struct connection *connection)
{
    (void)pthread_mutex_lock(&list->lock);
    connection->request_since_us = clock_monotonic_us();
    (void)pthread_mutex_unlock(&list->lock);
}

void connection_working(struct connection_list *list, struct connection *connection)
{
    (void)pthread_mutex_lock(&list->lock);
    connection->busy = true;
    (void)pthread_mutex_unlock(&list->lock);
}

void connection_idle(struct connection_list *list, struct connection *connection)
{
    (void)pthread_mutex_lock(&list->lock);
    connection->busy = false;
    connection->request_since_us = 0;
    connection->header_since_us = 0;
    connection->active_us = clock_monotonic_us();
    connection->received_at_idle = octets_received(connection->fd);
    (void)pthread_mutex_unlock(&list->lock);
}

size_t connection_count(struct connection_list *list)
{
    (void)pthread_mutex_lock(&list->lock);
    size_t count = list->count;
    (void)pthread_mutex_unlock(&list->lock);
    return count;
}

size_t connection_busy_count(struct connection_list *list)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&list->lock);
    for (const struct connection *c = list->first; c != NULL; c = c->next)
        count += c->busy || c->request_since_us != 0 ? 1 : 0;
    (void)pthread_mutex_unlock(&list->lock);
    return count;
}

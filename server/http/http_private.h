/* SPDX-License-Identifier: Apache-2.0
 *
 * What http_listen.c, http_request.c, connection.c and reply.c share. The only header
 * of the house that includes libmicrohttpd's.
 */
#ifndef SCEPTER_SERVER_HTTP_PRIVATE_H
#define SCEPTER_SERVER_HTTP_PRIVATE_H

#include "delay.h"
#include "http.h"
#include "worker.h"

#include <microhttpd.h>
#include <pthread.h>

/* ---- connection.c: every open TCP connection, and who closes those that overstay ---- */

struct connection {
    int fd;
    struct connection *previous, *next;
    int64_t active_us;         /* when the last request ended, or it was accepted */
    uint64_t received_at_idle; /* octets the peer had sent by then (TCP_INFO) */
    int64_t header_since_us;   /* first seen with part of a header; 0: none */
    int64_t request_since_us;  /* a request is being received since; 0: none */
    bool busy;                 /* a whole request is in work */
    bool shut;                 /* by us; libmicrohttpd closes it at its next look */
    void *exchange; /* http_request.c's, of the request that is not completed; its thread's alone */
};

struct connection_list; /* opaque, thread-safe */

NODISCARD enum status connection_list_new(size_t max, int64_t deadline_s, struct connection_list **out,
                                          struct err *err);
void connection_list_free(struct connection_list *list);
/* A socket was accepted; above the cap the idlest connection is shut, or if none is idle the one whose
 * request takes longest to arrive. NULL if out of memory. */
struct connection *connection_open(struct connection_list *list, int fd);
void connection_close(struct connection_list *list, struct connection *connection);
/* Where its request stands: its request line is there; it is whole and in work; it was answered. */
void connection_receiving(struct connection_list *list, struct connection *connection);
void connection_working(struct connection_list *list, struct connection *connection);
void connection_idle(struct connection_list *list, struct connection *connection);
size_t connection_count(struct connection_list *list);
/* Connections with a request in work or being received. */
size_t connection_busy_count(struct connection_list *list);

/* ---- the server ---- */

struct listener {
    struct MHD_Daemon *daemon;
    struct http_server *server;
    int fd;
    uint16_t port;
    bool loopback;
};

struct http_server {
    struct worker_pool *workers;
    struct connection_list *connections;
    struct delay_list *delays;
    void *application;
    _Atomic int64_t requests;
    _Atomic int64_t refused_busy;
    _Atomic int64_t delayed;
    _Atomic int64_t replies[HTTP_STATUS_CLASSES];
    _Atomic bool stopping; /* replies end their connections */
    size_t listener_count;
    struct listener listeners[];
};

/* ---- http_request.c: callbacks of libmicrohttpd; cls is a struct listener ---- */

void *http_on_uri(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload_data,
                                size_t *upload_data_size, void **con_cls);
void http_on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode toe);
void http_on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode toe);

/* ---- reply.c ---- */

/* Queues the reply (whose contents it takes) on a connection. */
enum MHD_Result reply_queue(struct MHD_Connection *connection, struct http_reply *reply);

#endif

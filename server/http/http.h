/* SPDX-License-Identifier: Apache-2.0
 *
 * One whole HTTP request and its reply, as handlers see them. Handlers know no
 * libmicrohttpd; libmicrohttpd is known to http_listen.c, http_request.c and reply.c only.
 */
#ifndef SCEPTER_SERVER_HTTP_H
#define SCEPTER_SERVER_HTTP_H

#include "buf.h"

enum http_method { HTTP_GET = 1, HTTP_HEAD = 2, HTTP_POST = 4 };

struct http_argument {
    char *name;
    struct span value; /* percent-decoded once, '+' untouched (SCEP's base64), may hold any octet */
};

struct http_server; /* opaque */

/* Everything is borrowed for the handler's call. */
struct http_request {
    enum http_method method;
    const char *path;                      /* percent-decoded, without NUL; the raw form had no %00 */
    const struct http_argument *arguments; /* of the query */
    size_t argument_count;
    struct span body;
    const char *content_type; /* NULL if absent, like the following */
    const char *if_none_match;
    const char *if_modified_since;
    const char *user_agent;
    char remote[48];                  /* numeric address of the peer */
    bool listener_is_loopback;        /* the listener it came to has a loopback address */
    int64_t received_us;              /* clock_monotonic_us when its header was complete */
    void *application;                /* struct server * */
    const struct http_server *server; /* that it came to */
};
/* An argument by name (ASCII case ignored), or NULL. The first one counts. */
const struct span *http_argument(const struct http_request *request, const char *name);

/* Immutable bytes that several replies share, counted. */
struct blob {
    struct buf octets;
    const char *content_type; /* static */
    char etag[72];            /* with its quotes */
    int64_t modified_s;
    _Atomic size_t references;
};
struct blob *blob_ref(struct blob *blob);
void blob_unref(struct blob *blob);
AUTO_POINTER(blob, struct blob, blob_unref)
/* Takes the octets over; the ETag is made from their SHA-256. */
NODISCARD enum status blob_new(struct buf *octets, const char *content_type, int64_t modified_s,
                               struct blob **out, struct err *err);

/* What a handler answers. Zero-initialised by the caller. One of body, blob and file_fd. */
struct http_reply {
    unsigned status;
    const char *content_type; /* static */
    struct buf body;
    struct blob *blob; /* one reference, given over */
    int file_fd;       /* > 0: given over, sent by sendfile; file_size octets from its start */
    int64_t file_size;
    char etag[72];         /* with quotes, "" for none; from the blob if there is one */
    int64_t modified_s;    /* 0: no Last-Modified */
    int64_t max_age_s;     /* >= 0 with cache set */
    bool cache;            /* Cache-Control: max-age=…, must-revalidate; else no-store */
    int64_t retry_after_s; /* > 0: Retry-After */
    const char *allow;     /* for 405: "GET, HEAD" */
    int64_t delay_s; /* > 0: sent so much later, without a worker; 503 if too many wait already. Only from
                        handlers that a worker runs */
    bool close;      /* end the connection after it */
    bool logged;     /* the handler wrote the request's log line itself */
    char *location;  /* owned, for redirects */
};

/* Frees what the reply holds; zeroed afterwards. */
void reply_free(struct http_reply *reply);
AUTO_VALUE(reply, struct http_reply, reply_free)
/* Fills a text/plain answer; the text ends with a newline. */
void reply_text(struct http_reply *reply, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The one place where a struct err becomes an HTTP status and a text. */
void reply_error(struct http_reply *reply, const struct err *err);
/* Answers 304 if the request's If-None-Match or If-Modified-Since allow it; call when etag, modified_s are
 * set. */
void reply_conditional(const struct http_request *request, struct http_reply *reply);

/* ---- routes ---- */

typedef void http_handler(const struct http_request *request, struct http_reply *reply);

struct route {
    const char *path; /* "/scep" exact; "/scep/" + prefix: everything below */
    bool prefix;
    bool nocase;       /* ASCII case of the path is ignored */
    unsigned methods;  /* enum http_method bits */
    size_t body_limit; /* octets; 413 above it */
    bool worker;       /* handed to a worker thread; else answered on the I/O thread (memory only) */
    bool on_public;    /* served on listeners that are not loopback too (rules.md, HTTP) */
    /* NULL: never; else whether this request may wait for another system (webhook, LDAP). Such ones hold at
     * most half of the workers. */
    bool (*waits_elsewhere)(const struct http_request *request);
    http_handler *handler;
};
/* The table, ends with path = NULL. In route.c. */
extern const struct route routes[];
/* The first route that fits, or NULL. */
const struct route *route_find(const char *path);

/* ---- listening ---- */

struct http_listener {
    const char *address; /* numeric */
    uint16_t port;       /* 0: any free one */
};
struct http_limits {
    size_t io_threads, workers, connections;
    int64_t request_deadline_s, queue_wait_s;
};
/* Binds and serves all listeners. STATUS_IO names address, port and reason. application goes into every
 * request. */
NODISCARD enum status http_server_start(const struct http_listener *listeners, size_t count,
                                        const struct http_limits *limits, void *application,
                                        struct http_server **out, struct err *err);
/* The port that listener i got. */
uint16_t http_server_port(const struct http_server *server, size_t index);
/* Stops accepting, finishes what was accepted (at most grace_s), then ends and frees. */
void http_server_stop(struct http_server *server, int64_t grace_s);

#define HTTP_STATUS_CLASSES 5
struct http_stats {
    int64_t queue_depth, connections, requests, refused_busy;
    int64_t delayed;                      /* replies that were held back, or refused because too many were */
    int64_t replies[HTTP_STATUS_CLASSES]; /* 1xx to 5xx */
};
void http_server_stats(const struct http_server *server, struct http_stats *out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies: the only place that knows HTTP status codes for errors, headers, and how
 * libmicrohttpd wants a response. Does not decide what is answered.
 */
#include "http_private.h"

#include "digest.h"
#include "text.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT_PLAIN "text/plain; charset=utf-8"
#define TEXT_MAX   8192

/* ---- blobs ---- */

struct blob *blob_ref(struct blob *blob)
{
    if (blob != NULL)
        (void)atomic_fetch_add(&blob->references, 1);
    return blob;
}

void blob_unref(struct blob *blob)
{
    if (blob == NULL || atomic_fetch_sub(&blob->references, 1) != 1)
        return;
    buf_free(&blob->octets);
    free(blob);
}

enum status blob_new(struct buf *octets, const char *content_type, int64_t modified_s, struct blob **out,
                     struct err *err)
{
    struct blob *blob = calloc(1, sizeof *blob);
    if (blob == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for an answer of %zu octets", octets->len);
    uint8_t hash[SHA256_LEN];
    sha256(buf_span(octets), hash);
    AUTO(buf) struct buf tag = BUF(sizeof blob->etag);
    buf_add_text(&tag, "\"");
    hex_encode(&tag, SPAN(hash, sizeof hash / 2));
    buf_add_text(&tag, "\"");
    if (tag.failed != STATUS_OK) {
        free(blob);
        return ERR(err, STATUS_NOMEM, "out of memory for an entity tag");
    }
    memcpy(blob->etag, tag.data, tag.len);
    buf_move(&blob->octets, octets);
    blob->content_type = content_type;
    blob->modified_s = modified_s;
    blob->references = 1;
    *out = blob;
    return STATUS_OK;
}

/* ---- filling a reply ---- */

void reply_free(struct http_reply *reply)
{
    buf_free(&reply->body);
    blob_unref(reply->blob);
    if (reply->file_fd > 0)
        (void)close(reply->file_fd);
    free(reply->location);
    memset(reply, 0, sizeof *reply);
}

void reply_text(struct http_reply *reply, unsigned status, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buf_free(&reply->body);
    reply->body = BUF(TEXT_MAX + 1);
    buf_add_text(&reply->body, text);
    buf_add_text(&reply->body, "\n");
    reply->status = status;
    reply->content_type = TEXT_PLAIN;
}

static unsigned status_code(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return 200;
    case STATUS_MALFORMED:
    case STATUS_USAGE:
    case STATUS_ALGORITHM:
    case STATUS_INTEGRITY:
        return 400;
    case STATUS_DENIED:
    case STATUS_TIME:
        return 403;
    case STATUS_NOT_FOUND:
        return 404;
    case STATUS_CONFLICT:
        return 409;
    case STATUS_LIMIT:
        return 413;
    case STATUS_BUSY:
        return 503;
    case STATUS_NOMEM:
    case STATUS_IO:
    case STATUS_CONFIG:
    case STATUS_INTERNAL:
        return 500;
    }
    return 500;
}

void reply_error(struct http_reply *reply, const struct err *err)
{
    reply_text(reply, status_code(err->status), "%s", err->text);
    if (err->status == STATUS_BUSY)
        reply->retry_after_s = 5;
}

/* Whether an If-None-Match list names the tag (RFC 9110 section 13.1.2: weak comparison). */
static bool tag_listed(const char *list, const char *etag)
{
    if (strcmp(list, "*") == 0)
        return true;
    size_t len = strlen(etag);
    for (const char *at = strstr(list, etag); at != NULL; at = strstr(at + 1, etag)) {
        char behind = at[len];
        if (behind == '\0' || behind == ',' || behind == ' ' || behind == '\t')
            return true;
    }
    return false;
}

void reply_conditional(const struct http_request *request, struct http_reply *reply)
{
    const char *etag = reply->blob != NULL ? reply->blob->etag : reply->etag;
    int64_t modified_s = reply->blob != NULL ? reply->blob->modified_s : reply->modified_s;
    bool unchanged = false;
    int64_t since_s = 0;
    if (request->if_none_match != NULL)
        unchanged = etag[0] != '\0' && tag_listed(request->if_none_match, etag);
    else if (request->if_modified_since != NULL && modified_s > 0 &&
             time_http_parse(request->if_modified_since, &since_s, NULL) == STATUS_OK)
        unchanged = modified_s <= since_s;
    if (!unchanged)
        return;
    (void)snprintf(reply->etag, sizeof reply->etag, "%s", etag);
    reply->modified_s = modified_s;
    blob_unref(MOVE(reply->blob));
    if (reply->file_fd > 0)
        (void)close(reply->file_fd);
    reply->file_fd = 0;
    buf_clear(&reply->body);
    reply->status = 304;
}

/* ---- handing it to libmicrohttpd ---- */

static void free_blob(void *blob)
{
    blob_unref(blob);
}

static void free_body(void *body)
{
    struct buf *owned = body;
    buf_free(owned);
    free(owned);
}

static struct MHD_Response *response_of_body(struct http_reply *reply)
{
    struct buf *owned = calloc(1, sizeof *owned);
    if (owned == NULL)
        return NULL;
    *owned = reply->body;
    reply->body = BUF(0);
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback_cls(owned->len, owned->data, free_body, owned);
    if (response == NULL)
        free_body(owned);
    return response;
}

static struct MHD_Response *response_of(struct http_reply *reply)
{
    struct MHD_Response *response = NULL;
    if (reply->file_fd > 0) {
        response = MHD_create_response_from_fd64((uint64_t)reply->file_size, reply->file_fd);
        if (response != NULL)
            reply->file_fd = 0;
        return response;
    }
    if (reply->blob == NULL)
        return response_of_body(reply);
    response = MHD_create_response_from_buffer_with_free_callback_cls(
        reply->blob->octets.len, reply->blob->octets.data, free_blob, reply->blob);
    if (response != NULL) {
        (void)snprintf(reply->etag, sizeof reply->etag, "%s", reply->blob->etag);
        reply->modified_s = reply->blob->modified_s;
        reply->content_type = reply->blob->content_type;
        reply->blob = NULL;
    }
    return response;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0')
        (void)MHD_add_response_header(response, name, value);
}

static void add_headers(struct MHD_Response *response, const struct http_reply *reply)
{
    char text[64];
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->status == 304 ? NULL : reply->content_type);
    add_header(response, MHD_HTTP_HEADER_ETAG, reply->etag);
    if (reply->modified_s > 0) {
        time_http(reply->modified_s, text);
        add_header(response, MHD_HTTP_HEADER_LAST_MODIFIED, text);
    }
    (void)snprintf(text, sizeof text, "max-age=%lld, must-revalidate", (long long)reply->max_age_s);
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, reply->cache ? text : "no-store");
    if (reply->retry_after_s > 0) {
        (void)snprintf(text, sizeof text, "%lld", (long long)reply->retry_after_s);
        add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
    }
    add_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    add_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
    add_header(response, "X-Content-Type-Options", "nosniff");
    if (reply->close)
        add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
}

enum MHD_Result reply_queue(struct MHD_Connection *connection, struct http_reply *reply)
{
    struct MHD_Response *response = response_of(reply);
    if (response == NULL)
        return MHD_NO;
    add_headers(response, reply);
    enum MHD_Result queued = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return queued;
}

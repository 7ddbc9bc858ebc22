/* SPDX-License-Identifier: Apache-2.0
 *
 * /metrics for Prometheus: gathers what others count and know. Touches neither store nor
 * files, so that it answers on the I/O thread also when everything else is stuck.
 */
#include "metrics_text.h"
#include "server.h"

#include "clock.h"

#define PAGE_MAX       ((size_t)8 << 20)
#define COMPLAINTS_MAX 8192

static void write_build(const struct server *server, struct buf *out)
{
    static const char name[] = "scepter_build_info";
    const struct metric_label labels[METRIC_LABELS_MAX] = {{"version", SCEPTER_VERSION}};
    metric_family(out, name, METRIC_GAUGE, "Always 1; the version is the label.");
    metric_sample(out, name, labels, 1);
    metric_single(out, "scepter_start_time_seconds", METRIC_GAUGE, "When the server started.",
                  server->started_s);
}

static void write_readiness(const struct server *server, struct buf *out)
{
    AUTO(buf) struct buf complaints = BUF(COMPLAINTS_MAX);
    scheduler_complaints(server->scheduler, &complaints);
    bool ready = complaints.len == 0 && complaints.failed == STATUS_OK;
    metric_single(out, "scepter_ready", METRIC_GAUGE, "1 if /readyz says ready, else 0.", ready ? 1 : 0);
}

static void write_http(const struct http_server *server, struct buf *out)
{
    static const char name[] = "scepter_http_requests_total";
    static const char *const classes[HTTP_STATUS_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    struct http_stats stats = {0};
    http_server_stats(server, &stats);
    metric_family(out, name, METRIC_COUNTER, "HTTP requests that were answered, by class of status.");
    for (size_t i = 0; i < HTTP_STATUS_CLASSES; i++) {
        const struct metric_label labels[METRIC_LABELS_MAX] = {{"code", classes[i]}};
        metric_sample(out, name, labels, stats.replies[i]);
    }
    metric_single(out, "scepter_http_refused_busy_total", METRIC_COUNTER,
                  "Requests that got 503 because the queue was full in time.", stats.refused_busy);
    metric_single(out, "scepter_http_delayed_total", METRIC_COUNTER,
                  "Answers to wrong challenges that were held back because of their address.", stats.delayed);
    metric_single(out, "scepter_http_connections", METRIC_GAUGE, "Open TCP connections.", stats.connections);
    metric_single(out, "scepter_queue_depth", METRIC_GAUGE, "Requests that wait for a worker or are in work.",
                  stats.queue_depth);
}

void metrics_handler(const struct http_request *request, struct http_reply *reply)
{
    const struct server *server = request->application;
    AUTO(buf) struct buf page = BUF(PAGE_MAX);
    write_build(server, &page);
    write_readiness(server, &page);
    write_http(request->server, &page);
    metrics_write(server->metrics, &page);
    figures_write(server->figures, clock_now(), &page);
    struct err err = {0};
    if (buf_status(&page, "the page of metrics", &err) != STATUS_OK) {
        reply_error(reply, &err);
        return;
    }
    buf_move(&reply->body, &page);
    reply->status = 200;
    reply->content_type = METRICS_CONTENT_TYPE;
}

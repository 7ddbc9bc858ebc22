/* SPDX-License-Identifier: Apache-2.0
 *
 * Liveness and readiness for load balancers and orchestrators. Finds nothing out itself:
 * the scheduler does.
 */
#include "server.h"

#define COMPLAINTS_MAX 8192

void health_live_handler(const struct http_request *request, struct http_reply *reply)
{
    (void)request;
    reply_text(reply, 200, "ok");
}

void health_ready_handler(const struct http_request *request, struct http_reply *reply)
{
    const struct server *server = request->application;
    AUTO(buf) struct buf complaints = BUF(COMPLAINTS_MAX);
    scheduler_complaints(server->scheduler, &complaints);
    if (complaints.failed != STATUS_OK)
        reply_text(reply, 503, "out of memory");
    else if (complaints.len > 0)
        reply_text(reply, 503, "%.*s", (int)complaints.len - 1, (const char *)complaints.data);
    else
        reply_text(reply, 200, "ready");
}

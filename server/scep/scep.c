/* SPDX-License-Identifier: Apache-2.0
 *
 * SCEP over HTTP (RFC 8894 section 4): which profile, which operation, one function
 * each. An adapter: it decides nothing about certificates.
 */
#include "scep_operation.h"

#include "text.h"

#include <stdio.h>
#include <strings.h>

/* ---- which profile ---- */

/* The part of the path behind the SCEP prefix, without the ways clients end their URLs. */
static bool profile_name_of(const char *path, char *name, size_t size)
{
    static const char scep[] = "/scep", ndes[] = "/certsrv/mscep", dll[] = "/mscep.dll",
                      client[] = "/pkiclient.exe";
    bool is_ndes = strncasecmp(path, ndes, sizeof ndes - 1) == 0;
    const char *rest = path + (is_ndes ? sizeof ndes - 1 : sizeof scep - 1);
    size_t len = strlen(rest);
    if (len > 0 && rest[len - 1] == '/')
        len--;
    if (len >= sizeof client - 1 &&
        strncasecmp(rest + len - (sizeof client - 1), client, sizeof client - 1) == 0)
        len -= sizeof client - 1;
    if (is_ndes && len == sizeof dll - 1 && strncasecmp(rest, dll, len) == 0)
        len = 0;
    if (len == 0) {
        (void)snprintf(name, size, "%s", is_ndes ? "ndes" : "default");
        return true;
    }
    if (is_ndes || rest[0] != '/' || memchr(rest + 1, '/', len - 1) != NULL || len > size)
        return false;
    memcpy(name, rest + 1, len - 1);
    name[len - 1] = '\0';
    return true;
}

static const struct profile *profile_of(const struct snapshot *snapshot, const char *path)
{
    char name[128];
    return profile_name_of(path, name, sizeof name) ? snapshot_profile(snapshot, name) : NULL;
}

bool scep_waits_elsewhere(const struct http_request *request)
{
    const struct server *server = request->application;
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(server->app);
    const struct profile *profile = snapshot != NULL ? profile_of(snapshot, request->path) : NULL;
    return profile != NULL && profile->challenge == CHALLENGE_WEBHOOK;
}

/* ---- operations without a message ---- */

static void answer_octets(struct http_reply *reply, struct buf *octets, const char *content_type)
{
    if (octets->failed != STATUS_OK) {
        reply_text(reply, 500, "out of memory");
        return;
    }
    buf_move(&reply->body, octets);
    reply->status = 200;
    reply->content_type = content_type;
}

static void get_ca_caps(const struct scep_call *call, struct http_reply *reply)
{
    AUTO(buf) struct buf text = BUF(1024);
    scep_capabilities(call->profile, &text);
    answer_octets(reply, &text, "text/plain");
}

static void get_ca_cert(const struct scep_call *call, struct http_reply *reply)
{
    AUTO(buf) struct buf octets = BUF((size_t)1 << 20);
    const char *content_type = NULL;
    scep_ca_certificates(call->snapshot, call->profile, &octets, &content_type);
    answer_octets(reply, &octets, content_type);
}

static void get_next_ca_cert(const struct scep_call *call, struct http_reply *reply)
{
    (void)call;
    reply_text(reply, 404, "There is no next CA certificate yet: the present one stays in use.");
}

/* ---- PKIOperation ---- */

static enum status message_octets(const struct http_request *request, struct buf *out, struct err *err)
{
    if (request->method == HTTP_POST && request->body.len > 0) {
        buf_add(out, request->body);
        return buf_status(out, "the message", err);
    }
    const struct span *message = http_argument(request, "message");
    if (message == NULL || message->len == 0)
        return ERR(err, STATUS_MALFORMED,
                   "PKIOperation needs a message: as the body of a POST, or as message=<base64> of a GET");
    if (base64_decode(*message, out, err) != STATUS_OK)
        return err_prefix(err, "the argument message: ");
    return STATUS_OK;
}

static void pki_operation(const struct scep_call *call, struct http_reply *reply)
{
    AUTO(buf) struct buf octets = BUF((size_t)1 << 20);
    struct err err = {0};
    if (message_octets(call->http, &octets, &err) != STATUS_OK) {
        metrics_count_operation(call->metrics, OPERATION_UNREADABLE);
        metrics_count_refused(call->metrics, call->profile->name, err.status);
        reply_error(reply, &err);
        return;
    }
    scep_pki_operation(call, buf_span(&octets), reply);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    enum metric_operation operation; /* METRIC_OPERATIONS: counted by messageType */
    void (*run)(const struct scep_call *call, struct http_reply *reply);
} operations[] = {
    {"PKIOperation", METRIC_OPERATIONS, pki_operation},
    {"GetCACaps", OPERATION_GET_CA_CAPS, get_ca_caps},
    {"GetCACert", OPERATION_GET_CA_CERT, get_ca_cert},
    {"GetNextCACert", OPERATION_GET_NEXT_CA_CERT, get_next_ca_cert},
};

/* A person opened the URL in a browser. */
static void explain(const struct scep_call *call, struct http_reply *reply)
{
    reply_text(
        reply, 200,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>SCEP</title></head><body>\n"
        "<h1>Simple Certificate Enrollment Protocol</h1>\n"
        "<p>This URL is for devices that enrol by SCEP (RFC 8894); enter it as the SCEP server URL of your "
        "device management or device.</p>\n"
        "<p>It serves the profile <b>%s</b>. An administrator makes an enrolment challenge with "
        "<code>scepter challenge new --profile %s</code>.</p>\n</body></html>",
        call->profile->name, call->profile->name);
    reply->content_type = "text/html; charset=utf-8";
}

void scep_handler(const struct http_request *request, struct http_reply *reply)
{
    struct server *server = request->application;
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(server->app);
    const struct profile *profile = snapshot != NULL ? profile_of(snapshot, request->path) : NULL;
    if (profile == NULL) {
        reply_text(reply, 404,
                   "There is no SCEP profile at this address; `scepter profile list` shows those there are.");
        return;
    }
    const struct scep_call call = {.http = request,
                                   .store = app_store(server->app),
                                   .snapshot = snapshot,
                                   .profile = profile,
                                   .metrics = server->metrics,
                                   .failures = server->failures};
    const struct span *operation = http_argument(request, "operation");
    if (operation == NULL) {
        explain(&call, reply);
        return;
    }
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (operation->len == strlen(operations[i].name) &&
            strncasecmp((const char *)operation->data, operations[i].name, operation->len) == 0) {
            if (operations[i].operation != METRIC_OPERATIONS)
                metrics_count_operation(call.metrics, operations[i].operation);
            operations[i].run(&call, reply);
            return;
        }
    metrics_count_operation(call.metrics, OPERATION_UNKNOWN);
    reply_text(
        reply, 400,
        "This SCEP operation is unknown; there are GetCACaps, GetCACert, GetNextCACert and PKIOperation.");
}

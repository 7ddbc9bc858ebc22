/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of routes: what answers at which address, with which limits. Holds no logic
 * beyond finding a row.
 */
#include "server.h"

#include <strings.h>

#define SCEP_BODY_MAX ((size_t)1 << 20)

/* SCEP clients end their URLs in every way; the handler takes what is below apart. */
#define SCEP_ROUTE(path_, prefix_, nocase_)                                                                  \
    {                                                                                                        \
        .path = (path_), .prefix = (prefix_), .nocase = (nocase_),                                           \
        .methods = HTTP_GET | HTTP_HEAD | HTTP_POST, .body_limit = SCEP_BODY_MAX, .worker = true,            \
        .on_public = true, .waits_elsewhere = scep_waits_elsewhere, .handler = scep_handler                  \
    }

const struct route routes[] = {
    SCEP_ROUTE("/scep", false, false),
    SCEP_ROUTE("/scep/", true, false),
    SCEP_ROUTE("/certsrv/mscep", false, true),
    SCEP_ROUTE("/certsrv/mscep/", true, true),
    {.path = "/CertEnroll/",
     .prefix = true,
     .nocase = true,
     .methods = HTTP_GET | HTTP_HEAD,
     .on_public = true,
     .handler = cdp_handler},
    {.path = "/healthz", .methods = HTTP_GET | HTTP_HEAD, .on_public = true, .handler = health_live_handler},
    {.path = "/readyz", .methods = HTTP_GET | HTTP_HEAD, .on_public = true, .handler = health_ready_handler},
    {.path = "/metrics", .methods = HTTP_GET | HTTP_HEAD, .handler = metrics_handler},
    {.path = NULL},
};

static bool route_fits(const struct route *route, const char *path)
{
    size_t len = strlen(route->path);
    if (!route->prefix && strlen(path) != len)
        return false;
    return route->nocase ? strncasecmp(path, route->path, len) == 0 : strncmp(path, route->path, len) == 0;
}

const struct route *route_find(const char *path)
{
    for (const struct route *route = routes; route->path != NULL; route++)
        if (route_fits(route, path))
            return route;
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The running server: what handlers reach through http_request.application.
 */
#ifndef SCEPTER_SERVER_SERVER_H
#define SCEPTER_SERVER_SERVER_H

#include "app.h"
#include "failures.h"
#include "figures.h"
#include "http.h"
#include "metrics.h"

/* Published files (CRLs, CA certificates) and SCEP's constant answers in memory, swapped whole. In
 * revocation/cdp.c and scep/scep_static.c. */
struct cdp_cache;

struct server {
    struct app *app;
    struct http_server *http;
    struct cdp_cache *cdp;
    struct scheduler *scheduler;
    struct metrics *metrics; /* NULL: nothing is counted */
    struct figures *figures;
    struct failures *failures; /* NULL: no limit */
    int64_t started_s;
};

/* ---- revocation/cdp.c: CDP and AIA ---- */

NODISCARD enum status cdp_cache_new(struct cdp_cache **out, struct err *err);
void cdp_cache_free(struct cdp_cache *cache);
/* Reads what is published for that snapshot: CRLs up to 1 MiB and CA certificates into memory, larger CRLs as
 * files. What cannot be read leaves the old one served and is the first error. Thread-safe against readers.
 */
NODISCARD enum status cdp_cache_refresh(struct cdp_cache *cache, const struct snapshot *snapshot,
                                        struct store *store, struct err *err);
/* Whether the last refresh found that the file of this CRL is not what was published: another is due now.
 * Thread-safe. */
bool cdp_cache_damaged(struct cdp_cache *cache, int64_t key_index, int64_t number);
/* GET and HEAD below /CertEnroll/: any case, blank or %20, + or %2B (rules.md). */
http_handler cdp_handler;

/* ---- health.c ---- */
http_handler health_live_handler;  /* /healthz */
http_handler health_ready_handler; /* /readyz: 200, or 503 with the reasons */

/* ---- metrics_page.c ---- */
http_handler metrics_handler; /* /metrics */

/* ---- scep/scep.c ---- */
http_handler scep_handler;
/* Whether that request belongs to a profile whose challenges a webhook judges. */
bool scep_waits_elsewhere(const struct http_request *request);

/* ---- scheduler.c: what comes due ---- */

struct scheduler; /* one thread: CRLs, RA renewal, changes made by other processes, lapsed requests,
                     checkpoints */
NODISCARD enum status scheduler_start(struct server *server, struct scheduler **out, struct err *err);
void scheduler_stop(struct scheduler *scheduler);
/* SIGHUP. Async-signal-safe is not needed: called from the main thread. */
void scheduler_reload(struct scheduler *scheduler);
/* Why the server is not ready, one line each ("" if it is), appended. */
void scheduler_complaints(struct scheduler *scheduler, struct buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store and the authority say of themselves, for /metrics: taken now and then by
 * the scheduler, so that a scrape waits for neither. Counts nothing itself.
 */
#ifndef SCEPTER_SERVER_FIGURES_H
#define SCEPTER_SERVER_FIGURES_H

#include "enroll.h"

struct figures; /* opaque, thread-safe */
NODISCARD enum status figures_new(struct figures **out, struct err *err);
void figures_free(struct figures *figures);

/* Reads them anew; on a failure those of before stay. Cheap with any number of rows. */
NODISCARD enum status figures_take(struct figures *figures, const struct snapshot *snapshot,
                                   struct store *store, int64_t now_s, struct err *err);
/* As Prometheus text, appended; only families that need none of them before the first figures_take. now_s:
 * what ages are counted to. */
void figures_write(struct figures *figures, int64_t now_s, struct buf *out);

#endif

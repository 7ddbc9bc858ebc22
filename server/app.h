/* SPDX-License-Identifier: Apache-2.0
 *
 * What one process has open: data directory, configuration, store, present snapshot.
 * The command line and the server use the same.
 */
#ifndef SCEPTER_SERVER_APP_H
#define SCEPTER_SERVER_APP_H

#include "server_config.h"

struct app; /* opaque */

/* Opens configuration, store and snapshot of a data directory and sets up the log. Asks for the passphrase
 * where it is configured as "prompt". serving: takes dir/server.lock first (STATUS_BUSY, with its process id,
 * if another server holds it) and logs the configuration's warnings. */
NODISCARD enum status app_open(const char *dir, bool serving, struct app **out, struct err *err);
/* Configuration and store only: for commands that work before the authority is complete (ca csr, ca install,
 * doctor, restore, audit). app_snapshot gives NULL then. */
NODISCARD enum status app_open_store(const char *dir, struct app **out, struct err *err);
void app_close(struct app *app);
AUTO_POINTER(app, struct app, app_close)

const char *app_dir(const struct app *app);
const struct server_config *app_config(const struct app *app); /* of the start: listeners and limits */
struct store *app_store(struct app *app);
/* The present snapshot with one more reference (snapshot_unref), or NULL. Thread-safe. */
struct snapshot *app_snapshot(struct app *app);
/* Reads configuration, templates and authority again and swaps the snapshot; on a mistake the old one stays.
 * Thread-safe. */
NODISCARD enum status app_reload(struct app *app, struct config_mistakes *warnings, struct err *err);
/* Opens only the authority anew (after RA renewal), keeping templates and profiles. Thread-safe. */
NODISCARD enum status app_reload_authority(struct app *app, struct err *err);

/* Whether a server runs on this data directory: dir/server.lock is held (flock). */
bool app_is_served(const struct app *app);

#endif

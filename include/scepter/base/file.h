/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole small files: read with a limit, written so that a crash leaves the old or the new one.
 */
#ifndef SCEPTER_BASE_FILE_H
#define SCEPTER_BASE_FILE_H

#include "buf.h"

/* Appends the whole file to out (its ceiling holds). "-" is standard input.
 * STATUS_NOT_FOUND, STATUS_IO, STATUS_LIMIT; the text names the path and the reason. */
NODISCARD enum status file_read(const char *path, struct buf *out, struct err *err);

/* Writes to a temporary file beside it, fsyncs, renames over path, fsyncs the directory. mode as in
 * open(2), not reduced by the umask. STATUS_IO names the path and the reason. */
NODISCARD enum status file_write_atomic(const char *path, struct span octets, unsigned mode, struct err *err);

/* The same but refuses to replace: STATUS_CONFLICT if the path exists. */
NODISCARD enum status file_write_new(const char *path, struct span octets, unsigned mode, struct err *err);

/* dir/name as a new string, the caller's. An absolute name is copied as it is. STATUS_NOMEM. */
NODISCARD enum status path_join(const char *dir, const char *name, char **out, struct err *err);

/* fsync of a directory, so that a rename in it is durable. STATUS_IO. */
NODISCARD enum status dir_sync(const char *path, struct err *err);

#endif

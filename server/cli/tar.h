/* SPDX-License-Identifier: Apache-2.0
 *
 * POSIX ustar archives as backups use them: regular files with short names. Reads what
 * it writes (and what tar(1) writes of the same kind); everything else is refused.
 */
#ifndef SCEPTER_SERVER_TAR_H
#define SCEPTER_SERVER_TAR_H

#include "buf.h"

#include <stdio.h>

#define TAR_NAME_MAX 99

struct tar_entry {
    char name[TAR_NAME_MAX + 1];
    uint64_t size;
    uint64_t left; /* octets of it that were not read yet */
};

/* Writing. STATUS_IO; STATUS_LIMIT for names above TAR_NAME_MAX and files from 8 GiB. */
NODISCARD enum status tar_put_octets(FILE *stream, const char *name, struct span octets, struct err *err);
NODISCARD enum status tar_put_file(FILE *stream, const char *name, const char *path, struct err *err);
/* Two empty blocks, flushed. */
NODISCARD enum status tar_end(FILE *stream, struct err *err);

/* The next entry, passing over what is left of the one before; *found false at the end.
 * STATUS_MALFORMED: a wrong checksum, another kind of file, a cut archive. */
NODISCARD enum status tar_next(FILE *stream, struct tar_entry *entry, bool *found, struct err *err);
/* The contents, appended to out (its ceiling holds) or written to a new file. */
NODISCARD enum status tar_take_octets(FILE *stream, struct tar_entry *entry, struct buf *out,
                                      struct err *err);
NODISCARD enum status tar_take_file(FILE *stream, struct tar_entry *entry, const char *path, unsigned mode,
                                    struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A data directory that is being made: what was made so far is taken away again unless
 * it is kept at the end. Nothing that was there before is touched.
 */
#ifndef SCEPTER_SERVER_DATA_DIR_H
#define SCEPTER_SERVER_DATA_DIR_H

#include "buf.h"

#define DATA_DIR_MADE_MAX 64

/* Zero-initialise. */
struct data_dir {
    char *dir;                     /* NULL: not begun */
    char *made[DATA_DIR_MADE_MAX]; /* paths, in the order of their making; folders with all that is in them */
    size_t made_count;
};

/* Refuses a directory that holds scepter.cfg, scepter.db or keys already (STATUS_CONFLICT); makes it, mode
 * 0700, with the directories above it, if it is not there. STATUS_IO. */
NODISCARD enum status data_dir_begin(const char *dir, struct data_dir *out, struct err *err);
/* A folder in it, mode 0700; one that is there already is used. */
NODISCARD enum status data_dir_folder(struct data_dir *made, const char *name, struct err *err);
/* A file in it, never replaced: one that is there already stays as it is. */
NODISCARD enum status data_dir_file(struct data_dir *made, const char *name, struct span octets,
                                    unsigned mode, struct err *err);
/* The path of a file that somebody else is about to make; the caller's. */
NODISCARD enum status data_dir_claim(struct data_dir *made, const char *name, char **path, struct err *err);
/* Everything stays. */
void data_dir_keep(struct data_dir *made);
/* Takes away what was made and not kept. */
void data_dir_free(struct data_dir *made);
AUTO_VALUE(data_dir, struct data_dir, data_dir_free)

#endif

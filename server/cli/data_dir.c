/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes a data directory and takes it away again where making it failed. What stands in
 * its files is the caller's affair.
 */
#include "data_dir.h"

#include "file.h"
#include "text.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status remember(struct data_dir *made, const char *path, struct err *err)
{
    if (made->made_count == DATA_DIR_MADE_MAX)
        return ERR(err, STATUS_INTERNAL, "more than %d files to make", DATA_DIR_MADE_MAX);
    TRY(text_copy(path, &made->made[made->made_count], err));
    made->made_count++;
    return STATUS_OK;
}

/* mkdir that says whether it was there; only what it made is remembered. */
static enum status make_folder(struct data_dir *made, const char *path, struct err *err)
{
    struct stat seen;
    if (mkdir(path, 0700) == 0)
        return remember(made, path, err);
    if (errno != EEXIST)
        return ERR(err, STATUS_IO, "the directory %s cannot be made: %m", path);
    if (stat(path, &seen) != 0 || !S_ISDIR(seen.st_mode))
        return ERR(err, STATUS_CONFLICT, "%s is there and is no directory", path);
    return STATUS_OK;
}

static enum status make_with_parents(struct data_dir *made, const char *dir, struct err *err)
{
    AUTO(heap) char *path = NULL;
    TRY(text_copy(dir, &path, err));
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        TRY(make_folder(made, path, err));
        *slash = '/';
    }
    return make_folder(made, path, err);
}

static enum status refuse_existing(const char *dir, struct err *err)
{
    static const char *const names[] = {"scepter.cfg", "scepter.db", "keys"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        AUTO(heap) char *path = NULL;
        struct stat seen;
        TRY(path_join(dir, names[i], &path, err));
        if (lstat(path, &seen) == 0)
            return ERR(err, STATUS_CONFLICT,
                       "%s is there already: an authority is never overwritten; take another --dir", path);
        if (errno != ENOENT && errno != ENOTDIR)
            return ERR(err, STATUS_IO, "%s cannot be looked at: %m", path);
    }
    return STATUS_OK;
}

enum status data_dir_begin(const char *dir, struct data_dir *out, struct err *err)
{
    TRY(refuse_existing(dir, err));
    TRY(text_copy(dir, &out->dir, err));
    return make_with_parents(out, dir, err);
}

enum status data_dir_folder(struct data_dir *made, const char *name, struct err *err)
{
    AUTO(heap) char *path = NULL;
    TRY(path_join(made->dir, name, &path, err));
    return make_folder(made, path, err);
}

enum status data_dir_file(struct data_dir *made, const char *name, struct span octets, unsigned mode,
                          struct err *err)
{
    AUTO(heap) char *path = NULL;
    TRY(path_join(made->dir, name, &path, err));
    enum status status = file_write_new(path, octets, mode, err);
    if (status == STATUS_CONFLICT)
        return STATUS_OK;
    TRY(status);
    return remember(made, path, err);
}

enum status data_dir_claim(struct data_dir *made, const char *name, char **path, struct err *err)
{
    static const char *const companions[] = {"-wal", "-shm", ""};
    AUTO(heap) char *whole = NULL;
    TRY(path_join(made->dir, name, &whole, err));
    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++) {
        AUTO(heap) char *companion = NULL;
        TRY(text_format(&companion, err, "%s%s", whole, companions[i]));
        TRY(remember(made, companion, err));
    }
    *path = MOVE(whole);
    return STATUS_OK;
}

void data_dir_keep(struct data_dir *made)
{
    for (size_t i = 0; i < made->made_count; i++)
        free(made->made[i]);
    made->made_count = 0;
}

static int remove_one(const char *path, const struct stat *seen, int kind, struct FTW *where)
{
    (void)seen, (void)kind, (void)where;
    return remove(path);
}

/* Newest first. A folder that was made here holds nothing of anybody else's. */
void data_dir_free(struct data_dir *made)
{
    for (size_t i = made->made_count; i > 0; i--)
        (void)nftw(made->made[i - 1], remove_one, 8, FTW_DEPTH | FTW_PHYS);
    data_dir_keep(made);
    free(made->dir);
    made->dir = NULL;
}

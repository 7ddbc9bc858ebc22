/* SPDX-License-Identifier: Apache-2.0
 *
 * A consistent copy while others write. All pages go in one step: SQLite begins a
 * page-wise copy anew whenever somebody commits, so beside a writer it never ends.
 * Keys are not in the database and so not in the copy.
 */
#include "sqlite.h"

#include "file.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The copy under its temporary name, removed unless it was handed over. */
struct copy {
    char *path;
    sqlite3 *db;
};

static void copy_auto_(struct copy *copy)
{
    sqlite3_close(copy->db);
    if (copy->path != NULL)
        unlink(copy->path);
    free(copy->path);
}

static enum status copy_error(int rc, const char *path, struct err *err)
{
    struct sql_connection named = {.path = path};
    return sql_error(&named, rc, err);
}

static enum status copy_make(const char *path, struct copy *copy, struct err *err)
{
    if (access(path, F_OK) == 0)
        return ERR(err, STATUS_CONFLICT, "%s exists already and is not overwritten", path);
    AUTO(heap) char *name = NULL;
    TRY(text_format(&name, err, "%s.XXXXXX", path));
    int fd = mkostemp(name, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return ERR(err, STATUS_IO, "%s cannot be made: %s", path, strerror(errno));
    close(fd);
    copy->path = MOVE(name);
    int rc = sqlite3_open_v2(copy->path, &copy->db, SQLITE_OPEN_READWRITE, NULL);
    return rc == SQLITE_OK ? STATUS_OK : copy_error(rc, path, err);
}

/* Without a journal of its own and without syncs: a copy that was not finished is thrown away. */
static enum status copy_fill(struct sql_connection *from, const struct copy *copy, const char *path,
                             struct err *err)
{
    sqlite3_exec(copy->db, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF", NULL, NULL, NULL);
    sqlite3_backup *backup = sqlite3_backup_init(copy->db, "main", from->db, "main");
    if (backup == NULL)
        return copy_error(sqlite3_errcode(copy->db), path, err);
    int step = sqlite3_backup_step(backup, -1);
    int rc = sqlite3_backup_finish(backup);
    if (step != SQLITE_DONE)
        return copy_error(rc != SQLITE_OK ? rc : step, path, err);
    /* so that it can be read from a read-only medium: a database with a write-ahead log cannot */
    rc = sqlite3_exec(copy->db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
    return rc == SQLITE_OK ? STATUS_OK : copy_error(rc, path, err);
}

static enum status copy_sync(const struct copy *copy, const char *path, struct err *err)
{
    int fd = open(copy->path, O_RDWR | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (failed != 0)
        return ERR(err, STATUS_IO, "%s cannot be written: %s", path, strerror(failed));
    return STATUS_OK;
}

/* Both refuse to replace; renameat2 is for file systems without hard links. */
static enum status copy_publish(const struct copy *copy, const char *path, struct err *err)
{
    if (link(copy->path, path) == 0)
        return STATUS_OK;
    if (errno != EEXIST && renameat2(AT_FDCWD, copy->path, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return STATUS_OK;
    if (errno == EEXIST)
        return ERR(err, STATUS_CONFLICT, "%s exists already and is not overwritten", path);
    return ERR(err, STATUS_IO, "%s cannot be made: %s", path, strerror(errno));
}

static enum status sync_parent(const char *path, struct err *err)
{
    AUTO(heap) char *parent = NULL;
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return dir_sync(".", err);
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    TRY(text_format(&parent, err, "%.*s", (int)len, path));
    return dir_sync(parent, err);
}

enum status sqlite_backup(struct store *store, const char *path, struct err *err)
{
    AUTO(copy) struct copy copy = {0};
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    TRY(copy_make(path, &copy, err));
    TRY(copy_fill(reader.on, &copy, path, err));
    sqlite3_close(copy.db);
    copy.db = NULL;
    TRY(copy_sync(&copy, path, err));
    TRY(copy_publish(&copy, path, err));
    return sync_parent(path, err);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole small files. A reader sees the old or the new contents, never half of them, also after a crash.
 * No locking, no streaming, no directories' listings.
 */
#include "file.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_STEP 16384

static void file_close(int fd)
{
    if (fd > STDERR_FILENO)
        close(fd);
}
static inline void fd_auto_(int *fd)
{
    file_close(*fd);
}

static enum status file_open(const char *path, int *fd, struct err *err)
{
    if (strcmp(path, "-") == 0) {
        *fd = STDIN_FILENO;
        return STATUS_OK;
    }
    int opened = open(path, O_RDONLY | O_CLOEXEC);
    if (opened < 0 && (errno == ENOENT || errno == ENOTDIR))
        return ERR(err, STATUS_NOT_FOUND, "%s: %m", path);
    if (opened < 0)
        return ERR(err, STATUS_IO, "%s cannot be opened: %m", path);
    *fd = opened;
    return STATUS_OK;
}

static enum status file_drain(int fd, const char *path, struct buf *out, struct err *err)
{
    uint8_t step[FILE_STEP];
    ssize_t len = 0;
    do {
        len = read(fd, step, sizeof(step));
        if (len > 0)
            buf_add(out, SPAN(step, (size_t)len));
    } while ((len > 0 && out->failed == STATUS_OK) || (len < 0 && errno == EINTR));
    int reason = errno;
    OPENSSL_cleanse(step, sizeof(step));
    errno = reason;
    if (len < 0)
        return ERR(err, STATUS_IO, "%s cannot be read: %m", path);
    return buf_status(out, path, err);
}

enum status file_read(const char *path, struct buf *out, struct err *err)
{
    AUTO(fd) int fd = -1;
    TRY(file_open(path, &fd, err));
    size_t before = out->len;
    enum status status = file_drain(fd, strcmp(path, "-") == 0 ? "standard input" : path, out, err);
    if (status != STATUS_OK)
        out->len = before;
    return status;
}

static bool file_write_all(int fd, struct span octets)
{
    while (octets.len > 0) {
        ssize_t len = write(fd, octets.data, octets.len);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return false;
        octets = SPAN(octets.data + len, octets.len - (size_t)len);
    }
    return true;
}

/* Everything up to the durable temporary file; closes fd. */
static bool file_fill(int fd, struct span octets, unsigned mode)
{
    bool done = fchmod(fd, (mode_t)mode) == 0 && file_write_all(fd, octets) && fsync(fd) == 0;
    int reason = errno;
    bool closed = close(fd) == 0;
    if (!done)
        errno = reason;
    return done && closed;
}

static enum status file_parent(const char *path, char **out, struct err *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return text_copy(".", out, err);
    if (slash == path)
        return text_copy("/", out, err);
    return text_format(out, err, "%.*s", (int)(slash - path), path);
}

/* Puts the finished temporary file at its place. A hard link refuses what exists, in one step. */
static bool file_place(const char *temporary, const char *path, bool replace)
{
    if (replace)
        return rename(temporary, path) == 0;
    return link(temporary, path) == 0 && unlink(temporary) == 0;
}

static enum status file_write(const char *path, struct span octets, unsigned mode, bool replace,
                              struct err *err)
{
    AUTO(heap) char *temporary = NULL;
    AUTO(heap) char *parent = NULL;
    TRY(file_parent(path, &parent, err));
    TRY(text_format(&temporary, err, "%s.XXXXXX", path));
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return ERR(err, STATUS_IO, "%s cannot be written: no temporary file beside it: %m", path);
    if (!file_fill(fd, octets, mode) || !file_place(temporary, path, replace)) {
        int reason = errno;
        unlink(temporary);
        errno = reason;
        if (!replace && reason == EEXIST)
            return ERR(err, STATUS_CONFLICT, "%s exists already and is not replaced", path);
        return ERR(err, STATUS_IO, "%s cannot be written: %m", path);
    }
    return dir_sync(parent, err);
}

enum status file_write_atomic(const char *path, struct span octets, unsigned mode, struct err *err)
{
    return file_write(path, octets, mode, true, err);
}

enum status file_write_new(const char *path, struct span octets, unsigned mode, struct err *err)
{
    return file_write(path, octets, mode, false, err);
}

enum status path_join(const char *dir, const char *name, char **out, struct err *err)
{
    size_t len = strlen(dir);
    if (name[0] == '/' || len == 0)
        return text_copy(name, out, err);
    return text_format(out, err, "%s%s%s", dir, dir[len - 1] == '/' ? "" : "/", name);
}

enum status dir_sync(const char *path, struct err *err)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR(err, STATUS_IO, "directory %s cannot be opened: %m", path);
    /* EINVAL: a file system that knows no fsync of directories */
    if (fsync(fd) != 0 && errno != EINVAL)
        return ERR(err, STATUS_IO, "directory %s cannot be synchronised: %m", path);
    return STATUS_OK;
}

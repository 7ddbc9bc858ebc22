/* SPDX-License-Identifier: Apache-2.0
 *
 * ustar (POSIX.1-1988): a header block of 512 octets per file, contents padded to blocks.
 */
#include "tar.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK     512
#define SIZE_MAX_ (UINT64_C(1) << 33) /* eleven octal digits */
#define CHUNK     65536

/* Offsets in the header block. */
enum {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_TIME = 136,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257
};

static void stream_auto_(FILE **stream)
{
    if (*stream != NULL)
        fclose(*stream);
}

static void put_octal(char *field, size_t digits, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%0*" PRIo64, (int)digits, value);
    memcpy(field, text, digits);
}

static unsigned checksum(const char block[BLOCK])
{
    unsigned sum = 0;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= AT_SUM && i < AT_SUM + 8 ? (unsigned)' ' : (unsigned char)block[i];
    return sum;
}

/* ---- writing ---- */

static enum status put(FILE *stream, const void *octets, size_t len, struct err *err)
{
    if (len > 0 && fwrite(octets, 1, len, stream) != len)
        return ERR(err, STATUS_IO, "the archive cannot be written: %s", strerror(errno));
    return STATUS_OK;
}

static enum status put_header(FILE *stream, const char *name, uint64_t size, struct err *err)
{
    static const uint8_t magic[8] = "ustar\00000";
    char block[BLOCK] = {0};
    if (strlen(name) > TAR_NAME_MAX || size >= SIZE_MAX_)
        return ERR(err, STATUS_LIMIT, "%.200s is too long or too large for the archive", name);
    memcpy(block + AT_NAME, name, strlen(name) + 1);
    put_octal(block + AT_MODE, 7, 0600);
    put_octal(block + AT_UID, 7, 0);
    put_octal(block + AT_GID, 7, 0);
    put_octal(block + AT_SIZE, 11, size);
    put_octal(block + AT_TIME, 11, (uint64_t)clock_now());
    block[AT_TYPE] = '0';
    memcpy(block + AT_MAGIC, magic, sizeof(magic));
    put_octal(block + AT_SUM, 6, checksum(block));
    block[AT_SUM + 7] = ' ';
    return put(stream, block, sizeof(block), err);
}

static enum status put_padding(FILE *stream, uint64_t size, struct err *err)
{
    static const char zeros[BLOCK];
    return put(stream, zeros, (size_t)((BLOCK - size % BLOCK) % BLOCK), err);
}

enum status tar_put_octets(FILE *stream, const char *name, struct span octets, struct err *err)
{
    TRY(put_header(stream, name, octets.len, err));
    TRY(put(stream, octets.data, octets.len, err));
    return put_padding(stream, octets.len, err);
}

static enum status copy_in(FILE *stream, FILE *from, const char *path, uint64_t size, struct err *err)
{
    static _Thread_local char chunk[CHUNK];
    for (uint64_t left = size; left > 0;) {
        size_t want = left < CHUNK ? (size_t)left : CHUNK;
        if (fread(chunk, 1, want, from) != want)
            return ERR(err, STATUS_IO, "%.300s cannot be read, or became shorter meanwhile", path);
        TRY(put(stream, chunk, want, err));
        left -= want;
    }
    return put_padding(stream, size, err);
}

enum status tar_put_file(FILE *stream, const char *name, const char *path, struct err *err)
{
    AUTO(stream) FILE *from = fopen(path, "rbe");
    struct stat about;
    if (from == NULL || fstat(fileno(from), &about) != 0)
        return ERR(err, STATUS_IO, "%.300s cannot be read: %s", path, strerror(errno));
    TRY(put_header(stream, name, (uint64_t)about.st_size, err));
    return copy_in(stream, from, path, (uint64_t)about.st_size, err);
}

enum status tar_end(FILE *stream, struct err *err)
{
    static const char zeros[2 * BLOCK];
    TRY(put(stream, zeros, sizeof(zeros), err));
    if (fflush(stream) != 0)
        return ERR(err, STATUS_IO, "the archive cannot be written: %s", strerror(errno));
    return STATUS_OK;
}

/* ---- reading ---- */

static enum status get(FILE *stream, void *octets, size_t len, struct err *err)
{
    if (fread(octets, 1, len, stream) != len)
        return ERR(err, STATUS_MALFORMED, "the archive ends in the middle of a file: it is not complete");
    return STATUS_OK;
}

static bool get_octal(const char *field, size_t digits, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < digits && field[i] != '\0' && field[i] != ' '; i++) {
        if (field[i] < '0' || field[i] > '7')
            return false;
        *value = *value * 8 + (uint64_t)(field[i] - '0');
    }
    return true;
}

static enum status skip_rest(FILE *stream, struct tar_entry *entry, struct err *err)
{
    char block[BLOCK];
    uint64_t padding = (BLOCK - entry->size % BLOCK) % BLOCK;
    for (uint64_t left = entry->left + padding; left > 0;) {
        size_t want = left < BLOCK ? (size_t)left : BLOCK;
        TRY(get(stream, block, want, err));
        left -= want;
    }
    *entry = (struct tar_entry){0};
    return STATUS_OK;
}

static enum status read_header(const char block[BLOCK], struct tar_entry *entry, struct err *err)
{
    uint64_t sum = 0;
    if (memcmp(block + AT_MAGIC, "ustar", 5) != 0 || !get_octal(block + AT_SUM, 6, &sum) ||
        sum != checksum(block))
        return ERR(err, STATUS_MALFORMED, "this is no backup, or it is damaged (a tar header does not hold)");
    if ((block[AT_TYPE] != '0' && block[AT_TYPE] != '\0') || block[AT_NAME + TAR_NAME_MAX] != '\0' ||
        !get_octal(block + AT_SIZE, 11, &entry->size))
        return ERR(err, STATUS_MALFORMED, "the archive holds something that no backup holds");
    memcpy(entry->name, block + AT_NAME, TAR_NAME_MAX);
    entry->left = entry->size;
    return STATUS_OK;
}

enum status tar_next(FILE *stream, struct tar_entry *entry, bool *found, struct err *err)
{
    static const char zeros[BLOCK];
    char block[BLOCK];
    TRY(skip_rest(stream, entry, err));
    TRY(get(stream, block, sizeof(block), err));
    *found = memcmp(block, zeros, BLOCK) != 0;
    return *found ? read_header(block, entry, err) : STATUS_OK;
}

enum status tar_take_octets(FILE *stream, struct tar_entry *entry, struct buf *out, struct err *err)
{
    if (entry->left > out->ceiling)
        return ERR(err, STATUS_LIMIT, "%s in the archive is larger than %zu octets", entry->name,
                   out->ceiling);
    uint8_t *octets = buf_extend(out, (size_t)entry->left);
    TRY(buf_status(out, entry->name, err));
    if (entry->left > 0)
        TRY(get(stream, octets, (size_t)entry->left, err));
    entry->left = 0;
    return STATUS_OK;
}

static enum status copy_out(FILE *stream, struct tar_entry *entry, int fd, const char *path, struct err *err)
{
    char chunk[BLOCK * 16];
    while (entry->left > 0) {
        size_t want = entry->left < sizeof(chunk) ? (size_t)entry->left : sizeof(chunk);
        TRY(get(stream, chunk, want, err));
        if (write(fd, chunk, want) != (ssize_t)want)
            return ERR(err, STATUS_IO, "%.300s cannot be written: %s", path, strerror(errno));
        entry->left -= want;
    }
    if (fsync(fd) != 0)
        return ERR(err, STATUS_IO, "%.300s cannot be written: %s", path, strerror(errno));
    return STATUS_OK;
}

enum status tar_take_file(FILE *stream, struct tar_entry *entry, const char *path, unsigned mode,
                          struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return ERR(err, STATUS_IO, "%.300s cannot be made: %s", path, strerror(errno));
    enum status status = copy_out(stream, entry, fd, path, err);
    close(fd);
    return status;
}

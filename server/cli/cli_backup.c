/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter backup`: a consistent copy of the store, the configuration and the templates
 * in one tar file of mode 0600, while a server works. File keys only when asked for, and
 * then encrypted. Restoring is in cli_restore.c.
 */
#include "backup_files.h"
#include "backup_seal.h"
#include "cli_run.h"
#include "tar.h"

#include "clock.h"
#include "file.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is removed again unless it is handed over. */
struct scratch {
    char *path;
    FILE *stream;
};

static void scratch_auto_(struct scratch *scratch)
{
    if (scratch->stream != NULL)
        fclose(scratch->stream);
    if (scratch->path != NULL)
        unlink(scratch->path);
    free(scratch->path);
}

static void dir_auto_(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}

static bool has_ending(const char *name, const char *ending)
{
    size_t len = strlen(name), end = strlen(ending);
    return len >= end && strcmp(name + len - end, ending) == 0;
}

/* The regular files of a folder whose names end so, as prefix + name. */
static enum status put_folder(FILE *archive, const char *folder, const char *prefix, const char *ending,
                              struct err *err)
{
    AUTO(dir) DIR *dir = opendir(folder);
    if (dir == NULL)
        return ERR(err, STATUS_IO, "%.300s cannot be read: %s", folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        AUTO(heap) char *path = NULL;
        AUTO(heap) char *name = NULL;
        struct stat about;
        TRY(path_join(folder, entry->d_name, &path, err));
        TRY(text_format(&name, err, "%s%s", prefix, entry->d_name));
        if (has_ending(entry->d_name, ending) && stat(path, &about) == 0 && S_ISREG(about.st_mode))
            TRY(tar_put_file(archive, name, path, err));
    }
    return STATUS_OK;
}

/* ---- the parts ---- */

static enum status put_about(FILE *archive, struct store *store, struct err *err)
{
    AUTO(buf) struct buf text = BUF(1024);
    char now[32];
    int64_t rows = 0;
    uint8_t head[SHA256_LEN];
    time_text(clock_now(), now);
    TRY(store_audit_head(store, &rows, head, err));
    buf_printf(&text, "Scepter %s backup\ncreated=%s\naudit_row=%" PRId64 "\n", SCEPTER_VERSION, now, rows);
    TRY(buf_status(&text, "the backup's description", err));
    return tar_put_octets(archive, BACKUP_ABOUT, buf_span(&text), err);
}

static enum status put_store(FILE *archive, struct store *store, const char *target, struct err *err)
{
    AUTO(scratch) struct scratch copy = {0};
    AUTO(heap) char *path = NULL;
    TRY(text_format(&path, err, "%s.store", target));
    TRY(store_backup(store, path, err));
    copy.path = MOVE(path);
    return tar_put_file(archive, BACKUP_STORE, copy.path, err);
}

static void memory_auto_(FILE **stream)
{
    if (*stream != NULL)
        fclose(*stream);
}

/* The archive of keys/, in memory only. */
static enum status gather_keys(const char *folder, struct buf *out, struct err *err)
{
    uint8_t *room = malloc(BACKUP_KEYS_MAX);
    if (room == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    *out = (struct buf){.data = room, .cap = BACKUP_KEYS_MAX, .ceiling = BACKUP_KEYS_MAX};
    AUTO(memory) FILE *memory = fmemopen(room, BACKUP_KEYS_MAX, "wb");
    if (memory == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    setvbuf(memory, NULL, _IONBF, 0); /* no copy of a key in a buffer that is not wiped */
    TRY(put_folder(memory, folder, "", "", err));
    TRY(tar_end(memory, err));
    out->len = (size_t)ftell(memory);
    return STATUS_OK;
}

static enum status put_keys(FILE *archive, const char *dir, const char *passphrase, struct err *err)
{
    AUTO(heap) char *folder = NULL;
    AUTO(buf) struct buf keys = BUF(0);
    AUTO(buf) struct buf sealed = BUF(BACKUP_KEYS_MAX + 1024);
    TRY(path_join(dir, "keys", &folder, err));
    TRY(gather_keys(folder, &keys, err));
    TRY(backup_seal(buf_span(&keys), passphrase, &sealed, err));
    return tar_put_octets(archive, BACKUP_KEYS, buf_span(&sealed), err);
}

static enum status put_all(FILE *archive, const struct cli *cli, struct app *app, const char *target,
                           const char *passphrase, struct err *err)
{
    AUTO(heap) char *config = NULL;
    AUTO(heap) char *templates = NULL;
    TRY(path_join(cli->dir, BACKUP_CONFIG, &config, err));
    TRY(path_join(cli->dir, "templates", &templates, err));
    TRY(put_about(archive, app_store(app), err));
    TRY(tar_put_file(archive, BACKUP_CONFIG, config, err));
    TRY(put_folder(archive, templates, BACKUP_TEMPLATES, ".cfg", err));
    TRY(put_store(archive, app_store(app), target, err));
    if (passphrase != NULL)
        TRY(put_keys(archive, cli->dir, passphrase, err));
    return tar_end(archive, err);
}

/* ---- the file ---- */

static enum status open_scratch(const char *target, struct scratch *scratch, struct err *err)
{
    AUTO(heap) char *path = NULL;
    if (access(target, F_OK) == 0)
        return ERR(err, STATUS_CONFLICT, "%.300s exists already and is not overwritten", target);
    TRY(text_format(&path, err, "%s.XXXXXX", target));
    int fd = mkostemp(path, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return ERR(err, STATUS_IO, "%.300s cannot be made: %s", path, strerror(errno));
    scratch->path = MOVE(path);
    scratch->stream = fdopen(fd, "wb");
    if (scratch->stream == NULL) {
        close(fd);
        return ERR(err, STATUS_NOMEM, "out of memory");
    }
    return STATUS_OK;
}

static enum status publish(struct scratch *scratch, const char *target, struct err *err)
{
    if (fsync(fileno(scratch->stream)) != 0)
        return ERR(err, STATUS_IO, "%.300s cannot be written: %s", target, strerror(errno));
    if (renameat2(AT_FDCWD, scratch->path, AT_FDCWD, target, RENAME_NOREPLACE) == 0) {
        free(MOVE(scratch->path));
        return STATUS_OK;
    }
    if (link(scratch->path, target) == 0) /* file systems without RENAME_NOREPLACE */
        return STATUS_OK;
    return ERR(err, errno == EEXIST ? STATUS_CONFLICT : STATUS_IO, "%.300s cannot be made: %s", target,
               strerror(errno));
}

static enum status write_backup(const struct cli *cli, struct app *app, const char *target,
                                const char *passphrase, struct err *err)
{
    AUTO(scratch) struct scratch scratch = {0};
    TRY(open_scratch(target, &scratch, err));
    TRY(put_all(scratch.stream, cli, app, target, passphrase, err));
    return publish(&scratch, target, err);
}

enum status cli_backup(struct cli *cli, struct err *err)
{
    bool with_keys = false;
    const struct cli_option options[] = {{"with-keys", CLI_FLAG, &with_keys}, {0}};
    AUTO(app) struct app *app = NULL;
    AUTO(secret) char *passphrase = NULL;
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(app_open_store(cli->dir, &app, err));
    if (with_keys)
        TRY(cli_secret("Passphrase for the keys in the backup", &passphrase, err));
    if (with_keys && passphrase[0] == '\0')
        return ERR(err, STATUS_DENIED, "the passphrase is empty: keys are only backed up with one");
    TRY(write_backup(cli, app, cli->argv[0], passphrase, err));
    TRY(cli_audit(app_store(app), cli->actor, "store.backed-up", NULL,
                  with_keys ? "with keys" : "without keys", err));
    printf("%s written%s\n", cli->argv[0],
           with_keys ? "" : "; it holds no keys: keep a copy of keys/ or make one with --with-keys");
    return out_end(stdout, err);
}

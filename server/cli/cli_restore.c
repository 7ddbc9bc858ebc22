/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter restore`: an empty data directory from a backup. What happened since the
 * backup is not in it, so challenges are void, the next CRL gets a number that no lost
 * one had, the audit records the gap, and nothing is issued until `ca resume`.
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
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_INDEXES 256 /* key generations that an authority may have had */

static void stream_auto_(FILE **stream)
{
    if (*stream != NULL)
        fclose(*stream);
}

static void dir_auto_(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}

/* ---- an empty place ---- */

static enum status check_empty(const char *path, struct err *err)
{
    AUTO(dir) DIR *dir = opendir(path);
    if (dir == NULL)
        return ERR(err, STATUS_IO, "%.300s cannot be read: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return ERR(err, STATUS_CONFLICT,
                       "%.300s is not empty (%.100s): restore into a new directory with --dir", path,
                       entry->d_name);
    return STATUS_OK;
}

static enum status make_folder(const char *dir, const char *name, struct err *err)
{
    AUTO(heap) char *path = NULL;
    TRY(path_join(dir, name, &path, err));
    if (mkdir(path, 0700) != 0)
        return ERR(err, STATUS_IO, "%.300s cannot be made: %s", path, strerror(errno));
    return STATUS_OK;
}

static enum status make_place(const char *dir, struct err *err)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return ERR(err, STATUS_IO, "%.300s cannot be made: %s", dir, strerror(errno));
    TRY(check_empty(dir, err));
    TRY(make_folder(dir, "templates", err));
    return make_folder(dir, "keys", err);
}

/* What a restore that failed has made in the empty place goes away, so that it can be tried again. */
static void clear_folder(const char *path)
{
    AUTO(dir) DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        unlinkat(dirfd(dir), entry->d_name, 0); /* folders stay */
}

static void clear_place(const char *dir)
{
    static const char *const folders[] = {"templates", "keys"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        AUTO(heap) char *path = NULL;
        if (path_join(dir, folders[i], &path, NULL) != STATUS_OK)
            return;
        clear_folder(path);
        rmdir(path);
    }
    clear_folder(dir);
}

/* ---- the parts ---- */

struct restored {
    char *about;
    struct buf sealed_keys;
    bool has_config, has_store;
    size_t keys;
};

static void restored_free(struct restored *restored)
{
    free(restored->about);
    buf_free(&restored->sealed_keys);
}
AUTO_VALUE(restored, struct restored, restored_free)

/* A file name and nothing else: no folder, nothing hidden. */
static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL && utf8_printable(SPAN_STR(name));
}

static enum status take_to(FILE *archive, struct tar_entry *entry, const char *dir, const char *name,
                           struct err *err)
{
    AUTO(heap) char *path = NULL;
    TRY(path_join(dir, name, &path, err));
    return tar_take_file(archive, entry, path, 0600, err);
}

static enum status take_about(FILE *archive, struct tar_entry *entry, struct restored *restored,
                              struct err *err)
{
    AUTO(buf) struct buf text = BUF(BACKUP_TEXT_MAX);
    TRY(tar_take_octets(archive, entry, &text, err));
    free(restored->about);
    restored->about = buf_take_text(&text);
    return restored->about != NULL ? STATUS_OK : ERR(err, STATUS_NOMEM, "out of memory");
}

static enum status take_part(FILE *archive, struct tar_entry *entry, const char *dir,
                             struct restored *restored, struct err *err)
{
    size_t prefix = strlen(BACKUP_TEMPLATES);
    if (strcmp(entry->name, BACKUP_ABOUT) == 0)
        return take_about(archive, entry, restored, err);
    if (strcmp(entry->name, BACKUP_KEYS) == 0) {
        restored->sealed_keys = BUF(2 * BACKUP_KEYS_MAX);
        return tar_take_octets(archive, entry, &restored->sealed_keys, err);
    }
    bool is_template =
        strncmp(entry->name, BACKUP_TEMPLATES, prefix) == 0 && is_plain_name(entry->name + prefix);
    restored->has_config |= strcmp(entry->name, BACKUP_CONFIG) == 0;
    restored->has_store |= strcmp(entry->name, BACKUP_STORE) == 0;
    if (is_template || strcmp(entry->name, BACKUP_CONFIG) == 0 || strcmp(entry->name, BACKUP_STORE) == 0)
        return take_to(archive, entry, dir, entry->name, err);
    return ERR(err, STATUS_MALFORMED, "the backup holds %s, which no backup holds", entry->name);
}

static enum status take_all(const char *path, const char *dir, struct restored *restored, struct err *err)
{
    AUTO(stream) FILE *archive = fopen(path, "rbe");
    struct tar_entry entry = {0};
    bool found = true;
    if (archive == NULL)
        return ERR(err, STATUS_IO, "%.300s cannot be read: %s", path, strerror(errno));
    for (;;) {
        TRY(tar_next(archive, &entry, &found, err));
        if (!found)
            break;
        TRY(take_part(archive, &entry, dir, restored, err));
    }
    if (restored->about == NULL || !restored->has_config || !restored->has_store)
        return ERR(err, STATUS_MALFORMED, "%.300s is no whole backup: %s is missing", path,
                   restored->about == NULL ? BACKUP_ABOUT
                                           : (restored->has_config ? BACKUP_STORE : BACKUP_CONFIG));
    return STATUS_OK;
}

static enum status take_keys(struct buf *keys, const char *dir, size_t *count, struct err *err)
{
    AUTO(heap) char *folder = NULL;
    struct tar_entry entry = {0};
    bool found = true;
    AUTO(stream) FILE *archive = fmemopen(keys->data, keys->len, "rb");
    TRY(path_join(dir, "keys", &folder, err));
    if (archive == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    setvbuf(archive, NULL, _IONBF, 0);
    for (;;) {
        TRY(tar_next(archive, &entry, &found, err));
        if (!found)
            return STATUS_OK;
        if (!is_plain_name(entry.name))
            return ERR(err, STATUS_MALFORMED, "the backup holds a key with the name %s", entry.name);
        TRY(take_to(archive, &entry, folder, entry.name, err));
        ++*count;
    }
}

static enum status restore_keys(const char *dir, struct restored *restored, struct err *err)
{
    AUTO(secret) char *passphrase = NULL;
    AUTO(buf) struct buf keys = BUF(BACKUP_KEYS_MAX);
    if (restored->sealed_keys.len == 0)
        return STATUS_OK;
    TRY(cli_secret("Passphrase of the keys in the backup", &passphrase, err));
    TRY(backup_unseal(buf_span(&restored->sealed_keys), passphrase, &keys, err));
    return take_keys(&keys, dir, &restored->keys, err);
}

/* ---- what the store must know ---- */

/* max(previous + 1, now) is above every number that was given out since the backup; no lease is left. */
static enum status raise_crl_numbers(struct store *store, int64_t now_s, struct err *err)
{
    for (int64_t key_index = 0; key_index < KEY_INDEXES; key_index++) {
        struct crl_row row = {0};
        struct change change = {0};
        enum status status = store_crl(store, key_index, false, &row, err);
        if (status == STATUS_NOT_FOUND)
            continue;
        TRY(status);
        change_add(&change, (struct change_op){.kind = CHANGE_CRL_CLAIM,
                                               .crl_claim = {.issuer_key = key_index, .now_s = now_s}});
        TRY(store_commit(store, &change, err));
    }
    return STATUS_OK;
}

static enum status record_gap(const struct cli *cli, struct store *store, const struct restored *restored,
                              struct err *err)
{
    static char action[] = "store.restored";
    AUTO(heap) char *actor = NULL;
    AUTO(heap) char *detail = NULL;
    struct change change = {0};
    const char *created = strstr(restored->about, "created=");
    int len = created != NULL ? (int)strcspn(created, "\n") : 0;
    TRY(text_copy(cli->actor, &actor, err));
    TRY(text_format(&detail, err,
                    "from a backup (%.*s): what was issued, revoked or used since then is not in the store; "
                    "open challenges are void, issuing is off",
                    len < 64 ? len : 64, created != NULL ? created : ""));
    struct audit_row audit = {.actor = actor, .action = action, .detail = detail};
    change_add(&change, (struct change_op){.kind = CHANGE_CHALLENGES_VOID});
    change_add(&change,
               (struct change_op){.kind = CHANGE_SETTING_PUT,
                                  .setting = {.name = SETTING_SUSPENDED,
                                              .value = SPAN_STR("the store was restored from a backup")}});
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    return store_commit(store, &change, err);
}

static enum status print_next_steps(const struct cli *cli, const struct restored *restored, struct err *err)
{
    printf("restored into %s; issuing is off\n", cli->dir);
    if (restored->keys == 0)
        printf("- the backup holds no keys: put them back into %s/keys (mode 0600)\n", cli->dir);
    printf("- certificates issued since the backup: `scepter cert import FILE` where you have them, "
           "`scepter crl revoke-unknown SERIAL` where you know the serial only\n"
           "- revocations since the backup must be made again\n"
           "- then `scepter crl publish` and `scepter ca resume`\n");
    return out_end(stdout, err);
}

static enum status fill_place(const struct cli *cli, struct restored *restored, struct err *err)
{
    AUTO(app) struct app *app = NULL;
    TRY(take_all(cli->argv[0], cli->dir, restored, err));
    TRY(restore_keys(cli->dir, restored, err));
    TRY(app_open_store(cli->dir, &app, err));
    TRY(record_gap(cli, app_store(app), restored, err));
    return raise_crl_numbers(app_store(app), clock_now(), err);
}

enum status cli_restore(struct cli *cli, struct err *err)
{
    const struct cli_option options[] = {{0}};
    AUTO(restored) struct restored restored = {0};
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(make_place(cli->dir, err));
    enum status status = fill_place(cli, &restored, err);
    if (status != STATUS_OK) {
        clear_place(cli->dir);
        return status;
    }
    return print_next_steps(cli, &restored, err);
}

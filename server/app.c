/* SPDX-License-Identifier: Apache-2.0
 *
 * What one process has open: data directory, configuration, store, present snapshot.
 * Listens to nothing and starts no threads.
 */
#include "app.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_TRIES    10 /* app_is_served holds the lock for a moment */
#define LOCK_PAUSE_US 20000

struct app {
    char *dir;
    struct server_config *config; /* of the start */
    char *passphrase;
    struct store *store;
    int lock_fd;                  /* -1: not held */
    pthread_mutex_t reload_lock;  /* one reload at a time */
    pthread_mutex_t present_lock; /* guards `present`, held for a pointer's copy */
    struct snapshot *present;     /* NULL: store only */
};

void app_close(struct app *app)
{
    if (app == NULL)
        return;
    snapshot_unref(app->present);
    store_close(app->store);
    server_config_free(app->config);
    secret_free(app->passphrase);
    if (app->lock_fd >= 0)
        (void)close(app->lock_fd);
    (void)pthread_mutex_destroy(&app->reload_lock);
    (void)pthread_mutex_destroy(&app->present_lock);
    free(app->dir);
    free(app);
}

static enum status app_new(const char *dir, struct app **out, struct err *err)
{
    struct app *app = calloc(1, sizeof *app);
    if (app == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    app->lock_fd = -1;
    (void)pthread_mutex_init(&app->reload_lock, NULL);
    (void)pthread_mutex_init(&app->present_lock, NULL);
    enum status status = text_copy(dir, &app->dir, err);
    if (status != STATUS_OK) {
        app_close(app);
        return status;
    }
    *out = app;
    return STATUS_OK;
}

/* ---- one server for one directory ---- */

static enum status already_served(int fd, const char *path, struct err *err)
{
    char pid[16] = "";
    ssize_t len = pread(fd, pid, sizeof pid - 1, 0);
    pid[len > 0 ? len : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    (void)close(fd);
    return ERR(err, STATUS_BUSY, "another server%s%s serves this data directory (it holds %s): stop it first",
               pid[0] != '\0' ? ", process " : "", pid, path);
}

static enum status take_lock(struct app *app, struct err *err)
{
    AUTO(heap) char *path = NULL;
    TRY(path_join(app->dir, "server.lock", &path, err));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR(err, STATUS_IO, "%s cannot be opened: %m", path);
    int tries = LOCK_TRIES;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            enum status status = ERR(err, STATUS_IO, "%s cannot be locked: %m", path);
            (void)close(fd);
            return status;
        }
        if (--tries == 0)
            return already_served(fd, path, err);
        (void)usleep(LOCK_PAUSE_US);
    }
    char pid[16];
    int len = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len) {
        enum status status = ERR(err, STATUS_IO, "%s cannot be written: %m", path);
        (void)close(fd);
        return status;
    }
    app->lock_fd = fd;
    return STATUS_OK;
}

static void log_each(const struct config_mistakes *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        log_message(LOG_WARNING, "configuration", "%s", warnings->lines[i]);
}

/* ---- opening ---- */

static enum status open_store(struct app *app, struct err *err)
{
    AUTO(heap) char *path = NULL;
    log_setup((enum log_format)app->config->log_format, (enum log_level)app->config->log_level);
    TRY(path_join(app->dir, "scepter.db", &path, err));
    return store_open_sqlite(path, false, &app->store, err);
}

enum status app_open_store(const char *dir, struct app **out, struct err *err)
{
    AUTO(app) struct app *app = NULL;
    TRY(app_new(dir, &app, err));
    TRY(server_config_load(dir, NULL, &app->config, err));
    TRY(open_store(app, err));
    *out = MOVE(app);
    return STATUS_OK;
}

enum status app_open(const char *dir, bool serving, struct app **out, struct err *err)
{
    AUTO(app) struct app *app = NULL;
    AUTO(config_mistakes) struct config_mistakes warnings = {0};
    TRY(app_new(dir, &app, err));
    TRY(server_config_load(dir, NULL, &app->config, err));
    if (serving)
        TRY(take_lock(app, err));
    TRY(open_store(app, err));
    TRY(passphrase_read(app->config->authority_passphrase, "the authority's keys", &app->passphrase, err));
    TRY(snapshot_load(dir, app->config, app->passphrase, app->store, &warnings, &app->present, err));
    if (serving)
        log_each(&warnings);
    *out = MOVE(app);
    return STATUS_OK;
}

const char *app_dir(const struct app *app)
{
    return app->dir;
}

const struct server_config *app_config(const struct app *app)
{
    return app->config;
}

struct store *app_store(struct app *app)
{
    return app->store;
}

/* ---- the present snapshot ---- */

struct snapshot *app_snapshot(struct app *app)
{
    (void)pthread_mutex_lock(&app->present_lock);
    struct snapshot *present = app->present != NULL ? snapshot_ref(app->present) : NULL;
    (void)pthread_mutex_unlock(&app->present_lock);
    return present;
}

static void swap_snapshot(struct app *app, struct snapshot *fresh)
{
    (void)pthread_mutex_lock(&app->present_lock);
    struct snapshot *old = app->present;
    app->present = fresh;
    (void)pthread_mutex_unlock(&app->present_lock);
    snapshot_unref(old);
}

static enum status reload(struct app *app, struct config_mistakes *warnings, struct err *err)
{
    AUTO(server_config) struct server_config *config = NULL;
    AUTO(snapshot) struct snapshot *fresh = NULL;
    TRY(server_config_load(app->dir, NULL, &config, err));
    TRY(snapshot_load(app->dir, config, app->passphrase, app->store, warnings, &fresh, err));
    swap_snapshot(app, MOVE(fresh));
    return STATUS_OK;
}

enum status app_reload(struct app *app, struct config_mistakes *warnings, struct err *err)
{
    (void)pthread_mutex_lock(&app->reload_lock);
    enum status status = reload(app, warnings, err);
    (void)pthread_mutex_unlock(&app->reload_lock);
    return status;
}

static enum status reload_authority(struct app *app, struct err *err)
{
    AUTO(snapshot) struct snapshot *present = app_snapshot(app);
    AUTO(snapshot) struct snapshot *fresh = NULL;
    if (present == NULL)
        return ERR(err, STATUS_INTERNAL, "only the store is open");
    TRY(snapshot_renew_authority(present, app->store, &fresh, err));
    swap_snapshot(app, MOVE(fresh));
    return STATUS_OK;
}

enum status app_reload_authority(struct app *app, struct err *err)
{
    (void)pthread_mutex_lock(&app->reload_lock);
    enum status status = reload_authority(app, err);
    (void)pthread_mutex_unlock(&app->reload_lock);
    return status;
}

bool app_is_served(const struct app *app)
{
    AUTO(heap) char *path = NULL;
    if (app->lock_fd >= 0)
        return true;
    if (path_join(app->dir, "server.lock", &path, NULL) != STATUS_OK)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool served = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    (void)close(fd);
    return served;
}

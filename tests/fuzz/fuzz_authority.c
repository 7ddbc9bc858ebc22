/* SPDX-License-Identifier: Apache-2.0
 *
 * The committed authority, put into a data directory and opened as the server would; see fuzz_authority.h.
 */
#include "fuzz_authority.h"

#include "clock.h"
#include "file.h"
#include "fuzz.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)
#define DAY_S    INT64_C(86400)
/* When authority/ was made: its RA certificates do not expire under the tests. */
#define MADE_S INT64_C(1795182253)

static void need(enum status status, const struct err *err)
{
    if (status != STATUS_OK)
        fprintf(stderr, "%s: %s\n", err->where, err->text);
    PROMISE(status == STATUS_OK);
}

static char *path_of(const char *dir, const char *name)
{
    struct err err = {0};
    char *path = NULL;
    need(path_join(dir, name, &path, &err), &err);
    return path;
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *at)
{
    (void)facts, (void)kind, (void)at;
    return remove(path);
}

static char made_dirs[4][64];
static size_t made_count;

static void remove_places(void)
{
    for (size_t i = 0; i < made_count; i++)
        (void)nftw(made_dirs[i], remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void remove_at_exit(const char *dir)
{
    PROMISE(made_count < sizeof made_dirs / sizeof made_dirs[0]);
    (void)snprintf(made_dirs[made_count], sizeof made_dirs[0], "%s", dir);
    if (made_count++ == 0)
        PROMISE(atexit(remove_places) == 0);
}

static void make_subdir(const struct fuzz_place *place, const char *name)
{
    AUTO(heap) char *path = path_of(place->dir, name);
    PROMISE(mkdir(path, 0700) == 0);
}

static void make_templates(struct fuzz_place *place)
{
    struct err err = {0};
    const struct template_options options = {0};
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(heap) char *dir = path_of(place->dir, "templates");
    make_subdir(place, "templates");
    for (size_t i = 0; template_builtins[i].name != NULL; i++) {
        char name[96];
        (void)snprintf(name, sizeof name, "%s.cfg", template_builtins[i].name);
        AUTO(heap) char *path = path_of(dir, name);
        need(file_write_new(path, SPAN_STR(template_builtins[i].text), 0600, &err), &err);
    }
    need(template_set_load(dir, &options, &mistakes, NULL, &place->templates, &err), &err);
}

void fuzz_place_make(struct fuzz_place *place)
{
    struct err err = {0};
    *place = (struct fuzz_place){0};
    (void)snprintf(place->dir, sizeof place->dir, "/tmp/scepter-fuzz-XXXXXX");
    PROMISE(mkdtemp(place->dir) != NULL);
    remove_at_exit(place->dir);
    clock_shift_for_tests(MADE_S - clock_now());
    make_subdir(place, "keys");
    make_subdir(place, "crl");
    make_templates(place);
    AUTO(heap) char *database = path_of(place->dir, "scepter.db");
    need(store_open_sqlite(database, true, &place->store, &err), &err);
    place->config = (struct authority_config){.dir = place->dir,
                                              .name = "Fuzz CA",
                                              .url = "http://ca.example.com:8080",
                                              .crl_validity_s = 7 * DAY_S,
                                              .crl_period_s = DAY_S,
                                              .crl_min_interval_s = 2};
}

static void copy_key(const struct fuzz_place *place, const char *name)
{
    struct err err = {0};
    AUTO(buf) struct buf octets = BUF(FILE_MAX);
    AUTO(heap) char *from_dir = path_of(FUZZ_AUTHORITY, "keys");
    AUTO(heap) char *from = path_of(from_dir, name);
    AUTO(heap) char *to_dir = path_of(place->dir, "keys");
    AUTO(heap) char *to = path_of(to_dir, name);
    need(file_read(from, &octets, &err), &err);
    need(file_write_new(to, buf_span(&octets), 0600, &err), &err);
}

static void copy_keys(const struct fuzz_place *place)
{
    AUTO(heap) char *path = path_of(FUZZ_AUTHORITY, "keys");
    DIR *dir = opendir(path);
    PROMISE(dir != NULL);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        if (entry->d_name[0] != '.')
            copy_key(place, entry->d_name);
    closedir(dir);
}

void fuzz_place_fill(struct fuzz_place *place)
{
    struct err err = {0};
    struct change change = {0};
    AUTO(buf) struct buf state = BUF(FILE_MAX);
    AUTO(heap) char *path = path_of(FUZZ_AUTHORITY, "authority.json");
    need(file_read(path, &state, &err), &err);
    copy_keys(place);
    change_add(&change, (struct change_op){.kind = CHANGE_SETTING_PUT,
                                           .setting = {.name = "authority", .value = buf_span(&state)}});
    need(store_commit(place->store, &change, &err), &err);
}

static void add_profile(struct snapshot *snapshot, const char *name, bool old_algorithms)
{
    struct err err = {0};
    struct profile *profile = &snapshot->profiles[snapshot->profile_count++];
    *profile = (struct profile){.challenge = CHALLENGE_STATIC,
                                .allow_sha1 = old_algorithms,
                                .allow_des3 = old_algorithms,
                                .retry_window_s = DAY_S,
                                .pending_lapse_s = 30 * DAY_S};
    need(text_copy(name, &profile->name, &err), &err);
    need(text_copy("LabDevice", &profile->template_any, &err), &err);
    need(text_copy(FUZZ_PHRASE, &profile->challenge_phrase, &err), &err);
}

const struct snapshot *fuzz_snapshot(void)
{
    static struct snapshot snapshot;
    static struct fuzz_place place;
    struct err err = {0};
    if (snapshot.references > 0)
        return &snapshot;
    fuzz_place_make(&place);
    fuzz_place_fill(&place);
    snapshot.templates = place.templates;
    need(authority_open(place.store, &place.config, &snapshot.authority, &err), &err);
    snapshot.profiles = calloc(2, sizeof *snapshot.profiles);
    PROMISE(snapshot.profiles != NULL);
    add_profile(&snapshot, "lab", true);
    add_profile(&snapshot, "strict", false);
    snapshot.references = 1;
    return &snapshot;
}

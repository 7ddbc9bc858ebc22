/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter doctor`: everything that keeps an authority from working, one line each, with
 * what to do. It changes nothing but a small write that proves that the store can be
 * written.
 */
#include "cli_run.h"

#include "clock.h"
#include "file.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define DAY_S             86400
#define CA_ENDS_SOON_S    (90 * DAY_S)
#define CLOCK_BEHIND_S    300
#define SPACE_PROBLEM_MIB 100
#define SPACE_WARNING_MIB 1024

enum finding { FINDING_OK, FINDING_WARNING, FINDING_PROBLEM };

struct doctor {
    const struct cli *cli;
    bool json;
    struct json_list list;
    enum status printed; /* first failure to print */
    size_t warnings, problems;
};

static void finding(struct doctor *doctor, enum finding kind, const char *check, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void finding(struct doctor *doctor, enum finding kind, const char *check, const char *format, ...)
{
    static const char *const words[] = {"ok", "warning", "problem"};
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    doctor->warnings += kind == FINDING_WARNING;
    doctor->problems += kind == FINDING_PROBLEM;
    if (!doctor->json) {
        static const struct column columns[] = {{"", 7}, {"", 14}, {"", 0}, {0}};
        table_row(stdout, columns, (const char *const[]){words[kind], check, text});
        return;
    }
    AUTO(json_object) struct json_object object = json_object_new();
    json_put_text(&object, "check", check);
    json_put_text(&object, "result", words[kind]);
    json_put_text(&object, "text", text);
    enum status status = json_list_add(&doctor->list, &object, NULL);
    if (doctor->printed == STATUS_OK)
        doctor->printed = status;
}

/* ---- files ---- */

static void check_config(struct doctor *doctor, const struct server_config *config,
                         const struct config_mistakes *mistakes, const struct err *err)
{
    for (size_t i = 0; i < mistakes->count; i++)
        finding(doctor, FINDING_PROBLEM, "configuration", "%s", mistakes->lines[i]);
    if (config != NULL)
        finding(doctor, FINDING_OK, "configuration", "scepter.cfg is right: %zu profiles",
                config->profile_count);
    else if (mistakes->count == 0)
        finding(doctor, FINDING_PROBLEM, "configuration", "%s", err->text);
}

static bool is_used(const struct server_config *config, const char *template_name)
{
    for (size_t i = 0; i < config->profile_count; i++) {
        const struct profile_config *profile = &config->profiles[i];
        const char *const names[] = {profile->template_any, profile->template_signing,
                                     profile->template_encryption, profile->template_both};
        for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
            if (names[n] != NULL && strcmp(names[n], template_name) == 0)
                return true;
    }
    return false;
}

static bool has_warning(const struct config_mistakes *warnings, const struct template *template)
{
    size_t len = strlen(template_file(template));
    for (size_t i = 0; i < warnings->count; i++)
        if (strncmp(warnings->lines[i], template_file(template), len) == 0 && warnings->lines[i][len] == ':')
            return true;
    return false;
}

/* What no profile issues from does no harm. */
static void tell_templates(struct doctor *doctor, const struct server_config *config,
                           const struct template_set *set, const struct config_mistakes *warnings)
{
    size_t warned = 0;
    AUTO(buf) struct buf names = BUF(512);
    for (size_t i = 0; i < template_set_count(set); i++) {
        const struct template *template = template_set_at(set, i);
        if (!is_used(config, template_name(template)) || !has_warning(warnings, template))
            continue;
        buf_printf(&names, "%s%s", warned > 0 ? ", " : "", template_name(template));
        warned++;
    }
    AUTO(heap) char *text = buf_take_text(&names);
    if (warned > 0)
        finding(doctor, FINDING_WARNING, "templates",
                "%zu that profiles use, with warnings (%s): "
                "`scepter template check`",
                warned, text != NULL ? text : "…");
    else
        finding(doctor, FINDING_OK, "templates", "%zu templates", template_set_count(set));
}

static void check_templates(struct doctor *doctor, const struct server_config *config)
{
    struct err err = {0};
    AUTO(heap) char *dir = NULL;
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(config_mistakes) struct config_mistakes warnings = {0};
    AUTO(template_set) struct template_set *set = NULL;
    enum status status = path_join(doctor->cli->dir, "templates", &dir, &err);
    if (status == STATUS_OK)
        status = template_set_load(dir, &config->templates, &mistakes, &warnings, &set, &err);
    if (status == STATUS_OK)
        tell_templates(doctor, config, set, &warnings);
    else
        finding(doctor, FINDING_PROBLEM, "templates", "%s (`scepter template check` shows all)", err.text);
}

static void dir_auto_(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}

static size_t check_key_files(struct doctor *doctor, DIR *dir)
{
    size_t open_files = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat about;
        if (strcmp(entry->d_name, "..") == 0 || fstatat(dirfd(dir), entry->d_name, &about, 0) != 0)
            continue;
        if ((about.st_mode & 077) == 0)
            continue;
        open_files++;
        finding(doctor, FINDING_PROBLEM, "keys", "%s/keys/%s can be read by others: chmod %s",
                doctor->cli->dir, entry->d_name, S_ISDIR(about.st_mode) ? "700" : "600");
    }
    return open_files;
}

static void check_keys(struct doctor *doctor)
{
    struct err err = {0};
    AUTO(heap) char *path = NULL;
    AUTO(dir) DIR *dir = NULL;
    if (path_join(doctor->cli->dir, "keys", &path, &err) == STATUS_OK)
        dir = opendir(path);
    if (dir == NULL)
        finding(doctor, FINDING_PROBLEM, "keys", "%s/keys cannot be read: %s", doctor->cli->dir,
                strerror(errno));
    else if (check_key_files(doctor, dir) == 0)
        finding(doctor, FINDING_OK, "keys", "nobody else can read them");
}

static void check_space(struct doctor *doctor)
{
    struct statvfs about;
    if (statvfs(doctor->cli->dir, &about) != 0) {
        finding(doctor, FINDING_PROBLEM, "disk", "%s: %s", doctor->cli->dir, strerror(errno));
        return;
    }
    uint64_t free_mib = (uint64_t)about.f_bavail * about.f_frsize / (1024 * 1024);
    enum finding kind = free_mib < SPACE_PROBLEM_MIB   ? FINDING_PROBLEM
                        : free_mib < SPACE_WARNING_MIB ? FINDING_WARNING
                                                       : FINDING_OK;
    finding(doctor, kind, "disk", "%" PRIu64 " MiB are free", free_mib);
}

/* ---- the store ---- */

static void check_store(struct doctor *doctor, struct store *store)
{
    struct err err = {0};
    enum status status = store_integrity(store, &err);
    if (status == STATUS_OK)
        status = store_probe(store, &err);
    if (status == STATUS_OK)
        finding(doctor, FINDING_OK, "store", "it is whole and can be written");
    else
        finding(doctor, FINDING_PROBLEM, "store", "%s", err.text);
}

static void check_audit(struct doctor *doctor, struct store *store)
{
    struct err err = {0};
    int64_t rows = 0;
    uint8_t head[SHA256_LEN];
    if (store_audit_verify(store, &rows, head, &err) == STATUS_OK)
        finding(doctor, FINDING_OK, "audit", "%" PRId64 " rows, the chain holds", rows);
    else
        finding(doctor, FINDING_PROBLEM, "audit", "%s", err.text);
}

static void check_clock(struct doctor *doctor, struct store *store)
{
    struct err err = {0};
    int64_t last_s = 0, now_s = clock_now();
    char date[32];
    if (store_last_commit_s(store, &last_s, &err) != STATUS_OK) {
        finding(doctor, FINDING_PROBLEM, "clock", "%s", err.text);
        return;
    }
    time_text(last_s, date);
    if (now_s < last_s - CLOCK_BEHIND_S)
        finding(doctor, FINDING_PROBLEM, "clock",
                "it is behind the last commit (%s), so nothing is issued: set it right", date);
    else
        finding(doctor, FINDING_OK, "clock", "it is not behind the last commit (%s)", date);
}

static void check_suspended(struct doctor *doctor, struct store *store)
{
    AUTO(buf) struct buf text = BUF(1024);
    if (store_setting(store, SETTING_SUSPENDED, &text, NULL) == STATUS_OK && text.len > 0)
        finding(doctor, FINDING_WARNING, "issuing",
                "it is off since the restore: mend the gap, then `scepter ca resume`");
}

/* ---- the authority ---- */

static void check_certificate(struct doctor *doctor, const struct authority *authority)
{
    const struct certificate *certificate = authority_current(authority)->certificate;
    int64_t left_s = certificate->not_after_s - clock_now();
    char date[32];
    time_text(certificate->not_after_s, date);
    if (left_s <= 0)
        finding(doctor, FINDING_PROBLEM, "CA certificate",
                "it ended at %s: nothing can be issued any more, a new authority is needed", date);
    else if (left_s < CA_ENDS_SOON_S)
        finding(doctor, FINDING_WARNING, "CA certificate",
                "it ends at %s: plan a new authority, certificates are cut to that date", date);
    else
        finding(doctor, FINDING_OK, "CA certificate", "valid until %s", date);
}

static void check_ra(struct doctor *doctor, const struct authority *authority)
{
    const struct ra *ra = authority_ra(authority, RA_COMBINED);
    int64_t now_s = clock_now();
    if (ra == NULL || ra->certificate->not_after_s <= now_s) {
        finding(doctor, FINDING_PROBLEM, "RA",
                "there is no valid RA certificate: a running server makes one");
        return;
    }
    char date[32];
    time_text(ra->certificate->not_after_s, date);
    if (authority_ra_due(authority, now_s))
        finding(doctor, FINDING_WARNING, "RA", "it ends at %s: a running server renews it", date);
    else
        finding(doctor, FINDING_OK, "RA", "valid until %s", date);
}

static void check_crl(struct doctor *doctor, struct store *store, const struct authority *authority)
{
    struct err err = {0};
    struct crl_due due = {0};
    int64_t now_s = clock_now();
    char date[32];
    enum status status =
        crl_check(authority, store, authority_current(authority)->key_index, now_s, &due, &err);
    time_text(due.next_update_s, date);
    if (status != STATUS_OK)
        finding(doctor, FINDING_PROBLEM, "CRL", "%s", err.text);
    else if (due.next_update_s <= now_s)
        finding(doctor, FINDING_PROBLEM, "CRL", "%s%s: `scepter crl publish`",
                due.next_update_s == 0 ? "none is published" : "it expired at ",
                due.next_update_s == 0 ? "" : date);
    else if (due.due)
        finding(doctor, FINDING_WARNING, "CRL", "a new one is due: a running server publishes it");
    else
        finding(doctor, FINDING_OK, "CRL", "valid until %s", date);
}

/* Whether this server itself is to answer there. */
static bool is_own(const struct authority *authority, const char *url)
{
    const char *own = authority_config(authority)->url;
    size_t len = strlen(own);
    return strncmp(url, own, len) == 0 && (url[len] == '/' || (len > 0 && own[len - 1] == '/'));
}

/* A gateway that cannot fetch the CRL refuses every certificate. */
static void probe_cdp(struct doctor *doctor, struct app *app, const struct authority *authority,
                      const char *url)
{
    struct err err = {0};
    struct crl_row row = {0};
    int64_t number = 0;
    bool off = is_own(authority, url) && !app_is_served(app);
    const struct generation *generation = authority_current(authority);
    if (cdp_probe(url, generation, &number, &err) != STATUS_OK)
        finding(doctor, off ? FINDING_WARNING : FINDING_PROBLEM, "CDP",
                "%s cannot be fetched%s: %s; gateways will refuse every certificate", url,
                off ? " while no server runs" : "", err.text);
    else if (store_crl(app_store(app), generation->key_index, false, &row, &err) == STATUS_OK &&
             number < row.number)
        finding(doctor, FINDING_WARNING, "CDP", "%s answers with CRL %" PRId64 ", the newest is %" PRId64,
                url, number, row.number);
    else if (server_url_is_loopback(url))
        finding(doctor, FINDING_WARNING, "CDP",
                "%s answers with CRL %" PRId64 ", but only on this machine: it is a loopback address", url,
                number);
    else
        finding(doctor, FINDING_OK, "CDP", "%s answers with CRL %" PRId64, url, number);
}

static void check_cdp(struct doctor *doctor, struct app *app, const struct authority *authority)
{
    struct err err = {0};
    struct config_strings urls = {0};
    if (authority_cdp_urls(authority, authority_current(authority), &urls, &err) != STATUS_OK)
        finding(doctor, FINDING_PROBLEM, "CDP", "%s", err.text);
    for (size_t i = 0; i < urls.count; i++)
        probe_cdp(doctor, app, authority, urls.items[i]);
    config_strings_free(&urls);
}

static void check_server(struct doctor *doctor, const struct app *app)
{
    const struct server_config *config = app_config(app);
    if (app_is_served(app)) {
        finding(doctor, FINDING_OK, "server", "it is running");
        return;
    }
    finding(doctor, FINDING_WARNING, "server", "none runs on this directory: `scepter serve`");
    if (server_is_hidden(config->authority_url, config->listeners, config->listener_count))
        finding(doctor, FINDING_WARNING, "listeners",
                "all on loopback, while authority.url is %s: without a proxy on this machine nobody else "
                "reaches the server (`scepter serve --listen 0.0.0.0:8080`, or listeners in scepter.cfg)",
                config->authority_url);
}

/* How profiles fit to templates, secrets and authority: as a starting server judges it. */
static void check_profiles(struct doctor *doctor, struct app *app, const char *passphrase)
{
    struct err err = {0};
    AUTO(snapshot) struct snapshot *snapshot = NULL;
    if (snapshot_load(doctor->cli->dir, app_config(app), passphrase, app_store(app), NULL, &snapshot, &err) !=
        STATUS_OK)
        finding(doctor, FINDING_PROBLEM, "profiles", "%s", err.text);
}

static void check_authority(struct doctor *doctor, const struct server_config *config)
{
    struct err err = {0};
    AUTO(app) struct app *app = NULL;
    AUTO(secret) char *passphrase = NULL;
    AUTO(authority) struct authority *authority = NULL;
    enum status status = app_open_store(doctor->cli->dir, &app, &err);
    if (status != STATUS_OK) /* check_store_side has told */
        return;
    status = passphrase_read(config->authority_passphrase, "the authority's keys", &passphrase, &err);
    const struct authority_config wanted = server_authority_config(doctor->cli->dir, config, passphrase);
    if (status == STATUS_OK)
        status = authority_open(app_store(app), &wanted, &authority, &err);
    if (status != STATUS_OK) {
        finding(doctor, FINDING_PROBLEM, "authority", "%s", err.text);
        return;
    }
    check_profiles(doctor, app, passphrase);
    finding(doctor, FINDING_OK, "authority", "%s", authority_name(authority));
    check_certificate(doctor, authority);
    check_ra(doctor, authority);
    check_crl(doctor, app_store(app), authority);
    check_cdp(doctor, app, authority);
    check_server(doctor, app);
}

/* ---- the command ---- */

/* Without the configuration, which may be what is wrong. */
static void check_store_side(struct doctor *doctor)
{
    struct err err = {0};
    AUTO(heap) char *path = NULL;
    AUTO(store) struct store *store = NULL;
    enum status status = path_join(doctor->cli->dir, "scepter.db", &path, &err);
    if (status == STATUS_OK)
        status = store_open_sqlite(path, false, &store, &err);
    if (status != STATUS_OK) {
        finding(doctor, FINDING_PROBLEM, "store", "%s", err.text);
        return;
    }
    check_store(doctor, store);
    check_audit(doctor, store);
    check_clock(doctor, store);
    check_suspended(doctor, store);
}

static void check_everything(struct doctor *doctor)
{
    struct err err = {0};
    AUTO(server_config) struct server_config *config = NULL;
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    if (server_config_load(doctor->cli->dir, &mistakes, &config, &err) != STATUS_OK)
        config = NULL;
    check_config(doctor, config, &mistakes, &err);
    check_space(doctor);
    check_keys(doctor);
    check_store_side(doctor);
    if (config == NULL) { /* the rest depends on it */
        finding(doctor, FINDING_WARNING, "authority", "not looked at until scepter.cfg is right");
        return;
    }
    check_templates(doctor, config);
    check_authority(doctor, config);
}

enum status cli_doctor(struct cli *cli, struct err *err)
{
    struct doctor doctor = {.cli = cli};
    const struct cli_option options[] = {{"json", CLI_FLAG, &doctor.json}, {0}};
    TRY(cli_options(cli, options, 0, 0, err));
    if (doctor.json)
        json_list_begin(&doctor.list, stdout);
    check_everything(&doctor);
    if (doctor.printed != STATUS_OK)
        return ERR(err, doctor.printed, "the findings could not be printed");
    TRY(doctor.json ? json_list_end(&doctor.list, err) : out_end(stdout, err));
    if (doctor.problems > 0)
        return ERR(err, STATUS_CONFLICT, "%zu problem%s found", doctor.problems,
                   doctor.problems == 1 ? "" : "s");
    return STATUS_OK;
}

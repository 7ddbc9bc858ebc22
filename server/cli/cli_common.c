/* SPDX-License-Identifier: Apache-2.0
 *
 * What several families of commands need: the CRL after a revocation, the templates of
 * the data directory, an audit row, a note to the person at the terminal.
 */
#include "cli_run.h"

#include "clock.h"
#include "file.h"
#include "text.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#define CLAIM_ATTEMPTS 50 /* ten seconds: longer than a CRL of a million entries takes */
#define CLAIM_PAUSE_NS 200000000

static char *borrowed(const char *text)
{
    union {
        const char *in;
        char *out;
    } cast = {.in = text};
    return cast.out;
}

void cli_note(const char *format, ...)
{
    va_list arguments;
    fputs("scepter: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

enum status cli_audit(struct store *store, const char *actor, const char *action, const char *object,
                      const char *detail, struct err *err)
{
    struct change change = {0};
    struct audit_row row = {.actor = borrowed(actor),
                            .action = borrowed(action),
                            .object = borrowed(object),
                            .detail = borrowed(detail)};
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &row});
    return store_commit(store, &change, err);
}

/* ---- the CRL after a revocation ---- */

/* Whether the newest CRL of that key knows everything that the store does. */
static enum status is_covered(struct store *store, int64_t key_index, bool *covered, struct err *err)
{
    int64_t version = 0;
    struct crl_row published = {0};
    TRY(store_revocation_version(store, &version, err));
    enum status status = store_crl(store, key_index, false, &published, err);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    *covered = status == STATUS_OK && published.revocation_version >= version;
    return STATUS_OK;
}

/* Another process may be making a CRL just now: it may or may not know of this revocation, so its end is
 * waited for. */
static enum status publish_if_due(struct store *store, const struct authority *authority, int64_t key_index,
                                  const char *actor, struct err *err)
{
    const struct timespec pause = {.tv_nsec = CLAIM_PAUSE_NS};
    enum status status = STATUS_OK;
    for (int attempt = 0; attempt < CLAIM_ATTEMPTS; attempt++) {
        struct crl_due due = {0};
        bool covered = false;
        TRY(is_covered(store, key_index, &covered, err));
        TRY(crl_check(authority, store, key_index, clock_now(), &due, err));
        if (covered && !due.due)
            return STATUS_OK;
        status = crl_publish(authority, store, key_index, due.scheduled, actor, NULL, err);
        if (status != STATUS_CONFLICT)
            return status;
        nanosleep(&pause, NULL);
    }
    return status;
}

static enum status publish_all(const struct cli *cli, struct err *err)
{
    AUTO(app) struct app *app = NULL;
    TRY(app_open(cli->dir, false, &app, err));
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(app);
    int64_t done = -1;
    for (size_t i = 0; i < authority_generation_count(snapshot->authority); i++) {
        const struct generation *generation = authority_generation(snapshot->authority, i);
        if (generation->key_index == done) /* certificates of one key share its CRL */
            continue;
        done = generation->key_index;
        TRY(publish_if_due(app_store(app), snapshot->authority, done, cli->actor, err));
    }
    return STATUS_OK;
}

enum status cli_publish_due(const struct cli *cli, const struct app *app, struct err *err)
{
    if (app_is_served(app)) {
        cli_note("the running server publishes the new CRL within seconds");
        return STATUS_OK;
    }
    enum status status = publish_all(cli, err);
    if (status != STATUS_OK)
        return err_prefix(err, "what was asked is recorded, but the CRL could not be published (try "
                               "`scepter crl publish`): ");
    cli_note("the CRL has been published");
    return STATUS_OK;
}

/* ---- templates ---- */

enum status cli_templates(const struct cli *cli, const struct server_config *config,
                          struct template_set **out, struct err *err)
{
    AUTO(heap) char *dir = NULL;
    TRY(path_join(cli->dir, "templates", &dir, err));
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    return template_set_load(dir, &config->templates, &mistakes, NULL, out, err);
}

enum status cli_template_find(const struct template_set *set, const char *name, const struct template **out,
                              struct err *err)
{
    *out = template_set_find(set, name);
    if (*out != NULL)
        return STATUS_OK;
    AUTO(buf) struct buf names = BUF(512);
    for (size_t i = 0; i < template_set_count(set); i++) {
        const char *known = template_name(template_set_at(set, i));
        if (names.len + strlen(known) + 3 < names.ceiling)
            buf_printf(&names, "%s%s", i > 0 ? ", " : "", known);
    }
    AUTO(heap) char *text = buf_take_text(&names);
    return ERR(err, STATUS_NOT_FOUND, "there is no template %.100s; there are: %s", name,
               text != NULL ? text : "");
}

/* ---- lookup names ---- */

static bool is_custom(const struct server_config *config, const char *name)
{
    for (size_t i = 0; i < config->templates.custom_values.count; i++)
        if (strcmp(config->templates.custom_values.items[i], name) == 0)
            return true;
    return false;
}

static bool is_in_template(const struct template_set *set, const char *name)
{
    for (size_t i = 0; i < template_set_count(set); i++)
        for (const char *const *known = template_lookup_names(template_set_at(set, i)); *known != NULL;
             known++)
            if (strcmp(*known, name) == 0)
                return true;
    return false;
}

enum status cli_value_names_check(const struct cli *cli, const struct server_config *config,
                                  const struct values *values, struct err *err)
{
    AUTO(template_set) struct template_set *set = NULL;
    for (size_t i = 0; i < values->count; i++) {
        const char *name = values->items[i].name;
        if (lookup_in_catalogue(name) || is_custom(config, name))
            continue;
        if (set == NULL)
            TRY(cli_templates(cli, config, &set, err));
        if (!is_in_template(set, name))
            return ERR(err, STATUS_USAGE,
                       "no template knows a lookup value {%s}: look at its spelling (`scepter template show "
                       "NAME`)",
                       name);
    }
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter crl …`: publish, show with a check for monitoring, export. Making CRLs is
 * ca/crl's affair.
 */
#include "cli_run.h"

#include "clock.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define CHUNK_LEN        65536
#define CHECK_LAST_TENTH 10 /* a CRL in the last tenth of its life is overdue */

/* The key index of the present generation unless the command said another. */
static enum status key_index_or_current(const struct authority *authority, int64_t *key_index,
                                        struct err *err)
{
    if (*key_index < 0) {
        *key_index = authority_current(authority)->key_index;
        return STATUS_OK;
    }
    for (size_t i = 0; i < authority_generation_count(authority); i++)
        if (authority_generation(authority, i)->key_index == *key_index)
            return STATUS_OK;
    return ERR(err, STATUS_NOT_FOUND,
               "the authority has no key with index %" PRId64 " (the present one has %" PRId64 ")",
               *key_index, authority_current(authority)->key_index);
}

static const struct generation *generation_of(const struct authority *authority, int64_t key_index)
{
    const struct generation *found = authority_current(authority);
    for (size_t i = 0; i < authority_generation_count(authority); i++)
        if (authority_generation(authority, i)->key_index == key_index)
            found = authority_generation(authority, i);
    return found;
}

/* ---- the file, however large ---- */

typedef enum status chunk_visit(struct span chunk, void *context, struct err *err);

static void stream_auto_(FILE **stream)
{
    if (*stream != NULL)
        fclose(*stream);
}

static enum status each_chunk(const char *path, chunk_visit *visit, void *context, struct err *err)
{
    uint8_t chunk[CHUNK_LEN];
    AUTO(stream) FILE *stream = fopen(path, "rbe");
    if (stream == NULL)
        return ERR(err, STATUS_IO, "the CRL %.300s cannot be read: %s", path, strerror(errno));
    for (size_t len; (len = fread(chunk, 1, sizeof(chunk), stream)) > 0;)
        TRY(visit(SPAN(chunk, len), context, err));
    if (ferror(stream))
        return ERR(err, STATUS_IO, "the CRL %.300s cannot be read: %s", path, strerror(errno));
    return STATUS_OK;
}

static enum status add_to_digest(struct span chunk, void *context, struct err *err)
{
    (void)err;
    digest_stream_add(context, chunk);
    return STATUS_OK;
}

static enum status write_chunk(struct span chunk, void *context, struct err *err)
{
    (void)context;
    return cli_write(chunk, err);
}

/* ---- what is published ---- */

struct published {
    struct crl_row row;
    struct config_strings urls;
    char *path;
};

static void published_free(struct published *published)
{
    config_strings_free(&published->urls);
    free(published->path);
}
AUTO_VALUE(published, struct published, published_free)

static enum status load_published(struct store *store, const struct authority *authority, int64_t key_index,
                                  struct published *out, struct err *err)
{
    TRY(crl_path(authority, key_index, &out->path, err));
    TRY(authority_cdp_urls(authority, generation_of(authority, key_index), &out->urls, err));
    enum status status = store_crl(store, key_index, false, &out->row, err);
    if (status == STATUS_NOT_FOUND)
        return ERR(err, STATUS_TIME, "no CRL has been published yet: run `scepter crl publish`");
    return status;
}

static enum status print_published(const struct published *published, bool json, struct err *err)
{
    const struct crl_row *row = &published->row;
    const char *url = published->urls.count > 0 ? published->urls.items[0] : NULL;
    if (json) {
        AUTO(json_object) struct json_object object = json_object_new();
        json_put_number(&object, "number", row->number);
        json_put_time(&object, "this_update", row->this_update_s);
        json_put_time(&object, "next_update", row->next_update_s);
        json_put_number(&object, "entries", row->entries);
        json_put_text(&object, "url", url);
        json_put_number(&object, "key_index", row->issuer_key);
        json_put_number(&object, "size", row->size);
        json_put_hex(&object, "sha256", SPAN(row->sha256, SHA256_LEN));
        return json_show(stdout, &object, err);
    }
    detail_number(stdout, "number", row->number);
    detail_time(stdout, "this update", row->this_update_s);
    detail_time(stdout, "next update", row->next_update_s);
    detail_number(stdout, "entries", row->entries);
    detail_number(stdout, "size", row->size);
    for (size_t i = 0; i < published->urls.count; i++)
        detail_text(stdout, "url", published->urls.items[i]);
    detail_text(stdout, "file", published->path);
    return out_end(stdout, err);
}

/* ---- commands ---- */

static enum status publish_one(const struct cli *cli, struct store *store, const struct authority *authority,
                               int64_t key_index, struct err *err)
{
    struct crl_due due = {0};
    TRY(crl_check(authority, store, key_index, clock_now(), &due, err));
    return crl_publish(authority, store, key_index, due.scheduled, cli->actor, NULL, err);
}

static enum status crl_publish_command(struct cli *cli, struct err *err)
{
    bool json = false;
    int64_t key_index = -1;
    const struct cli_option options[] = {
        {"key-index", CLI_NUMBER, &key_index}, {"json", CLI_FLAG, &json}, {0}};
    AUTO(app) struct app *app = NULL;
    AUTO(published) struct published published = {0};
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(app_open(cli->dir, false, &app, err));
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(app);
    TRY(key_index_or_current(snapshot->authority, &key_index, err));
    TRY(publish_one(cli, app_store(app), snapshot->authority, key_index, err));
    TRY(load_published(app_store(app), snapshot->authority, key_index, &published, err));
    return print_published(&published, json, err);
}

/* For monitoring: fails when relying parties are, or soon will be, without a valid CRL. */
static enum status check_published(const struct published *published, struct err *err)
{
    const struct crl_row *row = &published->row;
    int64_t now_s = clock_now();
    char date[32];
    time_text(row->next_update_s, date);
    if (row->next_update_s <= now_s)
        return ERR(err, STATUS_TIME, "the CRL expired at %s: run `scepter crl publish`", date);
    if (row->next_update_s - now_s < (row->next_update_s - row->this_update_s) / CHECK_LAST_TENTH)
        return ERR(err, STATUS_TIME,
                   "the CRL ends at %s and no new one has been published: is the server running?", date);
    AUTO(digest_stream) struct digest_stream *stream = NULL;
    uint8_t digest[SHA256_LEN];
    TRY(digest_stream_new(DIGEST_SHA256, &stream, err));
    TRY(each_chunk(published->path, add_to_digest, stream, err));
    TRY(digest_stream_end(stream, digest, err));
    if (!span_equal(SPAN(digest, SHA256_LEN), SPAN(row->sha256, SHA256_LEN)))
        return ERR(err, STATUS_INTEGRITY,
                   "%.200s is not the CRL that was published last: run `scepter crl publish`",
                   published->path);
    return STATUS_OK;
}

/* A server may listen elsewhere than this command runs, so an unreachable URL is only told. */
static void probe_urls(const struct published *published, const struct generation *generation)
{
    for (size_t i = 0; i < published->urls.count; i++) {
        struct err why = {0};
        int64_t number = 0;
        const char *url = published->urls.items[i];
        if (cdp_probe(url, generation, &number, &why) != STATUS_OK)
            cli_note("warning: %s cannot be fetched from here: %s", url, why.text);
        else if (number < published->row.number)
            cli_note("warning: %s answers with CRL %" PRId64 ", the newest is %" PRId64, url, number,
                     published->row.number);
    }
}

/* "6d 23h", "23h 5m", "4m". */
static void left_text(int64_t left_s, char *out, size_t size)
{
    int64_t minutes = left_s / 60, hours = minutes / 60, days = hours / 24;
    if (days > 0)
        snprintf(out, size, "%" PRId64 "d %" PRId64 "h", days, hours % 24);
    else if (hours > 0)
        snprintf(out, size, "%" PRId64 "h %" PRId64 "m", hours, minutes % 60);
    else
        snprintf(out, size, "%" PRId64 "m", minutes);
}

static enum status check_and_tell(const struct published *published, const struct generation *generation,
                                  bool json, struct err *err)
{
    char left[64];
    TRY(check_published(published, err));
    left_text(published->row.next_update_s - clock_now(), left, sizeof(left));
    if (!json)
        printf("fresh: next update in %s\n", left);
    TRY(out_end(stdout, err));
    probe_urls(published, generation);
    return STATUS_OK;
}

static enum status crl_show(struct cli *cli, struct err *err)
{
    bool json = false, check = false;
    int64_t key_index = -1;
    const struct cli_option options[] = {
        {"check", CLI_FLAG, &check}, {"key-index", CLI_NUMBER, &key_index}, {"json", CLI_FLAG, &json}, {0}};
    AUTO(app) struct app *app = NULL;
    AUTO(published) struct published published = {0};
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(app_open(cli->dir, false, &app, err));
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(app);
    TRY(key_index_or_current(snapshot->authority, &key_index, err));
    TRY(load_published(app_store(app), snapshot->authority, key_index, &published, err));
    TRY(print_published(&published, json, err));
    if (!check)
        return STATUS_OK;
    return check_and_tell(&published, generation_of(snapshot->authority, key_index), json, err);
}

static enum status crl_export(struct cli *cli, struct err *err)
{
    int64_t key_index = -1;
    const struct cli_option options[] = {{"key-index", CLI_NUMBER, &key_index}, {0}};
    AUTO(app) struct app *app = NULL;
    AUTO(heap) char *path = NULL;
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(app_open(cli->dir, false, &app, err));
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(app);
    TRY(key_index_or_current(snapshot->authority, &key_index, err));
    TRY(crl_path(snapshot->authority, key_index, &path, err));
    return each_chunk(path, write_chunk, NULL, err);
}

const struct command cli_crl_commands[] = {
    {"crl publish", "[--key-index N] [--json]", "signs and publishes a new CRL now", crl_publish_command},
    {"crl show", "[--check] [--key-index N] [--json]",
     "shows the published CRL; --check fails if it is missing, expired or overdue", crl_show},
    {"crl export", "[--key-index N]", "writes the published CRL as DER", crl_export},
    {"crl revoke-unknown", "SERIAL [--reason REASON]",
     "puts a serial number on the CRL that the store does not know (after a restore)",
     cli_crl_revoke_unknown},
    {0}};

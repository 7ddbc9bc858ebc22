/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter device …` and `scepter lookup test`: the registry that lookup values come
 * from, filled from a CSV file, and what the sources know.
 */
#include "cli_run.h"
#include "cli_template.h"
#include "csv.h"

#include "clock.h"
#include "file.h"
#include "text.h"

#include <string.h>

#define UID_COLUMN     "DeviceUid"
#define BATCH          (CHANGE_OPS_MAX - 1) /* devices in one change, with its audit row */
#define COMPLAINTS_MAX 20

/* ---- reading a file: all of it, before anything is stored ---- */

struct devices {
    struct device_row *items;
    size_t count, room;
};

static void devices_free(struct devices *devices)
{
    for (size_t i = 0; i < devices->count; i++)
        device_row_free(&devices->items[i]);
    free(devices->items);
}
AUTO_VALUE(devices, struct devices, devices_free)

static enum status devices_room(struct devices *devices, struct err *err)
{
    if (devices->count < devices->room)
        return STATUS_OK;
    size_t room = devices->room == 0 ? 256 : 2 * devices->room;
    struct device_row *items = reallocarray(devices->items, room, sizeof(*items));
    if (items == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    devices->items = items;
    devices->room = room;
    return STATUS_OK;
}

static bool is_known(const char *name, const struct config_strings *custom)
{
    for (size_t i = 0; i < custom->count; i++)
        if (strcmp(custom->items[i], name) == 0)
            return true;
    return lookup_in_catalogue(name);
}

/* Every column is a lookup name that exists, once; one is DeviceUid. */
static enum status check_header(const struct csv_record *header, const struct config_strings *custom,
                                struct err *err)
{
    bool has_uid = false;
    for (size_t i = 0; i < header->count; i++) {
        has_uid |= strcmp(header->fields[i], UID_COLUMN) == 0;
        if (!is_known(header->fields[i], custom))
            return ERR(err, STATUS_MALFORMED,
                       "line %d: column \"%.64s\" is no lookup name: it is one of the catalogue's "
                       "(DeviceUid, EnrollmentUser, EmailAddress …) or of custom_values in scepter.cfg",
                       header->line, header->fields[i]);
        for (size_t j = 0; j < i; j++)
            if (strcmp(header->fields[i], header->fields[j]) == 0)
                return ERR(err, STATUS_MALFORMED, "line %d: column %s stands there twice", header->line,
                           header->fields[i]);
    }
    if (has_uid)
        return STATUS_OK;
    return ERR(err, STATUS_MALFORMED, "line %d: the first line must name the columns, one of them %s",
               header->line, UID_COLUMN);
}

static enum status read_device(const struct csv_record *header, const struct csv_record *record,
                               struct device_row *row, struct err *err)
{
    if (record->count != header->count)
        return ERR(err, STATUS_MALFORMED, "%zu fields, but the first line names %zu columns", record->count,
                   header->count);
    for (size_t i = 0; i < record->count; i++) {
        TRY(values_set(&row->values, header->fields[i], record->fields[i], err));
        if (strcmp(header->fields[i], UID_COLUMN) == 0)
            TRY(text_copy(record->fields[i], &row->uid, err));
    }
    if (row->uid == NULL || row->uid[0] == '\0')
        return ERR(err, STATUS_MALFORMED, "%s is empty", UID_COLUMN);
    return STATUS_OK;
}

static enum status add_device(const struct csv_record *header, const struct csv_record *record,
                              struct devices *devices, struct err *err)
{
    AUTO(device_row) struct device_row row = {.updated_s = clock_now()};
    TRY(devices_room(devices, err));
    TRY(read_device(header, record, &row, err));
    devices->items[devices->count++] = row;
    row = (struct device_row){0};
    return STATUS_OK;
}

static int compare_uid(const void *a, const void *b)
{
    const struct device_row *const *left = a;
    const struct device_row *const *right = b;
    return strcmp((*left)->uid, (*right)->uid);
}

static enum status check_twice(const struct devices *devices, struct err *err)
{
    AUTO(heap) const struct device_row **sorted = calloc(devices->count + 1, sizeof(struct device_row *));
    if (sorted == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < devices->count; i++)
        sorted[i] = &devices->items[i];
    qsort(sorted, devices->count, sizeof(struct device_row *), compare_uid);
    for (size_t i = 1; i < devices->count; i++)
        if (strcmp(sorted[i - 1]->uid, sorted[i]->uid) == 0)
            return ERR(err, STATUS_CONFLICT, "%s %.100s stands in the file twice", UID_COLUMN,
                       sorted[i]->uid);
    return STATUS_OK;
}

/* Every wrong line is named on standard error; the last of them is the status. */
static enum status read_devices(struct csv_reader *reader, const struct csv_record *header,
                                struct devices *devices, struct err *err)
{
    size_t wrong = 0;
    bool found = true;
    AUTO(csv_record) struct csv_record record = {0};
    for (;;) {
        TRY(csv_next(reader, &record, &found, err));
        if (!found)
            break;
        struct err why = {0};
        enum status status = add_device(header, &record, devices, &why);
        if (status == STATUS_NOMEM)
            return ERR(err, status, "%s", why.text);
        if (status != STATUS_OK && wrong++ < COMPLAINTS_MAX)
            cli_note("line %d: %s", record.line, why.text);
    }
    if (wrong > 0)
        return ERR(err, STATUS_MALFORMED, "%zu line%s wrong: nothing was imported", wrong,
                   wrong == 1 ? " is" : "s are");
    return check_twice(devices, err);
}

static enum status read_csv(const char *path, const struct config_strings *custom, struct devices *devices,
                            struct err *err)
{
    AUTO(buf) struct buf file = BUF(CLI_FILE_MAX);
    AUTO(csv_record) struct csv_record header = {0};
    struct csv_reader reader;
    bool found = false;
    TRY(file_read(path, &file, err));
    TRY(csv_open(buf_span(&file), &reader, err));
    TRY(csv_next(&reader, &header, &found, err));
    if (!found)
        return ERR(err, STATUS_MALFORMED, "%.200s is empty", path);
    TRY(check_header(&header, custom, err));
    return read_devices(&reader, &header, devices, err);
}

/* ---- storing ---- */

static enum status store_batch(const struct cli *cli, struct store *store, const struct devices *devices,
                               size_t from, size_t *next, struct err *err)
{
    struct change change = {0};
    AUTO(heap) char *actor = NULL;
    AUTO(heap) char *detail = NULL;
    static char action[] = "devices.imported";
    size_t end = devices->count - from > BATCH ? from + BATCH : devices->count;
    TRY(text_copy(cli->actor, &actor, err));
    TRY(text_format(&detail, err, "%zu from %s on", end - from, devices->items[from].uid));
    struct audit_row audit = {.actor = actor, .action = action, .detail = detail};
    for (size_t i = from; i < end; i++)
        change_add(&change, (struct change_op){.kind = CHANGE_DEVICE_PUT, .device = &devices->items[i]});
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    *next = end;
    return store_commit(store, &change, err);
}

enum status cli_device_import(struct cli *cli, struct err *err)
{
    const struct cli_option options[] = {{0}};
    AUTO(app) struct app *app = NULL;
    AUTO(devices) struct devices devices = {0};
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(app_open_store(cli->dir, &app, err));
    TRY(read_csv(cli->argv[0], &app_config(app)->templates.custom_values, &devices, err));
    for (size_t next = 0; next < devices.count;) {
        size_t from = next;
        if (store_batch(cli, app_store(app), &devices, from, &next, err) != STATUS_OK)
            return err_prefix(err, "after %zu of %zu devices (importing the file again is fine): ", from,
                              devices.count);
    }
    printf("%zu device%s imported\n", devices.count, devices.count == 1 ? "" : "s");
    return out_end(stdout, err);
}

/* ---- list ---- */

static const struct column DEVICE_COLUMNS[] = {
    {"DEVICE", 24}, {"USER", 16}, {"UPDATED", 20}, {"VALUES", 0}, {0}};

struct listing {
    bool json;
    struct json_list list;
};

static enum status visit_device(const struct device_row *row, void *context, struct err *err)
{
    struct listing *listing = context;
    if (listing->json) {
        AUTO(json_object) struct json_object object = json_from_device(row);
        return json_list_add(&listing->list, &object, err);
    }
    AUTO(buf) struct buf text = BUF(VALUES_MAX * (VALUE_TEXT_MAX + VALUE_NAME_MAX));
    char updated[32];
    for (size_t i = 0; i < row->values.count; i++)
        if (strcmp(row->values.items[i].name, UID_COLUMN) != 0)
            buf_printf(&text, "%s%s=%s", text.len > 0 ? ", " : "", row->values.items[i].name,
                       row->values.items[i].text);
    AUTO(heap) char *values = buf_take_text(&text);
    const char *const texts[] = {row->uid, values_get(&row->values, "EnrollmentUser"),
                                 time_or_dash(row->updated_s, updated), values};
    table_row(stdout, DEVICE_COLUMNS, texts);
    return STATUS_OK;
}

enum status cli_device_list(struct cli *cli, struct err *err)
{
    struct listing listing = {0};
    const struct cli_option options[] = {{"json", CLI_FLAG, &listing.json}, {0}};
    AUTO(app) struct app *app = NULL;
    TRY(cli_options(cli, options, 0, 0, err));
    TRY(app_open_store(cli->dir, &app, err));
    if (listing.json)
        json_list_begin(&listing.list, stdout);
    else
        table_head(stdout, DEVICE_COLUMNS);
    TRY(store_devices(app_store(app), visit_device, &listing, err));
    return listing.json ? json_list_end(&listing.list, err) : out_end(stdout, err);
}

/* ---- lookup test ---- */

static enum status show_value(struct listing *listing, struct lookup *lookup, const char *name,
                              struct err *err)
{
    static const struct column columns[] = {{"", 24}, {"", 18}, {"", 0}, {0}};
    const char *text = NULL, *source = NULL;
    enum status status = lookup_get(lookup, name, &text, &source, err);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    TRY(status);
    if (listing->json) {
        AUTO(json_object) struct json_object object = json_object_new();
        json_put_text(&object, "name", name);
        json_put_text(&object, "value", text);
        json_put_text(&object, "source", source);
        return json_list_add(&listing->list, &object, err);
    }
    const char *const texts[] = {name, source, text};
    table_row(stdout, columns, texts);
    return STATUS_OK;
}

static enum status show_values(struct listing *listing, struct lookup *lookup,
                               const struct config_strings *custom, struct err *err)
{
    static const struct column columns[] = {{"NAME", 24}, {"SOURCE", 18}, {"VALUE", 0}, {0}};
    if (listing->json)
        json_list_begin(&listing->list, stdout);
    else
        table_head(stdout, columns);
    for (const char *const *name = lookup_catalogue; *name != NULL; name++)
        TRY(show_value(listing, lookup, *name, err));
    for (size_t i = 0; i < custom->count; i++)
        TRY(show_value(listing, lookup, custom->items[i], err));
    return listing->json ? json_list_end(&listing->list, err) : out_end(stdout, err);
}

enum status cli_lookup_test(struct cli *cli, struct err *err)
{
    struct listing listing = {0};
    AUTO(values) struct values values = {0};
    const struct cli_option options[] = {
        {"set", CLI_VALUES, &values}, {"json", CLI_FLAG, &listing.json}, {0}};
    AUTO(app) struct app *app = NULL;
    AUTO(lookup) struct lookup *lookup = NULL;
    TRY(cli_options(cli, options, 0, 0, err));
    if (values.count == 0)
        return ERR(err, STATUS_USAGE, "--set NAME=VALUE is missing: say who or which device is looked up");
    TRY(app_open_store(cli->dir, &app, err));
    TRY(cli_value_names_check(cli, app_config(app), &values, err));
    struct lookup_source registry = lookup_device_registry(app_store(app));
    TRY(cli_lookup(&registry, &values, &lookup, err));
    return show_values(&listing, lookup, &app_config(app)->templates.custom_values, err);
}

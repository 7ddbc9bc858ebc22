/* SPDX-License-Identifier: Apache-2.0
 *
 * The device registry and the settings. What a device's values are used for is for
 * templates/.
 */
#include "sqlite.h"

#define DEVICE_COLUMNS "uid, lookup_values, updated_s FROM device "

/* ---- devices ---- */

static enum status put_values(struct sql_connection *on, const struct device_row *row, struct err *err)
{
    AUTO(query) struct query forget = {0};
    TRY(query_begin(on, "DELETE FROM device_value WHERE uid = ?1", &forget, err));
    bind_text(&forget, row->uid);
    TRY(query_run(&forget, err));
    for (size_t i = 0; i < row->values.count; i++) {
        AUTO(query) struct query query = {0};
        TRY(query_begin(on, "INSERT INTO device_value (uid, name, text) VALUES (?, ?, ?)", &query, err));
        bind_text(&query, row->uid);
        bind_text(&query, row->values.items[i].name);
        bind_text(&query, row->values.items[i].text);
        TRY(query_run(&query, err));
    }
    return STATUS_OK;
}

enum status sqlite_device_put(struct sql_connection *on, const struct change_op *op, struct commit_wait *wait,
                              struct err *err)
{
    (void)wait;
    AUTO(heap) char *values = NULL;
    TRY(values_to_json(&op->device->values, &values, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(on,
                    "INSERT INTO device (uid, lookup_values, updated_s) VALUES (?, ?, ?) ON CONFLICT (uid) "
                    "DO UPDATE SET lookup_values = excluded.lookup_values, updated_s = excluded.updated_s",
                    &query, err));
    bind_text(&query, op->device->uid);
    bind_text(&query, values);
    bind_int(&query, op->device->updated_s);
    TRY(query_run(&query, err));
    return put_values(on, op->device, err);
}

static enum status device_read(struct query *query, struct device_row *row, struct err *err)
{
    row->uid = read_text(query);
    row->values = read_values(query);
    row->updated_s = read_int(query);
    return read_status(query, err);
}

enum status sqlite_device(struct store *store, const char *uid, struct device_row *out, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on, "SELECT " DEVICE_COLUMNS "WHERE uid = ?1", &query, err));
    bind_text(&query, uid);
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (!found)
        return ERR(err, STATUS_NOT_FOUND, "no device \"%.120s\" is in the registry", uid);
    AUTO(device_row) struct device_row row = {0};
    TRY(device_read(&query, &row, err));
    *out = row;
    row = (struct device_row){0};
    return STATUS_OK;
}

enum status sqlite_device_by_value(struct store *store, const char *name, const char *text,
                                   struct device_row *out, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on,
                    "SELECT " DEVICE_COLUMNS "WHERE uid IN (SELECT uid FROM device_value WHERE name = ?1 "
                    "AND text = ?2) LIMIT 2",
                    &query, err));
    bind_text(&query, name);
    bind_text(&query, text);
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (!found)
        return ERR(err, STATUS_NOT_FOUND, "no device whose %s is \"%.120s\" is in the registry", name, text);
    AUTO(device_row) struct device_row row = {0};
    TRY(device_read(&query, &row, err));
    TRY(query_row(&query, &found, err));
    if (found)
        return ERR(err, STATUS_CONFLICT, "several devices in the registry have \"%.120s\" as their %s", text,
                   name);
    *out = row;
    row = (struct device_row){0};
    return STATUS_OK;
}

enum status sqlite_devices(struct store *store, device_visit *visit, void *context, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on, "SELECT " DEVICE_COLUMNS "ORDER BY uid", &query, err));
    for (;;) {
        bool found = false;
        TRY(query_row(&query, &found, err));
        if (!found)
            return STATUS_OK;
        AUTO(device_row) struct device_row row = {0};
        TRY(device_read(&query, &row, err));
        TRY(visit(&row, context, err));
    }
}

/* ---- settings ---- */

enum status sqlite_setting_put(struct sql_connection *on, const struct change_op *op,
                               struct commit_wait *wait, struct err *err)
{
    (void)wait;
    AUTO(query) struct query query = {0};
    TRY(query_begin(on, "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", &query, err));
    bind_text(&query, op->setting.name);
    bind_blob(&query, op->setting.value);
    return query_run(&query, err);
}

enum status sqlite_setting(struct store *store, const char *name, struct buf *out, struct err *err)
{
    AUTO(reader) struct reader reader = {store, NULL};
    TRY(reader_take(store, &reader.on, err));
    AUTO(query) struct query query = {0};
    TRY(query_begin(reader.on, "SELECT value FROM setting WHERE name = ?1", &query, err));
    bind_text(&query, name);
    bool found = false;
    TRY(query_row(&query, &found, err));
    if (!found)
        return ERR(err, STATUS_NOT_FOUND, "there is no setting %s", name);
    AUTO(buf) struct buf value = read_blob(&query);
    TRY(read_status(&query, err));
    buf_move(out, &value);
    return STATUS_OK;
}

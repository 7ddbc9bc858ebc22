/* SPDX-License-Identifier: Apache-2.0
 *
 * The device registry as a lookup source. It reads rows; `device import` writes them.
 */
#include "lookup.h"

/* The device that the first of its keys names; a key that several devices have names none. */
static enum status find_row(struct store *store, const struct values *known, struct device_row *row,
                            struct err *err)
{
    static const char *const keys[] = {"DeviceSerialNumber", "EnrollmentUser"};
    const char *uid = values_get(known, "DeviceUid");

    if (uid != NULL)
        return store_device(store, uid, row, err);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *text = values_get(known, keys[i]);

        if (text != NULL)
            return store_device_by_value(store, keys[i], text, row, err);
    }
    return ERR(err, STATUS_NOT_FOUND, "nothing is known that names a device");
}

static enum status registry_find(const struct lookup_source *source, const struct values *known,
                                 struct values *found, struct err *err)
{
    AUTO(device_row) struct device_row row = {0};
    enum status status = find_row(source->state, known, &row, err);

    if (status == STATUS_NOT_FOUND || status == STATUS_CONFLICT)
        return STATUS_OK;
    TRY(status);
    for (size_t i = 0; i < row.values.count; i++)
        TRY(values_set(found, row.values.items[i].name, row.values.items[i].text, err));
    return values_set(found, "DeviceUid", row.uid, err);
}

struct lookup_source lookup_device_registry(struct store *store)
{
    return (struct lookup_source){.name = "device registry", .find = registry_find, .state = store};
}

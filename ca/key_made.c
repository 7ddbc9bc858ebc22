/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of the authority's own while they are being made: a free file name, and no file
 * left behind when what would refer to it fails. The keystore does the rest.
 */
#include "authority_private.h"

#include "file.h"

#include <unistd.h>

#define NUMBERS_MAX 10000

void key_made_free(struct key_made *made)
{
    if (made->key != NULL && !made->kept)
        (void)unlink(made->path); /* nothing refers to it: at worst a file is left that is passed over */
    key_unref(made->key);
    free(made->location);
    free(made->path);
    *made = (struct key_made){0};
}

static enum status try_name(const struct authority_config *config, const char *location, enum key_spec spec,
                            struct key_made *out, struct err *err)
{
    AUTO(heap) char *path = NULL;
    TRY(path_join(config->dir, location, &path, err));
    if (access(path, F_OK) == 0)
        return ERR(err, STATUS_CONFLICT, "%s is there already", path);
    AUTO(heap) char *copy = NULL;
    TRY(text_copy(location, &copy, err));
    TRY(key_create(path, spec, config->passphrase, &out->key, err));
    out->location = MOVE(copy);
    out->path = MOVE(path);
    return STATUS_OK;
}

enum status key_make(const struct authority_config *config, const char *stem, bool numbered,
                     enum key_spec spec, struct key_made *out, struct err *err)
{
    for (int n = 0; n < NUMBERS_MAX; n++) {
        AUTO(heap) char *location = NULL;
        if (n == 0 && !numbered)
            TRY(text_format(&location, err, "keys/%s.key", stem));
        else
            TRY(text_format(&location, err, "keys/%s-%d.key", stem, n));
        enum status status = try_name(config, location, spec, out, err);
        if (status != STATUS_CONFLICT)
            return status;
    }
    return ERR(err, STATUS_CONFLICT, "%d files keys/%s-….key are there: remove those that nothing uses",
               NUMBERS_MAX, stem);
}

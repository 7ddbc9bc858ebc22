/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes the authority of the fuzz targets: keys, the store's setting, and the certificates that clients
 * encrypt to. Run by hand, by make-corpus; its results are committed.
 */
#include "file.h"
#include "fuzz.h"
#include "fuzz_authority.h"

#include <stdio.h>
#include <sys/stat.h>

static void need(enum status status, const struct err *err)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static void write_file(const char *dir, const char *name, struct span octets)
{
    struct err err = {0};
    AUTO(heap) char *path = NULL;
    need(path_join(dir, name, &path, &err), &err);
    need(file_write_new(path, octets, 0600, &err), &err);
}

static void write_certificate(const char *dir, const char *name, const struct certificate *certificate)
{
    AUTO(buf) struct buf pem = BUF(CERTIFICATE_MAX_LEN * 2);
    pem_encode(&pem, "CERTIFICATE", buf_span(&certificate->der));
    write_file(dir, name, buf_span(&pem));
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct fuzz_place place;
    AUTO(authority) struct authority *authority = NULL;
    AUTO(buf) struct buf state = BUF((size_t)1 << 20);
    AUTO(heap) char *keys = NULL;
    const struct authority_create create = {.key = KEY_SPEC_EC_P256, .ra_key = KEY_SPEC_RSA_2048};
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY (that is empty)\n", argv[0]);
        return 2;
    }
    need(path_join(argv[1], "keys", &keys, &err), &err);
    PROMISE(mkdir(keys, 0700) == 0);
    fuzz_place_make(&place);
    place.config.dir = argv[1];
    need(authority_create(place.store, &place.config, &create, place.templates, &err), &err);
    need(authority_open(place.store, &place.config, &authority, &err), &err);
    need(store_setting(place.store, "authority", &state, &err), &err);
    write_file(argv[1], "authority.json", buf_span(&state));
    write_certificate(argv[1], "ca.pem", authority_current(authority)->certificate);
    write_certificate(argv[1], "ra.pem", authority_ra(authority, RA_COMBINED)->certificate);
    return 0;
}

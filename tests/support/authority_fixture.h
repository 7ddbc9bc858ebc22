/* SPDX-License-Identifier: Apache-2.0
 *
 * Authorities of any kind in data directories of their own, and what OpenSSL says of the
 * certificates and CRLs that come out of them. Include after cmocka.
 */
#ifndef SCEPTER_TESTS_AUTHORITY_FIXTURE_H
#define SCEPTER_TESTS_AUTHORITY_FIXTURE_H

#include "authority.h"
#include "clock.h"
#include "file.h"
#include <openssl/x509v3.h>

#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_S INT64_C(86400)

/* A data directory with its store, templates and configuration. */
struct place {
    char dir[64];
    struct store *store;
    struct template_set *templates;
    struct authority_config config;
};

static inline void check_ok(enum status status, const struct err *err)
{
    if (status != STATUS_OK)
        print_error("%s: %s (%s)\n", status_name(status), err->text, err->where);
    assert_int_equal(status, STATUS_OK);
}
#define OK(call)                                                                                             \
    do {                                                                                                     \
        struct err err = {0};                                                                                \
        check_ok((call), &err);                                                                              \
    } while (0)

static inline char *place_path(const struct place *place, const char *name)
{
    char *path = NULL;
    OK(path_join(place->dir, name, &path, &err));
    return path;
}

static inline void place_file(const struct place *place, const char *name, const char *text)
{
    AUTO(heap) char *path = place_path(place, name);
    OK(file_write_new(path, SPAN_STR(text), 0600, &err));
}

static inline void place_subdir(const struct place *place, const char *name)
{
    AUTO(heap) char *path = place_path(place, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static inline void place_templates(struct place *place)
{
    struct template_options options = {0};
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(heap) char *path = place_path(place, "templates");
    for (size_t i = 0; template_builtins[i].name != NULL; i++) {
        char name[96];
        (void)snprintf(name, sizeof name, "templates/%s.cfg", template_builtins[i].name);
        place_file(place, name, template_builtins[i].text);
    }
    OK(template_set_load(path, &options, &mistakes, NULL, &place->templates, &err));
}

static inline void place_make(struct place *place)
{
    *place = (struct place){0};
    (void)snprintf(place->dir, sizeof place->dir, "/tmp/scepter-ca-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    place_subdir(place, "keys");
    place_subdir(place, "templates");
    place_templates(place);
    AUTO(heap) char *database = place_path(place, "scepter.db");
    OK(store_open_sqlite(database, true, &place->store, &err));
    place->config = (struct authority_config){.dir = place->dir,
                                              .name = "Example CA",
                                              .url = "http://ca.example.com:8080",
                                              .crl_validity_s = 7 * DAY_S,
                                              .crl_period_s = DAY_S,
                                              .crl_min_interval_s = 2};
}

static inline int place_remove_one(const char *path, const struct stat *facts, int kind, struct FTW *at)
{
    (void)facts, (void)kind, (void)at;
    return remove(path);
}

static inline void place_remove(struct place *place)
{
    clock_shift_for_tests(0);
    template_set_unref(place->templates);
    store_close(place->store);
    assert_int_equal(nftw(place->dir, place_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline struct authority *place_open(const struct place *place)
{
    struct authority *authority = NULL;
    OK(authority_open(place->store, &place->config, &authority, &err));
    return authority;
}

static inline struct authority *place_root(struct place *place, enum key_spec spec)
{
    struct authority_create create = {.key = spec, .ra_key = KEY_SPEC_RSA_2048};
    place_make(place);
    OK(authority_create(place->store, &place->config, &create, place->templates, &err));
    return place_open(place);
}

/* ---- OpenSSL's reading ---- */

/* Parsed whole, and encoded anew to the same octets. */
static inline X509 *openssl_certificate(struct span der)
{
    const unsigned char *at = der.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
    assert_non_null(certificate);
    assert_ptr_equal(at, der.data + der.len);
    unsigned char *again = NULL;
    int len = i2d_X509(certificate, &again);
    assert_true(span_equal(SPAN(again, (size_t)len), der));
    OPENSSL_free(again);
    again = NULL;
    len = i2d_re_X509_tbs(certificate, &again);
    assert_true(len > 0);
    const unsigned char *tbs = der.data + (der.data[1] == 0x82 ? 4 : 3);
    assert_true(tbs + len < der.data + der.len);
    assert_memory_equal(again, tbs, (size_t)len);
    OPENSSL_free(again);
    return certificate;
}

static inline X509_CRL *openssl_crl(struct span der)
{
    const unsigned char *at = der.data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    assert_non_null(crl);
    assert_ptr_equal(at, der.data + der.len);
    unsigned char *again = NULL;
    int len = i2d_re_X509_CRL_tbs(crl, &again);
    assert_true(len > 0);
    size_t header = 2 + (der.data[1] > 0x80 ? der.data[1] & 0x7fu : 0);
    assert_true(header + (size_t)len < der.len);
    assert_memory_equal(again, der.data + header, (size_t)len);
    OPENSSL_free(again);
    return crl;
}

/* X509_V_OK or X509_verify_cert's error, at clock_now(). NULL: no intermediate, no CRL. */
static inline int openssl_verify(X509 *certificate, X509 *root, X509 *intermediate, X509_CRL *crl)
{
    X509_STORE *trust = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    assert_true(trust != NULL && context != NULL && untrusted != NULL);
    assert_int_equal(X509_STORE_add_cert(trust, root), 1);
    if (intermediate != NULL)
        assert_true(sk_X509_push(untrusted, intermediate) > 0);
    if (crl != NULL)
        assert_int_equal(X509_STORE_add_crl(trust, crl), 1);
    assert_int_equal(X509_STORE_CTX_init(context, trust, certificate, untrusted), 1);
    unsigned long flags = X509_V_FLAG_X509_STRICT | (crl != NULL ? X509_V_FLAG_CRL_CHECK : 0ul);
    X509_STORE_CTX_set_flags(context, flags);
    X509_STORE_CTX_set_time(context, 0, (time_t)clock_now());
    int result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    sk_X509_free(untrusted);
    X509_STORE_free(trust);
    return result;
}

/* The extension's value in hex, "!" before it if critical; "" if absent. Static until the next call. */
static inline const char *openssl_extension(const X509 *certificate, const char *oid)
{
    static char text[4096];
    text[0] = '\0';
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = X509_get_ext_by_OBJ(certificate, object, -1);
    ASN1_OBJECT_free(object);
    if (at < 0)
        return text;
    X509_EXTENSION *extension = X509_get_ext(certificate, at);
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    AUTO(buf) struct buf hex = BUF(sizeof text - 1);
    if (X509_EXTENSION_get_critical(extension))
        buf_add_text(&hex, "!");
    hex_encode(&hex, SPAN(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
    assert_int_equal(hex.failed, STATUS_OK);
    memcpy(text, hex.data, hex.len);
    text[hex.len] = '\0';
    return text;
}

static inline int64_t openssl_time(const ASN1_TIME *time)
{
    struct tm parts = {0};
    assert_int_equal(ASN1_TIME_to_tm(time, &parts), 1);
    return (int64_t)timegm(&parts);
}

#endif

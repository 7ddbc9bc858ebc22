/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of templates/ share: templates from texts, requests made and signed by OpenSSL, lookups with
 * bound values and a source that answers what it is told. It proves nothing itself.
 */
#ifndef SCEPTER_TESTS_TEMPLATE_FIXTURE_H
#define SCEPTER_TESTS_TEMPLATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "template_private.h"

#include <openssl/x509v3.h>

#include <openssl/ec.h>

#define HEAD "name = \"T\"; eku = [\"clientAuth\"]; "

#define assert_ok(call, err) fixture_ok((call), (err), __FILE__, __LINE__)

__attribute__((unused)) static void fixture_ok(enum status status, const struct err *err, const char *file,
                                               int line)
{
    if (status != STATUS_OK)
        print_error("%s:%d: %s: %s\n", file, line, status_name(status), err->text);
    _assert_int_equal(status, STATUS_OK, file, line);
}

__attribute__((unused)) static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", text, part);
}

/* A template from a text without mistakes. */
__attribute__((unused)) static struct template *make_template_with(const char *text,
                                                                   const struct template_options *options)
{
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    struct template *template = NULL;
    struct err err = {0};

    assert_ok(template_read("T.cfg", text, options, &mistakes, NULL, &template, &err), &err);
    for (size_t i = 0; i < mistakes.count; i++)
        print_error("%s\n", mistakes.lines[i]);
    assert_int_equal(mistakes.count, 0);
    assert_non_null(template);
    return template;
}

__attribute__((unused)) static struct template *make_template(const char *text)
{
    return make_template_with(text, NULL);
}

/* A built-in template by its name. */
__attribute__((unused)) static struct template *make_builtin(const char *name)
{
    for (const struct template_builtin *builtin = template_builtins; builtin->name != NULL; builtin++)
        if (strcmp(builtin->name, name) == 0)
            return make_template(builtin->text);
    fail_msg("no built-in template %s", name);
    return NULL;
}

/* The mistakes of a text, and its warnings, one line each, in one string; the caller frees. */
__attribute__((unused)) static char *read_mistakes(const char *text, const struct template_options *options,
                                                   bool want_warnings)
{
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(config_mistakes) struct config_mistakes warnings = {0};
    AUTO(template) struct template *template = NULL;
    AUTO(buf) struct buf lines = BUF(65536);
    struct err err = {0};

    assert_ok(template_read("T.cfg", text, options, &mistakes, &warnings, &template, &err), &err);
    if (mistakes.count > 0)
        assert_null(template);
    for (size_t i = 0; i < (want_warnings ? warnings.count : mistakes.count); i++)
        buf_printf(&lines, "%s\n", want_warnings ? warnings.lines[i] : mistakes.lines[i]);
    buf_add_text(&lines, "");
    char *all = buf_take_text(&lines);
    assert_non_null(all);
    return all;
}

/* ---- requests ---- */

__attribute__((unused)) static void set_subject(X509_REQ *req, const char *subject)
{
    AUTO(name) struct name name = {0};
    AUTO(buf) struct buf der = BUF(65536);
    struct err err = {0};
    const unsigned char *at = NULL;
    X509_NAME *parsed = NULL;

    assert_ok(name_parse(subject, &name, &err), &err);
    name_encode(&name, &der);
    at = der.data;
    parsed = d2i_X509_NAME(NULL, &at, (long)der.len);
    assert_non_null(parsed);
    assert_int_equal(X509_REQ_set_subject_name(req, parsed), 1);
    X509_NAME_free(parsed);
}

/* A SAN of one URI; openssl.cnf cannot write one that holds a comma. */
__attribute__((unused)) static X509_EXTENSION *make_uri_san(const char *uri)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    X509_EXTENSION *extension = NULL;

    assert_int_equal(ASN1_STRING_set(text, uri, -1), 1);
    GENERAL_NAME_set0_value(name, GEN_URI, text);
    assert_true(sk_GENERAL_NAME_push(names, name) > 0);
    extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, names);
    GENERAL_NAMES_free(names);
    return extension;
}

__attribute__((unused)) static void set_san(X509_REQ *req, const char *san)
{
    X509V3_CTX context;
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    X509_EXTENSION *extension = NULL;

    X509V3_set_ctx(&context, NULL, NULL, req, NULL, 0);
    extension = strncmp(san, "tag:", 4) == 0 ? make_uri_san(san)
                                             : X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, san);
    assert_non_null(extension);
    assert_true(sk_X509_EXTENSION_push(extensions, extension) > 0);
    assert_int_equal(X509_REQ_add_extensions(req, extensions), 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

/* A request that OpenSSL made: subject in RFC 4514, SAN as openssl.cnf writes it, or one
 * URI that begins with "tag:" (NULL: none). */
__attribute__((unused)) static struct csr *make_csr_with(const char *subject, const char *san, EVP_PKEY *key)
{
    X509_REQ *req = X509_REQ_new();
    unsigned char *der = NULL;
    struct csr *csr = NULL;
    struct err err = {0};
    int len = 0;

    assert_non_null(key);
    set_subject(req, subject);
    if (san != NULL)
        set_san(req, san);
    assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
    assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
    len = i2d_X509_REQ(req, &der);
    assert_true(len > 0);
    assert_ok(csr_decode(SPAN(der, (size_t)len), &csr, &err), &err);
    OPENSSL_free(der);
    X509_REQ_free(req);
    return csr;
}

__attribute__((unused)) static struct csr *make_csr(const char *subject, const char *san)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct csr *csr = make_csr_with(subject, san, key);

    EVP_PKEY_free(key);
    return csr;
}

/* ---- lookups ---- */

/* A source whose answer is "A=1;B=2" (state), whoever asks; status: how it fails. */
struct told_source {
    struct lookup_source source;
    const char *answer;
    const char *only_for; /* NULL, or "Name=text" that must be known */
    enum status status;
    int asked;
};

__attribute__((unused)) static void set_pairs(struct values *values, const char *pairs)
{
    AUTO(heap) char *copy = strdup(pairs);
    char *rest = NULL;
    struct err err = {0};

    for (char *pair = strtok_r(copy, ";", &rest); pair != NULL; pair = strtok_r(NULL, ";", &rest))
        assert_ok(values_set_pair(values, pair, &err), &err);
}

__attribute__((unused)) static enum status told_find(const struct lookup_source *source,
                                                     const struct values *known, struct values *found,
                                                     struct err *err)
{
    struct told_source *told = source->state;
    AUTO(values) struct values wanted = {0};

    told->asked++;
    if (told->status != STATUS_OK)
        return ERR(err, told->status, "the directory is away");
    if (told->only_for != NULL) {
        const char *text = NULL;

        set_pairs(&wanted, told->only_for);
        text = values_get(known, wanted.items[0].name);
        if (text == NULL || strcmp(text, wanted.items[0].text) != 0)
            return STATUS_OK;
    }
    set_pairs(found, told->answer);
    return STATUS_OK;
}

__attribute__((unused)) static struct told_source told(const char *answer)
{
    return (struct told_source){.source = {.name = "directory", .find = told_find}, .answer = answer};
}

/* A lookup with values bound to the challenge (NULL: none) and one source (NULL: none). */
__attribute__((unused)) static struct lookup *make_lookup(const char *bound, struct told_source *source)
{
    struct lookup *lookup = NULL;
    struct err err = {0};
    const struct lookup_source *sources[1] = {source != NULL ? &source->source : NULL};

    if (source != NULL)
        source->source.state = source;
    assert_ok(lookup_new(sources, source != NULL ? 1 : 0, &lookup, &err), &err);
    if (bound != NULL) {
        AUTO(values) struct values values = {0};

        set_pairs(&values, bound);
        assert_ok(lookup_bind(lookup, "challenge", &values, &err), &err);
    }
    return lookup;
}

/* "upn=a@b, dns=c" and "CN=x" of a content; borrowed until the next call. */
__attribute__((unused)) static const char *san_text(const struct general_names *names)
{
    static char out[4096];
    AUTO(buf) struct buf text = BUF(sizeof out - 1);

    general_names_text(names, &text);
    memcpy(out, text.data != NULL ? (const char *)text.data : "", text.len);
    out[text.len] = '\0';
    return out;
}

__attribute__((unused)) static const char *subject_text(const struct name *name)
{
    static char out[4096];
    AUTO(buf) struct buf text = BUF(sizeof out - 1);

    name_text(name, &text);
    memcpy(out, text.data != NULL ? (const char *)text.data : "", text.len);
    out[text.len] = '\0';
    return out;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests through EVP. The implementations are fetched once per process and the contexts are kept per
 * thread and digest, for fetching and allocating costs more than hashing a certificate.
 * No HMAC, no password hashing, no signatures.
 */
#include "digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>

#define DIGEST_COUNT 4

static const struct {
    const char *name;
    size_t len;
    enum oid oid;
} digest_table[DIGEST_COUNT] = {
    [DIGEST_SHA1] = {"SHA-1", 20, OID_SHA1},
    [DIGEST_SHA256] = {"SHA-256", SHA256_LEN, OID_SHA256},
    [DIGEST_SHA384] = {"SHA-384", 48, OID_SHA384},
    [DIGEST_SHA512] = {"SHA-512", DIGEST_MAX_LEN, OID_SHA512},
};

struct digest_thread {
    EVP_MD_CTX *contexts[DIGEST_COUNT];
};

struct digest_stream {
    enum digest digest;
    bool failed;
    EVP_MD_CTX *context;
};

static pthread_once_t digest_once = PTHREAD_ONCE_INIT;
static EVP_MD *digest_implementations[DIGEST_COUNT];
static pthread_key_t digest_key;
static bool digest_key_made;

static void digest_thread_free(void *value)
{
    struct digest_thread *thread = value;
    for (size_t i = 0; i < DIGEST_COUNT; i++)
        EVP_MD_CTX_free(thread->contexts[i]);
    free(thread);
}

static void digest_start(void)
{
    for (size_t i = 0; i < DIGEST_COUNT; i++)
        digest_implementations[i] = EVP_MD_fetch(NULL, digest_table[i].name, NULL);
    digest_key_made = pthread_key_create(&digest_key, digest_thread_free) == 0;
}

size_t digest_len(enum digest digest)
{
    return digest_table[digest].len;
}

const char *digest_name(enum digest digest)
{
    return digest_table[digest].name;
}

enum oid digest_oid(enum digest digest)
{
    return digest_table[digest].oid;
}

enum status digest_from_oid(struct span oid, enum digest *digest, struct err *err)
{
    enum oid known = oid_find(oid);
    for (size_t i = 0; i < DIGEST_COUNT; i++) {
        if (known != OID_UNKNOWN && digest_table[i].oid == known) {
            *digest = (enum digest)i;
            return STATUS_OK;
        }
    }
    AUTO(buf) struct buf text = BUF(512);
    oid_text(&text, oid);
    const char *name = oid_name(known);
    return ERR(err, STATUS_ALGORITHM,
               "the digest algorithm %.*s (%s) is not allowed: use SHA-256, SHA-384 or SHA-512",
               (int)text.len, text.len > 0 ? (const char *)text.data : "", name != NULL ? name : "unknown");
}

static enum status digest_fetched(enum digest digest, struct err *err)
{
    if (pthread_once(&digest_once, digest_start) != 0 || !digest_key_made)
        return ERR(err, STATUS_INTERNAL, "digests could not be set up");
    if (digest_implementations[digest] == NULL)
        return ERR(err, STATUS_INTERNAL, "OpenSSL offers no %s", digest_name(digest));
    return STATUS_OK;
}

/* This thread's context for the digest; borrowed. */
static enum status digest_context(enum digest digest, EVP_MD_CTX **context, struct err *err)
{
    TRY(digest_fetched(digest, err));
    struct digest_thread *thread = pthread_getspecific(digest_key);
    if (thread == NULL) {
        thread = calloc(1, sizeof(*thread));
        if (thread == NULL || pthread_setspecific(digest_key, thread) != 0) {
            free(thread);
            return ERR(err, STATUS_NOMEM, "out of memory for a digest");
        }
    }
    if (thread->contexts[digest] == NULL)
        thread->contexts[digest] = EVP_MD_CTX_new();
    if (thread->contexts[digest] == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for a digest");
    *context = thread->contexts[digest];
    return STATUS_OK;
}

static enum status digest_begin(EVP_MD_CTX *context, enum digest digest, struct err *err)
{
    if (EVP_DigestInit_ex2(context, digest_implementations[digest], NULL) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "%s could not be started", digest_name(digest));
    return STATUS_OK;
}

enum status digest_compute_parts(enum digest digest, const struct span *parts, size_t count, uint8_t *out,
                                 struct err *err)
{
    EVP_MD_CTX *context = NULL;
    TRY(digest_context(digest, &context, err));
    TRY(digest_begin(context, digest, err));
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0 && EVP_DigestUpdate(context, parts[i].data, parts[i].len) != 1)
            return ERR_OPENSSL(err, STATUS_INTERNAL, "%s failed", digest_name(digest));
    }
    if (EVP_DigestFinal_ex(context, out, NULL) != 1)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "%s failed", digest_name(digest));
    return STATUS_OK;
}

enum status digest_compute(enum digest digest, struct span octets, uint8_t *out, struct err *err)
{
    return digest_compute_parts(digest, &octets, 1, out, err);
}

/* A wrong hash would be taken for a right one: without a result there is no going on, in any build. */
void sha256(struct span octets, uint8_t out[SHA256_LEN])
{
    struct err err = {0};
    if (digest_compute(DIGEST_SHA256, octets, out, &err) == STATUS_OK)
        return;
    fprintf(stderr, "scepter: %s\n", err.text);
    abort();
}

enum status digest_stream_new(enum digest digest, struct digest_stream **out, struct err *err)
{
    TRY(digest_fetched(digest, err));
    AUTO(digest_stream) struct digest_stream *stream = calloc(1, sizeof(*stream));
    if (stream != NULL)
        stream->context = EVP_MD_CTX_new();
    if (stream == NULL || stream->context == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for a digest");
    stream->digest = digest;
    TRY(digest_begin(stream->context, digest, err));
    *out = MOVE(stream);
    return STATUS_OK;
}

void digest_stream_add(struct digest_stream *stream, struct span octets)
{
    if (octets.len > 0 && EVP_DigestUpdate(stream->context, octets.data, octets.len) != 1)
        stream->failed = true;
}

enum status digest_stream_end(struct digest_stream *stream, uint8_t *out, struct err *err)
{
    if (stream->failed || EVP_DigestFinal_ex(stream->context, out, NULL) != 1) {
        stream->failed = true;
        return ERR_OPENSSL(err, STATUS_INTERNAL, "%s failed", digest_name(stream->digest));
    }
    stream->failed = true; /* a finished stream gives nothing more */
    return STATUS_OK;
}

void digest_stream_free(struct digest_stream *stream)
{
    if (stream == NULL)
        return;
    EVP_MD_CTX_free(stream->context);
    free(stream);
}

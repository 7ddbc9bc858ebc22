/* SPDX-License-Identifier: Apache-2.0
 *
 * Owned octets that grow by doubling up to their ceiling and are wiped before memory is given back.
 * No streams, no sharing, no copies on write.
 */
#include "buf.h"

#include <openssl/crypto.h>
#include <stdio.h>

#define BUF_FIRST_CAP 64

bool span_equal_secret(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

/* The capacity for `needed` octets: doubled, never above the ceiling. */
static size_t buf_next_cap(const struct buf *buf, size_t needed)
{
    size_t cap = buf->cap < BUF_FIRST_CAP ? BUF_FIRST_CAP : buf->cap;
    while (cap < needed)
        cap = cap > buf->ceiling / 2 ? buf->ceiling : cap * 2;
    return cap < buf->ceiling ? cap : buf->ceiling;
}

/* One octet more than the capacity is allocated, so that a NUL always fits behind the contents. */
static bool buf_grow(struct buf *buf, size_t needed)
{
    size_t cap = buf_next_cap(buf, needed);
    uint8_t *data = cap < SIZE_MAX ? malloc(cap + 1) : NULL;
    if (data == NULL) {
        buf->failed = STATUS_NOMEM;
        return false;
    }
    if (buf->data != NULL) {
        memcpy(data, buf->data, buf->len);
        OPENSSL_cleanse(buf->data, buf->cap + 1);
        free(buf->data);
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

static bool buf_reserve(struct buf *buf, size_t n)
{
    if (buf->failed != STATUS_OK)
        return false;
    if (n > buf->ceiling - buf->len) {
        buf->failed = STATUS_LIMIT;
        return false;
    }
    return (buf->data != NULL && n <= buf->cap - buf->len) || buf_grow(buf, buf->len + n);
}

uint8_t *buf_extend(struct buf *buf, size_t n)
{
    if (!buf_reserve(buf, n))
        return NULL;
    uint8_t *start = buf->data + buf->len;
    buf->len += n;
    return start;
}

void buf_add(struct buf *buf, struct span octets)
{
    if (octets.len == 0)
        return;
    uint8_t *start = buf_extend(buf, octets.len);
    if (start != NULL)
        memcpy(start, octets.data, octets.len);
}

void buf_add_octet(struct buf *buf, uint8_t octet)
{
    buf_add(buf, SPAN(&octet, 1));
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, SPAN_STR(text));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len < 0 && buf->failed == STATUS_OK)
        buf->failed = STATUS_NOMEM;
    if (len <= 0)
        return;
    char *start = (char *)buf_extend(buf, (size_t)len);
    if (start == NULL)
        return;
    va_start(arguments, format);
    int written = vsnprintf(start, (size_t)len + 1, format, arguments);
    va_end(arguments);
    if (written != len) {
        buf->len -= (size_t)len;
        buf->failed = STATUS_NOMEM;
    }
}

enum status buf_status(const struct buf *buf, const char *what, struct err *err)
{
    switch (buf->failed) {
    case STATUS_OK:
        return STATUS_OK;
    case STATUS_LIMIT:
        return ERR(err, STATUS_LIMIT, "%s is larger than %zu octets, the most that is allowed", what,
                   buf->ceiling);
    default:
        return ERR(err, buf->failed, "%s: out of memory", what);
    }
}

char *buf_take_text(struct buf *buf)
{
    if (!buf_reserve(buf, 0)) {
        buf_free(buf);
        return NULL;
    }
    char *text = (char *)buf->data;
    text[buf->len] = '\0';
    *buf = BUF(buf->ceiling);
    return text;
}

void buf_clear(struct buf *buf)
{
    if (buf->data != NULL)
        OPENSSL_cleanse(buf->data, buf->len);
    buf->len = 0;
    buf->failed = STATUS_OK;
}

void buf_free(struct buf *buf)
{
    if (buf->data != NULL)
        OPENSSL_cleanse(buf->data, buf->cap + 1);
    free(buf->data);
    *buf = BUF(buf->ceiling);
}

void buf_move(struct buf *to, struct buf *from)
{
    if (to == from)
        return;
    buf_free(to);
    *to = *from;
    *from = BUF(from->ceiling);
}

void secret_free(char *text)
{
    if (text != NULL)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

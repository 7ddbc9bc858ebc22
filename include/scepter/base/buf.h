/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes: struct span borrows them, struct buf owns them.
 *
 * A buf has a ceiling from the start and remembers its first failure: appending
 * to a failed buf does nothing, so a writer is a straight list of appends with
 * one buf_status() at its end. Not for streams and not shared between threads.
 */
#ifndef SCEPTER_BASE_BUF_H
#define SCEPTER_BASE_BUF_H

#include "err.h"

#include <stdint.h>
#include <string.h>

/* Borrowed octets, valid as long as what they point into. */
struct span {
    const uint8_t *data;
    size_t len;
};

#define SPAN(data_, len_) ((struct span){(const uint8_t *)(data_), (len_)})
/* The octets of a NUL-terminated string (NULL: empty), without its NUL. */
#define SPAN_STR(text_) span_str(text_)
#define SPAN_NONE       ((struct span){NULL, 0})

static inline struct span span_str(const char *text)
{
    return (struct span){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Compares secrets: the time depends on the lengths alone. */
bool span_equal_secret(struct span a, struct span b);

/* Owned octets, always wiped when freed or moved by growth. Zero-initialised it is an empty buf of
 * ceiling 0: use BUF. data is NULL until the first append. */
struct buf {
    uint8_t *data;
    size_t len;         /* octets used */
    size_t cap;         /* octets allocated */
    size_t ceiling;     /* octets at the most */
    enum status failed; /* STATUS_OK, or the first failure: STATUS_NOMEM, STATUS_LIMIT */
};

#define BUF(ceiling_) ((struct buf){.ceiling = (ceiling_)})

/* Appends; on failure the buf is marked failed and left as it was. text may not be NULL,
 * and what is appended may not lie in the buf itself: growth moves it. */
void buf_add(struct buf *buf, struct span octets);
void buf_add_octet(struct buf *buf, uint8_t octet);
void buf_add_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for n more octets and returns where they go (NULL if failed); the caller fills all n. */
uint8_t *buf_extend(struct buf *buf, size_t n);

/* STATUS_OK, or the first failure with "<what> is larger than N octets" or "out of memory". */
NODISCARD enum status buf_status(const struct buf *buf, const char *what, struct err *err);

/* The contents, borrowed until the next change. */
static inline struct span buf_span(const struct buf *buf)
{
    return (struct span){buf->data, buf->len};
}

/* The contents as a NUL-terminated string, the caller's to free(); the buf is empty afterwards.
 * NULL if the buf failed or memory ran out. Embedded NULs are the caller's affair. */
char *buf_take_text(struct buf *buf);

/* Empties without freeing; clears a failure. Wipes what was there. */
void buf_clear(struct buf *buf);

/* Wipes and frees; the buf is empty with its ceiling afterwards. Fine on an empty one. */
void buf_free(struct buf *buf);
AUTO_VALUE(buf, struct buf, buf_free)

/* Hands the contents over: *to (freed first) takes them, *from is empty. */
void buf_move(struct buf *to, struct buf *from);

/* free() of a secret string after wiping it; NULL is fine. */
void secret_free(char *text);
AUTO_POINTER(secret, char, secret_free)

#endif

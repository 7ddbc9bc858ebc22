/* SPDX-License-Identifier: Apache-2.0
 *
 * How a call fails and how it cleans up.
 *
 * Every fallible function returns enum status, STATUS_OK = 0, and takes as its
 * last parameter a struct err that it fills when it fails: with the value that
 * was wrong, what is allowed and what to do. Only server/ logs.
 *
 * This is not a logging facility and not an exception mechanism.
 */
#ifndef SCEPTER_BASE_ERR_H
#define SCEPTER_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

enum status {
    STATUS_OK = 0,
    STATUS_NOMEM,     /* out of memory */
    STATUS_MALFORMED, /* input that does not parse */
    STATUS_LIMIT,     /* input larger than is allowed */
    STATUS_ALGORITHM, /* an algorithm or key that is unknown, weak or not allowed */
    STATUS_INTEGRITY, /* a signature, digest or decryption that does not hold */
    STATUS_NOT_FOUND, /* nothing of that name, id or serial */
    STATUS_CONFLICT,  /* already there, already used, or changed by somebody else meanwhile */
    STATUS_DENIED,    /* understood, and refused by a rule */
    STATUS_TIME,      /* a clock or a date forbids it */
    STATUS_BUSY,      /* not now: a lock, a queue or another system; try again */
    STATUS_IO,        /* file, network or database */
    STATUS_CONFIG,    /* a mistake in a configuration file or template */
    STATUS_USAGE,     /* a mistake in a command's words */
    STATUS_INTERNAL,  /* a programmer's mistake that was caught */
};

/* What went wrong. Zero-initialise; text is NUL-terminated UTF-8 in one line.
 * The words reach people (reply, row and log alike): no secrets. */
struct err {
    enum status status;
    const char *where; /* static: the function that failed */
    char text[768];
};

/* The result of a call must be looked at. (gcc 12 ignores the attribute on an enum type.) */
#define NODISCARD __attribute__((warn_unused_result))

/* Fills err (may be NULL) and gives status back: return ERR(err, STATUS_LIMIT, "…", …); */
#ifdef __clang_analyzer__ /* which cannot see in another file that the status comes back */
#define ERR(err, status, ...) (err_fill((err), (status), __func__, __VA_ARGS__), (status))
#else
#define ERR(err, status, ...) err_fill((err), (status), __func__, __VA_ARGS__)
#endif

enum status err_fill(struct err *err, enum status status, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* As ERR, and drains this thread's OpenSSL error queue into the text. */
#define ERR_OPENSSL(err, status, ...) err_fill_openssl((err), (status), __func__, __VA_ARGS__)

enum status err_fill_openssl(struct err *err, enum status status, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts context before the text of a filled err ("template User: "); gives err's status back
 * (STATUS_INTERNAL if err is NULL, for the status is not known then: keep it where err is optional). */
enum status err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "malformed", "denied" …: the word for a status, static. */
const char *status_name(enum status status);

/* Passes a failure up. The only control-flow macro of the house. */
#define TRY(call)                                                                                            \
    do {                                                                                                     \
        enum status try_status_ = (call);                                                                    \
        if (try_status_ != STATUS_OK)                                                                        \
            return try_status_;                                                                              \
    } while (0)

/* Scope cleanup. AUTO(buf) struct buf b = BUF(4096);  AUTO(csr) struct csr *c = NULL;
 * AUTO_VALUE: the destructor takes a pointer to the value, which stays (struct buf).
 * AUTO_POINTER: the variable is a pointer, the destructor takes it and NULL is fine (struct csr *). */
#define AUTO(name) __attribute__((cleanup(name##_auto_)))
#define AUTO_VALUE(name, type, destroy)                                                                      \
    static inline void name##_auto_(type *value_)                                                            \
    {                                                                                                        \
        destroy(value_);                                                                                     \
    }
#define AUTO_POINTER(name, type, destroy)                                                                    \
    static inline void name##_auto_(type **value_)                                                           \
    {                                                                                                        \
        destroy(*value_);                                                                                    \
    }

/* Hands a pointer over: its value, the variable NULL afterwards. */
#define MOVE(pointer)                                                                                        \
    __extension__({                                                                                          \
        __typeof__(pointer) moved_ = (pointer);                                                              \
        (pointer) = NULL;                                                                                    \
        moved_;                                                                                              \
    })

static inline void heap_auto_(void *pointer)
{
    free(*(void **)pointer);
}
/* AUTO(heap) char *text = NULL; */

#endif

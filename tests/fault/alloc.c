/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands between our code and the C library's allocation: the linker sends every call in the program's own
 * objects here (--wrap). What shared libraries allocate among themselves does not come by.
 */
#include "fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

/* The linker's names: __wrap_x takes the calls of x, __real_x is x itself. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
int __real_vasprintf(char **out, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
int __wrap_vasprintf(char **out, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

static bool out_of_memory(void)
{
    if (!fault_strikes(FAULT_ALLOCATION))
        return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return out_of_memory() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return out_of_memory() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return out_of_memory() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return out_of_memory() ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
    return out_of_memory() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
    return out_of_memory() ? NULL : __real_strndup(text, len);
}

/* *out is undefined after a failure (asprintf(3)): a pointer that nobody may free. */
int __wrap_vasprintf(char **out, const char *format, va_list arguments)
{
    if (!out_of_memory())
        return __real_vasprintf(out, format, arguments);
    *out = (char *)(uintptr_t)1;
    return -1;
}

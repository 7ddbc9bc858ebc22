/* SPDX-License-Identifier: Apache-2.0
 *
 * Fills struct err. The text is kept to one line of well-formed UTF-8 whatever went into it, for it holds
 * values that strangers sent. Nothing here allocates, logs or ends the process.
 */
#include "err.h"
#include "utf8.h"

#include <openssl/err.h>
#include <stdio.h>

/* Control characters and octets that are no UTF-8 (a character cut in two at the end too) become '?'. */
static void err_set_text(struct err *err, const char *text)
{
    size_t used = 0;
    struct span left = SPAN_STR(text);
    while (left.len > 0 && used + 1 < sizeof(err->text)) {
        uint32_t code = 0;
        size_t len = utf8_next(left, &code);
        bool shown = len > 0 && !utf8_is_control(code);
        size_t width = shown ? len : 1;
        if (used + width >= sizeof(err->text))
            break;
        if (shown)
            memcpy(err->text + used, left.data, len);
        else
            err->text[used] = '?';
        used += width;
        left = SPAN(left.data + (len > 0 ? len : 1), left.len - (len > 0 ? len : 1));
    }
    err->text[used] = '\0';
}

/* The formatted words and what stands behind them, put together apart from err->text, which may be among
 * the arguments. */
__attribute__((format(printf, 3, 0))) static void err_format(struct err *err, const char *behind,
                                                             const char *format, va_list arguments)
{
    char text[2 * sizeof(err->text)];
    if (vsnprintf(text, sizeof(err->text), format, arguments) < 0)
        text[0] = '\0';
    size_t len = strlen(text);
    snprintf(text + len, sizeof(text) - len, "%s", behind);
    err_set_text(err, text);
}

enum status err_fill(struct err *err, enum status status, const char *where, const char *format, ...)
{
    if (err == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    err_format(err, "", format, arguments);
    va_end(arguments);
    err->status = status;
    err->where = where;
    return status;
}

/* ": reason (data); reason": the queue from its oldest entry, as far as it fits. The queue is empty after. */
static void err_drain_openssl(char *text, size_t size)
{
    size_t used = 0;
    const char *data = NULL;
    int flags = 0;
    for (unsigned long code = 0; (code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0;) {
        const char *reason = ERR_reason_error_string(code);
        bool has_data = data != NULL && data[0] != '\0' && (flags & ERR_TXT_STRING) != 0;
        int len = snprintf(text + used, size - used, "%s%s%s%s%s", used == 0 ? ": " : "; ",
                           reason != NULL ? reason : "unknown OpenSSL error", has_data ? " (" : "",
                           has_data ? data : "", has_data ? ")" : "");
        if (len > 0)
            used = (size_t)len < size - used ? used + (size_t)len : size - 1;
    }
    text[used] = '\0';
}

enum status err_fill_openssl(struct err *err, enum status status, const char *where, const char *format, ...)
{
    char reasons[sizeof(err->text)];
    err_drain_openssl(reasons, sizeof(reasons));
    if (err == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    err_format(err, reasons, format, arguments);
    va_end(arguments);
    err->status = status;
    err->where = where;
    return status;
}

enum status err_prefix(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return STATUS_INTERNAL;
    va_list arguments;
    va_start(arguments, format);
    err_format(err, err->text, format, arguments);
    va_end(arguments);
    return err->status;
}

const char *status_name(enum status status)
{
    static const char *const names[] = {
        [STATUS_OK] = "ok",
        [STATUS_NOMEM] = "out of memory",
        [STATUS_MALFORMED] = "malformed",
        [STATUS_LIMIT] = "too large",
        [STATUS_ALGORITHM] = "algorithm",
        [STATUS_INTEGRITY] = "integrity",
        [STATUS_NOT_FOUND] = "not found",
        [STATUS_CONFLICT] = "conflict",
        [STATUS_DENIED] = "denied",
        [STATUS_TIME] = "time",
        [STATUS_BUSY] = "busy",
        [STATUS_IO] = "input or output",
        [STATUS_CONFIG] = "configuration",
        [STATUS_USAGE] = "usage",
        [STATUS_INTERNAL] = "internal",
    };
    return (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}

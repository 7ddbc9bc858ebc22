/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: one structured line per event, as text or JSON, to stderr. Only server/ logs.
 * Control characters are escaped; secrets never get here.
 */
#ifndef SCEPTER_SERVER_LOG_H
#define SCEPTER_SERVER_LOG_H

#include "buf.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Before any thread starts. */
void log_setup(enum log_format format, enum log_level level);

/* One field of a line; text NULL: left out. */
struct log_field {
    const char *name;
    const char *text; /* NULL with is_number false: left out */
    int64_t number;
    bool is_number;
};
#define LOG_TEXT_FIELD(name_, text_) ((struct log_field){.name = (name_), .text = (text_)})
#define LOG_NUMBER_FIELD(name_, number_)                                                                     \
    ((struct log_field){.name = (name_), .number = (number_), .is_number = true})

/* 2026-01-31T12:00:00Z info scep.request transaction_id=… outcome=issued ms=4
 * One write(2) per line. Thread-safe. */
void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t count);
/* A line with a message only. */
void log_message(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

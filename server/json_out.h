/* SPDX-License-Identifier: Apache-2.0
 *
 * What commands print: rows as JSON objects, with the names that do not move, and as
 * tables and details for people. A list is one JSON array, written element by element,
 * so that memory does not grow with it. Judges nothing.
 */
#ifndef SCEPTER_SERVER_JSON_OUT_H
#define SCEPTER_SERVER_JSON_OUT_H

#include "record.h"

#include <jansson.h>
#include <stdio.h>

/* ---- objects: the first failure sticks until json_show or json_list_add reports it ---- */

struct json_object {
    json_t *json;
    bool failed;
};
struct json_object json_object_new(void);
void json_object_free(struct json_object *object);
AUTO_VALUE(json_object, struct json_object, json_object_free)

/* Members; NULL texts, times of 0 and ids of 0 become null. Octets that are no UTF-8 are escaped. */
void json_put_text(struct json_object *object, const char *name, const char *text);
void json_put_number(struct json_object *object, const char *name, int64_t number);
void json_put_bool(struct json_object *object, const char *name, bool value);
void json_put_id(struct json_object *object, const char *name, int64_t id);
void json_put_time(struct json_object *object, const char *name, int64_t unix_s);
void json_put_serial(struct json_object *object, const char *name, const struct serial *serial);
void json_put_hex(struct json_object *object, const char *name, struct span octets);
void json_put_values(struct json_object *object, const char *name, const struct values *values);
void json_put_san(struct json_object *object, const char *name, const struct general_names *names);
/* Takes over `value` (NULL: a failure). */
void json_put_json(struct json_object *object, const char *name, json_t *value);
/* A string as JSON, escaped where it is no UTF-8; NULL text: null. NULL if memory ran out. */
json_t *json_from_text(const char *text);

/* Rows as objects; issuer (RFC 4514) may be NULL. */
struct json_object json_from_certificate(const struct certificate_row *row, const char *issuer,
                                         int64_t now_s);
struct json_object json_from_request(const struct request_row *row);
struct json_object json_from_device(const struct device_row *row);
struct json_object json_from_audit(const struct audit_row *row);

/* Writes one object, indented, and a line break. STATUS_NOMEM, STATUS_IO. */
NODISCARD enum status json_show(FILE *stream, const struct json_object *object, struct err *err);

/* ---- lists ---- */

struct json_list {
    FILE *stream;
    size_t count;
};
void json_list_begin(struct json_list *list, FILE *stream);
NODISCARD enum status json_list_add(struct json_list *list, const struct json_object *object,
                                    struct err *err);
/* Ends the array and flushes. STATUS_IO. */
NODISCARD enum status json_list_end(struct json_list *list, struct err *err);

/* ---- for people ---- */

struct column {
    const char *title; /* NULL ends the list */
    int width;         /* characters at least; longer texts are never cut */
};
void table_head(FILE *stream, const struct column *columns);
/* One text per column (NULL: "-"); control characters are escaped. */
void table_row(FILE *stream, const struct column *columns, const char *const *texts);
/* "not before:    2026-…"; nothing if text is NULL. */
void detail_text(FILE *stream, const char *name, const char *text);
void detail_number(FILE *stream, const char *name, int64_t number);
void detail_time(FILE *stream, const char *name, int64_t unix_s);
void detail_hex(FILE *stream, const char *name, struct span octets);
void detail_san(FILE *stream, const struct general_names *names);
void detail_values(FILE *stream, const struct values *values);
/* What everybody ends with: flushes. STATUS_IO if anything could not be written. */
NODISCARD enum status out_end(FILE *stream, struct err *err);

/* "2026-01-31T12:00:00Z", "-" for 0. */
const char *time_or_dash(int64_t unix_s, char out[32]);

#endif

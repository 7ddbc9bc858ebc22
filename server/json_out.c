/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows as JSON objects by jansson, and lists of them as one array written element by
 * element. Tables for people are in table_out.c.
 */
#include "json_out.h"

#include "text.h"

#include <errno.h>
#include <string.h>

#define ESCAPED_MAX 65536

struct json_object json_object_new(void)
{
    struct json_object object = {.json = json_object()};
    object.failed = object.json == NULL;
    return object;
}

void json_object_free(struct json_object *object)
{
    json_decref(object->json);
    *object = (struct json_object){0};
}

void json_put_json(struct json_object *object, const char *name, json_t *value)
{
    if (value == NULL || object->json == NULL || json_object_set_new(object->json, name, value) != 0)
        object->failed = true;
}

json_t *json_from_text(const char *text)
{
    if (text == NULL)
        return json_null();
    if (utf8_valid(SPAN_STR(text)))
        return json_string(text);
    AUTO(buf) struct buf escaped = BUF(ESCAPED_MAX);
    text_escape(&escaped, SPAN_STR(text));
    AUTO(heap) char *plain = buf_take_text(&escaped);
    return plain != NULL ? json_string(plain) : NULL;
}

void json_put_text(struct json_object *object, const char *name, const char *text)
{
    json_put_json(object, name, json_from_text(text));
}

void json_put_number(struct json_object *object, const char *name, int64_t number)
{
    json_put_json(object, name, json_integer(number));
}

void json_put_bool(struct json_object *object, const char *name, bool value)
{
    json_put_json(object, name, json_boolean(value));
}

void json_put_id(struct json_object *object, const char *name, int64_t id)
{
    json_put_json(object, name, id != 0 ? json_integer(id) : json_null());
}

void json_put_time(struct json_object *object, const char *name, int64_t unix_s)
{
    char text[32];
    time_text(unix_s, text);
    json_put_text(object, name, unix_s != 0 ? text : NULL);
}

void json_put_serial(struct json_object *object, const char *name, const struct serial *serial)
{
    char text[2 * SERIAL_MAX + 1];
    serial_text(serial, text);
    json_put_text(object, name, serial->len > 0 ? text : NULL);
}

void json_put_hex(struct json_object *object, const char *name, struct span octets)
{
    AUTO(buf) struct buf hex = BUF(ESCAPED_MAX);
    hex_encode(&hex, octets);
    AUTO(heap) char *text = buf_take_text(&hex);
    json_put_json(object, name, text != NULL ? json_string(text) : NULL);
}

void json_put_values(struct json_object *object, const char *name, const struct values *values)
{
    struct json_object inner = json_object_new();
    for (size_t i = 0; i < values->count; i++)
        json_put_text(&inner, values->items[i].name, values->items[i].text);
    object->failed |= inner.failed;
    json_put_json(object, name, inner.json);
}

void json_put_san(struct json_object *object, const char *name, const struct general_names *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++) {
        struct json_object entry = json_object_new();
        json_put_text(&entry, "type", san_type_name(names->items[i].type));
        json_put_text(&entry, "value", names->items[i].text);
        object->failed |= entry.failed;
        if (json_array_append_new(list, entry.json) != 0)
            object->failed = true;
    }
    json_put_json(object, name, list);
}

/* ---- rows ---- */

struct json_object json_from_certificate(const struct certificate_row *row, const char *issuer, int64_t now_s)
{
    struct json_object object = json_object_new();
    json_put_serial(&object, "serial", &row->serial);
    json_put_text(&object, "status", certificate_status_name(certificate_row_status(row, now_s)));
    json_put_text(&object, "subject", row->subject);
    if (issuer != NULL)
        json_put_text(&object, "issuer", issuer);
    json_put_san(&object, "san", &row->san);
    json_put_time(&object, "not_before", row->not_before_s);
    json_put_time(&object, "not_after", row->not_after_s);
    json_put_text(&object, "template", row->template_name);
    json_put_number(&object, "template_version", row->template_version);
    json_put_text(&object, "profile", row->profile);
    json_put_id(&object, "request_id", row->request_id);
    json_put_text(&object, "requester", row->requester);
    json_put_values(&object, "values", &row->values);
    json_put_serial(&object, "renews", &row->renews);
    json_put_time(&object, "created", row->created_s);
    json_put_time(&object, "revoked_at", row->revoked_s);
    json_put_text(&object, "revocation_reason", crl_reason_name(row->reason));
    json_put_number(&object, "key_index", row->issuer_key);
    return object;
}

struct json_object json_from_request(const struct request_row *row)
{
    struct json_object object = json_object_new();
    json_put_id(&object, "request_id", row->id);
    json_put_text(&object, "disposition", disposition_name(row->disposition));
    json_put_text(&object, "reason", row->reason);
    json_put_text(&object, "protocol", row->protocol);
    json_put_text(&object, "profile", row->profile);
    json_put_text(&object, "template", row->template_name);
    json_put_text(&object, "subject", row->subject);
    json_put_san(&object, "san", &row->san);
    json_put_values(&object, "values", &row->values);
    json_put_text(&object, "requester", row->requester);
    json_put_text(&object, "remote", row->remote);
    json_put_text(&object, "transaction_id", row->transaction_id);
    json_put_serial(&object, "renews", &row->renews);
    json_put_serial(&object, "serial", &row->serial);
    json_put_time(&object, "created", row->created_s);
    json_put_time(&object, "decided", row->decided_s);
    json_put_text(&object, "decided_by", row->decided_by);
    json_put_time(&object, "lapses", row->lapses_s);
    return object;
}

struct json_object json_from_device(const struct device_row *row)
{
    struct json_object object = json_object_new();
    json_put_text(&object, "device", row->uid);
    json_put_values(&object, "values", &row->values);
    json_put_time(&object, "updated", row->updated_s);
    return object;
}

struct json_object json_from_audit(const struct audit_row *row)
{
    struct json_object object = json_object_new();
    json_put_id(&object, "id", row->id);
    json_put_time(&object, "time", row->time_s);
    json_put_text(&object, "actor", row->actor);
    json_put_text(&object, "action", row->action);
    json_put_text(&object, "object", row->object);
    json_put_text(&object, "detail", row->detail);
    json_put_hex(&object, "hash", SPAN(row->hash, SHA256_LEN));
    return object;
}

/* ---- writing ---- */

static enum status dump(FILE *stream, const struct json_object *object, size_t flags, struct err *err)
{
    if (object->failed)
        return ERR(err, STATUS_NOMEM, "out of memory");
    if (json_dumpf(object->json, stream, flags) != 0)
        return ERR(err, STATUS_IO, "standard output cannot be written: %s", strerror(errno));
    return STATUS_OK;
}

enum status json_show(FILE *stream, const struct json_object *object, struct err *err)
{
    TRY(dump(stream, object, JSON_INDENT(2), err));
    fputc('\n', stream);
    return out_end(stream, err);
}

void json_list_begin(struct json_list *list, FILE *stream)
{
    *list = (struct json_list){.stream = stream};
    fputc('[', stream);
}

enum status json_list_add(struct json_list *list, const struct json_object *object, struct err *err)
{
    fputs(list->count == 0 ? "\n" : ",\n", list->stream);
    list->count++;
    return dump(list->stream, object, JSON_COMPACT, err);
}

enum status json_list_end(struct json_list *list, struct err *err)
{
    fputs(list->count == 0 ? "]\n" : "\n]\n", list->stream);
    return out_end(list->stream, err);
}

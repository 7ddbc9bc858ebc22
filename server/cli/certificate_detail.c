/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading what a certificate holds for display. Judges nothing: ca/ does.
 */
#include "certificate_detail.h"

#include "text.h"

#define MAPPING_MAX 8192
#define OIDS_MAX    64

static const char *const KEY_USAGE_WORDS[] = {"digitalSignature", "nonRepudiation", "keyEncipherment",
                                              "dataEncipherment", "keyAgreement",   "keyCertSign",
                                              "cRLSign",          "encipherOnly",   "decipherOnly"};

json_t *json_from_key_usage(unsigned key_usage)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(KEY_USAGE_WORDS) / sizeof(KEY_USAGE_WORDS[0]); i++)
        if ((key_usage & (1u << i)) != 0)
            json_array_append_new(list, json_string(KEY_USAGE_WORDS[i]));
    return list;
}

static json_t *from_oid(struct span oid)
{
    const char *name = oid_name(oid_find(oid));
    if (name != NULL)
        return json_string(name);
    AUTO(buf) struct buf dotted = BUF(1024);
    oid_text(&dotted, oid);
    AUTO(heap) char *text = buf_take_text(&dotted);
    return text != NULL ? json_string(text) : NULL;
}

json_t *json_from_oids(const struct span *oids, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, from_oid(oids[i]));
    return list;
}

enum status json_from_eku(const struct certificate *certificate, json_t **out, struct err *err)
{
    struct span value, oids[OIDS_MAX];
    size_t count = 0;
    bool critical = false;
    if (certificate_extension(certificate, OID_EKU, &value, &critical)) {
        struct der_reader reader;
        TRY(der_open_whole(value, DER_SEQUENCE, &reader, "extKeyUsage (RFC 5280 section 4.2.1.12)", err));
        while (!der_at_end(&reader) && count < OIDS_MAX)
            TRY(der_take_oid(&reader, &oids[count++], "KeyPurposeId", err));
    }
    *out = json_from_oids(oids, count);
    return *out != NULL ? STATUS_OK : ERR(err, STATUS_NOMEM, "out of memory");
}

/* ---- altSecurityIdentities ---- */

/* Active Directory writes names from the root down: "DC=com,DC=corp,CN=CA". */
static enum status add_name_from_root(struct buf *out, const struct name *name, struct err *err)
{
    for (size_t i = 0; i < name->count; i++) {
        struct name_ava alone = name->avas[i];
        alone.with_previous = false;
        const struct name one = {.avas = &alone, .count = 1};
        if (i > 0)
            buf_add_text(out, name->avas[i].with_previous ? "+" : ",");
        name_text(&one, out);
    }
    return buf_status(out, "a mapping", err);
}

static void add_serial_reversed(struct buf *out, struct span octets)
{
    while (octets.len > 1 && octets.data[0] == 0)
        octets = SPAN(octets.data + 1, octets.len - 1);
    for (size_t i = octets.len; i > 0; i--)
        buf_printf(out, "%02x", octets.data[i - 1]);
}

static enum status take(json_t *list, struct buf *text, struct err *err)
{
    TRY(buf_status(text, "a mapping", err));
    AUTO(heap) char *string = buf_take_text(text);
    if (string == NULL || json_array_append_new(list, json_from_text(string)) != 0)
        return ERR(err, STATUS_NOMEM, "out of memory");
    return STATUS_OK;
}

static enum status add_strong(const struct certificate *certificate, json_t *list, struct err *err)
{
    AUTO(buf) struct buf text = BUF(MAPPING_MAX);
    buf_add_text(&text, "X509:<I>");
    TRY(add_name_from_root(&text, &certificate->issuer, err));
    buf_add_text(&text, "<SR>");
    add_serial_reversed(&text, certificate->serial_octets);
    TRY(take(list, &text, err));
    if (certificate->ski.len > 0) {
        buf_add_text(&text, "X509:<SKI>");
        hex_encode(&text, certificate->ski);
        TRY(take(list, &text, err));
    }
    buf_add_text(&text, "X509:<SHA1-PUKEY>");
    hex_encode(&text, pubkey_key_id(certificate->key));
    return take(list, &text, err);
}

static enum status add_weak(const struct certificate *certificate, json_t *list, struct err *err)
{
    AUTO(buf) struct buf text = BUF(MAPPING_MAX);
    buf_add_text(&text, "X509:<I>");
    TRY(add_name_from_root(&text, &certificate->issuer, err));
    buf_add_text(&text, "<S>");
    TRY(add_name_from_root(&text, &certificate->subject, err));
    TRY(take(list, &text, err));
    for (size_t i = 0; i < certificate->san.count; i++) {
        if (certificate->san.items[i].type != SAN_EMAIL)
            continue;
        buf_add_text(&text, "X509:<RFC822>");
        buf_add_text(&text, certificate->san.items[i].text);
        TRY(take(list, &text, err));
    }
    return STATUS_OK;
}

enum status json_from_mappings(const struct certificate *certificate, json_t **out, struct err *err)
{
    json_t *list = json_array();
    enum status status = add_strong(certificate, list, err);
    if (status == STATUS_OK)
        status = add_weak(certificate, list, err);
    if (status != STATUS_OK) {
        json_decref(list);
        return status;
    }
    *out = list;
    return STATUS_OK;
}

void detail_list(FILE *stream, const char *name, const json_t *list)
{
    AUTO(buf) struct buf line = BUF(MAPPING_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        buf_printf(&line, "%s%s", i > 0 ? ", " : "", text != NULL ? text : "?");
    }
    AUTO(heap) char *text = buf_take_text(&line);
    if (json_array_size(list) > 0)
        detail_text(stream, name, text);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Distinguished names: the struct, from DER and to DER. Comparing is in
 * name_compare.c, text in name_text.c. Does not judge which attributes a name may
 * hold nor how long they may be beyond NAME_VALUE_MAX.
 */
#include "name_private.h"

#include "text.h"
#include "utf8.h"

static void ava_free(struct name_ava *ava)
{
    buf_free(&ava->type);
    free(ava->value);
    ava->value = NULL;
}

void name_free(struct name *name)
{
    if (name == NULL)
        return;
    for (size_t i = 0; i < name->count; i++)
        ava_free(&name->avas[i]);
    free(name->avas);
    *name = (struct name){0};
}

static enum status check_value(const char *value, struct err *err)
{
    size_t len = strlen(value);

    if (len > NAME_VALUE_MAX)
        return ERR(err, STATUS_LIMIT, "a name's attribute value has %zu octets, at most %d are allowed", len,
                   NAME_VALUE_MAX);
    if (!utf8_valid(SPAN(value, len)))
        return ERR(err, STATUS_MALFORMED, "a name's attribute value is not well-formed UTF-8");
    return STATUS_OK;
}

enum status name_add(struct name *name, struct span type, const char *value, uint8_t string_tag,
                     bool with_previous, struct err *err)
{
    struct name_ava ava = {.type = BUF(NAME_TYPE_MAX)};
    struct name_ava *avas = NULL;

    if (name->count >= NAME_AVA_MAX)
        return ERR(err, STATUS_LIMIT, "a name has more than %d attributes", NAME_AVA_MAX);
    TRY(check_value(value, err));
    avas = realloc(name->avas, (name->count + 1) * sizeof(*avas));
    if (avas == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    name->avas = avas;
    buf_add(&ava.type, type);
    TRY(buf_status(&ava.type, "a name's attribute type", err));
    ava.value = strdup(value);
    if (ava.value == NULL) {
        ava_free(&ava);
        return ERR(err, STATUS_NOMEM, "out of memory");
    }
    ava.string_tag = string_tag;
    ava.with_previous = with_previous && name->count > 0;
    avas[name->count++] = ava;
    return STATUS_OK;
}

enum status name_copy(const struct name *name, struct name *out, struct err *err)
{
    AUTO(name) struct name copy = {0};

    for (size_t i = 0; i < name->count; i++) {
        const struct name_ava *ava = &name->avas[i];
        TRY(name_add(&copy, buf_span(&ava->type), ava->value, ava->string_tag, ava->with_previous, err));
    }
    name_free(out);
    *out = copy;
    copy = (struct name){0};
    return STATUS_OK;
}

/* ---- from DER ---- */

enum status name_take_value(struct der_reader *reader, struct span type, bool with_previous,
                            struct name *name, struct err *err)
{
    static const char what[] = "attribute value of a name (RFC 5280 section 4.1.2.4)";
    AUTO(buf) struct buf text = BUF(NAME_VALUE_MAX);
    AUTO(heap) char *value = NULL;
    struct der_tlv tlv;

    TRY(der_any(reader, &tlv, what, err));
    if (tlv.tag == DER_VISIBLE_STRING) /* no DirectoryString, and OpenSSL reads no name that has one */
        return ERR(err, STATUS_MALFORMED, "%s: is a VisibleString; use UTF8String or PrintableString", what);
    TRY(der_string_utf8(tlv.tag, tlv.content, &text, what, err));
    value = buf_take_text(&text);
    if (value == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    return name_add(name, type, value, tlv.tag, with_previous, err);
}

/* AttributeTypeAndValue ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY } */
static enum status take_ava(struct der_reader *rdn, bool with_previous, struct name *name, struct err *err)
{
    struct der_reader ava;
    struct span type;

    TRY(der_enter(rdn, DER_SEQUENCE, &ava, "attribute of a name (RFC 5280 section 4.1.2.4)", err));
    TRY(der_take_oid(&ava, &type, "attribute type of a name (RFC 5280 section 4.1.2.4)", err));
    TRY(name_take_value(&ava, type, with_previous, name, err));
    return der_finish(&ava, "attribute of a name (RFC 5280 section 4.1.2.4)", err);
}

/* RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue */
static enum status take_rdn(struct der_reader *names, struct name *name, struct err *err)
{
    struct der_reader rdn;
    bool with_previous = false;

    TRY(der_enter(names, DER_SET, &rdn, "RDN of a name (RFC 5280 section 4.1.2.4)", err));
    do {
        TRY(take_ava(&rdn, with_previous, name, err));
        with_previous = true;
    } while (!der_at_end(&rdn));
    return STATUS_OK;
}

enum status name_decode(struct span der, struct name *out, struct err *err)
{
    AUTO(name) struct name name = {0};
    struct der_reader rdns;

    TRY(der_open_whole(der, DER_SEQUENCE, &rdns, "name (RFC 5280 section 4.1.2.4)", err));
    while (!der_at_end(&rdns))
        TRY(take_rdn(&rdns, &name, err));
    name_free(out);
    *out = name;
    name = (struct name){0};
    return STATUS_OK;
}

/* ---- to DER ---- */

uint32_t name_next_character(const char **next)
{
    uint32_t character = 0;
    size_t len = utf8_next(SPAN(*next, strnlen(*next, 4)), &character);

    if (**next == '\0')
        return 0;
    if (len == 0)
        return NAME_OCTET + (unsigned char)*(*next)++;
    *next += len;
    return character;
}

void name_put_character(struct buf *out, uint32_t character)
{
    if (character < NAME_OCTET)
        utf8_append(out, character);
    else
        buf_add_octet(out, (uint8_t)(character - NAME_OCTET));
}

/* X.680 section 41.4 */
static bool printable_string_has(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c < 0x80 && strchr(" '()+,-./:=?", (int)c) != NULL);
}

static bool string_has(uint8_t tag, uint32_t character)
{
    switch (tag) {
    case DER_NUMERIC_STRING:
        return (character >= '0' && character <= '9') || character == ' ';
    case DER_PRINTABLE_STRING:
        return printable_string_has(character);
    case DER_IA5_STRING:
        return character < 0x80;
    case DER_T61_STRING:
        return character < 0x100;
    case DER_BMP_STRING:
        return character < 0x10000;
    case DER_UNIVERSAL_STRING:
        return character < NAME_OCTET;
    default:
        return false;
    }
}

static bool string_holds(uint8_t tag, const char *value)
{
    const char *next = value;

    for (uint32_t c = name_next_character(&next); c != 0; c = name_next_character(&next))
        if (!string_has(tag, c))
            return false;
    return true;
}

static uint8_t usual_tag(struct span type)
{
    switch (oid_find(type)) {
    case OID_C:
    case OID_SERIAL_NUMBER:
    case OID_DN_QUALIFIER:
        return DER_PRINTABLE_STRING;
    case OID_DC:
    case OID_EMAIL:
        return DER_IA5_STRING;
    default:
        return DER_UTF8_STRING;
    }
}

static void put_characters(struct buf *out, const char *value, unsigned octets_each)
{
    const char *next = value;

    for (uint32_t c = name_next_character(&next); c != 0; c = name_next_character(&next))
        for (unsigned i = octets_each; i > 0; i--)
            buf_add_octet(out, (uint8_t)(c >> 8 * (i - 1)));
}

void name_put_value(const struct name_ava *ava, struct buf *out)
{
    uint8_t tag = ava->string_tag != 0 ? ava->string_tag : usual_tag(buf_span(&ava->type));
    size_t mark = 0;

    if (!string_holds(tag, ava->value))
        tag = DER_UTF8_STRING;
    mark = der_open(out, tag);
    if (tag == DER_UTF8_STRING)
        buf_add_text(out, ava->value);
    else
        put_characters(out, ava->value, tag == DER_BMP_STRING ? 2 : tag == DER_UNIVERSAL_STRING ? 4 : 1);
    der_close(out, mark);
}

static void put_ava(const struct name_ava *ava, struct buf *out)
{
    size_t mark = der_open(out, DER_SEQUENCE);

    der_put(out, DER_OID, buf_span(&ava->type));
    name_put_value(ava, out);
    der_close(out, mark);
}

void name_encode(const struct name *name, struct buf *out)
{
    size_t rdns = der_open(out, DER_SEQUENCE);
    size_t i = 0;

    while (i < name->count) {
        size_t rdn = der_open(out, DER_SET);
        do
            put_ava(&name->avas[i++], out);
        while (i < name->count && name->avas[i].with_previous);
        der_close_set_of(out, rdn);
    }
    der_close(out, rdns);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * General names (RFC 5280 section 4.2.1.6): the list, and from and to DER. What a
 * value of each type must look like is in general_name_check.c. Does not know
 * which names a certificate may carry.
 */
#include "general_name_check.h"

#include "der.h"
#include "text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>

#define SID_URI_PREFIX "tag:microsoft.com,2022-09-14:sid:"

/* GeneralName ::= CHOICE, RFC 5280 section 4.2.1.6 */
enum general_name_tag {
    TAG_OTHER_NAME = DER_CONTEXT_CONSTRUCTED(0),
    TAG_RFC822_NAME = DER_CONTEXT(1),
    TAG_DNS_NAME = DER_CONTEXT(2),
    TAG_X400_ADDRESS = DER_CONTEXT_CONSTRUCTED(3),
    TAG_DIRECTORY_NAME = DER_CONTEXT_CONSTRUCTED(4),
    TAG_EDI_PARTY_NAME = DER_CONTEXT_CONSTRUCTED(5),
    TAG_URI = DER_CONTEXT(6),
    TAG_IP_ADDRESS = DER_CONTEXT(7),
    TAG_REGISTERED_ID = DER_CONTEXT(8),
};

static const char *const type_names[] = {
    [SAN_UPN] = "upn", [SAN_EMAIL] = "email",     [SAN_DNS] = "dns",     [SAN_IP] = "ip",
    [SAN_URI] = "uri", [SAN_SID_URI] = "sid-uri", [SAN_OTHER] = "other",
};

const char *san_type_name(enum san_type type)
{
    return type_names[type];
}

bool san_type_by_name(const char *word, enum san_type *type)
{
    for (int i = SAN_UPN; i < SAN_OTHER; i++) {
        if (strcmp(word, type_names[i]) == 0) {
            *type = (enum san_type)i;
            return true;
        }
    }
    return false;
}

void general_names_free(struct general_names *names)
{
    if (names == NULL)
        return;
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i].text);
    free(names->items);
    *names = (struct general_names){0};
}

static enum status append(struct general_names *names, enum san_type type, const char *text, struct err *err)
{
    struct general_name *items = NULL;
    char *copy = NULL;

    if (names->count >= GENERAL_NAMES_MAX)
        return ERR(err, STATUS_LIMIT, "more than %d subject alternative names", GENERAL_NAMES_MAX);
    items = realloc(names->items, (names->count + 1) * sizeof(*items));
    if (items == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    names->items = items;
    TRY(text_copy(text, &copy, err));
    items[names->count++] = (struct general_name){.type = type, .text = copy};
    return STATUS_OK;
}

/* Behind the prefix of a SID's URI, in any case and also where it hides in percent escapes; NULL if the URI
 * has none. */
static const char *behind_sid_prefix(const char *uri)
{
    for (const char *prefix = SID_URI_PREFIX; *prefix != '\0'; prefix++) {
        unsigned octet = (unsigned char)*uri;
        if (octet == '%' && isxdigit((unsigned char)uri[1]) && isxdigit((unsigned char)uri[2])) {
            const char digits[] = {uri[1], uri[2], '\0'};
            octet = (unsigned)strtoul(digits, NULL, 16);
            uri += 2;
        }
        if (tolower((int)octet) != *prefix)
            return NULL;
        uri++;
    }
    return uri;
}

/* The octets of an address in text; 0 if it is none. */
static size_t ip_octets(const char *text, uint8_t out[16])
{
    if (inet_pton(AF_INET, text, out) == 1)
        return 4;
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

static enum status ip_text(const uint8_t *octets, size_t len, char out[INET6_ADDRSTRLEN], struct err *err)
{
    if (inet_ntop(len == 4 ? AF_INET : AF_INET6, octets, out, INET6_ADDRSTRLEN) == NULL)
        return ERR(err, STATUS_INTERNAL, "cannot write an IP address");
    return STATUS_OK;
}

enum status general_names_add(struct general_names *names, enum san_type type, const char *text,
                              struct err *err)
{
    char usual[INET6_ADDRSTRLEN];
    uint8_t octets[16];

    assert(type != SAN_OTHER);
    TRY(general_name_check(type, text, err));
    if (type == SAN_URI && behind_sid_prefix(text) != NULL)
        return ERR(err, STATUS_MALFORMED, "the URI \"%s\" carries a SID; use the type sid-uri for it", text);
    if (type != SAN_IP)
        return append(names, type, text, err);
    TRY(ip_text(octets, ip_octets(text, octets), usual, err));
    return append(names, type, usual, err);
}

/* ---- from DER ---- */

static const char san_what[] = "subject alternative name (RFC 5280 section 4.2.1.6)";

/* An IA5String or the like as text. */
static enum status take_text(uint8_t string_tag, struct span content, char **out, struct err *err)
{
    AUTO(buf) struct buf text = BUF(GENERAL_NAME_TEXT_MAX);

    if (content.len == 0)
        return ERR(err, STATUS_MALFORMED, "a %s is empty", san_what);
    TRY(der_string_utf8(string_tag, content, &text, san_what, err));
    *out = buf_take_text(&text);
    if (*out == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    return STATUS_OK;
}

static enum status take_ia5(struct general_names *names, enum san_type type, struct span content,
                            struct err *err)
{
    AUTO(heap) char *text = NULL;
    const char *sid = NULL;

    TRY(take_text(DER_IA5_STRING, content, &text, err));
    if (type == SAN_URI)
        sid = behind_sid_prefix(text);
    if (sid != NULL)
        return general_names_add(names, SAN_SID_URI, sid, err);
    return general_names_add(names, type, text, err);
}

static enum status take_ip(struct general_names *names, struct span content, struct err *err)
{
    char text[INET6_ADDRSTRLEN];

    if (content.len != 4 && content.len != 16)
        return ERR(err, STATUS_MALFORMED,
                   "an iPAddress (RFC 5280 section 4.2.1.6) has %zu octets; 4 or 16 are allowed",
                   content.len);
    TRY(ip_text(content.data, content.len, text, err));
    return append(names, SAN_IP, text, err);
}

static enum status take_other_oid(struct general_names *names, const char *kind, struct span oid,
                                  struct err *err)
{
    AUTO(buf) struct buf text = BUF(GENERAL_NAME_TEXT_MAX);

    buf_printf(&text, "%s ", kind);
    oid_text(&text, oid);
    buf_add_octet(&text, '\0');
    TRY(buf_status(&text, san_what, err));
    return append(names, SAN_OTHER, (const char *)text.data, err);
}

/* OtherName ::= SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY } */
static enum status take_other_name(struct general_names *names, struct span content, struct err *err)
{
    AUTO(heap) char *text = NULL;
    struct der_reader reader = der_reader(content);
    struct der_reader wrapped;
    struct der_tlv value;
    struct span oid;

    TRY(der_take_oid(&reader, &oid, "type of an otherName (RFC 5280 section 4.2.1.6)", err));
    TRY(der_enter(&reader, DER_CONTEXT_CONSTRUCTED(0), &wrapped, "value of an otherName", err));
    TRY(der_finish(&reader, "otherName (RFC 5280 section 4.2.1.6)", err));
    TRY(der_any(&wrapped, &value, "value of an otherName", err));
    TRY(der_finish(&wrapped, "value of an otherName (RFC 5280 section 4.2.1.6)", err));
    if (oid_find(oid) != OID_MS_UPN)
        return take_other_oid(names, "otherName", oid, err);
    if (value.tag != DER_UTF8_STRING)
        return ERR(err, STATUS_MALFORMED,
                   "the user principal name in a SAN is not a UTF8String but tag 0x%02x", value.tag);
    TRY(take_text(value.tag, value.content, &text, err));
    return general_names_add(names, SAN_UPN, text, err);
}

static enum status take_directory_name(struct general_names *names, struct span content, struct err *err)
{
    AUTO(name) struct name name = {0};

    TRY(name_decode(content, &name, err));
    return append(names, SAN_OTHER, "directoryName", err);
}

/* EDIPartyName ::= SEQUENCE { nameAssigner [0] DirectoryString OPTIONAL, partyName [1] DirectoryString } */
static enum status take_edi_party_name(struct general_names *names, struct span content, struct err *err)
{
    struct der_reader reader = der_reader(content);
    AUTO(heap) char *text = NULL;

    for (unsigned i = 0; i < 2; i++) {
        struct der_reader string;
        struct der_tlv value;
        if (i == 0 && der_peek(&reader) != DER_CONTEXT_CONSTRUCTED(0))
            continue;
        TRY(der_enter(&reader, DER_CONTEXT_CONSTRUCTED(i), &string, "ediPartyName", err));
        TRY(der_any(&string, &value, "ediPartyName", err));
        TRY(der_finish(&string, "ediPartyName (RFC 5280 section 4.2.1.6)", err));
        free(MOVE(text));
        TRY(take_text(value.tag, value.content, &text, err));
    }
    TRY(der_finish(&reader, "ediPartyName (RFC 5280 section 4.2.1.6)", err));
    return append(names, SAN_OTHER, "ediPartyName", err);
}

/* registeredID [8] IMPLICIT OBJECT IDENTIFIER */
static enum status take_registered_id(struct general_names *names, struct span content, struct err *err)
{
    AUTO(buf) struct buf tlv = BUF(128);
    struct der_reader reader;
    struct span oid;

    der_put(&tlv, DER_OID, content);
    TRY(buf_status(&tlv, "registeredID (RFC 5280 section 4.2.1.6)", err));
    reader = der_reader(buf_span(&tlv));
    TRY(der_take_oid(&reader, &oid, "registeredID (RFC 5280 section 4.2.1.6)", err));
    return take_other_oid(names, "registeredID", oid, err);
}

static enum status take_general_name(struct der_reader *reader, struct general_names *names, struct err *err)
{
    struct der_tlv tlv;

    TRY(der_any(reader, &tlv, san_what, err));
    switch (tlv.tag) {
    case TAG_OTHER_NAME:
        return take_other_name(names, tlv.content, err);
    case TAG_RFC822_NAME:
        return take_ia5(names, SAN_EMAIL, tlv.content, err);
    case TAG_DNS_NAME:
        return take_ia5(names, SAN_DNS, tlv.content, err);
    case TAG_X400_ADDRESS:
        return append(names, SAN_OTHER, "x400Address", err);
    case TAG_DIRECTORY_NAME:
        return take_directory_name(names, tlv.content, err);
    case TAG_EDI_PARTY_NAME:
        return take_edi_party_name(names, tlv.content, err);
    case TAG_URI:
        return take_ia5(names, SAN_URI, tlv.content, err);
    case TAG_IP_ADDRESS:
        return take_ip(names, tlv.content, err);
    case TAG_REGISTERED_ID:
        return take_registered_id(names, tlv.content, err);
    default:
        return ERR(err, STATUS_MALFORMED, "tag 0x%02x is no kind of %s", tlv.tag, san_what);
    }
}

enum status general_names_decode(struct span der, struct general_names *out, struct err *err)
{
    AUTO(general_names) struct general_names names = {0};
    struct der_reader reader;

    TRY(der_open_whole(der, DER_SEQUENCE, &reader, san_what, err));
    do
        TRY(take_general_name(&reader, &names, err));
    while (!der_at_end(&reader));
    general_names_free(out);
    *out = names;
    names = (struct general_names){0};
    return STATUS_OK;
}

/* ---- to DER ---- */

static void put_upn(struct buf *out, const char *upn)
{
    size_t name = der_open(out, TAG_OTHER_NAME);
    size_t value = 0;

    der_put_oid(out, OID_MS_UPN);
    value = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    der_put(out, DER_UTF8_STRING, SPAN_STR(upn));
    der_close(out, value);
    der_close(out, name);
}

static void put_sid_uri(struct buf *out, const char *sid)
{
    size_t uri = der_open(out, TAG_URI);

    buf_add_text(out, SID_URI_PREFIX);
    buf_add_text(out, sid);
    der_close(out, uri);
}

static void put_general_name(struct buf *out, const struct general_name *name)
{
    uint8_t octets[16];

    assert(name->type != SAN_OTHER);
    switch (name->type) {
    case SAN_UPN:
        put_upn(out, name->text);
        break;
    case SAN_EMAIL:
        der_put(out, TAG_RFC822_NAME, SPAN_STR(name->text));
        break;
    case SAN_DNS:
        der_put(out, TAG_DNS_NAME, SPAN_STR(name->text));
        break;
    case SAN_IP:
        der_put(out, TAG_IP_ADDRESS, SPAN(octets, ip_octets(name->text, octets)));
        break;
    case SAN_URI:
        der_put(out, TAG_URI, SPAN_STR(name->text));
        break;
    case SAN_SID_URI:
        put_sid_uri(out, name->text);
        break;
    case SAN_OTHER:
        break;
    }
}

void general_names_encode(const struct general_names *names, struct buf *out)
{
    size_t mark = der_open(out, DER_SEQUENCE);

    assert(names->count > 0);
    for (size_t i = 0; i < names->count; i++)
        put_general_name(out, &names->items[i]);
    der_close(out, mark);
}

/* ---- comparing and showing ---- */

/* RFC 5280 section 4.2.1.6: the domain without regard to case, the local part with it. */
static bool email_equal(const char *a, const char *b)
{
    const char *at_a = strchr(a, '@');
    const char *at_b = strchr(b, '@');

    if (at_a == NULL || at_b == NULL)
        return strcmp(a, b) == 0;
    return span_equal(SPAN(a, (size_t)(at_a - a)), SPAN(b, (size_t)(at_b - b))) &&
           text_equal_nocase(at_a, at_b);
}

static bool general_name_equal(const struct general_name *a, const struct general_name *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == SAN_DNS)
        return text_equal_nocase(a->text, b->text);
    return a->type == SAN_EMAIL ? email_equal(a->text, b->text) : strcmp(a->text, b->text) == 0;
}

bool general_names_equal(const struct general_names *a, const struct general_names *b)
{
    uint64_t taken = 0;

    _Static_assert(GENERAL_NAMES_MAX <= 64, "one bit per name");
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        size_t j = 0;
        while (j < b->count && ((taken >> j & 1) != 0 || !general_name_equal(&a->items[i], &b->items[j])))
            j++;
        if (j == b->count)
            return false;
        taken |= UINT64_C(1) << j;
    }
    return true;
}

void general_names_text(const struct general_names *names, struct buf *out)
{
    for (size_t i = 0; i < names->count; i++)
        buf_printf(out, "%s%s=%s", i > 0 ? ", " : "", san_type_name(names->items[i].type),
                   names->items[i].text);
}

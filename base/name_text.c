/* SPDX-License-Identifier: Apache-2.0
 *
 * Names as RFC 4514 text, both ways. Does not know quoted values (RFC 1779) nor
 * which attributes make sense.
 */
#include "name_private.h"

#include "text.h"
#include "utf8.h"

#include <ctype.h>

/* ---- printing ---- */

/* The short name that stands for an attribute type in text, or NULL. */
static const char *attribute_name(struct span type)
{
    enum oid oid = oid_find(type);

    return oid >= OID_CN && oid <= OID_UNSTRUCTURED_ADDRESS ? oid_name(oid) : NULL;
}

static void put_hex_pairs(struct buf *out, const char *from, const char *to)
{
    for (const char *octet = from; octet < to; octet++)
        buf_printf(out, "\\%02X", (unsigned)(unsigned char)*octet);
}

/* RFC 4514 section 2.4 */
static void put_escaped(struct buf *out, const char *value)
{
    const char *next = value;

    for (const char *at = value; *at != '\0'; at = next) {
        uint32_t c = name_next_character(&next);
        bool first = at == value;
        bool last = *next == '\0';
        if (utf8_is_control(c)) {
            put_hex_pairs(out, at, next);
            continue;
        }
        if ((c < 0x80 && strchr("\"+,;<>\\", (int)c) != NULL) || (first && c == '#') ||
            (c == ' ' && (first || last)))
            buf_add_octet(out, '\\');
        buf_add(out, SPAN(at, (size_t)(next - at)));
    }
}

static void put_hex_value(struct buf *out, const struct name_ava *ava)
{
    AUTO(buf) struct buf der = BUF(4 * NAME_VALUE_MAX + 8);

    name_put_value(ava, &der);
    if (der.failed != STATUS_OK && out->failed == STATUS_OK)
        out->failed = der.failed;
    buf_add_octet(out, '#');
    hex_encode(out, buf_span(&der));
}

static void put_ava(struct buf *out, const struct name_ava *ava)
{
    const char *type = attribute_name(buf_span(&ava->type));

    if (type != NULL) {
        buf_printf(out, "%s=", type);
        put_escaped(out, ava->value);
    } else {
        oid_text(out, buf_span(&ava->type));
        buf_add_octet(out, '=');
        put_hex_value(out, ava);
    }
}

void name_text(const struct name *name, struct buf *out)
{
    for (size_t end = name->count; end > 0;) {
        size_t first = end - 1;
        while (first > 0 && name->avas[first].with_previous)
            first--;
        if (end < name->count)
            buf_add_octet(out, ',');
        for (size_t i = first; i < end; i++) {
            if (i > first)
                buf_add_octet(out, '+');
            put_ava(out, &name->avas[i]);
        }
        end = first;
    }
}

enum status name_text_copy(const struct name *name, char **out, struct err *err)
{
    AUTO(buf) struct buf text = BUF(NAME_AVA_MAX * (16 * NAME_VALUE_MAX));
    char *copy = NULL;

    name_text(name, &text);
    TRY(buf_status(&text, "a name's text", err));
    copy = buf_take_text(&text);
    if (copy == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    *out = copy;
    return STATUS_OK;
}

/* ---- parsing ---- */

struct parser {
    const char *text;
    const char *next;
    struct name name; /* in the order of the text */
    struct err *err;
};

static enum status fail(const struct parser *parser, const char *reason)
{
    return ERR(parser->err, STATUS_MALFORMED, "name \"%.300s\", character %zu: %s", parser->text,
               (size_t)(parser->next - parser->text) + 1, reason);
}

static void skip_blanks(struct parser *parser)
{
    while (*parser->next == ' ')
        parser->next++;
}

static bool is_type_character(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '.';
}

/* Appends the content octets of "CN", "2.5.4.3" or "OID.2.5.4.3" to type, and moves behind the '='. */
static enum status parse_type(struct parser *parser, struct buf *type)
{
    char word[128];
    const char *start = parser->next;
    size_t len = 0;
    const char *dotted = word;
    enum oid oid = OID_UNKNOWN;
    enum status status = STATUS_OK;

    while (is_type_character(start[len]))
        len++;
    if (len == 0)
        return fail(parser, "an attribute type such as CN or 2.5.4.3 is expected here");
    if (len >= sizeof(word))
        return fail(parser, "the attribute type is too long");
    memcpy(word, start, len);
    word[len] = '\0';
    if (strncasecmp(word, "OID.", 4) == 0)
        dotted += 4;
    oid = oid_by_name(word);
    if (oid != OID_UNKNOWN)
        buf_add(type, oid_octets(oid));
    else
        status = isdigit((unsigned char)*dotted) ? oid_parse(dotted, type, parser->err) : STATUS_MALFORMED;
    if (status == STATUS_NOMEM)
        return status;
    if (status != STATUS_OK)
        return fail(parser, "unknown attribute type; known ones are CN, O, OU, C, L, ST, STREET, DC, UID, "
                            "serialNumber, emailAddress …, or a dotted OID");
    TRY(buf_status(type, "attribute type", parser->err));
    parser->next += len;
    skip_blanks(parser);
    if (*parser->next != '=')
        return fail(parser, "'=' is expected behind the attribute type");
    parser->next++;
    skip_blanks(parser);
    return STATUS_OK;
}

/* hexstring = SHARP 1*hexpair: the DER of the value */
static enum status parse_hex_value(struct parser *parser, struct span type, bool with_previous)
{
    AUTO(buf) struct buf der = BUF(4 * NAME_VALUE_MAX + 8);
    AUTO(heap) char *digits = NULL;
    const char *start = parser->next + 1;
    size_t len = 0;
    struct der_reader reader;
    enum status status = STATUS_OK;

    while (isxdigit((unsigned char)start[len]))
        len++;
    if (len == 0 || len % 2 != 0)
        return fail(parser, "pairs of hexadecimal digits are expected behind '#'; write \\# for the sign");
    digits = strndup(start, len);
    if (digits == NULL)
        return ERR(parser->err, STATUS_NOMEM, "out of memory");
    status = hex_decode(digits, &der, parser->err);
    if (status == STATUS_NOMEM)
        return status;
    if (status != STATUS_OK)
        return fail(parser, "the hexadecimal value cannot be read or is too long");
    reader = der_reader(buf_span(&der));
    TRY(name_take_value(&reader, type, with_previous, &parser->name, parser->err));
    if (!der_at_end(&reader))
        return fail(parser, "the hexadecimal value has octets behind its DER string");
    parser->next = start + len;
    return STATUS_OK;
}

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

/* pair = ESC ( ESC / special / hexpair ) */
static enum status parse_escape(struct parser *parser, struct buf *value)
{
    const char *at = parser->next;

    if (at[1] != '\0' && strchr("\"+,;<>\\ #=", at[1]) != NULL) {
        buf_add_octet(value, (uint8_t)at[1]);
        parser->next += 2;
        return STATUS_OK;
    }
    if (!isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2]))
        return fail(parser, "behind '\\' stands one of \" + , ; < > \\ # = or a blank, or two hexadecimal "
                            "digits");
    if (at[1] == '0' && at[2] == '0')
        return fail(parser, "a NUL character (\\00) is not allowed in a name");
    buf_add_octet(value, (uint8_t)(hex_digit(at[1]) << 4 | hex_digit(at[2])));
    parser->next += 3;
    return STATUS_OK;
}

/* Characters up to the next separator, blanks before it left out unless escaped. */
static enum status parse_characters(struct parser *parser, struct buf *value)
{
    size_t blanks = 0;

    while (*parser->next != '\0' && strchr(",;+", *parser->next) == NULL) {
        if (*parser->next == ' ') {
            blanks++;
            parser->next++;
            continue;
        }
        for (; blanks > 0; blanks--)
            buf_add_octet(value, ' ');
        if (*parser->next == '\\') {
            TRY(parse_escape(parser, value));
            continue;
        }
        if (strchr("\"<>", *parser->next) != NULL)
            return fail(parser, "the characters \" < > must be escaped with '\\'");
        buf_add_octet(value, (uint8_t)*parser->next++);
    }
    return buf_status(value, "attribute value of a name", parser->err);
}

static enum status parse_string_value(struct parser *parser, struct span type, bool with_previous)
{
    AUTO(buf) struct buf octets = BUF(NAME_VALUE_MAX);
    AUTO(heap) char *value = NULL;

    TRY(parse_characters(parser, &octets));
    if (!utf8_valid(buf_span(&octets)))
        return fail(parser, "the value before this place is not well-formed UTF-8");
    value = buf_take_text(&octets);
    if (value == NULL)
        return ERR(parser->err, STATUS_NOMEM, "out of memory");
    return name_add(&parser->name, type, value, 0, with_previous, parser->err);
}

static enum status parse_ava(struct parser *parser, bool with_previous)
{
    AUTO(buf) struct buf type = BUF(NAME_TYPE_MAX);

    skip_blanks(parser);
    TRY(parse_type(parser, &type));
    if (*parser->next != '#')
        return parse_string_value(parser, buf_span(&type), with_previous);
    TRY(parse_hex_value(parser, buf_span(&type), with_previous));
    skip_blanks(parser);
    if (*parser->next != '\0' && strchr(",;+", *parser->next) == NULL)
        return fail(parser, "',' or '+' is expected behind a hexadecimal value");
    return STATUS_OK;
}

static enum status parse_all(struct parser *parser)
{
    bool with_previous = false;

    skip_blanks(parser);
    if (*parser->next == '\0')
        return STATUS_OK;
    for (;;) {
        TRY(parse_ava(parser, with_previous));
        if (*parser->next == '\0')
            return STATUS_OK;
        with_previous = *parser->next++ == '+';
    }
}

/* The RDNs the other way round; attributes within an RDN keep their order. */
static enum status reverse_rdns(const struct name *name, struct name *out, struct err *err)
{
    AUTO(name) struct name reversed = {0};

    for (size_t end = name->count; end > 0;) {
        size_t first = end - 1;
        while (first > 0 && name->avas[first].with_previous)
            first--;
        for (size_t i = first; i < end; i++) {
            const struct name_ava *ava = &name->avas[i];
            TRY(name_add(&reversed, buf_span(&ava->type), ava->value, ava->string_tag, i > first, err));
        }
        end = first;
    }
    name_free(out);
    *out = reversed;
    reversed = (struct name){0};
    return STATUS_OK;
}

enum status name_parse(const char *text, struct name *out, struct err *err)
{
    struct parser parser = {.text = text, .next = text, .err = err};
    enum status status = parse_all(&parser);

    if (status == STATUS_OK)
        status = reverse_rdns(&parser.name, out, err);
    name_free(&parser.name);
    return status;
}

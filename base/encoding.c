/* SPDX-License-Identifier: Apache-2.0
 *
 * Octets as hex, base64 and PEM. OpenSSL's block functions do the arithmetic; what they pass over in
 * silence (white space, an early '-', anything behind a pad) is refused here first.
 * PEM with headers or encryption is not read.
 */
#include "text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define BASE64_LINE_OCTETS 48 /* 64 columns (RFC 7468 section 2) */
#define BASE64_LINE        64

/* ---- hex ---- */

void hex_encode(struct buf *out, struct span octets)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < octets.len; i++) {
        buf_add_octet(out, (uint8_t)digits[octets.data[i] >> 4]);
        buf_add_octet(out, (uint8_t)digits[octets.data[i] & 0x0f]);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum status hex_decode_digits(const char *text, struct buf *out, struct err *err)
{
    int high = -1;
    for (const char *next = text; *next != '\0'; next++) {
        if (*next == ' ' || *next == ':')
            continue;
        int digit = hex_digit(*next);
        if (digit < 0)
            return ERR(err, STATUS_MALFORMED,
                       "\"%.80s\" is not hexadecimal: only 0-9, a-f, blanks and colons are allowed", text);
        if (high >= 0)
            buf_add_octet(out, (uint8_t)(high << 4 | digit));
        high = high >= 0 ? -1 : digit;
    }
    if (high >= 0)
        return ERR(err, STATUS_MALFORMED, "\"%.80s\" has an odd number of hexadecimal digits", text);
    return buf_status(out, "the hexadecimal text", err);
}

enum status hex_decode(const char *text, struct buf *out, struct err *err)
{
    size_t before = out->len;
    const char *digits = text + strspn(text, " ");
    if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
        digits += 2;
    enum status status = hex_decode_digits(digits, out, err);
    if (status != STATUS_OK)
        out->len = before;
    return status;
}

/* ---- base64 ---- */

/* Up to 48 octets as up to 64 characters. */
static void base64_encode_line(struct buf *out, struct span octets)
{
    uint8_t line[BASE64_LINE + 1];
    int len = EVP_EncodeBlock(line, octets.data, (int)octets.len);
    buf_add(out, SPAN(line, (size_t)len));
    OPENSSL_cleanse(line, sizeof(line));
}

static struct span span_first(struct span octets, size_t most)
{
    return SPAN(octets.data, octets.len < most ? octets.len : most);
}

static struct span span_behind(struct span octets, size_t n)
{
    return SPAN(octets.data + n, octets.len - n);
}

void base64_encode(struct buf *out, struct span octets)
{
    while (octets.len > 0) {
        struct span line = span_first(octets, BASE64_LINE_OCTETS);
        base64_encode_line(out, line);
        octets = span_behind(octets, line.len);
    }
}

struct base64_reader {
    struct buf *out;
    uint8_t line[BASE64_LINE]; /* characters of the standard alphabet that wait */
    size_t waiting;
    size_t pads;
};

/* Decodes what waits, an incomplete group filled up with zero bits that are cut off again. */
static bool base64_flush(struct base64_reader *reader)
{
    uint8_t octets[BASE64_LINE_OCTETS];
    size_t missing = (4 - reader->waiting % 4) % 4;
    memset(reader->line + reader->waiting, 'A', missing);
    int len = EVP_DecodeBlock(octets, reader->line, (int)(reader->waiting + missing));
    bool whole = missing < 3 && len >= (int)missing;
    if (whole)
        buf_add(reader->out, SPAN(octets, (size_t)len - missing));
    reader->waiting = 0;
    OPENSSL_cleanse(octets, sizeof(octets));
    return whole;
}

/* The character of the standard alphabet that is meant; 0: none. */
static uint8_t base64_standard(uint8_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/')
        return c;
    if (c == '-' || c == ' ')
        return '+';
    return c == '_' ? '/' : 0;
}

static enum status base64_take(struct base64_reader *reader, uint8_t octet, size_t at, struct err *err)
{
    if (octet == '\r' || octet == '\n' || octet == '\t')
        return STATUS_OK;
    if (octet == '=') {
        reader->pads++;
        return reader->pads <= 2 ? STATUS_OK : ERR(err, STATUS_MALFORMED, "base64 with more than two pads");
    }
    uint8_t c = base64_standard(octet);
    if (c == 0)
        return ERR(err, STATUS_MALFORMED, "base64 with the octet 0x%02x at offset %zu", octet, at);
    if (reader->pads > 0)
        return ERR(err, STATUS_MALFORMED, "base64 that goes on behind its pad at offset %zu", at);
    if (reader->waiting == sizeof(reader->line) && !base64_flush(reader))
        return ERR(err, STATUS_INTERNAL, "OpenSSL could not decode base64");
    reader->line[reader->waiting++] = c;
    return STATUS_OK;
}

static enum status base64_finish(struct base64_reader *reader, struct err *err)
{
    size_t over = reader->waiting % 4;
    if (over == 1 || (reader->pads > 0 && (over + reader->pads) != 4))
        return ERR(err, STATUS_MALFORMED, "base64 that ends within a group of four characters");
    if (!base64_flush(reader))
        return ERR(err, STATUS_INTERNAL, "OpenSSL could not decode base64");
    return buf_status(reader->out, "the base64 text", err);
}

static enum status base64_read(struct base64_reader *reader, struct span text, struct err *err)
{
    for (size_t i = 0; i < text.len; i++)
        TRY(base64_take(reader, text.data[i], i, err));
    return base64_finish(reader, err);
}

enum status base64_decode(struct span text, struct buf *out, struct err *err)
{
    struct base64_reader reader = {.out = out};
    size_t before = out->len;
    enum status status = base64_read(&reader, text, err);
    OPENSSL_cleanse(reader.line, sizeof(reader.line));
    if (status != STATUS_OK)
        out->len = before;
    return status;
}

/* ---- PEM ---- */

#define PEM_BEGIN "-----BEGIN "
#define PEM_END   "-----END "
#define PEM_DASH  "-----"

void pem_encode(struct buf *out, const char *label, struct span der)
{
    buf_printf(out, PEM_BEGIN "%s" PEM_DASH "\n", label);
    while (der.len > 0) {
        struct span line = span_first(der, BASE64_LINE_OCTETS);
        base64_encode_line(out, line);
        buf_add_octet(out, '\n');
        der = span_behind(der, line.len);
    }
    buf_printf(out, PEM_END "%s" PEM_DASH "\n", label);
}

/* Splits text at the first occurrence of mark: *before it and *behind it. */
static bool span_split(struct span text, struct span mark, struct span *before, struct span *behind)
{
    const uint8_t *at = text.len > 0 ? memmem(text.data, text.len, mark.data, mark.len) : NULL;
    if (at == NULL)
        return false;
    size_t offset = (size_t)(at - text.data);
    *before = SPAN(text.data, offset);
    *behind = span_behind(text, offset + mark.len);
    return true;
}

static bool octet_is_space(uint8_t octet)
{
    return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
}

static struct span span_trim(struct span text)
{
    while (text.len > 0 && octet_is_space(text.data[0]))
        text = span_behind(text, 1);
    while (text.len > 0 && octet_is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* The body's lines one by one, so that blanks around a line are layout and only one within it is a '+'. */
static enum status pem_take_lines(struct base64_reader *reader, struct span body, struct err *err)
{
    while (body.len > 0) {
        const uint8_t *newline = memchr(body.data, '\n', body.len);
        size_t len = newline != NULL ? (size_t)(newline - body.data) + 1 : body.len;
        struct span line = span_trim(span_first(body, len));
        for (size_t i = 0; i < line.len; i++)
            TRY(base64_take(reader, line.data[i], i, err));
        body = span_behind(body, len);
    }
    return base64_finish(reader, err);
}

/* URL-safe letters have no place here (RFC 7468 section 3): a dash is a broken or missing END line. */
static enum status pem_body(struct span body, const char *label, struct buf *out, struct err *err)
{
    if (body.len == 0 || memchr(body.data, '-', body.len) != NULL || memchr(body.data, '_', body.len) != NULL)
        return ERR(err, STATUS_MALFORMED, "the PEM block %s is empty or holds '-' or '_'", label);
    struct base64_reader reader = {.out = out};
    size_t before = out->len;
    enum status status = pem_take_lines(&reader, body, err);
    OPENSSL_cleanse(reader.line, sizeof(reader.line));
    if (status == STATUS_OK && out->len == before)
        status = ERR(err, STATUS_MALFORMED, "no octets");
    if (status == STATUS_OK)
        return STATUS_OK;
    out->len = before;
    (void)err_prefix(err, "the PEM block %s: ", label);
    return status;
}

static const char *pem_label(struct span label, const char *const *labels)
{
    for (size_t i = 0; labels[i] != NULL; i++) {
        if (span_equal(label, SPAN_STR(labels[i])))
            return labels[i];
    }
    return NULL;
}

/* Moves *rest behind the next BEGIN line that bears one of the labels. */
static const char *pem_find(struct span *rest, const char *const *labels)
{
    struct span skipped = SPAN_NONE;
    struct span label = SPAN_NONE;
    while (span_split(*rest, SPAN_STR(PEM_BEGIN), &skipped, rest)) {
        struct span behind = SPAN_NONE;
        if (!span_split(*rest, SPAN_STR(PEM_DASH), &label, &behind))
            return NULL;
        const char *wanted = pem_label(label, labels);
        if (wanted != NULL) {
            *rest = behind;
            return wanted;
        }
    }
    return NULL;
}

static enum status pem_not_found(const char *const *labels, struct err *err)
{
    AUTO(buf) struct buf wanted = BUF(512);
    for (size_t i = 0; labels[i] != NULL; i++)
        buf_printf(&wanted, "%s%s", i > 0 ? " or " : "", labels[i]);
    return ERR(err, STATUS_NOT_FOUND, "no PEM block %.*s", (int)wanted.len,
               wanted.len > 0 ? (const char *)wanted.data : "");
}

enum status pem_next(struct span *rest, const char *const *labels, struct buf *out, const char **found,
                     struct err *err)
{
    struct span left = *rest;
    const char *label = pem_find(&left, labels);
    if (label == NULL)
        return pem_not_found(labels, err);
    AUTO(buf) struct buf end = BUF(256);
    buf_printf(&end, PEM_END "%s" PEM_DASH, label);
    TRY(buf_status(&end, "a PEM label", err));
    struct span body = SPAN_NONE;
    if (!span_split(left, buf_span(&end), &body, &left))
        return ERR(err, STATUS_MALFORMED, "the PEM block %s has no END line", label);
    TRY(pem_body(body, label, out, err));
    *rest = left;
    if (found != NULL)
        *found = label;
    return STATUS_OK;
}

enum status pem_decode(struct span text, const char *const *labels, struct buf *out, const char **found,
                       struct err *err)
{
    return pem_next(&text, labels, out, found, err);
}

enum status der_from_any(struct span octets, const char *const *labels, struct buf *out, struct err *err)
{
    const uint8_t sequence = 0x30;
    if (octets.len > 0 && octets.data[0] == sequence) {
        buf_add(out, octets);
        return buf_status(out, "the DER", err);
    }
    struct span text = span_trim(octets);
    if (text.len > 0 && memmem(text.data, text.len, PEM_BEGIN, strlen(PEM_BEGIN)) != NULL)
        return pem_decode(text, labels, out, NULL, err);
    size_t before = out->len;
    enum status status = base64_decode(text, out, err);
    if (status == STATUS_MALFORMED || (status == STATUS_OK && out->len == before))
        return ERR(err, STATUS_MALFORMED, "neither PEM nor DER nor base64 of DER");
    if (status == STATUS_OK && out->data[before] != sequence) {
        out->len = before;
        return ERR(err, STATUS_MALFORMED, "base64 of something that is not DER");
    }
    return status;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the text of a general name must look like, by type: syntax only. Whether a
 * host or person exists and who may have the name is for others.
 */
#include "general_name_check.h"

#include "text.h"

#include <arpa/inet.h>
#include <ctype.h>

#define DNS_NAME_MAX  253
#define DNS_LABEL_MAX 63

/* Printable ASCII without blanks. */
static bool is_graphic(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= 0x20 || *text >= 0x7f)
            return false;
    return true;
}

/* Exactly one '@' with something on both sides. */
static bool has_one_at(const char *text)
{
    const char *at = strchr(text, '@');

    return at != NULL && at > text && at[1] != '\0' && strchr(at + 1, '@') == NULL;
}

static enum status check_upn(const char *text, struct err *err)
{
    if (!utf8_printable(SPAN_STR(text)) || !has_one_at(text) || strchr(text, ' ') != NULL)
        return ERR(err, STATUS_MALFORMED,
                   "\"%s\" is no user principal name: user@REALM with one '@', without blanks and control "
                   "characters",
                   text);
    return STATUS_OK;
}

static enum status check_email(const char *text, struct err *err)
{
    if (!is_graphic(text) || !has_one_at(text) || strpbrk(text, "<>,;:\"()\\") != NULL)
        return ERR(err, STATUS_MALFORMED,
                   "\"%s\" is no e-mail address: local@domain in ASCII with one '@', without blanks and "
                   "<>,;:\"()\\",
                   text);
    return STATUS_OK;
}

/* One label of letters, digits, '-' and '_', no '-' at its ends; *next moves behind it. */
static bool take_label(const char **next)
{
    const char *start = *next;
    size_t len = 0;

    while (isalnum((unsigned char)start[len]) || start[len] == '-' || start[len] == '_')
        len++;
    *next += len;
    return len > 0 && len <= DNS_LABEL_MAX && start[0] != '-' && start[len - 1] != '-';
}

static bool is_dns_name(const char *text)
{
    const char *next = strncmp(text, "*.", 2) == 0 ? text + 2 : text;

    if (strlen(text) > DNS_NAME_MAX)
        return false;
    for (;;) {
        if (!take_label(&next))
            return false;
        if (*next == '\0')
            return true;
        if (*next++ != '.')
            return false;
    }
}

static enum status check_dns(const char *text, struct err *err)
{
    if (!is_dns_name(text))
        return ERR(
            err, STATUS_MALFORMED,
            "\"%s\" is no DNS name: labels of letters, digits, '-' and '_' separated by dots, 63 octets "
            "each and 253 in all, perhaps \"*.\" in front; other alphabets as xn--",
            text);
    return STATUS_OK;
}

static enum status check_ip(const char *text, struct err *err)
{
    uint8_t octets[16];

    if (inet_pton(AF_INET, text, octets) != 1 && inet_pton(AF_INET6, text, octets) != 1)
        return ERR(err, STATUS_MALFORMED, "\"%s\" is no IP address such as 192.0.2.1 or 2001:db8::1", text);
    return STATUS_OK;
}

/* RFC 3986 section 4.3, with the characters of section 2 */
static enum status check_uri(const char *text, struct err *err)
{
    const char *colon = strchr(text, ':');
    bool good = colon != NULL && isalpha((unsigned char)text[0]) && colon[1] != '\0' && is_graphic(text) &&
                strpbrk(text, "\"<>\\^`{|}") == NULL;

    for (const char *c = text; good && c < colon; c++)
        good = isalnum((unsigned char)*c) || strchr("+-.", *c) != NULL;
    if (!good)
        return ERR(err, STATUS_MALFORMED,
                   "\"%s\" is no absolute URI: scheme:rest in ASCII without blanks and \"<>\\^`{|}", text);
    return STATUS_OK;
}

/* A decimal number without leading zeros, at most max; *next moves behind it. */
static bool take_number(const char **next, uint64_t max)
{
    const char *start = *next;
    uint64_t value = 0;

    while (isdigit((unsigned char)**next)) {
        value = value * 10 + (uint64_t)(**next - '0');
        if (value > max)
            return false;
        (*next)++;
    }
    return *next > start && (start[0] != '0' || *next == start + 1);
}

/* [MS-DTYP] section 2.4.2.1: S-1-authority, then 1 to 15 sub-authorities */
static bool is_sid(const char *text)
{
    const char *next = text + 4;
    unsigned subs = 0;

    if (strncmp(text, "S-1-", 4) != 0 || !take_number(&next, (UINT64_C(1) << 48) - 1))
        return false;
    for (; *next == '-'; subs++) {
        next++;
        if (!take_number(&next, UINT32_MAX))
            return false;
    }
    return *next == '\0' && subs >= 1 && subs <= 15;
}

static enum status check_sid(const char *text, struct err *err)
{
    if (!is_sid(text))
        return ERR(err, STATUS_MALFORMED, "\"%s\" is no security identifier such as S-1-5-21-1-2-3-1104",
                   text);
    return STATUS_OK;
}

enum status general_name_check(enum san_type type, const char *text, struct err *err)
{
    if (strlen(text) > GENERAL_NAME_TEXT_MAX)
        return ERR(err, STATUS_LIMIT, "a subject alternative name of %zu octets; at most %d are allowed",
                   strlen(text), GENERAL_NAME_TEXT_MAX);
    switch (type) {
    case SAN_UPN:
        return check_upn(text, err);
    case SAN_EMAIL:
        return check_email(text, err);
    case SAN_DNS:
        return check_dns(text, err);
    case SAN_IP:
        return check_ip(text, err);
    case SAN_URI:
        return check_uri(text, err);
    case SAN_SID_URI:
        return check_sid(text, err);
    case SAN_OTHER:
        break;
    }
    return ERR(err, STATUS_MALFORMED, "a subject alternative name of this kind cannot be written");
}

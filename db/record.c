/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows themselves: words for their enums, serial numbers as text, and freeing.
 * It knows no database.
 */
#include "record.h"

#include "text.h"

static const char *const DISPOSITION_NAMES[] = {
    [DISPOSITION_ISSUED] = "issued",
    [DISPOSITION_PENDING] = "pending",
    [DISPOSITION_DENIED] = "denied",
    [DISPOSITION_FAILED] = "failed",
};

static const char *const STATUS_NAMES[] = {
    [CERTIFICATE_VALID] = "valid",
    [CERTIFICATE_EXPIRED] = "expired",
    [CERTIFICATE_REVOKED] = "revoked",
    [CERTIFICATE_HELD] = "held",
};

/* RFC 5280 section 5.3.1; 7 is not used. */
static const char *const REASON_NAMES[] = {
    [REASON_UNSPECIFIED] = "unspecified",
    [REASON_KEY_COMPROMISE] = "keyCompromise",
    [REASON_CA_COMPROMISE] = "cACompromise",
    [REASON_AFFILIATION_CHANGED] = "affiliationChanged",
    [REASON_SUPERSEDED] = "superseded",
    [REASON_CESSATION_OF_OPERATION] = "cessationOfOperation",
    [REASON_CERTIFICATE_HOLD] = "certificateHold",
    [REASON_REMOVE_FROM_CRL] = "removeFromCRL",
    [REASON_PRIVILEGE_WITHDRAWN] = "privilegeWithdrawn",
    [REASON_AA_COMPROMISE] = "aACompromise",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *disposition_name(enum disposition disposition)
{
    return DISPOSITION_NAMES[disposition];
}

bool disposition_by_name(const char *word, enum disposition *disposition)
{
    for (size_t i = 0; i < COUNT(DISPOSITION_NAMES); i++)
        if (strcmp(word, DISPOSITION_NAMES[i]) == 0) {
            *disposition = (enum disposition)i;
            return true;
        }
    return false;
}

const char *certificate_status_name(enum certificate_status status)
{
    return STATUS_NAMES[status];
}

bool certificate_status_by_name(const char *word, enum certificate_status *status)
{
    for (size_t i = 0; i < COUNT(STATUS_NAMES); i++)
        if (strcmp(word, STATUS_NAMES[i]) == 0) {
            *status = (enum certificate_status)i;
            return true;
        }
    return false;
}

const char *crl_reason_name(enum crl_reason reason)
{
    if (reason < 0 || (size_t)reason >= COUNT(REASON_NAMES))
        return NULL;
    return REASON_NAMES[reason];
}

bool crl_reason_by_name(const char *word, enum crl_reason *reason)
{
    for (size_t i = 0; i < COUNT(REASON_NAMES); i++)
        if (i != REASON_REMOVE_FROM_CRL && REASON_NAMES[i] != NULL &&
            text_equal_nocase(word, REASON_NAMES[i])) {
            *reason = (enum crl_reason)i;
            return true;
        }
    return false;
}

enum certificate_status certificate_row_status(const struct certificate_row *row, int64_t now_s)
{
    if (row->reason == REASON_CERTIFICATE_HOLD)
        return CERTIFICATE_HELD;
    if (row->reason != REASON_NONE)
        return CERTIFICATE_REVOKED;
    return row->not_after_s < now_s ? CERTIFICATE_EXPIRED : CERTIFICATE_VALID;
}

/* ---- serial numbers ---- */

void serial_text(const struct serial *serial, char out[2 * SERIAL_MAX + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < serial->len; i++) {
        out[2 * i] = digits[serial->octets[i] >> 4];
        out[2 * i + 1] = digits[serial->octets[i] & 15];
    }
    out[2 * serial->len] = '\0';
}

enum status serial_from(struct span octets, struct serial *out, struct err *err)
{
    while (octets.len > 0 && octets.data[0] == 0) {
        octets.data++;
        octets.len--;
    }
    if (octets.len == 0)
        return ERR(err, STATUS_MALFORMED, "a serial number of zero: it must be positive");
    if (octets.len > SERIAL_MAX)
        return ERR(err, STATUS_LIMIT, "a serial number of %zu octets: at most %d are allowed", octets.len,
                   SERIAL_MAX);
    *out = (struct serial){.len = octets.len};
    memcpy(out->octets, octets.data, octets.len);
    return STATUS_OK;
}

/* The value of a hex digit, -1 for what may stand between digits, -2 for anything else. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c == ':' || c == ' ' || c == '\t' ? -1 : -2;
}

enum status serial_parse(const char *text, struct serial *out, struct err *err)
{
    uint8_t digits[2 * SERIAL_MAX];
    size_t count = 0;
    const char *at = text + strspn(text, " \t");
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
        at += 2;
    for (; *at != '\0'; at++) {
        int value = hex_value(*at);
        if (value == -1 || (value == 0 && count == 0))
            continue;
        if (value < 0 || count == sizeof digits)
            return ERR(err, STATUS_MALFORMED,
                       "\"%.80s\" is no serial number: at most %d hex digits are expected", text,
                       2 * SERIAL_MAX);
        digits[count++] = (uint8_t)value;
    }
    if (count == 0)
        return ERR(err, STATUS_MALFORMED,
                   "\"%.80s\" is no serial number: hex digits, not all zero, are expected", text);
    struct serial serial = {.len = (count + 1) / 2};
    for (size_t i = 0; i < count; i++) {
        size_t nibble = i + count % 2;
        serial.octets[nibble / 2] |= (uint8_t)(digits[i] << (nibble % 2 == 0 ? 4 : 0));
    }
    *out = serial;
    return STATUS_OK;
}

/* ---- freeing ---- */

void request_row_free(struct request_row *row)
{
    free(row->reason);
    free(row->protocol);
    free(row->profile);
    free(row->template_name);
    free(row->transaction_id);
    free(row->requester);
    free(row->decided_by);
    free(row->remote);
    free(row->subject);
    general_names_free(&row->san);
    values_free(&row->values);
    buf_free(&row->csr);
    buf_free(&row->sealed);
    *row = (struct request_row){0};
}

void certificate_row_free(struct certificate_row *row)
{
    free(row->template_name);
    free(row->profile);
    free(row->subject);
    buf_free(&row->subject_der);
    general_names_free(&row->san);
    values_free(&row->values);
    free(row->requester);
    buf_free(&row->der);
    *row = (struct certificate_row){0};
}

void challenge_row_free(struct challenge_row *row)
{
    free(row->profile);
    free(row->template_name);
    values_free(&row->values);
    free(row->created_by);
    *row = (struct challenge_row){0};
}

void device_row_free(struct device_row *row)
{
    free(row->uid);
    values_free(&row->values);
    *row = (struct device_row){0};
}

void audit_row_free(struct audit_row *row)
{
    free(row->actor);
    free(row->action);
    free(row->object);
    free(row->detail);
    *row = (struct audit_row){0};
}

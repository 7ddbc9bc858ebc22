/* SPDX-License-Identifier: Apache-2.0
 *
 * Words for enums, serial numbers as text, the status of a certificate, the hash of an
 * audit row.
 */
#include "store_backend.h"

#include <setjmp.h>
#include <stdio.h>
/* cmocka wants the above first */
#include <cmocka.h>

static void names__go_both_ways(void **state)
{
    (void)state;
    for (int i = DISPOSITION_ISSUED; i <= DISPOSITION_FAILED; i++) {
        enum disposition disposition = DISPOSITION_FAILED;
        assert_true(disposition_by_name(disposition_name((enum disposition)i), &disposition));
        assert_int_equal(disposition, i);
    }
    for (int i = CERTIFICATE_VALID; i <= CERTIFICATE_HELD; i++) {
        enum certificate_status status = CERTIFICATE_HELD;
        assert_true(certificate_status_by_name(certificate_status_name((enum certificate_status)i), &status));
        assert_int_equal(status, i);
    }
    enum disposition disposition;
    enum certificate_status status;
    assert_false(disposition_by_name("Issued", &disposition));
    assert_false(certificate_status_by_name("", &status));
}

/* RFC 5280 section 5.3.1: "value 7 is not used" */
static void crl_reason__is_spelled_as_in_rfc_5280(void **state)
{
    (void)state;
    enum crl_reason reason = REASON_NONE;
    assert_true(crl_reason_by_name("KEYCOMPROMISE", &reason));
    assert_int_equal(reason, 1);
    assert_true(crl_reason_by_name("aACompromise", &reason));
    assert_int_equal(reason, 10);
    assert_false(crl_reason_by_name("removeFromCRL", &reason));
    assert_false(crl_reason_by_name("", &reason));
    assert_string_equal(crl_reason_name(REASON_CERTIFICATE_HOLD), "certificateHold");
    assert_null(crl_reason_name((enum crl_reason)7));
    assert_null(crl_reason_name((enum crl_reason)11));
    assert_null(crl_reason_name(REASON_NONE));
}

/* rules.md: "Serials are accepted in any case, with 0x, colons, leading zeros." */
static void serial_parse__takes_every_usual_form(void **state)
{
    (void)state;
    static const char *const forms[] = {"0a1bff",           "A1BFF",     "0x0A1BFF", "0a:1b:ff",
                                        " 00 00 0A 1B FF ", "0X000a1bff"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct serial serial = {0};
        struct err err = {0};
        char text[2 * SERIAL_MAX + 1];
        assert_int_equal(serial_parse(forms[i], &serial, &err), STATUS_OK);
        assert_int_equal(serial.len, 3);
        serial_text(&serial, text);
        assert_string_equal(text, "0a1bff");
    }
}

static void serial_parse__refuses_the_rest(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "", "0", "0x", "000", "xyz", "12g", "0x0x1", "1-2", "123456789012345678901234567890123456789012"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct serial serial = {.len = 99};
        struct err err = {0};
        assert_int_equal(serial_parse(forms[i], &serial, &err), STATUS_MALFORMED);
        assert_int_equal(serial.len, 99);
        assert_non_null(strstr(err.text, "hex"));
    }
}

static void serial_from__drops_leading_zeros(void **state)
{
    (void)state;
    uint8_t octets[SERIAL_MAX + 2] = {0, 0x80, 1};
    struct serial serial = {0};
    assert_int_equal(serial_from(SPAN(octets, 3), &serial, NULL), STATUS_OK);
    assert_int_equal(serial.len, 2);
    assert_int_equal(serial.octets[0], 0x80);
    assert_int_equal(serial_from(SPAN(octets, SERIAL_MAX + 1), &serial, NULL), STATUS_OK);
    assert_int_equal(serial_from(SPAN(octets, SERIAL_MAX + 2), &serial, NULL), STATUS_LIMIT);
    assert_int_equal(serial_from(SPAN(octets, 1), &serial, NULL), STATUS_MALFORMED);
    assert_int_equal(serial_from(SPAN_NONE, &serial, NULL), STATUS_MALFORMED);
}

static void certificate_row_status__revoked_wins_over_expired(void **state)
{
    (void)state;
    struct certificate_row row = {.reason = REASON_NONE, .not_after_s = 100};
    assert_int_equal(certificate_row_status(&row, 100), CERTIFICATE_VALID); /* notAfter is included */
    assert_int_equal(certificate_row_status(&row, 101), CERTIFICATE_EXPIRED);
    row.reason = REASON_UNSPECIFIED;
    assert_int_equal(certificate_row_status(&row, 101), CERTIFICATE_REVOKED);
    row.reason = REASON_CERTIFICATE_HOLD;
    assert_int_equal(certificate_row_status(&row, 101), CERTIFICATE_HELD);
}

/* The octets as the header states them, put together by hand. */
static void audit_hash__is_over_the_stated_octets(void **state)
{
    (void)state;
    uint8_t previous[SHA256_LEN] = {0xaa}, expected[SHA256_LEN], hash[SHA256_LEN];
    static const uint8_t row_octets[] = {
        0, 0, 0, 0, 0, 0, 1, 2,           /* id */
        0, 0, 0, 0, 0, 0, 0, 3,           /* time */
        0, 0, 0, 0, 0, 0, 0, 3, 'm', 'e', /* actor */
        0, 0, 0, 0, 0, 0, 0, 1,           /* action: empty */
        0, 0, 0, 0, 0, 0, 0, 0,           /* object: NULL */
        0, 0, 0, 0, 0, 0, 0, 2, 'x',      /* detail */
    };
    uint8_t octets[SHA256_LEN + sizeof row_octets];
    memcpy(octets, previous, SHA256_LEN);
    memcpy(octets + SHA256_LEN, row_octets, sizeof row_octets);
    sha256(SPAN(octets, sizeof octets), expected);
    char actor[] = "me", action[] = "", detail[] = "x";
    struct audit_row row = {.id = 0x102, .time_s = 3, .actor = actor, .action = action, .detail = detail};
    assert_int_equal(audit_hash(previous, &row, hash, NULL), STATUS_OK);
    assert_memory_equal(hash, expected, SHA256_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names__go_both_ways),
        cmocka_unit_test(crl_reason__is_spelled_as_in_rfc_5280),
        cmocka_unit_test(serial_parse__takes_every_usual_form),
        cmocka_unit_test(serial_parse__refuses_the_rest),
        cmocka_unit_test(serial_from__drops_leading_zeros),
        cmocka_unit_test(certificate_row_status__revoked_wins_over_expired),
        cmocka_unit_test(audit_hash__is_over_the_stated_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

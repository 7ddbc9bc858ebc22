/* SPDX-License-Identifier: Apache-2.0
 *
 * The names and forms in JSON that do not move (design.md), and tables for people.
 */
#include "json_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

static char texts[4][64] = {"CN=jdoe,O=Example", "User", "default", "challenge 1"};
static char upn[] = "jdoe@LAB.TEST", name_user[] = "EnrollmentUser", text_user[] = "jdoe";
static struct general_name san_upn = {.type = SAN_UPN, .text = upn};
static struct value value_user = {.name = name_user, .text = text_user};

static struct certificate_row example(void)
{
    return (struct certificate_row){
        .id = 1,
        .request_id = 12,
        .created_s = 1000000000,
        .serial = {.octets = {0x0a, 0x1b}, .len = 2},
        .template_name = texts[1],
        .profile = texts[2],
        .subject = texts[0],
        .san = {.items = &san_upn, .count = 1},
        .values = {.items = &value_user, .count = 1},
        .not_before_s = 1000000000,
        .not_after_s = 2000000000,
        .requester = texts[3],
        .reason = REASON_KEY_COMPROMISE,
        .revoked_s = 1500000000,
    };
}

static const char *text_of(const struct json_object *object, const char *name)
{
    return json_string_value(json_object_get(object->json, name));
}

static void json_from_certificate__has_the_names_of_the_interface(void **state)
{
    (void)state;
    const struct certificate_row row = example();
    AUTO(json_object) struct json_object object = json_from_certificate(&row, "CN=CA", 1600000000);
    assert_false(object.failed);
    assert_string_equal(text_of(&object, "serial"), "0a1b");
    assert_string_equal(text_of(&object, "status"), "revoked");
    assert_string_equal(text_of(&object, "subject"), "CN=jdoe,O=Example");
    assert_string_equal(text_of(&object, "issuer"), "CN=CA");
    assert_string_equal(text_of(&object, "not_before"), "2001-09-09T01:46:40Z");
    assert_string_equal(text_of(&object, "not_after"), "2033-05-18T03:33:20Z");
    assert_string_equal(text_of(&object, "created"), "2001-09-09T01:46:40Z");
    assert_string_equal(text_of(&object, "revoked_at"), "2017-07-14T02:40:00Z");
    assert_string_equal(text_of(&object, "revocation_reason"), "keyCompromise");
    assert_string_equal(text_of(&object, "template"), "User");
    assert_string_equal(text_of(&object, "profile"), "default");
    assert_int_equal(json_integer_value(json_object_get(object.json, "request_id")), 12);
    assert_true(json_is_null(json_object_get(object.json, "renews")));
    const json_t *san = json_array_get(json_object_get(object.json, "san"), 0);
    assert_string_equal(json_string_value(json_object_get(san, "type")), "upn");
    assert_string_equal(json_string_value(json_object_get(san, "value")), "jdoe@LAB.TEST");
    const json_t *values = json_object_get(object.json, "values");
    assert_string_equal(json_string_value(json_object_get(values, "EnrollmentUser")), "jdoe");
}

static void json_from_request__tells_the_disposition(void **state)
{
    (void)state;
    char reason[] = "not our device";
    const struct request_row row = {
        .id = 7, .created_s = 1000000000, .disposition = DISPOSITION_DENIED, .reason = reason};
    AUTO(json_object) struct json_object object = json_from_request(&row);
    assert_int_equal(json_integer_value(json_object_get(object.json, "request_id")), 7);
    assert_string_equal(text_of(&object, "disposition"), "denied");
    assert_string_equal(text_of(&object, "reason"), "not our device");
    assert_true(json_is_null(json_object_get(object.json, "decided")));
    assert_true(json_is_null(json_object_get(object.json, "serial")));
}

static void json_put_text__escapes_what_is_no_utf8(void **state)
{
    (void)state;
    AUTO(json_object) struct json_object object = json_object_new();
    json_put_text(&object, "text", "a\xff");
    assert_false(object.failed);
    assert_string_equal(text_of(&object, "text"), "a\\xff");
}

static void json_list__is_one_array(void **state)
{
    (void)state;
    for (size_t count = 0; count < 3; count++) {
        char *text = NULL;
        size_t len = 0;
        FILE *stream = open_memstream(&text, &len);
        struct json_list list;
        json_list_begin(&list, stream);
        for (size_t i = 0; i < count; i++) {
            AUTO(json_object) struct json_object object = json_object_new();
            json_put_number(&object, "n", (int64_t)i);
            assert_int_equal(json_list_add(&list, &object, NULL), STATUS_OK);
        }
        assert_int_equal(json_list_end(&list, NULL), STATUS_OK);
        fclose(stream);
        json_t *read = json_loads(text, 0, NULL);
        assert_true(json_is_array(read));
        assert_int_equal(json_array_size(read), count);
        json_decref(read);
        free(text);
    }
}

static void out_end__reports_a_full_disk(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    struct err err = {0};
    assert_non_null(full);
    fputs("x", full);
    assert_int_equal(out_end(full, &err), STATUS_IO);
    fclose(full);
}

static void table_row__never_cuts_and_escapes_control_characters(void **state)
{
    (void)state;
    static const struct column columns[] = {{"A", 4}, {"B", 3}, {"C", 0}, {0}};
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    table_head(stream, columns);
    table_row(stream, columns, (const char *const[]){"longer than four", NULL, "x\x1b[2J"});
    table_row(stream, columns, (const char *const[]){"\xc3\xa4", "b", "c"});
    fclose(stream);
    assert_string_equal(text, "A     B    C\n"
                              "longer than four  -    x\\x1b[2J\n"
                              "\xc3\xa4     b    c\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_from_certificate__has_the_names_of_the_interface),
        cmocka_unit_test(json_from_request__tells_the_disposition),
        cmocka_unit_test(json_put_text__escapes_what_is_no_utf8),
        cmocka_unit_test(json_list__is_one_array),
        cmocka_unit_test(out_end__reports_a_full_disk),
        cmocka_unit_test(table_row__never_cuts_and_escapes_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * templates/lookup.c and lookup_device.c: the order of sources, their agreement, claims, and the device
 * registry over a real store.
 */
#include "template_fixture.h"

#include <unistd.h>

static void assert_known(struct lookup *lookup, const char *name, const char *text, const char *source)
{
    const char *found = NULL;
    const char *from = NULL;
    struct err err = {0};

    assert_ok(lookup_get(lookup, name, &found, &from, &err), &err);
    assert_string_equal(found, text);
    assert_string_equal(from, source);
}

static enum status bind_pairs(struct lookup *lookup, const char *source, const char *pairs, struct err *err)
{
    AUTO(values) struct values values = {0};

    set_pairs(&values, pairs);
    return lookup_bind(lookup, source, &values, err);
}

/* design.md: values bound to the challenge, then the account, then the device registry, then LDAP. */
static void lookup_get__asks_in_order(void **state)
{
    struct told_source directory = told("EnrollmentUser=late;EmailAddress=a@b");
    AUTO(lookup) struct lookup *lookup = make_lookup("EnrollmentUser=jdoe", &directory);
    struct err err = {0};

    (void)state;
    assert_ok(bind_pairs(lookup, "account", "EnrollmentUser=jdoe;FirstName=John", &err), &err);
    assert_known(lookup, "EnrollmentUser", "jdoe", "challenge");
    assert_known(lookup, "FirstName", "John", "account");
    assert_int_equal(directory.asked, 0);
    assert_known(lookup, "EmailAddress", "a@b", "directory");
    assert_known(lookup, "EmailAddress", "a@b", "directory");
    assert_int_equal(directory.asked, 1);
}

static void lookup_get__names_who_was_asked(void **state)
{
    struct told_source directory = told("FirstName=x");
    AUTO(lookup) struct lookup *lookup = make_lookup("EnrollmentUser=jdoe", &directory);
    const char *text = NULL;
    const char *source = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(lookup_get(lookup, "LastName", &text, &source, &err), STATUS_NOT_FOUND);
    assert_has(err.text, "{LastName} (asked: challenge, directory)");
    assert_null(text);
}

/* A source that does not answer ends the request: never issued with blanks. */
static void lookup_get__passes_on_a_source_that_fails(void **state)
{
    struct told_source directory = told("");
    AUTO(lookup) struct lookup *lookup = make_lookup(NULL, &directory);
    const char *text = NULL;
    const char *source = NULL;
    struct err err = {0};

    (void)state;
    directory.status = STATUS_BUSY;
    assert_int_equal(lookup_get(lookup, "LastName", &text, &source, &err), STATUS_BUSY);
    assert_has(err.text, "the directory gives no answer: the directory is away");
}

static void lookup_bind__refuses_disagreement_and_names_both(void **state)
{
    AUTO(lookup) struct lookup *lookup = make_lookup("EnrollmentUser=jdoe", NULL);
    struct err err = {0};

    (void)state;
    assert_int_equal(bind_pairs(lookup, "account", "EnrollmentUser=root", &err), STATUS_DENIED);
    assert_has(err.text, "jdoe");
    assert_has(err.text, "challenge");
    assert_has(err.text, "root");
    assert_has(err.text, "account");
    assert_known(lookup, "EnrollmentUser", "jdoe", "challenge");
}

static void lookup_claim__says_whether_a_source_knows(void **state)
{
    struct told_source directory = told("EmailAddress=a@b");
    AUTO(lookup) struct lookup *lookup = make_lookup("EnrollmentUser=jdoe", &directory);
    struct err err = {0};
    bool known = false;

    (void)state;
    assert_ok(lookup_claim(lookup, "EnrollmentUser", "jdoe", &known, &err), &err);
    assert_true(known);
    assert_ok(lookup_claim(lookup, "EmailAddress", "a@b", &known, &err), &err);
    assert_true(known);
    assert_ok(lookup_claim(lookup, "LastName", "Doe", &known, &err), &err);
    assert_false(known);
    assert_known(lookup, "LastName", "Doe", LOOKUP_REQUEST);
}

static void lookup_claim__must_agree_with_every_source(void **state)
{
    struct told_source directory = told("EmailAddress=a@b");
    AUTO(lookup) struct lookup *lookup = make_lookup("EnrollmentUser=jdoe", &directory);
    struct err err = {0};
    bool known = false;

    (void)state;
    assert_int_equal(lookup_claim(lookup, "EnrollmentUser", "root", &known, &err), STATUS_DENIED);
    assert_has(err.text, "\"root\", but the challenge says \"jdoe\"");
    assert_int_equal(lookup_claim(lookup, "EmailAddress", "x@b", &known, &err), STATUS_DENIED);
    assert_has(err.text, "the directory says \"a@b\"");
    assert_ok(lookup_claim(lookup, "LastName", "Doe", &known, &err), &err);
    assert_int_equal(lookup_claim(lookup, "LastName", "Roe", &known, &err), STATUS_DENIED);
}

static void lookup_values__holds_everything_first_source_first(void **state)
{
    struct told_source directory = told("EmailAddress=a@b;EnrollmentUser=other");
    AUTO(lookup) struct lookup *lookup = make_lookup("EnrollmentUser=jdoe", &directory);
    AUTO(values) struct values all = {0};
    struct err err = {0};

    (void)state;
    assert_known(lookup, "EmailAddress", "a@b", "directory");
    assert_ok(lookup_values(lookup, &all, &err), &err);
    assert_int_equal(all.count, 2);
    assert_string_equal(values_get(&all, "EnrollmentUser"), "jdoe");
}

static void lookup_catalogue__holds_what_uems_know(void **state)
{
    (void)state;
    assert_true(lookup_in_catalogue("EnrollmentUser"));
    assert_true(lookup_in_catalogue("CustomAttribute5"));
    assert_true(lookup_in_catalogue("ObjectSid"));
    assert_false(lookup_in_catalogue("enrollmentuser"));
    assert_false(lookup_in_catalogue("AuthorityName"));
}

/* ---- the device registry ---- */

struct registry {
    char dir[64];
    char path[96];
    struct store *store;
};

static void put_device(struct store *store, const char *uid, const char *pairs)
{
    struct device_row row = {.uid = strdup(uid), .updated_s = 1};
    struct change change = {0};
    struct err err = {0};

    set_pairs(&row.values, pairs);
    change_add(&change, (struct change_op){.kind = CHANGE_DEVICE_PUT, .device = &row});
    assert_ok(store_commit(store, &change, &err), &err);
    device_row_free(&row);
}

static int open_registry(void **state)
{
    struct registry *registry = calloc(1, sizeof *registry);
    struct err err = {0};

    (void)snprintf(registry->dir, sizeof registry->dir, "/tmp/scepter-registry-XXXXXX");
    assert_non_null(mkdtemp(registry->dir));
    (void)snprintf(registry->path, sizeof registry->path, "%s/s.db", registry->dir);
    assert_ok(store_open_sqlite(registry->path, true, &registry->store, &err), &err);
    put_device(registry->store, "u1",
               "EnrollmentUser=alice;DeviceSerialNumber=S1;EmailAddress=alice@lab.test");
    put_device(registry->store, "u2", "EnrollmentUser=bob;DeviceSerialNumber=S2");
    put_device(registry->store, "u3", "EnrollmentUser=bob;DeviceSerialNumber=S3");
    *state = registry;
    return 0;
}

static int close_registry(void **state)
{
    struct registry *registry = *state;
    char path[128];

    store_close(registry->store);
    (void)unlink(registry->path);
    (void)snprintf(path, sizeof path, "%s-wal", registry->path);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s-shm", registry->path);
    (void)unlink(path);
    (void)rmdir(registry->dir);
    free(registry);
    return 0;
}

static void find(struct store *store, const char *known_pairs, struct values *found)
{
    struct lookup_source source = lookup_device_registry(store);
    AUTO(values) struct values known = {0};
    struct err err = {0};

    set_pairs(&known, known_pairs);
    assert_ok(source.find(&source, &known, found, &err), &err);
}

static void device_registry__finds_by_its_keys(void **state)
{
    struct registry *registry = *state;
    static const char *const keys[] = {"DeviceUid=u1", "DeviceSerialNumber=S1", "EnrollmentUser=alice"};

    for (size_t i = 0; i < 3; i++) {
        AUTO(values) struct values found = {0};

        find(registry->store, keys[i], &found);
        assert_string_equal(values_get(&found, "DeviceUid"), "u1");
        assert_string_equal(values_get(&found, "EmailAddress"), "alice@lab.test");
    }
}

static void device_registry__knows_nothing_of_strangers_and_of_many(void **state)
{
    struct registry *registry = *state;
    static const char *const keys[] = {"DeviceUid=u9", "EnrollmentUser=bob", "EmailAddress=alice@lab.test",
                                       "DeviceUid=u9;EnrollmentUser=alice"};

    for (size_t i = 0; i < 4; i++) {
        AUTO(values) struct values found = {0};

        find(registry->store, keys[i], &found);
        assert_int_equal(found.count, 0);
    }
}

/* VU#971035: a challenge that is bound to one user does not enrol the device of another. */
static void device_registry__does_not_vouch_for_somebody_elses_device(void **state)
{
    struct registry *registry = *state;
    struct lookup_source source = lookup_device_registry(registry->store);
    const struct lookup_source *sources[] = {&source};
    AUTO(lookup) struct lookup *lookup = NULL;
    struct err err = {0};
    bool known = false;

    assert_ok(lookup_new(sources, 1, &lookup, &err), &err);
    assert_ok(bind_pairs(lookup, "challenge", "EnrollmentUser=mallory", &err), &err);
    assert_int_equal(lookup_claim(lookup, "DeviceUid", "u1", &known, &err), STATUS_DENIED);
    assert_has(err.text, "alice");
    assert_has(err.text, "mallory");
}

static void device_registry__vouches_for_a_registered_device(void **state)
{
    struct registry *registry = *state;
    struct lookup_source source = lookup_device_registry(registry->store);
    const struct lookup_source *sources[] = {&source};
    AUTO(lookup) struct lookup *lookup = NULL;
    struct err err = {0};
    bool known = false;

    assert_ok(lookup_new(sources, 1, &lookup, &err), &err);
    assert_ok(lookup_claim(lookup, "DeviceUid", "u1", &known, &err), &err);
    assert_true(known);
    assert_known(lookup, "EmailAddress", "alice@lab.test", "device registry");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookup_get__asks_in_order),
        cmocka_unit_test(lookup_get__names_who_was_asked),
        cmocka_unit_test(lookup_get__passes_on_a_source_that_fails),
        cmocka_unit_test(lookup_bind__refuses_disagreement_and_names_both),
        cmocka_unit_test(lookup_claim__says_whether_a_source_knows),
        cmocka_unit_test(lookup_claim__must_agree_with_every_source),
        cmocka_unit_test(lookup_values__holds_everything_first_source_first),
        cmocka_unit_test(lookup_catalogue__holds_what_uems_know),
        cmocka_unit_test_setup_teardown(device_registry__finds_by_its_keys, open_registry, close_registry),
        cmocka_unit_test_setup_teardown(device_registry__knows_nothing_of_strangers_and_of_many,
                                        open_registry, close_registry),
        cmocka_unit_test_setup_teardown(device_registry__does_not_vouch_for_somebody_elses_device,
                                        open_registry, close_registry),
        cmocka_unit_test_setup_teardown(device_registry__vouches_for_a_registered_device, open_registry,
                                        close_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

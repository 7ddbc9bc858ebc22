/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and opening the authority where memory or the store fails: what was begun leaves nothing behind that
 * stands in the way of the next try in the same directory, and no key file that nothing refers to.
 *
 * RSA keys, which take long to find, are copies of one; the EC key of the CA is made anew each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "authority_fixture.h"

#include "fault.h"
#include "store_faulty.h"

#include <dirent.h>

/* The linker's names of key_create (CMakeLists.txt). */
enum status __real_key_create(const char *location, enum key_spec spec, const char *passphrase,
                              struct key **out, struct err *err);
enum status __wrap_key_create(const char *location, enum key_spec spec, const char *passphrase,
                              struct key **out, struct err *err);

static char rsa_path[96];

enum status __wrap_key_create(const char *location, enum key_spec spec, const char *passphrase,
                              struct key **out, struct err *err)
{
    if (spec != KEY_SPEC_RSA_2048)
        return __real_key_create(location, spec, passphrase, out, err);
    if (link(rsa_path, location) != 0)
        return ERR(err, STATUS_CONFLICT, "%s is there already", location);
    enum status status = key_open(location, passphrase, out, err);
    if (status != STATUS_OK)
        (void)unlink(location);
    return status;
}

static const struct authority_create root = {.key = KEY_SPEC_EC_P256, .ra_key = KEY_SPEC_RSA_2048};
static const struct authority_create subordinate = {
    .key = KEY_SPEC_EC_P256, .ra_key = KEY_SPEC_RSA_2048, .subordinate = true};

static int start(void **state)
{
    AUTO(key) struct key *key = NULL;
    (void)state;
    (void)snprintf(rsa_path, sizeof rsa_path, "/tmp/scepter-fault-%ld.key", (long)getpid());
    OK(__real_key_create(rsa_path, KEY_SPEC_RSA_2048, NULL, &key, &err));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return unlink(rsa_path);
}

/* Key files, also half made ones. */
static int key_files(const struct place *place)
{
    AUTO(heap) char *path = place_path(place, "keys");
    int count = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

static bool is_made(const struct place *place)
{
    struct authority *authority = NULL;
    struct err err = {0};
    enum status status = authority_open(place->store, &place->config, &authority, &err);
    authority_free(authority);
    return status == STATUS_OK;
}

static bool is_asked_for(const struct place *place)
{
    AUTO(buf) struct buf csr = BUF(CSR_MAX_LEN);
    struct err err = {0};
    return authority_csr(place->store, &csr, &err) == STATUS_OK;
}

/* A pass that made nothing leaves its directory to the next. */
static void create_loop(struct fault fault, const struct authority_create *create, int keys)
{
    struct place place;
    struct store *faulty = NULL;
    bool fresh = true;
    while (fault_next(&fault)) {
        struct err err = {0};
        if (fresh) {
            place_make(&place);
            faulty = store_faulty(place.store);
        }
        fault_arm(&fault);
        enum status status = authority_create(fault.kind == FAULT_STORE_CALL ? faulty : place.store,
                                              &place.config, create, place.templates, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        bool made = create->subordinate ? is_asked_for(&place) : is_made(&place);
        assert_int_equal(key_files(&place), made ? keys : 0);
        if (status == STATUS_OK)
            assert_true(made);
        else if (made)
            assert_non_null(strstr(err.text, "the authority is made"));
        fresh = made;
        if (made) {
            store_close(faulty);
            place_remove(&place);
        }
    }
    assert_true(fresh);
}

static void authority_create__can_be_tried_again_without_memory(void **state)
{
    (void)state;
    create_loop(FAULT(FAULT_ALLOCATION), &root, 4);
}

static void authority_create__can_be_tried_again_without_its_store(void **state)
{
    (void)state;
    create_loop(FAULT(FAULT_STORE_CALL), &root, 4);
}

static void authority_create__of_a_subordinate_can_be_tried_again(void **state)
{
    (void)state;
    create_loop(FAULT(FAULT_ALLOCATION), &subordinate, 1);
    create_loop(FAULT(FAULT_STORE_CALL), &subordinate, 1);
}

static void open_loop(struct fault fault, const struct place *place)
{
    struct store *faulty = store_faulty(place->store);
    while (fault_next(&fault)) {
        AUTO(authority) struct authority *authority = NULL;
        struct err err = {0};
        fault_arm(&fault);
        enum status status = authority_open(fault.kind == FAULT_STORE_CALL ? faulty : place->store,
                                            &place->config, &authority, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        assert_true((authority != NULL) == (status == STATUS_OK));
    }
    store_close(faulty);
}

static void authority_open__is_whole_or_not_there(void **state)
{
    (void)state;
    struct place place;
    authority_free(place_root(&place, KEY_SPEC_EC_P256));
    open_loop(FAULT(FAULT_ALLOCATION), &place);
    open_loop(FAULT(FAULT_STORE_CALL), &place);
    place_remove(&place);
}

/* A renewal that fails takes nothing from the RA in use, and the next one succeeds. */
static void renew_loop(struct fault fault)
{
    struct place place;
    struct authority *authority = place_root(&place, KEY_SPEC_EC_P256);
    struct store *faulty = store_faulty(place.store);
    int64_t life_s = authority_ra(authority, RA_COMBINED)->certificate->not_after_s - clock_now();
    int64_t shift_s = life_s - DAY_S;
    int keys = key_files(&place);
    clock_shift_for_tests(shift_s);
    while (fault_next(&fault)) {
        struct err err = {0};
        fault_arm(&fault);
        enum status status = authority_ra_renew(
            authority, fault.kind == FAULT_STORE_CALL ? faulty : place.store, place.templates, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        assert_int_equal(key_files(&place), status == STATUS_OK ? keys + 3 : keys);
    }
    authority_free(authority);
    store_close(faulty);
    place_remove(&place);
}

static void ra_renew__can_be_tried_again(void **state)
{
    (void)state;
    renew_loop(FAULT(FAULT_ALLOCATION));
    renew_loop(FAULT(FAULT_STORE_CALL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authority_create__can_be_tried_again_without_memory),
        cmocka_unit_test(authority_create__can_be_tried_again_without_its_store),
        cmocka_unit_test(authority_create__of_a_subordinate_can_be_tried_again),
        cmocka_unit_test(authority_open__is_whole_or_not_there),
        cmocka_unit_test(ra_renew__can_be_tried_again),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

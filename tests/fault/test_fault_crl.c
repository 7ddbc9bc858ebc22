/* SPDX-License-Identifier: Apache-2.0
 *
 * crl_publish where memory or the store fails: the old CRL stays octet for octet, and a later one comes out.
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

#define ENTRIES 3

static struct place place;
static struct authority *authority;
static struct store *faulty;

/* Revoked certificates that nobody was given: rows are enough for a CRL. */
static void add_revoked(uint8_t number)
{
    const uint8_t octets[] = {0x5a, 0x5c, number};
    struct certificate_row row = {.template_name = (char *)(uintptr_t) "T",
                                  .subject = (char *)(uintptr_t) "CN=x",
                                  .requester = (char *)(uintptr_t) "system",
                                  .subject_der = BUF(16),
                                  .der = BUF(16),
                                  .key_fingerprint = {number},
                                  .created_s = clock_now(),
                                  .not_before_s = clock_now(),
                                  .not_after_s = clock_now() + DAY_S,
                                  .reason = REASON_NONE};
    struct change change = {0};
    OK(serial_from(SPAN(octets, sizeof octets), &row.serial, &err));
    buf_add(&row.subject_der, SPAN_STR("\x30"));
    buf_add(&row.der, SPAN(octets, sizeof octets));
    change_add(&change, (struct change_op){.kind = CHANGE_CERTIFICATE_ADD, .certificate = {.row = &row}});
    change_add(&change, (struct change_op){.kind = CHANGE_REVOKE,
                                           .revoke = {row.serial, REASON_SUPERSEDED, clock_now()}});
    OK(store_commit(place.store, &change, &err));
    buf_free(&row.subject_der);
    buf_free(&row.der);
}

static int start(void **state)
{
    (void)state;
    authority = place_root(&place, KEY_SPEC_EC_P256);
    faulty = store_faulty(place.store);
    for (uint8_t i = 1; i <= ENTRIES; i++)
        add_revoked(i);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    authority_free(authority);
    store_close(faulty);
    place_remove(&place);
    return 0;
}

static void read_crl(struct buf *out)
{
    AUTO(heap) char *path = NULL;
    OK(crl_path(authority, 0, &path, &err));
    OK(file_read(path, out, &err));
}

/* How many files are in crl/: one, when nothing was left behind. */
static int files(void)
{
    AUTO(heap) char *path = place_path(&place, "crl");
    int count = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void check_published(const struct crl_row *row)
{
    AUTO(buf) struct buf file = BUF(1 << 20);
    uint8_t digest[SHA256_LEN];
    read_crl(&file);
    sha256(buf_span(&file), digest);
    assert_memory_equal(digest, row->sha256, SHA256_LEN);
    X509_CRL *crl = openssl_crl(buf_span(&file));
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), ENTRIES);
    X509_CRL_free(crl);
}

static void publish_loop(struct fault fault, bool claim_stays)
{
    static int64_t shift_s;
    struct store *store = fault.kind == FAULT_STORE_CALL ? faulty : place.store;
    while (fault_next(&fault)) {
        AUTO(buf) struct buf before = BUF(1 << 20);
        AUTO(buf) struct buf after = BUF(1 << 20);
        struct crl_row row = {0}, last = {0};
        struct err why = {0};
        OK(store_crl(place.store, 0, false, &last, &err));
        read_crl(&before);
        fault_arm(&fault);
        enum status status = crl_publish(authority, store, 0, true, "system", &row, &why);
        fault_disarm(&fault);
        fault_expect(&fault, status, &why);
        assert_int_equal(files(), 1);
        if (status != STATUS_OK) {
            struct crl_row now = {0};
            read_crl(&after);
            assert_true(span_equal(buf_span(&before), buf_span(&after)));
            OK(store_crl(place.store, 0, false, &now, &err));
            assert_int_equal(now.number, last.number);
            if (claim_stays) /* "where the store fails too, it has to" wait for the lease to end */
                clock_shift_for_tests(shift_s += 60);
            OK(crl_publish(authority, place.store, 0, true, "system", &row, &err));
        }
        assert_true(row.number > last.number);
        check_published(&row);
    }
}

static void crl_publish__keeps_the_old_one_without_memory(void **state)
{
    (void)state;
    publish_loop(FAULT(FAULT_ALLOCATION), false);
}

static void crl_publish__keeps_the_old_one_when_a_call_of_the_store_fails(void **state)
{
    (void)state;
    publish_loop(FAULT(FAULT_STORE_CALL), false);
}

static void crl_publish__keeps_the_old_one_when_the_store_is_gone(void **state)
{
    (void)state;
    struct fault gone = FAULT(FAULT_STORE_CALL);
    gone.lasting = true;
    publish_loop(gone, true);
}

static void check_loop(struct fault fault)
{
    struct store *store = fault.kind == FAULT_STORE_CALL ? faulty : place.store;
    while (fault_next(&fault)) {
        struct crl_due due = {0};
        struct err err = {0};
        fault_arm(&fault);
        enum status status = crl_check(authority, store, 0, clock_now(), &due, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
    }
}

static void crl_check__says_that_it_failed(void **state)
{
    (void)state;
    check_loop(FAULT(FAULT_ALLOCATION));
    check_loop(FAULT(FAULT_STORE_CALL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crl_publish__keeps_the_old_one_without_memory),
        cmocka_unit_test(crl_publish__keeps_the_old_one_when_a_call_of_the_store_fails),
        cmocka_unit_test(crl_publish__keeps_the_old_one_when_the_store_is_gone),
        cmocka_unit_test(crl_check__says_that_it_failed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

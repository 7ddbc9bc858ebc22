/* SPDX-License-Identifier: Apache-2.0
 *
 * CRLs: what stands in them (held against OpenSSL), when one is due, and that the old
 * one stays when a new one cannot be made.
 */
#include "authority_private.h"
#include "store_backend.h"
#include "test_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "authority_fixture.h"

static struct place place;
static struct authority *authority;
static X509 *root;

/* Every test starts with an authority that has published its first CRL. The keys are made once. */
static int start(void **state)
{
    (void)state;
    authority = place_root(&place, KEY_SPEC_EC_P256);
    root = openssl_certificate(buf_span(&authority_current(authority)->certificate->der));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    X509_free(root);
    authority_free(authority);
    place_remove(&place);
    return 0;
}

/* ---- what tests do ---- */

/* Time only moves forward but where a test says otherwise. */
static int64_t shift_s;
static void wait_s(int64_t seconds)
{
    shift_s += seconds;
    clock_shift_for_tests(shift_s);
}

static struct serial serial_of(uint32_t number)
{
    uint8_t octets[] = {
        0x9a,           0x5c, (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
        (uint8_t)number};
    struct serial serial = {0};
    OK(serial_from(SPAN(octets, sizeof octets), &serial, &err));
    return serial;
}

static struct change_op certificate_op(struct certificate_row *row, uint32_t number, int64_t not_after_s)
{
    static char name[] = "Test", subject[] = "CN=x", requester[] = "local:root";
    *row = (struct certificate_row){.created_s = clock_now(),
                                    .serial = serial_of(number),
                                    .template_name = name,
                                    .subject = subject,
                                    .requester = requester,
                                    .not_before_s = clock_now(),
                                    .not_after_s = not_after_s,
                                    .reason = REASON_NONE,
                                    .der = BUF(8)};
    memcpy(row->key_fingerprint, row->serial.octets, row->serial.len);
    buf_add(&row->der, SPAN("\x30\x00", 2));
    return (struct change_op){.kind = CHANGE_CERTIFICATE_ADD, .certificate = {.row = row}};
}

static struct change_op revoke_op(uint32_t number, enum crl_reason reason)
{
    return (struct change_op){
        .kind = CHANGE_REVOKE,
        .revoke = {.serial = serial_of(number), .reason = reason, .revoked_s = clock_now()}};
}

static void add(uint32_t number, int64_t not_after_s)
{
    struct certificate_row row;
    struct change change = {0};
    change_add(&change, certificate_op(&row, number, not_after_s));
    OK(store_commit(place.store, &change, &err));
    buf_free(&row.der);
}

static void revoke_one(uint32_t number, enum crl_reason reason)
{
    struct change change = {0};
    change_add(&change, revoke_op(number, reason));
    OK(store_commit(place.store, &change, &err));
}

static void unhold(uint32_t number)
{
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_UNHOLD, .revoke = {.serial = serial_of(number)}});
    OK(store_commit(place.store, &change, &err));
}

static void read_file(struct buf *out)
{
    AUTO(heap) char *path = NULL;
    OK(crl_path(authority, 0, &path, &err));
    *out = BUF(64u << 20);
    OK(file_read(path, out, &err));
}

static X509_CRL *published(void)
{
    AUTO(buf) struct buf der = BUF(0);
    read_file(&der);
    return openssl_crl(buf_span(&der));
}

static X509_CRL *publish(bool scheduled, struct crl_row *row)
{
    OK(crl_publish(authority, place.store, 0, scheduled, "local:root", row, &err));
    X509_CRL *crl = published();
    assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(root)), 1);
    return crl;
}

/* The entry of a serial, or NULL; lives as long as the CRL. */
static const X509_REVOKED *entry(X509_CRL *crl, uint32_t number)
{
    struct serial serial = serial_of(number);
    BIGNUM *magnitude = BN_bin2bn(serial.octets, (int)serial.len, NULL);
    ASN1_INTEGER *integer = BN_to_ASN1_INTEGER(magnitude, NULL);
    X509_REVOKED *found = NULL;
    int result = X509_CRL_get0_by_serial(crl, &found, integer);
    ASN1_INTEGER_free(integer);
    BN_free(magnitude);
    return result == 1 ? found : NULL;
}

/* -1: none given. */
static long reason_of(const X509_REVOKED *revoked)
{
    assert_non_null(revoked);
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(revoked, NID_crl_reason, NULL, NULL);
    long value = reason == NULL ? -1 : ASN1_ENUMERATED_get(reason);
    ASN1_ENUMERATED_free(reason);
    return value;
}

static int64_t number_of(X509_CRL *crl)
{
    int critical = -1;
    ASN1_INTEGER *integer = X509_CRL_get_ext_d2i(crl, NID_crl_number, &critical, NULL);
    assert_non_null(integer);
    assert_int_equal(critical, 0);
    int64_t number = 0;
    assert_int_equal(ASN1_INTEGER_get_int64(&number, integer), 1);
    ASN1_INTEGER_free(integer);
    return number;
}

static struct crl_due check(void)
{
    struct crl_due due = {0};
    OK(crl_check(authority, place.store, 0, clock_now(), &due, &err));
    return due;
}

/* ---- what stands in a CRL ---- */

/* RFC 5280 section 5.1.2.6: "When there are no revoked certificates, the revoked certificates list MUST be
 * absent." */
static void crl_publish__leaves_the_list_out_when_nothing_is_revoked(void **state)
{
    X509_CRL *crl = published();
    (void)state;
    assert_null(X509_CRL_get_REVOKED(crl));
    X509_CRL_free(crl);
}

static void crl_number_read__agrees_with_openssl(void **state)
{
    (void)state;
    AUTO(buf) struct buf der = BUF(0);
    int64_t number = 0;
    struct span ours = authority_current(authority)->certificate->subject_der;
    X509_CRL *crl = publish(false, NULL);
    read_file(&der);
    OK(crl_number_read(buf_span(&der), ours, &number, &err));
    assert_int_equal(number, number_of(crl));
    X509_CRL_free(crl);
    const uint8_t nobody[] = {0x30, 0x00};
    assert_int_equal(crl_number_read(buf_span(&der), SPAN(nobody, sizeof nobody), &number, NULL),
                     STATUS_DENIED);
    for (size_t len = 0; len < der.len; len++)
        assert_int_equal(crl_number_read(SPAN(der.data, len), ours, &number, NULL), STATUS_MALFORMED);
}

static const char *crl_extension(const X509_CRL *crl, const char *oid, struct buf *hex)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = X509_CRL_get_ext_by_OBJ(crl, object, -1);
    ASN1_OBJECT_free(object);
    assert_true(at >= 0);
    X509_EXTENSION *extension = X509_CRL_get_ext(crl, at);
    assert_int_equal(X509_EXTENSION_get_critical(extension), 0);
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    buf_clear(hex);
    hex_encode(hex, SPAN(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
    buf_add_octet(hex, '\0');
    assert_int_equal(hex->failed, STATUS_OK);
    return (const char *)hex->data;
}

/* RFC 5280 section 5.2: "Conforming CRL issuers are REQUIRED to include the authority key identifier and the
 * CRL number extensions in all CRLs issued." */
static void crl_publish__carries_its_extensions(void **state)
{
    AUTO(buf) struct buf hex = BUF(4096);
    struct crl_row row = {0};
    (void)state;
    X509_CRL *crl = publish(true, &row);
    assert_int_equal(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
    assert_int_equal(X509_CRL_get_ext_count(crl), 4);
    assert_int_equal(number_of(crl), row.number);
    AUTHORITY_KEYID *aki = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
    assert_int_equal(ASN1_OCTET_STRING_cmp(aki->keyid, X509_get0_subject_key_id(root)), 0);
    AUTHORITY_KEYID_free(aki);
    assert_string_equal(crl_extension(crl, "1.3.6.1.4.1.311.21.1", &hex), "020100");
    AUTO(buf) struct buf expected = BUF(64);
    AUTO(buf) struct buf expected_hex = BUF(128);
    der_put_time(&expected, row.created_s + DAY_S);
    hex_encode(&expected_hex, buf_span(&expected));
    buf_add_octet(&expected_hex, '\0');
    assert_string_equal(crl_extension(crl, "1.3.6.1.4.1.311.21.4", &hex), (const char *)expected_hex.data);
    X509_CRL_free(crl);
}

static void crl_publish__begins_ten_minutes_back_and_lasts_as_configured(void **state)
{
    struct crl_row row = {0};
    (void)state;
    wait_s(3600);
    X509_CRL *crl = publish(true, &row);
    assert_int_equal(row.this_update_s, row.created_s - 600);
    assert_int_equal(row.next_update_s, row.created_s + 7 * DAY_S);
    assert_int_equal(openssl_time(X509_CRL_get0_lastUpdate(crl)), row.this_update_s);
    assert_int_equal(openssl_time(X509_CRL_get0_nextUpdate(crl)), row.next_update_s);
    X509_CRL_free(crl);
}

static void crl_publish__records_what_it_wrote(void **state)
{
    AUTO(buf) struct buf der = BUF(0);
    struct crl_row row = {0}, stored = {0};
    uint8_t hash[SHA256_LEN];
    (void)state;
    X509_CRL_free(publish(true, &row));
    read_file(&der);
    sha256(buf_span(&der), hash);
    OK(store_crl(place.store, 0, false, &stored, &err));
    assert_int_equal(stored.number, row.number);
    assert_int_equal(stored.size, (int64_t)der.len);
    assert_true(stored.scheduled);
    assert_memory_equal(stored.sha256, hash, SHA256_LEN);
}

/* RFC 5280 section 5.3.1: "the reason code CRL entry extension SHOULD be absent instead of using the
 * unspecified (0) reasonCode value." */
static void crl_publish__gives_reasons_but_not_unspecified(void **state)
{
    static const enum crl_reason reasons[] = {REASON_UNSPECIFIED, REASON_KEY_COMPROMISE, REASON_SUPERSEDED,
                                              REASON_CERTIFICATE_HOLD, REASON_PRIVILEGE_WITHDRAWN};
    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        add(100 + i, clock_now() + 30 * DAY_S);
        revoke_one(100 + i, reasons[i]);
    }
    X509_CRL *crl = publish(false, NULL);
    for (uint32_t i = 0; i < 5; i++) {
        const X509_REVOKED *revoked = entry(crl, 100 + i);
        assert_int_equal(reason_of(revoked), reasons[i] == REASON_UNSPECIFIED ? -1 : (long)reasons[i]);
        int64_t revoked_s = openssl_time(X509_REVOKED_get0_revocationDate(revoked));
        assert_true(revoked_s <= clock_now() && revoked_s > clock_now() - 60);
    }
    X509_CRL_free(crl);
}

static void crl_publish__lists_a_hold_until_it_is_lifted(void **state)
{
    (void)state;
    add(200, clock_now() + 30 * DAY_S);
    revoke_one(200, REASON_CERTIFICATE_HOLD);
    X509_CRL *crl = publish(false, NULL);
    assert_int_equal(reason_of(entry(crl, 200)), 6);
    X509_CRL_free(crl);
    unhold(200);
    crl = publish(false, NULL);
    assert_null(entry(crl, 200));
    X509_CRL_free(crl);
}

static X509 *issue_leaf(struct issued *issued)
{
    AUTO(buf) struct buf spki = BUF(8192);
    AUTO(pubkey) struct pubkey *key = NULL;
    AUTO(content)
    struct content content = {.key_usage = KEY_USAGE_DIGITAL_SIGNATURE, .validity_s = 30 * DAY_S};
    test_key_spki(test_key_rsa(), &spki);
    OK(pubkey_decode(buf_span(&spki), &key, &err));
    OK(name_parse("CN=leaf", &content.subject, &err));
    OK(authority_issue(authority, &content, key, clock_now(), issued, &err));
    return openssl_certificate(buf_span(&issued->der));
}

static void crl_publish__makes_a_verifier_refuse_what_is_revoked(void **state)
{
    AUTO(issued) struct issued issued = {0};
    struct certificate_row row;
    struct change change = {0};
    X509 *leaf = issue_leaf(&issued);
    (void)state;
    X509_CRL *crl = publish(false, NULL);
    assert_int_equal(openssl_verify(leaf, root, NULL, crl), X509_V_OK);
    X509_CRL_free(crl);
    change_add(&change, certificate_op(&row, 0, issued.not_after_s));
    row.serial = issued.serial;
    change_add(&change, revoke_op(0, REASON_KEY_COMPROMISE));
    change.ops[1].revoke.serial = issued.serial;
    OK(store_commit(place.store, &change, &err));
    buf_free(&row.der);
    crl = publish(false, NULL);
    assert_int_equal(openssl_verify(leaf, root, NULL, crl), X509_V_ERR_CERT_REVOKED);
    X509_CRL_free(crl);
    X509_free(leaf);
}

/* RFC 5280 section 3.3: "An entry MUST NOT be removed from the CRL until it appears on one regularly
 * scheduled CRL issued beyond the revoked certificate's validity period." */
static void crl_publish__keeps_an_expired_entry_until_a_scheduled_crl_had_it(void **state)
{
    (void)state;
    add(300, clock_now() + DAY_S);
    revoke_one(300, REASON_SUPERSEDED);
    X509_CRL_free(publish(true, NULL)); /* scheduled, but before its notAfter */
    wait_s(2 * DAY_S);
    X509_CRL *crl = publish(false, NULL); /* after its notAfter, but not scheduled */
    assert_non_null(entry(crl, 300));
    X509_CRL_free(crl);
    wait_s(10);
    crl = publish(true, NULL); /* the one that it must appear on */
    assert_non_null(entry(crl, 300));
    X509_CRL_free(crl);
    wait_s(10);
    crl = publish(false, NULL);
    assert_null(entry(crl, 300));
    X509_CRL_free(crl);
}

/* RFC 5280 section 5.2.3: "a monotonically increasing sequence number" */
static void crl_publish__counts_up_when_the_clock_jumps_back(void **state)
{
    struct crl_row before = {0}, after = {0};
    (void)state;
    X509_CRL_free(publish(true, &before));
    clock_shift_for_tests(shift_s - 3600);
    assert_true(check().due); /* what is published begins in the future */
    X509_CRL_free(publish(true, &after));
    assert_true(after.number > before.number);
    assert_true(after.this_update_s <= clock_now());
    assert_false(check().due);
    clock_shift_for_tests(shift_s);
    X509_CRL *crl = publish(true, &before);
    assert_true(number_of(crl) > after.number);
    X509_CRL_free(crl);
}

/* In 8 certificates per commit. */
static void revoke_many(uint32_t first, uint32_t count)
{
    enum { BATCH = 8 };
    for (uint32_t done = 0; done < count; done += BATCH) {
        struct certificate_row rows[BATCH];
        struct change change = {0};
        for (uint32_t i = 0; i < BATCH; i++) {
            change_add(&change, certificate_op(&rows[i], first + done + i, clock_now() + 30 * DAY_S));
            change_add(&change, revoke_op(first + done + i, REASON_CESSATION_OF_OPERATION));
        }
        OK(store_commit(place.store, &change, &err));
        for (uint32_t i = 0; i < BATCH; i++)
            buf_free(&rows[i].der);
    }
}

static void crl_publish__streams_ten_thousand_entries(void **state)
{
    struct crl_row row = {0};
    (void)state;
    revoke_many(1000000, 10000);
    X509_CRL *crl = publish(true, &row);
    assert_true(row.entries >= 10000);
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), row.entries);
    for (uint32_t i = 0; i < 10000; i += 999)
        assert_int_equal(reason_of(entry(crl, 1000000 + i)), 5);
    X509_CRL_free(crl);
}

/* Lengths of 1, 2, 3 octets in every header: entries are added one by one. */
static void crl_publish__has_right_lengths_at_every_size(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        struct crl_row row = {0};
        add(400 + i, clock_now() + 30 * DAY_S);
        revoke_one(400 + i, i % 2 == 0 ? REASON_UNSPECIFIED : REASON_SUPERSEDED);
        X509_CRL *crl = publish(false, &row);
        assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), row.entries);
        X509_CRL_free(crl);
    }
}

/* ---- when one is due ---- */

static void crl_check__is_due_by_schedule(void **state)
{
    struct crl_row row = {0};
    (void)state;
    X509_CRL_free(publish(true, &row));
    struct crl_due due = check();
    assert_false(due.due);
    assert_int_equal(due.next_scheduled_s, row.created_s + DAY_S);
    assert_int_equal(due.next_update_s, row.next_update_s);
    wait_s(DAY_S - 60);
    assert_false(check().due);
    wait_s(60);
    due = check();
    assert_true(due.due && due.scheduled);
}

static void crl_check__is_due_after_a_revocation_but_not_too_often(void **state)
{
    (void)state;
    add(500, clock_now() + 30 * DAY_S);
    X509_CRL_free(publish(true, NULL));
    wait_s(2);
    assert_false(check().due);
    revoke_one(500, REASON_CERTIFICATE_HOLD);
    struct crl_due due = check();
    assert_true(due.due);
    assert_false(due.scheduled);
    X509_CRL_free(publish(false, NULL));
    unhold(500);
    assert_false(check().due); /* crl_min_interval_s */
    wait_s(2);
    assert_true(check().due);
    X509_CRL_free(publish(false, NULL));
    assert_false(check().due);
}

/* A CRL for revocations does not put off the next scheduled one. */
static void crl_publish__for_revocations_keeps_the_schedule(void **state)
{
    struct crl_row row = {0};
    AUTO(buf) struct buf hex = BUF(4096);
    AUTO(buf) struct buf expected = BUF(64);
    AUTO(buf) struct buf expected_hex = BUF(128);
    (void)state;
    X509_CRL_free(publish(true, &row));
    wait_s(3600);
    X509_CRL *crl = publish(false, NULL);
    assert_int_equal(check().next_scheduled_s, row.created_s + DAY_S);
    der_put_time(&expected, row.created_s + DAY_S);
    hex_encode(&expected_hex, buf_span(&expected));
    buf_add_octet(&expected_hex, '\0');
    assert_string_equal(crl_extension(crl, "1.3.6.1.4.1.311.21.4", &hex), (const char *)expected_hex.data);
    X509_CRL_free(crl);
}

static void crl_check__is_due_when_the_file_is_gone_or_cut(void **state)
{
    AUTO(heap) char *path = NULL;
    (void)state;
    X509_CRL_free(publish(true, NULL));
    assert_false(check().due);
    OK(crl_path(authority, 0, &path, &err));
    assert_int_equal(truncate(path, 17), 0);
    assert_true(check().due);
    X509_CRL_free(publish(true, NULL));
    assert_int_equal(unlink(path), 0);
    struct crl_due due = check();
    assert_true(due.due && due.scheduled);
    X509_CRL_free(publish(true, NULL));
    assert_false(check().due);
}

/* ---- failures ---- */

static void crl_publish__knows_its_keys_only(void **state)
{
    struct err failure = {0};
    (void)state;
    assert_int_equal(crl_publish(authority, place.store, 7, true, "local:root", NULL, &failure),
                     STATUS_NOT_FOUND);
}

static void crl_publish__gives_way_to_another_process(void **state)
{
    struct err failure = {0};
    struct change change = {0};
    (void)state;
    X509_CRL_free(publish(true, NULL));
    change_add(&change, (struct change_op){.kind = CHANGE_CRL_CLAIM,
                                           .crl_claim = {.now_s = clock_now(), .lease_s = 20}});
    OK(store_commit(place.store, &change, &err));
    assert_int_equal(crl_publish(authority, place.store, 0, true, "local:root", NULL, &failure),
                     STATUS_CONFLICT);
    wait_s(30); /* it died */
    X509_CRL_free(publish(true, NULL));
}

static void expect_unchanged(const struct buf *before, const struct crl_row *row)
{
    AUTO(buf) struct buf after = BUF(0);
    struct crl_row stored = {0};
    read_file(&after);
    assert_true(span_equal(buf_span(before), buf_span(&after)));
    OK(store_crl(place.store, 0, false, &stored, &err));
    assert_int_equal(stored.number, row->number);
}

/* Directories stand where the new file would have to be written. */
static void crl_publish__keeps_the_old_one_when_it_cannot_write(void **state)
{
    enum { WIDTH = 8 };
    AUTO(buf) struct buf before = BUF(0);
    struct crl_row row = {0};
    struct err failure = {0};
    (void)state;
    X509_CRL_free(publish(true, &row));
    read_file(&before);
    int64_t next = row.number + 1 > clock_now() ? row.number + 1 : clock_now();
    char name[64];
    for (int64_t i = 0; i < WIDTH; i++) {
        (void)snprintf(name, sizeof name, "crl/0.crl.new-%lld", (long long)(next + i));
        place_subdir(&place, name);
    }
    assert_int_equal(crl_publish(authority, place.store, 0, true, "local:root", NULL, &failure), STATUS_IO);
    assert_non_null(strstr(failure.text, "0.crl.new-"));
    for (int64_t i = 0; i < WIDTH; i++) {
        (void)snprintf(name, sizeof name, "crl/0.crl.new-%lld", (long long)(next + i));
        AUTO(heap) char *path = place_path(&place, name);
        assert_int_equal(rmdir(path), 0);
    }
    expect_unchanged(&before, &row);
    X509_CRL_free(publish(true, NULL)); /* at once: the claim was given back */
}

static const struct store_ops *real_ops;

static enum status refuse_rows(struct store *store, struct change *change, struct err *err)
{
    for (size_t i = 0; i < change->count; i++) {
        if (change->ops[i].kind == CHANGE_CRL_PUBLISHED)
            return ERR(err, STATUS_IO, "the disk is full");
    }
    return real_ops->commit(store, change, err);
}

static void crl_publish__puts_the_old_one_back_when_the_row_fails(void **state)
{
    AUTO(buf) struct buf before = BUF(0);
    struct crl_row row = {0};
    struct err failure = {0};
    (void)state;
    X509_CRL_free(publish(true, &row));
    read_file(&before);
    real_ops = place.store->ops;
    struct store_ops failing = *real_ops;
    failing.commit = refuse_rows;
    place.store->ops = &failing;
    assert_int_equal(crl_publish(authority, place.store, 0, true, "local:root", NULL, &failure), STATUS_IO);
    place.store->ops = real_ops;
    assert_string_equal(failure.text, "the disk is full");
    expect_unchanged(&before, &row);
    X509_CRL_free(publish(true, NULL));
}

static int count_files(const char *path, const struct stat *facts, int kind, struct FTW *at)
{
    (void)facts, (void)at;
    if (kind == FTW_F)
        assert_non_null(strstr(path, "/0.crl"));
    if (kind == FTW_F)
        assert_null(strstr(path, ".new-"));
    return 0;
}

static void crl_publish__leaves_nothing_but_the_crl(void **state)
{
    AUTO(heap) char *path = place_path(&place, "crl");
    (void)state;
    assert_int_equal(nftw(path, count_files, 8, FTW_PHYS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crl_publish__leaves_the_list_out_when_nothing_is_revoked),
        cmocka_unit_test(crl_number_read__agrees_with_openssl),
        cmocka_unit_test(crl_publish__carries_its_extensions),
        cmocka_unit_test(crl_publish__begins_ten_minutes_back_and_lasts_as_configured),
        cmocka_unit_test(crl_publish__records_what_it_wrote),
        cmocka_unit_test(crl_publish__gives_reasons_but_not_unspecified),
        cmocka_unit_test(crl_publish__lists_a_hold_until_it_is_lifted),
        cmocka_unit_test(crl_publish__makes_a_verifier_refuse_what_is_revoked),
        cmocka_unit_test(crl_publish__keeps_an_expired_entry_until_a_scheduled_crl_had_it),
        cmocka_unit_test(crl_publish__counts_up_when_the_clock_jumps_back),
        cmocka_unit_test(crl_publish__has_right_lengths_at_every_size),
        cmocka_unit_test(crl_publish__streams_ten_thousand_entries),
        cmocka_unit_test(crl_check__is_due_by_schedule),
        cmocka_unit_test(crl_check__is_due_after_a_revocation_but_not_too_often),
        cmocka_unit_test(crl_publish__for_revocations_keeps_the_schedule),
        cmocka_unit_test(crl_check__is_due_when_the_file_is_gone_or_cut),
        cmocka_unit_test(crl_publish__knows_its_keys_only),
        cmocka_unit_test(crl_publish__gives_way_to_another_process),
        cmocka_unit_test(crl_publish__keeps_the_old_one_when_it_cannot_write),
        cmocka_unit_test(crl_publish__puts_the_old_one_back_when_the_row_fails),
        cmocka_unit_test(crl_publish__leaves_nothing_but_the_crl),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

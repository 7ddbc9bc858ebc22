/* SPDX-License-Identifier: Apache-2.0
 *
 * The authority: made as a root, opened again, its RA certificates and their renewal,
 * names and URLs. The subordinate is in test_authority_install.c.
 */
#include "authority_private.h"
#include "enroll.h"
#include "test_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "authority_fixture.h"

#define RA_LIFE_S (2 * 365 * DAY_S)

/* One authority for all tests that leave it as it is. */
static struct place place;
static struct authority *authority;
static X509 *root;

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

/* ---- the root ---- */

static void authority_create__makes_a_root_as_the_rules_say(void **state)
{
    (void)state;
    int64_t life_s = openssl_time(X509_get0_notAfter(root)) - openssl_time(X509_get0_notBefore(root));
    assert_int_equal(life_s, 20 * 365 * DAY_S + 15 * 60);
    assert_int_equal(openssl_verify(root, root, NULL, NULL), X509_V_OK);
    assert_int_equal(X509_check_ca(root), 1);
    assert_string_equal(openssl_extension(root, "2.5.29.15"), "!03020186");
    assert_string_equal(openssl_extension(root, "2.5.29.19"), "!30030101ff");
    assert_string_equal(openssl_extension(root, "1.3.6.1.4.1.311.21.1"), "020100");
    assert_string_equal(openssl_extension(root, "2.5.29.31"), "");
    assert_string_equal(openssl_extension(root, "1.3.6.1.5.5.7.1.1"), "");
    char *subject = X509_NAME_oneline(X509_get_subject_name(root), NULL, 0);
    assert_string_equal(subject, "/CN=Example CA");
    OPENSSL_free(subject);
}

/* RFC 5280 section 4.2.1.2 (1): the SHA-1 hash of the BIT STRING subjectPublicKey */
static void authority_create__identifies_its_key_by_sha1(void **state)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    (void)state;
    assert_int_equal(X509_pubkey_digest(root, EVP_sha1(), hash, &len), 1);
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(root);
    assert_true(span_equal(SPAN(ski->data, (size_t)ski->length), SPAN(hash, len)));
    const struct generation *generation = authority_current(authority);
    assert_true(span_equal(buf_span(&generation->spki_key_id), SPAN(hash, len)));
    assert_int_equal(generation->key_index, 0);
    assert_int_equal(generation->certificate_index, 0);
    assert_int_equal(generation->chain_count, 0);
}

static void authority_create__never_overwrites(void **state)
{
    struct authority_create create = {.key = KEY_SPEC_EC_P256, .ra_key = KEY_SPEC_RSA_2048};
    struct err failure = {0};
    (void)state;
    assert_int_equal(authority_create(place.store, &place.config, &create, place.templates, &failure),
                     STATUS_CONFLICT);
    assert_non_null(strstr(failure.text, "never overwritten"));
}

static void expect_refused(const char *name, const char *url, enum key_spec key, enum key_spec ra_key,
                           bool scep_with_ca_key, enum status expected)
{
    struct place other;
    struct err failure = {0};
    AUTO(buf) struct buf setting = BUF(1u << 20);
    place_make(&other);
    other.config.name = name;
    other.config.url = url;
    struct authority_create create = {.key = key, .ra_key = ra_key, .scep_with_ca_key = scep_with_ca_key};
    assert_int_equal(authority_create(other.store, &other.config, &create, other.templates, &failure),
                     expected);
    assert_true(failure.text[0] != '\0');
    assert_int_equal(store_setting(other.store, "authority", &setting, NULL), STATUS_NOT_FOUND);
    place_remove(&other);
}

static void authority_create__refuses_what_cannot_be(void **state)
{
    const char *url = "http://ca.example.com";
    const char *long_name = "12345678901234567890123456789012345678901234567890123456789012345";
    const enum key_spec ec = KEY_SPEC_EC_P256, rsa = KEY_SPEC_RSA_2048;
    (void)state;
    expect_refused("", url, ec, rsa, false, STATUS_USAGE);
    expect_refused("A/B", url, ec, rsa, false, STATUS_USAGE);
    expect_refused("A\nB", url, ec, rsa, false, STATUS_USAGE);
    expect_refused("A\xff", url, ec, rsa, false, STATUS_USAGE);
    expect_refused(long_name, url, ec, rsa, false, STATUS_USAGE);
    expect_refused("A", "https://ca.example.com", ec, rsa, false, STATUS_CONFIG);
    expect_refused("A", "http://", ec, rsa, false, STATUS_CONFIG);
    expect_refused("A", "http://a b", ec, rsa, false, STATUS_CONFIG);
    expect_refused("A", url, ec, ec, false, STATUS_USAGE);
    expect_refused("A", url, ec, rsa, true, STATUS_USAGE);
    assert_int_equal(authority_name_check(long_name + 1, NULL), STATUS_OK);
}

/* A killed process left key files behind. */
static void authority_create__passes_over_orphaned_keys(void **state)
{
    struct place other;
    struct authority_create create = {.key = KEY_SPEC_EC_P256, .ra_key = KEY_SPEC_RSA_2048};
    (void)state;
    place_make(&other);
    place_file(&other, "keys/ca-0.key", "an orphan");
    place_file(&other, "keys/ra-combined-0.key", "an orphan");
    OK(authority_create(other.store, &other.config, &create, other.templates, &err));
    authority_free(place_open(&other));
    AUTO(heap) char *ca_key = place_path(&other, "keys/ca-0-1.key");
    AUTO(heap) char *ra_key = place_path(&other, "keys/ra-combined-1.key");
    assert_int_equal(access(ca_key, R_OK), 0);
    assert_int_equal(access(ra_key, R_OK), 0);
    place_remove(&other);
}

/* ---- opening ---- */

static void authority_open__says_that_there_is_none(void **state)
{
    struct place other;
    struct err failure = {0};
    struct authority *opened = NULL;
    (void)state;
    place_make(&other);
    assert_int_equal(authority_open(other.store, &other.config, &opened, &failure), STATUS_NOT_FOUND);
    assert_non_null(strstr(failure.text, "scepter init"));
    assert_null(opened);
    place_remove(&other);
}

static void authority_open__refuses_another_name(void **state)
{
    struct authority_config config = place.config;
    struct err failure = {0};
    struct authority *opened = NULL;
    (void)state;
    config.name = "Example CA 2";
    assert_int_equal(authority_open(place.store, &config, &opened, &failure), STATUS_CONFIG);
    assert_non_null(strstr(failure.text, "Example CA"));
}

static void authority_open__refuses_a_key_that_is_not_the_certificates(void **state)
{
    AUTO(heap) char *path = place_path(&place, "keys/ca-0.key");
    AUTO(heap) char *aside = place_path(&place, "keys/aside.key");
    AUTO(key) struct key *key = NULL;
    struct err failure = {0};
    struct authority *opened = NULL;
    (void)state;
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(authority_open(place.store, &place.config, &opened, NULL), STATUS_NOT_FOUND);
    OK(key_create(path, KEY_SPEC_EC_P256, NULL, &key, &err));
    assert_int_equal(authority_open(place.store, &place.config, &opened, &failure), STATUS_INTEGRITY);
    assert_non_null(strstr(failure.text, "ca-0.key"));
    assert_int_equal(rename(aside, path), 0);
}

static void authority_open__needs_the_passphrase(void **state)
{
    struct place other;
    struct authority_create create = {.key = KEY_SPEC_EC_P256, .ra_key = KEY_SPEC_RSA_2048};
    struct authority *opened = NULL;
    (void)state;
    place_make(&other);
    other.config.passphrase = "correct horse";
    OK(authority_create(other.store, &other.config, &create, other.templates, &err));
    authority_free(place_open(&other));
    other.config.passphrase = "wrong";
    assert_int_equal(authority_open(other.store, &other.config, &opened, NULL), STATUS_DENIED);
    place_remove(&other);
}

/* ---- names and URLs ---- */

static void authority_names__are_numbered_as_ad_cs_numbers_them(void **state)
{
    AUTO(heap) char *crl = NULL;
    AUTO(heap) char *crl_4 = NULL;
    AUTO(heap) char *crt = NULL;
    AUTO(heap) char *crt_2 = NULL;
    (void)state;
    OK(authority_crl_name(authority, 0, &crl, &err));
    OK(authority_crl_name(authority, 4, &crl_4, &err));
    OK(authority_crt_name(authority, 0, &crt, &err));
    OK(authority_crt_name(authority, 2, &crt_2, &err));
    assert_string_equal(crl, "Example CA.crl");
    assert_string_equal(crl_4, "Example CA(4).crl");
    assert_string_equal(crt, "Example CA.crt");
    assert_string_equal(crt_2, "Example CA(2).crt");
}

static void authority_urls__encode_the_name_and_take_configured_lists(void **state)
{
    char whole[] = "http://cdn.example/ca.crl", directory[] = "http://cdn.example/pki/";
    char *lists[] = {whole, directory};
    struct authority other = {.config = {.cdp = {.items = lists, .count = 2}}};
    char name[] = "R\xc3\xb6"
                  "d (A+B) %",
         url[] = "http://ca.example/";
    struct generation generation = {.key_index = 1, .certificate_index = 3};
    AUTO(url_list) struct config_strings cdp = {0};
    AUTO(url_list) struct config_strings aia = {0};
    (void)state;
    other.name = name;
    other.url = url;
    OK(authority_cdp_urls(&other, &generation, &cdp, &err));
    OK(authority_aia_urls(&other, &generation, &aia, &err));
    assert_int_equal(cdp.count, 2);
    assert_string_equal(cdp.items[0], "http://cdn.example/ca.crl");
    assert_string_equal(cdp.items[1], "http://cdn.example/pki/R%C3%B6d%20(A%2BB)%20%25(1).crl");
    assert_int_equal(aia.count, 1);
    assert_string_equal(aia.items[0], "http://ca.example/CertEnroll/R%C3%B6d%20(A%2BB)%20%25(3).crt");
}

/* ---- RA certificates ---- */

static void authority_ra__has_three_as_clients_need_them(void **state)
{
    static const char *const usages[RA_USAGES] = {
        [RA_COMBINED] = "!030205a0", [RA_SIGNING] = "!03020780", [RA_ENCRYPTION] = "!03020520"};
    (void)state;
    for (int usage = 0; usage < RA_USAGES; usage++) {
        const struct ra *ra = authority_ra(authority, (enum ra_usage)usage);
        assert_non_null(ra);
        assert_int_equal(pubkey_type(key_public(ra->key)), KEY_RSA);
        X509 *certificate = openssl_certificate(buf_span(&ra->certificate->der));
        assert_int_equal(openssl_verify(certificate, root, NULL, NULL), X509_V_OK);
        assert_string_equal(openssl_extension(certificate, "2.5.29.15"), usages[usage]);
        assert_string_equal(openssl_extension(certificate, "2.5.29.37"), "300c060a2b060104018237140201");
        const struct certificate *ca = authority_current(authority)->certificate;
        int64_t back_s = ra->certificate->not_after_s - RA_LIFE_S - ra->certificate->not_before_s;
        assert_int_equal(back_s, 600);
        assert_true(ra->certificate->not_before_s >= ca->not_before_s);
        X509_free(certificate);
    }
}

static void authority_ra__stands_in_the_store(void **state)
{
    (void)state;
    for (int usage = 0; usage < RA_USAGES; usage++) {
        const struct certificate *certificate = authority_ra(authority, (enum ra_usage)usage)->certificate;
        AUTO(certificate_row) struct certificate_row row = {0};
        struct serial serial;
        OK(serial_from(certificate->serial_octets, &serial, &err));
        OK(store_certificate(place.store, &serial, &row, &err));
        assert_string_equal(row.template_name, "RA");
        assert_string_equal(row.requester, "system");
        assert_string_equal(row.subject, "CN=Example CA RA");
        assert_true(span_equal(buf_span(&row.der), buf_span(&certificate->der)));
    }
    int64_t rows = 0;
    uint8_t head[SHA256_LEN];
    OK(store_audit_verify(place.store, &rows, head, &err));
    assert_true(rows >= 5); /* created, three RA certificates, the first CRL */
}

static void authority_recipient__finds_ra_keys_but_not_the_ca(void **state)
{
    const struct ra *ra = authority_ra(authority, RA_ENCRYPTION);
    const struct certificate *ca = authority_current(authority)->certificate;
    AUTO(buf) struct buf padded = BUF(64);
    (void)state;
    buf_add_octet(&padded, 0);
    buf_add(&padded, ra->certificate->serial_octets);
    assert_ptr_equal(
        authority_recipient(authority, ra->certificate->issuer_der, ra->certificate->serial_octets), ra->key);
    assert_ptr_equal(authority_recipient(authority, ra->certificate->issuer_der, buf_span(&padded)), ra->key);
    assert_ptr_equal(authority_recipient_by_ski(authority, ra->certificate->ski), ra->key);
    assert_null(authority_recipient(authority, ra->certificate->subject_der, ra->certificate->serial_octets));
    assert_null(authority_recipient(authority, ca->issuer_der, ca->serial_octets));
    assert_null(authority_recipient_by_ski(authority, ca->ski));
    assert_null(authority_recipient_by_ski(authority, SPAN_NONE));
    assert_false(authority_scep_with_ca_key(authority));
}

static void authority_recipient__finds_the_ca_where_it_speaks_scep(void **state)
{
    struct place other;
    struct authority_create create = {
        .key = KEY_SPEC_RSA_2048, .ra_key = KEY_SPEC_RSA_2048, .scep_with_ca_key = true};
    (void)state;
    place_make(&other);
    OK(authority_create(other.store, &other.config, &create, other.templates, &err));
    AUTO(authority) struct authority *opened = place_open(&other);
    const struct generation *generation = authority_current(opened);
    assert_true(authority_scep_with_ca_key(opened));
    assert_ptr_equal(authority_recipient(opened, generation->certificate->issuer_der,
                                         generation->certificate->serial_octets),
                     generation->key);
    assert_ptr_equal(authority_recipient_by_ski(opened, generation->certificate->ski), generation->key);
    place_remove(&other);
}

static void authority_owns_key__knows_ca_and_ra(void **state)
{
    AUTO(key) struct key *foreign = NULL;
    (void)state;
    OK(key_generate(KEY_SPEC_EC_P256, &foreign, &err));
    assert_true(authority_owns_key(authority, key_public(authority_current(authority)->key)));
    assert_true(authority_owns_key(authority, key_public(authority_ra(authority, RA_SIGNING)->key)));
    assert_false(authority_owns_key(authority, key_public(foreign)));
}

/* ---- their renewal ---- */

static void authority_ra_renew__is_due_in_the_last_third(void **state)
{
    const struct certificate *certificate = authority_ra(authority, RA_COMBINED)->certificate;
    int64_t third_s = (certificate->not_after_s - certificate->not_before_s) / 3;
    struct err failure = {0};
    (void)state;
    assert_false(authority_ra_due(authority, clock_now()));
    assert_false(authority_ra_due(authority, certificate->not_after_s - third_s - 1));
    assert_true(authority_ra_due(authority, certificate->not_after_s - third_s));
    assert_int_equal(authority_ra_renew(authority, place.store, place.templates, &failure), STATUS_CONFLICT);
}

static void authority_ra_renew__replaces_and_retires(void **state)
{
    struct place other;
    AUTO(authority) struct authority *before = place_root(&other, KEY_SPEC_EC_P256);
    const struct certificate *old = authority_ra(before, RA_COMBINED)->certificate;
    (void)state;
    clock_shift_for_tests(RA_LIFE_S * 2 / 3 + DAY_S);
    assert_true(authority_ra_due(before, clock_now()));
    place_file(&other, "keys/ra-signing-1.key", "an orphan");
    OK(authority_ra_renew(before, other.store, other.templates, &err));
    /* of several processes one does it */
    assert_int_equal(authority_ra_renew(before, other.store, other.templates, NULL), STATUS_CONFLICT);

    AUTO(authority) struct authority *after = place_open(&other);
    assert_false(authority_ra_due(after, clock_now()));
    for (int usage = 0; usage < RA_USAGES; usage++) {
        const struct ra *was = authority_ra(before, (enum ra_usage)usage);
        const struct ra *is = authority_ra(after, (enum ra_usage)usage);
        assert_false(is->retired);
        assert_false(pubkey_equal(key_public(was->key), key_public(is->key)));
        assert_true(is->certificate->not_after_s > was->certificate->not_after_s);
        const struct key *still =
            authority_recipient(after, was->certificate->issuer_der, was->certificate->serial_octets);
        assert_non_null(still);
        assert_true(pubkey_equal(key_public(still), key_public(was->key)));
    }
    clock_shift_for_tests(RA_LIFE_S - DAY_S);
    assert_non_null(authority_recipient(after, old->issuer_der, old->serial_octets));
    clock_shift_for_tests(RA_LIFE_S + DAY_S);
    assert_null(authority_recipient(after, old->issuer_der, old->serial_octets));
    AUTO(authority) struct authority *later = place_open(&other);
    assert_null(authority_recipient_by_ski(later, old->ski));
    place_remove(&other);
}

/* rules.md: a retired key decrypts until its certificate ends, at least 30 days. */
static void ra_usable__lasts_thirty_days_beyond_a_late_renewal(void **state)
{
    struct certificate certificate = {.not_after_s = 1000 * DAY_S};
    struct ra ra = {.certificate = &certificate, .retired = true, .retired_s = 990 * DAY_S};
    (void)state;
    assert_true(ra_usable(&ra, 1010 * DAY_S));
    assert_false(ra_usable(&ra, 1020 * DAY_S));
    ra.retired_s = 500 * DAY_S;
    assert_true(ra_usable(&ra, 1000 * DAY_S));
    assert_false(ra_usable(&ra, 1000 * DAY_S + 1));
    ra.retired = false;
    assert_true(ra_usable(&ra, 5000 * DAY_S));
}

static void authority_ra_renew__refuses_a_clock_behind_the_store(void **state)
{
    struct err failure = {0};
    (void)state;
    clock_shift_for_tests(-3600);
    assert_int_equal(authority_ra_renew(authority, place.store, place.templates, &failure), STATUS_TIME);
    clock_shift_for_tests(0);
    assert_non_null(strstr(failure.text, "clock"));
}

static void put_suspended(const char *why)
{
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_SETTING_PUT,
                                           .setting = {.name = SETTING_SUSPENDED, .value = SPAN_STR(why)}});
    OK(store_commit(place.store, &change, &err));
}

/* rules.md: a restored authority starts with issuing off. */
static void authority_ra_renew__waits_while_the_authority_is_suspended(void **state)
{
    struct err failure = {0};
    (void)state;
    put_suspended("restored from a backup");
    assert_int_equal(authority_ra_renew(authority, place.store, place.templates, &failure), STATUS_BUSY);
    assert_non_null(strstr(failure.text, "restored from a backup"));
    put_suspended("");
}

/* Keys that nothing refers to are removed again. */
static void authority_ra_renew__leaves_no_key_when_another_was_quicker(void **state)
{
    AUTO(state) struct state first = {0};
    AUTO(state) struct state second = {0};
    AUTO(heap) char *path = NULL;
    struct change one = {0}, two = {0};
    (void)state;
    OK(state_load(place.store, &first, &err));
    OK(state_load(place.store, &second, &err));
    {
        AUTO(ra_batch) struct ra_batch batch = {0};
        OK(ra_batch_add(&batch, authority, place.templates, RA_SIGNING, clock_now(), &second, &two, &err));
        OK(text_copy(batch.keys[0].path, &path, &err));
        assert_int_equal(access(path, F_OK), 0);
        OK(state_commit(&first, place.store, &one, &err));
        assert_int_equal(state_commit(&second, place.store, &two, NULL), STATUS_CONFLICT);
    }
    assert_int_not_equal(access(path, F_OK), 0);
    AUTO(authority) struct authority *opened = place_open(&place);
    assert_true(pubkey_equal(key_public(authority_ra(opened, RA_SIGNING)->key),
                             key_public(authority_ra(authority, RA_SIGNING)->key)));
}

/* ---- the setting ---- */

static void state_load__refuses_a_damaged_setting(void **state)
{
    static const char *const damaged[] = {
        "",
        "[]",
        "{}",
        "{\"version\":1}",
        "{\"version\":2,\"revision\":1}",
        "{\"version\":1,\"revision\":1,\"name\":\"A\",\"ra_key\":\"rsa:2048\",\"generations\":[{}],\"ra\":[]"
        "}",
        "{\"version\":1,\"revision\":1,\"name\":\"A\",\"ra_key\":\"none\",\"generations\":[],\"ra\":[]}",
        "{\"version\":1,\"revision\":1,\"name\":\"A\",\"ra_key\":\"rsa:2048\",\"generations\":[],"
        "\"ra\":[{\"usage\":\"none\"}]}"};
    struct place other;
    (void)state;
    place_make(&other);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        AUTO(state) struct state loaded = {0};
        struct change change = {0};
        change_add(&change,
                   (struct change_op){.kind = CHANGE_SETTING_PUT,
                                      .setting = {.name = "authority", .value = SPAN_STR(damaged[i])}});
        OK(store_commit(other.store, &change, &err));
        enum status expected = i == 4 ? STATUS_CONFIG : STATUS_INTEGRITY;
        assert_int_equal(state_load(other.store, &loaded, NULL), expected);
    }
    place_remove(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authority_create__makes_a_root_as_the_rules_say),
        cmocka_unit_test(authority_create__identifies_its_key_by_sha1),
        cmocka_unit_test(authority_create__never_overwrites),
        cmocka_unit_test(authority_create__refuses_what_cannot_be),
        cmocka_unit_test(authority_create__passes_over_orphaned_keys),
        cmocka_unit_test(authority_open__says_that_there_is_none),
        cmocka_unit_test(authority_open__refuses_another_name),
        cmocka_unit_test(authority_open__refuses_a_key_that_is_not_the_certificates),
        cmocka_unit_test(authority_open__needs_the_passphrase),
        cmocka_unit_test(authority_names__are_numbered_as_ad_cs_numbers_them),
        cmocka_unit_test(authority_urls__encode_the_name_and_take_configured_lists),
        cmocka_unit_test(authority_ra__has_three_as_clients_need_them),
        cmocka_unit_test(authority_ra__stands_in_the_store),
        cmocka_unit_test(authority_recipient__finds_ra_keys_but_not_the_ca),
        cmocka_unit_test(authority_recipient__finds_the_ca_where_it_speaks_scep),
        cmocka_unit_test(authority_owns_key__knows_ca_and_ra),
        cmocka_unit_test(authority_ra_renew__is_due_in_the_last_third),
        cmocka_unit_test(authority_ra_renew__replaces_and_retires),
        cmocka_unit_test(ra_usable__lasts_thirty_days_beyond_a_late_renewal),
        cmocka_unit_test(authority_ra_renew__refuses_a_clock_behind_the_store),
        cmocka_unit_test(authority_ra_renew__waits_while_the_authority_is_suspended),
        cmocka_unit_test(authority_ra_renew__leaves_no_key_when_another_was_quicker),
        cmocka_unit_test(state_load__refuses_a_damaged_setting),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

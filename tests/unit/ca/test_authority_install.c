/* SPDX-License-Identifier: Apache-2.0
 *
 * A subordinate CA below issuers that OpenSSL made: its CSR, the certificates that fit,
 * and those that must be refused.
 */
#include "authority_private.h"
#include "csr.h"
#include "test_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "authority_fixture.h"

#define CA_USAGE  "critical,digitalSignature,keyCertSign,cRLSign"
#define CA_BASIC  "critical,CA:TRUE"
#define CHAIN_MAX 4

static struct place place;
static X509_REQ *request;
static EVP_PKEY *root_key, *middle_key;
static X509 *root, *middle;

/* ---- OpenSSL as the issuer ---- */

struct wish {
    const char *subject; /* CN; NULL: as the request's */
    EVP_PKEY *key;       /* whose certificate */
    X509 *issuer;        /* NULL: self-signed */
    EVP_PKEY *issuer_key;
    const char *basic;       /* NULL: none */
    const char *usage;       /* NULL: none */
    int64_t from_s, until_s; /* from now */
    const EVP_MD *digest;    /* NULL: SHA-256 */
};

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    if (value == NULL)
        return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make(const struct wish *wish)
{
    static long serial;
    X509 *certificate = X509_new();
    X509 *issuer = wish->issuer != NULL ? wish->issuer : certificate;
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial), 1);
    if (wish->subject != NULL)
        assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                                    (const unsigned char *)wish->subject, -1, -1, 0),
                         1);
    else
        assert_int_equal(X509_set_subject_name(certificate, X509_REQ_get_subject_name(request)), 1);
    assert_int_equal(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)), 1);
    assert_int_equal(X509_set_pubkey(certificate, wish->key), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), (long)wish->from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), (long)wish->until_s));
    add_extension(certificate, issuer, NID_basic_constraints, wish->basic);
    add_extension(certificate, issuer, NID_key_usage, wish->usage);
    add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
    const EVP_MD *digest = wish->digest != NULL ? wish->digest : EVP_sha256();
    assert_true(X509_sign(certificate, wish->issuer_key, digest) > 0);
    return certificate;
}

/* What fits, signed by the root. */
static struct wish good(void)
{
    return (struct wish){.key = X509_REQ_get0_pubkey(request),
                         .issuer = root,
                         .issuer_key = root_key,
                         .basic = CA_BASIC,
                         .usage = CA_USAGE,
                         .from_s = -3600,
                         .until_s = (long)(5 * 365 * DAY_S)};
}

static X509 *make_issuer(const char *subject, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                         const char *basic)
{
    struct wish wish = {.subject = subject,
                        .key = key,
                        .issuer = issuer,
                        .issuer_key = issuer_key,
                        .basic = basic,
                        .usage = "critical,keyCertSign,cRLSign",
                        .from_s = -7200,
                        .until_s = (long)(10 * 365 * DAY_S)};
    return make(&wish);
}

/* ---- the place: one that waits for its certificate ---- */

static void wait_for_certificate(void)
{
    struct authority_create create = {
        .key = KEY_SPEC_EC_P256, .ra_key = KEY_SPEC_RSA_2048, .subordinate = true};
    AUTO(buf) struct buf csr = BUF(CSR_MAX_LEN);
    place_make(&place);
    OK(authority_create(place.store, &place.config, &create, place.templates, &err));
    OK(authority_csr(place.store, &csr, &err));
    const unsigned char *at = csr.data;
    request = d2i_X509_REQ(NULL, &at, (long)csr.len);
    assert_non_null(request);
    assert_ptr_equal(at, csr.data + csr.len);
}

static int start(void **state)
{
    (void)state;
    root_key = test_key_rsa();
    middle_key = test_key_ec("P-384");
    root = make_issuer("Test Root", root_key, NULL, root_key, CA_BASIC);
    middle = make_issuer("Test Middle", middle_key, root, root_key, CA_BASIC);
    wait_for_certificate();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    X509_REQ_free(request);
    X509_free(middle);
    X509_free(root);
    EVP_PKEY_free(middle_key);
    place_remove(&place);
    return 0;
}

static enum status install(X509 *const *certificates, size_t count, struct err *failure)
{
    unsigned char *der[CHAIN_MAX] = {NULL};
    struct span spans[CHAIN_MAX];
    assert_true(count <= CHAIN_MAX);
    for (size_t i = 0; i < count; i++) {
        int len = i2d_X509(certificates[i], &der[i]);
        assert_true(len > 0);
        spans[i] = SPAN(der[i], (size_t)len);
    }
    enum status status =
        authority_install(place.store, &place.config, place.templates, spans, count, NULL, failure);
    for (size_t i = 0; i < count; i++)
        OPENSSL_free(der[i]);
    return status;
}

/* Refused with words that say why, and it still waits. Frees the certificate. */
static void expect_denied(X509 *certificate, X509 *with, const char *words)
{
    struct err failure = {0};
    AUTO(buf) struct buf csr = BUF(CSR_MAX_LEN);
    X509 *const both[] = {certificate, with};
    assert_int_equal(install(both, with != NULL ? 2 : 1, &failure), STATUS_DENIED);
    assert_int_equal(failure.status, STATUS_DENIED);
    if (strstr(failure.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", failure.text, words);
    OK(authority_csr(place.store, &csr, &err));
    X509_free(certificate);
}

/* ---- the request ---- */

static void authority_csr__is_one_that_openssl_takes(void **state)
{
    (void)state;
    assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
    char *subject = X509_NAME_oneline(X509_REQ_get_subject_name(request), NULL, 0);
    assert_string_equal(subject, "/CN=Example CA");
    OPENSSL_free(subject);
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    assert_int_equal(sk_X509_EXTENSION_num(extensions), 4);
    int critical = 0;
    BASIC_CONSTRAINTS *basic = X509V3_get_d2i(extensions, NID_basic_constraints, &critical, NULL);
    assert_non_null(basic);
    assert_true(basic->ca != 0 && critical == 1);
    BASIC_CONSTRAINTS_free(basic);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static void authority_open__says_that_it_waits(void **state)
{
    struct authority *opened = NULL;
    struct err failure = {0};
    (void)state;
    assert_int_equal(authority_open(place.store, &place.config, &opened, &failure), STATUS_NOT_FOUND);
    assert_non_null(strstr(failure.text, "waits"));
}

static void authority_create__does_not_replace_one_that_waits(void **state)
{
    struct authority_create create = {.key = KEY_SPEC_EC_P256, .ra_key = KEY_SPEC_RSA_2048};
    (void)state;
    assert_int_equal(authority_create(place.store, &place.config, &create, place.templates, NULL),
                     STATUS_CONFLICT);
}

/* ---- what is refused ---- */

static void authority_install__refuses_another_key(void **state)
{
    struct wish wish = good();
    (void)state;
    wish.key = middle_key;
    expect_denied(make(&wish), root, "key of the CSR");
}

static void authority_install__refuses_another_subject(void **state)
{
    struct wish wish = good();
    (void)state;
    wish.subject = "Another CA";
    expect_denied(make(&wish), root, "Another CA");
}

/* RFC 5280 section 4.2.1.9: "If the cA boolean is not asserted, then the keyCertSign bit in the key usage
 * extension MUST NOT be asserted." */
static void authority_install__refuses_what_is_no_ca(void **state)
{
    struct wish wish = good();
    (void)state;
    wish.basic = NULL;
    expect_denied(make(&wish), root, "CA:TRUE");
    wish.basic = "critical,CA:FALSE";
    expect_denied(make(&wish), root, "CA:TRUE");
    wish.basic = CA_BASIC;
    wish.usage = "critical,digitalSignature,keyCertSign";
    expect_denied(make(&wish), root, "cRLSign");
}

static void authority_install__refuses_wrong_dates(void **state)
{
    struct wish wish = good();
    (void)state;
    wish.until_s = -60;
    expect_denied(make(&wish), root, "expired");
    wish = good();
    wish.from_s = 3600;
    expect_denied(make(&wish), root, "only from");
}

static void authority_install__refuses_a_signature_that_does_not_hold(void **state)
{
    struct wish wish = good();
    (void)state;
    wish.issuer_key = middle_key; /* but the root's name */
    expect_denied(make(&wish), root, "does not hold");
}

static void authority_install__refuses_sha1(void **state)
{
    struct wish wish = good();
    (void)state;
    wish.digest = EVP_sha1();
    expect_denied(make(&wish), root, "SHA-1");
}

/* RFC 5280 section 4.2.1.9: "a pathLenConstraint of zero indicates that no non-self-issued intermediate CA
 * certificates may follow" */
static void authority_install__refuses_a_path_that_is_too_long(void **state)
{
    struct wish wish = good();
    X509 *narrow = make_issuer("Test Narrow", middle_key, NULL, middle_key, "critical,CA:TRUE,pathlen:0");
    (void)state;
    wish.issuer = narrow;
    wish.issuer_key = middle_key;
    expect_denied(make(&wish), narrow, "path length");
    X509_free(narrow);
}

static void authority_install__refuses_an_issuer_that_is_no_ca(void **state)
{
    struct wish wish = good();
    X509 *plain = make_issuer("Test Plain", middle_key, NULL, middle_key, NULL);
    (void)state;
    wish.issuer = plain;
    wish.issuer_key = middle_key;
    expect_denied(make(&wish), plain, "CA:TRUE");
    X509_free(plain);
}

static void authority_install__refuses_what_is_not_of_the_chain(void **state)
{
    struct wish wish = good();
    X509 *stranger = make_issuer("Test Stranger", middle_key, NULL, middle_key, CA_BASIC);
    (void)state;
    expect_denied(make(&wish), stranger, "Test Stranger");
    X509_free(stranger);
    expect_denied(make(&wish), middle, "Test Middle");
}

static void authority_install__refuses_rubbish(void **state)
{
    struct span rubbish = SPAN("\x30\x00", 2);
    (void)state;
    assert_int_equal(authority_install(place.store, &place.config, place.templates, &rubbish, 1, NULL, NULL),
                     STATUS_MALFORMED);
    assert_int_equal(authority_install(place.store, &place.config, place.templates, &rubbish, 0, NULL, NULL),
                     STATUS_DENIED);
}

/* ---- what fits ---- */

static X509 *issue_leaf(const struct authority *authority)
{
    AUTO(key) struct key *key = NULL;
    AUTO(content)
    struct content content = {.key_usage = KEY_USAGE_DIGITAL_SIGNATURE, .validity_s = 30 * DAY_S};
    AUTO(issued) struct issued issued = {0};
    OK(key_generate(KEY_SPEC_EC_P256, &key, &err));
    OK(name_parse("CN=leaf", &content.subject, &err));
    OK(authority_issue(authority, &content, key_public(key), clock_now(), &issued, &err));
    return openssl_certificate(buf_span(&issued.der));
}

/* Leaf, RA certificate and CRL of what was installed hold below the root. */
static void expect_working(size_t chain_count, X509 *trust, X509 *between)
{
    AUTO(authority) struct authority *authority = place_open(&place);
    AUTO(heap) char *path = NULL;
    AUTO(buf) struct buf der = BUF(1u << 20);
    const struct generation *generation = authority_current(authority);
    assert_int_equal(generation->chain_count, chain_count);
    X509 *ca = openssl_certificate(buf_span(&generation->certificate->der));
    X509 *leaf = issue_leaf(authority);
    OK(crl_path(authority, 0, &path, &err));
    OK(file_read(path, &der, &err));
    X509_CRL *crl = openssl_crl(buf_span(&der));
    if (between == NULL)
        assert_int_equal(openssl_verify(leaf, trust, ca, crl), X509_V_OK);
    else
        assert_int_equal(openssl_verify(ca, trust, between, NULL), X509_V_OK);
    const struct ra *ra = authority_ra(authority, RA_COMBINED);
    assert_ptr_equal(authority_issuer_of(authority, ra->certificate), generation);
    assert_true(ra->certificate->not_before_s >= generation->certificate->not_before_s);
    X509_CRL_free(crl);
    X509_free(leaf);
    X509_free(ca);
}

static void authority_install__takes_what_fits(void **state)
{
    struct wish wish = good();
    X509 *certificate = make(&wish);
    X509 *const both[] = {root, certificate};
    struct err failure = {0};
    (void)state;
    check_ok(install(both, 2, &failure), &failure);
    expect_working(1, root, NULL);
    assert_int_equal(install(both, 2, &failure), STATUS_NOT_FOUND);
    X509_free(certificate);
}

static void again(void)
{
    X509_REQ_free(request);
    place_remove(&place);
    wait_for_certificate();
}

static void authority_install__builds_a_longer_chain_in_any_order(void **state)
{
    struct err failure = {0};
    (void)state;
    again();
    struct wish wish = good();
    wish.issuer = middle;
    wish.issuer_key = middle_key;
    wish.basic = "critical,CA:TRUE,pathlen:0";
    X509 *certificate = make(&wish);
    X509 *const all[] = {root, certificate, middle};
    check_ok(install(all, 3, &failure), &failure);
    expect_working(2, root, middle);
    X509_free(certificate);
}

static void authority_install__takes_the_certificate_alone(void **state)
{
    struct err failure = {0};
    (void)state;
    again();
    struct wish wish = good();
    X509 *certificate = make(&wish);
    X509 *const one[] = {certificate};
    check_ok(install(one, 1, &failure), &failure);
    expect_working(0, root, NULL);
    X509_free(certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authority_csr__is_one_that_openssl_takes),
        cmocka_unit_test(authority_open__says_that_it_waits),
        cmocka_unit_test(authority_create__does_not_replace_one_that_waits),
        cmocka_unit_test(authority_install__refuses_another_key),
        cmocka_unit_test(authority_install__refuses_another_subject),
        cmocka_unit_test(authority_install__refuses_what_is_no_ca),
        cmocka_unit_test(authority_install__refuses_wrong_dates),
        cmocka_unit_test(authority_install__refuses_a_signature_that_does_not_hold),
        cmocka_unit_test(authority_install__refuses_sha1),
        cmocka_unit_test(authority_install__refuses_a_path_that_is_too_long),
        cmocka_unit_test(authority_install__refuses_an_issuer_that_is_no_ca),
        cmocka_unit_test(authority_install__refuses_what_is_not_of_the_chain),
        cmocka_unit_test(authority_install__refuses_rubbish),
        cmocka_unit_test(authority_install__takes_what_fits),
        cmocka_unit_test(authority_install__builds_a_longer_chain_in_any_order),
        cmocka_unit_test(authority_install__takes_the_certificate_alone),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole CA for tests of ca/: data directory, store, EC authority, templates and
 * profiles; and SCEP clients that speak to enroll() without SCEP. Include after cmocka.
 *
 * The clock only ever moves forward (fixture_wait), as the store remembers its last commit.
 */
#ifndef SCEPTER_TESTS_CA_FIXTURE_H
#define SCEPTER_TESTS_CA_FIXTURE_H

#include "clock.h"
#include "enroll.h"
#include "file.h"
#include "text.h"

#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIXTURE_PROFILES 9
#define FIXTURE_PHRASE   "an-old-shared-phrase-of-the-lab"
#define DAY_S            86400

struct fixture {
    char dir[64];
    struct store *store;
    struct authority_config config;
    struct snapshot *snapshot;
    struct enroll_context context;
};

/* One fixture per program. */
static struct fixture fixture;

static inline void fixture_ok(enum status status, const struct err *err)
{
    if (status != STATUS_OK)
        print_error("%s: %s (%s)\n", status_name(status), err->text, err->where);
    assert_int_equal(status, STATUS_OK);
}

static inline void fixture_file(const char *name, const char *text)
{
    struct err err = {0};
    AUTO(heap) char *path = NULL;
    fixture_ok(path_join(fixture.dir, name, &path, &err), &err);
    fixture_ok(file_write_new(path, SPAN_STR(text), 0600, &err), &err);
}

/* Templates beside the built-in ones. */
#define FIXTURE_TEMPLATE(name_, more_)                                                                       \
    "name = \"" name_ "\"; subject = { from = \"request\"; pattern = \"CN={DeviceUid}\"; verify = "          \
    "\"none\"; };\n"                                                                                         \
    "key = { types = [\"rsa\", \"ec\"]; usage = \"signing-and-encryption\"; }; eku = [\"clientAuth\"];\n"    \
    "validity = \"90d\";\n" more_ "\n"

static inline void fixture_templates(void)
{
    for (size_t i = 0; template_builtins[i].name != NULL; i++) {
        char name[96];
        (void)snprintf(name, sizeof name, "templates/%s.cfg", template_builtins[i].name);
        fixture_file(name, template_builtins[i].text);
    }
    fixture_file("templates/Held.cfg", FIXTURE_TEMPLATE("Held", "approval = \"manual\";"
                                                                "renewal_window = \"always\";"));
    fixture_file("templates/Window.cfg", FIXTURE_TEMPLATE("Window", "renewal_window = \"30d\";"));
    fixture_file("templates/OwnKey.cfg", FIXTURE_TEMPLATE("OwnKey", "key_reuse = \"same-subject\";"));
    fixture_file("templates/Officer.cfg", FIXTURE_TEMPLATE("Officer", "audience = \"officer\";"));
}

static inline char *fixture_text(const char *text)
{
    struct err err = {0};
    char *copy = NULL;
    fixture_ok(text_copy(text, &copy, &err), &err);
    return copy;
}

static inline void fixture_profile(const char *name, const char *template_name, enum challenge_policy policy)
{
    struct profile *profile = &fixture.snapshot->profiles[fixture.snapshot->profile_count++];
    *profile = (struct profile){.name = fixture_text(name),
                                .template_any = fixture_text(template_name),
                                .challenge = policy,
                                .retry_window_s = DAY_S,
                                .pending_lapse_s = 30 * (int64_t)DAY_S};
    if (policy == CHALLENGE_STATIC)
        profile->challenge_phrase = fixture_text(FIXTURE_PHRASE);
}

static inline struct profile *fixture_find(const char *name)
{
    for (size_t i = 0; i < fixture.snapshot->profile_count; i++)
        if (strcmp(fixture.snapshot->profiles[i].name, name) == 0)
            return &fixture.snapshot->profiles[i];
    fail_msg("there is no profile %s", name);
    return NULL;
}

static inline void fixture_profiles(void)
{
    fixture.snapshot->profiles = calloc(FIXTURE_PROFILES, sizeof(struct profile));
    assert_non_null(fixture.snapshot->profiles);
    fixture_profile("default", "User", CHALLENGE_ONE_TIME);
    fixture_profile("device", "Device", CHALLENGE_ONE_TIME);
    fixture_profile("lab", "LabDevice", CHALLENGE_STATIC);
    fixture_profile("open", "LabDevice", CHALLENGE_NONE);
    fixture_profile("held", "Held", CHALLENGE_ONE_TIME);
    fixture_profile("window", "Window", CHALLENGE_ONE_TIME);
    fixture_profile("ownkey", "OwnKey", CHALLENGE_ONE_TIME);
    fixture_profile("hook", "LabDevice", CHALLENGE_WEBHOOK);
    fixture_profile("split", NULL, CHALLENGE_ONE_TIME);
    fixture_find("split")->template_signing = fixture_text("Window");
    fixture_find("split")->template_both = fixture_text("Held");
}

static inline void fixture_subdir(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", fixture.dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static inline struct template_set *fixture_template_set(void)
{
    struct err err = {0};
    struct template_options options = {0};
    struct template_set *set = NULL;
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/templates", fixture.dir);
    fixture_ok(template_set_load(path, &options, &mistakes, NULL, &set, &err), &err);
    return set;
}

/* Group setup of cmocka. */
static inline int fixture_start(void **state)
{
    struct err err = {0};
    struct authority_create create = {
        .key = KEY_SPEC_EC_P256, .ra_key = KEY_SPEC_RSA_2048, .validity_s = 20 * 365 * (int64_t)DAY_S};
    char path[128];
    (void)state;
    (void)snprintf(fixture.dir, sizeof fixture.dir, "/tmp/scepter-test-XXXXXX");
    assert_non_null(mkdtemp(fixture.dir));
    fixture_subdir("keys");
    fixture_subdir("templates");
    fixture_subdir("crl");
    fixture_templates();
    (void)snprintf(path, sizeof path, "%s/scepter.db", fixture.dir);
    fixture_ok(store_open_sqlite(path, true, &fixture.store, &err), &err);
    fixture.config = (struct authority_config){.dir = fixture.dir,
                                               .name = "Test CA",
                                               .url = "http://ca.example.com:8080",
                                               .crl_validity_s = 7 * DAY_S,
                                               .crl_period_s = DAY_S,
                                               .crl_min_interval_s = 2};
    fixture.snapshot = calloc(1, sizeof *fixture.snapshot);
    assert_non_null(fixture.snapshot);
    fixture.snapshot->references = 1;
    fixture.snapshot->templates = fixture_template_set();
    fixture_ok(authority_create(fixture.store, &fixture.config, &create, fixture.snapshot->templates, &err),
               &err);
    fixture_ok(authority_open(fixture.store, &fixture.config, &fixture.snapshot->authority, &err), &err);
    fixture_profiles();
    fixture.context = (struct enroll_context){.store = fixture.store, .snapshot = fixture.snapshot};
    return 0;
}

static inline int fixture_remove(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    (void)facts, (void)kind, (void)place;
    return remove(path);
}

/* Group teardown. */
static inline int fixture_stop(void **state)
{
    (void)state;
    snapshot_unref(fixture.snapshot);
    store_close(fixture.store);
    return nftw(fixture.dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* Lets time pass. */
static inline void fixture_wait(int64_t seconds)
{
    static int64_t shift;
    shift += seconds;
    clock_shift_for_tests(shift);
}

/* A one-time challenge, "Name=text" bound to it if given; the phrase is the caller's. */
static inline char *fixture_challenge(const char *profile, const char *pair, struct challenge_row *row)
{
    struct err err = {0};
    AUTO(values) struct values values = {0};
    char *phrase = NULL;
    struct challenge_row made = {0};
    if (pair != NULL)
        fixture_ok(values_set_pair(&values, pair, &err), &err);
    struct challenge_new wanted = {
        .profile = profile, .values = &values, .ttl_s = 3600, .uses = 1, .actor = "local:root"};
    fixture_ok(challenge_create(&fixture.context, &wanted, &phrase, &made, &err), &err);
    if (row != NULL)
        *row = made;
    else
        challenge_row_free(&made);
    return phrase;
}

/* ---- keys ---- */

#define FIXTURE_KEYS 4

/* RSA keys of 2,048 bits, made once each. */
static inline EVP_PKEY *fixture_rsa(size_t index)
{
    static EVP_PKEY *keys[FIXTURE_KEYS];
    assert_true(index < FIXTURE_KEYS);
    if (keys[index] == NULL)
        keys[index] = EVP_RSA_gen(2048);
    assert_non_null(keys[index]);
    return keys[index];
}

/* ---- clients ---- */

/* One message of a SCEP client, as the adapter would hand it to enroll(). */
struct client {
    struct buf csr;
    struct certificate *certificate;
    struct request_signer signer;
    struct request request;
};

static inline void client_free(struct client *client)
{
    buf_free(&client->csr);
    certificate_free(client->certificate);
}
AUTO_VALUE(client, struct client, client_free)

static inline void csr_extensions(X509_REQ *req, const char *san, const char *usage)
{
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    if (san != NULL)
        sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san));
    if (usage != NULL)
        sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, usage));
    if (sk_X509_EXTENSION_num(extensions) > 0)
        assert_int_equal(X509_REQ_add_extensions(req, extensions), 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static inline void add_cn(X509_NAME *name, const char *cn)
{
    if (cn != NULL)
        assert_int_equal(
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0), 1);
}

/* A PKCS#10 request made by OpenSSL; every text may be NULL. */
static inline void csr_make(EVP_PKEY *key, const char *cn, const char *challenge, const char *san,
                            const char *usage, struct buf *out)
{
    unsigned char *der = NULL;
    X509_REQ *req = X509_REQ_new();
    assert_non_null(req);
    add_cn(X509_REQ_get_subject_name(req), cn);
    X509_REQ_set_pubkey(req, key);
    if (challenge != NULL)
        assert_int_equal(X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword, MBSTRING_UTF8,
                                                   (const unsigned char *)challenge, -1),
                         1);
    csr_extensions(req, san, usage);
    assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
    int len = i2d_X509_REQ(req, &der);
    assert_true(len > 0);
    buf_add(out, SPAN(der, (size_t)len));
    OPENSSL_free(der);
    X509_REQ_free(req);
}

/* The certificate that a client makes for itself to sign its first message. */
static inline struct certificate *self_signed(EVP_PKEY *key)
{
    struct err err = {0};
    unsigned char *der = NULL;
    struct certificate *certificate = NULL;
    X509 *x509 = X509_new();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), DAY_S);
    add_cn(X509_get_subject_name(x509), "self");
    add_cn(X509_get_issuer_name(x509), "self");
    X509_set_pubkey(x509, key);
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
    int len = i2d_X509(x509, &der);
    assert_true(len > 0);
    fixture_ok(certificate_decode(SPAN(der, (size_t)len), &certificate, &err), &err);
    OPENSSL_free(der);
    X509_free(x509);
    return certificate;
}

static inline void client_request(struct client *client, const char *profile, const char *transaction_id)
{
    client->signer.certificate = client->certificate;
    client->request = (struct request){.protocol = "scep",
                                       .profile = fixture_find(profile),
                                       .csr_der = buf_span(&client->csr),
                                       .transaction_id = transaction_id,
                                       .signer = &client->signer,
                                       .requester = {.kind = REQUESTER_CLIENT},
                                       .remote = "192.0.2.7"};
}

/* A first request: signed by a self-signed certificate of the same key. */
static inline void client_initial(struct client *client, EVP_PKEY *key, const char *cn, const char *challenge,
                                  const char *profile, const char *transaction_id)
{
    *client = (struct client){.csr = BUF(CSR_MAX_LEN), .certificate = self_signed(key)};
    csr_make(key, cn, challenge, NULL, NULL, &client->csr);
    client_request(client, profile, transaction_id);
}

/* A renewal: signed by a certificate that the CA has issued. */
static inline void client_renewal(struct client *client, EVP_PKEY *key, const char *cn, const char *challenge,
                                  struct span old, const char *profile, const char *transaction_id)
{
    struct err err = {0};
    *client = (struct client){.csr = BUF(CSR_MAX_LEN)};
    fixture_ok(certificate_decode(old, &client->certificate, &err), &err);
    client->signer.ours = true;
    csr_make(key, cn, challenge, NULL, NULL, &client->csr);
    client_request(client, profile, transaction_id);
}

/* enroll() that must give an answer of this disposition. */
static inline void client_enroll(const struct client *client, enum disposition disposition,
                                 struct outcome *outcome)
{
    struct err err = {0};
    outcome_free(outcome);
    fixture_ok(enroll(&fixture.context, &client->request, outcome, &err), &err);
    if (outcome->disposition != disposition)
        print_error("%s: %s\n", disposition_name(outcome->disposition),
                    outcome->reason != NULL ? outcome->reason : "");
    assert_int_equal(outcome->disposition, disposition);
}

/* Denied with these words somewhere in the reason. */
static inline void client_denied(const struct client *client, const char *words)
{
    AUTO(outcome) struct outcome outcome = {0};
    client_enroll(client, DISPOSITION_DENIED, &outcome);
    if (strstr(outcome.reason, words) == NULL)
        print_error("the reason is: %s\n", outcome.reason);
    assert_non_null(strstr(outcome.reason, words));
}

static inline void challenge_load(const char *phrase, struct challenge_row *row)
{
    struct err err = {0};
    uint8_t digest[SHA256_LEN];
    sha256(SPAN_STR(phrase), digest);
    challenge_row_free(row);
    fixture_ok(store_challenge(fixture.store, digest, row, &err), &err);
}

static inline struct store_counts fixture_counts(void)
{
    struct err err = {0};
    struct store_counts counts = {0};
    fixture_ok(store_counts(fixture.store, clock_now(), &counts, &err), &err);
    return counts;
}

#endif

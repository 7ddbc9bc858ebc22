/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes an authority: a root with its certificate, or the key and CSR of a subordinate,
 * which authority_install.c completes. It writes no configuration and no templates.
 */
#include "authority_private.h"
#include "certificate_build.h"
#include "clock.h"
#include "extension.h"

#define ROOT_VALIDITY_S (INT64_C(20) * 365 * 86400)
#define KEY_USAGE       (KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_KEY_CERT_SIGN | KEY_USAGE_CRL_SIGN)

static bool is_rsa(enum key_spec spec)
{
    return spec == KEY_SPEC_RSA_2048 || spec == KEY_SPEC_RSA_3072 || spec == KEY_SPEC_RSA_4096;
}

static enum status check_wishes(const struct authority_config *config, const struct authority_create *create,
                                struct err *err)
{
    TRY(authority_name_check(config->name, err));
    TRY(authority_urls_check(config, err));
    if (!is_rsa(create->ra_key))
        return ERR(err, STATUS_USAGE,
                   "the RA key must be RSA, for SCEP clients encrypt to it: take rsa:2048 or rsa:3072");
    if (create->scep_with_ca_key && !is_rsa(create->key))
        return ERR(err, STATUS_USAGE,
                   "with SCEP by the CA key that key must be RSA: take rsa:2048, rsa:3072 or rsa:4096");
    return STATUS_OK;
}

static enum status refuse_second(struct store *store, struct err *err)
{
    AUTO(state) struct state state = {0};
    enum status status = state_load(store, &state, err);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    TRY(status);
    return ERR(err, STATUS_CONFLICT,
               "there is an authority already, \"%s\": it is never overwritten; take another data directory",
               state.name);
}

/* ---- the CA's own certificate and request ---- */

static enum status encode_subject(const char *authority_name, struct buf *out, struct err *err)
{
    AUTO(name) struct name subject = {0};
    TRY(name_add(&subject, oid_octets(OID_CN), authority_name, 0, false, err));
    name_encode(&subject, out);
    return buf_status(out, "the CA's subject", err);
}

/* What a first CA certificate holds, of a root or asked for in a CSR. */
static enum status put_ca_extensions(const struct pubkey *key, struct buf *out, struct err *err)
{
    extension_key_usage(out, KEY_USAGE);
    extension_basic_constraints(out, true);
    extension_ski(out, pubkey_key_id(key));
    extension_ca_version(out, 0, 0);
    return buf_status(out, "the CA's extensions", err);
}

static enum status build_root(const char *authority_name, const struct key *key, int64_t validity_s,
                              struct buf *out, struct err *err)
{
    int64_t now_s = clock_now();
    struct serial serial = {0};
    AUTO(buf) struct buf subject = BUF(CERTIFICATE_MAX_LEN);
    AUTO(buf) struct buf extensions = BUF(CERTIFICATE_MAX_LEN);
    TRY(serial_random(&serial, err));
    TRY(encode_subject(authority_name, &subject, err));
    TRY(put_ca_extensions(key_public(key), &extensions, err));
    struct certificate_parts parts = {
        .serial = &serial,
        .issuer = buf_span(&subject),
        .not_before_s = now_s - CA_BACK_S,
        .not_after_s = now_s + (validity_s > 0 ? validity_s : ROOT_VALIDITY_S),
        .subject = buf_span(&subject),
        .spki = pubkey_spki(key_public(key)),
        .extensions = buf_span(&extensions),
    };
    return certificate_build(&parts, key, out, err);
}

/* attributes [0] IMPLICIT SET OF { extensionRequest, SET { Extensions } } (RFC 2985 section 5.4.2) */
static void put_extension_request(struct buf *out, struct span extensions)
{
    size_t attributes = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    size_t attribute = der_open(out, DER_SEQUENCE);
    der_put_oid(out, OID_EXTENSION_REQUEST);
    size_t values = der_open(out, DER_SET);
    der_put(out, DER_SEQUENCE, extensions);
    der_close(out, values);
    der_close(out, attribute);
    der_close(out, attributes);
}

/* CertificationRequest (RFC 2986 section 4) */
static enum status build_csr(const char *authority_name, const struct key *key, struct buf *out,
                             struct err *err)
{
    AUTO(buf) struct buf subject = BUF(CSR_MAX_LEN);
    AUTO(buf) struct buf extensions = BUF(CSR_MAX_LEN);
    AUTO(buf) struct buf info = BUF(CSR_MAX_LEN);
    TRY(encode_subject(authority_name, &subject, err));
    TRY(put_ca_extensions(key_public(key), &extensions, err));
    size_t sequence = der_open(&info, DER_SEQUENCE);
    der_put_uint(&info, 0);
    buf_add(&info, buf_span(&subject));
    buf_add(&info, pubkey_spki(key_public(key)));
    put_extension_request(&info, buf_span(&extensions));
    der_close(&info, sequence);
    TRY(buf_status(&info, "the CSR", err));
    TRY(signed_sequence(buf_span(&info), key, out, err));
    return buf_status(out, "the CSR", err);
}

/* ---- starting: RA certificates, the setting, the first CRL ---- */

static enum status commit_start(struct state *state, struct store *store, const char *action,
                                const char *detail, struct change *change, struct err *err)
{
    AUTO(audit_row) struct audit_row audit = {0};
    TRY(text_copy(state->actor != NULL ? state->actor : "system", &audit.actor, err));
    TRY(text_copy(action, &audit.action, err));
    TRY(text_format(&audit.object, err, "authority %s", state->name));
    TRY(text_copy(detail, &audit.detail, err));
    change_add(change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    return state_commit(state, store, change, err);
}

enum status authority_start(struct store *store, const struct authority_config *config,
                            const struct template_set *templates, struct state *state, const char *action,
                            const char *detail, struct authority **out, struct err *err)
{
    AUTO(authority) struct authority *authority = NULL;
    AUTO(ra_batch) struct ra_batch batch = {0};
    struct change change = {0};
    TRY(authority_from_state(state, config, &authority, err));
    for (int usage = 0; usage < RA_USAGES; usage++)
        TRY(ra_batch_add(&batch, authority, templates, (enum ra_usage)usage, clock_now(), state, &change,
                         err));
    TRY(commit_start(state, store, action, detail, &change, err));
    ra_batch_keep(&batch);
    *out = MOVE(authority);
    return STATUS_OK;
}

enum status authority_first_crl(const struct authority *authority, struct store *store, const char *actor,
                                struct err *err)
{
    int64_t key_index = authority_current(authority)->key_index;
    enum status status =
        crl_publish(authority, store, key_index, true, actor != NULL ? actor : "system", NULL, err);
    if (status != STATUS_OK)
        (void)err_prefix(err,
                         "the authority is made, but not its first CRL (scepter crl publish makes it): ");
    return status;
}

static enum status start_root(struct store *store, const struct authority_config *config,
                              const struct authority_create *create, const struct template_set *templates,
                              struct state *state, struct key_made *key, struct err *err)
{
    struct state_generation *generation = state_add_generation(state);
    if (generation == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    TRY(text_copy(key->location, &generation->key, err));
    TRY(build_root(config->name, key->key, create->validity_s, &generation->certificate, err));
    AUTO(heap) char *detail = NULL;
    TRY(text_format(&detail, err, "root with a key %s", pubkey_text(key_public(key->key))));
    AUTO(authority) struct authority *authority = NULL;
    TRY(authority_start(store, config, templates, state, "authority.created", detail, &authority, err));
    key->kept = true;
    return authority_first_crl(authority, store, state->actor, err);
}

static enum status wait_for_certificate(struct store *store, const struct authority_config *config,
                                        struct state *state, struct key_made *key, struct err *err)
{
    struct change change = {0};
    state->pending_csr = BUF(CSR_MAX_LEN);
    TRY(text_copy(key->location, &state->pending_key, err));
    TRY(build_csr(config->name, key->key, &state->pending_csr, err));
    TRY(commit_start(state, store, "authority.requested", "key and CSR of a subordinate CA", &change, err));
    key->kept = true;
    return STATUS_OK;
}

enum status authority_create(struct store *store, const struct authority_config *config,
                             const struct authority_create *create, const struct template_set *templates,
                             struct err *err)
{
    TRY(check_wishes(config, create, err));
    TRY(refuse_second(store, err));
    AUTO(state)
    struct state state = {
        .actor = create->actor, .ra_key = create->ra_key, .scep_with_ca_key = create->scep_with_ca_key};
    AUTO(key_made) struct key_made key = {0};
    TRY(text_copy(config->name, &state.name, err));
    TRY(key_make(config, "ca-0", false, create->key, &key, err));
    if (create->subordinate)
        return wait_for_certificate(store, config, &state, &key, err);
    return start_root(store, config, create, templates, &state, &key, err);
}

enum status authority_csr(struct store *store, struct buf *out, struct err *err)
{
    AUTO(state) struct state state = {0};
    enum status status = state_load(store, &state, err);
    if (status == STATUS_NOT_FOUND)
        return ERR(err, status, "there is no authority yet: make one with scepter init --subordinate");
    TRY(status);
    if (state.pending_key == NULL)
        return ERR(err, STATUS_NOT_FOUND, "no CSR waits to be signed: the authority has its certificate");
    buf_add(out, buf_span(&state.pending_csr));
    return buf_status(out, "the CSR", err);
}

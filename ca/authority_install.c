/* SPDX-License-Identifier: Apache-2.0
 *
 * Installs the certificate of a subordinate CA: judges it and its chain (RFC 5280 section 6.1,
 * as far as it concerns a CA's own certificate), then starts the authority. It fetches nothing.
 */
#include "authority_private.h"
#include "certificate_build.h"
#include "clock.h"

#define CERTIFICATES_MAX 16

/* What keys of issuers are trusted to verify with; their owners chose them, not we. */
static const struct key_limits issuer_keys = {
    .rsa = true, .rsa_min_bits = 2048, .rsa_max_bits = 16384, .p256 = true, .p384 = true};

/* What was given to install. Those that stand in the chain already are NULL. */
struct given {
    struct certificate *certificates[CERTIFICATES_MAX];
    size_t count;
};

static void given_free(struct given *given)
{
    for (size_t i = 0; i < given->count; i++)
        certificate_free(given->certificates[i]);
}
AUTO_VALUE(given, struct given, given_free)

static const char *subject_text(const struct certificate *certificate, struct buf *scratch)
{
    buf_clear(scratch);
    name_text(&certificate->subject, scratch);
    buf_add_octet(scratch, '\0');
    return scratch->failed == STATUS_OK ? (const char *)scratch->data : "(a long name)";
}

static enum status decode_all(const struct span *certificates, size_t count, struct given *out,
                              struct err *err)
{
    if (count == 0)
        return ERR(err, STATUS_DENIED, "there is no certificate in what was given");
    if (count > CERTIFICATES_MAX)
        return ERR(err, STATUS_LIMIT,
                   "%zu certificates are too many: give the CA's and its chain, at most %d", count,
                   CERTIFICATES_MAX);
    for (size_t i = 0; i < count; i++) {
        enum status status = certificate_decode(certificates[i], &out->certificates[i], err);
        if (status != STATUS_OK)
            (void)err_prefix(err, "certificate %zu of %zu: ", i + 1, count);
        TRY(status);
        out->count = i + 1;
    }
    return STATUS_OK;
}

/* ---- one certificate ---- */

static enum status check_dates(const struct certificate *certificate, const char *subject, struct err *err)
{
    char text[32];
    int64_t now_s = clock_now();
    if (now_s < certificate->not_before_s) {
        time_text(certificate->not_before_s, text);
        return ERR(err, STATUS_DENIED, "the certificate of %s is valid only from %s: set the clock, or wait",
                   subject, text);
    }
    if (now_s >= certificate->not_after_s) {
        time_text(certificate->not_after_s, text);
        return ERR(err, STATUS_DENIED, "the certificate of %s expired at %s: have a new one made", subject,
                   text);
    }
    return STATUS_OK;
}

static enum status check_ca(const struct certificate *certificate, unsigned key_usage, const char *subject,
                            struct err *err)
{
    if (!certificate->is_ca)
        return ERR(err, STATUS_DENIED,
                   "the certificate of %s is not one of a CA (RFC 5280 section 4.2.1.9: basicConstraints "
                   "CA:TRUE is missing): have it made as a subordinate CA's",
                   subject);
    if (certificate->has_key_usage && (certificate->key_usage & key_usage) != key_usage)
        return ERR(
            err, STATUS_DENIED,
            "the key usage of %s forbids what a CA does (RFC 5280 section 4.2.1.3): it needs keyCertSign%s%s",
            subject, (key_usage & KEY_USAGE_CRL_SIGN) != 0 ? " and cRLSign" : "",
            (key_usage & KEY_USAGE_DIGITAL_SIGNATURE) != 0 ? " and digitalSignature" : "");
    return check_dates(certificate, subject, err);
}

/* The one that holds our key, taken out of `given`; NULL if none does. */
static struct certificate *take_ours(struct given *given, const struct pubkey *key)
{
    for (size_t i = 0; i < given->count; i++) {
        if (pubkey_equal(given->certificates[i]->key, key))
            return MOVE(given->certificates[i]);
    }
    return NULL;
}

static enum status check_ours(const struct certificate *ours, const struct csr *csr, bool scep_with_ca_key,
                              struct err *err)
{
    AUTO(buf) struct buf wanted = BUF(4096);
    AUTO(buf) struct buf scratch = BUF(4096);
    const char *subject = subject_text(ours, &scratch);
    if (!name_equal(&ours->subject, &csr->subject)) {
        name_text(&csr->subject, &wanted);
        return ERR(err, STATUS_DENIED, "the certificate's subject %s is not that of the CSR, %.*s", subject,
                   (int)wanted.len, (const char *)wanted.data);
    }
    unsigned usage =
        KEY_USAGE_KEY_CERT_SIGN | KEY_USAGE_CRL_SIGN | (scep_with_ca_key ? KEY_USAGE_DIGITAL_SIGNATURE : 0u);
    return check_ca(ours, usage, subject, err);
}

/* ---- the chain ---- */

/* Whether issuer signed certificate, by name and signature. */
static enum status check_signature(const struct certificate *certificate, const struct certificate *issuer,
                                   struct err *err)
{
    AUTO(buf) struct buf scratch = BUF(4096);
    const char *subject = subject_text(issuer, &scratch);
    enum status status = pubkey_judge(issuer->key, &issuer_keys, err);
    /* a root's signature of itself proves nothing, whatever its digest */
    if (status == STATUS_OK && certificate != issuer && certificate->signature_digest == DIGEST_SHA1)
        status = ERR(err, STATUS_ALGORITHM, "it is made with SHA-1: have it signed with SHA-256 or better");
    if (status == STATUS_OK)
        status = certificate_verify(certificate, issuer->key, err);
    if (status == STATUS_OK)
        return STATUS_OK;
    (void)err_prefix(err, "the signature by %s does not hold: ", subject);
    if (err != NULL)
        err->status = STATUS_DENIED;
    return STATUS_DENIED;
}

/* cas_below: CA certificates between this issuer and the leaves, ours included; those that a CA issued to
 * itself do not count (RFC 5280 section 4.2.1.9). */
static enum status check_issuer(const struct certificate *issuer, int64_t cas_below, struct err *err)
{
    AUTO(buf) struct buf scratch = BUF(4096);
    const char *subject = subject_text(issuer, &scratch);
    if (issuer->path_len >= 0 && issuer->path_len < cas_below)
        return ERR(
            err, STATUS_DENIED,
            "%s allows only %lld CAs below it, and this would be the %lldth (RFC 5280 section 4.2.1.9): "
            "the path length of its certificate forbids it",
            subject, (long long)issuer->path_len, (long long)cas_below);
    return check_ca(issuer, KEY_USAGE_KEY_CERT_SIGN, subject, err);
}

/* The issuer by name, preferring one whose signature holds (several may have the name); NULL if none. */
static struct certificate **find_issuer(struct given *given, const struct certificate *certificate)
{
    struct certificate **named = NULL;
    for (size_t i = 0; i < given->count; i++) {
        struct certificate **slot = &given->certificates[i];
        if (*slot == NULL || !span_equal((*slot)->subject_der, certificate->issuer_der))
            continue;
        named = slot;
        if (check_signature(certificate, *slot, NULL) == STATUS_OK)
            return slot;
    }
    return named;
}

static enum status refuse_strangers(const struct given *given, struct err *err)
{
    AUTO(buf) struct buf scratch = BUF(4096);
    for (size_t i = 0; i < given->count; i++) {
        if (given->certificates[i] != NULL)
            return ERR(
                err, STATUS_DENIED,
                "the certificate of %s does not belong to the chain: give the CA's certificate and its "
                "issuers' only",
                subject_text(given->certificates[i], &scratch));
    }
    return STATUS_OK;
}

static enum status chain_append(struct state_generation *generation, const struct certificate *certificate,
                                struct err *err)
{
    struct buf *grown = reallocarray(generation->chain, generation->chain_count + 1, sizeof *grown);
    if (grown == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    generation->chain = grown;
    struct buf *added = &grown[generation->chain_count++];
    *added = BUF(CERTIFICATE_MAX_LEN);
    buf_add(added, buf_span(&certificate->der));
    return buf_status(added, "a certificate of the chain", err);
}

/* From ours upwards, as far as what was given goes; nothing may be left over. */
static enum status build_chain(const struct certificate *ours, struct given *given,
                               struct state_generation *generation, struct err *err)
{
    const struct certificate *below = ours;
    int64_t cas_below = 1;
    AUTO(certificate) struct certificate *last = NULL;
    while (!certificate_is_self_issued(below)) {
        struct certificate **slot = find_issuer(given, below);
        if (slot == NULL)
            break;
        TRY(check_signature(below, *slot, err));
        TRY(check_issuer(*slot, cas_below, err));
        TRY(chain_append(generation, *slot, err));
        cas_below += !certificate_is_self_issued(*slot);
        certificate_free(last);
        last = MOVE(*slot);
        below = last;
    }
    if (below != ours && certificate_is_self_issued(below))
        TRY(check_signature(below, below, err));
    return refuse_strangers(given, err);
}

/* ---- the whole ---- */

static enum status load(struct store *store, struct state *state, struct err *err)
{
    enum status status = state_load(store, state, err);
    if (status == STATUS_NOT_FOUND)
        return ERR(err, status, "there is no authority yet: make one with scepter init --subordinate");
    return status;
}

/* The pending key and its certificate become generation 0. */
static enum status complete(struct state *state, const struct certificate *ours, struct given *given,
                            struct err *err)
{
    struct state_generation *generation = state_add_generation(state);
    if (generation == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    generation->key = MOVE(state->pending_key);
    buf_free(&state->pending_csr);
    buf_add(&generation->certificate, buf_span(&ours->der));
    TRY(buf_status(&generation->certificate, "the CA's certificate", err));
    return build_chain(ours, given, generation, err);
}

/* ---- the chain, later ---- */

struct chain {
    struct buf *items;
    size_t count;
};

static void chain_free(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        buf_free(&chain->items[i]);
    free(chain->items);
}
AUTO_VALUE(chain, struct chain, chain_free)

static struct certificate *take_same(struct given *given, struct span der)
{
    for (size_t i = 0; i < given->count; i++)
        if (span_equal(buf_span(&given->certificates[i]->der), der))
            return MOVE(given->certificates[i]);
    return NULL;
}

static enum status commit_chain(struct state *state, struct store *store, size_t count, const char *actor,
                                struct err *err)
{
    struct change change = {0};
    AUTO(audit_row) struct audit_row audit = {0};
    TRY(text_copy(actor != NULL ? actor : "system", &audit.actor, err));
    TRY(text_copy("authority.chain_added", &audit.action, err));
    TRY(text_format(&audit.object, err, "authority %s", state->name));
    TRY(text_format(&audit.detail, err, "%zu issuers' certificates", count));
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    return state_commit(state, store, &change, err);
}

/* The certificate that is installed, given again with more of its issuers. */
static enum status add_chain(struct state *state, struct store *store, struct given *given, const char *actor,
                             struct err *err)
{
    if (state->generation_count == 0)
        return ERR(err, STATUS_INTEGRITY,
                   "the authority has neither a certificate nor a CSR that waits for one");
    struct state_generation *generation = &state->generations[state->generation_count - 1];
    AUTO(certificate) struct certificate *ours = take_same(given, buf_span(&generation->certificate));
    if (ours == NULL)
        return ERR(err, STATUS_NOT_FOUND, "no CSR waits for a certificate: the authority has one");
    AUTO(chain) struct chain old = {generation->chain, generation->chain_count};
    generation->chain = NULL;
    generation->chain_count = 0;
    TRY(build_chain(ours, given, generation, err));
    if (generation->chain_count <= old.count)
        return ERR(err, STATUS_NOT_FOUND,
                   "no CSR waits for a certificate: the authority has one with this chain");
    return commit_chain(state, store, generation->chain_count, actor, err);
}

/* ---- the request's certificate ---- */

static enum status start_installed(struct store *store, const struct authority_config *config,
                                   const struct template_set *templates, struct state *state,
                                   const struct certificate *ours, struct err *err)
{
    AUTO(buf) struct buf issuer = BUF(4096);
    AUTO(heap) char *detail = NULL;
    AUTO(authority) struct authority *authority = NULL;
    name_text(&ours->issuer, &issuer);
    TRY(text_format(&detail, err, "certificate by %.*s, %zu issuers' certificates with it", (int)issuer.len,
                    (const char *)issuer.data, state->generations[0].chain_count));
    TRY(authority_start(store, config, templates, state, "authority.installed", detail, &authority, err));
    return authority_first_crl(authority, store, state->actor, err);
}

enum status authority_install(struct store *store, const struct authority_config *config,
                              const struct template_set *templates, const struct span *certificates,
                              size_t count, const char *actor, struct err *err)
{
    AUTO(state) struct state state = {0};
    AUTO(csr) struct csr *csr = NULL;
    AUTO(given) struct given given = {0};
    TRY(load(store, &state, err));
    state.actor = actor;
    TRY(decode_all(certificates, count, &given, err));
    if (state.pending_key == NULL)
        return add_chain(&state, store, &given, actor, err);
    TRY(csr_decode(buf_span(&state.pending_csr), &csr, err));
    AUTO(certificate) struct certificate *ours = take_ours(&given, csr->key);
    if (ours == NULL)
        return ERR(
            err, STATUS_DENIED,
            "none of the %zu certificates holds the key of the CSR that waits: sign what scepter ca csr "
            "prints",
            count);
    TRY(check_ours(ours, csr, state.scep_with_ca_key, err));
    TRY(complete(&state, ours, &given, err));
    return start_installed(store, config, templates, &state, ours, err);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens the authority as one immutable, counted snapshot, and answers what is asked of
 * it: generations, RA certificates, whose key that is. Changes nothing.
 */
#include "authority_private.h"

#include "clock.h"
#include "file.h"

/* ---- destruction ---- */

static void generation_clear(struct generation *generation)
{
    key_unref(generation->key);
    certificate_free(generation->certificate);
    for (size_t i = 0; i < generation->chain_count; i++)
        buf_free(&generation->chain[i]);
    free(generation->chain);
    buf_free(&generation->spki_key_id);
}

static void issuing_clear(struct issuing *issuing)
{
    buf_free(&issuing->aki);
    buf_free(&issuing->cdp);
    buf_free(&issuing->aia);
}

void authority_free(struct authority *authority)
{
    if (authority == NULL)
        return;
    for (size_t i = 0; i < authority->generation_count; i++) {
        generation_clear(&authority->generations[i]);
        issuing_clear(&authority->issuing[i]);
    }
    free(authority->generations);
    free(authority->issuing);
    for (size_t i = 0; i < authority->ra_count; i++) {
        key_unref(authority->ras[i].key);
        certificate_free(authority->ras[i].certificate);
    }
    free(authority->ras);
    config_strings_free(&authority->config.cdp);
    config_strings_free(&authority->config.aia);
    free(authority->dir);
    free(authority->name);
    free(authority->url);
    free(authority->ocsp);
    secret_free(authority->passphrase);
    free(authority);
}

/* ---- opening ---- */

static enum status strings_copy(const struct config_strings *from, struct config_strings *to, struct err *err)
{
    to->items = calloc(from->count + 1, sizeof *to->items);
    if (to->items == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < from->count; i++) {
        TRY(text_copy(from->items[i], &to->items[i], err));
        to->count = i + 1;
    }
    return STATUS_OK;
}

static enum status copy_config(const struct authority_config *config, struct authority *out, struct err *err)
{
    out->config = *config;
    out->config.cdp = (struct config_strings){0};
    out->config.aia = (struct config_strings){0};
    TRY(strings_copy(&config->cdp, &out->config.cdp, err));
    TRY(strings_copy(&config->aia, &out->config.aia, err));
    TRY(text_copy(config->dir, &out->dir, err));
    TRY(text_copy(config->name, &out->name, err));
    TRY(text_copy(config->url, &out->url, err));
    TRY(text_copy(config->ocsp, &out->ocsp, err));
    TRY(text_copy(config->passphrase, &out->passphrase, err));
    out->config.dir = out->dir;
    out->config.name = out->name;
    out->config.url = out->url;
    out->config.ocsp = out->ocsp;
    out->config.passphrase = out->passphrase;
    return STATUS_OK;
}

/* A certificate of ours and the key for it. */
static enum status open_pair(const struct authority_config *config, const struct buf *der,
                             const char *location, struct certificate **certificate, struct key **key,
                             struct err *err)
{
    AUTO(heap) char *path = NULL;
    TRY(path_join(config->dir, location, &path, err));
    TRY(certificate_decode(buf_span(der), certificate, err));
    TRY(key_open(path, config->passphrase, key, err));
    if (!pubkey_equal((*certificate)->key, key_public(*key)))
        return ERR(err, STATUS_INTEGRITY,
                   "%s holds another key than the certificate that the store has for it: restore the file",
                   path);
    return STATUS_OK;
}

static enum status buf_copy(const struct buf *from, struct buf *to, struct err *err)
{
    *to = BUF(from->len);
    buf_add(to, buf_span(from));
    return buf_status(to, "a certificate", err);
}

static enum status open_generation(const struct authority_config *config,
                                   const struct state_generation *state, struct generation *out,
                                   struct err *err)
{
    out->certificate_index = state->certificate_index;
    out->key_index = state->key_index;
    TRY(open_pair(config, &state->certificate, state->key, &out->certificate, &out->key, err));
    out->chain = calloc(state->chain_count + 1, sizeof *out->chain);
    if (out->chain == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < state->chain_count; i++) {
        TRY(buf_copy(&state->chain[i], &out->chain[i], err));
        out->chain_count = i + 1;
    }
    struct span key_id = out->certificate->ski;
    if (key_id.len == 0)
        key_id = pubkey_key_id(key_public(out->key));
    out->spki_key_id = BUF(key_id.len);
    buf_add(&out->spki_key_id, key_id);
    return buf_status(&out->spki_key_id, "the subject key identifier", err);
}

static enum status open_generations(const struct state *state, struct authority *out, struct err *err)
{
    out->generations = calloc(state->generation_count, sizeof *out->generations);
    out->issuing = calloc(state->generation_count, sizeof *out->issuing);
    if (out->generations == NULL || out->issuing == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < state->generation_count; i++) {
        out->generation_count = i + 1;
        TRY(open_generation(&out->config, &state->generations[i], &out->generations[i], err));
        TRY(issuing_prepare(out, &out->generations[i], &out->issuing[i], err));
    }
    return STATUS_OK;
}

/* Retired ones that may no longer decrypt are passed over: their files may be gone. */
static enum status open_ras(const struct state *state, struct authority *out, struct err *err)
{
    out->ras = calloc(state->ra_count + 1, sizeof *out->ras);
    if (out->ras == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < state->ra_count; i++) {
        const struct state_ra *from = &state->ras[i];
        struct ra ra = {.usage = from->usage, .retired = from->retired_s != 0, .retired_s = from->retired_s};
        AUTO(certificate) struct certificate *certificate = NULL;
        TRY(certificate_decode(buf_span(&from->certificate), &certificate, err));
        ra.certificate = certificate;
        if (!ra_usable(&ra, clock_now()))
            continue;
        struct ra *slot = &out->ras[out->ra_count++];
        *slot = ra;
        slot->certificate = NULL;
        TRY(open_pair(&out->config, &from->certificate, from->key, &slot->certificate, &slot->key, err));
    }
    return STATUS_OK;
}

static enum status fill(const struct state *state, const struct authority_config *config,
                        struct authority *out, struct err *err)
{
    TRY(copy_config(config, out, err));
    TRY(open_generations(state, out, err));
    return open_ras(state, out, err);
}

enum status authority_from_state(const struct state *state, const struct authority_config *config,
                                 struct authority **out, struct err *err)
{
    TRY(authority_urls_check(config, err));
    if (strcmp(config->name, state->name) != 0)
        return ERR(
            err, STATUS_CONFIG,
            "authority.name: \"%s\" is not the name that the authority was made with, \"%s\"; it cannot "
            "change: write that one",
            config->name, state->name);
    struct authority *authority = calloc(1, sizeof *authority);
    if (authority == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    authority->scep_with_ca_key = state->scep_with_ca_key;
    enum status status = fill(state, config, authority, err);
    if (status == STATUS_OK)
        *out = authority;
    else
        authority_free(authority);
    return status;
}

enum status authority_open(struct store *store, const struct authority_config *config, struct authority **out,
                           struct err *err)
{
    AUTO(state) struct state state = {0};
    enum status status = state_load(store, &state, err);
    if (status == STATUS_NOT_FOUND)
        return ERR(err, status, "there is no authority yet: make one with scepter init");
    TRY(status);
    if (state.generation_count == 0)
        return ERR(
            err, STATUS_NOT_FOUND,
            "the authority still waits for its certificate: have scepter ca csr signed, then scepter ca "
            "install FILE");
    return authority_from_state(&state, config, out, err);
}

/* ---- look-ups ---- */

const char *authority_name(const struct authority *authority)
{
    return authority->name;
}

const struct authority_config *authority_config(const struct authority *authority)
{
    return &authority->config;
}

size_t authority_generation_count(const struct authority *authority)
{
    return authority->generation_count;
}

const struct generation *authority_generation(const struct authority *authority, size_t index)
{
    return &authority->generations[index];
}

const struct generation *authority_current(const struct authority *authority)
{
    return &authority->generations[authority->generation_count - 1];
}

const struct generation *authority_issuer_of(const struct authority *authority,
                                             const struct certificate *certificate)
{
    for (size_t i = authority->generation_count; i > 0; i--) {
        const struct generation *generation = &authority->generations[i - 1];
        if (span_equal(certificate->issuer_der, generation->certificate->subject_der) &&
            certificate_verify(certificate, key_public(generation->key), NULL) == STATUS_OK)
            return generation;
    }
    return NULL;
}

const struct ra *authority_ra(const struct authority *authority, enum ra_usage usage)
{
    for (size_t i = 0; i < authority->ra_count; i++) {
        if (authority->ras[i].usage == usage && !authority->ras[i].retired)
            return &authority->ras[i];
    }
    return NULL;
}

bool authority_scep_with_ca_key(const struct authority *authority)
{
    return authority->scep_with_ca_key;
}

static struct span without_leading_zeros(struct span octets)
{
    while (octets.len > 1 && octets.data[0] == 0) {
        octets.data++;
        octets.len--;
    }
    return octets;
}

/* What a message says of its recipient: issuer and serial, or a subject key identifier. */
struct recipient {
    struct span issuer_der;
    struct span serial;
    struct span ski;
};

static bool is_recipient(const struct certificate *certificate, const struct recipient *named)
{
    if (named->ski.len > 0)
        return span_equal(certificate->ski, named->ski);
    return span_equal(without_leading_zeros(certificate->serial_octets),
                      without_leading_zeros(named->serial)) &&
           span_equal(certificate->issuer_der, named->issuer_der);
}

static const struct key *find_recipient(const struct authority *authority, const struct recipient *named)
{
    int64_t now_s = clock_now();
    for (size_t i = 0; i < authority->ra_count; i++) {
        const struct ra *ra = &authority->ras[i];
        if (is_recipient(ra->certificate, named) && ra_usable(ra, now_s))
            return ra->key;
    }
    for (size_t i = 0; authority->scep_with_ca_key && i < authority->generation_count; i++) {
        const struct generation *generation = &authority->generations[i];
        if (is_recipient(generation->certificate, named) &&
            pubkey_type(key_public(generation->key)) == KEY_RSA)
            return generation->key;
    }
    return NULL;
}

const struct key *authority_recipient(const struct authority *authority, struct span issuer_der,
                                      struct span serial_octets)
{
    struct recipient named = {.issuer_der = issuer_der, .serial = serial_octets};
    return find_recipient(authority, &named);
}

const struct key *authority_recipient_by_ski(const struct authority *authority, struct span ski)
{
    struct recipient named = {.ski = ski};
    return ski.len > 0 ? find_recipient(authority, &named) : NULL;
}

bool authority_owns_key(const struct authority *authority, const struct pubkey *key)
{
    for (size_t i = 0; i < authority->generation_count; i++) {
        if (pubkey_equal(key_public(authority->generations[i].key), key))
            return true;
    }
    for (size_t i = 0; i < authority->ra_count; i++) {
        if (pubkey_equal(key_public(authority->ras[i].key), key))
            return true;
    }
    return false;
}

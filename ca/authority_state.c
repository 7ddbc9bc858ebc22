/* SPDX-License-Identifier: Apache-2.0
 *
 * The authority's setting: read, and written whole. See authority_state.h.
 */
#include "authority_state.h"

#include <jansson.h>

#define SETTING_NAME    "authority"
#define SETTING_VERSION 1
#define SETTING_MAX_LEN (8u << 20)
/* Claims of revisions stand below the key indices, and hold for ever, whatever a clock says. */
#define REVISION_CLAIM(revision) (-(revision))
#define CLAIMED_S                1
#define FOR_EVER_S               (INT64_C(100000) * 365 * 86400)

AUTO_POINTER(json, json_t, json_decref)

static const char *const key_spec_words[] = {
    [KEY_SPEC_RSA_2048] = "rsa:2048", [KEY_SPEC_RSA_3072] = "rsa:3072", [KEY_SPEC_RSA_4096] = "rsa:4096",
    [KEY_SPEC_EC_P256] = "ec:p256",   [KEY_SPEC_EC_P384] = "ec:p384",
};

static const char *const usage_words[] = {
    [RA_COMBINED] = "combined",
    [RA_SIGNING] = "signing",
    [RA_ENCRYPTION] = "encryption",
};

const char *ra_usage_name(enum ra_usage usage)
{
    return usage_words[usage];
}

static void generation_clear(struct state_generation *generation)
{
    free(generation->key);
    buf_free(&generation->certificate);
    for (size_t i = 0; i < generation->chain_count; i++)
        buf_free(&generation->chain[i]);
    free(generation->chain);
}

void state_free(struct state *state)
{
    free(state->name);
    free(state->pending_key);
    buf_free(&state->pending_csr);
    for (size_t i = 0; i < state->generation_count; i++)
        generation_clear(&state->generations[i]);
    free(state->generations);
    for (size_t i = 0; i < state->ra_count; i++) {
        free(state->ras[i].key);
        buf_free(&state->ras[i].certificate);
    }
    free(state->ras);
    *state = (struct state){0};
}

struct state_generation *state_add_generation(struct state *state)
{
    struct state_generation *grown =
        reallocarray(state->generations, state->generation_count + 1, sizeof *grown);
    if (grown == NULL)
        return NULL;
    state->generations = grown;
    struct state_generation *added = &grown[state->generation_count++];
    *added = (struct state_generation){.certificate = BUF(CERTIFICATE_MAX_LEN)};
    return added;
}

struct state_ra *state_add_ra(struct state *state)
{
    struct state_ra *grown = reallocarray(state->ras, state->ra_count + 1, sizeof *grown);
    if (grown == NULL)
        return NULL;
    state->ras = grown;
    struct state_ra *added = &grown[state->ra_count++];
    *added = (struct state_ra){.certificate = BUF(CERTIFICATE_MAX_LEN)};
    return added;
}

/* ---- reading ---- */

static enum status broken(struct err *err, const char *what)
{
    return ERR(err, STATUS_INTEGRITY,
               "the store's setting \"" SETTING_NAME "\" is damaged (%s): restore a backup", what);
}

static enum status read_text(const json_t *value, char **out, const char *what, struct err *err)
{
    if (!json_is_string(value))
        return broken(err, what);
    return text_copy(json_string_value(value), out, err);
}

static enum status read_der(const json_t *value, size_t max_len, struct buf *out, const char *what,
                            struct err *err)
{
    if (!json_is_string(value))
        return broken(err, what);
    AUTO(buf) struct buf der = BUF(max_len);
    enum status status = base64_decode(SPAN_STR(json_string_value(value)), &der, err);
    if (status == STATUS_NOMEM)
        return status;
    if (status != STATUS_OK)
        return broken(err, what);
    buf_move(out, &der);
    return STATUS_OK;
}

static enum status read_index(const json_t *value, int64_t *out, const char *what, struct err *err)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return broken(err, what);
    *out = json_integer_value(value);
    return STATUS_OK;
}

static enum status read_chain(const json_t *list, struct state_generation *out, struct err *err)
{
    if (!json_is_array(list))
        return broken(err, "chain");
    size_t count = json_array_size(list);
    out->chain = calloc(count + 1, sizeof *out->chain);
    if (out->chain == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    out->chain_count = count;
    for (size_t i = 0; i < count; i++)
        TRY(read_der(json_array_get(list, i), CERTIFICATE_MAX_LEN, &out->chain[i], "chain", err));
    return STATUS_OK;
}

static enum status read_generations(const json_t *list, struct state *out, struct err *err)
{
    if (!json_is_array(list))
        return broken(err, "generations");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct state_generation *generation = state_add_generation(out);
        if (generation == NULL)
            return ERR(err, STATUS_NOMEM, "out of memory");
        TRY(read_index(json_object_get(item, "certificate_index"), &generation->certificate_index,
                       "certificate_index", err));
        TRY(read_index(json_object_get(item, "key_index"), &generation->key_index, "key_index", err));
        TRY(read_text(json_object_get(item, "key"), &generation->key, "key", err));
        TRY(read_der(json_object_get(item, "certificate"), CERTIFICATE_MAX_LEN, &generation->certificate,
                     "certificate", err));
        TRY(read_chain(json_object_get(item, "chain"), generation, err));
    }
    return STATUS_OK;
}

static enum status read_usage(const json_t *value, enum ra_usage *usage, struct err *err)
{
    const char *word = json_string_value(value);
    for (size_t i = 0; word != NULL && i < sizeof usage_words / sizeof *usage_words; i++) {
        if (strcmp(word, usage_words[i]) == 0) {
            *usage = (enum ra_usage)i;
            return STATUS_OK;
        }
    }
    return broken(err, "ra usage");
}

static enum status read_ras(const json_t *list, struct state *out, struct err *err)
{
    if (!json_is_array(list))
        return broken(err, "ra");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct state_ra *ra = state_add_ra(out);
        if (ra == NULL)
            return ERR(err, STATUS_NOMEM, "out of memory");
        TRY(read_usage(json_object_get(item, "usage"), &ra->usage, err));
        TRY(read_text(json_object_get(item, "key"), &ra->key, "ra key", err));
        TRY(read_der(json_object_get(item, "certificate"), CERTIFICATE_MAX_LEN, &ra->certificate,
                     "ra certificate", err));
        TRY(read_index(json_object_get(item, "retired_s"), &ra->retired_s, "ra retired_s", err));
    }
    return STATUS_OK;
}

static enum status read_pending(const json_t *pending, struct state *out, struct err *err)
{
    if (pending == NULL)
        return STATUS_OK;
    TRY(read_text(json_object_get(pending, "key"), &out->pending_key, "pending key", err));
    return read_der(json_object_get(pending, "csr"), CSR_MAX_LEN, &out->pending_csr, "pending csr", err);
}

static enum status read_state(const json_t *root, struct state *out, struct err *err)
{
    int64_t version = 0;
    TRY(read_index(json_object_get(root, "version"), &version, "version", err));
    if (version != SETTING_VERSION)
        return ERR(err, STATUS_CONFIG,
                   "the store's setting \"" SETTING_NAME "\" has version %lld, this program knows %d: "
                   "use the program that wrote it, or a newer one",
                   (long long)version, SETTING_VERSION);
    TRY(read_index(json_object_get(root, "revision"), &out->revision, "revision", err));
    TRY(read_text(json_object_get(root, "name"), &out->name, "name", err));
    const char *ra_key = json_string_value(json_object_get(root, "ra_key"));
    if (ra_key == NULL || key_spec_parse(ra_key, &out->ra_key, NULL) != STATUS_OK)
        return broken(err, "ra_key");
    out->scep_with_ca_key = json_is_true(json_object_get(root, "scep_with_ca_key"));
    TRY(read_generations(json_object_get(root, "generations"), out, err));
    TRY(read_ras(json_object_get(root, "ra"), out, err));
    return read_pending(json_object_get(root, "pending"), out, err);
}

enum status state_load(struct store *store, struct state *out, struct err *err)
{
    AUTO(buf) struct buf text = BUF(SETTING_MAX_LEN);
    TRY(store_setting(store, SETTING_NAME, &text, err));
    AUTO(json) json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root))
        return broken(err, "not JSON");
    AUTO(state) struct state state = {0};
    TRY(read_state(root, &state, err));
    state_free(out);
    *out = state;
    state = (struct state){0};
    return STATUS_OK;
}

/* ---- writing: a JSON constructor's NULL makes its container fail, so only the last is looked at ---- */

static json_t *der_json(const struct buf *der)
{
    AUTO(buf) struct buf text = BUF((size_t)2 * CERTIFICATE_MAX_LEN);
    base64_encode(&text, buf_span(der));
    if (text.failed != STATUS_OK)
        return NULL;
    return json_stringn((const char *)text.data, text.len);
}

static json_t *chain_json(const struct state_generation *generation)
{
    json_t *list = json_array();
    int failed = 0;
    for (size_t i = 0; i < generation->chain_count; i++)
        failed |= json_array_append_new(list, der_json(&generation->chain[i]));
    if (failed == 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *generations_json(const struct state *state)
{
    json_t *list = json_array();
    int failed = 0;
    for (size_t i = 0; i < state->generation_count; i++) {
        const struct state_generation *generation = &state->generations[i];
        failed |= json_array_append_new(
            list, json_pack("{s:I, s:I, s:s, s:o, s:o}", "certificate_index",
                            (json_int_t)generation->certificate_index, "key_index",
                            (json_int_t)generation->key_index, "key", generation->key, "certificate",
                            der_json(&generation->certificate), "chain", chain_json(generation)));
    }
    if (failed == 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *ras_json(const struct state *state)
{
    json_t *list = json_array();
    int failed = 0;
    for (size_t i = 0; i < state->ra_count; i++) {
        const struct state_ra *ra = &state->ras[i];
        failed |=
            json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:I}", "usage", ra_usage_name(ra->usage),
                                                  "key", ra->key, "certificate", der_json(&ra->certificate),
                                                  "retired_s", (json_int_t)ra->retired_s));
    }
    if (failed == 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *state_json(const struct state *state)
{
    json_t *pending = NULL;
    if (state->pending_key != NULL)
        pending = json_pack("{s:s, s:o}", "key", state->pending_key, "csr", der_json(&state->pending_csr));
    return json_pack("{s:i, s:I, s:s, s:s, s:b, s:o, s:o, s:o*}", "version", SETTING_VERSION, "revision",
                     (json_int_t)state->revision, "name", state->name, "ra_key",
                     key_spec_words[state->ra_key], "scep_with_ca_key", (int)state->scep_with_ca_key,
                     "generations", generations_json(state), "ra", ras_json(state), "pending", pending);
}

static enum status encode(const struct state *state, struct buf *out, struct err *err)
{
    AUTO(json) json_t *root = state_json(state);
    bool pending_lost = state->pending_key != NULL && json_object_get(root, "pending") == NULL;
    AUTO(heap) char *text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
    if (text == NULL || pending_lost)
        return ERR(err, STATUS_NOMEM, "out of memory");
    AUTO(buf) struct buf json = BUF(SETTING_MAX_LEN);
    buf_add_text(&json, text);
    TRY(buf_status(&json, "the authority's setting", err));
    buf_move(out, &json);
    return STATUS_OK;
}

enum status state_commit(struct state *state, struct store *store, struct change *change, struct err *err)
{
    AUTO(buf) struct buf json = BUF(SETTING_MAX_LEN);
    state->revision++;
    TRY(encode(state, &json, err));
    change_add(change, (struct change_op){.kind = CHANGE_CRL_CLAIM,
                                          .crl_claim = {.issuer_key = REVISION_CLAIM(state->revision),
                                                        .now_s = CLAIMED_S,
                                                        .lease_s = FOR_EVER_S}});
    change_add(change, (struct change_op){.kind = CHANGE_SETTING_PUT,
                                          .setting = {.name = SETTING_NAME, .value = buf_span(&json)}});
    enum status status = store_commit(store, change, err);
    if (status == STATUS_CONFLICT)
        return ERR(err, status, "another process changed the authority at the same time: look at it again");
    return status;
}

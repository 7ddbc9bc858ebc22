/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the authority share: its inside, and the steps of which making,
 * installing and renewing consist. Not for other modules.
 */
#ifndef SCEPTER_CA_AUTHORITY_PRIVATE_H
#define SCEPTER_CA_AUTHORITY_PRIVATE_H

#include "authority.h"
#include "authority_state.h"

/* rules.md: how far before now a certificate begins. */
#define LEAF_BACK_S (INT64_C(5) * 60)
#define RA_BACK_S   (INT64_C(10) * 60)
#define CA_BACK_S   (INT64_C(15) * 60)
/* A retired RA key decrypts at least so long. */
#define RA_RETIRED_S (INT64_C(30) * 86400)

/* Extensions that every certificate of one generation has, whole TLVs. */
struct issuing {
    struct buf aki;
    struct buf cdp;
    struct buf aia;
};

struct authority {
    /* owned strings that config borrows */
    char *dir, *name, *url, *ocsp, *passphrase;
    struct authority_config config;
    bool scep_with_ca_key;
    struct generation *generations; /* oldest first */
    struct issuing *issuing;        /* one for each */
    size_t generation_count;
    struct ra *ras;
    size_t ra_count;
};

AUTO_VALUE(url_list, struct config_strings, config_strings_free)

/* The snapshot of a state that need not be saved yet. */
NODISCARD enum status authority_from_state(const struct state *state, const struct authority_config *config,
                                           struct authority **out, struct err *err);

/* ---- names and URLs ---- */

/* cdp, aia, ocsp and url: http, and nothing that a URL cannot hold. STATUS_CONFIG names the key. */
NODISCARD enum status authority_urls_check(const struct authority_config *config, struct err *err);

/* ---- new keys ---- */

/* A key that is being made: its file is removed again by key_made_free unless `kept`. */
struct key_made {
    char *location; /* relative to the data directory */
    char *path;
    struct key *key;
    bool kept; /* what refers to it is committed */
};
void key_made_free(struct key_made *made);
AUTO_VALUE(key_made, struct key_made, key_made_free)
/* keys/<stem>-<n>.key with the lowest n that is free, or keys/<stem>.key first unless `numbered`: a file that
 * a killed process left behind is passed over, never overwritten. */
NODISCARD enum status key_make(const struct authority_config *config, const char *stem, bool numbered,
                               enum key_spec spec, struct key_made *out, struct err *err);

/* ---- RA certificates ---- */

/* New keys and certificates that are not committed yet. */
#define RA_USAGES 3
struct ra_batch {
    struct key_made keys[RA_USAGES];
    struct certificate_row rows[RA_USAGES];
    struct audit_row audits[RA_USAGES];
    size_t count;
};
void ra_batch_free(struct ra_batch *batch);
AUTO_VALUE(ra_batch, struct ra_batch, ra_batch_free)
/* Makes one of a usage, adds it to batch and state, and appends its rows to the change. */
NODISCARD enum status ra_batch_add(struct ra_batch *batch, const struct authority *authority,
                                   const struct template_set *templates, enum ra_usage usage, int64_t now_s,
                                   struct state *state, struct change *change, struct err *err);
/* The change is committed: the key files stay. */
void ra_batch_keep(struct ra_batch *batch);
/* Whether this key may still decrypt. */
bool ra_usable(const struct ra *ra, int64_t now_s);

/* ---- issuing and starting ---- */

/* authority_issue with another distance between now and notBefore. */
NODISCARD enum status issue_certificate(const struct authority *authority, const struct content *content,
                                        const struct pubkey *key, int64_t now_s, int64_t back_s,
                                        struct issued *out, struct err *err);
/* The constant extensions of a generation. */
NODISCARD enum status issuing_prepare(const struct authority *authority, const struct generation *generation,
                                      struct issuing *out, struct err *err);

/* Gives a state whose generation is complete its RA certificates and commits it together with them and an
 * audit row (action, detail). *out: the authority as it was without the RA certificates. */
NODISCARD enum status authority_start(struct store *store, const struct authority_config *config,
                                      const struct template_set *templates, struct state *state,
                                      const char *action, const char *detail, struct authority **out,
                                      struct err *err);
/* Publishes the first CRL of what was started; the text says that the authority is there all the same. */
NODISCARD enum status authority_first_crl(const struct authority *authority, struct store *store,
                                          const char *actor, struct err *err);

#endif

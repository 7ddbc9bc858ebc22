/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store remembers of the authority: generations, RA certificates and a CSR that
 * waits, in the setting "authority" as JSON. Key locations are relative to the data
 * directory. It opens no key and judges no certificate.
 *
 * Each state has a revision. Only one process can bring it from one revision to the next:
 * a change that saves it also claims the new revision for ever, in the same transaction.
 */
#ifndef SCEPTER_CA_AUTHORITY_STATE_H
#define SCEPTER_CA_AUTHORITY_STATE_H

#include "authority.h"

struct state_generation {
    int64_t certificate_index;
    int64_t key_index;
    char *key; /* location */
    struct buf certificate;
    struct buf *chain;
    size_t chain_count;
};

struct state_ra {
    enum ra_usage usage;
    char *key;
    struct buf certificate;
    int64_t retired_s; /* 0: in use */
};

/* Zero-initialised it is that of a store without authority. Everything owned. */
struct state {
    int64_t revision;  /* 0: never saved */
    const char *actor; /* who changes it, for the audit: borrowed, not saved; NULL: "system" */
    char *name;
    enum key_spec ra_key;
    bool scep_with_ca_key;
    char *pending_key;                    /* a subordinate that waits for its certificate; NULL: none waits */
    struct buf pending_csr;               /* its CSR */
    struct state_generation *generations; /* oldest first */
    size_t generation_count;
    struct state_ra *ras;
    size_t ra_count;
};
void state_free(struct state *state);
AUTO_VALUE(state, struct state, state_free)

/* STATUS_NOT_FOUND: the store has no authority; STATUS_INTEGRITY: the setting does not parse. */
NODISCARD enum status state_load(struct store *store, struct state *out, struct err *err);
/* Raises the revision and commits the state together with what is in the change already. STATUS_CONFLICT if
 * another process changed it since it was loaded; store_commit's statuses. */
NODISCARD enum status state_commit(struct state *state, struct store *store, struct change *change,
                                   struct err *err);

/* Append an empty element; NULL out of memory. Borrowed until the next one. */
struct state_generation *state_add_generation(struct state *state);
struct state_ra *state_add_ra(struct state *state);

/* "combined", "signing", "encryption"; static. */
const char *ra_usage_name(enum ra_usage usage);

#endif

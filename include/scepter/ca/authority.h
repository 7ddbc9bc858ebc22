/* SPDX-License-Identifier: Apache-2.0
 *
 * The authority: its name, key generations, certificates, RA certificates, CRLs.
 *
 * An opened authority is an immutable, counted snapshot; what changes it (RA renewal,
 * installing a certificate) writes the store and a new snapshot is opened. Generations
 * and RA certificates are kept in the store, private keys where their location says.
 */
#ifndef SCEPTER_CA_AUTHORITY_H
#define SCEPTER_CA_AUTHORITY_H

#include "certificate.h"
#include "config.h"
#include "keystore.h"
#include "store.h"
#include "template.h"

/* What scepter.cfg says of it. Strings borrowed by authority_open, copied. */
struct authority_config {
    const char *dir;  /* data directory */
    const char *name; /* "Example Issuing CA" */
    const char *url;  /* http://ca.example.com:8080 */
    struct config_strings
        cdp; /* empty: from url. "http://h/dir/": the file's name goes behind it; else whole */
    struct config_strings aia;  /* likewise */
    const char *ocsp;           /* NULL: no OCSP URL */
    const char *passphrase;     /* of the key files, NULL: none */
    int64_t crl_validity_s;     /* 7d */
    int64_t crl_period_s;       /* 1d: a scheduled one is published so often */
    int64_t crl_min_interval_s; /* 2s */
};

struct authority; /* opaque */

/* One generation: a key and a certificate for it. */
struct generation {
    int64_t certificate_index;
    int64_t key_index; /* rules.md: at a new key it becomes the certificate index */
    struct key *key;
    struct certificate *certificate;
    struct buf *chain; /* issuers' certificates (DER) up to the root, without its own */
    size_t chain_count;
    struct buf spki_key_id; /* SKI of its certificates' AKI: 20 octets */
};

enum ra_usage { RA_COMBINED, RA_SIGNING, RA_ENCRYPTION };
/* A registration authority certificate of the server's own. */
struct ra {
    enum ra_usage usage;
    struct key *key;
    struct certificate *certificate;
    bool retired;      /* replaced; still decrypts until its certificate ends, at least 30 days */
    int64_t retired_s; /* since when; 0: in use */
};

/* ---- making ---- */

/* Whether an authority may have that name (rules.md): 1 to 64 printable characters, no '/'. STATUS_USAGE. */
NODISCARD enum status authority_name_check(const char *name, struct err *err);

struct authority_create {
    enum key_spec key;
    enum key_spec ra_key; /* RSA only */
    bool subordinate;
    int64_t validity_s;    /* of a root; 0: 20 years */
    const char *actor;     /* for the audit; NULL: "system" */
    bool scep_with_ca_key; /* RSA CA keys only: the CA key may decrypt and sign SCEP messages too */
};
/* Makes key, certificate (root) or CSR (subordinate), RA certificates and first CRL (root) into store and
 * config->dir/keys, which must exist. STATUS_CONFLICT if the store has an authority already; STATUS_USAGE for
 * a name or key that cannot be; STATUS_CONFIG for URLs that are not http. When only the CRL fails, the
 * authority is there (the text says so). */
NODISCARD enum status authority_create(struct store *store, const struct authority_config *config,
                                       const struct authority_create *create,
                                       const struct template_set *templates, struct err *err);
/* The CSR of a subordinate that waits for its certificate, DER. STATUS_NOT_FOUND if none waits. */
NODISCARD enum status authority_csr(struct store *store, struct buf *out, struct err *err);
/* Installs the certificate for it, given together with its issuers' (DER, any order; every certificate must
 * belong to the chain, which may end before the root): key, subject, CA bit, path length, dates and
 * signatures are checked; then makes RA certificates and the first CRL. STATUS_DENIED says what does not fit.
 * Where none waits, the present certificate given again with a longer chain than before gets that chain.
 * STATUS_NOT_FOUND: none waits, and nothing was added. actor: for the audit. */
NODISCARD enum status authority_install(struct store *store, const struct authority_config *config,
                                        const struct template_set *templates, const struct span *certificates,
                                        size_t count, const char *actor, struct err *err);

/* ---- using ---- */

/* STATUS_NOT_FOUND: no authority, or it still waits for its certificate (the text says which). STATUS_CONFIG:
 * another name than at init, or URLs that are not http. Statuses of key_open. */
NODISCARD enum status authority_open(struct store *store, const struct authority_config *config,
                                     struct authority **out, struct err *err);
void authority_free(struct authority *authority);
AUTO_POINTER(authority, struct authority, authority_free)

const char *authority_name(const struct authority *authority);
const struct authority_config *authority_config(const struct authority *authority); /* its copy, as long */
size_t authority_generation_count(const struct authority *authority);
const struct generation *authority_generation(const struct authority *authority,
                                              size_t index); /* oldest first */
const struct generation *authority_current(const struct authority *authority);
/* The generation whose key signed that certificate (issuer name and signature checked), or NULL. */
const struct generation *authority_issuer_of(const struct authority *authority,
                                             const struct certificate *certificate);
/* The present RA certificate of a usage; borrowed. RA_SIGNING and RA_ENCRYPTION always exist beside
 * RA_COMBINED. */
const struct ra *authority_ra(const struct authority *authority, enum ra_usage usage);
/* The key (RA, retired RA, or the CA itself where scep_with_ca_key) whose certificate has that issuer (DER
 * Name) and serial, or that subject key identifier; NULL if none is ours. */
/* Retired ones only while they may (see struct ra), by clock_now(). */
const struct key *authority_recipient(const struct authority *authority, struct span issuer_der,
                                      struct span serial_octets);
const struct key *authority_recipient_by_ski(const struct authority *authority, struct span ski);
bool authority_scep_with_ca_key(const struct authority *authority);
/* Whether that public key is one of the CA's or RA's own. */
bool authority_owns_key(const struct authority *authority, const struct pubkey *key);
/* File names below /CertEnroll/: "<CAName>(n).crl" and "<CAName>(n).crt", not percent-encoded, suffix left
 * out for 0. The caller's to free. */
NODISCARD enum status authority_crl_name(const struct authority *authority, int64_t key_index, char **out,
                                         struct err *err);
NODISCARD enum status authority_crt_name(const struct authority *authority, int64_t certificate_index,
                                         char **out, struct err *err);
/* The URLs written into certificates of the current generation, percent-encoded; caller's. */
NODISCARD enum status authority_cdp_urls(const struct authority *authority,
                                         const struct generation *generation, struct config_strings *out,
                                         struct err *err);
NODISCARD enum status authority_aia_urls(const struct authority *authority,
                                         const struct generation *generation, struct config_strings *out,
                                         struct err *err);

/* ---- RA life ---- */

/* Whether an RA certificate is missing or in the last third of its life. */
bool authority_ra_due(const struct authority *authority, int64_t now_s);
/* Issues new RA certificates with new keys for those that are due and retires the old ones, in the store; the
 * caller opens the authority anew. Of several processes one does it (STATUS_CONFLICT for the others, and
 * where none is due). STATUS_TIME if the clock is behind the last commit, STATUS_BUSY
 * while the authority is suspended. */
NODISCARD enum status authority_ra_renew(const struct authority *authority, struct store *store,
                                         const struct template_set *templates, struct err *err);

/* ---- issuing ---- */

struct issued {
    struct serial serial;
    struct buf der;
    int64_t not_before_s;
    int64_t not_after_s;
    bool cut; /* not_after was shortened to the issuer's */
    int64_t key_index;
};
void issued_free(struct issued *issued);
AUTO_VALUE(issued, struct issued, issued_free)
/* Builds and signs a certificate with the current generation's key: random serial, validity inside the CA's
 * own, all extensions. now_s is the moment; STATUS_TIME if the CA's certificate is not valid then. Stores
 * nothing. */
NODISCARD enum status authority_issue(const struct authority *authority, const struct content *content,
                                      const struct pubkey *key, int64_t now_s, struct issued *out,
                                      struct err *err);

/* ---- CRL ---- */

/* dir/crl/<key index>.crl: where the published CRL of a key stands (DER). The caller's to free. */
NODISCARD enum status crl_path(const struct authority *authority, int64_t key_index, char **out,
                               struct err *err);
struct crl_due {
    bool due;       /* now */
    bool scheduled; /* because its time has come (or there is none, or its file is gone), not only for
                       revocations */
    int64_t next_scheduled_s;
    int64_t next_update_s; /* of the published one; 0: none */
};
/* Cheap enough for twice a second. */
NODISCARD enum status crl_check(const struct authority *authority, struct store *store, int64_t key_index,
                                int64_t now_s, struct crl_due *out, struct err *err);
/* Makes, signs and publishes the CRL of one key: number claimed in the store, entries streamed in two passes
 * of one read transaction, file written beside and renamed, row and audit committed. On any failure the old
 * one stays. STATUS_CONFLICT: another process is at it. out may be NULL. actor: for the audit. */
NODISCARD enum status crl_publish(const struct authority *authority, struct store *store, int64_t key_index,
                                  bool scheduled, const char *actor, struct crl_row *out, struct err *err);

/* The number of a CRL (DER) whose issuer is that Name (RFC 5280 section 5.2.3). STATUS_DENIED: another's;
 * STATUS_MALFORMED. Judges no signature. */
NODISCARD enum status crl_number_read(struct span der, struct span issuer_der, int64_t *number,
                                      struct err *err);
/* Fetches a URL of authority_cdp_urls over http as a relying party does: without proxy and redirects, 3 s for
 * the connection and for each pause. STATUS_IO says why nothing came; else those of crl_number_read. */
NODISCARD enum status cdp_probe(const char *url, const struct generation *generation, int64_t *number,
                                struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Figures of store and authority, copied under a lock that is held for the copy only.
 */
#include "figures.h"

#include "metrics_text.h"

#include <pthread.h>
#include <stdio.h>

#define GENERATIONS_MAX 16 /* the newest: so many are shown */
#define INDEX_LEN       24

static const struct {
    enum ra_usage usage;
    const char *word;
} ra_usages[] = {{RA_COMBINED, "combined"}, {RA_SIGNING, "signing"}, {RA_ENCRYPTION, "encryption"}};
#define RA_USAGES (sizeof ra_usages / sizeof ra_usages[0])

struct ca_figures {
    int64_t certificate_index, not_after_s;
};

struct taken {
    int64_t taken_s; /* 0: never */
    struct store_counts counts;
    struct crl_row crls[GENERATIONS_MAX]; /* one for each key that has one */
    size_t crl_count;
    struct ca_figures cas[GENERATIONS_MAX];
    size_t ca_count;
    int64_t ra_not_after_s[RA_USAGES]; /* 0: there is none */
};

struct figures {
    pthread_mutex_t lock;
    struct taken present;
};

enum status figures_new(struct figures **out, struct err *err)
{
    struct figures *figures = calloc(1, sizeof *figures);
    if (figures == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the figures of the store");
    (void)pthread_mutex_init(&figures->lock, NULL);
    *out = figures;
    return STATUS_OK;
}

void figures_free(struct figures *figures)
{
    if (figures == NULL)
        return;
    (void)pthread_mutex_destroy(&figures->lock);
    free(figures);
}

/* ---- taking ---- */

static bool has_crl_of(const struct taken *taken, int64_t key_index)
{
    for (size_t i = 0; i < taken->crl_count; i++)
        if (taken->crls[i].issuer_key == key_index)
            return true;
    return false;
}

static enum status take_generation(const struct generation *generation, struct store *store,
                                   struct taken *taken, struct err *err)
{
    taken->cas[taken->ca_count++] = (struct ca_figures){.certificate_index = generation->certificate_index,
                                                        .not_after_s = generation->certificate->not_after_s};
    if (has_crl_of(taken, generation->key_index))
        return STATUS_OK;
    enum status status = store_crl(store, generation->key_index, false, &taken->crls[taken->crl_count], err);
    if (status == STATUS_OK)
        taken->crl_count++;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status take_authority(const struct authority *authority, struct store *store, struct taken *taken,
                                  struct err *err)
{
    size_t count = authority_generation_count(authority);
    for (size_t i = count; i > 0 && taken->ca_count < GENERATIONS_MAX; i--)
        TRY(take_generation(authority_generation(authority, i - 1), store, taken, err));
    for (size_t i = 0; i < RA_USAGES; i++) {
        const struct ra *ra = authority_ra(authority, ra_usages[i].usage);
        taken->ra_not_after_s[i] = ra != NULL ? ra->certificate->not_after_s : 0;
    }
    return STATUS_OK;
}

enum status figures_take(struct figures *figures, const struct snapshot *snapshot, struct store *store,
                         int64_t now_s, struct err *err)
{
    struct taken taken = {.taken_s = now_s};
    TRY(store_counts(store, now_s, &taken.counts, err));
    TRY(take_authority(snapshot->authority, store, &taken, err));
    (void)pthread_mutex_lock(&figures->lock);
    figures->present = taken;
    (void)pthread_mutex_unlock(&figures->lock);
    return STATUS_OK;
}

/* ---- writing ---- */

/* One number of a family whose only label it is. */
struct labelled {
    const char *label;
    int64_t number;
};

static void write_family(struct buf *out, const char *name, const char *help, const char *label,
                         const struct labelled *samples, size_t count)
{
    metric_family(out, name, METRIC_GAUGE, help);
    for (size_t i = 0; i < count; i++) {
        const struct metric_label labels[METRIC_LABELS_MAX] = {{label, samples[i].label}};
        metric_sample(out, name, labels, samples[i].number);
    }
}

static void write_counts(const struct store_counts *counts, struct buf *out)
{
    const struct labelled certificates[] = {{"valid", counts->certificates_valid},
                                            {"expired", counts->certificates_expired},
                                            {"revoked", counts->certificates_revoked},
                                            {"held", counts->certificates_held}};
    const struct labelled requests[] = {{"issued", counts->requests_issued},
                                        {"pending", counts->requests_pending},
                                        {"denied", counts->requests_denied},
                                        {"failed", counts->requests_failed}};
    write_family(out, "scepter_certificates", "Certificates in the store, by status.", "status", certificates,
                 sizeof certificates / sizeof certificates[0]);
    write_family(out, "scepter_requests", "Requests in the store, by disposition.", "disposition", requests,
                 sizeof requests / sizeof requests[0]);
    metric_single(out, "scepter_challenges_open", METRIC_GAUGE, "One-time challenges that can still be used.",
                  counts->challenges_open);
    metric_single(out, "scepter_store_commits_total", METRIC_COUNTER,
                  "Transactions that this server made durable.", counts->commits);
    metric_single(out, "scepter_store_changes_total", METRIC_COUNTER,
                  "Changes in these transactions: several that wait share one.", counts->changes);
}

/* One figure of each CRL. */
static void write_crls(const struct taken *taken, struct buf *out, const char *name, const char *help,
                       int64_t (*figure)(const struct crl_row *row, int64_t now_s), int64_t now_s)
{
    struct labelled samples[GENERATIONS_MAX];
    char indexes[GENERATIONS_MAX][INDEX_LEN];
    for (size_t i = 0; i < taken->crl_count; i++) {
        (void)snprintf(indexes[i], INDEX_LEN, "%lld", (long long)taken->crls[i].issuer_key);
        samples[i] = (struct labelled){indexes[i], figure(&taken->crls[i], now_s)};
    }
    write_family(out, name, help, "key", samples, taken->crl_count);
}

static int64_t crl_number(const struct crl_row *row, int64_t now_s)
{
    (void)now_s;
    return row->number;
}

static int64_t crl_age_s(const struct crl_row *row, int64_t now_s)
{
    return now_s - row->created_s;
}

static int64_t crl_left_s(const struct crl_row *row, int64_t now_s)
{
    return row->next_update_s - now_s;
}

static int64_t crl_entries(const struct crl_row *row, int64_t now_s)
{
    (void)now_s;
    return row->entries;
}

static int64_t crl_size(const struct crl_row *row, int64_t now_s)
{
    (void)now_s;
    return row->size;
}

static void write_ends(const struct taken *taken, struct buf *out)
{
    struct labelled cas[GENERATIONS_MAX], ras[RA_USAGES];
    char indexes[GENERATIONS_MAX][INDEX_LEN];
    size_t ra_count = 0;
    for (size_t i = 0; i < taken->ca_count; i++) {
        (void)snprintf(indexes[i], INDEX_LEN, "%lld", (long long)taken->cas[i].certificate_index);
        cas[i] = (struct labelled){indexes[i], taken->cas[i].not_after_s};
    }
    for (size_t i = 0; i < RA_USAGES; i++)
        if (taken->ra_not_after_s[i] != 0)
            ras[ra_count++] = (struct labelled){ra_usages[i].word, taken->ra_not_after_s[i]};
    write_family(out, "scepter_ca_not_after_timestamp_seconds",
                 "When a CA certificate ends, by certificate index.", "certificate", cas, taken->ca_count);
    write_family(out, "scepter_ra_not_after_timestamp_seconds",
                 "When the RA certificate in use ends, by what it is for.", "usage", ras, ra_count);
}

void figures_write(struct figures *figures, int64_t now_s, struct buf *out)
{
    (void)pthread_mutex_lock(&figures->lock);
    const struct taken taken = figures->present;
    (void)pthread_mutex_unlock(&figures->lock);
    metric_single(out, "scepter_figures_taken_timestamp_seconds", METRIC_GAUGE,
                  "When the figures of store and authority were last read; 0: not yet.", taken.taken_s);
    if (taken.taken_s == 0)
        return;
    write_counts(&taken.counts, out);
    write_crls(&taken, out, "scepter_crl_number", "Number of the newest CRL, by key index.", crl_number,
               now_s);
    write_crls(&taken, out, "scepter_crl_age_seconds", "Time since the newest CRL was made.", crl_age_s,
               now_s);
    write_crls(&taken, out, "scepter_crl_next_update_in_seconds",
               "Time until the newest CRL ends; negative: it has ended.", crl_left_s, now_s);
    write_crls(&taken, out, "scepter_crl_entries", "Revoked certificates in the newest CRL.", crl_entries,
               now_s);
    write_crls(&taken, out, "scepter_crl_size_bytes", "Size of the newest CRL.", crl_size, now_s);
    write_ends(&taken, out);
}

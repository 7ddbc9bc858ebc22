/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes due, on one thread: CRLs, RA renewal, changes made by other processes,
 * lapsed requests, checkpoints, and what makes the server unready. Signs nothing itself:
 * it calls ca/ when the time has come. Whatever fails is tried again, later and later.
 */
#include "server.h"

#include "clock.h"

#include <pthread.h>
#include <stdio.h>

#define LOOK_EVERY_MS     250
#define BACKOFF_MIN_MS    1000
#define CLOCK_BEHIND_S    300
#define SYSTEM_ACTOR      "system"
#define AUTHORITY_SETTING "authority" /* what ca/ keeps of the authority: another process may change it */
#define AUTHORITY_MAX     ((size_t)4 << 20)

struct look; /* one round: what jobs work with */

/* A job: done every period, and after a failure again with growing distance. */
struct job {
    const char *event; /* of its log lines */
    int64_t period_ms;
    int64_t backoff_max_ms; /* a job that only looks is tried again soon, one that signs or writes later */
    bool ready_without;     /* its failure does not make the server unready */
    enum status (*run)(const struct look *look, struct err *err);
};

struct job_state {
    int64_t next_ms;
    int64_t backoff_ms;                            /* 0: it last succeeded */
    char complaint[sizeof((struct err *)0)->text]; /* "" when all is well */
};

enum {
    JOB_RELOAD,
    JOB_STORE,
    JOB_AUTHORITY,
    JOB_CRL,
    JOB_CDP,
    JOB_CRL_AGE,
    JOB_RA,
    JOB_LAPSE,
    JOB_CHECKPOINT,
    JOB_FIGURES,
    JOBS
};

struct scheduler {
    struct server *server;
    pthread_t thread;
    pthread_mutex_t lock; /* guards stopping, reload_wanted and complaints */
    pthread_cond_t wake;
    bool stopping, reload_wanted;
    struct job_state jobs[JOBS];
    /* the thread's own */
    int64_t foreign_version, revocation_version; /* as last seen */
    uint8_t authority_sha256[SHA256_LEN];
    bool crl_published; /* since the last checkpoint */
};

struct look {
    struct scheduler *scheduler;
    struct app *app;
    struct store *store;
    const struct snapshot *snapshot;
    int64_t now_s;
};

static void hasten(struct scheduler *scheduler, int which)
{
    if (scheduler->jobs[which].backoff_ms == 0)
        scheduler->jobs[which].next_ms = 0;
}

/* ---- jobs ---- */

static enum status job_reload(const struct look *look, struct err *err)
{
    AUTO(config_mistakes) struct config_mistakes warnings = {0};
    if (app_reload(look->app, &warnings, err) != STATUS_OK)
        return err_prefix(err, "the configuration of before stays at work: ");
    for (size_t i = 0; i < warnings.count; i++)
        log_message(LOG_WARNING, "configuration", "%s", warnings.lines[i]);
    log_message(LOG_INFO, "configuration.reloaded", "templates, profiles and authority were read again");
    return STATUS_OK;
}

/* Whether the store can be written, and whether time runs forward. */
static enum status job_store(const struct look *look, struct err *err)
{
    int64_t last_s = 0;
    char last[32];
    TRY(store_last_commit_s(look->store, &last_s, err));
    time_text(last_s, last);
    if (last_s - look->now_s > CLOCK_BEHIND_S)
        return ERR(err, STATUS_TIME,
                   "the clock is more than 5 min behind the last commit (%s): nothing is issued until it is "
                   "set right",
                   last);
    return store_probe(look->store, err);
}

/* Another process may have renewed RA certificates or installed a CA certificate. */
static enum status job_authority(const struct look *look, struct err *err)
{
    AUTO(buf) struct buf setting = BUF(AUTHORITY_MAX);
    uint8_t found[SHA256_LEN];
    TRY(store_setting(look->store, AUTHORITY_SETTING, &setting, err));
    TRY(digest_compute(DIGEST_SHA256, buf_span(&setting), found, err));
    if (memcmp(found, look->scheduler->authority_sha256, SHA256_LEN) == 0)
        return STATUS_OK;
    TRY(app_reload_authority(look->app, err));
    memcpy(look->scheduler->authority_sha256, found, SHA256_LEN);
    return STATUS_OK;
}

static void log_published(const struct crl_row *row, const char *why)
{
    const struct log_field fields[] = {
        LOG_NUMBER_FIELD("number", row->number),
        LOG_NUMBER_FIELD("key", row->issuer_key),
        LOG_NUMBER_FIELD("entries", row->entries),
        LOG_NUMBER_FIELD("octets", row->size),
        LOG_TEXT_FIELD("why", why),
    };
    log_event(LOG_INFO, "crl.published", fields, sizeof fields / sizeof fields[0]);
}

/* Whether the CDP found that the file of the newest CRL is not what was published. */
static enum status is_damaged(const struct look *look, int64_t key_index, bool *damaged, struct err *err)
{
    struct crl_row newest = {0};
    enum status status = store_crl(look->store, key_index, false, &newest, err);
    *damaged =
        status == STATUS_OK && cdp_cache_damaged(look->scheduler->server->cdp, key_index, newest.number);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status publish_if_due(const struct look *look, int64_t key_index, struct err *err)
{
    struct crl_due due = {0};
    struct crl_row row = {0};
    bool damaged = false;
    TRY(crl_check(look->snapshot->authority, look->store, key_index, look->now_s, &due, err));
    TRY(is_damaged(look, key_index, &damaged, err));
    if (!due.due && !damaged)
        return STATUS_OK;
    enum status status = crl_publish(look->snapshot->authority, look->store, key_index,
                                     due.scheduled || damaged, SYSTEM_ACTOR, &row, err);
    if (status == STATUS_CONFLICT)
        return STATUS_OK; /* another process is at it; the next look shows whether it managed */
    TRY(status);
    log_published(&row, damaged ? "damaged" : due.scheduled ? "scheduled" : "revocations");
    look->scheduler->crl_published = true;
    look->scheduler->jobs[JOB_CDP].next_ms = 0; /* also after a failure: that one is over */
    return STATUS_OK;
}

static bool key_seen_before(const struct authority *authority, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (authority_generation(authority, i)->key_index ==
            authority_generation(authority, index)->key_index)
            return true;
    return false;
}

/* Calls visit once for each CA key; all of them, the first failure counts. */
static enum status for_each_key(const struct look *look,
                                enum status (*visit)(const struct look *look, int64_t key_index,
                                                     struct err *err),
                                struct err *err)
{
    const struct authority *authority = look->snapshot->authority;
    enum status first = STATUS_OK;
    for (size_t i = 0; i < authority_generation_count(authority); i++) {
        struct err detail = {0};
        if (key_seen_before(authority, i))
            continue;
        enum status status = visit(look, authority_generation(authority, i)->key_index, &detail);
        if (first == STATUS_OK && status != STATUS_OK)
            first = ERR(err, status, "%s", detail.text);
    }
    return first;
}

static enum status job_crl(const struct look *look, struct err *err)
{
    if (for_each_key(look, publish_if_due, err) != STATUS_OK)
        return err_prefix(err, "no new CRL could be published, the old one stays served: ");
    return STATUS_OK;
}

static enum status job_cdp(const struct look *look, struct err *err)
{
    enum status status = cdp_cache_refresh(look->scheduler->server->cdp, look->snapshot, look->store, err);
    if (status == STATUS_INTEGRITY)
        hasten(look->scheduler, JOB_CRL); /* makes another where the file is damaged */
    return status;
}

static enum status judge_age(const struct look *look, int64_t key_index, struct err *err)
{
    struct crl_due due = {0};
    char until[32];
    int64_t margin_s = authority_config(look->snapshot->authority)->crl_validity_s / 10;
    TRY(crl_check(look->snapshot->authority, look->store, key_index, look->now_s, &due, err));
    if (due.next_update_s == 0)
        return ERR(err, STATUS_NOT_FOUND, "key %lld has no CRL yet", (long long)key_index);
    time_text(due.next_update_s, until);
    if (look->now_s >= due.next_update_s)
        return ERR(err, STATUS_TIME,
                   "the CRL of key %lld ended on %s: clients that check it refuse every certificate",
                   (long long)key_index, until);
    if (due.due && due.scheduled && look->now_s > due.next_update_s - margin_s)
        return ERR(err, STATUS_TIME, "the CRL of key %lld ends on %s and no newer one is there",
                   (long long)key_index, until);
    return STATUS_OK;
}

static enum status job_crl_age(const struct look *look, struct err *err)
{
    return for_each_key(look, judge_age, err);
}

static enum status job_ra(const struct look *look, struct err *err)
{
    if (!authority_ra_due(look->snapshot->authority, look->now_s))
        return STATUS_OK;
    enum status status =
        authority_ra_renew(look->snapshot->authority, look->store, look->snapshot->templates, err);
    if (status ==
        STATUS_CONFLICT) /* another process did, or is at it: the next look shows whether it managed */
        return app_reload_authority(look->app, err);
    if (status != STATUS_OK)
        return err_prefix(err, "the RA certificates could not be renewed: ");
    TRY(app_reload_authority(look->app, err));
    log_message(LOG_INFO, "ra.renewed", "the RA certificates were renewed");
    return STATUS_OK;
}

static enum status job_lapse(const struct look *look, struct err *err)
{
    const struct enroll_context context = {.store = look->store, .snapshot = look->snapshot};
    int64_t lapsed = 0;
    TRY(enroll_lapse(&context, &lapsed, err));
    if (lapsed > 0)
        log_message(LOG_INFO, "requests.lapsed", "%lld pending requests lapsed", (long long)lapsed);
    return STATUS_OK;
}

static enum status log_checkpoint(const struct audit_row *row, void *context, struct err *err)
{
    (void)context, (void)err;
    const struct log_field detail = LOG_TEXT_FIELD("statement", row->detail);
    if (row->action != NULL && strcmp(row->action, "audit.checkpoint") == 0)
        log_event(LOG_INFO, "audit.checkpoint", &detail, 1);
    return STATUS_OK;
}

/* rules.md, Records: the signed head is logged too, where whoever can write the store cannot change it. */
static enum status job_checkpoint(const struct look *look, struct err *err)
{
    struct audit_filter since = {0};
    uint8_t hash[SHA256_LEN];
    TRY(store_audit_head(look->store, &since.after_id, hash, err));
    TRY(audit_checkpoint(look->store, look->snapshot->authority, err));
    TRY(store_audit(look->store, &since, log_checkpoint, NULL, err));
    look->scheduler->crl_published = false;
    return STATUS_OK;
}

/* For /metrics, which shows what was read here: every profile, also one that nobody has used. */
static enum status job_figures(const struct look *look, struct err *err)
{
    const struct server *server = look->scheduler->server;
    for (size_t i = 0; i < look->snapshot->profile_count; i++)
        metrics_know_profile(server->metrics, look->snapshot->profiles[i].name);
    return figures_take(server->figures, look->snapshot, look->store, look->now_s, err);
}

static const struct job jobs[JOBS] = {
    [JOB_RELOAD] = {"configuration.refused", 0, 0, true, job_reload},
    [JOB_STORE] = {"store.unready", 5000, 5000, false, job_store},
    [JOB_AUTHORITY] = {"authority.unreadable", 60000, 30000, false, job_authority},
    [JOB_CRL] = {"crl.not_published", 500, 30000, false, job_crl},
    [JOB_CDP] = {"crl.not_served", 500, 4000, false, job_cdp},
    [JOB_CRL_AGE] = {"crl.overdue", 2000, 2000, false, job_crl_age},
    [JOB_RA] = {"ra.not_renewed", 60000, 600000, false, job_ra},
    [JOB_LAPSE] = {"requests.not_lapsed", 60000, 60000, true, job_lapse},
    [JOB_CHECKPOINT] = {"audit.no_checkpoint", 3600000, 600000, true, job_checkpoint},
    [JOB_FIGURES] = {"metrics.not_taken", 5000, 30000, true, job_figures},
};

/* ---- running them ---- */

/* The same complaint but for numbers (of a CRL that was tried, of a temporary file). */
static bool same_but_for_digits(const char *a, const char *b)
{
    static const char digits[] = "0123456789";
    for (;;) {
        a += strspn(a, digits);
        b += strspn(b, digits);
        if (*a != *b)
            return false;
        if (*a == '\0')
            return true;
        a++, b++;
    }
}

/* Says a failure once, and when it is over. */
static void judge(struct scheduler *scheduler, int which, const char *text)
{
    struct job_state *state = &scheduler->jobs[which];
    bool over = text[0] == '\0' && state->complaint[0] != '\0';
    char before[sizeof state->complaint], event[64];
    (void)snprintf(before, sizeof before, "%s", state->complaint);
    (void)snprintf(event, sizeof event, "%s.over", jobs[which].event);
    bool news = text[0] != '\0' && !same_but_for_digits(text, state->complaint);
    (void)pthread_mutex_lock(&scheduler->lock);
    (void)snprintf(state->complaint, sizeof state->complaint, "%s", text);
    (void)pthread_mutex_unlock(&scheduler->lock);
    if (news)
        log_message(LOG_ERROR, jobs[which].event, "%s", text);
    if (over)
        log_message(LOG_INFO, event, "over: %s", before);
}

static int64_t next_backoff_ms(int64_t last_ms, int64_t max_ms)
{
    int64_t next_ms = last_ms == 0 ? BACKOFF_MIN_MS : last_ms * 2;
    return next_ms < max_ms ? next_ms : max_ms;
}

static void run_job(struct scheduler *scheduler, int which)
{
    struct job_state *state = &scheduler->jobs[which];
    struct err err = {0};
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(scheduler->server->app);
    const struct look look = {.scheduler = scheduler,
                              .app = scheduler->server->app,
                              .store = app_store(scheduler->server->app),
                              .snapshot = snapshot,
                              .now_s = clock_now()};
    bool failed = jobs[which].run(&look, &err) != STATUS_OK;
    state->backoff_ms = failed ? next_backoff_ms(state->backoff_ms, jobs[which].backoff_max_ms) : 0;
    state->next_ms = clock_monotonic_ms() + (failed ? state->backoff_ms : jobs[which].period_ms);
    judge(scheduler, which, failed ? err.text : "");
}

/* Notices what this process and others changed, and brings forward what depends on it. */
static void watch_changes(struct scheduler *scheduler)
{
    struct store *store = app_store(scheduler->server->app);
    int64_t foreign = 0, revocations = 0;
    if (store_foreign_version(store, &foreign, NULL) != STATUS_OK ||
        store_revocation_version(store, &revocations, NULL) != STATUS_OK) {
        hasten(scheduler, JOB_STORE); /* its probe says what is wrong */
        return;
    }
    bool elsewhere = foreign != scheduler->foreign_version;
    if (elsewhere)
        hasten(scheduler, JOB_AUTHORITY);
    if (elsewhere || revocations != scheduler->revocation_version) {
        hasten(scheduler, JOB_CRL);
        hasten(scheduler, JOB_CDP);
    }
    scheduler->foreign_version = foreign;
    scheduler->revocation_version = revocations;
}

/* Whether a job that has no period of its own is wanted. */
static bool is_wanted(struct scheduler *scheduler, int which)
{
    if (which != JOB_RELOAD)
        return true;
    (void)pthread_mutex_lock(&scheduler->lock);
    bool wanted = scheduler->reload_wanted;
    scheduler->reload_wanted = false;
    (void)pthread_mutex_unlock(&scheduler->lock);
    return wanted;
}

static void look_once(struct scheduler *scheduler)
{
    watch_changes(scheduler);
    for (int which = 0; which < JOBS; which++)
        if ((which == JOB_RELOAD || clock_monotonic_ms() >= scheduler->jobs[which].next_ms) &&
            is_wanted(scheduler, which))
            run_job(scheduler, which);
    if (scheduler->crl_published)
        hasten(scheduler, JOB_CHECKPOINT);
}

static void wait_a_little(struct scheduler *scheduler)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_EVERY_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_mutex_lock(&scheduler->lock);
    if (!scheduler->stopping && !scheduler->reload_wanted)
        (void)pthread_cond_timedwait(&scheduler->wake, &scheduler->lock, &until);
    (void)pthread_mutex_unlock(&scheduler->lock);
}

static bool is_stopping(struct scheduler *scheduler)
{
    (void)pthread_mutex_lock(&scheduler->lock);
    bool stopping = scheduler->stopping;
    (void)pthread_mutex_unlock(&scheduler->lock);
    return stopping;
}

static void *scheduler_main(void *argument)
{
    struct scheduler *scheduler = argument;
    while (!is_stopping(scheduler)) {
        wait_a_little(scheduler);
        look_once(scheduler);
    }
    run_job(scheduler, JOB_CHECKPOINT);
    return NULL;
}

/* ---- the face ---- */

static void scheduler_free(struct scheduler *scheduler)
{
    (void)pthread_cond_destroy(&scheduler->wake);
    (void)pthread_mutex_destroy(&scheduler->lock);
    free(scheduler);
}

enum status scheduler_start(struct server *server, struct scheduler **out, struct err *err)
{
    struct scheduler *scheduler = calloc(1, sizeof *scheduler);
    if (scheduler == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory for the scheduler");
    scheduler->server = server;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&scheduler->lock, NULL);
    (void)pthread_cond_init(&scheduler->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    look_once(scheduler); /* so that what is wrong is known before the first request */
    int failure = pthread_create(&scheduler->thread, NULL, scheduler_main, scheduler);
    if (failure != 0) {
        scheduler_free(scheduler);
        return ERR(err, STATUS_IO, "cannot start the scheduler's thread: %s", strerror(failure));
    }
    *out = scheduler;
    return STATUS_OK;
}

void scheduler_stop(struct scheduler *scheduler)
{
    if (scheduler == NULL)
        return;
    (void)pthread_mutex_lock(&scheduler->lock);
    scheduler->stopping = true;
    (void)pthread_cond_signal(&scheduler->wake);
    (void)pthread_mutex_unlock(&scheduler->lock);
    (void)pthread_join(scheduler->thread, NULL);
    scheduler_free(scheduler);
}

void scheduler_reload(struct scheduler *scheduler)
{
    (void)pthread_mutex_lock(&scheduler->lock);
    scheduler->reload_wanted = true;
    (void)pthread_cond_signal(&scheduler->wake);
    (void)pthread_mutex_unlock(&scheduler->lock);
}

void scheduler_complaints(struct scheduler *scheduler, struct buf *out)
{
    (void)pthread_mutex_lock(&scheduler->lock);
    for (int which = 0; which < JOBS; which++)
        if (!jobs[which].ready_without && scheduler->jobs[which].complaint[0] != '\0')
            buf_printf(out, "%s\n", scheduler->jobs[which].complaint);
    (void)pthread_mutex_unlock(&scheduler->lock);
}

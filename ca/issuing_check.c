/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether anything may be issued at all right now: the clock must not be behind, and the
 * authority not suspended. Says nothing about one request.
 */
#include "enroll_private.h"

#include "text.h"

#define CLOCK_BEHIND_MAX_S 300
#define SUSPENDED_MAX_LEN  1024

static enum status clock_check(struct store *store, int64_t now_s, struct err *err)
{
    int64_t last_s = 0;
    char date[32];
    TRY(store_last_commit_s(store, &last_s, err));
    if (now_s >= last_s - CLOCK_BEHIND_MAX_S)
        return STATUS_OK;
    time_text(last_s, date);
    return ERR(err, STATUS_TIME,
               "the clock is %lld s behind the last commit (%s): nothing is issued until it is set right",
               (long long)(last_s - now_s), date);
}

/* A restored database may lack what was issued after the backup: an officer resumes when that gap is mended.
 */
static enum status suspended_check(struct store *store, struct err *err)
{
    AUTO(buf) struct buf why = BUF(SUSPENDED_MAX_LEN);
    struct err ignored;
    enum status status = store_setting(store, SETTING_SUSPENDED, &why, &ignored);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && why.len == 0))
        return STATUS_OK;
    if (status != STATUS_OK) {
        if (err != NULL)
            *err = ignored;
        return status;
    }
    return ERR(err, STATUS_BUSY, "issuing is off: %.*s; `scepter ca resume` turns it on", (int)why.len,
               (const char *)why.data);
}

enum status issuing_check(struct store *store, int64_t now_s, struct err *err)
{
    TRY(clock_check(store, now_s, err));
    return suspended_check(store, err);
}

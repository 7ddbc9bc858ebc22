/* SPDX-License-Identifier: Apache-2.0
 *
 * The loaded configuration as one immutable, counted whole: a request holds one from
 * start to end while the server swaps in the next. Reads no files.
 */
#include "enroll.h"

#include <string.h>

const char *challenge_policy_name(enum challenge_policy policy)
{
    static const char *const names[] = {
        [CHALLENGE_NONE] = "none",
        [CHALLENGE_STATIC] = "static",
        [CHALLENGE_ONE_TIME] = "one-time",
        [CHALLENGE_WEBHOOK] = "webhook",
    };
    return names[policy];
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    __atomic_add_fetch(&snapshot->references, 1, __ATOMIC_RELAXED);
    return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
    if (snapshot == NULL || __atomic_sub_fetch(&snapshot->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    authority_free(snapshot->authority);
    template_set_unref(snapshot->templates);
    for (size_t i = 0; i < snapshot->profile_count; i++)
        profile_free(&snapshot->profiles[i]);
    free(snapshot->profiles);
    free(snapshot);
}

const struct profile *snapshot_profile(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->profile_count; i++)
        if (strcmp(snapshot->profiles[i].name, name) == 0)
            return &snapshot->profiles[i];
    return NULL;
}

static bool is_named(const char *template_name, const char *wanted)
{
    return template_name != NULL && strcmp(template_name, wanted) == 0;
}

bool profile_allows(const struct profile *profile, const char *template_name)
{
    return is_named(profile->template_any, template_name) ||
           is_named(profile->template_signing, template_name) ||
           is_named(profile->template_encryption, template_name) ||
           is_named(profile->template_both, template_name);
}

void profile_free(struct profile *profile)
{
    free(profile->name);
    free(profile->template_any);
    free(profile->template_signing);
    free(profile->template_encryption);
    free(profile->template_both);
    secret_free(profile->challenge_phrase);
    free(profile->webhook.url);
    secret_free(profile->webhook.secret);
    free(profile->webhook.ca_file);
    *profile = (struct profile){0};
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * All templates of a directory as one immutable, counted set, and what others may ask of a template. Reading
 * one file is template_load.c's.
 */
#include "file.h"
#include "template_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>

#define TEMPLATE_FILES_MAX 4096

struct template_set {
    atomic_size_t references;
    struct template **templates; /* by name */
    size_t count;
};

void template_free(struct template *template)
{
    if (template == NULL)
        return;
    template_clear(template);
    subject_rule_free(&template->subject);
    for (size_t i = 0; i < SAN_RULES_MAX; i++)
        pattern_free(&template->sans[i].pattern);
    for (size_t i = 0; i < template->eku_count; i++)
        buf_free(&template->eku[i]);
    for (size_t i = 0; i < template->policy_count; i++) {
        buf_free(&template->policies[i].oid);
        free(template->policies[i].cps);
    }
    free(template->policies);
    buf_free(&template->oid);
    config_strings_free(&template->denied_values);
    config_strings_free(&template->lookup_names);
    free(template->file);
    free(template);
}

static void set_free(struct template_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        template_free(set->templates[i]);
    free(set->templates);
    free(set);
}
AUTO_POINTER(set, struct template_set, set_free)

/* ---- the directory ---- */

static bool is_template_file(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && name[0] != '.' && strcmp(name + len - 4, ".cfg") == 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum status list_files(const char *dir, struct config_strings *paths, struct err *err)
{
    DIR *open = opendir(dir);
    enum status status = STATUS_OK;

    if (open == NULL)
        return ERR(err, STATUS_IO, "cannot read the template directory %s: %s", dir, strerror(errno));
    for (const struct dirent *entry = readdir(open); entry != NULL && status == STATUS_OK;
         entry = readdir(open)) {
        AUTO(heap) char *path = NULL;

        if (!is_template_file(entry->d_name))
            continue;
        status = paths->count < TEMPLATE_FILES_MAX
                     ? path_join(dir, entry->d_name, &path, err)
                     : ERR(err, STATUS_LIMIT, "%s holds more than %d templates", dir, TEMPLATE_FILES_MAX);
        if (status == STATUS_OK)
            status = strings_add(paths, path, err);
    }
    (void)closedir(open);
    if (paths->count > 1)
        qsort(paths->items, paths->count, sizeof *paths->items, by_text);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct template *left = *(struct template *const *)a;
    const struct template *right = *(struct template *const *)b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : strcmp(left->file, right->file);
}

static void check_duplicates(const struct template_set *set, struct config_mistakes *mistakes)
{
    for (size_t i = 1; i < set->count; i++) {
        const struct template *template = set->templates[i];

        if (strcmp(set->templates[i - 1]->name, template->name) == 0)
            config_mistake(mistakes, template->file, 0, "name",
                           "\"%s\" is the name of the template in %s too: each name may be used once",
                           template->name, set->templates[i - 1]->file);
    }
}

static enum status load_files(const struct config_strings *paths, const struct template_options *options,
                              struct config_mistakes *mistakes, struct config_mistakes *warnings,
                              struct template_set *set, struct err *err)
{
    for (size_t i = 0; i < paths->count; i++) {
        TRY(template_read(paths->items[i], NULL, options, mistakes, warnings, &set->templates[set->count],
                          err));
        if (set->templates[set->count] != NULL)
            set->count++;
    }
    if (set->count > 1)
        qsort(set->templates, set->count, sizeof(struct template *), by_name);
    check_duplicates(set, mistakes);
    return config_mistakes_status(mistakes, err);
}

static void paths_auto_(struct config_strings *paths)
{
    config_strings_free(paths);
}

enum status template_set_load(const char *dir, const struct template_options *options,
                              struct config_mistakes *mistakes, struct config_mistakes *warnings,
                              struct template_set **out, struct err *err)
{
    AUTO(set) struct template_set *set = calloc(1, sizeof *set);
    AUTO(paths) struct config_strings paths = {0};

    if (set == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    TRY(list_files(dir, &paths, err));
    set->templates = calloc(paths.count + 1, sizeof(struct template *));
    if (set->templates == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    TRY(load_files(&paths, options, mistakes, warnings, set, err));
    atomic_init(&set->references, 1);
    *out = MOVE(set);
    return STATUS_OK;
}

enum status template_check_file(const char *path, const struct template_options *options,
                                struct config_mistakes *mistakes, struct config_mistakes *warnings,
                                struct err *err)
{
    AUTO(template) struct template *template = NULL;

    TRY(template_read(path, NULL, options, mistakes, warnings, &template, err));
    return config_mistakes_status(mistakes, err);
}

struct template_set *template_set_ref(struct template_set *set)
{
    atomic_fetch_add(&set->references, 1);
    return set;
}

void template_set_unref(struct template_set *set)
{
    if (set != NULL && atomic_fetch_sub(&set->references, 1) == 1)
        set_free(set);
}

size_t template_set_count(const struct template_set *set)
{
    return set->count;
}

const struct template *template_set_at(const struct template_set *set, size_t index)
{
    return index < set->count ? set->templates[index] : NULL;
}

const struct template *template_set_find(const struct template_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->templates[i]->name, name) == 0)
            return set->templates[i];
    return NULL;
}

/* ---- one template, for others ---- */

const char *template_name(const struct template *template)
{
    return template->name;
}

const char *template_description(const struct template *template)
{
    return template->description;
}

const char *template_file(const struct template *template)
{
    return template->file;
}

enum audience template_audience(const struct template *template)
{
    return (enum audience) template->audience;
}

int64_t template_version(const struct template *template)
{
    return template->major;
}

int64_t template_validity_s(const struct template *template)
{
    return template->validity_s;
}

bool template_manual_approval(const struct template *template)
{
    return template->approval == APPROVAL_MANUAL;
}

int64_t template_renewal_window_s(const struct template *template, int64_t lifetime_s)
{
    switch (template->renewal_kind) {
    case RENEWAL_PERCENT:
        return lifetime_s / 100 * template->renewal_amount +
               lifetime_s % 100 * template->renewal_amount / 100;
    case RENEWAL_DURATION:
        return template->renewal_amount;
    case RENEWAL_ALWAYS:
        break;
    }
    return INT64_MAX;
}

bool template_trusts_request(const struct template *template)
{
    const struct entry *subject = &template->subject.entry;

    for (size_t i = 0; i < template->san_count; i++) {
        const struct entry *entry = &template->sans[i].entry;

        if (entry->from == FROM_REQUEST && entry->verify == VERIFY_NONE)
            return true;
    }
    return subject->from == FROM_REQUEST && subject->verify == VERIFY_NONE;
}

const struct key_limits *template_key_limits(const struct template *template)
{
    return &template->key.limits;
}

bool template_key_same_subject(const struct template *template)
{
    return template->key_reuse == KEY_REUSE_SAME_SUBJECT;
}

const char *const *template_lookup_names(const struct template *template)
{
    static const char *const none[] = {NULL};
    return template->lookup_names.items != NULL ? (const char *const *)template->lookup_names.items : none;
}

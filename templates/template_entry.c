/* SPDX-License-Identifier: Apache-2.0
 *
 * What a template says, for people: its entries, lookup names, EKU. Decides nothing.
 */
#include "template_private.h"

size_t template_entry_count(const struct template *template)
{
    return template->san_count + 1;
}

static struct template_entry entry_text(const struct entry *entry, const char *kind, bool optional)
{
    return (struct template_entry){.kind = kind,
                                   .pattern = entry->text,
                                   .from_request = entry->from == FROM_REQUEST,
                                   .verified = entry->from == FROM_REQUEST && entry->verify == VERIFY_SOURCE,
                                   .optional = optional};
}

struct template_entry template_entry_at(const struct template *template, size_t index)
{
    if (index == 0)
        return entry_text(&template->subject.entry, "subject", false);
    const struct san_rule *san = &template->sans[index - 1];
    return entry_text(&san->entry, san_type_name((enum san_type)san->type), san->optional);
}

static bool pattern_names(const struct pattern *pattern, const char *name)
{
    for (size_t i = 0; i < pattern->count; i++)
        if (pattern->parts[i].is_name && strcmp(pattern->parts[i].text, name) == 0)
            return true;
    return false;
}

bool template_entry_names(const struct template *template, size_t index, const char *name)
{
    const struct subject_rule *subject = &template->subject;

    if (index > 0)
        return pattern_names(&template->sans[index - 1].pattern, name);
    for (size_t i = 0; subject->patterns != NULL && i < subject->shape.count; i++)
        if (pattern_names(&subject->patterns[i], name))
            return true;
    return false;
}

size_t template_eku(const struct template *template, struct span *out, size_t max)
{
    size_t count = template->eku_count < max ? template->eku_count : max;

    for (size_t i = 0; i < count; i++)
        out[i] = buf_span(&template->eku[i]);
    return count;
}

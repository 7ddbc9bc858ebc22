/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns of templates: a first line that is compiled, the rest that is matched. What matches is what the
 * pattern gives when it is filled with what its placeholders matched, and matches again.
 */
#include "fuzz.h"

#include "pattern.h"

static enum status found_value(void *context, const char *name, const char **text, struct err *err)
{
    *text = values_get(context, name);
    return *text != NULL ? STATUS_OK : ERR(err, STATUS_NOT_FOUND, "{%s} matched nothing", name);
}

static bool has_wildcard(const struct pattern *pattern)
{
    for (size_t i = 0; i < pattern->count; i++)
        if (pattern->parts[i].is_name && pattern_is_wildcard(pattern->parts[i].text))
            return true;
    return false;
}

static void match(const struct pattern *pattern, const char *text)
{
    struct err err = {0};
    bool matches = false;
    AUTO(values) struct values found = {0};
    AUTO(buf) struct buf filled = BUF(1 << 20);
    if (!fuzz_ok(pattern_match(pattern, text, &matches, &found, &err), &err))
        return;
    if (!matches) {
        PROMISE(found.count == 0);
        return;
    }
    fuzz_accepted++;
    if (has_wildcard(pattern))
        return;
    PROMISE(pattern_fill(pattern, found_value, &found, &filled, &err) == STATUS_OK);
    PROMISE(span_equal(buf_span(&filled), SPAN_STR(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    AUTO(heap) char *text = fuzz_text(data, size);
    AUTO(pattern) struct pattern pattern = {0};
    char *rest = strchr(text, '\n');
    if (rest != NULL)
        *rest++ = '\0';
    if (fuzz_ok(pattern_compile(text, &pattern, &err), &err) && rest != NULL)
        match(&pattern, rest);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of a template file, read and checked; one without mistakes is also filled, which must end in a
 * content or in a denial.
 */
#include "fuzz.h"

#include "template_private.h"

#define FILE_NAME "Fuzz.cfg"

static void hold_mistakes(const struct config_mistakes *mistakes)
{
    for (size_t i = 0; i < mistakes->count; i++) {
        PROMISE(utf8_printable(SPAN_STR(mistakes->lines[i])));
        PROMISE(strncmp(mistakes->lines[i], FILE_NAME, sizeof FILE_NAME - 1) == 0);
    }
}

static void fill(const struct template *template)
{
    struct err err = {0};
    AUTO(lookup) struct lookup *lookup = NULL;
    AUTO(values) struct values values = {0};
    AUTO(content) struct content content = {0};
    AUTO(name) struct name subject = {0};
    AUTO(general_names) struct general_names san = {0};
    PROMISE(lookup_new(NULL, 0, &lookup, &err) == STATUS_OK);
    for (size_t i = 0; template_lookup_names(template)[i] != NULL; i++)
        if (!fuzz_ok(values_set(&values, template_lookup_names(template)[i], "192.0.2.7", &err), &err))
            return;
    PROMISE(lookup_bind(lookup, "command line", &values, &err) == STATUS_OK);
    struct template_input input = {.lookup = lookup};
    (void)fuzz_ok(template_apply(template, &input, &content, &err), &err);
    (void)fuzz_ok(template_propose(template, lookup, &subject, &san, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    const struct template_options options = {0};
    AUTO(heap) char *text = fuzz_text(data, size);
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(config_mistakes) struct config_mistakes warnings = {0};
    AUTO(template) struct template *template = NULL;
    if (!fuzz_ok(template_read(FILE_NAME, text, &options, &mistakes, &warnings, &template, &err), &err))
        return 0;
    PROMISE((template != NULL) == (mistakes.count == 0));
    hold_mistakes(&mistakes);
    hold_mistakes(&warnings);
    if (template != NULL) {
        fuzz_accepted++;
        fill(template);
    }
    return 0;
}

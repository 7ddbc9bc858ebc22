/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets share; see fuzz.h.
 */
#include "fuzz.h"

#include "text.h"

#include <stdio.h>

size_t fuzz_accepted;

/* libconfig 1.5 loses strings that a syntax error cuts off. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:strbuf_append\nleak:libconfig_yylex\n";
}

void fuzz_broken(const char *file, int line, const char *promise)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, promise);
    abort();
}

bool fuzz_ok(enum status status, const struct err *err)
{
    if (status == STATUS_OK)
        return true;
    PROMISE(status != STATUS_INTERNAL);
    PROMISE(err->status == status);
    PROMISE(err->text[0] != '\0');
    PROMISE(utf8_printable(SPAN_STR(err->text)));
    return false;
}

bool fuzz_has_other(const struct general_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->items[i].type == SAN_OTHER)
            return true;
    return false;
}

char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    PROMISE(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

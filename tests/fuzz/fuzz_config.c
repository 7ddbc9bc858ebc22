/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of a scepter.cfg, read by the table of keys: a configuration, or mistakes that each say where.
 */
#include "fuzz.h"

#include "server_config.h"

#define FILE_NAME "scepter.cfg"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    AUTO(heap) char *text = fuzz_text(data, size);
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    AUTO(server_config) struct server_config *config = NULL;
    bool read = fuzz_ok(server_config_parse(text, FILE_NAME, &mistakes, &config, &err), &err);
    PROMISE(read == (config != NULL) && read == (mistakes.count == 0));
    for (size_t i = 0; i < mistakes.count; i++) {
        PROMISE(utf8_printable(SPAN_STR(mistakes.lines[i])));
        PROMISE(strncmp(mistakes.lines[i], FILE_NAME, sizeof FILE_NAME - 1) == 0);
    }
    fuzz_accepted += read;
    return 0;
}

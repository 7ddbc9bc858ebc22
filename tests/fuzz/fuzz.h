/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets share. Each fuzz_<name>.c is one target: octets from libFuzzer, or from the files of
 * corpus/<name> where replay.c drives it. A broken promise ends the process, as a crash does.
 */
#ifndef SCEPTER_TESTS_FUZZ_H
#define SCEPTER_TESTS_FUZZ_H

#include "name.h"

/* The entry point that libFuzzer knows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Inputs that got through whole: a corpus of which none does proves nothing. */
extern size_t fuzz_accepted;

/* Ends the process with the broken promise. */
void fuzz_broken(const char *file, int line, const char *promise) __attribute__((noreturn));
#define PROMISE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fuzz_broken(__FILE__, __LINE__, #condition);                                                     \
    } while (0)

/* Whether the call succeeded. A failure has filled err with its own status and one line of printable UTF-8.
 */
bool fuzz_ok(enum status status, const struct err *err);
/* Whether there is a name of a kind whose contents we pass over and never write: OpenSSL may refuse it. */
bool fuzz_has_other(const struct general_names *names);
/* The octets with a NUL behind them, the caller's to free(); a NUL among them ends the text. */
char *fuzz_text(const uint8_t *data, size_t size);

#endif

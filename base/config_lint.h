/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to base/: what libconfig 1.5 reports badly or not at all, found in the text before it is parsed.
 */
#ifndef SCEPTER_BASE_CONFIG_LINT_H
#define SCEPTER_BASE_CONFIG_LINT_H

#include "config.h"

/* Adds a mistake for each comma before ')' or ']' (which libconfig calls a "syntax error"), for each integer
 * without L that does not fit 32 bits (which libconfig wraps in silence) and for each @include (which would
 * read files that nobody named to us). True if there was none. */
bool config_lint(const char *text, const char *name, struct config_mistakes *mistakes);

/* Puts the mistakes found in one text behind those of the whole reading (NULL: they are dropped). */
void config_mistakes_move(struct config_mistakes *all, struct config_mistakes *found);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * An authority for fuzz targets whose keys are always the same, so that messages which were captured once can
 * be decrypted: authority/ holds its keys and what its store remembers. They protect nothing.
 */
#ifndef SCEPTER_TESTS_FUZZ_AUTHORITY_H
#define SCEPTER_TESTS_FUZZ_AUTHORITY_H

#include "enroll.h"

/* The challenge of the profile "lab". */
#define FUZZ_PHRASE "an-old-shared-phrase-of-the-lab"

/* A data directory below the system's temporary one, removed when the process ends. */
struct fuzz_place {
    char dir[64];
    struct store *store;
    struct template_set *templates; /* the built-in ones */
    struct authority_config config;
};
/* With an empty store. */
void fuzz_place_make(struct fuzz_place *place);
/* With the committed authority's keys and state in it. */
void fuzz_place_fill(struct fuzz_place *place);

/* Everything of the committed authority and the profiles "lab" (static challenge; SHA-1 and 3DES taken) and
 * "strict". Made at the first call, in a place that is never written again. */
const struct snapshot *fuzz_snapshot(void);

#endif

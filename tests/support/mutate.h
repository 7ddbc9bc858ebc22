/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes octets in the ways that break parsers, by a generator with a fixed seed: the same on every run.
 */
#ifndef SCEPTER_TESTS_MUTATE_H
#define SCEPTER_TESTS_MUTATE_H

#include <stdint.h>
#include <string.h>

/* xorshift64*; *state is not 0. */
static inline uint32_t mutate_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

/* One to three changes: a bit, an octet, a length or tag moved by one; seldom the last octet is cut off.
 * Returns the new length. */
static inline size_t mutate(uint64_t *state, uint8_t *octets, size_t len)
{
    static const uint8_t favourites[] = {0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x0c, 0x13, 0x1e,
                                         0x30, 0x31, 0x7f, 0x80, 0x81, 0xa0, 0xff, '@',  '*'};
    unsigned changes = 1 + mutate_random(state) % 3;

    for (unsigned i = 0; i < changes; i++) {
        size_t at = mutate_random(state) % len;
        switch (mutate_random(state) % 4) {
        case 0:
            octets[at] = (uint8_t)(octets[at] ^ 1u << mutate_random(state) % 8);
            break;
        case 1:
            octets[at] = favourites[mutate_random(state) % sizeof(favourites)];
            break;
        case 2:
            octets[at] = (uint8_t)(octets[at] + (mutate_random(state) % 2 != 0 ? 1 : -1));
            break;
        default:
            octets[at] = (uint8_t)mutate_random(state);
            break;
        }
    }
    if (mutate_random(state) % 16 == 0 && len > 1)
        return len - 1;
    return len;
}

#endif

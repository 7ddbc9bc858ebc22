/* SPDX-License-Identifier: Apache-2.0
 *
 * Names as a directory compares them: without case, width, accents and characters that
 * do not show. Active Directory takes "ádministrator", or the same in full-width letters,
 * for "administrator", so a list of denied names must do so too. Letters of other
 * alphabets that merely look alike are not the same to it, nor here.
 */
#include "template_private.h"

#include "text.h"

#define LATIN_FIRST   0xc0U
#define LATIN_LAST    0x17fU
#define LATIN_2_FIRST 0x1e00U
#define LATIN_2_LAST  0x1effU
#define MATH_FIRST    0x1d400U /* the Latin alphabet in 13 styles, capitals and small letters in turn */
#define MATH_LAST     0x1d6a3U
#define FULL_WIDTH    0xfee0U

/* The letter under each accent, '.' where there is none. */
static const char latin[] = "aaaaaa.ceeeeiiiidnooooo.ouuuuy..aaaaaa.ceeeeiiiidnooooo.ouuuuy.y"
                            "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkk.llllll."
                            "lllnnnnnn...oooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static const char latin_2[] = "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm"
                              "mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv"
                              "wwwwwwwwwwxxxxyyzzzzzzhtwy.s....aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
                              "eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......";
_Static_assert(sizeof latin - 1 == LATIN_LAST - LATIN_FIRST + 1, "a letter for each code point");
_Static_assert(sizeof latin_2 - 1 == LATIN_2_LAST - LATIN_2_FIRST + 1, "a letter for each code point");

struct range {
    uint32_t first, last;
};

/* Combining marks, and what takes no room: joiners, directions, variation selectors, tags. */
static const struct range unseen[] = {
    {0xad, 0xad},     {0x300, 0x36f},   {0x483, 0x489},   {0x61c, 0x61c},   {0x115f, 0x1160},
    {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},
    {0x202a, 0x202e}, {0x2060, 0x206f}, {0x20d0, 0x20ff}, {0x3164, 0x3164}, {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff}};
static const struct range blanks[] = {{0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
                                      {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};

static bool is_among(const struct range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

/* The ASCII character that stands for it, '\0' if none does. */
static char ascii_for(uint32_t code)
{
    char letter = '.';

    if (code >= 0xff01 && code <= 0xff5e)
        code -= FULL_WIDTH;
    if (code < 0x80)
        return (char)(code >= 'A' && code <= 'Z' ? code - 'A' + 'a' : code);
    if (is_among(blanks, sizeof blanks / sizeof *blanks, code))
        return ' ';
    if (code >= LATIN_FIRST && code <= LATIN_LAST)
        letter = latin[code - LATIN_FIRST];
    else if (code >= LATIN_2_FIRST && code <= LATIN_2_LAST)
        letter = latin_2[code - LATIN_2_FIRST];
    else if (code >= MATH_FIRST && code <= MATH_LAST)
        letter = (char)('a' + (code - MATH_FIRST) % 26);
    return (char)(letter != '.' ? letter : '\0');
}

/* Greek and Cyrillic capitals, whose UTF-8 is as long as that of the small letters. */
static uint32_t small_letter(uint32_t code)
{
    if ((code >= 0x391 && code <= 0x3a9) || (code >= 0x410 && code <= 0x42f))
        return code + 0x20;
    return code >= 0x400 && code <= 0x40f ? code + 0x50 : code;
}

void fold_name(char *text)
{
    struct span rest = SPAN_STR(text);
    char *out = text;

    while (rest.len > 0) {
        uint32_t code = 0;
        size_t read = utf8_next(rest, &code);
        size_t len = read > 0 ? read : 1;
        char ascii = (char)(read > 0 ? ascii_for(code) : '\0');

        if (ascii != '\0') {
            *out++ = ascii;
        } else if (read == 2 && small_letter(code) != code) {
            code = small_letter(code);
            *out++ = (char)(0xc0U | code >> 6);
            *out++ = (char)(0x80U | (code & 0x3fU));
        } else if (read == 0 || !is_among(unseen, sizeof unseen / sizeof *unseen, code)) {
            memmove(out, rest.data, len);
            out += len;
        }
        rest = SPAN(rest.data + len, rest.len - len);
    }
    *out = '\0';
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of fold_name: which spellings a directory takes for the same name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "template_private.h"

struct spelling {
    const char *text, *folded;
};

static void assert_folds(const struct spelling *spellings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[128];
        assert_true(strlen(spellings[i].text) < sizeof text);
        memcpy(text, spellings[i].text, strlen(spellings[i].text) + 1);
        fold_name(text);
        assert_string_equal(text, spellings[i].folded);
    }
}

static void fold_name__makes_disguises_equal(void **state)
{
    static const struct spelling spellings[] = {
        {"Administrator", "administrator"},
        {"\uff21\uff44ministrator", "administrator"},                         /* full width */
        {"\u00e1dministr\u00c5t\u00f6r", "administrator"},                    /* accents */
        {"a\u0301dministrator\u0489", "administrator"},                       /* combining */
        {"\u1e33rbtgt", "krbtgt"},                                            /* dot below */
        {"admin\u200bistra\u00adtor\ufeff\u202e", "administrator"},           /* not shown */
        {"adm\U000e0069inistrator", "administrator"},                         /* a tag */
        {"\U0001d41a\U0001d403ministrator", "administrator"},                 /* mathematical bold */
        {"guest\u00a0\u3000", "guest  "},                                     /* blanks */
        {"guest\uff20lab\uff3cx", "guest@lab\\x"},                            /* full-width signs */
        {"\u0410\u0434\u041c\u0418\u043d", "\u0430\u0434\u043c\u0438\u043d"}, /* Cyrillic capitals */
        {"\u0394", "\u03b4"},                                                 /* Greek capitals */
    };

    (void)state;
    assert_folds(spellings, sizeof spellings / sizeof *spellings);
}

/* What is another letter stays one, also where it looks alike. */
static void fold_name__keeps_what_differs(void **state)
{
    static const struct spelling spellings[] = {
        {"", ""},
        {"\u0430dministrator", "\u0430dministrator"}, /* Cyrillic a */
        {"\u00df\u00e6\u4e2d\U0001f600", "\u00df\u00e6\u4e2d\U0001f600"},
        {"\xff\xc3", "\xff\xc3"}, /* no UTF-8 */
        {"a b.c-d_e$", "a b.c-d_e$"},
    };

    (void)state;
    assert_folds(spellings, sizeof spellings / sizeof *spellings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fold_name__makes_disguises_equal),
        cmocka_unit_test(fold_name__keeps_what_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at the words of a libconfig text, without its grammar: strings and comments are passed over, of the
 * rest only commas, integers and @ matter. Everything else is left to libconfig to judge.
 */
#include "config_lint.h"

#include <errno.h>

struct lint {
    const char *next;
    int line;
    int comma_line; /* of the comma that was the last word, 0: another word was */
    const char *name;
    struct config_mistakes *mistakes;
    bool clean;
};

static void lint_step(struct lint *lint, size_t n)
{
    for (size_t i = 0; i < n && *lint->next != '\0'; i++) {
        if (*lint->next == '\n')
            lint->line++;
        lint->next++;
    }
}

/* Up to and with the closing quote; a backslash takes the next character with it. */
static void lint_skip_string(struct lint *lint)
{
    lint_step(lint, 1);
    while (*lint->next != '\0' && *lint->next != '"')
        lint_step(lint, *lint->next == '\\' ? 2 : 1);
    lint_step(lint, 1);
}

/* Blanks and comments: true if there was one. */
static bool lint_skip_layout(struct lint *lint)
{
    const char *next = lint->next;
    if (strchr(" \t\r\n\f", *next) != NULL) {
        lint_step(lint, 1);
    } else if (*next == '#' || (next[0] == '/' && next[1] == '/')) {
        lint_step(lint, strcspn(next, "\n"));
    } else if (next[0] == '/' && next[1] == '*') {
        const char *end = strstr(next + 2, "*/");
        lint_step(lint, end != NULL ? (size_t)(end - next) + 2 : strlen(next));
    } else {
        return false;
    }
    return true;
}

static bool lint_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '*' || c == '.';
}

/* A decimal or hexadecimal integer that fits its type, or no integer at all. */
static bool lint_number_fits(const char *word)
{
    char *end = NULL;
    bool hexadecimal = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
    errno = 0;
    long long value = strtoll(word, &end, hexadecimal ? 16 : 10);
    bool in_range = errno != ERANGE;
    bool is_long = end[0] == 'L' && (end[1] == '\0' || (end[1] == 'L' && end[2] == '\0'));
    if (end == word || (*end != '\0' && !is_long))
        return true;
    return in_range && (is_long || (value >= INT32_MIN && value <= INT32_MAX));
}

static void lint_word(struct lint *lint)
{
    char word[64] = "";
    size_t len = 0;
    while (lint_is_word(lint->next[len])) {
        if (len < sizeof(word) - 1)
            word[len] = lint->next[len];
        len++;
    }
    if (!lint_number_fits(word)) {
        config_mistake(lint->mistakes, lint->name, lint->line, NULL,
                       "the integer %s is too large: -2147483648 to 2147483647 is allowed", word);
        lint->clean = false;
    }
    lint_step(lint, len);
}

static void lint_bracket(struct lint *lint)
{
    if (lint->comma_line == 0)
        return;
    config_mistake(lint->mistakes, lint->name, lint->comma_line, NULL,
                   "a comma before '%c': remove it, for the last element of a list has none behind it",
                   *lint->next);
    lint->clean = false;
}

static void lint_include(struct lint *lint)
{
    config_mistake(
        lint->mistakes, lint->name, lint->line, NULL,
        "'@' is not allowed outside strings: @include is not offered, write everything in one file");
    lint->clean = false;
}

static void lint_token(struct lint *lint)
{
    char c = *lint->next;
    if (c == '@')
        lint_include(lint);
    if (c == ')' || c == ']')
        lint_bracket(lint);
    lint->comma_line = c == ',' ? lint->line : 0;
    if (c == '"')
        lint_skip_string(lint);
    else if (lint_is_word(c))
        lint_word(lint);
    else
        lint_step(lint, 1);
}

bool config_lint(const char *text, const char *name, struct config_mistakes *mistakes)
{
    struct lint lint = {.next = text, .line = 1, .name = name, .mistakes = mistakes, .clean = true};
    while (*lint.next != '\0') {
        if (!lint_skip_layout(&lint))
            lint_token(&lint);
    }
    return lint.clean;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Table-driven reading of libconfig files: a table says which keys there are, of which type,
 * range and default; every mistake is gathered with file, line, key and what is allowed.
 */
#ifndef SCEPTER_BASE_CONFIG_H
#define SCEPTER_BASE_CONFIG_H

#include "text.h"

/* All mistakes of one reading. Zero-initialise. */
struct config_mistakes {
    char **lines; /* "scepter.cfg:12: authority.url: …", owned */
    size_t count;
    size_t lost; /* further ones whose text was lost for lack of memory */
};
void config_mistakes_free(struct config_mistakes *mistakes);
AUTO_VALUE(config_mistakes, struct config_mistakes, config_mistakes_free)
/* Adds one; memory running out loses the text but is counted (in lost). line 0: none. key may be NULL. */
void config_mistake(struct config_mistakes *mistakes, const char *file, int line, const char *key,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));
/* STATUS_OK if there is none, else STATUS_CONFIG with all of them (as many as fit, and how many more). */
NODISCARD enum status config_mistakes_status(const struct config_mistakes *mistakes, struct err *err);

enum config_type {
    CONFIG_STRING,   /* char *, owned; NULL if absent without default */
    CONFIG_BOOL,     /* bool */
    CONFIG_INT,      /* int64_t, min to max */
    CONFIG_DURATION, /* int64_t seconds, min to max; "30d" */
    CONFIG_SIZE,     /* int64_t octets, min to max; "10MiB" */
    CONFIG_WORD,     /* int: index into words */
    CONFIG_STRINGS,  /* struct config_strings: array or list of strings */
    CONFIG_GROUP,    /* a nested group: `table` describes it, at the same base plus offset */
    CONFIG_CUSTOM,   /* `read` is called with the setting */
};

struct config_strings {
    char **items;
    size_t count;
};
void config_strings_free(struct config_strings *strings);

struct config_setting; /* a libconfig setting; opaque */

/* What a reading is at: for custom readers. */
struct config_context {
    const char *file;
    struct config_mistakes *mistakes;
};

struct config_key {
    const char *name;
    enum config_type type;
    size_t offset; /* into the struct that is filled; a custom reader gets base plus offset */
    bool required;
    const char *fallback;     /* default as text ("7d", "true", "none", "16", "a,b"), NULL: zero / absent */
    int64_t min, max;         /* CONFIG_INT, _DURATION, _SIZE unless both are 0; CONFIG_STRING and each of
                               * CONFIG_STRINGS: length in octets if max > 0 */
    const char *const *words; /* CONFIG_WORD: NULL-ended, allowed words */
    const struct config_key *table; /* CONFIG_GROUP */
    /* CONFIG_CUSTOM; setting is NULL where the key is absent */
    void (*read)(struct config_setting *setting, void *base, struct config_context *context);
    const char *comment; /* one or two sentences; the documentation and the sample file come from it */
};

struct config_file; /* opaque */
/* Parses a file of at most 1 MiB of UTF-8. A syntax error is a mistake (with its line) and STATUS_CONFIG,
 * with file and line in err too; an unreadable file STATUS_IO / STATUS_NOT_FOUND. Trailing commas, integers
 * that libconfig would wrap and @include (which is not offered) count as syntax errors, and all of them are
 * found; of other syntax errors libconfig finds the first. mistakes may be NULL. */
NODISCARD enum status config_open(const char *path, struct config_mistakes *mistakes,
                                  struct config_file **out, struct err *err);
/* The same from a text; `name` stands for the file in messages. */
NODISCARD enum status config_open_text(const char *text, const char *name, struct config_mistakes *mistakes,
                                       struct config_file **out, struct err *err);
void config_close(struct config_file *file);
AUTO_POINTER(config, struct config_file, config_close)
struct config_setting *config_root(struct config_file *file);

/* Fills base by the table (ends with .name = NULL) from a group (NULL: only defaults, nothing is missed);
 * unknown keys are mistakes that name the nearest known one. prefix stands before keys in messages
 * ("authority.", "profiles[2]."). base must be zeroed; defaults are filled in. */
void config_read_group(struct config_setting *group, const char *prefix, const struct config_key *table,
                       void *base, struct config_context *context);
/* Frees the owned strings that config_read_group put into base; what custom readers put there is theirs. */
void config_clear(const struct config_key *table, void *base);

/* For custom readers. */
int config_line(const struct config_setting *setting);
bool config_is_group(const struct config_setting *setting);
bool config_is_list(const struct config_setting *setting); /* list or array */
bool config_is_string(const struct config_setting *setting);
size_t config_length(const struct config_setting *setting);
struct config_setting *config_at(struct config_setting *setting, size_t index);
/* Name of a member of a group, NULL for list elements. */
const char *config_name(const struct config_setting *setting);
/* NULL if it is not a string. Borrowed. Well-formed UTF-8 unless written with \x: judge what matters. */
const char *config_text(const struct config_setting *setting);

#endif

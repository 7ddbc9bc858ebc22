/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands of the command line share: the table of commands, how their options
 * are read, how they print. main.c finds the command; each cli_*.c holds a family.
 */
#ifndef SCEPTER_SERVER_CLI_H
#define SCEPTER_SERVER_CLI_H

#include "app.h"

#include <getopt.h>
#include <stdio.h>

/* Exit codes (the interface). */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* How one command was called. */
struct cli {
    const char *dir;   /* --dir, $SCEPTER_DIR, or /var/lib/scepter */
    const char *actor; /* "local:<os user>" */
    int argc;          /* what stands behind the command's words; argv[0] is the command for getopt */
    char **argv;
};

struct command {
    const char *words;   /* "cert revoke"; a command of one word: "init" */
    const char *usage;   /* what stands behind the words: "SERIAL [--reason R]" */
    const char *summary; /* one line for --help */
    enum status (*run)(struct cli *cli, struct err *err);
};
/* Tables end with words = NULL; main.c holds the list of tables. One table a family. */
extern const struct command cli_serve_commands[];   /* serve */
extern const struct command cli_init_commands[];    /* init */
extern const struct command cli_ca_commands[];      /* ca … */
extern const struct command cli_cert_commands[];    /* cert … */
extern const struct command cli_crl_commands[];     /* crl … */
extern const struct command cli_request_commands[]; /* request … */
extern const struct command cli_setup_commands[]; /* template …, profile …, challenge …, device …, lookup … */
extern const struct command cli_keep_commands[]; /* audit …, backup, restore, doctor */

/* ---- options: a table, read by getopt_long ---- */

enum cli_option_type {
    CLI_FLAG,     /* bool */
    CLI_TEXT,     /* const char * */
    CLI_NUMBER,   /* int64_t >= 0 */
    CLI_DURATION, /* int64_t seconds: 30d */
    CLI_VALUES,   /* struct values: --set K=V, may be repeated; free it */
    CLI_TEXTS,    /* struct cli_texts: may be repeated */
};
#define CLI_TEXTS_MAX 64
struct cli_texts {
    const char *items[CLI_TEXTS_MAX];
    size_t count;
};
struct cli_option {
    const char *name; /* "reason" for --reason; NULL ends the table */
    enum cli_option_type type;
    void *target; /* untouched if the option is absent */
};
/* Reads options and leaves the operands in cli->argv[0 … argc - 1], between min and max of them. STATUS_USAGE
 * names the option or operand that is wrong and those there are. */
NODISCARD enum status cli_options(struct cli *cli, const struct cli_option *options, int min, int max,
                                  struct err *err);

/* One line from a terminal without echo (with the prompt), or the first line of standard input where that is
 * no terminal. The caller's (secret_free). */
NODISCARD enum status cli_secret(const char *prompt, char **out, struct err *err);
/* Writes octets to standard output. STATUS_IO. */
NODISCARD enum status cli_write(struct span octets, struct err *err);

/* cli_serve.c: reads ADDRESS:PORT, an IPv6 address in brackets; address is the caller's. STATUS_USAGE. */
NODISCARD enum status cli_listener_parse(const char *text, struct listener_config *out, struct err *err);
/* cli_ca.c: the CA's SHA-256 fingerprint as people compare it (AB:CD:…), appended. */
void cli_fingerprint(struct buf *out, struct span fingerprint);

#endif

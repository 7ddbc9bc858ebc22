/* SPDX-License-Identifier: Apache-2.0
 *
 * The program: finds the command that was meant, and turns what became of it into an exit
 * code and one line on standard error. What commands do stands in cli/.
 */
#include "cli.h"

#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_DIR "/var/lib/scepter"

static const struct command *const tables[] = {
    cli_init_commands,  cli_serve_commands, cli_ca_commands,
    cli_setup_commands, cli_cert_commands,  cli_request_commands,
    cli_crl_commands,   cli_keep_commands,  NULL,
};

/* ---- help ---- */

static void print_commands(FILE *out, const char *family)
{
    for (size_t t = 0; tables[t] != NULL; t++)
        for (const struct command *command = tables[t]; command->words != NULL; command++) {
            size_t len = family != NULL ? strlen(family) : 0;
            if (strncmp(command->words, family != NULL ? family : "", len) != 0 ||
                (len > 0 && command->words[len] != ' '))
                continue;
            (void)fprintf(out, "  %-18s %s\n", command->words, command->summary);
        }
}

static void print_help(FILE *out)
{
    (void)fprintf(out, "scepter " SCEPTER_VERSION ", a certificate authority server\n"
                       "\n"
                       "usage: scepter COMMAND [OPTIONS] [OPERANDS]\n"
                       "\n");
    print_commands(out, NULL);
    (void)fprintf(out, "\n"
                       "  --dir DIR          the data directory ($SCEPTER_DIR, else " DEFAULT_DIR ")\n"
                       "  COMMAND --help     how a command is used\n"
                       "  --version          the version\n");
}

static void print_usage(FILE *out, const struct command *command)
{
    (void)fprintf(out, "usage: scepter %s [--dir DIR]%s%s\n", command->words,
                  command->usage[0] != '\0' ? " " : "", command->usage);
}

/* ---- finding the command ---- */

/* How many of argv's first words are the command's words; 0: it is another one. */
static int words_match(const struct command *command, int argc, char **argv)
{
    const char *rest = command->words;
    int count = 0;
    while (*rest != '\0') {
        size_t len = strcspn(rest, " ");
        if (count == argc || strlen(argv[count]) != len || strncmp(argv[count], rest, len) != 0)
            return 0;
        rest += len;
        rest += strspn(rest, " ");
        count++;
    }
    return count;
}

static const struct command *find_command(int argc, char **argv, int *words)
{
    const struct command *found = NULL;
    *words = 0;
    for (size_t t = 0; tables[t] != NULL; t++)
        for (const struct command *command = tables[t]; command->words != NULL; command++) {
            int count = words_match(command, argc, argv);
            if (count > *words) {
                *words = count;
                found = command;
            }
        }
    return found;
}

static bool is_family(const char *word)
{
    size_t len = strlen(word);
    for (size_t t = 0; tables[t] != NULL; t++)
        for (const struct command *command = tables[t]; command->words != NULL; command++)
            if (strncmp(command->words, word, len) == 0 && command->words[len] == ' ')
                return true;
    return false;
}

static int refuse_command(int argc, char **argv)
{
    if (argc == 0) {
        print_help(stderr);
    } else if (is_family(argv[0]) && argc > 1 && argv[1][0] != '-') {
        (void)fprintf(stderr, "scepter: %s has no command \"%s\"; there are:\n", argv[0], argv[1]);
        print_commands(stderr, argv[0]);
    } else if (is_family(argv[0])) {
        (void)fprintf(stderr, "scepter: say which %s command is meant:\n", argv[0]);
        print_commands(stderr, argv[0]);
    } else {
        (void)fprintf(stderr, "scepter: there is no command \"%s\"; `scepter --help` lists them\n", argv[0]);
    }
    return CLI_USAGE;
}

/* ---- what stands before and between ---- */

/* Takes --dir out of the words, wherever it stands before "--". NULL: it is there without a value. */
static bool take_dir(int *argc, char **argv, const char **dir)
{
    int kept = 0;
    bool whole = true, ended = false;
    for (int i = 0; i < *argc; i++) {
        ended = ended || strcmp(argv[i], "--") == 0;
        if (!ended && strcmp(argv[i], "--dir") == 0) {
            whole = whole && i + 1 < *argc;
            *dir = i + 1 < *argc ? argv[++i] : *dir;
        } else if (!ended && strncmp(argv[i], "--dir=", 6) == 0) {
            *dir = argv[i] + 6;
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    return whole && (*dir)[0] != '\0';
}

static bool asks_for(int argc, char **argv, const char *word)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

static void name_actor(char *out, size_t size)
{
    const struct passwd *user = getpwuid(geteuid());
    if (user != NULL)
        (void)snprintf(out, size, "local:%s", user->pw_name);
    else
        (void)snprintf(out, size, "local:%u", (unsigned)geteuid());
}

static int run_command(const struct command *command, struct cli *cli)
{
    struct err err = {0};
    enum status status = command->run(cli, &err);
    if (fflush(stdout) != 0 && status == STATUS_OK)
        status = ERR(&err, STATUS_IO, "standard output cannot be written: %m");
    if (status == STATUS_OK)
        return CLI_DONE;
    (void)fprintf(stderr, "scepter: %s\n", err.text);
    if (status != STATUS_USAGE)
        return CLI_FAILED;
    print_usage(stderr, command);
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    char actor[128];
    int words = 0;
    const char *environment = getenv("SCEPTER_DIR");
    const char *dir = environment != NULL && environment[0] != '\0' ? environment : DEFAULT_DIR;
    (void)umask(077);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write, not the end */
    argc--, argv++;
    if (!take_dir(&argc, argv, &dir)) {
        (void)fprintf(stderr, "scepter: --dir needs a directory\n");
        return CLI_USAGE;
    }
    const struct command *command = find_command(argc, argv, &words);
    if (command == NULL && (asks_for(argc, argv, "--help") || asks_for(argc, argv, "help"))) {
        print_help(stdout);
        return CLI_DONE;
    }
    if (command == NULL && asks_for(argc, argv, "--version")) {
        (void)printf("scepter " SCEPTER_VERSION "\n");
        return CLI_DONE;
    }
    if (command == NULL)
        return refuse_command(argc, argv);
    if (asks_for(argc, argv, "--help")) {
        print_usage(stdout, command);
        (void)printf("%s\n", command->summary);
        return CLI_DONE;
    }
    name_actor(actor, sizeof actor);
    struct cli cli = {.dir = dir, .actor = actor, .argc = argc - words + 1, .argv = argv + words - 1};
    return run_command(command, &cli);
}

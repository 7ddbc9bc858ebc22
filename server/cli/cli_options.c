/* SPDX-License-Identifier: Apache-2.0
 *
 * What commands share: options read by a table, secrets asked for, octets written out.
 */
#include "cli.h"

#include <errno.h>

#define OPTIONS_MAX 32
#define TEXT_MAX    512

/* ": there are --a, --b VALUE", for messages. */
static void list_options(const struct cli_option *options, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (const struct cli_option *o = options; o->name != NULL && used < size; o++) {
        int len = snprintf(out + used, size - used, "%s--%s", o == options ? "" : ", ", o->name);
        used += len > 0 ? (size_t)len : 0;
    }
    if (options->name == NULL)
        (void)snprintf(out, size, "none");
}

static enum status take_number(const char *name, const char *text, int64_t *out, struct err *err)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < 0)
        return ERR(err, STATUS_USAGE, "--%s is \"%s\": a whole number from 0 is allowed", name, text);
    *out = number;
    return STATUS_OK;
}

static enum status take_text(const char *name, const char *text, struct cli_texts *out, struct err *err)
{
    if (out->count == CLI_TEXTS_MAX)
        return ERR(err, STATUS_USAGE, "--%s stands more than %d times", name, CLI_TEXTS_MAX);
    out->items[out->count++] = text;
    return STATUS_OK;
}

static enum status as_usage(enum status status, const char *name, struct err *err)
{
    if (status == STATUS_OK || status == STATUS_NOMEM)
        return status;
    (void)err_prefix(err, "--%s: ", name);
    if (err != NULL)
        err->status = STATUS_USAGE;
    return STATUS_USAGE;
}

/* An empty text would leave a challenge unbound that was meant to be bound, as by --set
 * EnrollmentUser=$UNSET. */
static enum status take_value(const char *pair, struct values *values, struct err *err)
{
    const char *equals = strchr(pair, '=');
    if (equals != NULL && equals[1] == '\0')
        return ERR(err, STATUS_MALFORMED, "%.80s without a text behind it: say which, or leave it out", pair);
    return values_set_pair(values, pair, err);
}

static enum status take_option(const struct cli_option *option, const char *text, struct err *err)
{
    switch (option->type) {
    case CLI_FLAG:
        *(bool *)option->target = true;
        return STATUS_OK;
    case CLI_TEXT:
        *(const char **)option->target = text;
        return STATUS_OK;
    case CLI_NUMBER:
        return take_number(option->name, text, option->target, err);
    case CLI_DURATION:
        return as_usage(duration_parse(text, option->target, err), option->name, err);
    case CLI_VALUES:
        return as_usage(take_value(text, option->target, err), option->name, err);
    case CLI_TEXTS:
        return take_text(option->name, text, option->target, err);
    }
    return ERR(err, STATUS_INTERNAL, "option --%s has an unknown type", option->name);
}

/* getopt_long's own messages are off: this one line is what people get. */
static enum status refuse_option(const struct cli *cli, const struct cli_option *options, int what,
                                 struct err *err)
{
    char known[TEXT_MAX];
    const char *given = optind > 0 && optind <= cli->argc ? cli->argv[optind - 1] : "";
    list_options(options, known, sizeof known);
    if (what == ':')
        return ERR(err, STATUS_USAGE, "the option %s needs a value", given);
    return ERR(err, STATUS_USAGE, "the option %s is unknown, ambiguous or takes no value; options are: %s",
               given, known);
}

static enum status count_operands(const struct cli *cli, int min, int max, struct err *err)
{
    if (cli->argc < min)
        return ERR(err, STATUS_USAGE, "%d operand%s expected, %d given", min, min == 1 ? " is" : "s are",
                   cli->argc);
    if (cli->argc > max)
        return ERR(err, STATUS_USAGE, "\"%s\" is one operand too many", cli->argv[max]);
    return STATUS_OK;
}

enum status cli_options(struct cli *cli, const struct cli_option *options, int min, int max, struct err *err)
{
    struct option table[OPTIONS_MAX + 1] = {0};
    size_t count = 0;
    for (; options[count].name != NULL; count++) {
        if (count == OPTIONS_MAX)
            return ERR(err, STATUS_INTERNAL, "a command has more than %d options", OPTIONS_MAX);
        table[count].name = options[count].name;
        table[count].has_arg = options[count].type == CLI_FLAG ? no_argument : required_argument;
    }
    optind = 0; /* GNU: start anew */
    opterr = 0;
    int index = 0;
    for (;;) {
        int what = getopt_long(cli->argc, cli->argv, ":", table, &index);
        if (what == -1)
            break;
        if (what != 0)
            return refuse_option(cli, options, what, err);
        TRY(take_option(&options[index], optarg, err));
    }
    cli->argc -= optind;
    cli->argv += optind;
    return count_operands(cli, min, max, err);
}

enum status cli_secret(const char *prompt, char **out, struct err *err)
{
    return passphrase_ask(prompt, out, err);
}

enum status cli_write(struct span octets, struct err *err)
{
    if ((octets.len > 0 && fwrite(octets.data, 1, octets.len, stdout) != octets.len) || fflush(stdout) != 0)
        return ERR(err, STATUS_IO, "standard output cannot be written: %m");
    return STATUS_OK;
}

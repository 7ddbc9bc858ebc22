/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a passphrase comes from: a file, an environment variable or the terminal without
 * echo. Keeps none and judges none.
 */
#include "server_config.h"

#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define LINE_OCTETS_MAX 1024
#define CONTROL_C       0x03

enum status passphrase_check(const char *source, struct err *err)
{
    bool is_file = strncmp(source, "file:/", 6) == 0;
    bool is_variable = strncmp(source, "env:", 4) == 0 && source[4] != '\0' && strchr(source, '=') == NULL;
    if (!is_file && !is_variable && strcmp(source, "prompt") != 0)
        return ERR(
            err, STATUS_USAGE,
            "\"%s\" names no passphrase: \"file:/absolute/path\", \"env:NAME\" or \"prompt\" is allowed",
            source);
    return STATUS_OK;
}

/* ---- one line ---- */

/* Octet by octet, so that what stands behind the line stays for others. */
static enum status read_line(const char *prompt, struct buf *line, struct err *err)
{
    for (;;) {
        uint8_t octet = 0;
        ssize_t len = read(STDIN_FILENO, &octet, 1);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return ERR(err, STATUS_IO, "standard input cannot be read: %m");
        if (len == 0 && line->len == 0)
            return ERR(err, STATUS_IO, "%s is expected as one line on standard input, which ended", prompt);
        if (len == 0 || octet == '\n')
            return STATUS_OK;
        if (octet == CONTROL_C)
            return ERR(err, STATUS_DENIED, "interrupted");
        if (octet == '\0')
            return ERR(err, STATUS_MALFORMED, "the line holds a NUL");
        buf_add_octet(line, octet);
        TRY(buf_status(line, "the line", err));
    }
}

/* Without echo, and with ^C as an octet of the line, so that the terminal is put right again in any case. */
static enum status read_hidden(const char *prompt, struct buf *line, struct err *err)
{
    struct termios before;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return ERR(err, STATUS_IO, "the terminal cannot be asked: %m");
    struct termios hidden = before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0)
        return ERR(err, STATUS_IO, "the terminal's echo cannot be switched off: %m");
    (void)fprintf(stderr, "%s: ", prompt);
    enum status status = read_line(prompt, line, err);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)fputc('\n', stderr);
    return status;
}

static enum status take_line(struct buf *line, char **out, struct err *err)
{
    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->len--;
    buf_add_octet(line, '\0');
    TRY(buf_status(line, "the line", err));
    char *text = buf_take_text(line);
    if (text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    *out = text;
    return STATUS_OK;
}

enum status passphrase_ask(const char *prompt, char **out, struct err *err)
{
    AUTO(buf) struct buf line = BUF(LINE_OCTETS_MAX + 2);
    if (isatty(STDIN_FILENO))
        TRY(read_hidden(prompt, &line, err));
    else
        TRY(read_line(prompt, &line, err));
    return take_line(&line, out, err);
}

/* ---- the sources ---- */

/* Root's own file may be opened to this user's group or by an ACL: that is how systemd hands out credentials.
 */
static enum status check_mode(const char *path, const char *purpose, struct err *err)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return STATUS_OK; /* reading it says why */
    bool lent = about.st_uid == 0 && geteuid() != 0;
    mode_t forbidden = lent ? S_IRWXO | S_IWGRP : S_IRWXG | S_IRWXO;
    if (S_ISREG(about.st_mode) && (about.st_mode & forbidden) != 0)
        return ERR(err, STATUS_CONFIG, "the passphrase of %s: others can read %s: chmod 600 it", purpose,
                   path);
    return STATUS_OK;
}

static enum status from_file(const char *path, const char *purpose, char **out, struct err *err)
{
    AUTO(buf) struct buf text = BUF(LINE_OCTETS_MAX + 2);
    TRY(check_mode(path, purpose, err));
    enum status status = file_read(path, &text, err);
    if (status != STATUS_OK) {
        (void)err_prefix(err, "the passphrase of %s: ", purpose);
        return status;
    }
    const uint8_t *newline = text.len > 0 ? memchr(text.data, '\n', text.len) : NULL;
    if (newline != NULL)
        text.len = (size_t)(newline - text.data);
    if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
        return ERR(err, STATUS_CONFIG, "the passphrase of %s: %s holds a NUL", purpose, path);
    return take_line(&text, out, err);
}

static enum status from_variable(const char *name, const char *purpose, char **out, struct err *err)
{
    const char *text = getenv(name);
    if (text == NULL)
        return ERR(err, STATUS_CONFIG, "the passphrase of %s: the environment variable %s is not set",
                   purpose, name);
    return text_copy(text, out, err);
}

enum status passphrase_read(const char *source, const char *purpose, char **out, struct err *err)
{
    AUTO(secret) char *text = NULL;
    AUTO(heap) char *prompt = NULL;
    if (source == NULL) {
        *out = NULL;
        return STATUS_OK;
    }
    TRY(passphrase_check(source, err));
    TRY(text_format(&prompt, err, "Passphrase of %s", purpose));
    if (strncmp(source, "file:", 5) == 0)
        TRY(from_file(source + 5, purpose, &text, err));
    else if (strncmp(source, "env:", 4) == 0)
        TRY(from_variable(source + 4, purpose, &text, err));
    else
        TRY(passphrase_ask(prompt, &text, err));
    if (text[0] == '\0')
        return ERR(err, STATUS_CONFIG, "the passphrase of %s is empty: %s gives none", purpose, source);
    *out = MOVE(text);
    return STATUS_OK;
}

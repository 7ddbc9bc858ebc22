/* SPDX-License-Identifier: Apache-2.0
 *
 * scepter.cfg as a struct, and the snapshot (authority, templates, profiles) made from it.
 * The table of keys is in server_config_keys.c; the sample file and docs/configuration.md come from it.
 */
#ifndef SCEPTER_SERVER_CONFIG_H
#define SCEPTER_SERVER_CONFIG_H

#include "config.h"
#include "enroll.h"
#include "log.h"

struct listener_config {
    char *address; /* IPv4 or IPv6, numeric */
    int64_t port;
};

/* One of `profiles`. */
struct profile_config {
    int line; /* in scepter.cfg, for messages */
    char *name;
    char *template_any, *template_signing, *template_encryption, *template_both;
    int challenge;        /* enum challenge_policy */
    char *challenge_file; /* relative to the data directory */
    char *webhook_url, *webhook_secret_file, *webhook_ca_file;
    int64_t webhook_timeout_s;
    int ra;                      /* 0 combined, 1 pair */
    int ca_certificates;         /* 0 chain, 1 single */
    struct config_strings allow; /* "sha1", "des3" */
    int64_t retry_window_s, renewal_grace_s, pending_lapse_s;
};

struct server_config {
    char *authority_name, *authority_url, *authority_ocsp;
    struct config_strings authority_cdp, authority_aia;
    char *authority_passphrase; /* "file:PATH", "env:NAME", "prompt"; NULL: keys are not encrypted */
    struct listener_config *listeners;
    size_t listener_count;
    struct profile_config *profiles;
    size_t profile_count;
    struct template_options templates; /* denied_values, custom_values */
    int64_t crl_validity_s, crl_period_s, crl_min_interval_s;
    int64_t workers, io_threads, connections;
    int64_t request_deadline_s, queue_wait_s;
    int64_t failures_per_minute; /* 0: no limit */
    int log_format, log_level;
};
void server_config_free(struct server_config *config);
AUTO_POINTER(server_config, struct server_config, server_config_free)

/* Reads dir/scepter.cfg. Every mistake with file, line, key and what is allowed: STATUS_CONFIG (as many as
 * fit into err; all of them in `mistakes` unless it is NULL). STATUS_NOT_FOUND: the directory holds none. */
NODISCARD enum status server_config_load(const char *dir, struct config_mistakes *mistakes,
                                         struct server_config **out, struct err *err);
/* The same from a text; `name` stands for the file in messages. */
NODISCARD enum status server_config_parse(const char *text, const char *name,
                                          struct config_mistakes *mistakes, struct server_config **out,
                                          struct err *err);

/* ---- server_config_text.c: what is written from the table of keys ---- */

/* What the sample file says that is not a default. Borrowed. */
struct server_config_sample {
    const char *name, *url;
    const char *passphrase;                 /* NULL: none */
    const struct listener_config *listener; /* NULL: 127.0.0.1:8080 */
    bool lab;                               /* with the profile "lab" */
};
/* A scepter.cfg with every key, its comment and default, appended; read it back with server_config_parse. */
void server_config_sample(const struct server_config_sample *sample, struct buf *out);
/* Every key as Markdown, for docs/configuration.md; appended. */
void server_config_reference(struct buf *out);

/* ---- passphrase.c ---- */

/* "file:/absolute/path", "env:NAME" or "prompt". STATUS_USAGE says so. */
NODISCARD enum status passphrase_check(const char *source, struct err *err);
/* The passphrase that such a source names; purpose: what it opens, for the prompt and errors. *out is NULL if
 * source is. The caller's (secret_free). STATUS_CONFIG: the source gives none. */
NODISCARD enum status passphrase_read(const char *source, const char *purpose, char **out, struct err *err);
/* One line from the terminal without echo, or, where standard input is none, its next line. The caller's
 * (secret_free). STATUS_IO at its end, STATUS_LIMIT above 1024 octets, STATUS_DENIED when interrupted. */
NODISCARD enum status passphrase_ask(const char *prompt, char **out, struct err *err);

/* ---- snapshot_load.c ---- */

/* What the authority is opened with. Borrows everything. */
struct authority_config server_authority_config(const char *dir, const struct server_config *config,
                                                const char *passphrase);

/* Opens authority, templates and profiles for a configuration; checks that profiles name published templates.
 * Warnings (verify = "none", challenge = "none", loopback CDP …) are added to `warnings`. */
NODISCARD enum status snapshot_load(const char *dir, const struct server_config *config,
                                    const char *passphrase, struct store *store,
                                    struct config_mistakes *warnings, struct snapshot **out, struct err *err);
/* The same templates and profiles with the authority opened anew. */
NODISCARD enum status snapshot_renew_authority(const struct snapshot *present, struct store *store,
                                               struct snapshot **out, struct err *err);

/* "http://127.…", "http://[::1]…", "http://localhost…". */
bool server_url_is_loopback(const char *url);
/* Whether clients will look for the server where it does not listen: its URL leads to other machines' view of
 * this one, and every listener is on loopback. */
bool server_is_hidden(const char *url, const struct listener_config *listeners, size_t count);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * scepter.cfg as a struct, and the snapshot (authority, templates, profiles) made from it.
 * The table of keys is in server_config.c; the sample file and docs/configuration.md come from it.
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

struct profile_config {
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
    int log_format, log_level;
};
void server_config_free(struct server_config *config);
AUTO_POINTER(server_config, struct server_config, server_config_free)

/* Reads dir/scepter.cfg. Every mistake with file, line, key and what is allowed: STATUS_CONFIG. */
NODISCARD enum status server_config_load(const char *dir, struct server_config **out, struct err *err);

/* The passphrase that "file:", "env:" or "prompt" names; *out NULL if there is none. The caller's
 * (secret_free). */
NODISCARD enum status passphrase_read(const char *source, const char *purpose, char **out, struct err *err);

/* Opens authority, templates and profiles for a configuration; checks that profiles name published templates.
 * Warnings (verify = "none", challenge = "none", loopback CDP …) are added to `warnings`. */
NODISCARD enum status snapshot_load(const char *dir, const struct server_config *config,
                                    const char *passphrase, struct store *store,
                                    struct config_mistakes *warnings, struct snapshot **out, struct err *err);

#endif

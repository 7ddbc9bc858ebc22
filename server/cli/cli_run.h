/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that stand in files of their own, and what families share.
 */
#ifndef SCEPTER_SERVER_CLI_RUN_H
#define SCEPTER_SERVER_CLI_RUN_H

#include "app.h"
#include "cli.h"
#include "json_out.h"

typedef enum status cli_run(struct cli *cli, struct err *err);

cli_run cli_crl_revoke_unknown, cli_cert_issue, cli_cert_revoke, cli_cert_unhold, cli_cert_import,
    cli_cert_show;
cli_run cli_template_list, cli_template_show, cli_template_check;
cli_run cli_profile_list, cli_profile_show, cli_challenge_new;
cli_run cli_device_import, cli_device_list, cli_lookup_test;
cli_run cli_audit_list, cli_audit_verify, cli_backup, cli_restore, cli_doctor;

/* After a revocation: publishes the CRL of every key with one due if no server runs on the directory, else
 * leaves it to the server, and says which on standard error. `app` is not needed afterwards. A failure says
 * that the revocation itself stands. */
NODISCARD enum status cli_publish_due(const struct cli *cli, const struct app *app, struct err *err);

/* The templates of the data directory, with its configuration's options. */
NODISCARD enum status cli_templates(const struct cli *cli, const struct server_config *config,
                                    struct template_set **out, struct err *err);
/* One of them. STATUS_NOT_FOUND names those there are. */
NODISCARD enum status cli_template_find(const struct template_set *set, const char *name,
                                        const struct template **out, struct err *err);
/* Whether lookup values can have these names: of the catalogue, of custom_values, of a template.
 * STATUS_USAGE. */
NODISCARD enum status cli_value_names_check(const struct cli *cli, const struct server_config *config,
                                            const struct values *values, struct err *err);
/* Octets at most of a file that a command reads whole. */
#define CLI_FILE_MAX (64 * 1024 * 1024)

/* Prints one note on standard error, "scepter: …". */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Commits one audit row. */
NODISCARD enum status cli_audit(struct store *store, const char *actor, const char *action,
                                const char *object, const char *detail, struct err *err);

#endif

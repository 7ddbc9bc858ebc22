/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of the commands that keep an authority going: audit, backup, restore, doctor.
 * Each has its own file.
 */
#include "cli_run.h"

const struct command cli_keep_commands[] = {
    {"audit list", "[--after ID] [--limit N] [--json]", "lists what was done, by whom and when",
     cli_audit_list},
    {"audit verify", "[--checkpoint FILE] [--json]",
     "recomputes the chain of the audit, and holds a kept checkpoint against it", cli_audit_verify},
    {"backup", "FILE [--with-keys]",
     "writes store, configuration and templates into one file, keys only with a passphrase", cli_backup},
    {"restore", "FILE", "makes an empty data directory from a backup, with issuing off", cli_restore},
    {"doctor", "[--json]", "checks everything and says what to do", cli_doctor},
    {0}};

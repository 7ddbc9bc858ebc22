/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of the commands about what is set up: templates, profiles, challenges,
 * devices and lookup values. Each family has its own file.
 */
#include "cli_run.h"

const struct command cli_setup_commands[] = {
    {"template list", "[--json]", "lists the templates", cli_template_list},
    {"template show", "NAME [--set K=V]... [--json]",
     "shows a template, and with values the certificate that would come out", cli_template_show},
    {"template check", "[FILE]", "finds every mistake in one template, or in all of them",
     cli_template_check},
    {"profile list", "[--json]", "lists the SCEP profiles", cli_profile_list},
    {"profile show", "NAME [--json]", "shows one profile and its URL", cli_profile_show},
    {"challenge new", "[--profile P] [--template T] [--set K=V]... [--ttl 1h] [--uses 1] [--json]",
     "makes a one-time challenge and prints it", cli_challenge_new},
    {"device import", "FILE.csv", "adds or replaces devices: a column DeviceUid and other lookup names",
     cli_device_import},
    {"device list", "[--json]", "lists the registered devices", cli_device_list},
    {"lookup test", "--set K=V... [--json]", "shows every lookup value and the source that knows it",
     cli_lookup_test},
    {0}};

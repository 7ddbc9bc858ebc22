/* SPDX-License-Identifier: Apache-2.0
 *
 * Lookup values given on the command line, and the device registry behind them.
 */
#ifndef SCEPTER_SERVER_CLI_TEMPLATE_H
#define SCEPTER_SERVER_CLI_TEMPLATE_H

#include "template.h"

/* A lookup that knows `values` ("command line"), then the registry, which must outlive it. */
NODISCARD enum status cli_lookup(const struct lookup_source *registry, const struct values *values,
                                 struct lookup **out, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The built-in templates, compiled in from templates/builtin; init writes them into the data directory.
 */
#include "template.h"

const struct template_builtin template_builtins[] = {
#include "builtin.inc"
    {NULL, NULL}};

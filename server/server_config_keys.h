/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of keys of scepter.cfg, and the two lists of groups in it: what
 * server_config.c reads by and server_config_text.c writes from.
 */
#ifndef SCEPTER_SERVER_CONFIG_KEYS_H
#define SCEPTER_SERVER_CONFIG_KEYS_H

#include "server_config.h"

extern const struct config_key server_config_keys[];   /* into struct server_config */
extern const struct config_key listener_config_keys[]; /* into struct listener_config */
extern const struct config_key profile_config_keys[];  /* into struct profile_config */

/* server_config.c: the custom readers that the tables name; base is the whole struct. */
void server_config_read_listen(struct config_setting *setting, void *base, struct config_context *context);
void server_config_read_profiles(struct config_setting *setting, void *base, struct config_context *context);

#endif

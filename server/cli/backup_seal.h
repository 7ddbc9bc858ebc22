/* SPDX-License-Identifier: Apache-2.0
 *
 * Encrypts the keys in a backup with a passphrase: scrypt (RFC 7914, N = 32768, r = 8,
 * p = 1) and AES-256-GCM.
 */
#ifndef SCEPTER_SERVER_BACKUP_SEAL_H
#define SCEPTER_SERVER_BACKUP_SEAL_H

#include "buf.h"

#define BACKUP_KEYS_MAX (4 * 1024 * 1024)

/* Appends "SCEPTER-KEYS-1\n", salt (16), nonce (12), ciphertext, tag (16). STATUS_INTERNAL, STATUS_NOMEM. */
NODISCARD enum status backup_seal(struct span plain, const char *passphrase, struct buf *out,
                                  struct err *err);
/* STATUS_DENIED: wrong passphrase or changed octets, which cannot be told apart; STATUS_MALFORMED. */
NODISCARD enum status backup_unseal(struct span sealed, const char *passphrase, struct buf *out,
                                    struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * What a backup is made of: the names in its archive.
 */
#ifndef SCEPTER_SERVER_BACKUP_FILES_H
#define SCEPTER_SERVER_BACKUP_FILES_H

#define BACKUP_ABOUT     "scepter-backup.txt" /* first: "created=…", "rows=…", for the audit of a restore */
#define BACKUP_CONFIG    "scepter.cfg"
#define BACKUP_STORE     "scepter.db"
#define BACKUP_TEMPLATES "templates/"
#define BACKUP_KEYS      "keys.sealed" /* an archive of keys/, by backup_seal */
#define BACKUP_TEXT_MAX  (1024 * 1024) /* octets of one text file */

#endif

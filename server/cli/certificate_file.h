/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates in the forms in which CAs hand them out.
 */
#ifndef SCEPTER_SERVER_CERTIFICATE_FILE_H
#define SCEPTER_SERVER_CERTIFICATE_FILE_H

#include "buf.h"

#define CERTIFICATE_FILE_MAX ((size_t)1 << 20)
#define CERTIFICATE_LIST_MAX 16

/* Zero-initialise. */
struct certificate_list {
    struct buf octets[CERTIFICATE_LIST_MAX]; /* DER, one certificate each */
    struct span spans[CERTIFICATE_LIST_MAX];
    size_t count;
};
void certificate_list_free(struct certificate_list *list);
AUTO_VALUE(certificate_list, struct certificate_list, certificate_list_free)

/* Every certificate in a file's octets: one or several PEM blocks, DER, bare base64, or PKCS #7 (p7b) in any
 * of these. STATUS_MALFORMED, STATUS_NOT_FOUND, STATUS_LIMIT. */
NODISCARD enum status certificate_file_read(struct span octets, struct certificate_list *out,
                                            struct err *err);

#endif

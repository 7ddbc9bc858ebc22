/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files cms_*.c share: the outer ContentInfo, AlgorithmIdentifiers and content ciphers. Nothing
 * outside them (and their tests) includes this.
 */
#ifndef SCEPTER_CA_CMS_PRIVATE_H
#define SCEPTER_CA_CMS_PRIVATE_H

#include "cms.h"

#define CMS_KEY_MAX_LEN   32
#define CMS_BLOCK_MAX_LEN 16

/* ---- cms_content.c ---- */

/* ContentInfo (RFC 5652 section 3) of that type that fills der: a reader of the contents of the SEQUENCE in
 * its [0]. */
NODISCARD enum status cms_open_content(struct span der, enum oid type, struct der_reader *inner,
                                       struct err *err);
/* Where cms_begin_content was, for cms_end_content. */
struct cms_marks {
    size_t marks[3];
};
/* Opens ContentInfo, [0] and the SEQUENCE within, and closes them. */
struct cms_marks cms_begin_content(struct buf *out, enum oid type);
void cms_end_content(struct buf *out, const struct cms_marks *marks);
/* AlgorithmIdentifier: OID and parameters (a whole TLV, empty if absent). */
NODISCARD enum status cms_take_algorithm(struct der_reader *reader, struct span *oid, struct span *parameters,
                                         const char *what, struct err *err);
/* Whether parameters are NULL or absent. */
bool cms_no_parameters(struct span parameters);
/* IssuerAndSerialNumber (RFC 5652 section 10.2.4). */
NODISCARD enum status cms_take_issuer_serial(struct der_reader *reader, struct span *issuer,
                                             struct span *serial, struct err *err);
void cms_put_issuer_serial(struct buf *out, const struct certificate *certificate);

/* ---- cms_cipher.c ---- */

/* Octets of a block, which is also the length of an initialisation vector: 16 or 8. */
size_t cms_cipher_block_len(enum cms_cipher cipher);
/* The cipher of an AlgorithmIdentifier and its initialisation vector. STATUS_ALGORITHM names the cipher,
 * STATUS_MALFORMED for parameters that do not fit. */
NODISCARD enum status cms_cipher_find(struct span oid, struct span parameters, enum cms_cipher *cipher,
                                      struct span *iv, struct err *err);
/* AlgorithmIdentifier of it. */
void cms_cipher_put(struct buf *out, enum cms_cipher cipher, struct span iv);

enum cms_direction { CMS_ENCRYPT, CMS_DECRYPT };
/* in, or the OCTET STRINGs that in consists of if segmented, appended to out. padded: with PKCS#7 padding,
 * otherwise whole blocks. False, out as it was, if anything fails: it is not told what. */
NODISCARD bool cms_cipher_run(enum cms_cipher cipher, enum cms_direction direction, bool padded,
                              const uint8_t *key, const uint8_t *iv, struct span in, bool segmented,
                              struct buf *out);

/* ---- cms_enveloped_encode.c ---- */

/* EncryptedContentInfo with a fresh initialisation vector, appended. */
NODISCARD enum status cms_put_encrypted_content(struct buf *out, enum cms_cipher cipher,
                                                const uint8_t *content_key, struct span content,
                                                struct err *err);
/* STATUS_INTERNAL if there are no random numbers. */
NODISCARD enum status cms_random(uint8_t *out, size_t len, struct err *err);

/* ---- cms_password.c ---- */

/* PasswordRecipientInfo behind its tag [3]. Other algorithms: *known is false. */
NODISCARD enum status cms_take_password_recipient(struct der_reader *reader, struct cms_recipient *out,
                                                  bool *known, struct err *err);
/* cms_password_key without its rule about digests and iterations. */
NODISCARD enum status cms_password_unwrap(enum cms_cipher content_cipher,
                                          const struct cms_recipient *recipient, struct span password,
                                          uint8_t *content_key, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Extensions of certificates and CRLs, written into a buf one by one: RFC 5280's in
 * extension.c, Microsoft's in extension_ms.c. What a certificate holds is decided
 * elsewhere; a failed buf is noticed by the caller's buf_status.
 */
#ifndef SCEPTER_CA_EXTENSION_H
#define SCEPTER_CA_EXTENSION_H

#include "config.h"
#include "template.h"

/* An extension that is being written: close it with the mark that came back. */
struct extension_mark {
    size_t extension;
    size_t value;
};
/* Opens SEQUENCE { extnID, critical, extnValue } (RFC 5280 section 4.1.2.9); what follows is the value. */
struct extension_mark extension_open(struct buf *out, enum oid oid, bool critical);
void extension_close(struct buf *out, struct extension_mark mark);

/* ---- RFC 5280 ---- */

/* Section 4.2.1.2; key_id as it is to stand there. */
void extension_ski(struct buf *out, struct span key_id);
/* Section 4.2.1.1, keyIdentifier alone. */
void extension_aki(struct buf *out, struct span issuer_ski);
/* Section 4.2.1.3, critical; nothing for no bits. */
void extension_key_usage(struct buf *out, unsigned key_usage);
/* Section 4.2.1.9: critical for a CA, without path length; an empty SEQUENCE, not critical, otherwise. */
void extension_basic_constraints(struct buf *out, bool is_ca);
/* Section 4.2.1.12, not critical; nothing for none. */
void extension_eku(struct buf *out, const struct buf *oids, size_t count);
/* Section 4.2.1.6; nothing for no names. */
void extension_san(struct buf *out, const struct general_names *names, bool critical);
/* Section 4.2.1.13: one distribution point, its names in the order in which clients try them; nothing for
 * none. */
void extension_cdp(struct buf *out, const struct config_strings *urls);
/* Section 4.2.2.1: caIssuers for each of the URLs, then OCSP (NULL: none); nothing if there is neither. */
void extension_aia(struct buf *out, const struct config_strings *ca_issuers, const char *ocsp);
/* Section 4.2.1.4, not critical; nothing for none. */
void extension_policies(struct buf *out, const struct policy *policies, size_t count);
/* RFC 6960 section 4.2.2.2.1. */
void extension_ocsp_nocheck(struct buf *out);
/* Section 5.2.3, not critical. */
void extension_crl_number(struct buf *out, int64_t number);

/* ---- Microsoft ([MS-WCCE] section 2.2.2.7, KB5014754) ---- */

/* 1.3.6.1.4.1.311.20.2: name as a BMPString. STATUS_MALFORMED if it is no UTF-8 or holds a character beyond
 * U+FFFF. */
NODISCARD enum status extension_template_name(struct buf *out, const char *name, struct err *err);
/* 1.3.6.1.4.1.311.21.7: OID (content octets), major and minor version, both >= 0. */
void extension_template_info(struct buf *out, struct span oid, int64_t major, int64_t minor);
/* 1.3.6.1.4.1.311.21.10; nothing for none. */
void extension_application_policies(struct buf *out, const struct buf *oids, size_t count);
/* 1.3.6.1.4.1.311.25.2: the SID as text, for strong mapping. */
void extension_sid(struct buf *out, const char *sid);
/* 1.3.6.1.4.1.311.21.1: key index and certificate index of a generation, 0 to 65,535 each. */
void extension_ca_version(struct buf *out, int64_t key_index, int64_t certificate_index);
/* 1.3.6.1.4.1.311.21.4: when the next CRL will be published. */
void extension_next_publish(struct buf *out, int64_t time_s);

#endif

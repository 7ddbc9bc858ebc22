/* SPDX-License-Identifier: Apache-2.0
 *
 * GetCACaps and GetCACert (RFC 8894 sections 3.5 and 4.2): what depends on the profile
 * alone.
 */
#include "scep_message.h"

/* Without SHA-384 strongSwan 5.9.8 miscounts its bit mask and refuses AES. */
void scep_capabilities(const struct profile *profile, struct buf *out)
{
    buf_add_text(out, "POSTPKIOperation\nRenewal\nSCEPStandard\nAES\nSHA-256\nSHA-384\nSHA-512\n");
    if (profile->allow_sha1)
        buf_add_text(out, "SHA-1\n");
    if (profile->allow_des3)
        buf_add_text(out, "DES3\n");
}

static void add_span(struct span *list, size_t *count, const struct buf *der)
{
    list[(*count)++] = buf_span(der);
}

/* RA certificates first, then the CA and its issuers, in this order. */
void scep_ca_certificates(const struct snapshot *snapshot, const struct profile *profile, struct buf *out,
                          const char **content_type)
{
    const struct authority *authority = snapshot->authority;
    const struct generation *current = authority_current(authority);
    if (profile->ca_single) {
        buf_add(out, buf_span(&current->certificate->der));
        *content_type = "application/x-x509-ca-cert";
        return;
    }
    struct span list[CMS_CERTIFICATES_MAX];
    size_t count = 0;
    if (profile->ra_pair) {
        add_span(list, &count, &authority_ra(authority, RA_SIGNING)->certificate->der);
        add_span(list, &count, &authority_ra(authority, RA_ENCRYPTION)->certificate->der);
    } else {
        add_span(list, &count, &authority_ra(authority, RA_COMBINED)->certificate->der);
    }
    add_span(list, &count, &current->certificate->der);
    for (size_t i = 0; i < current->chain_count && count < CMS_CERTIFICATES_MAX; i++)
        add_span(list, &count, &current->chain[i]);
    cms_certificates_encode(list, count, SPAN_NONE, out);
    *content_type = "application/x-x509-ca-ra-cert";
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The extensions of RFC 5280 (and ocsp-nocheck), each written as its ASN.1 stands there.
 * Which of them a certificate gets is for issue.c.
 */
#include "extension.h"

#define URI_NAME DER_CONTEXT(6) /* uniformResourceIdentifier [6] IA5String */

struct extension_mark extension_open(struct buf *out, enum oid oid, bool critical)
{
    struct extension_mark mark = {0};
    mark.extension = der_open(out, DER_SEQUENCE);
    der_put_oid(out, oid);
    if (critical)
        der_put_bool(out, true);
    mark.value = der_open(out, DER_OCTET_STRING);
    return mark;
}

void extension_close(struct buf *out, struct extension_mark mark)
{
    der_close(out, mark.value);
    der_close(out, mark.extension);
}

void extension_ski(struct buf *out, struct span key_id)
{
    struct extension_mark mark = extension_open(out, OID_SKI, false);
    der_put(out, DER_OCTET_STRING, key_id);
    extension_close(out, mark);
}

/* AuthorityKeyIdentifier ::= SEQUENCE { keyIdentifier [0] KeyIdentifier OPTIONAL, … } */
void extension_aki(struct buf *out, struct span issuer_ski)
{
    struct extension_mark mark = extension_open(out, OID_AKI, false);
    size_t sequence = der_open(out, DER_SEQUENCE);
    der_put(out, DER_CONTEXT(0), issuer_ski);
    der_close(out, sequence);
    extension_close(out, mark);
}

void extension_key_usage(struct buf *out, unsigned key_usage)
{
    if (key_usage == 0)
        return;
    struct extension_mark mark = extension_open(out, OID_KEY_USAGE, true);
    der_put_flags(out, key_usage);
    extension_close(out, mark);
}

/* BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL } */
void extension_basic_constraints(struct buf *out, bool is_ca)
{
    struct extension_mark mark = extension_open(out, OID_BASIC_CONSTRAINTS, is_ca);
    size_t sequence = der_open(out, DER_SEQUENCE);
    if (is_ca)
        der_put_bool(out, true);
    der_close(out, sequence);
    extension_close(out, mark);
}

/* ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId */
void extension_eku(struct buf *out, const struct buf *oids, size_t count)
{
    if (count == 0)
        return;
    struct extension_mark mark = extension_open(out, OID_EKU, false);
    size_t sequence = der_open(out, DER_SEQUENCE);
    for (size_t i = 0; i < count; i++)
        der_put(out, DER_OID, buf_span(&oids[i]));
    der_close(out, sequence);
    extension_close(out, mark);
}

void extension_san(struct buf *out, const struct general_names *names, bool critical)
{
    if (names->count == 0)
        return;
    struct extension_mark mark = extension_open(out, OID_SAN, critical);
    general_names_encode(names, out);
    extension_close(out, mark);
}

/* CRLDistributionPoints ::= SEQUENCE OF DistributionPoint
 * DistributionPoint ::= SEQUENCE { distributionPoint [0] { fullName [0] GeneralNames }, … } */
void extension_cdp(struct buf *out, const struct config_strings *urls)
{
    if (urls->count == 0)
        return;
    struct extension_mark mark = extension_open(out, OID_CDP, false);
    size_t points = der_open(out, DER_SEQUENCE);
    size_t point = der_open(out, DER_SEQUENCE);
    size_t name = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    size_t full_name = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    for (size_t i = 0; i < urls->count; i++)
        der_put(out, URI_NAME, SPAN_STR(urls->items[i]));
    der_close(out, full_name);
    der_close(out, name);
    der_close(out, point);
    der_close(out, points);
    extension_close(out, mark);
}

/* AccessDescription ::= SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation GeneralName } */
static void put_access(struct buf *out, enum oid method, const char *url)
{
    size_t sequence = der_open(out, DER_SEQUENCE);
    der_put_oid(out, method);
    der_put(out, URI_NAME, SPAN_STR(url));
    der_close(out, sequence);
}

void extension_aia(struct buf *out, const struct config_strings *ca_issuers, const char *ocsp)
{
    if (ca_issuers->count == 0 && ocsp == NULL)
        return;
    struct extension_mark mark = extension_open(out, OID_AIA, false);
    size_t sequence = der_open(out, DER_SEQUENCE);
    for (size_t i = 0; i < ca_issuers->count; i++)
        put_access(out, OID_AD_CA_ISSUERS, ca_issuers->items[i]);
    if (ocsp != NULL)
        put_access(out, OID_AD_OCSP, ocsp);
    der_close(out, sequence);
    extension_close(out, mark);
}

/* policyQualifiers ::= SEQUENCE OF SEQUENCE { id-qt-cps, CPSuri IA5String } */
static void put_cps(struct buf *out, const char *uri)
{
    size_t qualifiers = der_open(out, DER_SEQUENCE);
    size_t qualifier = der_open(out, DER_SEQUENCE);
    der_put_oid(out, OID_CPS);
    der_put(out, DER_IA5_STRING, SPAN_STR(uri));
    der_close(out, qualifier);
    der_close(out, qualifiers);
}

/* PolicyInformation ::= SEQUENCE { policyIdentifier, policyQualifiers OPTIONAL } */
void extension_policies(struct buf *out, const struct policy *policies, size_t count)
{
    if (count == 0)
        return;
    struct extension_mark mark = extension_open(out, OID_CERTIFICATE_POLICIES, false);
    size_t sequence = der_open(out, DER_SEQUENCE);
    for (size_t i = 0; i < count; i++) {
        size_t policy = der_open(out, DER_SEQUENCE);
        der_put(out, DER_OID, buf_span(&policies[i].oid));
        if (policies[i].cps != NULL)
            put_cps(out, policies[i].cps);
        der_close(out, policy);
    }
    der_close(out, sequence);
    extension_close(out, mark);
}

void extension_ocsp_nocheck(struct buf *out)
{
    struct extension_mark mark = extension_open(out, OID_OCSP_NOCHECK, false);
    der_put_null(out);
    extension_close(out, mark);
}

void extension_crl_number(struct buf *out, int64_t number)
{
    struct extension_mark mark = extension_open(out, OID_CRL_NUMBER, false);
    der_put_uint(out, (uint64_t)number);
    extension_close(out, mark);
}

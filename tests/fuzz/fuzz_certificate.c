/* SPDX-License-Identifier: Apache-2.0
 *
 * certificate_decode held against d2i_X509: what we read, OpenSSL reads too, with the same serial, names,
 * dates, key and extensions.
 */
#include "fuzz.h"

#include "certificate.h"
#include <openssl/x509v3.h>

#include <openssl/err.h>

static const struct key_limits limits = {
    .rsa = true, .rsa_min_bits = 1024, .rsa_max_bits = 4096, .p256 = true, .p384 = true};

static void hold_name(const X509_NAME *name, struct span ours)
{
    unsigned char *der = NULL;
    int len = i2d_X509_NAME(name, &der);
    PROMISE(len > 0 && span_equal(SPAN(der, (size_t)len), ours));
    OPENSSL_free(der);
}

static void hold_serial(const ASN1_INTEGER *serial, struct span ours)
{
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(serial, &der);
    PROMISE(len > 2 && span_equal(SPAN(der + 2, (size_t)len - 2), ours));
    OPENSSL_free(der);
}

static void hold_date(const ASN1_TIME *time, int64_t ours, int64_t unreadable)
{
    struct tm parts = {0};
    if (ours != unreadable)
        PROMISE(ASN1_TIME_to_tm(time, &parts) == 1 && (int64_t)timegm(&parts) == ours);
}

static void hold_key(const struct certificate *certificate, X509 *theirs)
{
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(theirs), &spki);
    PROMISE(len > 0 && span_equal(SPAN(spki, (size_t)len), pubkey_spki(certificate->key)));
    OPENSSL_free(spki);
}

static void hold_key_id(const ASN1_OCTET_STRING *theirs, struct span ours)
{
    struct span octets = SPAN_NONE;
    if (theirs != NULL)
        octets = SPAN(ASN1_STRING_get0_data(theirs), (size_t)ASN1_STRING_length(theirs));
    PROMISE(span_equal(octets, ours));
}

static void hold_usage(const struct certificate *certificate, const X509 *theirs)
{
    ASN1_BIT_STRING *usage = X509_get_ext_d2i(theirs, NID_key_usage, NULL, NULL);
    PROMISE((usage != NULL) == certificate->has_key_usage);
    for (int bit = 0; usage != NULL && bit < 9; bit++)
        PROMISE(((certificate->key_usage >> bit) & 1u) == (unsigned)ASN1_BIT_STRING_get_bit(usage, bit));
    ASN1_BIT_STRING_free(usage);
}

static void hold_constraints(const struct certificate *certificate, const X509 *theirs)
{
    BASIC_CONSTRAINTS *constraints = X509_get_ext_d2i(theirs, NID_basic_constraints, NULL, NULL);
    PROMISE((constraints != NULL) == certificate->has_basic_constraints);
    if (constraints != NULL) {
        PROMISE((constraints->ca != 0) == certificate->is_ca);
        PROMISE((constraints->pathlen != NULL) == (certificate->path_len >= 0));
        if (constraints->pathlen != NULL)
            PROMISE(ASN1_INTEGER_get(constraints->pathlen) == certificate->path_len);
    }
    BASIC_CONSTRAINTS_free(constraints);
}

static void hold_extensions(const struct certificate *certificate, const X509 *theirs)
{
    ASN1_OCTET_STRING *ski = X509_get_ext_d2i(theirs, NID_subject_key_identifier, NULL, NULL);
    AUTHORITY_KEYID *aki = X509_get_ext_d2i(theirs, NID_authority_key_identifier, NULL, NULL);
    int found = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(theirs, NID_subject_alt_name, &found, NULL);
    hold_key_id(ski, certificate->ski);
    if (aki != NULL) /* of what it holds we read the key identifier alone */
        hold_key_id(aki->keyid, certificate->aki);
    if (names != NULL)
        PROMISE((size_t)sk_GENERAL_NAME_num(names) == certificate->san.count);
    else
        PROMISE(found == -1 ? certificate->san.count == 0 : fuzz_has_other(&certificate->san));
    hold_usage(certificate, theirs);
    hold_constraints(certificate, theirs);
    GENERAL_NAMES_free(names);
    AUTHORITY_KEYID_free(aki);
    ASN1_OCTET_STRING_free(ski);
}

static void hold_signature(const struct certificate *certificate, X509 *theirs)
{
    struct err err = {0};
    if (!fuzz_ok(pubkey_judge(certificate->key, &limits, &err), &err))
        return;
    if (fuzz_ok(certificate_verify(certificate, certificate->key, &err), &err))
        PROMISE(X509_verify(theirs, X509_get0_pubkey(theirs)) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    AUTO(certificate) struct certificate *certificate = NULL;
    if (!fuzz_ok(certificate_decode(SPAN(data, size), &certificate, &err), &err))
        return 0;
    fuzz_accepted++;
    const unsigned char *at = data;
    X509 *theirs = d2i_X509(NULL, &at, (long)size);
    PROMISE(theirs != NULL && at == data + size);
    hold_name(X509_get_subject_name(theirs), certificate->subject_der);
    hold_name(X509_get_issuer_name(theirs), certificate->issuer_der);
    hold_serial(X509_get0_serialNumber(theirs), certificate->serial_octets);
    hold_date(X509_get0_notBefore(theirs), certificate->not_before_s, 0);
    hold_date(X509_get0_notAfter(theirs), certificate->not_after_s, INT64_MAX);
    hold_key(certificate, theirs);
    hold_extensions(certificate, theirs);
    hold_signature(certificate, theirs);
    X509_free(theirs);
    ERR_clear_error();
    return 0;
}

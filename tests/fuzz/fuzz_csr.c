/* SPDX-License-Identifier: Apache-2.0
 *
 * csr_decode held against d2i_X509_REQ: what we read, OpenSSL reads too, with the same subject, key,
 * challenge, names and signature.
 */
#include "fuzz.h"

#include "csr.h"
#include <openssl/x509v3.h>

#include <openssl/err.h>

static const struct key_limits limits = {
    .rsa = true, .rsa_min_bits = 1024, .rsa_max_bits = 4096, .p256 = true, .p384 = true};

static void hold_key(const struct csr *csr, X509_REQ *theirs)
{
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(theirs), &spki);
    PROMISE(len > 0 && span_equal(SPAN(spki, (size_t)len), pubkey_spki(csr->key)));
    OPENSSL_free(spki);
}

static void hold_challenge(const struct csr *csr, const X509_REQ *theirs)
{
    int at = X509_REQ_get_attr_by_NID(theirs, NID_pkcs9_challengePassword, -1);
    PROMISE((at >= 0) == (csr->challenge != NULL));
    if (at < 0)
        return;
    PROMISE(X509_REQ_get_attr_by_NID(theirs, NID_pkcs9_challengePassword, at) < 0);
    X509_ATTRIBUTE *attribute = X509_REQ_get_attr(theirs, at);
    PROMISE(X509_ATTRIBUTE_count(attribute) == 1);
    const ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(attribute, 0);
    PROMISE(ASN1_TYPE_get(value) == csr->challenge_tag);
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, value->value.asn1_string);
    PROMISE(len >= 0 && span_equal(SPAN(utf8, (size_t)len), SPAN_STR(csr->challenge)));
    OPENSSL_free(utf8);
}

static void hold_extensions(const struct csr *csr, X509_REQ *theirs)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(theirs);
    int found = 0;
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, &found, NULL);
    PROMISE((found == -1) == (csr->san.count == 0));
    if (names != NULL)
        PROMISE((size_t)sk_GENERAL_NAME_num(names) == csr->san.count);
    else
        PROMISE(found == -1 || fuzz_has_other(&csr->san));
    ASN1_BIT_STRING *usage = X509V3_get_d2i(extensions, NID_key_usage, NULL, NULL);
    PROMISE((usage != NULL) == csr->has_key_usage);
    for (int bit = 0; usage != NULL && bit < 9; bit++)
        PROMISE(((csr->key_usage >> bit) & 1u) == (unsigned)ASN1_BIT_STRING_get_bit(usage, bit));
    ASN1_BIT_STRING_free(usage);
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

static void hold_signature(const struct csr *csr, X509_REQ *theirs)
{
    struct err err = {0};
    if (!fuzz_ok(pubkey_judge(csr->key, &limits, &err), &err))
        return;
    if (fuzz_ok(csr_verify(csr, &err), &err))
        PROMISE(X509_REQ_verify(theirs, X509_REQ_get0_pubkey(theirs)) == 1);
}

static void hold_blanked(const struct csr *csr)
{
    struct err err = {0};
    AUTO(buf) struct buf blanked = BUF(CSR_MAX_LEN);
    AUTO(csr) struct csr *again = NULL;
    csr_blanked(csr, &blanked);
    PROMISE(blanked.failed == STATUS_OK && blanked.len == csr->der.len);
    PROMISE(csr_decode(buf_span(&blanked), &again, &err) == STATUS_OK);
    PROMISE((again->challenge != NULL) == (csr->challenge != NULL));
    if (again->challenge != NULL)
        PROMISE(strspn(again->challenge, "*") == strlen(again->challenge));
}

/* Whether there is an attribute that we pass over: OpenSSL reads into its values. */
static bool has_unread_attribute(const struct csr *csr)
{
    struct err err = {0};
    struct der_reader info, attributes, attribute;
    struct der_tlv tlv;
    struct span oid;
    PROMISE(der_open_whole(csr->info, DER_SEQUENCE, &info, "info", &err) == STATUS_OK);
    for (int field = 0; field < 3; field++)
        PROMISE(der_any(&info, &tlv, "version, subject, key", &err) == STATUS_OK);
    if (der_at_end(&info))
        return false;
    PROMISE(der_enter(&info, DER_CONTEXT_CONSTRUCTED(0), &attributes, "attributes", &err) == STATUS_OK);
    while (!der_at_end(&attributes)) {
        PROMISE(der_enter(&attributes, DER_SEQUENCE, &attribute, "attribute", &err) == STATUS_OK);
        PROMISE(der_take_oid(&attribute, &oid, "type", &err) == STATUS_OK);
        enum oid known = oid_find(oid);
        if (known != OID_CHALLENGE_PASSWORD && known != OID_EXTENSION_REQUEST &&
            known != OID_MS_EXTENSION_REQUEST)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    AUTO(csr) struct csr *csr = NULL;
    if (!fuzz_ok(csr_decode(SPAN(data, size), &csr, &err), &err))
        return 0;
    fuzz_accepted++;
    const unsigned char *at = data;
    X509_REQ *theirs = d2i_X509_REQ(NULL, &at, (long)size);
    if (theirs == NULL && has_unread_attribute(csr)) {
        ERR_clear_error();
        return 0;
    }
    PROMISE(theirs != NULL && at == data + size);
    unsigned char *subject = NULL;
    int len = i2d_X509_NAME(X509_REQ_get_subject_name(theirs), &subject);
    PROMISE(len > 0 && span_equal(SPAN(subject, (size_t)len), csr->subject_der));
    OPENSSL_free(subject);
    hold_key(csr, theirs);
    hold_challenge(csr, theirs);
    hold_extensions(csr, theirs);
    hold_signature(csr, theirs);
    hold_blanked(csr);
    X509_REQ_free(theirs);
    ERR_clear_error();
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * SignedData and EnvelopedData, BER or DER, held against d2i_CMS_ContentInfo: what we read, OpenSSL reads
 * too, from the octets as they came.
 */
#include "fuzz.h"

#include "cms.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#define OCTETS_MAX     ((size_t)1 << 20)
#define PASSWORD       "a phrase of twenty and more"
#define ITERATIONS_MAX 2000 /* above it a derivation is only slow */

static const struct key_limits limits = {
    .rsa = true, .rsa_min_bits = 1024, .rsa_max_bits = 4096, .p256 = true, .p384 = true};

static CMS_ContentInfo *read_theirs(struct span octets)
{
    const unsigned char *at = octets.data;
    CMS_ContentInfo *theirs = d2i_CMS_ContentInfo(NULL, &at, (long)octets.len);
    PROMISE(theirs != NULL && at == octets.data + octets.len);
    return theirs;
}

static void hold_content(CMS_ContentInfo *theirs, struct span ours)
{
    struct span octets = SPAN_NONE;
    ASN1_OCTET_STRING **content = CMS_get0_content(theirs);
    if (content != NULL && *content != NULL)
        octets = SPAN(ASN1_STRING_get0_data(*content), (size_t)ASN1_STRING_length(*content));
    PROMISE(span_equal(octets, ours));
}

static void hold_signer(const struct cms_signed *cms, CMS_ContentInfo *theirs)
{
    STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(theirs);
    PROMISE(sk_CMS_SignerInfo_num(signers) == 1);
    CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(signers, 0);
    PROMISE((size_t)CMS_signed_get_attr_count(signer) == cms->attribute_count);
    const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(signer);
    PROMISE(span_equal(SPAN(ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature)),
                       cms->signature));
}

static void verify(const struct cms_signed *cms)
{
    struct err err = {0};
    AUTO(certificate) struct certificate *signer = NULL;
    if (!fuzz_ok(cms_signed_signer(cms, &signer, &err), &err) ||
        !fuzz_ok(pubkey_judge(signer->key, &limits, &err), &err))
        return;
    (void)fuzz_ok(cms_signed_verify(cms, signer->key, &err), &err);
}

/* Values of attributes are handed on as they are. */
static bool are_attributes_readable(const struct cms_signed *cms)
{
    for (size_t i = 0; i < cms->attribute_count; i++) {
        const unsigned char *at = cms->attributes[i].value.data;
        ASN1_TYPE *value = d2i_ASN1_TYPE(NULL, &at, (long)cms->attributes[i].value.len);
        if (value == NULL)
            return false;
        ASN1_TYPE_free(value);
    }
    return true;
}

/* Of the certificates that come along only the signer's is ever read, and names only compared with its. */
static bool is_all_read(const struct cms_signed *cms)
{
    struct err err = {0};
    AUTO(certificate) struct certificate *signer = NULL;
    if (!fuzz_ok(cms_signed_signer(cms, &signer, &err), &err))
        return false;
    for (size_t i = 0; i < cms->certificate_count; i++) {
        AUTO(certificate) struct certificate *certificate = NULL;
        if (!fuzz_ok(certificate_decode(cms->certificates[i], &certificate, &err), &err))
            return false;
    }
    return are_attributes_readable(cms);
}

static void read_signed(struct span octets, struct span der)
{
    struct err err = {0};
    struct cms_signed cms;
    if (!fuzz_ok(cms_signed_decode(der, &cms, &err), &err))
        return;
    fuzz_accepted++;
    verify(&cms);
    if (!is_all_read(&cms))
        return;
    CMS_ContentInfo *theirs = read_theirs(octets);
    PROMISE(OBJ_obj2nid(CMS_get0_type(theirs)) == NID_pkcs7_signed);
    hold_content(theirs, cms.content);
    hold_signer(&cms, theirs);
    CMS_ContentInfo_free(theirs);
}

static void decrypt(const struct cms_enveloped *cms)
{
    struct err err = {0};
    uint8_t content_key[64] = {0};
    AUTO(buf) struct buf content = BUF(OCTETS_MAX);
    for (size_t i = 0; i < cms->recipient_count; i++)
        if (cms->recipients[i].kind == RECIPIENT_PASSWORD && cms->recipients[i].iterations <= ITERATIONS_MAX)
            (void)fuzz_ok(cms_password_key(cms, &cms->recipients[i], SPAN_STR(PASSWORD), content_key, &err),
                          &err);
    if (fuzz_ok(cms_enveloped_decrypt(cms, content_key, &content, &err), &err))
        PROMISE(content.len < cms->ciphertext.len);
}

/* Recipients of other kinds are passed over, and names are only compared. */
static bool are_recipients_read(struct span der, const struct cms_enveloped *cms)
{
    struct err err = {0};
    struct der_reader info, wrapped, enveloped, recipients;
    struct der_tlv tlv;
    size_t count = 0;
    PROMISE(der_open_whole(der, DER_SEQUENCE, &info, "ContentInfo", &err) == STATUS_OK);
    PROMISE(der_any(&info, &tlv, "contentType", &err) == STATUS_OK);
    PROMISE(der_enter(&info, DER_CONTEXT_CONSTRUCTED(0), &wrapped, "content", &err) == STATUS_OK);
    PROMISE(der_enter(&wrapped, DER_SEQUENCE, &enveloped, "EnvelopedData", &err) == STATUS_OK);
    PROMISE(der_any(&enveloped, &tlv, "version", &err) == STATUS_OK);
    if (der_peek(&enveloped) != DER_SET)
        return false; /* originatorInfo */
    PROMISE(der_enter(&enveloped, DER_SET, &recipients, "recipientInfos", &err) == STATUS_OK);
    for (; !der_at_end(&recipients); count++)
        PROMISE(der_any(&recipients, &tlv, "recipientInfo", &err) == STATUS_OK);
    for (size_t i = 0; i < cms->recipient_count; i++) {
        AUTO(name) struct name issuer = {0};
        if (cms->recipients[i].kind == RECIPIENT_ISSUER_SERIAL &&
            !fuzz_ok(name_decode(cms->recipients[i].issuer, &issuer, &err), &err))
            return false;
    }
    return count == cms->recipient_count;
}

static void read_enveloped(struct span octets, struct span der)
{
    struct err err = {0};
    struct cms_enveloped cms;
    if (!fuzz_ok(cms_enveloped_decode(der, &cms, &err), &err))
        return;
    fuzz_accepted++;
    decrypt(&cms);
    if (!are_recipients_read(der, &cms))
        return;
    CMS_ContentInfo *theirs = read_theirs(octets);
    PROMISE(OBJ_obj2nid(CMS_get0_type(theirs)) == NID_pkcs7_enveloped);
    int recipients = sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(theirs));
    PROMISE(cms.recipient_count > 0 && (size_t)recipients >= cms.recipient_count);
    if (!cms.segmented)
        hold_content(theirs, cms.ciphertext);
    CMS_ContentInfo_free(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    AUTO(buf) struct buf scratch = BUF(OCTETS_MAX);
    struct span octets = SPAN(data, size), der;
    if (!fuzz_ok(ber_to_der(octets, &scratch, &der, &err), &err))
        return 0;
    read_signed(octets, der);
    read_enveloped(octets, der);
    ERR_clear_error();
    return 0;
}

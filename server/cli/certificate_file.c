/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads certificates out of PEM, DER and PKCS #7 files. Does not judge them.
 */
#include "certificate_file.h"

#include "certificate.h"
#include "der.h"
#include "text.h"

/* CAs write PKCS #7 under the label of a certificate too. */
static const char *const labels[] = {
    "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", "PKCS7", "CMS", "PKCS #7 SIGNED DATA", NULL};

void certificate_list_free(struct certificate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        buf_free(&list->octets[i]);
    list->count = 0;
}

static enum status add_certificate(struct certificate_list *list, struct span der, struct err *err)
{
    if (list->count == CERTIFICATE_LIST_MAX)
        return ERR(err, STATUS_LIMIT, "the file holds more than %d certificates", CERTIFICATE_LIST_MAX);
    struct buf *octets = &list->octets[list->count];
    *octets = BUF(CERTIFICATE_MAX_LEN);
    buf_add(octets, der);
    TRY(buf_status(octets, "a certificate", err));
    list->spans[list->count++] = buf_span(octets);
    return STATUS_OK;
}

/* ContentInfo with SignedData (RFC 5652 sections 3 and 5.1), of which only the certificates count. */
static enum status add_pkcs7(struct certificate_list *list, struct span der, struct err *err)
{
    struct der_reader info, outer, signed_data, certificates;
    struct der_tlv skipped;
    struct span oid;
    TRY(der_open_whole(der, DER_SEQUENCE, &info, "ContentInfo (RFC 5652 section 3)", err));
    TRY(der_take_oid(&info, &oid, "contentType", err));
    if (!span_equal(oid, oid_octets(OID_SIGNED_DATA)))
        return ERR(err, STATUS_MALFORMED, "the file is PKCS #7, but not of signed data");
    TRY(der_enter(&info, DER_CONTEXT_CONSTRUCTED(0), &outer, "content", err));
    TRY(der_enter(&outer, DER_SEQUENCE, &signed_data, "SignedData (RFC 5652 section 5.1)", err));
    TRY(der_any(&signed_data, &skipped, "version", err));
    TRY(der_any(&signed_data, &skipped, "digestAlgorithms", err));
    TRY(der_any(&signed_data, &skipped, "encapContentInfo", err));
    TRY(der_enter(&signed_data, DER_CONTEXT_CONSTRUCTED(0), &certificates, "certificates", err));
    while (!der_at_end(&certificates)) {
        struct span whole;
        TRY(der_take_whole(&certificates, DER_SEQUENCE, &whole, "a certificate", err));
        TRY(add_certificate(list, whole, err));
    }
    return STATUS_OK;
}

/* A certificate begins with a SEQUENCE in its SEQUENCE, ContentInfo with an OID. */
static enum status add_either(struct certificate_list *list, struct span octets, struct err *err)
{
    AUTO(buf) struct buf scratch = BUF(CERTIFICATE_FILE_MAX);
    struct span der;
    struct der_reader inner;
    TRY(ber_to_der(octets, &scratch, &der, err));
    TRY(der_open_whole(der, DER_SEQUENCE, &inner, "the certificate or PKCS #7", err));
    if (der_peek(&inner) == DER_OID)
        return add_pkcs7(list, der, err);
    return add_certificate(list, der, err);
}

static enum status read_pem(struct span rest, struct certificate_list *list, struct err *err)
{
    for (;;) {
        AUTO(buf) struct buf der = BUF(CERTIFICATE_FILE_MAX);
        enum status status = pem_next(&rest, labels, &der, NULL, err);
        if (status == STATUS_NOT_FOUND && list->count > 0)
            return STATUS_OK;
        TRY(status);
        TRY(add_either(list, buf_span(&der), err));
    }
}

enum status certificate_file_read(struct span octets, struct certificate_list *out, struct err *err)
{
    AUTO(buf) struct buf der = BUF(CERTIFICATE_FILE_MAX);
    AUTO(certificate_list) struct certificate_list list = {0};
    static const char begin[] = "-----BEGIN";
    if (memmem(octets.data, octets.len, begin, sizeof begin - 1) != NULL) {
        TRY(read_pem(octets, &list, err));
    } else {
        TRY(der_from_any(octets, labels, &der, err));
        TRY(add_either(&list, buf_span(&der), err));
    }
    if (list.count == 0)
        return ERR(err, STATUS_NOT_FOUND, "the file holds no certificate");
    *out = list;
    list.count = 0;
    return STATUS_OK;
}

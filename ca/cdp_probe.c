/* SPDX-License-Identifier: Apache-2.0
 *
 * Fetches a CRL from its distribution point as a relying party does, and reads its number
 * (RFC 5280 section 5.2.3). It judges no signature and keeps nothing.
 */
#include "authority.h"

#include "der.h"

#include <curl/curl.h>

#define PROBE_CONNECT_MS 3000
#define PROBE_STALL_S    3L /* without an octet */
#define PROBE_WHOLE_MS   30000L
#define PROBE_CRL_MAX    ((size_t)256 << 20)

static const uint8_t CRL_NUMBER[] = {0x55, 0x1d, 0x14}; /* 2.5.29.20 */

AUTO_POINTER(curl, CURL, curl_easy_cleanup)

/* ---- reading ---- */

static enum status number_of(struct span value, int64_t *number, struct err *err)
{
    uint64_t found = 0;
    struct der_reader reader = der_reader(value);
    TRY(der_take_uint(&reader, &found, INT64_MAX, "cRLNumber", err));
    TRY(der_finish(&reader, "cRLNumber", err));
    *number = (int64_t)found;
    return STATUS_OK;
}

/* Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING } */
static enum status find_number(struct der_reader list, int64_t *number, struct err *err)
{
    while (!der_at_end(&list)) {
        struct der_reader extension;
        struct span oid, critical, value;
        bool present = false;
        TRY(der_enter(&list, DER_SEQUENCE, &extension, "extension", err));
        TRY(der_take_oid(&extension, &oid, "extnID", err));
        TRY(der_optional(&extension, DER_BOOLEAN, &critical, &present, "critical", err));
        TRY(der_take(&extension, DER_OCTET_STRING, &value, "extnValue", err));
        if (span_equal(oid, SPAN(CRL_NUMBER, sizeof CRL_NUMBER)))
            return number_of(value, number, err);
    }
    return ERR(err, STATUS_MALFORMED, "it has no CRL number");
}

/* TBSCertList ::= SEQUENCE { version, signature, issuer, thisUpdate, nextUpdate, revokedCertificates
 * OPTIONAL, crlExtensions [0] } */
enum status crl_number_read(struct span der, struct span issuer_der, int64_t *number, struct err *err)
{
    struct der_reader crl, tbs, wrapper, list;
    struct der_tlv skipped;
    struct span issuer, ignored;
    bool present = false;
    TRY(der_open_whole(der, DER_SEQUENCE, &crl, "CertificateList", err));
    TRY(der_enter(&crl, DER_SEQUENCE, &tbs, "tbsCertList", err));
    TRY(der_optional(&tbs, DER_INTEGER, &ignored, &present, "version", err));
    TRY(der_any(&tbs, &skipped, "signature", err));
    TRY(der_take_whole(&tbs, DER_SEQUENCE, &issuer, "issuer", err));
    if (!span_equal(issuer, issuer_der))
        return ERR(err, STATUS_DENIED, "it is the CRL of another authority");
    TRY(der_any(&tbs, &skipped, "thisUpdate", err));
    TRY(der_any(&tbs, &skipped, "nextUpdate", err));
    TRY(der_optional(&tbs, DER_SEQUENCE, &ignored, &present, "revokedCertificates", err));
    TRY(der_enter(&tbs, DER_CONTEXT_CONSTRUCTED(0), &wrapper, "crlExtensions", err));
    TRY(der_enter(&wrapper, DER_SEQUENCE, &list, "crlExtensions", err));
    return find_number(list, number, err);
}

/* ---- fetching ---- */

/* libcurl's callback: a short count ends the transfer. */
static size_t take_octets(char *data, size_t size, size_t count, void *context)
{
    struct buf *octets = context;
    buf_add(octets, SPAN(data, size * count));
    return octets->failed == STATUS_OK ? size * count : 0;
}

/* No proxy: those who check certificates have none of this environment's. */
static bool set_options(CURL *curl, const char *url, struct buf *octets)
{
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)PROBE_CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, PROBE_STALL_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, PROBE_WHOLE_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "scepter") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_octets) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, octets) == CURLE_OK;
}

static enum status fetch(const char *url, struct buf *octets, struct err *err)
{
    long code = 0;
    AUTO(curl) CURL *curl = curl_easy_init();
    if (curl == NULL || !set_options(curl, url, octets))
        return ERR(err, STATUS_INTERNAL, "libcurl does not start");
    CURLcode result = curl_easy_perform(curl);
    TRY(buf_status(octets, "the CRL", err));
    if (result != CURLE_OK)
        return ERR(err, STATUS_IO, "%s", curl_easy_strerror(result));
    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code) != CURLE_OK || code != 200)
        return ERR(err, STATUS_IO, "HTTP status %ld", code);
    return STATUS_OK;
}

enum status cdp_probe(const char *url, const struct generation *generation, int64_t *number, struct err *err)
{
    AUTO(buf) struct buf octets = BUF(PROBE_CRL_MAX);
    TRY(fetch(url, &octets, err));
    if (crl_number_read(buf_span(&octets), generation->certificate->subject_der, number, err) == STATUS_OK)
        return STATUS_OK;
    return err_prefix(err, "what answers there is not this authority's CRL: ");
}

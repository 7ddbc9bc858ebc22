/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks a profile's webhook whether a challenge is good: POST of a JSON object, signed by
 * HMAC. Only 200 is a yes; 403 denies in its own words, all else denies too. How many may
 * wait at once is the worker queue's affair, and what its values may do the lookup's.
 *
 * Request:  {challenge, profile, transaction_id, csr (PEM), subject, san [{type, value}], key}
 *           X-Scepter-Timestamp: Unix seconds
 *           X-Scepter-Signature: sha256=<hex HMAC-SHA256 of timestamp "." body>
 *           Idempotency-Key: the retry key in hex (there is no request id before the commit)
 * Answer:   200 with nothing or {"values": {"Name": "text", …}}; 403 with a text or {"reason": "…"}
 */
#include "enroll_private.h"

#include "clock.h"
#include "text.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <string.h>

#define WEBHOOK_ANSWER_MAX    65536
#define WEBHOOK_BODY_MAX      (4 * CSR_MAX_LEN)
#define WEBHOOK_TIMEOUT_MS    5000
#define WEBHOOK_REASON_MAX    256
#define WEBHOOK_SIGNATURE_MAX 128

static void json_auto_(json_t **value)
{
    json_decref(*value);
}
AUTO_POINTER(curl, CURL, curl_easy_cleanup)
AUTO_POINTER(curl_url, CURLU, curl_url_cleanup)
AUTO_POINTER(curl_list, struct curl_slist, curl_slist_free_all)
AUTO_POINTER(curl_text, char, curl_free)

static pthread_once_t webhook_once = PTHREAD_ONCE_INIT;
static bool webhook_ready;

static void webhook_start(void)
{
    webhook_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* ---- what is said ---- */

static json_t *san_json(const struct general_names *san)
{
    json_t *list = json_array();
    for (size_t i = 0; i < san->count; i++) {
        json_t *entry =
            json_pack("{s:s, s:s}", "type", san_type_name(san->items[i].type), "value", san->items[i].text);
        if (json_array_append_new(list, entry) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static enum status body_make(const struct enrollment *work, char **out, struct err *err)
{
    AUTO(buf) struct buf pem = BUF(2 * CSR_MAX_LEN);
    pem_encode(&pem, csr_pem_labels[0], buf_span(&work->csr->der));
    TRY(buf_status(&pem, "the request as PEM", err));
    AUTO(secret) char *pem_text = buf_take_text(&pem);
    if (pem_text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    AUTO(json)
    json_t *body = json_pack("{s:s, s:s, s:s?, s:s, s:s, s:o, s:s}", "challenge", work->csr->challenge,
                             "profile", work->request->profile->name, "transaction_id",
                             work->request->transaction_id, "csr", pem_text, "subject", work->subject, "san",
                             san_json(&work->csr->san), "key", pubkey_text(work->csr->key));
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    if (text == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory, or a request that is no UTF-8");
    *out = text;
    return STATUS_OK;
}

static enum status signature_make(const char *secret, const char *timestamp, const char *body,
                                  struct buf *out, struct err *err)
{
    AUTO(buf) struct buf signed_text = BUF(WEBHOOK_BODY_MAX);
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    buf_printf(&signed_text, "%s.", timestamp);
    buf_add_text(&signed_text, body);
    TRY(buf_status(&signed_text, "the webhook's body", err));
    if (HMAC(EVP_sha256(), secret, (int)strlen(secret), signed_text.data, signed_text.len, mac, &len) == NULL)
        return ERR_OPENSSL(err, STATUS_INTERNAL, "cannot sign the webhook's body");
    buf_add_text(out, "X-Scepter-Signature: sha256=");
    hex_encode(out, SPAN(mac, len));
    buf_add_octet(out, '\0');
    return buf_status(out, "the signature", err);
}

static enum status header_add(struct curl_slist **headers, const char *line, struct err *err)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);
    if (longer == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    *headers = longer;
    return STATUS_OK;
}

static enum status headers_make(const struct enrollment *work, const char *body, struct curl_slist **headers,
                                struct err *err)
{
    const char *secret = work->request->profile->webhook.secret;
    char line[64], timestamp[24];
    AUTO(buf) struct buf key = BUF(128);
    AUTO(buf) struct buf signature = BUF(WEBHOOK_SIGNATURE_MAX);
    (void)snprintf(timestamp, sizeof timestamp, "%lld", (long long)clock_now());
    (void)snprintf(line, sizeof line, "X-Scepter-Timestamp: %s", timestamp);
    buf_add_text(&key, "Idempotency-Key: ");
    hex_encode(&key, SPAN(work->retry_key, SHA256_LEN));
    buf_add_octet(&key, '\0');
    TRY(buf_status(&key, "the idempotency key", err));
    TRY(header_add(headers, "Content-Type: application/json", err));
    TRY(header_add(headers, "Accept: application/json, text/plain", err));
    TRY(header_add(headers, line, err));
    TRY(header_add(headers, (const char *)key.data, err));
    if (secret == NULL)
        return STATUS_OK;
    TRY(signature_make(secret, timestamp, body, &signature, err));
    return header_add(headers, (const char *)signature.data, err);
}

/* ---- where it is said ---- */

static bool is_loopback(const char *host)
{
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) == 1)
        return ntohl(address.s_addr) >> 24 == 127;
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

/* https anywhere, http on loopback only. */
static enum status url_check(const struct webhook *webhook, bool *loopback, struct err *err)
{
    AUTO(curl_url) CURLU *url = curl_url();
    AUTO(curl_text) char *scheme = NULL;
    AUTO(curl_text) char *host = NULL;
    if (url == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    if (curl_url_set(url, CURLUPART_URL, webhook->url, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return ERR(err, STATUS_CONFIG, "the webhook's URL %s is none", webhook->url);
    *loopback = is_loopback(host);
    if (strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && *loopback))
        return STATUS_OK;
    return ERR(err, STATUS_CONFIG, "the webhook's URL %s must be https (http is for loopback addresses)",
               webhook->url);
}

/* libcurl's callback: a short count ends the transfer. */
static size_t take_answer(char *data, size_t size, size_t count, void *context)
{
    struct buf *answer = context;
    buf_add(answer, SPAN(data, size * count));
    return answer->failed == STATUS_OK ? size * count : 0;
}

static bool set_options(CURL *curl, const struct webhook *webhook, bool loopback, const char *body,
                        struct curl_slist *headers, struct buf *answer)
{
    long timeout_ms = webhook->timeout_ms > 0 ? (long)webhook->timeout_ms : WEBHOOK_TIMEOUT_MS;
    return curl_easy_setopt(curl, CURLOPT_URL, webhook->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, loopback ? "http,https" : "https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "scepter") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body)) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer) == CURLE_OK &&
           (!loopback || curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK) &&
           (webhook->ca_file == NULL || curl_easy_setopt(curl, CURLOPT_CAINFO, webhook->ca_file) == CURLE_OK);
}

/* One exchange: *code is the HTTP status. STATUS_DENIED if there was none, for it is no yes. */
static enum status exchange(const struct webhook *webhook, const char *body, struct curl_slist *headers,
                            struct buf *answer, long *code, struct err *err)
{
    bool loopback = false;
    TRY(url_check(webhook, &loopback, err));
    AUTO(curl) CURL *curl = curl_easy_init();
    if (curl == NULL || !set_options(curl, webhook, loopback, body, headers, answer))
        return ERR(err, STATUS_INTERNAL, "cannot prepare the call of the webhook");
    CURLcode result = curl_easy_perform(curl);
    if (answer->failed != STATUS_OK)
        return ERR(err, STATUS_DENIED, "the webhook's answer is larger than %d octets", WEBHOOK_ANSWER_MAX);
    if (result != CURLE_OK)
        return ERR(err, STATUS_DENIED, "the webhook that judges challenges does not answer: %s",
                   curl_easy_strerror(result));
    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, code) != CURLE_OK)
        return ERR(err, STATUS_INTERNAL, "libcurl tells no HTTP status");
    return STATUS_OK;
}

/* ---- what is answered ---- */

static json_t *answer_json(const struct buf *answer)
{
    return json_loadb((const char *)answer->data, answer->len, JSON_REJECT_DUPLICATES, NULL);
}

/* A JSON object's "reason", else the text itself; blank if it is nothing to show to people. */
static enum status judge_denial(const struct buf *answer, struct err *err)
{
    AUTO(json) json_t *object = answer->len > 0 ? answer_json(answer) : NULL;
    const char *reason = json_string_value(json_object_get(object, "reason"));
    struct span text = reason != NULL ? SPAN_STR(reason) : buf_span(answer);
    while (text.len > 0 && strchr(" \r\n", text.data[text.len - 1]) != NULL)
        text.len--;
    if (text.len == 0 || text.len > WEBHOOK_REASON_MAX || !utf8_printable(text) ||
        (object != NULL && reason == NULL))
        return ERR(err, STATUS_DENIED, "the webhook denied the challenge without a reason");
    return ERR(err, STATUS_DENIED, "the webhook denied the challenge: %.*s", (int)text.len,
               (const char *)text.data);
}

static enum status take_values(json_t *object, struct values *values, struct err *err)
{
    AUTO(values) struct values found = {0};
    const char *name = NULL;
    json_t *text = NULL;
    json_object_foreach(object, name, text)
    {
        if (!json_is_string(text) || strlen(json_string_value(text)) != json_string_length(text))
            return ERR(err, STATUS_DENIED, "the webhook gives a lookup value that is no text");
        struct err why = {0};
        if (values_set(&found, name, json_string_value(text), &why) != STATUS_OK)
            return ERR(err, STATUS_DENIED, "the webhook gives a lookup value that cannot be one: %s",
                       why.text);
    }
    *values = found;
    found = (struct values){0};
    return STATUS_OK;
}

static enum status judge_approval(const struct buf *answer, struct values *values, struct err *err)
{
    if (answer->len == 0)
        return STATUS_OK;
    AUTO(json) json_t *object = answer_json(answer);
    json_t *given = json_object_get(object, "values");
    if (!json_is_object(object) || (given != NULL && !json_is_object(given)))
        return ERR(err, STATUS_DENIED,
                   "the webhook's answer is not understood: 200 with nothing, or with {\"values\": {…}}");
    return given != NULL ? take_values(given, values, err) : STATUS_OK;
}

enum status webhook_ask(const struct enrollment *work, struct values *values, struct err *err)
{
    AUTO(secret) char *body = NULL;
    AUTO(curl_list) struct curl_slist *headers = NULL;
    AUTO(buf) struct buf answer = BUF(WEBHOOK_ANSWER_MAX);
    long code = 0;
    if (pthread_once(&webhook_once, webhook_start) != 0 || !webhook_ready)
        return ERR(err, STATUS_INTERNAL, "libcurl does not start");
    TRY(body_make(work, &body, err));
    TRY(headers_make(work, body, &headers, err));
    TRY(exchange(&work->request->profile->webhook, body, headers, &answer, &code, err));
    if (code == 403)
        return judge_denial(&answer, err);
    if (code != 200)
        return ERR(err, STATUS_DENIED, "the webhook answers HTTP %ld instead of 200 or 403", code);
    return judge_approval(&answer, values, err);
}

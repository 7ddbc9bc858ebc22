/* SPDX-License-Identifier: Apache-2.0
 *
 * What became of a request that was held (SCEP's CertPoll, RFC 8894 section 3.3.3), told
 * to its own signer and nobody else.
 *
 * A request is found by the key that it holds. Its signer may hold another one (a renewal
 * with a new key): then a setting, written with the request, leads from the signer's
 * certificate to that key.
 */
#include "enroll_private.h"

#include "clock.h"
#include "text.h"

#include <string.h>

#define POLL_SETTING_PREFIX "poll."

enum status poll_setting_name(const struct profile *profile, const char *transaction_id,
                              const struct request_signer *signer, char **out, struct err *err)
{
    AUTO(buf) struct buf parts = BUF(CERTIFICATE_MAX_LEN + 4096);
    AUTO(buf) struct buf name = BUF(128);
    uint8_t digest[SHA256_LEN];
    add_length_prefixed(&parts, SPAN_STR(profile->name));
    add_length_prefixed(&parts, SPAN_STR(transaction_id));
    add_length_prefixed(&parts, buf_span(&signer->certificate->der));
    TRY(buf_status(&parts, "transactionID and certificate", err));
    sha256(buf_span(&parts), digest);
    buf_add_text(&name, POLL_SETTING_PREFIX);
    hex_encode(&name, SPAN(digest, SHA256_LEN));
    TRY(buf_status(&name, "the setting's name", err));
    *out = buf_take_text(&name);
    return *out != NULL ? STATUS_OK : ERR(err, STATUS_NOMEM, "out of memory");
}

/* The key of the request that this certificate of ours signed for another key. */
static enum status find_other_key(struct store *store, const struct profile *profile,
                                  const char *transaction_id, const struct request_signer *signer,
                                  uint8_t fingerprint[SHA256_LEN], struct err *err)
{
    AUTO(heap) char *name = NULL;
    AUTO(buf) struct buf value = BUF(SHA256_LEN);
    TRY(poll_setting_name(profile, transaction_id, signer, &name, err));
    TRY(store_setting(store, name, &value, err));
    if (value.len != SHA256_LEN)
        return ERR(err, STATUS_INTEGRITY, "the setting %s is damaged", name);
    memcpy(fingerprint, value.data, SHA256_LEN);
    return STATUS_OK;
}

/* Whether the certificate that signs the poll also signed the request. */
static bool is_its_signer(const struct request_row *row, const struct request_signer *signer)
{
    struct serial serial;
    if (row->renews.len == 0)
        return true;
    return signer->ours && serial_from(signer->certificate->serial_octets, &serial, NULL) == STATUS_OK &&
           span_equal(serial_span(&serial), serial_span(&row->renews));
}

static enum status not_found(const char *transaction_id, struct err *err)
{
    return ERR(err, STATUS_NOT_FOUND, "this signer has no request with transactionID %.200s", transaction_id);
}

static enum status find_request(struct store *store, const struct profile *profile,
                                const char *transaction_id, const struct request_signer *signer,
                                struct request_row *row, struct err *err)
{
    uint8_t fingerprint[SHA256_LEN];
    memcpy(fingerprint, pubkey_fingerprint(signer->certificate->key).data, SHA256_LEN);
    if (signer->ours) {
        enum status status = find_other_key(store, profile, transaction_id, signer, fingerprint, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
    }
    enum status status =
        store_request_transaction(store, profile->name, transaction_id, fingerprint, row, err);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !is_its_signer(row, signer)))
        return not_found(transaction_id, err);
    return status;
}

enum status enroll_poll(const struct enroll_context *context, const struct profile *profile,
                        const char *transaction_id, const struct request_signer *signer,
                        struct outcome *outcome, struct err *err)
{
    AUTO(request_row) struct request_row row = {0};
    TRY(find_request(context->store, profile, transaction_id, signer, &row, err));
    if (row.disposition == DISPOSITION_PENDING && row.lapses_s <= clock_now()) {
        enum status status = decide_lapsed(context, &row, err);
        if (status == STATUS_CONFLICT) { /* decided meanwhile */
            request_row_free(&row);
            status = find_request(context->store, profile, transaction_id, signer, &row, err);
        }
        TRY(status);
    }
    return answer_stored(context, &row, true, outcome, err);
}

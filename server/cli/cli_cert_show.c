/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter cert show`: the store's row and what the certificate itself says.
 */
#include "certificate_detail.h"
#include "cli_run.h"

#include "clock.h"
#include "text.h"

/* What is worked out for one certificate; the JSON parts serve both forms. */
struct shown {
    struct certificate_row row;
    struct certificate *certificate; /* NULL: only the serial is known */
    char *issuer;
    json_t *key_usage, *eku, *mappings;
    int64_t now_s;
};

static void shown_free(struct shown *shown)
{
    certificate_row_free(&shown->row);
    certificate_free(shown->certificate);
    free(shown->issuer);
    json_decref(shown->key_usage);
    json_decref(shown->eku);
    json_decref(shown->mappings);
}
AUTO_VALUE(shown, struct shown, shown_free)

static enum status work_out(struct shown *shown, struct err *err)
{
    if (shown->row.der.len == 0)
        return STATUS_OK;
    TRY(certificate_decode(buf_span(&shown->row.der), &shown->certificate, err));
    TRY(name_text_copy(&shown->certificate->issuer, &shown->issuer, err));
    shown->key_usage = json_from_key_usage(shown->certificate->key_usage);
    TRY(json_from_eku(shown->certificate, &shown->eku, err));
    return json_from_mappings(shown->certificate, &shown->mappings, err);
}

static enum status put_decoded(struct shown *shown, struct json_object *object, struct err *err)
{
    uint8_t sha1[DIGEST_MAX_LEN], digest[SHA256_LEN];
    TRY(digest_compute(DIGEST_SHA1, buf_span(&shown->row.der), sha1, err));
    sha256(buf_span(&shown->row.der), digest);
    json_put_text(object, "key", pubkey_text(shown->certificate->key));
    json_put_json(object, "key_usage", json_incref(shown->key_usage));
    json_put_json(object, "eku", json_incref(shown->eku));
    json_put_hex(object, "sha1", SPAN(sha1, digest_len(DIGEST_SHA1)));
    json_put_hex(object, "sha256", SPAN(digest, SHA256_LEN));
    json_put_json(object, "alt_security_identities", json_incref(shown->mappings));
    AUTO(buf) struct buf pem = BUF(2 * CERTIFICATE_MAX_LEN);
    pem_encode(&pem, "CERTIFICATE", buf_span(&shown->row.der));
    AUTO(heap) char *text = buf_take_text(&pem);
    json_put_json(object, "pem", text != NULL ? json_string(text) : NULL);
    return STATUS_OK;
}

static enum status show_json(struct shown *shown, struct err *err)
{
    AUTO(json_object)
    struct json_object object = json_from_certificate(&shown->row, shown->issuer, shown->now_s);
    if (shown->certificate != NULL)
        TRY(put_decoded(shown, &object, err));
    return json_show(stdout, &object, err);
}

static void detail_row(const struct shown *shown)
{
    const struct certificate_row *row = &shown->row;
    char serial[2 * SERIAL_MAX + 1];
    serial_text(&row->serial, serial);
    detail_text(stdout, "serial", serial);
    detail_text(stdout, "status", certificate_status_name(certificate_row_status(row, shown->now_s)));
    detail_time(stdout, "revoked at", row->revoked_s);
    detail_text(stdout, "revocation reason", crl_reason_name(row->reason));
    detail_text(stdout, "subject", row->subject);
    detail_text(stdout, "issuer", shown->issuer);
    detail_san(stdout, &row->san);
    detail_time(stdout, "not before", row->not_before_s);
    detail_time(stdout, "not after", row->not_after_s);
}

static void detail_origin(const struct certificate_row *row)
{
    char serial[2 * SERIAL_MAX + 1];
    detail_text(stdout, "template", row->template_name);
    detail_text(stdout, "profile", row->profile);
    if (row->request_id != 0)
        detail_number(stdout, "request", row->request_id);
    detail_text(stdout, "requester", row->requester);
    serial_text(&row->renews, serial);
    detail_text(stdout, "renews", row->renews.len > 0 ? serial : NULL);
    detail_time(stdout, "created", row->created_s);
    detail_values(stdout, &row->values);
}

static enum status detail_decoded(const struct shown *shown, struct err *err)
{
    uint8_t sha1[DIGEST_MAX_LEN], digest[SHA256_LEN];
    TRY(digest_compute(DIGEST_SHA1, buf_span(&shown->row.der), sha1, err));
    sha256(buf_span(&shown->row.der), digest);
    detail_text(stdout, "key", pubkey_text(shown->certificate->key));
    detail_list(stdout, "key usage", shown->key_usage);
    detail_list(stdout, "EKU", shown->eku);
    detail_hex(stdout, "SHA-1", SPAN(sha1, digest_len(DIGEST_SHA1)));
    detail_hex(stdout, "SHA-256", SPAN(digest, SHA256_LEN));
    for (size_t i = 0; i < json_array_size(shown->mappings); i++)
        detail_text(stdout, i == 0 ? "AD mappings" : "",
                    json_string_value(json_array_get(shown->mappings, i)));
    return STATUS_OK;
}

static enum status show_plain(const struct shown *shown, struct err *err)
{
    detail_row(shown);
    detail_origin(&shown->row);
    if (shown->certificate != NULL)
        TRY(detail_decoded(shown, err));
    return out_end(stdout, err);
}

enum status cli_cert_show(struct cli *cli, struct err *err)
{
    bool json = false;
    const struct cli_option options[] = {{"json", CLI_FLAG, &json}, {0}};
    struct serial serial = {0};
    AUTO(app) struct app *app = NULL;
    AUTO(shown) struct shown shown = {.now_s = clock_now()};
    TRY(cli_options(cli, options, 1, 1, err));
    TRY(serial_parse(cli->argv[0], &serial, err));
    TRY(app_open_store(cli->dir, &app, err));
    TRY(store_certificate(app_store(app), &serial, &shown.row, err));
    TRY(work_out(&shown, err));
    return json ? show_json(&shown, err) : show_plain(&shown, err);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Who asks: the command line, an account, the holder of a challenge, or the holder of a
 * certificate that is renewed. Proves it and consumes nothing. What the requester may
 * have is template_choice.c's affair, what a certificate holds templates/'s.
 */
#include "enroll_private.h"

#include "clock.h"
#include "text.h"

#include <string.h>

enum status requester_check_signer(const struct enrollment *work, struct err *err)
{
    const struct request_signer *signer = work->request->signer;
    if (signer == NULL)
        return STATUS_OK;
    if (!signer->ours && !pubkey_equal(signer->certificate->key, work->csr->key))
        return ERR(err, STATUS_DENIED,
                   "the message is signed with another key than the request's: sign it with the key that is "
                   "to be certified, or with a certificate of this CA that is to be renewed");
    if (pubkey_type(signer->certificate->key) == KEY_EC && work->csr->challenge == NULL)
        return ERR(err, STATUS_DENIED,
                   "an EC key cannot decrypt the reply (RFC 8894 section 3.1): the request must carry a "
                   "challenge, also for a renewal");
    return STATUS_OK;
}

/* ---- renewal ---- */

/* The store's row of the signer's certificate, which must be the very one that was presented. */
static enum status load_renewed(const struct enrollment *work, struct certificate_row *row, struct err *err)
{
    const struct certificate *signer = work->request->signer->certificate;
    struct serial serial;
    TRY(serial_from(signer->serial_octets, &serial, err));
    enum status status = store_certificate(work->context->store, &serial, row, err);
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && !span_equal(buf_span(&row->der), buf_span(&signer->der))))
        return ERR(err, STATUS_DENIED,
                   "the signer's certificate is not among those that this CA has issued: if it was lost by a "
                   "restore, bring it back by `scepter cert import`");
    return status;
}

static enum status check_standing(const struct enrollment *work, const struct certificate_row *row,
                                  struct err *err)
{
    char serial[2 * SERIAL_MAX + 1], date[32];
    serial_text(&row->serial, serial);
    enum certificate_status status = certificate_row_status(row, work->now_s);
    if (status == CERTIFICATE_REVOKED || status == CERTIFICATE_HELD)
        return ERR(err, STATUS_DENIED,
                   "certificate %s, which signed the request, is %s: enrol anew with a challenge", serial,
                   status == CERTIFICATE_HELD ? "on hold" : "revoked");
    if (work->now_s < row->not_before_s)
        return ERR(err, STATUS_DENIED, "certificate %s, which signed the request, is not valid yet", serial);
    if (work->now_s - row->not_after_s > work->request->profile->renewal_grace_s) {
        time_text(row->not_after_s, date);
        return ERR(err, STATUS_DENIED,
                   "certificate %s, which signed the request, expired at %s: enrol anew with a challenge",
                   serial, date);
    }
    return STATUS_OK;
}

static enum status check_window(const struct enrollment *work, const struct certificate_row *row,
                                struct err *err)
{
    const struct template *template =
        template_set_find(work->context->snapshot->templates, row->template_name);
    if (template == NULL)
        return ERR(err, STATUS_DENIED, "the old certificate's template %s no longer exists: enrol anew",
                   row->template_name);
    int64_t window_s = template_renewal_window_s(template, row->not_after_s - row->not_before_s);
    if (window_s == INT64_MAX || work->now_s >= row->not_after_s - window_s)
        return STATUS_OK;
    char from[32];
    time_text(row->not_after_s - window_s, from);
    return ERR(err, STATUS_DENIED, "too early: template %s allows the renewal of this certificate from %s on",
               row->template_name, from);
}

static enum status judge_renewal(const struct enrollment *work, struct asker *asker, struct err *err)
{
    AUTO(certificate_row) struct certificate_row row = {0};
    char serial[2 * SERIAL_MAX + 1];
    TRY(load_renewed(work, &row, err));
    TRY(check_standing(work, &row, err));
    asker->known = true;
    serial_text(&row.serial, serial);
    TRY(text_format(&asker->text, err, "renewal of %s", serial));
    if (row.template_name == NULL || !profile_allows(work->request->profile, row.template_name))
        return ERR(err, STATUS_DENIED,
                   "profile %s does not issue from the old certificate's template %s: renew by the profile "
                   "that does",
                   work->request->profile->name, row.template_name != NULL ? row.template_name : "(none)");
    TRY(check_window(work, &row, err));
    asker->renewed = row;
    row = (struct certificate_row){0};
    return STATUS_OK;
}

/* ---- clients ---- */

static bool takes_challenge(const struct enrollment *work)
{
    return work->csr->challenge != NULL && work->request->profile->challenge != CHALLENGE_NONE;
}

/* Signed by one of our certificates: an initial request if its challenge is valid, else a renewal. */
static enum status identify_holder(struct enrollment *work, struct err *err)
{
    struct err refused = {0}, why = {0};
    if (takes_challenge(work)) {
        enum status status = challenge_judge(work, &work->asker, &refused);
        if (status == STATUS_OK)
            return STATUS_OK;
        if (!status_is_denial(status))
            return ERR(err, status, "%s", refused.text);
        asker_free(&work->asker);
    }
    enum status status = judge_renewal(work, &work->asker, &why);
    if (status == STATUS_DENIED && refused.status != STATUS_OK)
        return ERR(err, status, "%s; and as an initial request: %s", why.text, refused.text);
    if (status != STATUS_OK)
        return ERR(err, status, "%s", why.text);
    return STATUS_OK;
}

static enum status identify_client(struct enrollment *work, struct err *err)
{
    if (work->request->profile == NULL)
        return ERR(err, STATUS_INTERNAL, "a client's request without a profile");
    if (work->request->signer != NULL && work->request->signer->ours)
        return identify_holder(work, err);
    return challenge_judge(work, &work->asker, err);
}

enum status requester_identify(struct enrollment *work, struct err *err)
{
    const struct requester *requester = &work->request->requester;
    if (requester->kind == REQUESTER_CLIENT)
        return identify_client(work, err);
    const char *prefix = requester->kind == REQUESTER_ACCOUNT ? "account " : "";
    TRY(text_format(&work->asker.text, err, "%s%s", prefix, requester->name));
    work->asker.known = true;
    return STATUS_OK;
}

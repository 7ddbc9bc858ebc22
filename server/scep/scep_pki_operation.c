/* SPDX-License-Identifier: Apache-2.0
 *
 * PKIOperation: a message becomes a struct request, the outcome a CertRep, and both one
 * line in the log. An adapter: what is issued is decided behind enroll().
 */
#include "scep_operation.h"

#include "clock.h"
#include "log.h"

static void scep_result_free(struct scep_result *result)
{
    outcome_free(&result->outcome);
    buf_free(&result->octets);
    buf_free(&result->password);
}
AUTO_VALUE(scep_result, struct scep_result, scep_result_free)

/* ---- enrolment ---- */

/* A key that cannot decrypt (EC) gets its reply by the challenge in its CSR (RFC 8894 section 3.1). */
static enum status reply_password(const struct scep_message *message, struct buf *password, struct err *err)
{
    AUTO(csr) struct csr *csr = NULL;
    TRY(csr_decode(buf_span(&message->content), &csr, err));
    if (csr->challenge == NULL || csr->challenge[0] == '\0')
        return ERR(
            err, STATUS_DENIED,
            "a request signed with an EC key must carry a challenge, also at renewal: the reply can only be "
            "encrypted with it");
    *password = BUF(4096);
    buf_add_text(password, csr->challenge);
    return buf_status(password, "the challenge", err);
}

static enum status run_enrolment(const struct scep_call *call, const struct scep_message *message,
                                 struct scep_result *result, struct err *err)
{
    if (pubkey_type(message->signer->key) == KEY_EC)
        TRY(reply_password(message, &result->password, err));
    const struct enroll_context context = {.store = call->store, .snapshot = call->snapshot};
    const struct request_signer signer = {.certificate = message->signer, .ours = message->signer_is_ours};
    const struct request request = {
        .protocol = "scep",
        .profile = call->profile,
        .csr_der = buf_span(&message->content),
        .transaction_id = message->transaction_id,
        .signer = &signer,
        .requester = {.kind = REQUESTER_CLIENT},
        .remote = call->http->remote,
        .reply_secret = buf_span(&result->password),
    };
    return enroll(&context, &request, &result->outcome, err);
}

/* IssuerAndSubject ::= SEQUENCE { issuer Name, subject Name } (RFC 8894 section 3.3.3). */
static enum status check_issuer_and_subject(const struct scep_message *message, struct err *err)
{
    static const char what[] = "IssuerAndSubject (RFC 8894 section 3.3.3)";
    struct der_reader inside;
    struct span name;
    TRY(der_open_whole(buf_span(&message->content), DER_SEQUENCE, &inside, what, err));
    TRY(der_take(&inside, DER_SEQUENCE, &name, what, err));
    TRY(der_take(&inside, DER_SEQUENCE, &name, what, err));
    return der_finish(&inside, what, err);
}

static enum status run_poll(const struct scep_call *call, const struct scep_message *message,
                            struct scep_result *result, struct err *err)
{
    const struct enroll_context context = {.store = call->store, .snapshot = call->snapshot};
    const struct request_signer signer = {.certificate = message->signer, .ours = message->signer_is_ours};
    TRY(check_issuer_and_subject(message, err));
    TRY(enroll_poll(&context, call->profile, message->transaction_id, &signer, &result->outcome, err));
    buf_move(&result->password, &result->outcome.reply_secret);
    return STATUS_OK;
}

static enum status run_message(const struct scep_call *call, const struct scep_message *message,
                               struct scep_result *result, struct err *err)
{
    switch (message->type) {
    case SCEP_PKCS_REQ:
    case SCEP_RENEWAL_REQ:
        return run_enrolment(call, message, result, err);
    case SCEP_CERT_POLL:
        return run_poll(call, message, result, err);
    case SCEP_GET_CERT:
        return scep_get_cert(call, message, result, err);
    case SCEP_GET_CRL:
        return scep_get_crl(call, message, result, err);
    case SCEP_CERT_REP:
    case SCEP_NONE:
        break;
    }
    return ERR(err, STATUS_MALFORMED, "messageType %d is not a request", (int)message->type);
}

/* ---- reply ---- */

static bool is_query(const struct scep_message *message)
{
    return message->type == SCEP_GET_CERT || message->type == SCEP_GET_CRL;
}

/* What the message led to as a CertRep; the spans borrow result and err. */
static struct scep_reply reply_of(const struct scep_message *message, const struct scep_result *result,
                                  enum status status, const struct err *err)
{
    struct scep_reply reply = {.password = buf_span(&result->password)};
    const struct outcome *outcome = &result->outcome;
    if (status != STATUS_OK) {
        reply.status = SCEP_FAILURE;
        reply.failure = status;
        reply.reason = err->text;
    } else if (is_query(message)) {
        reply.status = SCEP_SUCCESS;
        if (message->type == SCEP_GET_CERT)
            reply.certificate = buf_span(&result->octets);
        else
            reply.crl = buf_span(&result->octets);
    } else if (outcome->disposition == DISPOSITION_ISSUED) {
        reply.status = SCEP_SUCCESS;
        reply.certificate = buf_span(&outcome->certificate);
    } else if (outcome->disposition == DISPOSITION_PENDING) {
        reply.status = SCEP_PENDING;
    } else {
        reply.status = SCEP_FAILURE;
        reply.failure = outcome->status;
        reply.reason = outcome->reason;
    }
    return reply;
}

static void log_operation(const struct scep_call *call, const struct scep_message *message,
                          const struct scep_result *result, const struct scep_reply *reply)
{
    static const char *const words[] = {
        [SCEP_SUCCESS] = "issued", [SCEP_FAILURE] = "denied", [SCEP_PENDING] = "pending"};
    const struct outcome *outcome = &result->outcome;
    char serial[2 * SERIAL_MAX + 1] = "";
    if (outcome->serial.len > 0)
        serial_text(&outcome->serial, serial);
    const char *word = words[reply->status];
    if (reply->status == SCEP_FAILURE && outcome->disposition == DISPOSITION_FAILED)
        word = "failed";
    else if (reply->status == SCEP_SUCCESS && is_query(message))
        word = "answered";
    const struct log_field fields[] = {
        LOG_TEXT_FIELD("remote", call->http->remote),
        LOG_TEXT_FIELD("profile", call->profile->name),
        LOG_TEXT_FIELD("message", scep_type_name(message->type)),
        LOG_TEXT_FIELD("transaction_id", message->transaction_id),
        LOG_TEXT_FIELD("template", outcome->template_name),
        LOG_TEXT_FIELD("requester", outcome->requester),
        LOG_TEXT_FIELD("subject", outcome->subject),
        LOG_TEXT_FIELD("serial", serial[0] != '\0' ? serial : NULL),
        {.name = "request_id", .number = outcome->request_id, .is_number = outcome->request_id != 0},
        LOG_TEXT_FIELD("outcome", word),
        LOG_TEXT_FIELD("retry", outcome->retry ? "yes" : NULL),
        LOG_TEXT_FIELD("fail_info", reply->status == SCEP_FAILURE
                                        ? scep_fail_info_name(scep_fail_info(reply->failure))
                                        : NULL),
        LOG_TEXT_FIELD("reason", reply->reason),
        LOG_NUMBER_FIELD("ms", (clock_monotonic_us() - call->http->received_us) / 1000),
    };
    log_event(reply->status == SCEP_FAILURE ? LOG_WARNING : LOG_INFO, "scep.request", fields,
              sizeof fields / sizeof fields[0]);
}

/* Statuses that say that the CA cannot work now: an HTTP error, so that the client tries again, and not a
 * FAILURE, which many take for final. */
static bool is_outage(enum status status)
{
    return status == STATUS_NOMEM || status == STATUS_IO || status == STATUS_BUSY ||
           status == STATUS_INTERNAL || status == STATUS_CONFIG;
}

static void answer_error(const struct scep_call *call, const struct err *err, struct http_reply *reply)
{
    log_message(LOG_WARNING, "scep.refused", "profile %s, from %s: %s", call->profile->name,
                call->http->remote, err->text);
    reply_error(reply, err);
    reply->logged = true;
}

static void answer_cert_rep(const struct scep_call *call, const struct scep_message *message,
                            const struct scep_reply *cert_rep, struct http_reply *reply)
{
    struct err err = {0};
    AUTO(buf) struct buf octets = BUF((size_t)64 << 20);
    if (scep_encode(call->snapshot, call->profile, message, cert_rep, &octets, &err) != STATUS_OK ||
        buf_status(&octets, "the reply", &err) != STATUS_OK) {
        answer_error(call, &err, reply);
        return;
    }
    buf_move(&reply->body, &octets);
    reply->status = 200;
    reply->content_type = "application/x-pki-message";
    reply->logged = true;
}

/* ---- counting ---- */

static enum metric_operation operation_of(enum scep_type type)
{
    switch (type) {
    case SCEP_PKCS_REQ:
        return OPERATION_PKCS_REQ;
    case SCEP_RENEWAL_REQ:
        return OPERATION_RENEWAL_REQ;
    case SCEP_CERT_POLL:
        return OPERATION_CERT_POLL;
    case SCEP_GET_CERT:
        return OPERATION_GET_CERT;
    case SCEP_GET_CRL:
        return OPERATION_GET_CRL;
    case SCEP_CERT_REP:
    case SCEP_NONE:
        break;
    }
    return OPERATION_UNREADABLE;
}

/* A request's outcome, or that a stranger was turned away. Polls and queries are operations only. */
static void count_outcome(const struct scep_call *call, const struct scep_message *message,
                          const struct outcome *outcome, enum status status)
{
    static const enum metric_outcome outcomes[] = {[DISPOSITION_ISSUED] = OUTCOME_ISSUED,
                                                   [DISPOSITION_PENDING] = OUTCOME_PENDING,
                                                   [DISPOSITION_DENIED] = OUTCOME_DENIED,
                                                   [DISPOSITION_FAILED] = OUTCOME_FAILED};
    const char *profile = call->profile->name;
    bool is_request = message->type == SCEP_PKCS_REQ || message->type == SCEP_RENEWAL_REQ;
    if (status != STATUS_OK && !is_outage(status))
        metrics_count_refused(call->metrics, profile, status);
    else if (!is_request)
        return;
    else if (status != STATUS_OK)
        metrics_count_request(call->metrics, profile, OUTCOME_FAILED);
    else if (outcome->disposition == DISPOSITION_DENIED && outcome->is_stranger)
        metrics_count_refused(call->metrics, profile, outcome->status);
    else
        metrics_count_request(call->metrics, profile,
                              outcome->retry ? OUTCOME_RETRY : outcomes[outcome->disposition]);
}

/* ---- guessing ---- */

static bool carries_challenge(const struct scep_message *message)
{
    AUTO(csr) struct csr *csr = NULL;
    return csr_decode(buf_span(&message->content), &csr, NULL) == STATUS_OK && csr->challenge != NULL &&
           csr->challenge[0] != '\0';
}

/* Whether a challenge was presented and not taken. */
static bool is_wrong_challenge(const struct scep_call *call, const struct scep_message *message,
                               const struct outcome *outcome)
{
    return outcome->is_stranger && outcome->status == STATUS_DENIED &&
           call->profile->challenge != CHALLENGE_NONE && carries_challenge(message);
}

/* What was judged wrong counts for its address; beyond the rate the answer is held back. What is right is
 * never late, whatever else came from its address: many clients may share one. Passwords cost too much work
 * to be judged first, and are refused in scep_decode. */
static void limit_guessing(const struct scep_call *call, const struct scep_message *message,
                           const struct outcome *outcome, enum status status, struct http_reply *reply)
{
    const char *remote = call->http->remote;
    int64_t now_us = clock_monotonic_us();
    if (status == STATUS_BUSY && message->passwords_after_s > 0 && !message->by_password)
        reply->retry_after_s = message->passwords_after_s;
    else if (status == STATUS_INTEGRITY && message->by_password)
        reply->delay_s = failures_count(call->failures, FAILURE_PASSWORD, remote, now_us);
    else if (status == STATUS_OK && is_wrong_challenge(call, message, outcome))
        reply->delay_s = failures_count(call->failures, FAILURE_CHALLENGE, remote, now_us);
}

/* ---- the whole ---- */

static void answer_message(const struct scep_call *call, const struct scep_message *message,
                           const struct scep_result *result, enum status status, const struct err *err,
                           struct http_reply *reply)
{
    if (is_outage(status) || message->transaction_id == NULL) {
        answer_error(call, err, reply);
        return;
    }
    const struct outcome *outcome = &result->outcome;
    const struct scep_reply cert_rep = reply_of(message, result, status, err);
    log_operation(call, message, result, &cert_rep);
    if (status == STATUS_OK && outcome->disposition == DISPOSITION_FAILED && is_outage(outcome->status)) {
        struct err why = {0};
        (void)ERR(&why, outcome->status, "%s", outcome->reason != NULL ? outcome->reason : "the CA failed");
        reply_error(reply, &why);
        reply->logged = true;
        return;
    }
    answer_cert_rep(call, message, &cert_rep, reply);
}

void scep_pki_operation(const struct scep_call *call, struct span octets, struct http_reply *reply)
{
    AUTO(scep_message) struct scep_message message = {0};
    AUTO(scep_result) struct scep_result result = {0};
    struct err err = {0};
    message.passwords_after_s =
        failures_wait_s(call->failures, FAILURE_PASSWORD, call->http->remote, clock_monotonic_us());
    enum status status = scep_decode(octets, call->snapshot, call->profile, &message, &err);
    if (status == STATUS_OK)
        status = run_message(call, &message, &result, &err);
    answer_message(call, &message, &result, status, &err, reply);
    limit_guessing(call, &message, &result.outcome, status, reply);
    metrics_count_operation(call->metrics, operation_of(message.type));
    count_outcome(call, &message, &result.outcome, status);
    metrics_count_duration(call->metrics, call->profile->name,
                           clock_monotonic_us() - call->http->received_us);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * One enrolment on its way through the pipeline, and the steps that enroll.c calls in
 * the order of the diagram in design.md. Each step lives in the file that its name
 * begins with. Nothing outside ca/ includes this.
 */
#ifndef SCEPTER_CA_ENROLL_PRIVATE_H
#define SCEPTER_CA_ENROLL_PRIVATE_H

#include "enroll.h"

#define PENDING_LAPSE_DEFAULT_S (30 * 86400) /* where no profile says otherwise (rules.md) */
#define CHALLENGE_TTL_MAX_S     (365 * 86400)
#define CHALLENGE_TTL_MAX_TEXT  "1y"
#define CHALLENGE_USES_MAX      1000000

/* Who asks, as far as it was proven. */
struct asker {
    bool known; /* valid challenge, one of our certificates, an account, the command line: a refusal of it is
                   kept as a row; those of strangers are not */
    char *text; /* "challenge 12", "renewal of 0a1b" …: the requester in rows and audit */
    struct challenge_row challenge; /* the one-time challenge presented; id 0: none */
    struct values webhook_values;   /* what a webhook said */
    struct certificate_row renewed; /* the certificate that is renewed; serial.len 0: an initial request */
};
void asker_free(struct asker *asker);
AUTO_VALUE(asker, struct asker, asker_free)

/* Everything that becomes known on the way. Zero-initialise but for the first three. */
struct enrollment {
    const struct enroll_context *context;
    const struct request *request;
    int64_t now_s;
    struct csr *csr;
    struct buf csr_blanked;        /* as it is stored */
    uint8_t retry_key[SHA256_LEN]; /* all zero: never a retry */
    struct request_row earlier;    /* the request that this one repeats; id 0: none */
    struct asker asker;
    const struct template *template;
    bool content_made;
    struct content content;
    struct buf subject_der;
    char *subject; /* RFC 4514: of the content once made, else of the CSR */
    struct issued issued;
};
void enrollment_free(struct enrollment *work);
AUTO_VALUE(enrollment, struct enrollment, enrollment_free)

static inline bool is_renewal(const struct enrollment *work)
{
    return work->asker.renewed.serial.len > 0;
}
/* Whether a step's status is the requester's affair (denied) and not the CA's (failed). */
bool status_is_denial(enum status status);
/* Appends a part with its length in front, so that no two lists of parts give the same octets. */
void add_length_prefixed(struct buf *out, struct span part);

/* ---- retry.c ---- */

/* The key of rules.md's "retry", into work->retry_key; stays zero where nothing can be repeated. */
NODISCARD enum status retry_identify(struct enrollment *work, struct err *err);
/* Looks for the earlier request into work->earlier. Finding none is STATUS_OK. */
NODISCARD enum status retry_find(struct enrollment *work, struct err *err);

/* ---- requester.c ---- */

/* A self-signed signer must hold the request's key; an EC signer can only be answered by its challenge. */
NODISCARD enum status requester_check_signer(const struct enrollment *work, struct err *err);
/* Proves who asks and fills work->asker; consumes nothing. */
NODISCARD enum status requester_identify(struct enrollment *work, struct err *err);

/* ---- challenge.c, challenge_webhook.c ---- */

/* Judges the CSR's challenge by the profile's policy and fills asker. STATUS_DENIED says which rule it broke.
 */
NODISCARD enum status challenge_judge(const struct enrollment *work, struct asker *asker, struct err *err);
/* Whether the one-time challenge of this enrolment can still be used: after a lost race. */
NODISCARD enum status challenge_recheck(const struct enrollment *work, struct err *err);
/* Asks the profile's webhook; values (empty before) takes what it knows. STATUS_DENIED for anything but a
 * clear yes. Blocks for webhook.timeout_ms at the most. */
NODISCARD enum status webhook_ask(const struct enrollment *work, struct values *values, struct err *err);

/* ---- template_choice.c, key_check.c ---- */

/* Chooses work->template and checks that this requester may have it. */
NODISCARD enum status template_choose(struct enrollment *work, struct err *err);
/* The CSR's key by the template's limits, not one of ours, not known as compromised. */
NODISCARD enum status key_check(const struct enrollment *work, struct err *err);
/* key_reuse = "same-subject": needs the content. */
NODISCARD enum status key_check_reuse(const struct enrollment *work, struct err *err);

/* ---- content.c ---- */

/* A lookup over the device registry, with the values of the certificate that is renewed bound first.
 * registry: lookup_device_registry's, must outlive it. */
NODISCARD enum status content_lookup(const struct enrollment *work, const struct lookup_source *registry,
                                     struct lookup **out, struct err *err);

/* Applies the template to CSR and lookup values: work->content. */
NODISCARD enum status content_make(struct enrollment *work, struct lookup *lookup, bool vouched,
                                   struct err *err);

/* ---- record.c: rows. They borrow everything from work, so they are never freed. ---- */

void record_request(const struct enrollment *work, enum disposition disposition, const char *reason,
                    struct request_row *row);
void record_certificate(const struct enrollment *work, struct certificate_row *row);
/* "certificate 0a1b, template User, CN=…": what the audit says of an issued one. The caller's. */
NODISCARD enum status record_detail(const struct enrollment *work, char **out, struct err *err);
/* A string of a row that is only handed to the store. */
static inline char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* ---- answer.c ---- */

/* The outcome of this enrolment itself. reason NULL for issued. */
NODISCARD enum status answer_new(const struct enrollment *work, enum disposition disposition,
                                 enum status status, const char *reason, int64_t request_id,
                                 struct outcome *outcome, struct err *err);
/* The outcome of a stored request: a retry's or a poll's. with_secret: unseal the reply secret. What was
 * issued counts as delivered, and its secret is wiped. */
NODISCARD enum status answer_stored(const struct enroll_context *context, const struct request_row *row,
                                    bool with_secret, struct outcome *outcome, struct err *err);

/* ---- decide.c ---- */

/* Denies a pending request whose time has run out. STATUS_CONFLICT: it was decided meanwhile. */
NODISCARD enum status decide_lapsed(const struct enroll_context *context, struct request_row *row,
                                    struct err *err);
/* issuing_check.c: STATUS_TIME if the clock is more than 5 minutes behind the last commit (rules.md),
 * STATUS_BUSY while the authority is suspended. */
NODISCARD enum status issuing_check(struct store *store, int64_t now_s, struct err *err);

/* ---- poll.c ---- */

/* The name of the setting that says which key a held request holds whose signer has another one. The
 * caller's. */
NODISCARD enum status poll_setting_name(const struct profile *profile, const char *transaction_id,
                                        const struct request_signer *signer, char **out, struct err *err);

/* ---- seal.c ---- */

/* Encrypts with the data directory's seal key, made at first need. bound_to: must be the same when opened. */
NODISCARD enum status seal_close(const char *dir, struct span secret, struct span bound_to, struct buf *out,
                                 struct err *err);
/* STATUS_INTEGRITY if it was changed, moved to another request, or sealed with another key. */
NODISCARD enum status seal_open(const char *dir, struct span sealed, struct span bound_to, struct buf *out,
                                struct err *err);

#endif

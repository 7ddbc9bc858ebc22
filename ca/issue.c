/* SPDX-License-Identifier: Apache-2.0
 *
 * One certificate: serial number, validity inside the CA's own, the extensions that the
 * content asks for, the signature. Decides nothing about who gets it and stores nothing.
 */
#include "authority_private.h"
#include "certificate_build.h"
#include "clock.h"
#include "extension.h"

void issued_free(struct issued *issued)
{
    buf_free(&issued->der);
    *issued = (struct issued){0};
}

/* ---- what is the same in every certificate of a generation ---- */

enum status issuing_prepare(const struct authority *authority, const struct generation *generation,
                            struct issuing *out, struct err *err)
{
    AUTO(url_list) struct config_strings cdp = {0};
    AUTO(url_list) struct config_strings aia = {0};
    TRY(authority_cdp_urls(authority, generation, &cdp, err));
    TRY(authority_aia_urls(authority, generation, &aia, err));
    out->aki = BUF(CERTIFICATE_MAX_LEN);
    out->cdp = BUF(CERTIFICATE_MAX_LEN);
    out->aia = BUF(CERTIFICATE_MAX_LEN);
    extension_aki(&out->aki, buf_span(&generation->spki_key_id));
    extension_cdp(&out->cdp, &cdp);
    extension_aia(&out->aia, &aia, authority->config.ocsp);
    TRY(buf_status(&out->aki, "the authority key identifier", err));
    TRY(buf_status(&out->cdp, "the extension with authority.cdp", err));
    return buf_status(&out->aia, "the extension with authority.aia", err);
}

/* ---- extensions ---- */

static void put_places(const struct authority *authority, const struct issuing *issuing,
                       const struct content *content, struct buf *out)
{
    if (content->has_cdp)
        extension_cdp(out, &content->cdp);
    else
        buf_add(out, buf_span(&issuing->cdp));
    if (content->has_aia)
        extension_aia(out, &content->aia, authority->config.ocsp);
    else
        buf_add(out, buf_span(&issuing->aia));
}

static enum status put_template(const struct content *content, struct buf *out, struct err *err)
{
    if (!content->template_extension)
        return STATUS_OK;
    if (content->template_oid.len == 0)
        return extension_template_name(out, content->template_name, err);
    extension_template_info(out, buf_span(&content->template_oid), content->template_major,
                            content->template_minor);
    return STATUS_OK;
}

static enum status put_extensions(const struct authority *authority, const struct issuing *issuing,
                                  const struct content *content, const struct pubkey *key, struct buf *out,
                                  struct err *err)
{
    bool nameless = content->subject.count == 0;
    extension_key_usage(out, content->key_usage);
    extension_eku(out, content->eku, content->eku_count);
    if (content->application_policies)
        extension_application_policies(out, content->eku, content->eku_count);
    /* RFC 5280 section 4.1.2.6: an empty subject makes the alternative name critical */
    extension_san(out, &content->san, nameless);
    extension_ski(out, pubkey_key_id(key));
    buf_add(out, buf_span(&issuing->aki));
    extension_basic_constraints(out, false);
    put_places(authority, issuing, content, out);
    extension_policies(out, content->policies, content->policy_count);
    TRY(put_template(content, out, err));
    if (content->sid != NULL)
        extension_sid(out, content->sid);
    if (content->ocsp_nocheck)
        extension_ocsp_nocheck(out);
    return buf_status(out, "the certificate's extensions", err);
}

/* ---- the certificate ---- */

static enum status refuse_time(const struct certificate *issuer, int64_t now_s, struct err *err)
{
    char since[32], until[32], now[32];
    time_text(issuer->not_before_s, since);
    time_text(issuer->not_after_s, until);
    time_text(now_s, now);
    return ERR(
        err, STATUS_TIME,
        "the CA certificate is valid from %s to %s and the clock says %s: set the clock, or renew the CA",
        since, until, now);
}

/* Inside the issuer's validity. */
static enum status set_validity(const struct certificate *issuer, int64_t validity_s, int64_t now_s,
                                int64_t back_s, struct issued *out, struct err *err)
{
    if (now_s < issuer->not_before_s || now_s >= issuer->not_after_s)
        return refuse_time(issuer, now_s, err);
    int64_t before_s = now_s - back_s;
    int64_t after_s = now_s + validity_s;
    out->cut = after_s > issuer->not_after_s;
    out->not_before_s = before_s < issuer->not_before_s ? issuer->not_before_s : before_s;
    out->not_after_s = out->cut ? issuer->not_after_s : after_s;
    return STATUS_OK;
}

enum status issue_certificate(const struct authority *authority, const struct content *content,
                              const struct pubkey *key, int64_t now_s, int64_t back_s, struct issued *out,
                              struct err *err)
{
    const struct generation *generation = authority_current(authority);
    const struct issuing *issuing = &authority->issuing[authority->generation_count - 1];
    struct issued issued = {.key_index = generation->key_index};
    if (content->subject.count == 0 && content->san.count == 0)
        return ERR(
            err, STATUS_DENIED,
            "template %s gives neither a subject nor a subject alternative name: a certificate needs one",
            content->template_name);
    TRY(set_validity(generation->certificate, content->validity_s, now_s, back_s, &issued, err));
    TRY(serial_random(&issued.serial, err));
    AUTO(buf) struct buf extensions = BUF(CERTIFICATE_MAX_LEN);
    TRY(put_extensions(authority, issuing, content, key, &extensions, err));
    AUTO(buf) struct buf subject = BUF(CERTIFICATE_MAX_LEN);
    name_encode(&content->subject, &subject);
    TRY(buf_status(&subject, "the subject", err));
    struct certificate_parts parts = {
        .serial = &issued.serial,
        .issuer = generation->certificate->subject_der,
        .not_before_s = issued.not_before_s,
        .not_after_s = issued.not_after_s,
        .subject = buf_span(&subject),
        .spki = pubkey_spki(key),
        .extensions = buf_span(&extensions),
    };
    TRY(certificate_build(&parts, generation->key, &issued.der, err));
    issued_free(out);
    *out = issued;
    return STATUS_OK;
}

enum status authority_issue(const struct authority *authority, const struct content *content,
                            const struct pubkey *key, int64_t now_s, struct issued *out, struct err *err)
{
    return issue_certificate(authority, content, key, now_s, LEAF_BACK_S, out, err);
}

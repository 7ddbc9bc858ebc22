/* SPDX-License-Identifier: Apache-2.0
 *
 * Revoking, holding and releasing certificates: one change with its audit row. The CRL
 * that tells the world is crl_publish's affair, which notices the change in the store.
 */
#include "enroll_private.h"

#include "clock.h"
#include "text.h"

static enum status commit_with_audit(struct store *store, const struct change_op *op, const char *actor,
                                     const char *action, const char *detail, struct err *err)
{
    AUTO(heap) char *object = NULL;
    char serial[2 * SERIAL_MAX + 1];
    struct change change = {0};
    serial_text(&op->revoke.serial, serial);
    TRY(text_format(&object, err, "certificate %s", serial));
    struct audit_row audit = {
        .actor = borrowed(actor), .action = borrowed(action), .object = object, .detail = borrowed(detail)};
    change_add(&change, *op);
    change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
    return store_commit(store, &change, err);
}

enum status revoke_certificate(struct store *store, const struct serial *serial, enum crl_reason reason,
                               const char *actor, struct err *err)
{
    if (reason == REASON_NONE || reason == REASON_REMOVE_FROM_CRL)
        return ERR(err, STATUS_USAGE,
                   "a revocation needs a reason of RFC 5280 section 5.3.1 other than "
                   "removeFromCRL (unhold does that)");
    struct change_op op = {.kind = CHANGE_REVOKE,
                           .revoke = {.serial = *serial, .reason = reason, .revoked_s = clock_now()}};
    const char *action = reason == REASON_CERTIFICATE_HOLD ? "certificate.held" : "certificate.revoked";
    return commit_with_audit(store, &op, actor, action, crl_reason_name(reason), err);
}

enum status unhold_certificate(struct store *store, const struct serial *serial, const char *actor,
                               struct err *err)
{
    struct change_op op = {.kind = CHANGE_UNHOLD,
                           .revoke = {.serial = *serial, .reason = REASON_NONE, .revoked_s = clock_now()}};
    return commit_with_audit(store, &op, actor, "certificate.released", NULL, err);
}

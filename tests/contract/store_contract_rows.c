/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows and one-operation changes that the cases of the contract are made of.
 */
#include "store_contract.h"

struct serial some_serial(uint8_t key)
{
    return (struct serial){.octets = {0x7f, 0, key}, .len = 3};
}

struct request_row some_request(enum disposition disposition, uint8_t key)
{
    struct request_row row = {
        .created_s = NOW,
        .decided_s = disposition == DISPOSITION_PENDING ? 0 : NOW,
        .lapses_s = disposition == DISPOSITION_PENDING ? NOW + 1000 : 0,
        .disposition = disposition,
        .protocol = (char *)(uintptr_t) "scep",
        .profile = (char *)(uintptr_t) "default",
        .transaction_id = (char *)(uintptr_t) "T1",
        .key_fingerprint = {key},
        .retry_key = {key},
    };
    if (disposition == DISPOSITION_ISSUED)
        row.serial = some_serial(key);
    return row;
}

struct certificate_row some_certificate(uint8_t key)
{
    return (struct certificate_row){
        .created_s = NOW,
        .serial = some_serial(key),
        .template_name = (char *)(uintptr_t) "User",
        .template_version = 1,
        .subject = (char *)(uintptr_t) "CN=some,O=Example",
        .key_fingerprint = {key},
        .not_before_s = NOW - 300,
        .not_after_s = NOW + 1000,
    };
}

struct challenge_row some_challenge(uint8_t key, int64_t uses)
{
    return (struct challenge_row){
        .sha256 = {key},
        .profile = (char *)(uintptr_t) "default",
        .created_s = NOW,
        .expires_s = NOW + 1000,
        .uses = uses,
        .created_by = (char *)(uintptr_t) "local:root",
    };
}

static enum status commit_one(struct store *store, struct change_op op, struct err *err)
{
    struct change change = {0};
    change_add(&change, op);
    return store_commit(store, &change, err);
}

enum status add_request(struct store *store, const struct request_row *row, struct change *change,
                        struct err *err)
{
    *change = (struct change){0};
    change_add(change, (struct change_op){.kind = CHANGE_REQUEST_ADD,
                                          .request = {.row = row, .retry_since_s = NOW - 86400}});
    return store_commit(store, change, err);
}

enum status add_certificate(struct store *store, const struct certificate_row *row, struct err *err)
{
    return commit_one(store, (struct change_op){.kind = CHANGE_CERTIFICATE_ADD, .certificate = {row, false}},
                      err);
}

int64_t add_challenge(struct store *store, const struct challenge_row *row)
{
    struct change change = {0};
    change_add(&change, (struct change_op){.kind = CHANGE_CHALLENGE_ADD, .challenge = row});
    OK(store_commit(store, &change, &err));
    assert_true(change.challenge_id > 0);
    return change.challenge_id;
}

enum status use_challenge(struct store *store, int64_t id, int64_t now_s, struct err *err)
{
    return commit_one(store, (struct change_op){.kind = CHANGE_CHALLENGE_USE, .use = {id, now_s}}, err);
}

enum status revoke_one(struct store *store, uint8_t key, enum crl_reason reason, struct err *err)
{
    return commit_one(
        store, (struct change_op){.kind = CHANGE_REVOKE, .revoke = {some_serial(key), reason, NOW + key}},
        err);
}

enum status unhold_one(struct store *store, uint8_t key, struct err *err)
{
    return commit_one(store,
                      (struct change_op){.kind = CHANGE_UNHOLD, .revoke = {.serial = some_serial(key)}}, err);
}

enum status put_setting(struct store *store, const char *name, const char *value, struct err *err)
{
    return commit_one(
        store, (struct change_op){.kind = CHANGE_SETTING_PUT, .setting = {name, SPAN_STR(value)}}, err);
}

enum status add_audit(struct store *store, const char *action, struct err *err)
{
    struct audit_row row = {.actor = (char *)(uintptr_t) "system", .action = (char *)(uintptr_t)action};
    return commit_one(store, (struct change_op){.kind = CHANGE_AUDIT, .audit = &row}, err);
}

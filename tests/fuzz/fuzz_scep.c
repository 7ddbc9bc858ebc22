/* SPDX-License-Identifier: Apache-2.0
 *
 * A PKIMessage as the server reads it, for a profile that takes old algorithms and one that does not, with a
 * real authority. What is accepted OpenSSL reads too, and is what its type says.
 */
#include "fuzz.h"

#include "fuzz_authority.h"
#include "scep_message.h"

#include <openssl/cms.h>
#include <openssl/err.h>

/* Hostile contents go no further than the CSR's reader. */
static void read_content(const struct scep_message *message)
{
    struct err err = {0};
    AUTO(csr) struct csr *csr = NULL;
    struct der_reader inside;
    PROMISE(der_open_whole(buf_span(&message->content), DER_SEQUENCE, &inside, "content", &err) == STATUS_OK);
    if (message->type == SCEP_PKCS_REQ || message->type == SCEP_RENEWAL_REQ)
        (void)fuzz_ok(csr_decode(buf_span(&message->content), &csr, &err), &err);
}

static bool decode(struct span octets, const char *profile_name)
{
    struct err err = {0};
    const struct snapshot *snapshot = fuzz_snapshot();
    const struct profile *profile = snapshot_profile(snapshot, profile_name);
    AUTO(scep_message) struct scep_message message = {0};
    if (!fuzz_ok(scep_decode(octets, snapshot, profile, &message, &err), &err))
        return false;
    fuzz_accepted++;
    PROMISE(message.type != SCEP_NONE && message.transaction_id != NULL && message.transaction_id[0] != '\0');
    PROMISE(message.verified && message.signer != NULL);
    PROMISE(profile->allow_sha1 || message.digest != DIGEST_SHA1);
    PROMISE(profile->allow_des3 || message.cipher != CIPHER_DES3_CBC);
    read_content(&message);
    const unsigned char *at = octets.data;
    CMS_ContentInfo *theirs = d2i_CMS_ContentInfo(NULL, &at, (long)octets.len);
    PROMISE(theirs != NULL && at == octets.data + octets.len);
    CMS_ContentInfo_free(theirs);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool by_lab = decode(SPAN(data, size), "lab");
    bool by_strict = decode(SPAN(data, size), "strict");
    PROMISE(by_lab || !by_strict);
    ERR_clear_error();
    return 0;
}

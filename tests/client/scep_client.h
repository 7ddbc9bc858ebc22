/* SPDX-License-Identifier: Apache-2.0
 *
 * A SCEP client for tests, made of OpenSSL's own CMS and X.509 functions. It shares no code
 * with the server, so that a mistake of one is not hidden by the other. Aborts on failure.
 */
#ifndef SCEPTER_TESTS_SCEP_CLIENT_H
#define SCEPTER_TESTS_SCEP_CLIENT_H

#include <openssl/cms.h>
#include <openssl/x509.h>
#include <stdbool.h>

/* What the command line asks for; see usage() in scep_client.c. */
struct options {
    const char *url, *out, *save, *send;
    const char *key, *csr, *subject, *challenge, *recipient;
    const char *signer_cert, *signer_key;
    const char *sans[8];
    size_t san_count;
    const char *digest, *cipher, *transaction, *message_type;
    const char *password_recipient, *reply_password;
    const char *issuer_cert, *serial, *corrupt, *csr_out;
    bool get, indefinite, ski, signer_sha1;
};

/* Ends the program with OpenSSL's reason. */
void die(const char *what) __attribute__((noreturn));
#define NEED(what, expression)                                                                               \
    do {                                                                                                     \
        if (!(expression))                                                                                   \
            die(what);                                                                                       \
    } while (0)

/* Key, certificate and request that one message is made of. */
struct material {
    EVP_PKEY *key; /* of the CSR */
    X509_REQ *csr; /* NULL for polls and queries without one */
    X509 *signer;  /* self-signed, or an older certificate */
    EVP_PKEY *signer_key;
    STACK_OF(X509) * recipients;
};

/* NIDs of SCEP's attributes (RFC 8894 section 3.2.1), registered once. */
struct scep_nids {
    int message_type, pki_status, fail_info, fail_info_text, sender_nonce, recipient_nonce, transaction_id;
};
extern struct scep_nids nids;
void register_nids(void);

/* scep_request.c: the PKIMessage of those options, DER (or BER), the caller's. */
BIO *make_message(const struct options *options, struct material *material);
void load_material(const struct options *options, struct material *material);
void free_material(struct material *material);

/* scep_reply.c: prints pkiStatus, failInfo, failInfoText and checks the reply's signature and transactionID;
 * writes what was issued to options->out. Returns the pkiStatus, or -1. */
int read_reply(const struct options *options, const struct material *material, const unsigned char *octets,
               size_t len);

#endif

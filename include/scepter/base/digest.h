/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests and signature algorithms by their OIDs. Contexts are kept per thread.
 */
#ifndef SCEPTER_BASE_DIGEST_H
#define SCEPTER_BASE_DIGEST_H

#include "der.h"
#include "oid.h"

enum digest {
    DIGEST_SHA1, /* only to read, for key identifiers, and where a profile allows it */
    DIGEST_SHA256,
    DIGEST_SHA384,
    DIGEST_SHA512,
};
#define DIGEST_MAX_LEN 64
#define SHA256_LEN     32

/* 20, 32, 48, 64. */
size_t digest_len(enum digest digest);
/* "SHA-256" …, static. */
const char *digest_name(enum digest digest);
/* id-sha256 …, and from it. MD5 and unknown ones: STATUS_ALGORITHM, named. */
enum oid digest_oid(enum digest digest);
NODISCARD enum status digest_from_oid(struct span oid, enum digest *digest, struct err *err);

/* out holds digest_len octets. STATUS_INTERNAL if OpenSSL fails. Thread-safe. */
NODISCARD enum status digest_compute(enum digest digest, struct span octets, uint8_t *out, struct err *err);
/* Several pieces, one digest. */
NODISCARD enum status digest_compute_parts(enum digest digest, const struct span *parts, size_t count,
                                           uint8_t *out, struct err *err);
/* SHA-256 that cannot fail softly: it ends the process if OpenSSL has none or memory runs out at a thread's
 * first use. For hashes of things already in memory; on the path of a request prefer digest_compute. */
void sha256(struct span octets, uint8_t out[SHA256_LEN]);

/* A digest over a stream: a failure of add is reported by end, which gives the digest once. */
struct digest_stream; /* opaque */
NODISCARD enum status digest_stream_new(enum digest digest, struct digest_stream **out, struct err *err);
void digest_stream_add(struct digest_stream *stream, struct span octets);
NODISCARD enum status digest_stream_end(struct digest_stream *stream, uint8_t *out, struct err *err);
void digest_stream_free(struct digest_stream *stream);
AUTO_POINTER(digest_stream, struct digest_stream, digest_stream_free)

#endif

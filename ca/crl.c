/* SPDX-License-Identifier: Apache-2.0
 *
 * A CRL (RFC 5280 section 5) of any length in constant memory. DER wants each length
 * before its contents, so a first pass over the entries only sums their lengths, and so
 * the length of the signature must be known before there is one: see sign().
 */
#include "crl.h"

#include "certificate_build.h"
#include "extension.h"

#define PENDING_MAX   (128u << 10) /* octets gathered before they are written */
#define PENDING_FULL  (64u << 10)
#define ENTRY_MAX     256
#define HEAD_MAX      (64u << 10)
#define SIGN_ATTEMPTS 128

/* Where the octets go: file, digest of the TBSCertList, digest of the whole. */
struct output {
    FILE *file;
    struct buf pending;
    struct digest_stream *tbs; /* NULL while what is written is not part of it */
    struct digest_stream *whole;
    int64_t size;
};

/* Writes what has been gathered. */
static enum status output_flush(struct output *output, struct err *err)
{
    TRY(buf_status(&output->pending, "a part of the CRL", err));
    struct span octets = buf_span(&output->pending);
    if (octets.len == 0)
        return STATUS_OK;
    if (output->tbs != NULL)
        digest_stream_add(output->tbs, octets);
    digest_stream_add(output->whole, octets);
    if (fwrite(octets.data, 1, octets.len, output->file) != octets.len)
        return ERR(err, STATUS_IO, "cannot write the CRL: %m");
    output->size += (int64_t)octets.len;
    buf_clear(&output->pending);
    return STATUS_OK;
}

/* ---- lengths ---- */

/* Tag and length of a TLV whose contents follow elsewhere. */
static void put_header(struct buf *out, uint8_t tag, size_t len)
{
    uint8_t octets[1 + sizeof len];
    size_t at = sizeof octets;
    buf_add_octet(out, tag);
    if (len < 0x80) {
        buf_add_octet(out, (uint8_t)len);
        return;
    }
    for (; len != 0; len >>= 8)
        octets[--at] = (uint8_t)len;
    size_t count = sizeof octets - at;
    octets[--at] = (uint8_t)(0x80 | count);
    buf_add(out, SPAN(octets + at, sizeof octets - at));
}

/* Octets of a whole TLV with contents of that length. */
static size_t tlv_len(size_t len)
{
    size_t header = 2;
    for (size_t rest = len; len >= 0x80 && rest != 0; rest >>= 8)
        header++;
    return header + len;
}

/* ---- entries ---- */

/* SEQUENCE { userCertificate, revocationDate, crlEntryExtensions OPTIONAL }; section 5.3.1: no reason code
 * rather than unspecified */
static void put_entry(struct buf *out, const struct revoked_entry *entry)
{
    size_t sequence = der_open(out, DER_SEQUENCE);
    der_put_unsigned(out, serial_span(&entry->serial));
    der_put_time(out, entry->revoked_s);
    if (entry->reason > REASON_UNSPECIFIED) {
        uint8_t code = (uint8_t)entry->reason;
        size_t extensions = der_open(out, DER_SEQUENCE);
        struct extension_mark reason = extension_open(out, OID_CRL_REASON, false);
        der_put(out, DER_ENUMERATED, SPAN(&code, 1));
        extension_close(out, reason);
        der_close(out, extensions);
    }
    der_close(out, sequence);
}

static enum status sum_entries(struct revoked_walk *walk, size_t *len, int64_t *count, struct err *err)
{
    AUTO(buf) struct buf one = BUF(ENTRY_MAX);
    *len = 0;
    *count = 0;
    for (;;) {
        struct revoked_entry entry;
        bool found = false;
        TRY(store_revoked_next(walk, &entry, &found, err));
        if (!found)
            return STATUS_OK;
        put_entry(&one, &entry);
        TRY(buf_status(&one, "an entry of the CRL", err));
        *len += one.len;
        ++*count;
        buf_clear(&one);
    }
}

static enum status write_entries(struct revoked_walk *walk, struct output *output, struct err *err)
{
    for (;;) {
        struct revoked_entry entry;
        bool found = false;
        TRY(store_revoked_next(walk, &entry, &found, err));
        if (!found)
            return STATUS_OK;
        put_entry(&output->pending, &entry);
        if (output->pending.len >= PENDING_FULL)
            TRY(output_flush(output, err));
    }
}

/* ---- what stands before and behind the entries ---- */

/* version v2, signature, issuer, thisUpdate, nextUpdate */
static void put_head(struct buf *out, const struct crl_parameters *parameters)
{
    const struct pubkey *key = key_public(parameters->generation->key);
    der_put_uint(out, 1);
    sigalg_encode(out, pubkey_type(key), signing_digest(key));
    buf_add(out, parameters->generation->certificate->subject_der);
    der_put_time(out, parameters->this_update_s);
    der_put_time(out, parameters->next_update_s);
}

/* crlExtensions [0] */
static void put_tail(struct buf *out, const struct crl_parameters *parameters)
{
    const struct generation *generation = parameters->generation;
    size_t explicit = der_open(out, DER_CONTEXT_CONSTRUCTED(0));
    size_t extensions = der_open(out, DER_SEQUENCE);
    extension_aki(out, buf_span(&generation->spki_key_id));
    extension_crl_number(out, parameters->number);
    extension_ca_version(out, generation->key_index, generation->certificate_index);
    extension_next_publish(out, parameters->next_publish_s);
    der_close(out, extensions);
    der_close(out, explicit);
}

/* ---- the signature ---- */

/* RSA: the modulus' length. ECDSA: two INTEGERs, of which one needs a sign octet in half of all signatures.
 */
static size_t signature_len(const struct pubkey *key)
{
    size_t octets = (pubkey_bits(key) + 7) / 8;
    return pubkey_type(key) == KEY_RSA ? octets : 2 * octets + 7;
}

/* A signature of the length that was announced: an ECDSA key signs until it comes out so. */
static enum status sign(const struct key *key, struct span digest, struct buf *out, struct err *err)
{
    const struct pubkey *public = key_public(key);
    for (int i = 0; i < SIGN_ATTEMPTS; i++) {
        buf_clear(out);
        TRY(key_sign_digest(key, signing_digest(public), digest, out, err));
        if (out->len == signature_len(public))
            return STATUS_OK;
    }
    return ERR(err, STATUS_INTERNAL, "the key %s does not give signatures of %zu octets", pubkey_text(public),
               signature_len(public));
}

/* signatureAlgorithm, signatureValue */
static enum status put_signature(struct buf *out, const struct key *key, struct span digest, struct err *err)
{
    const struct pubkey *public = key_public(key);
    AUTO(buf) struct buf signature = BUF(2048);
    TRY(sign(key, digest, &signature, err));
    sigalg_encode(out, pubkey_type(public), signing_digest(public));
    der_put_bits(out, buf_span(&signature));
    return STATUS_OK;
}

/* ---- the whole ---- */

/* The parts of a CRL around its entries, and their lengths. */
struct layout {
    struct buf head;
    struct buf tail;
    size_t entries_len;
    int64_t entries;
};

static void layout_free(struct layout *layout)
{
    buf_free(&layout->head);
    buf_free(&layout->tail);
}
AUTO_VALUE(layout, struct layout, layout_free)

/* Contents of the TBSCertList. Section 5.1.2.6: without entries there is no revokedCertificates. */
static size_t tbs_len(const struct layout *layout)
{
    size_t list = layout->entries > 0 ? tlv_len(layout->entries_len) : 0;
    return layout->head.len + list + layout->tail.len;
}

static enum status write_tbs(const struct layout *layout, struct revoked_walk *walk, struct output *output,
                             struct err *err)
{
    put_header(&output->pending, DER_SEQUENCE, tbs_len(layout));
    buf_add(&output->pending, buf_span(&layout->head));
    if (layout->entries > 0)
        put_header(&output->pending, DER_SEQUENCE, layout->entries_len);
    TRY(write_entries(walk, output, err));
    buf_add(&output->pending, buf_span(&layout->tail));
    return output_flush(output, err);
}

static enum status write_all(const struct key *key, const struct layout *layout, struct revoked_walk *walk,
                             struct output *output, struct err *err)
{
    const struct pubkey *public = key_public(key);
    AUTO(buf) struct buf algorithm = BUF(256);
    sigalg_encode(&algorithm, pubkey_type(public), signing_digest(public));
    TRY(buf_status(&algorithm, "the signature algorithm", err));
    size_t whole = tlv_len(tbs_len(layout)) + algorithm.len + tlv_len(1 + signature_len(public));
    put_header(&output->pending, DER_SEQUENCE, whole);
    TRY(output_flush(output, err));

    AUTO(digest_stream) struct digest_stream *tbs = NULL;
    uint8_t digest[DIGEST_MAX_LEN];
    TRY(digest_stream_new(signing_digest(public), &tbs, err));
    output->tbs = tbs;
    TRY(write_tbs(layout, walk, output, err));
    output->tbs = NULL;
    TRY(digest_stream_end(tbs, digest, err));

    TRY(put_signature(&output->pending, key, SPAN(digest, digest_len(signing_digest(public))), err));
    TRY(output_flush(output, err));
    if (output->size != (int64_t)tlv_len(whole))
        return ERR(err, STATUS_INTERNAL, "the CRL has %lld octets instead of %zu", (long long)output->size,
                   tlv_len(whole));
    return STATUS_OK;
}

static void output_close(struct output *output)
{
    buf_free(&output->pending);
    digest_stream_free(output->whole);
}
AUTO_VALUE(output, struct output, output_close)

enum status crl_write(const struct crl_parameters *parameters, struct revoked_walk *walk, FILE *file,
                      struct crl_written *out, struct err *err)
{
    AUTO(layout) struct layout layout = {.head = BUF(HEAD_MAX), .tail = BUF(HEAD_MAX)};
    put_head(&layout.head, parameters);
    put_tail(&layout.tail, parameters);
    TRY(buf_status(&layout.head, "the head of the CRL", err));
    TRY(buf_status(&layout.tail, "the tail of the CRL", err));
    TRY(store_revoked_rewind(walk, err));
    TRY(sum_entries(walk, &layout.entries_len, &layout.entries, err));
    TRY(store_revoked_rewind(walk, err));

    AUTO(output) struct output output = {.file = file, .pending = BUF(PENDING_MAX)};
    struct crl_written written = {.entries = layout.entries};
    TRY(digest_stream_new(DIGEST_SHA256, &output.whole, err));
    TRY(write_all(parameters->generation->key, &layout, walk, &output, err));
    TRY(digest_stream_end(output.whole, written.sha256, err));
    written.size = output.size;
    *out = written;
    return STATUS_OK;
}

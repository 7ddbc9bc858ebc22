/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical octets of an audit row and their hash: what every backend must
 * compute alike. It does not store anything.
 */
#include "store_backend.h"

static void add_number(struct digest_stream *stream, uint64_t number)
{
    uint8_t octets[8];
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(number >> (56 - 8 * i));
    digest_stream_add(stream, SPAN(octets, sizeof octets));
}

/* NULL differs from the empty text: a text's length is written plus one. */
static void add_text(struct digest_stream *stream, const char *text)
{
    add_number(stream, text != NULL ? strlen(text) + 1 : 0);
    digest_stream_add(stream, SPAN_STR(text));
}

enum status audit_hash(const uint8_t previous[SHA256_LEN], const struct audit_row *row,
                       uint8_t out[SHA256_LEN], struct err *err)
{
    AUTO(digest_stream) struct digest_stream *stream = NULL;
    TRY(digest_stream_new(DIGEST_SHA256, &stream, err));
    digest_stream_add(stream, SPAN(previous, SHA256_LEN));
    add_number(stream, (uint64_t)row->id);
    add_number(stream, (uint64_t)row->time_s);
    add_text(stream, row->actor);
    add_text(stream, row->action);
    add_text(stream, row->object);
    add_text(stream, row->detail);
    return digest_stream_end(stream, out, err);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Distinguished names as DER and as RFC 4514 text, general names as DER: what we read, OpenSSL reads, and
 * what we write, we read again as the same.
 */
#include "fuzz.h"

#include "name.h"
#include "text.h"
#include <openssl/x509v3.h>

#include <openssl/err.h>

#define OCTETS_MAX ((size_t)1 << 20)

static void hold_canonical(const struct name *a, const struct name *b)
{
    AUTO(buf) struct buf of_a = BUF(OCTETS_MAX);
    AUTO(buf) struct buf of_b = BUF(OCTETS_MAX);
    name_canonical(a, &of_a);
    name_canonical(b, &of_b);
    PROMISE(name_equal(a, b) == span_equal(buf_span(&of_a), buf_span(&of_b)));
}

/* Written as DER and read again it is the same name. */
static void through_der(const struct name *name)
{
    struct err err = {0};
    AUTO(buf) struct buf der = BUF(OCTETS_MAX);
    AUTO(name) struct name again = {0};
    name_encode(name, &der);
    PROMISE(der.failed == STATUS_OK);
    PROMISE(name_decode(buf_span(&der), &again, &err) == STATUS_OK);
    PROMISE(name_equal(name, &again));
    hold_canonical(name, &again);
}

/* And so as text, whose every octet is printable. */
static void through_text(const struct name *name)
{
    struct err err = {0};
    AUTO(heap) char *text = NULL;
    AUTO(name) struct name again = {0};
    PROMISE(name_text_copy(name, &text, &err) == STATUS_OK);
    PROMISE(utf8_printable(SPAN_STR(text)));
    PROMISE(name_parse(text, &again, &err) == STATUS_OK);
    PROMISE(name_equal(name, &again));
    hold_canonical(name, &again);
}

static void read_der(struct span octets)
{
    struct err err = {0};
    AUTO(name) struct name name = {0};
    if (!fuzz_ok(name_decode(octets, &name, &err), &err))
        return;
    fuzz_accepted++;
    const unsigned char *at = octets.data;
    X509_NAME *theirs = d2i_X509_NAME(NULL, &at, (long)octets.len);
    PROMISE(theirs != NULL && at == octets.data + octets.len);
    PROMISE((size_t)X509_NAME_entry_count(theirs) == name.count);
    X509_NAME_free(theirs);
    through_der(&name);
    through_text(&name);
}

static void read_text(struct span octets)
{
    struct err err = {0};
    AUTO(heap) char *text = fuzz_text(octets.data, octets.len);
    AUTO(name) struct name name = {0};
    if (!fuzz_ok(name_parse(text, &name, &err), &err))
        return;
    fuzz_accepted += name.count > 0;
    through_der(&name);
    through_text(&name);
}

static void read_general_names(struct span octets)
{
    struct err err = {0};
    AUTO(general_names) struct general_names names = {0};
    AUTO(general_names) struct general_names again = {0};
    AUTO(buf) struct buf der = BUF(OCTETS_MAX);
    if (!fuzz_ok(general_names_decode(octets, &names, &err), &err))
        return;
    fuzz_accepted++;
    const unsigned char *at = octets.data;
    GENERAL_NAMES *theirs = d2i_GENERAL_NAMES(NULL, &at, (long)octets.len);
    if (theirs != NULL)
        PROMISE(at == octets.data + octets.len && (size_t)sk_GENERAL_NAME_num(theirs) == names.count);
    else
        PROMISE(fuzz_has_other(&names));
    GENERAL_NAMES_free(theirs);
    if (names.count == 0 || fuzz_has_other(&names))
        return;
    general_names_encode(&names, &der);
    PROMISE(general_names_decode(buf_span(&der), &again, &err) == STATUS_OK);
    PROMISE(general_names_equal(&names, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span octets = SPAN(data, size);
    read_der(octets);
    read_text(octets);
    read_general_names(octets);
    ERR_clear_error();
    return 0;
}

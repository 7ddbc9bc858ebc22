/* SPDX-License-Identifier: Apache-2.0
 *
 * Known OIDs, found by octets or by name, and OIDs as dotted text. The table itself is oid_table.h.
 * oid_find is a switch that the compiler makes from the table: no state, no start-up, no probing.
 */
#include "oid.h"

#include "der.h"
#include "oid_table.h"
#include "text.h"

#define OID_MAX_OCTETS 64
/* No known OID is longer; a longer one in the table does not compile. */
#define KNOWN_MAX_OCTETS 11

struct known {
    struct span octets;
    const char *name;
    const char *dotted;
};

#define KNOWN_ROW(oid, name_, dotted_, ...)                                                                  \
    [oid] = {                                                                                                \
        .octets = {(const uint8_t[]){__VA_ARGS__}, sizeof(uint8_t[]){__VA_ARGS__}},                          \
        .name = (name_),                                                                                     \
        .dotted = (dotted_),                                                                                 \
    },
static const struct known known[OID_COUNT_] = {OID_TABLE(KNOWN_ROW)};

#define ONE_ROW(oid, name, dotted, ...) char row_##oid;
struct one_octet_per_row {
    OID_TABLE(ONE_ROW)
};
_Static_assert(sizeof(struct one_octet_per_row) == OID_COUNT_ - 1,
               "each enum oid has one row in oid_table.h");

/* A number for the octets of an OID, filled up with 0xff, with which none ends. The compiler refuses two
 * rows with the same number. */
#define MIX(sum, octet) ((uint64_t)(sum)*257 + (octet))
#define KEY_OF(a, b, c, d, e, f, g, h, i, j, k, end)                                                         \
    MIX(MIX(MIX(MIX(MIX(MIX(MIX(MIX(MIX(MIX(a, b), c), d), e), f), g), h), i), j), k)
#define KEY_FILLED(a, b, c, d, e, f, g, h, i, j, k, end, ...) KEY_OF(a, b, c, d, e, f, g, h, i, j, k, end)
#define KEY(...)                                              KEY_FILLED(__VA_ARGS__, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)

static uint64_t key_of(struct span octets)
{
    uint64_t key = 0;
    for (size_t i = 0; i < KNOWN_MAX_OCTETS; i++)
        key = MIX(key, i < octets.len ? octets.data[i] : 0xff);
    return key;
}

static enum oid candidate(uint64_t key)
{
    switch (key) {
#define CASE_ROW(oid, name, dotted, ...)                                                                     \
    case KEY(__VA_ARGS__):                                                                                   \
        return oid;
        OID_TABLE(CASE_ROW)
    default:
        return OID_UNKNOWN;
    }
}

static bool is_known(enum oid oid)
{
    return oid > OID_UNKNOWN && oid < OID_COUNT_;
}

struct span oid_octets(enum oid oid)
{
    return is_known(oid) ? known[oid].octets : SPAN_NONE;
}

enum oid oid_find(struct span octets)
{
    if (octets.len == 0 || octets.len > KNOWN_MAX_OCTETS)
        return OID_UNKNOWN;
    enum oid oid = candidate(key_of(octets));
    return span_equal(known[oid].octets, octets) ? oid : OID_UNKNOWN;
}

const char *oid_name(enum oid oid)
{
    return is_known(oid) ? known[oid].name : NULL;
}

/* Other names that are read, never written: the long ones of RFC 4519, and Microsoft's and OpenSSL's. */
static const struct {
    const char *name;
    enum oid oid;
} aliases[] = {
    {"commonName", OID_CN},
    {"surname", OID_SURNAME},
    {"countryName", OID_C},
    {"localityName", OID_L},
    {"stateOrProvinceName", OID_ST},
    {"S", OID_ST},
    {"streetAddress", OID_STREET},
    {"organizationName", OID_O},
    {"organizationalUnitName", OID_OU},
    {"T", OID_TITLE},
    {"G", OID_GIVEN_NAME},
    {"GN", OID_GIVEN_NAME},
    {"I", OID_INITIALS},
    {"userId", OID_UID},
    {"domainComponent", OID_DC},
    {"E", OID_EMAIL},
    {"EMAIL", OID_EMAIL},
    {"msUPN", OID_MS_UPN},
    {"msSmartcardLogin", OID_EKU_SMARTCARD_LOGON},
};

enum oid oid_by_name(const char *name)
{
    for (enum oid oid = OID_UNKNOWN + 1; oid < OID_COUNT_; oid++)
        if (text_equal_nocase(known[oid].name, name))
            return oid;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (text_equal_nocase(aliases[i].name, name))
            return aliases[i].oid;
    return OID_UNKNOWN;
}

/* An arc of any size in limbs of nine decimal digits, the lowest first: 64 octets carry 448 bits, which are
 * 135 digits. */
#define LIMB      1000000000u
#define LIMBS_MAX 15

struct decimal {
    uint32_t limbs[LIMBS_MAX];
    size_t used;
};

static void decimal_push(struct decimal *arc, uint8_t bits)
{
    uint64_t carry = bits;
    for (size_t i = 0; i < arc->used || carry != 0; i++) {
        uint64_t limb = (i < arc->used ? (uint64_t)arc->limbs[i] : 0) * 128 + carry;
        arc->limbs[i] = (uint32_t)(limb % LIMB);
        carry = limb / LIMB;
        if (i == arc->used)
            arc->used++;
    }
}

static void decimal_subtract(struct decimal *arc, uint32_t value)
{
    for (size_t i = 0; value != 0; i++) {
        bool borrows = arc->limbs[i] < value;
        arc->limbs[i] += (borrows ? LIMB : 0) - value;
        value = borrows;
    }
    while (arc->used > 0 && arc->limbs[arc->used - 1] == 0)
        arc->used--;
}

static void decimal_text(struct buf *out, const struct decimal *arc)
{
    buf_printf(out, "%u", arc->used > 0 ? arc->limbs[arc->used - 1] : 0);
    for (size_t i = arc->used; i > 1; i--)
        buf_printf(out, "%09u", arc->limbs[i - 2]);
}

/* The first number is 40 times the first arc plus the second, which is below 40 unless the first is 2. */
static void first_arcs_text(struct buf *out, struct decimal *both)
{
    bool big = both->used > 1 || (both->used == 1 && both->limbs[0] >= 80);
    uint32_t root = big ? 2 : (both->used == 1 ? both->limbs[0] / 40 : 0);
    decimal_subtract(both, root * 40);
    buf_printf(out, "%u.", root);
    decimal_text(out, both);
}

void oid_text(struct buf *out, struct span octets)
{
    enum oid oid = oid_find(octets);
    if (oid != OID_UNKNOWN) {
        buf_add_text(out, known[oid].dotted);
        return;
    }
    if (octets.len == 0 || octets.len > OID_MAX_OCTETS || octets.data[octets.len - 1] >= 0x80) {
        buf_add_text(out, "malformed OID");
        return;
    }
    struct decimal arc = {.used = 0};
    bool first = true;
    for (size_t i = 0; i < octets.len; i++) {
        decimal_push(&arc, octets.data[i] & 0x7f);
        if (octets.data[i] >= 0x80)
            continue;
        if (first) {
            first_arcs_text(out, &arc);
        } else {
            buf_add_octet(out, '.');
            decimal_text(out, &arc);
        }
        first = false;
        arc = (struct decimal){.used = 0};
    }
}

/* An arc of any size in groups of seven bits, the lowest first. */
struct base128 {
    uint8_t groups[OID_MAX_OCTETS];
    size_t used;
};

/* arc = arc * factor + value; false if it gets too large. */
static bool base128_add(struct base128 *arc, unsigned factor, unsigned value)
{
    unsigned carry = value;
    for (size_t i = 0; i < arc->used || carry != 0; i++) {
        if (i == sizeof arc->groups)
            return false;
        if (i == arc->used)
            arc->groups[arc->used++] = 0;
        carry += arc->groups[i] * factor;
        arc->groups[i] = carry & 0x7f;
        carry >>= 7;
    }
    return true;
}

/* The decimal number at *text, without leading zeros; *text moves behind it. */
static bool parse_arc(const char **text, struct base128 *arc)
{
    const char *start = *text;
    *arc = (struct base128){.used = 0};
    for (; **text >= '0' && **text <= '9'; ++*text)
        if (!base128_add(arc, 10, (unsigned)(**text - '0')))
            return false;
    return *text > start && (*start != '0' || *text == start + 1);
}

static void add_arc(struct buf *octets, const struct base128 *arc)
{
    for (size_t i = arc->used; i > 1; i--)
        buf_add_octet(octets, arc->groups[i - 1] | 0x80);
    buf_add_octet(octets, arc->used > 0 ? arc->groups[0] : 0);
}

/* The first two arcs as one number. */
static bool parse_first_arcs(const char **text, struct base128 *both)
{
    const char *root = *text;
    if (root[0] < '0' || root[0] > '2' || root[1] != '.')
        return false;
    *text += 2;
    if (!parse_arc(text, both))
        return false;
    if (root[0] != '2' && (both->used > 1 || (both->used == 1 && both->groups[0] > 39)))
        return false;
    return base128_add(both, 1, 40 * (unsigned)(root[0] - '0'));
}

static bool parse_dotted(const char *text, struct buf *octets)
{
    struct base128 arc;
    if (!parse_first_arcs(&text, &arc))
        return false;
    add_arc(octets, &arc);
    while (*text == '.') {
        text++;
        if (!parse_arc(&text, &arc) || octets->len + arc.used > OID_MAX_OCTETS)
            return false;
        add_arc(octets, &arc);
    }
    return *text == '\0' && octets->len <= OID_MAX_OCTETS;
}

enum status oid_parse(const char *text, struct buf *octets, struct err *err)
{
    enum oid oid = oid_by_name(text);
    if (oid != OID_UNKNOWN) {
        buf_add(octets, known[oid].octets);
        return buf_status(octets, "OID", err);
    }
    AUTO(buf) struct buf parsed = BUF(OID_MAX_OCTETS + 1);
    if (!parse_dotted(text, &parsed)) {
        TRY(parsed.failed == STATUS_NOMEM ? buf_status(&parsed, "OID", err) : STATUS_OK);
        return ERR(err, STATUS_MALFORMED,
                   "\"%.80s\" is neither a known OID name (such as clientAuth) nor dotted numbers (such as "
                   "1.3.6.1.5.5.7.3.2) of at most %d octets",
                   text, OID_MAX_OCTETS);
    }
    TRY(buf_status(&parsed, "OID", err));
    buf_add(octets, buf_span(&parsed));
    return buf_status(octets, "OID", err);
}

void der_put_oid(struct buf *out, enum oid oid)
{
    der_put(out, DER_OID, oid_octets(oid));
}

void der_put_algorithm(struct buf *out, enum oid oid, bool null)
{
    size_t sequence = der_open(out, DER_SEQUENCE);
    der_put_oid(out, oid);
    if (null)
        der_put_null(out);
    der_close(out, sequence);
}

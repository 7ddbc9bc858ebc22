/* SPDX-License-Identifier: Apache-2.0
 *
 * Distinguished names and general names: as structs, as DER, as text.
 *
 * A struct name holds its attributes in DER order (the root of the name first);
 * RFC 4514 text lists them the other way round. It does not know which names a
 * certificate may carry: that is for templates/.
 */
#ifndef SCEPTER_BASE_NAME_H
#define SCEPTER_BASE_NAME_H

#include "oid.h"

#define NAME_AVA_MAX   32   /* attributes in one name, at most */
#define NAME_TYPE_MAX  64   /* content octets of an attribute type, at most */
#define NAME_VALUE_MAX 4096 /* octets of one value as UTF-8, at most */

/* One AttributeTypeAndValue. */
struct name_ava {
    struct buf type;    /* content octets of the OID */
    char *value;        /* UTF-8 without NUL, owned */
    uint8_t string_tag; /* the DER string type it came with; 0 = choose by attribute when encoding */
    bool with_previous; /* belongs to the same RDN as the attribute before it (multi-valued RDN) */
};

/* Zero-initialised it is the empty name. */
struct name {
    struct name_ava *avas;
    size_t count;
};

/* Frees what it holds; empty afterwards. */
void name_free(struct name *name);
AUTO_VALUE(name, struct name, name_free)

/* Appends an attribute; type and value are copied. STATUS_MALFORMED if the value is not UTF-8, STATUS_LIMIT
 * above NAME_AVA_MAX and NAME_VALUE_MAX, STATUS_NOMEM. */
NODISCARD enum status name_add(struct name *name, struct span type, const char *value, uint8_t string_tag,
                               bool with_previous, struct err *err);
/* A deep copy into *out (freed first). STATUS_NOMEM. */
NODISCARD enum status name_copy(const struct name *name, struct name *out, struct err *err);

/* Name ::= SEQUENCE OF RDN (RFC 5280 section 4.1.2.4), one whole TLV; values are character strings.
 * STATUS_MALFORMED, STATUS_LIMIT, STATUS_NOMEM. */
NODISCARD enum status name_decode(struct span der, struct name *out, struct err *err);
/* Order and string types kept; where string_tag is 0: PrintableString for C, serialNumber and dnQualifier,
 * IA5String for DC and emailAddress, UTF8String for the rest and for values that the type cannot hold. RDNs
 * are sorted as DER asks. */
void name_encode(const struct name *name, struct buf *out);

/* RFC 4514 text, most specific first: "CN=a\, b,OU=x+UID=y,DC=example". Types without a short name as dotted
 * OID with the value's DER in hex ("1.2.3=#0c0161"), as section 2.4 asks; control characters as hex pairs. */
void name_text(const struct name *name, struct buf *out);
/* The same as a new string, the caller's. STATUS_NOMEM. */
NODISCARD enum status name_text_copy(const struct name *name, char **out, struct err *err);
/* Reads RFC 4514 text (also ", " after separators, and ';'): short names of any case, dotted OIDs, \-escapes,
 * #hex values. Braces are ordinary characters. "" is the empty name. STATUS_MALFORMED names the place;
 * STATUS_LIMIT, STATUS_NOMEM. */
NODISCARD enum status name_parse(const char *text, struct name *out, struct err *err);

/* RFC 5280 section 7.1: same RDNs in the same order; values compared without regard to case (Latin, Greek,
 * Cyrillic), string type and runs of blanks; attributes of one RDN in any order. */
bool name_equal(const struct name *a, const struct name *b);
/* Two attribute values by the same rule. */
bool name_value_equal(const char *a, const char *b);
/* A canonical form appended to out, such that names are equal by name_equal if and only if the forms are. */
void name_canonical(const struct name *name, struct buf *out);

/* ---- general names (RFC 5280 section 4.2.1.6) ---- */

enum san_type {
    SAN_UPN,     /* otherName 1.3.6.1.4.1.311.20.2.3, UTF8String */
    SAN_EMAIL,   /* rfc822Name */
    SAN_DNS,     /* dNSName */
    SAN_IP,      /* iPAddress */
    SAN_URI,     /* uniformResourceIdentifier */
    SAN_SID_URI, /* the URI tag:microsoft.com,2022-09-14:sid:<SID>; its text is the SID alone */
    SAN_OTHER, /* anything else: text describes it ("directoryName", "otherName 1.2.3"); cannot be written */
};

struct general_name {
    enum san_type type;
    char *text; /* UTF-8, owned: user@REALM, a@b, host, 192.0.2.1 or 2001:db8::1, a URI, S-1-5-… */
};

#define GENERAL_NAMES_MAX     64
#define GENERAL_NAME_TEXT_MAX 1024 /* octets of one name's text, at most */

/* Zero-initialised it is the empty list. */
struct general_names {
    struct general_name *items;
    size_t count;
};

void general_names_free(struct general_names *names);
AUTO_VALUE(general_names, struct general_names, general_names_free)

/* "upn", "email", "dns", "ip", "uri", "sid-uri", "other"; static. */
const char *san_type_name(enum san_type type);
/* The type of that word; false if none (never SAN_OTHER). */
bool san_type_by_name(const char *word, enum san_type *type);

/* Appends a name; the text is copied, checked and put into its usual form (IP addresses; nothing else is
 * changed). STATUS_MALFORMED says what is wrong with the value: dns labels (a leading "*." is fine, letters,
 * digits, '-', '_'), one '@' with something on both sides for email and upn, an absolute URI (but none that
 * carries a SID: that is SAN_SID_URI), an IP address, a SID. STATUS_LIMIT above GENERAL_NAMES_MAX or
 * GENERAL_NAME_TEXT_MAX. type is not SAN_OTHER (asserted). */
NODISCARD enum status general_names_add(struct general_names *names, enum san_type type, const char *text,
                                        struct err *err);
/* GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName, one whole TLV. Names of kinds that we do not write
 * come as SAN_OTHER; malformed or NUL-carrying values are STATUS_MALFORMED. */
NODISCARD enum status general_names_decode(struct span der, struct general_names *out, struct err *err);
/* Writes GeneralNames; the list must not be empty nor hold SAN_OTHER (asserted). */
void general_names_encode(const struct general_names *names, struct buf *out);
/* Same names in any order, text compared exactly (dns and the part of email behind @ without case). */
bool general_names_equal(const struct general_names *a, const struct general_names *b);
/* "upn=alice@LAB.TEST, dns=x": for people and logs. */
void general_names_text(const struct general_names *names, struct buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Lookup values and the sources that know them, in their order: values bound to the
 * challenge (or given by an officer), the account, the device registry, LDAP.
 * The first source that knows a value gives it; a template never sees which one did.
 */
#ifndef SCEPTER_TEMPLATES_LOOKUP_H
#define SCEPTER_TEMPLATES_LOOKUP_H

#include "store.h"
#include "values.h"

/* A place that may know more about a person or device. */
struct lookup_source {
    const char *name; /* "device registry", "directory": for error texts; static */
    /* Adds to *found what this source knows of the subject that `known` describes (by {DeviceUid},
     * {EnrollmentUser} …). Knowing nothing is STATUS_OK with *found left empty. Anything else (it does
     * not answer) ends the request: never issued with blanks. Thread-safe. */
    enum status (*find)(const struct lookup_source *source, const struct values *known, struct values *found,
                        struct err *err);
    void *state;
};

/* Names of sources with a meaning of their own. */
#define LOOKUP_OLD_CERTIFICATE                                                                               \
    "old certificate"            /* its values may be older than the truth: see lookup_bind                  \
                                  */
#define LOOKUP_REQUEST "request" /* claims, as lookup_get names their source */

/* Where the values of one request come from. Lives as long as the request; not shared between threads. */
struct lookup; /* opaque */

/* sources: borrowed array in order (may be empty), asked once each, when first needed. */
NODISCARD enum status lookup_new(const struct lookup_source *const *sources, size_t count,
                                 struct lookup **out, struct err *err);
void lookup_free(struct lookup *lookup);
AUTO_POINTER(lookup, struct lookup, lookup_free)

/* Adds values from in front of the sources, in order of the calls ("challenge", "old certificate",
 * "account", "command line"; static name). Copies. A value that an earlier call gave differently is
 * STATUS_DENIED and names both. Values of LOOKUP_OLD_CERTIFICATE are not held against others here (the
 * template's on_change is, in template_apply), and binding them again replaces them. STATUS_LIMIT above 8
 * calls, STATUS_NOMEM. */
NODISCARD enum status lookup_bind(struct lookup *lookup, const char *source_name, const struct values *values,
                                  struct err *err);
/* A value that the request itself claims: recorded as claimed; STATUS_DENIED if a source knows it
 * differently (which source, and both values), if the request claimed it differently before, or if the
 * source that knows it knows it of somebody else than the bound values name (a challenge bound to one user,
 * the device of another). Asks every source. *known says whether any source but the request knows it. */
NODISCARD enum status lookup_claim(struct lookup *lookup, const char *name, const char *text, bool *known,
                                   struct err *err);
/* The value of a name and the name of its source, both borrowed from lookup: bound values first, then the
 * sources, claims last. STATUS_NOT_FOUND says which sources were asked. */
NODISCARD enum status lookup_get(struct lookup *lookup, const char *name, const char **text,
                                 const char **source_name, struct err *err);
/* Everything known so far, claims included; copied. Asks nobody. */
NODISCARD enum status lookup_values(struct lookup *lookup, struct values *out, struct err *err);

/* The device registry as a source: by {DeviceUid} if that is known, else by {DeviceSerialNumber}, else by
 * {EnrollmentUser}, the latter two where exactly one device has it. (A device that is not registered is never
 * answered with another one of the same user.) The store must outlive it. */
struct lookup_source lookup_device_registry(struct store *store);

/* The names that UEMs know (those of Workspace ONE: EnrollmentUser, DeviceUid, EmailAddress …), those of a
 * directory (ObjectSid, DistinguishedName, Groups) and of a server (DnsName, IpAddress): NULL-ended, static.
 */
extern const char *const lookup_catalogue[];
bool lookup_in_catalogue(const char *name);

#endif

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

/* Where the values of one request come from. Lives as long as the request; not shared between threads. */
struct lookup; /* opaque */

/* sources: borrowed array in order (may be empty), asked once each, when first needed. */
NODISCARD enum status lookup_new(const struct lookup_source *const *sources, size_t count,
                                 struct lookup **out, struct err *err);
void lookup_free(struct lookup *lookup);
AUTO_POINTER(lookup, struct lookup, lookup_free)

/* Adds values from in front of the sources, in order of the calls ("challenge", "old certificate",
 * "account", "command line"; static name). Copies. A value that an earlier call gave differently is
 * STATUS_DENIED and names both. */
NODISCARD enum status lookup_bind(struct lookup *lookup, const char *source_name, const struct values *values,
                                  struct err *err);
/* A value that the request itself claims: recorded as claimed; STATUS_DENIED if a source knows it
 * differently (which source, and both values). *known says whether any source but the request knows it. */
NODISCARD enum status lookup_claim(struct lookup *lookup, const char *name, const char *text, bool *known,
                                   struct err *err);
/* The value of a name and the name of its source, both borrowed from lookup. STATUS_NOT_FOUND says which
 * sources were asked. */
NODISCARD enum status lookup_get(struct lookup *lookup, const char *name, const char **text,
                                 const char **source_name, struct err *err);
/* Everything known so far, claims included; copied. */
NODISCARD enum status lookup_values(struct lookup *lookup, struct values *out, struct err *err);

/* The device registry as a source: by {DeviceUid}, else {DeviceSerialNumber}, else {EnrollmentUser} where
 * exactly one device has it. The store must outlive it. */
struct lookup_source lookup_device_registry(struct store *store);

/* The names that UEMs know (facts of Workspace ONE: EnrollmentUser, DeviceUid, EmailAddress …) and ObjectSid,
 * DistinguishedName: NULL-ended, static. */
extern const char *const lookup_catalogue[];
bool lookup_in_catalogue(const char *name);

#endif

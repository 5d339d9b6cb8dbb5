// SPDX-License-Identifier: Apache-2.0
// The questions that a registry is asked, as blocking calls with what each answer means. Private to
// registry.c, whose thread asks them.
#ifndef KD_SCHEMA_REGISTRY_ASK_H
#define KD_SCHEMA_REGISTRY_ASK_H
#include <stdatomic.h>

#include "http/http.h"
#include "schema/registry.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/map.h"

// The versions of a subject whose fingerprints are known.
struct registry_scan {
	char *subject;
	struct mono_time since;
	struct scanned {
		int32_t version, id;
		uint64_t fingerprint;
		bool usable;
	} *versions;
	size_t n, cap;
};

struct registry_link {
	char **urls;          // without a slash at the end
	size_t nurls, at;     // the one that answered last
	char *user, *password;
	char *bearer;         // the header; NULL: none
	char *ca_file, *cert_file, *key_file;
	int64_t timeout_ms;
	struct http *http;
	atomic_bool stop;     // ask no further URL
	uint64_t requests, failures;
	int64_t retry_after_ms; // of the last question; 0: not said
	struct mono_time no_guids; // until then: the registry has no look-up by GUID
	struct registry_scan *scans;
	size_t nscans, capscans;
	struct map refs; // "SUBJECT/VERSION" -> the registry's answer (json_t)
	struct mono_time refs_since;
};

void link_init(struct registry_link *l, const struct registry_conf *conf);
void link_release(struct registry_link *l);
int64_t retry_ms(unsigned tries); // how long to wait after so many failures, with jitter
// 0: *answer says KNOWN, DENIED or INVALID; out, with its texts to be freed, is set for KNOWN and INVALID.
// -1: no usable answer came, ask again.
int ask_schema(struct registry_link *l, int32_t id, enum registry_answer *answer, struct registry_schema *out,
	       struct error *err) MUST_CHECK;
// The id behind a GUID. 0: *answer says KNOWN (*id), DENIED, or INVALID: it is known in another context only.
int ask_guid(struct registry_link *l, const char *guid, enum registry_answer *answer, int32_t *id,
	     struct error *err) MUST_CHECK;
// The id behind a fingerprint among the subject's versions (registry_scan.c). 0: *answer says KNOWN (*id) or DENIED.
int ask_fingerprint(struct registry_link *l, uint64_t fingerprint, const char *subject, enum registry_answer *answer,
		    int32_t *id, struct error *err) MUST_CHECK;
void scans_release(struct registry_link *l);
// schema: what is behind id. 0: *answer says YES, NO or UNCHECKED.
int ask_subject(struct registry_link *l, int32_t id, const char *subject, const struct registry_schema *schema,
		enum subject_answer *answer, struct error *err) MUST_CHECK;
// version 0: the latest. 0: out->is says KNOWN, INVALID, DENIED where there is none, or PENDING where these
// credentials or this registry are not for such questions (403, 405).
int ask_version(struct registry_link *l, const char *subject, int32_t version, struct registry_version *out,
		struct error *err) MUST_CHECK;
// *is (may be NULL, and then an error): PENDING as above; none where there is no such subject.
int ask_versions(struct registry_link *l, const char *subject, enum registry_answer *is, int32_t **out, size_t *n,
		 struct error *err) MUST_CHECK;
// Under which subjects and versions an id is registered: [{subject, version}]; NULL: the registry does not tell.
int ask_names(struct registry_link *l, int32_t id, json_t **out, struct error *err) MUST_CHECK;
// The schema of an answer, with all that it refers to, asked for (registry_refs.c). 0: *is says KNOWN (*out) or
// INVALID (*reason), each to be freed.
int read_schema(struct registry_link *l, const json_t *doc, enum registry_answer *is, struct schema_text *out,
		char **reason, struct error *err) MUST_CHECK;
void refs_release(struct registry_link *l);
// The version's answer as it came. version: as it stands in the path, with a query. 0: *is says KNOWN (*out, to be
// released), DENIED or PENDING, as ask_version does.
int ask_version_raw(struct registry_link *l, const char *subject, const char *version, enum registry_answer *is,
		    json_t **out, struct error *err) MUST_CHECK;

// What is persisted of a schema (registry_copy.c): everything but its id and reason.
char *registry_copy_write(const struct registry_schema *s); // the caller frees
// False: it is no such copy, or cannot be parsed. s->id is left alone.
bool registry_copy_read(const char *text, struct registry_schema *s);
int ask_compatibility(struct registry_link *l, const char *subject, int32_t version, const struct schema_text *schema,
		      struct registry_verdict *out, struct error *err) MUST_CHECK;
// NULL and *why: it is not told.
int ask_level(struct registry_link *l, const char *subject, char **level, char **why, struct error *err) MUST_CHECK;
int32_t ask_register(struct registry_link *l, const char *subject, const char *schema, struct error *err) MUST_CHECK;
#endif

// SPDX-License-Identifier: Apache-2.0
// The registry client: schemas by id, and whether an id belongs to a subject. Thread-safe; answers are
// cached for the process and, through `persist`, in the store, so that a registry that is down at start
// costs nothing. A look-up never blocks: what is not yet known is fetched by the client's own thread.
#ifndef KD_SCHEMA_REGISTRY_H
#define KD_SCHEMA_REGISTRY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/text.h"
#include "schema/wire.h"
#include "util/error.h"
#include "util/json.h"

enum registry_answer {
	REGISTRY_KNOWN,
	REGISTRY_PENDING, // cannot be had yet: ask again; the partition waits
	REGISTRY_DENIED,  // the registry says that this id does not exist (error 40403)
	REGISTRY_INVALID, // it exists and cannot be read: broken, of an unknown type, a reference is missing
};

struct registry_schema {
	int32_t id;
	struct schema_text schema; // with what it refers to; empty for REGISTRY_INVALID
	char *references;	   // [{name, subject, version}] as the registry has them (JSON); NULL: none
	char *reason;		   // REGISTRY_INVALID: why it cannot be used
};

struct registry_conf {
	char **urls;
	size_t nurls;
	const char *user, *password; // may be NULL
	const char *token;           // a bearer token, instead of them; may be NULL
	const char *ca_file, *cert_file, *key_file; // TLS, as in http/http.h; may be NULL
	int64_t timeout_ms;
	// Persistence of what never changes, called from the client's thread; may be NULL. Keys: "ID" for a
	// schema (registry_copy.c), "ID/SUBJECT" for an id that belongs to a subject, "guid/GUID" and
	// "fingerprint/HEX/SUBJECT" for the id behind one. load returns a malloc'ed text or NULL.
	char *(*load)(void *ctx, const char *key);
	void (*save)(void *ctx, const char *key, const char *text);
	void *ctx;
};

struct registry;
struct registry *registry_new(const struct registry_conf *conf, struct error *err) MUST_CHECK; // copies conf
void registry_free(struct registry *r); // stops the thread
// *out is valid until registry_free and set for KNOWN and INVALID. Never blocks.
enum registry_answer registry_schema(struct registry *r, int32_t id, const struct registry_schema **out);

// The id behind a GUID, or behind a fingerprint among a subject's versions (the subject of a GUID is not looked at).
// *id is set for KNOWN; INVALID: the registry knows the GUID in another context only. Never blocks.
enum registry_answer registry_id_of(struct registry *r, const struct schema_ref *ref, const char *subject, int32_t *id);

enum subject_answer { SUBJECT_PENDING, SUBJECT_YES, SUBJECT_NO, SUBJECT_UNCHECKED }; // unchecked: the registry cannot tell
// Whether id is registered under subject (docs/registry.md tells how it is asked). Never blocks.
enum subject_answer registry_subject_has(struct registry *r, int32_t id, const char *subject);

// A version of a subject.
struct registry_version {
	int32_t version, id;
	enum registry_answer is;
	struct schema_text schema; // KNOWN
	char *reason;		   // INVALID: why it cannot be used
};

// The newest version under the subject, polled as often as it is asked for, every 10 s at most. *v is what the
// caller knows ({0} at first) and is replaced where there is another; version 0: nothing is registered there.
// false: the registry has not said yet, or not for a minute. Never blocks.
bool registry_latest(struct registry *r, const char *subject, struct registry_version *v);
// The same of all its versions, in ascending order, borrowed during the call, which must not ask the registry.
bool registry_every_version(struct registry *r, const char *subject,
			    void (*each)(void *ctx, const struct registry_version *v), void *ctx);
// A subject that has the id, and the version: `subject` if it has, else another. DENIED: the registry tells of none.
// Never blocks.
enum registry_answer registry_version_name(struct registry *r, int32_t id, const char *subject, char *out, size_t n,
				   int32_t *version);
// These block. `version` 0 is the latest. 0: *out is to be freed by registry_version_release, its `is` is DENIED
// where there is no such version.
int registry_version(struct registry *r, const char *subject, int32_t version, struct registry_version *out,
		     struct error *err) MUST_CHECK;
void registry_version_release(struct registry_version *v);
// The subject's versions in ascending order; none where there is no such subject. The caller frees *out.
int registry_versions(struct registry *r, const char *subject, int32_t **out, size_t *n, struct error *err) MUST_CHECK;

// The registry's own verdict: can `schema` take its place after the subject's version, by the registry's level?
struct registry_verdict {
	bool known, compatible;
	json_t *messages; // the registry's words, an array of texts; may be NULL
	char *why;        // not known: the answer
};
int registry_compatible(struct registry *r, const char *subject, int32_t version, const struct schema_text *schema,
			struct registry_verdict *out, struct error *err) MUST_CHECK;
void registry_verdict_release(struct registry_verdict *v);
// The subject's level, or the registry's own. The caller frees both; NULL and *why: it is not told.
int registry_level(struct registry *r, const char *subject, char **level, char **why, struct error *err) MUST_CHECK;

struct registry_stats {
	bool up;                   // the last request was answered
	uint64_t requests, failures;
	char last_error[512];      // "" while up
};
void registry_stats(struct registry *r, struct registry_stats *out);
// Registers a schema under a subject (kdrift produce); blocks. -> id or -1.
int32_t registry_register(struct registry *r, const char *subject, const char *schema, struct error *err) MUST_CHECK;
#endif

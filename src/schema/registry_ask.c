// SPDX-License-Identifier: Apache-2.0
#include "schema/registry_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/digest.h"
#include "util/xalloc.h"

enum {
	MAX_ANSWER = 4 << 20, // a schema of 1 MiB, all of it escaped, and more
	NO_GUIDS_MS = 60000,
	FIRST_RETRY_MS = 250,
	LAST_RETRY_MS = 20000,
};
enum { NO_SUBJECT = 40401, NO_SCHEMA = 40403, LAST_ABSENCE = 40407 }; // from 40404: deleted, softly or for good

void link_init(struct registry_link *l, const struct registry_conf *conf)
{
	l->urls = xcalloc(conf->nurls + 1, sizeof *l->urls);
	for (size_t i = 0; i < conf->nurls; i++) {
		size_t n = strlen(conf->urls[i]);

		while (n && conf->urls[i][n - 1] == '/')
			n--;
		l->urls[l->nurls++] = xstrndup(conf->urls[i], n);
	}
	l->user = xstrdup(conf->user);
	l->password = xstrdup(conf->password);
	l->bearer = conf->token ? xasprintf("Authorization: Bearer %s", conf->token) : NULL;
	l->ca_file = xstrdup(conf->ca_file);
	l->cert_file = xstrdup(conf->cert_file);
	l->key_file = xstrdup(conf->key_file);
	l->timeout_ms = conf->timeout_ms;
	l->http = http_new();
	map_init(&l->refs);
}

void link_release(struct registry_link *l)
{
	for (size_t i = 0; i < l->nurls; i++)
		free(l->urls[i]);
	free(l->urls);
	free(l->user);
	free(l->password);
	free(l->bearer);
	free(l->ca_file);
	free(l->cert_file);
	free(l->key_file);
	scans_release(l);
	refs_release(l);
	http_free(l->http);
}

// The upper half of the doubled time, at random.
int64_t retry_ms(unsigned tries)
{
	int64_t ms = tries < 8 ? (int64_t)FIRST_RETRY_MS << (tries ? tries - 1 : 0) : LAST_RETRY_MS;
	uint32_t r;

	random_bytes(&r, sizeof r);
	if (ms > LAST_RETRY_MS)
		ms = LAST_RETRY_MS;
	return ms / 2 + (int64_t)(r % (uint32_t)(ms / 2 + 1));
}

void registry_version_release(struct registry_version *v)
{
	schema_text_release(&v->schema);
	free(v->reason);
	*v = (struct registry_version){0};
}

struct answer {
	long status;
	int64_t code; // the registry's own error code, 0 where there is none
	json_t *json; // NULL: no JSON
	bool too_large;
};

static void answer_release(struct answer *a)
{
	json_decref(a->json);
	a->json = NULL;
}

static bool worth_retrying(long status)
{
	return status == 408 || status == 429 || status >= 500;
}

static const char *credentials(const struct registry_link *l)
{
	return l->bearer ? "; check schema_registry.bearer_token"
	       : l->user ? "; check schema_registry.basic_auth"
			 : "; give schema_registry.basic_auth or bearer_token";
}

static int refused(const struct registry_link *l, const char *method, const char *path, long status, struct error *err)
{
	return error_set(err, "%s %s: the schema registry answered HTTP %ld%s", method, path, status,
			 status == 401 || status == 403 ? credentials(l) : "");
}

static void add_mend(struct error *err, const struct registry_link *l, enum http_tls_trouble trouble)
{
	static const char *const mends[] = {
	    [TLS_FINE] = NULL,
	    [TLS_UNTRUSTED] = "name the authority that signed its certificate in schema_registry.tls.ca_file",
	    [TLS_EXPIRED] = "renew the registry's certificate, or set this machine's clock",
	    [TLS_OTHER_NAME] = "write a name of the certificate into schema_registry.url",
	    [TLS_BAD_CA] = "schema_registry.tls.ca_file must hold certificates as PEM",
	    [TLS_BAD_CERT] = "schema_registry.tls.cert_file and key_file must hold a certificate and its key as PEM",
	    [TLS_NO_CERT] = "the registry asks for a certificate: give schema_registry.tls.cert_file",
	    [TLS_FAILED] = "see that schema_registry.url names a port that speaks TLS",
	};
	char *said = xstrdup(err->text);

	error_clear(err);
	if (trouble == TLS_UNTRUSTED && l->ca_file)
		error_set(err, "%s; its certificate was signed by none of the authorities in %s (schema_registry.tls.ca_file)",
			  said, l->ca_file);
	else
		error_set(err, "%s%s%s", said, mends[trouble] ? "; " : "", mends[trouble] ? mends[trouble] : "");
	free(said);
}

static void add_clause(struct error *all, const struct error *one)
{
	char *before = xstrdup(all->text);

	error_clear(all);
	error_set(all, "%s%s%s", before, *before ? "; " : "", one->text);
	free(before);
}

// The next question goes to another URL: this one may be the wrong one of several.
static void turn_away(struct registry_link *l)
{
	l->failures++;
	l->at = (l->at + 1) % l->nurls;
}

// Asks the URLs in turn, beginning with the one that answered last. -1: none gave an answer worth reading.
static int ask(struct registry_link *l, const char *method, const char *path, const char *body,
	       struct answer *out, struct error *err)
{
	const char *const headers[] = {"Accept: application/vnd.schemaregistry.v1+json, application/json",
				       "Content-Type: application/vnd.schemaregistry.v1+json", l->bearer, NULL};
	struct error all = ERROR_INIT; // a clause a URL
	size_t first = l->at;

	l->retry_after_ms = 0;
	*out = (struct answer){0};
	for (size_t i = 0; i < l->nurls && !atomic_load(&l->stop); i++) {
		size_t at = (first + i) % l->nurls;
		char *url = xasprintf("%s%s", l->urls[at], path);
		struct http_request req = {.method = method,
					   .url = url,
					   .headers = headers,
					   .body = body,
					   .len = body ? strlen(body) : 0,
					   .user = l->user,
					   .password = l->password,
					   .tls = {l->ca_file, l->cert_file, l->key_file},
					   .timeout_ms = l->timeout_ms,
					   .max_answer = MAX_ANSWER};
		struct http_answer got;
		struct error last = ERROR_INIT;

		l->requests++;
		int rc = http_do(l->http, &req, &got, &last);
		free(url);
		if (rc && got.too_large && got.status == 200) { // as large as it is, it stays
			l->at = at;
			*out = (struct answer){.status = got.status, .too_large = true};
			return 0;
		}
		if (rc) {
			l->failures++;
			add_mend(&last, l, got.tls);
			add_clause(&all, &last);
			continue;
		}
		if (worth_retrying(got.status)) {
			l->failures++;
			refused(l, method, path, got.status, &last);
			add_clause(&all, &last);
			if (got.retry_after_s > 0)
				l->retry_after_ms =
				    (got.retry_after_s < 300 ? got.retry_after_s : 300) * 1000;
			buf_release(&got.body);
			continue;
		}
		l->at = at;
		out->status = got.status;
		out->json = got.body.data ? json_parse(got.body.data, got.body.len, NULL) : NULL;
		out->code = json_get_int(out->json, "error_code", 0);
		buf_release(&got.body);
		if (got.status == 401) {
			turn_away(l);
			answer_release(out);
			return refused(l, method, path, got.status, err);
		}
		return 0;
	}
	return error_set(err, "%s", all.text);
}

static int strange(struct registry_link *l, const char *path, const struct answer *a, struct error *err)
{
	turn_away(l);
	if (a->status == 403)
		return refused(l, "GET", path, a->status, err);
	return error_set(
	    err, "GET %s: HTTP %ld without a registry's answer; check the path of schema_registry.url", path,
	    a->status);
}

int ask_schema(struct registry_link *l, int32_t id, enum registry_answer *answer, struct registry_schema *out,
	       struct error *err)
{
	char path[64];
	struct answer a;
	int rc = 0;

	snprintf(path, sizeof path, "/schemas/ids/%u", (unsigned)id);
	*out = (struct registry_schema){.id = id};
	if (ask(l, "GET", path, NULL, &a, err))
		return -1;
	if (a.status == 200 && json_get_str(a.json, "schema", NULL)) {
		const json_t *refs = json_object_get(a.json, "references");

		rc = read_schema(l, a.json, answer, &out->schema, &out->reason, err);
		if (!rc && json_array_size(refs))
			out->references = json_text(refs);
	} else if (a.status == 404 && a.code == NO_SCHEMA) {
		*answer = REGISTRY_DENIED;
	} else if (a.too_large) {
		*answer = REGISTRY_INVALID;
		out->reason = xasprintf("the registry's answer has more than the %d MiB that are read", MAX_ANSWER >> 20);
	} else {
		rc = strange(l, path, &a, err);
	}
	answer_release(&a);
	return rc;
}

// A registry that lists its schemas' types, and answers otherwise for a GUID, has no look-up by GUID.
static int has_no_guids(struct registry_link *l, struct error *err)
{
	struct answer a;

	if (ask(l, "GET", "/schemas/types", NULL, &a, err))
		return -1;
	if (a.status == 200 && json_is_array(a.json)) {
		l->no_guids = mono_after_ms(NO_GUIDS_MS);
		answer_release(&a);
		return 0;
	}
	int rc = strange(l, "/schemas/types", &a, err);
	answer_release(&a);
	return rc;
}

int ask_guid(struct registry_link *l, const char *guid, enum registry_answer *answer, int32_t *id,
	     struct error *err)
{
	struct answer a;
	const json_t *item;
	char path[80];
	size_t i;
	int rc = 0;

	*answer = REGISTRY_DENIED;
	if (l->no_guids.ns && !mono_passed(l->no_guids))
		return 0;
	snprintf(path, sizeof path, "/schemas/guids/%s/ids", guid);
	if (ask(l, "GET", path, NULL, &a, err))
		return -1;
	if (a.status == 200 && json_is_array(a.json)) {
		json_array_foreach(a.json, i, item) {
			*answer = REGISTRY_INVALID;
			*id = (int32_t)json_get_int(item, "id", -1);
			if (*id >= 0 && !strcmp(json_get_str(item, "context", "."), ".")) {
				*answer = REGISTRY_KNOWN;
				break;
			}
		}
	} else if (a.status == 401 || a.status == 403) {
		rc = strange(l, path, &a, err);
	} else if (a.code != NO_SCHEMA) {
		rc = has_no_guids(l, err);
	}
	answer_release(&a);
	return rc;
}

static char *path_escape(const char *s)
{
	struct buf b = BUF_INIT;

	for (; *s; s++) {
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *s))
			buf_addc(&b, *s);
		else
			buf_addf(&b, "%%%02X", (unsigned char)*s);
	}
	return buf_steal(&b);
}

static bool lists(const json_t *array, const char *subject)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) if (json_is_string(item) &&
					       !strcmp(json_string_value(item), subject)) return true;
	return false;
}

// What a schema is registered, looked up or compared by. references: JSON, or NULL.
static char *question_of(const struct schema_text *schema, const char *references)
{
	json_t *question = json_pack("{s:o}", "schema", json_strn(schema->text, schema->len));

	if (schema->type != SCHEMA_AVRO)
		json_object_set_new(question, "schemaType", json_str(schema_type_names[schema->type]));
	if (references)
		json_object_set_new(question, "references", json_parse(references, strlen(references), NULL));
	char *body = json_text(question);
	json_decref(question);
	return body;
}

// The subjects of an id. 1: this registry has no such endpoint.
static int ask_list(struct registry_link *l, int32_t id, const char *subject, bool deleted,
		    enum subject_answer *answer, struct error *err)
{
	char path[80];
	struct answer a;
	int rc = 0;

	snprintf(path, sizeof path, "/schemas/ids/%u/subjects%s", (unsigned)id,
		 deleted ? "?deleted=true" : "");
	if (ask(l, "GET", path, NULL, &a, err))
		return -1;
	if (a.status == 200 && json_is_array(a.json))
		*answer = lists(a.json, subject) ? SUBJECT_YES : SUBJECT_NO;
	else if (a.code == NO_SCHEMA)
		*answer = SUBJECT_UNCHECKED;
	else
		rc = 1;
	answer_release(&a);
	return rc;
}

static int ask_lookup(struct registry_link *l, int32_t id, const char *subject, const struct registry_schema *schema,
		      bool deleted, enum subject_answer *answer, struct error *err)
{
	char *name = path_escape(subject);
	char *path = xasprintf("/subjects/%s%s", name, deleted ? "?deleted=true" : "");
	char *body = question_of(&schema->schema, schema->references);
	struct answer a;
	int rc = ask(l, "POST", path, body, &a, err);
	if (!rc && a.status == 200 && json_get_int(a.json, "id", -1) == id)
		*answer = SUBJECT_YES;
	else if (!rc && a.status == 404 && (a.code == NO_SCHEMA || a.code == NO_SUBJECT))
		*answer = SUBJECT_NO;
	else if (!rc)
		*answer = SUBJECT_UNCHECKED;
	if (!rc)
		answer_release(&a);
	free(body);
	free(path);
	free(name);
	return rc;
}

// What was deleted softly was registered once, and its records may lie in the topic for long: before a
// no, the deleted ones are asked for too.
int ask_subject(struct registry_link *l, int32_t id, const char *subject, const struct registry_schema *schema,
		enum subject_answer *answer, struct error *err)
{
	int rc = ask_list(l, id, subject, false, answer, err);

	if (!rc && *answer == SUBJECT_NO)
		rc = ask_list(l, id, subject, true, answer, err);
	if (rc <= 0)
		return rc;
	rc = ask_lookup(l, id, subject, schema, false, answer, err);
	if (!rc && *answer == SUBJECT_NO)
		rc = ask_lookup(l, id, subject, schema, true, answer, err);
	return rc;
}

static bool is_absent(const struct answer *a)
{
	return a->status == 404 && a->code >= NO_SUBJECT && a->code <= LAST_ABSENCE;
}

int ask_version_raw(struct registry_link *l, const char *subject, const char *version, enum registry_answer *is,
		    json_t **out, struct error *err)
{
	char *name = path_escape(subject), *path = xasprintf("/subjects/%s/versions/%s", name, version);
	struct answer a;
	int rc = ask(l, "GET", path, NULL, &a, err);

	*is = REGISTRY_DENIED;
	*out = NULL;
	if (!rc && a.status == 200 && json_get_str(a.json, "schema", NULL) && json_get_int(a.json, "version", 0) > 0) {
		*is = REGISTRY_KNOWN;
		*out = json_incref(a.json);
	} else if (!rc && (a.status == 403 || a.status == 405)) {
		*is = REGISTRY_PENDING;
	} else if (!rc && !is_absent(&a)) {
		rc = strange(l, path, &a, err);
	}
	answer_release(&a);
	free(path);
	free(name);
	return rc;
}

int ask_version(struct registry_link *l, const char *subject, int32_t version, struct registry_version *out,
		struct error *err)
{
	char number[16] = "latest";
	json_t *doc;

	if (version)
		snprintf(number, sizeof number, "%d", version);
	*out = (struct registry_version){0};
	int rc = ask_version_raw(l, subject, number, &out->is, &doc, err);
	if (doc) {
		out->version = (int32_t)json_get_int(doc, "version", 0);
		out->id = (int32_t)json_get_int(doc, "id", -1);
		rc = read_schema(l, doc, &out->is, &out->schema, &out->reason, err);
	}
	json_decref(doc);
	return rc;
}

int ask_names(struct registry_link *l, int32_t id, json_t **out, struct error *err)
{
	char path[64];
	struct answer a;

	snprintf(path, sizeof path, "/schemas/ids/%u/versions", (unsigned)id);
	int rc = ask(l, "GET", path, NULL, &a, err);
	*out = !rc && a.status == 200 && json_is_array(a.json) ? json_incref(a.json) : NULL;
	answer_release(&a);
	return rc;
}

int ask_versions(struct registry_link *l, const char *subject, enum registry_answer *is, int32_t **out, size_t *n,
		 struct error *err)
{
	char *name = path_escape(subject), *path = xasprintf("/subjects/%s/versions", name);
	struct answer a;
	const json_t *item;
	size_t i;
	int rc = ask(l, "GET", path, NULL, &a, err);

	*out = NULL;
	*n = 0;
	if (is)
		*is = REGISTRY_KNOWN;
	if (!rc && a.status == 200 && json_is_array(a.json)) {
		*out = xcalloc(json_array_size(a.json) + 1, sizeof **out);
		json_array_foreach(a.json, i, item) (*out)[(*n)++] = (int32_t)json_integer_value(item);
	} else if (!rc && is && (a.status == 403 || a.status == 405)) {
		*is = REGISTRY_PENDING;
	} else if (!rc && !is_absent(&a)) {
		rc = strange(l, path, &a, err);
	}
	answer_release(&a);
	free(path);
	free(name);
	return rc;
}

// What is not for these credentials, or for this registry, is told in words.
static char *not_told(const struct answer *a)
{
	const char *message = json_get_str(a->json, "message", "");

	return xasprintf("HTTP %ld%s%.200s", a->status, *message ? ": " : "", message);
}

int ask_compatibility(struct registry_link *l, const char *subject, int32_t version, const struct schema_text *schema,
		      struct registry_verdict *out, struct error *err)
{
	char *name = path_escape(subject);
	char *path = xasprintf("/compatibility/subjects/%s/versions/%d?verbose=true", name, version);
	char *body = question_of(schema, NULL);
	struct answer a;
	int rc = ask(l, "POST", path, body, &a, err);
	const json_t *verdict = rc ? NULL : json_object_get(a.json, "is_compatible");
	*out = (struct registry_verdict){.known = a.status == 200 && json_is_boolean(verdict)};
	if (out->known) {
		out->compatible = json_is_true(verdict);
		out->messages = json_incref(json_object_get(a.json, "messages"));
	} else if (!rc) {
		out->why = not_told(&a);
	}
	answer_release(&a);
	free(body);
	free(path);
	free(name);
	return rc;
}

int ask_level(struct registry_link *l, const char *subject, char **level, char **why, struct error *err)
{
	char *name = path_escape(subject), *path = xasprintf("/config/%s?defaultToGlobal=true", name);
	struct answer a;
	int rc = ask(l, "GET", path, NULL, &a, err);
	const char *said = rc ? NULL : json_get_str(a.json, "compatibilityLevel", json_get_str(a.json, "compatibility", NULL));

	*level = a.status == 200 && said ? xstrdup(said) : NULL;
	*why = rc || *level ? NULL : not_told(&a);
	answer_release(&a);
	free(path);
	free(name);
	return rc;
}

int32_t ask_register(struct registry_link *l, const char *subject, const char *schema, struct error *err)
{
	const struct schema_text text = schema_text_avro(schema, strlen(schema));
	char *name = path_escape(subject);
	char *path = xasprintf("/subjects/%s/versions", name);
	char *body = question_of(&text, NULL);
	struct answer a;
	int32_t id = -1;

	if (!ask(l, "POST", path, body, &a, err)) {
		if (a.status == 200 || a.status == 201)
			id = (int32_t)json_get_int(a.json, "id", -1);
		if (id < 0)
			error_set(err, "POST %s: the schema registry answered HTTP %ld: %.300s", path,
				  a.status, json_get_str(a.json, "message", "no reason given"));
		answer_release(&a);
	}
	free(body);
	free(path);
	free(name);
	return id;
}

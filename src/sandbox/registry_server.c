// SPDX-License-Identifier: Apache-2.0
#include "sandbox/registry_server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/httpd.h"
#include "util/xalloc.h"

struct schema {
	char *text;	 // as registered first
	char *canonical; // compact JSON: two texts of one schema are equal here
};

struct version {
	char *subject;
	int number;
	int32_t id;
};

struct registry_server {
	pthread_mutex_t lock; // requests and registry_server_add
	struct httpd *http;
	char url[48];
	struct schema *schemas; // id - 1
	size_t nschemas, capschemas;
	struct version *versions;
	size_t nversions, capversions;
};

static json_t *fail(unsigned *status, int code, const char *message)
{
	*status = (unsigned)(code > 1000 ? code / 100 : code);
	return json_pack("{s:i,s:s}", "error_code", code, "message", message);
}

static json_t *no_subject(unsigned *status)
{
	return fail(status, 40401, "Subject not found.");
}

// Whether it could be an Avro schema at all; the monitor checks the rest itself.
static bool plausible(const json_t *s)
{
	static const char *const plain[] = {"null",  "boolean", "int",	 "long",
					    "float", "double",	"bytes", "string"};
	const char *name = json_is_object(s) ? json_get_str(s, "type", NULL) : json_string_value(s);
	size_t i;
	json_t *branch;

	if (json_is_array(s)) {
		json_array_foreach(s, i, branch) if (!plausible(branch)) return false;
		return json_array_size(s) > 0;
	}
	if (json_is_object(s) && json_is_object(json_object_get(s, "type")))
		return plausible(json_object_get(s, "type"));
	for (i = 0; name && i < ARRAY_LEN(plain); i++)
		if (!strcmp(name, plain[i]))
			return true;
	if (!name || !json_is_object(s))
		return false;
	if (!strcmp(name, "array"))
		return json_object_get(s, "items");
	if (!strcmp(name, "map"))
		return json_object_get(s, "values");
	if (!json_get_str(s, "name", NULL))
		return false;
	if (!strcmp(name, "record"))
		return json_is_array(json_object_get(s, "fields"));
	if (!strcmp(name, "enum"))
		return json_is_array(json_object_get(s, "symbols"));
	return !strcmp(name, "fixed") && json_is_integer(json_object_get(s, "size"));
}

// NULL with err where the text is no schema; the caller frees.
static char *canonical(const char *schema, struct error *err)
{
	json_t *v = json_parse(schema, strlen(schema), err);
	char *text = NULL;

	if (v && plausible(v))
		text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	else
		error_set(err, "not an Avro schema");
	json_decref(v);
	return text;
}

static int32_t id_of(const struct registry_server *s, const char *canon)
{
	for (size_t i = 0; i < s->nschemas; i++)
		if (!strcmp(s->schemas[i].canonical, canon))
			return (int32_t)i + 1;
	return -1;
}

// The version of that subject with the id (id > 0) or the number (0: the latest).
static const struct version *find(const struct registry_server *s, const char *subject, int32_t id,
				  int number)
{
	const struct version *found = NULL;

	for (size_t i = 0; i < s->nversions; i++) {
		const struct version *v = &s->versions[i];
		if (!strcmp(v->subject, subject) && (id > 0 ? v->id == id : !number || v->number == number))
			found = v;
	}
	return found;
}

static const struct version *add(struct registry_server *s, const char *subject, const char *schema,
				 char *canon)
{
	const struct version *latest = find(s, subject, 0, 0), *known;
	int32_t id = id_of(s, canon);

	if (id > 0 && (known = find(s, subject, id, 0))) {
		free(canon);
		return known;
	}
	int number = latest ? latest->number + 1 : 1;
	if (id < 0) {
		GROW(s->schemas, s->nschemas, s->capschemas);
		s->schemas[s->nschemas++] = (struct schema){xstrdup(schema), canon};
		id = (int32_t)s->nschemas;
	} else {
		free(canon);
	}
	GROW(s->versions, s->nversions, s->capversions);
	s->versions[s->nversions] = (struct version){xstrdup(subject), number, id};
	return &s->versions[s->nversions++];
}

static json_t *describe(const struct registry_server *s, const struct version *v)
{
	return json_pack("{s:s,s:i,s:i,s:s}", "subject", v->subject, "version", v->number, "id", (int)v->id,
			 "schema", s->schemas[v->id - 1].text);
}

static json_t *post_schema(struct registry_server *s, const char *subject, bool look_up,
			   const struct httpd_request *r, unsigned *status)
{
	struct error err = ERROR_INIT;
	json_t *body = json_parse(r->body, r->len, &err), *answer;
	const char *schema = json_get_str(body, "schema", NULL),
		   *type = json_get_str(body, "schemaType", "AVRO");
	char *canon = NULL;

	if (!schema || strcmp(type, "AVRO") || json_array_size(json_object_get(body, "references")))
		error_set(&err, "only an Avro schema without references is taken here");
	else
		canon = canonical(schema, &err);
	if (!canon) {
		answer = fail(status, 42201, err.text);
	} else if (look_up) {
		int32_t id = id_of(s, canon);
		const struct version *v = id > 0 ? find(s, subject, id, 0) : NULL;
		if (v)
			answer = describe(s, v);
		else
			answer = find(s, subject, 0, 0) ? fail(status, 40403, "Schema not found")
							: no_subject(status);
		free(canon);
	} else {
		answer = json_pack("{s:i}", "id", (int)add(s, subject, schema, canon)->id);
	}
	json_decref(body);
	return answer;
}

static json_t *get_subjects(const struct registry_server *s)
{
	json_t *out = json_array();

	for (size_t i = 0; i < s->nversions; i++)
		if (s->versions[i].number == 1)
			json_array_append_new(out, json_string(s->versions[i].subject));
	return out;
}

static json_t *get_version(const struct registry_server *s, const char *subject, const char *which,
			   unsigned *status)
{
	if (!find(s, subject, 0, 0))
		return no_subject(status);
	if (!which) {
		json_t *out = json_array();
		for (size_t i = 0; i < s->nversions; i++)
			if (!strcmp(s->versions[i].subject, subject))
				json_array_append_new(out, json_integer(s->versions[i].number));
		return out;
	}
	char *end;
	long number = strcmp(which, "latest") ? strtol(which, &end, 10) : 0;
	if (strcmp(which, "latest") && (*end || end == which || number < 1 || number > INT32_MAX))
		return fail(status, 42202, "The specified version is not a valid version id.");
	const struct version *v = find(s, subject, 0, (int)number);
	return v ? describe(s, v) : fail(status, 40402, "Version not found.");
}

static json_t *get_id(const struct registry_server *s, const char *id_text, const char *what,
		      unsigned *status)
{
	char *end;
	long id = strtol(id_text, &end, 10);

	if (*end || end == id_text || id < 1 || (size_t)id > s->nschemas)
		return fail(status, 40403, "Schema not found");
	const char *text = s->schemas[id - 1].text;
	if (!what)
		return json_pack("{s:s}", "schema", text);
	if (!strcmp(what, "schema"))
		return json_parse(text, strlen(text), &(struct error)ERROR_INIT);
	json_t *out = json_array();
	for (size_t i = 0; i < s->nversions; i++) {
		const struct version *v = &s->versions[i];
		if (v->id != id)
			continue;
		json_array_append_new(
		    out, !strcmp(what, "subjects")
			     ? json_string(v->subject)
			     : json_pack("{s:s,s:i}", "subject", v->subject, "version", v->number));
	}
	return out;
}

// Splits "/a/b/c" in place.
static size_t split(char *path, char **parts, size_t max)
{
	size_t n = 0;
	char *save;

	for (char *p = strtok_r(path, "/", &save); p && n < max; p = strtok_r(NULL, "/", &save))
		parts[n++] = p;
	return n;
}

static json_t *route(struct registry_server *s, char **part, size_t n, const struct httpd_request *r,
		     unsigned *status)
{
	bool get = !strcmp(r->method, "GET"), post = !strcmp(r->method, "POST");

	if (n && !strcmp(part[0], "subjects")) {
		bool versions = n > 2 && !strcmp(part[2], "versions");
		if (get && n == 1)
			return get_subjects(s);
		if (get && versions && n <= 4)
			return get_version(s, part[1], n == 4 ? part[3] : NULL, status);
		if (post && (n == 2 || (versions && n == 3)))
			return post_schema(s, part[1], n == 2, r, status);
	}
	if (get && n >= 3 && n <= 4 && !strcmp(part[0], "schemas") && !strcmp(part[1], "ids") &&
	    (n == 3 || !strcmp(part[3], "schema") || !strcmp(part[3], "subjects") ||
	     !strcmp(part[3], "versions")))
		return get_id(s, part[2], n == 4 ? part[3] : NULL, status);
	if (get && n == 2 && !strcmp(part[0], "schemas") && !strcmp(part[1], "types"))
		return json_pack("[s]", "AVRO");
	if (get && n >= 1 && n <= 2 && !strcmp(part[0], "config"))
		return json_pack("{s:s}", "compatibilityLevel", "NONE");
	return fail(status, 404, "HTTP 404 Not Found");
}

static json_t *handle(void *ctx, const struct httpd_request *r, unsigned *status)
{
	struct registry_server *s = ctx;
	char *path = xstrdup(r->path), *parts[6];
	size_t n = split(path, parts, ARRAY_LEN(parts));

	pthread_mutex_lock(&s->lock);
	json_t *answer = route(s, parts, n, r, status);
	pthread_mutex_unlock(&s->lock);
	free(path);
	return answer;
}

struct registry_server *registry_server_start(struct error *err)
{
	struct registry_server *s = xcalloc(1, sizeof *s);

	pthread_mutex_init(&s->lock, NULL);
	s->http = httpd_start(handle, s, "application/vnd.schemaregistry.v1+json", err);
	if (!s->http) {
		registry_server_stop(s);
		return NULL;
	}
	snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", httpd_port(s->http));
	return s;
}

const char *registry_server_url(const struct registry_server *s)
{
	return s->url;
}

int32_t registry_server_add(struct registry_server *s, const char *subject, const char *schema,
			    struct error *err)
{
	char *canon = canonical(schema, err);

	if (!canon)
		return error_prefix(err, "registry: subject %s", subject);
	pthread_mutex_lock(&s->lock);
	int32_t id = add(s, subject, schema, canon)->id;
	pthread_mutex_unlock(&s->lock);
	return id;
}

void registry_server_stop(struct registry_server *s)
{
	if (!s)
		return;
	httpd_stop(s->http);
	for (size_t i = 0; i < s->nschemas; i++) {
		free(s->schemas[i].text);
		free(s->schemas[i].canonical);
	}
	for (size_t i = 0; i < s->nversions; i++)
		free(s->versions[i].subject);
	free(s->schemas);
	free(s->versions);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

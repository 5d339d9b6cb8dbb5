// SPDX-License-Identifier: Apache-2.0
// A schema with all that it refers to. What is referred to is a version of a subject, which never changes but by
// being deleted for good; its answer is kept for a while, as many schemas refer to the same. A name that is met
// again stands for what it stood for first, as in the registry.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/avsc.h"
#include "schema/registry_ask.h"
#include "util/xalloc.h"

enum {
	MAX_REFS = 1000,
	MAX_DEPTH = 32,
	MAX_TEXT = 16 << 20, // bytes of all of them
	KEPT_MS = 600000,
};

struct resolving {
	struct registry_link *link;
	struct schema_text *out;
	struct map done;		  // by name
	const char *around[MAX_DEPTH + 1]; // names of those in hand
	size_t depth, size;
	char *reason;
	struct error *err;
};

static void doc_free(void *doc)
{
	json_decref(doc);
}

void refs_release(struct registry_link *l)
{
	map_release(&l->refs, doc_free);
}

// The version's answer, borrowed; NULL: there is none. -1: ask again.
static int referred(struct registry_link *l, const char *subject, int64_t version, const json_t **out, struct error *err)
{
	enum registry_answer is;
	char number[40];
	json_t *doc;

	char *key = xasprintf("%s/%" PRId64, subject, version);
	*out = map_gets(&l->refs, key);
	if (*out) {
		free(key);
		return 0;
	}
	if (version > 0) // softly deleted, it is still referred to
		snprintf(number, sizeof number, "%" PRId64 "?deleted=true", version);
	int rc = ask_version_raw(l, subject, version > 0 ? number : "latest", &is, &doc, err);
	if (!rc && is == REGISTRY_PENDING)
		rc = error_set(err, "subject %s: the schema registry does not tell its versions (HTTP 403 or 405); look at "
			       "the credentials", subject);
	if (doc) {
		if (!l->refs.count)
			l->refs_since = mono_now();
		map_puts(&l->refs, key, doc);
		*out = doc;
	}
	free(key);
	return rc;
}

// 1: it cannot be read, and the reason says why; -1: ask again.
static int refuse(struct resolving *v, char *reason)
{
	v->reason = reason;
	return 1;
}

static int circle(struct resolving *v, const char *name)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < v->depth; i++)
		buf_addf(&b, "%.80s -> ", v->around[i]);
	char *reason = xasprintf("its references go in a circle: %.400s%.80s", b.data, name);
	buf_release(&b);
	return refuse(v, reason);
}

static int add_refs(struct resolving *v, const json_t *references);

static int add_ref(struct resolving *v, const json_t *ref)
{
	const char *name = json_get_str(ref, "name", NULL), *subject = json_get_str(ref, "subject", NULL);
	int64_t version = json_get_int(ref, "version", -1);
	const json_t *doc;

	if (!name || !subject)
		return refuse(v, xstrdup("one of its references has no name or no subject"));
	for (size_t i = 0; i < v->depth; i++)
		if (!strcmp(v->around[i], name))
			return circle(v, name);
	if (map_gets(&v->done, name))
		return 0;
	if (v->depth == MAX_DEPTH)
		return refuse(v, xasprintf("its references go deeper than %d", MAX_DEPTH));
	if (referred(v->link, subject, version, &doc, v->err))
		return -1;
	if (!doc)
		return refuse(v, xasprintf("it refers to %.150s, and the registry has no version %" PRId64 " of subject %.150s",
					   name, version, subject));
	v->around[v->depth++] = name;
	int rc = add_refs(v, json_object_get(doc, "references"));
	v->depth--;
	if (rc)
		return rc;
	const char *text = json_get_str(doc, "schema", "");
	v->size += strlen(text);
	if (v->out->nrefs == MAX_REFS || v->size > MAX_TEXT)
		return refuse(v, xasprintf("it refers to more than %d schemas, or %d MiB of them", MAX_REFS, MAX_TEXT >> 20));
	map_puts(&v->done, name, v);
	v->out->refs = xrealloc(v->out->refs, (v->out->nrefs + 1) * sizeof *v->out->refs);
	v->out->refs[v->out->nrefs++] = (struct schema_part){xstrdup(name), xstrdup(text)};
	return 0;
}

static int add_refs(struct resolving *v, const json_t *references)
{
	const json_t *ref;
	size_t i;
	int rc = 0;

	json_array_foreach(references, i, ref) if ((rc = add_ref(v, ref))) break;
	return rc;
}

static int parse(const struct schema_text *s, char **reason)
{
	struct error why = ERROR_INIT;
	struct avsc *parsed = s->type == SCHEMA_AVRO ? avsc_parse(s, &why) : NULL;

	avsc_free(parsed);
	if (parsed || s->type != SCHEMA_AVRO)
		return 0;
	*reason = xstrdup(why.text);
	return 1;
}

int read_schema(struct registry_link *l, const json_t *doc, enum registry_answer *is, struct schema_text *out,
		char **reason, struct error *err)
{
	const char *type = json_get_str(doc, "schemaType", "AVRO"), *text = json_get_str(doc, "schema", "");
	const json_t *rules = json_object_get(doc, "ruleSet");
	struct schema_text s = {.type = schema_type_of(type), .text = xstrdup(text), .len = strlen(text)};
	struct resolving v = {.link = l, .out = &s, .err = err};
	int rc;

	if (mono_ms_since(l->refs_since) > KEPT_MS)
		refs_release(l);
	map_init(&v.done);
	if (s.type == SCHEMA_TYPES)
		rc = refuse(&v, xasprintf("its type is %.40s; AVRO, JSON and PROTOBUF are read", type));
	else
		rc = add_refs(&v, json_object_get(doc, "references"));
	if (!rc)
		rc = parse(&s, &v.reason);
	map_release(&v.done, NULL);
	if (!rc && json_is_object(rules))
		s.rule_set = json_text(rules);
	*out = (struct schema_text){0};
	*is = rc ? REGISTRY_INVALID : REGISTRY_KNOWN;
	*reason = v.reason;
	if (rc)
		schema_text_release(&s);
	else
		*out = s;
	return rc < 0 ? -1 : 0;
}

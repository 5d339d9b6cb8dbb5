// SPDX-License-Identifier: Apache-2.0
#include "schema/contract.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/avsc.h"
#include "schema/plan.h"
#include "util/buf.h"
#include "util/map.h"
#include "util/xalloc.h"

#define MAX_FILE  (4u << 20)
#define MAX_DEPTH 512

struct contract {
	struct avsc *schema;
	struct plan *plan;	 // for its field paths alone
	size_t *fields, nfields; // slots of the plan
};

struct resolution {
	struct map done; // pairs of types found, or assumed while in hand, to resolve
	struct buf path;
	int depth;
	char *why;
	size_t n;
};

struct contract *contract_load(const char *path, struct error *err)
{
	const struct plan_options all = {.all_fields = true};
	struct contract *c = xcalloc(1, sizeof *c);
	struct buf text = BUF_INIT;

	if (buf_read_file(&text, path, MAX_FILE) < 0) {
		error_set(err, "contract %s: %m", path);
	} else if (!(c->schema = avsc_parse(text.data, text.len, err)) ||
		   !(c->plan = plan_compile(text.data, text.len, &all, err))) {
		error_prefix(err, "contract %s", path);
	}
	buf_release(&text);
	if (!c->plan) {
		contract_free(c);
		return NULL;
	}
	c->fields = xcalloc(plan_slots(c->plan) + 1, sizeof *c->fields);
	for (size_t i = 0; i < plan_slots(c->plan); i++)
		if (plan_slot(c->plan, i)->type != FIELD_NONE)
			c->fields[c->nfields++] = i;
	return c;
}

void contract_free(struct contract *c)
{
	if (!c)
		return;
	avsc_free(c->schema);
	plan_free(c->plan);
	free(c->fields);
	free(c);
}

size_t contract_fields(const struct contract *c)
{
	return c->nfields;
}

const char *contract_field(const struct contract *c, size_t i)
{
	return plan_slot(c->plan, c->fields[i])->path;
}

enum field_type contract_field_type(const struct contract *c, size_t i)
{
	return plan_slot(c->plan, c->fields[i])->type;
}

__attribute__((format(printf, 2, 3))) static bool breach(struct resolution *r, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (r->n)
		snprintf(r->why, r->n, "%s%s%s", r->path.len ? r->path.data : "", r->path.len ? ": " : "",
			 text);
	return false;
}

static const char *type_name(const struct avsc_type *t)
{
	return t->name ? t->name : avsc_kind_name(t->kind);
}

static bool promotes(enum avsc_kind writer, enum avsc_kind reader)
{
	switch (reader) {
	case AVSC_LONG:
		return writer == AVSC_INT;
	case AVSC_FLOAT:
		return writer == AVSC_INT || writer == AVSC_LONG;
	case AVSC_DOUBLE:
		return writer == AVSC_INT || writer == AVSC_LONG || writer == AVSC_FLOAT;
	case AVSC_STRING:
		return writer == AVSC_BYTES;
	case AVSC_BYTES:
		return writer == AVSC_STRING;
	default:
		return false;
	}
}

static bool same_name(const struct avsc_type *writer, const struct avsc_type *reader)
{
	if (!strcmp(avsc_unqualified(writer->name), avsc_unqualified(reader->name)))
		return true;
	for (size_t i = 0; i < reader->naliases; i++)
		if (!strcmp(writer->name, reader->aliases[i]))
			return true;
	return false;
}

static const struct avsc_field *writer_field(const struct avsc_type *writer, const char *name)
{
	for (size_t i = 0; i < writer->nfields; i++)
		if (!strcmp(writer->fields[i].name, name))
			return &writer->fields[i];
	return NULL;
}

static bool resolve(struct resolution *r, const struct avsc_type *writer, const struct avsc_type *reader);

static bool resolve_below(struct resolution *r, const char *name, const struct avsc_type *writer,
			  const struct avsc_type *reader)
{
	size_t before = r->path.len;

	buf_addf(&r->path, "%s%s", before && *name != '[' ? "." : "", name);
	bool ok = resolve(r, writer, reader);
	r->path.len = before;
	r->path.data[before] = 0;
	return ok;
}

static bool resolve_record(struct resolution *r, const struct avsc_type *writer,
			   const struct avsc_type *reader)
{
	for (size_t i = 0; i < reader->nfields; i++) {
		const struct avsc_field *f = &reader->fields[i];
		const struct avsc_field *w = writer_field(writer, f->name);

		for (size_t a = 0; !w && a < f->naliases; a++)
			w = writer_field(writer, f->aliases[a]);
		if (w) {
			if (!resolve_below(r, f->name, w->type, f->type))
				return false;
		} else if (!f->has_default) {
			buf_addf(&r->path, "%s%s", r->path.len ? "." : "", f->name);
			return breach(r, "reader field missing default value");
		}
	}
	return true;
}

static bool resolve_enum(struct resolution *r, const struct avsc_type *writer, const struct avsc_type *reader)
{
	struct buf missing = BUF_INIT;

	for (size_t i = 0; i < writer->nsymbols && !reader->has_default; i++) {
		size_t j = 0;

		while (j < reader->nsymbols && strcmp(reader->symbols[j], writer->symbols[i]))
			j++;
		if (j == reader->nsymbols)
			buf_addf(&missing, "%s%s", missing.len ? ", " : "", writer->symbols[i]);
	}
	bool ok = !missing.len;
	if (!ok)
		breach(r, "missing enum symbols [%s]", missing.data);
	buf_release(&missing);
	return ok;
}

// A reader's union takes what any of its branches takes. Where the branch of the writer's own kind and name
// fails within, its reason says more than that no branch fits.
static bool resolve_branch(struct resolution *r, const struct avsc_type *writer,
			   const struct avsc_type *reader)
{
	size_t before = r->path.len;
	char *kept = NULL;
	bool ok = false;

	for (int own = 1; own >= 0; own--) {
		for (size_t i = 0; i < reader->nparts && !ok; i++) {
			const struct avsc_type *part = reader->parts[i];

			if ((part->kind == writer->kind && (!part->name || same_name(writer, part))) !=
			    (bool)own)
				continue;
			ok = resolve(r, writer, part);
			if (!ok && own && !kept && r->n)
				kept = xstrdup(r->why);
			if (r->path.data) {
				r->path.len = before;
				r->path.data[before] = 0;
			}
		}
	}
	if (!ok && kept)
		snprintf(r->why, r->n, "%s", kept);
	else if (!ok)
		breach(r, "missing union branch (writer %s)", type_name(writer));
	free(kept);
	return ok;
}

static bool resolve_kinds(struct resolution *r, const struct avsc_type *writer,
			  const struct avsc_type *reader)
{
	if (writer->kind == AVSC_UNION) {
		for (size_t i = 0; i < writer->nparts; i++)
			if (!resolve(r, writer->parts[i], reader))
				return false;
		return true;
	}
	if (reader->kind == AVSC_UNION)
		return resolve_branch(r, writer, reader);
	if (writer->kind != reader->kind)
		return promotes(writer->kind, reader->kind) ||
		       breach(r, "type mismatch (reader %s, writer %s)", avsc_kind_name(reader->kind),
			      avsc_kind_name(writer->kind));
	if (writer->name && !same_name(writer, reader))
		return breach(r, "name mismatch (reader %s, writer %s)", reader->name, writer->name);
	if (writer->kind == AVSC_FIXED && writer->size != reader->size)
		return breach(r, "fixed size mismatch (reader %u, writer %u)", reader->size, writer->size);
	if (writer->logical == LOGICAL_DECIMAL && reader->logical == LOGICAL_DECIMAL &&
	    writer->scale != reader->scale)
		return breach(r, "decimal scale mismatch (reader %d, writer %d)", reader->scale,
			      writer->scale);
	switch (writer->kind) {
	case AVSC_RECORD:
		return resolve_record(r, writer, reader);
	case AVSC_ENUM:
		return resolve_enum(r, writer, reader);
	case AVSC_ARRAY:
	case AVSC_MAP:
		return resolve_below(r, "[]", writer->parts[0], reader->parts[0]);
	default:
		return true;
	}
}

static bool resolve(struct resolution *r, const struct avsc_type *writer, const struct avsc_type *reader)
{
	const struct avsc_type *pair[2] = {writer, reader};

	if (map_get(&r->done, pair, sizeof pair))
		return true;
	if (r->depth >= MAX_DEPTH)
		return breach(r, "nested deeper than %d", MAX_DEPTH);
	map_put(&r->done, pair, sizeof pair, r);
	r->depth++;
	bool ok = resolve_kinds(r, writer, reader);
	r->depth--;
	if (!ok)
		map_del(&r->done, pair, sizeof pair);
	return ok;
}

enum contract_verdict contract_check(const struct contract *c, const char *writer_json, size_t len, char *why,
				     size_t n)
{
	struct error err = ERROR_INIT;
	struct avsc *writer = avsc_parse(writer_json, len, &err);
	struct resolution r = {.path = BUF_INIT, .why = why, .n = n};

	if (n)
		*why = 0;
	if (!writer) {
		breach(&r, "the writer's schema cannot be read: %s", err.text);
		return CONTRACT_BREACH;
	}
	map_init(&r.done);
	bool ok = resolve(&r, avsc_root(writer), avsc_root(c->schema));
	map_release(&r.done, NULL);
	buf_release(&r.path);
	avsc_free(writer);
	if (ok && n)
		*why = 0; // of a branch that was tried
	return ok ? CONTRACT_OK : CONTRACT_BREACH;
}

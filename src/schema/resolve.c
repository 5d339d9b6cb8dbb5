// SPDX-License-Identifier: Apache-2.0
// In two steps. First the verdict on every pair of types that can meet: all are taken to fit, and those that
// do not, given the others, are struck out until nothing changes. So a recursive type fits itself, and no
// verdict rests on an assumption that fell later. Then, from the root along the pairs that do not fit, the
// breaches with their paths.
#include "schema/resolve.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/map.h"
#include "util/xalloc.h"

enum { MAX_MISMATCHES = 200, MAX_DEPTH = 512, MAX_VISITS = 100000 };

const char *const mismatch_names[MISMATCH_KINDS] = {
    [MISMATCH_MISSING_DEFAULT] = "READER_FIELD_MISSING_DEFAULT_VALUE",
    [MISMATCH_TYPE] = "TYPE_MISMATCH",
    [MISMATCH_ENUM_SYMBOLS] = "MISSING_ENUM_SYMBOLS",
    [MISMATCH_UNION_BRANCH] = "MISSING_UNION_BRANCH",
    [MISMATCH_FIXED_SIZE] = "FIXED_SIZE_MISMATCH",
    [MISMATCH_NAME] = "NAME_MISMATCH",
    [MISMATCH_DECIMAL_SCALE] = "DECIMAL_SCALE_MISMATCH",
};

struct pair {
	const struct avsc_type *writer, *reader;
	bool bad, open; // open: its breaches are being told
};

struct resolution {
	struct map known;
	struct pair **pairs;
	size_t n, cap;
	struct mismatches *out; // NULL in the first step
	struct buf path;
	int depth, visits; // visits: types that refer to each other have paths without number
};

void mismatches_release(struct mismatches *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->items[i].path);
		free(m->items[i].text);
	}
	free(m->items);
	*m = (struct mismatches){0};
}

__attribute__((format(printf, 3, 4))) static bool breach(struct resolution *r, enum mismatch_kind kind,
							 const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!r->out)
		return false;
	if (r->out->n == MAX_MISMATCHES) {
		r->out->more = true;
		return false;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	GROW(r->out->items, r->out->n, r->out->cap);
	r->out->items[r->out->n++] =
	    (struct mismatch){kind, xstrndup(r->path.len ? r->path.data : "", r->path.len), xstrdup(text)};
	return false;
}

static struct pair *pair_of(struct resolution *r, const struct avsc_type *writer,
			    const struct avsc_type *reader)
{
	const struct avsc_type *key[2] = {writer, reader};
	struct pair *p = map_get(&r->known, key, sizeof key);

	if (!p) {
		p = xcalloc(1, sizeof *p);
		*p = (struct pair){.writer = writer, .reader = reader};
		map_put(&r->known, key, sizeof key, p);
		GROW(r->pairs, r->n, r->cap);
		r->pairs[r->n++] = p;
	}
	return p;
}

static bool examine(struct resolution *r, const struct avsc_type *writer, const struct avsc_type *reader);

static bool fits(struct resolution *r, const struct avsc_type *writer, const struct avsc_type *reader)
{
	struct pair *p = pair_of(r, writer, reader);

	if (p->bad && r->out && !p->open && !r->out->more && r->depth < MAX_DEPTH) {
		r->out->more = ++r->visits > MAX_VISITS;
		p->open = true;
		r->depth++;
		examine(r, writer, reader);
		r->depth--;
		p->open = false;
	}
	return !p->bad;
}

static void path_add(struct resolution *r, const char *name)
{
	buf_addf(&r->path, "%s%s", r->path.len && *name != '[' && *name != '{' ? "." : "", name);
}

static void path_cut(struct resolution *r, size_t len)
{
	r->path.len = len;
	r->path.data[len] = 0;
}

static bool fits_below(struct resolution *r, const char *name, const struct avsc_type *writer,
		       const struct avsc_type *reader)
{
	size_t before = r->path.len;

	path_add(r, name);
	bool ok = fits(r, writer, reader);
	path_cut(r, before);
	return ok;
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

// JSON knows numbers, but no width of them, and texts, but no enums.
static bool json_promotes(const struct avsc_type *writer, const struct avsc_type *reader)
{
	const bool whole = writer->kind == AVSC_INT || writer->kind == AVSC_LONG;
	const bool number = whole || writer->kind == AVSC_FLOAT || writer->kind == AVSC_DOUBLE;

	if (!writer->json && !reader->json)
		return false;
	switch (reader->kind) {
	case AVSC_INT:
	case AVSC_LONG:
		return whole;
	case AVSC_FLOAT:
	case AVSC_DOUBLE:
		return number;
	case AVSC_STRING:
		return writer->kind == AVSC_ENUM;
	default:
		return false;
	}
}

static bool examine_record(struct resolution *r, const struct avsc_type *writer,
			   const struct avsc_type *reader)
{
	bool ok = true;

	for (size_t i = 0; i < reader->nfields; i++) {
		const struct avsc_field *f = &reader->fields[i];
		const struct avsc_field *w = avsc_written_field(writer, f);

		if (w) {
			ok &= fits_below(r, f->name, w->type, f->type);
		} else if (!f->has_default) {
			size_t before = r->path.len;

			path_add(r, f->name);
			ok = breach(r, MISMATCH_MISSING_DEFAULT, "reader field missing default value");
			path_cut(r, before);
		}
	}
	return ok;
}

static bool examine_enum(struct resolution *r, const struct avsc_type *writer, const struct avsc_type *reader)
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
		breach(r, MISMATCH_ENUM_SYMBOLS, "missing enum symbols [%s]", missing.data);
	buf_release(&missing);
	return ok;
}

// The reader's branch of the writer's own kind and name, best of the same full name. NULL: none.
static const struct avsc_type *own_branch(const struct avsc_type *writer, const struct avsc_type *reader)
{
	const struct avsc_type *found = NULL;

	for (size_t i = 0; i < reader->nparts; i++) {
		const struct avsc_type *part = reader->parts[i];

		if (part->kind != writer->kind || (part->name && !avsc_names_match(writer, part)))
			continue;
		if (!found || (part->name && !strcmp(part->name, writer->name)))
			found = part;
	}
	return found;
}

// A reader's union takes what any of its branches takes; but what has no name goes to the branch of its own
// kind, whether that suits it or not. Where the own branch fails within, its reasons say more than that no
// branch fits.
static bool examine_branches(struct resolution *r, const struct avsc_type *writer,
			     const struct avsc_type *reader)
{
	const struct avsc_type *own = own_branch(writer, reader);

	for (size_t i = 0; i < reader->nparts && !(own && !own->name); i++)
		if (!pair_of(r, writer, reader->parts[i])->bad)
			return true;
	if (own)
		return fits(r, writer, own);
	return breach(r, MISMATCH_UNION_BRANCH, "missing union branch (writer %s)",
		      writer->name && *writer->name ? writer->name : avsc_kind_name(writer->kind));
}

static bool examine_named(struct resolution *r, const struct avsc_type *writer, const struct avsc_type *reader)
{
	bool ok = true;

	if (!avsc_names_match(writer, reader))
		ok = breach(r, MISMATCH_NAME, "name mismatch (reader %s, writer %s)", reader->name, writer->name);
	if (writer->kind == AVSC_RECORD)
		return examine_record(r, writer, reader) && ok;
	if (writer->kind == AVSC_ENUM)
		return examine_enum(r, writer, reader) && ok;
	if (writer->size != reader->size)
		ok = breach(r, MISMATCH_FIXED_SIZE, "fixed size mismatch (reader %u, writer %u)", reader->size,
			    writer->size);
	return ok;
}

static bool examine(struct resolution *r, const struct avsc_type *writer, const struct avsc_type *reader)
{
	bool ok = true;

	if (writer->kind == AVSC_ANY || reader->kind == AVSC_ANY) // nobody can tell
		return true;
	if (writer->kind == AVSC_UNION) {
		for (size_t i = 0; i < writer->nparts; i++)
			ok &= fits(r, writer->parts[i], reader);
		return ok;
	}
	if (reader->kind == AVSC_UNION)
		return examine_branches(r, writer, reader);
	if (writer->kind != reader->kind)
		return promotes(writer->kind, reader->kind) || json_promotes(writer, reader) ||
		       breach(r, MISMATCH_TYPE, "type mismatch (reader %s, writer %s)",
			      avsc_kind_name(reader->kind), avsc_kind_name(writer->kind));
	if (writer->name)
		ok = examine_named(r, writer, reader);
	if (writer->logical == LOGICAL_DECIMAL && reader->logical == LOGICAL_DECIMAL &&
	    writer->scale != reader->scale)
		ok = breach(r, MISMATCH_DECIMAL_SCALE, "decimal scale mismatch (reader %d, writer %d)",
			    reader->scale, writer->scale);
	if (writer->kind == AVSC_ARRAY || writer->kind == AVSC_MAP)
		ok = fits_below(r, writer->kind == AVSC_MAP ? "{}" : "[]", writer->parts[0], reader->parts[0]);
	return ok;
}

bool avsc_resolve(const struct avsc *writer, const struct avsc *reader, struct mismatches *out)
{
	struct resolution r = {.path = BUF_INIT};
	struct pair *root;
	bool changed = true;

	map_init(&r.known);
	buf_adds(&r.path, "");
	root = pair_of(&r, avsc_root(writer), avsc_root(reader));
	while (changed) {
		changed = false;
		for (size_t i = 0; i < r.n; i++) {
			struct pair *p = r.pairs[i];

			if (!p->bad && !examine(&r, p->writer, p->reader))
				p->bad = changed = true;
		}
	}
	bool ok = !root->bad;
	r.out = out;
	if (out)
		fits(&r, root->writer, root->reader);
	map_release(&r.known, free);
	free(r.pairs);
	buf_release(&r.path);
	return ok;
}

// SPDX-License-Identifier: Apache-2.0
#include "schema/diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/map.h"

struct diff {
	void (*each)(void *arg, const char *path, const char *text);
	void *arg;
	struct buf path;
	struct map seen; // pairs of types that were compared
};

static const char *const logical_names[] = {
    [LOGICAL_DECIMAL] = "decimal",
    [LOGICAL_BIG_DECIMAL] = "big-decimal",
    [LOGICAL_DURATION] = "duration",
    [LOGICAL_UUID] = "uuid",
    [LOGICAL_DATE] = "date",
    [LOGICAL_TIME_MILLIS] = "time-millis",
    [LOGICAL_TIME_MICROS] = "time-micros",
    [LOGICAL_TIMESTAMP_MILLIS] = "timestamp-millis",
    [LOGICAL_TIMESTAMP_MICROS] = "timestamp-micros",
    [LOGICAL_TIMESTAMP_NANOS] = "timestamp-nanos",
    [LOGICAL_UNSIGNED] = "unsigned",
};

__attribute__((format(printf, 2, 3))) static void tell(struct diff *d, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	d->each(d->arg, d->path.data, text);
}

static void say(struct buf *b, const struct avsc_type *t)
{
	switch (t->kind) {
	case AVSC_ARRAY:
	case AVSC_MAP:
		buf_addf(b, "%s of ", avsc_kind_name(t->kind));
		say(b, t->parts[0]);
		return;
	case AVSC_UNION:
		for (size_t i = 0; i < t->nparts; i++) {
			buf_adds(b, i ? " or " : "");
			say(b, t->parts[i]);
		}
		return;
	default:
		break;
	}
	buf_adds(b, avsc_kind_name(t->kind));
	if (t->name)
		buf_addf(b, " %s", t->name);
	if (t->kind == AVSC_FIXED)
		buf_addf(b, " of %u bytes", t->size);
	if (t->logical == LOGICAL_DECIMAL)
		buf_addf(b, " (decimal of scale %d)", t->scale);
	else if (t->logical != LOGICAL_NONE)
		buf_addf(b, " (%s)", logical_names[t->logical]);
}

static void tell_type(struct diff *d, const struct avsc_type *older, const struct avsc_type *newer)
{
	struct buf was = BUF_INIT, is = BUF_INIT;

	say(&was, older);
	say(&is, newer);
	tell(d, "type %s is now %s", was.data, is.data);
	buf_release(&was);
	buf_release(&is);
}

static void compare(struct diff *d, const struct avsc_type *older, const struct avsc_type *newer);

static size_t enter(struct diff *d, const char *name)
{
	size_t before = d->path.len;

	buf_addf(&d->path, "%s%s", before && *name != '[' && *name != '{' ? "." : "", name);
	return before;
}

static void leave(struct diff *d, size_t before)
{
	d->path.len = before;
	d->path.data[before] = 0;
}

static const struct avsc_field *field_named(const struct avsc_type *t, const char *name)
{
	for (size_t i = 0; i < t->nfields; i++)
		if (!strcmp(t->fields[i].name, name))
			return &t->fields[i];
	return NULL;
}

// What the field was called before: its own name or one of its aliases.
static const struct avsc_field *earlier(const struct avsc_type *older, const struct avsc_field *f)
{
	const struct avsc_field *was = field_named(older, f->name);

	for (size_t i = 0; !was && i < f->naliases; i++)
		was = field_named(older, f->aliases[i]);
	return was;
}

static void compare_fields(struct diff *d, const struct avsc_type *older, const struct avsc_type *newer)
{
	for (size_t i = 0; i < newer->nfields; i++) {
		const struct avsc_field *f = &newer->fields[i], *was = earlier(older, f);
		size_t before = enter(d, f->name);

		if (!was) {
			struct buf type = BUF_INIT;
			say(&type, f->type);
			tell(d, "added, %s, %s default", type.data, f->has_default ? "with a" : "without");
			buf_release(&type);
		} else {
			if (strcmp(was->name, f->name) != 0)
				tell(d, "was called %s, which is an alias now", was->name);
			if (was->has_default != f->has_default)
				tell(d, "has %s", f->has_default ? "a default now" : "no default any more");
			compare(d, was->type, f->type);
		}
		leave(d, before);
	}
	for (size_t i = 0; i < older->nfields; i++) {
		const struct avsc_field *f = &older->fields[i];
		bool kept = false;

		for (size_t k = 0; k < newer->nfields && !kept; k++)
			kept = earlier(older, &newer->fields[k]) == f;
		if (kept)
			continue;
		struct buf type = BUF_INIT;
		size_t before = enter(d, f->name);
		say(&type, f->type);
		tell(d, "dropped, was %s", type.data);
		buf_release(&type);
		leave(d, before);
	}
}

static void tell_symbols(struct diff *d, const struct avsc_type *of, const struct avsc_type *without, const char *what)
{
	struct buf list = BUF_INIT;

	for (size_t i = 0; i < of->nsymbols; i++) {
		size_t k = 0;

		while (k < without->nsymbols && strcmp(of->symbols[i], without->symbols[k]))
			k++;
		if (k == without->nsymbols)
			buf_addf(&list, "%s%s", list.len ? ", " : "", of->symbols[i]);
	}
	if (list.len)
		tell(d, "symbols %s: %s", what, list.data);
	buf_release(&list);
}

static bool is_same_branch(const struct avsc_type *a, const struct avsc_type *b)
{
	return a->kind == b->kind && (!a->name || !strcmp(avsc_unqualified(a->name), avsc_unqualified(b->name)));
}

static const struct avsc_type *branch(const struct avsc_type *of, const struct avsc_type *like)
{
	if (of->kind != AVSC_UNION)
		return is_same_branch(of, like) ? of : NULL;
	for (size_t i = 0; i < of->nparts; i++)
		if (is_same_branch(of->parts[i], like))
			return of->parts[i];
	return NULL;
}

// Either may be a union; a plain type is one of a single branch.
static void compare_branches(struct diff *d, const struct avsc_type *older, const struct avsc_type *newer)
{
	const struct avsc_type *const *was = older->kind == AVSC_UNION ? older->parts : &older;
	const struct avsc_type *const *is = newer->kind == AVSC_UNION ? newer->parts : &newer;
	size_t nwas = older->kind == AVSC_UNION ? older->nparts : 1;
	size_t nis = newer->kind == AVSC_UNION ? newer->nparts : 1;
	bool same = nwas == nis;

	for (size_t i = 0; i < nis && same; i++)
		same = branch(older, is[i]) != NULL;
	if (!same)
		tell_type(d, older, newer);
	for (size_t i = 0; i < nwas; i++) {
		const struct avsc_type *now = branch(newer, was[i]);
		if (now)
			compare(d, was[i], now);
	}
}

static void compare(struct diff *d, const struct avsc_type *older, const struct avsc_type *newer)
{
	const struct avsc_type *key[2] = {older, newer};

	if (map_put(&d->seen, key, sizeof key, d))
		return;
	if (older->kind == AVSC_UNION || newer->kind == AVSC_UNION) {
		compare_branches(d, older, newer);
		return;
	}
	if (older->kind != newer->kind || older->size != newer->size || older->logical != newer->logical ||
	    older->scale != newer->scale) {
		tell_type(d, older, newer);
		return;
	}
	if (older->name && strcmp(older->name, newer->name) != 0)
		tell(d, "%s %s is now called %s", avsc_kind_name(older->kind), older->name, newer->name);
	if (older->kind == AVSC_RECORD)
		compare_fields(d, older, newer);
	if (older->kind == AVSC_ENUM) {
		tell_symbols(d, newer, older, "added");
		tell_symbols(d, older, newer, "dropped");
		if (older->has_default != newer->has_default)
			tell(d, "the enum has %s", newer->has_default ? "a default now" : "no default any more");
	}
	if (older->kind == AVSC_ARRAY || older->kind == AVSC_MAP) {
		size_t before = enter(d, older->kind == AVSC_MAP ? "{}" : "[]");
		compare(d, older->parts[0], newer->parts[0]);
		leave(d, before);
	}
}

void avsc_diff(const struct avsc *older, const struct avsc *newer,
	       void (*each)(void *arg, const char *path, const char *text), void *arg)
{
	struct diff d = {each, arg, BUF_INIT, {0}};

	map_init(&d.seen);
	buf_adds(&d.path, "");
	compare(&d, avsc_root(older), avsc_root(newer));
	map_release(&d.seen, NULL);
	buf_release(&d.path);
}

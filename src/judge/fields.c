// SPDX-License-Identifier: Apache-2.0
// Which fields a stream's closed windows have values of: a field's first appearance, and its disappearance, are
// events of the journal (docs/counting.md). The document of table "fields" is part of the commit that moves the
// stream's mark, so none is told twice. It holds FIELDS_KNOWN paths; what is past them is not told.
//
// The first whole window only tells which fields there are. Whether one has gone is not said of a window of which
// records were lost or a pane could not be read.
//
// A field that few records have is missing from many a window by chance. So each has its share k/n counted over windows
// that do not overlap, and has gone when that share leaves m records without a value with a chance (1 - k/n)^m under one
// in a million: at once where all records had it, after some 14 n/k records where few did. The records of a silence that
// ends count in n, so that gaps are learned: one that seemed rarer than it is flaps a few times at most. Counts are halved
// past SHARE_MOST values, and so follow a share that changes.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/state.h"
#include "util/xalloc.h"

enum { FIELDS_KNOWN = 10000, FIELDS_RECENT = 100, FIELDS_SHOWN = 10, SHARE_MOST = 1000 };

#define CHANCE 1e-6

struct known_field {
	enum field_type type;    // of the last values
	bool gone, here;         // here: it has values in the window in hand
	uint64_t values, of;     // k of n records had one
	uint64_t silent;         // records since without, of windows that do not overlap; 0: it had values
	int64_t silent_to;       // the last of these windows' end
};

struct field_change {
	const char *path;
	const struct known_field *field;
	bool again;
};

struct field_changes {
	struct field_change *items;
	size_t n, cap;
};

static void add_change(struct field_changes *c, const char *path, const struct known_field *k, bool again)
{
	GROW(c->items, c->n, c->cap);
	c->items[c->n++] = (struct field_change){path, k, again};
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct field_change *)a)->path, ((const struct field_change *)b)->path);
}

static struct known_field *know(struct known_fields *f, const char *path, enum field_type type, bool gone)
{
	if (f->map.count >= FIELDS_KNOWN)
		return NULL;
	struct known_field *k = xcalloc(1, sizeof *k);
	*k = (struct known_field){.type = type, .gone = gone};
	map_puts(&f->map, path, k);
	return k;
}

// k of `records` of the window have a value. true: what is known is another.
static bool count_here(struct known_field *k, uint64_t values, uint64_t records, bool counts)
{
	bool changed = counts || k->silent;

	k->of += k->silent;
	k->silent = 0;
	if (counts) {
		k->values += values < records ? values : records; // of an array there may be more
		k->of += records;
	}
	if (k->values > SHARE_MOST) {
		k->values /= 2;
		k->of /= 2;
	}
	return changed;
}

// Has it gone? *changed: what is known is another.
static bool count_silence(struct known_field *k, const struct merged *w, uint64_t records, bool *changed)
{
	if (k->silent && w->from < k->silent_to)
		return false;
	k->silent += records;
	k->silent_to = w->to;
	*changed = true;
	double share = k->of ? (double)k->values / (double)k->of : 1;
	return (double)k->silent * log1p(-fmin(share, 1)) <= log(CHANCE);
}

static bool is_ignored(const struct judge_stream *s, const char *path)
{
	for (size_t i = 0; i < s->nfields; i++)
		if (s->fields[i].type == FIELD_NONE && !strcmp(s->fields[i].path, path))
			return true;
	return false;
}

// Marks those that have values. counts: the window overlaps none that was counted. true: the document is another.
static bool look_here(struct stream_state *s, const struct pane *p, bool counts, struct field_changes *c)
{
	struct known_fields *f = &s->known;
	bool changed = false;

	for (size_t i = 0; i < p->nfields; i++) {
		const struct field_stats *v = p->fields[i];
		if (!v || !v->present || v->type == FIELD_NONE || is_ignored(s->conf, v->path))
			continue;
		struct known_field *k = map_gets(&f->map, v->path);
		if (k && k->here) // of two types
			continue;
		bool again = k && k->gone, fresh = !k;
		if (fresh && !(k = know(f, v->path, v->type, false)))
			continue;
		k->here = true;
		changed |= k->gone || k->type != v->type;
		changed |= count_here(k, v->present, p->decoded, counts || fresh);
		k->gone = false;
		k->type = v->type;
		if (fresh || again)
			add_change(c, v->path, k, again);
	}
	return changed;
}

static bool look_gone(struct known_fields *f, const struct merged *w, bool whole, struct field_changes *c)
{
	bool changed = false;

	for (struct map_entry *e = NULL; (e = map_next(&f->map, e));) {
		struct known_field *k = e->value;
		if (whole && !k->gone && !k->here && count_silence(k, w, w->total.pane->decoded, &changed)) {
			k->gone = true;
			add_change(c, e->key, k, false);
		}
		k->here = false;
	}
	return changed;
}

static void tell(struct judge *j, struct stream_state *s, const struct field_change *c, const struct merged *w, int64_t at)
{
	struct known_fields *f = &s->known;
	json_t *event = json_pack("{s:I, s:s, s:o, s:o, s:s, s:{s:o, s:o}}", "at", (json_int_t)at, "type",
				  c->field->gone ? "field_disappeared" : "field_appeared", "stream", json_str(s->conf->name),
				  "field", json_str(c->path), "field_type", field_type_name(c->field->type), "window", "from",
				  json_time(w->from), "to", json_time(w->to));

	if (c->again)
		json_object_set_new(event, "again", json_true());
	json_t *recent = json_copy(event);
	json_object_del(recent, "at");
	json_object_del(recent, "stream");
	json_array_append_new(f->recent, recent);
	if (json_array_size(f->recent) > FIELDS_RECENT)
		json_array_remove(f->recent, 0);
	f->changes++;
	batch_event(&j->batch, event);
}

static void store(struct judge *j, const struct stream_state *s)
{
	const struct known_fields *f = &s->known;
	json_t *there = json_object(), *gone = json_object();

	for (struct map_entry *e = NULL; (e = map_next(&f->map, e));) {
		const struct known_field *k = e->value;
		json_object_set_new(k->gone ? gone : there, e->key,
				    json_pack("[s, I, I, I, I]", field_type_name(k->type), (json_int_t)k->values, (json_int_t)k->of,
					      (json_int_t)k->silent, (json_int_t)k->silent_to));
	}
	batch_doc(&j->batch, "fields", s->conf->name,
		  json_pack("{s:I, s:I, s:o, s:o, s:o}", "counted_to", (json_int_t)f->counted_to, "changes", (json_int_t)f->changes, "there", there, "gone", gone, "recent",
			    json_deep_copy(f->recent)));
}

void fields_look(struct judge *j, struct stream_state *s, const struct merged *w, int64_t at)
{
	const struct pane *p = w->total.pane;
	struct known_fields *f = &s->known;
	bool whole = p->decoded && !w->lost && !w->total.damaged;
	struct field_changes c = {NULL, 0, 0};
	bool counts = whole && (!f->begun || w->from >= f->counted_to);

	if (!f->begun && !whole)
		return;
	if (counts)
		f->counted_to = w->to;
	bool changed = look_here(s, p, counts, &c);
	changed |= look_gone(f, w, whole, &c);
	if (c.n)
		qsort(c.items, c.n, sizeof *c.items, by_path);
	for (size_t i = 0; i < c.n && f->begun; i++)
		tell(j, s, &c.items[i], w, at);
	if (changed || c.n || !f->begun) {
		f->begun = true;
		store(j, s);
	}
	free(c.items);
}

static uint64_t number_at(const json_t *list, size_t i)
{
	return (uint64_t)json_integer_value(json_array_get(list, i));
}

static void load_list(struct known_fields *f, const json_t *list, bool gone)
{
	const char *path;
	json_t *is;

	json_object_foreach((json_t *)(uintptr_t)list, path, is)
	{
		const char *name = json_string_value(json_array_get(is, 0));
		struct known_field *k = know(f, path, name ? field_type_parse(name) : FIELD_TYPES, gone);
		if (!k)
			continue;
		k->values = number_at(is, 1);
		k->of = number_at(is, 2);
		k->silent = number_at(is, 3);
		k->silent_to = (int64_t)number_at(is, 4);
	}
}

void fields_load(struct stream_state *s, const json_t *doc)
{
	struct known_fields *f = &s->known;
	const json_t *recent = json_object_get(doc, "recent");

	fields_drop(s);
	load_list(f, json_object_get(doc, "there"), false);
	load_list(f, json_object_get(doc, "gone"), true);
	f->changes = (uint64_t)json_get_int(doc, "changes", 0);
	f->counted_to = json_get_int(doc, "counted_to", INT64_MIN);
	if (json_is_array(recent)) {
		json_decref(f->recent);
		f->recent = json_deep_copy(recent);
	}
	f->begun = true;
}

void fields_release(struct stream_state *s)
{
	map_release(&s->known.map, free);
	json_decref(s->known.recent);
	s->known = (struct known_fields){.recent = NULL};
}

void fields_drop(struct stream_state *s)
{
	fields_release(s);
	map_init(&s->known.map);
	s->known.recent = json_array();
}

static bool is_appearance(const json_t *change)
{
	return !strcmp(json_get_str(change, "type", ""), "field_appeared");
}

// Of a field that changed more than once, the last.
void fields_digest(const struct stream_state *s, uint64_t before, json_t *out)
{
	const struct known_fields *f = &s->known;
	uint64_t n = f->changes > before ? f->changes - before : 0, kept = json_array_size(f->recent);
	json_t *appeared = json_array(), *gone = json_array();
	struct map seen;

	map_init(&seen);
	for (size_t i = kept; i > 0 && kept - i < n; i--) {
		const json_t *change = json_array_get(f->recent, i - 1);
		const char *path = json_get_str(change, "field", "");
		if (!map_puts(&seen, path, s->known.recent))
			json_array_insert_new(is_appearance(change) ? appeared : gone, 0, json_str(path));
	}
	map_release(&seen, NULL);
	if (json_array_size(appeared))
		json_object_set(out, "appeared", appeared);
	if (json_array_size(gone))
		json_object_set(out, "disappeared", gone);
	if (n > kept)
		json_object_set_new(out, "field_changes_left_off", json_integer((json_int_t)(n - kept)));
	json_decref(appeared);
	json_decref(gone);
}

static json_t *shown(const json_t *recent, bool appeared)
{
	json_t *out = json_array();

	for (size_t i = json_array_size(recent); i > 0 && json_array_size(out) < FIELDS_SHOWN; i--) {
		json_t *change = json_array_get(recent, i - 1);
		if (is_appearance(change) != appeared)
			continue;
		json_t *one = json_deep_copy(change);
		json_object_del(one, "type");
		json_array_append_new(out, one);
	}
	return out;
}

void fields_show(const struct stream_state *s, json_t *out)
{
	json_object_set_new(out, "appeared", shown(s->known.recent, true));
	json_object_set_new(out, "disappeared", shown(s->known.recent, false));
}

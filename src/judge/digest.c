// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "judge/state.h"
#include "util/digest.h"
#include "util/xalloc.h"

json_t *totals_json(const struct totals *t, const json_t *before)
{
	const json_t *kinds = json_object_get(before, "violations");
	json_t *violations = json_object();

	for (int k = 0; k < VIOLATION_KINDS; k++) {
		const char *name = violation_table[k].name;
		int64_t n = (int64_t)t->violations[k] - json_get_int(kinds, name, 0);
		if (n)
			json_object_set_new(violations, name, json_integer(n));
	}
	return json_pack("{s:I, s:o}", "records", (json_int_t)((int64_t)t->records - json_get_int(before, "records", 0)),
			 "violations", violations);
}

void totals_parse(struct totals *t, const json_t *obj)
{
	const json_t *kinds = json_object_get(obj, "violations");

	t->records = (uint64_t)json_get_int(obj, "records", 0);
	for (int k = 0; k < VIOLATION_KINDS; k++)
		t->violations[k] = (uint64_t)json_get_int(kinds, violation_table[k].name, 0);
}

int64_t digest_due(const struct judge *j, enum tier t)
{
	const struct digest_schedule *s = &j->conf->digests[t];
	const struct digest_state *d = &j->digests[t];

	if (!d->zone || d->last == TIME_NONE)
		return TIME_NONE;
	if (j->conf->clock_is_watermark)
		return schedule_next(s, d->zone, d->last);
	int64_t due = schedule_last(s, d->zone, j->clock);
	return due > d->last ? due : TIME_NONE;
}

static void mark_digest(struct judge *j, enum tier t, int64_t last)
{
	struct digest_state *d = &j->digests[t];

	json_decref(d->totals);
	d->totals = json_object();
	for (size_t i = 0; i < j->conf->nstreams; i++) {
		json_t *s = totals_json(&j->tracks[i].totals, NULL);
		json_object_set_new(s, "field_changes", json_integer((json_int_t)j->streams[i].known.changes));
		json_object_set_new(d->totals, j->conf->streams[i].name, s);
	}
	d->last = last;
	batch_doc(&j->batch, "digest", tier_names[t],
		  json_pack("{s:I, s:O}", "last", (json_int_t)last, "totals", d->totals));
}

void digest_begin(struct judge *j, enum tier t, int64_t at)
{
	if (j->digests[t].zone && j->digests[t].last == TIME_NONE)
		mark_digest(j, t, at);
}

static int by_told(const void *a, const void *b)
{
	const struct page *x = *(struct page *const *)a, *y = *(struct page *const *)b;

	return x->told != y->told ? (x->told < y->told ? -1 : 1) : strcmp(x->id, y->id);
}

// The tier's pages: those that fire and those that resolved since they were last told. The latter are done.
static json_t *tell_pages(struct judge *j, enum tier t)
{
	struct page **list = xcalloc(j->pages.count + 1, sizeof *list);
	json_t *out = json_array();
	size_t n = 0;

	for (struct map_entry *e = NULL; (e = map_next(&j->pages, e));)
		if (((struct page *)e->value)->tier == t)
			list[n++] = e->value;
	qsort(list, n, sizeof *list, by_told);
	for (size_t i = 0; i < n; i++) {
		json_array_append(out, list[i]->data);
		if (list[i]->firing)
			continue;
		batch_doc(&j->batch, "page", list[i]->id, NULL);
		map_del(&j->pages, list[i]->id, strlen(list[i]->id));
		page_free(list[i]);
	}
	free(list);
	return out;
}

void digest_tell(struct judge *j, enum tier t, int64_t due, int64_t at)
{
	char *identity = xasprintf("%s\n%" PRId64, tier_names[t], due), hex[21];
	json_t *streams = json_array(), *ids = json_array();

	sha256_hex(identity, strlen(identity), hex, 20);
	char *id = xasprintf("digest_%s", hex);
	for (size_t i = 0; i < j->conf->nstreams; i++) {
		const char *name = j->conf->streams[i].name;
		const json_t *before = json_object_get(j->digests[t].totals, name);
		json_t *s = totals_json(&j->tracks[i].totals, before);
		json_object_set_new(s, "stream", json_str(name));
		fields_digest(&j->streams[i], (uint64_t)json_get_int(before, "field_changes", 0), s);
		json_array_append_new(streams, s);
	}
	json_t *pages = tell_pages(j, t);
	for (size_t i = 0; i < json_array_size(pages); i++)
		json_array_append(ids, json_object_get(json_array_get(pages, i), "id"));
	json_t *data = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "id", id, "tier", tier_names[t], "from",
				 json_time(j->digests[t].last), "to", json_time(due), "streams", streams, "pages", pages);
	batch_event(&j->batch,
		    json_pack("{s:I, s:s, s:s, s:s, s:O, s:O, s:O, s:o}", "at", (json_int_t)at, "type", "digest", "tier",
			      tier_names[t], "id", id, "from", json_object_get(data, "from"), "to",
			      json_object_get(data, "to"), "streams", streams, "pages", ids));
	batch_message(&j->batch, "kdrift.digest", at, data, identity, t, j->conf->routes[t], j->conf->nroutes[t]);
	mark_digest(j, t, due);
	json_decref(data);
	free(id);
	free(identity);
}

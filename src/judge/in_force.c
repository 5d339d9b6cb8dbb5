// SPDX-License-Identifier: Apache-2.0
#include "judge/in_force.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/xalloc.h"

static const struct judge_stream *configured(const struct judge *j, const struct stream_state *s)
{
	return &j->conf->streams[s - j->streams];
}

static void put(struct stream_state *s, const struct baseline *b, const struct slice_reference *slices, size_t n,
		const struct baseline *next)
{
	s->own.baseline = b;
	s->own.slices = slices;
	s->own.nslices = n;
	s->own.next = next;
	windows_take(s->windows, b);
	spans_clear(s->spans);
	histories_free(s->histories);
	s->histories = histories_new();
}

static void before_free(struct baseline_before *b)
{
	if (!b)
		return;
	baseline_free(b->baseline);
	for (size_t i = 0; i < b->nslices; i++) {
		baseline_free((struct baseline *)(uintptr_t)b->slices[i].baseline);
		free((char *)(uintptr_t)b->slices[i].slice);
	}
	free(b->slices);
	json_decref(b->record);
	free(b);
}

// Others look at it, too: judge_before.
static struct baseline_before *change_before(struct judge *j, struct stream_state *s, struct baseline_before *b)
{
	pthread_mutex_lock(&j->lock);
	struct baseline_before *old = s->before;
	s->before = b;
	pthread_mutex_unlock(&j->lock);
	return old;
}

void judge_before(struct judge *j,
		  void (*each)(void *arg, const char *stream, const char *slice, const struct baseline *b), void *arg)
{
	pthread_mutex_lock(&j->lock);
	for (size_t i = 0; i < j->conf->nstreams; i++) {
		const struct baseline_before *b = j->streams[i].before;
		if (b)
			each(arg, j->conf->streams[i].name, "", b->baseline);
		for (size_t k = 0; b && k < b->nslices; k++)
			each(arg, j->conf->streams[i].name, b->slices[k].slice, b->slices[k].baseline);
	}
	pthread_mutex_unlock(&j->lock);
}

static void follow(struct judge *j, struct stream_state *s)
{
	const struct judge_stream *c = configured(j, s);

	put(s, c->baseline, c->slices, c->nslices, NULL);
	before_free(change_before(j, s, NULL));
}

void in_force_drop(struct judge *j, struct stream_state *s)
{
	json_decref(s->stored);
	s->stored = NULL;
	if (s->before)
		follow(j, s);
}

// --- the document -------------------------------------------------------------------------------------

// {hash, file, slices: {NAME: {hash, file}}}, and `next`, the hash of the one that it is to make way for.
static json_t *named(const struct baseline *b, const char *file)
{
	return json_pack("{s:s, s:o}", "hash", b->hash, "file", json_str(file));
}

static json_t *record_of(const struct judge_stream *c)
{
	json_t *out = named(c->baseline, c->baseline_file), *slices = json_object();

	for (size_t i = 0; i < c->nslices; i++)
		json_object_set_new(slices, c->slices[i].slice, named(c->slices[i].baseline, c->slices[i].file));
	json_object_set_new(out, "slices", slices);
	return out;
}

static const char *hash_in(const json_t *record)
{
	return json_get_str(record, "hash", "");
}

static bool same_baselines(const json_t *a, const json_t *b)
{
	json_t *of_a = json_object_get(a, "slices"), *of_b = json_object_get(b, "slices"), *item;
	bool same = !strcmp(hash_in(a), hash_in(b)) && json_object_size(of_a) == json_object_size(of_b);
	const char *name;

	json_object_foreach(of_a, name, item)
		same &= !strcmp(hash_in(item), hash_in(json_object_get(of_b, name)));
	return same;
}

static void forget_copy(struct judge *j, const struct stream_state *s, const char *hash)
{
	char *key = xasprintf("%s %s", s->conf->name, hash);

	batch_doc(&j->batch, "baseline_copy", key, NULL);
	free(key);
}

static void forget_copies(struct judge *j, const struct stream_state *s, const json_t *record)
{
	const char *name;
	json_t *item;

	if (record)
		forget_copy(j, s, hash_in(record));
	json_object_foreach(json_object_get(record, "slices"), name, item)
		forget_copy(j, s, hash_in(item));
}

// --- at the start -------------------------------------------------------------------------------------

static int find(const struct judge *j, const struct stream_state *s, const json_t *record, struct baseline **out,
		struct error *err)
{
	*out = NULL;
	if (!j->port->baseline)
		return 0;
	return j->port->baseline(j->port->ctx, s->conf->name, hash_in(record), json_get_str(record, "file", NULL), out, err);
}

// *out NULL: not all of them can be had.
static int find_all(const struct judge *j, const struct stream_state *s, struct baseline_before **out, struct error *err)
{
	json_t *slices = json_object_get(s->stored, "slices"), *item;
	struct baseline_before *b = xcalloc(1, sizeof *b);
	const char *next = json_get_str(s->stored, "next", ""), *name;
	bool all;
	int rc = find(j, s, s->stored, &b->baseline, err);

	*out = NULL;
	all = b->baseline;
	b->both_since = b->broken = TIME_NONE;
	b->record = json_incref(s->stored);
	b->told = !strcmp(next, configured(j, s)->baseline->hash);
	b->slices = xcalloc(json_object_size(slices) + 1, sizeof *b->slices);
	json_object_foreach(slices, name, item) {
		struct baseline *of_slice = NULL;
		if (rc || !all || (rc = find(j, s, item, &of_slice, err)))
			break;
		all = of_slice;
		if (of_slice)
			b->slices[b->nslices++] = (struct slice_reference){xstrdup(name), of_slice, NULL};
	}
	if (!rc && all)
		*out = b;
	else
		before_free(b);
	return rc;
}

// `want`: what the configuration names; NULL: nothing.
static int settle(struct judge *j, struct stream_state *s, json_t *want, struct error *err)
{
	const struct judge_stream *c = configured(j, s);
	bool other = s->stored && want && !same_baselines(s->stored, want);
	struct baseline_before *b = NULL;

	if (other && find_all(j, s, &b, err))
		return -1;
	if (b && !baseline_same_grids(b->baseline, c->baseline)) {
		put(s, b->baseline, b->slices, b->nslices, c->baseline);
		change_before(j, s, b);
		return 0;
	}
	if (other && !b)
		log_warn("judge", "stream %s: its baseline was %.12s, of which there is neither a copy nor the file %s: it is "
			 "judged by %.12s at once, and what was counted on another grid is unknown", s->conf->name,
			 hash_in(s->stored), json_get_str(s->stored, "file", "(none)"), c->baseline->hash);
	before_free(b);
	if (json_equal(s->stored, want))
		return 0;
	forget_copies(j, s, s->stored);
	batch_doc(&j->batch, "baseline", s->conf->name, json_incref(want));
	return 0;
}

static void load(void *arg, const char *key, const char *text)
{
	struct judge *j = arg;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < j->conf->nstreams; i++) {
		struct stream_state *s = &j->streams[i];
		if (!strcmp(s->conf->name, key) && !(s->stored = json_parse(text, strlen(text), &err)))
			log_error("judge", "read the stored baseline %s: %s; it is left out", key, err.text);
	}
}

int in_force_load(struct judge *j, struct error *err)
{
	int rc = j->conf->replay ? 0 : j->port->docs(j->port->ctx, "baseline", load, j, err);

	for (size_t i = 0; !rc && !j->conf->replay && i < j->conf->nstreams; i++) {
		struct stream_state *s = &j->streams[i];
		json_t *want = configured(j, s)->baseline ? record_of(configured(j, s)) : NULL;
		rc = settle(j, s, want, err);
		json_decref(want);
		json_decref(s->stored);
		s->stored = NULL;
	}
	return rc;
}

// --- while windows pass -------------------------------------------------------------------------------

// Was all of [from, end) counted on the configured baseline's grids?
static int look(struct stream_state *s, int64_t from, int64_t end, bool *has, struct error *err)
{
	struct merged m;
	int rc = windows_grids(s->windows, time_floor(from, s->conf->pane_ms), end, &m, err);

	*has = !rc && !m.cut && baseline_has_grids(s->conf->next, m.total.pane);
	merged_release(&m);
	return rc;
}

// For people: since when it is so, to a slide.
static int find_since(struct stream_state *s, int64_t end, struct error *err)
{
	int64_t slide = s->conf->slide_ms, has = 0, lacks = s->lookback / slide + 2;

	while (lacks - has > 1) {
		int64_t mid = (has + lacks) / 2;
		bool there;
		if (look(s, end - mid * slide, end, &there, err))
			return -1;
		if (there)
			has = mid;
		else
			lacks = mid;
	}
	s->before->both_since = end - has * slide;
	return 0;
}

static void tell(struct judge *j, struct stream_state *s, int64_t at, int64_t boundary, const char *type)
{
	batch_event(&j->batch, json_pack("{s:s, s:o, s:o, s:s, s:s, s:o}", "type", type, "at", json_time(at), "stream",
					 json_str(s->conf->name), "before", s->before->baseline->hash, "baseline",
					 s->conf->next->hash, "boundary", json_time(boundary)));
}

static void tell_begin(struct judge *j, struct stream_state *s, int64_t end, int64_t at)
{
	json_object_set_new(s->before->record, "next", json_string(s->conf->next->hash));
	batch_doc(&j->batch, "baseline", s->conf->name, json_incref(s->before->record));
	tell(j, s, at, end, "baseline_recalibrating");
	s->before->told = true;
}

int in_force_look(struct judge *j, struct stream_state *s, int64_t end, int64_t at, struct error *err)
{
	struct baseline_before *b = s->before;
	bool has;

	if (!b)
		return 0;
	if (!b->told)
		tell_begin(j, s, end, at);
	if (b->both_since == TIME_NONE && find_since(s, end, err))
		return -1;
	if (look(s, end - s->conf->slide_ms, end, &has, err))
		return -1;
	if (!has)
		b->both_since = b->broken = end;
	if (b->broken > end - s->lookback)
		return 0;
	if (look(s, end - s->lookback, end, &has, err))
		return -1;
	if (!has)
		return 0;
	tell(j, s, at, end, "baseline_taken");
	forget_copies(j, s, b->record);
	follow(j, s);
	batch_doc(&j->batch, "baseline", s->conf->name, record_of(s->conf));
	return 0;
}

void in_force_show(const struct stream_state *s, json_t *out)
{
	const struct baseline_before *b = s->before;
	const struct judge_stream *c = s->conf;
	json_t *slices = json_object();

	json_object_set_new(out, "baseline", c->baseline ? json_string(c->baseline->hash) : json_null());
	for (size_t i = 0; i < c->nslices; i++)
		json_object_set_new(slices, c->slices[i].slice, json_string(c->slices[i].baseline->hash));
	if (c->nslices)
		json_object_set(out, "slice_baselines", slices);
	json_decref(slices);
	if (!b)
		return;
	bool known = b->both_since != TIME_NONE;
	json_object_set_new(out, "recalibrating",
			    json_pack("{s:s, s:o, s:o}", "baseline", c->next->hash, "since",
				      json_time(b->both_since), "until",
				      json_time(known ? stream_boundary(s, b->both_since + s->lookback + c->slide_ms - 1) : TIME_NONE)));
}

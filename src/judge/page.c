// SPDX-License-Identifier: Apache-2.0
#include "judge/page.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/condition.h"
#include "judge/page_schema.h"
#include "judge/threshold.h"
#include "util/digest.h"
#include "util/xalloc.h"

json_t *page_item(const struct rule *r, const struct reading *v)
{
	json_t *window = v->to == INT64_MIN ? json_null()
					    : json_pack("{s:o, s:o}", "from", json_time(v->from), "to", json_time(v->to));
	json_t *item = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:I, s:I, s:o, s:o}", "field",
				 *v->field ? json_str(v->field) : json_null(), "slice",
				 *v->slice ? json_str(v->slice) : json_null(), "measure", r->measure->name, "value",
				 json_num(v->v.value), "error", json_num(v->v.error), "threshold",
				 json_num(condition_threshold(&v->limits, v->v.value)),
				 "n_reference", (json_int_t)v->v.n_reference, "n_current", (json_int_t)v->v.n_current,
				 "window", window, "baseline", *v->baseline ? json_string(v->baseline) : json_null());

	char text[80];
	if (threshold_words(r, text, sizeof text))
		json_object_set_new(item, "threshold_is", json_string(text));
	if (r->every_ms)
		json_object_set_new(item, "every", json_string(duration_format(r->every_ms, text, sizeof text)));
	if (!isnan(v->adjusted))
		json_object_set_new(item, "adjusted", json_num(v->adjusted));
	if (v->v.approximate)
		json_object_set_new(item, "approximate", json_true());
	if (v->v.smallest > 0) {
		json_object_set_new(item, "smallest_shift", json_num(v->v.smallest));
		json_object_set_new(item, "smallest_shift_in", json_string(v->v.smallest_in));
	}
	if (v->v.season)
		json_object_set_new(item, "season", json_string(v->v.season));
	if (v->covers_to > v->covers_from)
		json_object_set_new(item, "baseline_covers", json_pack("{s:o, s:o}", "from", json_time(v->covers_from), "to",
								       json_time(v->covers_to)));
	if (v->v.detail && v->v.span_ms) {
		char said[128], length[32];
		snprintf(said, sizeof said, "%s; over the last %s", v->v.detail,
			 duration_format(v->v.span_ms, length, sizeof length));
		json_object_set_new(item, "detail", json_str(said));
	} else if (v->v.detail) {
		json_object_set_new(item, "detail", json_str(v->v.detail));
	}
	return item;
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
	return json_equal(json_object_get(a, key), json_object_get(b, key));
}

static bool renew(json_t *items, json_t *item, const char *also)
{
	for (size_t i = 0; i < json_array_size(items); i++) {
		json_t *old = json_array_get(items, i);
		if (same(old, item, "field") && same(old, item, "slice") && (!also || same(old, item, also))) {
			json_array_set(items, i, item);
			return true;
		}
	}
	return false;
}

bool page_renew_item(json_t *data, json_t *item)
{
	return renew(json_object_get(data, "items"), item, NULL);
}

static void add(json_t *data, const char *list, const char *left_off, json_t *item)
{
	json_t *items = json_object_get(data, list);

	if (json_array_size(items) < PAGE_ITEMS) {
		json_array_append_new(items, item);
		return;
	}
	json_decref(item);
	json_object_set_new(data, left_off, json_integer(json_get_int(data, left_off, 0) + 1));
}

void page_add_item(json_t *data, json_t *item)
{
	if (page_renew_item(data, item))
		json_decref(item);
	else
		add(data, "items", "items_left_off", item);
}

void page_add_follower(json_t *data, json_t *item)
{
	if (!json_object_get(data, "follows"))
		json_object_set_new(data, "follows", json_array());
	if (!renew(json_object_get(data, "follows"), item, "alert"))
		add(data, "follows", "follows_left_off", json_incref(item));
}

json_t *page_item_of(const json_t *data, const char *field, const char *slice)
{
	const json_t *items = json_object_get(data, "items");

	for (size_t i = 0; i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i);
		if (!strcmp(json_get_str(item, "field", ""), field) && !strcmp(json_get_str(item, "slice", ""), slice))
			return item;
	}
	return NULL;
}

void page_fingerprint(const struct rule *r, const char *stream, char out[17])
{
	// The cause is the rule itself as long as no other is known.
	char *text = xasprintf("%s\n%s\n%s", r->name, stream, r->name);

	sha256_hex(text, strlen(text), out, 16);
	free(text);
}

char *page_id(const char *fingerprint, int64_t started)
{
	char *text = xasprintf("%s\n%" PRId64, fingerprint, started), hex[21];

	sha256_hex(text, strlen(text), hex, 20);
	free(text);
	return xasprintf("page_%s", hex);
}

#define DAY_MS INT64_C(86400000)
#define YEAR_MS (365 * DAY_MS)

// --- evidence -----------------------------------------------------------------------------------------

static bool about_violations(const struct rule *r)
{
	return strstr(r->measure->name, "violati") || rule_rank(r);
}

static json_t *partition(const char *topic, int32_t p, int64_t from, int64_t to)
{
	return json_pack("{s:o, s:i, s:I, s:I}", "topic", json_str(topic), "partition", (int)p, "from_offset",
			 (json_int_t)from, "to_offset", (json_int_t)to);
}

static json_t *partitions(const struct page_about *a)
{
	json_t *out = json_array();

	if (rule_is_version(a->rule)) // of no record
		return out;
	if (!a->window) { // by the clock: the last record that came
		bool wait = rule_is_wait(a->rule); // or the first that has yet to be counted
		bool letters = rule_is_letters(a->rule);
		for (size_t i = 0; i < a->view->nparts; i++) {
			const struct partition_view *p = &a->view->parts[i];
			int64_t at = wait ? p->next : p->next - 1;
			if (at >= 0 && (!wait || p->waiting_since) && (!letters || p->letters.why))
				json_array_append_new(out, partition(p->topic, p->partition, at, at));
		}
		return out;
	}
	for (size_t i = 0; i < a->window->nparts; i++) {
		const struct part_range *p = &a->window->parts[i];
		if (!about_violations(a->rule))
			json_array_append_new(out, partition(p->topic, p->partition, p->from, p->to));
		else if (p->bad_from <= p->bad_to)
			json_array_append_new(out, partition(p->topic, p->partition, p->bad_from, p->bad_to));
	}
	return out;
}

static bool listed(const json_t *array, int64_t v)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (json_integer_value(json_array_get(array, i)) == v)
			return true;
	return false;
}

static json_t *schema_ids(const struct page_about *a)
{
	const struct pane *p = a->window ? a->window->pane : NULL;
	json_t *out = json_array();

	if (rule_is_version(a->rule))
		json_array_append_new(out, json_integer(a->version->id));
	for (size_t i = 0; p && about_violations(a->rule) && i < p->nsamples; i++)
		if (p->samples[i].schema_id >= 0 && !listed(out, p->samples[i].schema_id))
			json_array_append_new(out, json_integer(p->samples[i].schema_id));
	for (size_t i = 0; p && !json_array_size(out) && i < p->nschemas; i++)
		if (p->schemas[i].id >= 0)
			json_array_append_new(out, json_integer(p->schemas[i].id));
	return out;
}

static json_t *samples(const struct page_about *a)
{
	json_t *out = json_array();

	if (!a->window || !about_violations(a->rule))
		return out;
	for (size_t i = 0; i < a->window->pane->nsamples; i++) {
		const struct violation_sample *s = &a->window->pane->samples[i];
		json_array_append_new(out, json_pack("{s:s, s:o, s:o, s:o, s:i, s:I, s:o, s:o}", "kind",
						     violation_table[s->kind].name, "field", json_str(s->field), "rule",
						     *s->rule ? json_str(s->rule) : json_null(), "topic",
						     json_str(s->topic), "partition", (int)s->partition, "offset",
						     (json_int_t)s->offset, "schema_id",
						     s->schema_id >= 0 ? json_integer(s->schema_id) : json_null(), "detail",
						     json_str(s->detail)));
	}
	return out;
}

static json_t *commands(const struct page_about *a, const char *id, const json_t *items)
{
	const json_t *window = json_object_get(json_array_get(items, 0), "window");
	const char *config = a->config_path ? a->config_path : "kdrift.yaml";
	json_t *out = json_array();
	char *text = xasprintf("kdrift explain %s --config %s", id, config);

	json_array_append_new(out, json_str(text));
	free(text);
	if (json_is_object(window)) {
		text = xasprintf("kdrift stats --config %s --stream %s --from %s --to %s", config, a->stream->name,
				 json_get_str(window, "from", ""), json_get_str(window, "to", ""));
		json_array_append_new(out, json_str(text));
		free(text);
	}
	if (rule_is_version(a->rule)) {
		text = xasprintf("kdrift schema check --config %s", config);
		json_array_append_new(out, json_str(text));
		free(text);
	}
	text = xasprintf("kdrift alerts --config %s", config);
	json_array_append_new(out, json_str(text));
	free(text);
	return out;
}

// --- the sentence -------------------------------------------------------------------------------------

static void say_value(struct buf *b, const struct measure *m, double v)
{
	char text[40];

	if (m->unit && !strcmp(m->unit, "seconds") && v >= 1)
		buf_adds(b, duration_format((int64_t)v * 1000, text, sizeof text));
	else
		buf_addf(b, "%.4g", v);
}

static void say_limit(struct buf *b, const struct rule *r, const json_t *item)
{
	double limit = json_get_num(item, "threshold", NAN);
	char text[80];

	buf_adds(b, rule_is_lower(r, json_get_num(item, "value", NAN), limit) ? "below " : "above ");
	say_value(b, r->measure, limit);
	if (threshold_words(r, text, sizeof text))
		buf_addf(b, ", %s", text);
}

static void say_place(struct buf *b, const json_t *item)
{
	const char *field = json_get_str(item, "field", NULL), *slice = json_get_str(item, "slice", NULL);

	if (field)
		buf_adds(b, field);
	if (slice)
		buf_addf(b, "%s[%s]", field ? " " : "", slice);
	if (!field && !slice)
		buf_adds(b, "all records");
}

static int by_excess(const void *a, const void *b)
{
	double x = fabs(json_get_num(*(json_t *const *)a, "value", 0) - json_get_num(*(json_t *const *)a, "threshold", 0));
	double y = fabs(json_get_num(*(json_t *const *)b, "value", 0) - json_get_num(*(json_t *const *)b, "threshold", 0));

	return (x < y) - (x > y);
}

static void say_items(struct buf *b, const struct rule *r, const json_t *items)
{
	size_t n = json_array_size(items), i;
	json_t **sorted = xmalloc((n + 1) * sizeof *sorted);
	const json_t *first = json_array_get(items, 0);

	for (i = 0; i < n; i++)
		sorted[i] = json_array_get(items, i);
	qsort(sorted, n, sizeof *sorted, by_excess);
	if (n == 1) {
		say_place(b, first);
		buf_addf(b, ": %s is ", r->measure->name);
		say_value(b, r->measure, json_get_num(first, "value", NAN));
	} else {
		buf_addf(b, "%zu places where %s is off: ", n, r->measure->name);
		for (i = 0; i < n && i < 3; i++) {
			buf_adds(b, i ? ", " : "");
			say_place(b, sorted[i]);
			buf_addc(b, ' ');
			say_value(b, r->measure, json_get_num(sorted[i], "value", NAN));
		}
		if (n > 3)
			buf_addf(b, " and %zu more", n - 3);
	}
	buf_adds(b, " (limit: ");
	say_limit(b, r, sorted[0]);
	buf_addf(b, ") over %" PRId64 " records", json_get_int(first, "n_current", 0));
	free(sorted);
}

// What could have been seen, and what cannot be told apart.
static void say_reference(struct buf *b, const json_t *item)
{
	double smallest = json_get_num(item, "smallest_shift", 0);
	bool share = !strcmp(json_get_str(item, "smallest_shift_in", ""), "share");
	const json_t *covers = json_object_get(item, "baseline_covers");
	int64_t from, to;
	char text[40];

	if (smallest > 0)
		buf_addf(b, "; a shift of %.3g %s would show", share ? 100 * smallest : smallest,
			 share ? "points of share" : "standard deviations");
	buf_adds(b, "; find out what changed upstream, or take a new baseline if it is meant to stay");
	if (time_parse(json_get_str(covers, "from", ""), &from) || time_parse(json_get_str(covers, "to", ""), &to) ||
	    to - from >= YEAR_MS)
		return;
	to -= to - from > DAY_MS ? (to - from) % DAY_MS : 0;
	buf_addf(b, " (the baseline covers %s: a longer season looks the same, and against: {previous: 52w} tells them apart)",
		 duration_format(to - from, text, sizeof text));
}

static void say_violations(struct buf *b, const struct pane *p)
{
	const struct violation_count *top = NULL;
	uint64_t all = 0;

	for (size_t i = 0; i < p->nviolations; i++) {
		all += p->violations[i].n;
		if (!top || p->violations[i].n > top->n)
			top = &p->violations[i];
	}
	if (!top)
		return;
	buf_addf(b, "; mostly %s", violation_table[top->kind].name);
	if (*top->rule)
		buf_addf(b, " %s", top->rule);
	if (*top->field)
		buf_addf(b, " on %s", top->field);
	buf_addf(b, " (%" PRIu64 " of %" PRIu64 " violations): %s", top->n, all, violation_table[top->kind].mend);
}

static void say_version(struct buf *b, const struct version *v)
{
	buf_addf(b, "version %d (schema id %d) of %s breaks the contract in %" PRIu64 " place%s: %s; stop what is about to write "
		    "with it, or agree on a new contract",
		 v->version, v->id, v->subject, v->breaches, v->breaches == 1 ? "" : "s", v->why);
}

static void say_letters(struct buf *b, const struct page_about *a, const json_t *item)
{
	double n = json_get_num(item, "value", 0);
	char when[40];

	buf_addf(b, "violating records of %.0f partition%s of topic %s are not copied, since %s: %s; they are counted all the same; ", n, n == 1 ? "" : "s",
		 a->stream->topic, time_format(a->started, when, sizeof when), json_get_str(item, "detail", "they are copied again"));
	buf_adds(b, "look for the producer, or at the dead-letter topic; docs/dead-letters.md says when it starts again");
}

static json_t *evidence_of(const struct page_about *a, const json_t *items)
{
	json_t *evidence = json_pack("{s:o, s:o, s:o}", "partitions", partitions(a), "schema_ids", schema_ids(a), "samples",
				     samples(a));

	if (rule_rank(a->rule))
		schemas_evidence(evidence, items, a->window ? a->window->pane : NULL);
	return evidence;
}

static json_t *summary(const struct page_about *a, const json_t *items, const json_t *evidence)
{
	const struct rule *r = a->rule;
	char when[40];
	struct buf b = BUF_INIT;

	if (r->summary) {
		size_t n = strlen(r->summary);
		buf_addf(&b, "%s%s ", r->summary, n && strchr(".!?", r->summary[n - 1]) ? "" : ".");
	}
	buf_addf(&b, "%s: ", a->stream->name);
	if (rule_is_version(r)) {
		say_version(&b, a->version);
	} else if (rule_rank(r)) {
		say_schemas(&b, items, evidence);
	} else if (rule_is_wait(r)) {
		const json_t *item = json_array_get(items, 0);
		double age = json_get_num(item, "value", 0);
		buf_addf(&b, "records of topic %s have waited for ", a->stream->topic);
		say_value(&b, r->measure, age);
		buf_adds(&b, " (limit: ");
		say_limit(&b, r, item);
		buf_addf(&b, "), since %s; the schema registry does not give their schema: kdrift's first page and its log "
			     "say why",
			 time_format(a->started, when, sizeof when));
	} else if (rule_is_letters(r)) {
		say_letters(&b, a, json_array_get(items, 0));
	} else if (rule_is_clock(r)) {
		const json_t *item = json_array_get(items, 0);
		double age = json_get_num(item, "value", 0);
		buf_addf(&b, "no new record on topic %s for ", a->stream->topic);
		say_value(&b, r->measure, age);
		buf_adds(&b, " (limit: ");
		say_limit(&b, r, item);
		buf_addf(&b, "), since %s; look at its producers", time_format(a->started, when, sizeof when));
	} else {
		say_items(&b, r, items);
		buf_addf(&b, ", since the window that ended at %s", time_format(a->started, when, sizeof when));
		if (a->window && about_violations(r))
			say_violations(&b, a->window->pane);
		else if (r->measure->needs_reference)
			say_reference(&b, json_array_get(items, 0));
		else
			buf_addf(&b, "; look at what writes topic %s", a->stream->topic);
	}
	json_t *text = json_str(b.data);
	buf_release(&b);
	return text;
}

json_t *page_firing(const struct page_about *a, json_t *items)
{
	char fingerprint[17];
	json_t *some = json_array();
	size_t n = json_array_size(items);

	page_fingerprint(a->rule, a->stream->name, fingerprint);
	char *id = page_id(fingerprint, a->started);
	for (size_t i = 0; i < n && i < PAGE_ITEMS; i++)
		json_array_append(some, json_array_get(items, i));
	json_t *evidence = evidence_of(a, items);
	const char *owner = a->rule->owner ? a->rule->owner : a->stream->owner;
	json_t *data = json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:n, s:o, s:o, s:o}", "id", id,
				 "tier", tier_names[a->rule->tier], "status", "firing", "alert", json_str(a->rule->name),
				 "fingerprint", fingerprint, "stream", json_str(a->stream->name), "topic",
				 json_str(a->stream->topic), "summary", summary(a, items, evidence), "owner", json_str(owner),
				 "runbook", json_str(a->rule->runbook), "starts_at", json_time(a->started), "ends_at",
				 "items", some, "evidence", evidence, "commands", commands(a, id, items));
	if (n > PAGE_ITEMS)
		json_object_set_new(data, "items_left_off", json_integer((json_int_t)(n - PAGE_ITEMS)));
	json_decref(items);
	free(id);
	return data;
}

void page_renew(json_t *data, const struct page_about *a)
{
	const json_t *items = json_object_get(data, "items");
	json_t *evidence = evidence_of(a, items);

	json_object_set_new(data, "summary", summary(a, items, evidence));
	json_object_set_new(data, "evidence", evidence);
}

void page_resolve(json_t *data, int64_t ended, const char *why)
{
	char when[40];
	char *text = xasprintf("%s: %s is over: %s at %s. It began with: %s", json_get_str(data, "stream", ""),
			       json_get_str(data, "alert", ""), why, time_format(ended, when, sizeof when),
			       json_get_str(data, "summary", ""));

	json_object_set_new(data, "status", json_string("resolved"));
	json_object_set_new(data, "ends_at", json_time(ended));
	json_object_set_new(data, "summary", json_str(text));
	free(text);
}

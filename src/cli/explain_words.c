// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "util/clock.h"
#include "util/escape.h"
#include "util/xalloc.h"

void explain_number(struct buf *out, const json_t *v)
{
	double x = json_is_number(v) ? json_number_value(v) : NAN;

	if (!isfinite(x))
		buf_adds(out, "\xe2\x80\x93");
	else if (x == floor(x) && fabs(x) < 1e6)
		buf_addf(out, "%.0f", x);
	else
		buf_addf(out, "%.4g", x);
}

static void number_of(struct buf *out, const json_t *obj, const char *key)
{
	explain_number(out, json_object_get(obj, key));
}

static void bound(struct buf *out, const json_t *rule, const char *key)
{
	if (!json_is_number(json_object_get(rule, key)))
		return;
	buf_addf(out, " %s ", key);
	number_of(out, rule, key);
}

void explain_rule(struct buf *out, const json_t *v)
{
	const json_t *rule = json_object_get(v, "rule");
	int64_t for_ms = json_get_int(rule, "for_ms", 0);
	const char *against = json_get_str(rule, "against", NULL);
	char text[40];

	buf_addf(out, "%s", json_get_str(rule, "measure", "?"));
	bound(out, rule, "above");
	bound(out, rule, "below");
	if (json_get_str(rule, "limit", NULL))
		buf_addf(out, ", limit %s,", json_get_str(rule, "limit", ""));
	buf_addf(out, " over %s", json_get_str(rule, "over", "?"));
	if (for_ms)
		buf_addf(out, " for %s", duration_format(for_ms, text, sizeof text));
	if (against)
		buf_addf(out, ", against %s", against);
	if (*json_get_str(rule, "help", ""))
		buf_addf(out, " (%s)", json_get_str(rule, "help", ""));
}

void explain_place(struct buf *out, const json_t *item)
{
	const char *field = json_get_str(item, "field", NULL), *slice = json_get_str(item, "slice", NULL);

	buf_adds(out, field ? field : slice ? "all records" : "all records of the stream");
	if (slice)
		buf_addf(out, " in slice %s", slice);
}

static void rests_on(struct buf *out, const json_t *v, const char *what)
{
	int64_t reference = json_get_int(v, "n_reference", 0);

	html_count(out, json_get_int(v, "n_current", 0));
	buf_addf(out, " %s of the window", what);
	if (!reference)
		return;
	buf_adds(out, " and ");
	html_count(out, reference);
	buf_adds(out, " of the reference");
}

void explain_value(struct buf *out, const json_t *item)
{
	double value = json_get_num(item, "value", NAN), limit = json_get_num(item, "threshold", NAN);
	const char *detail = json_get_str(item, "detail", NULL),
		   *what = json_get_str(item, "field", NULL) ? "values" : "records";
	const json_t *now = json_object_get(item, "whole_window");

	buf_addf(out, "%s is ", json_get_str(item, "measure", "?"));
	number_of(out, item, "value");
	if (isfinite(limit)) {
		buf_addf(out, " (limit: %s ", value < limit ? "below" : "above");
		number_of(out, item, "threshold");
		buf_addc(out, ')');
	}
	if (detail)
		buf_addf(out, ", by %s", detail);
	buf_adds(out, ", from ");
	rests_on(out, item, what);
	buf_addc(out, '.');
	if (json_is_true(json_object_get(item, "approximate")))
		buf_adds(out, " A bound on the values kept apart was hit, so not all of them are counted singly.");
	if (!now)
		return;
	buf_adds(out, " Of the whole window, as it is now, it is ");
	number_of(out, now, "value");
	buf_adds(out, ", from ");
	rests_on(out, now, what);
	buf_addc(out, '.');
}

void explain_since(struct buf *out, const json_t *v, const json_t *item)
{
	const json_t *began = json_object_get(item, "began"), *page = json_object_get(v, "page");

	buf_addf(out, "The page began with the window that ended at %s",
		 json_get_str(page, "starts_at", "?"));
	if (json_is_string(json_object_get(page, "ends_at")))
		buf_addf(out, " and ended at %s", json_get_str(page, "ends_at", ""));
	buf_addc(out, '.');
	if (!began)
		return;
	if (json_is_true(json_object_get(began, "alone")))
		buf_addf(out, " No window before it could be measured (looked back to %s).",
			 json_get_str(began, "looked_back_to", "?"));
	else if (json_is_true(json_object_get(began, "or_earlier")))
		buf_addf(out, " It had moved before all that the store still has, back to %s.",
			 json_get_str(began, "looked_back_to", "?"));
	else if (json_is_true(json_object_get(began, "appeared")))
		buf_addf(out,
			 " There was no value of it before the window that ended at %s (looked back to %s).",
			 json_get_str(began, "window_to", "?"), json_get_str(began, "looked_back_to", "?"));
	else
		buf_addf(out, " It began to move in the window that ended at %s (looked back to %s).",
			 json_get_str(began, "window_to", "?"), json_get_str(began, "looked_back_to", "?"));
}

void explain_hidden(struct buf *out, const json_t *item)
{
	const char *why = json_get_str(item, "not_compared", NULL);

	if (json_is_true(json_object_get(item, "redacted")))
		buf_adds(out, "Its values are redacted.");
	else if (why)
		buf_addf(out, "Both sides cannot be laid beside one another now: %s.%s", why,
			 !strcmp(why, "mixed_grids") ? " They were counted on different grids. Of two streams one has yet to take to its new "
						       "baseline (recalibrating.until in /api/v1/status says when), if both are given it."
						     : "");
}

void explain_window(struct buf *out, const json_t *v)
{
	const json_t *window = json_object_get(v, "window");

	if (!window)
		return;
	buf_addf(out, "Window: %s to %s, ", json_get_str(window, "from", ""), json_get_str(window, "to", ""));
	if (json_is_true(json_object_get(v, "kept"))) {
		html_count(out, json_get_int(v, "records", 0));
		buf_adds(out, " records");
	} else if (json_is_true(json_object_get(v, "rolled_up"))) {
		buf_adds(out, "which cuts what was rolled up to hours or days since (kdrift stats shows those): what is left is "
			      "what the page said");
	} else {
		buf_adds(out,
			 "whose panes are no longer kept (retention): what is left is what the page said");
	}
}

void explain_gap(struct buf *out, const json_t *item)
{
	const json_t *gap = json_object_get(json_object_get(item, "contributions"), "gap");

	if (gap)
		buf_addf(out,
			 "The widest gap is at %.4g: %.3g %% of the reference's values are at most that, "
			 "%.3g %% now.",
			 json_get_num(gap, "at", NAN), 100 * json_get_num(gap, "reference", NAN),
			 100 * json_get_num(gap, "current", NAN));
}

void explain_moved(struct buf *out, const json_t *moved)
{
	buf_addf(out, "%s: %s ", json_get_str(moved, "field", "all records"),
		 json_get_str(moved, "measure", ""));
	number_of(out, moved, "before");
	buf_adds(out, " before, ");
	number_of(out, moved, "now");
	buf_adds(out, " now");
}

void explain_event(struct buf *out, const json_t *event)
{
	static const char *const told[] = {"at", "type", "stream", NULL};
	const char *key;
	json_t *value;

	buf_addf(out, "%s  %s", json_get_str(event, "at", "?"), json_get_str(event, "type", "?"));
	json_object_foreach((json_t *)(uintptr_t)event, key, value)
	{
		bool known = false;
		for (size_t i = 0; told[i]; i++)
			known |= !strcmp(told[i], key);
		if (known || json_is_object(value) || json_is_array(value) || json_is_null(value))
			continue;
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		buf_addf(out, "  %s=%s", key, text);
		free(text);
	}
}

void explain_label(struct buf *out, const json_t *row)
{
	const json_t *value = json_object_get(row, "value");

	if (json_is_string(value)) {
		buf_adds(out, *json_string_value(value) ? json_string_value(value) : "(empty)");
	} else if (value) {
		explain_number(out, value);
	} else {
		number_of(out, row, "from");
		buf_adds(out, " to ");
		number_of(out, row, "to");
	}
}

static void ids(struct buf *out, const json_t *mix)
{
	double all = 0;
	size_t i;
	json_t *one;

	json_array_foreach(mix, i, one) all += json_get_num(one, "records", 0);
	json_array_foreach(mix, i, one)
	{
		buf_adds(out, i ? ", " : "");
		if (json_is_integer(json_object_get(one, "id")))
			buf_addf(out, "%" PRId64, json_get_int(one, "id", 0));
		else
			buf_adds(out, "others");
		buf_addf(out, " (%.3g %% of %.0f)", 100 * json_get_num(one, "records", 0) / all, all);
	}
	if (!json_array_size(mix))
		buf_adds(out, "none");
}

void explain_schemas(struct buf *out, const json_t *v)
{
	const json_t *s = json_object_get(v, "schemas"), *fresh = json_object_get(s, "new");
	const json_t *before = json_object_get(s, "before"), *baseline = json_object_get(s, "baseline");
	size_t i;
	json_t *id;

	buf_adds(out, "In the window: ");
	ids(out, json_object_get(s, "now"));
	if (json_is_array(before) || json_array_size(baseline)) {
		buf_adds(out, json_is_array(before) ? ". Before it began: " : ". In the baseline: ");
		ids(out, json_is_array(before) ? before : baseline);
	}
	buf_adds(out, json_array_size(fresh) ? ". New: " : ". None is new");
	json_array_foreach(fresh, i, id)
	    buf_addf(out, "%s%" PRId64, i ? ", " : "", (int64_t)json_integer_value(id));
	buf_addc(out, '.');
}

void explain_carrier(struct buf *out, const json_t *one)
{
	if (json_object_get(one, "slice"))
		buf_adds(out, json_get_str(one, "slice", ""));
	else if (json_object_get(one, "topic"))
		buf_addf(out, "%s/%" PRId64, json_get_str(one, "topic", ""),
			 json_get_int(one, "partition", 0));
	else
		buf_addf(out, "schema id %" PRId64, json_get_int(one, "schema_id", 0));
}

void explain_violation(struct buf *out, const json_t *one)
{
	const char *field = json_get_str(one, "field", NULL), *rule = json_get_str(one, "rule", NULL);

	html_count(out, json_get_int(one, "n", 0));
	buf_addf(out, " %s", json_get_str(one, "kind", ""));
	if (rule)
		buf_addf(out, " %s", rule);
	if (field)
		buf_addf(out, " on %s", field);
	buf_addf(out, ", offsets %" PRId64 " to %" PRId64 ": %s", json_get_int(one, "first_offset", 0),
		 json_get_int(one, "last_offset", 0), json_get_str(one, "mend", ""));
}

void explain_sample(struct buf *out, const json_t *one)
{
	buf_addf(out, "%s/%" PRId64 " offset %" PRId64 ": %s %s: %s", json_get_str(one, "topic", ""),
		 json_get_int(one, "partition", 0), json_get_int(one, "offset", 0),
		 json_get_str(one, "kind", ""), json_get_str(one, "field", ""),
		 json_get_str(one, "detail", ""));
}

void explain_command(struct buf *out, const json_t *one)
{
	buf_adds(out, json_string_value(one));
}

void explain_other(struct buf *out, const json_t *item)
{
	explain_place(out, item);
	buf_addf(out, ": %s ", json_get_str(item, "measure", ""));
	explain_number(out, json_object_get(item, "value"));
}

json_t *explain_others(const json_t *v)
{
	const json_t *items = json_object_get(v, "items");
	size_t n = json_array_size(items), only = (size_t)json_get_int(v, "items_listed_only", 0);
	json_t *out = json_array();

	for (size_t i = n - only; i < n; i++)
		json_array_append(out, json_array_get(items, i));
	return out;
}

static void add_bin(struct fine_bin *bin, const json_t *row)
{
	double value = json_get_num(row, "value", NAN);

	bin->lo = isnan(value) ? json_get_num(row, "from", 0) : value;
	bin->hi = isnan(value) ? json_get_num(row, "to", 0) : value;
	bin->r = json_get_num(row, "reference", 0);
	bin->c = json_get_num(row, "current", 0);
	const char *outside = json_get_str(row, "outside", NULL);
	bin->outer = outside ? (*outside == 'b' ? -1 : 1) : 0;
}

bool explain_shape(struct shape *s, const json_t *item, size_t cells)
{
	const json_t *d = json_object_get(item, "distribution"), *rows = json_object_get(d, "rows");
	const json_t *others = json_object_get(d, "others");
	size_t n = json_array_size(rows), i;
	double nr = json_get_num(others, "reference", 0), nc = json_get_num(others, "current", 0);
	json_t *row;

	if (!n)
		return false;
	if (!json_is_string(json_object_get(json_array_get(rows, 0), "value"))) {
		struct fine_bin *bins = xcalloc(n, sizeof *bins);
		json_array_foreach(rows, i, row) add_bin(&bins[i], row);
		shape_of_bins(s, bins, n, cells);
		free(bins);
		return true;
	}
	*s = (struct shape)SHAPE_INIT;
	json_array_foreach(rows, i, row)
	{
		nr += json_get_num(row, "reference", 0);
		nc += json_get_num(row, "current", 0);
	}
	json_array_foreach(rows, i, row)
	{
		const char *label = json_get_str(row, "value", "");
		shape_add(s, label, strlen(label), json_get_num(row, "reference", 0) / nr,
			  json_get_num(row, "current", 0) / nc);
	}
	s->n_r = (uint64_t)nr;
	s->n_c = (uint64_t)nc;
	s->others_r = json_get_num(others, "reference", 0) / nr;
	s->others_c = json_get_num(others, "current", 0) / nc;
	return true;
}

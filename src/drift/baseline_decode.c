// SPDX-License-Identifier: Apache-2.0
// Readers note the first error and go on with zeros, so that a caller looks at `err` once, before it uses
// what it read as a size or an index.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drift/baseline_json.h"
#include "drift/sides.h"
#include "stats/categories.h"
#include "util/digest.h"
#include "util/map.h"
#include "util/xalloc.h"

// Of counts; sums over all bins then fit 64 bits.
#define COUNT_MAX ((json_int_t)1 << 47)

static uint64_t count_of(const json_t *v, const char *key, struct error *err)
{
	json_int_t n = json_integer_value(v);

	if (json_is_integer(v) && n >= 0 && n <= COUNT_MAX)
		return (uint64_t)n;
	error_set(err, "\"%s\" must be a count", key);
	return 0;
}

static uint64_t get_count(const json_t *o, const char *key, struct error *err)
{
	return count_of(json_object_get(o, key), key, err);
}

static int64_t get_int(const json_t *o, const char *key, struct error *err)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v))
		error_set(err, "\"%s\" must be an integer", key);
	return json_integer_value(v);
}

static double real_of(const json_t *v, const char *key, struct error *err)
{
	if (!json_is_number(v))
		error_set(err, "\"%s\" must be a number", key);
	return json_number_value(v);
}

// null is `undefined`.
static double get_real(const json_t *o, const char *key, double undefined, struct error *err)
{
	const json_t *v = json_object_get(o, key);

	return json_is_null(v) ? undefined : real_of(v, key, err);
}

static const json_t *get_array(const json_t *o, const char *key, size_t least, size_t most, struct error *err)
{
	const json_t *a = json_object_get(o, key);

	if (json_is_array(a) && json_array_size(a) >= least && json_array_size(a) <= most)
		return a;
	error_set(err, least == most ? "\"%s\" must be an array of %zu" : "\"%s\" must be an array", key, least);
	return NULL;
}

static void get_counts(const json_t *o, const char *key, uint64_t *out, size_t n, uint64_t total, struct error *err)
{
	const json_t *a = get_array(o, key, n, n, err);
	uint64_t sum = 0;

	for (size_t i = 0; a && i < n; i++)
		sum += out[i] = count_of(json_array_get(a, i), key, err);
	if (sum != total)
		error_set(err, "\"%s\" do not add up to the count", key);
}

// Files of before exact sums have the parts of it.
static struct xsum sum_of(const json_t *v, const char *key, struct error *err)
{
	struct xsum s = {0};

	if (!json_is_string(v) || !xsum_parse(&s, json_string_value(v)))
		error_set(err, "\"%s\" must be a sum, -0xHEXpEXPONENT", key);
	return s;
}

static struct xsum get_sum(const json_t *o, const char *key, struct error *err)
{
	const json_t *v = json_object_get(o, key), *a = json_is_string(v) ? NULL : get_array(o, key, 0, SIZE_MAX, err);
	struct xsum s = {0};

	if (json_is_string(v))
		return sum_of(v, key, err);
	for (size_t i = 0; i < json_array_size(a); i++)
		xsum_add(&s, real_of(json_array_get(a, i), key, err));
	return s;
}

// Text of any bytes; never NULL.
static char *text_of(const json_t *v, const char *key, size_t *len, struct error *err)
{
	const char *b64 = json_string_value(json_object_get(v, "base64"));
	ssize_t n = -1;
	char *s;

	if (json_is_string(v)) {
		*len = json_string_length(v);
		return xstrndup(json_string_value(v), *len);
	}
	s = xcalloc(b64 ? strlen(b64) + 1 : 1, 1);
	if (b64)
		n = base64_decode(b64, (uint8_t *)s, strlen(b64));
	if (n < 0)
		error_set(err, "\"%s\" must be a text", key);
	*len = n < 0 ? 0 : (size_t)n;
	s[*len] = 0;
	return s;
}

static char *get_text(const json_t *o, const char *key, struct error *err)
{
	size_t len;
	char *s = text_of(json_object_get(o, key), key, &len, err);

	if (strlen(s) != len)
		error_set(err, "\"%s\" must not have a NUL inside", key);
	return s;
}

static void decode_violation(struct pane *p, const json_t *v, struct error *err)
{
	const char *name = json_string_value(json_array_get(v, 0));
	enum violation_kind kind = name ? violation_parse(name) : VIOLATION_KINDS;
	size_t len;
	char *field = text_of(json_array_get(v, 1), "violations", &len, err);
	char *rule = json_array_size(v) < 4 ? xstrdup("") : text_of(json_array_get(v, 3), "violations", &len, err);

	if (kind == VIOLATION_KINDS) {
		error_set(err, "\"violations\": \"%s\" is no kind of violation", name ? name : "");
		free(field);
		free(rule);
		return;
	}
	GROW(p->violations, p->nviolations, p->capviolations);
	p->violations[p->nviolations++] = (struct violation_count){
		.kind = kind, .field = field, .rule = rule, .n = count_of(json_array_get(v, 2), "violations", err),
		.first_offset = INT64_MAX, .last_offset = INT64_MIN};
}

static void decode_totals(struct pane *p, const json_t *o, struct error *err)
{
	const json_t *violations = get_array(o, "violations", 0, SIZE_MAX, err);
	const json_t *schemas = get_array(o, "schemas", 0, PANE_MAX_SCHEMAS + 1, err);

	p->records = get_count(o, "records", err);
	p->decoded = get_count(o, "decoded", err);
	p->tombstones = get_count(o, "tombstones", err);
	p->violating_records = get_count(o, "violating_records", err);
	if (p->decoded > p->records || p->violating_records > p->records)
		error_set(err, "\"totals\": more than all records");
	for (size_t i = 0; i < json_array_size(violations); i++)
		decode_violation(p, json_array_get(violations, i), err);
	for (size_t i = 0; i < json_array_size(schemas); i++) {
		const json_t *pair = json_array_get(schemas, i);
		struct schema_count c = {json_integer_value(json_array_get(pair, 0)),
					 count_of(json_array_get(pair, 1), "schemas", err)};

		if (i && p->schemas[i - 1].id >= c.id)
			error_set(err, "\"schemas\" must be in order of id");
		GROW(p->schemas, p->nschemas, p->capschemas);
		p->schemas[p->nschemas++] = c;
	}
}

static void decode_edges(struct baseline_field *f, const json_t *o, struct error *err)
{
	const json_t *a = get_array(o, "edges", 1, GRID_MAX_EDGES, err);
	size_t n = json_array_size(a);
	double *edges = xcalloc(n + 1, sizeof *edges);

	for (size_t i = 0; i < n; i++)
		edges[i] = real_of(json_array_get(a, i), "edges", err);
	if (n && grid_edges_valid(edges, n))
		f->def.grid = grid_new(edges, n);
	else
		error_set(err, "\"edges\" must be finite and ascend");
	free(edges);
}

static void decode_histogram(struct baseline_field *f, const json_t *o, struct error *err)
{
	struct field_stats *t = f->total;
	const json_t *a = get_array(o, "coarse", t->nbins, t->nbins, err);
	uint64_t before = 0;

	get_counts(o, "bins", t->bins, t->nbins, t->count, err);
	t->low_sum = get_sum(o, "low_sum", err);
	t->high_sum = get_sum(o, "high_sum", err);
	f->coarse = xcalloc(t->nbins, sizeof *f->coarse);
	for (size_t i = 0; a && i < t->nbins; i++) {
		uint64_t k = count_of(json_array_get(a, i), "coarse", err);

		if (k > before + (i > 0) || k < before || k >= f->nbins)
			error_set(err, "\"coarse\" must number the bins upward from 0");
		f->coarse[i] = (uint32_t)k;
		before = k;
	}
	if (before + 1 != f->nbins)
		error_set(err, "\"coarse_bins\" must be one more than the last of \"coarse\"");
}

// None: vectors of two dimensions met.
static void decode_dimensions(struct field_stats *t, const json_t *o, struct error *err)
{
	const json_t *a = json_object_get(o, "dimensions") ? get_array(o, "dimensions", 1, VECTOR_MAX_DIMS, err) : NULL;

	t->mixed = t->count && !a;
	if (!t->count || !a)
		return;
	t->dims = json_array_size(a);
	t->dim_sums = xcalloc(t->dims, sizeof *t->dim_sums);
	for (size_t i = 0; i < t->dims; i++)
		t->dim_sums[i] = sum_of(json_array_get(a, i), "dimensions", err);
}

// A file made before they were kept has none.
static void decode_lengths(struct field_stats *t, const json_t *o, struct error *err)
{
	const json_t *a = json_object_get(o, "lengths") ? get_array(o, "lengths", 1, AGE_BINS + 1, err) : NULL;
	uint64_t sum = 0;

	for (size_t i = 0; a && i < json_array_size(a); i++) {
		const json_t *item = json_array_get(a, i);
		uint64_t bin = count_of(json_array_get(item, 0), "lengths", err), n = count_of(json_array_get(item, 1), "lengths", err);

		if (bin > AGE_BINS || !n || (i && (int64_t)bin <= t->logbins[i - 1].bin))
			error_set(err, "\"lengths\" must be pairs of bin and count, the bins ascending");
		if (err->set)
			return;
		GROW(t->logbins, t->nlogbins, t->caplogbins);
		t->logbins[t->nlogbins++] = (struct logbin){(int32_t)bin, n};
		sum += n;
	}
	if (a && sum != t->count)
		error_set(err, "\"lengths\" do not add up to the count");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void decode_categories(struct baseline_field *f, const json_t *o, struct error *err)
{
	const json_t *a = get_array(o, "categories", 0, SIZE_MAX, err);
	const char *cutoff = json_get_str(o, "cutoff", "");
	struct categories *cats = &f->total->cats;
	const struct category *top[BASELINE_BINS - 1];
	size_t n = json_array_size(a);
	uint64_t sum = 0;
	char *end;

	categories_release(cats);
	f->def.categories = xcalloc(n + 1, sizeof *f->def.categories);
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(a, i);
		struct category c = {.n = count_of(json_array_get(item, 1), "categories", err),
				     .known = json_is_true(json_array_get(item, 2))};

		c.value = text_of(json_array_get(item, 0), "categories", &c.len, err);
		c.hash = hash_bytes(c.value, c.len);
		if (i && category_cmp(&cats->items[i - 1], &c) >= 0)
			error_set(err, "\"categories\" are not in their order");
		if (c.known && strlen(c.value) != c.len)
			error_set(err, "\"categories\": one of the baseline's own has a NUL inside");
		if (c.known && f->def.type == FIELD_CATEGORICAL)
			f->def.categories[f->def.ncategories++] = xstrndup(c.value, c.len);
		sum += c.n;
		categories_append(cats, c);
	}
	qsort(f->def.categories, f->def.ncategories, sizeof *f->def.categories, by_name);
	cats->rest = get_count(o, "rest", err);
	cats->cutoff = strtoull(cutoff, &end, 16);
	if (strlen(cutoff) != 16 || *end)
		error_set(err, "\"cutoff\" must have 16 hex digits");
	f->total->unseen = get_count(o, "unseen", err);
	if (sum + cats->rest != f->total->count || f->total->unseen > f->total->count)
		error_set(err, "\"categories\" do not add up to the count");
	if (cats->unknown > PANE_MAX_VALUES || f->nbins != coarse_categories(f->total, top) + 1)
		error_set(err, "\"coarse_bins\" does not fit the categories");
}

static void decode_chunk(const struct baseline_field *f, struct baseline_chunk *k, const json_t *o, struct error *err)
{
	bool numbers = f->def.type != FIELD_CATEGORICAL && f->def.type != FIELD_BOOLEAN;
	bool elements = strpbrk(f->def.path, "[{") != NULL; // a record may have many

	k->from = get_int(o, "from", err);
	k->to = get_int(o, "to", err);
	k->records = get_count(o, "records", err);
	k->count = get_count(o, "count", err);
	k->missing = get_count(o, "missing", err);
	k->mean = get_real(o, "mean", NAN, err);
	k->variance = get_real(o, "variance", NAN, err);
	k->min = get_real(o, "min", INFINITY, err);
	k->max = get_real(o, "max", -INFINITY, err);
	get_counts(o, "bins", k->bins, f->nbins, f->nbins ? k->count : 0, err);
	if (k->from >= k->to || (!elements && (k->count > k->records || k->missing > k->records)))
		error_set(err, "a chunk's times or counts contradict each other");
	if (isnan(k->mean) != (!numbers || k->count < 1) || isnan(k->variance) != (!numbers || k->count < 2) ||
	    k->variance < 0)
		error_set(err, "a chunk's moments contradict its count");
}

static void decode_chunks(struct baseline_field *f, const json_t *o, struct error *err)
{
	const json_t *a = get_array(o, "chunks", 0, BASELINE_CHUNKS, err);

	for (size_t i = 0; i < json_array_size(a); i++) {
		struct baseline_chunk k = {0};

		decode_chunk(f, &k, json_array_get(a, i), err);
		if (i && k.from < f->chunks.to)
			error_set(err, "chunks must be in order of time");
		baseline_field_add_chunk(f, &k);
	}
}

static void decode_stats(struct field_stats *t, const json_t *o, struct error *err)
{
	t->present = get_count(o, "present", err);
	t->nan = get_count(o, "nan", err);
	t->inf = get_count(o, "inf", err);
	t->other = get_count(o, "other", err);
	t->count = get_count(o, "count", err);
	t->min = get_real(o, "min", INFINITY, err);
	t->max = get_real(o, "max", -INFINITY, err);
	t->sum = get_sum(o, "sum", err);
	t->sumsq = get_sum(o, "sumsq", err);
	if (t->nan + t->inf + t->other + t->count != t->present)
		error_set(err, "\"present\" must be the sum of count, nan, inf and other");
}

// Only complete where err is not set; safe to free in any case.
static struct baseline_field *decode_field(struct baseline *b, size_t index, const json_t *o, struct error *err)
{
	struct baseline_field *f = xcalloc(1, sizeof *f);
	uint64_t nbins = get_count(o, "coarse_bins", err);

	f->def.path = get_text(o, "path", err);
	f->def.type = field_type_parse(json_get_str(o, "type", ""));
	if (f->def.type < FIELD_NUMERIC || f->def.type > FIELD_VECTOR)
		error_set(err, "\"type\" must be numeric, categorical, boolean, text, time or vector");
	if (nbins > BASELINE_BINS)
		error_set(err, "\"coarse_bins\" must be at most %d", BASELINE_BINS);
	if (f->def.type == FIELD_NUMERIC && json_object_get(o, "edges"))
		decode_edges(f, o, err);
	if (err->set)
		return f;
	f->nbins = nbins;
	f->total = pane_field(b->total, index, &f->def);
	decode_stats(f->total, o, err);
	if (f->def.type == FIELD_VECTOR)
		decode_dimensions(f->total, o, err);
	if (f->def.type == FIELD_TEXT)
		decode_lengths(f->total, o, err);
	f->def.dims = f->total->dim_sums ? f->total->dims : 0;
	if (f->def.grid)
		decode_histogram(f, o, err);
	else if (f->def.type == FIELD_CATEGORICAL || f->def.type == FIELD_BOOLEAN)
		decode_categories(f, o, err);
	else if (nbins || (f->def.type == FIELD_NUMERIC && f->total->count))
		error_set(err, "counts without bins to hold them");
	if (!err->set && json_object_get(o, "movement"))
		f->movement = movement_decode(json_object_get(o, "movement"),
					      f->def.type == FIELD_NUMERIC ? SERIES_NUMERIC : f->nbins, err);
	if (!err->set)
		decode_chunks(f, o, err);
	if (!err->set && !f->movement)
		f->movement = movement_of_chunks(b, f);
	if (!err->set && b->chunks)
		baseline_field_spill(f, b->chunks);
	return f;
}

struct baseline *baseline_decode(const json_t *o, const struct field_source *fields, struct spill *chunks, struct error *err)
{
	struct baseline *b = xcalloc(1, sizeof *b);
	struct error e = ERROR_INIT;

	b->chunks = chunks;
	b->stream = get_text(o, "stream", &e);
	b->has_event_time = json_is_true(json_object_get(o, "event_time"));
	b->from = get_int(o, "from", &e);
	b->to = get_int(o, "to", &e);
	b->chunk_ms = get_int(o, "chunk", &e);
	b->provenance = json_incref(json_object_get(o, "provenance"));
	b->total = pane_new();
	if (!json_is_object(b->provenance))
		error_set(&e, "\"provenance\" must be an object");
	if (b->from >= b->to || b->chunk_ms < 1)
		error_set(&e, "\"from\", \"to\" and \"chunk\" do not make a range");
	decode_totals(b->total, json_object_get(o, "totals"), &e);
	b->total->min_event = b->from;
	b->total->max_event = b->to - 1;
	b->fields = xcalloc(fields->n + 1, sizeof *b->fields);
	for (size_t i = 0; !e.set && i < fields->n; i++) {
		json_t *field = fields->get(fields->ctx, i, &e);
		struct baseline_field *f = b->fields[i] = decode_field(b, i, field, &e);

		json_decref(field);
		b->nfields++;
		if (i && strcmp(b->fields[i - 1]->def.path, f->def.path) >= 0)
			error_set(&e, "fields must be in order of path");
		if (e.set)
			error_prefix(&e, "field %s", f->def.path);
	}
	spill_close(b->chunks);
	if (!e.set)
		return b;
	error_set(err, "malformed: %s", e.text);
	baseline_free(b);
	return NULL;
}

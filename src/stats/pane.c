// SPDX-License-Identifier: Apache-2.0
#include "stats/pane.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/categories.h"
#include "stats/logtable.h"
#include "stats/numeric.h"
#include "stats/pane_lists.h"
#include "util/map.h"
#include "util/xalloc.h"

struct pane *pane_new(void)
{
	struct pane *p = xcalloc(1, sizeof *p);

	p->ordered = true;
	p->min_event = p->min_offset = INT64_MAX;
	p->max_event = p->max_offset = INT64_MIN;
	return p;
}

static void field_free(struct field_stats *f)
{
	if (!f)
		return;
	field_vector_release(f);
	field_histogram_release(f);
	xsum_release(&f->sum);
	xsum_release(&f->sumsq);
	categories_release(&f->cats);
	free(f);
}

static void sample_release(struct violation_sample *s)
{
	free(s->field);
	free(s->rule);
	free(s->topic);
	free(s->detail);
}

void pane_free(struct pane *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nfields; i++)
		field_free(p->fields[i]);
	for (size_t i = 0; i < p->nviolations; i++) {
		free(p->violations[i].field);
		free(p->violations[i].rule);
	}
	for (size_t i = 0; i < p->nsamples; i++)
		sample_release(&p->samples[i]);
	faults_release(p);
	free(p->fields);
	free(p->violations);
	free(p->samples);
	free(p->schemas);
	free(p);
}

struct field_stats *field_stats_new(const char *path, size_t len, enum field_type type)
{
	struct field_stats *f = xmalloc(sizeof *f + len + 1);

	*f = (struct field_stats){.path = (char *)(f + 1), .type = type, .min = INFINITY, .max = -INFINITY};
	if (len)
		memcpy(f->path, path, len);
	f->path[len] = 0;
	categories_init(&f->cats);
	return f;
}

static void grow_fields(struct pane *p, size_t n)
{
	p->fields = xrealloc(p->fields, n * sizeof *p->fields);
	memset(p->fields + p->nfields, 0, (n - p->nfields) * sizeof *p->fields);
	p->nfields = n;
}

static int place_cmp(const struct field_stats *f, const char *path, enum field_type type)
{
	int d = strcmp(f->path, path);

	return d ? d : (int)f->type - (int)type;
}

size_t pane_field_at(const struct pane *p, const char *path, enum field_type type, bool *found)
{
	size_t lo = 0, hi = p->nfields;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (place_cmp(p->fields[mid], path, type) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = lo < p->nfields && !place_cmp(p->fields[lo], path, type);
	return lo;
}

void pane_insert_field(struct pane *p, struct field_stats *f)
{
	bool found;
	size_t at = p->ordered ? pane_field_at(p, f->path, f->type, &found) : p->nfields;

	grow_fields(p, p->nfields + 1);
	memmove(p->fields + at + 1, p->fields + at, (p->nfields - 1 - at) * sizeof *p->fields);
	p->fields[at] = f;
}

static struct field_stats *add_field(struct pane *p, size_t index, const struct field_def *def, bool narrow)
{
	char no[] = "false", yes[] = "true", *truths[] = {no, yes};

	if (index < p->nfields && p->fields[index])
		return p->fields[index];
	bool next = index == p->nfields;
	if (index >= p->nfields)
		grow_fields(p, index + 1);
	struct field_stats *f = p->fields[index] = field_stats_new(def->path, strlen(def->path), def->type);
	p->ordered &= next && (!index || field_cmp(p->fields[index - 1], f) < 0);
	f->in_elements = def->in_elements;
	if (f->type == FIELD_NUMERIC && def->grid) {
		f->grid = def->grid;
		memcpy(f->grid_id, def->grid->id, sizeof f->grid_id);
		f->nbins = grid_bins(def->grid);
		if (narrow)
			f->narrow = xcalloc(f->nbins, sizeof *f->narrow);
		else
			f->bins = xcalloc(f->nbins, sizeof *f->bins);
	} else if (f->type == FIELD_NUMERIC && narrow) {
		f->logtable = logtable_new();
	} else if (f->type == FIELD_VECTOR) {
		f->dims = def->dims;
		f->fixed_dims = def->dims > 0;
	} else if (f->type == FIELD_BOOLEAN) {
		categories_know(&f->cats, truths, ARRAY_LEN(truths));
	} else if (f->type == FIELD_CATEGORICAL) {
		categories_know(&f->cats, def->categories, def->ncategories);
	}
	return f;
}

struct field_stats *pane_field(struct pane *p, size_t index, const struct field_def *def)
{
	return add_field(p, index, def, false);
}

struct field_stats *pane_field_narrow(struct pane *p, size_t index, const struct field_def *def)
{
	return add_field(p, index, def, true);
}

struct field_stats *pane_find(const struct pane *p, const char *path, enum field_type type)
{
	if (p->ordered) {
		bool found;
		size_t at = pane_field_at(p, path, type == FIELD_TYPES ? FIELD_NONE : type, &found);

		found |= type == FIELD_TYPES && at < p->nfields && !strcmp(p->fields[at]->path, path);
		return found ? p->fields[at] : NULL;
	}
	for (size_t i = 0; i < p->nfields; i++) {
		struct field_stats *f = p->fields[i];

		if (f && (type == FIELD_TYPES || f->type == type) && !strcmp(f->path, path))
			return f;
	}
	return NULL;
}

int field_cmp(const struct field_stats *a, const struct field_stats *b)
{
	int d = strcmp(a->path, b->path);

	return d ? d : (int)a->type - (int)b->type;
}

void field_add_category_times(struct field_stats *f, const char *s, size_t n, uint64_t times)
{
	f->present += times;
	f->count += times;
	if (!categories_count(&f->cats, s, n, hash_bytes(s, n), true, times) && f->cats.n > f->cats.unknown)
		f->unseen += times;
}

void field_add_category(struct field_stats *f, const char *s, size_t n)
{
	field_add_category_times(f, s, n, 1);
}

void field_add_bool(struct field_stats *f, bool v)
{
	field_add_category(f, v ? "true" : "false", v ? 4 : 5);
}

void field_add_text(struct field_stats *f, const char *s, size_t n)
{
	f->present++;
	field_moments_add(f, &(double){(double)n}, 1);
	field_add_length(f, n);
	categories_count(&f->cats, "", 0, TEXT_HASH(hash_bytes(s, n)), false, 1);
}

void field_add_time(struct field_stats *f, int64_t ms)
{
	f->present++;
	field_moments_add(f, &(double){(double)ms}, 1);
}

uint64_t field_distinct(const struct field_stats *f, bool *approximate)
{
	const struct categories *c = &f->cats;
	uint64_t known = 0;

	*approximate = c->cutoff < UINT64_MAX;
	for (size_t i = 0; i < c->n; i++)
		known += c->items[i].known && c->items[i].n;
	if (!*approximate)
		return known + c->unknown;
	return known + (uint64_t)fmin((double)c->unknown / (((double)c->cutoff + 1) * 0x1p-64), 0x1p62);
}

static int by_count(const void *a, const void *b)
{
	const struct category *x = *(const struct category *const *)a,
			      *y = *(const struct category *const *)b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	int d = memcmp(x->value, y->value, x->len < y->len ? x->len : y->len);
	return d ? d : (x->len > y->len) - (x->len < y->len);
}

size_t field_top(const struct field_stats *f, const struct category **out, size_t k)
{
	const struct categories *c = &f->cats;
	size_t n = 0;

	if (f->type == FIELD_TEXT || !c->n)
		return 0;
	const struct category **all = xmalloc(c->n * sizeof *all);
	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].n)
			all[n++] = &c->items[i];
	qsort(all, n, sizeof *all, by_count);
	n = n < k ? n : k;
	memcpy(out, all, n * sizeof *all);
	free(all);
	return n;
}

void pane_count_record(struct pane *p, int64_t event_ms, int64_t offset, int64_t schema_id, bool decoded,
		       bool violating, bool late)
{
	p->records++;
	p->decoded += decoded;
	p->violating_records += violating;
	p->late += late;
	p->min_event = event_ms < p->min_event ? event_ms : p->min_event;
	p->max_event = event_ms > p->max_event ? event_ms : p->max_event;
	p->min_offset = offset < p->min_offset ? offset : p->min_offset;
	p->max_offset = offset > p->max_offset ? offset : p->max_offset;
	if (schema_id >= 0)
		pane_add_schema(p, schema_id, 1);
}

static void schema_insert(struct pane *p, size_t at, int64_t id, uint64_t n)
{
	GROW(p->schemas, p->nschemas, p->capschemas);
	memmove(p->schemas + at + 1, p->schemas + at, (p->nschemas - at) * sizeof *p->schemas);
	p->schemas[at] = (struct schema_count){id, n};
	p->nschemas++;
}

void pane_add_schema(struct pane *p, int64_t id, uint64_t n)
{
	size_t i = 0, apart;

	while (i < p->nschemas && p->schemas[i].id < id)
		i++;
	if (i < p->nschemas && p->schemas[i].id == id) {
		p->schemas[i].n += n;
		return;
	}
	schema_insert(p, i, id, n);
	apart = p->nschemas - (p->schemas[0].id == -1);
	if (apart > PANE_MAX_SCHEMAS) {
		struct schema_count last = p->schemas[--p->nschemas];

		if (p->schemas[0].id != -1)
			schema_insert(p, 0, -1, 0);
		p->schemas[0].n += last.n;
	}
}

bool pane_approximate(const struct pane *p)
{
	bool past = p->approximate || (p->nschemas && p->schemas[0].id == -1);

	for (size_t i = 0; i < p->nfields; i++)
		past |= p->fields[i] && field_past_bound(p->fields[i]);
	return past;
}

int violation_cmp(const struct violation_count *a, const struct violation_count *b)
{
	int d = (int)a->kind - (int)b->kind;

	d = d ? d : strcmp(a->field, b->field);
	return d ? d : strcmp(a->rule, b->rule);
}

void pane_add_violation(struct pane *p, const struct violation_count *v)
{
	size_t lo = 0, hi = p->nviolations;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (violation_cmp(&p->violations[mid], v) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	struct violation_count *w = p->violations + lo;
	if (lo < p->nviolations && !violation_cmp(w, v)) {
		w->n += v->n;
		w->first_offset = v->first_offset < w->first_offset ? v->first_offset : w->first_offset;
		w->last_offset = v->last_offset > w->last_offset ? v->last_offset : w->last_offset;
		return;
	}
	GROW(p->violations, p->nviolations, p->capviolations);
	w = p->violations + lo;
	memmove(w + 1, w, (p->nviolations++ - lo) * sizeof *w);
	*w = *v;
	w->field = xstrdup(v->field);
	w->rule = xstrdup(v->rule);
}

void pane_count_breach(struct pane *p, enum violation_kind kind, const char *field, const char *rule, int64_t offset)
{
	struct violation_count v = {kind, (char *)(uintptr_t)(field ? field : ""), (char *)(uintptr_t)(rule ? rule : ""),
				    1, offset, offset};

	pane_add_violation(p, &v);
}

uint64_t pane_violations(const struct pane *p, enum violation_kind kind)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->nviolations; i++)
		if (p->violations[i].kind == kind)
			n += p->violations[i].n;
	return n;
}

static int cmp_i64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int rest_cmp(const struct violation_sample *a, const struct violation_sample *b)
{
	int d = strcmp(a->field, b->field);

	d = d ? d : strcmp(a->rule, b->rule);
	d = d ? d : cmp_i64(a->schema_id, b->schema_id);
	return d ? d : strcmp(a->detail, b->detail);
}

int sample_cmp(const struct violation_sample *a, const struct violation_sample *b)
{
	int d = strcmp(a->topic, b->topic);

	d = d ? d : cmp_i64(a->partition, b->partition);
	d = d ? d : cmp_i64(a->offset, b->offset);
	d = d ? d : (int)a->kind - (int)b->kind;
	return d ? d : rest_cmp(a, b);
}

// Which of two samples of a kind is kept rather than the other: a total order, as merging asks for.
static int keep_cmp(const struct violation_sample *a, const struct violation_sample *b)
{
	int d = cmp_i64(a->offset, b->offset);

	return d ? d : sample_cmp(a, b);
}

void pane_sample(struct pane *p, const struct violation_sample *given)
{
	struct violation_sample s = *given;
	size_t same = 0, worst = 0, at;

	s.field = s.field ? s.field : (char[]){""};
	s.rule = s.rule ? s.rule : (char[]){""};
	s.topic = s.topic ? s.topic : (char[]){""};
	s.detail = s.detail ? s.detail : (char[]){""};
	for (size_t i = 0; i < p->nsamples; i++) {
		if (p->samples[i].kind != s.kind)
			continue;
		if (!sample_cmp(&p->samples[i], &s))
			return;
		if (!same++ || keep_cmp(&p->samples[i], &p->samples[worst]) > 0)
			worst = i;
	}
	if (same >= PANE_MAX_SAMPLES) {
		if (keep_cmp(&s, &p->samples[worst]) > 0)
			return;
		sample_release(&p->samples[worst]);
		memmove(p->samples + worst, p->samples + worst + 1, (--p->nsamples - worst) * sizeof s);
	}
	for (at = 0; at < p->nsamples && sample_cmp(&p->samples[at], &s) < 0; at++)
		;
	GROW(p->samples, p->nsamples, p->capsamples);
	memmove(p->samples + at + 1, p->samples + at, (p->nsamples++ - at) * sizeof s);
	s.field = xstrdup(s.field);
	s.rule = xstrdup(s.rule);
	s.topic = xstrdup(s.topic);
	s.detail = xstrdup(s.detail);
	p->samples[at] = s;
}

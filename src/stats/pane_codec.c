// SPDX-License-Identifier: Apache-2.0
// A pane as bytes, version 2. Equal panes give equal bytes: every list is sorted, empty things are left out.
//
//   pane      u8 version, u8 flags (PANE_*), uvar records tombstones decoded late violating overflowed,
//             [uvar opaque unsupported] where PANE_UNREAD,
//             [range events] [range offsets], list of field, of violation, of sample, of schema,
//             [uvar by_schema_only, list of fault] where PANE_FAULTS, u32 CRC-32 of everything before it
//   list      uvar n, n elements, strictly ascending
//   range     svar min, uvar max - min
//   field     str path, u8 type, u8 flags (STATS_*), uvar present nan inf other count,
//             [uvar elements] where STATS_ELEMENTS;
//             numeric, text, time with count > 0: num min max, sums of the values and of their squares
//             [range, logarithmic of ages] where STATS_AGES
//             numeric with count > 0, not mixed: quantile (where STATS_GRID) or logarithmic
//             categorical, boolean, text: categories
//   num       u8 k, the k leading bytes of the double, the most significant first; the others are 0
//   sum       as xsum_put() writes it; of version 1 three nums, whose sum it is
//   quantile  str grid id, uvar bins, tokens until the bins are full, sums of bin 0 and of the last bin
//   logarithmic  uvar n, svar first bin, n tokens
//   token     uvar gap << 4 | c: `gap` empty bins, then one bin that holds c, or 15 + the uvar that follows
//             where c is 15; c = 0 (quantile only): the gap alone. A quantile gap is at most GAP_MAX, so that
//             the memory for bins is bounded by the bytes that tell of them.
//   categories  uvar unseen, uvar rest, [u64 cutoff] where rest > 0, uvar n, then each
//             str value, uvar count << 1 | known; or, of text, uvar (hash - hash before) >> 24, uvar count
//   violation uvar kind, str field, str rule, uvar n, range offsets
//   sample    str topic, svar partition, svar offset, uvar kind, str field, str rule, svar schema id, str detail
//   schema    svar id, uvar n
//   fault     svar schema id, uvar kind, str field, uvar n, svar event, str topic, svar partition, svar offset,
//             str why
//
// Version 1 had no rules.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/categories.h"
#include "stats/numeric.h"
#include "stats/pane.h"
#include "stats/pane_bytes.h"
#include "stats/pane_lists.h"
#include "util/digest.h"
#include "util/map.h"
#include "util/xalloc.h"

enum { VERSION = 2, GAP_MAX = 64, TEXT_SHIFT = 24 };
enum { PANE_APPROXIMATE = 1, PANE_MIXED = 2, PANE_EVENTS = 4, PANE_OFFSETS = 8, PANE_UNREAD = 16, PANE_FAULTS = 32, PANE_FLAGS = 63 };
enum { STATS_APPROXIMATE = 1, STATS_MIXED = 2, STATS_GRID = 4, STATS_ELEMENTS = 8, STATS_AGES = 16, STATS_FLAGS = 31 };

static bool has_moments(enum field_type t)
{
	return t == FIELD_NUMERIC || t == FIELD_TEXT || t == FIELD_TIME;
}

static bool has_categories(enum field_type t)
{
	return t == FIELD_CATEGORICAL || t == FIELD_BOOLEAN || t == FIELD_TEXT;
}

static void put_num(struct buf *out, double v)
{
	uint64_t u;
	uint8_t k = 8;

	v = isnan(v) ? NAN : v + 0.0; // one NaN, one zero
	memcpy(&u, &v, 8);
	while (k && !((u >> (8 * (8 - k))) & 0xff))
		k--;
	buf_u8(out, k);
	for (int i = 0; i < k; i++)
		buf_u8(out, (uint8_t)(u >> (56 - 8 * i)));
}

static double get_num(struct rd *r)
{
	uint8_t k = rd_u8(r);
	uint64_t u = 0;
	double v;

	r->bad |= k > 8;
	for (int i = 0; i < k && !r->bad; i++)
		u |= (uint64_t)rd_u8(r) << (56 - 8 * i);
	memcpy(&v, &u, 8);
	return v;
}

// Of version 1 three doubles, of which it is the sum.
static struct xsum get_sum(struct rd *r, uint8_t version)
{
	struct xsum s = {0};

	if (version < 2) {
		for (int i = 0; i < 3; i++) {
			double v = get_num(r);

			if (isfinite(v))
				xsum_add(&s, v);
		}
		return s;
	}
	int64_t low = rd_svar(r);
	uint64_t n = rd_uvar(r);
	r->bad |= n >> 1 > rd_left(r) || (!r->bad && !xsum_set(&s, low, n & 1, r->p, n >> 1));
	if (!r->bad)
		r->p += n >> 1;
	return s;
}

// a + b, bad where that is past 64 bits
static uint64_t add(struct rd *r, uint64_t a, uint64_t b)
{
	r->bad |= a + b < a;
	return a + b;
}

static void put_token(struct buf *out, uint64_t gap, uint64_t n)
{
	buf_uvar(out, gap << 4 | (n < 15 ? n : 15));
	if (n >= 15)
		buf_uvar(out, n - 15);
}

static uint64_t get_token(struct rd *r, uint64_t *gap)
{
	uint64_t t = rd_uvar(r), n = t & 15;

	*gap = t >> 4;
	return n < 15 ? n : add(r, 15, rd_uvar(r));
}

static void put_bins(struct buf *out, const struct field_stats *f)
{
	size_t gap = 0;

	put_cstr(out, f->grid_id);
	buf_uvar(out, f->nbins);
	for (size_t i = 0; i < f->nbins; i++) {
		if (!f->bins[i] && ++gap < GAP_MAX)
			continue;
		put_token(out, gap, f->bins[i]);
		gap = 0;
	}
	if (gap)
		put_token(out, gap, 0);
	xsum_put(&f->low_sum, out);
	xsum_put(&f->high_sum, out);
}

static uint64_t get_bins(struct rd *r, struct field_stats *f, uint8_t version)
{
	size_t n, i = 0;
	const char *id = rd_str(r, &n);
	uint64_t total = 0, bins, gap;

	r->bad |= n == 0 || n >= sizeof f->grid_id || memchr(id, 0, n);
	bins = rd_uvar(r);
	r->bad |= bins < 2 || bins / GAP_MAX > rd_left(r);
	if (r->bad)
		return 0;
	memcpy(f->grid_id, id, n);
	f->nbins = (size_t)bins;
	f->bins = xcalloc(f->nbins, sizeof *f->bins);
	while (i < f->nbins && !r->bad) {
		uint64_t c = get_token(r, &gap);

		r->bad |= gap > GAP_MAX || gap + (c > 0) > f->nbins - i || gap + c == 0;
		if (r->bad)
			break;
		i += gap;
		if (c)
			f->bins[i++] = c;
		total = add(r, total, c);
	}
	f->low_sum = get_sum(r, version);
	f->high_sum = get_sum(r, version);
	return total;
}

static void put_logbins(struct buf *out, const struct field_stats *f)
{
	int64_t before = f->nlogbins ? f->logbins[0].bin - (int64_t)1 : 0;

	buf_uvar(out, f->nlogbins);
	buf_svar(out, before + 1);
	for (size_t i = 0; i < f->nlogbins; i++) {
		put_token(out, (uint64_t)(f->logbins[i].bin - before - 1), f->logbins[i].n);
		before = f->logbins[i].bin;
	}
}

static uint64_t get_logbins(struct rd *r, struct field_stats *f)
{
	size_t n = get_count(r), others = 0;
	int64_t bin = rd_svar(r);
	uint64_t total = 0, gap;

	r->bad |= n > LOGBINS_MAX + 1 || bin < INT32_MIN || bin > INT32_MAX;
	if (r->bad)
		return 0;
	f->logbins = xmalloc((n + 1) * sizeof *f->logbins);
	f->caplogbins = n + 1;
	for (size_t i = 0; i < n && !r->bad; i++, bin++) {
		uint64_t c = get_token(r, &gap);

		r->bad |= !c || gap > UINT32_MAX || bin + (int64_t)gap > INT32_MAX;
		if (r->bad)
			break;
		bin += (int64_t)gap;
		f->logbins[f->nlogbins++] = (struct logbin){(int32_t)bin, c};
		others += bin != 0;
		total = add(r, total, c);
	}
	r->bad |= others > LOGBINS_MAX;
	return total;
}

static void put_categories(struct buf *out, const struct field_stats *f)
{
	const struct categories *c = &f->cats;
	uint64_t before = 0, n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->items[i].n > 0;
	buf_uvar(out, f->unseen);
	buf_uvar(out, c->rest);
	if (c->rest)
		buf_u64(out, c->cutoff);
	buf_uvar(out, n);
	for (size_t i = 0; i < c->n; i++) {
		const struct category *item = &c->items[i];

		if (!item->n)
			continue;
		if (f->type == FIELD_TEXT) {
			buf_uvar(out, (item->hash - before) >> TEXT_SHIFT);
			buf_uvar(out, item->n);
			before = item->hash;
		} else {
			buf_str(out, item->value, item->len);
			buf_uvar(out, item->n << 1 | item->known);
		}
	}
}

static uint64_t get_categories(struct rd *r, struct field_stats *f)
{
	struct categories *c = &f->cats;
	uint64_t total, before = 0;
	size_t n;

	f->unseen = rd_uvar(r);
	total = c->rest = rd_uvar(r);
	if (c->rest)
		c->cutoff = rd_u64(r);
	n = get_count(r);
	for (size_t i = 0; i < n && !r->bad; i++) {
		struct category item = {0};

		if (f->type == FIELD_TEXT) {
			uint64_t gap = rd_uvar(r);

			r->bad |= gap > UINT64_MAX >> TEXT_SHIFT;
			item.hash = add(r, before, gap << TEXT_SHIFT);
			before = item.hash;
			item.n = rd_uvar(r);
		} else {
			const char *s = rd_str(r, &item.len);
			uint64_t v = rd_uvar(r);

			item.n = v >> 1;
			item.known = v & 1;
			if (!r->bad) {
				item.value = xstrndup(s, item.len);
				item.hash = hash_bytes(s, item.len);
			}
		}
		total = add(r, total, item.n);
		r->bad |= !item.n || (!item.known && item.hash > c->cutoff) ||
			  (i && category_cmp(&c->items[i - 1], &item) >= 0);
		if (r->bad)
			free(item.value);
		else
			categories_append(c, item);
	}
	r->bad |= c->unknown > PANE_MAX_VALUES;
	return total;
}

static void put_field(struct buf *out, const struct field_stats *f)
{
	bool histogram = f->type == FIELD_NUMERIC && f->count && !f->mixed;
	bool ages = f->type == FIELD_TIME && f->nlogbins;

	put_cstr(out, f->path);
	buf_u8(out, (uint8_t)f->type);
	buf_u8(out, (uint8_t)((f->approximate ? STATS_APPROXIMATE : 0) | (f->mixed ? STATS_MIXED : 0) |
			      (histogram && f->bins ? STATS_GRID : 0) | (f->in_elements ? STATS_ELEMENTS : 0) |
			      (ages ? STATS_AGES : 0)));
	buf_uvar(out, f->present);
	buf_uvar(out, f->nan);
	buf_uvar(out, f->inf);
	buf_uvar(out, f->other);
	buf_uvar(out, f->count);
	if (f->in_elements)
		buf_uvar(out, f->elements);
	if (f->count && has_moments(f->type)) {
		put_num(out, f->min);
		put_num(out, f->max);
		xsum_put(&f->sum, out);
		xsum_put(&f->sumsq, out);
	}
	if (ages) {
		put_range(out, f->age_min, f->age_max);
		put_logbins(out, f);
	}
	if (histogram && f->bins)
		put_bins(out, f);
	else if (histogram)
		put_logbins(out, f);
	if (has_categories(f->type))
		put_categories(out, f);
}

static struct field_stats *get_field(struct rd *r, uint8_t version)
{
	char *path = get_cstr(r);
	uint8_t type = rd_u8(r), flags = rd_u8(r);
	uint64_t counted;
	struct field_stats *f;

	r->bad |= type >= FIELD_TYPES || flags & ~STATS_FLAGS;
	f = field_stats_new(path, r->bad ? FIELD_NONE : (enum field_type)type);
	free(path);
	f->approximate = flags & STATS_APPROXIMATE;
	f->mixed = flags & STATS_MIXED;
	f->present = rd_uvar(r);
	f->nan = rd_uvar(r);
	f->inf = rd_uvar(r);
	f->other = rd_uvar(r);
	counted = f->count = rd_uvar(r);
	f->in_elements = flags & STATS_ELEMENTS;
	if (f->in_elements)
		f->elements = rd_uvar(r);
	if (f->count && has_moments(f->type)) {
		f->min = get_num(r);
		f->max = get_num(r);
		f->sum = get_sum(r, version);
		f->sumsq = get_sum(r, version);
		r->bad |= !isfinite(f->min) || !isfinite(f->max) || f->min > f->max;
	}
	r->bad |= flags & STATS_AGES && f->type != FIELD_TIME;
	if (flags & STATS_AGES && !r->bad) {
		get_range(r, &f->age_min, &f->age_max);
		r->bad |= get_logbins(r, f) > f->count || !f->nlogbins || f->logbins[0].bin < -AGE_BINS ||
			  f->logbins[f->nlogbins - 1].bin > AGE_BINS;
	}
	if (f->type == FIELD_NUMERIC && f->count && !f->mixed)
		counted = flags & STATS_GRID ? get_bins(r, f, version) : get_logbins(r, f);
	else
		r->bad |= flags & STATS_GRID;
	if (has_categories(f->type))
		counted = get_categories(r, f);
	r->bad |= counted != f->count || f->unseen > f->count;
	return f;
}

static int by_path(const void *a, const void *b)
{
	return field_cmp(*(struct field_stats *const *)a, *(struct field_stats *const *)b);
}

static void put_fields(struct buf *out, const struct pane *p)
{
	struct field_stats **sorted = xmalloc((p->nfields + 1) * sizeof *sorted);
	size_t n = 0;

	for (size_t i = 0; i < p->nfields; i++)
		if (p->fields[i])
			sorted[n++] = p->fields[i];
	qsort(sorted, n, sizeof *sorted, by_path);
	buf_uvar(out, n);
	for (size_t i = 0; i < n; i++)
		put_field(out, sorted[i]);
	free(sorted);
}

static uint8_t pane_flags(const struct pane *p)
{
	bool approximate = p->approximate, mixed = p->mixed_grids;

	for (size_t i = 0; i < p->nfields; i++) {
		approximate |= p->fields[i] && p->fields[i]->approximate;
		mixed |= p->fields[i] && p->fields[i]->mixed;
	}
	return (uint8_t)((approximate ? PANE_APPROXIMATE : 0) | (mixed ? PANE_MIXED : 0) |
			 (p->min_event <= p->max_event ? PANE_EVENTS : 0) |
			 (p->min_offset <= p->max_offset ? PANE_OFFSETS : 0) |
			 (p->opaque || p->unsupported ? PANE_UNREAD : 0) |
			 (p->by_schema_only || p->nfaults ? PANE_FAULTS : 0));
}

void pane_encode(const struct pane *p, struct buf *out)
{
	size_t start = out->len;

	buf_u8(out, VERSION);
	buf_u8(out, pane_flags(p));
	buf_uvar(out, p->records);
	buf_uvar(out, p->tombstones);
	buf_uvar(out, p->decoded);
	buf_uvar(out, p->late);
	buf_uvar(out, p->violating_records);
	buf_uvar(out, p->overflowed);
	if (p->opaque || p->unsupported) {
		buf_uvar(out, p->opaque);
		buf_uvar(out, p->unsupported);
	}
	if (p->min_event <= p->max_event)
		put_range(out, p->min_event, p->max_event);
	if (p->min_offset <= p->max_offset)
		put_range(out, p->min_offset, p->max_offset);
	put_fields(out, p);
	buf_uvar(out, p->nviolations);
	for (size_t i = 0; i < p->nviolations; i++) {
		const struct violation_count *v = &p->violations[i];

		buf_uvar(out, v->kind);
		put_cstr(out, v->field);
		put_cstr(out, v->rule);
		buf_uvar(out, v->n);
		put_range(out, v->first_offset, v->last_offset);
	}
	buf_uvar(out, p->nsamples);
	for (size_t i = 0; i < p->nsamples; i++) {
		const struct violation_sample *s = &p->samples[i];

		put_cstr(out, s->topic);
		buf_svar(out, s->partition);
		buf_svar(out, s->offset);
		buf_uvar(out, s->kind);
		put_cstr(out, s->field);
		put_cstr(out, s->rule);
		buf_svar(out, s->schema_id);
		put_cstr(out, s->detail);
	}
	buf_uvar(out, p->nschemas);
	for (size_t i = 0; i < p->nschemas; i++) {
		buf_svar(out, p->schemas[i].id);
		buf_uvar(out, p->schemas[i].n);
	}
	if (p->by_schema_only || p->nfaults)
		faults_encode(p, out);
	buf_u32(out, crc32_of(out->data + start, out->len - start));
}

static enum violation_kind get_kind(struct rd *r)
{
	uint64_t kind = rd_uvar(r);

	r->bad |= kind >= VIOLATION_KINDS;
	return r->bad ? VIOLATION_FRAMING : (enum violation_kind)kind;
}

static char *get_rule(struct rd *r, uint8_t version)
{
	return version < 2 ? xstrdup("") : get_cstr(r);
}

static void get_violations(struct rd *r, struct pane *p, uint8_t version)
{
	size_t n = get_count(r);

	for (size_t i = 0; i < n && !r->bad; i++) {
		struct violation_count v = {.kind = get_kind(r)};

		v.field = get_cstr(r);
		v.rule = get_rule(r, version);
		v.n = rd_uvar(r);
		get_range(r, &v.first_offset, &v.last_offset);
		r->bad |= i && violation_cmp(&p->violations[i - 1], &v) >= 0;
		GROW(p->violations, p->nviolations, p->capviolations);
		p->violations[p->nviolations++] = v;
	}
}

static void get_samples(struct rd *r, struct pane *p, uint8_t version)
{
	size_t n = get_count(r), of_kind[VIOLATION_KINDS] = {0};

	for (size_t i = 0; i < n && !r->bad; i++) {
		struct violation_sample s = {.topic = get_cstr(r)};
		int64_t partition = rd_svar(r);

		s.partition = (int32_t)partition;
		s.offset = rd_svar(r);
		s.kind = get_kind(r);
		s.field = get_cstr(r);
		s.rule = get_rule(r, version);
		s.schema_id = rd_svar(r);
		s.detail = get_cstr(r);
		r->bad |= partition != s.partition || ++of_kind[s.kind] > PANE_MAX_SAMPLES;
		r->bad |= i && sample_cmp(&p->samples[i - 1], &s) >= 0;
		GROW(p->samples, p->nsamples, p->capsamples);
		p->samples[p->nsamples++] = s;
	}
}

static void get_schemas(struct rd *r, struct pane *p)
{
	size_t n = get_count(r);

	r->bad |= n > PANE_MAX_SCHEMAS + 1;
	for (size_t i = 0; i < n && !r->bad; i++) {
		struct schema_count c = {.id = rd_svar(r), .n = rd_uvar(r)};

		r->bad |= c.id < (i ? p->schemas[i - 1].id + 1 : -1);
		GROW(p->schemas, p->nschemas, p->capschemas);
		p->schemas[p->nschemas++] = c;
	}
	r->bad |= p->nschemas > PANE_MAX_SCHEMAS && p->schemas[0].id != -1;
}

static void get_pane(struct rd *r, struct pane *p, uint8_t version)
{
	uint8_t flags = rd_u8(r);
	size_t n;

	r->bad |= flags & ~PANE_FLAGS;
	p->approximate = flags & PANE_APPROXIMATE;
	p->mixed_grids = flags & PANE_MIXED;
	p->records = rd_uvar(r);
	p->tombstones = rd_uvar(r);
	p->decoded = rd_uvar(r);
	p->late = rd_uvar(r);
	p->violating_records = rd_uvar(r);
	p->overflowed = rd_uvar(r);
	if (flags & PANE_UNREAD) {
		p->opaque = rd_uvar(r);
		p->unsupported = rd_uvar(r);
	}
	if (flags & PANE_EVENTS)
		get_range(r, &p->min_event, &p->max_event);
	if (flags & PANE_OFFSETS)
		get_range(r, &p->min_offset, &p->max_offset);
	n = get_count(r);
	p->fields = xcalloc(n + 1, sizeof *p->fields);
	for (size_t i = 0; i < n && !r->bad; i++) {
		p->fields[i] = get_field(r, version);
		p->nfields++;
		r->bad |= i && field_cmp(p->fields[i - 1], p->fields[i]) >= 0;
	}
	get_violations(r, p, version);
	get_samples(r, p, version);
	get_schemas(r, p);
	if (flags & PANE_FAULTS)
		faults_decode(p, r);
	r->bad |= rd_left(r) != 0;
}

// False where a grid of the same id has another number of bins.
static bool resolve_grid(struct field_stats *f, const struct grid *g)
{
	f->grid = g;
	return !g || grid_bins(g) == f->nbins;
}

struct pane *pane_decode(const void *bytes, size_t n,
			 const struct grid *(*resolve)(void *ctx, const char *path, const char *grid_id),
			 void *ctx, struct error *err)
{
	struct pane *p;
	struct rd r, crc;

	if (n < 5) {
		error_set(err, "a pane of %zu bytes is cut short; its segment must be read again", n);
		return NULL;
	}
	rd_init(&crc, (const uint8_t *)bytes + n - 4, 4);
	rd_init(&r, bytes, n - 4);
	if (rd_u32(&crc) != crc32_of(bytes, n - 4)) {
		error_set(err,
			  "a pane of %zu bytes fails its checksum; it was damaged in the store or on the way",
			  n);
		return NULL;
	}
	uint8_t version = rd_u8(&r);
	if (!version || version > VERSION) {
		error_set(err, "a pane has version %u, this program reads up to %d: run the version that wrote it",
			  version, VERSION);
		return NULL;
	}
	p = pane_new();
	get_pane(&r, p, version);
	for (size_t i = 0; resolve && !r.bad && i < p->nfields; i++) {
		struct field_stats *f = p->fields[i];

		r.bad |= f->bins && !resolve_grid(f, resolve(ctx, f->path, f->grid_id));
	}
	if (r.bad) {
		error_set(err, "a pane of %zu bytes has a good checksum but is not well formed", n);
		pane_free(p);
		return NULL;
	}
	return p;
}

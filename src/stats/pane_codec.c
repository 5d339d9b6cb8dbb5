// SPDX-License-Identifier: Apache-2.0
// A pane as bytes, version 2, or 3 where a field has two histograms. Equal panes give equal bytes: every list is sorted,
// empty things are left out.
//
//   pane      u8 version, u8 flags (PANE_*), uvar records tombstones decoded late violating overflowed,
//             [uvar opaque unsupported] where PANE_UNREAD,
//             [range events] [range offsets], list of field, of violation, of sample, of schema,
//             [uvar by_schema_only, list of fault] where PANE_FAULTS, u32 CRC-32 of everything before it
//   list      uvar n, n elements, strictly ascending
//   range     svar min, uvar max - min
//   field     as in field_codec.c
//   violation uvar kind, str field, str rule, uvar n, range offsets
//   sample    str topic, svar partition, svar offset, uvar kind, str field, str rule, svar schema id, str detail
//   schema    svar id, uvar n
//   fault     svar schema id, uvar kind, str field, uvar n, svar event, str topic, svar partition, svar offset,
//             str why
//
// Version 1 had no rules.
#include <stdlib.h>
#include <string.h>

#include "stats/pane.h"
#include "stats/pane_bytes.h"
#include "stats/pane_lists.h"
#include "util/digest.h"
#include "util/xalloc.h"

enum { VERSION = 3, VERSION_ONE_GRID = 2 };
enum { PANE_APPROXIMATE = 1, PANE_MIXED = 2, PANE_EVENTS = 4, PANE_OFFSETS = 8, PANE_UNREAD = 16, PANE_FAULTS = 32, PANE_FLAGS = 63 };

static int by_path(const void *a, const void *b)
{
	return field_cmp(*(struct field_stats *const *)a, *(struct field_stats *const *)b);
}

static void put_fields(struct buf *out, const struct pane *p, bool moments)
{
	struct field_stats **sorted = xmalloc((p->nfields + 1) * sizeof *sorted);
	size_t n = 0;

	for (size_t i = 0; i < p->nfields; i++)
		if (p->fields[i])
			sorted[n++] = p->fields[i];
	if (!p->ordered)
		qsort(sorted, n, sizeof *sorted, by_path);
	buf_uvar(out, n);
	for (size_t i = 0; i < n; i++)
		field_encode(sorted[i], moments, out);
	free(sorted);
}

static uint8_t pane_flags(const struct pane *p)
{
	bool mixed = p->mixed_grids;

	for (size_t i = 0; i < p->nfields; i++)
		mixed |= p->fields[i] && p->fields[i]->mixed;
	return (uint8_t)((pane_approximate(p) ? PANE_APPROXIMATE : 0) | (mixed ? PANE_MIXED : 0) |
			 (p->min_event <= p->max_event ? PANE_EVENTS : 0) |
			 (p->min_offset <= p->max_offset ? PANE_OFFSETS : 0) |
			 (p->opaque || p->unsupported ? PANE_UNREAD : 0) |
			 (p->by_schema_only || p->nfaults ? PANE_FAULTS : 0));
}

static bool has_two(const struct pane *p)
{
	for (size_t i = 0; i < p->nfields; i++) {
		const struct field_stats *f = p->fields[i];

		if (f && f->type == FIELD_NUMERIC && f->count && (f->second || (f->nbins && field_has_log(f))))
			return true;
	}
	return false;
}

static void encode(const struct pane *p, bool moments, struct buf *out)
{
	size_t start = out->len;

	buf_u8(out, !moments && has_two(p) ? VERSION : VERSION_ONE_GRID);
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
	put_fields(out, p, moments);
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

void pane_encode(const struct pane *p, struct buf *out)
{
	encode(p, false, out);
}

void pane_encode_moments(const struct pane *p, struct buf *out)
{
	encode(p, true, out);
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

// All before the fields.
static uint8_t get_head(struct rd *r, struct pane *p)
{
	uint8_t flags = rd_u8(r);

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
	return flags;
}

// All after the fields.
static void get_tail(struct rd *r, struct pane *p, uint8_t version, uint8_t flags)
{
	get_violations(r, p, version);
	get_samples(r, p, version);
	get_schemas(r, p);
	if (flags & PANE_FAULTS)
		faults_decode(p, r);
	r->bad |= rd_left(r) != 0;
}

struct resolver {
	const struct grid *(*grid)(void *ctx, const char *path, const char *grid_id);
	void *ctx;
};

// A grid of the same id with another number of bins is bad. `like` (NULL: none) may know the grid already.
static void resolve_grid(struct rd *r, const struct resolver *of, struct field_stats *f, const struct field_stats *like)
{
	if (!of->grid || !f->bins || r->bad)
		return;
	if (like && like->grid && !strcmp(like->grid_id, f->grid_id) && !field_cmp(like, f))
		f->grid = like->grid;
	else
		f->grid = of->grid(of->ctx, f->path, f->grid_id);
	r->bad |= f->grid && grid_bins(f->grid) != f->nbins;
	if (f->second && !r->bad) {
		f->second->grid = of->grid(of->ctx, f->path, f->second->grid_id);
		r->bad |= f->second->grid && grid_bins(f->second->grid) != f->second->nbins;
	}
}

static void get_fields(struct rd *r, struct pane *p, uint8_t version, const struct resolver *of)
{
	size_t n = get_count(r);

	free(p->fields);
	p->fields = xcalloc(n + 1, sizeof *p->fields);
	for (size_t i = 0; i < n && !r->bad; i++) {
		struct field_target t = {0};
		field_decode(r, &t, version);
		p->fields[i] = t.f;
		p->nfields++;
		r->bad |= i && field_cmp(p->fields[i - 1], p->fields[i]) >= 0;
		resolve_grid(r, of, t.f, NULL);
		p->approximate |= t.f->approximate;
		p->mixed_grids |= t.f->mixed;
	}
}

static void add_fields(struct rd *r, struct pane *dst, uint8_t version, const struct resolver *of)
{
	struct field_stats f = {.cats.cutoff = UINT64_MAX};
	struct field_target t = {.f = &f, .passing = true};
	size_t n = get_count(r), next = 0; // the place behind the field before

	for (size_t i = 0; i < n && !r->bad; i++) {
		if (next < dst->nfields && field_add_bytes(r, dst->fields[next], version)) {
			next++;
			continue;
		}
		field_decode(r, &t, version);
		r->bad |= i && field_cmp(dst->fields[next - 1], &f) >= 0;
		resolve_grid(r, of, &f, next < dst->nfields ? dst->fields[next] : NULL);
		if (!r->bad)
			next = pane_add_field(dst, next, &f) + 1;
	}
	field_target_release(&t);
}

// The reader after the version, of bytes whose checksum is right, or which are our `own`.
static int open_bytes(struct rd *r, const void *bytes, size_t n, bool own, uint8_t *version, struct error *err)
{
	struct rd crc;

	if (n < 5)
		return error_set(err, "a pane of %zu bytes is cut short; its segment must be read again", n);
	rd_init(&crc, (const uint8_t *)bytes + n - 4, 4);
	rd_init(r, bytes, n - 4);
	if (!own && rd_u32(&crc) != crc32_of(bytes, n - 4))
		return error_set(err, "a pane of %zu bytes fails its checksum; it was damaged in the store or on the way", n);
	*version = rd_u8(r);
	if (!*version || *version > VERSION)
		return error_set(err, "a pane has version %u, this program reads up to %d: run the version that wrote it",
				 *version, VERSION);
	return 0;
}

// The pane with its fields, or, with dst, without: they are added there.
static struct pane *get_pane(struct pane *dst, const void *bytes, size_t n, bool own, const struct resolver *of,
			     struct error *err)
{
	uint8_t version = 0, flags;
	struct pane *p;
	struct rd r;

	if (open_bytes(&r, bytes, n, own, &version, err))
		return NULL;
	p = pane_new();
	flags = get_head(&r, p);
	if (dst && dst->nfields)
		add_fields(&r, dst, version, of);
	else
		get_fields(&r, dst ? dst : p, version, of);
	get_tail(&r, p, version, flags);
	if (r.bad) {
		error_set(err, "a pane of %zu bytes has a good checksum but is not well formed", n);
		pane_free(p);
		return NULL;
	}
	return p;
}

struct pane *pane_decode(const void *bytes, size_t n,
			 const struct grid *(*resolve)(void *ctx, const char *path, const char *grid_id), void *ctx,
			 struct error *err)
{
	return get_pane(NULL, bytes, n, false, &(struct resolver){resolve, ctx}, err);
}

int pane_decode_head(const void *bytes, size_t n, struct pane *out, struct error *err)
{
	uint8_t version;
	struct rd r;

	*out = (struct pane){.min_event = INT64_MAX, .max_event = INT64_MIN, .min_offset = INT64_MAX, .max_offset = INT64_MIN};
	if (open_bytes(&r, bytes, n, false, &version, err))
		return -1;
	get_head(&r, out);
	return r.bad ? error_set(err, "a pane of %zu bytes has a good checksum but is not well formed", n) : 0;
}

static struct pane *add_pane(struct pane *dst, const void *bytes, size_t n, bool own, const struct resolver *of,
			     struct error *err)
{
	struct pane *p = get_pane(dst, bytes, n, own, of, err);

	if (p)
		pane_merge(dst, p);
	return p;
}

struct pane *pane_add(struct pane *dst, const void *bytes, size_t n,
		      const struct grid *(*resolve)(void *ctx, const char *path, const char *grid_id), void *ctx,
		      struct error *err)
{
	return add_pane(dst, bytes, n, false, &(struct resolver){resolve, ctx}, err);
}

struct pane *pane_add_own(struct pane *dst, const void *bytes, size_t n,
			  const struct grid *(*resolve)(void *ctx, const char *path, const char *grid_id), void *ctx,
			  struct error *err)
{
	return add_pane(dst, bytes, n, true, &(struct resolver){resolve, ctx}, err);
}

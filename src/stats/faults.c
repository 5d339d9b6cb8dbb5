// SPDX-License-Identifier: Apache-2.0
// The faults of writers' schemas in a pane. Past PANE_MAX_FAULTS the greatest go: one that was dropped from a
// pane has that many before it in every merge, so what is kept does not depend on the order of merging.
#include <stdlib.h>
#include <string.h>

#include "stats/pane.h"
#include "stats/pane_bytes.h"
#include "stats/pane_lists.h"
#include "util/xalloc.h"

static int cmp_i64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int fault_cmp(const struct schema_fault *a, const struct schema_fault *b)
{
	int d = cmp_i64(a->schema_id, b->schema_id);

	d = d ? d : (int)a->kind - (int)b->kind;
	return d ? d : strcmp(a->field, b->field);
}

// Which record came first.
static int first_cmp(const struct schema_fault *a, const struct schema_fault *b)
{
	int d = cmp_i64(a->event_ms, b->event_ms);

	d = d ? d : strcmp(a->topic, b->topic);
	d = d ? d : cmp_i64(a->partition, b->partition);
	return d ? d : cmp_i64(a->offset, b->offset);
}

static void fault_release(struct schema_fault *f)
{
	free(f->field);
	free(f->topic);
	free(f->why);
}

void faults_release(struct pane *p)
{
	for (size_t i = 0; i < p->nfaults; i++)
		fault_release(&p->faults[i]);
	free(p->faults);
}

static void move_first(struct schema_fault *f, const struct schema_fault *to)
{
	if (strcmp(f->topic, to->topic) != 0) {
		free(f->topic);
		f->topic = xstrdup(to->topic);
	}
	f->event_ms = to->event_ms;
	f->partition = to->partition;
	f->offset = to->offset;
}

void pane_fault(struct pane *p, const struct schema_fault *f)
{
	size_t lo = 0, hi = p->nfaults;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (fault_cmp(&p->faults[mid], f) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < p->nfaults && !fault_cmp(&p->faults[lo], f)) {
		p->faults[lo].n += f->n;
		if (first_cmp(f, &p->faults[lo]) < 0)
			move_first(&p->faults[lo], f);
		return;
	}
	p->approximate |= p->nfaults == PANE_MAX_FAULTS;
	if (lo == PANE_MAX_FAULTS)
		return;
	if (p->nfaults == PANE_MAX_FAULTS)
		fault_release(&p->faults[--p->nfaults]);
	GROW(p->faults, p->nfaults, p->capfaults);
	memmove(p->faults + lo + 1, p->faults + lo, (p->nfaults++ - lo) * sizeof *f);
	p->faults[lo] = *f;
	p->faults[lo].field = xstrdup(f->field);
	p->faults[lo].topic = xstrdup(f->topic);
	p->faults[lo].why = xstrdup(f->why);
}

uint64_t pane_dropped(const struct pane *p, const char *field)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->nfaults; i++)
		if (fault_of_field(&p->faults[i]) && !strcmp(p->faults[i].field, field))
			n += p->faults[i].n;
	return n;
}

void faults_encode(const struct pane *p, struct buf *out)
{
	buf_uvar(out, p->by_schema_only);
	buf_uvar(out, p->nfaults);
	for (size_t i = 0; i < p->nfaults; i++) {
		const struct schema_fault *f = &p->faults[i];

		buf_svar(out, f->schema_id);
		buf_uvar(out, f->kind);
		put_cstr(out, f->field);
		buf_uvar(out, f->n);
		buf_svar(out, f->event_ms);
		put_cstr(out, f->topic);
		buf_svar(out, f->partition);
		buf_svar(out, f->offset);
		put_cstr(out, f->why);
	}
}

void faults_decode(struct pane *p, struct rd *r)
{
	p->by_schema_only = rd_uvar(r);
	size_t n = get_count(r);

	r->bad |= n > PANE_MAX_FAULTS;
	for (size_t i = 0; i < n && !r->bad; i++) {
		struct schema_fault f = {.schema_id = rd_svar(r)};
		uint64_t kind = rd_uvar(r);

		r->bad |= kind >= VIOLATION_KINDS;
		f.kind = r->bad ? VIOLATION_FRAMING : (enum violation_kind)kind;
		f.field = get_cstr(r);
		f.n = rd_uvar(r);
		f.event_ms = rd_svar(r);
		f.topic = get_cstr(r);
		int64_t partition = rd_svar(r);
		f.partition = (int32_t)partition;
		f.offset = rd_svar(r);
		f.why = get_cstr(r);
		r->bad |= partition != f.partition || (i && fault_cmp(&p->faults[i - 1], &f) >= 0);
		GROW(p->faults, p->nfaults, p->capfaults);
		p->faults[p->nfaults++] = f;
	}
}

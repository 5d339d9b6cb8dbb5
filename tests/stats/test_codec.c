// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/pane.h"
#include "support.h"
#include "util/digest.h"
#include "util/sort.h"
#include "util/xalloc.h"

static char path[] = "x";

static void set_crc(struct buf *b)
{
	uint32_t crc = crc32_of(b->data, b->len - 4);

	for (int i = 0; i < 4; i++)
		b->data[b->len - 4 + (size_t)i] = (char)(crc >> (8 * i));
}

Test(codec, gives_back_what_was_encoded)
{
	struct rng r = rng_seeded("gives_back_what_was_encoded");

	for (int round = 0; round < 60; round++) {
		struct pane *p = random_pane(&r, rng_below(&r, round % 2 ? 20 : 1500), false);
		struct buf x = encoded(p);
		struct pane *q = decoded(&x);
		struct buf y = encoded(q);

		struct pane head;
		struct error err = ERROR_INIT;
		cr_assert_eq(pane_decode_head(x.data, x.len, &head, &err), 0, "%s", err.text);
		cr_assert(head.records == p->records && head.tombstones == p->tombstones && head.late == p->late);
		cr_assert(head.min_event == p->min_event && head.max_event == p->max_event);
		cr_assert(head.min_offset == p->min_offset && head.max_offset == p->max_offset);
		x.data[x.len / 2] ^= 1;
		cr_assert_eq(pane_decode_head(x.data, x.len, &head, &err), -1);
		x.data[x.len / 2] ^= 1;
		cr_assert(same_bytes(&x, &y));
		cr_assert(p->records == q->records && p->tombstones == q->tombstones && p->decoded == q->decoded);
		cr_assert(p->late == q->late && p->violating_records == q->violating_records);
		cr_assert(p->opaque == q->opaque && p->unsupported == q->unsupported);
		cr_assert(p->nfaults == q->nfaults && p->by_schema_only == q->by_schema_only);
		cr_assert(p->overflowed == q->overflowed && p->min_event == q->min_event && p->max_event == q->max_event);
		cr_assert(p->min_offset == q->min_offset && p->max_offset == q->max_offset);
		cr_assert(p->nviolations == q->nviolations && p->nsamples == q->nsamples && p->nschemas == q->nschemas);
		for (size_t i = 0; i < p->nfields; i++) {
			const struct field_stats *f = p->fields[i], *g;

			if (!f)
				continue;
			g = pane_find(q, f->path, f->type);
			cr_assert_not_null(g);
			cr_assert(f->present == g->present && f->nan == g->nan && f->inf == g->inf && f->other == g->other);
			cr_assert(f->count == g->count && f->unseen == g->unseen);
			cr_assert(f->in_elements == g->in_elements && f->elements == g->elements);
			cr_assert(f->min == g->min && f->max == g->max && field_sum(f) == field_sum(g));
			cr_assert(field_stddev(f) == field_stddev(g) || (isnan(field_stddev(f)) && isnan(field_stddev(g))));
			cr_assert(f->cats.rest == g->cats.rest && f->cats.cutoff == g->cats.cutoff);
			cr_assert_eq(f->nlogbins, g->nlogbins);
			if (f->bins && f->count && !f->second)
				cr_assert(f->grid == g->grid && !memcmp(f->bins, g->bins, f->nbins * sizeof *f->bins));
		}
		for (size_t i = 0; i < p->nviolations; i++)
			cr_assert(!strcmp(p->violations[i].field, q->violations[i].field) &&
				  !strcmp(p->violations[i].rule, q->violations[i].rule) &&
				  p->violations[i].n == q->violations[i].n &&
				  p->violations[i].first_offset == q->violations[i].first_offset);
		for (size_t i = 0; i < p->nsamples; i++)
			cr_assert(!strcmp(p->samples[i].detail, q->samples[i].detail) &&
				  p->samples[i].offset == q->samples[i].offset &&
				  p->samples[i].schema_id == q->samples[i].schema_id);
		buf_release(&x);
		buf_release(&y);
		pane_free(p);
		pane_free(q);
	}
}

// Adding a pane's bytes is merging the pane; damage is refused, whatever was there before.
Test(codec, adds_what_it_decodes)
{
	struct rng r = rng_seeded("adds_what_it_decodes");

	for (int round = 0; round < 40; round++) {
		struct pane *sum = pane_new(), *want = pane_new();
		for (int k = 0; k < 4; k++) {
			struct pane *p = random_pane(&r, rng_below(&r, round % 2 ? 20 : 1500), true), *head;
			struct buf b = encoded(p), x, y;
			struct error err = ERROR_INIT;

			head = pane_add(sum, b.data, b.len, resolve_ab, NULL, &err);
			cr_assert(head, "%s", err.text);
			cr_assert(head->records == p->records && head->min_offset == p->min_offset && !head->nfields);
			cr_assert(head->nsamples == p->nsamples && head->nviolations == p->nviolations);
			pane_merge(want, p);
			x = encoded(sum);
			y = encoded(want);
			cr_assert(same_bytes(&x, &y), "%zu and %zu bytes", x.len, y.len);
			b.data[rng_below(&r, b.len)] ^= 1;
			cr_assert(!pane_add(sum, b.data, b.len, resolve_ab, NULL, &err));
			buf_release(&b);
			buf_release(&x);
			buf_release(&y);
			pane_free(head);
			pane_free(p);
		}
		pane_free(sum);
		pane_free(want);
	}
}

Test(codec, of_empty_panes_and_fields)
{
	struct field_def def = {path, FIELD_NUMERIC, grid_a(), NULL, 0, 0, false};
	struct pane *p = pane_new(), *q;

	q = copied(p);
	cr_assert(q->nfields == 0 && q->min_event == INT64_MAX && q->max_event == INT64_MIN);
	pane_free(q);
	pane_field(p, 3, &def);
	q = copied(p);
	cr_assert_eq(q->nfields, 1);
	cr_assert_str_eq(q->fields[0]->path, "x");
	cr_assert(q->fields[0]->present == 0 && q->fields[0]->min == INFINITY && q->fields[0]->max == -INFINITY);
	pane_free(p);
	pane_free(q);
}

Test(codec, does_not_depend_on_the_order_of_records)
{
	static const char *const words[] = {"a", "b", "c"};
	struct field_def number = {(char[]){"n"}, FIELD_NUMERIC, grid_a(), NULL, 0, 0, false};
	struct field_def word = {(char[]){"w"}, FIELD_CATEGORICAL, NULL, NULL, 0, 0, false};
	struct buf out[2];

	for (int way = 0; way < 2; way++) {
		struct pane *p = pane_new();

		for (int k = 0; k < 300; k++) {
			int i = way ? 299 - k : k;

			pane_count_record(p, i, i, i % 5, true, false, false);
			field_add_number(pane_field(p, (size_t)way, &number), i - 150);
			field_add_category(pane_field(p, (size_t)!way, &word), words[i % 3], 1);
		}
		out[way] = encoded(p);
		pane_free(p);
	}
	cr_assert(same_bytes(&out[0], &out[1]));
	buf_release(&out[0]);
	buf_release(&out[1]);
}

static void assert_refused(const void *bytes, size_t n, const char *what, size_t at)
{
	struct error err = ERROR_INIT;

	cr_assert_null(pane_decode(bytes, n, resolve_ab, NULL, &err), "%s at %zu was taken", what, at);
	cr_assert(err.set && err.text[0]);
}

Test(codec, refuses_every_damaged_byte)
{
	struct rng r = rng_seeded("refuses_every_damaged_byte");
	struct pane *p = random_pane(&r, 150, false);
	struct buf b = encoded(p);

	for (size_t i = 0; i < b.len; i++) {
		for (int bit = 0; bit < 9; bit++) {
			char flip = bit < 8 ? (char)(1 << bit) : (char)0xff;

			b.data[i] ^= flip;
			assert_refused(b.data, b.len, "a flip", i);
			b.data[i] ^= flip;
		}
		char *cut = xstrndup(b.data, i); // so that a sanitizer sees a read past the end
		assert_refused(cut, i, "a cut", i);
		free(cut);
	}
	buf_addc(&b, 0);
	assert_refused(b.data, b.len, "a byte too many", b.len);
	buf_release(&b);
	pane_free(p);
}

// A pane that was decoded must be usable and must be decodable again.
static void exercise(const struct buf *b)
{
	struct pane *p = pane_decode(b->data, b->len, resolve_ab, NULL, NULL), *q = pane_new();
	struct pane *head = pane_add(q, b->data, b->len, resolve_ab, NULL, NULL);
	const struct category *top[10];
	bool approximate;

	cr_assert(!p == !head);
	pane_free(head);
	if (!p) {
		pane_free(q);
		return;
	}
	for (size_t i = 0; i < p->nfields; i++) {
		field_quantile(p->fields[i], 0.3);
		field_stddev(p->fields[i]);
		field_distinct(p->fields[i], &approximate);
		field_top(p->fields[i], top, 10);
	}
	struct pane *again = copied(p);
	pane_merge(q, p);
	pane_merge(q, again);
	pane_free(p);
	pane_free(q);
	pane_free(again);
}

Test(codec, survives_hostile_bytes_with_a_good_checksum)
{
	struct rng r = rng_seeded("survives_hostile_bytes_with_a_good_checksum");
	struct pane *p = random_pane(&r, 60, false);
	struct buf b = encoded(p);

	for (size_t i = 0; i + 4 < b.len; i++) {
		static const unsigned char odd[] = {0, 1, 0x7f, 0x80, 0xff};
		char was = b.data[i];

		for (size_t k = 0; k < ARRAY_LEN(odd) + 4; k++) {
			b.data[i] = k < ARRAY_LEN(odd) ? (char)odd[k] : (char)rng_u64(&r);
			set_crc(&b);
			exercise(&b);
		}
		b.data[i] = was;
		if (i >= 1) { // cut here, and a good checksum after
			struct buf cut = BUF_INIT;

			buf_add(&cut, b.data, i);
			buf_u32(&cut, 0);
			set_crc(&cut);
			assert_refused(cut.data, cut.len, "a cut with a good checksum", i);
			buf_release(&cut);
		}
	}
	for (int round = 0; round < 20000; round++) {
		struct buf c = BUF_INIT;

		buf_add(&c, b.data, b.len);
		for (uint64_t k = 1 + rng_below(&r, 6); k; k--)
			c.data[1 + rng_below(&r, c.len - 5)] = (char)rng_u64(&r);
		set_crc(&c);
		exercise(&c);
		buf_release(&c);
	}
	buf_release(&b);
	pane_free(p);
}

// The bytes of a pane up to its first field, which says `bins` bins on grid "g" and then stops.
Test(codec, does_not_believe_large_numbers)
{
	for (int what = 0; what < 5; what++) {
		struct buf b = BUF_INIT;
		uint64_t huge = (uint64_t)1 << 40;

		buf_u8(&b, 1);
		for (int i = 0; i < 7; i++)
			buf_u8(&b, 0); // flags and counts
		buf_uvar(&b, what == 0 ? huge : 1);
		buf_str(&b, "x", 1);
		buf_u8(&b, what == 3 ? FIELD_CATEGORICAL : FIELD_NUMERIC);
		buf_u8(&b, what == 1 ? 4 : 0);
		for (int i = 0; i < 4; i++)
			buf_u8(&b, 0);
		buf_uvar(&b, 1); // count
		if (what == 3) {
			buf_u8(&b, 0);
			buf_u8(&b, 0);
			buf_uvar(&b, huge);
		} else {
			for (int i = 0; i < 8; i++)
				buf_u8(&b, 0); // min, max, sums
		}
		if (what == 1)
			buf_str(&b, "g", 1);
		if (what != 3)
			buf_uvar(&b, huge);
		buf_adds(&b, "some more bytes");
		buf_u32(&b, 0);
		set_crc(&b);
		assert_refused(b.data, b.len, "a large number", (size_t)what);
		buf_release(&b);
	}
}

// Written out by hand after the description of version 1, which had no rules' names.
Test(codec, reads_version_1)
{
	static const char hex[] = "010c030003000200d00ff4035009000207016101520008016202500901017400520701610a0961206973206e"
				  "756c6c010a03628b97c3";
	struct buf b = BUF_INIT;

	for (size_t i = 0; i + 2 < sizeof hex; i += 2)
		buf_u8(&b, (uint8_t)strtoul((char[]){hex[i], hex[i + 1], 0}, NULL, 16));
	struct pane *p = decoded(&b);
	cr_assert(p->records == 3 && p->violating_records == 2 && p->nviolations == 2 && p->nsamples == 1);
	cr_assert(p->violations[0].kind == VIOLATION_NULL && p->violations[0].n == 1 && !strcmp(p->violations[0].field, "a"));
	cr_assert(p->violations[1].kind == VIOLATION_RANGE && p->violations[1].n == 2 && p->violations[1].last_offset == 49);
	cr_assert(!strcmp(p->violations[1].rule, "") && !strcmp(p->samples[0].rule, ""));
	cr_assert_str_eq(p->samples[0].detail, "a is null");
	cr_assert_eq(p->samples[0].schema_id, 5);
	pane_free(p);
	buf_release(&b);
}

Test(codec, says_which_version_it_cannot_read)
{
	struct pane *p = pane_new();
	struct buf b = encoded(p);
	struct error err = ERROR_INIT;

	b.data[0] = 4;
	set_crc(&b);
	cr_assert_null(pane_decode(b.data, b.len, NULL, NULL, &err));
	cr_assert_not_null(strstr(err.text, "version 4"), "%s", err.text);
	buf_release(&b);
	pane_free(p);
}

Test(codec, refuses_a_grid_of_another_size)
{
	struct field_def def = {path, FIELD_NUMERIC, grid_b(), NULL, 0, 0, false};
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, &def);

	field_add_number(f, 1);
	memcpy(f->grid_id, grid_a()->id, sizeof f->grid_id);
	struct buf b = encoded(p);
	assert_refused(b.data, b.len, "another grid", 0);
	buf_release(&b);
	pane_free(p);
}

Test(codec, is_compact)
{
	struct rng r = rng_seeded("is_compact");
	static char red[] = "red", green[] = "green", blue[] = "blue", *colours[] = {red, green, blue};
	double s[5000];

	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		s[i] = exp(rng_normal(&r));
	qsort(s, ARRAY_LEN(s), sizeof *s, double_cmp);
	struct grid *g = grid_from_sorted(s, ARRAY_LEN(s));
	struct field_def defs[] = {
		{(char[]){"customer.amount"}, FIELD_NUMERIC, g, NULL, 0, 0, false},
		{(char[]){"customer.score"}, FIELD_NUMERIC, NULL, NULL, 0, 0, false},
		{(char[]){"colour"}, FIELD_CATEGORICAL, NULL, colours, 3, 0, false},
		{(char[]){"active"}, FIELD_BOOLEAN, NULL, NULL, 0, 0, false},
		{(char[]){"created"}, FIELD_TIME, NULL, NULL, 0, 0, false},
	};
	size_t total = 0;

	for (size_t d = 0; d < ARRAY_LEN(defs); d++) {
		struct pane *p = pane_new();
		struct field_stats *f = pane_field(p, 0, &defs[d]);

		for (int i = 0; i < 1000; i++) {
			if (defs[d].type == FIELD_NUMERIC)
				field_add_number(f, exp(rng_normal(&r)));
			else if (defs[d].type == FIELD_CATEGORICAL)
				field_add_category(f, colours[i % 3], strlen(colours[i % 3]));
			else if (defs[d].type == FIELD_BOOLEAN)
				field_add_bool(f, i % 3);
			else
				field_add_time(f, 1700000000000 + (int64_t)rng_below(&r, 1000000));
		}
		struct buf b = encoded(p);
		fprintf(stderr, "%s: %zu bytes\n", defs[d].path, b.len);
		cr_assert_lt(b.len, d == 1 ? 700 : 500, "%s", defs[d].path);
		total += b.len;
		buf_release(&b);
		pane_free(p);
	}
	cr_assert_lt(total / ARRAY_LEN(defs), 500);
	grid_free(g);
}

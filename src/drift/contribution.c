// SPDX-License-Identifier: Apache-2.0
#include "drift/contribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/shares.h"
#include "drift/sides.h"
#include "stats/categories.h"
#include "util/xalloc.h"

enum kind { BY_PSI, BY_JS, BY_KL, BY_CHI2, BY_HELLINGER, BY_SHARE, BY_KS, BY_AREA, BY_MEAN, BY_SQUARE };

static const struct {
	const char *of, *how;
	bool ordered;
} kinds[] = {
    [BY_PSI] = {"psi", "(q-p) ln(q/p)", false},
    [BY_JS] = {"js", "p and q against their mean, in bits; the terms add up to js squared", false},
    [BY_KL] = {"kl", "p ln(p/q)", false},
    [BY_CHI2] = {"chi2", "both sides' squared deviations from what is expected, over it", false},
    [BY_HELLINGER] = {"hellinger", "half of (sqrt q - sqrt p) squared; the terms add up to hellinger squared",
		      false},
    [BY_SHARE] = {"tvd", "half of the difference of the shares", false},
    [BY_KS] = {"ks", "half of the difference of the shares, signed by the side of the widest gap", true},
    [BY_AREA] = {"wasserstein", "the area between the distribution functions", true},
    [BY_MEAN] = {"mean", "the pull on the mean, about the reference's", true},
    [BY_SQUARE] = {"variance", "the pull on the mean square, about the reference's mean", true},
};

// By the name up to its first dot; of `drift` by the member's.
static const struct {
	const char *name;
	enum kind kind;
} table[] = {
    {"psi", BY_PSI},
    {"js", BY_JS},
    {"kl", BY_KL},
    {"chi2", BY_CHI2},
    {"chi2_p", BY_CHI2},
    {"g_test", BY_CHI2},
    {"g_test_p", BY_CHI2},
    {"cramers_v", BY_CHI2},
    {"hellinger", BY_HELLINGER},
    {"ks", BY_KS},
    {"ks_p", BY_KS},
    {"kuiper", BY_KS},
    {"kuiper_p", BY_KS},
    {"wasserstein", BY_AREA},
    {"cvm", BY_AREA},
    {"cvm_p", BY_AREA},
    {"ad", BY_AREA},
    {"ad_p", BY_AREA},
    {"energy", BY_AREA},
    {"mean_shift", BY_MEAN},
    {"mean shift", BY_MEAN},
    {"t_p", BY_MEAN},
    {"mean", BY_MEAN},
    {"sum", BY_MEAN},
    {"glr", BY_MEAN},
    {"variance_ratio", BY_SQUARE},
    {"log variance ratio", BY_SQUARE},
    {"stddev", BY_SQUARE},
};

static enum kind kind_named(const char *name)
{
	size_t n = strcspn(name, ".;");

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strlen(table[i].name) == n && !strncmp(table[i].name, name, n))
			return table[i].kind;
	return BY_SHARE;
}

static enum kind kind_of(const struct measure *m, const struct measure_value *v, enum field_type type)
{
	enum kind k = kind_named(!strcmp(m->name, "drift") && v->detail ? v->detail : m->name);

	return kinds[k].ordered && type != FIELD_NUMERIC ? BY_SHARE : k;
}

// --- what the terms are of ----------------------------------------------------------------------------

static void add(struct contributions *out, struct contribution one)
{
	if (one.r || one.c)
		out->items[out->n++] = one;
}

// As the measures take them: a value that one side keeps and the other may have dropped is among the rare
// ones.
static void take_categories(struct contributions *out, const struct measure_input *in)
{
	const struct categories *r = &in->reference.field->cats, *c = &in->current.field->cats;
	double nr = (double)in->reference.field->count, nc = (double)in->current.field->count;
	struct contribution rare = {
	    .value = "(rare values)", .len = 13, .r = (double)r->rest / nr, .c = (double)c->rest / nc};

	out->items = xcalloc(r->n + c->n + 1, sizeof *out->items);
	for (size_t i = 0, j = 0; i < r->n || j < c->n;) {
		int order = i == r->n ? 1 : j == c->n ? -1 : category_cmp(&r->items[i], &c->items[j]);
		const struct category *any = order <= 0 ? &r->items[i] : &c->items[j];
		double p = order <= 0 ? (double)r->items[i++].n / nr : 0,
		       q = order >= 0 ? (double)c->items[j++].n / nc : 0;

		if ((order < 0 && any->hash > c->cutoff) || (order > 0 && any->hash > r->cutoff)) {
			rare.r += p;
			rare.c += q;
		} else {
			add(out, (struct contribution){
				     .value = any->value ? any->value : "", .len = any->len, .r = p, .c = q});
		}
	}
	add(out, rare);
}

// A row for each group of cells; where order matters, what is out of the grid has rows of its own.
static size_t rows_of(const struct cells *s, bool ordered, uint32_t *row)
{
	bool few = cells_few(s);
	size_t n = cells_group(s, few ? s->n : PSI_GROUPS, row);

	if (!ordered || few || !s->outer || s->n < 3)
		return n;
	bool low = row[1] == row[0], high = row[s->n - 1] == row[s->n - 2];
	for (size_t i = 1; i < s->n; i++)
		row[i] += low;
	row[s->n - 1] += high;
	return n + low + high;
}

static void cell_ends(const struct cells *s, size_t i, const struct measure_input *in, double *lo, double *hi)
{
	const struct field_stats *r = in->reference.field, *c = in->current.field;

	*lo = s->v[i].lo;
	*hi = s->v[i].hi;
	if (s->outer && !i)
		*lo = fmin(*lo, fmin(r->min, c->min));
	if (s->outer && i == s->n - 1)
		*hi = fmax(*hi, fmax(r->max, c->max));
}

// The mean of one side's values in a cell: its middle, outside the grid what their sum says.
static double middle(const struct cells *s, size_t i, const struct field_stats *f, double n)
{
	bool low = s->outer && !i, high = s->outer && i == s->n - 1;

	if ((low || high) && n)
		return xsum_value(low ? &f->low_sum : &f->high_sum) / n;
	return s->v[i].lo + (s->v[i].hi - s->v[i].lo) / 2;
}

// --- the terms of numbers in order --------------------------------------------------------------------

static void terms_ks(struct contributions *out, const struct cells *s, const uint32_t *row)
{
	double fr = 0, fc = 0, widest = -1, sign;
	size_t last = 0;

	for (size_t i = 0; i < s->n; i++) {
		fr += s->v[i].r / s->nr;
		fc += s->v[i].c / s->nc;
		if (fabs(fr - fc) <= widest)
			continue;
		widest = fabs(fr - fc);
		last = i;
		out->gap_at = s->v[i].hi;
		out->gap_r = fr;
		out->gap_c = fc;
	}
	sign = out->gap_r > out->gap_c ? 1 : -1;
	for (size_t i = 0; i < s->n; i++)
		out->items[row[i]].part +=
		    (i <= last ? sign : -sign) * (s->v[i].r / s->nr - s->v[i].c / s->nc) / 2;
}

// The integral of |d0 + (d1 - d0) t| over the width.
static double area(double d0, double d1, double width)
{
	double a = fabs(d0), b = fabs(d1);

	return (d0 < 0) == (d1 < 0) || !(a + b) ? width * (a + b) / 2
						: width * (a * a + b * b) / (2 * (a + b));
}

// Beyond the grid both functions end together, so the area there is the difference of what the sums say.
static double outer_area(const struct cells *s, size_t i, const struct measure_input *in)
{
	const struct cell *v = &s->v[i];
	double p = v->r / s->nr, q = v->c / s->nc;

	return fabs(p * fabs(v->lo - middle(s, i, in->reference.field, v->r)) -
		    q * fabs(v->lo - middle(s, i, in->current.field, v->c)));
}

static void terms_area(struct contributions *out, const struct cells *s, const uint32_t *row,
		       const struct measure_input *in)
{
	double d = 0;

	for (size_t i = 0; i < s->n; i++) {
		double before = d;

		d += s->v[i].r / s->nr - s->v[i].c / s->nc;
		if (i && s->v[i].lo > s->v[i - 1].hi)
			out->items[row[i]].part += fabs(before) * (s->v[i].lo - s->v[i - 1].hi);
		if (s->outer && (!i || i == s->n - 1))
			out->items[row[i]].part += outer_area(s, i, in);
		else
			out->items[row[i]].part += area(before, d, s->v[i].hi - s->v[i].lo);
	}
}

static void terms_moment(struct contributions *out, const struct cells *s, const uint32_t *row,
			 const struct measure_input *in, int power)
{
	double about = field_mean(in->reference.field);

	for (size_t i = 0; i < s->n; i++) {
		double x = middle(s, i, in->reference.field, s->v[i].r) - about;
		double y = middle(s, i, in->current.field, s->v[i].c) - about;

		out->items[row[i]].part += s->v[i].c / s->nc * (power == 2 ? y * y : y) -
					   s->v[i].r / s->nr * (power == 2 ? x * x : x);
	}
}

static void drop_empty(struct contributions *out)
{
	size_t n = 0;

	for (size_t i = 0; i < out->n; i++)
		if (out->items[i].r || out->items[i].c || out->items[i].part)
			out->items[n++] = out->items[i];
	out->n = n;
}

static enum reading_state take_numbers(struct contributions *out, enum kind kind,
				       const struct measure_input *in)
{
	struct measure_value v = {.value = NAN};
	struct cells s;
	enum reading_state state = cells_init(&s, in, &v);

	if (state != READING_KNOWN)
		return state;
	uint32_t *row = xcalloc(s.n, sizeof *row);
	out->n = rows_of(&s, kinds[kind].ordered, row);
	out->items = xcalloc(out->n, sizeof *out->items);
	for (size_t i = 0; i < s.n; i++) {
		struct contribution *one = &out->items[row[i]];
		double lo, hi;
		cell_ends(&s, i, in, &lo, &hi);
		one->lo = i && row[i] == row[i - 1] ? one->lo : lo;
		one->hi = hi;
		one->r += s.v[i].r / s.nr;
		one->c += s.v[i].c / s.nc;
	}
	if (kind == BY_KS)
		terms_ks(out, &s, row);
	else if (kind == BY_AREA)
		terms_area(out, &s, row, in);
	else if (kinds[kind].ordered)
		terms_moment(out, &s, row, in, kind == BY_SQUARE ? 2 : 1);
	drop_empty(out);
	free(row);
	cells_release(&s);
	return state;
}

// --- the terms of shares ------------------------------------------------------------------------------

static double entropy_term(double x, double mean)
{
	return x > 0 ? x * log2(x / mean) / 2 : 0;
}

static double term_of(enum kind kind, double p, double q, double nr, double nc)
{
	double fp = fmax(p, PSI_FLOOR), fq = fmax(q, PSI_FLOOR), d = q - p;

	switch (kind) {
	case BY_PSI:
		return (fq - fp) * log(fq / fp);
	case BY_JS:
		return entropy_term(p, (p + q) / 2) + entropy_term(q, (p + q) / 2);
	case BY_KL:
		return fp * log(fp / fq);
	case BY_CHI2:
		return d * d * nr * nc / (p * nr + q * nc);
	case BY_HELLINGER:
		return (sqrt(q) - sqrt(p)) * (sqrt(q) - sqrt(p)) / 2;
	default:
		return fabs(d) / 2;
	}
}

static int largest_first(const void *a, const void *b)
{
	const struct contribution *x = a, *y = b;
	double dx = fabs(x->part), dy = fabs(y->part);

	if (dx != dy)
		return dx > dy ? -1 : 1;
	if (x->value && y->value) {
		int d = memcmp(x->value, y->value, x->len < y->len ? x->len : y->len);
		return d ? d : (x->len > y->len) - (x->len < y->len);
	}
	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

enum reading_state contributions_of(struct contributions *out, const struct measure *m,
				    const struct measure_value *v, const struct measure_input *in)
{
	const struct field_stats *r = in->reference.field, *c = in->current.field;
	double all = 0;

	if (!in->def || !(in->def->type == FIELD_NUMERIC || in->def->type == FIELD_CATEGORICAL ||
			  in->def->type == FIELD_BOOLEAN))
		return READING_NOT_APPLICABLE;
	if (!c || !c->count)
		return READING_NO_DATA;
	if (!r || !r->count)
		return READING_NO_BASELINE;
	enum kind kind = kind_of(m, v, in->def->type);
	*out = (struct contributions){
	    .of = kinds[kind].of, .how = kinds[kind].how, .gap_at = NAN, .gap_r = NAN, .gap_c = NAN};
	if (in->def->type == FIELD_NUMERIC) {
		enum reading_state state = take_numbers(out, kind, in);
		if (state != READING_KNOWN)
			return state;
	} else {
		take_categories(out, in);
	}
	for (size_t i = 0; i < out->n; i++) {
		struct contribution *one = &out->items[i];
		if (!kinds[kind].ordered)
			one->part = term_of(kind, one->r, one->c, (double)r->count, (double)c->count);
		all += fabs(one->part);
		out->total += one->part;
	}
	for (size_t i = 0; i < out->n; i++)
		out->items[i].share = all > 0 ? fabs(out->items[i].part) / all : 0;
	qsort(out->items, out->n, sizeof *out->items, largest_first);
	return READING_KNOWN;
}

void contributions_release(struct contributions *c)
{
	free(c->items);
	c->items = NULL;
	c->n = 0;
}

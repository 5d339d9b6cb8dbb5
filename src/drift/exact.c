// SPDX-License-Identifier: Apache-2.0
// The dialects' definitions as read from the packages: docs/measures.md says which versions.
#include "drift/exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/edf_law.h"
#include "drift/exact_measures.h"
#include "drift/exact_parts.h"
#include "drift/ks_law.h"
#include "drift/measures.h"
#include "drift/shares.h"
#include "drift/special.h"
#include "util/sort.h"
#include "util/xalloc.h"

double exact_ks(const struct exact *e)
{
	return e->order.ks;
}

double exact_ks_p(const struct exact *e)
{
	return ks_two_sample_p(e->order.ks, (double)e->r->n, (double)e->c->n);
}

double exact_ks_p_scipy(const struct exact *e)
{
	double n = (double)e->r->n, m = (double)e->c->n, en = nearbyint(n * m / (n + m));

	return en ? ks_one_sample_sf((uint64_t)en, e->order.ks) : NAN;
}

double exact_ks_p_evidently(const struct exact *e)
{
	return ks_two_sample_sf(e->r->n, e->c->n, e->order.ks);
}

double exact_wasserstein(const struct exact *e)
{
	return e->order.wasserstein;
}

double exact_wasserstein_evidently(const struct exact *e)
{
	return e->order.wasserstein / fmax(moments_plain_sd(&e->moments_r), 0.001);
}

double exact_cvm(const struct exact *e)
{
	return e->order.cvm;
}

double exact_ad(const struct exact *e)
{
	return e->order.ad;
}

double exact_kuiper(const struct exact *e)
{
	return e->order.kuiper;
}

double exact_cvm_p(const struct exact *e)
{
	return cvm_two_sample_p(e->order.cvm, (double)e->r->n, (double)e->c->n);
}

double exact_ad_p(const struct exact *e)
{
	return ad_two_sample_p(e->order.ad, (double)e->r->n, (double)e->c->n);
}

double exact_kuiper_p(const struct exact *e)
{
	return kuiper_two_sample_p(e->order.kuiper, (double)e->r->n, (double)e->c->n);
}

double exact_energy(const struct exact *e)
{
	return e->order.energy;
}

// The measure of two rows of counts that are bins of equal width.
static double on_bins(const struct exact *e, const struct even_bins *b,
		      double (*measure)(const struct columns *))
{
	double r[EVEN_BINS_MAX + 1], c[EVEN_BINS_MAX + 1], all[2] = {(double)e->r->n, (double)e->c->n};
	struct columns t = {.r = r, .c = c, .nr = all[0], .nc = all[1]};
	size_t in_r, in_c;

	if (!b->n)
		return NAN;
	in_r = even_bins_count(b, e->r->sorted, e->r->n, r);
	in_c = even_bins_count(b, e->c->sorted, e->c->n, c);
	t.n = b->n;
	if (in_r < e->r->n || in_c < e->c->n) { // what lies outside has a column of its own
		r[t.n] = all[0] - (double)in_r;
		c[t.n++] = all[1] - (double)in_c;
	}
	return measure(&t);
}

static double evidently(const struct exact *e, double (*measure)(const struct columns *))
{
	return e->values.n ? measure(&e->values) : on_bins(e, &e->rows_bins, measure);
}

static double nannyml(const struct exact *e, double (*measure)(const struct columns *))
{
	return e->type == FIELD_NUMERIC ? on_bins(e, &e->reference_bins, measure) : measure(&e->values);
}

double exact_psi(const struct exact *e)
{
	return shares_psi(&e->bare, PSI_FLOOR);
}

double exact_psi_evidently(const struct exact *e)
{
	return evidently(e, shares_psi_filled);
}

double exact_psi_fiddler(const struct exact *e)
{
	return shares_psi_plus_one(&e->values);
}

double exact_psi_deepchecks(const struct exact *e)
{
	return shares_psi(&e->values, 0.01);
}

double exact_js(const struct exact *e)
{
	return sqrt(shares_js(&e->bare));
}

double exact_js_evidently(const struct exact *e)
{
	return sqrt(evidently(e, shares_js) * M_LN2);
}

double exact_js_nannyml(const struct exact *e)
{
	return sqrt(nannyml(e, shares_js));
}

double exact_kl_evidently(const struct exact *e)
{
	return evidently(e, shares_kl_filled);
}

double exact_kl(const struct exact *e)
{
	return shares_kl(&e->bare, PSI_FLOOR);
}

double exact_hellinger(const struct exact *e)
{
	return shares_hellinger(&e->bare);
}

// Densities are multiplied before the root is taken, so they may overflow or vanish, as they do there.
double exact_hellinger_evidently(const struct exact *e)
{
	double r[EVEN_BINS_MAX], c[EVEN_BINS_MAX], lo, hi, n, m, width, sum = 0;
	struct even_bins b;

	if (e->type != FIELD_NUMERIC)
		return shares_hellinger(&e->values);
	lo = fmin(e->r->sorted[0], e->c->sorted[0]);
	hi = fmax(e->r->sorted[e->r->n - 1], e->c->sorted[e->c->n - 1]);
	even_bins_make(&b, lo, hi, sturges_width(hi - lo, e->order.distinct), e->r->whole && e->c->whole);
	if (!b.n)
		return NAN;
	n = (double)even_bins_count(&b, e->r->sorted, e->r->n, r);
	m = (double)even_bins_count(&b, e->c->sorted, e->c->n, c);
	width = (b.edges[b.n] - b.edges[0]) / (double)b.n;
	for (size_t i = 0; i < b.n; i++) {
		double own = b.edges[i + 1] - b.edges[i];

		sum += sqrt(r[i] / own / n * (c[i] / own / m)) * width;
	}
	return sqrt(1 - fmin(sum, 1));
}

double exact_hellinger_nannyml(const struct exact *e)
{
	return nannyml(e, shares_hellinger);
}

double exact_linf(const struct exact *e)
{
	return shares_linf(&e->bare);
}

double exact_linf_deequ(const struct exact *e)
{
	if (e->type == FIELD_NUMERIC)
		return linf_robust(e->order.ks, (double)e->r->n, (double)e->c->n);
	return linf_robust(shares_linf(&e->values), e->values.nr, e->values.nc);
}

double exact_tvd(const struct exact *e)
{
	return shares_tvd(&e->bare);
}

// Numbers count as categories only where they are few.
static bool few(const struct exact *e)
{
	return e->type != FIELD_NUMERIC || e->order.distinct_r <= FEW_VALUES;
}

double exact_chi2(const struct exact *e)
{
	double df;

	return few(e) ? columns_chi2(&e->values, &df) : NAN;
}

static double p_of(double statistic, double df)
{
	return df > 0 ? chi2_sf(statistic, df) : 1;
}

double exact_chi2_p(const struct exact *e)
{
	double df;

	return few(e) ? p_of(columns_chi2(&e->values, &df), (double)e->values.n - 1) : NAN;
}

double exact_chi2_evidently(const struct exact *e)
{
	return few(e) ? shares_fit_p(&e->values) : NAN;
}

double exact_chi2_nannyml(const struct exact *e)
{
	return few(e) ? shares_chi2_yates(&e->values) : NAN;
}

double exact_cramers_v(const struct exact *e)
{
	return shares_cramers_v(&e->values);
}

double exact_cramers_v_deepchecks(const struct exact *e)
{
	return shares_cramers_v_deepchecks(&e->values);
}

double exact_g_test(const struct exact *e)
{
	double df;

	return few(e) ? shares_g(&e->values, &df) : NAN;
}

double exact_g_test_p(const struct exact *e)
{
	double df;

	return few(e) ? p_of(shares_g(&e->values, &df), (double)e->values.n - 1) : NAN;
}

// Of exact sums, as the monitor has them.
static double by_monitor(const struct exact *e, measure_fn *measure)
{
	struct measure_value v = {.value = NAN};

	measure(&e->in, &v);
	return v.state == READING_KNOWN ? v.value : NAN;
}

double exact_mean_shift(const struct exact *e)
{
	return by_monitor(e, measure_mean_shift);
}

double exact_variance_ratio(const struct exact *e)
{
	return by_monitor(e, measure_variance_ratio);
}

// From one side's unit to the other's.
static double in_unit(const struct moments *from, const struct moments *to, double x, int power)
{
	return ldexp(x, power * (from->exponent - to->exponent));
}

// Current less reference, in the unit of `to`.
static double means_apart(const struct exact *e, const struct moments *to)
{
	const struct moments *r = &e->moments_r, *c = &e->moments_c;

	return ldexp(c->origin - r->origin, -to->exponent) + in_unit(c, to, c->mean, 1) -
	       in_unit(r, to, r->mean, 1);
}

// Welch's; degrees of freedom by Satterthwaite.
double exact_t_p(const struct exact *e)
{
	const struct moments *r = &e->moments_r, *c = &e->moments_c, *unit = r->sd ? r : c;
	double n = (double)e->r->n, m = (double)e->c->n;
	double a = in_unit(r, unit, r->variance, 2) / n, b = in_unit(c, unit, c->variance, 2) / m;
	double t = means_apart(e, unit) / sqrt(a + b);

	if (!(a + b > 0))
		return NAN;
	return 2 * student_sf(fabs(t), (a + b) * (a + b) / (a * a / (n - 1) + b * b / (m - 1)));
}

// TFDV's: ten bins of equal width for each side, cut at the union of their edges, a bin's count spread
// evenly over it. A side of one value is a point; NaN and infinities agree with nothing.
struct spread {
	struct even_bins b;
	double counts[EVEN_BINS_MAX];
};

static void spread_init(struct spread *s, const struct exact_side *side)
{
	double lo = side->sorted[0], hi = side->sorted[side->n - 1];

	s->b.n = 0;
	if (lo < hi) {
		for (s->b.n = 0; s->b.n < 10; s->b.n++)
			s->b.edges[s->b.n] = lo + (hi - lo) / 10 * (double)s->b.n;
		s->b.edges[10] = hi;
		even_bins_count(&s->b, side->sorted, side->n, s->counts);
	}
}

static double spread_between(const struct spread *s, double lo, double hi)
{
	for (size_t i = 0; i < s->b.n; i++)
		if (s->b.edges[i] <= lo && hi <= s->b.edges[i + 1])
			return s->counts[i] * ((hi - lo) / (s->b.edges[i + 1] - s->b.edges[i]));
	return 0;
}

static void add_column(struct columns *t, double r, double c)
{
	t->r[t->n] = r;
	t->c[t->n++] = c;
	t->nr += r;
	t->nc += c;
}

double exact_js_tfdv(const struct exact *e)
{
	double cuts[22], r[26], c[26], rn, cn;
	struct columns t = {.r = r, .c = c};
	struct spread sr, sc;
	size_t n = 0;

	if (e->type != FIELD_NUMERIC)
		return shares_js(&e->values);
	spread_init(&sr, e->r);
	spread_init(&sc, e->c);
	for (size_t i = 0; sr.b.n && i <= 10; i++)
		cuts[n++] = sr.b.edges[i];
	for (size_t i = 0; sc.b.n && i <= 10; i++)
		cuts[n++] = sc.b.edges[i];
	qsort(cuts, n, sizeof *cuts, double_cmp);
	for (size_t i = 1; i < n; i++)
		if (cuts[i - 1] < cuts[i])
			add_column(&t, spread_between(&sr, cuts[i - 1], cuts[i]),
				   spread_between(&sc, cuts[i - 1], cuts[i]));
	rn = sr.b.n ? 0 : (double)e->r->n;
	cn = sc.b.n ? 0 : (double)e->c->n;
	if (rn && cn && e->r->sorted[0] == e->c->sorted[0]) {
		add_column(&t, rn, cn);
	} else {
		add_column(&t, rn, 0);
		add_column(&t, 0, cn);
	}
	add_column(&t, (double)(e->r->nan + e->r->inf), 0);
	add_column(&t, 0, (double)(e->c->nan + e->c->inf));
	return fmin(shares_js(&t), 1);
}

double exact_rank_correlation(const struct exact *e)
{
	return shares_rank_correlation(&e->values);
}

double exact_top10_footrule(const struct exact *e)
{
	return shares_footrule(&e->values);
}

double exact_tvd_sorted(const struct exact *e)
{
	return shares_tvd_sorted(&e->values);
}

static size_t distinct_of(const struct exact *e)
{
	const double *v = e->c->sorted;
	size_t n = 0;

	for (size_t i = 0; e->type != FIELD_NUMERIC && i < e->values.n; i++)
		n += e->values.c[i] > 0;
	for (size_t i = 0; e->type == FIELD_NUMERIC && i < e->c->n; i++)
		n += e->rank_c ? !i || e->rank_c[i] != e->rank_c[i - 1] : !i || v[i] != v[i - 1];
	return n;
}

double exact_distinct_ratio(const struct exact *e)
{
	return (double)distinct_of(e) / (e->type == FIELD_NUMERIC ? (double)e->c->n : e->values.nc);
}

double exact_entropy(const struct exact *e)
{
	return shares_entropy(e->values.c, e->values.n, e->values.nc);
}

double exact_normalized_entropy(const struct exact *e)
{
	size_t n = distinct_of(e);

	return n > 1 ? exact_entropy(e) / log2((double)n) : 0;
}

// The least value with at least a share q of all up to it.
static double quantile(const struct exact_side *s, double q)
{
	size_t k = (size_t)ceil(q * (double)s->n);

	return s->sorted[k ? k - 1 : 0];
}

double exact_p50(const struct exact *e)
{
	return quantile(e->c, 0.5);
}

double exact_p99(const struct exact *e)
{
	return quantile(e->c, 0.99);
}

static double quantile_shift(const struct exact *e, double q)
{
	const struct moments *r = &e->moments_r;

	return r->sd > 0 ? ldexp(quantile(e->c, q) - quantile(e->r, q), -r->exponent) / r->sd : NAN;
}

double exact_p50_shift(const struct exact *e)
{
	return quantile_shift(e, 0.5);
}

double exact_p99_shift(const struct exact *e)
{
	return quantile_shift(e, 0.99);
}

double exact_unseen(const struct exact *e)
{
	double n = 0;

	for (size_t i = 0; i < e->values.n; i++)
		n += e->values.r[i] ? 0 : e->values.c[i];
	return n / e->values.nc;
}

double exact_top_share(const struct exact *e)
{
	const double *v = e->c->sorted;
	size_t most = 0, n = e->c->n;

	if (e->type != FIELD_NUMERIC) {
		for (size_t i = 0; i < e->values.n; i++)
			most = e->values.c[i] > (double)most ? (size_t)e->values.c[i] : most;
		return (double)most / e->values.nc;
	}
	for (size_t i = 0; i + most < n; i++)
		while (i + most < n && v[i + most] == v[i]) // a longer run than the longest so far
			most++;
	return (double)most / (double)n;
}

bool exact_has(const struct measure *m)
{
	unsigned streams = 1u << FIELD_TIME | 1u << FIELD_VECTOR; // of which files have no statistics

	return m->exact || (m->scope == MEASURE_FIELD && m->types & ~streams && strcmp(m->name, "dropped_field") != 0);
}

static double value_of(const struct measure *m, const struct exact *e)
{
	struct measure_value v = {.value = NAN};
	unsigned type = 1u << e->type;

	if (m->exact) {
		v.value = e->both && m->file_types & type ? m->exact(e) : NAN;
		return isfinite(v.value) ? v.value : NAN;
	}
	if (!exact_has(m) || !(m->types & type))
		return NAN;
	m->compute(&e->in, &v);
	return v.state == READING_KNOWN ? v.value : NAN;
}

double *exact_compute(const char *path, enum field_type type, const struct exact_side *reference,
		      const struct exact_side *current)
{
	double *out = xcalloc(measure_table_len, sizeof *out);
	struct exact e;

	exact_init(&e, path, type, reference, current);
	for (size_t i = 0; i < measure_table_len; i++)
		out[i] = value_of(&measure_table[i], &e);
	exact_release(&e);
	return out;
}

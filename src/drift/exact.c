// SPDX-License-Identifier: Apache-2.0
// The dialects' definitions as read from the packages: docs/measures.md says which versions.
#include "drift/exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drift/exact_parts.h"
#include "drift/ks_law.h"
#include "drift/measures.h"
#include "drift/shares.h"
#include "drift/special.h"
#include "util/xalloc.h"

static double ks(const struct exact *e)
{
	return e->order.ks;
}

static double ks_p(const struct exact *e)
{
	double n = (double)e->r->n, m = (double)e->c->n;

	return kolmogorov_sf(sqrt(n * m / (n + m)) * e->order.ks);
}

static double ks_p_scipy(const struct exact *e)
{
	double n = (double)e->r->n, m = (double)e->c->n, en = nearbyint(n * m / (n + m));

	return en ? ks_one_sample_sf((uint64_t)en, e->order.ks) : NAN;
}

static double ks_p_evidently(const struct exact *e)
{
	return ks_two_sample_sf(e->r->n, e->c->n, e->order.ks);
}

static double wasserstein(const struct exact *e)
{
	return e->order.wasserstein;
}

static double wasserstein_evidently(const struct exact *e)
{
	return e->order.wasserstein / fmax(moments_plain_sd(&e->moments_r), 0.001);
}

static double cvm(const struct exact *e)
{
	return e->order.cvm;
}

static double ad(const struct exact *e)
{
	return e->order.ad;
}

static double kuiper(const struct exact *e)
{
	return e->order.kuiper;
}

static double energy(const struct exact *e)
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

static double psi(const struct exact *e)
{
	return shares_psi(&e->bare, PSI_FLOOR);
}

static double psi_evidently(const struct exact *e)
{
	return evidently(e, shares_psi_filled);
}

static double psi_fiddler(const struct exact *e)
{
	return shares_psi_plus_one(&e->values);
}

static double psi_deepchecks(const struct exact *e)
{
	return shares_psi(&e->values, 0.01);
}

static double js(const struct exact *e)
{
	return sqrt(shares_js(&e->bare));
}

static double js_evidently(const struct exact *e)
{
	return sqrt(evidently(e, shares_js) * M_LN2);
}

static double js_nannyml(const struct exact *e)
{
	return sqrt(nannyml(e, shares_js));
}

static double kl_evidently(const struct exact *e)
{
	return evidently(e, shares_kl_filled);
}

static double hellinger(const struct exact *e)
{
	return shares_hellinger(&e->bare);
}

// Densities are multiplied before the root is taken, so they may overflow or vanish, as they do there.
static double hellinger_evidently(const struct exact *e)
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

static double hellinger_nannyml(const struct exact *e)
{
	return nannyml(e, shares_hellinger);
}

static double linf(const struct exact *e)
{
	return shares_linf(&e->bare);
}

static double linf_deequ(const struct exact *e)
{
	if (e->type == FIELD_NUMERIC)
		return linf_robust(e->order.ks, (double)e->r->n, (double)e->c->n);
	return linf_robust(shares_linf(&e->values), e->values.nr, e->values.nc);
}

static double tvd(const struct exact *e)
{
	return shares_tvd(&e->bare);
}

// Numbers count as categories only where they are few.
static bool few(const struct exact *e)
{
	return e->type != FIELD_NUMERIC || e->order.distinct_r <= FEW_VALUES;
}

static double chi2(const struct exact *e)
{
	double df;

	return few(e) ? columns_chi2(&e->values, &df) : NAN;
}

static double p_of(double statistic, double df)
{
	return df > 0 ? chi2_sf(statistic, df) : 1;
}

static double chi2_p(const struct exact *e)
{
	double df;

	return few(e) ? p_of(columns_chi2(&e->values, &df), (double)e->values.n - 1) : NAN;
}

static double chi2_evidently(const struct exact *e)
{
	return few(e) ? shares_fit_p(&e->values) : NAN;
}

static double chi2_nannyml(const struct exact *e)
{
	return few(e) ? shares_chi2_yates(&e->values) : NAN;
}

static double cramers_v(const struct exact *e)
{
	return shares_cramers_v(&e->values);
}

static double g_test(const struct exact *e)
{
	double df;

	return few(e) ? shares_g(&e->values, &df) : NAN;
}

static double g_test_p(const struct exact *e)
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

static double mean_shift(const struct exact *e)
{
	return by_monitor(e, measure_mean_shift);
}

static double variance_ratio(const struct exact *e)
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
static double t_p(const struct exact *e)
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

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void add_column(struct columns *t, double r, double c)
{
	t->r[t->n] = r;
	t->c[t->n++] = c;
	t->nr += r;
	t->nc += c;
}

static double js_tfdv(const struct exact *e)
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
	qsort(cuts, n, sizeof *cuts, by_value);
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

static double unseen(const struct exact *e)
{
	double n = 0;

	for (size_t i = 0; i < e->values.n; i++)
		n += e->values.r[i] ? 0 : e->values.c[i];
	return n / e->values.nc;
}

static double top_share(const struct exact *e)
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

#define NUM (1u << FIELD_NUMERIC)
#define CAT (1u << FIELD_CATEGORICAL | 1u << FIELD_BOOLEAN)

const struct exact_measure exact_table[] = {
    {"ks", "the largest difference of the two distribution functions", "", "0 to 1", "Kolmogorov-Smirnov", "",
     NUM, 0.1, ks},
    {"ks_p", "p of ks by Kolmogorov's limit law at D sqrt(nm/(n+m))", "", "0 to 1", "Kolmogorov-Smirnov", "",
     NUM, 0.001, ks_p},
    {"ks_p.scipy", "p of ks by the exact law of one sample of nm/(n+m) values, rounded", "", "0 to 1",
     "Simard and L'Ecuyer 2011", "SciPy (asymptotic)", NUM, 0.05, ks_p_scipy},
    {"ks_p.evidently", "p of ks: exact up to 10,000 values a side, else ks_p.scipy", "", "0 to 1",
     "Hodges 1958", "Evidently, SciPy (auto)", NUM, 0.05, ks_p_evidently},
    {"wasserstein", "the area between the two distribution functions", "the field's", "0 up",
     "Wasserstein-1, earth mover's distance", "", NUM, NAN, wasserstein},
    {"wasserstein.evidently",
     "wasserstein over the reference's standard deviation (population), at least 0.001", "sd", "0 up",
     "Wasserstein-1", "Evidently", NUM, 0.1, wasserstein_evidently},
    {"cvm", "nm/(n+m)^2 times the sum of squared differences of the distribution functions over all values",
     "", "0 up", "Cramer-von Mises; Anderson 1962", "", NUM, NAN, cvm},
    {"ad", "the Anderson-Darling statistic with midranks, less its mean, over its standard deviation", "",
     "-2 up", "Scholz and Stephens 1987", "", NUM, NAN, ad},
    {"kuiper", "the largest differences of the distribution functions upwards and downwards, added", "",
     "0 to 1", "Kuiper 1960", "", NUM, NAN, kuiper},
    {"energy", "the root of twice the integral of the squared difference of the distribution functions",
     "root of the field's", "0 up", "Szekely and Rizzo 2013", "", NUM, NAN, energy},
    {"psi", "sum (q-p) ln(q/p), shares floored at 1e-4; numbers in 10 groups of grid bins", "", "0 up",
     "population stability index", "", NUM | CAT, 0.2, psi},
    {"psi.evidently",
     "empty shares filled with 1e-4 or a millionth of the least; numbers in Sturges' bins over both sides",
     "", "0 up", "population stability index", "Evidently", NUM | CAT, 0.1, psi_evidently},
    {"psi.fiddler", "one more of each value before shares are taken", "", "0 up",
     "population stability index", "Fiddler", CAT, NAN, psi_fiddler},
    {"psi.deepchecks", "shares floored at 0.01", "", "0 up", "population stability index", "deepchecks", CAT,
     NAN, psi_deepchecks},
    {"js", "the Jensen-Shannon distance (square root), base 2; numbers in 10 groups of grid bins", "",
     "0 to 1", "Jensen-Shannon", "", NUM | CAT, 0.1, js},
    {"js.evidently", "the distance with natural logarithm; numbers in Sturges' bins over both sides", "",
     "0 to 0.8326", "Jensen-Shannon", "Evidently", NUM | CAT, 0.1, js_evidently},
    {"js.nannyml", "the distance, base 2; numbers in Doane's bins over the reference, the rest in one", "",
     "0 to 1", "Jensen-Shannon", "NannyML", NUM | CAT, NAN, js_nannyml},
    {"js.tfdv", "the divergence, base 2; numbers in ten bins of each side's range, cut at the union of edges",
     "", "0 to 1", "Jensen-Shannon", "TensorFlow Data Validation", NUM | CAT, NAN, js_tfdv},
    {"kl.evidently",
     "the divergence of the current from the reference, natural logarithm, shares as psi.evidently", "",
     "0 up", "Kullback-Leibler", "Evidently", NUM | CAT, 0.1, kl_evidently},
    {"hellinger", "the root of 1 - sum sqrt(pq); numbers in 10 groups of grid bins", "", "0 to 1",
     "Hellinger", "", NUM | CAT, NAN, hellinger},
    {"hellinger.evidently", "numbers in Sturges' bins over the distinct values of both sides", "", "0 to 1",
     "Hellinger", "Evidently", NUM | CAT, 0.1, hellinger_evidently},
    {"hellinger.nannyml", "numbers in Doane's bins over the reference, the rest in one", "", "0 to 1",
     "Hellinger", "NannyML", NUM | CAT, NAN, hellinger_nannyml},
    {"linf", "the largest difference of a share; numbers in 10 groups of grid bins", "", "0 to 1",
     "L-infinity", "", NUM | CAT, NAN, linf},
    {"linf.deequ-robust", "linf (of numbers: ks) less 1.8 sqrt((n+m)/nm), at least 0", "", "0 to 1",
     "L-infinity", "deequ", NUM | CAT, NAN, linf_deequ},
    {"tvd", "half the sum of the differences of shares; numbers in 10 groups of grid bins", "", "0 to 1",
     "total variation", "", NUM | CAT, NAN, tvd},
    {"chi2",
     "the contingency table's statistic, without continuity correction; numbers by value, where the "
     "reference has "
     "at most 10",
     "", "0 up", "Pearson", "", NUM | CAT, NAN, chi2},
    {"chi2_p", "the p-value of chi2", "", "0 to 1", "Pearson", "", NUM | CAT, 0.001, chi2_p},
    {"chi2.evidently",
     "p of the current counts' fit to the reference's shares: 0 for a value that the reference lacks", "",
     "0 to 1", "Pearson", "Evidently", NUM | CAT, 0.05, chi2_evidently},
    {"chi2.nannyml", "the statistic, with Yates' correction for two by two", "", "0 up", "Pearson", "NannyML",
     NUM | CAT, NAN, chi2_nannyml},
    {"cramers_v.deepchecks", "Cramer's V of counts levelled to the smaller side and rounded, bias-corrected",
     "", "0 to 1", "Bergsma 2013", "deepchecks", CAT, 0.2, cramers_v},
    {"g_test",
     "the contingency table's likelihood ratio statistic; numbers by value, where the reference has at most "
     "10",
     "", "0 up", "Wilks", "", NUM | CAT, NAN, g_test},
    {"g_test_p", "the p-value of g_test", "", "0 to 1", "Wilks", "", NUM | CAT, NAN, g_test_p},
    {"mean_shift", "the difference of the means in the reference's (population) standard deviations", "sd",
     "any", "", "", NUM, 0.5, mean_shift},
    {"variance_ratio", "the current variance over the reference's, both n - 1", "", "0 up", "", "", NUM, 2,
     variance_ratio},
    {"t_p", "p of the difference of the means, variances not taken as equal", "", "0 to 1", "Welch", "", NUM,
     NAN, t_p},
    {"unseen_ratio", "current values that the reference does not have, of all", "", "0 to 1", "", "", CAT,
     0.01, unseen},
    {"top_share", "the share of the most frequent current value", "", "0 to 1", "", "", NUM | CAT, NAN,
     top_share},
};
const size_t exact_table_len = ARRAY_LEN(exact_table);

const struct exact_measure *exact_find(const char *name)
{
	for (size_t i = 0; i < exact_table_len; i++)
		if (!strcmp(exact_table[i].name, name))
			return &exact_table[i];
	return NULL;
}

bool exact_keeps(const struct measure *m)
{
	return m->scope == MEASURE_FIELD && strcmp(m->name, "dropped_field") && !exact_find(m->name);
}

static double kept(const struct measure *m, const struct measure_input *in)
{
	struct measure_value v = {.value = NAN};

	if (!exact_keeps(m) || !(m->types & 1u << in->def->type))
		return NAN;
	m->compute(in, &v);
	return v.state == READING_KNOWN ? v.value : NAN;
}

void exact_compute(struct exact_values *out, const char *path, enum field_type type,
		   const struct exact_side *reference, const struct exact_side *current)
{
	struct exact e;

	exact_init(&e, path, type, reference, current);
	out->exact = xcalloc(exact_table_len, sizeof *out->exact);
	out->kept = xcalloc(measure_table_len, sizeof *out->kept);
	for (size_t i = 0; i < exact_table_len; i++) {
		double v = e.both && exact_table[i].types & 1u << type ? exact_table[i].compute(&e) : NAN;

		out->exact[i] = isfinite(v) ? v : NAN;
	}
	for (size_t i = 0; i < measure_table_len; i++)
		out->kept[i] = kept(&measure_table[i], &e.in);
	exact_release(&e);
}

void exact_values_release(struct exact_values *v)
{
	free(v->exact);
	free(v->kept);
}

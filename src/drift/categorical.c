// SPDX-License-Identifier: Apache-2.0
// Measures on two rows of shares: categories, or numbers by group or by value.
#include <math.h>

#include "drift/measures.h"
#include "drift/shares.h"

static void of_shares(const struct measure_input *in, struct measure_value *out, double (*measure)(const struct columns *))
{
	struct columns t;

	if (!columns_known(&t, in, out))
		return;
	value_within(out, measure(&t), t.merged ? NAN : 0);
	columns_release(&t);
}

static double psi(const struct columns *t)
{
	return shares_psi(t, PSI_FLOOR);
}

void measure_psi(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, psi);
}

void measure_psi_evidently(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_psi_filled);
}

void measure_psi_fiddler(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_psi_plus_one);
}

static double psi_deepchecks(const struct columns *t)
{
	return shares_psi(t, 0.01);
}

void measure_psi_deepchecks(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, psi_deepchecks);
}

static double js(const struct columns *t)
{
	return sqrt(shares_js(t));
}

void measure_js(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, js);
}

static double js_evidently(const struct columns *t)
{
	return sqrt(shares_js(t) * M_LN2);
}

void measure_js_evidently(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, js_evidently);
}

void measure_js_tfdv(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_js);
}

static double kl(const struct columns *t)
{
	return shares_kl(t, PSI_FLOOR);
}

void measure_kl(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, kl);
}

void measure_kl_evidently(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_kl_filled);
}

void measure_hellinger(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_hellinger);
}

void measure_linf(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_linf);
}

void measure_tvd(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_tvd);
}

void measure_cramers_v(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_cramers_v);
}

void measure_cramers_v_deepchecks(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_cramers_v_deepchecks);
}

void measure_rank_correlation(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_rank_correlation);
	if (out->state == READING_NOT_APPLICABLE)
		out->detail = "all values are equally frequent";
}

void measure_top10_footrule(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_footrule);
}

void measure_tvd_sorted(const struct measure_input *in, struct measure_value *out)
{
	of_shares(in, out, shares_tvd_sorted);
}

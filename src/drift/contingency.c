// SPDX-License-Identifier: Apache-2.0
// Tests on a contingency table: categories, or numbers where they are few. Values that the reference lacks may
// share a column there; statistics add up over such columns, so only the degrees of freedom are not known then.
#include <math.h>

#include "drift/measures.h"
#include "drift/shares.h"
#include "drift/special.h"

// On numbers only where they are few: with more, the table would be the grid's, not the data's.
static bool table_of(struct columns *t, const struct measure_input *in, struct measure_value *out)
{
	if (in->def->type == FIELD_NUMERIC) {
		struct cells s;
		bool few;

		out->state = cells_init(&s, in, out);
		if (out->state != READING_KNOWN)
			return false;
		few = cells_few(&s);
		cells_release(&s);
		if (!few) {
			out->state = READING_NOT_APPLICABLE;
			out->detail = "the reference has more than 10 distinct values";
			return false;
		}
	}
	return columns_known(t, in, out);
}

static double p_of(double statistic, double df)
{
	return df > 0 ? chi2_sf(statistic, df) : 1;
}

// The statistic, or its p.
static void test_of(const struct measure_input *in, struct measure_value *out,
		    double (*statistic)(const struct columns *, double *df), bool p)
{
	double df, v, error = 0;
	struct columns t;

	if (!table_of(&t, in, out))
		return;
	v = statistic(&t, &df);
	if (p) {
		error = p_of(v, df + t.spare) - p_of(v, df);
		v = p_of(v, df);
	}
	value_within(out, v, t.merged ? NAN : error);
	columns_release(&t);
}

void measure_chi2(const struct measure_input *in, struct measure_value *out)
{
	test_of(in, out, columns_chi2, false);
}

void measure_chi2_p(const struct measure_input *in, struct measure_value *out)
{
	test_of(in, out, columns_chi2, true);
}

void measure_g_test(const struct measure_input *in, struct measure_value *out)
{
	test_of(in, out, shares_g, false);
}

void measure_g_test_p(const struct measure_input *in, struct measure_value *out)
{
	test_of(in, out, shares_g, true);
}

// 0 whatever the number of columns where the reference lacks one of the values.
void measure_chi2_evidently(const struct measure_input *in, struct measure_value *out)
{
	struct columns t;

	if (!table_of(&t, in, out))
		return;
	value_within(out, shares_fit_p(&t), t.merged ? NAN : 0);
	columns_release(&t);
}

// Of two columns that may be more it is not known whether the correction is due.
void measure_chi2_nannyml(const struct measure_input *in, struct measure_value *out)
{
	double df, v;
	struct columns t;

	if (!table_of(&t, in, out))
		return;
	v = shares_chi2_yates(&t);
	value_within(out, v, t.merged ? NAN : t.spare > 0 ? fabs(columns_chi2(&t, &df) - v) : 0);
	columns_release(&t);
}

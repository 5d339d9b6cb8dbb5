// SPDX-License-Identifier: Apache-2.0
// docs/measures.md, generated from the table.
#include <math.h>

#include "drift/measure.h"

static const char head[] =
	"# Measures\n\n"
	"Generated from the table in `src/drift/measure.c`. A rule names a measure; a reading is its value for one "
	"window, field and slice, always with the sample sizes it rests on. *Reference* is what the window is compared "
	"with: a baseline, an earlier window, a slice or a stream. NaN and infinities are in no measure but those that "
	"count them. An *eager* measure only counts, so the immediate tier judges it before the window is complete. "
	"Below the least number of values (on either side) a measure is `too_few`, not a number; so it is for a rule "
	"below the rule's `min_records`, of the window's records or of the values that the measure rests on.\n\n"
	"| measure | is | range | unit | of | needs a reference | eager | least | usual threshold | known as |\n"
	"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";

static const char tail[] =
	"\n## States\n\n"
	"A reading without a value says why: `no_data` (nothing in the window), `no_baseline` (nothing to compare with), "
	"`too_few`, `mixed_grids` (the two sides were counted on different grids), `approximate` (a bound was hit, so the "
	"number could be wrong), `uncalibrated` (no member of `drift` can be judged), `not_applicable`, `catching_up` "
	"(the stream's position is behind), `records_lost` (records of the window, or of the one it is compared with, were "
	"deleted from Kafka before they were read). None of them is health, and none is drift.\n\n"
	"## How near the numbers are\n\n"
	"Numbers are counted on a grid of about 256 quantiles of the baseline, with a bin of its own for every heavy "
	"value. `ks` is exact where every distinct reference value has a bin of its own, else low by at most the largest "
	"bin's share of the reference. `wasserstein` takes values as evenly spread in a bin; what lies outside the grid "
	"is exact. Moments are exact. `top_share` of numbers is a lower bound. Of categories the baseline's own (at most "
	"256, the most frequent) are counted exactly, and 256 new ones; past that rare values share one column and the "
	"reading says so.\n\n"
	"## `drift`\n\n"
	"1. A baseline keeps up to 256 chunks of its time, each with counts, moments and 32 coarse bins. They are put "
	"together to groups of the window's length, aligned as windows are. Incomplete groups (under half the usual "
	"count) are left out; where fewer than 20 groups would be left, shorter ones are taken, which only widens the "
	"spread.\n"
	"2. Numbers have four members: mean shift, log variance ratio, `ks`, `wasserstein`. Categories, booleans and "
	"numbers with at most 10 distinct values have two: `chi2` and the share of unseen values. A constant reference "
	"(least = greatest) has one: values other than the constant.\n"
	"3. Each member is compared with its own spread over the groups. The variance over groups of n records is split "
	"into e + v/n, with v the sampling variance of one record, and e is at least 0; a window of m records then has "
	"e + v/m, never less than independence would give. Mean shift and log variance ratio are judged by Student's t "
	"with n_eff - 1 degrees, where K groups with lag-1 autocorrelation r1 count as n_eff = K(1 - r1)/(1 + r1), r1 at "
	"least 0 and n_eff at least 3, and the spread is widened by sqrt(1 + 1/n_eff). The distances are judged so on "
	"their logarithm, each group against the others.\n"
	"4. `chi2` is the smaller of Pearson's statistic and the likelihood ratio, with columns of under 5 expected "
	"values put together, divided by what the groups show beyond independence (Rao and Scott 1984), and judged by "
	"F.\n"
	"5. Unseen values and values other than the constant are judged as Poisson with rate (reference count + 3)/n x m.\n"
	"6. The value is the normal deviate of the smallest p times the number of members; 0 where that is 0.5 or more; a "
	"p under 1e-300 counts as 1e-300.\n\n"
	"The reading's detail names the member that spoke. It says *independence assumed* where rows had no event time, "
	"the window is shorter than a chunk, or the reference is no baseline; and *under 20 chunks* where the spread "
	"rests on few groups. A rhythm longer than a window is part of the spread; one longer than the baseline cannot be "
	"told from drift: compare with an earlier period then.\n\n"
	"The usual threshold, 5, was chosen on simulated data: on sixteen processes in which nothing changes "
	"(`tests/drift/test_composite.c`; `KDRIFT_CALIBRATE=1` prints the table). It is fitted to no real stream. On "
	"Elec2, to which nothing was tuned, with weekly windows and the first 26 weeks as the baseline, it is exceeded "
	"by Victoria's price, demand and transfer in 82 of 82 whole weeks after the joint market began and in 0 of 25 "
	"before, and by the other four columns never. One of these, New South Wales' price, did change (`ks` 0.52 between "
	"the 26 weeks from the joint market on and the baseline), but its weeks differ so much among themselves that its "
	"highest `drift` is 3.1: surprise is not size. Where the size of a change matters, add a rule on `ks` or "
	"`mean_shift` with a threshold of its own.\n";

static void add_types(struct buf *out, const struct measure *m)
{
	const char *sep = "";

	if (m->scope == MEASURE_STREAM)
		buf_adds(out, "stream");
	if (m->types == ~0u) {
		buf_adds(out, "any");
		return;
	}
	for (int t = 0; t < FIELD_TYPES; t++)
		if (m->types & 1u << t) {
			buf_addf(out, "%s%s", sep, field_type_name((enum field_type)t));
			sep = ", ";
		}
}

void measures_reference(struct buf *out)
{
	buf_adds(out, head);
	for (size_t i = 0; i < measure_table_len; i++) {
		const struct measure *m = &measure_table[i];

		buf_addf(out, "| `%s` | %s | %s | %s | ", m->name, m->help, m->range, m->unit);
		add_types(out, m);
		buf_addf(out, " | %s | %s | %llu | ", m->needs_reference ? "yes" : "", m->count ? "yes" : "",
			 (unsigned long long)m->min_records);
		if (!isnan(m->threshold))
			buf_addf(out, "%g", m->threshold);
		buf_addf(out, " | %s |\n", m->source);
	}
	buf_adds(out, tail);
}

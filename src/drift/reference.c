// SPDX-License-Identifier: Apache-2.0
// docs/measures.md and `kdrift measures`, generated from the table.
#include <math.h>

#include "drift/exact.h"

static const char head[] =
	"# Measures\n\n"
	"Generated from the table in `src/drift/table.c`; `kdrift measures` prints it. A rule names a measure; a reading is "
	"its value for one window, field and slice, always with the sample sizes it rests on. *Reference* is what the "
	"window is compared with: a baseline, an earlier window, a slice or a stream. NaN and infinities are in no measure "
	"but those that count them. An *eager* measure only counts, so the immediate tier judges it before the window is "
	"complete. Below the least number of values (on either side) a measure is `too_few`, not a number; so it is for a "
	"rule below the rule's `min_records`, of the window's records or of the values that the measure rests on.\n\n"
	"A monitor computes measures from panes, so some come with an *error*: the value of all the data differs from it by "
	"at most that much (rounding, 1e-9 of the value, aside). It is computed for each reading and stands beside it in "
	"pages and in the status. Where the column says nothing it is 0.\n\n"
	"A name with a dot is another tool's number, its *dialect*: the same from the same data as that tool gives, quirks "
	"included. `kdrift compare` takes measures of all the data of two files. Where a measure suits files only, its bins "
	"depend on the current data, or on the values themselves, and panes cannot have it.\n\n"
	"| measure | is | range | unit | in a monitor of | in files of | needs a reference | eager | least | usual threshold | "
	"error | whose | known as |\n"
	"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";

static const char files_tail[] =
	"\n## Measures of two files\n\n"
	"Missing values, NaN and infinities are left out (but `js.tfdv`, where NaN and infinities agree with nothing). Equal to 1e-9 to SciPy 1.17.1, Evidently 0.7.23, NannyML 0.13.1 and deepchecks 0.19.1 on 50 pairs of samples and 10 "
	"tables of categories (`tests/drift/exact/golden.py`, which asks the packages themselves). What to know:\n\n"
	"- Bare `psi`, `js`, `hellinger`, `linf` and `tvd` of numbers are on the reference's grid in 10 groups, as the "
	"monitor has them, so that `run` and `compare` agree. Of categories `compare` counts every one, the monitor those "
	"within its bounds.\n"
	"- `cvm` compares values, not ranks: SciPy's is the same where no values are equal, and says 24.3 of two equal "
	"constants, where this says 0.\n"
	"- `ks_p` is the limit law; `ks_p.scipy` the law of one sample of nm/(n+m) values, which differs by up to a third at "
	"small p; `ks_p.evidently` is exact up to 10,000 values a side. These, `cvm_p`, `ad_p` and `kuiper_p` suppose that no values are equal.\n"
	"- Evidently counts numbers by value where the reference has at most 20, else in bins over both files together: its "
	"score depends on the current data's range. Columns of whole numbers get no bins narrower than 1, as NumPy makes "
	"them.\n"
	"- `chi2.evidently` takes the reference's shares as exact, so its p is too small, and 0 for a new category.\n"
	"- `js.nannyml` and `hellinger.nannyml` give a constant reference one bin one unit wide: a constant that moves by "
	"less than half scores 0.\n"
	"- `psi.deepchecks` and `cramers_v.deepchecks` are that package's functions, without its merging of rare categories. "
	"`js.tfdv` of numbers is by its definition on exact bins; TFDV itself takes them from a sketch.\n"
	"- Of arrays and Avro's maps every element is a value, under the paths that the monitor has (`items[]`, `items[].price`, "
	"`tags{}`), and `missing_ratio` is the share of elements without one; an empty array lacks nothing.\n"
	"- Numbers are doubles, but columns of whole numbers past 2^53 without a gap are ordered and told apart exactly, as "
	"pandas reads them; distances and moments are of the rounded ones, as SciPy's are.\n"
	"- Whole moments of huge or tiny numbers (1e300, 1e-300) are exact; `wasserstein.evidently` and the bins of Doane take "
	"plain doubles, which overflow there, because those tools do.\n";

static const char tail[] =
	"\n## States\n\n"
	"A reading without a value says why: `no_data` (nothing in the window), `no_baseline` (nothing to compare with), "
	"`too_few`, `mixed_grids` (the two sides were counted on different grids), `recalibrating` (the stream has "
	"another grid than before, because it had no baseline or the one before is lost, and the window still has records "
	"counted on that), `approximate` (a bound was hit, so the "
	"number could be wrong), `uncalibrated` (no member of `drift` can be judged), `not_applicable`, `catching_up` "
	"(the stream's position is behind), `records_lost` (records of the window, or of the one it is compared with, were "
	"deleted from Kafka before they were read), "
	"`rolled_up` (panes of the window were rolled up to hours or days that it cuts, after a change of windows), "
	"`incomplete` (of a backtest: the window is cut, or thin). None of them is health, and none is drift.\n\n"
	"A reading with a value may say `approximate`, too: a bound of the field was hit in the window or its reference "
	"(256 new categories, 256 texts told apart, 2,048 logarithmic bins). What that does to the measure is in its error; "
	"sums, means, extremes and counts stay exact.\n\n"
	"## How near the numbers are\n\n"
	"Numbers are counted on a grid of about 256 quantiles of the baseline, with a bin of its own for every heavy "
	"value; the other bins are *open*. Sums, extremes and what lies outside the grid are exact. What an open bin's "
	"values can change, whatever their order, bounds the error of a reading: inside it the difference d of the "
	"distribution functions lies between what it would be with all the reference's values first and with all the "
	"current ones first.\n\n"
	"| measure | error |\n"
	"| --- | --- |\n"
	"| `ks`, `kuiper`, `ks_p`, `kuiper_p`, `linf.deequ-robust` | the most that d can be inside an open bin, less what it is at the "
	"bins' ends: at most the largest open bin's share of either side, and 0 where every reference value has a bin of its "
	"own and no other value lies between them |\n"
	"| `wasserstein`, `energy` | for each open bin its width times the most and the least that d (d squared) can be; "
	"values are taken as evenly spread. Outside the grid the sums leave nothing open where one side has values there |\n"
	"| `cvm`, `ad` | for each open bin its number of values times the most and the least that their terms can be; `cvm_p` "
	"and `ad_p` are p at those |\n"
	"| `p50`, `p99` and their shifts | the part of the bin beyond the value, within the extremes |\n"
	"| `chi2_p`, `g_test_p`, `chi2.nannyml` of numbers | p with as many more degrees of freedom as new values may share "
	"bins; the correction that is then not due |\n"
	"| `top_share` | the fullest open bin's share less the value |\n"
	"| `psi`, `js`, `kl`, `hellinger`, `linf`, `tvd` of numbers | 0: their definition here is by groups of bins, in files "
	"as well |\n\n"
	"On 50 pairs of samples every value lies within its error of what SciPy, Evidently, NannyML and deepchecks say "
	"(`tests/drift/test_panes.c`). On the logarithmic grid, which fields without a baseline have, the bins are 1 % wide "
	"and the errors are larger; where small magnitudes had to share the bin of 0 they are not stated. Of categories the "
	"baseline's own (at most 256, the most frequent) are counted exactly, and 256 new ones; past that rare values share "
	"one column, the reading says so and states no error.\n\n"
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
	"least 0 and n_eff at least 3, and the groups' own variance over "
	"n_eff is added, for the reference's mean is as uncertain. The distances are judged so on their logarithm, each "
	"group against the others.\n"
	"4. `chi2` is the smaller of Pearson's statistic and the likelihood ratio, with columns of under 5 expected "
	"values put together. Where records depend on one another it is a sum of squares with weights, the generalised "
	"design effects (Rao and Scott 1981): the eigenvalues of what the groups' shares did, drawn together by as much as "
	"chance spreads those of n_eff groups, at least 1. It is judged by that sum's law over a chi-square of n_eff - 1 "
	"degrees, by the saddlepoint approximation (F's law where all weights are equal).\n"
	"5. Unseen values and values other than the constant are judged as Poisson with rate (reference count + 3)/n x m.\n"
	"6. Season: where the baseline covers at least three periods (a day; a week beyond that) that are longer than the "
	"window, and the groups of the same phase are alike (F test at 0.01, with at least 20 groups more than phases), a "
	"window is held against what is usual at its phase: that phase's mean, variance and shares, by the parabola "
	"through it and its neighbours where the window lies between phases. The spread is that of the groups about their "
	"phases, with as many degrees fewer; over the groups a phase it is added for the phase's own mean. It is one "
	"spread for all phases. The reading names the `season`. A window at a time of day, or of the week, at which the baseline "
	"has nothing is held against all of it, and its phase is a part of the spread.\n"
	"7. Reach: a member that could not reach the rule's limit, whatever came (a distance beyond its greatest, a mean "
	"shift of 1,000 standard deviations, a variance ratio of a million), is left out and not counted. Where none is "
	"left the field is `uncalibrated`. `smallest_shift` is what is expected to lie at the limit: of the mean, in the "
	"reference's standard deviations (`sd`), or of the most frequent value's `share`. `kdrift check` says it for each "
	"rule and field before any window is there.\n"
	"8. The value is the normal deviate of the smallest p times the number of members; 0 where that is 0.5 or more; a "
	"p under 1e-300 counts as 1e-300.\n\n"
	"The reading's detail names the member that spoke. It says *independence assumed* where rows had no event time, "
	"the window is shorter than a chunk, or the reference is no baseline; and *under 20 chunks* where the spread "
	"rests on few groups. A rhythm that is no season in this sense is part of the spread; one longer than the baseline "
	"cannot be told from drift: a page says what the baseline covers, and `against: {previous: 52w}` tells the two "
	"apart.\n\n"
	"The usual threshold, 5, was chosen on simulated data: on sixteen processes in which nothing changes "
	"(`tests/drift/test_composite.c`; `KDRIFT_CALIBRATE=1` prints the table). It is fitted to no real stream. On "
	"Elec2, to which nothing was tuned, with weekly windows and the first 26 weeks as the baseline, it is exceeded "
	"by Victoria's price, demand and transfer in 82 of 82 whole weeks after the joint market began and in 0 of 25 "
	"before, and by the other four columns never. One of these, New South Wales' price, did change (`ks` 0.52 between "
	"the 26 weeks from the joint market on and the baseline), but its weeks differ so much among themselves that its "
	"highest `drift` is 3.1: surprise is not size. Where the size of a change matters, add a rule on `ks` or "
	"`mean_shift` with a threshold of its own.\n";

static const char glr[] =
	"\n## `glr`\n\n"
	"A window shows neither a shift within its first tens of records nor a slow ramp. `glr` looks at trailing spans "
	"instead, from one slide to 32 windows or what is kept, each about 1.25 times the one before: whatever began to "
	"change, some span begins near where it began. It is the window-limited generalised likelihood ratio scan "
	"(Willsky and Jones 1976; Lai 1995, 1998), a function of the spans alone, so a restart, late data or another "
	"worker change nothing; CUSUM and Page-Hinkley, which need a sum carried from slide to slide, find a shift no "
	"sooner unless they are tuned to its size.\n\n"
	"1. A baseline keeps, for lengths that double from a second to five minutes up to an eighth of it, by how much "
	"means over that length vary beyond what independent values would (the *design effect*), and, from three days or "
	"weeks on, the profile of the day or week where there is one (p < 0.0001; by UTC). Of a baseline without that "
	"(an older file, or of what the store holds) its chunks say it; shorter spans then count as of a chunk.\n"
	"2. Numbers have two members: the mean, and the mean square deviation. Categories have one for each of the baseline's "
	"31 most frequent values and one for all others, booleans one. A constant reference has one: values other than the "
	"constant.\n"
	"3. A span of n values counts as n / effect independent ones, less what the reference's own mean is uncertain "
	"by, against the profile's mean over the span. Effects that rest on under 256 groups are drawn to those of shorter "
	"lengths as far as they do not differ, and cost degrees of freedom.\n"
	"4. The p of a mean is the saddlepoint approximation on the baseline's own distribution, of a share the binomial's, so "
	"skewed values and few of them raise no false alarms. Where neighbours depend on one another both are of runs of "
	"geometric length at the same variance, if that is the greater p. A value beyond all that the baseline had is left "
	"out if that makes the span less surprising: one record is no drift.\n"
	"5. The value is the normal deviate of the smallest p times what it counts as. Every length has the same share of "
	"the false alarms, of numbers the mean 0.9 of that and the variance 0.1. A length of many slides counts as less than "
	"one test a slide, by how little its spans change from one to the next (30 / (30 + slides) of a test, "
	"near Siegmund's formula for sums that slide), and all lengths as 0.7 of their number, since neighbours share most of their "
	"values: so a budget counts one test a slide, and long spans, which find small changes, have the greater p.\n\n"
	"The detail says which member spoke, over which span. A shift of d standard deviations is found after about (6 / d)^2 "
	"values times the design effect, a ramp of one standard deviation over N after about (9 N)^(2/3): 600 for "
	"a quarter, 40 for a whole one, 6,000 for N = 50,000 (`tests/drift/test_scan.c`). `glr` "
	"compares with a baseline only. It takes the spread of a phase as constant: where volatility itself wanders for "
	"hours, or a daily rhythm goes by local time and that changes, short spans raise false alarms.\n";

static void add_types(struct buf *out, unsigned types)
{
	const char *sep = "";

	for (int t = 0; t < FIELD_TYPES; t++)
		if (types & 1u << t) {
			buf_addf(out, "%s%s", sep, field_type_name((enum field_type)t));
			sep = ", ";
		}
}

static void add_number(struct buf *out, double x)
{
	if (!isnan(x))
		buf_addf(out, "%g", x);
}

static const char *text(const char *s)
{
	return s ? s : "";
}

// Of whose columns it is had in files; those of panes where it has no computation of its own.
static unsigned types_of_files(const struct measure *m)
{
	return m->exact ? m->file_types : exact_has(m) ? m->types & ~(1u << FIELD_NONE) : 0;
}

void measures_reference(struct buf *out)
{
	buf_adds(out, head);
	for (size_t i = 0; i < measure_table_len; i++) {
		const struct measure *m = &measure_table[i];

		buf_addf(out, "| `%s` | %s | %s | %s | ", m->name, m->help, m->range, text(m->unit));
		if (m->scope == MEASURE_STREAM)
			buf_adds(out, "stream");
		add_types(out, m->types & ~(1u << FIELD_NONE));
		buf_adds(out, " | ");
		add_types(out, types_of_files(m));
		buf_addf(out, " | %s | %s | ", m->needs_reference ? "yes" : "", m->count ? "yes" : "");
		if (m->compute)
			buf_addf(out, "%llu", (unsigned long long)m->min_records);
		buf_adds(out, " | ");
		add_number(out, m->threshold);
		buf_addf(out, " | %s | %s | %s |\n", text(m->error), text(m->dialect), text(m->source));
	}
	buf_adds(out, files_tail);
	buf_adds(out, tail);
	buf_adds(out, glr);
}

void measures_text(struct buf *out)
{
	buf_adds(out, "Measures: range, unit, the usual threshold in brackets, what they suit, the least number of values.\n");
	for (size_t i = 0; i < measure_table_len; i++) {
		const struct measure *m = &measure_table[i];

		buf_addf(out, "\n  %-22s %s%s%s", m->name, m->range, m->unit ? ", unit: " : "", text(m->unit));
		if (!isnan(m->threshold))
			buf_addf(out, " [%g]", m->threshold);
		buf_adds(out, m->scope == MEASURE_STREAM ? "; of a stream" : m->compute ? "; in a monitor of " : "; in files only");
		add_types(out, m->types & ~(1u << FIELD_NONE));
		if (m->exact && m->file_types != m->types) {
			buf_adds(out, m->compute ? "; in files of " : ", of ");
			add_types(out, m->file_types);
		}
		if (m->min_records > 1)
			buf_addf(out, "; from %llu values on", (unsigned long long)m->min_records);
		if (m->source)
			buf_addf(out, "; known as %s", m->source);
		if (m->dialect)
			buf_addf(out, "; as computed by %s", m->dialect);
		buf_addf(out, "\n      %s\n", m->help);
		if (m->error)
			buf_addf(out, "      error in a monitor: %s\n", m->error);
	}
}

static json_t *types_json(const struct measure *m, unsigned types)
{
	json_t *a = json_array();

	if (m->scope == MEASURE_STREAM && types == m->types)
		json_array_append_new(a, json_string("stream"));
	for (int t = FIELD_NONE + 1; t < FIELD_TYPES; t++)
		if (types & 1u << t)
			json_array_append_new(a, json_string(field_type_name((enum field_type)t)));
	return a;
}

json_t *measures_json(void)
{
	json_t *all = json_array();

	for (size_t i = 0; i < measure_table_len; i++) {
		const struct measure *m = &measure_table[i];

		json_array_append_new(
			all, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:b,s:b,s:I,s:s,s:o,s:o}", "measure", m->name, "means",
				       m->help, "unit", text(m->unit), "range", m->range, "source", text(m->source),
				       "dialect", text(m->dialect), "threshold", json_num(m->threshold), "needs_reference",
				       m->needs_reference, "eager", m->count, "least", (json_int_t)m->min_records, "error",
				       m->error ? m->error : "0", "suits", types_json(m, m->types), "suits_in_files",
				       types_json(m, types_of_files(m))));
	}
	return all;
}

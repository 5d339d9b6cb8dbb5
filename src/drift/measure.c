// SPDX-License-Identifier: Apache-2.0
#include "drift/measure.h"

#include <string.h>

#include "drift/measures.h"
#include "util/xalloc.h"

#define NUM (1u << FIELD_NUMERIC)
#define CAT (1u << FIELD_CATEGORICAL)
#define BOOL (1u << FIELD_BOOLEAN)
#define TEXT (1u << FIELD_TEXT)
#define TIME (1u << FIELD_TIME)
#define ANY (NUM | CAT | BOOL | TEXT | TIME | 1u << FIELD_VECTOR)

const char *const reading_state_names[READING_STATES] = {
	[READING_KNOWN] = "known",
	[READING_NO_DATA] = "no_data",
	[READING_NO_BASELINE] = "no_baseline",
	[READING_TOO_FEW] = "too_few",
	[READING_MIXED_GRIDS] = "mixed_grids",
	[READING_APPROXIMATE] = "approximate",
	[READING_UNCALIBRATED] = "uncalibrated",
	[READING_NOT_APPLICABLE] = "not_applicable",
	[READING_CATCHING_UP] = "catching_up",
	[READING_RECORDS_LOST] = "records_lost",
};

// A row may end with compute: the columns after it are 0 then.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
const struct measure measure_table[] = {
	{"drift", "the z equivalent of the smallest p-value of a small family of tests, each against the baseline's "
		  "own movement from window to window, times the size of the family",
	 "z", "0 to 37", "below", MEASURE_FIELD, NUM | CAT | BOOL, true, false, 50, 5, measure_drift,
	 SCALE_Z},
	{"ks", "the largest difference of the two distribution functions, on the grid", "", "0 to 1",
	 "Kolmogorov-Smirnov", MEASURE_FIELD, NUM, true, false, 100, 0.1, measure_ks},
	{"ks_p", "the asymptotic p-value of ks: Kolmogorov's law at D sqrt(nm/(n+m))", "", "0 to 1",
	 "Kolmogorov-Smirnov", MEASURE_FIELD, NUM, true, false, 30, 0.001, measure_ks_p,
	 SCALE_P},
	{"wasserstein", "the area between the two distribution functions", "the field's", "0 up",
	 "Wasserstein-1, earth mover's distance", MEASURE_FIELD, NUM, true, false, 100, NAN, measure_wasserstein},
	{"psi", "sum (q-p) ln(q/p), shares floored at 1e-4; numbers in 10 groups of grid bins", "", "0 up",
	 "population stability index", MEASURE_FIELD, NUM | CAT | BOOL, true, false, 100, 0.2, measure_psi},
	{"js", "the Jensen-Shannon distance (square root), base 2; numbers in 10 groups of grid bins", "", "0 to 1",
	 "Jensen-Shannon", MEASURE_FIELD, NUM | CAT | BOOL, true, false, 100, 0.1, measure_js},
	{"chi2", "the contingency table's statistic, without continuity correction; numbers only where the "
		 "reference has at most 10 distinct values",
	 "", "0 up", "Pearson", MEASURE_FIELD, NUM | CAT | BOOL, true, false, 100, NAN, measure_chi2},
	{"chi2_p", "the p-value of chi2", "", "0 to 1", "Pearson", MEASURE_FIELD, NUM | CAT | BOOL, true, false, 30,
	 0.001, measure_chi2_p, SCALE_P},
	{"mean_shift", "the difference of the means in the reference's (population) standard deviations; of text: of "
		       "the length",
	 "sd", "any", "", MEASURE_FIELD, NUM | TEXT, true, false, 30, 0.5, measure_mean_shift},
	{"variance_ratio", "the current variance over the reference's, both n - 1; of text: of the length", "", "0 up",
	 "", MEASURE_FIELD, NUM | TEXT, true, false, 30, 2, measure_variance_ratio},
	{"missing_ratio", "null or absent, of the decoded records", "", "0 to 1", "", MEASURE_FIELD, ANY, false, true, 1,
	 0.05, measure_missing},
	{"nan_ratio", "NaN, of the decoded records", "", "0 to 1", "", MEASURE_FIELD, NUM, false, true, 1, 0.01,
	 measure_nan},
	{"inf_ratio", "infinite, of the decoded records", "", "0 to 1", "", MEASURE_FIELD, NUM, false, true, 1, 0.01,
	 measure_inf},
	{"unseen_ratio", "values that are not among the baseline's own, of all values", "", "0 to 1", "", MEASURE_FIELD,
	 CAT, false, true, 1, 0.01, measure_unseen},
	{"out_of_range_ratio", "values below the baseline's least or above its greatest, of all values", "", "0 to 1", "",
	 MEASURE_FIELD, NUM, false, true, 1, 0.01, measure_out_of_range},
	{"violation_ratio", "records with at least one violation, of all records", "", "0 to 1", "", MEASURE_STREAM, 0,
	 false, true, 1, 0.01, measure_violation_ratio},
	{"violating_records", "records with at least one violation", "records", "0 up", "", MEASURE_STREAM, 0, false,
	 true, 1, 0, measure_violating_records},
	{"incompatible_schema", "records whose writer's schema the contract cannot read", "records", "0 up", "",
	 MEASURE_STREAM, 0, false, true, 1, 0, measure_incompatible_schema},
	{"dropped_field", "records whose writer's schema lacks the field, or has it in another type, though the contract, "
			  "`fields:` or the baseline needs it; the cause of what follows from it (docs/contracts.md)",
	 "records", "0 up", "", MEASURE_FIELD, ~0u, false, true, 1, 0, measure_dropped_field},
	{"breaking_version", "breaches of the contract by the newest version registered under the stream's subject, known "
			     "before any record is written with it",
	 "breaches", "0 up", "", MEASURE_STREAM, 0, false, false, 0, 0, measure_breaking_version},
	{"records", "all messages but tombstones: the volume; 0 where there are none", "records", "0 up", "",
	 MEASURE_STREAM, 0, false, true, 0, NAN, measure_records},
	{"staleness", "the time since the newest event, or since the stream was first watched where there was none",
	 "seconds", "any", "", MEASURE_STREAM, 0, false, false, 0, NAN, measure_staleness},
	{"schema_wait", "how long records have waited for a schema that the registry does not give; 0 where none waits", "seconds",
	 "0 up", "", MEASURE_STREAM, 0, false, false, 0, 300, measure_schema_wait},
	{"dead_letters_stopped", "partitions whose violating records are not copied to the dead-letter topic, past a limit "
				 "or because it cannot be written; 0 where there is none",
	 "partitions", "0 up", "", MEASURE_STREAM, 0, false, false, 0, 0, measure_dead_letters_stopped},
	{"top_share", "the share of the most frequent value; of numbers a lower bound, unless all are equal", "",
	 "0 to 1", "", MEASURE_FIELD, NUM | CAT | BOOL, false, true, 1, NAN, measure_top_share},
	{"constant", "1 where at least two values are all equal, else 0", "", "0 or 1", "", MEASURE_FIELD,
	 NUM | CAT | BOOL, false, true, 2, 0, measure_constant},
	{"sum", "the sum of the values", "the field's", "any", "", MEASURE_FIELD, NUM, false, false, 1, NAN, measure_sum},
	{"mean", "the mean of the values; of text: of the length in bytes", "the field's", "any", "", MEASURE_FIELD,
	 NUM | TEXT, false, false, 1, NAN, measure_mean},
	{"stddev", "the standard deviation of the values, n - 1; of text: of the length", "the field's", "0 up", "",
	 MEASURE_FIELD, NUM | TEXT, false, false, 2, NAN, measure_stddev},
};
const size_t measure_table_len = ARRAY_LEN(measure_table);

const struct measure *measure_find(const char *name)
{
	for (size_t i = 0; i < measure_table_len; i++)
		if (!strcmp(measure_table[i].name, name))
			return &measure_table[i];
	return NULL;
}

struct measure_value measure_compute(const struct measure *m, const struct measure_input *in)
{
	struct measure_value v = {.state = READING_NO_DATA, .value = NAN};

	if (m->scope == MEASURE_FIELD && !(in->def && m->types & 1u << in->def->type))
		v.state = READING_NOT_APPLICABLE;
	else if (!in->current.pane && m->min_records)
		v.state = READING_NO_DATA;
	else if (m->needs_reference && !in->reference.pane)
		v.state = READING_NO_BASELINE;
	else
		m->compute(in, &v);
	if (v.state == READING_KNOWN &&
	    (v.n_current < m->min_records || (m->needs_reference && v.n_reference < m->min_records)))
		v.state = READING_TOO_FEW;
	if (v.state != READING_KNOWN)
		v.value = NAN;
	return v;
}

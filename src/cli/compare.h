// SPDX-License-Identifier: Apache-2.0
// What `kdrift compare` knows of two files, and what it says of it. Private to cli/.
#ifndef KD_CLI_COMPARE_H
#define KD_CLI_COMPARE_H
#include "drift/exact.h"
#include "files/table.h"
#include "report/shape.h"
#include "util/json.h"

struct compared_side {
	bool there;		       // the file has such a column
	uint64_t places, present, count; // places: rows, or elements of arrays; count: values that are compared, without NaN and infinities
};

// What a report shows of a field beside its measures.
enum { QUANTILES = 7 };
extern const double compared_quantiles[QUANTILES]; // 0: the least, 1: the greatest
struct compared_picture {
	struct shape shape;
	double quantiles_r[QUANTILES], quantiles_c[QUANTILES], mean_r, mean_c; // numbers
	double gap_at, gap_r, gap_c; // where the distribution functions are farthest apart, and both there
};

struct compared_field {
	const char *path;
	enum field_type type;
	struct compared_side reference, current;
	double *values; // a row of measure_table each; NaN where there is none
	struct compared_picture *picture; // NULL: not asked for, or a side has no values
};

struct comparison {
	struct table *reference, *current;
	struct compared_field
	    *fields; // in the order of the reference, then those that only the current file has
	size_t n;
};

// compare_files.c. progress may be NULL.
int comparison_make(struct comparison *c, const char *reference, const char *current, bool pictures,
		    table_progress *progress, void *ctx, struct error *err) MUST_CHECK;
void comparison_release(struct comparison *c);
// The measure's value; NaN where there is none. name is one of measure_table.
double compared_value(const struct compared_field *f, const char *name);

// compare_picture.c. Both sides have values.
struct compared_picture *picture_new(enum field_type type, const struct exact_side *r, const struct exact_side *c);
void picture_free(struct compared_picture *p);

// compare_html.c: the whole page. The caller frees.
char *comparison_html(const struct comparison *c);

// compare_print.c
// The fields, the most different first: what only one side has, then by js. The caller frees.
const struct compared_field **comparison_order(const struct comparison *c);
void comparison_print(const struct comparison *c);
json_t *comparison_json(const struct comparison *c); // a new reference
#endif

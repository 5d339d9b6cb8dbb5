// SPDX-License-Identifier: Apache-2.0
// Where the vectors of both sides lie: the centroids, which are exact sums over the number of vectors.
#include <math.h>

#include "drift/measures.h"

// Both centroids can be had. Sets the sample sizes.
static bool centroids(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *r = in->reference.field, *c = in->current.field;

	out->n_current = c ? c->count : 0;
	out->n_reference = r ? r->count : 0;
	if (!out->n_current || !out->n_reference) {
		out->state = out->n_current ? READING_NO_BASELINE : READING_NO_DATA;
		return false;
	}
	if (r->dim_sums && c->dim_sums && r->dims == c->dims)
		return true;
	out->state = READING_MIXED_GRIDS;
	out->detail = "vectors of more than one dimension";
	return false;
}

void measure_centroid_distance(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *r = in->reference.field, *c = in->current.field;
	double apart = 0;

	if (!centroids(in, out))
		return;
	for (size_t i = 0; i < r->dims; i++)
		apart = hypot(apart, field_centroid(c, i) - field_centroid(r, i));
	value_known(out, apart);
}

// By half the squared distance of the unit vectors, which does not cancel where they are alike.
void measure_centroid_cosine(const struct measure_input *in, struct measure_value *out)
{
	const struct field_stats *r = in->reference.field, *c = in->current.field;
	double long_r = 0, long_c = 0, sum = 0;

	if (!centroids(in, out))
		return;
	for (size_t i = 0; i < r->dims; i++) {
		long_r = hypot(long_r, field_centroid(r, i));
		long_c = hypot(long_c, field_centroid(c, i));
	}
	for (size_t i = 0; i < r->dims; i++) {
		double d = field_centroid(r, i) / long_r - field_centroid(c, i) / long_c;
		sum += d * d;
	}
	value_known(out, sum / 2);
	if (out->state != READING_KNOWN)
		out->detail = "a centroid is 0";
}

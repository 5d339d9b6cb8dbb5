// SPDX-License-Identifier: Apache-2.0
// A baseline as JSON, without its hash. Private to the drift room.
#ifndef KD_DRIFT_BASELINE_JSON_H
#define KD_DRIFT_BASELINE_JSON_H
#include "drift/baseline.h"
#include "util/spill.h"

#define BASELINE_FORMAT "kdrift-baseline"
enum { BASELINE_VERSION = 1 };

json_t *baseline_encode(const struct baseline *b); // a new reference
// The fields, a new reference each when it is asked for.
struct field_source {
	json_t *(*get)(const void *ctx, size_t i, struct error *err);
	const void *ctx;
	size_t n;
};
// Checks everything; NULL with err for what is not a whole baseline. Leaves the hash empty. o: all but "fields". Takes
// `chunks`, where the fields' go (NULL: they stay in memory), also on failure.
struct baseline *baseline_decode(const json_t *o, const struct field_source *fields, struct spill *chunks, struct error *err) MUST_CHECK;
// What was added to the field goes there, if there is room.
void baseline_field_spill(struct baseline_field *f, struct spill *to);

// movement_json.c; nseries: as many as the field must have.
json_t *movement_encode(const struct movement *m);
struct movement *movement_decode(const json_t *o, size_t nseries, struct error *err) MUST_CHECK;
#endif

// SPDX-License-Identifier: Apache-2.0
// A baseline as JSON, without its hash. Private to the drift room.
#ifndef KD_DRIFT_BASELINE_JSON_H
#define KD_DRIFT_BASELINE_JSON_H
#include "drift/baseline.h"

#define BASELINE_FORMAT "kdrift-baseline"
enum { BASELINE_VERSION = 1 };

json_t *baseline_encode(const struct baseline *b); // a new reference
// Checks everything; NULL with err for what is not a whole baseline. Leaves the hash empty.
struct baseline *baseline_decode(const json_t *o, struct error *err) MUST_CHECK;

// movement_json.c; nseries: as many as the field must have.
json_t *movement_encode(const struct movement *m);
struct movement *movement_decode(const json_t *o, size_t nseries, struct error *err) MUST_CHECK;
#endif

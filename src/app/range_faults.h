// SPDX-License-Identifier: Apache-2.0
// What breaks rules in records that are to be a baseline: a range with violations is refused unless told.
#ifndef KD_APP_RANGE_FAULTS_H
#define KD_APP_RANGE_FAULTS_H
#include "stats/violation.h"
#include "util/error.h"
#include "util/json.h"

struct range_faults {
	uint64_t records, violating, violations[VIOLATION_KINDS];
	char first[300]; // the first violation, in words; "": not known
};

// -1 where any record violates.
int range_faults_judge(const struct range_faults *f, struct error *err) MUST_CHECK;
json_t *range_faults_json(const struct range_faults *f); // {KIND: n}, a new reference
#endif

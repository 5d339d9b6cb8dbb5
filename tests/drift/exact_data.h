// SPDX-License-Identifier: Apache-2.0
// The samples of tests/drift/exact/golden.py, to the bit.
#ifndef TEST_DRIFT_EXACT_DATA_H
#define TEST_DRIFT_EXACT_DATA_H
#include "drift/exact.h"
#include "util/json.h"

// What a spec of exact.json says, sorted. The caller frees side->sorted and side->words (texts are the
// json's).
void side_numbers(struct exact_side *side, const json_t *spec);
void side_categories(struct exact_side *side, const json_t *counts);
void side_release(struct exact_side *side);
#endif

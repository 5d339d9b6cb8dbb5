// SPDX-License-Identifier: Apache-2.0
// The value rules of a stream's `fields:` on the rows of a file: range, allowed, pattern, length, not_null, as
// plans judge them of records (docs/counting.md). What needs records before, a clock or an
// expression is not judged, nor is a field that the file has no column of: training data need not have them all.
#ifndef KD_CLI_ROW_RULES_H
#define KD_CLI_ROW_RULES_H
#include "app/range_faults.h"
#include "config/config.h"
#include "files/rows.h"

struct row_rules;
// Both are borrowed. NULL with err for a pattern that does not compile.
struct row_rules *row_rules_new(const struct stream_conf *s, const struct rows *r, struct error *err) MUST_CHECK;
void row_rules_free(struct row_rules *k);
// types: what each of the file's columns counts as.
void row_rules_judge(struct row_rules *k, const struct row *row, const enum field_type *types, struct range_faults *f);
#endif

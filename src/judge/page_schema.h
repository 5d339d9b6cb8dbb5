// SPDX-License-Identifier: Apache-2.0
// What a page about writers' schemas says beside other pages: dropped fields, broken contracts. Private to page.c.
#ifndef KD_JUDGE_PAGE_SCHEMA_H
#define KD_JUDGE_PAGE_SCHEMA_H
#include "stats/pane.h"
#include "util/json.h"

// Sets the evidence's schema_ids (to blame), other_schema_ids (the rest of the window's) and contract (in the words
// of the check).
void schemas_evidence(json_t *evidence, const json_t *items, const struct pane *window);
void say_schemas(struct buf *b, const json_t *items, const json_t *evidence);
#endif

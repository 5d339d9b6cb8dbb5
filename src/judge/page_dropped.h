// SPDX-License-Identifier: Apache-2.0
// What a page about dropped fields says beside other pages. Private to page.c.
#ifndef KD_JUDGE_PAGE_DROPPED_H
#define KD_JUDGE_PAGE_DROPPED_H
#include "stats/pane.h"
#include "util/json.h"

// Sets the evidence's schema_ids (to blame), other_schema_ids (the rest of the window's) and contract (in the words
// of the check).
void dropped_evidence(json_t *evidence, const json_t *items, const struct pane *window);
void say_dropped(struct buf *b, const json_t *items, const json_t *evidence);
#endif

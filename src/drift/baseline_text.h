// SPDX-License-Identifier: Apache-2.0
// A baseline's file taken apart as text, so that it need not be in memory as JSON all at once: a number takes 40 bytes
// there. Private to the drift room.
#ifndef KD_DRIFT_BASELINE_TEXT_H
#define KD_DRIFT_BASELINE_TEXT_H
#include <stdbool.h>

#include "util/buf.h"

struct text_part {
	size_t at, len;
};

struct baseline_text {
	struct text_part hash;    // the member, with the comma before it
	struct text_part list;    // what is between the brackets of "fields"; behind the hash
	struct text_part *fields; // its objects
	size_t nfields, capfields;
};

// Takes the blanks out of b, in place, and finds the parts, which are JSON only if b is. false: it is not laid out as
// baseline_save does, and may be no JSON at all; b is spoiled.
bool baseline_text_scan(struct baseline_text *t, struct buf *b);
void baseline_text_release(struct baseline_text *t);
#endif

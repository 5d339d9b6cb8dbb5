// SPDX-License-Identifier: Apache-2.0
// A replay's verdicts by rule, stream, field and slice, in order of time: what is drawn, compared and tuned. A
// point takes 32 bytes.
#ifndef KD_APP_TIMELINE_H
#define KD_APP_TIMELINE_H
#include "judge/judge.h"
#include "util/map.h"

struct timeline_point {
	int64_t to;                // the window's end, event ms
	int64_t at;                // when it was judged
	double value;              // NaN: unknown
	bool firing, open;         // open: of an eager rule's trailing window
	unsigned char met, stays;  // enum truth: the condition, and that of an alert that fires already
};

struct timeline {
	const struct rule *rule;   // the configuration's
	char *stream, *field, *slice; // "" where it has none
	int64_t window, slide;     // ms; slide: the least distance of two windows
	double above, below;       // its last thresholds; NaN: none
	struct timeline_point *points;
	size_t n, cap, nfiring;
};

struct timelines {               // timelines_init
	struct map by_key;
	struct timeline **items;     // in order of first appearance
	size_t n, cap;
};

void timelines_init(struct timelines *l);
void timelines_release(struct timelines *l);
void timelines_add(void *list, const struct judge_verdict *v); // for struct outcome's `also`
// Of the same rule's name, stream, field, slice and window length; NULL: there is none.
const struct timeline *timeline_like(const struct timelines *l, const struct timeline *s);

// Consecutive windows.
struct timeline_run {
	int64_t from, to;          // the first one's beginning, the last one's end
	uint64_t windows;
};
// Windows in which s fires and `but` (NULL: nowhere) does not. The caller frees *out.
size_t timeline_firing(const struct timeline *s, const struct timeline *but, struct timeline_run **out);
#endif

// SPDX-License-Identifier: Apache-2.0
#include "judge/watermark.h"

#include "util/map.h"

struct progress progress_of(const struct stream_view *v)
{
	struct progress p = {.watermark = EVENT_TIME_NONE, .newest = EVENT_TIME_NONE, .untimed = EVENT_TIME_NONE,
			     .at_end = true, .position = v->nparts};
	int64_t held = INT64_MAX;

	for (size_t i = 0; i < v->nparts; i++) {
		const struct partition_view *q = &v->parts[i];
		uint64_t mix[3] = {p.position, (uint64_t)q->next, (uint64_t)q->max_event};
		p.position = hash_bytes(mix, sizeof mix);
		if (q->max_event > p.newest.ms)
			p.newest.ms = q->max_event;
		p.catching_up |= q->catching_up;
		if (q->waiting_since && (!p.waiting_since || q->waiting_since < p.waiting_since))
			p.waiting_since = q->waiting_since;
		if (q->letters.why && (!p.letters_stopped++ || q->letters.since < p.letters.since))
			p.letters = q->letters;
		if (q->max_untimed > p.untimed.ms)
			p.untimed.ms = q->max_untimed;
		if (q->owned && q->idle)
			continue;
		p.at_end = false;
		p.lagging |= !q->owned || (q->end >= 0 && q->next < q->end);
		if (q->max_event < held)
			held = q->max_event;
	}
	p.watermark.ms = p.at_end ? p.newest.ms : held;
	return p;
}

bool view_lost(const struct stream_view *v, int64_t from, int64_t to)
{
	for (size_t i = 0; i < v->nholes; i++)
		if (v->holes[i].from < to && v->holes[i].to > from)
			return true;
	return false;
}

int64_t view_lost_edge(const struct stream_view *v, int64_t from)
{
	int64_t edge = INT64_MAX;

	for (size_t i = 0; i < v->nholes; i++) {
		const struct hole *h = &v->holes[i];
		int64_t at = h->from >= from ? h->from : h->to;
		edge = at >= from && at < edge ? at : edge;
	}
	return edge;
}

// SPDX-License-Identifier: Apache-2.0
#include "app/outcome_diff.h"

#include <stdlib.h>

#include "judge/page.h"

static void add_runs(json_t *tiers, const char *member, const struct timeline *s, const struct timeline *but)
{
	struct timeline_run *runs;
	size_t n = timeline_firing(s, but, &runs);
	json_t *list = json_object_get(json_object_get(tiers, tier_names[s->rule->tier]), member);
	char fingerprint[17];

	page_fingerprint(s->rule, s->stream, fingerprint);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "alert", json_str(s->rule->name),
						      "fingerprint", fingerprint, "stream", json_str(s->stream), "field",
						      *s->field ? json_str(s->field) : json_null(), "slice",
						      *s->slice ? json_str(s->slice) : json_null(), "from", json_time(runs[i].from),
						      "to", json_time(runs[i].to), "windows", (json_int_t)runs[i].windows));
	free(runs);
}

// A rule that is in another tier now fires anew there, and no longer in the one before.
static const struct timeline *same_tier(const struct timeline *s, const struct timeline *other)
{
	return other && other->rule->tier == s->rule->tier ? other : NULL;
}

json_t *outcome_diff(const struct outcome_side *current, const struct outcome_side *changed)
{
	json_t *tiers = json_object();

	for (int t = 0; t < TIERS; t++) {
		const struct outcome_tier *a = &current->outcome->tiers[t], *b = &changed->outcome->tiers[t];
		json_object_set_new(tiers, tier_names[t],
				    json_pack("{s:{s:I, s:I}, s:{s:I, s:I}, s:[], s:[]}", "messages", "current",
					      (json_int_t)json_array_size(a->messages), "changed",
					      (json_int_t)json_array_size(b->messages), "pages", "current",
					      (json_int_t)json_array_size(a->pages), "changed",
					      (json_int_t)json_array_size(b->pages), "new", "gone"));
	}
	for (size_t i = 0; i < changed->timelines->n; i++) {
		const struct timeline *s = changed->timelines->items[i];
		add_runs(tiers, "new", s, same_tier(s, timeline_like(current->timelines, s)));
	}
	for (size_t i = 0; i < current->timelines->n; i++) {
		const struct timeline *s = current->timelines->items[i];
		add_runs(tiers, "gone", s, same_tier(s, timeline_like(changed->timelines, s)));
	}
	return tiers;
}

// SPDX-License-Identifier: Apache-2.0
// The checks of one slot, from the rule of its field.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schema/compiler.h"
#include "util/clock.h"
#include "util/xalloc.h"

void checks_free(struct checks *k)
{
	if (!k)
		return;
	map_release(&k->allowed, NULL);
	free(k->numbers);
	re_free(k->pattern);
	free(k->range_text);
	free(k->allowed_text);
	free(k->pattern_text);
	free(k->length_text);
	free(k->fresh_text);
	free(k);
}

static void judge_length(struct checks *k, const struct field_rule *r)
{
	k->has_length = r->has_length;
	k->least = r->length_min;
	k->most = r->length_max;
	if (k->most == UINT64_MAX)
		k->length_text = xasprintf("%.80s: shorter than %" PRIu64, r->path, k->least);
	else
		k->length_text = xasprintf("%.80s: its length is outside [%" PRIu64 ", %" PRIu64 "]", r->path, k->least, k->most);
}

static void judge_age(struct checks *k, const struct field_rule *r)
{
	char text[32];

	k->freshness_ms = r->freshness_ms;
	k->fresh_text = xasprintf("%.80s: older than %s when the record was written", r->path,
				  duration_format(r->freshness_ms, text, sizeof text));
}

bool checks_judge(const struct field_rule *r)
{
	return r->has_range || r->nallowed || r->pattern || r->has_length || r->freshness_ms || r->compared;
}

struct checks *checks_new(const struct field_rule *r, struct error *err)
{
	struct checks *k = xcalloc(1, sizeof *k);

	map_init(&k->allowed);
	k->has_range = r->has_range;
	k->min = r->range_min;
	k->max = r->range_max;
	k->range_text = xasprintf("%.80s: outside [%g, %g]", r->path, k->min, k->max);
	judge_length(k, r);
	judge_age(k, r);
	k->compared = r->compared;
	k->has_allowed = r->nallowed;
	k->allowed_text = xasprintf("%.80s: not one of the %zu allowed values", r->path, r->nallowed);
	k->numbers = xcalloc(r->nallowed + 1, sizeof *k->numbers);
	for (size_t i = 0; i < r->nallowed; i++) {
		char *end;
		double v = strtod(r->allowed[i], &end);

		map_puts(&k->allowed, r->allowed[i], k);
		if (*r->allowed[i] && !*end)
			k->numbers[k->nnumbers++] = v;
	}
	if (r->pattern) {
		struct error why = ERROR_INIT;

		k->pattern = re_new(r->pattern, strlen(r->pattern), &why);
		if (!k->pattern) {
			error_set(err, "field \"%s\": pattern \"%s\": %s", r->path, r->pattern, why.text);
			checks_free(k);
			return NULL;
		}
		k->pattern_text = xasprintf("%.80s: does not match %.60s", r->path, r->pattern);
	}
	return k;
}

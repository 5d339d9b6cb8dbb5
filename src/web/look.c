// SPDX-License-Identifier: Apache-2.0
#include "web/look.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"
#include "web/html.h"

const struct look_info looks[LOOKS] = {
	[LOOK_FIRING] = {"firing", "&#9650;"},	 [LOOK_UNKNOWN] = {"unknown", "?"},
	[LOOK_PENDING] = {"pending", "&#9670;"}, [LOOK_OK] = {"ok", "&#9679;"},
	[LOOK_NONE] = {"none", "&#8211;"},
};

enum look look_of(const json_t *thing)
{
	static const struct {
		const char *state;
		enum look look;
	} states[] = {
		{"firing", LOOK_FIRING}, {"alerting", LOOK_FIRING}, {"pending", LOOK_PENDING},
		{"ok", LOOK_OK},	 {"healthy", LOOK_OK},	    {"resolved", LOOK_OK},
	};
	const char *state = json_get_str(thing, "state", "");

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!strcmp(states[i].state, state))
			return states[i].look;
	return LOOK_UNKNOWN;
}

void look_badge(struct buf *out, enum look look, const char *state)
{
	buf_addf(out, "<span class=\"badge %s\"><i aria-hidden=\"true\">%s</i> ", looks[look].class,
		 looks[look].mark);
	html_words(out, state);
	buf_adds(out, "</span>");
}

void look_state_badge(struct buf *out, const json_t *thing)
{
	look_badge(out, look_of(thing), json_get_str(thing, "state", "unknown"));
}

static int by_look(const void *va, const void *vb)
{
	const struct ranked *a = va, *b = vb;
	int d = (int)a->look - (int)b->look;

	return d ? d : (a->index > b->index) - (a->index < b->index);
}

struct ranked *look_rank(const json_t *array, enum look (*look)(const json_t *item))
{
	size_t n = json_array_size(array);
	struct ranked *r = xcalloc(n + 1, sizeof *r);

	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){json_array_get(array, i), look(json_array_get(array, i)), i};
	qsort(r, n, sizeof *r, by_look);
	return r;
}

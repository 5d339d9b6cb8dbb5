// SPDX-License-Identifier: Apache-2.0
#include "judge/interval.h"

#include <stdlib.h>

#include "judge/explain_parts.h"
#include "util/xalloc.h"

struct interval {
	struct explain_conf conf;
	struct judge_conf judge;
	struct ground ground;
	struct scene scene;
};

struct interval *interval_open(const struct judge_port *port, const struct judge_stream *s, int64_t from, int64_t to,
			       struct error *err)
{
	const struct rule any = {.measure = measure_find("drift"), .against = {.kind = AGAINST_BASELINE}};
	struct interval *v = xcalloc(1, sizeof *v);

	v->judge = (struct judge_conf){.streams = s, .nstreams = 1};
	v->conf = (struct explain_conf){.judge = &v->judge, .port = port};
	if (!ground_init(&v->ground, &v->conf, s, &any, to - from, err) && !scene_init(&v->scene, &v->ground, to, err))
		return v;
	interval_free(v);
	return NULL;
}

void interval_free(struct interval *v)
{
	if (!v)
		return;
	scene_release(&v->scene);
	ground_release(&v->ground);
	free(v);
}

struct measure_value interval_value(const struct interval *v, const struct measure *m, const struct field_def *def,
				    const char *slice, double limit_p)
{
	return scene_value(&v->scene, &v->ground.rule, m, def, slice, limit_p);
}

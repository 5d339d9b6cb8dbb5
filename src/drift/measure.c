// SPDX-License-Identifier: Apache-2.0
#include "drift/measure.h"

#include <string.h>

#include "drift/measures.h"

const char *const reading_state_names[READING_STATES] = {
	[READING_KNOWN] = "known",
	[READING_NO_DATA] = "no_data",
	[READING_NO_BASELINE] = "no_baseline",
	[READING_TOO_FEW] = "too_few",
	[READING_MIXED_GRIDS] = "mixed_grids",
	[READING_APPROXIMATE] = "approximate",
	[READING_UNCALIBRATED] = "uncalibrated",
	[READING_NOT_APPLICABLE] = "not_applicable",
	[READING_CATCHING_UP] = "catching_up",
	[READING_RECORDS_LOST] = "records_lost",
	[READING_RECALIBRATING] = "recalibrating",
	[READING_ROLLED_UP] = "rolled_up",
	[READING_INCOMPLETE] = "incomplete",
};

const struct measure *measure_find(const char *name)
{
	for (size_t i = 0; i < measure_table_len; i++)
		if (!strcmp(measure_table[i].name, name))
			return &measure_table[i];
	return NULL;
}

static bool past_bound(const struct measure_side *s)
{
	return s->field && field_past_bound(s->field);
}

struct measure_value measure_compute(const struct measure *m, const struct measure_input *in)
{
	struct measure_value v = {.state = READING_NO_DATA, .value = NAN};

	if (m->scope == MEASURE_FIELD && !(in->def && m->types & 1u << in->def->type))
		v.state = READING_NOT_APPLICABLE;
	else if (!in->current.pane && m->min_records)
		v.state = READING_NO_DATA;
	else if (m->needs_reference && !in->reference.pane)
		v.state = READING_NO_BASELINE;
	else
		m->compute(in, &v);
	if (v.state == READING_KNOWN &&
	    (v.n_current < m->min_records || (m->needs_reference && v.n_reference < m->min_records)))
		v.state = READING_TOO_FEW;
	if (v.state != READING_KNOWN)
		v.value = v.error = NAN;
	v.approximate = past_bound(&in->current) || (m->needs_reference && past_bound(&in->reference));
	return v;
}

struct measure_value measure_of_pane(const struct measure *m, const struct field_def *def, const struct pane *p,
				     const struct baseline *b, int64_t window_ms)
{
	struct measure_input in = {.def = def, .source = b, .window_ms = window_ms};

	if (p->records)
		in.current = (struct measure_side){p, def ? pane_find(p, def->path, def->type) : NULL};
	if (b) {
		in.reference.pane = b->total;
		in.baseline = def ? baseline_find(b, def->path) : NULL;
	}
	if (in.baseline && in.baseline->def.type == def->type)
		in.reference.field = in.baseline->total;
	else
		in.baseline = NULL;
	return measure_compute(m, &in);
}

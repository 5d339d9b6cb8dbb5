// SPDX-License-Identifier: Apache-2.0
// Measures of the stream and of a field's presence.
#include "drift/measures.h"

// Of decoded records, or of the elements that a field lies in.
static void share_of_places(const struct measure_input *in, struct measure_value *out, uint64_t n)
{
	const struct field_stats *f = in->current.field;

	out->n_current = f ? field_places(in->current.pane, f) : in->current.pane->decoded;
	if (out->n_current)
		value_known(out, (double)n / (double)out->n_current);
	else
		out->state = READING_NO_DATA;
}

void measure_missing(const struct measure_input *in, struct measure_value *out)
{
	const struct pane *p = in->current.pane;

	share_of_places(in, out, in->current.field ? field_missing(p, in->current.field) : p->decoded);
}

void measure_nan(const struct measure_input *in, struct measure_value *out)
{
	share_of_places(in, out, in->current.field ? in->current.field->nan : 0);
}

void measure_inf(const struct measure_input *in, struct measure_value *out)
{
	share_of_places(in, out, in->current.field ? in->current.field->inf : 0);
}

void measure_violation_ratio(const struct measure_input *in, struct measure_value *out)
{
	const struct pane *p = in->current.pane;

	out->n_current = p->records;
	if (p->records)
		value_known(out, (double)p->violating_records / (double)p->records);
	else
		out->state = READING_NO_DATA;
}

static void count_of_records(const struct measure_input *in, struct measure_value *out, uint64_t n)
{
	out->n_current = in->current.pane->records;
	if (out->n_current)
		value_known(out, (double)n);
	else
		out->state = READING_NO_DATA;
}

void measure_violating_records(const struct measure_input *in, struct measure_value *out)
{
	count_of_records(in, out, in->current.pane->violating_records);
}

void measure_incompatible_schema(const struct measure_input *in, struct measure_value *out)
{
	count_of_records(in, out, pane_violations(in->current.pane, VIOLATION_INCOMPATIBLE_SCHEMA));
}

void measure_dropped_field(const struct measure_input *in, struct measure_value *out)
{
	count_of_records(in, out, pane_dropped(in->current.pane, in->def->path));
}

void measure_breaking_version(const struct measure_input *in, struct measure_value *out)
{
	if (in->version_known)
		value_known(out, (double)in->breaches);
	else
		out->detail = "the registry has not answered lately";
}

// No records are a volume of 0, which is known.
void measure_records(const struct measure_input *in, struct measure_value *out)
{
	out->n_current = in->current.pane ? in->current.pane->records : 0;
	value_known(out, (double)out->n_current);
}

void measure_staleness(const struct measure_input *in, struct measure_value *out)
{
	struct wall_time last = event_time_set(in->newest) ? wall_from_event(in->newest) : in->since;

	out->n_current = in->current.pane ? in->current.pane->records : 0;
	value_known(out, (double)(in->now.ms - last.ms) / 1000);
}

void measure_schema_wait(const struct measure_input *in, struct measure_value *out)
{
	int64_t since = in->waiting_since.ms;

	value_known(out, since && in->now.ms > since ? (double)(in->now.ms - since) / 1000 : 0);
}

void measure_dead_letters_stopped(const struct measure_input *in, struct measure_value *out)
{
	value_known(out, in->letters_stopped);
	if (in->letters_stopped)
		out->detail = in->letters_why;
}

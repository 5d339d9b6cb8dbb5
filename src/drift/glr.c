// SPDX-License-Identifier: Apache-2.0
#include "drift/measures.h"
#include "drift/scan.h"

#define NOTES(name)                                                                                          \
	{                                                                                                    \
		name, name "; independence assumed", name "; as at the length of chunks"                             \
	}
static const char *const details[][3] = {
	[SCAN_MEAN] = NOTES("mean"),
	[SCAN_VARIANCE] = NOTES("variance"),
	[SCAN_CONSTANT] = {"other than the constant", "other than the constant", "other than the constant"},
	[SCAN_SHARE] = NOTES("share of a value"),
};

void measure_glr(const struct measure_input *in, struct measure_value *out)
{
	struct scan scan;
	struct scan_found found;

	out->n_reference = in->reference.field ? in->reference.field->count : 0;
	out->n_current = in->current.field ? in->current.field->count : 0;
	out->state = !out->n_current ? READING_NO_DATA : !in->baseline ? READING_NO_BASELINE : READING_NOT_APPLICABLE;
	if (out->state != READING_NOT_APPLICABLE || !in->spans)
		return;
	if (!scan_init(&scan, in->source, in->baseline)) {
		out->state = READING_NO_BASELINE;
		return;
	}
	value_known(out, scan_value(&scan, in->spans, in->nspans, in->slide_ms, &found));
	scan_release(&scan);
	out->error = 0;
	if (!isfinite(found.p))
		return;
	out->span_ms = in->spans[found.span].to - in->spans[found.span].from;
	out->detail = details[found.member][!scan.movement ? 1 : scan.movement->of_chunks && out->span_ms < scan.movement->length ? 2 : 0];
}

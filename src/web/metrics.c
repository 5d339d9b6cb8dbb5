// SPDX-License-Identifier: Apache-2.0
#include "web/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const struct metric_info metric_table[METRICS] = {
	[METRIC_BUILD_INFO] = {"kdrift_build_info",
			       "gauge",
			       "1, with the running version as a label.",
			       {"version"}},
	[METRIC_RECORDS] = {"kdrift_records_total",
			    "counter",
			    "Records counted, without tombstones.",
			    {"stream"}},
	[METRIC_VIOLATIONS] = {"kdrift_violations_total",
			       "counter",
			       "Breaches found in records: one a record, kind and field.",
			       {"stream", "kind"}},
	[METRIC_RULES] = {"kdrift_rule_violations_total",
			  "counter",
			  "Those breaches that bear a rule's name, of 64 rules a stream at most; the rest is `other`.",
			  {"stream", "rule"}},
	[METRIC_UNJUDGED] = {"kdrift_unsupported_rules",
			     "gauge",
			     "Places in writers' schemas where a rule stands that is not judged, by the rule's name.",
			     {"stream", "rule"}},
	[METRIC_OPAQUE] = {"kdrift_opaque_records_total",
			   "counter",
			   "Records whose payload is encrypted: counted, not judged.",
			   {"stream"}},
	[METRIC_UNSUPPORTED] = {"kdrift_unsupported_records_total",
				"counter",
				"Records whose schema uses what kdrift does not read: counted, not judged.",
				{"stream"}},
	[METRIC_LETTERS] = {"kdrift_dead_letters_total",
			    "counter",
			    "Violating records of streams with a dead-letter topic: sent to it, not copied past a limit "
			    "(limited), or not to be delivered.",
			    {"stream", "outcome"}},
	[METRIC_LETTERS_STOPPED] = {"kdrift_dead_letters_stopped",
				    "gauge",
				    "Partitions, of those this process reads, whose violating records are not copied.",
				    {"stream"}},
	[METRIC_MEASURE] = {"kdrift_measure",
			    "gauge",
			    "The latest reading of a measure; absent while it is unknown.",
			    {"stream", "field", "slice", "measure"}},
	[METRIC_ALERTS] = {"kdrift_alerts", "gauge", "Alerts by tier and state.", {"tier", "state"}},
	[METRIC_DELIVERIES] =
		{"kdrift_deliveries_total",
		 "counter",
		 "Attempts to deliver a message, by how they ended: delivered, retried or refused.",
		 {"receiver", "outcome"}},
	[METRIC_OUTBOX] = {"kdrift_outbox_entries",
			   "gauge",
			   "Messages owed and not yet acknowledged.",
			   {NULL}},
	[METRIC_LAG] = {"kdrift_consumer_lag_records",
			"gauge",
			"Records between the last one counted and the partition's end.",
			{"topic", "partition"}},
	[METRIC_STALLED] = {"kdrift_partition_stalled_seconds",
			    "gauge",
			    "How long no record was counted although there are some; 0 while it goes on or is at the end.",
			    {"topic", "partition"}},
	[METRIC_WATERMARK] = {"kdrift_watermark_timestamp_seconds",
			      "gauge",
			      "Event time up to which the stream is complete.",
			      {"stream"}},
	[METRIC_RECALIBRATING] = {"kdrift_recalibrating_until_timestamp_seconds",
				  "gauge",
				  "Event time from which the stream is judged by its new baseline; none: it is.",
				  {"stream"}},
	[METRIC_STORE_UP] = {"kdrift_store_up", "gauge", "1 while Redis answers.", {NULL}},
	[METRIC_REGISTRY_UP] = {"kdrift_registry_up",
				"gauge",
				"1 while the schema registry answers.",
				{NULL}},
	[METRIC_LEADER] = {"kdrift_leader", "gauge", "1 while this process holds the judge's lease.", {NULL}},
	[METRIC_CLAIMS_FENCED] = {"kdrift_claims_fenced_total",
				  "counter",
				  "Claims lost: a checkpoint was refused, or the group took the partition away unasked.",
				  {NULL}},
	[METRIC_CHECKPOINTS] = {"kdrift_checkpoints_total",
				"counter",
				"Checkpoints, by how they ended.",
				{"outcome"}},
	[METRIC_BOUND_HIT] = {"kdrift_bound_hits_total",
			      "counter",
			      "Times a configured bound on memory was reached; slices: records counted in `other`; unique: "
			      "values that could not be remembered; json_fields: records with fields past those that are learned.",
			      {"bound"}},
	[METRIC_DIGEST] = {"kdrift_digest_timestamp_seconds",
			   "gauge",
			   "When the tier's last digest was made.",
			   {"tier"}},
};

void metrics_begin(struct metrics_writer *w, struct buf *out)
{
	w->out = out;
	w->last = -1;
}

// The length of the well-formed UTF-8 sequence at s, or 0 (RFC 3629: no overlong forms, no surrogates).
static size_t utf8_length(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 4;

	if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void add_label_value(struct buf *out, const char *value)
{
	for (const unsigned char *s = (const unsigned char *)value; *s;) {
		size_t n = utf8_length(s);
		if (*s == '\n')
			buf_adds(out, "\\n");
		else if (*s == '"' || *s == '\\')
			buf_addf(out, "\\%c", *s);
		else if (n)
			buf_add(out, s, n);
		else
			buf_adds(out, "\xef\xbf\xbd");
		s += n ? n : 1;
	}
}

static void add_value(struct buf *out, double value)
{
	if (isnan(value)) {
		buf_adds(out, "NaN");
	} else if (isinf(value)) {
		buf_adds(out, value > 0 ? "+Inf" : "-Inf");
	} else if (value == floor(value) && fabs(value) < 0x1p53) {
		buf_addf(out, "%.0f", value);
	} else {
		char text[32];
		for (int digits = 15; digits <= 17; digits++) {
			snprintf(text, sizeof text, "%.*g", digits, value);
			if (strtod(text, NULL) == value)
				break;
		}
		buf_adds(out, text);
	}
}

void metrics_add(struct metrics_writer *w, enum metric m, double value, const char *const *labels)
{
	const struct metric_info *info = &metric_table[m];

	if (w->last != (int)m)
		buf_addf(w->out, "# HELP %s %s\n# TYPE %s %s\n", info->name, info->help, info->name,
			 info->type);
	w->last = (int)m;
	buf_adds(w->out, info->name);
	for (size_t i = 0; info->labels[i]; i++) {
		buf_addf(w->out, "%c%s=\"", i ? ',' : '{', info->labels[i]);
		add_label_value(w->out, labels[i]);
		buf_addc(w->out, '"');
	}
	buf_adds(w->out, info->labels[0] ? "} " : " ");
	add_value(w->out, value);
	buf_addc(w->out, '\n');
}

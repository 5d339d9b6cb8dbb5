// SPDX-License-Identifier: Apache-2.0
// The const table of metrics and the Prometheus text writer. Samples of one metric must be written
// together; HELP and TYPE come from the table.
#ifndef KD_WEB_METRICS_H
#define KD_WEB_METRICS_H
#include <stddef.h>

#include "util/buf.h"

enum metric {
	METRIC_BUILD_INFO,
	METRIC_RECORDS,        // kdrift_records_total{stream}
	METRIC_VIOLATIONS,     // kdrift_violations_total{stream,kind}
	METRIC_RULES,          // kdrift_rule_violations_total{stream,rule}
	METRIC_UNJUDGED,       // kdrift_unsupported_rules{stream,rule}
	METRIC_OPAQUE,         // kdrift_opaque_records_total{stream}
	METRIC_UNSUPPORTED,    // kdrift_unsupported_records_total{stream}
	METRIC_LETTERS,        // kdrift_dead_letters_total{stream,outcome}
	METRIC_LETTERS_STOPPED, // kdrift_dead_letters_stopped{stream}
	METRIC_MEASURE,        // kdrift_measure{stream,field,slice,measure}
	METRIC_ALERTS,         // kdrift_alerts{tier,state}
	METRIC_DELIVERIES,     // kdrift_deliveries_total{receiver,outcome}
	METRIC_OUTBOX,         // kdrift_outbox_entries
	METRIC_LAG,            // kdrift_consumer_lag_records{topic,partition}
	METRIC_STALLED,        // kdrift_partition_stalled_seconds{topic,partition}
	METRIC_WATERMARK,      // kdrift_watermark_timestamp_seconds{stream}
	METRIC_RECALIBRATING,  // kdrift_recalibrating_until_timestamp_seconds{stream}
	METRIC_STORE_UP,
	METRIC_REGISTRY_UP,
	METRIC_LEADER,         // kdrift_leader
	METRIC_CLAIMS_FENCED,  // kdrift_claims_fenced_total
	METRIC_CHECKPOINTS,    // kdrift_checkpoints_total{outcome}
	METRIC_BOUND_HIT,      // kdrift_bound_hits_total{bound}
	METRIC_DIGEST,         // kdrift_digest_timestamp_seconds{tier}
	METRICS
};

struct metric_info {
	const char *name, *type, *help;
	const char *labels[5]; // NULL-terminated
};
extern const struct metric_info metric_table[METRICS];

// One sample; `labels` are the values in the table's order (NULL where a metric has none). Any bytes are
// fine in a value: what is not UTF-8 becomes U+FFFD. Writes HELP and TYPE before a metric's first sample.
struct metrics_writer {
	struct buf *out;
	int last;              // the metric written last, -1 at first
};
void metrics_begin(struct metrics_writer *w, struct buf *out);
void metrics_add(struct metrics_writer *w, enum metric m, double value, const char *const *labels);
#endif

// SPDX-License-Identifier: Apache-2.0
// Reads an interval of a stream's topics (of a regular expression those that match now) once, outside of any group, and decodes it as the monitor does: for
// baselines. The interval is of the stream's time: its event_time field (the topic is read from the first
// record whose Kafka timestamp reaches `from` to its present end), else the Kafka timestamp.
#ifndef KD_APP_TOPIC_RANGE_H
#define KD_APP_TOPIC_RANGE_H
#include "config/config.h"
#include "schema/plan.h"
#include "util/json.h"

struct topic_range {
	const struct config *config;
	const struct stream_conf *stream;
	int64_t from, to;      // ms; INT64_MIN, INT64_MAX: open
	bool allow_violations; // else an error at the end counts them by kind
	void *ctx;
	// A decoded record in the interval, and then each of its values and its key's. They are valid during the call.
	void (*record)(void *ctx, int64_t event_ms, int32_t schema_id);
	void (*value)(void *ctx, const char *path, enum field_type type, const struct value *v);
	void (*progress)(void *ctx, double share); // 0..1
};

// *provenance gets {topic, partitions: [{partition, from_offset, to_offset, and of a regular expression topic}], records, tombstones,
// unsupported, schema_ids, violations}: a new reference, on success only.
int topic_range_read(const struct topic_range *r, json_t **provenance, struct error *err) MUST_CHECK;
#endif

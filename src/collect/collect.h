// SPDX-License-Identifier: Apache-2.0
// Collecting: N workers, each one consumer and one thread. A record goes wire -> schema plan -> validate ->
// pane; every second a partition's dirty panes and its next offset are written together, or not at all.
// What a worker may do when, and why: docs/exactly-once.md.
#ifndef KD_COLLECT_COLLECT_H
#define KD_COLLECT_COLLECT_H
#include <stdbool.h>
#include <stdint.h>

#include "collect/ports.h"
#include "config/config.h"
#include "drift/baseline.h"
#include "schema/contract.h"
#include "stats/violation.h"

struct collect_stream {
	const struct stream_conf *conf;
	const struct baseline *baseline; // NULL: none
	const struct contract *contract; // NULL: none
	const struct registry_schema *schema, *key_schema; // of FRAMING_NONE
};

struct collect_conf {                    // borrowed: must outlive the workers
	const struct config *config;
	const struct collect_stream *streams;
	size_t nstreams;
};

enum { COLLECT_RULES = 64, COLLECT_RULE_NAME = 96 };

enum letter_outcome {
	LETTER_SENT,
	LETTER_LIMITED,     // not copied: past max_ratio or max_consecutive
	LETTER_UNDELIVERED, // not copied: the topic could not be written, or did not take the record
	LETTER_OUTCOMES
};
extern const char *const letter_outcome_names[LETTER_OUTCOMES];

struct collect_stream_stats {            // acknowledged by the store, since this process began
	uint64_t records, violating_records, opaque, unsupported;
	uint64_t unjudged;               // values that `unique` knows nothing of: its memory is full
	uint64_t overflowed;             // records whose slice shares `other`
	uint64_t unlearned;              // records with fields past the bound of those that are learned (JSON)
	uint64_t beyond;                 // records whose type has no sub-stream any more
	uint64_t letters[LETTER_OUTCOMES]; // violating records of a stream with dead letters
	uint32_t letters_stopped;        // now, partitions that they are not copied from
	uint64_t violations[VIOLATION_KINDS];
	struct collect_rule {            // those of them that bear a rule's name
		char name[COLLECT_RULE_NAME];
		uint64_t n;
	} rules[COLLECT_RULES];          // the last one is "other" where there are more
	size_t nrules;
};

struct collect_named_stats {
	const char *name;                // of a stream or a sub-stream, until collect_stop
	bool posts;                      // it has dead letters
	struct collect_stream_stats stats;
};

struct collect_partition_stats {
	char topic[250];
	int32_t partition;
	int64_t next, end;               // end -1: unknown
	bool claimed, waiting;           // waiting: for a schema
	int64_t stalled_ms;              // since `next` moved, while records lie behind it; else 0
};

struct collect_totals {
	uint64_t checkpoints[4];         // by enum store_result
	uint64_t fenced;
	uint32_t running, joined;        // workers alive; those of them that the group has answered
	uint32_t waiting;                // partitions that wait for a schema
	char trouble[300];               // "" or what Kafka or the store complains of
};

struct collect;
// ports: one a worker (config->workers). Starts the threads.
struct collect *collect_start(const struct collect_conf *conf, const struct collect_port *ports, struct error *err) MUST_CHECK;
// Checkpoints, leaves the group, joins the threads, frees.
void collect_stop(struct collect *c);
void collect_stats_add(struct collect_stream_stats *dst, const struct collect_stream_stats *src);
void collect_stats_rule(struct collect_stream_stats *s, const char *rule, uint64_t n);
// Every stream, and the sub-streams that this process has met. The caller frees *out.
size_t collect_streams(struct collect *c, struct collect_named_stats **out);
// The caller frees *out.
size_t collect_partitions(struct collect *c, struct collect_partition_stats **out);
void collect_totals(struct collect *c, struct collect_totals *out);
#endif

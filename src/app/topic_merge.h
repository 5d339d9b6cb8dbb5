// SPDX-License-Identifier: Apache-2.0
// The records of a configuration's topics, read once and told in event time over all partitions, each partition's
// in its own order: a k-way merge of the partitions' heads. Partitions that run ahead are held, so that what waits
// stays within 64 MiB or so.
#ifndef KD_APP_TOPIC_MERGE_H
#define KD_APP_TOPIC_MERGE_H
#include "app/topic_reader.h"

struct topic_merge {
	const struct config *config;
	int64_t from, to;          // event ms; INT64_MIN, INT64_MAX: open
	void *ctx;
	// A partition is about to be read. before: the log has records before `offset`.
	void (*part)(void *ctx, size_t part, const char *topic, int32_t partition, int64_t offset, bool before);
	// The record's event time. false: its schema cannot be had yet.
	bool (*when)(void *ctx, size_t part, const struct message *m, int64_t *ms);
	// *enough: no more of the partition is wanted.
	int (*record)(void *ctx, size_t part, const struct message *m, bool *enough, struct error *err);
	// All was read. beyond: the log has records behind the last.
	void (*end)(void *ctx, size_t part, bool beyond);
	void (*progress)(void *ctx, double share);
	const char *(*trouble)(void *ctx); // why a schema cannot be had
};

int topics_merge(const struct topic_merge *want, struct error *err) MUST_CHECK;
#endif

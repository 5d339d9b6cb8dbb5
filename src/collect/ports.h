// SPDX-License-Identifier: Apache-2.0
// What collecting needs of others: the store and the schema registry, as function pointers. Each worker has
// a port of its own (a store connection belongs to one thread).
#ifndef KD_COLLECT_PORTS_H
#define KD_COLLECT_PORTS_H
#include "drift/baseline.h"
#include "schema/plan.h"
#include "schema/registry.h"
#include "store/types.h"
#include "util/error.h"

struct collect_port {
	void *ctx;
	void (*scope)(void *ctx, const char *scope); // "cluster id/group id", before the first claim
	int (*claim)(void *ctx, const char *topic, int32_t partition, struct claim *out, struct error *err);
	enum store_result (*checkpoint)(void *ctx, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
					struct error *err);
	// Wall ms when the stream was first claimed by anyone (INT64_MIN: never), and how many partitions the topic had
	// at its own first claim (0: not told). -1: the store is away.
	int (*first_seen)(void *ctx, const char *stream, const char *topic, int64_t *ms, int32_t *partitions,
			  struct error *err);
	// The sub-streams "STREAM/TYPE" that were ever counted. The caller frees the names and *names. -1: the store is away.
	int (*types)(void *ctx, const char *stream, char ***names, size_t *n, struct error *err);
	// Every segment of one partition in one interval.
	int (*segments)(void *ctx, const char *stream, int64_t width, int64_t start, const char *topic, int32_t partition,
			void (*each)(void *arg, const char *key, const char *slice, const void *bytes, size_t len), void *arg,
			struct error *err);
	// The baseline that the stream is judged by, while that is not its own but one on other grids. 0: its own; 1: *out, the
	// caller's; 2: still the one whose hash is `known` ("": none). -1: the store is away. NULL: nobody is asked.
	int (*before)(void *ctx, const char *stream, const struct baseline *own, const char *known, struct baseline **out,
		      struct error *err);
	uint64_t (*generation)(void *ctx); // changes when the server was lost: claim again
	enum registry_answer (*schema)(void *ctx, int32_t id, const struct registry_schema **out);
	enum registry_answer (*id_of)(void *ctx, const struct schema_ref *ref, const char *subject, int32_t *id);
	enum subject_answer (*subject)(void *ctx, int32_t id, const char *subject);
	// A rule in a writer's schema that is not supported, from any worker, perhaps more than once; may be NULL.
	void (*unjudged)(void *ctx, const char *stream, int32_t schema, const struct plan_rule *r);
};
#endif

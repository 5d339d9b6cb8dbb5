// SPDX-License-Identifier: Apache-2.0
// What the evaluator needs of the store. Every operation returns 0, or -1 with err: the store is away or
// the lease is lost, and the caller drops its caches and loads again.
#ifndef KD_JUDGE_PORTS_H
#define KD_JUDGE_PORTS_H
#include "drift/baseline.h"
#include "store/types.h"
#include "util/error.h"

// The newest version under a stream's subject, against the stream's contract. Texts are valid until the next
// call for the stream.
struct contract_view {
	const char *subject;
	int32_t version, id; // version 0: nothing is registered
	uint64_t breaches;
	const char *why;     // "" or the first of them
};

struct schema_view {
	const char *subject; // valid until the next call
	int32_t version;
};

struct judge_port {
	void *ctx;
	// Per partition how far the stream is. The caller releases with stream_view_release.
	int (*view)(void *ctx, const char *stream, struct stream_view *out, struct error *err);
	// Intervals with segments whose start is in [from, to), and rolled-up ones that reach into it, by start, then width.
	// The caller frees *out.
	int (*intervals)(void *ctx, const char *stream, int64_t from, int64_t to, struct interval_view **out,
			 size_t *n, struct error *err);
	// Calls each for every segment of the n intervals (one pipeline), in their order. bytes are valid during the
	// call only. 1: one of them was rolled up since it was listed; what was told of them is no whole, list them again.
	int (*segments)(void *ctx, const char *stream, const struct interval_view *iv, size_t n,
			void (*each)(void *arg, const struct interval_view *of, const struct segment_view *s), void *arg,
			struct error *err);
	// Puts one interval in the place of several (docs/exactly-once.md). 1: done; 0: not, a source was written
	// meanwhile. NULL: panes stay as they are.
	int (*roll_up)(void *ctx, const char *stream, const struct roll_up *r, struct error *err);
	// Starts of closed intervals that were written since, taken out of the stream's dirty set. The caller frees.
	int (*dirty)(void *ctx, const char *stream, int64_t **out, size_t *n, struct error *err);
	// Every document of a table.
	int (*docs)(void *ctx, const char *table, void (*each)(void *arg, const char *key, const char *json),
		    void *arg, struct error *err);
	// Journal entries with from <= id time < to (wall ms of the entry's own "at"), oldest first.
	int (*journal)(void *ctx, int64_t from, int64_t to, void (*each)(void *arg, const char *json), void *arg,
		       struct error *err);
	int (*commit)(void *ctx, const struct judge_commit *c, struct error *err);
	// Removes intervals that start before floor (event ms) and keeps the floor: older records are too_old.
	int (*set_floor)(void *ctx, const char *stream, int64_t floor, struct error *err);
	// Changes when the server lost state (reconnect, run id): the caller drops its caches.
	uint64_t (*generation)(void *ctx);
	// The baseline of that hash, which was in force before: from its copy in the store, else from its file, and then the
	// store has a copy (document "baseline_copy", key "STREAM HASH"). *out is the caller's; NULL: it is in neither. NULL:
	// nobody is asked.
	int (*baseline)(void *ctx, const char *stream, const char *hash, const char *file, struct baseline **out,
			struct error *err);
	// Never waits. false: the registry has not said lately. NULL: nobody is asked.
	bool (*contract)(void *contracts, const char *stream, struct contract_view *out);
	// Under which version a subject has a schema id: the stream's own subject, or another. Waits a moment at most,
	// once an id. false: not known. NULL: nobody is asked.
	bool (*schema)(void *contracts, const char *stream, int64_t id, struct schema_view *out);
	void *contracts;
};

void stream_view_release(struct stream_view *v);
#endif

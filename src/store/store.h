// SPDX-License-Identifier: Apache-2.0
// The store: typed operations on one Redis. Keys and layout: keys.h. Scripts: scripts.h. The rules that
// these operations keep: docs/exactly-once.md.
//
// A struct store is one connection and belongs to one thread. It connects by itself on use, at most every
// 250 ms; after any loss its generation changes, which tells the user of claims to claim again and the user
// of caches to drop them. No operation sends a write twice.
#ifndef KD_STORE_STORE_H
#define KD_STORE_STORE_H
#include <stdbool.h>
#include <stdint.h>

#include "store/types.h"
#include "util/error.h"

struct store_conf {
	const char *url;       // redis://[user:password@]host[:port][/db] or unix:///path
	const char *prefix;
	bool allow_eviction;
	int64_t timeout_ms;    // connect and each command
	const char *scope;     // whose offsets these are: "cluster id/group id"; NULL until store_set_scope
	uint64_t max_panes;    // intervals kept a stream before set_floor removes any; one rolled up counts as those in it
};

struct store;
// Checks the URL only; connects on first use.
struct store *store_new(const struct store_conf *conf, struct error *err) MUST_CHECK;
void store_free(struct store *s);
void store_set_scope(struct store *s, const char *scope);
// Connects if needed, and examines the server: a replica, or one that evicts keys, is refused with the reason.
int store_connect(struct store *s, struct error *err) MUST_CHECK;
// Changes with every new connection and whenever the server's run id changes.
uint64_t store_generation(const struct store *s);

// --- collecting ---------------------------------------------------------------------------------------
int store_claim(struct store *s, const char *topic, int32_t partition, struct claim *out, struct error *err) MUST_CHECK;
// When the stream was first claimed (INT64_MIN: never), and how many partitions the topic had when first told (0: never).
int store_first_seen(struct store *s, const char *stream, const char *topic, int64_t *ms, int32_t *partitions,
		     struct error *err) MUST_CHECK;
// The sub-streams "STREAM/TYPE" that were ever counted, by name. The caller frees the names and *names.
int store_types(struct store *s, const char *stream, char ***names, size_t *n, struct error *err) MUST_CHECK;
// One fenced, atomic write. `width` is the pane width of each stream in c->marks' order; floors (same order) are
// returned where the result is STORE_OK: records below them are too_old.
enum store_result store_checkpoint(struct store *s, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
				   struct error *err) MUST_CHECK;
// Calls each for every segment of one partition in one interval, with its key within the interval.
int store_own_segments(struct store *s, const char *stream, int64_t width, int64_t start, const char *topic, int32_t partition,
		       void (*each)(void *arg, const char *key, const char *slice, const void *bytes, size_t len), void *arg,
		       struct error *err) MUST_CHECK;
// Blocks until a checkpoint asked for the judge, or the time-out. 1 woken, 0 not, -1 the store is away.
int store_wait_wake(struct store *s, int64_t timeout_ms, struct error *err) MUST_CHECK;

// --- schemas ------------------------------------------------------------------------------------------
// What a registry said once and never takes back, under the key that its client chose (schema/registry.h).
char *store_schema_load(struct store *s, const char *registry, const char *key); // NULL: not there; the caller frees
void store_schema_save(struct store *s, const char *registry, const char *key, const char *text);

// --- judging ------------------------------------------------------------------------------------------
// Takes or renews the lease. 1: this nonce leads, 0: another does, -1: the store is away.
int store_lease(struct store *s, const char *nonce, int64_t ttl_ms, struct error *err) MUST_CHECK;
int store_lease_release(struct store *s, const char *nonce, struct error *err) MUST_CHECK;
void store_set_lease(struct store *s, const char *nonce); // the nonce that fences this connection's writes
int store_view(struct store *s, const char *stream, struct stream_view *out, struct error *err) MUST_CHECK;
// Those that start in [from, to), and rolled-up ones that reach into it; by start, then width.
int store_intervals(struct store *s, const char *stream, int64_t from, int64_t to, struct interval_view **out, size_t *n,
		    struct error *err) MUST_CHECK;
// 1: an interval was rolled up after it was listed; what was read is no whole.
int store_segments(struct store *s, const char *stream, const struct interval_view *iv, size_t n,
		   void (*each)(void *arg, const struct interval_view *of, const struct segment_view *v), void *arg,
		   struct error *err) MUST_CHECK;
// 1: done. 0: nothing was done, since a source was written meanwhile.
int store_roll_up(struct store *s, const char *stream, const struct roll_up *r, struct error *err) MUST_CHECK;
int store_dirty(struct store *s, const char *stream, int64_t **out, size_t *n, struct error *err) MUST_CHECK;
int store_docs(struct store *s, const char *table, void (*each)(void *arg, const char *key, const char *json), void *arg,
	       struct error *err) MUST_CHECK;
// One of them; *out NULL: it is not there. The caller frees.
int store_doc(struct store *s, const char *table, const char *key, char **out, size_t *len, struct error *err) MUST_CHECK;
// Unless it is there. Fenced by nothing: only for what has but one content under its key.
int store_doc_add(struct store *s, const char *table, const char *key, const char *text, size_t len, struct error *err) MUST_CHECK;
int store_journal(struct store *s, int64_t from, int64_t to, void (*each)(void *arg, const char *json), void *arg,
		  struct error *err) MUST_CHECK;
int store_commit(struct store *s, const struct judge_commit *c, struct error *err) MUST_CHECK;
int store_set_floor(struct store *s, const char *stream, int64_t floor, struct error *err) MUST_CHECK;

// --- delivering ---------------------------------------------------------------------------------------
int store_outbox_due(struct store *s, const char *receiver, int64_t now, struct outbox_entry *out, size_t n, size_t *got,
		     struct error *err) MUST_CHECK;
int store_outbox_attempt(struct store *s, const char *id, struct error *err) MUST_CHECK;
int store_outbox_done(struct store *s, const char *id, const char *note, struct error *err) MUST_CHECK;
int store_outbox_retry(struct store *s, const char *id, int64_t due, const char *why, struct error *err) MUST_CHECK;
int store_outbox_dead(struct store *s, const char *id, const char *why, struct error *err) MUST_CHECK;
int store_outbox_count(struct store *s, uint64_t *waiting, uint64_t *dead, struct error *err) MUST_CHECK;
#endif

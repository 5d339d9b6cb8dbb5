// SPDX-License-Identifier: Apache-2.0
// A real redis-server, a log of two partitions, and collectors that count it into panes of a minute.
#ifndef KD_TESTS_APP_ROLLUP_WORLD_H
#define KD_TESTS_APP_ROLLUP_WORLD_H
#include "../store/redis.h"
#include "judge/ports.h"
#include "stats/pane.h"
#include "store/store.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR, PARTS = 2, LOG = 1500, STREAM_HOURS = 30 };

struct record {
	int64_t event;
	const char *slice;
	double x;
};

struct open {
	int64_t interval;
	const char *slice;
	struct pane *pane;
	uint32_t n;
	bool dirty, written;
};

struct collector {
	struct store *store;
	char nonce[STORE_NONCE + 1];
	int64_t acked, next;
	uint32_t segments;
	struct open open[4096];
	size_t nopen;
};

extern struct test_redis redis;
extern struct error failure;
extern uint64_t world_seed;                    // of world_rnd
extern struct judge_port port;                 // of the judge
extern struct collector collectors[PARTS];
extern struct record records[PARTS][LOG];
extern bool newest_is_mark;                    // of what was read; else it never rises
extern unsigned fenced;                        // checkpoints refused so far
extern char fenced_why[sizeof failure.text];       // the last of them

void world_start(void);
void world_stop(void);
uint64_t world_rnd(uint64_t n);
struct store *world_store(void);
int64_t world_listed(int64_t width);           // how many intervals of it there are
// The pane must be, to the bit, what counting what was acknowledged gives.
void world_expect(const struct pane *got, int64_t from, int64_t to, const char *slice, const char *what);
// The digest of all that is stored but leases and what is staged; the caller frees.
char *world_digest(void);

bool record_overflows(const struct record *r);
void collector_claim(struct collector *c);     // what is not acknowledged is forgotten
void collector_drop(struct collector *c);
void collector_read(struct collector *c, size_t n);
// Claims anew where it is fenced.
enum store_result collector_put(struct collector *c, const struct segment_write *w, size_t n);
enum store_result collector_checkpoint(struct collector *c);
void collector_close(struct collector *c);     // some of its panes
void collector_put_all(struct collector *c, size_t n);
#endif

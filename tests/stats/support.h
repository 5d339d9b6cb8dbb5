// SPDX-License-Identifier: Apache-2.0
// Random numbers, random panes and comparisons for the tests of stats/.
#ifndef TEST_STATS_SUPPORT_H
#define TEST_STATS_SUPPORT_H
#include <stddef.h>
#include <stdint.h>

#include "stats/pane.h"

struct rng {
	uint64_t state; // splitmix64
};

// From KDRIFT_TEST_SEED or at random; printed, so that a failure can be repeated.
struct rng rng_seeded(const char *test);
uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n);
double rng_unit(struct rng *r);   // [0, 1)
double rng_normal(struct rng *r);

// The grids that random panes use; freed at exit.
const struct grid *grid_a(void);
const struct grid *grid_b(void);
const struct grid *resolve_ab(void *ctx, const char *path, const char *id);

// A pane of every type of field, some of them absent, `records` records. Fields called mixed* are on one of
// three grids by chance when `mix`.
struct pane *random_pane(struct rng *r, size_t records, bool mix);

struct buf encoded(const struct pane *p);
struct pane *decoded(const struct buf *b); // must succeed
struct pane *copied(const struct pane *p); // by way of bytes
// The bytes of a + b; both are left as they are.
struct buf merged_bytes(const struct pane *a, const struct pane *b);
bool same_bytes(const struct buf *a, const struct buf *b);
#endif

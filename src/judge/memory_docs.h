// SPDX-License-Identifier: Apache-2.0
// What a judge_port in memory keeps of commits: documents by table and key.
#ifndef KD_JUDGE_MEMORY_DOCS_H
#define KD_JUDGE_MEMORY_DOCS_H
#include "store/types.h"
#include "util/map.h"

// The map is the caller's: map_init, and map_release with free.
void docs_commit(struct map *docs, const struct judge_commit *c);
void docs_each(const struct map *docs, const char *table, void (*each)(void *arg, const char *key, const char *json),
	       void *arg);
const char *docs_get(const struct map *docs, const char *table, const char *key); // NULL: there is none
#endif

// SPDX-License-Identifier: Apache-2.0
// The sorted lists of a pane, and fields without a definition (private to stats/).
#ifndef KD_STATS_PANE_LISTS_H
#define KD_STATS_PANE_LISTS_H
#include "stats/pane.h"

struct field_stats *field_stats_new(const char *path, enum field_type type);
void pane_append_field(struct pane *p, struct field_stats *f);		 // takes over f
int field_cmp(const struct field_stats *a, const struct field_stats *b); // by (path, type)

void pane_add_violation(struct pane *p, const struct violation_count *v);	     // copies
int violation_cmp(const struct violation_count *a, const struct violation_count *b); // (kind, field, rule)
int sample_cmp(const struct violation_sample *a,
	       const struct violation_sample *b);	      // (topic, partition, offset, kind, ...)
void pane_add_schema(struct pane *p, int64_t id, uint64_t n); // id -1: the rest

// field_codec.c
void field_encode(const struct field_stats *f, struct buf *out);
struct field_stats *field_decode(struct rd *r, uint8_t version); // r->bad where it is none; the caller frees it even then

// faults.c
void faults_release(struct pane *p);
void faults_encode(const struct pane *p, struct buf *out);
void faults_decode(struct pane *p, struct rd *r);
#endif

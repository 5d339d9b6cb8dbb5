// SPDX-License-Identifier: Apache-2.0
// The sorted lists of a pane, and fields without a definition (private to stats/).
#ifndef KD_STATS_PANE_LISTS_H
#define KD_STATS_PANE_LISTS_H
#include "stats/pane.h"

struct field_stats *field_stats_new(const char *path, size_t len, enum field_type type);
// At its place in an ordered pane, else at the end; takes over f.
void pane_insert_field(struct pane *p, struct field_stats *f);
// The field's place in an ordered pane, or where it belongs.
size_t pane_field_at(const struct pane *p, const char *path, enum field_type type, bool *found);
size_t pane_add_field(struct pane *dst, size_t hint, const struct field_stats *s); // dst is ordered; s is likely at `hint`; -> where it is
int field_cmp(const struct field_stats *a, const struct field_stats *b); // by (path, type)

void pane_add_violation(struct pane *p, const struct violation_count *v);	     // copies
int violation_cmp(const struct violation_count *a, const struct violation_count *b); // (kind, field, rule)
int sample_cmp(const struct violation_sample *a,
	       const struct violation_sample *b);	      // (topic, partition, offset, kind, ...)
void pane_add_schema(struct pane *p, int64_t id, uint64_t n); // id -1: the rest

// field_codec.c
void field_encode(const struct field_stats *f, bool moments, struct buf *out);
// Where fields are read to, one after another. Usually each is a new one, and the caller's. One that is only added to
// others (`passing`) is read to the caller's `f` again and again: its text is in the bytes, its memory is kept here.
struct field_target {
	struct field_stats *f;
	bool passing;
	char *path; // of passing ones, and so are the rest
	size_t cappath;
	uint64_t *bins;
	size_t capbins;
	struct logbin *logbins;
};
void field_decode(struct rd *r, struct field_target *t, uint8_t version); // r->bad where it is none; there is a t->f even then
void field_target_release(struct field_target *t); // of passing ones
// field_add.c: dst += the field that comes next, and it is read, or bad; false: it has to be decoded and then added.
bool field_add_bytes(struct rd *r, struct field_stats *dst, uint8_t version);

// faults.c
void faults_release(struct pane *p);
void faults_encode(const struct pane *p, struct buf *out);
void faults_decode(struct pane *p, struct rd *r);
#endif

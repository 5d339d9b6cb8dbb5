// SPDX-License-Identifier: Apache-2.0
// What a baseline_builder holds of its rows, and what a baseline is made of it. Private to the drift room.
#ifndef KD_DRIFT_BASELINE_ROWS_H
#define KD_DRIFT_BASELINE_ROWS_H
#include "drift/baseline.h"
#include "util/map.h"

struct value {
	uint32_t row, id; // id: of a text, else OTHER or 0
	double number;
};
enum { OTHER = UINT32_MAX };

struct text {
	char *s;
	size_t len;
	uint64_t n;
	uint32_t id, bin;
};

struct column {
	char *path;
	enum field_type type;
	struct value *values;
	size_t n, cap;
	struct pane *vectors; // of a vector field: its statistics, as field 0; the values are norms
	struct map texts; // -> struct text
	struct text **by_id;
	size_t ntexts, captexts;
};

struct row {
	int64_t event_ms, schema_id;
};

struct baseline_builder {
	char *stream;
	bool has_event_time;
	struct row *rows;
	size_t nrows, caprows;
	struct map columns; // path -> struct column
};

static inline int64_t row_time(const struct baseline_builder *b, size_t row)
{
	return b->has_event_time ? b->rows[row].event_ms : (int64_t)row;
}

// baseline_build_chunks.c: cuts the shortest chunks that fit. Returns how many have rows, with their times and records
// in `shape`; slot[row] is the row's.
size_t cut_chunks(struct baseline *out, const struct baseline_builder *b, struct baseline_chunk *shape, uint16_t *slot);
void make_chunks(struct baseline_field *f, const struct column *c, const struct baseline_chunk *shape, size_t nchunks,
		 const uint16_t *slot);

// baseline_build_movement.c
// Rows' groups of the shortest length that a movement can rest on; NULL where rows have no time, or are too few.
struct groups {
	int64_t length, first;
	uint32_t *of_row;
};
struct groups group_rows(const struct baseline *out, const struct baseline_builder *b);
void make_movement(struct baseline_field *f, const struct column *c, const struct baseline *out, const struct groups *g);
#endif

// SPDX-License-Identifier: Apache-2.0
// A baseline: a frozen profile of a stream, kept as a JSON file (format: baseline_file.c), named by the
// SHA-256 of its content and carrying its provenance. It holds, per field, the grid or categories, the
// total statistics, and a time-ordered series of at most 256 chunks (32 coarse bins each) from which the
// window-to-window spread is computed for any window length.
//
// Life: a baseline_builder takes rows (twice: it keeps the rows' values in memory until finished), a
// finished baseline is immutable and may be shared between threads.
#ifndef KD_DRIFT_BASELINE_H
#define KD_DRIFT_BASELINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drift/movement.h"
#include "stats/pane.h"
#include "util/buf.h"
#include "util/error.h"
#include "util/json.h"

enum { BASELINE_CHUNKS = 256, BASELINE_BINS = 32 };

struct baseline_chunk {
	int64_t from, to;          // event ms, or row numbers where rows had no event time
	uint64_t records;          // decoded records in the chunk
	uint64_t count, missing;   // of the field
	double mean, variance;     // numeric; NaN while count < 1, < 2
	double min, max;
	uint64_t bins[BASELINE_BINS]; // coarse bins of the field's grid, or its categories (last: all others)
};

// Those of a field, in order of time, packed (baseline_chunks.c).
struct baseline_chunks {
	uint8_t *bytes;
	size_t len, cap;           // cap 0: the bytes are the baseline's, in its file of chunks
	int64_t to, length;        // of the last one
};

struct baseline_field {
	struct field_def def;
	struct field_stats *total;
	size_t nbins;              // coarse bins in use
	uint32_t *coarse;          // numeric: fine bin -> coarse bin, grid_bins(def.grid) entries
	struct baseline_chunks chunks;
	size_t nchunks;
	struct movement *movement; // how means move with the length they are taken over; of chunks where it was not
				   // kept; NULL where rows are too few, or had no event time
};

struct baseline {
	char hash[65];
	char *stream;
	bool has_event_time;
	int64_t from, to;          // what it covers
	int64_t chunk_ms;          // chunk length (rows where there is no event time)
	struct pane *total;        // records, violations, schema ids; its fields are those of `fields`
	struct baseline_field **fields; // in order of path
	size_t nfields;
	json_t *provenance;        // source, range, rows, schema ids, tool version
	struct spill *chunks;      // those of the fields, of a large file that was loaded; NULL: they are in memory
};

struct baseline *baseline_load(const char *path, struct error *err) MUST_CHECK;
// From the text of such a file.
struct baseline *baseline_parse(const char *text, size_t n, struct error *err) MUST_CHECK;
void baseline_print(const struct baseline *b, char hash[65], struct buf *out); // the file's text
// Writes the file and sets b->hash (the hash is over everything but itself).
int baseline_save(struct baseline *b, const char *path, struct error *err) MUST_CHECK;
void baseline_free(struct baseline *b);
// Lets go of the memory of chunks that were read meanwhile; they can be read again.
void baseline_rest(const struct baseline *b); // NULL is allowed
const struct baseline_field *baseline_find(const struct baseline *b, const char *path);
// For pane_decode's resolve: ctx is a const struct baseline * (NULL allowed: gives NULL).
const struct grid *baseline_grid(void *ctx, const char *path, const char *grid_id);

//     for (struct chunk_reader r = baseline_field_chunks(f); chunk_next(&r);)
//             use(&r.chunk);
struct chunk_reader {
	struct rd bytes;
	size_t left, nbins;
	struct baseline_chunk chunk;
};
struct chunk_reader baseline_field_chunks(const struct baseline_field *f);
bool chunk_next(struct chunk_reader *r);   // false: there are no more
// Behind the last one. f->nbins must be known.
void baseline_field_add_chunk(struct baseline_field *f, const struct baseline_chunk *k);

// Of fields that were counted on two grids leaves the histogram on b's (NULL: or where it has none, the logarithmic one).
void baseline_keep_grids(const struct baseline *b, struct pane *p);
// Whether fields that both have are on the same grids.
bool baseline_same_grids(const struct baseline *a, const struct baseline *b);
// Was all of p counted on b's grids, where b has any?
bool baseline_has_grids(const struct baseline *b, const struct pane *p);

// Building. Values are given a row at a time; a field not given in a row is missing in it.
struct baseline_builder;
struct baseline_builder *baseline_builder_new(const char *stream, bool has_event_time);
void baseline_builder_row(struct baseline_builder *b, int64_t event_ms, int64_t schema_id); // opens a row
void baseline_builder_number(struct baseline_builder *b, const char *path, enum field_type type, double v);
void baseline_builder_text(struct baseline_builder *b, const char *path, enum field_type type, const char *s,
			   size_t n); // categorical, boolean ("true"/"false") and text
// Frees the builder. Takes over `provenance`. -> NULL with err where there was no row.
void baseline_builder_vector(struct baseline_builder *b, const char *path, const double *x, size_t n);
struct baseline *baseline_builder_finish(struct baseline_builder *b, json_t *provenance, struct error *err) MUST_CHECK;
void baseline_builder_free(struct baseline_builder *b);

// From panes: of a merged range, and then of its chunks in order of time (baseline_panes.c).
//
//     b = baseline_from_pane(stream, total, from, to, chunk_ms, provenance, err);
//     for each chunk [at, at + chunk_ms): baseline_add_chunk(b, at, at + chunk_ms, pane);
//
// A field on a quantile grid keeps it; one on the logarithmic grid gets a quantile grid whose edges lie between
// its bins, so that no count is moved. Categories are the range's own, the most frequent first. NULL with err where a
// field's values were counted on grids that cannot be put together.
//
// The shortest chunk that is a multiple of `pane` and of which at most BASELINE_CHUNKS cover the range.
int64_t baseline_chunk_ms(int64_t from, int64_t to, int64_t pane);
// Takes over total and provenance, also on failure.
struct baseline *baseline_from_pane(const char *stream, struct pane *total, int64_t from, int64_t to,
				    int64_t chunk_ms, json_t *provenance, struct error *err) MUST_CHECK;
// At most BASELINE_CHUNKS of them; one without records adds nothing.
void baseline_add_chunk(struct baseline *b, int64_t from, int64_t to, const struct pane *p);
// movement_chunks.c
struct movement *movement_of_chunks(const struct baseline *b, const struct baseline_field *f);
#endif

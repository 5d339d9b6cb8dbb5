// SPDX-License-Identifier: Apache-2.0
// A pane: the mergeable statistics of one stream, slice, partition and aligned interval of event time (or
// of any merge of such). Merging is commutative and associative to the last bit, sums included; where a
// bound was hit the pane says `approximate`.
//
// Life: pane_new -> pane_count_record / pane_add_* -> pane_encode -> store -> pane_decode -> pane_merge.
// Counting rules (docs/counting.md): `records` are all messages but tombstones; `decoded` those that gave
// field values; a field's missing = decoded - present, or elements - present of one inside an array or a map,
// so nothing is counted for a null.
#ifndef KD_STATS_PANE_H
#define KD_STATS_PANE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/field.h"
#include "stats/grid.h"
#include "stats/violation.h"
#include "stats/xsum.h"
#include "util/buf.h"
#include "util/error.h"

enum {
	PANE_MAX_VALUES = 256,   // new categories kept exactly a field (those with the smallest hashes)
	PANE_MAX_SAMPLES = 3,    // violation samples a kind (those with the smallest offsets)
	PANE_MAX_SCHEMAS = 64,   // schema ids counted apart (the smallest); the rest share id -1
	VECTOR_MAX_DIMS = 4096,  // a longer vector counts as `other`
	PANE_MAX_FAULTS = 2048,  // of the smallest schema ids; others show in the violations alone
	AGE_BINS = 975,          // the number of the last bin of ages and lengths; that of the first of ages is its negative
};

struct category {
	char *value; // raw bytes, NUL-terminated; len tells (of text: NULL and 0)
	size_t len;
	uint64_t hash, n;
	bool known;  // the baseline's own; n may be 0
};

// Counts of values by category. `items` is sorted by (hash, value); the baseline's own categories are
// always kept (known, in a new pane from the start with a count of 0), others only while they are among the
// PANE_MAX_VALUES smallest hashes.
struct categories {
	struct category *items;
	size_t n, cap;
	uint64_t rest;  // values not kept; > 0 makes distinct and top approximate
	uint64_t cutoff; // hashes above it may have been dropped; UINT64_MAX while none was
	size_t unknown;  // items that are not known
	char *text, *text_end; // where values are that came together; the others have memory of their own
	uint32_t *slots; // hash index over items, private to categories.c; NULL until it pays
	size_t mask, finds;
};

struct field_stats {
	char *path;
	enum field_type type;
	uint64_t present;          // values that were there: finite, NaN, inf and other
	uint64_t nan, inf, other;  // other: a value of another kind than the field's
	uint64_t count;            // values in the moments and the histogram / categories
	bool approximate;          // small magnitudes fell together in the logarithmic histogram
	bool in_elements;          // as in its field_def
	uint64_t elements;         // where in_elements: how many there were
	bool mixed;                // met two grids: moments only, no histogram any more; of vectors: two dimensions
	// numeric (of text: the length in bytes; of time: unix ms; of vectors: the norm)
	double min, max;           // +inf, -inf while count is 0
	struct xsum sum, sumsq;    // of finite values, exact
	char grid_id[17];          // "" for the logarithmic grid
	const struct grid *grid;   // where known to this process, else NULL
	uint64_t *bins;            // nbins counts, on the quantile grid (NULL on the logarithmic one)
	uint16_t *narrow;          // in their place while none exceeds 16 bits, of a field from pane_field_narrow
	size_t nbins;
	struct xsum low_sum, high_sum; // of the outer bins' values, exact
	// The same values on another grid, while a stream takes to another baseline: of both, or one and the logarithmic one.
	struct second_grid {
		char grid_id[17];
		const struct grid *grid;
		uint64_t *bins;
		uint16_t *narrow;
		size_t nbins;
		struct xsum low_sum, high_sum;
	} *second;                     // NULL: none
	bool log_too;              // beside the quantile grid they are counted on the logarithmic one
	struct logbin {
		int32_t bin;
		uint64_t n;
	} *logbins;                // sorted by bin
	size_t nlogbins, caplogbins; // of time: ages, of text: lengths, in bins of ages.c
	int64_t age_min, age_max;    // of time, where nlogbins: event time less value, ms
	uint16_t *loghints;        // where bins were last found, private to numeric.c
	struct logtable *logtable; // in place of logbins, of a field from pane_field_narrow until it is full or merged into
	// vectors, while they are of one dimension
	size_t dims;
	bool fixed_dims;           // the baseline's: others are `other`
	struct xsum *dim_sums;     // `dims` of them; NULL while count is 0
	// categorical, boolean; text: distinct count only (values are dropped, hashes kept)
	struct categories cats;
	uint64_t unseen;           // values outside the baseline's categories (0 without a baseline)
};

struct violation_count {
	enum violation_kind kind;
	char *field; // "" for those of the whole record
	char *rule;  // the name of the rule that does not hold; "" where the kind says it all
	uint64_t n;
	int64_t first_offset, last_offset; // of this pane's partition; after merging over partitions: extremes
};

struct violation_sample {
	enum violation_kind kind;
	char *field, *rule, *topic, *detail; // detail: the reason, without payload unless samples are switched on
	int32_t partition;
	int64_t offset, schema_id;    // -1: none
};

struct schema_count {
	int64_t id;
	uint64_t n;
};

// What a writer's schema is to blame for, and so every record written with it: a field that is needed and that it
// lacks or has in another type, or the contract that it breaks.
struct schema_fault {
	int64_t schema_id;
	enum violation_kind kind;   // missing_field, wrong_type, incompatible_schema
	char *field;                // "" of incompatible_schema
	uint64_t n;                 // records
	int64_t event_ms, offset;   // of the first: by event time, then by topic, partition and offset
	char *topic, *why;
	int32_t partition;
};

// Of a field, not of the contract as a whole.
static inline bool fault_of_field(const struct schema_fault *f)
{
	return f->kind != VIOLATION_INCOMPATIBLE_SCHEMA;
}

struct pane {
	uint64_t records, tombstones, decoded, late, violating_records, overflowed; // overflowed: in slice `other`
	// Of the records neither decoded nor violating: encrypted, and those whose schema uses what is not read.
	uint64_t opaque, unsupported;
	uint64_t by_schema_only;           // violating records that would break nothing but for their schema's faults
	bool approximate, mixed_grids;     // mixed_grids: a field met two grids; its histogram was dropped. Ask pane_approximate
	int64_t min_event, max_event;      // ms; INT64_MAX / INT64_MIN while empty
	int64_t min_offset, max_offset;    // same convention
	struct field_stats **fields;       // index = the caller's field index; NULL where nothing was counted
	size_t nfields;
	bool ordered;                      // all are there, in order of (path, type), as decoding and merging make them
	struct violation_count *violations;
	size_t nviolations, capviolations;
	struct violation_sample *samples;
	size_t nsamples, capsamples;
	struct schema_count *schemas;      // sorted by id
	size_t nschemas, capschemas;
	struct schema_fault *faults;       // by schema id, kind, field
	size_t nfaults, capfaults;
};

struct pane *pane_new(void);
void pane_free(struct pane *p);

// The statistics of def, at the caller's own index (grown as needed). def->grid must outlive the pane.
struct field_stats *pane_field(struct pane *p, size_t index, const struct field_def *def);
// The same in a quarter of the memory, and quicker on the logarithmic grid, to be counted into, merged and encoded, and
// nothing else.
struct field_stats *pane_field_narrow(struct pane *p, size_t index, const struct field_def *def);
// Before anything is counted: also on this one's grid, and with its categories known, too. also->grid must outlive the pane.
void field_count_also(struct field_stats *f, const struct field_def *also);
// Of several histograms leaves only that on g (NULL: the logarithmic one), or where there is none on it the first. No other
// function here but those that merge and encode looks at more than one.
void field_keep_grid(struct field_stats *f, const struct grid *g);
// Has one with values a logarithmic histogram?
static inline bool field_has_log(const struct field_stats *f)
{
	return f->nlogbins || f->logtable;
}
// Were all of its values counted on g (NULL: the logarithmic grid)? True of none.
bool field_has_grid(const struct field_stats *f, const struct grid *g);
// By path, NULL if absent. With `type` FIELD_TYPES: any type.
struct field_stats *pane_find(const struct pane *p, const char *path, enum field_type type);

// Hot path, no allocation once a field's statistics and categories exist.
void field_add_number(struct field_stats *f, double x);             // FIELD_NUMERIC; NaN and inf are counted apart
void field_add_numbers(struct field_stats *f, const double *x, size_t n); // the same; faster than one by one
void field_add_sorted(struct field_stats *f, const double *x, size_t n); // the same of finite ones, ascending, no -0
void field_add_category(struct field_stats *f, const char *s, size_t n); // FIELD_CATEGORICAL
void field_add_bool(struct field_stats *f, bool v);
void field_add_category_times(struct field_stats *f, const char *s, size_t n, uint64_t times); // at once
void field_add_text(struct field_stats *f, const char *s, size_t n);
void field_add_time(struct field_stats *f, int64_t ms);
void field_add_vector(struct field_stats *f, const double *x, size_t n); // with NaN or infinities: counted apart as a whole
void field_add_age(struct field_stats *f, int64_t ms, int64_t event_ms); // of a time that was added: how old it was
// Elements that the field lies in, with and without a value.
static inline void field_add_elements(struct field_stats *f, uint64_t n)
{
	f->elements += n;
}
static inline void field_add_other(struct field_stats *f)
{
	f->present++;
	f->other++;
}

// One record: counted by event time and offset. `violating`: it has at least one breach. schema_id -1: none.
void pane_count_record(struct pane *p, int64_t event_ms, int64_t offset, int64_t schema_id, bool decoded,
		       bool violating, bool late);
// NULL is "" for field and rule.
void pane_count_breach(struct pane *p, enum violation_kind kind, const char *field, const char *rule, int64_t offset);
void pane_sample(struct pane *p, const struct violation_sample *s); // copies; keeps the smallest offsets
void pane_fault(struct pane *p, const struct schema_fault *f);      // copies, adds f->n
// A bound of the field was hit: of categories, of texts told apart, of logarithmic bins. Of moments alone
// (pane_encode_moments) only the pane says it.
static inline bool field_past_bound(const struct field_stats *f)
{
	return f->approximate || (f->cats.cutoff && f->cats.cutoff < UINT64_MAX);
}
// A bound was hit: of a field, of schema ids or their faults, of slices, or of values remembered for `unique`.
bool pane_approximate(const struct pane *p);
// Records whose schema lacks the field, or has it in another type.
uint64_t pane_dropped(const struct pane *p, const char *field);
uint64_t pane_violations(const struct pane *p, enum violation_kind kind); // over all fields
// The i-th count on the quantile grid.
static inline uint64_t field_bin(const struct field_stats *f, size_t i)
{
	return f->narrow ? f->narrow[i] : f->bins[i];
}

// Where the field could have had a value.
static inline uint64_t field_places(const struct pane *p, const struct field_stats *f)
{
	return f->in_elements ? f->elements : p->decoded;
}

static inline uint64_t field_missing(const struct pane *p, const struct field_stats *f)
{
	uint64_t places = field_places(p, f);

	return places > f->present ? places - f->present : 0;
}

// dst += src. Fields are matched by (path, type). A histogram stays where both have one on that grid; where none does, the
// field is mixed (moments stay) and mixed_grids is set.
void pane_merge(struct pane *dst, const struct pane *src);

// Version 2 (3 where a field has two histograms), little-endian, CRC-32 at the end (format: pane_codec.c); version 1 is
// read, too. Decoding checks everything; -1 and a
// reason for bytes that are not a whole pane. `resolve` (may be NULL) gives the grid of an id or NULL.
void pane_encode(const struct pane *p, struct buf *out);
// The same without histograms and categories: as if fields had met two grids, and all categories were past the bound.
void pane_encode_moments(const struct pane *p, struct buf *out);
struct pane *pane_decode(const void *bytes, size_t n,
			 const struct grid *(*resolve)(void *ctx, const char *path, const char *grid_id), void *ctx,
			 struct error *err) MUST_CHECK;

// Of the bytes, all before the fields: the counts of records, event times and offsets. *out owns nothing.
int pane_decode_head(const void *bytes, size_t n, struct pane *out, struct error *err) MUST_CHECK;

// dst += the pane that the bytes are, without making it; dst is one that panes are merged into, and nothing is counted
// into (`ordered`). -> all of that pane but its fields (the caller frees), or NULL and a reason: then dst may have
// taken a part of it and is good for nothing.
struct pane *pane_add(struct pane *dst, const void *bytes, size_t n,
		      const struct grid *(*resolve)(void *ctx, const char *path, const char *grid_id), void *ctx,
		      struct error *err) MUST_CHECK;

// The same of bytes that have not left this process: their checksum is not looked at.
struct pane *pane_add_own(struct pane *dst, const void *bytes, size_t n,
			  const struct grid *(*resolve)(void *ctx, const char *path, const char *grid_id), void *ctx,
			  struct error *err) MUST_CHECK;

// Moments. NaN where undefined (count 0; stddev: count < 2). stddev is the sample's (n - 1).
double field_mean(const struct field_stats *f);
double field_variance(const struct field_stats *f);
double field_stddev(const struct field_stats *f);
double field_sum(const struct field_stats *f);
// q in [0, 1]; by linear interpolation inside the bin, clamped to [min, max]; NaN if unknown. Of text: of the length.
double field_quantile(const struct field_stats *f, double q);
// The same, and how far the least value with at least a share q of the values up to it may be from it (NaN: unknown).
double field_quantile_within(const struct field_stats *f, double q, double *error);
// How many times have an age, and the least age (ms) that a share q of them does not exceed, within *error.
uint64_t field_ages(const struct field_stats *f);
double field_age_quantile(const struct field_stats *f, double q, double *error);
double vector_norm(const double *x, size_t n); // Euclidean
// The mean of the i-th dimension; NaN where there is none.
double field_centroid(const struct field_stats *f, size_t i);
// Distinct values; exact while nothing was dropped, else the KMV estimate (Bar-Yossef et al. 2002).
uint64_t field_distinct(const struct field_stats *f, bool *approximate);
// The k most frequent categories, by count then value; returns how many. Pointers into f.
size_t field_top(const struct field_stats *f, const struct category **out, size_t k);
#endif

// SPDX-License-Identifier: Apache-2.0
// The const table of measures, the only place where a measure is registered, and their computation. A
// measure turns two sides (what is judged, what it is judged against) into one number or says why not.
// Pure: no I/O, no clock but the one handed in. Definitions: docs/measures.md.
#ifndef KD_DRIFT_MEASURE_H
#define KD_DRIFT_MEASURE_H
#include <stdbool.h>
#include <stdint.h>

#include "drift/baseline.h"
#include "stats/pane.h"
#include "util/clock.h"

// Why a reading has no value; READING_KNOWN has one.
enum reading_state {
	READING_KNOWN,
	READING_NO_DATA,      // nothing in the window
	READING_NO_BASELINE,  // nothing to compare with
	READING_TOO_FEW,      // under the measure's or the rule's minimum
	READING_MIXED_GRIDS,  // the sides do not share one grid
	READING_APPROXIMATE,  // a bound was hit, so the number could be wrong
	READING_UNCALIBRATED, // no member of `drift` can reach its threshold
	READING_NOT_APPLICABLE, // this measure has no meaning for the field's type
	READING_CATCHING_UP,  // the stream's position was rolled back or lags: not yet known
	READING_RECORDS_LOST, // records of the window, or of the one it is compared with, were lost unread
	READING_RECALIBRATING, // counted on the grid of the baseline before: until the window has passed
	READING_ROLLED_UP,    // panes of the window were rolled up to hours or days that it cuts
	READING_INCOMPLETE,   // of a replay: the window is cut, or has far fewer records than its like
	READING_STATES
};
extern const char *const reading_state_names[READING_STATES];

enum { MEASURE_STREAM = 1, MEASURE_FIELD = 2 }; // scope

// What a value is, so that a false-alarm budget can be turned into a limit on it.
enum measure_scale {
	SCALE_OWN, // a unit of its own: only the baseline's own chunks say what is usual
	SCALE_Z,   // the normal deviate (one-sided) of a p-value that holds all its own tests already
	SCALE_P,   // a p-value: small is surprising
};

struct measure_side {
	const struct pane *pane;        // NULL: nothing there
	const struct field_stats *field; // NULL for stream measures, or where the field has no value at all
};

struct measure_input {
	const struct field_def *def;    // NULL for stream measures
	struct measure_side current, reference; // reference: the baseline's totals, or another window's pane
	const struct baseline_field *baseline;  // chunk history where the reference is a baseline, else NULL
	const struct baseline *source;          // likewise
	const struct chunk_history *history;          // of baseline for the window (drift/history.h); NULL: made on the spot
	int64_t window_ms;              // the current side's length
	int64_t window_to;              // and end, event ms; 0: no season is looked for
	double limit_p;                 // what a z will be held against, as a p-value: members that cannot reach it are
	                                // left out; 0: none
	const struct span *spans;       // the trailing ones (drift/scan.h), of measures by the slide; NULL: not known
	size_t nspans;
	int64_t slide_ms;
	uint64_t suppose;               // judged as if the current side had so many values; 0: it has what it has
	struct event_time newest;       // the stream's newest event time, EVENT_TIME_NONE if it never had any
	bool version_known;             // the registry said what is registered under the stream's subject,
	uint64_t breaches;              // and that breaks the contract so often
	struct wall_time waiting_since; // when a record began to wait for its schema; 0: none waits
	uint32_t letters_stopped;       // partitions whose violating records are not copied though asked for,
	const char *letters_why;        // and why, static
	struct wall_time since;         // when the monitor first saw the stream (staleness of a stream without records)
	struct wall_time now;           // the judge's clock
};

struct measure_value {
	enum reading_state state;
	double value;                   // NaN unless READING_KNOWN
	double error;                   // |value - that of all the data| is at most this, but for rounding; NaN: not stated
	bool approximate;               // a bound of the field was hit on either side (field_past_bound)
	uint64_t n_reference, n_current;
	const char *detail;             // static text or NULL: "independence assumed", the member that spoke, ...
	int64_t span_ms;                // over which it spoke, up to the window's end; 0: the window itself
	double smallest;                // the smallest shift that would reach the limit; 0: not asked for, or not known
	const char *smallest_in;        // static: "sd" (of the reference, its mean), "share" (of the values)
	const char *season;             // static: "day", "week" where it is held against its own phase; else NULL
};

struct exact; // drift/exact.h: two samples held in full

// A row of the table. Texts that are NULL have nothing to say.
struct measure {
	const char *name, *help, *range, *unit;
	const char *source;             // by what name, or by whom, it is known
	const char *dialect;            // the tool whose number it is; NULL: our own
	const char *error;              // what a reading's error says; NULL: 0, it is exact
	unsigned scope;                 // MEASURE_STREAM or MEASURE_FIELD
	unsigned types;                 // of a monitor's fields: bit per field_type (1u << FIELD_NUMERIC ...)
	unsigned file_types;            // of two files' columns, by `exact`; others are had from panes
	bool needs_reference;
	bool count;                     // a count measure: the immediate tier judges it eagerly
	bool moments;                   // looks at no histogram and no category (of windows: pane_encode_moments)
	uint64_t min_records;           // under which it says READING_TOO_FEW
	double threshold;               // the default of shipped rules; NaN where none makes sense
	void (*compute)(const struct measure_input *in, struct measure_value *out); // NULL: of two files only
	double (*exact)(const struct exact *e); // NULL: as `compute` has it
	enum measure_scale scale;
	bool by_slide;                  // of trailing spans: every slide is a test of its own (windows are counted for
					// overlap else)
};

extern const struct measure measure_table[];
extern const size_t measure_table_len;
const struct measure *measure_find(const char *name); // NULL if unknown; may be one of two files only
// Applies scope, type, min_records and reference checks, then computes. (m->compute alone, after the first
// two and with both panes set, gives numbers below min_records too: comparing files wants that.)
struct measure_value measure_compute(const struct measure *m, const struct measure_input *in);
// The measure of a pane of no known time against a baseline (NULL: none), but for what only a monitor knows: clocks,
// registry, letters.
struct measure_value measure_of_pane(const struct measure *m, const struct field_def *def, const struct pane *p,
				     const struct baseline *b, int64_t window_ms);
// The table: docs/measures.md, text for people, an array of objects.
void measures_reference(struct buf *out);
void measures_text(struct buf *out);
json_t *measures_json(void);

// What a value is held against: the condition is true above `above` or below `below`. While its alert fires,
// `clear` takes the place of the one of them that it belongs to (`above` where there are both).
struct thresholds {
	double above, below, clear;     // NaN: there is no such limit
};

// The one currency of rules, store, metrics and pages.
struct reading {
	const char *stream, *field, *slice; // "" where it has none
	const struct measure *measure;
	struct measure_value v;
	int64_t from, to;               // window, event ms
	char baseline[65];              // hash, or ""
	struct thresholds limits;
	int64_t covers_from, covers_to; // the baseline's own time, event ms; equal: it has none
	double adjusted;                // of a p: for the other fields and slices (drift/fdr.h); NaN: it is not
};
#endif

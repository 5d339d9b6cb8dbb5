// SPDX-License-Identifier: Apache-2.0
// Segments -> intervals -> windows. A stream's `windows` reads its segments through the port and merges them
// per slice. What it keeps are caches over the segments, the only truth: each cached block carries a stamp
// made of its intervals' write counters and is built anew when that no longer matches.
//
// Blocks come in widths pane, unit (which divides the slide and every window's length), 4 units, 16 units
// ..., by way of an hour and a day where the unit divides them, so that rolled-up intervals fit; a window is cut
// greedily into the widest aligned blocks, so that a week of one-minute panes is a few tens of merges, and blocks of one
// width in a row are kept merged until the window leaves one. Panes are merged, never subtracted. Blocks that were not
// used lately are evicted: inside a long window only wide ones stay.
//
// A pass: windows_begin, windows_need (the range that will be looked at; listed once), then for each boundary
// windows_merge as often as wished and windows_evict. An operation that fails leaves the caches valid.
#ifndef KD_JUDGE_WINDOWS_H
#define KD_JUDGE_WINDOWS_H
#include "judge/merged.h"
#include "judge/ports.h"

struct windows;
// Panes are rolled up to intervals of these widths, ms, the narrowest first.
enum { ROLL_WIDTHS = 2, ROLL_TRIES = 16 }; // so often one lists again what was rolled up while it was read
extern const int64_t roll_widths[ROLL_WIDTHS];
// pane divides unit. `longest` bounds the widest block. The strings and the baseline are borrowed.
struct windows *windows_new(const struct judge_port *port, const char *stream, int64_t pane, int64_t unit,
			    int64_t longest, const struct baseline *b);
// Another baseline from now on. What is cached stays: it has all grids that were counted on.
void windows_take(struct windows *w, const struct baseline *b);
void windows_free(struct windows *w);
void windows_clear(struct windows *w);  // the store lost state
void windows_begin(struct windows *w);  // the list of intervals is out of date
int windows_need(struct windows *w, int64_t from, int64_t to, struct error *err) MUST_CHECK;
// The first listed interval at or after `from`; INT64_MAX: none in the range that was asked for.
int64_t windows_next(const struct windows *w, int64_t from);
// Changes with what the store has in [start, start + width), which must be listed; 0: nothing.
uint64_t windows_stamp(const struct windows *w, int64_t start, int64_t width);
// [from, to) aligned to panes. Fills *out (initialised here; the caller releases, also on failure).
int windows_merge(struct windows *w, int64_t from, int64_t to, struct merged *out, struct error *err) MUST_CHECK;
// The same with every histogram that fields have, not only that on the baseline's grid.
int windows_grids(struct windows *w, int64_t from, int64_t to, struct merged *out, struct error *err) MUST_CHECK;
// The same without histograms and categories (pane_encode_moments): a few times as fast.
int windows_moments(struct windows *w, int64_t from, int64_t to, struct merged *out, struct error *err) MUST_CHECK;
// After each boundary: drops blocks that end at or before `before`, and those that the last 8 boundaries did
// not use.
void windows_evict(struct windows *w, int64_t before);
#endif

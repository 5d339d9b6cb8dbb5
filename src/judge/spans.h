// SPDX-License-Identifier: Apache-2.0
// The trailing spans of a stream (drift/scan.h): what its fields were over the last slide, two, three ... up to
// 32 windows, as far back as data are kept.
//
// A span is put together from blocks of 1, 2, 4 ... slides, aligned to their width; farther back they are wider,
// at most a quarter of the span so far, so a span begins where one ends and some tens of blocks reach as far as
// all of them. Of a block only counts, moments and extremes are kept (40 bytes a number, not its histogram). They
// are rounded from its exact sums, once, and added in the order of time: the spans are a function of the
// segments alone, whatever was judged before and wherever.
#ifndef KD_JUDGE_SPANS_H
#define KD_JUDGE_SPANS_H
#include "drift/scan.h"
#include "judge/judge.h"
#include "judge/watermark.h"
#include "judge/windows.h"

enum { SPANS_MAX = SCAN_LENGTHS };

struct spans;
// The windows and the stream are borrowed.
struct spans *spans_new(struct windows *w, const struct judge_stream *stream, int64_t longest_ms);
void spans_free(struct spans *s); // NULL is allowed
void spans_clear(struct spans *s);
// For a boundary: spans end there and begin at `first` or later. The windows' range of intervals must be listed.
int spans_at(struct spans *s, const struct stream_view *view, int64_t end, int64_t first, struct error *err) MUST_CHECK;
// Ascending by length; the longest ends where records were lost, or not all are known. `field` is one of the
// baseline that the slice is compared with.
// bins has room for the counts of every span's categories.
size_t spans_of(struct spans *s, const char *slice, const struct baseline_field *field, struct span out[SPANS_MAX],
		uint64_t bins[SPANS_MAX][BASELINE_BINS]);
#endif

// SPDX-License-Identifier: Apache-2.0
// What measures say of any interval of a stream beside what its rules compare with by default: its baseline, or the same
// interval so much earlier. Reads the store through the port.
//
//     interval_open; interval_value ...; interval_free
#ifndef KD_JUDGE_INTERVAL_H
#define KD_JUDGE_INTERVAL_H
#include "judge/judge.h"

struct interval;
// [from, to), whole panes. All is borrowed. NULL with err: the store is away.
struct interval *interval_open(const struct judge_port *port, const struct judge_stream *s, int64_t from, int64_t to,
			       struct error *err) MUST_CHECK;
void interval_free(struct interval *v);
// slice "": all records. def NULL: of the stream. limit_p: as in struct measure_input. Of scans (by_slide) nothing is known
// here.
struct measure_value interval_value(const struct interval *v, const struct measure *m, const struct field_def *def,
				    const char *slice, double limit_p);
#endif

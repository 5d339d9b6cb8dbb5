// SPDX-License-Identifier: Apache-2.0
// The first page: /api/v1/status as plain HTML for a tired reader. The verdict first, then what fires by
// tier, then the streams, the worst first. It needs no script; it asks for itself again every 5 s. State is
// told by a word and a shape, not by colour alone, and only "ok" is ever green: a state that this page does
// not know is shown as unknown.
#ifndef KD_WEB_PAGE_H
#define KD_WEB_PAGE_H
#include "util/buf.h"
#include "util/json.h"

// status may be NULL (nothing was published yet), and any key in it may be missing.
void page_render(struct buf *out, const json_t *status);

// Its parts.
extern const char page_style[];
void page_streams(struct buf *out, const json_t *streams, int64_t clock); // clock INT64_MIN: not told
#endif

// SPDX-License-Identifier: Apache-2.0
// Both distributions side by side as text for a terminal: at most BARS_COLUMNS columns, block characters of
// UTF-8 in eighths. Labels are shown by plain_text.
#ifndef KD_REPORT_BARS_H
#define KD_REPORT_BARS_H
#include "report/shape.h"
#include "util/buf.h"

enum { BARS_COLUMNS = 78, BARS_CELLS = 16 }; // cells: what to make a shape with for text

void bars_shape(struct buf *out, const struct shape *s, const char *reference, const char *current);
void bars_shares(struct buf *out, const struct share_row *rows, size_t n, const char *reference,
		 const char *current);
#endif

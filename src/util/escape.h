// SPDX-License-Identifier: Apache-2.0
// Text from outside, made fit to be shown: as HTML or SVG, or on a terminal.
#ifndef KD_UTIL_ESCAPE_H
#define KD_UTIL_ESCAPE_H
#include <stdint.h>

#include "util/buf.h"

void html_text(struct buf *out, const char *s); // no markup
void html_count(struct buf *out, int64_t n);	// 1,234,567; nothing below 0
// UTF-8 as it is, whatever a terminal would act on (control characters, broken UTF-8) as \xNN, cut to
// `columns` of a terminal with an ellipsis. Returns how many columns it took.
size_t plain_text(struct buf *out, const char *s, size_t n, size_t columns);
#endif

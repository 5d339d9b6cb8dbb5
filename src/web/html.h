// SPDX-License-Identifier: Apache-2.0
// Text for people, as HTML, beside html_text of util/escape.h: numbers and times, which add nothing that could
// be markup.
#ifndef KD_WEB_HTML_H
#define KD_WEB_HTML_H
#include <stdint.h>

#include "util/buf.h"
#include "util/escape.h"
#include "util/json.h"

void html_number(struct buf *out, const json_t *v);	     // four digits; a dash where it is no number
void html_ratio(struct buf *out, double part, double whole); // per cent; a dash where whole is 0
void html_age(struct buf *out, int64_t ms);		     // "42 s", "3 min 5 s", "2 h 4 min", "5 d 3 h"
void html_words(struct buf *out, const char *s); // a name of the status, with spaces for people: "no_data"
// Markup before, the escaped text, markup after; nothing at all for an empty text.
void html_wrap(struct buf *out, const char *before, const char *s, const char *after);
// The same for a time, "2026-11-21 03:04:00Z"; nothing for INT64_MIN.
void html_moment(struct buf *out, const char *before, int64_t ms, const char *after);
int64_t html_time(const json_t *obj, const char *key); // of RFC 3339; INT64_MIN where there is none
#endif

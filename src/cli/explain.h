// SPDX-License-Identifier: Apache-2.0
// How an explanation (judge/explain.h) is shown. Private to cli/.
#ifndef KD_CLI_EXPLAIN_H
#define KD_CLI_EXPLAIN_H
#include "report/shape.h"
#include "util/json.h"

// explain_words.c: what both forms say. All text is shown as it is: escaping is the form's.
void explain_rule(struct buf *out, const json_t *v);	 // "psi above 0.2 over 1h, against ..."
void explain_place(struct buf *out, const json_t *item); // "amount", "amount in slice v=2"
void explain_value(struct buf *out, const json_t *item); // "psi is 0.41 (limit: above 0.2) ..."
void explain_since(struct buf *out, const json_t *v, const json_t *item);
void explain_window(struct buf *out, const json_t *v); // nothing where it has none
void explain_hidden(struct buf *out,
		    const json_t *item);	       // why there is no distribution; nothing where there is
void explain_gap(struct buf *out, const json_t *item); // nothing where there is none
void explain_moved(struct buf *out, const json_t *moved);
void explain_event(struct buf *out, const json_t *event);
void explain_label(struct buf *out, const json_t *row); // of a row: a value, or "0.5 to 0.7"
void explain_number(struct buf *out, const json_t *v);	// four digits; a dash
void explain_schemas(struct buf *out, const json_t *v);
void explain_carrier(struct buf *out, const json_t *one); // a slice's, partition's or schema's name
void explain_violation(struct buf *out, const json_t *one);
void explain_sample(struct buf *out, const json_t *one);
void explain_other(struct buf *out, const json_t *item); // an item in a line
void explain_command(struct buf *out, const json_t *one);
json_t *explain_others(const json_t *v); // the items that are listed only; a new reference
// The item's distributions; false where there are none. Released by the caller where true.
bool explain_shape(struct shape *s, const json_t *item, size_t cells);

char *explain_text(const json_t *v); // for a terminal; the caller frees
char *explain_html(const json_t *v); // a page; the caller frees
#endif

// SPDX-License-Identifier: Apache-2.0
// What changed from one schema to another, in words: fields, types, names, symbols, sizes, defaults. What
// neither readers nor writers notice (doc, order, unknown attributes) is no change. Pure.
#ifndef KD_SCHEMA_DIFF_H
#define KD_SCHEMA_DIFF_H
#include "schema/avsc.h"

// Calls each for every change, in the newer schema's order. A path is a place ("items[].price"; "" is the
// schema itself), a text what happened there ("type int is now long").
void avsc_diff(const struct avsc *older, const struct avsc *newer,
	       void (*each)(void *arg, const char *path, const char *text), void *arg);
#endif

// SPDX-License-Identifier: Apache-2.0
// How the state of a stream, an alert or a reading looks on the page: a word, a shape and a colour. Only
// what is known to be good is LOOK_OK; a state that is not in the table is LOOK_UNKNOWN.
#ifndef KD_WEB_LOOK_H
#define KD_WEB_LOOK_H
#include "util/buf.h"
#include "util/json.h"

enum look { LOOK_FIRING, LOOK_UNKNOWN, LOOK_PENDING, LOOK_OK, LOOK_NONE, LOOKS }; // the worst first

struct look_info {
	const char *class, *mark; // of the style sheet; HTML
};
extern const struct look_info looks[LOOKS];

enum look look_of(const json_t *thing); // by its "state"
void look_badge(struct buf *out, enum look look, const char *state);
void look_state_badge(struct buf *out, const json_t *thing);

struct ranked {
	const json_t *item;
	enum look look;
	size_t index;
};
// The items of an array, the worst first, else in their order. The caller frees.
struct ranked *look_rank(const json_t *array, enum look (*look)(const json_t *item));
#endif

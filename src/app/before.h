// SPDX-License-Identifier: Apache-2.0
// The baseline that a stream had before the configured one, as long as it is judged by it (judge/in_force.h): read from
// its copy in the store, or from the file it came from, of which the store then gets a copy for all others.
#ifndef KD_APP_BEFORE_H
#define KD_APP_BEFORE_H
#include "app/model.h"
#include "store/store.h"

// Of that hash; *out NULL: it is to be had nowhere.
int before_find(struct store *s, const char *stream, const char *hash, const char *file, struct baseline **out,
		struct error *err) MUST_CHECK;
// What the streams of m are judged by, for commands that explain it.
int before_put(struct model *m, struct store *s, struct error *err) MUST_CHECK;
// For collect_port.before.
int before_look(struct store *s, const char *stream, const struct baseline *own, const char *known, struct baseline **out,
		struct error *err) MUST_CHECK;
// On a reload, while the old ones are in memory: copies of those whose files hold something else by now.
void before_keep(const struct model *old, const struct model *fresh);
#endif

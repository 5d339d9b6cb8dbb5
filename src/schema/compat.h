// SPDX-License-Identifier: Apache-2.0
// Compatibility levels, as registries name them, between an older and a newer schema. BACKWARD: the newer one
// reads what the older one wrote; FORWARD: the older one reads what the newer one writes; FULL: both. A
// transitive level asks the same of every earlier version and not only of the last. A contract takes the
// newer one's place: it must read what is written.
#ifndef KD_SCHEMA_COMPAT_H
#define KD_SCHEMA_COMPAT_H
#include <stdbool.h>
#include <stddef.h>

#include "schema/resolve.h"

enum compat_level {
	COMPAT_NONE,
	COMPAT_BACKWARD,
	COMPAT_BACKWARD_TRANSITIVE,
	COMPAT_FORWARD,
	COMPAT_FORWARD_TRANSITIVE,
	COMPAT_FULL,
	COMPAT_FULL_TRANSITIVE,
	COMPAT_LEVELS
};
extern const struct compat_rule {
	const char *name;
	bool backward, forward, transitive;
} compat_rules[COMPAT_LEVELS];
enum compat_level compat_level_of(const char *name); // BACKWARD for NULL and for what is no level

struct compat {
	struct mismatches backward, forward; // what the level asks for; a path is the reader's
};
// Whether the level is kept. out: NULL, or to be released.
bool compat_check(enum compat_level level, const struct avsc *older, const struct avsc *newer, struct compat *out);
// The same of what a check at FULL found.
bool compat_keeps(enum compat_level level, const struct compat *c);
void compat_release(struct compat *c);
// The first breach as "PATH: TEXT", and how many more there are; "FORWARD: " before it where it is of that
// direction. "" where there is none.
void compat_why(const struct compat *c, char *why, size_t n);
#endif

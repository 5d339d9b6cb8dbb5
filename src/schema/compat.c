// SPDX-License-Identifier: Apache-2.0
#include "schema/compat.h"

#include <stdio.h>
#include <string.h>

const struct compat_rule compat_rules[COMPAT_LEVELS] = {
    [COMPAT_NONE] = {"NONE", false, false, false},
    [COMPAT_BACKWARD] = {"BACKWARD", true, false, false},
    [COMPAT_BACKWARD_TRANSITIVE] = {"BACKWARD_TRANSITIVE", true, false, true},
    [COMPAT_FORWARD] = {"FORWARD", false, true, false},
    [COMPAT_FORWARD_TRANSITIVE] = {"FORWARD_TRANSITIVE", false, true, true},
    [COMPAT_FULL] = {"FULL", true, true, false},
    [COMPAT_FULL_TRANSITIVE] = {"FULL_TRANSITIVE", true, true, true},
};

enum compat_level compat_level_of(const char *name)
{
	for (int l = 0; name && l < COMPAT_LEVELS; l++)
		if (!strcmp(compat_rules[l].name, name))
			return (enum compat_level)l;
	return COMPAT_BACKWARD;
}

bool compat_check(enum compat_level level, const struct avsc *older, const struct avsc *newer, struct compat *out)
{
	const struct compat_rule *rule = &compat_rules[level];
	bool ok = true;

	if (rule->backward)
		ok &= avsc_resolve(older, newer, out ? &out->backward : NULL);
	if (rule->forward)
		ok &= avsc_resolve(newer, older, out ? &out->forward : NULL);
	return ok;
}

bool compat_keeps(enum compat_level level, const struct compat *c)
{
	return !(compat_rules[level].backward && c->backward.n) && !(compat_rules[level].forward && c->forward.n);
}

void compat_release(struct compat *c)
{
	mismatches_release(&c->backward);
	mismatches_release(&c->forward);
}

void compat_why(const struct compat *c, char *why, size_t n)
{
	const struct mismatch *m = c->backward.n ? c->backward.items : c->forward.items;
	size_t all = c->backward.n + c->forward.n;
	bool more = c->backward.more || c->forward.more;

	if (!n)
		return;
	*why = 0;
	if (!all)
		return;
	int k = snprintf(why, n, "%s%s%s%s", c->backward.n ? "" : "FORWARD: ", m->path, *m->path ? ": " : "", m->text);
	if (all > 1 && k >= 0 && (size_t)k < n)
		snprintf(why + k, n - (size_t)k, "; and %zu more%s", all - 1, more ? " at least" : "");
}

// SPDX-License-Identifier: Apache-2.0
#include "judge/rule.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

const char *const tier_names[TIERS] = {"immediate", "daily", "weekly"};

void rule_release(struct rule *r)
{
	free(r->name);
	free(r->file);
	free(r->stream);
	free(r->field);
	free(r->role);
	free(r->against.name);
	free(r->owner);
	free(r->runbook);
	free(r->summary);
	*r = (struct rule){0};
}

// A path such as `items[].price` is matched literally first: to fnmatch its brackets are a pattern.
static bool glob(const char *pattern, const char *text)
{
	return !pattern || !strcmp(pattern, text) || !fnmatch(pattern, text, 0);
}

bool rule_matches_stream(const struct rule *r, const char *stream, const char *role)
{
	if (r->role && (!role || strcmp(r->role, role) != 0))
		return false;
	return glob(r->stream, stream);
}

bool rule_matches_field(const struct rule *r, const char *field)
{
	return glob(r->field, field);
}

bool rule_is_eager(const struct rule *r)
{
	return r->tier == TIER_IMMEDIATE && r->measure->count && r->has_above;
}

bool rule_is_version(const struct rule *r)
{
	return !strcmp(r->measure->name, "breaking_version");
}

bool rule_is_dropped(const struct rule *r)
{
	return !strcmp(r->measure->name, "dropped_field");
}

int rule_rank(const struct rule *r)
{
	return rule_is_dropped(r) ? 2 : !strcmp(r->measure->name, "incompatible_schema");
}

bool rule_is_volume(const struct rule *r)
{
	return !strcmp(r->measure->name, "records");
}

bool rule_is_wait(const struct rule *r)
{
	return !strcmp(r->measure->name, "schema_wait");
}

bool rule_is_letters(const struct rule *r)
{
	return !strcmp(r->measure->name, "dead_letters_stopped");
}

bool rule_is_clock(const struct rule *r)
{
	return rule_is_version(r) || rule_is_wait(r) || rule_is_letters(r) || !strcmp(r->measure->name, "staleness");
}

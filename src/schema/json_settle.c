// SPDX-License-Identifier: Apache-2.0
#include "schema/json_keys.h"
#include "schema/json_schema.h"

static bool leads_to_itself(struct js *j);

static bool any_leads(const struct js_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (leads_to_itself(l->items[i]))
			return true;
	return false;
}

// Without a step into the value: such a schema says nothing, and never ends saying it.
static bool leads_to_itself(struct js *j)
{
	bool found = false;

	if (!j || j->visit == 2)
		return false;
	if (j->visit == 1)
		return true;
	j->visit = 1;
	found = any_leads(&j->all) || any_leads(&j->any) || any_leads(&j->one) || leads_to_itself(j->no) ||
		leads_to_itself(j->when) || leads_to_itself(j->then) || leads_to_itself(j->otherwise);
	for (size_t i = 0; i < j->ndependents && !found; i++)
		found = leads_to_itself(j->dependents[i].schema);
	j->visit = 2;
	return found;
}

// Checks nothing but what these bits say.
static bool only(const struct js *j, unsigned checks)
{
	return !j->never && j->checks == checks && !j->nproperties && !j->npatterns && !j->prefix.n && !j->items &&
	       !j->when;
}

static struct js *target(struct js *j)
{
	while (j && j->all.n == 1 && only(j, 1u << JSK_ALL_OF))
		j = j->all.items[0];
	return j;
}

static void see_through(struct js_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->items[i] = target(l->items[i]);
}

static bool is_null(const struct js *j)
{
	return j->typed && j->types == JS_NULL && only(j, 1u << JSK_TYPE);
}

static void find_null_or(struct js *j)
{
	const bool one = j->one.n == 2 && only(j, 1u << JSK_ONE_OF), any = j->any.n == 2 && only(j, 1u << JSK_ANY_OF);
	struct js *const *pair = one ? j->one.items : j->any.items;

	if (!one && !any)
		return;
	const struct js *other = is_null(pair[0]) ? pair[1] : is_null(pair[1]) ? pair[0] : NULL;
	if (other && other != j && (any || (other->typed && !(other->types & JS_NULL))))
		j->null_or = other;
}

int json_schema_settle(struct json_schema *s, struct error *err)
{
	for (size_t i = 0; i < s->n; i++)
		if (leads_to_itself(s->all[i]))
			return error_set(err, "a $ref leads back to itself");
	for (size_t i = 0; i < s->n; i++) {
		struct js *j = s->all[i];

		for (size_t k = 0; k < j->nproperties; k++)
			j->properties[k].schema = target(j->properties[k].schema);
		for (size_t k = 0; k < j->npatterns; k++)
			j->patterns[k].schema = target(j->patterns[k].schema);
		for (size_t k = 0; k < j->ndependents; k++)
			j->dependents[k].schema = target(j->dependents[k].schema);
		j->additional = target(j->additional);
		j->names = target(j->names);
		j->items = target(j->items);
		j->contains = target(j->contains);
		j->no = target(j->no);
		j->when = target(j->when);
		j->then = target(j->then);
		j->otherwise = target(j->otherwise);
		see_through(&j->prefix);
		see_through(&j->any);
		see_through(&j->one);
	}
	s->root = target(s->root);
	for (size_t i = 0; i < s->n; i++) {
		find_null_or(s->all[i]);
		if (s->all[i]->nproperties)
			s->all[i]->more = json_keys_new(s->all[i], NULL);
	}
	return 0;
}

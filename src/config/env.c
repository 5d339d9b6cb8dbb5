// SPDX-License-Identifier: Apache-2.0
// The environment: KDRIFT_ and a key's path in upper case with everything but letters and digits as '_'
// (redis.url: KDRIFT_REDIS_URL). An item of a list goes by its name or its number
// (KDRIFT_STREAMS_PAYMENTS_FEATURES_WINDOW, KDRIFT_STREAMS_0_WINDOW). Variables are put into the tree before
// it is read, so a value from the environment is checked like one from the file. An empty variable counts
// as not set. Names are matched against the table rather than made from it, because '_' is ambiguous.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"
#include "config/read.h"
#include "util/xalloc.h"

#define PREFIX "KDRIFT_"

extern char **environ;

void env_collect(struct loader *l)
{
	for (char **e = environ; *e; e++) {
		const char *eq = strchr(*e, '=');
		if (strncmp(*e, PREFIX, strlen(PREFIX)) != 0 || !eq || !eq[1])
			continue;
		char *name = xstrndup(*e, (size_t)(eq - *e));
		GROW(l->env, l->nenv, l->capenv);
		l->env[l->nenv++] = (struct env_var){name, xasprintf("environment %s", name), eq + 1, false};
	}
}

// What follows `name` in `rest`: "" at its end, the text after a '_', or NULL where it does not match.
static const char *match(const char *rest, const char *name)
{
	for (; *name; name++, rest++)
		if (*rest != (isalnum((unsigned char)*name) ? toupper((unsigned char)*name) : '_'))
			return NULL;
	return !*rest ? rest : *rest == '_' ? rest + 1 : NULL;
}

static struct node *text_node(const struct env_var *v, const char *text, size_t len)
{
	struct node *n = node_new(NODE_SCALAR, v->file, 0);

	n->text = xstrndup(text, len);
	return n;
}

static struct node *comma_list(const struct env_var *v)
{
	struct node *list = node_new(NODE_LIST, v->file, 0);

	for (const char *s = v->value; *s;) {
		s += strspn(s, " ");
		size_t len = strcspn(s, ","), used = len;
		while (used && s[used - 1] == ' ')
			used--;
		node_put(list, NULL, text_node(v, s, used));
		s += len + (s[len] == ',');
	}
	return list;
}

static struct node *value_node(struct loader *l, const struct env_var *v, enum key_kind kind)
{
	bool flow = *v->value == '[' || *v->value == '{',
	     literal = kind == KEY_TEXT || kind == KEY_SECRET || kind == KEY_PATH;
	struct error err = ERROR_INIT;
	int line;

	if (flow && !literal) {
		struct node *n = node_parse(v->value, strlen(v->value), v->file, &line, &err);
		if (n)
			return n;
		problem_at(l, false, v->file, 0, "%s", err.text);
	}
	return kind == KEY_TEXTS && !flow ? comma_list(v) : text_node(v, v->value, strlen(v->value));
}

static bool put(struct loader *l, struct env_var *v, enum key_kind kind, struct node *map, const char *key,
		const char *twin)
{
	const struct node *other = node_get(map, twin);

	if (other && other->line)
		node_remove(map, twin);
	node_put(map, key, value_node(l, v, kind));
	return true;
}

static bool apply(struct loader *l, struct env_var *v, const char *rest, const struct section *s,
		  struct node *map);

// An item of a list or a table, by its name.
static bool apply_items(struct loader *l, struct env_var *v, const char *rest, const struct section *s,
			struct node *of)
{
	for (size_t i = 0; of && i < of->n; i++) {
		const struct node *name = of->kind == NODE_LIST ? node_get(of->items[i], s->item_name) : NULL;
		char number[24];
		const char *tail = NULL;

		snprintf(number, sizeof number, "%zu", i);
		if (of->kind == NODE_MAP)
			tail = match(rest, of->keys[i]);
		else if (!name || !name->text || !(tail = match(rest, name->text)))
			tail = match(rest, number);
		if (!tail || !*tail)
			continue;
		if (of->items[i]->kind == NODE_NULL)
			of->items[i]->kind = NODE_MAP;
		if (apply(l, v, tail, s, of->items[i]))
			return true;
	}
	return false;
}

// The twin `x_file` of a secret x: its tail is "FILE".
static bool apply_key(struct loader *l, struct env_var *v, const char *tail, const struct key *k,
		      struct node *map)
{
	struct node *sub = node_get(map, k->name);
	char twin[PATH_TEXT];

	snprintf(twin, sizeof twin, "%s_file", k->name);
	switch (k->kind) {
	case KEY_LIST:
	case KEY_TABLE:
		return *tail && apply_items(l, v, tail, k->section, sub);
	case KEY_SECTION:
		if (!*tail)
			return false;
		if (sub && sub->kind == NODE_NULL)
			sub->kind = NODE_MAP;
		if (sub)
			return apply(l, v, tail, k->section, sub);
		sub = node_new(NODE_MAP, v->file, 0);
		if (!apply(l, v, tail, k->section, sub)) {
			node_free(sub);
			return false;
		}
		node_put(map, k->name, sub);
		return true;
	case KEY_SECRET:
		if (!strcmp(tail, "FILE"))
			return put(l, v, KEY_PATH, map, twin, k->name);
		return !*tail && put(l, v, k->kind, map, k->name, twin);
	default:
		return !*tail && put(l, v, k->kind, map, k->name, twin);
	}
}

// A librdkafka property: one that the file has under this name, else '_' stands for '.'.
static bool apply_open(struct loader *l, struct env_var *v, const char *rest, struct node *map)
{
	char name[PATH_TEXT], twin[PATH_TEXT + 8];
	size_t n = strlen(rest);
	bool from_file = n > 5 && !strcmp(rest + n - 5, "_FILE");

	for (size_t i = 0; i < map->n; i++) {
		const char *tail = match(rest, map->keys[i]);
		if (tail && !*tail)
			return put(l, v, KEY_TEXT, map, map->keys[i], "");
	}
	if (n - (from_file ? 5 : 0) >= sizeof name)
		return false;
	snprintf(name, sizeof name, "%.*s", (int)(n - (from_file ? 5 : 0)), rest);
	for (char *c = name; *c; c++)
		*c = *c == '_' ? '.' : (char)tolower((unsigned char)*c);
	snprintf(twin, sizeof twin, "%s_file", name);
	return from_file ? put(l, v, KEY_PATH, map, twin, name) : put(l, v, KEY_TEXT, map, name, twin);
}

static bool apply(struct loader *l, struct env_var *v, const char *rest, const struct section *s,
		  struct node *map)
{
	if (map->kind != NODE_MAP)
		return false;
	for (const struct key *k = s->keys; k->name; k++) {
		const char *tail = match(rest, k->name);
		if (tail && apply_key(l, v, tail, k, map))
			return true;
	}
	return s->open && apply_open(l, v, rest, map);
}

void env_apply(struct loader *l, const struct section *s, struct node *map)
{
	for (size_t i = 0; i < l->nenv; i++)
		if (!l->env[i].used)
			l->env[i].used = apply(l, &l->env[i], l->env[i].name + strlen(PREFIX), s, map);
}

void env_apply_rules(struct loader *l, struct node *list)
{
	for (size_t i = 0; i < l->nenv; i++) {
		const char *rest = match(l->env[i].name + strlen(PREFIX), "rules");
		if (!l->env[i].used && rest)
			l->env[i].used = apply_items(l, &l->env[i], rest, &section_rule, list);
	}
}

// Offers every settable name of a section; *best keeps a copy of the nearest.
static void offer_names(struct nearest *near, const struct section *s, const char *prefix, char **best)
{
	for (const struct key *k = s->keys; k->name; k++) {
		char name[PATH_TEXT];
		snprintf(name, sizeof name - 1, "%s%s", prefix, k->name);
		for (char *c = name; *c; c++)
			*c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
		if (k->kind == KEY_SECTION) {
			size_t len = strlen(name);
			name[len] = '_';
			name[len + 1] = 0;
			offer_names(near, k->section, name, best);
			continue;
		}
		nearest_try(near, name);
		if (near->best == name) {
			free(*best);
			near->best = *best = xstrdup(name);
		}
	}
}

void env_report_unused(struct loader *l)
{
	for (size_t i = 0; i < l->nenv; i++) {
		const struct env_var *v = &l->env[i];
		const char *rest = v->name + strlen(PREFIX);
		char *best = NULL;
		struct nearest near;

		// Kubernetes sets these for a service that is named kdrift.
		if (v->used || !strncmp(rest, "SERVICE_", 8) || !strcmp(rest, "PORT") ||
		    !strncmp(rest, "PORT_", 5))
			continue;
		nearest_init(&near, rest);
		offer_names(&near, &section_root, "", &best);
		offer_names(&near, &section_receivers, "", &best);
		if (best)
			problem_at(l, true, v->file, 0, "matches no key; did you mean " PREFIX "%s?", best);
		else
			problem_at(l, true, v->file, 0, "matches no key and has no effect");
		free(best);
	}
}

// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/read.h"
#include "util/xalloc.h"

// Reading is exact only with these as kdrift sets them (docs/exactly-once.md).
static const char *const owned[] = {"enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset",
				    "partition.assignment.strategy", "enable.partition.eof"};

static bool is_owned(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(owned); i++)
		if (!strcasecmp(owned[i], name))
			return true;
	return false;
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && !strcmp(s + n - m, suffix);
}

static bool is_file_name(const char *name, const char *value)
{
	return (has_suffix(name, ".location") && strcmp(value, "probe") != 0) ||
	       !strcmp(name, "sasl.kerberos.keytab");
}

static void add(struct config *c, char *name, char *value, int line)
{
	c->kafka = xrealloc(c->kafka, (c->nkafka + 1) * sizeof *c->kafka);
	c->kafka[c->nkafka++] = (struct property){name, value, line};
}

static void read_property(struct loader *l, const struct node *map, const char *name, const struct node *n)
{
	char path[PATH_TEXT];

	child_path(path, sizeof path, "kafka", name);
	if (is_owned(name)) {
		problem(l, n, "%s: kdrift sets this property itself (offsets come from its store); remove it",
			path);
	} else if (has_suffix(name, "_file")) {
		char *plain = xstrndup(name, strlen(name) - 5);
		char *secret = node_get(map, plain) ? NULL : read_secret_file(l, n, path);
		if (node_get(map, plain))
			problem(l, n, "%s: stands beside %s; give one of the two", path, plain);
		if (secret)
			add(l->c, plain, secret, n->line);
		else
			free(plain);
	} else {
		const char *value = read_text(l, n, path);
		if (value)
			add(l->c, xstrdup(name),
			    is_file_name(name, value) ? resolve_path(l, n, value) : xstrdup(value), n->line);
	}
}

void read_kafka(struct loader *l, const struct node *map)
{
	if (!map || map->kind != NODE_MAP)
		return;
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->keys[i], "group.id") != 0 && strcmp(map->keys[i], "bootstrap.servers") != 0)
			read_property(l, map, map->keys[i], map->items[i]);
	if (l->c->bootstrap_servers)
		add(l->c, xstrdup("bootstrap.servers"), xstrdup(l->c->bootstrap_servers),
		    node_key_line(map, "bootstrap.servers"));
}

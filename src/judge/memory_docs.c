// SPDX-License-Identifier: Apache-2.0
#include "judge/memory_docs.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

static char *name_of(const char *table, const char *key)
{
	return xasprintf("%s\037%s", table, key);
}

void docs_commit(struct map *docs, const struct judge_commit *c)
{
	for (size_t i = 0; i < c->ndocs; i++) {
		char *name = name_of(c->docs[i].table, c->docs[i].key);

		free(c->docs[i].json ? map_puts(docs, name, xstrdup(c->docs[i].json)) : map_del(docs, name, strlen(name)));
		free(name);
	}
}

void docs_each(const struct map *docs, const char *table, void (*each)(void *arg, const char *key, const char *json),
	       void *arg)
{
	size_t len = strlen(table);

	for (struct map_entry *e = NULL; (e = map_next(docs, e));)
		if (!strncmp(e->key, table, len) && e->key[len] == '\037')
			each(arg, e->key + len + 1, e->value);
}

const char *docs_get(const struct map *docs, const char *table, const char *key)
{
	char *name = name_of(table, key);
	const char *json = map_gets(docs, name);

	free(name);
	return json;
}

// SPDX-License-Identifier: Apache-2.0
#include "config/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "util/map.h"
#include "util/xalloc.h"

struct parse {
	yaml_parser_t yaml;
	const char *file;
	struct map anchors; // name -> finished node (borrowed from the tree)
	size_t nodes;
	int line; // of the error
	struct error *err;
};

struct node *node_new(enum node_kind kind, const char *file, int line)
{
	struct node *n = xcalloc(1, sizeof *n);

	n->kind = kind;
	n->file = file;
	n->line = line;
	return n;
}

void node_free(struct node *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n; i++) {
		node_free(n->items[i]);
		if (n->keys)
			free(n->keys[i]);
	}
	free(n->items);
	free(n->keys);
	free(n->key_lines);
	free(n->text);
	free(n);
}

static size_t find(const struct node *map, const char *key)
{
	size_t i = 0;

	while (i < map->n && strcmp(map->keys[i], key))
		i++;
	return i;
}

struct node *node_get(const struct node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	size_t i = find(map, key);
	return i < map->n ? map->items[i] : NULL;
}

int node_key_line(const struct node *map, const char *key)
{
	size_t i = map->kind == NODE_MAP ? find(map, key) : map->n;

	return i < map->n ? map->key_lines[i] : map->line;
}

static void append(struct node *to, const char *key, int key_line, struct node *item)
{
	if (to->n == to->cap) {
		to->cap = to->cap ? to->cap * 2 : 8;
		to->items = xrealloc(to->items, to->cap * sizeof *to->items);
		if (to->kind == NODE_MAP) {
			to->keys = xrealloc(to->keys, to->cap * sizeof *to->keys);
			to->key_lines = xrealloc(to->key_lines, to->cap * sizeof *to->key_lines);
		}
	}
	if (to->kind == NODE_MAP) {
		to->keys[to->n] = xstrdup(key);
		to->key_lines[to->n] = key_line;
	}
	to->items[to->n++] = item;
}

void node_put(struct node *to, const char *key, struct node *item)
{
	size_t i = key ? find(to, key) : to->n;

	if (i == to->n) {
		append(to, key, item->line, item);
		return;
	}
	node_free(to->items[i]);
	to->items[i] = item;
	to->key_lines[i] = item->line;
}

void node_remove(struct node *map, const char *key)
{
	size_t i = find(map, key);

	if (i == map->n)
		return;
	free(map->keys[i]);
	node_free(map->items[i]);
	for (map->n--; i < map->n; i++) {
		map->keys[i] = map->keys[i + 1];
		map->key_lines[i] = map->key_lines[i + 1];
		map->items[i] = map->items[i + 1];
	}
}

static bool is_null(const char *s)
{
	return !*s || !strcmp(s, "~") || !strcmp(s, "null") || !strcmp(s, "Null") || !strcmp(s, "NULL");
}

static struct node *fail(struct parse *p, yaml_mark_t mark, const char *text)
{
	p->line = (int)mark.line + 1;
	error_set(p->err, "%s", text);
	return NULL;
}

static int next(struct parse *p, yaml_event_t *ev)
{
	if (yaml_parser_parse(&p->yaml, ev))
		return 0;
	bool reading = p->yaml.error == YAML_READER_ERROR;
	p->line = reading ? 0 : (int)p->yaml.problem_mark.line + 1;
	return error_set(p->err, "is neither YAML nor JSON: %s%s%s",
			 p->yaml.problem ? p->yaml.problem : "unreadable", p->yaml.context ? ", " : "",
			 p->yaml.context ? p->yaml.context : "");
}

static struct node *count(struct parse *p, struct node *n, yaml_mark_t mark)
{
	if (++p->nodes <= NODE_MAX)
		return n;
	node_free(n);
	return fail(p, mark,
		    "holds too many values (aliases are counted where they are used); split or shorten it");
}

static struct node *copy(struct parse *p, const struct node *from, yaml_mark_t mark)
{
	struct node *n = count(p, node_new(from->kind, from->file, from->line), mark);

	if (!n)
		return NULL;
	n->text = xstrdup(from->text);
	for (size_t i = 0; i < from->n; i++) {
		struct node *item = copy(p, from->items[i], mark);
		if (!item) {
			node_free(n);
			return NULL;
		}
		append(n, n->kind == NODE_MAP ? from->keys[i] : NULL,
		       n->kind == NODE_MAP ? from->key_lines[i] : 0, item);
	}
	return n;
}

static struct node *parse_event(struct parse *p, const yaml_event_t *ev, int depth);

static struct node *parse_next(struct parse *p, int depth)
{
	yaml_event_t ev;

	if (next(p, &ev) < 0)
		return NULL;
	struct node *n = parse_event(p, &ev, depth);
	yaml_event_delete(&ev);
	return n;
}

// One "key: value" of a map; its key's event is given.
static int parse_pair(struct parse *p, struct node *map, struct map *seen, const yaml_event_t *ev, int depth)
{
	const char *key = (const char *)ev->data.scalar.value;
	int line = (int)ev->start_mark.line + 1;

	if (ev->type != YAML_SCALAR_EVENT) {
		fail(p, ev->start_mark, "a key must be a plain text");
		return -1;
	}
	if (!strcmp(key, "<<")) {
		fail(p, ev->start_mark,
		     "merge keys ('<<') are not supported; write the keys out or use an alias");
		return -1;
	}
	if (map_puts(seen, key, map)) {
		p->line = line;
		return error_set(p->err, "key '%s' stands twice, first in line %d; remove one", key,
				 node_key_line(map, key));
	}
	struct node *item = parse_next(p, depth + 1);
	if (!item)
		return -1;
	append(map, key, line, item);
	return 0;
}

static int parse_map(struct parse *p, struct node *map, int depth)
{
	struct map seen;
	int rc = 0;
	bool end = false;

	map_init(&seen);
	while (!rc && !end) {
		yaml_event_t ev;
		if (next(p, &ev) < 0) {
			rc = -1;
			break;
		}
		end = ev.type == YAML_MAPPING_END_EVENT;
		if (!end)
			rc = parse_pair(p, map, &seen, &ev, depth);
		yaml_event_delete(&ev);
	}
	map_release(&seen, NULL);
	return rc;
}

static int parse_list(struct parse *p, struct node *list, int depth)
{
	for (;;) {
		yaml_event_t ev;
		if (next(p, &ev) < 0)
			return -1;
		bool end = ev.type == YAML_SEQUENCE_END_EVENT;
		struct node *item = end ? NULL : parse_event(p, &ev, depth + 1);
		yaml_event_delete(&ev);
		if (end)
			return 0;
		if (!item)
			return -1;
		append(list, NULL, 0, item);
	}
}

static struct node *parse_event(struct parse *p, const yaml_event_t *ev, int depth)
{
	int line = (int)ev->start_mark.line + 1, rc = 0;
	const yaml_char_t *anchor = NULL;
	struct node *n;

	if (depth > NODE_DEPTH)
		return fail(p, ev->start_mark, "is nested more than 32 levels deep; no key needs that");
	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		n = map_gets(&p->anchors, (const char *)ev->data.alias.anchor);
		return n ? copy(p, n, ev->start_mark)
			 : fail(p, ev->start_mark, "an alias (*name) has no anchor (&name) before it");
	case YAML_SCALAR_EVENT: {
		const char *text = (const char *)ev->data.scalar.value;
		bool null = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && is_null(text);
		if (strlen(text) != ev->data.scalar.length)
			return fail(p, ev->start_mark, "a value holds a NUL byte; remove it");
		n = count(p, node_new(null ? NODE_NULL : NODE_SCALAR, p->file, line), ev->start_mark);
		if (n && !null)
			n->text = xstrdup(text);
		if (n) {
			n->from = ev->start_mark.index;
			n->to = ev->end_mark.index;
		}
		anchor = ev->data.scalar.anchor;
		break;
	}
	case YAML_SEQUENCE_START_EVENT:
		n = count(p, node_new(NODE_LIST, p->file, line), ev->start_mark);
		rc = n ? parse_list(p, n, depth) : -1;
		anchor = ev->data.sequence_start.anchor;
		break;
	case YAML_MAPPING_START_EVENT:
		n = count(p, node_new(NODE_MAP, p->file, line), ev->start_mark);
		if (n)
			n->braces = ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
		rc = n ? parse_map(p, n, depth) : -1;
		anchor = ev->data.mapping_start.anchor;
		break;
	default:
		return fail(p, ev->start_mark, "is not one YAML document");
	}
	if (rc < 0) {
		node_free(n);
		return NULL;
	}
	if (n && anchor)
		map_puts(&p->anchors, (const char *)anchor, n);
	return n;
}

static struct node *parse_file(struct parse *p)
{
	struct node *root = NULL;
	yaml_event_t ev;

	for (;;) {
		if (next(p, &ev) < 0)
			goto fail;
		yaml_event_type_t type = ev.type;
		if (type == YAML_STREAM_END_EVENT)
			break;
		if (type == YAML_DOCUMENT_START_EVENT && root) {
			fail(p, ev.start_mark,
			     "holds more than one document; remove the '---' and what follows");
			yaml_event_delete(&ev);
			goto fail;
		}
		if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
		    type != YAML_DOCUMENT_END_EVENT)
			root = parse_event(p, &ev, 0);
		yaml_event_delete(&ev);
		if (p->err->set)
			goto fail;
	}
	yaml_event_delete(&ev);
	return root ? root : node_new(NODE_NULL, p->file, 1);
fail:
	node_free(root);
	return NULL;
}

struct node *node_parse(const char *text, size_t len, const char *file, int *line, struct error *err)
{
	struct parse p = {.file = file, .err = err};

	map_init(&p.anchors);
	if (!yaml_parser_initialize(&p.yaml)) {
		error_set(err, "out of memory");
		return NULL;
	}
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, len);
	yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
	struct node *root = parse_file(&p);
	yaml_parser_delete(&p.yaml);
	map_release(&p.anchors, NULL);
	*line = p.line;
	return root;
}

// SPDX-License-Identifier: Apache-2.0
#include "config/read.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"
#include "util/clock.h"
#include "util/xalloc.h"

enum { SECRET_MAX = 64 << 10 };

static void add(struct loader *l, bool is_warning, const char *file, int line, const char *fmt, va_list ap)
{
	struct config_problems *p = l->out;
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		text = xstrdup(fmt);
	GROW(p->items, p->n, p->cap);
	p->items[p->n++] = (struct config_problem){xstrdup(file), line, is_warning, text};
}

void problem(struct loader *l, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(l, false, n->file, n->line, fmt, ap);
	va_end(ap);
}

void warning(struct loader *l, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(l, true, n->file, n->line, fmt, ap);
	va_end(ap);
}

void problem_at(struct loader *l, bool is_warning, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(l, is_warning, file, line, fmt, ap);
	va_end(ap);
}

static char *dir_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? xstrndup(file, slash == file ? 1 : (size_t)(slash - file)) : xstrdup(".");
}

struct document *document_read(struct loader *l, const char *file)
{
	struct document *d = xcalloc(1, sizeof *d);
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT;
	int line = 0;

	d->file = xstrdup(file);
	d->dir = dir_of(file);
	GROW(l->docs, l->ndocs, l->capdocs);
	l->docs[l->ndocs++] = d;
	if (buf_read_file(&text, file, NODE_FILE_MAX) < 0)
		problem_at(l, false, file, 0, "cannot be read: %s", strerror(errno));
	else if (!(d->root = node_parse(text.data ? text.data : "", text.len, d->file, &line, &err)))
		problem_at(l, false, file, line, "%s", err.text);
	buf_release(&text);
	return d->root ? d : NULL;
}

const char *child_path(char *buf, size_t size, const char *prefix, const char *name)
{
	snprintf(buf, size, "%s%s%s", prefix, *prefix ? "." : "", name);
	return buf;
}

char *resolve_path(const struct loader *l, const struct node *n, const char *name)
{
	const char *dir = ".";

	for (size_t i = 0; i < l->ndocs; i++)
		if (l->docs[i]->file == n->file)
			dir = l->docs[i]->dir;
	if (*name == '/' || !strcmp(dir, "."))
		return xstrdup(name);
	return xasprintf("%s/%s", strcmp(dir, "/") ? dir : "", name);
}

const char *read_text(struct loader *l, const struct node *n, const char *path)
{
	if (n->kind == NODE_SCALAR && *n->text)
		return n->text;
	if (n->kind == NODE_SCALAR || n->kind == NODE_NULL)
		problem(l, n, "%s: is empty; write a value or remove the key", path);
	else
		problem(l, n, "%s: a %s stands where one value is expected", path,
			n->kind == NODE_LIST ? "list" : "map");
	return NULL;
}

bool check_name(struct loader *l, const struct node *n, const char *path, const char *name)
{
	const char *c = name;

	while (isalnum((unsigned char)*c) || (*c && strchr("._-", *c)))
		c++;
	if (!*c && strlen(name) <= 200)
		return true;
	problem(l, n, "%s: '%s' is not a name; use up to 200 letters, digits, '.', '_' and '-'", path, name);
	return false;
}

int read_bool(struct loader *l, const struct node *n, const char *path, bool *out)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = {{"true", true}, {"false", false}, {"yes", true},
		     {"no", false},  {"on", true},     {"off", false}};
	const char *s = read_text(l, n, path);

	if (!s)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!strcasecmp(words[i].text, s)) {
			*out = words[i].value;
			return 0;
		}
	}
	problem(l, n, "%s: '%s' is not true or false", path, s);
	return -1;
}

int read_number(struct loader *l, const struct node *n, const char *path, double *out)
{
	const char *s = read_text(l, n, path);
	char *end;

	if (!s)
		return -1;
	double v = strtod(s, &end);
	if (*end || isspace((unsigned char)*s) || !isfinite(v)) {
		problem(l, n, "%s: '%s' is not a number", path, s);
		return -1;
	}
	*out = v;
	return 0;
}

int read_duration(struct loader *l, const struct node *n, const char *path, double min, double max,
		  int64_t *out)
{
	const char *s = read_text(l, n, path);
	const int64_t longest = INT64_C(3650) * 86400000;
	char a[32], b[32];
	int64_t ms = 0;

	if (!s)
		return -1;
	if (*s == '-') {
		problem(l, n, "%s: '%s' is negative; a duration is 0 or longer", path, s);
		return -1;
	}
	if (strcmp(s, "0") != 0 && (strlen(s) > 40 || duration_parse(s, &ms) < 0)) {
		bool bare = strspn(s, "0123456789.") == strlen(s);
		problem(l, n,
			bare ? "%s: '%s' has no unit; write e.g. %ss"
			     : "%s: '%s' is not a duration; write e.g. 5m, 1h, 7d",
			path, s, s);
		return -1;
	}
	if (max == 0)
		max = (double)longest;
	if ((double)ms < min || (double)ms > max || ms < 0) {
		problem(l, n, "%s: '%s' is not between %s and %s", path, s,
			duration_format((int64_t)min, a, sizeof a),
			duration_format((int64_t)max, b, sizeof b));
		return -1;
	}
	*out = ms;
	return 0;
}

static int read_count(struct loader *l, const struct node *n, const char *path, const struct key *k,
		      uint64_t *out)
{
	const char *s = read_text(l, n, path);

	if (!s)
		return -1;
	size_t digits = strspn(s, "0123456789");
	uint64_t v = strtoull(s, NULL, 10);
	if (s[digits] || digits > 18 || (double)v < k->min || (double)v > k->max) {
		problem(l, n, "%s: '%s' is not a whole number between %.0f and %.0f", path, s, k->min,
			k->max);
		return -1;
	}
	*out = v;
	return 0;
}

static int read_choice(struct loader *l, const struct node *n, const char *path, const struct key *k)
{
	const char *s = read_text(l, n, path);
	struct buf list = BUF_INIT;
	int i = 0;

	if (!s)
		return -1;
	for (; k->choices[i]; i++)
		if (!strcmp(k->choices[i], s))
			return i;
	for (i = 0; k->choices[i]; i++)
		buf_addf(&list, "%s%s", !i ? "" : k->choices[i + 1] ? ", " : " or ", k->choices[i]);
	problem(l, n, "%s: '%s' is not one of %s", path, s, list.data);
	buf_release(&list);
	return -1;
}

static void free_texts(char ***texts, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free((*texts)[i]);
	free(*texts);
	*texts = NULL;
	*n = 0;
}

static void read_texts(struct loader *l, const struct node *n, const char *path, char ***out, size_t *count)
{
	if (n->kind != NODE_LIST) {
		const char *s = read_text(l, n, path);
		if (s) {
			*out = xcalloc(1, sizeof **out);
			(*out)[(*count)++] = xstrdup(s);
		}
		return;
	}
	*out = xcalloc(n->n + 1, sizeof **out);
	for (size_t i = 0; i < n->n; i++) {
		char *item = xasprintf("%s[%zu]", path, i);
		const char *s = read_text(l, n->items[i], item);

		free(item);
		if (s)
			(*out)[(*count)++] = xstrdup(s);
	}
}

char *read_secret_file(struct loader *l, const struct node *n, const char *path)
{
	struct buf b = BUF_INIT;
	const char *name = read_text(l, n, path);

	if (!name)
		return NULL;
	char *file = resolve_path(l, n, name), *secret = NULL;
	if (buf_read_file(&b, file, SECRET_MAX) < 0) {
		problem(l, n, "%s: %s cannot be read: %s", path, file, strerror(errno));
	} else {
		while (b.len && (b.data[b.len - 1] == '\n' || b.data[b.len - 1] == '\r'))
			b.data[--b.len] = 0;
		if (!b.len)
			problem(l, n, "%s: %s is empty; write the secret into it", path, file);
		else if (strlen(b.data) != b.len)
			problem(l, n, "%s: %s holds a NUL byte; it must hold the secret as text", path, file);
		else
			secret = buf_steal(&b);
	}
	buf_release(&b);
	free(file);
	return secret;
}

static void read_secret(struct loader *l, const struct node *map, const char *path, const struct key *k,
			char **out)
{
	char twin[PATH_TEXT], twin_path[PATH_TEXT + 8];

	snprintf(twin, sizeof twin, "%s_file", k->name);
	snprintf(twin_path, sizeof twin_path, "%s_file", path);
	const struct node *given = node_get(map, k->name), *file = node_get(map, twin);
	if (given && file) {
		problem(l, file, "%s: stands beside %s; give one of the two", twin_path, k->name);
		return;
	}
	char *secret = file ? read_secret_file(l, file, twin_path) : xstrdup(read_text(l, given, path));
	if (secret) {
		free(*out);
		*out = secret;
	}
}

static void set_text(char **at, char *text)
{
	free(*at);
	*at = text;
}

static void read_value(struct loader *l, const struct node *n, const char *path, const struct key *k,
		       char *base)
{
	void *at = base + k->at;
	const char *s;
	uint64_t count;
	int choice;

	switch (k->kind) {
	case KEY_TEXT:
		if ((s = read_text(l, n, path)))
			set_text(at, xstrdup(s));
		break;
	case KEY_PATH:
		if ((s = read_text(l, n, path)))
			set_text(at, resolve_path(l, n, s));
		break;
	case KEY_WORD:
		if ((choice = read_choice(l, n, path, k)) >= 0)
			set_text(at, xstrdup(k->choices[choice]));
		break;
	case KEY_TEXTS:
		read_texts(l, n, path, at, (size_t *)(void *)(base + k->also));
		break;
	case KEY_BOOL:
		(void)read_bool(l, n, path, at);
		break;
	case KEY_INT:
		if (read_count(l, n, path, k, &count) == 0)
			*(uint32_t *)at = (uint32_t)count;
		break;
	case KEY_COUNT:
		(void)read_count(l, n, path, k, at);
		break;
	case KEY_NUMBER:
		if (read_number(l, n, path, at) == 0 && k->also)
			*(bool *)(base + k->also) = true;
		break;
	case KEY_DURATION:
		(void)read_duration(l, n, path, k->min, k->max, at);
		break;
	case KEY_CHOICE:
		if ((choice = read_choice(l, n, path, k)) >= 0)
			*(unsigned *)at = (unsigned)choice;
		break;
	default:
		break;
	}
}

static void read_default(struct loader *l, const struct key *k, void *base)
{
	struct node n = {.kind = NODE_SCALAR, .file = "", .text = (char *)k->fallback};
	struct key secret_as_text = *k;

	if (secret_as_text.kind == KEY_SECRET)
		secret_as_text.kind = KEY_TEXT;
	if (k->fallback)
		read_value(l, &n, k->name, &secret_as_text, base);
}

// KEY_SECRET's twin `x_file` gives the row of x.
static const struct key *find_key(const struct section *s, const char *name)
{
	const struct key *k = key_find(s, name);
	size_t len = strlen(name);
	char base[64];

	if (k || len < 6 || len >= sizeof base || strcmp(name + len - 5, "_file") != 0)
		return k;
	snprintf(base, sizeof base, "%.*s", (int)(len - 5), name);
	k = key_find(s, base);
	return k && k->kind == KEY_SECRET ? k : NULL;
}

static void check_keys(struct loader *l, const struct node *map, const char *path, const struct section *s)
{
	char at[PATH_TEXT];

	for (size_t i = 0; i < map->n; i++) {
		const struct node where = {.file = map->items[i]->file, .line = map->key_lines[i]};
		const struct key *k = find_key(s, map->keys[i]);
		struct nearest near;

		child_path(at, sizeof at, path, map->keys[i]);
		if (k && k->kind == KEY_LATER)
			warning(l, &where, "%s: is not supported by this version and has no effect", at);
		if (k || s->open)
			continue;
		nearest_init(&near, map->keys[i]);
		for (k = s->keys; k->name; k++)
			nearest_try(&near, k->name);
		if (near.best)
			problem(l, &where, "%s: unknown key; did you mean '%s'?", at, near.best);
		else
			problem(l, &where, "%s: unknown key; docs/configuration.md lists the keys of %s", at,
				s->title);
	}
}

static void read_defaults(struct loader *l, const struct section *s, void *base)
{
	for (const struct key *k = s->keys; k->name; k++) {
		if (k->kind == KEY_SECTION)
			read_defaults(l, k->section, base);
		else
			read_default(l, k, base);
	}
}

static void read_keys(struct loader *l, const struct node *map, const char *path, const struct section *s,
		      void *base);

static void read_key(struct loader *l, const struct node *map, const char *path, const struct key *k,
		     void *base)
{
	const struct node *n = node_get(map, k->name);
	char at[PATH_TEXT], twin[PATH_TEXT];
	bool given = n && n->kind != NODE_NULL;

	child_path(at, sizeof at, path, k->name);
	snprintf(twin, sizeof twin, "%s_file", k->name);
	if (k->kind == KEY_SECRET && (n || node_get(map, twin)))
		read_secret(l, map, at, k, (char **)(void *)((char *)base + k->at));
	else if (!given && k->required)
		problem(l, n ? n : map, "%s: is missing; %s", at, k->help);
	else if (given && k->kind == KEY_SECTION)
		read_keys(l, n, at, k->section, base);
	else if (given)
		read_value(l, n, at, k, base);
}

static void read_keys(struct loader *l, const struct node *map, const char *path, const struct section *s,
		      void *base)
{
	const struct node nothing = {.kind = NODE_MAP, .file = map->file, .line = map->line};

	if (map->kind != NODE_MAP && map->kind != NODE_NULL) {
		problem(l, map, "%s%sa map of keys (key: value) must stand here", path, *path ? ": " : "");
		return;
	}
	if (map->kind == NODE_NULL)
		map = &nothing;
	check_keys(l, map, path, s);
	for (const struct key *k = s->keys; k->name; k++)
		read_key(l, map, path, k, base);
}

void section_read(struct loader *l, const struct node *map, const char *path, const struct section *s,
		  void *base)
{
	read_defaults(l, s, base);
	if (map)
		read_keys(l, map, path, s, base);
}

void section_release(const struct section *s, void *base)
{
	for (const struct key *k = s->keys; k->name; k++) {
		char *at = (char *)base + k->at;

		switch (k->kind) {
		case KEY_TEXT:
		case KEY_PATH:
		case KEY_SECRET:
		case KEY_WORD:
			set_text((char **)(void *)at, NULL);
			break;
		case KEY_TEXTS:
			free_texts((char ***)(void *)at, (size_t *)(void *)((char *)base + k->also));
			break;
		case KEY_SECTION:
			section_release(k->section, base);
			break;
		default:
			break;
		}
	}
}

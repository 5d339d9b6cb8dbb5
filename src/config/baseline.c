// SPDX-License-Identifier: Apache-2.0
// What a stream is compared with: baseline: FILE, {previous: 7d} or {default: FILE, slices: {"K=V": FILE}}.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/read.h"
#include "util/xalloc.h"

int read_earlier(struct loader *l, const struct node *n, const char *path, int64_t *ms)
{
	if (read_duration(l, n, path, 60000, 0, ms) < 0)
		return -1;
	if (*ms % 60000) {
		problem(l, n, "%s: '%s' is not a whole number of minutes", path, n->text);
		return -1;
	}
	return 0;
}

bool slice_named(const struct stream_conf *s, const char *name)
{
	for (size_t i = 0; i < s->nslice_by; i++) {
		size_t len = strlen(s->slice_by[i]);

		if (strncmp(name, s->slice_by[i], len) != 0 || name[len] != '=')
			return false;
		name += strcspn(name, ",");
		name += *name == ',';
	}
	return s->nslice_by && !*name;
}

static char *read_file(struct loader *l, const struct node *n, const char *path)
{
	const char *name = read_text(l, n, path);
	char *file = name ? resolve_path(l, n, name) : NULL;

	if (file && !l->baselines_later && access(file, R_OK) < 0)
		problem(l, n, "%s: %s cannot be read; make it with `kdrift baseline`, or correct the name", path, file);
	return file;
}

static void read_slices(struct loader *l, const struct node *map, const char *path, struct stream_conf *s)
{
	char at[PATH_TEXT];

	if (map->kind != NODE_MAP || !map->n) {
		problem(l, map, "%s: a map of slices must stand here (\"region=eu\": eu.json)", path);
		return;
	}
	s->slice_baselines = xcalloc(map->n, sizeof *s->slice_baselines);
	for (size_t i = 0; i < map->n; i++) {
		struct slice_baseline *b = &s->slice_baselines[s->nslice_baselines++];

		child_path(at, sizeof at, path, map->keys[i]);
		b->slice = xstrdup(map->keys[i]);
		b->path = read_file(l, map->items[i], at);
		if (!slice_named(s, b->slice))
			problem(l, map->items[i], "%s: '%s' names no slice of the stream; write every key of its slice_by in order "
						  "(k=v,k2=v2)", path, b->slice);
	}
}

void read_baseline(struct loader *l, const struct node *n, const char *path, struct stream_conf *s)
{
	const struct node *previous = node_get(n, "previous"), *file = node_get(n, "default"), *slices = node_get(n, "slices");
	char at[PATH_TEXT];

	if (n->kind == NODE_SCALAR) {
		s->baseline = read_file(l, n, path);
	} else if (n->kind == NODE_MAP && previous && n->n == 1) {
		(void)read_earlier(l, previous, child_path(at, sizeof at, path, "previous"), &s->baseline_previous_ms);
	} else if (n->kind == NODE_MAP && file && n->n == 1 + (slices != NULL)) {
		s->baseline = read_file(l, file, child_path(at, sizeof at, path, "default"));
		if (slices)
			read_slices(l, slices, child_path(at, sizeof at, path, "slices"), s);
	} else {
		problem(l, n, "%s: write a file, {previous: 7d} or {default: FILE, slices: {\"K=V\": FILE}}", path);
	}
}

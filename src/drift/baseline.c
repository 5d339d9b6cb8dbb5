// SPDX-License-Identifier: Apache-2.0
#include "drift/baseline.h"

#include <stdlib.h>
#include <string.h>

#include "util/spill.h"

static void baseline_field_free(struct baseline_field *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->def.ncategories; i++)
		free(f->def.categories[i]);
	free(f->def.categories);
	free(f->def.path);
	grid_free((struct grid *)f->def.grid);
	free(f->coarse);
	if (f->chunks.cap)
		free(f->chunks.bytes);
	movement_free(f->movement);
	free(f);
}

void baseline_free(struct baseline *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->nfields; i++)
		baseline_field_free(b->fields[i]);
	free(b->fields);
	pane_free(b->total);
	json_decref(b->provenance);
	spill_free(b->chunks);
	free(b->stream);
	free(b);
}

void baseline_rest(const struct baseline *b)
{
	if (b)
		spill_forget(b->chunks);
}

static int path_order(const void *key, const void *field)
{
	return strcmp(key, (*(struct baseline_field *const *)field)->def.path);
}

const struct baseline_field *baseline_find(const struct baseline *b, const char *path)
{
	struct baseline_field **f = b->nfields ? bsearch(path, b->fields, b->nfields, sizeof *f, path_order) : NULL;

	return f ? *f : NULL;
}

const struct grid *baseline_grid(void *ctx, const char *path, const char *grid_id)
{
	const struct baseline_field *f = ctx ? baseline_find(ctx, path) : NULL;

	return f && f->def.grid && !strcmp(f->def.grid->id, grid_id) ? f->def.grid : NULL;
}

static const struct grid *grid_for(const struct baseline *b, const struct field_stats *f)
{
	const struct baseline_field *own = b ? baseline_find(b, f->path) : NULL;

	return own && own->def.type == FIELD_NUMERIC ? own->def.grid : NULL;
}

void baseline_keep_grids(const struct baseline *b, struct pane *p)
{
	for (size_t i = 0; i < p->nfields; i++) {
		struct field_stats *f = p->fields[i];

		if (f && f->type == FIELD_NUMERIC && (f->second || (f->nbins && field_has_log(f))))
			field_keep_grid(f, grid_for(b, f));
	}
}

bool baseline_same_grids(const struct baseline *a, const struct baseline *b)
{
	bool same = true;

	for (size_t i = 0; i < a->nfields; i++) {
		const struct grid *g = a->fields[i]->def.grid;
		const struct baseline_field *f = g ? baseline_find(b, a->fields[i]->def.path) : NULL;

		same &= !f || !f->def.grid || !strcmp(f->def.grid->id, g->id);
	}
	return same;
}

bool baseline_has_grids(const struct baseline *b, const struct pane *p)
{
	bool has = true;

	for (size_t i = 0; i < p->nfields; i++) {
		const struct field_stats *f = p->fields[i];
		const struct grid *g = f && f->type == FIELD_NUMERIC ? grid_for(b, f) : NULL;

		has &= !g || !f->count || field_has_grid(f, g);
	}
	return has;
}

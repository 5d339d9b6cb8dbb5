// SPDX-License-Identifier: Apache-2.0
// What one evaluation of the judge costs: the rules of a configuration over a window of panes of so many fields in so
// many partitions, read from a store in memory that holds encoded panes as Redis would. One thread; CPU seconds.
//
// usage: evaluate CONFIG FIELDS PARTITIONS SLICES RECORDS   RECORDS: of a pane of one partition, over all slices
//
// Of the fields every fourth is categorical (20 values), the others numeric on the 256 cuts of a baseline of 60,000
// rows over 60 hours; the stream is as its baseline. Prints "NAME NUMBER" lines.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <malloc.h>

#include "config/config.h"
#include "judge/judge.h"
#include "util/map.h"
#include "util/sort.h"
#include "util/xalloc.h"

enum { MINUTE = 60000, HOURS = 2, ROWS = 60000, WORDS = 20, POOL = 1 << 20, TIMED = 32, INTERVALS = HOURS * 60 + TIMED + 1 };

static const int64_t begin = 1800000000000 / (24 * 3600000LL) * (24 * 3600000LL);

static struct {
	size_t fields, partitions, slices, records;
	int64_t end; // intervals from begin to here are in the store
	struct buf *panes[INTERVALS]; // partitions * slices
	size_t pane_bytes;
	struct map docs;
	size_t commits;
} world;

static uint64_t state = 1;

static uint64_t bits(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 32;
}

static double unit(void)
{
	return (double)bits() * 0x1p-32;
}

// Drawing is most of what the bench does: from a pool, of which no value has a twin.
static double pool[2][POOL]; // normal, log-normal

static void fill_pool(void)
{
	for (size_t i = 0; i < POOL; i++) {
		pool[0][i] = sqrt(-2 * log(1 - unit())) * cos(6.283185307179586 * unit());
		pool[1][i] = exp(pool[0][i]);
	}
}

static bool is_categorical(size_t field)
{
	return field % 4 == 3;
}

static const char *word(void)
{
	static char words[WORDS][16];

	if (!*words[0])
		for (int i = 0; i < WORDS; i++)
			snprintf(words[i], sizeof words[i], "value-%d", i);
	return words[(int)(unit() * unit() * WORDS)];
}

static double number(size_t field)
{
	return pool[field % 2][bits() % POOL];
}

static struct baseline *make_baseline(void)
{
	struct baseline_builder *b = baseline_builder_new("bench", true);
	struct error err = ERROR_INIT;
	char(*paths)[32] = xcalloc(world.fields, sizeof *paths);

	for (size_t k = 0; k < world.fields; k++)
		snprintf(paths[k], sizeof *paths, "field_%04zu", k);
	for (int i = 0; i < ROWS; i++) {
		baseline_builder_row(b, begin - (int64_t)(ROWS - i) * 3600, 7);
		for (size_t k = 0; k < world.fields; k++) {
			const char *path = paths[k];
			if (is_categorical(k)) {
				const char *w = word();
				baseline_builder_text(b, path, FIELD_CATEGORICAL, w, strlen(w));
			} else {
				baseline_builder_number(b, path, FIELD_NUMERIC, number(k));
			}
		}
	}
	free(paths);
	struct baseline *made = baseline_builder_finish(b, json_object(), &err);
	if (!made) {
		fprintf(stderr, "evaluate: %s\n", err.text);
		exit(1);
	}
	return made;
}

static struct buf make_pane(const struct baseline *b, int64_t at)
{
	struct pane *p = pane_new();
	struct buf out = {0};

	size_t n = world.records / world.slices;
	double *x = xcalloc(n, sizeof *x);
	for (size_t r = 0; r < n; r++)
		pane_count_record(p, at + (int64_t)r, (int64_t)r, 7, true, false, false);
	for (size_t k = 0; k < b->nfields; k++) {
		struct field_stats *f = pane_field(p, k, &b->fields[k]->def);
		bool numeric = f->type == FIELD_NUMERIC;
		for (size_t r = 0; r < n; r++) {
			const char *w = numeric ? NULL : word();
			if (numeric)
				x[r] = number(k);
			else
				field_add_category(f, w, strlen(w));
		}
		if (numeric)
			field_add_numbers(f, x, n);
	}
	free(x);
	pane_encode(p, &out);
	pane_free(p);
	world.pane_bytes += out.len;
	return out;
}

// Nothing comes twice: a field is drawn anew for every pane, and stays as the baseline has it.
static void make_panes(const struct baseline *b)
{
	for (size_t i = 0; i < INTERVALS; i++) {
		world.panes[i] = xcalloc(world.partitions * world.slices, sizeof *world.panes[i]);
		for (size_t k = 0; k < world.partitions * world.slices; k++)
			world.panes[i][k] = make_pane(b, begin + (int64_t)i * MINUTE);
	}
}

// --- the store ------------------------------------------------------------------------------------------

static int on_view(void *ctx, const char *stream, struct stream_view *out, struct error *err)
{
	(void)ctx, (void)stream, (void)err;
	*out = (struct stream_view){.first_seen = begin, .nparts = world.partitions};
	out->parts = xcalloc(world.partitions, sizeof *out->parts);
	for (size_t i = 0; i < world.partitions; i++)
		out->parts[i] = (struct partition_view){.topic = xstrdup("bench"), .partition = (int32_t)i,
							.max_event = world.end, .max_untimed = INT64_MIN,
							.next = world.end / 1000, .end = -1, .owned = true};
	return 0;
}

static int on_intervals(void *ctx, const char *stream, int64_t from, int64_t to, struct interval_view **out, size_t *n,
			struct error *err)
{
	(void)ctx, (void)stream, (void)err;
	from = from < begin ? begin : (from + MINUTE - 1) / MINUTE * MINUTE;
	to = to > world.end ? world.end : to;
	*n = 0;
	*out = xcalloc(from < to ? (size_t)((to - from) / MINUTE + 1) : 1, sizeof **out);
	for (; from < to; from += MINUTE)
		(*out)[(*n)++] = (struct interval_view){.start = from, .writes = 1};
	return 0;
}

static int on_segments(void *ctx, const char *stream, const struct interval_view *iv, size_t n,
		       void (*each)(void *arg, const struct interval_view *of, const struct segment_view *s), void *arg,
		       struct error *err)
{
	(void)ctx, (void)stream, (void)err;
	for (size_t i = 0; i < n; i++)
		for (size_t p = 0; p < world.partitions; p++)
			for (size_t s = 0; s < world.slices; s++) {
				const struct buf *b = &world.panes[(iv[i].start - begin) / MINUTE][p * world.slices + s];
				char slice[32] = "";
				if (world.slices > 1)
					snprintf(slice, sizeof slice, "v=%04zu", s);
				each(arg, &iv[i],
				     &(struct segment_view){.slice = slice, .topic = "bench", .partition = (int32_t)p,
							    .bytes = b->data, .len = b->len});
			}
	return 0;
}

static int on_dirty(void *ctx, const char *stream, int64_t **out, size_t *n, struct error *err)
{
	(void)ctx, (void)stream, (void)err;
	*out = NULL;
	*n = 0;
	return 0;
}

static int on_docs(void *ctx, const char *table, void (*each)(void *arg, const char *key, const char *json), void *arg,
		   struct error *err)
{
	size_t len = strlen(table);

	(void)ctx, (void)err;
	for (struct map_entry *e = NULL; (e = map_next(&world.docs, e));)
		if (!strncmp(e->key, table, len) && e->key[len] == '/')
			each(arg, e->key + len + 1, e->value);
	return 0;
}

static int on_journal(void *ctx, int64_t from, int64_t to, void (*each)(void *arg, const char *json), void *arg,
		      struct error *err)
{
	(void)ctx, (void)from, (void)to, (void)each, (void)arg, (void)err;
	return 0;
}

static int on_commit(void *ctx, const struct judge_commit *c, struct error *err)
{
	(void)ctx, (void)err;
	for (size_t i = 0; i < c->ndocs; i++) {
		char *key = xasprintf("%s/%s", c->docs[i].table, c->docs[i].key);
		free(c->docs[i].json ? map_puts(&world.docs, key, xstrdup(c->docs[i].json)) : map_del(&world.docs, key, strlen(key)));
		free(key);
	}
	world.commits++;
	return 0;
}

static int on_floor(void *ctx, const char *stream, int64_t floor, struct error *err)
{
	(void)ctx, (void)stream, (void)floor, (void)err;
	return 0;
}

static uint64_t on_generation(void *ctx)
{
	(void)ctx;
	return 1;
}

static const struct judge_port port = {.view = on_view, .intervals = on_intervals, .segments = on_segments, .dirty = on_dirty,
				       .docs = on_docs, .journal = on_journal, .commit = on_commit, .set_floor = on_floor,
				       .generation = on_generation};

// --- measuring ------------------------------------------------------------------------------------------

static double ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double tick(struct judge *j)
{
	struct error err = ERROR_INIT;
	double began = ms();

	if (judge_tick(j, (struct wall_time){world.end + 31000}, &err)) {
		fprintf(stderr, "evaluate: %s\n", err.text);
		exit(1);
	}
	return ms() - began;
}

static double held_mib(void)
{
	struct mallinfo2 m = mallinfo2();

	return (double)(m.uordblks + m.hblkhd) / 0x1p20;
}

int main(int argc, char **argv)
{
	struct config_problems problems = {0};
	double t[TIMED], sum = 0, before;

	if (argc != 6) {
		fprintf(stderr, "usage: evaluate CONFIG FIELDS PARTITIONS SLICES RECORDS\n");
		return 2;
	}
	struct config *c = config_load(argv[1], &problems);
	if (!c) {
		for (size_t i = 0; i < problems.n; i++)
			fprintf(stderr, "%s:%d: %s\n", problems.items[i].file, problems.items[i].line, problems.items[i].text);
		return 1;
	}
	world.fields = strtoull(argv[2], NULL, 10);
	world.partitions = strtoull(argv[3], NULL, 10);
	world.slices = strtoull(argv[4], NULL, 10);
	world.records = strtoull(argv[5], NULL, 10);
	map_init(&world.docs);
	xalloc_lean(); // as `kdrift run` does
	fill_pool();
	before = held_mib();
	struct baseline *b = make_baseline();
	printf("baseline_mib %.1f\n", held_mib() - before);
	const struct stream_conf *s = &c->streams[0];
	struct judge_stream stream = {.name = "bench", .topic = "bench", .role = "features", .window_ms = s->window_ms,
				      .slide_ms = s->slide_ms, .lateness_ms = s->lateness_ms, .pane_ms = s->pane_ms,
				      .retention_ms = 30LL * 24 * 3600000, .max_slices = s->max_slices, .baseline = b};
	struct judge_conf conf = {.streams = &stream, .nstreams = 1, .rules = c->rules, .nrules = c->nrules, .config_path = argv[1]};
	make_panes(b);
	printf("pane_bytes_a_field %.1f\n",
	       (double)world.pane_bytes / (double)(INTERVALS * world.partitions * world.slices * world.fields));
	malloc_trim(0);
	before = held_mib();
	struct judge *j = judge_new(&conf, &port);
	world.end = begin + (int64_t)HOURS * 60 * MINUTE;
	double all = tick(j);
	printf("first_boundaries_ms %.1f\n", all);
	for (int i = 0; i < TIMED; i++) {
		world.end += MINUTE;
		sum += t[i] = tick(j);
	}
	printf("caches_mib %.1f\n", held_mib() - before);
	qsort(t, TIMED, sizeof *t, double_cmp);
	printf("warm_mean_ms %.2f\nwarm_median_ms %.2f\nwarm_worst_ms %.2f\n", sum / TIMED, t[TIMED / 2], t[TIMED - 1]);
	judge_free(j);
	j = judge_new(&conf, &port);
	world.end += MINUTE;
	printf("cold_ms %.1f\n", tick(j));
	printf("commits %zu\n", world.commits);
	judge_free(j);
	baseline_free(b);
	for (size_t i = 0; i < INTERVALS; i++) {
		for (size_t k = 0; k < world.partitions * world.slices; k++)
			buf_release(&world.panes[i][k]);
		free(world.panes[i]);
	}
	map_release(&world.docs, free);
	config_problems_release(&problems);
	config_free(c);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Very many slices: 2,000 model versions of 40 fields, on grids of 256 cuts and more.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "drift/baseline_make.h"
#include "play.h"

enum { SLICES = 2000, FIELDS = 40 };

static char by_version[] = "version", *slice_by[] = {by_version};

static char *text;     // of the schema
static size_t written; // bytes of segments

// Keeps nothing.
static enum store_result swallow(void *ctx, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
				 struct error *err)
{
	(void)ctx, (void)widths, (void)err;
	for (size_t i = 0; i < c->nmarks; i++)
		floors[i] = INT64_MIN;
	for (size_t i = 0; i < c->nsegments; i++)
		written += c->segments[i].len;
	return STORE_OK;
}

static void setup(void)
{
	struct buf b = BUF_INIT;
	struct error err = ERROR_INIT;

	play_stream();
	buf_adds(&b, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"version\",\"type\":\"string\"}");
	for (int i = 0; i < FIELDS; i++)
		buf_addf(&b, ",{\"name\":\"f%02d\",\"type\":\"double\"}", i);
	buf_adds(&b, "]}");
	played_schemas[1] = (struct played_schema){.text = text = buf_steal(&b), .subject = "topic-value"};
	struct baseline_builder *made = baseline_builder_new("play", false);
	for (int r = 0; r < 2000; r++) {
		baseline_builder_row(made, 0, 1);
		for (int i = 0; i < FIELDS; i++) {
			char path[8];
			snprintf(path, sizeof path, "f%02d", i);
			baseline_builder_number(made, path, FIELD_NUMERIC, sin(r * 7.0 + i));
		}
	}
	play.def.baseline = baseline_builder_finish(made, json_object(), &err);
	cr_assert(play.def.baseline, "%s", err.text);
	play.port.checkpoint = swallow;
	play.conf.slice_by = slice_by;
	play.conf.nslice_by = 1;
	play.conf.max_slices = SLICES;
	play_worker(0);
}

static void teardown(void)
{
	play_stop();
	free(text);
	baseline_free((struct baseline *)(uintptr_t)play.def.baseline);
}

static void put(int slice, int nth, int64_t ms)
{
	struct buf b = framed(1);
	char name[16];

	snprintf(name, sizeof name, "v%d", slice);
	avro_text(&b, name);
	for (int i = 0; i < FIELDS; i++)
		buf_f64(&b, sin(nth * 3.0 + slice + i));
	cr_assert(play_record((struct message){.value = (const uint8_t *)b.data, .len = b.len, .time.ms = ms}));
	buf_release(&b);
}

static double resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long all = 0, mine = 0;

	cr_assert(f && fscanf(f, "%ld %ld", &all, &mine) == 2);
	fclose(f);
	return (double)mine * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static void checkpoint(void)
{
	struct error err = ERROR_INIT;

	cr_assert_eq(part_checkpoint(play.part, &play.port, &err), STORE_OK);
}

static uint64_t overflowed(void)
{
	return play.stream.done.overflowed;
}

TestSuite(slices, .init = setup, .fini = teardown);

Test(slices, of_two_thousand_have_panes_of_their_own)
{
	double before = resident(), took, wrote;

	for (int k = 0; k < 10; k++)
		for (int s = 0; s < SLICES; s++)
			put(s, k, 60000);
	took = resident() - before;
	checkpoint();
	for (int k = 0; k < 10; k++)
		for (int s = 0; s < SLICES; s++)
			put(s, 10 + k, 60000);
	written = 0;
	checkpoint();
	wrote = (double)written / SLICES / FIELDS;
	printf("slices: %d of %d fields, 10 records each: %.1f MiB, 20 each: %.1f MiB, %.0f bytes a field written\n", SLICES,
	       FIELDS, took, resident() - before, wrote);
#ifndef __SANITIZE_ADDRESS__
	cr_expect_lt(resident() - before, 140, "%.1f MiB", resident() - before);
#endif
	cr_expect_eq(part_panes(play.part), SLICES);
	cr_expect_eq(overflowed(), 0);
	put(SLICES, 0, 60000);
	cr_expect_eq(part_panes(play.part), SLICES + 1);
	checkpoint();
	cr_expect_eq(overflowed(), 1);
	put(7, 0, 60000);
	put(SLICES - 1, 0, 60000);
	put(SLICES + 1, 0, 60000);
	put(SLICES, 0, 120000); // another minute has room again
	checkpoint();
	cr_expect_eq(overflowed(), 2);
	cr_expect_eq(part_panes(play.part), SLICES + 2);
}

// However many are open by right: what a checkpoint would not close asks for none.
Test(slices, of_several_open_minutes_do_not_crowd_but_those_of_closed_ones_do)
{
	play.conf.lateness_ms = 3600000;
	for (int m = 1; m <= 2; m++)
		for (int s = 0; s < SLICES; s++)
			put(s, m, m * 60000);
	cr_expect(part_is_crowded(play.part), "nobody knows yet");
	checkpoint();
	cr_expect_eq(part_panes(play.part), 2 * SLICES);
	for (int s = 0; s < SLICES; s++)
		put(s, 3, 180000);
	cr_expect_not(part_is_crowded(play.part));
	play.conf.lateness_ms = 0;
	put(0, 0, 240000);
	checkpoint();
	cr_expect_eq(part_panes(play.part), 1);
	int m = 4;
	while (!part_is_crowded(play.part)) {
		m++;
		cr_assert_lt(part_panes(play.part), 4096);
		for (int s = 0; s < 100; s++)
			put(s, m, m * 60000);
	}
	checkpoint();
	cr_expect_eq(part_panes(play.part), 100);
	const struct part_stream *s = play.part->streams[0];
	for (int k = 0; k < 100; k++) { // each is found where it moved to
		char name[32];
		put(k, 0, m * 60000);
		snprintf(name, sizeof name, "version=v%d", k);
		cr_assert_lt(s->last, s->npanes);
		cr_expect_str_eq(s->panes[s->last].slice, name);
		cr_expect_eq(s->panes[s->last].interval, m * 60000);
	}
	cr_expect_eq(part_panes(play.part), 100);
}

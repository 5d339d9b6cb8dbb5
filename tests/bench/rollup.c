// SPDX-License-Identifier: Apache-2.0
// What rolling up saves, on the Redis at URL: `fill` writes a month of panes, `roll` lets the judge roll them up, `read`
// merges the whole month as a judge that has just started does. Driven by rollup.py.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapters.h"
#include "judge/judge.h"
#include "judge/windows.h"
#include "util/clock.h"
#include "util/map.h"
#include "util/xalloc.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR, DAYS = 30, PARTS = 4, RECORDS = 100, BATCH = 240 };

static struct error err;

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, err.text);
	return 1;
}

static double uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(*state >> 11) / 9007199254740992.0;
}

// A number and a text of twenty values.
static void count(struct buf *out, int64_t at, int64_t offset, uint64_t *state)
{
	static char x[] = "amount", c[] = "country";
	const struct field_def number = {.path = x, .type = FIELD_NUMERIC}, text = {.path = c, .type = FIELD_CATEGORICAL};
	struct pane *p = pane_new();
	char word[16];

	for (int i = 0; i < RECORDS; i++) {
		pane_count_record(p, at + i * (MINUTE / RECORDS), offset + i, 7, true, false, false);
		field_add_number(pane_field(p, 0, &number), (double)(int)(uniform(state) * uniform(state) * 1e6) / 100);
		int n = snprintf(word, sizeof word, "v%02d", (int)(uniform(state) * uniform(state) * 20));
		field_add_category(pane_field(p, 1, &text), word, (size_t)n);
	}
	pane_encode(p, out);
	pane_free(p);
}

static int fill_partition(struct store *s, int32_t partition)
{
	static const int64_t width = MINUTE;
	struct segment_write w[BATCH];
	struct buf bytes[BATCH] = {0};
	uint64_t state = (uint64_t)partition + 1;
	struct claim claim;
	int64_t floor, next = 0;
	char nonce[STORE_NONCE + 1];

	if (store_claim(s, "topic", partition, &claim, &err))
		return -1;
	snprintf(nonce, sizeof nonce, "%s", claim.nonce);
	claim_release(&claim);
	for (int64_t at = 0; at < DAYS * (int64_t)DAY; at += BATCH * (int64_t)MINUTE) {
		int64_t newest = at + BATCH * (int64_t)MINUTE - 1, old = next;
		for (int i = 0; i < BATCH; i++, next += RECORDS) {
			buf_clear(&bytes[i]);
			count(&bytes[i], at + i * (int64_t)MINUTE, next, &state);
			w[i] = (struct segment_write){.stream = "s", .slice = "", .interval = at + i * (int64_t)MINUTE,
						      .n = (uint32_t)(next / RECORDS), .bytes = bytes[i].data, .len = bytes[i].len};
		}
		const struct stream_mark mark = {.stream = (char[]){"s"}, .max_event = newest, .max_untimed = INT64_MIN, .next = -1};
		const struct checkpoint cp = {.topic = "topic", .partition = partition, .nonce = nonce,
					      .expected_next = old ? old : -1, .next = next, .check_offset = -1, .end = -1,
					      .target = -1, .marks = &mark, .nmarks = 1, .segments = w, .nsegments = BATCH};
		if (store_checkpoint(s, &cp, &width, &floor, &err) != STORE_OK)
			return -1;
	}
	for (int i = 0; i < BATCH; i++)
		buf_release(&bytes[i]);
	return 0;
}

static int read_month(const struct judge_port *port)
{
	struct windows *w = windows_new(port, "s", MINUTE, HOUR, DAYS * (int64_t)DAY, NULL);
	struct mono_time begin = mono_now();
	struct buf bytes = BUF_INIT;
	struct merged m;

	if (windows_merge(w, 0, DAYS * (int64_t)DAY, &m, &err))
		return -1;
	double ms = (double)(mono_now().ns - begin.ns) / 1e6;
	pane_encode(m.total.pane, &bytes);
	printf("%.1f %llu %016llx\n", ms, (unsigned long long)m.total.pane->records,
	       (unsigned long long)hash_bytes(bytes.data, bytes.len));
	buf_release(&bytes);
	merged_release(&m);
	windows_free(w);
	return 0;
}

static int count_intervals(const struct judge_port *port, size_t widths[3])
{
	struct interval_view *iv;
	size_t n;

	memset(widths, 0, 3 * sizeof *widths);
	if (port->intervals(port->ctx, "s", INT64_MIN, INT64_MAX, &iv, &n, &err))
		return -1;
	for (size_t i = 0; i < n; i++)
		widths[iv[i].width == DAY ? 2 : iv[i].width == HOUR]++;
	free(iv);
	return 0;
}

// An hour that slides by an hour, and the month day by day.
static int roll(struct store *s, const struct judge_port *port)
{
	struct rule rules[] = {
		{.name = (char[]){"few"}, .stream = (char[]){"s"}, .has_below = true, .below = 1, .min_records = 1},
		{.name = (char[]){"month"}, .stream = (char[]){"s"}, .has_below = true, .below = 1, .over_ms = DAYS * (int64_t)DAY,
		 .every_ms = DAY},
	};
	const struct judge_stream stream = {.name = "s", .topic = "topic", .window_ms = HOUR, .slide_ms = HOUR, .pane_ms = MINUTE,
					    .retention_ms = 60 * (int64_t)DAY, .max_slices = 100};
	const struct judge_conf conf = {.streams = &stream, .nstreams = 1, .rules = rules, .nrules = 2, .clock_is_watermark = true};
	size_t now[3] = {0}, before[3] = {1};

	rules[0].measure = rules[1].measure = measure_find("records");
	if (store_lease(s, "bench", 600000, &err) != 1)
		return -1;
	store_set_lease(s, "bench");
	struct judge *j = judge_new(&conf, port);
	struct mono_time begin = mono_now();
	int passes = 0;
	while (memcmp(now, before, sizeof now) || judge_behind(j)) {
		memcpy(before, now, sizeof now);
		if (judge_tick(j, wall_now(), &err) || count_intervals(port, now))
			return -1;
		passes++;
	}
	printf("%zu %zu %zu %d %.1f\n", now[0], now[1], now[2], passes, (double)(mono_now().ns - begin.ns) / 1e9);
	judge_free(j);
	return 0;
}

int main(int argc, char **argv)
{
	const struct store_conf conf = {.url = argc == 3 ? argv[1] : "", .prefix = "b", .scope = "c/g", .timeout_ms = 60000,
					.max_panes = 1000000};
	struct store *s = store_new(&conf, &err);
	int rc = 0;

	if (!s)
		return fail("connect");
	const struct judge_port port = judge_port_of(s);
	if (!strcmp(argv[2], "fill"))
		for (int p = 0; p < PARTS && !rc; p++)
			rc = fill_partition(s, p);
	else
		rc = !strcmp(argv[2], "roll") ? roll(s, &port) : read_month(&port);
	store_free(s);
	return rc ? fail(argv[2]) : 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "cli/backtest.h"

#include <inttypes.h>
#include <string.h>

#include "util/clock.h"

static const json_t *page_of(const struct outcome_tier *t, const char *id)
{
	size_t at = (size_t)map_gets(&t->by_id, id);

	return at ? json_array_get(t->pages, at - 1) : NULL;
}

static void print_page(const json_t *p, const char *lead, FILE *out)
{
	const char *ends = json_get_str(p, "ends_at", NULL);

	fprintf(out, "%s%s on %s, from %s%s%s\n", lead, json_get_str(p, "alert", ""), json_get_str(p, "stream", ""),
		json_get_str(p, "starts_at", ""), ends ? " to " : ", still firing", ends ? ends : "");
	if (!ends)
		fprintf(out, "%s  %s\n", lead, json_get_str(p, "summary", ""));
}

// Digests one after the other that tell of the same pages are told together; n: how many.
static void print_message(const struct outcome_tier *t, const json_t *m, size_t n, const json_t *last, FILE *out)
{
	const json_t *pages = json_object_get(m, "pages"), *one = page_of(t, json_get_str(m, "id", ""));

	if (!pages) {
		fprintf(out, "  %s  %-8s %s on %s: %s\n", json_get_str(m, "at", ""), json_get_str(m, "status", ""),
			json_get_str(one, "alert", ""), json_get_str(one, "stream", ""), json_get_str(one, "summary", ""));
		return;
	}
	if (!json_array_size(pages))
		return;
	if (n > 1)
		fprintf(out, "  %s to %s  %zu digests, each of %zu page%s:", json_get_str(m, "at", ""), json_get_str(last, "at", ""), n,
			json_array_size(pages), json_array_size(pages) == 1 ? "" : "s");
	else
		fprintf(out, "  %s  a digest of %zu page%s:", json_get_str(m, "at", ""), json_array_size(pages),
			json_array_size(pages) == 1 ? "" : "s");
	for (size_t i = 0; i < json_array_size(pages); i++) {
		const json_t *p = page_of(t, json_string_value(json_array_get(pages, i)));
		fprintf(out, "%s %s on %s", i ? "," : "", json_get_str(p, "alert", ""), json_get_str(p, "stream", ""));
	}
	fputc('\n', out);
}

static size_t empty_digests(const struct outcome_tier *t)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(t->messages); i++) {
		const json_t *pages = json_object_get(json_array_get(t->messages, i), "pages");
		n += pages && !json_array_size(pages);
	}
	return n;
}

static void print_tier(const struct outcome_tier *t, const char *name, FILE *out)
{
	size_t sent = json_array_size(t->messages), pages = json_array_size(t->pages), empty = empty_digests(t);

	fprintf(out, "\n%s: %zu message%s, %zu page%s", name, sent, sent == 1 ? "" : "s", pages, pages == 1 ? "" : "s");
	if (empty)
		fprintf(out, "; %zu of the digests tell of none", empty);
	fputc('\n', out);
	for (size_t i = 0, n; i < sent; i += n) {
		n = outcome_same_digests(t, i);
		print_message(t, json_array_get(t->messages, i), n, json_array_get(t->messages, i + n - 1), out);
	}
	if (pages && strcmp(name, "immediate") != 0)
		fputs("  its pages:\n", out);
	for (size_t i = 0; i < pages && strcmp(name, "immediate") != 0; i++)
		print_page(json_array_get(t->pages, i), "    ", out);
}

static void print_runs(const json_t *runs, const char *word, FILE *out)
{
	for (size_t i = 0; i < json_array_size(runs); i++) {
		const json_t *r = json_array_get(runs, i);
		const char *slice = json_get_str(r, "slice", NULL);
		int64_t windows = json_get_int(r, "windows", 0);
		fprintf(out, "    %s %s on %s%s%s%s%s%s, %s to %s, %" PRId64 " window%s\n", word, json_get_str(r, "alert", ""),
			json_get_str(r, "stream", ""), json_object_get(r, "field") == json_null() ? "" : " ",
			json_get_str(r, "field", ""), slice ? " [" : "", slice ? slice : "", slice ? "]" : "",
			json_get_str(r, "from", ""), json_get_str(r, "to", ""), windows, windows == 1 ? "" : "s");
	}
}

void diff_print(const json_t *diff, FILE *out)
{
	fputs("\nagainst the present rules\n", out);
	for (int t = 0; t < TIERS; t++) {
		const json_t *d = json_object_get(diff, tier_names[t]), *m = json_object_get(d, "messages");
		const json_t *p = json_object_get(d, "pages");
		fprintf(out, "  %s: messages %" PRId64 " -> %" PRId64 ", pages %" PRId64 " -> %" PRId64 "\n", tier_names[t],
			json_get_int(m, "current", 0), json_get_int(m, "changed", 0), json_get_int(p, "current", 0),
			json_get_int(p, "changed", 0));
		print_runs(json_object_get(d, "new"), "fires newly:", out);
		print_runs(json_object_get(d, "gone"), "no longer:  ", out);
	}
}

void outcome_print(const struct outcome *o, const struct backtest *b, FILE *out)
{
	int64_t from, to;
	char first[40], last[40];

	if (!backtest_range(b, &from, &to)) {
		fputs("no record\n", out);
		return;
	}
	fprintf(out, "%" PRIu64 " records from %s to %s, %" PRIu64 " windows, %" PRIu64 " verdicts\n", backtest_records(b),
		time_format(from, first, sizeof first), time_format(to, last, sizeof last), o->windows, o->nverdicts);
	for (int t = 0; t < TIERS; t++)
		print_tier(&o->tiers[t], tier_names[t], out);
}

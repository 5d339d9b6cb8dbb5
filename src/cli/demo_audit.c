// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/demo.h"
#include "stats/violation.h"
#include "util/clock.h"
#include "util/xalloc.h"

struct audit {
	pthread_mutex_t lock;
	json_t *messages; // bodies, in order of arrival
	FILE *out;
	bool good;
};

struct audit *audit_new(void)
{
	struct audit *a = xcalloc(1, sizeof *a);

	pthread_mutex_init(&a->lock, NULL);
	a->messages = json_array();
	return a;
}

void audit_free(struct audit *a)
{
	if (!a)
		return;
	json_decref(a->messages);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void audit_message(void *audit, const json_t *message)
{
	struct audit *a = audit;

	pthread_mutex_lock(&a->lock);
	json_array_append(a->messages, (json_t *)message);
	pthread_mutex_unlock(&a->lock);
}

static int64_t sample(const char *metrics, const char *head)
{
	for (const char *p = metrics; (p = strstr(p, head)); p++)
		if (p == metrics || p[-1] == '\n')
			return (int64_t)strtod(p + strlen(head), NULL);
	return -1;
}

int64_t audit_records(const char *metrics, const char *stream)
{
	char head[200];

	snprintf(head, sizeof head, "kdrift_records_total{stream=\"%s\"} ", stream);
	return sample(metrics, head);
}

static void check(struct audit *a, bool ok, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void check(struct audit *a, bool ok, const char *fmt, ...)
{
	va_list ap;

	fprintf(a->out, "  %s  ", ok ? "ok  " : "FAIL");
	va_start(ap, fmt);
	vfprintf(a->out, fmt, ap);
	va_end(ap);
	fputc('\n', a->out);
	a->good = a->good && ok;
}

static void check_counts(struct audit *a, const struct replay *r, const char *metrics)
{
	for (int s = 0; s < REPLAY_STREAMS; s++) {
		const char *name = replay_topics[s].name;
		uint64_t in = replay_count(r, (enum replay_stream)s);
		int64_t counted = audit_records(metrics, name);
		check(a, counted == (int64_t)in, "%-18s %6" PRIu64 " records produced, %6" PRId64 " counted", name, in,
		      counted);
		for (int k = 0; k < VIOLATION_KINDS; k++) {
			bool broken = s == REPLAY_FEATURES && (k == VIOLATION_INCOMPATIBLE_SCHEMA || k == VIOLATION_WRONG_TYPE);
			int64_t put_in = broken ? (int64_t)replay_broken(r) : 0;
			char head[200];
			snprintf(head, sizeof head, "kdrift_violations_total{stream=\"%s\",kind=\"%s\"} ", name,
				 violation_table[k].name);
			int64_t found = sample(metrics, head);
			if (put_in || found > 0)
				check(a, found == put_in, "%-18s %6" PRId64 " violations %s put in, %" PRId64 " counted", name,
				      put_in, violation_table[k].name, found);
		}
	}
}

// Calls each for every page that was sent, alone or within a digest.
static void each_page(const struct audit *a, void (*each)(void *arg, const char *tier, const json_t *page), void *arg)
{
	json_t *message, *page;
	size_t i, k;

	json_array_foreach(a->messages, i, message)
	{
		const json_t *data = json_object_get(message, "data");
		const char *tier = json_get_str(data, "tier", "");
		if (strcmp(json_get_str(message, "type", ""), "kdrift.digest")) {
			each(arg, tier, data);
			continue;
		}
		json_array_foreach(json_object_get(data, "pages"), k, page)
			each(arg, tier, page);
	}
}

static int64_t ms_of(const char *text)
{
	int64_t ms = INT64_MIN;

	time_parse(text, &ms);
	return ms;
}

// How often an alert was told in a tier, and whether its start lies where it must.
struct tally {
	const char *tier, *alert, *stream;
	int64_t from, to;      // where it must start
	int firing, resolved, elsewhere;
};

static void tally_page(void *arg, const char *tier, const json_t *page)
{
	struct tally *t = arg;
	int64_t start = ms_of(json_get_str(page, "starts_at", ""));

	if (strcmp(tier, t->tier) || (t->alert && strcmp(json_get_str(page, "alert", ""), t->alert)) ||
	    (t->stream && strcmp(json_get_str(page, "stream", ""), t->stream)))
		return;
	if (start < t->from || start > t->to)
		t->elsewhere++;
	else if (!strcmp(json_get_str(page, "status", ""), "firing"))
		t->firing++;
	else
		t->resolved++;
}

static struct tally tally(const struct audit *a, const char *tier, const char *alert, const char *stream,
			  const struct replay_fault_info *fault)
{
	// Silence begins with the last record before it; a window that holds the fault may end up to two days later.
	struct tally t = {tier, alert, stream, fault ? ms_of(fault->from) - 3600000 : INT64_MIN,
			  fault ? ms_of(fault->to) + 2 * 86400000LL : INT64_MAX, 0, 0, 0};

	each_page(a, tally_page, &t);
	return t;
}

static void check_fault(struct audit *a, const char *tier, const char *alert, const char *stream,
			enum replay_fault fault, bool once)
{
	struct tally t = tally(a, tier, alert, stream, &replay_faults[fault]);

	check(a, t.firing && t.resolved == 1 && !t.elsewhere && (!once || t.firing == 1),
	      "%-9s  %s on %s: told firing %d times, resolved %d, outside of its fault %d", tier, alert, stream, t.firing,
	      t.resolved, t.elsewhere);
}

// The first window in which each of Victoria's columns drifted.
struct victoria {
	int64_t first[ELEC2_FEATURES]; // event ms of the window's end
};

static void note_victoria(void *arg, const char *tier, const json_t *page)
{
	struct victoria *v = arg;
	json_t *item;
	size_t i;

	if (strcmp(tier, "weekly") || strcmp(json_get_str(page, "status", ""), "firing") ||
	    strcmp(json_get_str(page, "stream", ""), replay_topics[REPLAY_FEATURES].name))
		return;
	json_array_foreach(json_object_get(page, "items"), i, item)
	{
		int64_t to = ms_of(json_get_str(json_object_get(item, "window"), "to", ""));
		for (size_t f = 0; f < ELEC2_FEATURES; f++)
			if (!strcmp(json_get_str(item, "field", ""), elec2_names[f]) && to < v->first[f])
				v->first[f] = to;
	}
}

static void check_drift(struct audit *a)
{
	static const char *const names[] = {"vicprice", "vicdemand", "transfer"};
	struct victoria v;
	int64_t begins = ms_of(replay_drift_begins);

	for (size_t f = 0; f < ELEC2_FEATURES; f++)
		v.first[f] = INT64_MAX;
	each_page(a, note_victoria, &v);
	for (size_t f = 0; f < ELEC2_FEATURES; f++)
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			char text[40] = "never", began[40];
			if (strcmp(elec2_names[f], names[i]))
				continue;
			if (v.first[f] != INT64_MAX)
				time_format(v.first[f], text, sizeof text);
			check(a, v.first[f] > begins && v.first[f] <= begins + 14 * 86400000LL,
			      "weekly     Drift of %s: first in the window that ends %s (it began %s)", names[i], text,
			      time_format(begins, began, sizeof began));
		}
}

static void check_silence(struct audit *a, const char *tier)
{
	const char *aa = replay_topics[REPLAY_AA].name;
	struct tally t = tally(a, tier, NULL, aa, NULL);

	check(a, !t.firing && !t.resolved, "%-9s  nothing on %s, whose two halves are alike: %d pages", tier, aa,
	      t.firing + t.resolved);
}

static void count_messages(struct audit *a)
{
	json_t *message;
	int n[3] = {0};
	size_t i;

	json_array_foreach(a->messages, i, message)
	{
		const char *tier = json_get_str(json_object_get(message, "data"), "tier", "");
		n[*tier == 'i' ? 0 : *tier == 'd' ? 1 : 2]++;
	}
	fprintf(a->out, "Told: %d immediate messages, %d daily and %d weekly digests.\n", n[0], n[1], n[2]);
}

bool audit_report(struct audit *a, const struct replay *r, const char *metrics, FILE *out)
{
	const char *features = replay_topics[REPLAY_FEATURES].name, *predictions = replay_topics[REPLAY_PREDICTIONS].name;

	pthread_mutex_lock(&a->lock);
	a->out = out;
	a->good = true;
	fprintf(out, "\nSummary\n");
	count_messages(a);
	check_counts(a, r, metrics);
	check_fault(a, "immediate", "IncompatibleSchema", features, FAULT_SCHEMA, true);
	check_fault(a, "immediate", "PredictionsStopped", predictions, FAULT_SILENCE, true);
	struct tally all = tally(a, "immediate", NULL, NULL, NULL);
	check(a, all.firing == 2, "immediate  nobody was woken for anything else: %d pages in all", all.firing);
	check_fault(a, "daily", "MissingValues", features, FAULT_MISSING, false);
	check_fault(a, "daily", "ConstantPredictions", predictions, FAULT_CONSTANT, false);
	check_drift(a);
	check_silence(a, "immediate");
	check_silence(a, "daily");
	check_silence(a, "weekly");
	fprintf(out, "%s\n", a->good ? "All as expected." : "NOT as expected.");
	pthread_mutex_unlock(&a->lock);
	return a->good;
}

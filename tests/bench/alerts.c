// SPDX-License-Identifier: Apache-2.0
// Alert quality on made-up streams: how often kdrift's own baseline, panes, measures and alert states fire while
// nothing changes, and how soon after a change. One field at a time, in event time, as fast as the machine goes.
//
// usage: alerts NAME=VALUE...
//   mode=false     a line `alarm FIELD TYPE RULE BOUNDARY VALUE MEMBER` for each firing, then `total ...`
//   mode=delay     a line `delay CHANGE STREAM RECORDS RULE MEMBER` (RECORDS -1: not in `limit` records)
//   kind=independent|ar1|seasonal   records=N (an hour)   seed=N   per_week=X (the budget of each rule)
//   fields=N (the stream's, for the budget)   slide=MINUTES
//   false: first=N last=N (the fields to run, of `fields`)   weeks=N
//   delay: streams=N   limit=RECORDS
// The baseline is the 256 hours before; the window is 1 h.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts_source.h"
#include "drift/baseline.h"
#include "drift/special.h"
#include "judge/alert.h"
#include "util/xalloc.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define WEEK (168 * HOUR)
#define PATH "x"

enum { BASELINE_HOURS = 256, BATCH = 4096, MAX_PANES = 64, WARM_HOURS = 3, CATEGORICAL_EVERY = 5 };

struct options {
	const char *mode;
	enum source_kind kind;
	double per_week, weeks;
	int64_t records, fields, first, last, streams, limit, slide;
	uint64_t seed;
};

// --- records ---------------------------------------------------------------------------------------------

static int64_t time_of(const struct source *s, int64_t record)
{
	return (int64_t)((double)record * (double)HOUR / (double)s->an_hour);
}

static int64_t record_at(const struct source *s, int64_t ms) // the first at or after; ms is whole minutes
{
	return (ms / MINUTE * s->an_hour + 59) / 60;
}

static struct baseline *make_baseline(struct source *s, bool categorical)
{
	struct baseline_builder *b = baseline_builder_new("bench", true);
	int64_t end = BASELINE_HOURS * s->an_hour;
	struct error err = {0};
	static double x[BATCH];
	static uint8_t c[BATCH];

	while (s->next < end) {
		int64_t from = s->next, n = end - from < BATCH ? end - from : BATCH;

		source_fill(s, x, (size_t)n);
		source_categories(s, from, x, (size_t)n, c);
		for (int64_t i = 0; i < n; i++) {
			baseline_builder_row(b, time_of(s, from + i), -1);
			if (categorical)
				baseline_builder_text(b, PATH, FIELD_CATEGORICAL, category_names[c[i]], 1);
			else
				baseline_builder_number(b, PATH, FIELD_NUMERIC, x[i]);
		}
	}
	struct baseline *out = baseline_builder_finish(b, NULL, &err);
	if (!out) {
		fprintf(stderr, "alerts: %s\n", err.text);
		exit(1);
	}
	return out;
}

static struct pane *make_pane(struct source *s, const struct field_def *def, int64_t from, int64_t to)
{
	struct pane *p = pane_new();
	struct field_stats *f = pane_field(p, 0, def);
	int64_t end = record_at(s, to), counts[CATEGORIES] = {0};
	static double x[BATCH];
	static uint8_t c[BATCH];

	p->records = p->decoded = (uint64_t)(end - record_at(s, from));
	p->min_event = from;
	p->max_event = to - 1;
	while (s->next < end) {
		int64_t first = s->next, n = end - first < BATCH ? end - first : BATCH;

		source_fill(s, x, (size_t)n);
		if (def->type == FIELD_NUMERIC) {
			field_add_numbers(f, x, (size_t)n);
			continue;
		}
		source_categories(s, first, x, (size_t)n, c);
		for (int64_t i = 0; i < n; i++)
			counts[c[i]]++;
	}
	for (size_t i = 0; i < CATEGORIES; i++)
		if (counts[i])
			field_add_category_times(f, category_names[i], 1, (uint64_t)counts[i]);
	return p;
}

// --- a sliding window ------------------------------------------------------------------------------------
// The newest `width` panes merged, in two merges a slide: `tail[i]` holds panes i.. of a full turn, `head` what came
// after it. Merging is associative to the last bit, so it is the window that the judge would merge.
struct window {
	size_t width, filled; // filled: of this turn
	struct pane *turn[MAX_PANES], *tail[MAX_PANES], *head;
};

static struct pane *merged(const struct pane *a, const struct pane *b)
{
	struct pane *p = pane_new();

	if (a)
		pane_merge(p, a);
	if (b)
		pane_merge(p, b);
	return p;
}

static void window_clear(struct window *w)
{
	for (size_t i = 0; i < MAX_PANES; i++) {
		pane_free(w->turn[i]);
		pane_free(w->tail[i]);
	}
	pane_free(w->head);
	*w = (struct window){.width = w->width};
}

// Takes the pane over.
static void window_push(struct window *w, struct pane *p)
{
	if (w->filled == w->width) {
		for (size_t i = w->width; i-- > 0;) {
			pane_free(w->tail[i]);
			w->tail[i] = merged(w->turn[i], i + 1 < w->width ? w->tail[i + 1] : NULL);
		}
		for (size_t i = 0; i < w->width; i++) {
			pane_free(w->turn[i]);
			w->turn[i] = NULL;
		}
		pane_free(w->head);
		w->head = NULL;
		w->filled = 0;
	}
	struct pane *head = merged(w->head, p);
	pane_free(w->head);
	w->head = head;
	w->turn[w->filled++] = p;
}

static struct pane *window_now(const struct window *w)
{
	return merged(w->filled < w->width ? w->tail[w->filled] : NULL, w->head);
}

// --- judging ---------------------------------------------------------------------------------------------

static const char *const measures[] = {"drift"};
enum { RULES = ARRAY_LEN(measures) };

struct judging {
	const struct baseline *baseline;
	const struct baseline_field *field;
	struct rule rules[RULES];
	struct alert_state states[RULES];
	struct window window;
	struct measure_value fired[RULES]; // the value of the newest firing
};

// The z at which a test fires with probability p: the budget's share of one field at one of the (at most 25 a
// window's length) evaluations.
static double threshold(const struct options *o)
{
	double evaluations = fmin(25, (double)HOUR / (double)o->slide) * (double)WEEK / (double)HOUR;

	return normal_isf(fmin(0.001, o->per_week / ((double)o->fields * evaluations)));
}

static void judging_init(struct judging *j, const struct options *o, const struct baseline *b)
{
	*j = (struct judging){.baseline = b, .field = baseline_find(b, PATH)};
	j->window.width = (size_t)(HOUR / o->slide);
	for (size_t i = 0; i < RULES; i++) {
		j->rules[i] = (struct rule){
			.measure = measure_find(measures[i]), .has_above = true, .above = threshold(o)};
		alert_init(&j->states[i]);
	}
}

// One boundary: which rules fire now, as bits.
static unsigned judge(struct judging *j, int64_t boundary)
{
	struct pane *now = window_now(&j->window);
	struct measure_input in = {
		.def = &j->field->def,
		.current = {now, now->fields[0]},
		.reference = {j->baseline->total, j->field->total},
		.baseline = j->field,
		.source = j->baseline,
		.window_ms = HOUR,
		.newest = {boundary},
	};
	unsigned fired = 0;

	for (size_t i = 0; i < RULES; i++) {
		struct measure_value v = measure_compute(j->rules[i].measure, &in);
		struct alert_step step = {
			.mode = ALERT_WINDOW,
			.truth = condition_eval(&j->rules[i], &v, j->states[i].firing),
			.why = v.state,
			.boundary = boundary,
			.at = boundary,
		};

		if (v.state != READING_KNOWN) {
			fprintf(stderr, "alerts: %s is unknown: %s\n", measures[i], reading_state_names[v.state]);
			exit(1);
		}
		if (alert_apply(&j->states[i], &step) == ALERT_FIRED) {
			j->fired[i] = v;
			fired |= 1u << i;
		}
	}
	pane_free(now);
	return fired;
}

// --- the two questions -----------------------------------------------------------------------------------

static void false_alarms(const struct options *o)
{
	int64_t start = BASELINE_HOURS * HOUR, end = start + (int64_t)(o->weeks * (double)WEEK), evaluations = 0;
	int64_t alarms[RULES] = {0};

	for (int64_t field = o->first; field < o->last; field++) {
		bool categorical = field % CATEGORICAL_EVERY == CATEGORICAL_EVERY - 1;
		struct source s;
		struct judging j;

		source_init(&s, o->kind, o->records,
			    source_seed(o->seed, (uint64_t)o->kind, (uint64_t)field));
		struct baseline *b = make_baseline(&s, categorical);
		judging_init(&j, o, b);
		for (int64_t t = start; t < end; t += o->slide) {
			window_push(&j.window, make_pane(&s, &j.field->def, t, t + o->slide));
			if (t + o->slide - start < HOUR)
				continue;
			unsigned fired = judge(&j, t + o->slide);
			evaluations++;
			for (size_t i = 0; i < RULES; i++) {
				if (!(fired >> i & 1))
					continue;
				alarms[i]++;
				printf("alarm\t%" PRId64 "\t%s\t%s\t%" PRId64 "\t%.3f\t%s\n", field,
				       field_type_name(j.field->def.type), measures[i], t + o->slide,
				       j.fired[i].value, j.fired[i].detail);
			}
		}
		window_clear(&j.window);
		baseline_free(b);
		fflush(stdout);
	}
	printf("total\tfields %" PRId64 "\tevaluations %" PRId64 "\tthreshold %.4f", o->last - o->first, evaluations,
	       threshold(o));
	for (size_t i = 0; i < RULES; i++)
		printf("\t%s %" PRId64, measures[i], alarms[i]);
	printf("\n");
}

static const struct {
	const char *name;
	enum source_change change;
	double size;
} changes[] = {
	{"shift 0.25", CHANGE_SHIFT, 0.25}, {"shift 0.5", CHANGE_SHIFT, 0.5}, {"shift 1", CHANGE_SHIFT, 1},
	{"variance 1.5", CHANGE_SCALE, 1.5}, {"ramp", CHANGE_RAMP, 1},	      {"category", CHANGE_CATEGORY, 0},
};

// Runs from WARM_HOURS before the change; false where an alarm came before it.
static bool delay(const struct options *o, struct source s, const struct baseline *b, const char *change,
		  int64_t stream)
{
	struct judging j;
	unsigned fired = 0, before = 0;
	int64_t from = time_of(&s, s.at) / HOUR * HOUR - WARM_HOURS * HOUR, t;
	static double x[BATCH];

	while (s.next < record_at(&s, from)) {
		int64_t n = record_at(&s, from) - s.next;
		source_fill(&s, x, (size_t)(n < BATCH ? n : BATCH));
	}
	judging_init(&j, o, b);
	for (t = from; !fired && !before && s.next - s.at < o->limit; t += o->slide) {
		window_push(&j.window, make_pane(&s, &j.field->def, t, t + o->slide));
		if (t + o->slide - from < HOUR)
			continue;
		unsigned now = judge(&j, t + o->slide);
		if (s.next > s.at)
			fired = now;
		else
			before = now;
	}
	for (size_t i = 0; i < RULES; i++)
		if (fired >> i & 1) {
			printf("delay\t%s\t%" PRId64 "\t%" PRId64 "\t%s\t%s\n", change, stream, s.next - s.at,
			       measures[i], j.fired[i].detail);
			break;
		}
	if (!fired && !before)
		printf("delay\t%s\t%" PRId64 "\t-1\t-\t-\n", change, stream);
	window_clear(&j.window);
	return !before;
}

// Every change to the same stream, at the same moment of it.
static void delays(const struct options *o)
{
	for (int64_t stream = 0; stream < o->streams; stream++) {
		struct source s[2]; // of numbers, of categories
		struct baseline *b[2];

		for (int i = 0; i < 2; i++) {
			source_init(&s[i], o->kind, o->records,
				    source_seed(o->seed, SOURCE_KINDS + (uint64_t)o->kind, (uint64_t)stream));
			b[i] = make_baseline(&s[i], i == 1);
			s[i].at = s[i].next + (WARM_HOURS + 1) * s[i].an_hour +
				  (int64_t)(source_random(&s[i]) % (uint64_t)(24 * s[i].an_hour));
		}
		for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
			struct source now = s[changes[i].change == CHANGE_CATEGORY];

			now.change = changes[i].change;
			now.size = changes[i].size;
			if (!delay(o, now, b[changes[i].change == CHANGE_CATEGORY], changes[i].name, stream))
				printf("early\t%s\t%" PRId64 "\n", changes[i].name, stream);
		}
		baseline_free(b[0]);
		baseline_free(b[1]);
		fflush(stdout);
	}
}

// --- options ---------------------------------------------------------------------------------------------

static unsigned named(const char *value, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(value, names[i]))
			return i;
	fprintf(stderr, "alerts: no such thing: %s\n", value);
	exit(2);
}

static const char *set(struct options *o, const char *name, const char *value)
{
	static const struct {
		const char *name;
		size_t at;
	} whole[] = {{"records", offsetof(struct options, records)}, {"fields", offsetof(struct options, fields)},
		     {"first", offsetof(struct options, first)},     {"last", offsetof(struct options, last)},
		     {"streams", offsetof(struct options, streams)}, {"limit", offsetof(struct options, limit)}},
	  real[] = {{"per_week", offsetof(struct options, per_week)},
		    {"weeks", offsetof(struct options, weeks)}};

	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		if (!strcmp(name, whole[i].name))
			return *(int64_t *)((char *)o + whole[i].at) = strtoll(value, NULL, 10), NULL;
	for (size_t i = 0; i < ARRAY_LEN(real); i++)
		if (!strcmp(name, real[i].name))
			return *(double *)((char *)o + real[i].at) = strtod(value, NULL), NULL;
	if (!strcmp(name, "mode"))
		o->mode = value;
	else if (!strcmp(name, "kind"))
		o->kind = named(value, source_kind_names, SOURCE_KINDS);
	else if (!strcmp(name, "seed"))
		o->seed = strtoull(value, NULL, 10);
	else if (!strcmp(name, "slide"))
		o->slide = strtoll(value, NULL, 10) * MINUTE;
	else
		return name;
	return NULL;
}

int main(int argc, char **argv)
{
	struct options o = {.mode = "", .records = 1000, .fields = 1000, .last = 1000, .streams = 20,
			    .limit = 100000, .slide = MINUTE, .seed = 1, .per_week = 1, .weeks = 8};

	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (value)
			*value++ = '\0';
		if (!value || set(&o, argv[i], value)) {
			fprintf(stderr, "alerts: what is %s?\n", argv[i]);
			return 2;
		}
	}
	if (o.slide < MINUTE || HOUR % o.slide || HOUR / o.slide > MAX_PANES || o.records < 1) {
		fprintf(stderr, "alerts: an hour must be a whole number of slides, each of whole minutes\n");
		return 2;
	}
	if (!strcmp(o.mode, "false"))
		false_alarms(&o);
	else if (!strcmp(o.mode, "delay"))
		delays(&o);
	else {
		fprintf(stderr, "alerts: mode=false or mode=delay\n");
		return 2;
	}
	return 0;
}

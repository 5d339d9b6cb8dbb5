// SPDX-License-Identifier: Apache-2.0
// Alert quality on made-up streams: how often kdrift's own baseline, panes, measures and alert states fire while
// nothing changes, and how soon after a change. One field at a time, in event time, as fast as the machine goes.
//
// usage: alerts NAME=VALUE...
//   mode=false     a line `alarm FIELD TYPE RULE BOUNDARY VALUE MEMBER` for each firing, then `total ...`
//   mode=delay     a line `delay CHANGE STREAM RECORDS RULE MEMBER` (RECORDS -1: not in `limit` records)
//   kind=independent|ar1|seasonal   records=N (an hour)   seed=N   fields=N (the stream's, for the budget)
//   drift=X glr=X (the budgets of the two rules, a week)   slide=MINUTES (of drift)   step=SECONDS (of glr)
//   first=N last=N (the fields of `fields`, or the streams, to run)   false: weeks=N   delay: limit=RECORDS
// The baseline is the 256 hours before. `drift` judges windows of 1 h each `slide` minutes, `glr` spans of up to 32 h that
// end at each step.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts_source.h"
#include "alerts_trail.h"
#include "drift/baseline.h"
#include "drift/history.h"
#include "drift/scan.h"
#include "drift/sides.h"
#include "drift/special.h"
#include "judge/alert.h"
#include "judge/threshold.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define WEEK (168 * HOUR)
#define PATH "x"

enum { BASELINE_HOURS = 256, BATCH = 4096, MAX_PANES = 64, WARM_HOURS = 34, CATEGORICAL_EVERY = 5 };

struct options {
	const char *mode;
	enum source_kind kind;
	double per_week[2], weeks;
	int64_t records, fields, first, last, limit, slide, step;
	uint64_t seed;
};

// --- records ---------------------------------------------------------------------------------------------

static int64_t time_of(const struct source *s, int64_t record)
{
	return (int64_t)((double)record * (double)HOUR / (double)s->an_hour);
}

static int64_t record_at(const struct source *s, int64_t ms) // the first at or after
{
	return (ms * s->an_hour + HOUR - 1) / HOUR;
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

// The records of [from, to): added to the pane, and their sums. coarse[i]: the baseline's bin of category i.
static struct slide_sums make_slide(struct source *s, struct pane *p, int64_t from, int64_t to, const size_t *coarse)
{
	struct field_stats *f = p->fields[0];
	struct slide_sums out = {.min = INFINITY, .max = -INFINITY};
	int64_t end = record_at(s, to), counts[CATEGORIES] = {0};
	static double x[BATCH];
	static uint8_t c[BATCH];

	p->records = p->decoded += (uint64_t)(end - s->next);
	p->min_event = p->min_event < from ? p->min_event : from;
	p->max_event = to - 1;
	out.count = (double)(end - s->next);
	while (s->next < end) {
		int64_t first = s->next, n = end - first < BATCH ? end - first : BATCH;

		source_fill(s, x, (size_t)n);
		if (f->type == FIELD_NUMERIC) {
			field_add_numbers(f, x, (size_t)n);
			for (int64_t i = 0; i < n; i++) {
				out.sum += x[i];
				out.squares += x[i] * x[i];
				out.min = x[i] < out.min ? x[i] : out.min;
				out.max = x[i] > out.max ? x[i] : out.max;
			}
			continue;
		}
		source_categories(s, first, x, (size_t)n, c);
		for (int64_t i = 0; i < n; i++)
			counts[c[i]]++;
	}
	for (size_t i = 0; i < CATEGORIES; i++) {
		if (counts[i])
			field_add_category_times(f, category_names[i], 1, (uint64_t)counts[i]);
		out.categories[coarse[i]] = (uint64_t)counts[i];
	}
	return out;
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

enum { DRIFT, GLR, RULES };
// While nothing changes, a value of `glr` up to CALM (limits are above 5) lets a span rest for a part of its length: its
// deviate, which may be 4 now and must be 6 to fire, moves by sqrt(2 / REST) meanwhile. If it is 6 at the end it was below
// 4 at the start with a probability under 1e-5, so fewer firings than that are missed.
#define CALM 3
enum { REST = 16 };
static const char *const measures[RULES] = {[DRIFT] = "drift", [GLR] = "glr"};
static const char *const scan_members[] = {"mean", "variance", "constant", "share"};

struct judging {
	const struct options *options;
	const struct baseline *baseline;
	const struct baseline_field *field;
	struct chunk_history *history;
	size_t coarse[CATEGORIES];
	struct rule rules[RULES];
	struct thresholds limits[RULES];
	struct alert_state states[RULES];
	struct window window;
	struct pane *open; // of `drift`, not yet a whole slide
	bool rests;
	struct trail trail;
	struct scan scan;
	int64_t lengths[SCAN_LENGTHS], due[SCAN_LENGTHS]; // due: the slide at which a length is looked at again
	size_t nlengths;
	struct {
		double value;
		const char *who;
		int64_t length;
	} fired[RULES]; // at the newest firing
};

// As the judge derives it from the rule's budget, for a stream of o->fields fields without slices.
static struct thresholds limits_of(const struct options *o, const struct rule *r, int64_t slide)
{
	const struct judge_stream stream = {.slide_ms = slide};
	const struct merged window = {.from = 0, .to = HOUR};
	const struct moment m = {
		.stream = &stream, .window = &window, .tests = budget_steady((uint64_t)o->fields)};

	return thresholds_of(r, &m, NULL);
}

static struct judging *judging_new(const struct options *o, const struct baseline *b, int64_t from)
{
	struct judging *j = xcalloc(1, sizeof *j);
	const struct category *top[BASELINE_BINS - 1];

	j->options = o;
	j->baseline = b;
	j->field = baseline_find(b, PATH);
	j->history = chunk_history_new(j->field, b, HOUR, true);
	j->window.width = (size_t)(HOUR / o->slide);
	for (size_t i = 0; i < RULES; i++) {
		j->rules[i] = (struct rule){.measure = measure_find(measures[i]), .budget = {o->per_week[i], WEEK}};
		j->limits[i] = limits_of(o, &j->rules[i], i == GLR ? o->step : o->slide);
		alert_init(&j->states[i]);
	}
	if (j->field->def.type == FIELD_CATEGORICAL)
		for (size_t i = 0, n = coarse_categories(j->field->total, top); i < n; i++)
			j->coarse[(size_t)(top[i]->value[0] - 'a')] = i;
	trail_init(&j->trail, from, o->step, j->field->def.type == FIELD_NUMERIC, j->field->total->min, j->field->total->max);
	j->nlengths = scan_lengths(o->step, SCAN_WINDOWS * HOUR, j->lengths);
	if (!scan_init(&j->scan, b, j->field)) {
		fprintf(stderr, "alerts: nothing to scan\n");
		exit(1);
	}
	scan_keep(&j->scan, CALM);
	return j;
}

static void judging_free(struct judging *j)
{
	window_clear(&j->window);
	pane_free(j->open);
	chunk_history_free(j->history);
	scan_release(&j->scan);
	free(j);
}

// One evaluation of a rule: did it fire?
static bool step(struct judging *j, size_t rule, const struct measure_value *v, int64_t boundary)
{
	const struct alert_step s = {
		.mode = ALERT_WINDOW,
		.truth = condition_eval(&j->limits[rule], v, j->states[rule].firing),
		.why = v->state,
		.boundary = boundary,
		.at = boundary,
	};

	if (v->state != READING_KNOWN) {
		fprintf(stderr, "alerts: %s is unknown: %s\n", measures[rule], reading_state_names[v->state]);
		exit(1);
	}
	if (alert_apply(&j->states[rule], &s) != ALERT_FIRED)
		return false;
	j->fired[rule].value = v->value;
	j->fired[rule].who = v->detail;
	return true;
}

static bool judge_drift(struct judging *j, int64_t boundary)
{
	struct pane *now = window_now(&j->window);
	const struct measure_input in = {
		.def = &j->field->def,
		.current = {now, now->fields[0]},
		.reference = {j->baseline->total, j->field->total},
		.baseline = j->field,
		.source = j->baseline,
		.history = j->history,
		.window_ms = HOUR,
		.window_to = boundary,
		.limit_p = normal_sf(j->limits[DRIFT].above),
		.newest = {boundary},
	};
	struct measure_value v = measure_compute(j->rules[DRIFT].measure, &in);

	pane_free(now);
	j->fired[DRIFT].length = HOUR;
	return step(j, DRIFT, &v, boundary);
}

static bool judge_glr(struct judging *j, int64_t boundary)
{
	struct span spans[SCAN_LENGTHS];
	struct scan_found found;
	size_t n = trail_spans(&j->trail, j->lengths, j->due, j->nlengths, spans);
	struct measure_value v = {.state = READING_KNOWN};

	v.value = scan_value(&j->scan, spans, n, j->options->step, &found);
	for (size_t i = 0; j->rests && v.value <= 0 && i < n; i++)
		if (spans[i].count)
			j->due[i] = j->trail.n + j->lengths[i] / j->options->step / REST;
	v.detail = scan_members[found.member];
	if (!step(j, GLR, &v, boundary))
		return false;
	j->fired[GLR].length = j->lengths[found.span];
	return true;
}

// The next step of the stream, from `at` on: which rules fire at its end, as bits.
static unsigned judge(struct judging *j, struct source *s, int64_t at, int64_t from)
{
	int64_t end = at + j->options->step;
	unsigned fired = 0;

	if (!j->open) {
		j->open = pane_new();
		pane_field(j->open, 0, &j->field->def);
	}
	struct slide_sums sums = make_slide(s, j->open, at, end, j->coarse);
	trail_push(&j->trail, &sums);
	if (end % j->options->slide == 0) {
		window_push(&j->window, j->open);
		j->open = NULL;
		if (end - from >= HOUR && judge_drift(j, end))
			fired |= 1u << DRIFT;
	}
	if (judge_glr(j, end))
		fired |= 1u << GLR;
	return fired;
}

// --- the two questions -----------------------------------------------------------------------------------

static void print_alarm(const struct judging *j, const char *what, size_t rule)
{
	char length[32];

	printf("%s\t%s\t%s\t%.3f\t%s\n", what, measures[rule], j->fired[rule].who, j->fired[rule].value,
	       duration_format(j->fired[rule].length, length, sizeof length));
}

static void false_alarms(const struct options *o)
{
	int64_t start = BASELINE_HOURS * HOUR, end = start + (int64_t)(o->weeks * 168) * HOUR, evaluations = 0;
	int64_t alarms[RULES] = {0};

	for (int64_t field = o->first; field < o->last; field++) {
		bool categorical = field % CATEGORICAL_EVERY == CATEGORICAL_EVERY - 1;
		struct source s;

		source_init(&s, o->kind, o->records,
			    source_seed(o->seed, (uint64_t)o->kind, (uint64_t)field));
		struct baseline *b = make_baseline(&s, categorical);
		struct judging *j = judging_new(o, b, start);

		j->rests = true;
		for (int64_t t = start; t < end; t += o->step) {
			unsigned fired = judge(j, &s, t, start);
			char what[64];

			evaluations++;
			for (size_t i = 0; i < RULES; i++) {
				if (!(fired >> i & 1))
					continue;
				alarms[i]++;
				snprintf(what, sizeof what, "alarm\t%" PRId64 "\t%s\t%" PRId64, field,
					 field_type_name(j->field->def.type), t + o->step);
				print_alarm(j, what, i);
			}
		}
		judging_free(j);
		baseline_free(b);
		fflush(stdout);
	}
	printf("total\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\n", o->last - o->first, evaluations,
	       alarms[DRIFT], alarms[GLR]);
}

static const struct {
	const char *name;
	enum source_change change;
	double size;
} changes[] = {
	{"shift 0.25", CHANGE_SHIFT, 0.25}, {"shift 0.5", CHANGE_SHIFT, 0.5}, {"shift 1", CHANGE_SHIFT, 1},
	{"variance 1.5", CHANGE_SCALE, 1.5}, {"ramp", CHANGE_RAMP, 1},	      {"category", CHANGE_CATEGORY, 0},
};

// Runs from WARM_HOURS before the change, an alarm before it is told as such.
static void delay(const struct options *o, struct source s, const struct baseline *b, const char *change,
		  int64_t stream)
{
	unsigned fired = 0;
	int64_t from = time_of(&s, s.at) / HOUR * HOUR - WARM_HOURS * HOUR, t;
	static double x[BATCH];
	char what[64];

	while (s.next < record_at(&s, from)) {
		int64_t n = record_at(&s, from) - s.next;
		source_fill(&s, x, (size_t)(n < BATCH ? n : BATCH));
	}
	struct judging *j = judging_new(o, b, from);
	for (t = from; !fired && s.next - s.at < o->limit; t += o->step)
		fired = judge(j, &s, t, from);
	snprintf(what, sizeof what, "%s\t%s\t%" PRId64 "\t%" PRId64, s.next > s.at ? "delay" : "early", change, stream,
		 fired ? s.next - s.at : -1);
	if (fired)
		print_alarm(j, what, fired >> GLR & 1 ? GLR : DRIFT);
	else
		printf("%s\n", what);
	judging_free(j);
}

// Every change to the same stream, at the same moment of it.
static void delays(const struct options *o)
{
	for (int64_t stream = o->first; stream < o->last; stream++) {
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
			delay(o, now, b[changes[i].change == CHANGE_CATEGORY], changes[i].name, stream);
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
		     {"limit", offsetof(struct options, limit)}},
	  real[] = {{"drift", offsetof(struct options, per_week[DRIFT])},
		    {"glr", offsetof(struct options, per_week[GLR])},
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
	else if (!strcmp(name, "step"))
		o->step = strtoll(value, NULL, 10) * SECOND;
	else
		return name;
	return NULL;
}

int main(int argc, char **argv)
{
	struct options o = {.mode = "", .records = 1000, .fields = 1000, .last = 20,
			    .limit = 100000, .slide = 5 * MINUTE, .step = MINUTE, .seed = 1, .per_week = {0.05, 0.95}, .weeks = 8};

	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (value)
			*value++ = '\0';
		if (!value || set(&o, argv[i], value)) {
			fprintf(stderr, "alerts: what is %s?\n", argv[i]);
			return 2;
		}
	}
	if (o.step < SECOND || o.slide < o.step || o.slide % o.step || HOUR % o.slide || HOUR / o.slide > MAX_PANES ||
	    SCAN_WINDOWS * HOUR / o.step >= TRAIL_SLIDES || o.records < 1) {
		fprintf(stderr, "alerts: an hour must be a whole number of slides, a slide of steps\n");
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

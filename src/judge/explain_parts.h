// SPDX-License-Identifier: Apache-2.0
// The parts of an explanation. Private to explain*.c.
#ifndef KD_JUDGE_EXPLAIN_PARTS_H
#define KD_JUDGE_EXPLAIN_PARTS_H
#include "judge/explain.h"
#include "judge/readings.h"
#include "judge/spans.h"

enum { EXPLAIN_LISTED = 20 }; // of categories, slices, partitions, events, at most

// A rule on a stream, as the judge saw it.
struct ground {
	const struct explain_conf *conf;
	const struct judge_stream *stream;
	struct rule rule;		  // borrows its texts
	int64_t length;			  // of its windows
	struct windows *windows, *others; // others: of the stream that it compares with, or NULL
	struct stream_view view;
	struct progress progress;
	struct version version;
	struct histories *histories;
	struct moving *moving; // or NULL
	struct spans *spans;   // or NULL; as of the scene that was made last
	int64_t reach;	       // how far before a boundary they look
	int64_t first;	       // where the data begin that the store still has
};

// One window of it.
struct scene {
	struct merged now, other;
	struct moment moment;
	struct field_list fields;
};

int ground_init(struct ground *g, const struct explain_conf *c, const struct judge_stream *s,
		const struct rule *r, int64_t length, struct error *err) MUST_CHECK;
void ground_release(struct ground *g);
// The window that ends there. Released by the caller, on failure too.
int scene_init(struct scene *s, struct ground *g, int64_t end, struct error *err) MUST_CHECK;
void scene_release(struct scene *s);
const struct field_def *scene_field(const struct scene *s, const char *path); // NULL if absent
// Another measure beside what the rule compares with; limit_p: as in struct measure_input.
struct measure_value scene_value(const struct scene *s, const struct rule *r, const struct measure *m, const struct field_def *def,
				 const char *slice, double limit_p);
bool ground_redacted(const struct ground *g, const char *path);

// {value, state, n_reference, n_current}: value null where state is not "known".
json_t *value_json(const struct measure_value *v);

// explain_item.c: since when, both distributions, what contributes, and who carries it. -1: the store is
// away. *before gets the end of the last window before it began; INT64_MIN: none is known.
int explain_item(struct ground *g, const struct scene *s, json_t *item, int64_t *before,
		 struct error *err) MUST_CHECK;

// explain_split.c: the measure in each slice, partition and schema id of the scene's window.
int explain_split(struct ground *g, const struct scene *s, const struct field_def *def, const char *slice,
		  json_t *item, struct error *err) MUST_CHECK;

// explain_around.c: what else is different from the window that ended at `before` (INT64_MIN: from the
// baseline alone).
int explain_around(struct ground *g, const struct scene *s, int64_t before, const json_t *items, json_t *out,
		   struct error *err) MUST_CHECK;
#endif

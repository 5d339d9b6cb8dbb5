// SPDX-License-Identifier: Apache-2.0
// The judge's memory. Everything in it that matters is a document in the store (tables "alert", "page",
// "mark", "fields", "digest"); after a failed commit it is dropped and loaded anew. Private to the judge room.
//
//     judge -> streams -> tracks -> groups -> alerts
//
// A group is one rule on one stream: its alerts share a page. A track is the groups of a stream that are
// judged at the same boundaries: those that look at the stream alone, and, for each other stream that rules
// compare with, those that must wait for that one too.
#ifndef KD_JUDGE_STATE_H
#define KD_JUDGE_STATE_H
#include <pthread.h>

#include "judge/alert.h"
#include "judge/batch.h"
#include "judge/judge.h"
#include "judge/moving.h"
#include "judge/readings.h"
#include "judge/rollup.h"
#include "judge/tz.h"
#include "judge/watermark.h"
#include "judge/windows.h"

#define TIME_NONE INT64_MIN

struct alert {
	char *field, *slice;
	struct alert_state state;
	struct measure_value last; // of the last evaluation
	struct thresholds limits;  // likewise
	uint64_t touched;          // the evaluation that last judged it
	char *follows;             // the page of the cause that explains it: it fires and has no page of its own
};

struct page {
	char *id;
	enum tier tier;
	bool firing, owed;         // owed: to be told at the end of the evaluation, with what follows from it
	int64_t told;              // the judge's clock at its last change of status
	json_t *data;
};

// Readings of one evaluation, for the status. The group holds it, and whatever status was taken while it did.
struct shown_list {
	unsigned holders;
	struct shown {
		struct reading v;  // field and slice are its own
		const char *state; // static
	} *items;
	size_t n, cap;
	size_t left_off;           // readings that did not fit
};

struct group {
	const struct rule *rule;
	struct stream_state *stream;
	struct map alerts;         // "field\037slice" -> struct alert: all that are not ok
	size_t nfiring;            // without those that follow from another group's
	struct page *page;         // while one of them fires; owned by judge.pages
	struct shown_list *shown;  // the last readings; NULL: none
	uint64_t evaluation;
};

struct totals {
	uint64_t records, violations[VIOLATION_KINDS];
};

struct track {
	struct stream_state *stream, *other; // other NULL: the stream alone
	char *key;                           // of its mark
	struct group **groups;
	size_t ngroups, capgroups;
	int64_t end;                         // the last boundary that was evaluated; TIME_NONE: none
	int64_t limit;                       // boundaries up to here can be evaluated now; TIME_NONE: none
	bool quiet;                          // nothing can change until a record comes
	bool cut;                            // at its last boundary a rule's window began before the data
	struct totals totals;                // of closed windows, ever (the stream's own track)
};

struct known_fields { // of a stream's closed windows
	struct map map;       // path -> struct known_field, private to fields.c
	bool begun;           // a whole window was seen
	int64_t counted_to;   // the end of the last window that counted in the fields' shares
	uint64_t changes;     // ever
	json_t *recent;       // the last of them, the newest last
};

struct stream_state {
	const struct judge_stream *conf; // &own
	struct judge_stream own;         // as configured, but with the baseline that is in force
	struct baseline_before {         // in force until the configured one can be taken to; NULL: that one is
		struct baseline *baseline;
		struct slice_reference *slices;
		size_t nslices;
		json_t *record;          // its document
		bool told;               // the journal has that it began
		int64_t both_since;      // about since when all is counted on both baselines' grids; TIME_NONE: not looked at
		int64_t broken;          // the end of the newest slide that was not; TIME_NONE: none was seen
	} *before;
	json_t *stored;                  // its document "baseline", while the others are loaded
	struct windows *windows;
	struct histories *histories;
	struct moving *moving;     // where it is compared with its own past; else NULL
	struct spans *spans;       // NULL: no rule looks at them
	struct stream_view view;
	struct progress progress;
	struct version version;
	struct known_fields known;
	bool changed;              // something was counted since the last pass
	int64_t eager_at;          // the newest event at the last eager evaluation; TIME_NONE: none yet
	int64_t since;             // the judge's clock when it first looked at the stream
	int64_t first;             // the oldest interval that windows may use; TIME_NONE: no data yet
	int64_t floor;
	int64_t unit;              // divides every distance between boundaries of its windows
	struct rolled rolled;
	int64_t reopened;          // the oldest late write to what was rolled up, INT64_MAX: none; looked at
	int64_t reopened_at;       // not before this, by the judge's clock
	int64_t lookback;          // how far before a boundary its rules look
	struct group **clock, **eager; // of all its groups
	struct group **causes;     // those of a rank, the highest first
	size_t nclock, capclock, neager, capeager, ncauses, capcauses;
	json_t *window;            // the last closed window, for the status
	json_t *fields;            // [{path, type}] that were judged in it; neither is changed once it is made
};

struct digest_state {
	struct tz *zone;           // NULL: no digest
	int64_t last;              // the last due instant; TIME_NONE: not begun
	json_t *totals;            // stream -> totals at that instant
};

struct judge {
	const struct judge_conf *conf;
	const struct judge_port *port;
	struct stream_state *streams;
	struct track *tracks;      // [i] for i < nstreams: the stream's own
	size_t ntracks, captracks;
	struct group **groups;
	size_t ngroups, capgroups;
	struct digest_state digests[TIERS];
	struct map pages;          // id -> struct page: firing, or still to be told in a digest
	struct batch batch;
	uint64_t generation, evaluation;
	bool loaded, behind;
	int64_t clock;             // the judge's, of this pass; TIME_NONE: no watermark yet
	int64_t shown_at;
	pthread_mutex_t lock;      // of status
	struct status *status;     // of the last pass; NULL: there was none
};

// group.c: one evaluation of one group.
struct evaluation {
	struct judge *judge;
	struct group *group;
	struct moment *moment;     // its tests are counted here
	enum alert_mode mode;
	int64_t boundary;          // event ms
	int64_t at;                // the judge's clock, for what is told
	bool show;                 // keep the readings for the status
	bool cut;                  // the window is not whole: the replay is told so, and that is all
	struct field_list *fields; // the window's, filled here or before; borrowed; NULL: there is no window
	// private
	json_t *fired, *ended;     // items
	json_t *still;             // of alerts that fire on, in the tiers of the digests
	int64_t started;
	struct reading *together;  // those of a rule whose limit is for all of them
	size_t ntogether, captogether;
	const char *slice;         // of all that fired, NULL where they differ
};
// Judges every slice and field of the moment's window (or the stream, by the clock) and tells what changed.
void group_evaluate(struct evaluation *e);
void group_clear(struct group *g);
void page_free(struct page *p);
// Ends a page: event, message, document.
void page_end(struct judge *j, struct page *p, int64_t ended, int64_t at, const char *why);
void page_store(struct judge *j, const struct page *p);

// Tells the stream's causes that are owed: the last act of an evaluation of its groups.
void causes_tell(struct judge *j, struct stream_state *s, int64_t at);

// cause.c
// The group whose page explains a reading whose condition is met; NULL: none. *follows: without the faults of
// writers' schemas it would not be met, whether that page still fires or not.
struct group *cause_of(const struct evaluation *e, const struct reading *v, bool *follows);
// One item of a page about writers' schemas; `old` (may be NULL) is that of before, whose schemas are kept.
json_t *cause_item(const struct evaluation *e, const struct reading *v, const json_t *old);
// Whether the window has a schema that the item does not name.
bool cause_spreads(const struct evaluation *e, const struct reading *v, const json_t *item);

// closed.c
enum { PASS_BOUNDARIES = 512 }; // judged a pass at most
enum { EAGER_BOUNDARIES = 16 }; // likewise, of open windows
int64_t rule_window(const struct rule *r, const struct judge_stream *s);
int64_t rule_earlier(const struct rule *r, const struct judge_stream *s);  // how much earlier it also looks
int64_t stream_boundary(const struct stream_state *s, int64_t ms);         // the last one at or before ms
struct moment moment_of(const struct judge *j, const struct stream_state *s, const struct merged *w);
// Judges what the tracks' limits allow, and tells the digests that are due. *any: something was done.
int judge_closed(struct judge *j, bool *any, struct error *err) MUST_CHECK;
int judge_eager(struct judge *j, struct stream_state *s, struct error *err) MUST_CHECK;
bool judge_eager_pending(const struct stream_state *s);

// docs.c
int state_load(struct judge *j, struct error *err) MUST_CHECK;
// Ends pages that fire in the store but whose rule or stream is configured no more.
void state_end_orphans(struct judge *j);
void state_drop(struct judge *j);
void mark_store(struct judge *j, const struct track *t);
void alert_store(struct judge *j, const struct group *g, const struct alert *a);

// version.c
void version_look(struct judge *j, struct stream_state *s);
void version_load(struct stream_state *s, const json_t *doc);
void version_drop(struct stream_state *s);

// fields.c
// What appeared and disappeared in a whole closed window of the stream's `window`, in the order of time.
void fields_look(struct judge *j, struct stream_state *s, const struct merged *w, int64_t at);
void fields_load(struct stream_state *s, const json_t *doc);
void fields_drop(struct stream_state *s);    // none are known
void fields_release(struct stream_state *s);
// Adds to a digest's line what changed since there had been `before` changes: appeared, disappeared.
void fields_digest(const struct stream_state *s, uint64_t before, json_t *out);
void fields_show(const struct stream_state *s, json_t *out); // the last few, for the status

// digest.c
// The instant after the last digest at which the next is due; TIME_NONE: none. By the wall clock the last such
// instant that has passed (one digest covers a gap); by the watermark the first, passed or not.
int64_t digest_due(const struct judge *j, enum tier t);
void digest_tell(struct judge *j, enum tier t, int64_t due, int64_t at);
void digest_begin(struct judge *j, enum tier t, int64_t at);
json_t *totals_json(const struct totals *t, const json_t *before); // {records, violations}, less those of `before`
void totals_parse(struct totals *t, const json_t *obj);

// status.c
void status_take(struct judge *j); // what judge_status tells from now on
void status_free(struct status *s);
void shown_release(struct shown_list *l); // by the judge's own thread
#endif

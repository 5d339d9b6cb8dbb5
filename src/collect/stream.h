// SPDX-License-Identifier: Apache-2.0
// Private to collect: what one worker knows of one stream, its plans by schema id and its table of fields.
// Nothing here is shared between threads.
#ifndef KD_COLLECT_STREAM_H
#define KD_COLLECT_STREAM_H
#include "collect/collect.h"
#include "kafka/consumer.h"
#include "schema/message.h"
#include "schema/plan.h"
#include "schema/subject.h"
#include "schema/wire.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/map.h"

enum plan_state {
	PLAN_READY,
	PLAN_PENDING,       // the registry has not answered yet
	PLAN_UNKNOWN,       // the registry denies the id
	PLAN_INVALID,       // it is there and cannot be compiled
	PLAN_UNSUPPORTED,   // it is sound, and uses what kdrift does not read
	PLAN_WRONG_SUBJECT,
	PLAN_MESSAGES,      // a Protobuf schema: each of its messages has an entry of its own
	PLAN_OTHER_RECORD,  // another record type than `record:` asks for: not this stream's
};

struct plan_entry {
	struct schema_ref ref;
	int32_t id;             // what the registry has behind ref; -1: not known, or none
	char *topic;
	struct message_path message;   // of a Protobuf schema's message; n 0: of the schema
	struct messages *messages;     // of PLAN_MESSAGES
	enum plan_state state;
	struct plan *plan;
	struct side *side;      // that it was compiled for
	struct wstream *owner;  // whose records these are: the stream itself, or the sub-stream of their type
	bool beyond;            // their type is past the bound: their values are not counted
	char **path;            // by plan slot, as the stream names it
	size_t *field;          // plan slot -> index in the stream's field table; SIZE_MAX: not counted
	size_t *past;           // plan slot -> its rule over several records (history.h), or SIZE_MAX
	size_t *slice_slot;     // nslice_by entries; SIZE_MAX: not a field of this writer
	bool incompatible;      // the contract cannot read it
	char why[240];          // of PLAN_INVALID, PLAN_UNSUPPORTED, of the contract
	struct mono_time again; // PLAN_UNKNOWN and PLAN_PENDING: ask anew from then on
};

struct wstream;

// What a stream reads of a record: its value, or its key. Rules have paths as the writers' schemas do.
struct side {
	struct wstream *stream;
	bool key;
	bool json; // a value without a frame is JSON
	enum framing framing;
	enum subject_naming naming;
	const struct registry_schema *schema; // of records that name none
	char *event_time;           // NULL: it has none
	struct field_rule *rules;
	size_t nrules;
	struct record_rule *record_rules; // own their texts
	size_t nrecord_rules;
	char **redact;              // of conf->redact those of this side
	size_t nredact;
	struct plan_entry **plans;
	size_t nplans, capplans;
	struct plan_entry *last;
};

struct wstream {
	const struct collect_stream *def;
	const struct stream_conf *conf;
	struct side value, key;     // key: where conf->has_key
	struct record_values key_values; // of the key in hand
	struct buf key_text;        // of a key that is a text: as Avro's
	bool key_not_null;
	struct field_def **fields;  // the table that panes are indexed by
	size_t nfields, capfields;
	const struct field_def **also; // of each that is counted like the baseline before, too; NULL: it is not
	struct before *before;      // that baseline's fields, and below it what panes in memory may still be on
	bool looked_before;
	struct map by_path;         // path 0 type -> index + 1
	struct wstream *parent;     // of a sub-stream; else NULL
	struct wstream **types;     // the sub-streams that this worker has met, where conf->by_record
	size_t ntypes, captypes;
	struct own_conf {
		struct collect_stream def;
		struct stream_conf conf;
	} *own;                     // of a sub-stream: its parent's but for the name
	struct collect_stream_stats done; // acknowledged
	size_t shown;               // where the worker shows it; SIZE_MAX: not yet
};

void wstream_init(struct wstream *s, const struct collect_stream *def);
void wstream_release(struct wstream *s);
// The table's index of a path of this type; the baseline's grid and categories come with it.
size_t wstream_field(struct wstream *s, const char *path, enum field_type type, bool in_elements);

// before.c: while the stream takes to a baseline on other grids, its fields are counted on those of the one before as well.
int wstream_look_before(struct wstream *s, const struct collect_port *port, struct error *err) MUST_CHECK;
void wstream_before_release(struct wstream *s);
// Those whose windows have passed since are counted on their own grids again.
void wstream_recheck_before(struct wstream *s, const struct collect_port *port);
// A field's statistics in a pane that may have none yet.
struct field_stats *wstream_pane_field(const struct wstream *s, struct pane *p, size_t i);
const struct field_def *before_field(const struct wstream *s, const struct field_def *d); // NULL: on the stream's own alone

// types.c: the sub-stream of a record type. -1: it cannot be told yet. *out NULL: there are too many types.
int wstream_type(struct wstream *parent, const struct collect_port *port, const char *record, struct wstream **out);
// The sub-stream of that name, which the store knows; NULL: it is none of the parent's.
struct wstream *wstream_type_named(struct wstream *parent, const char *name);

// rules.c: the rules of a side's plans, and what must not be shown.
void side_rules(struct side *s);
void side_rules_release(struct side *s);
// paths.c: between the paths of a writer's schema and those that the stream has in rules, statistics and pages.
char *side_path(const struct side *s, const char *shown); // NULL: it is the other side's; the caller frees
char *side_shown(const struct side *s, const struct plan *plan, const char *path);
// What names the record's schema and where its payload begins. -1: *why says what is wrong.
int side_frame(struct side *s, const struct message *m, struct frame *out, const char **why);
// plans.c: one entry a schema, or a message of it; where a stream spans topics one a topic too, since each has a subject of its
// own. Never NULL.
struct plan_entry *side_entry(struct side *s, const struct collect_port *port, const struct schema_ref *ref,
			      const struct message_path *message, const char *topic);
void side_plans_release(struct side *s);
bool side_serves(const struct side *s, const struct plan_entry *e, const struct schema_ref *ref, const char *topic);
// messages.c: the plan for a frame's schema on a topic; waits a moment for one that is being fetched. Moves the payload behind a
// Protobuf message's indexes. NULL: they name none, and *why says so.
struct plan_entry *side_plan(struct side *s, const struct collect_port *port, struct frame *frame, const char *topic,
			     const char **why);
// Walks a record by a plan that is PLAN_READY; one with fields that the plan does not know yet adds them to it.
void entry_walk(struct plan_entry *e, const uint8_t *bytes, size_t n, struct record_values *out);
// The subject that the record's schema must be registered under; "" where that is not asked or not known.
void side_subject(const struct side *s, const struct plan_entry *e, const char *topic, char out[SUBJECT_MAX]);
#endif

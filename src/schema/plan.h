// SPDX-License-Identifier: Apache-2.0
// A plan: a writer's schema compiled, of Avro to a flat list of opcodes that walks a record's bytes once, of JSON
// to a tree beside simdjson's tape (docs/json.md). It checks every bound, validates, and hands out the monitored
// fields. A plan is immutable but for plan_learn() and may be shared by threads; walking allocates nothing once a record_values has reached its size and patterns have been warmed up.
//
// A field's path joins record fields by dots; a top-level type that is no record is "value". The items of an
// array add "[]", the values of a map "{}" ("items[].price", "tags{}"): each gives a value, and what it lacks
// is missing once an element; elements that have no bytes (nulls, empty records) are not counted. An array outside of
// others that a rule calls a vector gives one value instead, all its numbers; an empty one is missing. The
// branches of a union share a path: a number among them makes the field numeric, else the first branch
// decides, and a value of a type that the field does not count is VALUE_OTHER. Inside the recursion of a
// record only what a rule names is handed out ("next.next.x").
#ifndef KD_SCHEMA_PLAN_H
#define KD_SCHEMA_PLAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/text.h"
#include "stats/field.h"
#include "stats/violation.h"
#include "util/buf.h"
#include "util/error.h"

enum value_kind {
	VALUE_NUMBER, // int, long, float, double, decimal; duration: milliseconds, a month being 30 days
	VALUE_STRING, // string, enum symbol, bytes, fixed, uuid: str/len point into the record or the plan
	VALUE_BOOL,   // num is 0 or 1
	VALUE_TIME,   // date, time-*, timestamp-*: num and ms; unix milliseconds (time of day for time-*)
	VALUE_VECTOR, // the numbers of an array of a field that counts as vector: vector/len
	VALUE_OTHER,  // present, of a type that the field does not count: nothing but the slot
};

struct value {
	uint32_t slot; // index into plan_field()
	enum value_kind kind;
	double num;
	int64_t ms;	 // VALUE_TIME
	bool whole;	 // VALUE_NUMBER of a `compared` field: an integer, and exactly ms
	const char *str; // VALUE_STRING: valid while the record's bytes, the plan and the record_values are, and nothing else is walked
	const double *vector; // VALUE_VECTOR: valid while nothing else is walked
	uint32_t len;
};

struct breach {
	enum violation_kind kind;
	int32_t slot;	  // -1: the whole record
	const char *why;  // in words, without payload, of the plan; NULL: record_values.detail says it
	const char *rule; // of VIOLATION_RULE: its name, of the plan; NULL
	bool schema;	  // the writer's schema is to blame: every record written with it has this breach
};

// What one record gave. Re-used from record to record; release frees its arrays. Values inside arrays and
// maps make it grow to some 100 bytes for each byte of the largest record.
struct cel_value;
struct record_values {
	struct value *values; // present, non-null values in writer order
	size_t nvalues, capvalues;
	struct breach *breaches; // at most one a kind and slot; of VIOLATION_RULE a rule's name and slot
	size_t nbreaches, capbreaches;
	uint64_t *elements; // by plan_slot.element: how many there were
	size_t nelements, capelements;
	uint32_t *broken; // by slot: the kinds among the breaches; of slots inside elements
	size_t capbroken;
	bool decoded; // false: no field values (breaches then holds exactly one, of a whole-record kind)
	bool has_event_time;
	int64_t event_ms;
	int64_t kafka_ms; // given, for `freshness`: when the record was written; 0: not known, nothing is stale
	char detail[160]; // the reason of the first breach, without payload; "" where there is none
	struct proto_scratch *proto; // of Protobuf records, whose texts lie in it
	double *numbers;  // of vectors
	size_t capnumbers;
	char *texts;	  // numbers written out, for categorical slots
	size_t captexts;
	bool unknown;		   // the record has fields that plan_learn() would add to the plan
	bool unlearned;		   // it has some that are past the bounds of what is learned
	struct json_scratch *json; // of JSON records
	struct cel_value *operands; // of rules (schema/rules.h)
	size_t capoperands;
	struct buf scratch;
};

void record_values_init(struct record_values *r);
void record_values_release(struct record_values *r);

// A rule on one field, one a path, from the stream's configuration. Nothing of it is needed after compiling.
// A required field that the writer's schema lacks is missing_field alone, not null besides. FIELD_NONE on a
// record's path ignores all below it that has no rule of its own.
struct field_rule {
	const char *path;
	enum field_type type; // FIELD_TYPES: by the schema; FIELD_NONE: ignore the field
	bool cast;     // `type` was asked for: a categorical field takes numbers and booleans, written out
	bool required; // named in `fields:`, the contract or the baseline: missing_field, wrong_type apply
	bool has_range;
	double range_min, range_max;
	char **allowed;
	size_t nallowed;
	const char *pattern; // as RE2 reads them; found anywhere in the text
	bool not_null;
	bool has_length; // characters of a text, bytes of what is none, elements of an array or a map
	uint64_t length_min, length_max;
	int64_t freshness_ms; // a date or timestamp older than this against the record's Kafka timestamp; 0: off
	bool compared;	      // with values of other records, by the caller: `whole` is set where it is
};

// A rule on a record, from the stream's configuration: an expression (schema/expr.h) over its fields, by their
// bare paths. One that asks for the value of a field that the writer's schema lacks is unsupported (not so of JSON, whose
// records may have it). A breach of it is told of `field`, else of the record.
struct record_rule {
	const char *name, *expr, *field; // field: a path, or NULL
};

struct avsc; // schema/avsc.h
struct plan_options {
	// Field path, not inside an array or a map, or NULL. A date or timestamp, a number (unix
	// milliseconds) or a text (RFC 3339, or milliseconds); null, unreadable or past the year 275760:
	// none.
	const char *event_time;
	const struct field_rule *rules;
	size_t nrules;
	const struct record_rule *record_rules;
	size_t nrecord_rules;
	bool one_of_types; // the rules are for several record types: a record rule on a field that this one lacks is left out
	bool all_fields; // true: also the fields that no rule names
	// A contract's schema, or NULL: a field that it knows under another name, by an alias of its own, has
	// the contract's path, unless a rule names the writer's.
	const struct avsc *reader;
	// Of paths below these nothing is kept or shown: categories become texts, which are kept as hashes.
	char *const *redact;
	size_t nredact;
};

struct plan;
struct plan_slot {
	char *path;
	enum field_type type; // what the field counts as; FIELD_NONE: a record, array or map, never a value
	bool in_writer;	      // false: required but absent in the writer's schema
	bool encrypted;	      // counted present, with its length; nothing else is said of it
	bool redacted;	      // no value of it may be shown or kept
	int32_t element;      // -1, or the elements it lies in: those without a value of it are missing
	int32_t part_of;      // -1, or the slot of the vector whose numbers these are: it has no values of its own
};

// A rule that the schema, its rule set or the configuration declares, for what it stands on.
struct plan_rule {
	char *name, *expr;
	char *path;	// of the field, or the record; "" is the whole
	bool supported; // false: it is not judged
	char *reason;	// why it is not
};

// Compiles a writer's schema. NULL with a reason for a schema that is none, that Avro C refuses or that is too deep.
struct plan *plan_compile(const struct schema_text *schema, const struct plan_options *opt, struct error *err)
    MUST_CHECK;
void plan_free(struct plan *p);
size_t plan_slots(const struct plan *p);
const struct plan_slot *plan_slot(const struct plan *p, size_t slot);
bool plan_opaque(const struct plan *p); // the rule set says that payloads are encrypted: there is nothing to walk
size_t plan_rules(const struct plan *p);
const struct plan_rule *plan_rule(const struct plan *p, size_t i);
const char *plan_record_name(const struct plan *p); // full name of the top-level type; "" for unnamed types
// JSON alone. Where the schema gives no type, as the schema {} of records without one does, fields are learned
// from records: up to 1000 of keys of up to 100 bytes, 32 objects and arrays deep, each of the type of its first
// value that is no null. Learns those of the record that was walked last, for which `unknown` was set. 0: the plan
// is another one, its slots as well, and the record is to be walked again. -1: it cannot be compiled any more, is
// as it was, and will learn no more.
int plan_learn(struct plan *p, const struct plan_options *opt, const struct record_values *r, struct error *err) MUST_CHECK;
bool plan_full(const struct plan *p); // it has learned as much as it may
// The keywords of a JSON Schema that are not checked: 'format "iri"'. Valid while the plan is.
size_t plan_unchecked(const struct plan *p, char ***out);
// Walks one payload (without framing). Always fills `out`; no I/O; never reads outside [p, p + n).
void plan_walk(const struct plan *p, const uint8_t *bytes, size_t n, struct record_values *out);
// A breach that the caller finds after the walk, of VIOLATION_UNIQUE or VIOLATION_MONOTONIC. `why` must outlive `out`.
void plan_breach(const struct plan *p, struct record_values *out, enum violation_kind kind, size_t slot, const char *why);
#endif

// SPDX-License-Identifier: Apache-2.0
// Inside a plan: the opcodes that plan_emit.c writes and plan_walk.c runs.
//
// The schema is unrolled: record fields follow one another, a union jumps to a branch, the items of an
// array or a map are a loop body of their own, and a slot gets at most one value a pass. A recursive record
// is a routine that is called, within which nothing is monitored. The bytes of everything unmonitored are
// still checked.
#ifndef KD_SCHEMA_OPS_H
#define KD_SCHEMA_OPS_H
#include "schema/avsc.h"
#include "schema/plan.h"
#include "schema/rules.h"
#include "util/map.h"
#include "util/re.h"

#define NO_SLOT UINT32_MAX

enum opcode {
	OP_END,	 // of the record, of a loop's body, of a routine
	OP_SKIP, // arg bytes
	OP_SKIP_INT,
	OP_SKIP_LONG,
	OP_SKIP_BOOL,
	OP_SKIP_ENUM, // arg symbols
	OP_SKIP_STRING,
	OP_SKIP_BYTES,
	OP_PLAIN_INT, // from here to OP_PLAIN_STRING: the slot arg gets the value as it is
	OP_PLAIN_LONG,
	OP_PLAIN_MILLIS, // a timestamp
	OP_PLAIN_FLOAT,
	OP_PLAIN_DOUBLE,
	OP_PLAIN_BOOL,
	OP_PLAIN_STRING,
	OP_PLAIN_ENUM, // its leaf has the slot; arg symbols
	OP_INT,	       // from here to OP_FIXED: a leaf, to be converted, dated or judged
	OP_LONG,
	OP_FLOAT,
	OP_DOUBLE,
	OP_BOOL,
	OP_ENUM,
	OP_STRING,
	OP_BYTES,
	OP_FIXED,    // arg bytes
	OP_NULLABLE, // a union of null and the type that follows; null goes on at arg
	OP_UNION,    // targets[arg] branches, then their opcodes' indices
	OP_JUMP,     // to arg
	OP_ARRAY,    // the body follows; goes on at arg
	OP_MAP,	     // the same
	OP_CALL,     // the routine at arg
	OP_OTHER,    // the slot arg is present with a type that it does not count
	OP_LENGTH,   // how many elements the loop before it had: judged by the checks of the slot arg
	OP_ABSENT,   // the slot arg must not be null and is
	OP_RESET,    // the operands of the group arg
	OP_JUDGE,    // the rules of the group arg
	OP_COUNTED,  // how many elements the loop before it had: the operand arg
};

struct op {
	uint32_t code;
	uint32_t arg;
	uint32_t leaf; // array, map: the element that is counted, or NO_SLOT: nothing inside is monitored
	union {
		uint32_t least; // array, map: the least bytes of an item
		uint32_t null;	// nullable: the index of null
	};
};

enum convert {
	AS_NUMBER,
	AS_STRING,
	AS_BOOL,
	AS_TIME,
	AS_TEXT, // a number, a boolean or a uuid of 16 bytes, written out
};

// What is judged of a slot's values.
struct checks {
	bool has_range, has_allowed, has_length;
	double min, max;
	struct map allowed; // texts
	double *numbers;    // those of them that are numbers
	size_t nnumbers;
	struct re *pattern; // NULL: none
	uint64_t least, most; // of the length
	int64_t freshness_ms; // 0: none
	bool compared;	      // as in its field_rule
	char *range_text, *allowed_text, *pattern_text, *length_text, *fresh_text; // the breach in words
};

struct leaf {
	uint32_t slot; // NO_SLOT: read for the event time alone
	enum convert convert;
	bool event_time;
	int64_t times, per;	     // milliseconds = value * times / per
	const struct checks *checks; // NULL: none
	const struct avsc_type *type;
	uint32_t *lengths; // enum: of each symbol
	uint8_t *breaks;   // enum: 1 allowed, 2 pattern, 4 length; NULL without checks
	bool raw;	   // bytes: no characters
	uint32_t operand;  // of rules, + 1; 0: none
};

struct json_plan; // schema/json_plan.h

struct plan {
	struct avsc *schema;
	struct json_plan *json; // of JSON records, which have no opcodes; NULL: not of them
	struct op *ops;
	const char **where; // by opcode: the path, for errors
	size_t nops, capops;
	uint32_t *targets;
	size_t ntargets, captargets;
	struct leaf *leaves;
	size_t nleaves, capleaves;
	struct plan_slot *slots;
	struct checks **checks; // by slot; NULL: none
	size_t nslots, capslots;
	size_t nelements;
	bool vectors;	      // a slot is part of one
	struct breach *always; // breaches of every record, which own their `why`
	size_t nalways, capalways;
	char *rule_set; // the registry's; NULL: none
	bool opaque;
	struct plan_rule *rules;
	size_t nrules, caprules;
	struct placed_rule *placed;
	size_t nplaced, capplaced;
	struct rule_group *groups;
	size_t ngroups, capgroups;
	size_t noperands;
	size_t ntexts;	  // leaves that write their value out
	struct map paths; // interned texts of `where`
	const struct proto *proto; // NULL: records are Avro's
	const struct proto_message *message;
	char *record_name;
};

#define TEXT_SIZE 40 // of one value written out
#endif

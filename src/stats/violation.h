// SPDX-License-Identifier: Apache-2.0
// The kinds of violation, one const table: the only place where a kind is registered.
#ifndef KD_STATS_VIOLATION_H
#define KD_STATS_VIOLATION_H
#include <stdbool.h>

enum violation_kind {
	VIOLATION_FRAMING,
	VIOLATION_UNKNOWN_SCHEMA,
	VIOLATION_WRONG_SUBJECT,
	VIOLATION_UNDECODABLE,
	VIOLATION_TRAILING_BYTES,
	VIOLATION_MISSING_FIELD,
	VIOLATION_WRONG_TYPE,
	VIOLATION_NULL,
	VIOLATION_RANGE,
	VIOLATION_ALLOWED,
	VIOLATION_PATTERN,
	VIOLATION_FUTURE_TIME,
	VIOLATION_STALE_TIME,
	VIOLATION_INCOMPATIBLE_SCHEMA,
	VIOLATION_LENGTH,
	VIOLATION_UNIQUE,
	VIOLATION_MONOTONIC,
	VIOLATION_FRESHNESS,
	VIOLATION_RULE,
	VIOLATION_KINDS
};

struct violation_info {
	const char *name, *help, *mend; // what happened; what to do about it
	bool whole_record;              // the record gives no field values (and has no other breach)
};

extern const struct violation_info violation_table[VIOLATION_KINDS];
enum violation_kind violation_parse(const char *name); // VIOLATION_KINDS if unknown
#endif

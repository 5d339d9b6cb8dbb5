// SPDX-License-Identifier: Apache-2.0
#include "stats/violation.h"

#include <string.h>

const struct violation_info violation_table[VIOLATION_KINDS] = {
	[VIOLATION_FRAMING] = {"framing", "the value does not begin with the registry's magic byte and a schema id",
			       "find the producer that writes without the registry's serializer", true},
	[VIOLATION_UNKNOWN_SCHEMA] = {"unknown_schema", "the registry says that this schema id does not exist",
				      "find the producer: it uses another registry, or its schema was deleted", true},
	[VIOLATION_WRONG_SUBJECT] = {"wrong_subject", "the schema is not registered under the topic's subject",
				     "find the producer: it writes another topic's records here", true},
	[VIOLATION_UNDECODABLE] = {"undecodable", "the bytes are not a record of the schema they name",
				   "compare the producer's schema with the one behind the id", true},
	[VIOLATION_TRAILING_BYTES] = {"trailing_bytes", "bytes are left over after the record",
				      "compare the producer's schema with the one behind the id", true},
	[VIOLATION_MISSING_FIELD] = {"missing_field", "the writer's schema lacks a field that is monitored",
				     "bring the field back, or take it out of the configuration", false},
	[VIOLATION_WRONG_TYPE] = {"wrong_type", "the writer's schema has the field in another type",
				  "restore the field's type in the producer's schema", false},
	[VIOLATION_NULL] = {"null", "a field that must have a value is null", "find what stopped filling the field",
			    false},
	[VIOLATION_RANGE] = {"range", "a number lies outside the configured range",
			     "look at the unit and the source of the field", false},
	[VIOLATION_ALLOWED] = {"allowed", "a value is not among those allowed",
			       "correct the producer, or allow the value", false},
	[VIOLATION_PATTERN] = {"pattern", "a text does not match the configured pattern",
			       "correct the producer, or the pattern", false},
	[VIOLATION_FUTURE_TIME] = {"future_time", "the event time lies in the future",
				   "look at the producer's clock and unit of time", false},
	[VIOLATION_STALE_TIME] = {"stale_time", "the event time is older than allowed",
				  "look for a stuck or replaying producer", false},
	[VIOLATION_INCOMPATIBLE_SCHEMA] = {"incompatible_schema",
					   "the writer's schema cannot be read with the contract's",
					   "roll the producer back, or agree on a new contract", false},
	[VIOLATION_LENGTH] = {"length", "a text, array or map is shorter or longer than configured",
			      "look for truncated or padded values at the producer", false},
	[VIOLATION_UNIQUE] = {"unique", "a value that must be unique came again within its window",
			      "look for a producer that sends twice, or a key that is not one", false},
	[VIOLATION_MONOTONIC] = {"monotonic", "a value that must not go back did",
				 "look for a reset counter or records out of order", false},
	[VIOLATION_FRESHNESS] = {"freshness", "a time in the record is older than configured",
				 "look for a stuck source behind the producer", false},
	[VIOLATION_RULE] = {"rule", "a named rule of the configuration or of the schema does not hold",
			    "read the rule behind the name; correct the producer, or the rule", false},
};

enum violation_kind violation_parse(const char *name)
{
	int i;

	for (i = 0; i < VIOLATION_KINDS; i++)
		if (!strcmp(violation_table[i].name, name))
			break;
	return (enum violation_kind)i;
}

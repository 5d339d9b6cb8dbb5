// SPDX-License-Identifier: Apache-2.0
// A contract: the Avro schema that a stream's readers rely on. Can a writer's data be read with it?
#ifndef KD_SCHEMA_CONTRACT_H
#define KD_SCHEMA_CONTRACT_H
#include <stddef.h>

#include "schema/compat.h"
#include "schema/text.h"
#include "stats/field.h"
#include "util/error.h"

struct contract;
struct contract *contract_load(const char *path, struct error *err) MUST_CHECK;
void contract_free(struct contract *c);
// Field paths of the contract with their types, as plan slots name them.
size_t contract_fields(const struct contract *c);
const char *contract_field(const struct contract *c, size_t i);
enum field_type contract_field_type(const struct contract *c, size_t i);
const struct avsc *contract_schema(const struct contract *c);
enum contract_verdict { CONTRACT_OK, CONTRACT_BREACH };
// Whether a writer's schema keeps the level with the contract (BACKWARD: the contract reads what it writes).
// Every writer's schema is asked, so that the transitive levels ask nothing more. Logical types are no
// obstacle, but for a decimal's scale: readers would take 12.50 for 1250. On a breach `why` gets the first
// reason with its path ("amount: reader field missing default value; and 2 more").
enum contract_verdict contract_check(const struct contract *c, enum compat_level level, const struct schema_text *writer,
				     char *why, size_t n);
#endif

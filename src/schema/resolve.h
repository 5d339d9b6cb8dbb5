// SPDX-License-Identifier: Apache-2.0
// Schema resolution (Avro specification, "Schema Resolution"): can data written with one schema be read with
// another, and if not, everything that is in the way. The rules and the names of the breaches are those of
// Java's SchemaCompatibility; where the specification leaves a choice, docs/contracts.md tells ours. Pure.
//
//     struct mismatches m = {0};
//     if (!avsc_resolve(writer, reader, &m))
//             printf("%s at %s\n", m.items[0].text, m.items[0].path);
//     mismatches_release(&m);
#ifndef KD_SCHEMA_RESOLVE_H
#define KD_SCHEMA_RESOLVE_H
#include <stdbool.h>
#include <stddef.h>

#include "schema/avsc.h"

enum mismatch_kind {
	MISMATCH_MISSING_DEFAULT,
	MISMATCH_TYPE,
	MISMATCH_ENUM_SYMBOLS,
	MISMATCH_UNION_BRANCH,
	MISMATCH_FIXED_SIZE,
	MISMATCH_NAME,
	MISMATCH_DECIMAL_SCALE, // ours: Java does not look at logical types
	MISMATCH_KINDS
};
extern const char *const mismatch_names[MISMATCH_KINDS]; // "READER_FIELD_MISSING_DEFAULT_VALUE", ...

struct mismatch {
	enum mismatch_kind kind;
	char *path; // of the reader's: "customer.tags[].name", "prices{}"; "" is the schema itself
	char *text; // "type mismatch (reader int, writer string)"
};

struct mismatches {
	struct mismatch *items;
	size_t n, cap;
	bool more;  // the list is full and there are others
};

// Whether all that `writer` can write is readable with `reader`. out gets every breach; NULL: only the verdict.
bool avsc_resolve(const struct avsc *writer, const struct avsc *reader, struct mismatches *out);
void mismatches_release(struct mismatches *m);
#endif

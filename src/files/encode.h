// SPDX-License-Identifier: Apache-2.0
// Rows as Avro records. A field takes the column of its path (a JSON line: the member of its name); where
// that is missing it becomes null if the schema allows, else the field's default, else an error. Of a union
// the first branch that the value fits. Dates and timestamps may be RFC 3339 or numbers in the schema's unit.
#ifndef KD_FILES_ENCODE_H
#define KD_FILES_ENCODE_H
#include "files/rows.h"
#include "util/buf.h"

struct encoder;
// For the rows of r, borrowed. -> NULL with err for what is no record schema, or where the schema wants a
// field that the file has not.
struct encoder *encoder_new(const char *schema, size_t len, const struct rows *r,
			    struct error *err) MUST_CHECK;
void encoder_free(struct encoder *e);
// Errors do not tell what stands in fields within these paths, which are borrowed.
void encoder_redact(struct encoder *e, char *const *paths, size_t n);
// Columns that the schema has no field for, joined by ", "; "" if there are none.
const char *encoder_unused(const struct encoder *e);
// Appends the record. On error nothing is appended; err names file, line and column, what stands there and
// what the schema wants.
int encoder_row(struct encoder *e, const struct row *row, struct buf *out, struct error *err) MUST_CHECK;
// A cell of the row as unix milliseconds: a number counts in the unit of the schema's type for that column;
// where that is no time, as cell_time. 0 or -1.
int encoder_time(const struct encoder *e, const struct cell *c, int64_t *ms);
#endif

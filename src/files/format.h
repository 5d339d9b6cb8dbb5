// SPDX-License-Identifier: Apache-2.0
// Private to files/: what a format reader gives to rows.c, one const table of formats (rows.c).
#ifndef KD_FILES_FORMAT_H
#define KD_FILES_FORMAT_H
#include "files/rows.h"
#include "util/buf.h"
#include "util/map.h"

// The columns of a file in order of first appearance.
struct column_list {
	struct column *items;
	size_t n, cap;
	struct map index; // path -> index + 1
};

void column_list_init(struct column_list *c);
void column_list_release(struct column_list *c);
int column_list_find(const struct column_list *c, const char *path);
// The column's index, added with `type` if new; -1 past ROWS_MAX_COLUMNS.
int column_list_add(struct column_list *c, const char *path, enum field_type type);

// A row under construction: cells with their text in one buffer. Texts move while it grows, so cells hold
// offsets until row_finish.
struct row_buf {
	struct row row;
	size_t cap;
	struct buf text;
	struct map elements; // path of an array or map -> 1 + how many elements they have had, in all rows
};

void row_begin(struct row_buf *b, uint64_t line);
struct cell *row_add(struct row_buf *b, uint32_t column, const char *text, size_t len);
void row_elements(struct row_buf *b, const char *path, size_t n); // path ends in [] or {}
void row_finish(struct row_buf *b); // sorts by column (keeping the order of repeated cells), sets text
void row_release(struct row_buf *b);

// A format: open infers all columns and leaves the reader at the first row.
struct format {
	const char *extension;
	void *(*open)(const char *path, struct column_list *columns, struct error *err);
	int (*next)(void *reader, const struct column_list *columns, struct row_buf *row, struct error *err);
	double (*progress)(void *reader);
	void (*close)(void *reader);
	const char *(*schema)(void *reader); // NULL: the format has none
};

// By the file's name; NULL with err where it has none of theirs or is not a regular file.
const struct format *format_of(const char *path, struct error *err) MUST_CHECK;
bool is_truth(const char *s, size_t n); // "true" or "false"

extern const struct format csv_format, jsonl_format, ndjson_format, avro_format;
#endif

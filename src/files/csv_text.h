// SPDX-License-Identifier: Apache-2.0
// CSV as RFC 4180 has it: rows of a file as bytes, and rows as cells. Private to files/.
//
// A row ends with LF or CR LF outside quotes, or with the file; a blank line is none. A quote is doubled
// inside a quoted cell and stands nowhere else. The bytes of a row are valid until the next one is asked
// for, and CSV_PAD bytes more can be read.
#ifndef KD_FILES_CSV_TEXT_H
#define KD_FILES_CSV_TEXT_H
#include "files/rows.h"
#include "util/buf.h"

enum { CSV_PAD = 64 };

struct csv_row {
	const char *p, *end; // end: at what is neither a digit nor a comma
	uint64_t line;	     // where it starts
	bool quoted;	     // a quote is in it
};

struct csv_cell {
	const char *s;
	size_t len;
};

struct csv_text {
	char *path;
	int fd;
	off_t size, read_off; // of the file; how much of it is in the buffer or behind
	char *data;
	size_t at, len, cap;
	bool eof;
	uint64_t line;		// of data[at]
	struct csv_cell *cells; // of the row that was split last
	size_t ncells, capcells;
	struct buf text; // of its quoted cells
};

int csv_text_open(struct csv_text *t, const char *path, struct error *err) MUST_CHECK;
int csv_text_rewind(struct csv_text *t, struct error *err) MUST_CHECK; // to the first row
void csv_text_close(struct csv_text *t);
double csv_text_progress(const struct csv_text *t);
// 1: a row; 0: the end.
int csv_text_next(struct csv_text *t, struct csv_row *row, struct error *err) MUST_CHECK;
// The row's cells, unquoted, into t->cells.
int csv_text_split(struct csv_text *t, const struct csv_row *row, struct error *err) MUST_CHECK;
// The first row as columns, all numeric as yet.
struct column_list;
int csv_text_header(struct csv_text *t, struct column_list *columns, struct error *err) MUST_CHECK;
// Where a row has not as many cells as the header: says so.
int csv_text_width(const struct csv_text *t, const struct csv_row *row, size_t cells, size_t want,
		   struct error *err);
#endif

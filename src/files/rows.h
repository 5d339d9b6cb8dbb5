// SPDX-License-Identifier: Apache-2.0
// Rows of a file, whatever its format: CSV (.csv), JSON Lines (.jsonl, .ndjson) or an Avro object container
// (.avro). A row is the list of its present cells; a column is a field path and its type over the whole
// file, so CSV and JSON Lines are read twice, in bounded memory: once for the types, once for the rows.
//
//     struct rows *r = rows_open("train.csv", err);
//     while ((got = rows_next(r, &row, err)) > 0)
//             for (size_t i = 0; i < row->ncells; i++)
//                     use(rows_column(r, row->cells[i].column)->path, &row->cells[i]);
//     rows_free(r);
//
// CSV: RFC 4180 with a header; a column all of whose cells are numbers is numeric, all of whose cells are
// `true` or `false` boolean, else categorical; an empty cell is missing, a blank line no row.
// JSON Lines: an object a line; nested objects give dotted paths, null and absent are missing. A column is
// numeric or boolean where all its values are, else categorical. Avro: types by the schema; date, time and
// timestamp are time. Elements of arrays are several cells of the column PATH[], those of an Avro map of PATH{}, as in
// a stream's fields; in JSON Lines a map is an object like others.
// Every error names file and line (Avro: row).
#ifndef KD_FILES_ROWS_H
#define KD_FILES_ROWS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/field.h"
#include "util/error.h"
#include "util/json.h"

enum {
	ROWS_MAX_COLUMNS = 4096,
	ROWS_MAX_ROW = 16 << 20, // bytes of one CSV row or JSON line
};

struct column {
	char *path;
	enum field_type type; // FIELD_NUMERIC, FIELD_CATEGORICAL, FIELD_BOOLEAN or FIELD_TIME
};

// Which members are set follows from the column's type: number (numeric), truth (boolean), ms (time).
struct cell {
	uint32_t column;
	const char *text; // NUL-terminated: the cell as it stands in CSV; the value's text elsewhere
	size_t len;
	double number; // may be NaN or infinite
	bool truth;
	int64_t ms; // unix ms; time of day for time-*
	bool other; // a value of another type than the column's (an Avro union): only text is set
};

struct row {
	uint64_t line;	    // where it starts, from 1; Avro: the number of the row, from 1
	struct cell *cells; // in order of column, missing ones left out
	size_t ncells;
	const json_t *document; // JSON Lines: the line as parsed; else NULL
	const char *text;       // and as it stands, with its end
	size_t len;
};

struct rows;
struct rows *rows_open(const char *path, struct error *err) MUST_CHECK;
void rows_free(struct rows *r);
const char *rows_path(const struct rows *r);
size_t rows_columns(const struct rows *r);
const struct column *rows_column(const struct rows *r, size_t i);
// The column of that path, or -1.
int rows_find(const struct rows *r, const char *path);
// 1 and a row that is valid until the next call, 0 at the end, -1 with err.
int rows_next(struct rows *r, const struct row **out, struct error *err) MUST_CHECK;
// The Avro schema that the file's rows were written with; NULL: it is no Avro file.
const char *rows_schema(const struct rows *r);
bool rows_are_json(const struct rows *r); // JSON Lines
// Of a path inside of arrays or maps, how many elements the innermost had in the rows so far. false: it is in none, or
// in none that has come.
bool rows_elements(const struct rows *r, const char *path, uint64_t *n);
// How much of the file has been read, 0..1.
double rows_progress(const struct rows *r);
// The row's cell of that column; NULL where it is missing.
const struct cell *row_cell(const struct row *row, int column);

// A decimal number (spaces around it allowed; nan, inf and infinity in any case; no hexadecimal). 0 or -1.
int number_parse(const char *s, size_t n, double *out);
// The cell as a point in time: a time column's, unix milliseconds, or RFC 3339. 0 or -1.
int cell_time(const struct rows *r, const struct cell *c, int64_t *ms);
// SHA-256 of the whole file in hex; hex >= 65 bytes.
int file_sha256(const char *path, char *hex, struct error *err) MUST_CHECK;
#endif

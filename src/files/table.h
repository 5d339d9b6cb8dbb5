// SPDX-License-Identifier: Apache-2.0
// A whole file in memory by columns, for what compares all its values: numbers as doubles, categories as
// counts of their texts. Types, paths, missing cells and errors are those of files/rows.h, but that a column
// without any value has no type (FIELD_NONE), and of a time only the number of values is kept. Each
// element of an array or a map is a value, as in rows.h.
//
// CSV has a reader of its own, which parses each cell once: a column starts as numbers and becomes texts if
// its first value is none; only where texts follow numbers the file is read again for that column.
#ifndef KD_FILES_TABLE_H
#define KD_FILES_TABLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "files/words.h"
#include "stats/field.h"
#include "util/error.h"

struct table_column {
	char *path;
	enum field_type type;
	uint64_t present;     // cells that are not missing
	uint64_t places;      // where there could be one: rows, or elements
	bool in_elements;
	uint64_t nan, inf;    // of numbers
	bool whole;           // numbers: a whole number in every place, written as one
	double *numbers;      // the finite ones, in order of the rows; -0 as 0
	size_t n, cap;
	int64_t *integers;    // the same exactly, where all are whole and one is past 2^53; else NULL
	size_t cap_integers;
	struct words words;   // of categories and booleans
};

struct table {
	char *path;
	uint64_t rows;
	struct table_column *columns;
	size_t ncolumns;
};

// Told now and then how much of the file has been read, 0..1. May be NULL.
typedef void table_progress(void *ctx, double share, uint64_t rows);

struct table *table_load(const char *path, table_progress *progress, void *ctx, struct error *err) MUST_CHECK;
// Reads those columns again as categories (of the number 1.50 the text is "1.50"). which: ncolumns flags.
int table_as_words(struct table *t, const bool *which, table_progress *progress, void *ctx,
		   struct error *err) MUST_CHECK;
void table_free(struct table *t);
// Of a column that the other file has and this one may lack: how many places there are for it.
uint64_t table_places(const struct table *t, const struct table_column *like);
struct table_column *table_find(const struct table *t, const char *path); // NULL if absent
#endif

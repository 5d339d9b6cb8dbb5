// SPDX-License-Identifier: Apache-2.0
// What a monitored field is: its path, its type and the grid or categories its values are counted on.
#ifndef KD_STATS_FIELD_H
#define KD_STATS_FIELD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum field_type {
	FIELD_NONE, // ignored
	FIELD_NUMERIC,
	FIELD_CATEGORICAL,
	FIELD_BOOLEAN, // categories "false" and "true"
	FIELD_TEXT,    // lengths and distinct count only
	FIELD_TIME,    // unix milliseconds: extremes and ages
	FIELD_VECTOR,  // the norm, and each dimension's sum
	FIELD_TYPES
};

// "numeric", "categorical", ...; field_type_parse gives FIELD_TYPES for an unknown name.
const char *field_type_name(enum field_type t);
enum field_type field_type_parse(const char *name);

// The path is `top` or lies below it: below "customer" are "customer.name", "customer[]", "customer{}.id".
static inline bool path_within(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !strncmp(path, top, n) && (!path[n] || strchr(".[{", path[n]));
}

// How much of the path names the innermost array or map that it lies in: "items[]" of "items[].price"; 0: it is in none.
static inline size_t path_elements(const char *path)
{
	size_t n = 0;

	for (size_t i = 0; path[i]; i++)
		if ((path[i] == '[' && path[i + 1] == ']') || (path[i] == '{' && path[i + 1] == '}'))
			n = i + 2;
	return n;
}

// Whether it lies within one of the n paths of a redaction list.
static inline bool path_redacted(const char *path, char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (path_within(path, list[i]))
			return true;
	return false;
}

struct grid; // stats/grid.h

// Immutable once published; owned by the stream's table (collect) or the baseline (judge).
struct field_def {
	char *path;
	enum field_type type;
	const struct grid *grid;   // numeric: the quantile grid, or NULL for the logarithmic grid
	char **categories;         // categorical: the baseline's own, each counted exactly; sorted
	size_t ncategories;
	size_t dims;               // vector: of how many numbers the baseline's are; 0: it is not known
	bool in_elements;          // inside an array or a map: each of their elements may have a value
};
#endif

// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "files/csv_text.h"
#include "files/format.h"
#include "util/xalloc.h"

static void csv_close(void *reader)
{
	struct csv_text *c = reader;

	csv_text_close(c);
	free(c);
}

// 1: a row of so many cells.
static int next_row(struct csv_text *c, struct csv_row *row, size_t columns, struct error *err)
{
	int got = csv_text_next(c, row, err);

	if (got <= 0)
		return got;
	if (csv_text_split(c, row, err) || csv_text_width(c, row, c->ncells, columns, err))
		return -1;
	return 1;
}

// The first pass: what all cells of each column are.
static int infer(struct csv_text *c, struct column_list *columns, struct error *err)
{
	bool *words = xcalloc(columns->n, sizeof *words), *numbers = xcalloc(columns->n, sizeof *numbers);
	bool *truths = xcalloc(columns->n, sizeof *truths);
	struct csv_row row;
	double x;
	int got;

	while ((got = next_row(c, &row, columns->n, err)) > 0)
		for (size_t i = 0; i < columns->n; i++) {
			const struct csv_cell *cell = &c->cells[i];

			if (!cell->len || words[i])
				continue;
			if (is_truth(cell->s, cell->len))
				truths[i] = true;
			else if (!number_parse(cell->s, cell->len, &x))
				numbers[i] = true;
			else
				words[i] = true;
		}
	for (size_t i = 0; i < columns->n; i++)
		if (words[i] || (numbers[i] && truths[i]))
			columns->items[i].type = FIELD_CATEGORICAL;
		else if (truths[i])
			columns->items[i].type = FIELD_BOOLEAN;
	free(words);
	free(numbers);
	free(truths);
	return got;
}

static void *csv_open(const char *path, struct column_list *columns, struct error *err)
{
	struct csv_text *c = xcalloc(1, sizeof *c);
	struct csv_row header;

	if (csv_text_open(c, path, err) || csv_text_header(c, columns, err) || infer(c, columns, err) ||
	    csv_text_rewind(c, err) || csv_text_next(c, &header, err) <= 0) {
		csv_close(c);
		return NULL;
	}
	return c;
}

static int csv_next(void *reader, const struct column_list *columns, struct row_buf *row, struct error *err)
{
	struct csv_text *c = reader;
	struct csv_row at;
	int got = next_row(c, &at, columns->n, err);

	if (got <= 0)
		return got;
	row_begin(row, at.line);
	for (size_t i = 0; i < columns->n; i++) {
		const char *s = c->cells[i].s;
		size_t len = c->cells[i].len;

		if (!len)
			continue;
		struct cell *cell = row_add(row, (uint32_t)i, s, len);
		if (columns->items[i].type == FIELD_NUMERIC && number_parse(s, len, &cell->number))
			return error_set(err, "%s:%llu: the file changed while it was read", c->path,
					 (unsigned long long)at.line);
		cell->truth = columns->items[i].type == FIELD_BOOLEAN && *s == 't';
	}
	return 1;
}

static double csv_progress(void *reader)
{
	return csv_text_progress(reader);
}

const struct format csv_format = {".csv", csv_open, csv_next, csv_progress, csv_close, NULL};

// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/format.h"
#include "util/xalloc.h"

struct csv {
	FILE *f;
	char *path;
	uint64_t line; // of the next character
	off_t size;
	struct buf text; // the cells of the row in hand, one after the other
	struct span {
		size_t at, len;
		bool quoted;
	} * cells;
	size_t ncells, capcells;
};

static int bad(struct csv *c, uint64_t line, const char *what, struct error *err)
{
	return error_set(err, "%s:%llu: %s", c->path, (unsigned long long)line, what);
}

static int next_char(struct csv *c)
{
	int ch = getc_unlocked(c->f);

	if (ch == '\n')
		c->line++;
	return ch;
}

// After a cell: what ends it. CR counts only before LF.
static int peek_is_lf(struct csv *c)
{
	int ch = getc_unlocked(c->f);

	if (ch != EOF)
		ungetc(ch, c->f);
	return ch == '\n';
}

// The rest of a quoted cell, the opening quote already read; returns what ended the cell.
static int quoted_cell(struct csv *c, uint64_t start, int *end, struct error *err)
{
	for (;;) {
		int ch = next_char(c);
		if (ch == EOF)
			return bad(c, start, "a quoted cell is not closed; add the closing quote", err);
		if (ch == '"') {
			ch = next_char(c);
			if (ch == '\r' && peek_is_lf(c))
				ch = next_char(c);
			if (ch == ',' || ch == '\n' || ch == EOF) {
				*end = ch;
				return 0;
			}
			if (ch != '"')
				return bad(c, c->line,
					   "text after a closing quote; double the quotes inside a "
					   "quoted cell",
					   err);
		}
		buf_addc(&c->text, (char)ch);
		if (c->text.len > ROWS_MAX_ROW)
			return bad(c, start, "a row is longer than 16 MiB; is a quote left open?", err);
	}
}

static int plain_cell(struct csv *c, int ch, int *end, struct error *err)
{
	for (;; ch = next_char(c)) {
		if (ch == '\r' && peek_is_lf(c))
			ch = next_char(c);
		if (ch == ',' || ch == '\n' || ch == EOF) {
			*end = ch;
			return 0;
		}
		if (ch == '"')
			return bad(c, c->line,
				   "a quote inside an unquoted cell; quote the whole cell and double "
				   "the quote",
				   err);
		buf_addc(&c->text, (char)ch);
		if (c->text.len > ROWS_MAX_ROW)
			return bad(c, c->line, "a row is longer than 16 MiB", err);
	}
}

// 1: a row is in c->cells; 0: the end. *line gets where it starts.
static int read_row(struct csv *c, uint64_t *line, struct error *err)
{
	do {
		int end = ',';
		*line = c->line;
		c->ncells = 0;
		buf_clear(&c->text);
		while (end == ',') {
			int ch = next_char(c);
			size_t at = c->text.len;
			if (ch == EOF && !c->ncells)
				return ferror(c->f) ? bad(c, c->line, strerror(errno), err) : 0;
			if (c->ncells == ROWS_MAX_COLUMNS)
				return bad(c, *line, "more than 4096 columns", err);
			if (ch == '"' ? quoted_cell(c, *line, &end, err) : plain_cell(c, ch, &end, err))
				return -1;
			GROW(c->cells, c->ncells, c->capcells);
			c->cells[c->ncells++] = (struct span){at, c->text.len - at, ch == '"'};
		}
	} while (c->ncells == 1 && !c->cells[0].len && !c->cells[0].quoted);
	return 1;
}

static void csv_close(void *reader)
{
	struct csv *c = reader;

	if (c->f)
		fclose(c->f);
	free(c->path);
	free(c->cells);
	buf_release(&c->text);
	free(c);
}

static void skip_bom(struct csv *c)
{
	unsigned char bom[3];

	rewind(c->f);
	if (fread(bom, 1, 3, c->f) != 3 || memcmp(bom, "\xef\xbb\xbf", 3))
		rewind(c->f);
	c->line = 1;
}

static int read_header(struct csv *c, struct column_list *columns, struct error *err)
{
	uint64_t line;
	int got = read_row(c, &line, err);

	if (got <= 0)
		return got ? -1
			   : error_set(err, "%s: empty; the first line of a CSV file names its columns",
				       c->path);
	for (size_t i = 0; i < c->ncells; i++) {
		char *name = xstrndup(c->text.data + c->cells[i].at, c->cells[i].len);
		if (!*name)
			error_set(err, "%s:%llu: column %zu has no name", c->path, (unsigned long long)line,
				  i + 1);
		else if (column_list_find(columns, name) >= 0)
			error_set(err, "%s:%llu: two columns are named \"%.100s\"", c->path,
				  (unsigned long long)line, name);
		else if (column_list_add(columns, name, FIELD_NUMERIC) >= 0) {
			free(name);
			continue;
		}
		free(name);
		return -1;
	}
	return 0;
}

static int check_width(struct csv *c, uint64_t line, size_t want, struct error *err)
{
	if (c->ncells == want)
		return 0;
	return error_set(err, "%s:%llu: %zu cells, but the header names %zu columns", c->path,
			 (unsigned long long)line, c->ncells, want);
}

static bool is_truth(const char *s, size_t n)
{
	return (n == 4 && !memcmp(s, "true", 4)) || (n == 5 && !memcmp(s, "false", 5));
}

// The first pass: what all cells of each column are.
static int infer(struct csv *c, struct column_list *columns, struct error *err)
{
	bool *words = xcalloc(columns->n, sizeof *words), *numbers = xcalloc(columns->n, sizeof *numbers);
	bool *truths = xcalloc(columns->n, sizeof *truths);
	uint64_t line;
	double x;
	int got;

	while ((got = read_row(c, &line, err)) > 0 && !(got = check_width(c, line, columns->n, err)))
		for (size_t i = 0; i < c->ncells; i++) {
			const char *s = c->text.data + c->cells[i].at;
			size_t n = c->cells[i].len;
			if (!n || words[i])
				continue;
			if (is_truth(s, n))
				truths[i] = true;
			else if (!number_parse(s, n, &x))
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
	struct csv *c = xcalloc(1, sizeof *c);
	uint64_t line;

	c->path = xstrdup(path);
	c->f = fopen(path, "re");
	if (!c->f) {
		error_set(err, "%s: %s", path, strerror(errno));
		goto fail;
	}
	fseeko(c->f, 0, SEEK_END);
	c->size = ftello(c->f);
	skip_bom(c);
	if (read_header(c, columns, err) || infer(c, columns, err))
		goto fail;
	skip_bom(c);
	if (read_row(c, &line, err) <= 0)
		goto fail;
	return c;
fail:
	csv_close(c);
	return NULL;
}

static int csv_next(void *reader, const struct column_list *columns, struct row_buf *row, struct error *err)
{
	struct csv *c = reader;
	uint64_t line;
	int got = read_row(c, &line, err);

	if (got <= 0)
		return got;
	if (check_width(c, line, columns->n, err))
		return -1;
	row_begin(row, line);
	for (size_t i = 0; i < c->ncells; i++) {
		if (!c->cells[i].len)
			continue;
		const char *s = c->text.data + c->cells[i].at;
		struct cell *cell = row_add(row, (uint32_t)i, s, c->cells[i].len);
		if (columns->items[i].type == FIELD_NUMERIC && number_parse(s, cell->len, &cell->number))
			return bad(c, line, "the file changed while it was read", err);
		cell->truth = columns->items[i].type == FIELD_BOOLEAN && *s == 't';
	}
	return 1;
}

static double csv_progress(void *reader)
{
	struct csv *c = reader;

	return c->size ? (double)ftello(c->f) / (double)c->size : 1;
}

const struct format csv_format = {".csv", csv_open, csv_next, csv_progress, csv_close};

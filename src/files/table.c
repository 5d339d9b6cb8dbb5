// SPDX-License-Identifier: Apache-2.0
#include "files/table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "files/csv_text.h"
#include "files/decimal.h"
#include "files/format.h"
#include "files/rows.h"
#include "util/xalloc.h"

enum { TELL_EVERY = 1 << 14 };

// How a column's cells are taken.
enum mode {
	TAKE_NUMBERS,
	TAKE_WORDS,
	TAKE_NOTHING, // count only
	TAKE_AGAIN,   // texts after numbers: in a second reading
};

struct loader {
	struct table *t;
	enum mode *modes;
	bool counting; // the first reading: what is there is counted
	table_progress *progress;
	void *ctx;
};

// From the first one past 2^53 on whole numbers are kept as such, too. What needs more than 64 bits is no
// longer one.
static void add_integer(struct table_column *c, const char *s, size_t n)
{
	char text[24];
	int64_t v;

	errno = 0;
	snprintf(text, sizeof text, "%.*s", (int)n, s);
	v = strtoll(text, NULL, 10);
	if (errno == ERANGE || n >= sizeof text) {
		c->whole = false;
		return;
	}
	if (!c->integers) {
		c->cap_integers = c->n + 8;
		c->integers = xmalloc(c->cap_integers * sizeof *c->integers);
		for (size_t i = 0; i < c->n; i++)
			c->integers[i] = (int64_t)c->numbers[i];
	}
	GROW(c->integers, c->n, c->cap_integers);
	c->integers[c->n] = v;
}

static bool is_large(const struct table_column *c, double x)
{
	return fabs(x) >= 0x1p53 || c->integers;
}

static void add_number(struct table_column *c, double x)
{
	if (isfinite(x)) {
		GROW(c->numbers, c->n, c->cap);
		c->numbers[c->n++] = x + 0.0;
	} else if (isnan(x)) {
		c->nan++;
	} else {
		c->inf++;
	}
}

static bool all_digits(const char *s, size_t n)
{
	size_t sign = n && (*s == '-' || *s == '+'), i = sign;

	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	return i == n && n > sign;
}

// A cell that is not missing.
static void add_text(struct loader *l, size_t column, const char *s, size_t n)
{
	struct table_column *c = &l->t->columns[column];
	enum mode *mode = &l->modes[column];
	double x;

	c->present += l->counting;
	if (*mode == TAKE_NUMBERS) {
		if (!number_parse(s, n, &x)) {
			c->whole &= all_digits(s, n);
			if (c->whole && is_large(c, x))
				add_integer(c, s, n);
			add_number(c, x);
			return;
		}
		*mode = c->n || c->nan || c->inf ? TAKE_AGAIN : TAKE_WORDS;
	}
	if (*mode == TAKE_WORDS)
		words_count(&c->words, s, n);
}

// Where a cell of a row without quotes ends: so many bytes behind p can be read as CSV_PAD says.
static inline const char *cell_end(const char *p, const char *end)
{
#ifdef __SSE2__
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
	unsigned commas = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(',')));

	if (commas) {
		p += __builtin_ctz(commas);
		return p < end ? p : end;
	}
#endif
	p = memchr(p, ',', (size_t)(end - p));
	return p ? p : end;
}

// A row without quotes, its numbers parsed where they stand. The next cell's place does not wait for this
// cell's number.
static size_t plain_row(struct loader *l, const struct csv_row *row)
{
	const char *p = row->p, *end = row->end;
	size_t column = 0, n = l->t->ncolumns;

	for (; column < n; column++) {
		struct table_column *c = &l->t->columns[column];
		const char *next = cell_end(p, end), *behind = p;
		bool whole;
		double x;

		if (l->modes[column] == TAKE_NUMBERS && decimal_read(&behind, &x, &whole) && behind == next &&
		    !(whole && is_large(c, x))) {
			c->present++;
			c->whole &= whole;
			GROW(c->numbers, c->n, c->cap);
			c->numbers[c->n++] = x + 0.0;
		} else if (next > p) {
			add_text(l, column, p, (size_t)(next - p));
		}
		if (next == end)
			return column + 1;
		p = next + 1;
	}
	for (column++; p < end; p++)
		column += *p == ',';
	return column;
}

static int read_csv(struct loader *l, struct csv_text *text, struct error *err)
{
	struct table *t = l->t;
	struct csv_row row;
	uint64_t rows = 0;
	size_t cells;
	int got;

	while ((got = csv_text_next(text, &row, err)) > 0) {
		if (row.quoted) {
			if (csv_text_split(text, &row, err))
				return -1;
			cells = text->ncells;
			for (size_t i = 0; i < cells && i < t->ncolumns; i++)
				if (text->cells[i].len)
					add_text(l, i, text->cells[i].s, text->cells[i].len);
		} else {
			cells = plain_row(l, &row);
		}
		if (csv_text_width(text, &row, cells, t->ncolumns, err))
			return -1;
		if (++rows % TELL_EVERY == 0 && l->progress)
			l->progress(l->ctx, csv_text_progress(text), rows);
	}
	t->rows = rows;
	for (size_t i = 0; i < t->ncolumns; i++)
		t->columns[i].places = rows;
	return got;
}

static void make_columns(struct loader *l, size_t n)
{
	l->t->columns = xcalloc(n, sizeof *l->t->columns);
	l->t->ncolumns = n;
	l->modes = xcalloc(n + 1, sizeof *l->modes);
	for (size_t i = 0; i < n; i++) {
		l->t->columns[i].whole = true;
		words_init(&l->t->columns[i].words);
	}
}

static int load_csv(struct loader *l, struct error *err)
{
	bool first = !l->t->columns;
	struct column_list names;
	struct csv_text text;
	int rc = -1;

	column_list_init(&names);
	if (csv_text_open(&text, l->t->path, err) || csv_text_header(&text, &names, err))
		goto out;
	if (first) {
		make_columns(l, names.n);
		for (size_t i = 0; i < names.n; i++)
			l->t->columns[i].path = xstrdup(names.items[i].path);
	} else if (names.n != l->t->ncolumns) {
		error_set(err, "%s: the file changed while it was read", l->t->path);
		goto out;
	}
	rc = read_csv(l, &text, err);
out:
	csv_text_close(&text);
	column_list_release(&names);
	return rc;
}

// JSON Lines and Avro: rows.h has found the types.
static void add_cell(struct loader *l, size_t at, const struct column *column, const struct cell *cell)
{
	struct table_column *c = &l->t->columns[at];

	if (l->modes[at] != TAKE_NUMBERS || cell->other) {
		add_text(l, at, cell->text, cell->len);
		return;
	}
	c->present += l->counting;
	if (column->type != FIELD_NUMERIC)
		return;
	c->whole &= all_digits(cell->text, cell->len);
	if (c->whole && is_large(c, cell->number))
		add_integer(c, cell->text, cell->len);
	add_number(c, cell->number);
}

static enum mode mode_of(enum field_type type)
{
	return type == FIELD_NUMERIC ? TAKE_NUMBERS : type == FIELD_TIME ? TAKE_NOTHING : TAKE_WORDS;
}

static int load_rows(struct loader *l, struct error *err)
{
	bool first = !l->t->columns;
	struct rows *r = rows_open(l->t->path, err);
	const struct row *row;
	uint64_t count = 0;
	size_t n;
	int got;

	if (!r)
		return -1;
	n = rows_columns(r);
	if (first)
		make_columns(l, n);
	for (size_t i = 0; first && i < n; i++) {
		l->t->columns[i].path = xstrdup(rows_column(r, i)->path);
		l->modes[i] = mode_of(rows_column(r, i)->type);
	}
	while ((got = rows_next(r, &row, err)) > 0) {
		for (size_t i = 0; i < row->ncells; i++) {
			uint32_t column = row->cells[i].column;

			if (column < l->t->ncolumns)
				add_cell(l, column, rows_column(r, column), &row->cells[i]);
		}
		if (++count % TELL_EVERY == 0 && l->progress)
			l->progress(l->ctx, rows_progress(r), count);
	}
	l->t->rows = count;
	for (size_t i = 0; i < n && i < l->t->ncolumns; i++) {
		struct table_column *c = &l->t->columns[i];
		c->in_elements = rows_elements(r, c->path, &c->places);
		c->places = c->in_elements ? c->places : count;
	}
	rows_free(r);
	return got;
}

static int load(struct loader *l, const struct format *f, struct error *err)
{
	return f == &csv_format ? load_csv(l, err) : load_rows(l, err);
}

static bool only_truths(const struct words *w)
{
	size_t i = 0;

	while (i < w->n && is_truth(w->items[i].s, w->items[i].len))
		i++;
	return i == w->n;
}

static void set_type(struct loader *l, size_t i)
{
	struct table_column *c = &l->t->columns[i];

	c->whole &= l->modes[i] == TAKE_NUMBERS && c->n == c->places;
	if (!c->whole) {
		free(c->integers);
		c->integers = NULL;
	}
	if (!c->present)
		c->type = FIELD_NONE;
	else if (l->modes[i] == TAKE_NOTHING)
		c->type = FIELD_TIME;
	else if (l->modes[i] == TAKE_NUMBERS)
		c->type = FIELD_NUMERIC;
	else
		c->type = c->words.n && only_truths(&c->words) ? FIELD_BOOLEAN : FIELD_CATEGORICAL;
}

int table_as_words(struct table *t, const bool *which, table_progress *progress, void *ctx, struct error *err)
{
	const struct format *f = format_of(t->path, err);
	struct loader l = {.t = t, .progress = progress, .ctx = ctx};
	uint64_t rows = t->rows;
	int rc;

	if (!f)
		return -1;
	l.modes = xcalloc(t->ncolumns + 1, sizeof *l.modes);
	for (size_t i = 0; i < t->ncolumns; i++) {
		struct table_column *c = &t->columns[i];

		l.modes[i] = which[i] ? TAKE_WORDS : TAKE_NOTHING;
		if (!which[i])
			continue;
		free(c->numbers);
		free(c->integers);
		words_release(&c->words);
		c->numbers = NULL;
		c->integers = NULL;
		c->n = c->cap = c->nan = c->inf = 0;
		c->whole = false;
		c->type = FIELD_CATEGORICAL;
	}
	rc = load(&l, f, err);
	free(l.modes);
	if (!rc && t->rows != rows)
		return error_set(err, "%s: the file changed while it was read", t->path);
	return rc;
}

struct table *table_load(const char *path, table_progress *progress, void *ctx, struct error *err)
{
	const struct format *f = format_of(path, err);
	struct loader l = {.counting = true, .progress = progress, .ctx = ctx};
	bool *again, any = false;
	int rc;

	if (!f)
		return NULL;
	l.t = xcalloc(1, sizeof *l.t);
	l.t->path = xstrdup(path);
	rc = load(&l, f, err);
	again = xcalloc(l.t->ncolumns + 1, sizeof *again);
	for (size_t i = 0; i < l.t->ncolumns && !rc; i++) {
		again[i] = l.modes[i] == TAKE_AGAIN;
		any |= again[i];
		set_type(&l, i);
	}
	free(l.modes);
	if (!rc && any)
		rc = table_as_words(l.t, again, progress, ctx, err);
	free(again);
	if (!rc)
		return l.t;
	table_free(l.t);
	return NULL;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->ncolumns; i++) {
		free(t->columns[i].path);
		free(t->columns[i].numbers);
		free(t->columns[i].integers);
		words_release(&t->columns[i].words);
	}
	free(t->columns);
	free(t->path);
	free(t);
}

struct table_column *table_find(const struct table *t, const char *path)
{
	for (size_t i = 0; i < t->ncolumns; i++)
		if (!strcmp(t->columns[i].path, path))
			return &t->columns[i];
	return NULL;
}

uint64_t table_places(const struct table *t, const struct table_column *like)
{
	size_t top = path_elements(like->path);

	if (!like->in_elements)
		return t->rows;
	for (size_t i = 0; i < t->ncolumns; i++) {
		const struct table_column *c = &t->columns[i];
		if (c->in_elements && path_elements(c->path) == top && !strncmp(c->path, like->path, top))
			return c->places;
	}
	return 0;
}

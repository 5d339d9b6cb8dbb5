// SPDX-License-Identifier: Apache-2.0
#include "files/rows.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/format.h"
#include "util/clock.h"
#include "util/digest.h"
#include "util/xalloc.h"

static const struct format *const formats[] = {&csv_format, &jsonl_format, &ndjson_format, &avro_format};

struct rows {
	char *path;
	const struct format *format;
	void *reader;
	struct column_list columns;
	struct row_buf row;
};

void column_list_init(struct column_list *c)
{
	*c = (struct column_list){0};
	map_init(&c->index);
}

void column_list_release(struct column_list *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->items[i].path);
	free(c->items);
	map_release(&c->index, NULL);
}

int column_list_find(const struct column_list *c, const char *path)
{
	return (int)(intptr_t)map_gets(&c->index, path) - 1;
}

int column_list_add(struct column_list *c, const char *path, enum field_type type)
{
	int i = column_list_find(c, path);

	if (i >= 0)
		return i;
	if (c->n == ROWS_MAX_COLUMNS)
		return -1;
	GROW(c->items, c->n, c->cap);
	c->items[c->n] = (struct column){xstrdup(path), type};
	map_puts(&c->index, path, (void *)(intptr_t)(c->n + 1));
	return (int)c->n++;
}

void row_begin(struct row_buf *b, uint64_t line)
{
	b->row.ncells = 0;
	b->row.line = line;
	b->row.document = NULL;
	b->row.text = NULL;
	b->row.len = 0;
	buf_clear(&b->text);
}

struct cell *row_add(struct row_buf *b, uint32_t column, const char *text, size_t len)
{
	GROW(b->row.cells, b->row.ncells, b->cap);
	struct cell *c = &b->row.cells[b->row.ncells++];
	*c = (struct cell){.column = column, .text = (const char *)(uintptr_t)b->text.len, .len = len};
	buf_add(&b->text, text, len);
	buf_addc(&b->text, 0);
	return c;
}

void row_elements(struct row_buf *b, const char *path, size_t n)
{
	uintptr_t so_far = (uintptr_t)map_gets(&b->elements, path);

	map_puts(&b->elements, path, (void *)((so_far ? so_far : 1) + n));
}

void row_finish(struct row_buf *b)
{
	for (size_t i = 0; i < b->row.ncells; i++) {
		struct cell c = b->row.cells[i];
		size_t at = i;
		c.text = b->text.data + (uintptr_t)c.text;
		// Insertion sort: readers give cells nearly in order, and it is stable.
		for (; at > 0 && b->row.cells[at - 1].column > c.column; at--)
			b->row.cells[at] = b->row.cells[at - 1];
		b->row.cells[at] = c;
	}
}

void row_release(struct row_buf *b)
{
	free(b->row.cells);
	buf_release(&b->text);
	map_release(&b->elements, NULL);
}

const struct format *format_of(const char *path, struct error *err)
{
	const char *dot = strrchr(path, '.');
	const struct format *f = NULL;
	struct stat st;

	for (size_t i = 0; dot && i < ARRAY_LEN(formats); i++)
		if (!strcasecmp(dot, formats[i]->extension))
			f = formats[i];
	if (!f)
		error_set(err, "%s: unknown file format; name it .csv, .jsonl, .ndjson or .avro", path);
	else if (stat(path, &st))
		error_set(err, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		error_set(err, "%s: not a regular file; it is read twice, so a pipe will not do", path);
	else
		return f;
	return NULL;
}

bool is_truth(const char *s, size_t n)
{
	return (n == 4 && !memcmp(s, "true", 4)) || (n == 5 && !memcmp(s, "false", 5));
}

struct rows *rows_open(const char *path, struct error *err)
{
	const struct format *f = format_of(path, err);

	if (!f)
		return NULL;
	struct rows *r = xcalloc(1, sizeof *r);
	r->path = xstrdup(path);
	r->format = f;
	column_list_init(&r->columns);
	map_init(&r->row.elements);
	r->reader = f->open(path, &r->columns, err);
	if (!r->reader) {
		rows_free(r);
		return NULL;
	}
	return r;
}

void rows_free(struct rows *r)
{
	if (!r)
		return;
	if (r->reader)
		r->format->close(r->reader);
	column_list_release(&r->columns);
	row_release(&r->row);
	free(r->path);
	free(r);
}

const char *rows_path(const struct rows *r)
{
	return r->path;
}

size_t rows_columns(const struct rows *r)
{
	return r->columns.n;
}

const struct column *rows_column(const struct rows *r, size_t i)
{
	return &r->columns.items[i];
}

int rows_find(const struct rows *r, const char *path)
{
	return column_list_find(&r->columns, path);
}

int rows_next(struct rows *r, const struct row **out, struct error *err)
{
	int got = r->format->next(r->reader, &r->columns, &r->row, err);

	if (got > 0) {
		row_finish(&r->row);
		*out = &r->row.row;
	}
	return got;
}

const char *rows_schema(const struct rows *r)
{
	return r->format->schema ? r->format->schema(r->reader) : NULL;
}

bool rows_are_json(const struct rows *r)
{
	return r->format == &jsonl_format || r->format == &ndjson_format;
}

bool rows_elements(const struct rows *r, const char *path, uint64_t *n)
{
	char *top = xstrndup(path, path_elements(path));
	uintptr_t found = (uintptr_t)map_gets(&r->row.elements, top);

	*n = found ? found - 1 : 0;
	free(top);
	return found;
}

double rows_progress(const struct rows *r)
{
	return r->format->progress(r->reader);
}

const struct cell *row_cell(const struct row *row, int column)
{
	for (size_t i = 0; column >= 0 && i < row->ncells; i++)
		if (row->cells[i].column == (uint32_t)column)
			return &row->cells[i];
	return NULL;
}

int number_parse(const char *s, size_t n, double *out)
{
	char copy[400], *end;

	while (n && (*s == ' ' || *s == '\t'))
		s++, n--;
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	if (!n || n >= sizeof copy || isspace((unsigned char)*s) || memchr(s, 0, n))
		return -1;
	// strtod also takes hexadecimal and nan(...), which no one writes as a number.
	for (size_t i = 0; i < n; i++)
		if (s[i] == 'x' || s[i] == 'X' || s[i] == '(')
			return -1;
	memcpy(copy, s, n);
	copy[n] = 0;
	*out = strtod(copy, &end);
	return *end ? -1 : 0;
}

int cell_time(const struct rows *r, const struct cell *c, int64_t *ms)
{
	double x;

	if (!c->other && r->columns.items[c->column].type == FIELD_TIME) {
		*ms = c->ms;
		return 0;
	}
	if (!time_parse(c->text, ms))
		return 0;
	// Unix milliseconds as pandas and the like write them: 1.7e12, 831391200000.0
	if (number_parse(c->text, c->len, &x) || !isfinite(x) || fabs(x) >= 9e15)
		return -1;
	*ms = (int64_t)floor(x);
	return 0;
}

int file_sha256(const char *path, char *hex, struct error *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st)) {
		error_set(err, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	void *p = st.st_size ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	close(fd);
	if (p == MAP_FAILED)
		return error_set(err, "%s: %s", path, strerror(errno));
	sha256_hex(p ? p : "", (size_t)st.st_size, hex, 64);
	if (p)
		munmap(p, (size_t)st.st_size);
	return 0;
}

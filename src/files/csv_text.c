// SPDX-License-Identifier: Apache-2.0
#include "files/csv_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/format.h"
#include "util/xalloc.h"

enum { CHUNK = 1 << 18 };

static int bad(const struct csv_text *t, uint64_t line, const char *what, struct error *err)
{
	return error_set(err, "%s:%llu: %s", t->path, (unsigned long long)line, what);
}

int csv_text_open(struct csv_text *t, const char *path, struct error *err)
{
	struct stat st;

	*t = (struct csv_text){.path = xstrdup(path), .cap = CHUNK};
	t->data = xmalloc(t->cap + CSV_PAD);
	t->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (t->fd < 0 || fstat(t->fd, &st))
		return error_set(err, "%s: %s", path, strerror(errno));
	t->size = st.st_size;
	return csv_text_rewind(t, err);
}

void csv_text_close(struct csv_text *t)
{
	if (t->fd >= 0)
		close(t->fd);
	free(t->path);
	free(t->data);
	free(t->cells);
	buf_release(&t->text);
}

double csv_text_progress(const struct csv_text *t)
{
	return t->size ? (double)(t->read_off - (off_t)(t->len - t->at)) / (double)t->size : 1;
}

// Moves what is left to the front and reads on behind it.
static int fill(struct csv_text *t, struct error *err)
{
	ssize_t got;

	memmove(t->data, t->data + t->at, t->len - t->at);
	t->len -= t->at;
	t->at = 0;
	if (t->len == t->cap) {
		t->cap *= 2;
		t->data = xrealloc(t->data, t->cap + CSV_PAD);
	}
	do
		got = read(t->fd, t->data + t->len, t->cap - t->len);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_set(err, "%s: %s", t->path, strerror(errno));
	t->eof = !got;
	t->len += (size_t)got;
	t->read_off += got;
	memset(t->data + t->len, '\n', CSV_PAD);
	return 0;
}

int csv_text_rewind(struct csv_text *t, struct error *err)
{
	if (lseek(t->fd, 0, SEEK_SET))
		return error_set(err, "%s: %s", t->path, strerror(errno));
	t->at = t->len = 0;
	t->read_off = 0;
	t->eof = false;
	t->line = 1;
	while (!t->eof && t->len < 3)
		if (fill(t, err))
			return -1;
	if (t->len >= 3 && !memcmp(t->data, "\xef\xbb\xbf", 3))
		t->at = 3;
	return 0;
}

static size_t count(const char *p, const char *end, char c)
{
	size_t n = 0;

	while ((p = memchr(p, c, (size_t)(end - p))) && ++p)
		n++;
	return n;
}

// The fault that keeps the file's last row from ending.
static int unbalanced(struct csv_text *t, struct csv_row *row, struct error *err)
{
	row->p = t->data + t->at;
	row->end = t->data + t->len;
	row->quoted = true;
	return csv_text_split(t, row, err);
}

// One line or, where quotes hold line ends, several.
static int take_row(struct csv_text *t, struct csv_row *row, struct error *err)
{
	size_t done = 0, quotes = 0, lines = 0; // of what was looked at

	row->line = t->line;
	for (;;) {
		const char *from = t->data + t->at + done, *end = t->data + t->len;
		const char *lf = memchr(from, '\n', (size_t)(end - from));

		if (lf || t->eof) {
			const char *to = lf ? lf : end;

			quotes += memchr(from, '"', (size_t)(to - from)) ? count(from, to, '"') : 0;
			done = (size_t)(to - (t->data + t->at)) + (lf != NULL);
			lines += lf != NULL;
			if (quotes % 2 && !lf)
				return unbalanced(t, row, err);
			if (quotes % 2 == 0) {
				row->p = t->data + t->at;
				row->end = to - (lf && to > row->p && to[-1] == '\r');
				row->quoted = quotes > 0;
				t->at += done;
				t->line += lines;
				return 0;
			}
		} else if (fill(t, err)) {
			return -1;
		}
		if (t->len - t->at > ROWS_MAX_ROW && (lf ? done : t->len - t->at) > ROWS_MAX_ROW)
			return bad(t, row->line,
				   quotes % 2 ? "a row is longer than 16 MiB; is a quote left open?"
					      : "a row is longer than 16 MiB",
				   err);
	}
}

int csv_text_next(struct csv_text *t, struct csv_row *row, struct error *err)
{
	do {
		if (t->at == t->len && !t->eof && fill(t, err))
			return -1;
		if (t->at == t->len && t->eof)
			return 0;
		if (take_row(t, row, err))
			return -1;
	} while (row->p == row->end);
	return 1;
}

static void add_cell(struct csv_text *t, const char *s, const char *end)
{
	GROW(t->cells, t->ncells, t->capcells);
	t->cells[t->ncells++] = (struct csv_cell){s, (size_t)(end - s)};
}

// p is behind the opening quote. Returns what follows the cell, or NULL.
static const char *quoted_cell(struct csv_text *t, const struct csv_row *row, const char *p,
			       struct error *err)
{
	size_t start = t->text.len;

	for (;;) {
		const char *q = memchr(p, '"', (size_t)(row->end - p));

		if (!q) {
			bad(t, row->line, "a quoted cell is not closed; add the closing quote", err);
			return NULL;
		}
		buf_add(&t->text, p, (size_t)(q - p));
		p = q + 1;
		if (p < row->end && *p == '"') {
			buf_addc(&t->text, '"');
			p++;
			continue;
		}
		if (p < row->end && *p != ',') {
			bad(t, row->line + count(row->p, p, '\n'),
			    "text after a closing quote; double the quotes inside a quoted cell", err);
			return NULL;
		}
		add_cell(t, t->text.data + start, t->text.data + t->text.len);
		return p;
	}
}

int csv_text_split(struct csv_text *t, const struct csv_row *row, struct error *err)
{
	const char *p = row->p;

	t->ncells = 0;
	buf_clear(&t->text);
	if (row->quoted) // so that the texts of its cells stay where they are
		buf_reserve(&t->text, (size_t)(row->end - row->p) + 1);
	for (;; p++) {
		if (t->ncells == ROWS_MAX_COLUMNS)
			return bad(t, row->line, "more than 4096 columns", err);
		if (p < row->end && *p == '"') {
			if (!(p = quoted_cell(t, row, p + 1, err)))
				return -1;
		} else {
			const char *comma = memchr(p, ',', (size_t)(row->end - p)),
				   *end = comma ? comma : row->end;
			const char *lf = row->quoted ? memchr(p, '\n', (size_t)(end - p)) : NULL;

			end = lf ? lf : end;
			if (row->quoted && memchr(p, '"', (size_t)(end - p)))
				return bad(t, row->line + count(row->p, p, '\n'),
					   "a quote inside an unquoted cell; quote the whole cell and double "
					   "the quote",
					   err);
			add_cell(t, p, end);
			p = end;
		}
		if (p == row->end || *p == '\n')
			return 0;
	}
}

int csv_text_header(struct csv_text *t, struct column_list *columns, struct error *err)
{
	struct csv_row row;
	int got = csv_text_next(t, &row, err);

	if (got <= 0)
		return got ? -1
			   : error_set(err, "%s: empty; the first line of a CSV file names its columns",
				       t->path);
	if (csv_text_split(t, &row, err))
		return -1;
	for (size_t i = 0; i < t->ncells; i++) {
		char *name = xstrndup(t->cells[i].s, t->cells[i].len);
		int known = column_list_find(columns, name);

		if (!*name)
			error_set(err, "%s:%llu: column %zu has no name", t->path,
				  (unsigned long long)row.line, i + 1);
		else if (known >= 0)
			error_set(err, "%s:%llu: two columns are named \"%.100s\"", t->path,
				  (unsigned long long)row.line, name);
		else
			column_list_add(columns, name, FIELD_NUMERIC);
		got = *name && known < 0;
		free(name);
		if (!got)
			return -1;
	}
	return 0;
}

int csv_text_width(const struct csv_text *t, const struct csv_row *row, size_t cells, size_t want,
		   struct error *err)
{
	if (cells == want)
		return 0;
	return error_set(err, "%s:%llu: %zu cells, but the header names %zu columns", t->path,
			 (unsigned long long)row->line, cells, want);
}

// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/format.h"
#include "util/xalloc.h"

enum { MAX_DEPTH = 32 };

struct jsonl {
	FILE *f;
	char *path, *text;
	size_t len, cap; // of text
	uint64_t line;
	off_t size;
	json_t *document;
	struct buf at; // the path of the value in hand
};

// What is done with each value that is there.
struct visit {
	struct jsonl *j;
	int (*value)(struct visit *v, const char *path, const json_t *value, struct error *err);
	void *arg;
	const struct column_list *columns;
};

static int walk(struct visit *v, const json_t *value, int depth, struct error *err)
{
	struct buf *at = &v->j->at;
	size_t len = at->len, i;
	const char *key;
	json_t *child;

	if (json_is_null(value))
		return 0;
	if (depth > MAX_DEPTH)
		return error_set(err, "%s:%llu: nested deeper than %d", v->j->path,
				 (unsigned long long)v->j->line, MAX_DEPTH);
	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, child)
		{
			buf_addf(at, "%s%s", len ? "." : "", key);
			if (walk(v, child, depth + 1, err))
				return -1;
			at->data[at->len = len] = 0;
		}
		return 0;
	}
	if (json_is_array(value)) {
		buf_adds(at, "[]");
		if (v->columns)
			row_elements(v->arg, at->data, json_array_size(value));
		json_array_foreach(value, i, child) if (walk(v, child, depth + 1, err)) return -1;
		at->data[at->len = len] = 0;
		return 0;
	}
	return v->value(v, at->data, value, err);
}

// 1 with j->document, 0 at the end.
static int read_line(struct jsonl *j, struct error *err)
{
	ssize_t n;

	json_decref(j->document);
	j->document = NULL;
	do {
		n = getline(&j->text, &j->cap, j->f);
		if (n < 0)
			return ferror(j->f) ? error_set(err, "%s: %s", j->path, strerror(errno)) : 0;
		j->line++;
	} while (strspn(j->text, " \t\r\n") == (size_t)n);
	j->len = (size_t)n;
	if (n > ROWS_MAX_ROW)
		return error_set(err, "%s:%llu: longer than 16 MiB", j->path, (unsigned long long)j->line);
	struct error why = ERROR_INIT;
	j->document = json_parse(j->text, (size_t)n, &why);
	if (!j->document) {
		char *quoted = strstr(why.text, " near '"); // a value, which a rule may say is not to be shown
		if (quoted)
			*quoted = 0;
		return error_set(err, "%s:%llu: %s", j->path, (unsigned long long)j->line, why.text);
	}
	if (!json_is_object(j->document))
		return error_set(err, "%s:%llu: not an object; each line is one JSON object", j->path,
				 (unsigned long long)j->line);
	buf_clear(&j->at);
	return 1;
}

static enum field_type type_of(const json_t *value)
{
	return json_is_number(value)	? FIELD_NUMERIC
	       : json_is_boolean(value) ? FIELD_BOOLEAN
					: FIELD_CATEGORICAL;
}

static int note_type(struct visit *v, const char *path, const json_t *value, struct error *err)
{
	struct column_list *columns = v->arg;
	enum field_type type = type_of(value);
	int i = column_list_add(columns, path, type);

	if (i < 0)
		return error_set(err, "%s:%llu: more than %d different paths", v->j->path,
				 (unsigned long long)v->j->line, ROWS_MAX_COLUMNS);
	if (columns->items[i].type != type)
		columns->items[i].type = FIELD_CATEGORICAL;
	return 0;
}

static int take_value(struct visit *v, const char *path, const json_t *value, struct error *err)
{
	int i = column_list_find(v->columns, path);
	char text[40];

	if (i < 0)
		return error_set(err, "%s:%llu: the file changed while it was read", v->j->path,
				 (unsigned long long)v->j->line);
	if (json_is_string(value)) {
		row_add(v->arg, (uint32_t)i, json_string_value(value), json_string_length(value));
		return 0;
	}
	if (json_is_boolean(value))
		snprintf(text, sizeof text, "%s", json_is_true(value) ? "true" : "false");
	else if (json_is_integer(value))
		snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		snprintf(text, sizeof text, "%.17g", json_real_value(value));
	struct cell *c = row_add(v->arg, (uint32_t)i, text, strlen(text));
	c->number = json_number_value(value);
	c->truth = json_is_true(value);
	return 0;
}

static void jsonl_close(void *reader)
{
	struct jsonl *j = reader;

	if (j->f)
		fclose(j->f);
	json_decref(j->document);
	buf_release(&j->at);
	free(j->text);
	free(j->path);
	free(j);
}

static void *jsonl_open(const char *path, struct column_list *columns, struct error *err)
{
	struct jsonl *j = xcalloc(1, sizeof *j);
	struct visit v = {j, note_type, columns, NULL};
	int got;

	j->path = xstrdup(path);
	j->f = fopen(path, "re");
	if (!j->f) {
		error_set(err, "%s: %s", path, strerror(errno));
		goto fail;
	}
	fseeko(j->f, 0, SEEK_END);
	j->size = ftello(j->f);
	rewind(j->f);
	while ((got = read_line(j, err)) > 0)
		if (walk(&v, j->document, 0, err))
			goto fail;
	if (got < 0)
		goto fail;
	rewind(j->f);
	j->line = 0;
	return j;
fail:
	jsonl_close(j);
	return NULL;
}

static int jsonl_next(void *reader, const struct column_list *columns, struct row_buf *row, struct error *err)
{
	struct jsonl *j = reader;
	struct visit v = {j, take_value, row, columns};
	int got = read_line(j, err);

	if (got <= 0)
		return got;
	row_begin(row, j->line);
	row->row.document = j->document;
	row->row.text = j->text;
	row->row.len = j->len;
	return walk(&v, j->document, 0, err) ? -1 : 1;
}

static double jsonl_progress(void *reader)
{
	struct jsonl *j = reader;

	return j->size ? (double)ftello(j->f) / (double)j->size : 1;
}

const struct format jsonl_format = {".jsonl", jsonl_open, jsonl_next, jsonl_progress, jsonl_close, NULL};
const struct format ndjson_format = {".ndjson", jsonl_open, jsonl_next, jsonl_progress, jsonl_close, NULL};

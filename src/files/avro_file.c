// SPDX-License-Identifier: Apache-2.0
// Avro object container files: Avro C reads and decompresses the values, the tree of the writer schema
// (from the file's header) says what they mean.
#include <avro.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/avro_tree.h"
#include "files/format.h"
#include "util/clock.h"
#include "util/xalloc.h"

enum { MAX_HEADER = 16 << 20 };

struct avro_rows {
	char *path;
	FILE *f;
	off_t size;
	avro_file_reader_t reader;
	avro_value_iface_t *class;
	avro_value_t value;
	struct avro_tree *tree;
	uint64_t row;
	struct buf at, schema;
};

static int read_long(FILE *f, int64_t *out)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		int c = getc(f);
		if (c == EOF)
			return -1;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*out = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
			return 0;
		}
	}
	return -1;
}

static int read_bytes(FILE *f, struct buf *out)
{
	int64_t n;

	buf_clear(out);
	if (read_long(f, &n) || n < 0 || n > MAX_HEADER)
		return -1;
	buf_reserve(out, (size_t)n + 1);
	if (fread(out->data, 1, (size_t)n, f) != (size_t)n)
		return -1;
	out->data[out->len = (size_t)n] = 0;
	return 0;
}

// The writer schema's own text, out of the header's map.
static int read_header(FILE *f, struct buf *schema)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	int64_t count, size;
	char magic[4];
	int rc = -1;

	if (fread(magic, 1, 4, f) != 4 || memcmp(magic, "Obj\1", 4))
		goto out;
	for (;;) {
		if (read_long(f, &count) || (count < 0 && read_long(f, &size)))
			goto out;
		if (!count)
			break;
		for (count = count < 0 ? -count : count; count > 0; count--) {
			if (read_bytes(f, &key) || read_bytes(f, &value))
				goto out;
			if (key.len == 11 && !memcmp(key.data, "avro.schema", 11)) {
				buf_clear(schema);
				buf_add(schema, value.data, value.len);
			}
		}
	}
	rc = schema->len ? 0 : -1;
out:
	buf_release(&key);
	buf_release(&value);
	return rc;
}

static int add_columns(const struct avro_node *n, struct buf *at, struct column_list *columns)
{
	size_t len = at->len;
	enum field_type type = avro_node_type(n);

	if (type != FIELD_NONE)
		return column_list_add(columns, at->data ? at->data : "", type) < 0 ? -1 : 0;
	if (n->kind == AVRO_K_ARRAY || n->kind == AVRO_K_MAP) {
		buf_adds(at, n->kind == AVRO_K_MAP ? "{}" : "[]");
		int rc = add_columns(n->children[0], at, columns);
		at->data[at->len = len] = 0;
		return rc;
	}
	for (size_t i = 0; i < n->n; i++) {
		if (n->kind == AVRO_K_RECORD)
			buf_addf(at, "%s%s", len ? "." : "", n->names[i]);
		if (add_columns(n->children[i], at, columns))
			return -1;
		if (at->data)
			at->data[at->len = len] = 0;
	}
	return 0;
}

static double decimal(const uint8_t *p, size_t n, int scale)
{
	double v = n && p[0] & 0x80 ? -1 : 0;

	for (size_t i = 0; i < n; i++)
		v = v * 256 + p[i];
	return v / pow(10, scale);
}

static int64_t to_ms(const struct avro_node *n, int64_t v)
{
	if (n->logical == AVRO_L_DATE)
		return v * 86400000;
	return time_floor(v, n->per_second / 1000) / (n->per_second / 1000);
}

// One leaf that is there.
static int add_leaf(const struct avro_node *n, const avro_value_t *v, const char *path,
		    const struct column_list *columns, struct row_buf *row)
{
	int column = column_list_find(columns, path);
	char text[64] = "";
	const char *s = text;
	size_t len = 0;
	const void *bytes = NULL;
	double number = 0;
	int64_t whole = 0;
	int32_t i32;
	float f32;
	int truth = 0, symbol, rc = 0;

	switch (n->kind) {
	case AVRO_K_BOOLEAN:
		rc = avro_value_get_boolean(v, &truth);
		len = (size_t)snprintf(text, sizeof text, "%s", truth ? "true" : "false");
		break;
	case AVRO_K_INT:
		rc = avro_value_get_int(v, &i32);
		whole = i32;
		break;
	case AVRO_K_LONG:
		rc = avro_value_get_long(v, &whole);
		break;
	case AVRO_K_FLOAT:
		rc = avro_value_get_float(v, &f32);
		number = (double)f32;
		break;
	case AVRO_K_DOUBLE:
		rc = avro_value_get_double(v, &number);
		break;
	case AVRO_K_BYTES:
		rc = avro_value_get_bytes(v, &bytes, &len);
		break;
	case AVRO_K_FIXED:
		rc = avro_value_get_fixed(v, &bytes, &len);
		break;
	case AVRO_K_STRING:
		rc = avro_value_get_string(v, &s, &len);
		len -= rc ? 0 : 1; // Avro C counts the NUL
		break;
	default:
		rc = avro_value_get_enum(v, &symbol);
		if (!rc && (symbol < 0 || (size_t)symbol >= n->n))
			return -1;
		s = rc ? s : n->names[symbol];
		len = strlen(s);
		break;
	}
	if (rc || column < 0)
		return -1;
	if (n->logical == AVRO_L_DECIMAL) {
		number = decimal(bytes, len, n->scale);
		len = (size_t)snprintf(text, sizeof text, "%.17g", number);
	} else if (bytes) {
		s = bytes;
	} else if (n->kind == AVRO_K_INT || n->kind == AVRO_K_LONG) {
		number = (double)whole;
		len = (size_t)snprintf(text, sizeof text, "%lld", (long long)whole);
	} else if (n->kind == AVRO_K_FLOAT || n->kind == AVRO_K_DOUBLE) {
		len = (size_t)snprintf(text, sizeof text, "%.17g", number);
	}
	struct cell *c = row_add(row, (uint32_t)column, s, len);
	c->number = number;
	c->truth = truth;
	if (avro_node_type(n) == FIELD_TIME)
		c->ms = to_ms(n, whole);
	c->other = columns->items[column].type != avro_node_type(n);
	return 0;
}

static int add_cells(const struct avro_node *n, const avro_value_t *v, struct buf *at,
		     const struct column_list *columns, struct row_buf *row)
{
	size_t len = at->len, count = 0;
	avro_value_t child;
	int branch, rc = 0;

	if (avro_node_type(n) != FIELD_NONE)
		return add_leaf(n, v, at->data ? at->data : "", columns, row);
	switch (n->kind) {
	case AVRO_K_RECORD:
		for (size_t i = 0; i < n->n && !rc; i++) {
			buf_addf(at, "%s%s", len ? "." : "", n->names[i]);
			rc = avro_value_get_by_index(v, i, &child, NULL) ||
			     add_cells(n->children[i], &child, at, columns, row);
			at->data[at->len = len] = 0;
		}
		return rc;
	case AVRO_K_UNION:
		if (avro_value_get_discriminant(v, &branch) || branch < 0 || (size_t)branch >= n->n ||
		    avro_value_get_current_branch(v, &child))
			return -1;
		return add_cells(n->children[branch], &child, at, columns, row);
	case AVRO_K_ARRAY:
	case AVRO_K_MAP:
		if (avro_value_get_size(v, &count))
			return -1;
		buf_adds(at, n->kind == AVRO_K_MAP ? "{}" : "[]");
		row_elements(row, at->data, count);
		for (size_t i = 0; i < count && !rc; i++)
			rc = avro_value_get_by_index(v, i, &child, NULL) ||
			     add_cells(n->children[0], &child, at, columns, row);
		at->data[at->len = len] = 0;
		return rc;
	default:
		return 0;
	}
}

static void avro_rows_close(void *reader)
{
	struct avro_rows *a = reader;

	if (a->class) {
		avro_value_decref(&a->value);
		avro_value_iface_decref(a->class);
	}
	if (a->reader)
		avro_file_reader_close(a->reader);
	if (a->f)
		fclose(a->f);
	avro_tree_free(a->tree);
	buf_release(&a->at);
	buf_release(&a->schema);
	free(a->path);
	free(a);
}

static void *avro_rows_open(const char *path, struct column_list *columns, struct error *err)
{
	struct avro_rows *a = xcalloc(1, sizeof *a);

	a->path = xstrdup(path);
	a->f = fopen(path, "re");
	if (!a->f) {
		error_set(err, "%s: %s", path, strerror(errno));
		goto fail;
	}
	fseeko(a->f, 0, SEEK_END);
	a->size = ftello(a->f);
	rewind(a->f);
	if (read_header(a->f, &a->schema)) {
		error_set(err, "%s: not an Avro object container file (its header cannot be read)", path);
		goto fail;
	}
	a->tree = avro_tree_new(a->schema.data, a->schema.len, err);
	if (!a->tree) {
		error_prefix(err, "%s", path);
		goto fail;
	}
	rewind(a->f);
	if (avro_file_reader_fp(a->f, path, 0, &a->reader)) {
		a->reader = NULL;
		error_set(err, "%s: %s", path, avro_strerror());
		goto fail;
	}
	avro_schema_t writer = avro_file_reader_get_writer_schema(a->reader);
	a->class = avro_generic_class_from_schema(writer);
	avro_schema_decref(writer);
	if (!a->class || avro_generic_value_new(a->class, &a->value)) {
		error_set(err, "%s: %s", path, avro_strerror());
		goto fail;
	}
	if (add_columns(a->tree->root, &a->at, columns)) {
		error_set(err, "%s: more than %d fields", path, ROWS_MAX_COLUMNS);
		goto fail;
	}
	return a;
fail:
	avro_rows_close(a);
	return NULL;
}

static int avro_rows_next(void *reader, const struct column_list *columns, struct row_buf *row,
			  struct error *err)
{
	struct avro_rows *a = reader;

	avro_value_reset(&a->value);
	int rc = avro_file_reader_read_value(a->reader, &a->value);
	if (rc == EOF)
		return 0;
	a->row++;
	row_begin(row, a->row);
	buf_clear(&a->at);
	if (rc || add_cells(a->tree->root, &a->value, &a->at, columns, row))
		return error_set(err, "%s: row %llu: %s", a->path, (unsigned long long)a->row,
				 rc ? avro_strerror() : "a value does not fit the file's schema");
	return 1;
}

static const char *avro_rows_schema(void *reader)
{
	return ((struct avro_rows *)reader)->schema.data;
}

static double avro_rows_progress(void *reader)
{
	struct avro_rows *a = reader;

	return a->size ? (double)ftello(a->f) / (double)a->size : 1;
}

const struct format avro_format = {".avro", avro_rows_open, avro_rows_next, avro_rows_progress,
				   avro_rows_close,
				   avro_rows_schema};

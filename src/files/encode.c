// SPDX-License-Identifier: Apache-2.0
#include "files/encode.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "files/avro_tree.h"
#include "util/clock.h"
#include "util/xalloc.h"

struct encoder {
	struct avro_tree *tree;
	const struct rows *rows;
	const struct row *row;
	const struct cell **cells; // of the row in hand, by column
	struct buf path, unused;
	char *const *redact;       // borrowed
	size_t nredact;
};

static int encode_json(struct encoder *e, const struct avro_node *n, const json_t *v, struct buf *out,
		       struct error *err);

static int wrong(const struct encoder *e, const struct avro_node *n, const char *text, struct error *err)
{
	char name[200];
	const char *path = e->path.data ? e->path.data : "";
	bool hidden = path_redacted(path, e->redact, e->nredact);

	for (size_t i = 0; i < e->nredact && !hidden; i++) // a value with a hidden one in it
		hidden = !*path || path_within(e->redact[i], path);
	return error_set(err, "%s:%llu: column %s: \"%.100s\" does not fit; the schema wants %s",
			 rows_path(e->rows), (unsigned long long)e->row->line, path, hidden ? "(redacted)" : text,
			 avro_node_name(n, name, sizeof name));
}

static int missing(const struct encoder *e, const struct avro_node *n, struct error *err)
{
	char name[200];

	return error_set(err, "%s:%llu: column %s: missing; the schema wants %s and has no default",
			 rows_path(e->rows), (unsigned long long)e->row->line,
			 e->path.data ? e->path.data : "", avro_node_name(n, name, sizeof name));
}

// Appends a name to the path; returns the length to cut back to.
static size_t enter(struct encoder *e, const char *name)
{
	size_t len = e->path.len;

	buf_addf(&e->path, "%s%s", len ? "." : "", name);
	return len;
}

static void leave(struct encoder *e, size_t len)
{
	e->path.data[e->path.len = len] = 0;
}

static int parse_long(const char *s, int64_t *out)
{
	char *end;
	double x;

	errno = 0;
	*out = strtoll(s, &end, 10);
	if (end != s && !*end && !errno)
		return 0;
	// 3.0, as a table with a missing integer is often written
	if (errno || number_parse(s, strlen(s), &x) || x != floor(x) || fabs(x) > 9007199254740992.0)
		return -1;
	*out = (int64_t)x;
	return 0;
}

// In the unit of the schema.
static int parse_time(const struct avro_node *n, const char *s, int64_t *out)
{
	int64_t ms;

	if (!parse_long(s, out))
		return 0;
	if (n->logical == AVRO_L_TIME || time_parse(s, &ms))
		return -1;
	*out = n->logical == AVRO_L_DATE ? time_floor(ms, 86400000) / 86400000 : ms * (n->per_second / 1000);
	return 0;
}

// 12.34 with scale 2 -> 1234, big-endian two's complement in as few bytes as hold it.
static int put_decimal(const struct avro_node *n, const char *s, struct buf *out)
{
	bool minus = *s == '-', point = false;
	int64_t v = 0;
	int scale = 0;
	uint8_t bytes[8];
	size_t len = 8, lead = 0;

	if (*s == '-' || *s == '+')
		s++;
	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s == '.' && !point) {
			point = true;
			continue;
		}
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, (int64_t)10, &v) ||
		    __builtin_add_overflow(v, *s - '0', &v))
			return -1;
		scale += point;
	}
	for (; scale < n->scale; scale++)
		if (__builtin_mul_overflow(v, (int64_t)10, &v))
			return -1;
	if (scale > n->scale)
		return -1;
	v = minus ? -v : v;
	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
	while (lead < 7 && (bytes[lead] == 0 || bytes[lead] == 0xff) &&
	       (bytes[lead] ^ bytes[lead + 1]) < 0x80)
		lead++;
	len -= lead;
	if (n->kind == AVRO_K_FIXED) {
		if (n->size < len)
			return -1;
		for (size_t i = len; i < n->size; i++)
			buf_u8(out, v < 0 ? 0xff : 0);
	} else {
		buf_svar(out, (int64_t)len);
	}
	buf_add(out, bytes + lead, len);
	return 0;
}

static int put_text(struct encoder *e, const struct avro_node *n, const char *s, size_t len, struct buf *out,
		    struct error *err)
{
	int64_t whole;
	double x;
	float f;

	if (n->logical == AVRO_L_DECIMAL)
		return put_decimal(n, s, out) ? wrong(e, n, s, err) : 0;
	switch (n->kind) {
	case AVRO_K_BOOLEAN:
		if (strcasecmp(s, "true") && strcasecmp(s, "false"))
			return wrong(e, n, s, err);
		buf_u8(out, *s == 't' || *s == 'T');
		return 0;
	case AVRO_K_INT:
	case AVRO_K_LONG:
		if (n->logical ? parse_time(n, s, &whole) : parse_long(s, &whole))
			return wrong(e, n, s, err);
		if (n->kind == AVRO_K_INT && whole != (int32_t)whole)
			return wrong(e, n, s, err);
		buf_svar(out, whole);
		return 0;
	case AVRO_K_FLOAT:
		if (number_parse(s, len, &x))
			return wrong(e, n, s, err);
		f = (float)x;
		uint32_t bits;
		memcpy(&bits, &f, 4);
		buf_u32(out, bits);
		return 0;
	case AVRO_K_DOUBLE:
		if (number_parse(s, len, &x))
			return wrong(e, n, s, err);
		buf_f64(out, x);
		return 0;
	case AVRO_K_STRING:
	case AVRO_K_BYTES:
		buf_svar(out, (int64_t)len);
		buf_add(out, s, len);
		return 0;
	case AVRO_K_FIXED:
		if (len != n->size)
			return wrong(e, n, s, err);
		buf_add(out, s, len);
		return 0;
	case AVRO_K_ENUM:
		for (size_t i = 0; i < n->n; i++)
			if (!strcmp(n->names[i], s)) {
				buf_svar(out, (int64_t)i);
				return 0;
			}
		return wrong(e, n, s, err);
	default:
		return wrong(e, n, s, err);
	}
}

// Bytes and fixed stand in JSON as code points 0..255 (Avro specification, "JSON encoding").
static int put_json_bytes(struct encoder *e, const struct avro_node *n, const json_t *v, struct buf *out,
			  struct error *err)
{
	const unsigned char *s = (const unsigned char *)json_string_value(v);
	struct buf raw = BUF_INIT;
	int rc = 0;

	for (; *s && !rc; s++) {
		if (*s < 0x80)
			buf_addc(&raw, (char)*s);
		else if ((*s & 0xfc) == 0xc0)
			buf_addc(&raw, (char)(*s << 6 | (s[1] & 0x3f))), s++;
		else
			rc = wrong(e, n, json_string_value(v), err);
	}
	rc = rc ? rc : put_text(e, n, raw.data ? raw.data : "", raw.len, out, err);
	buf_release(&raw);
	return rc;
}

static int json_leaf(struct encoder *e, const struct avro_node *n, const json_t *v, struct buf *out,
		     struct error *err)
{
	enum field_type type = avro_node_type(n);
	bool fits = json_is_string(v)	? type != FIELD_NUMERIC && type != FIELD_BOOLEAN
		    : json_is_number(v) ? type == FIELD_NUMERIC || type == FIELD_TIME
					: type == FIELD_BOOLEAN && json_is_boolean(v);
	if (json_is_string(v) && n->logical == AVRO_L_DECIMAL)
		fits = true;
	if (fits && json_is_string(v)) {
		if (!n->logical && (n->kind == AVRO_K_BYTES || n->kind == AVRO_K_FIXED))
			return put_json_bytes(e, n, v, out, err);
		return put_text(e, n, json_string_value(v), json_string_length(v), out, err);
	}
	char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
	int rc = fits ? put_text(e, n, text, strlen(text), out, err) : wrong(e, n, text, err);
	free(text);
	return rc;
}

static int json_union(struct encoder *e, const struct avro_node *n, const json_t *v, struct buf *out,
		      struct error *err)
{
	size_t start = out->len, last = n->n;

	for (size_t i = 0; i < n->n; i++) {
		if ((n->children[i]->kind == AVRO_K_NULL) != json_is_null(v))
			continue;
		last = i;
		buf_svar(out, (int64_t)i);
		if (!encode_json(e, n->children[i], v, out, NULL))
			return 0;
		out->len = start;
	}
	// The only branch's own reason says more than the union's.
	if (n->n <= 2 && last < n->n)
		return encode_json(e, n->children[last], v, out, err);
	char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
	wrong(e, n, text, err);
	free(text);
	return -1;
}

static int json_record(struct encoder *e, const struct avro_node *n, const json_t *v, struct buf *out,
		       struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < n->n && !rc; i++) {
		const json_t *member = json_object_get(v, n->names[i]);
		size_t len = enter(e, n->names[i]);
		if ((!member || json_is_null(member)) && avro_node_nullable(n->children[i]))
			rc = encode_json(e, n->children[i], json_null(), out, err);
		else if ((!member || json_is_null(member)) && n->defaults[i])
			rc = encode_json(e, n->children[i], n->defaults[i], out, err);
		else
			rc = member && !json_is_null(member)
				 ? encode_json(e, n->children[i], member, out, err)
				 : missing(e, n->children[i], err);
		leave(e, len);
	}
	return rc;
}

static int encode_json(struct encoder *e, const struct avro_node *n, const json_t *v, struct buf *out,
		       struct error *err)
{
	size_t i, len = e->path.len;
	json_t *item;
	const char *key;
	int rc = 0;

	switch (n->kind) {
	case AVRO_K_NULL:
		return 0;
	case AVRO_K_UNION:
		return json_union(e, n, v, out, err);
	case AVRO_K_RECORD:
		if (json_is_object(v))
			return json_record(e, n, v, out, err);
		break;
	case AVRO_K_ARRAY:
		if (!json_is_array(v))
			break;
		if (json_array_size(v))
			buf_svar(out, (int64_t)json_array_size(v));
		buf_adds(&e->path, "[]");
		json_array_foreach((json_t *)v, i, item)
		{
			if (!rc)
				rc = encode_json(e, n->children[0], item, out, err);
		}
		leave(e, len);
		buf_svar(out, 0);
		return rc;
	case AVRO_K_MAP:
		if (!json_is_object(v))
			break;
		if (json_object_size(v))
			buf_svar(out, (int64_t)json_object_size(v));
		buf_adds(&e->path, "{}");
		json_object_foreach((json_t *)v, key, item)
		{
			buf_svar(out, (int64_t)strlen(key));
			buf_adds(out, key);
			if (!rc)
				rc = encode_json(e, n->children[0], item, out, err);
		}
		leave(e, len);
		buf_svar(out, 0);
		return rc;
	default:
		return json_leaf(e, n, v, out, err);
	}
	return wrong(e, n, json_is_object(v) ? "{...}" : json_is_array(v) ? "[...]" : "a plain value", err);
}

// Has the row anything at or below the path in hand?
static bool any_cell(const struct encoder *e)
{
	for (size_t i = 0; i < e->row->ncells; i++) {
		const char *path = rows_column(e->rows, e->row->cells[i].column)->path;
		if (!strncmp(path, e->path.data, e->path.len) &&
		    (path[e->path.len] == 0 || path[e->path.len] == '.'))
			return true;
	}
	return false;
}

static int encode_cells(struct encoder *e, const struct avro_node *n, const json_t *fallback, struct buf *out,
			struct error *err)
{
	size_t start = out->len, tries = 0;
	int rc = 0;

	if (n->kind == AVRO_K_RECORD) {
		for (size_t i = 0; i < n->n && !rc; i++) {
			size_t len = enter(e, n->names[i]);
			rc = encode_cells(e, n->children[i], n->defaults[i], out, err);
			leave(e, len);
		}
		return rc;
	}
	if (!any_cell(e)) {
		if (avro_node_nullable(n))
			return encode_json(e, n, json_null(), out, err);
		return fallback ? encode_json(e, n, fallback, out, err) : missing(e, n, err);
	}
	if (n->kind != AVRO_K_UNION) {
		int column = rows_find(e->rows, e->path.data);
		const struct cell *c = column < 0 ? NULL : e->cells[column];
		return c ? put_text(e, n, c->text, c->len, out, err) : missing(e, n, err);
	}
	for (size_t i = 0; i < n->n; i++) {
		struct error why = ERROR_INIT;
		if (n->children[i]->kind == AVRO_K_NULL)
			continue;
		buf_svar(out, (int64_t)i);
		if (!encode_cells(e, n->children[i], NULL, out, &why))
			return 0;
		out->len = start;
		if (n->n <= 2)
			return error_set(err, "%s", why.text);
		tries++;
	}
	int column = rows_find(e->rows, e->path.data);
	return wrong(e, n, column >= 0 && e->cells[column] ? e->cells[column]->text : "", err);
}

// Marks the columns under the path as used; -1 where the schema wants a field that no column gives.
static int bind(struct encoder *e, const struct avro_node *n, bool optional, bool *used, struct error *err)
{
	char name[200];
	bool found = false;

	if (n->kind == AVRO_K_RECORD || n->kind == AVRO_K_UNION) {
		optional = optional || avro_node_nullable(n);
		for (size_t i = 0; i < n->n; i++) {
			size_t len = n->kind == AVRO_K_RECORD ? enter(e, n->names[i]) : e->path.len;
			if (bind(e, n->children[i], optional || (n->defaults && n->defaults[i]), used, err))
				return -1;
			if (n->kind == AVRO_K_RECORD)
				leave(e, len);
		}
		return 0;
	}
	for (size_t i = 0; i < rows_columns(e->rows); i++) {
		const char *path = rows_column(e->rows, i)->path;
		if (!strncmp(path, e->path.data, e->path.len) &&
		    (!path[e->path.len] || strchr(".[", path[e->path.len])))
			used[i] = found = true;
	}
	if (found || optional || n->kind == AVRO_K_NULL || !rows_columns(e->rows))
		return 0;
	return error_set(err, "%s: no column \"%s\"; the schema wants it (%s) and has no default",
			 rows_path(e->rows), e->path.data, avro_node_name(n, name, sizeof name));
}

struct encoder *encoder_new(const char *schema, size_t len, const struct rows *r, struct error *err)
{
	struct encoder *e = xcalloc(1, sizeof *e);
	bool *used = xcalloc(rows_columns(r) + 1, sizeof *used);
	int rc = -1;

	e->rows = r;
	e->cells = xcalloc(rows_columns(r) + 1, sizeof *e->cells);
	buf_addc(&e->unused, 0);
	e->unused.len = 0;
	e->tree = avro_tree_new(schema, len, err);
	if (e->tree && e->tree->root->kind != AVRO_K_RECORD)
		error_set(err, "schema: the type is not a record, so rows cannot be written with it");
	else if (e->tree)
		rc = bind(e, e->tree->root, false, used, err);
	for (size_t i = 0; i < rows_columns(r); i++)
		if (!used[i])
			buf_addf(&e->unused, "%s%s", e->unused.len ? ", " : "", rows_column(r, i)->path);
	free(used);
	if (rc) {
		encoder_free(e);
		return NULL;
	}
	return e;
}

void encoder_free(struct encoder *e)
{
	if (!e)
		return;
	avro_tree_free(e->tree);
	free(e->cells);
	buf_release(&e->path);
	buf_release(&e->unused);
	free(e);
}

void encoder_redact(struct encoder *e, char *const *paths, size_t n)
{
	e->redact = paths;
	e->nredact = n;
}

const char *encoder_unused(const struct encoder *e)
{
	return e->unused.data;
}

int encoder_row(struct encoder *e, const struct row *row, struct buf *out, struct error *err)
{
	size_t start = out->len;
	int rc;

	e->row = row;
	buf_clear(&e->path);
	memset(e->cells, 0, rows_columns(e->rows) * sizeof *e->cells);
	for (size_t i = row->ncells; i-- > 0;)
		e->cells[row->cells[i].column] = &row->cells[i];
	if (row->document)
		rc = encode_json(e, e->tree->root, row->document, out, err);
	else
		rc = encode_cells(e, e->tree->root, NULL, out, err);
	if (rc)
		out->len = start;
	return rc;
}

static const struct avro_node *node_at(const struct avro_node *n, const char *path)
{
	while (n->kind == AVRO_K_UNION) {
		size_t i = 0;
		while (i < n->n && n->children[i]->kind == AVRO_K_NULL)
			i++;
		if (i == n->n)
			return NULL;
		n = n->children[i];
	}
	if (!*path)
		return n;
	size_t len = strcspn(path, ".");
	for (size_t i = 0; n->kind == AVRO_K_RECORD && i < n->n; i++)
		if (strlen(n->names[i]) == len && !memcmp(n->names[i], path, len))
			return node_at(n->children[i], path + len + (path[len] == '.'));
	return NULL;
}

int encoder_time(const struct encoder *e, const struct cell *c, int64_t *ms)
{
	const struct column *column = rows_column(e->rows, c->column);
	const struct avro_node *n = node_at(e->tree->root, column->path);
	int64_t v;

	if (column->type == FIELD_TIME || !n ||
	    (n->logical != AVRO_L_TIMESTAMP && n->logical != AVRO_L_DATE) || parse_long(c->text, &v))
		return cell_time(e->rows, c, ms);
	if (n->logical == AVRO_L_DATE)
		return __builtin_mul_overflow(v, (int64_t)86400000, ms) ? -1 : 0;
	int64_t unit = n->per_second / 1000;
	*ms = time_floor(v, unit) / unit;
	return 0;
}

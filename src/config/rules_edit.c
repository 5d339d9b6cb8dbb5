// SPDX-License-Identifier: Apache-2.0
#include "config/rules_edit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml.h"
#include "util/xalloc.h"

struct place { // of a value in the text, or of its key and the value, in bytes
	size_t from, to;
	const struct rule_edit *edit;
	bool braces; // the rule's keys stand beside each other, else below
};

// Marks of the parser count characters.
static size_t byte_at(const struct buf *text, size_t character)
{
	size_t at = 0;

	for (; character && at < text->len; character--)
		do
			at++;
		while (at < text->len && ((unsigned char)text->data[at] & 0xc0) == 0x80);
	return at;
}

// Where the key of the value at `from` begins, with its quotes.
static size_t key_at(const struct buf *text, size_t from, const char *key)
{
	size_t at = from;

	while (at && strchr(" \t\r\n", text->data[at - 1]))
		at--;
	at -= at > 0; // the colon
	while (at && strchr(" \t", text->data[at - 1]))
		at--;
	size_t quote = at && strchr("'\"", text->data[at - 1]) != NULL, len = strlen(key) + 2 * quote;
	return at >= len && !strncmp(text->data + at - len + quote, key, strlen(key)) ? at - len : SIZE_MAX;
}

static bool is_number(const struct buf *text, const struct place *p)
{
	char *end;

	strtod(text->data + p->from, &end);
	return end == text->data + p->to;
}

static int find(const struct buf *text, const struct node *rules, const struct rule_edit *e, struct place *out, struct error *err)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct node *name = node_get(rules->items[i], "alert"), *v = node_get(rules->items[i], e->key);
		if (!name || !name->text || strcmp(name->text, e->rule) != 0)
			continue;
		if (!v || v->kind != NODE_SCALAR || v->to <= v->from)
			break;
		*out = (struct place){byte_at(text, v->from), byte_at(text, v->to), e, rules->items[i]->braces};
		if (!isnan(e->value) && !is_number(text, out))
			break;
		if (isnan(e->value) && (out->from = key_at(text, out->from, e->key)) == SIZE_MAX)
			break;
		return 0;
	}
	if (!isnan(e->value))
		return error_set(err, "%s: %s of rule %s does not stand there as a number; change it by hand to %.6g", rules->file,
				 e->key, e->rule, e->value);
	return error_set(err, "%s: %s of rule %s does not stand there as plain text; see what tune says of it and change it by hand",
			 rules->file, e->key, e->rule);
}

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

// With as many digits as it takes.
static void write_number(struct buf *out, double v)
{
	char text[40];

	snprintf(text, sizeof text, "%.12g", v);
	buf_addf(out, strtod(text, NULL) == v ? "%.12g" : "%.17g", v);
}

static void write_keys(struct buf *out, const struct buf *text, const struct place *p)
{
	const char *quote = text->data[p->from] == '"' ? "\"" : "";
	size_t line = p->from;

	while (line && text->data[line - 1] != '\n')
		line--;
	for (int i = 0; i < RULE_EDIT_KEYS && p->edit->instead[i][0]; i++) {
		if (i && p->braces)
			buf_adds(out, ", ");
		else if (i)
			buf_addf(out, "\n%*s", (int)(p->from - line), "");
		buf_addf(out, "%s%s%s: %s", quote, p->edit->instead[i][0], quote, p->edit->instead[i][1]);
	}
}

static void write_edit(struct buf *out, const struct buf *text, const struct place *p)
{
	if (!isnan(p->edit->value))
		write_number(out, p->edit->value);
	else if (p->edit->instead[0][0])
		write_keys(out, text, p);
	else
		buf_add(out, text->data + p->from, p->to - p->from);
}

static const char *find_text(const char *in, size_t len, const char *what)
{
	size_t n = strlen(what);

	for (size_t i = 0; i + n <= len; i++)
		if (!memcmp(in + i, what, n))
			return in + i;
	return NULL;
}

// A line of its own that an earlier edit left above one of these rules.
static bool is_earlier(const char *line, size_t len, const struct place *places, size_t n)
{
	bool earlier = false;

	for (size_t i = 0; i < n && !earlier; i++) {
		char *mark = xasprintf("# %s: " RULES_EDIT_MARK, places[i].edit->rule);
		size_t indent = strspn(line, " ");
		earlier = indent + strlen(mark) <= len && !strncmp(line + indent, mark, strlen(mark));
		free(mark);
	}
	return earlier;
}

static void write_line(const struct buf *text, size_t at, size_t end, const struct place *places, size_t n, struct buf *out)
{
	const char *line = text->data + at;
	size_t indent = strspn(line, " "), rest = n ? places[n - 1].to : at, stop = end;
	bool cr = end > at && text->data[end - 1] == '\r';

	stop -= cr;
	const char *earlier = n ? find_text(text->data + rest, stop - rest, " # " RULES_EDIT_MARK) : NULL;
	if (earlier)
		stop = (size_t)(earlier - text->data);
	bool beside = n == 1 && !memchr(line, '#', stop - at);
	for (size_t k = 0; k < n && !beside; k++)
		if (places[k].edit->why)
			buf_addf(out, "%*s# %s: %s\n", (int)indent, "", places[k].edit->rule, places[k].edit->why);
	for (size_t k = 0; k < n; k++) {
		buf_add(out, text->data + at, places[k].from - at);
		write_edit(out, text, &places[k]);
		at = places[k].to;
	}
	buf_add(out, text->data + at, stop - at);
	if (beside && places[0].edit->why)
		buf_addf(out, " # %s", places[0].edit->why);
	buf_adds(out, cr ? "\r" : "");
}

static size_t line_end(const struct buf *text, size_t from)
{
	const char *nl = memchr(text->data + from, '\n', text->len - from);

	return nl ? (size_t)(nl - text->data) : text->len;
}

static void write_lines(const struct buf *text, const struct place *places, size_t n, struct buf *out)
{
	size_t i = 0;

	for (size_t at = 0; at < text->len;) {
		size_t end = line_end(text, at), first = i;
		while (i < n && places[i].from < end) // a key may stand above its value
			end = line_end(text, places[i++].to);
		if (i > first || !is_earlier(text->data + at, end - at, places, n)) {
			write_line(text, at, end, places + first, i - first, out);
			buf_adds(out, end < text->len ? "\n" : "");
		}
		at = end + (end < text->len);
	}
}

int rules_edit(const char *file, const struct rule_edit *edits, size_t n, struct buf *out, struct error *err)
{
	struct place *places = xcalloc(n + 1, sizeof *places);
	struct buf text = BUF_INIT;
	struct node *rules = NULL;
	int line, rc = -1;

	if (buf_read_file(&text, file, NODE_FILE_MAX) < 0)
		error_set(err, "%s cannot be read", file);
	else
		rules = node_parse(text.data ? text.data : "", text.len, file, &line, err);
	for (size_t i = 0; rules && i < n; i++)
		if ((rc = find(&text, rules, &edits[i], &places[i], err)))
			break;
	if (rules && !n)
		rc = 0;
	if (!rc) {
		qsort(places, n, sizeof *places, by_place);
		write_lines(&text, places, n, out);
	}
	node_free(rules);
	buf_release(&text);
	free(places);
	return rc;
}

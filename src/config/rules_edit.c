// SPDX-License-Identifier: Apache-2.0
#include "config/rules_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml.h"
#include "util/xalloc.h"

struct place { // of a number in the text, in bytes
	size_t from, to;
	const struct rule_edit *edit;
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

static int find(const struct buf *text, const struct node *rules, const struct rule_edit *e, struct place *out, struct error *err)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct node *name = node_get(rules->items[i], "alert"), *v = node_get(rules->items[i], e->key);
		if (!name || !name->text || strcmp(name->text, e->rule) != 0)
			continue;
		if (!v || v->kind != NODE_SCALAR || v->to <= v->from)
			break;
		*out = (struct place){byte_at(text, v->from), byte_at(text, v->to), e};
		char *end;
		strtod(text->data + out->from, &end);
		if (end == text->data + out->to)
			return 0;
		break;
	}
	return error_set(err, "%s: %s of rule %s does not stand there as a number; change it by hand to %.6g", rules->file, e->key,
			 e->rule, e->value);
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

static void write_lines(const struct buf *text, const struct place *places, size_t n, struct buf *out)
{
	size_t at = 0, i = 0;

	while (at < text->len) {
		const char *line = text->data + at, *nl = memchr(line, '\n', text->len - at);
		size_t end = nl ? (size_t)(nl - text->data) : text->len, first = i, indent = strspn(line, " ");
		while (i < n && places[i].from < end)
			i++;
		bool beside = i == first + 1 && !memchr(line, '#', end - at);
		for (size_t k = first; k < i && !beside; k++)
			buf_addf(out, "%*s# %s: %s\n", (int)indent, "", places[k].edit->rule, places[k].edit->why);
		for (size_t k = first; k < i; k++) {
			buf_add(out, text->data + at, places[k].from - at);
			write_number(out, places[k].edit->value);
			at = places[k].to;
		}
		bool cr = end > at && text->data[end - 1] == '\r';
		buf_add(out, text->data + at, end - at - cr);
		if (beside)
			buf_addf(out, " # %s", places[first].edit->why);
		buf_adds(out, cr ? "\r" : "");
		buf_adds(out, nl ? "\n" : "");
		at = end + (nl != NULL);
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

// SPDX-License-Identifier: Apache-2.0
#include "drift/baseline_text.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

void baseline_text_release(struct baseline_text *t)
{
	free(t->fields);
	*t = (struct baseline_text){0};
}

// The end of a string whose opening quote is at `at`: one behind the closing one; 0: there is none.
static size_t string_end(const struct buf *b, size_t at)
{
	for (at++; at < b->len; at++)
		if (b->data[at] == '\\')
			at++;
		else if (b->data[at] == '"')
			return at + 1;
	return 0;
}

static bool is_key(const char *text, size_t at, size_t end, const char *name)
{
	return end - at == strlen(name) + 2 && !memcmp(text + at + 1, name, strlen(name));
}

// What a bracket or a comma at `at` of the compact text begins or ends, at depth 1 (members) or 2 (in "fields").
static bool note(struct baseline_text *t, const char *text, size_t at, int depth, size_t key, size_t key_end)
{
	char c = text[at];
	bool fields = is_key(text, key, key_end, "fields");

	if (depth == 1 && (c == ',' || c == '}') && is_key(text, key, key_end, "hash")) {
		t->hash = (struct text_part){key - 1, at - key + 1};
		return text[key - 1] == ',';
	}
	if (depth == 1 && c == '[' && fields)
		t->list.at = at + 1;
	else if (depth == 2 && c == ']' && fields)
		t->list.len = at - t->list.at;
	else if (depth == 2 && c == '{' && fields) {
		GROW(t->fields, t->nfields, t->capfields);
		t->fields[t->nfields++] = (struct text_part){at, 0};
	} else if (depth == 3 && c == '}' && fields && t->nfields)
		t->fields[t->nfields - 1].len = at + 1 - t->fields[t->nfields - 1].at;
	return true;
}

bool baseline_text_scan(struct baseline_text *t, struct buf *b)
{
	size_t n = 0, key = 0, key_end = 0, end, listed = 0;
	int depth = 0;

	*t = (struct baseline_text){0};
	for (size_t i = 0; i < b->len; i++) {
		char c = b->data[i];

		if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
			continue;
		if (c == '"') {
			if (!(end = string_end(b, i)))
				return false;
			memmove(b->data + n, b->data + i, end - i);
			if (depth == 1 && n && (b->data[n - 1] == ',' || b->data[n - 1] == '{')) {
				key = n;
				key_end = n + end - i;
			}
			n += end - i;
			i = end - 1;
			continue;
		}
		b->data[n] = c;
		if (depth && depth <= 3 && strchr(",{}[]", c) && !note(t, b->data, n, depth, key, key_end))
			return false;
		depth += (c == '{' || c == '[') - (c == '}' || c == ']');
		n++;
	}
	b->data[n] = 0;
	b->len = n;
	for (size_t i = 0; i < t->nfields; i++)
		listed += t->fields[i].len + (i > 0);
	return !depth && t->hash.len && t->list.at > t->hash.at && t->list.len == listed;
}

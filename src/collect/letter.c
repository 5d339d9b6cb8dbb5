// SPDX-License-Identifier: Apache-2.0
#include "collect/letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

enum { OWN_HEADERS = 16, LISTED_BREACHES = 32 };

void letter_breach(struct letter_draft *d, enum violation_kind kind, const char *field, const char *rule,
		   const char *reason)
{
	if (!d->breaches) {
		d->breaches = json_array();
		d->kind = kind;
		d->field = xstrdup(field);
		d->rule = xstrdup(rule);
		d->reason = xstrdup(reason && *reason ? reason : violation_table[kind].help);
	}
	if (json_array_size(d->breaches) == LISTED_BREACHES)
		return;
	json_t *b = json_pack("{s:s}", "kind", violation_table[kind].name);
	if (*field)
		json_object_set_new(b, "field", json_str(field));
	if (rule)
		json_object_set_new(b, "rule", json_str(rule));
	json_array_append_new(d->breaches, b);
}

void letter_draft_clear(struct letter_draft *d)
{
	if (!d->breaches)
		return;
	json_decref(d->breaches);
	free(d->field);
	free(d->rule);
	free(d->reason);
	*d = (struct letter_draft){0};
}

static void add(struct kafka_header *h, size_t *n, const char *name, const char *value)
{
	h[(*n)++] = (struct kafka_header){name, value, strlen(value)};
}

// What the block holds behind the struct: the headers' array, then bytes.
static struct letter *pack(const struct message *m, const char *to, const struct kafka_header *h, size_t n)
{
	size_t size = sizeof(struct letter) + n * sizeof *h + m->key_len + m->len + 2;

	for (size_t i = 0; i < n; i++)
		size += strlen(h[i].name) + 1 + h[i].len + 1;
	struct letter *l = xmalloc(size);
	struct kafka_header *copy = (struct kafka_header *)(l + 1);
	char *at = (char *)(copy + n);
	*l = (struct letter){
		.out = {.topic = to, .lane = m->partition, .key_len = m->key_len, .len = m->len, .time = m->time,
			.headers = copy, .nheaders = n},
		.offset = m->offset,
		.size = size,
	};
	if (m->key) {
		l->out.key = memcpy(at, m->key, m->key_len);
		at += m->key_len + 1;
	}
	l->out.value = memcpy(at, m->value, m->len);
	at += m->len + 1;
	for (size_t i = 0; i < n; i++) {
		size_t name = strlen(h[i].name) + 1;
		copy[i] = (struct kafka_header){.name = memcpy(at, h[i].name, name), .len = h[i].len};
		at += name;
		if (h[i].value) {
			copy[i].value = memcpy(at, h[i].value, h[i].len);
			at += h[i].len + 1;
		}
	}
	return l;
}

struct letter *letter_new(const struct message *m, const struct letter_draft *d, const struct letter_about *a)
{
	char partition[16], offset[24], schema[24], *all = json_text(d->breaches);
	const char *kind = violation_table[d->kind].name, *name = d->rule ? d->rule : kind;
	struct kafka_header head;
	size_t n = 0;

	while (message_header_at(m, n, &head))
		n++;
	struct kafka_header *h = xcalloc(n + OWN_HEADERS, sizeof *h);
	for (size_t i = 0; i < n; i++)
		message_header_at(m, i, &h[i]);
	snprintf(partition, sizeof partition, "%" PRId32, m->partition);
	snprintf(offset, sizeof offset, "%" PRId64, m->offset);
	snprintf(schema, sizeof schema, "%" PRId64, a->schema_id);
	add(h, &n, "kdrift.stream", a->stream);
	add(h, &n, "kdrift.kind", kind);
	if (d->rule)
		add(h, &n, "kdrift.rule", d->rule);
	if (*d->field)
		add(h, &n, "kdrift.field", d->field);
	add(h, &n, "kdrift.reason", d->reason);
	add(h, &n, "kdrift.violations", all);
	add(h, &n, "kdrift.topic", m->topic);
	add(h, &n, "kdrift.partition", partition);
	add(h, &n, "kdrift.offset", offset);
	if (a->schema_id >= 0)
		add(h, &n, "kdrift.schema_id", schema);
	add(h, &n, "__rule.name", name);
	add(h, &n, "__rule.mode", "READ");
	if (*a->subject)
		add(h, &n, "__rule.subject", a->subject);
	add(h, &n, "__rule.topic", m->topic);
	add(h, &n, "__rule.exception", d->reason);
	struct letter *l = pack(m, a->to, h, n);
	free(all);
	free(h);
	return l;
}

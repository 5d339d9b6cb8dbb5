// SPDX-License-Identifier: Apache-2.0
#include "collect/stream.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

// JSON without a schema.
static const struct registry_schema *any_json(void)
{
	static char any[] = "{}";
	static const struct registry_schema of_any = {.id = -1, .schema = {.type = SCHEMA_JSON, .text = any, .len = 2}};

	return &of_any;
}

static void value_init(struct wstream *s)
{
	const struct stream_conf *c = s->conf;

	// A stream that names its record type reads a topic of several types; how their subjects are named is not
	// known unless it is said.
	s->value = (struct side){.stream = s, .json = c->json, .framing = (enum framing)c->framing, .schema = s->def->schema,
				 .naming = subject_naming_of(c->subject_name_strategy, c->record ? SUBJECT_ANY : SUBJECT_TOPIC)};
	if (c->json && !s->value.schema)
		s->value.schema = any_json();
	s->value.event_time = c->event_time ? side_path(&s->value, c->event_time) : NULL;
	side_rules(&s->value);
}

// A text or bytes are read as Avro's.
static bool is_plain(const struct stream_conf *c)
{
	return c->key_format == KEY_STRING || c->key_format == KEY_BYTES;
}

static void key_init(struct wstream *s)
{
	static char text[] = "\"string\"", bytes[] = "\"bytes\"";
	static const struct registry_schema of_text = {.schema = {.text = text, .len = sizeof text - 1}};
	static const struct registry_schema of_bytes = {.schema = {.text = bytes, .len = sizeof bytes - 1}};
	const struct stream_conf *c = s->conf;

	s->key = (struct side){.stream = s, .key = true, .json = c->key_format == KEY_JSON,
			       .framing = (enum framing)c->key_framing, .schema = s->def->key_schema,
			       .naming = subject_naming_of(c->key_subject_name_strategy, SUBJECT_TOPIC)};
	if (s->key.json && !s->key.schema)
		s->key.schema = any_json();
	if (is_plain(c)) {
		s->key.framing = FRAMING_NONE;
		s->key.schema = c->key_format == KEY_STRING ? &of_text : &of_bytes;
	}
	side_rules(&s->key);
	s->key_not_null = c->key_not_null;
	for (size_t i = 0; i < s->key.nrules; i++)
		s->key_not_null |= s->key.rules[i].not_null;
}

void wstream_init(struct wstream *s, const struct collect_stream *def)
{
	*s = (struct wstream){.def = def, .conf = def->conf, .shown = SIZE_MAX};
	map_init(&s->by_path);
	record_values_init(&s->key_values);
	value_init(s);
	if (s->conf->has_key)
		key_init(s);
}

static void side_release(struct side *s)
{
	side_plans_release(s);
	side_rules_release(s);
	free(s->event_time);
}

void wstream_release(struct wstream *s)
{
	for (size_t i = 0; i < s->ntypes; i++) {
		wstream_release(s->types[i]);
		free(s->types[i]);
	}
	free(s->types);
	if (s->own)
		free(s->own->conf.name);
	free(s->own);
	side_release(&s->value);
	side_release(&s->key);
	record_values_release(&s->key_values);
	buf_release(&s->key_text);
	for (size_t i = 0; i < s->nfields; i++) {
		free(s->fields[i]->path);
		free(s->fields[i]);
	}
	free(s->fields);
	free(s->also);
	wstream_before_release(s);
	map_release(&s->by_path, NULL);
}

size_t wstream_field(struct wstream *s, const char *path, enum field_type type, bool in_elements)
{
	struct buf key = BUF_INIT;

	buf_addf(&key, "%s%c%c", path, 0, (char)('0' + type));
	size_t known = (size_t)map_get(&s->by_path, key.data, key.len);
	if (!known) {
		struct field_def *d = xcalloc(1, sizeof *d);
		const struct baseline_field *b = s->def->baseline ? baseline_find(s->def->baseline, path) : NULL;
		d->path = xstrdup(path);
		d->type = type;
		d->in_elements = in_elements;
		if (b && b->def.type == type) {
			d->grid = b->def.grid;
			d->categories = b->def.categories;
			d->ncategories = b->def.ncategories;
			d->dims = b->def.dims;
		}
		GROW(s->fields, s->nfields, s->capfields);
		s->fields[s->nfields++] = d;
		s->also = xrealloc(s->also, s->capfields * sizeof *s->also);
		s->also[s->nfields - 1] = before_field(s, d);
		known = s->nfields;
		map_put(&s->by_path, key.data, key.len, (void *)known);
	}
	buf_release(&key);
	return known - 1;
}

static const char *header_of(const void *message, const char *name, size_t *len)
{
	return message_header(message, name, len);
}

int side_frame(struct side *s, const struct message *m, struct frame *out, const char **why)
{
	const struct wire_headers headers = {m, header_of, s->key};
	struct buf *text = &s->stream->key_text;

	if (!s->key || !is_plain(s->stream->conf))
		return (s->json ? wire_parse_json : wire_parse)(s->framing, s->key ? m->key : m->value,
								s->key ? m->key_len : m->len, &headers, out, why);
	buf_clear(text);
	buf_svar(text, (int64_t)m->key_len);
	buf_add(text, m->key, m->key_len);
	return wire_parse(s->framing, text->data, text->len, &headers, out, why);
}

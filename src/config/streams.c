// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/read.h"
#include "util/re.h"
#include "util/xalloc.h"

enum { TOPIC_MAX = 249, SLICE_KEYS = 8 };

// --- fields ---------------------------------------------------------------------------------------------

static int read_bound(struct loader *l, const struct node *n, const char *path, double open, double *out)
{
	if (n->kind != NODE_NULL)
		return read_number(l, n, path, out);
	*out = open;
	return 0;
}

static void read_range(struct loader *l, const struct node *n, const char *path, struct field_conf *f)
{
	double lo, hi;

	if (n->kind != NODE_LIST || n->n != 2) {
		problem(l, n, "%s: write [MIN, MAX], with null for an open end", path);
		return;
	}
	if (read_bound(l, n->items[0], path, -INFINITY, &lo) < 0 ||
	    read_bound(l, n->items[1], path, INFINITY, &hi) < 0)
		return;
	if (lo > hi) {
		problem(l, n, "%s: the minimum %g is greater than the maximum %g; swap them", path, lo, hi);
		return;
	}
	f->has_range = true;
	f->range_min = lo;
	f->range_max = hi;
}

static int read_length_bound(struct loader *l, const struct node *n, const char *path, uint64_t open, uint64_t *out)
{
	double v;

	*out = open;
	if (n->kind == NODE_NULL)
		return 0;
	if (read_number(l, n, path, &v) < 0)
		return -1;
	if (v < 0 || v > 1e15 || v != floor(v)) {
		problem(l, n, "%s: '%s' is no length; write a whole number, or null for an open end", path, n->text);
		return -1;
	}
	*out = (uint64_t)v;
	return 0;
}

static void read_length(struct loader *l, const struct node *n, const char *path, struct field_conf *f)
{
	if (n->kind != NODE_LIST || n->n != 2) {
		problem(l, n, "%s: write [MIN, MAX], with null for an open end", path);
		return;
	}
	if (read_length_bound(l, n->items[0], path, 0, &f->length_min) < 0 ||
	    read_length_bound(l, n->items[1], path, UINT64_MAX, &f->length_max) < 0)
		return;
	if (f->length_min > f->length_max)
		problem(l, n, "%s: the minimum is greater than the maximum; swap them", path);
	f->has_length = true;
}

static void read_type(struct loader *l, const struct node *n, const char *path, struct field_conf *f)
{
	const char *s = read_text(l, n, path);
	enum field_type t = s ? field_type_parse(s) : FIELD_TYPES;

	if (!s)
		return;
	if (t == FIELD_TYPES || t == FIELD_NONE) {
		problem(l, n, "%s: '%s' is not one of %s", path, s, key_find(&section_field, "type")->unit);
		t = FIELD_TYPES;
	}
	f->type = t;
}

// librdkafka matches topics by POSIX's rules.
static void check_topic_pattern(struct loader *l, const struct node *n, const char *path, const char *pattern)
{
	char why[128];
	regex_t re;
	int rc = regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB);

	if (!rc) {
		regfree(&re);
		return;
	}
	regerror(rc, &re, why, sizeof why);
	problem(l, n, "%s: '%s' is not a POSIX extended regular expression (%s)", path, pattern, why);
}

static void check_pattern(struct loader *l, const struct node *n, const char *path, const char *pattern)
{
	struct error why = ERROR_INIT;
	struct re *re = re_new(pattern, strlen(pattern), &why);

	if (!re)
		problem(l, n, "%s: '%s' is not a regular expression as RE2 reads them (%s)", path, pattern, why.text);
	re_free(re);
}

// A rule that can never speak for the field's declared type is a mistake.
static void check_field(struct loader *l, const struct node *map, const char *path,
			const struct field_conf *f)
{
	static const struct {
		const char *key, *types;
		unsigned mask;
	} fits[] = {
	    {"range", "numeric", 1u << FIELD_NUMERIC},
	    {"allowed", "categorical, boolean and text",
	     1u << FIELD_CATEGORICAL | 1u << FIELD_BOOLEAN | 1u << FIELD_TEXT},
	    {"pattern", "text and categorical", 1u << FIELD_TEXT | 1u << FIELD_CATEGORICAL},
	    {"length", "text and categorical", 1u << FIELD_TEXT | 1u << FIELD_CATEGORICAL},
	    {"freshness", "time", 1u << FIELD_TIME},
	    {"unique", "numeric, categorical, text and time",
	     1u << FIELD_NUMERIC | 1u << FIELD_CATEGORICAL | 1u << FIELD_TEXT | 1u << FIELD_TIME},
	    {"monotonic", "numeric and time", 1u << FIELD_NUMERIC | 1u << FIELD_TIME},
	};
	const struct node *allowed = node_get(map, "allowed");
	char at[PATH_TEXT];

	for (size_t i = 0; i < ARRAY_LEN(fits); i++) {
		const struct node *n = node_get(map, fits[i].key);
		if (n && f->type != FIELD_TYPES && f->type != FIELD_NONE && !(fits[i].mask & 1u << f->type))
			problem(l, n, "%s: is for %s fields and this one is %s; change type or remove it",
				child_path(at, sizeof at, path, fits[i].key), fits[i].types,
				field_type_name(f->type));
	}
	if (allowed && allowed->kind == NODE_LIST && !allowed->n)
		problem(l, allowed,
			"%s: is empty, so every value would be a violation; name the values or remove it",
			child_path(at, sizeof at, path, "allowed"));
	if (node_get(map, "range") && node_get(map, "pattern"))
		problem(l, node_get(map, "pattern"),
			"%s: a field cannot have both a range (numbers) and a pattern (text)",
			child_path(at, sizeof at, path, "pattern"));
	if (node_get(map, "range") && node_get(map, "length"))
		problem(l, node_get(map, "length"), "%s: a field cannot have both a range (numbers) and a length (texts, lists)",
			child_path(at, sizeof at, path, "length"));
	if (f->monotonic && strpbrk(f->path, "[{"))
		problem(l, node_get(map, "monotonic"),
			"%s: is for fields that a record has once, and this one lies in an array or a map; remove it",
			child_path(at, sizeof at, path, "monotonic"));
	if (f->required_if)
		check_required_if(l, node_get(map, "required_if"), child_path(at, sizeof at, path, "required_if"), f);
	if (f->pattern)
		check_pattern(l, node_get(map, "pattern"), child_path(at, sizeof at, path, "pattern"),
			      f->pattern);
}

static void read_field(struct loader *l, const struct node *map, const char *path, struct field_conf *f)
{
	const struct node *n;
	char at[PATH_TEXT];
	bool ignore = false;

	f->type = FIELD_TYPES;
	section_read(l, map->kind == NODE_NULL ? NULL : map, path, &section_field, f);
	if ((n = node_get(map, "type")))
		read_type(l, n, child_path(at, sizeof at, path, "type"), f);
	if ((n = node_get(map, "range")))
		read_range(l, n, child_path(at, sizeof at, path, "range"), f);
	if ((n = node_get(map, "length")))
		read_length(l, n, child_path(at, sizeof at, path, "length"), f);
	if (f->freshness_ms && f->type == FIELD_TYPES)
		f->type = FIELD_TIME;
	if ((n = node_get(map, "ignore")) &&
	    read_bool(l, n, child_path(at, sizeof at, path, "ignore"), &ignore) == 0 && ignore) {
		f->type = FIELD_NONE;
		if (map->n > 1)
			problem(l, n,
				"%s: an ignored field cannot have rules; remove ignore or the other keys",
				at);
	}
	check_field(l, map, path, f);
}

static void read_fields(struct loader *l, const struct node *map, const char *path, struct stream_conf *s)
{
	char at[PATH_TEXT], child[PATH_TEXT];

	if (!map || map->kind == NODE_NULL)
		return;
	child_path(at, sizeof at, path, "fields");
	if (map->kind != NODE_MAP) {
		problem(l, map, "%s: a map of fields must stand here (amount: {range: [0, 1e6]})", at);
		return;
	}
	s->fields = xcalloc(map->n + 1, sizeof *s->fields);
	for (size_t i = 0; i < map->n; i++) {
		struct field_conf *f = &s->fields[s->nfields++];
		f->path = xstrdup(map->keys[i]);
		f->line = map->key_lines[i];
		read_field(l, map->items[i], child_path(child, sizeof child, at, f->path), f);
	}
}

// --- the stream -----------------------------------------------------------------------------------------

static void check_topic(struct loader *l, const struct node *n, const char *at, const char *topic, const char *mend)
{
	for (const char *c = topic; *c; c++) {
		if (isalnum((unsigned char)*c) || strchr("._-", *c))
			continue;
		problem(l, n, "%s: '%s' is no topic name; Kafka allows letters, digits, '.', '_' and '-'%s", at, topic, mend);
		return;
	}
	if (!*topic || strlen(topic) > TOPIC_MAX)
		problem(l, n, "%s: must have 1 to %d characters", at, TOPIC_MAX);
}

static void read_topic(struct loader *l, const struct node *n, const char *path, struct stream_conf *s)
{
	size_t len = strlen(s->topic);
	char at[PATH_TEXT];

	child_path(at, sizeof at, path, "topic");
	if (*s->topic == '/') {
		if (len < 3 || s->topic[len - 1] != '/') {
			problem(l, n, "%s: '%s' is no topic; a regular expression stands between two '/'", at,
				s->topic);
			return;
		}
		s->is_regex = true;
		memmove(s->topic, s->topic + 1, len - 2);
		s->topic[len - 2] = 0;
		check_topic_pattern(l, n, at, s->topic);
		return;
	}
	check_topic(l, n, at, s->topic, " (a regular expression stands between two '/')");
}

static void check_dead_letter(struct loader *l, const struct node *map, const char *path, const struct stream_conf *s)
{
	const struct node *section = node_get(map, "dead_letter"), *ratio = node_get(section, "max_ratio");
	char at[PATH_TEXT];

	if (s->dead_letter_topic)
		check_topic(l, node_get(section, "topic"), child_path(at, sizeof at, path, "dead_letter.topic"),
			    s->dead_letter_topic, "");
	if (ratio && !(s->dead_letter_max_ratio > 0 && s->dead_letter_max_ratio <= 1))
		problem(l, ratio, "%s.dead_letter.max_ratio: must be above 0 and at most 1, which is no limit", path);
}

static void check_slice_by(struct loader *l, const struct node *n, const char *path,
			   const struct stream_conf *s)
{
	char at[PATH_TEXT];

	child_path(at, sizeof at, path, "slice_by");
	if (s->nslice_by > SLICE_KEYS)
		problem(l, n, "%s: has %zu entries; at most %d make slices that mean something", at,
			s->nslice_by, SLICE_KEYS);
	for (size_t i = 0; i < s->nslice_by; i++) {
		if (!strcmp(s->slice_by[i], "header:"))
			problem(l, n, "%s: 'header:' names no header; write header:NAME", at);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(s->slice_by[i], s->slice_by[j]))
				problem(l, n, "%s: '%s' stands twice; remove one", at, s->slice_by[i]);
	}
}

// What is redacted names no slice, closes no window and is no category.
static void check_redact(struct loader *l, const struct node *map, const char *path, const struct stream_conf *s)
{
	const struct node *n = node_get(map, "redact");
	char at[PATH_TEXT];

	child_path(at, sizeof at, path, "redact");
	for (size_t i = 0; i < s->nslice_by; i++)
		if (path_redacted(s->slice_by[i], s->redact, s->nredact))
			problem(l, n, "%s: hides '%s', whose values would name slices; take it out of slice_by", at,
				s->slice_by[i]);
	if (s->event_time && path_redacted(s->event_time, s->redact, s->nredact))
		problem(l, n, "%s: hides the event time '%s', which windows and pages show; name what is beside it", at,
			s->event_time);
	for (size_t i = 0; i < s->nfields; i++)
		if (s->fields[i].type == FIELD_CATEGORICAL && path_redacted(s->fields[i].path, s->redact, s->nredact))
			problem(l, n, "%s: '%s' cannot be categorical, since categories are values; make it text, or leave its type "
				"out",
				at, s->fields[i].path);
}

static void check_times(struct loader *l, const struct node *map, const char *path, struct stream_conf *s)
{
	const struct node *slide = node_get(map, "slide");
	const struct node *at = slide ? slide : node_get(map, "window");
	char a[32], b[32];

	if (!s->slide_ms)
		s->slide_ms = s->window_ms < 60000 ? s->window_ms : 60000;
	if (s->window_ms % s->slide_ms)
		problem(l, at ? at : map, "%s.%s: window %s is not a multiple of slide %s; make it one", path,
			slide ? "slide" : "window", duration_format(s->window_ms, a, sizeof a),
			duration_format(s->slide_ms, b, sizeof b));
}

static void check_file(struct loader *l, const struct node *n, const char *path, const char *name,
		       const char *mend)
{
	if (name && access(name, R_OK) < 0)
		problem(l, n, "%s: %s cannot be read; %s", path, name, mend);
}

static void check_compatibility(struct loader *l, const struct node *map, const char *path,
				struct stream_conf *s)
{
	const struct node *contract = node_get(map, "contract"), *here = node_get(map, "compatibility");
	const struct node *inner = node_get(contract, "compatibility");

	if (here && inner && here->text && inner->text && strcmp(here->text, inner->text) != 0)
		problem(l, here, "%s.compatibility: differs from contract.compatibility; give one of the two",
			path);
	if (here && !s->contract_schema)
		warning(l, here, "%s.compatibility: has no effect without contract.schema", path);
	if (s->contract_schema && !s->compatibility)
		s->compatibility = xstrdup("BACKWARD");
}

static void read_format(struct loader *l, const struct node *n, const char *path, struct stream_conf *c)
{
	char at[PATH_TEXT];
	const char *s = n ? read_text(l, n, child_path(at, sizeof at, path, "format")) : NULL;

	c->json = s && !strcmp(s, "json");
	if (s && !c->json && strcmp(s, "avro") != 0)
		problem(l, n, "%s: '%s' is not a format; write avro or json", at, s);
}

// How a record's value, or its key, names its schema. `map` holds the keys, which stand under `path`.
struct naming {
	unsigned framing;
	const char *schema, *strategy, *record;
	bool json;
};

static void check_framing(struct loader *l, const struct node *map, const char *path, const struct naming *c)
{
	const struct node *framing = node_get(map, "framing"), *schema = node_get(map, "schema");
	const struct node *strategy = node_get(map, "subject_name_strategy");
	const char *word = key_find(&section_stream, "framing")->choices[c->framing];
	bool by_record = c->strategy && strcmp(c->strategy, "TopicName") != 0;
	char at[PATH_TEXT];

	check_file(l, schema, child_path(at, sizeof at, path, "schema"), c->schema,
		   c->json ? "put the JSON Schema there, or correct the name"
			   : "put the Avro schema there, or correct the name");
	if (!strcmp(word, "none") && !c->schema && !c->json)
		problem(l, framing ? framing : map, "%s.framing: none means that records do not name their schema; give schema", path);
	if (schema && strcmp(word, "none") != 0 && !c->json)
		problem(l, schema, "%s.schema: is for framing none; records of other framings name their schema", path);
	if (!strcmp(word, "none") && strategy)
		warning(l, strategy, "%s.subject_name_strategy: has no effect with framing none", path);
	if (!strcmp(word, "single_object") && by_record && !c->record)
		problem(l, strategy,
			"%s.subject_name_strategy: a fingerprint is looked for under the record's subject; give record",
			path);
}

static void read_key_of(struct loader *l, const struct node *stream, const char *path, struct stream_conf *s)
{
	static const char *const of_schemas[] = {"framing", "schema", "subject_name_strategy"};
	const struct node *map = node_get(stream, "key"), *event_time = node_get(stream, "event_time");
	char at[PATH_TEXT];

	s->has_key = map;
	if (!map)
		return;
	child_path(at, sizeof at, path, "key");
	const bool json = s->key_format == KEY_JSON, has_schema = json || s->key_format == KEY_AVRO;
	for (size_t i = 0; i < ARRAY_LEN(of_schemas) && !has_schema; i++)
		if (node_get(map, of_schemas[i]))
			problem(l, node_get(map, of_schemas[i]),
				"%s.%s: is for keys with a schema, of format avro or json; remove it", at, of_schemas[i]);
	if (has_schema)
		check_framing(l, map, at,
			      &(struct naming){s->key_framing, s->key_schema, s->key_subject_name_strategy, NULL, json});
	if (s->event_time && !strncmp(s->event_time, "key", 3) && (!s->event_time[3] || s->event_time[3] == '.'))
		problem(l, event_time,
			"%s.event_time: '%s' is the key's where keys are read, and the event time is the value's; a field of "
			"that name in the value is value.%s",
			path, s->event_time, s->event_time);
}

// A stream of several record types has none of their baselines and contracts.
static void check_by_record(struct loader *l, const struct node *map, const char *path, struct stream_conf *s)
{
	static const char *const of_one[] = {"baseline", "contract"};
	const char *strategy = s->subject_name_strategy ? s->subject_name_strategy : "TopicName";
	const char *framing = key_find(&section_stream, "framing")->choices[s->framing];

	s->by_record = strcmp(strategy, "TopicName") != 0 && !s->record && strcmp(framing, "none") != 0;
	for (size_t i = 0; s->by_record && i < ARRAY_LEN(of_one); i++)
		if (node_get(map, of_one[i]))
			problem(l, node_get(map, of_one[i]),
				"%s.%s: is of one record type, and the topic has several, each a sub-stream (%s); give that "
				"type a stream of its own with record",
				path, of_one[i], strategy);
}

static void read_stream(struct loader *l, const struct node *map, const char *path, struct stream_conf *s)
{
	const struct node *n;
	char at[PATH_TEXT];

	s->line = map->line;
	section_read(l, map, path, &section_stream, s);
	if (s->name)
		check_name(l, node_get(map, "name"), child_path(at, sizeof at, path, "name"), s->name);
	if (s->topic)
		read_topic(l, node_get(map, "topic"), path, s);
	read_format(l, node_get(map, "format"), path, s);
	if ((n = node_get(map, "slice_by")))
		check_slice_by(l, n, path, s);
	if ((n = node_get(map, "depends_on")))
		warning(l, n, "%s.depends_on: is not supported by this version and has no effect", path);
	check_times(l, map, path, s);
	if ((n = node_get(map, "baseline")) && n->kind != NODE_NULL)
		read_baseline(l, n, child_path(at, sizeof at, path, "baseline"), s);
	check_file(l, node_get(node_get(map, "contract"), "schema"),
		   child_path(at, sizeof at, path, "contract.schema"), s->contract_schema,
		   "put the Avro schema there, or correct the name");
	check_framing(l, map, path, &(struct naming){s->framing, s->schema, s->subject_name_strategy, s->record, s->json});
	read_key_of(l, map, path, s);
	check_by_record(l, map, path, s);
	check_compatibility(l, map, path, s);
	check_dead_letter(l, map, path, s);
	read_fields(l, node_get(map, "fields"), path, s);
	check_redact(l, map, path, s);
	read_value_rules(l, node_get(map, "rules"), path, s);
}

void read_streams(struct loader *l, const struct node *list)
{
	struct config *c = l->c;
	char path[64];

	if (!list || list->kind == NODE_NULL)
		return;
	if (list->kind != NODE_LIST || !list->n) {
		problem(l, list, "streams: a list of at least one stream must stand here (- name: ...)");
		return;
	}
	c->streams = xcalloc(list->n, sizeof *c->streams);
	for (size_t i = 0; i < list->n; i++) {
		struct stream_conf *s = &c->streams[c->nstreams];
		snprintf(path, sizeof path, "streams[%zu]", i);
		read_stream(l, list->items[i], path, s);
		for (size_t j = 0; s->name && j < c->nstreams; j++)
			if (c->streams[j].name && !strcmp(c->streams[j].name, s->name))
				problem(l, node_get(list->items[i], "name"),
					"%s.name: '%s' is already the name of the stream in line %d; choose "
					"another",
					path, s->name, c->streams[j].line);
		c->nstreams++;
	}
}

void stream_release(struct stream_conf *s)
{
	section_release(&section_stream, s);
	free(s->baseline);
	for (size_t i = 0; i < s->nslice_baselines; i++) {
		free(s->slice_baselines[i].slice);
		free(s->slice_baselines[i].path);
	}
	free(s->slice_baselines);
	for (size_t i = 0; i < s->nfields; i++) {
		section_release(&section_field, &s->fields[i]);
		free(s->fields[i].path);
	}
	free(s->fields);
	for (size_t i = 0; i < s->nrules; i++)
		section_release(&section_value_rule, &s->rules[i]);
	free(s->rules);
}

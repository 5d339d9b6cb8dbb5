// SPDX-License-Identifier: Apache-2.0
#include "collect/stream.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/log.h"
#include "util/xalloc.h"

enum {
	FIRST_WAIT_MS = 300, // for a schema that is on its way; then the partition waits instead
	ASK_AGAIN_MS = 60000,
	MAX_PLANS = 1000,    // ids that garbage makes up must not fill memory
	SUBJECT_MAX = 700,
};

static struct field_rule *rule_for(struct wstream *s, const char *path)
{
	for (size_t i = 0; i < s->nrules; i++)
		if (!strcmp(s->rules[i].path, path))
			return &s->rules[i];
	s->rules = xrealloc(s->rules, (s->nrules + 1) * sizeof *s->rules);
	s->rules[s->nrules] = (struct field_rule){.path = path, .type = FIELD_TYPES, .required = true};
	return &s->rules[s->nrules++];
}

static bool named(const struct stream_conf *c, const char *path)
{
	for (size_t i = 0; i < c->nfields; i++)
		if (!strcmp(c->fields[i].path, path))
			return c->fields[i].type != FIELD_TYPES;
	return false;
}

// Fields that somebody named (configuration, contract, baseline) are required; the rest follow the writers.
static void collect_rules(struct wstream *s)
{
	const struct stream_conf *c = s->conf;

	for (size_t i = 0; s->def->contract && i < contract_fields(s->def->contract); i++)
		rule_for(s, contract_field(s->def->contract, i))->type = contract_field_type(s->def->contract, i);
	for (size_t i = 0; s->def->baseline && i < s->def->baseline->nfields; i++) {
		const struct field_def *d = &s->def->baseline->fields[i]->def;
		struct field_rule *r = rule_for(s, d->path);
		if (r->type == FIELD_TYPES)
			r->type = d->type;
	}
	for (size_t i = 0; i < c->nfields; i++) {
		const struct field_conf *f = &c->fields[i];
		struct field_rule *r = rule_for(s, f->path);
		if (f->type != FIELD_TYPES) {
			// Where the contract has the field in this very type, a number in its place is a wrong type.
			r->cast = r->type != f->type;
			r->type = f->type;
		}
		r->has_range = f->has_range;
		r->range_min = f->range_min;
		r->range_max = f->range_max;
		r->allowed = f->allowed;
		r->nallowed = f->nallowed;
		r->pattern = f->pattern;
		r->not_null = f->not_null;
	}
	for (size_t i = 0; i < s->nrules; i++) // the clock of a record is not one of its features
		if (c->event_time && !strcmp(s->rules[i].path, c->event_time) && !named(c, c->event_time))
			s->rules[i--] = s->rules[--s->nrules];
}

// A stream that names its record type reads a topic of several types; how their subjects are named is not known
// unless it is said.
static enum subject_naming naming_of(const struct stream_conf *c)
{
	static const char *const words[] = {"TopicName", "RecordName", "TopicRecordName"};

	for (int i = 0; c->subject_name_strategy && i < SUBJECT_ANY; i++)
		if (!strcmp(c->subject_name_strategy, words[i]))
			return (enum subject_naming)i;
	return c->record ? SUBJECT_ANY : SUBJECT_TOPIC;
}

void wstream_init(struct wstream *s, const struct collect_stream *def)
{
	*s = (struct wstream){.def = def, .conf = def->conf, .naming = naming_of(def->conf)};
	map_init(&s->by_path);
	collect_rules(s);
}

static void plan_entry_free(struct plan_entry *e)
{
	plan_free(e->plan);
	free(e->field);
	free(e->slice_slot);
	free(e->topic);
	free(e);
}

void wstream_release(struct wstream *s)
{
	for (size_t i = 0; i < s->nplans; i++)
		plan_entry_free(s->plans[i]);
	free(s->plans);
	for (size_t i = 0; i < s->nfields; i++) {
		free(s->fields[i]->path);
		free(s->fields[i]);
	}
	free(s->fields);
	free(s->rules);
	map_release(&s->by_path, NULL);
}

bool wstream_reads(const struct wstream *s, const char *topic)
{
	regex_t re;

	if (!s->conf->is_regex)
		return !strcmp(s->conf->topic, topic);
	if (regcomp(&re, s->conf->topic, REG_EXTENDED | REG_NOSUB))
		return false;
	bool match = !regexec(&re, topic, 0, NULL, 0);
	regfree(&re);
	return match;
}

// The table's index of (path, type); the baseline's grid and categories come with it.
static size_t field_index(struct wstream *s, const struct plan_slot *slot)
{
	const char *path = slot->path;
	enum field_type type = slot->type;
	struct buf key = BUF_INIT;

	buf_addf(&key, "%s%c%c", path, 0, (char)('0' + type));
	size_t known = (size_t)map_get(&s->by_path, key.data, key.len);
	if (!known) {
		struct field_def *d = xcalloc(1, sizeof *d);
		const struct baseline_field *b = s->def->baseline ? baseline_find(s->def->baseline, path) : NULL;
		d->path = xstrdup(path);
		d->type = type;
		d->in_elements = slot->element >= 0;
		if (b && b->def.type == type) {
			d->grid = b->def.grid;
			d->categories = b->def.categories;
			d->ncategories = b->def.ncategories;
		}
		GROW(s->fields, s->nfields, s->capfields);
		s->fields[s->nfields++] = d;
		known = s->nfields;
		map_put(&s->by_path, key.data, key.len, (void *)known);
	}
	buf_release(&key);
	return known - 1;
}

static void bind(struct wstream *s, struct plan_entry *e)
{
	size_t slots = plan_slots(e->plan);

	e->field = xcalloc(slots + 1, sizeof *e->field);
	e->slice_slot = xcalloc(s->conf->nslice_by + 1, sizeof *e->slice_slot);
	for (size_t i = 0; i < s->conf->nslice_by; i++)
		e->slice_slot[i] = SIZE_MAX;
	for (size_t k = 0; k < slots; k++) {
		const struct plan_slot *slot = plan_slot(e->plan, k);
		bool counted = slot->type != FIELD_NONE && slot->type != FIELD_VECTOR;
		e->field[k] = counted ? field_index(s, slot) : SIZE_MAX;
		for (size_t i = 0; i < s->conf->nslice_by; i++)
			if (slot->element < 0 && !strcmp(s->conf->slice_by[i], slot->path))
				e->slice_slot[i] = k;
	}
}

static bool is_record(const struct wstream *s, const struct plan *p)
{
	return !s->conf->record || !strcmp(s->conf->record, plan_record_name(p));
}

static const char *schema_name(const struct plan_entry *e, char out[32])
{
	if (e->ref.by == SCHEMA_BY_STREAM)
		return "the configured schema";
	snprintf(out, 32, "schema id %d", e->id);
	return out;
}

static void compile(struct wstream *s, struct plan_entry *e, const struct registry_schema *schema)
{
	struct plan_options opt = {.event_time = s->conf->event_time,
				   .rules = s->rules,
				   .nrules = s->nrules,
				   .all_fields = true,
				   .reader = s->def->contract ? contract_schema(s->def->contract) : NULL};
	struct error err = ERROR_INIT;
	char name[32];

	e->plan = plan_compile(&schema->schema, &opt, &err);
	if (!e->plan) {
		e->state = schema->schema.type == SCHEMA_AVRO ? PLAN_INVALID : PLAN_UNSUPPORTED;
		snprintf(e->why, sizeof e->why, "%s cannot be used: %.180s", schema_name(e, name), err.text);
		log_warn("collect", "stream %s: %s", s->conf->name, e->why);
		return;
	}
	if (!is_record(s, e->plan)) {
		e->state = PLAN_OTHER_RECORD;
		return;
	}
	e->state = PLAN_READY;
}

// What a writer's schema adds to the stream, once it is known to be one of its own.
static void adopt(struct wstream *s, struct plan_entry *e, const struct registry_schema *schema)
{
	bind(s, e);
	if (s->def->contract) {
		char why[200], name[32];
		e->incompatible = contract_check(s->def->contract, compat_level_of(s->conf->compatibility), &schema->schema,
						 why, sizeof why) != CONTRACT_OK;
		if (e->incompatible) {
			snprintf(e->why, sizeof e->why, "%s breaks the contract: %.180s", schema_name(e, name), why);
			log_warn("collect", "stream %s: %s", s->conf->name, e->why);
		}
	}
}

static void subject_name(const struct wstream *s, const char *topic, const char *record, char out[SUBJECT_MAX])
{
	if (s->naming == SUBJECT_RECORD)
		snprintf(out, SUBJECT_MAX, "%s", record);
	else if (s->naming == SUBJECT_TOPIC_RECORD)
		snprintf(out, SUBJECT_MAX, "%s-%s", topic, record);
	else
		snprintf(out, SUBJECT_MAX, "%s-value", topic);
}

// The id that the registry has for what the frame says.
static enum registry_answer find_id(const struct wstream *s, const struct collect_port *port, struct plan_entry *e,
				    const char *topic)
{
	char subject[SUBJECT_MAX], text[SCHEMA_REF_TEXT];

	if (e->ref.by == SCHEMA_BY_ID) {
		e->id = schema_ref_id(&e->ref);
		return REGISTRY_KNOWN;
	}
	subject_name(s, topic, s->conf->record ? s->conf->record : "", subject);
	enum registry_answer is = port->id_of(port->ctx, &e->ref, subject, &e->id);
	if (is == REGISTRY_INVALID) {
		schema_ref_text(&e->ref, text);
		snprintf(e->why, sizeof e->why, "schema GUID %s is registered in another context of the registry only",
			 text);
	}
	return is;
}

// What a fingerprint finds lies under the subject.
static enum subject_answer ask_subject(const struct wstream *s, const struct collect_port *port,
				       const struct plan_entry *e, const char *topic)
{
	const char *record = e->plan ? plan_record_name(e->plan) : "";
	char subject[SUBJECT_MAX];

	if (s->naming == SUBJECT_ANY || e->ref.by == SCHEMA_BY_FINGERPRINT || (s->naming != SUBJECT_TOPIC && !*record))
		return SUBJECT_UNCHECKED;
	subject_name(s, topic, record, subject);
	return port->subject(port->ctx, e->id, subject);
}

static void judge_subject(struct wstream *s, const struct collect_port *port, struct plan_entry *e, const char *topic)
{
	switch (ask_subject(s, port, e, topic)) {
	case SUBJECT_PENDING:
		e->state = PLAN_PENDING;
		return;
	case SUBJECT_NO:
		e->state = PLAN_WRONG_SUBJECT;
		e->again = mono_after_ms(ASK_AGAIN_MS);
		return;
	default:
		e->state = PLAN_READY;
	}
}

static void ask(struct wstream *s, const struct collect_port *port, struct plan_entry *e, const char *topic)
{
	const struct registry_schema *schema = NULL;

	if (e->ref.by == SCHEMA_BY_STREAM) {
		schema = s->def->schema;
		compile(s, e, schema);
		if (e->state == PLAN_READY)
			adopt(s, e, schema);
		return;
	}
	enum registry_answer is = find_id(s, port, e, topic);
	switch (is == REGISTRY_KNOWN ? port->schema(port->ctx, e->id, &schema) : is) {
	case REGISTRY_PENDING:
		e->state = PLAN_PENDING;
		return;
	case REGISTRY_DENIED:
		e->state = PLAN_UNKNOWN;
		e->again = mono_after_ms(ASK_AGAIN_MS);
		return;
	case REGISTRY_INVALID:
		e->state = PLAN_INVALID;
		if (is == REGISTRY_KNOWN)
			snprintf(e->why, sizeof e->why, "schema id %d cannot be used: %.180s", e->id,
				 schema && schema->reason ? schema->reason : "it is no Avro schema");
		return;
	case REGISTRY_KNOWN:
		break;
	}
	if (s->naming == SUBJECT_TOPIC) {
		judge_subject(s, port, e, topic);
		if (e->state == PLAN_READY)
			compile(s, e, schema);
	} else {
		if (!e->plan) // whose name is the subject's
			compile(s, e, schema);
		if (e->plan && e->state != PLAN_OTHER_RECORD)
			judge_subject(s, port, e, topic);
	}
	if (e->state == PLAN_READY)
		adopt(s, e, schema);
}

// One plan a schema; where a stream spans topics one a topic too, since each has a subject of its own.
static bool serves(const struct wstream *s, const struct plan_entry *e, const struct schema_ref *ref, const char *topic)
{
	return schema_ref_equal(&e->ref, ref) && (!s->conf->is_regex || !strcmp(e->topic, topic));
}

// Past the bound an id that cannot be read makes room; those that can are as many as the writers have schemas.
static void make_room(struct wstream *s)
{
	for (size_t i = 0; s->nplans >= MAX_PLANS && i < s->nplans; i++) {
		if (s->plans[i]->state != PLAN_READY && s->plans[i]->state != PLAN_OTHER_RECORD) {
			plan_entry_free(s->plans[i]);
			s->plans[i] = s->plans[--s->nplans];
			return;
		}
	}
}

static struct plan_entry *find(struct wstream *s, const struct schema_ref *ref, const char *topic)
{
	for (size_t i = 0; i < s->nplans; i++)
		if (serves(s, s->plans[i], ref, topic))
			return s->plans[i];
	return NULL;
}

struct plan_entry *wstream_plan(struct wstream *s, const struct collect_port *port, const struct schema_ref *ref,
				const char *topic)
{
	struct plan_entry *e = s->last;

	if (e && serves(s, e, ref, topic))
		return e;
	e = find(s, ref, topic);
	if (!e) {
		e = xcalloc(1, sizeof *e);
		e->ref = *ref;
		e->id = -1;
		e->topic = xstrdup(topic);
		make_room(s);
		GROW(s->plans, s->nplans, s->capplans);
		s->plans[s->nplans++] = e;
		struct mono_time deadline = mono_after_ms(FIRST_WAIT_MS);
		ask(s, port, e, topic);
		while (e->state == PLAN_PENDING && !mono_passed(deadline)) {
			nanosleep(&(struct timespec){0, 2000000}, NULL);
			ask(s, port, e, topic);
		}
	} else if (e->state == PLAN_PENDING ||
		   ((e->state == PLAN_UNKNOWN || e->state == PLAN_WRONG_SUBJECT) && mono_passed(e->again))) {
		ask(s, port, e, topic);
	}
	if (e->state == PLAN_READY)
		s->last = e;
	return e;
}

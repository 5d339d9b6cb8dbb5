// SPDX-License-Identifier: Apache-2.0
// A side's plans, one a writer's schema: asked for, compiled, bound to the stream's fields, and forgotten where there are
// too many.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collect/history.h"
#include "collect/stream.h"
#include "util/log.h"
#include "util/xalloc.h"

enum {
	FIRST_WAIT_MS = 300, // for a schema that is on its way; then the partition waits instead
	ASK_AGAIN_MS = 60000,
	MAX_PLANS = 1000,    // ids that garbage makes up must not fill memory
};

static void unbind(struct plan_entry *e)
{
	for (size_t i = 0; e->path && i < plan_slots(e->plan); i++)
		free(e->path[i]);
	free(e->path);
	free(e->field);
	free(e->slice_slot);
	free(e->past);
	e->path = NULL;
}

static void plan_entry_free(struct plan_entry *e)
{
	unbind(e);
	plan_free(e->plan);
	messages_free(e->messages);
	free(e->topic);
	free(e);
}

void side_plans_release(struct side *s)
{
	for (size_t i = 0; i < s->nplans; i++)
		plan_entry_free(s->plans[i]);
	free(s->plans);
}

static void bind(struct side *s, struct plan_entry *e)
{
	const struct stream_conf *c = e->owner->conf;
	size_t slots = plan_slots(e->plan);

	e->path = xcalloc(slots + 1, sizeof *e->path);
	e->field = xcalloc(slots + 1, sizeof *e->field);
	e->past = xcalloc(slots + 1, sizeof *e->past);
	e->slice_slot = xcalloc(c->nslice_by + 1, sizeof *e->slice_slot);
	for (size_t i = 0; i < c->nslice_by; i++)
		e->slice_slot[i] = SIZE_MAX;
	for (size_t k = 0; k < slots; k++) {
		const struct plan_slot *slot = plan_slot(e->plan, k);
		bool inside = slot->element >= 0;
		bool counted = slot->type != FIELD_NONE && slot->part_of < 0 && !(slot->type == FIELD_VECTOR && inside) && !e->beyond;
		e->path[k] = side_shown(s, e->plan, slot->path);
		e->field[k] = counted ? wstream_field(e->owner, e->path[k], slot->type, inside) : SIZE_MAX;
		e->past[k] = slot->encrypted ? SIZE_MAX : history_rule(c, e->path[k]);
		for (size_t i = 0; i < c->nslice_by; i++)
			if (!inside && !strcmp(c->slice_by[i], e->path[k]))
				e->slice_slot[i] = k;
	}
}

// What the entry is about.
static struct schema_text text_of(const struct plan_entry *e, const struct registry_schema *schema)
{
	struct schema_text text = schema->schema;

	text.message = e->message;
	return text;
}

static bool is_record(const struct side *s, const struct plan *p)
{
	return s->key || !s->stream->conf->record || !strcmp(s->stream->conf->record, plan_record_name(p));
}

static const struct contract *contract_of(const struct side *s)
{
	return s->key ? NULL : s->stream->def->contract;
}

static const char *schema_name(const struct plan_entry *e, char out[32])
{
	if (e->ref.by == SCHEMA_BY_STREAM)
		return "the configured schema";
	snprintf(out, 32, "schema id %d", e->id);
	return out;
}

// A stream for each record type.
static bool splits(const struct side *s)
{
	return !s->key && s->stream->conf->by_record;
}

static bool in_writer(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < plan_slots(p); i++)
		if (!strcmp(plan_slot(p, i)->path, path))
			return plan_slot(p, i)->in_writer;
	return true; // ignored fields have no slot
}

// Of the rules those alone whose fields the type has; to be freed.
static struct field_rule *keep_rules(const struct plan *plan, struct plan_options *opt)
{
	struct field_rule *rules = xcalloc(opt->nrules + 1, sizeof *rules);
	size_t n = 0;

	for (size_t i = 0; i < opt->nrules; i++)
		if (in_writer(plan, opt->rules[i].path))
			rules[n++] = opt->rules[i];
	opt->rules = rules;
	opt->nrules = n;
	return rules;
}

static struct plan *compile_type(const struct schema_text *schema, struct plan_options *opt, struct error *err)
{
	struct plan *plan = plan_compile(schema, opt, err);
	const size_t all = opt->nrules;
	struct field_rule *rules = plan ? keep_rules(plan, opt) : NULL;

	if (plan && opt->nrules < all) {
		plan_free(plan);
		plan = plan_compile(schema, opt, err);
	}
	free(rules);
	return plan;
}

static struct plan_options options_of(const struct side *s)
{
	const struct contract *contract = contract_of(s);

	return (struct plan_options){.event_time = s->event_time,
				     .rules = s->rules,
				     .nrules = s->nrules,
				     .record_rules = s->record_rules,
				     .nrecord_rules = s->nrecord_rules,
				     .one_of_types = splits(s),
				     .all_fields = true,
				     .redact = s->redact,
				     .nredact = s->nredact,
				     .reader = contract ? contract_schema(contract) : NULL};
}

static void refuse(const struct side *s, struct plan_entry *e, enum plan_state state, const char *why)
{
	char name[32];

	e->state = state;
	snprintf(e->why, sizeof e->why, "%s cannot be used: %.180s", schema_name(e, name), why);
	log_warn("collect", "stream %s: %s", s->stream->conf->name, e->why);
}

static void tell_unchecked(const struct side *s, const struct plan_entry *e)
{
	char **names, name[32];
	size_t n = plan_unchecked(e->plan, &names);
	struct buf list = BUF_INIT;

	for (size_t i = 0; i < n && list.len < 300; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", names[i]);
	if (n)
		log_warn("collect", "stream %s: %s has keywords that are not checked: %s", s->stream->conf->name,
			 schema_name(e, name), list.data);
	buf_release(&list);
}

static void compile(struct side *s, struct plan_entry *e, const struct registry_schema *schema)
{
	struct plan_options opt = options_of(s);
	const struct schema_text text = text_of(e, schema);
	struct error err = ERROR_INIT;

	e->plan = splits(s) ? compile_type(&text, &opt, &err) : plan_compile(&text, &opt, &err);
	if (!e->plan) {
		refuse(s, e, text.type == SCHEMA_PROTOBUF ? PLAN_UNSUPPORTED : PLAN_INVALID, err.text);
		return;
	}
	if (!is_record(s, e->plan)) {
		e->state = PLAN_OTHER_RECORD;
		return;
	}
	e->state = PLAN_READY;
	tell_unchecked(s, e);
}

// The stream whose records these are. -1: it cannot be told yet.
static int find_owner(struct side *s, const struct collect_port *port, struct plan_entry *e)
{
	struct wstream *type;

	e->owner = s->stream;
	if (!splits(s) || !*plan_record_name(e->plan))
		return 0;
	if (wstream_type(s->stream, port, plan_record_name(e->plan), &type))
		return -1;
	e->beyond = !type;
	e->owner = type ? type : s->stream;
	return 0;
}

static void tell_rules(const struct collect_port *port, const struct plan_entry *e)
{
	for (size_t i = 0; port->unjudged && i < plan_rules(e->plan); i++) {
		const struct plan_rule *r = plan_rule(e->plan, i);

		if (!r->supported)
			port->unjudged(port->ctx, e->owner->conf->name, e->id, r);
	}
}

// What a writer's schema adds to the stream, once it is known to be one of its own.
static void adopt(struct side *s, const struct collect_port *port, struct plan_entry *e, const struct registry_schema *schema)
{
	if (find_owner(s, port, e)) {
		e->state = PLAN_PENDING;
		return;
	}
	bind(s, e);
	tell_rules(port, e);
	if (contract_of(s)) {
		const struct schema_text text = text_of(e, schema);
		char why[200], name[32];
		e->incompatible = contract_check(contract_of(s), compat_level_of(s->stream->conf->compatibility), &text, why,
						 sizeof why) != CONTRACT_OK;
		if (e->incompatible) {
			snprintf(e->why, sizeof e->why, "%s breaks the contract: %.180s", schema_name(e, name), why);
			log_warn("collect", "stream %s: %s", s->stream->conf->name, e->why);
		}
	}
}

// The id that the registry has for what the frame says.
static enum registry_answer find_id(const struct side *s, const struct collect_port *port, struct plan_entry *e,
				    const char *topic)
{
	const char *record = !s->key && s->stream->conf->record ? s->stream->conf->record : "";
	char subject[SUBJECT_MAX], text[SCHEMA_REF_TEXT];

	if (e->ref.by == SCHEMA_BY_ID) {
		e->id = schema_ref_id(&e->ref);
		return REGISTRY_KNOWN;
	}
	subject_name(s->naming == SUBJECT_ANY ? SUBJECT_TOPIC : s->naming, topic, record, s->key, subject);
	enum registry_answer is = port->id_of(port->ctx, &e->ref, subject, &e->id);
	if (is == REGISTRY_INVALID) {
		schema_ref_text(&e->ref, text);
		snprintf(e->why, sizeof e->why, "schema GUID %s is registered in another context of the registry only",
			 text);
	}
	return is;
}

void side_subject(const struct side *s, const struct plan_entry *e, const char *topic, char out[SUBJECT_MAX])
{
	subject_name(s->naming, topic, e && e->plan ? plan_record_name(e->plan) : "", s->key, out);
}

// What a fingerprint finds lies under the subject.
static enum subject_answer ask_subject(const struct side *s, const struct collect_port *port,
				       const struct plan_entry *e, const char *topic)
{
	char subject[SUBJECT_MAX];

	side_subject(s, e, topic, subject);
	if (!*subject || e->ref.by == SCHEMA_BY_FINGERPRINT)
		return SUBJECT_UNCHECKED;
	return port->subject(port->ctx, e->id, subject);
}

static void judge_subject(struct side *s, const struct collect_port *port, struct plan_entry *e, const char *topic)
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

// Of a Protobuf schema: its messages are looked for one by one.
static void list_messages(const struct side *s, struct plan_entry *e, const struct registry_schema *schema)
{
	struct error err = ERROR_INIT;

	if (s->framing == FRAMING_APICURIO)
		error_set(&err, "Apicurio's own framing of Protobuf is not read");
	else
		e->messages = messages_new(&schema->schema, &err);
	if (e->messages)
		e->state = PLAN_MESSAGES;
	else
		refuse(s, e, PLAN_UNSUPPORTED, err.text);
}

static void ask(struct side *s, const struct collect_port *port, struct plan_entry *e, const char *topic)
{
	const struct registry_schema *schema = NULL;

	if (e->ref.by == SCHEMA_BY_STREAM) {
		schema = s->schema;
		compile(s, e, schema);
		if (e->state == PLAN_READY)
			adopt(s, port, e, schema);
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
	const bool whole = schema->schema.type == SCHEMA_PROTOBUF && !e->message.n;
	if (s->naming == SUBJECT_TOPIC) {
		judge_subject(s, port, e, topic);
		if (e->state == PLAN_READY && whole)
			list_messages(s, e, schema);
		else if (e->state == PLAN_READY)
			compile(s, e, schema);
	} else if (whole) {
		list_messages(s, e, schema);
	} else {
		if (!e->plan) // whose name is the subject's
			compile(s, e, schema);
		if (e->plan && e->state != PLAN_OTHER_RECORD)
			judge_subject(s, port, e, topic);
	}
	if (e->state == PLAN_READY)
		adopt(s, port, e, schema);
}

bool side_serves(const struct side *s, const struct plan_entry *e, const struct schema_ref *ref, const char *topic)
{
	return schema_ref_equal(&e->ref, ref) && (!s->stream->conf->is_regex || !strcmp(e->topic, topic));
}

// Past the bound an id that cannot be read makes room; those that can are as many as the writers have schemas.
static void make_room(struct side *s)
{
	for (size_t i = 0; s->nplans >= MAX_PLANS && i < s->nplans; i++) {
		const enum plan_state state = s->plans[i]->state;
		if (state != PLAN_READY && state != PLAN_OTHER_RECORD && state != PLAN_MESSAGES) {
			plan_entry_free(s->plans[i]);
			s->plans[i] = s->plans[--s->nplans];
			return;
		}
	}
}

static struct plan_entry *find(struct side *s, const struct schema_ref *ref, const struct message_path *message,
			       const char *topic)
{
	for (size_t i = 0; i < s->nplans; i++)
		if (side_serves(s, s->plans[i], ref, topic) && message_path_equal(&s->plans[i]->message, message))
			return s->plans[i];
	return NULL;
}

struct plan_entry *side_entry(struct side *s, const struct collect_port *port, const struct schema_ref *ref,
			      const struct message_path *message, const char *topic)
{
	struct plan_entry *e = find(s, ref, message, topic);

	if (!e) {
		e = xcalloc(1, sizeof *e);
		e->ref = *ref;
		e->message = *message;
		e->id = -1;
		e->side = s;
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

static void learn(struct plan_entry *e, const struct record_values *r)
{
	struct plan_options opt = options_of(e->side);
	struct field_rule *kept = splits(e->side) ? keep_rules(e->plan, &opt) : NULL;
	struct error err = ERROR_INIT;

	unbind(e);
	if (plan_learn(e->plan, &opt, r, &err) || plan_full(e->plan))
		log_warn("collect", "stream %s: its JSON has more fields than are learned of a schema without types; what comes "
				    "beyond is not counted: name a map's values in fields (\"scores{}\"), or ignore the record",
			 e->side->stream->conf->name);
	bind(e->side, e);
	free(kept);
}

void entry_walk(struct plan_entry *e, const uint8_t *bytes, size_t n, struct record_values *out)
{
	plan_walk(e->plan, bytes, n, out);
	if (!out->unknown)
		return;
	learn(e, out);
	plan_walk(e->plan, bytes, n, out);
}

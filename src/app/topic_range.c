// SPDX-License-Identifier: Apache-2.0
#include "app/topic_range.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/adapters.h"
#include "app/range_faults.h"
#include "app/topic_reader.h"
#include "collect/stream.h"
#include "schema/file.h"
#include "util/xalloc.h"

enum {
	SCHEMA_MS = 30000,
	BATCH = 500,
};

struct range {
	const struct topic_range *want;
	struct topic_reader reader;
	struct registry *registry;
	struct contract *contract;
	struct registry_schema *schema, *key_schema;
	struct collect_stream def;
	struct wstream stream;
	struct record_values values;
	struct range_faults faults;
	uint64_t unsupported, tombstones;
	json_t *schemas; // id -> records
	char unread[240]; // why the first unsupported record is one
};

static int open_clients(struct range *r, struct error *err)
{
	const struct config *c = r->want->config;
	const struct registry_conf conf = registry_conf_of(c);

	if (topic_reader_open(&r->reader, c, err))
		return -1;
	r->registry = registry_new(&conf, err);
	if (!r->registry)
		return -1;
	if (r->want->stream->contract_schema) {
		r->contract = contract_load(r->want->stream->contract_schema, err);
		if (!r->contract)
			return error_prefix(err, "contract %s", r->want->stream->contract_schema);
	}
	const struct stream_conf *s = r->want->stream;
	if ((s->schema && !(r->schema = schema_file_load(s->schema, s->json ? SCHEMA_JSON : SCHEMA_AVRO, err))) ||
	    (s->key_schema && !(r->key_schema = schema_file_load(s->key_schema, s->key_format == KEY_JSON ? SCHEMA_JSON : SCHEMA_AVRO, err))))
		return -1;
	r->def = (struct collect_stream){s, NULL, r->contract, r->schema, r->key_schema};
	wstream_init(&r->stream, &r->def);
	return 0;
}

static int open_range(struct range *r, struct error *err)
{
	const struct stream_conf *s = r->want->stream;

	char **topics;
	size_t n;
	int rc = topic_reader_topics(&r->reader, s, &topics, &n, err);

	for (size_t i = 0; i < n; i++) {
		rc = rc ? rc : topic_reader_add(&r->reader, topics[i], r->want->from, s->event_time ? INT64_MAX : r->want->to, err);
		free(topics[i]);
	}
	free(topics);
	return rc;
}

// *out NULL: the record names no message of its schema. -1: the schema cannot be had.
static int plan_of(struct range *r, const char *topic, struct side *side, struct frame *frame, struct plan_entry **out,
		   const char **why, struct error *err)
{
	const struct collect_port port = registry_port_of(r->registry);
	struct mono_time deadline = mono_after_ms(SCHEMA_MS);
	char text[SCHEMA_REF_TEXT];

	while ((*out = side_plan(side, &port, frame, topic, why)) && (*out)->state == PLAN_PENDING) {
		struct registry_stats stats;
		registry_stats(r->registry, &stats);
		if (mono_passed(deadline)) {
			schema_ref_text(&frame->schema, text);
			return error_set(err, "the schema registry does not give schema %s: %s", text, stats.last_error);
		}
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
	return 0;
}

static void breach(struct range *r, const struct message *m, enum violation_kind kind, const char *detail)
{
	r->faults.violations[kind]++;
	if (!*r->faults.first)
		snprintf(r->faults.first, sizeof r->faults.first, "%s at %s/%" PRId32 " offset %" PRId64 ": %.150s",
			 violation_table[kind].name, m->topic, m->partition, m->offset, detail);
}

// What a record's value or key gave.
struct part_read {
	struct plan_entry *plan; // NULL: it could not be named
	struct record_values *values;
	enum violation_kind whole; // what it breaks that gives no values; VIOLATION_KINDS: nothing
	const char *why;
};

static enum violation_kind whole_breach(const struct plan_entry *e, const struct record_values *v)
{
	switch (e->state) {
	case PLAN_UNKNOWN:
		return VIOLATION_UNKNOWN_SCHEMA;
	case PLAN_WRONG_SUBJECT:
		return VIOLATION_WRONG_SUBJECT;
	case PLAN_INVALID:
		return VIOLATION_UNDECODABLE;
	case PLAN_READY:
		return v->decoded ? VIOLATION_KINDS : v->nbreaches ? v->breaches[0].kind : VIOLATION_UNDECODABLE;
	default:
		return VIOLATION_KINDS;
	}
}

static int read_part(struct range *r, struct side *side, const struct message *m, struct record_values *v,
		     struct part_read *out, struct error *err)
{
	struct frame frame;

	*out = (struct part_read){.values = v, .whole = VIOLATION_KINDS};
	v->decoded = v->has_event_time = false;
	v->kafka_ms = m->time.ms;
	v->nbreaches = v->nvalues = 0;
	if (side->key && !m->key) {
		out->whole = r->stream.key_not_null ? VIOLATION_NULL : VIOLATION_KINDS;
		out->why = "there is no key";
		return 0;
	}
	if (side_frame(side, m, &frame, &out->why)) {
		out->whole = VIOLATION_FRAMING;
		return 0;
	}
	if (plan_of(r, m->topic, side, &frame, &out->plan, &out->why, err))
		return -1;
	struct plan_entry *e = out->plan;
	if (!e) {
		out->whole = VIOLATION_FRAMING;
		return 0;
	}
	if (e->state == PLAN_READY && plan_opaque(e->plan))
		return 0;
	if (e->state == PLAN_READY)
		entry_walk(e, frame.payload, frame.len, v);
	out->whole = whole_breach(e, v);
	out->why = e->state == PLAN_READY ? v->detail : e->why;
	return 0;
}

static bool inside(const struct range *r, int64_t ms)
{
	return ms >= r->want->from && ms < r->want->to;
}

// True: it breaks something.
static bool note(struct range *r, const struct message *m, const struct part_read *in)
{
	bool incompatible = in->whole == VIOLATION_KINDS && in->plan && in->plan->incompatible;

	if (in->whole != VIOLATION_KINDS)
		breach(r, m, in->whole, in->why);
	for (size_t i = 0; in->values->decoded && i < in->values->nbreaches; i++)
		breach(r, m, in->values->breaches[i].kind, in->values->detail);
	if (incompatible)
		breach(r, m, VIOLATION_INCOMPATIBLE_SCHEMA, in->plan->why);
	return in->whole != VIOLATION_KINDS || in->values->nbreaches || incompatible;
}

static void give(struct range *r, const struct part_read *in)
{
	for (size_t i = 0; in->values->decoded && i < in->values->nvalues; i++) {
		const struct value *v = &in->values->values[i];
		r->want->value(r->want->ctx, in->plan->path[v->slot], plan_slot(in->plan->plan, v->slot)->type, v);
	}
}

static int take(struct range *r, const struct message *m, struct error *err)
{
	struct part_read value, key = {.values = &r->stream.key_values, .whole = VIOLATION_KINDS};

	if (!m->value) {
		r->tombstones += inside(r, m->time.ms);
		return 0;
	}
	if (read_part(r, &r->stream.value, m, &r->values, &value, err) ||
	    (r->want->stream->has_key && read_part(r, &r->stream.key, m, &r->stream.key_values, &key, err)))
		return -1;
	const struct plan_entry *e = value.plan;
	if (e && e->state == PLAN_OTHER_RECORD)
		return 0;
	bool dated = value.whole == VIOLATION_KINDS && r->values.has_event_time;
	int64_t at = dated ? r->values.event_ms : m->time.ms;
	if (!inside(r, at))
		return 0;
	r->faults.records++;
	if (e && e->state == PLAN_UNSUPPORTED) {
		if (!r->unsupported++)
			snprintf(r->unread, sizeof r->unread, "%.220s", e->why);
		return 0;
	}
	bool broken = note(r, m, &value), key_broken = note(r, m, &key);
	r->faults.violating += broken || key_broken;
	if (value.whole != VIOLATION_KINDS)
		return 0;
	char id[16];
	snprintf(id, sizeof id, "%" PRId32, e->id);
	if (e->id >= 0)
		json_object_set_new(r->schemas, id, json_integer(json_get_int(r->schemas, id, 0) + 1));
	r->want->record(r->want->ctx, at, e->id);
	give(r, &value);
	give(r, &key);
	return 0;
}

static int read_all(struct range *r, struct error *err)
{
	struct message m[BATCH];
	size_t n;

	while (r->reader.open > 0) {
		if (topic_reader_batch(&r->reader, m, BATCH, &n, err))
			return -1;
		int rc = 0;
		for (size_t i = 0; i < n && !rc; i++)
			rc = take(r, &m[i], err);
		consumer_batch_free(m, n);
		if (rc)
			return -1;
		r->want->progress(r->want->ctx, topic_reader_share(&r->reader));
	}
	return 0;
}

static int judge(const struct range *r, struct error *err)
{
	const uint64_t records = r->faults.records;

	if (!records)
		return error_set(err, "stream %s has no record in the interval: topic %s", r->want->stream->name,
				 r->want->stream->topic);
	if (r->unsupported && (r->unsupported == records || !r->want->allow_violations))
		return error_set(err, "%" PRIu64 " of %" PRIu64 " records of stream %s cannot be read: %s", r->unsupported,
				 records, r->want->stream->name, r->unread);
	return r->want->allow_violations ? 0 : range_faults_judge(&r->faults, err);
}

static json_t *provenance(const struct range *r)
{
	json_t *parts = json_array();

	for (size_t i = 0; i < r->reader.n; i++) {
		const struct reader_part *p = &r->reader.parts[i];
		json_t *part = json_pack("{s:i,s:I,s:I}", "partition", (int)p->partition, "from_offset", (json_int_t)p->start,
					 "to_offset", (json_int_t)p->next);
		if (r->want->stream->is_regex)
			json_object_set_new(part, "topic", json_str(p->topic));
		json_array_append_new(parts, part);
	}
	return json_pack("{s:s,s:o,s:I,s:I,s:I,s:O,s:o}", "topic", r->want->stream->topic, "partitions", parts,
			 "records", (json_int_t)r->faults.records, "tombstones", (json_int_t)r->tombstones,
			 "unsupported", (json_int_t)r->unsupported,
			 "schema_ids", r->schemas, "violations", range_faults_json(&r->faults));
}

static void close_range(struct range *r)
{
	topic_reader_close(&r->reader);
	if (r->stream.conf)
		wstream_release(&r->stream);
	registry_free(r->registry);
	contract_free(r->contract);
	schema_file_free(r->schema);
	schema_file_free(r->key_schema);
	record_values_release(&r->values);
	json_decref(r->schemas);
}

int topic_range_read(const struct topic_range *want, json_t **out, struct error *err)
{
	struct range r = {.want = want, .schemas = json_object()};

	record_values_init(&r.values);
	int rc = open_clients(&r, err) || open_range(&r, err) || read_all(&r, err) || judge(&r, err) ? -1 : 0;
	if (!rc)
		*out = provenance(&r);
	close_range(&r);
	return rc;
}

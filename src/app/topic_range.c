// SPDX-License-Identifier: Apache-2.0
#include "app/topic_range.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/adapters.h"
#include "app/range_faults.h"
#include "collect/stream.h"
#include "kafka/consumer.h"
#include "schema/file.h"
#include "util/xalloc.h"

enum {
	ASK_MS = 15000,	    // one question to the brokers
	SILENCE_MS = 30000, // without a message or an end
	SCHEMA_MS = 30000,
	BATCH = 500,
};

struct part_range {
	int64_t start, next, stop; // offsets
	bool done;
};

struct range {
	const struct topic_range *want;
	struct consumer *consumer;
	struct registry *registry;
	struct contract *contract;
	struct registry_schema *schema, *key_schema;
	struct collect_stream def;
	struct wstream stream;
	struct record_values values;
	struct part_range *parts;
	int nparts, open;
	struct range_faults faults;
	uint64_t unsupported, tombstones;
	json_t *schemas; // id -> records
	char unread[240]; // why the first unsupported record is one
};

static enum registry_answer schema(void *ctx, int32_t id, const struct registry_schema **out)
{
	return registry_schema(((struct range *)ctx)->registry, id, out);
}

static enum registry_answer id_of(void *ctx, const struct schema_ref *ref, const char *subject, int32_t *id)
{
	return registry_id_of(((struct range *)ctx)->registry, ref, subject, id);
}

static enum subject_answer subject(void *ctx, int32_t id, const char *name)
{
	return registry_subject_has(((struct range *)ctx)->registry, id, name);
}

static void not_in_a_group(void *ctx, const char *topic, int32_t partition)
{
	(void)ctx, (void)topic, (void)partition;
}

static void not_revoked(void *ctx, const char *topic, int32_t partition, bool lost)
{
	(void)ctx, (void)topic, (void)partition, (void)lost;
}

static int open_clients(struct range *r, struct error *err)
{
	const struct config *c = r->want->config;
	const struct rebalance cb = {NULL, not_in_a_group, not_revoked};
	struct kafka_property *props = xcalloc(c->nkafka + 1, sizeof *props);
	const struct registry_conf conf = registry_conf_of(c);

	props[0] = (struct kafka_property){"bootstrap.servers", c->bootstrap_servers};
	for (size_t i = 0; i < c->nkafka; i++)
		props[i + 1] = (struct kafka_property){c->kafka[i].name, c->kafka[i].value};
	r->consumer = consumer_new(props, c->nkafka + 1, c->group_id, 0, &cb, err);
	free(props);
	if (!r->consumer)
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

static int open_partition(struct range *r, int i, struct error *err)
{
	const char *topic = r->want->stream->topic;
	struct part_range *p = &r->parts[i];
	int64_t low, high;

	if (consumer_range(r->consumer, topic, i, &low, &high, ASK_MS, err))
		return -1;
	p->start = low;
	p->stop = high;
	if (r->want->from != INT64_MIN &&
	    consumer_offset_at(r->consumer, topic, i, (struct wall_time){r->want->from}, &p->start, ASK_MS,
			       err))
		return -1;
	if (r->want->to != INT64_MAX && !r->want->stream->event_time &&
	    consumer_offset_at(r->consumer, topic, i, (struct wall_time){r->want->to}, &p->stop, ASK_MS, err))
		return -1;
	p->next = p->start;
	p->done = p->start >= p->stop;
	if (p->done)
		return 0;
	r->open++;
	return consumer_start(r->consumer, topic, i, p->start, err);
}

static int open_range(struct range *r, struct error *err)
{
	const struct stream_conf *s = r->want->stream;

	if (s->is_regex)
		return error_set(err,
				 "stream %s: its topic is a regular expression; a baseline is of one topic: "
				 "use --file, or a "
				 "stream of that topic",
				 s->name);
	r->nparts = consumer_partitions(r->consumer, s->topic, ASK_MS, err);
	if (r->nparts < 0)
		return -1;
	r->parts = xcalloc((size_t)r->nparts + 1, sizeof *r->parts);
	for (int i = 0; i < r->nparts; i++)
		if (open_partition(r, i, err))
			return -1;
	return 0;
}

// *out NULL: the record names no message of its schema. -1: the schema cannot be had.
static int plan_of(struct range *r, struct side *side, struct frame *frame, struct plan_entry **out, const char **why,
		   struct error *err)
{
	const struct collect_port port = {.ctx = r, .schema = schema, .id_of = id_of, .subject = subject};
	struct mono_time deadline = mono_after_ms(SCHEMA_MS);
	char text[SCHEMA_REF_TEXT];

	while ((*out = side_plan(side, &port, frame, r->want->stream->topic, why)) && (*out)->state == PLAN_PENDING) {
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
	if (plan_of(r, side, &frame, &out->plan, &out->why, err))
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

static int on_message(struct range *r, const struct message *m, struct error *err)
{
	struct part_range *p = &r->parts[m->partition];

	if (m->kind == MESSAGE_ERROR)
		return 0; // librdkafka tries again; SILENCE_MS bounds it
	if (m->kind == MESSAGE_OUT_OF_RANGE)
		return error_set(err,
				 "%s/%" PRId32 ": the records from offset %" PRId64
				 " on were deleted while they were read",
				 m->topic, m->partition, p->next);
	if (p->done)
		return 0;
	p->next = m->kind == MESSAGE_RECORD ? m->offset + 1 : m->offset;
	bool beyond = m->kind == MESSAGE_RECORD && m->offset >= p->stop;
	if (m->kind == MESSAGE_RECORD && !beyond && take(r, m, err))
		return -1;
	if (m->kind == MESSAGE_EOF || p->next >= p->stop) {
		p->next = p->next < p->stop ? p->next : p->stop;
		p->done = true;
		r->open--;
		consumer_stop(r->consumer, m->topic, m->partition);
	}
	return 0;
}

static double share(const struct range *r)
{
	double done = 0, all = 0;

	for (int i = 0; i < r->nparts; i++) {
		done += (double)(r->parts[i].next - r->parts[i].start);
		all +=
		    r->parts[i].stop > r->parts[i].start ? (double)(r->parts[i].stop - r->parts[i].start) : 0;
	}
	return all > 0 ? done / all : 1;
}

static int read_all(struct range *r, struct error *err)
{
	struct mono_time deadline = mono_after_ms(SILENCE_MS);
	struct message m[BATCH];

	while (r->open > 0) {
		size_t n = consumer_batch(r->consumer, 200, m, BATCH);
		int rc = 0;
		for (size_t i = 0; i < n && !rc; i++)
			rc = on_message(r, &m[i], err);
		consumer_batch_free(m, n);
		if (rc)
			return -1;
		if (n)
			deadline = mono_after_ms(SILENCE_MS);
		else if (mono_passed(deadline))
			return error_set(err, "no record of %s came for %d s: %s", r->want->stream->topic,
					 SILENCE_MS / 1000, consumer_trouble(r->consumer));
		r->want->progress(r->want->ctx, share(r));
	}
	return 0;
}

static int judge(const struct range *r, struct error *err)
{
	const uint64_t records = r->faults.records;

	if (!records)
		return error_set(err, "topic %s has no record of stream %s in the interval",
				 r->want->stream->topic, r->want->stream->name);
	if (r->unsupported && (r->unsupported == records || !r->want->allow_violations))
		return error_set(err, "%" PRIu64 " of %" PRIu64 " records of topic %s cannot be read: %s", r->unsupported,
				 records, r->want->stream->topic, r->unread);
	return r->want->allow_violations ? 0 : range_faults_judge(&r->faults, err);
}

static json_t *provenance(const struct range *r)
{
	json_t *parts = json_array();

	for (int i = 0; i < r->nparts; i++)
		json_array_append_new(parts, json_pack("{s:i,s:I,s:I}", "partition", i, "from_offset",
						       (json_int_t)r->parts[i].start, "to_offset",
						       (json_int_t)r->parts[i].next));
	return json_pack("{s:s,s:o,s:I,s:I,s:I,s:O,s:o}", "topic", r->want->stream->topic, "partitions", parts,
			 "records", (json_int_t)r->faults.records, "tombstones", (json_int_t)r->tombstones,
			 "unsupported", (json_int_t)r->unsupported,
			 "schema_ids", r->schemas, "violations", range_faults_json(&r->faults));
}

static void close_range(struct range *r)
{
	for (int i = 0; r->consumer && i < r->nparts; i++)
		consumer_stop(r->consumer, r->want->stream->topic, i);
	consumer_free(r->consumer);
	if (r->stream.conf)
		wstream_release(&r->stream);
	registry_free(r->registry);
	contract_free(r->contract);
	schema_file_free(r->schema);
	schema_file_free(r->key_schema);
	record_values_release(&r->values);
	json_decref(r->schemas);
	free(r->parts);
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

// SPDX-License-Identifier: Apache-2.0
// What is registered under a stream's subject, as the port tells it. It is known before any record is, so the
// judge keeps it by its own clock; the document of table "version" is what tells a new one from one seen before.
#include <stdlib.h>
#include <string.h>

#include "judge/state.h"
#include "util/xalloc.h"

static void release(struct version *v)
{
	free(v->subject);
	free(v->why);
	*v = (struct version){.since = TIME_NONE};
}

void version_drop(struct stream_state *s)
{
	release(&s->version);
}

static json_t *version_json(const struct version *v)
{
	return json_pack("{s:o, s:i, s:i, s:I, s:o}", "subject", json_str(v->subject), "version", (int)v->version, "schema_id",
			 (int)v->id, "breaches", (json_int_t)v->breaches, "why", json_str(v->why));
}

void version_look(struct judge *j, struct stream_state *s)
{
	struct contract_view seen;
	struct version *v = &s->version;

	if (!s->conf->contract || !j->port->contract)
		return;
	v->said = j->port->contract(j->port->contracts, s->conf->name, &seen);
	if (!v->said || (v->since != TIME_NONE && v->version == seen.version && v->id == seen.id &&
			 v->breaches == seen.breaches))
		return;
	release(v);
	*v = (struct version){.said = true,
			      .version = seen.version,
			      .id = seen.id,
			      .breaches = seen.breaches,
			      .subject = xstrdup(seen.subject),
			      .why = xstrdup(seen.why),
			      .since = j->clock};
	json_t *doc = version_json(v), *event = json_copy(doc);
	json_object_set_new(doc, "since", json_integer(v->since));
	batch_doc(&j->batch, "version", s->conf->name, doc);
	json_object_set_new(event, "at", json_integer(j->clock));
	json_object_set_new(event, "type", json_string("schema_version"));
	json_object_set_new(event, "stream", json_str(s->conf->name));
	batch_event(&j->batch, event);
}

void version_load(struct stream_state *s, const json_t *doc)
{
	struct version *v = &s->version;

	release(v);
	*v = (struct version){.version = (int32_t)json_get_int(doc, "version", 0),
			      .id = (int32_t)json_get_int(doc, "schema_id", 0),
			      .breaches = (uint64_t)json_get_int(doc, "breaches", 0),
			      .subject = xstrdup(json_get_str(doc, "subject", "")),
			      .why = xstrdup(json_get_str(doc, "why", "")),
			      .since = json_get_int(doc, "since", TIME_NONE)};
}

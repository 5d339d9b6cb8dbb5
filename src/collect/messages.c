// SPDX-License-Identifier: Apache-2.0
// The plan of a record: its schema's, or that of the Protobuf message which its indexes name.
#include "collect/stream.h"

static struct plan_entry *no_message(const char **why, const char *reason)
{
	*why = reason;
	return NULL;
}

// Of a Protobuf schema's messages the one that the record is. `of`: of the schema, or of one of its messages.
static struct plan_entry *message_plan(struct side *s, const struct collect_port *port, struct plan_entry *of,
				       struct frame *frame, const char *topic, const char **why)
{
	const struct message_path none = {.n = 0};
	const uint8_t *at = frame->rest ? frame->rest : frame->payload;
	const uint8_t *end = at + (frame->rest ? frame->nrest : frame->len);
	struct message_path path;

	if (message_path_read(&at, end, &path) || (frame->rest && at != end))
		return no_message(why, "its Protobuf message indexes cannot be read");
	if (!message_path_equal(&of->message, &path)) {
		if (of->message.n)
			of = side_entry(s, port, &frame->schema, &none, topic);
		if (of->messages && !messages_has(of->messages, &path))
			return no_message(why, "its schema has no message of its indexes");
		of = side_entry(s, port, &frame->schema, &path, topic);
	}
	if (!frame->rest && of->state != PLAN_PENDING) {
		frame->len -= (size_t)(at - frame->payload);
		frame->payload = at;
	}
	return of;
}

struct plan_entry *side_plan(struct side *s, const struct collect_port *port, struct frame *frame, const char *topic,
			     const char **why)
{
	const struct message_path none = {.n = 0};
	struct plan_entry *e = s->last;

	*why = NULL;
	if (!e || !side_serves(s, e, &frame->schema, topic))
		e = side_entry(s, port, &frame->schema, &none, topic);
	if (e->message.n || e->state == PLAN_MESSAGES)
		return message_plan(s, port, e, frame, topic, why);
	if (frame->nrest && e->state == PLAN_READY)
		return no_message(why, "the header with its schema's id is too long");
	return e;
}

// SPDX-License-Identifier: Apache-2.0
#include "schema/message.h"

#include <string.h>

#include "schema/plan_read.h"
#include "schema/proto.h"

struct messages *messages_new(const struct schema_text *schema, struct error *err)
{
	return (struct messages *)proto_parse(schema, err);
}

void messages_free(struct messages *m)
{
	proto_free((struct proto *)m);
}

bool messages_has(const struct messages *m, const struct message_path *path)
{
	return proto_message_at((const struct proto *)m, path);
}

int message_path_read(const uint8_t **at, const uint8_t *end, struct message_path *out)
{
	int64_t n, v;

	*out = (struct message_path){.n = 1};
	if (get_small(at, end, &n) || n < 0 || n > MESSAGE_DEPTH)
		return -1;
	if (!n)
		return 0;
	out->n = (size_t)n;
	for (size_t i = 0; i < out->n; i++) {
		if (get_int(at, end, &v))
			return -1;
		out->at[i] = (int32_t)v;
	}
	return 0;
}

bool message_path_equal(const struct message_path *a, const struct message_path *b)
{
	return a->n == b->n && !memcmp(a->at, b->at, a->n * sizeof *a->at);
}

// SPDX-License-Identifier: Apache-2.0
// Which message of a Protobuf schema a record is: before its payload, or behind the id in its header, stand the
// message's indexes, as zigzag varints with their number before them; a single 0 is the file's first message.
#ifndef KD_SCHEMA_MESSAGE_H
#define KD_SCHEMA_MESSAGE_H
#include <stdbool.h>
#include <stdint.h>

#include "schema/text.h"
#include "util/error.h"

struct messages; // those that a schema declares
struct messages *messages_new(const struct schema_text *schema, struct error *err) MUST_CHECK;
void messages_free(struct messages *m);
bool messages_has(const struct messages *m, const struct message_path *path);

// Moves *at behind the indexes; out->n is not 0 then. -1: they cannot be read.
int message_path_read(const uint8_t **at, const uint8_t *end, struct message_path *out);
bool message_path_equal(const struct message_path *a, const struct message_path *b);
#endif

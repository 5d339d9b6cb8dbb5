// SPDX-License-Identifier: Apache-2.0
// A Protobuf record written anew as Avro would write it, by the types that proto_types.c makes of its schema, so
// that the opcodes of a plan read, check and judge it as any other record. What is absent and has a presence is null;
// without one it is its type's default. Of a field that is there several times the last one counts, the occurrences
// of a message are merged, a map's key is what it was last, and of a oneof what was last is left: as every Protobuf
// reader does. Private to schema/.
#ifndef KD_SCHEMA_PROTO_READ_H
#define KD_SCHEMA_PROTO_READ_H
#include "schema/proto.h"
#include "util/buf.h"

// Re-used from record to record, so that reading allocates nothing once it has reached its size: some 100 bytes for
// each byte of the largest record.
struct proto_scratch;
struct proto_scratch *proto_scratch_new(void);
void proto_scratch_free(struct proto_scratch *s);

// 0: *out holds the record until the scratch's next use. -1: why says what is wrong, and where.
int proto_to_avro(struct proto_scratch *s, const struct proto *p, const struct proto_message *m, const uint8_t *bytes,
		  size_t n, const struct buf **out, char *why, size_t why_size);
#endif

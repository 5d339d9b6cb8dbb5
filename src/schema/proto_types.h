// SPDX-License-Identifier: Apache-2.0
// The types of what a Protobuf message holds, as proto_read.c writes it: messages are records with their fields in
// the schema's order, what has a presence is a union with null (docs/registry.md). Private to schema/.
#ifndef KD_SCHEMA_PROTO_TYPES_H
#define KD_SCHEMA_PROTO_TYPES_H
#include "schema/avsc.h"
#include "schema/proto.h"

// Of the message that the schema's path leads to. NULL where it leads to none, and for what proto_parse refuses.
struct avsc *proto_types(const struct schema_text *schema, struct error *err) MUST_CHECK;
#endif

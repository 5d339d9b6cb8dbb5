// SPDX-License-Identifier: Apache-2.0
// The documents of a JSON Schema and where its $refs lead: URIs, $ids, anchors and JSON pointers. Private to
// json_schema.c and json_refs.c.
#ifndef KD_SCHEMA_JSON_REFS_H
#define KD_SCHEMA_JSON_REFS_H
#include "schema/text.h"
#include "util/json.h"
#include "util/map.h"

enum { DRAFT_4 = 4, DRAFT_6 = 6, DRAFT_7 = 7, DRAFT_2019 = 8, DRAFT_2020 = 9 };

// A schema and what holds around it.
struct json_place {
	const json_t *node;
	const char *base; // the URI that its references are relative to; "" without any
	int draft;
};

struct json_refs {
	struct map places; // by URI, or URI#anchor: struct json_place, its base owned by `texts`
	char **texts;
	size_t ntexts, captexts;
};

void json_refs_release(struct json_refs *r);
// A document by the name it is referred to; "" for the schema itself. -> its own place.
struct json_place json_refs_add(struct json_refs *r, const char *name, const json_t *doc);
// The same of a schema within another: its own $id becomes the base.
struct json_place json_place_of(struct json_refs *r, const json_t *node, const struct json_place *around);
// Where $ref leads from a place; node NULL: nowhere.
struct json_place json_refs_follow(struct json_refs *r, const struct json_place *from, const char *ref);
#endif

// SPDX-License-Identifier: Apache-2.0
// The sub-streams of streams with several record types: what the store knows of them, and the judge that looks at
// them beside the configured streams.
#ifndef KD_APP_TYPES_H
#define KD_APP_TYPES_H
#include "app/model.h"

struct types {
	char **names;                 // "STREAM/TYPE", in the order of the configuration, then by name
	const struct stream_conf **of;
	size_t n;
	struct judge_stream *streams; // the configured ones, then these
	struct judge_conf conf;       // of the model, with them
};

// *out NULL: they are those of `known` (NULL: none are known yet). -1: the store is away.
int types_look(const struct model *m, const struct collect_port *port, const struct types *known, struct types **out,
	       struct error *err) MUST_CHECK;
void types_free(struct types *t);
#endif

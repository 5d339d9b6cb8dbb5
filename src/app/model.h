// SPDX-License-Identifier: Apache-2.0
// A configuration with everything it names loaded: baselines, contracts, and the same streams as collect
// and the judge see them. Building one connects to nothing; it is immutable and swapped as a whole on reload.
#ifndef KD_APP_MODEL_H
#define KD_APP_MODEL_H
#include "collect/collect.h"
#include "config/config.h"
#include "judge/judge.h"

struct model {
	struct config *config;
	struct slice_reference **slices; // by stream: baselines of its slices
	struct baseline **baselines;    // one a stream, NULL where there is none
	struct baseline **before;       // of those that are judged by another one than is configured (before_put)
	char **files;                   // where they are, absolute
	struct contract **contracts;
	struct registry_schema **schemas, **key_schemas; // named by the configuration
	struct collect_stream *collect_streams;
	struct collect_conf collect;
	struct judge_stream *judge_streams;
	struct field_def **named;       // a stream's fields named by its configuration
	struct judge_conf judge;
};

// Problems of the configuration are logged, each on its line. NULL with err where any is an error.
struct model *model_load(const char *path, bool clock_is_watermark, struct error *err) MUST_CHECK;
// The same of a configuration that is loaded; takes it, also on failure.
struct model *model_of(struct config *c, bool clock_is_watermark, struct error *err) MUST_CHECK;
void model_free(struct model *m);
void model_rest(const struct model *m); // lets go of what its baselines read meanwhile (baseline_rest)
#endif

// SPDX-License-Identifier: Apache-2.0
// Contracts against what the registry holds under the stream's subject.
#ifndef KD_APP_CONTRACTS_H
#define KD_APP_CONTRACTS_H
#include <stdbool.h>
#include <stddef.h>

#include "app/model.h"
#include "judge/ports.h"
#include "schema/registry.h"
#include "schema/subject.h"

// The subject under which the stream's writers register. false: there is no single one, since the topic is a
// pattern or holds several record types.
bool contract_subject(const struct stream_conf *c, char out[SUBJECT_MAX]);
// Whether its newest version is to be held against a contract.
bool contract_watched(const struct stream_conf *c);

// The newest version under each watched stream's subject, of a transitive level the newest that breaks it, resolved
// once a version. Of one thread.
struct contract_watch;
struct contract_watch *contract_watch_new(const struct model *m, struct registry *r); // borrows both
void contract_watch_free(struct contract_watch *w);
bool contract_watch_look(void *watch, const char *stream, struct contract_view *out); // as judge_port's contract
bool contract_watch_schema(void *watch, const char *stream, int64_t id, struct schema_view *out); // as its schema
#endif

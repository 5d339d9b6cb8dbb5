// SPDX-License-Identifier: Apache-2.0
// A store in memory behind the ports of collect and the judge, for a replay: one process, one thread, one owner a
// partition, who claims it once. So nothing is fenced, no operation fails, and rules' states (struct state_write)
// need not be kept for another claim. What it keeps of the ports' promises: a checkpoint replaces a segment by
// slice, partition and number, and adds to an interval's write counter; a commit replaces documents; intervals
// below a stream's floor are gone for good, and a record that comes late for them is counted and then forgotten.
//
// Every partition stands at its end: the watermark is the newest event time, as in a run that keeps up.
//
//     m = memory_store_new(&sink) -> memory_collect_port(m), memory_judge_port(m) -> memory_store_free(m)
#ifndef KD_APP_MEMORY_STORE_H
#define KD_APP_MEMORY_STORE_H
#include "collect/ports.h"
#include "judge/ports.h"

struct memory_sink {             // what the judge commits that goes out; both may be NULL
	void *ctx;
	void (*message)(void *ctx, const struct outbox_entry *e);
	void (*event)(void *ctx, const char *json); // a journal entry of the judge's
};

struct memory_store;
struct memory_store *memory_store_new(const struct memory_sink *sink); // copies the sink
void memory_store_free(struct memory_store *m);
// `schemas`: asked for schemas by its schema, id_of and subject; may be NULL where no record names one.
struct collect_port memory_collect_port(struct memory_store *m, const struct collect_port *schemas);
// `panes`: whose views, intervals and segments the judge sees; NULL: those in memory. Documents are in memory.
struct judge_port memory_judge_port(struct memory_store *m, const struct judge_port *panes);
// The stream's event time has come so far, though no record of it is counted yet.
void memory_store_advance(struct memory_store *m, const char *stream, int64_t event_ms);
// There is an interval without records: the stream's data do not begin after it.
void memory_store_begin(struct memory_store *m, const char *stream, int64_t start);
#endif

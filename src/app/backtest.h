// SPDX-License-Identifier: Apache-2.0
// What rules would have said of records that are given again in event time, by the very code of the monitor:
// collect's part_record, segments, judge_tick; the store is in memory (memory_store.h), and nothing goes out.
//
// A pass of the judge comes whenever event time reaches a boundary at which a window may close, before the record
// that shows it is counted (streams with eager rules: at every pane). So what it sees depends on the records'
// event times alone, not on how they lie in partitions or files. The future (`future_time`) begins at a record's
// own Kafka timestamp. Rules on the clock go by the newest event of all streams.
//
//     b = backtest_new(&conf); p = backtest_part(b, ...); backtest_record(b, p, ...) ...; backtest_finish(b, err)
//
// Panes that are stored are judged in the same way, without records: backtest_reach ...; backtest_finish.
#ifndef KD_APP_BACKTEST_H
#define KD_APP_BACKTEST_H
#include "app/memory_store.h"
#include "app/model.h"
#include "kafka/consumer.h"

struct backtest_conf {
	struct model *model;         // loaded for the watermark's clock; borrowed and changed: nobody is told, nothing forwarded
	const struct collect_port *schemas; // as of memory_collect_port
	const struct judge_port *panes; // what is judged instead of records (stored_panes.h); NULL: none
	const struct collect_port *types; // with panes: asked, once, which sub-streams there are
	bool bounded;                // only records in [from, to) count; event time may come as far as windows up to `to` need
	int64_t from, to;
	struct memory_sink sink;     // one message each, whatever the routes
	struct judge_replay replay;
};

struct backtest;
struct backtest *backtest_new(const struct backtest_conf *conf); // copies conf
void backtest_free(struct backtest *b);
// A partition of a topic, counted from `offset` on, for all streams that read it, or for one. stream SIZE_MAX: all.
size_t backtest_part(struct backtest *b, const char *topic, int32_t partition, int64_t offset, size_t stream);
// When the record counts. false: its schema cannot be had yet.
bool backtest_when(struct backtest *b, size_t part, const struct message *m, int64_t *event_ms);
// Records come in event time, as far as they can, and have a schema that can be had. *enough: what follows in the
// partition is behind the range.
int backtest_record(struct backtest *b, size_t part, const struct message *m, bool *enough, struct error *err) MUST_CHECK;
// There are records before the range, or behind it, that are not given.
void backtest_before(struct backtest *b, size_t part);
void backtest_beyond(struct backtest *b, size_t part);
// With panes, in place of parts and records: the stream's event time comes to `ms`, and what was counted.
int backtest_reach(struct backtest *b, size_t stream, int64_t ms, struct error *err) MUST_CHECK;
void backtest_counted(struct backtest *b, uint64_t records, int64_t from, int64_t to);
// All that is counted is judged, but for what the data's end leaves open.
int backtest_finish(struct backtest *b, struct error *err) MUST_CHECK;
// Records that were counted, over all streams.
uint64_t backtest_records(const struct backtest *b);
// The event times of the oldest and the newest record; false: there was none.
bool backtest_range(const struct backtest *b, int64_t *from, int64_t *to);
#endif

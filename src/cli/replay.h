// SPDX-License-Identifier: Apache-2.0
// What `kdrift backtest` and `kdrift tune` share: past data as the command line names them (--from, --to, --from-store,
// --file), given to one or two sets of rules, with a progress bar.
//
//     replay_args; replay_open ...; replay_run; look at r.sides; replay_release
#ifndef KD_CLI_REPLAY_H
#define KD_CLI_REPLAY_H
#include "app/adapters.h"
#include "app/backtest.h"
#include "app/expected.h"
#include "app/outcome.h"
#include "app/row_files.h"
#include "app/stored_panes.h"
#include "app/timeline.h"
#include "app/types.h"
#include "cli/cli.h"
#include "cli/progress.h"

enum { REPLAY_SIDES = 2 };

struct replay_side { // one set of rules
	struct model *model;
	struct outcome outcome;
	struct timelines timelines; // filled by those who ask for it
	struct backtest *run;
};

struct replay {              // zeroed at first
	const struct cli_args *args;
	struct replay_side sides[REPLAY_SIDES];
	size_t nsides;
	bool open_windows;   // verdicts also of open ones
	// private
	struct row_file *paths;
	size_t npaths;
	struct row_files *files;
	struct expected *expected;
	struct registry *registry;
	struct collect_port schemas;
	struct store *store;
	struct judge_port store_port, panes_port;
	struct collect_ctx collecting;
	struct collect_port types_port;
	struct types *types;
	struct stored_panes *panes;
	uint64_t records;
	struct progress progress;
};

#define REPLAY_OPTIONS \
	{.name = "from", .kind = OPTION_TIME, .arg = "TIME", .help = "the range of the topics or the store, in event time"}, \
	{.name = "to", .kind = OPTION_TIME, .arg = "TIME", .help = "its end"}, \
	{.name = "from-store", .kind = OPTION_FLAG, \
	 .help = "the panes that kdrift run has stored, instead of the topics' records"}, \
	{.name = "file", .kind = OPTION_STRING, .arg = "STREAM=FILE", .repeated = true, \
	 .help = "rows of the stream, in their event time: .csv, .jsonl, .ndjson or .avro"}

int replay_args(struct replay *r, const struct cli_args *args) MUST_CHECK; // EXIT_OK or EXIT_USAGE
// Adds a side with the configuration's rules, or those of a directory; told of each verdict.
int replay_open(struct replay *r, const char *alerts, void (*see)(void *ctx, const struct judge_verdict *v), void *ctx,
		struct error *err) MUST_CHECK;
int replay_run(struct replay *r, struct error *err) MUST_CHECK;
void replay_release(struct replay *r);
#endif

// SPDX-License-Identifier: Apache-2.0
// A progress bar with the time left on stderr, where that is a terminal; elsewhere nothing.
#ifndef KD_CLI_PROGRESS_H
#define KD_CLI_PROGRESS_H
#include <stdbool.h>
#include <stdint.h>

#include "util/clock.h"

struct progress {
	bool on;
	int shown; // per mille
	struct mono_time begun;
};

void progress_begin(struct progress *p);
void progress_show(struct progress *p, double share, uint64_t records);
void progress_end(struct progress *p); // clears the line
#endif

// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { WIDTH = 40, SAY_LEFT_MS = 1000 };

void progress_begin(struct progress *p)
{
	*p = (struct progress){isatty(STDERR_FILENO), -1, mono_now()};
}

void progress_show(struct progress *p, double share, uint64_t records)
{
	int now = (int)(share * 1000);
	int64_t gone = mono_ms_since(p->begun);

	if (!p->on || now == p->shown)
		return;
	p->shown = now;
	fprintf(stderr, "\r[%-*.*s] %3d%%  %" PRIu64 " records", WIDTH, (int)(share * WIDTH),
		"========================================", now / 10, records);
	if (share > 0 && gone > SAY_LEFT_MS)
		fprintf(stderr, ", %.0f s left\x1b[K", (double)gone / 1000 * (1 - share) / share);
}

void progress_end(struct progress *p)
{
	if (p->on && p->shown >= 0)
		fprintf(stderr, "\r\x1b[K");
}

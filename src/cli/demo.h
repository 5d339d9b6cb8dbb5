// SPDX-License-Identifier: Apache-2.0
// The parts of `kdrift demo`: what it writes before it starts, and what it holds against the monitor at the end.
#ifndef KD_CLI_DEMO_H
#define KD_CLI_DEMO_H
#include <stdbool.h>
#include <stdio.h>

#include "sandbox/replay.h"
#include "util/error.h"
#include "util/json.h"

// --- demo_setup.c: an ordinary configuration directory ---

struct demo_places {
	const char *dir;
	const char *bootstrap, *registry_url, *redis_url, *webhook_url, *webhook_secret;
	int http_port;
};
// Writes kdrift.yaml, alerts/, schemas/ and baselines/ under places->dir.
int demo_write(const struct demo_places *places, const struct replay *r, struct error *err) MUST_CHECK;

// --- demo_audit.c: everything that was told, against everything that was put in ---

struct audit;
struct audit *audit_new(void);
void audit_free(struct audit *a);
void audit_message(void *audit, const json_t *message); // a webhook's body; from any thread
// Prints the summary. `metrics`: the monitor's own /metrics. True where all is as it must be.
bool audit_report(struct audit *a, const struct replay *r, const char *metrics, FILE *out);
// kdrift_records_total of the stream, -1 where it is not there.
int64_t audit_records(const char *metrics, const char *stream);
#endif

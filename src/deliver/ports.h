// SPDX-License-Identifier: Apache-2.0
// What the outbox runner needs of the store. Every write is fenced by the leader's lease. The runner calls
// from one thread a receiver, several at a time.
#ifndef KD_DELIVER_PORTS_H
#define KD_DELIVER_PORTS_H
#include "store/types.h"
#include "util/error.h"

struct deliver_port {
	void *ctx;
	// Entries of the receiver that are due at `now`, oldest first, at most n. -1: the store is away or
	// this process does not lead. The caller releases each with outbox_entry_release.
	int (*due)(void *ctx, const char *receiver, int64_t now, struct outbox_entry *out, size_t n,
		   size_t *got, struct error *err);
	// Counts an attempt *before* it is made, so that a crash in between is counted too.
	int (*attempt)(void *ctx, const char *id, struct error *err);
	// Done: out of the outbox, into the log of sent ids.
	int (*done)(void *ctx, const char *id, const char *note, struct error *err);
	// Try again at `due`.
	int (*retry)(void *ctx, const char *id, int64_t due, const char *why, struct error *err);
	// Final refusal: into the dead deliveries, with the reason, and an event in the journal.
	int (*dead)(void *ctx, const char *id, const char *why, struct error *err);
};

void outbox_entry_release(struct outbox_entry *e);
#endif

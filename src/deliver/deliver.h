// SPDX-License-Identifier: Apache-2.0
// The outbox runner: one thread a receiver takes what is due, sends it, and writes the outcome. A message
// is owed until its receiver acknowledged it; every attempt bears the same id.
#ifndef KD_DELIVER_DELIVER_H
#define KD_DELIVER_DELIVER_H
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "deliver/ports.h"

struct deliver;
// `leading` tells whether this process holds the lease now; only then anything is sent. Confs are borrowed.
struct deliver *deliver_start(const struct receiver_conf *receivers, size_t n, const struct deliver_port *port,
			      bool (*leading)(void *ctx), void *ctx);
void deliver_wake(struct deliver *d);                // something new is in the outbox
void deliver_stop(struct deliver *d);                // lets attempts under way end (bounded), then frees

struct deliver_stats {
	uint64_t delivered, retried, refused;
};
void deliver_stats(const struct deliver *d, size_t receiver, struct deliver_stats *out);

// kdrift test-receiver: one attempt of a test message, now; the answer in words. 0 on success.
int deliver_test(const struct receiver_conf *r, struct buf *said, struct error *err) MUST_CHECK;
#endif

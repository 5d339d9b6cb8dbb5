// SPDX-License-Identifier: Apache-2.0
// The outbox runner: one thread a receiver takes what is due, sends it, and writes the outcome. A message
// is owed until its receiver acknowledged it; every attempt bears the same id. That a page is over is not
// told before that it began, or the receiver would keep it open. A slow receiver delays no other. Any
// -1 of the port ends the round: nothing is sent that cannot be written down.
//
//     deliver_start -> deliver_wake ... deliver_wake -> deliver_stop
#ifndef KD_DELIVER_DELIVER_H
#define KD_DELIVER_DELIVER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "deliver/ports.h"
#include "util/buf.h"
#include "util/error.h"

struct deliver;
// `leading` tells whether this process holds the lease now; only then anything is sent. It and the port are
// called from every receiver's thread. Confs and the port are copied.
struct deliver *deliver_start(const struct receiver_conf *receivers, size_t n,
			      const struct deliver_port *port, bool (*leading)(void *ctx), void *ctx);
void deliver_wake(struct deliver *d);                // something new is in the outbox
// Lets attempts under way end and frees. Within about 5 s: an attempt that takes longer ends by itself with
// nothing written, so it is repeated under the same id. NULL is fine.
void deliver_stop(struct deliver *d);

struct deliver_stats {
	uint64_t delivered, retried, refused;
};
void deliver_stats(const struct deliver *d, size_t receiver, struct deliver_stats *out);

// kdrift test-receiver: one attempt of a test message, now; the answer in words. 0 where it was accepted.
int deliver_test(const struct receiver_conf *r, struct buf *said, struct error *err) MUST_CHECK;
#endif

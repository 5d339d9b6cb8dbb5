// SPDX-License-Identifier: Apache-2.0
// What one pass of the judge wants to change, collected until it is committed in one write. A document that
// is put twice is written once, as it was put last.
#ifndef KD_JUDGE_BATCH_H
#define KD_JUDGE_BATCH_H
#include "judge/ports.h"
#include "judge/rule.h"
#include "util/json.h"
#include "util/map.h"

struct batch {
	struct map docs;         // "table\037key" -> JSON text, or "" to remove it
	char **events;
	size_t nevents, capevents;
	struct outbox_entry *outbox;
	size_t noutbox, capoutbox;
};

void batch_init(struct batch *b);
void batch_release(struct batch *b);
void batch_doc(struct batch *b, const char *table, const char *key, json_t *doc);  // takes doc; NULL: remove
void batch_event(struct batch *b, json_t *event);                                  // takes event
// One message, rendered: `{type, timestamp, data}`, to each receiver, `at` is the judge's clock. The delivery's
// id is made of `identity` and the receiver, so the same message never gets another.
void batch_message(struct batch *b, const char *type, int64_t at, const json_t *data, const char *identity, enum tier tier,
		   const char *const *receivers, size_t n);
int batch_commit(struct batch *b, const struct judge_port *port, struct error *err) MUST_CHECK; // empties it on success
#endif

// SPDX-License-Identifier: Apache-2.0
// Private to collect. A dead letter: a violating record as it came, with the reason in headers behind its own
// (docs/dead-letters.md). It owns its bytes, for the message is freed with its batch.
#ifndef KD_COLLECT_LETTER_H
#define KD_COLLECT_LETTER_H
#include "kafka/transaction.h"
#include "stats/violation.h"
#include "util/json.h"

// The breaches of the record in hand: the first names the reason, all are listed.
struct letter_draft {
	json_t *breaches; // array; NULL: none yet
	enum violation_kind kind;
	char *field, *rule, *reason; // rule NULL: none
};

void letter_breach(struct letter_draft *d, enum violation_kind kind, const char *field, const char *rule,
		   const char *reason);
void letter_draft_clear(struct letter_draft *d);

struct letter {
	struct outgoing out;
	struct part_stream *stream;
	int64_t offset;
	size_t size;      // what it takes in memory
};

struct letter_about {
	const char *stream, *to;
	const char *subject; // "": not known
	int64_t schema_id;   // -1: none
};

// Of a draft with at least one breach; `to` must outlive it. One block of memory: free() it.
struct letter *letter_new(const struct message *m, const struct letter_draft *d, const struct letter_about *a);
#endif

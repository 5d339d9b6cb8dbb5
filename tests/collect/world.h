// SPDX-License-Identifier: Apache-2.0
// A worker's world that the test plays: brokers (the functions of kafka/consumer.h and kafka/transaction.h), a store
// and a registry. A script is called at every poll and sets what happens next.
#ifndef KD_TESTS_COLLECT_WORLD_H
#define KD_TESTS_COLLECT_WORLD_H
#include "collect/worker.h"

enum { PARTS = 2, MANY = 400, A_BATCH = 170 };

// A partition's log. Records are offsets [low, records), the last stable offset may lie beyond (markers of
// transactions), and the end of the log beyond that (an open transaction).
struct consumer {
	struct {
		int64_t low, records, stable, end, committed;
		int generation;       // a topic made anew has other records
		int64_t pending;      // offset of a record whose schema the registry does not tell yet; -1: none
		bool assigned, started;
		int64_t at, eof;
		bool committed_may_fall;
	} log[PARTS];
	bool lost;
	int64_t session_ms;
	int partitions;
	int polls, claims_at[8], nclaims;
};

// What a Redis holds of the two partitions.
struct held {
	char nonce[STORE_NONCE + 1];
	int64_t next, co, ct, target, end, max_event;
	uint32_t cc;
	bool idle;
	uint64_t lost;
	struct hole open, closed[4];
	size_t nclosed;
	struct {
		char nonce[STORE_NONCE + 1];
		int64_t interval;
		uint32_t n;
		uint64_t records;
	} segments[64];
	size_t nsegments;
	int64_t waiting_since;
	int waits;                // checkpoints that told of one
	struct letter_stop letters;
	uint8_t limits[256];      // the state of that name
	size_t nlimits;
};

// The dead-letter topic: how often the letter of an offset stands in it, by partition.
struct letter_box {
	int times[PARTS][2 * MANY];
	enum transaction_result next;
	bool swallows;            // with TRANSACTION_UNKNOWN: nothing of it was written
	bool kills;               // the process dies right after a transaction
	int64_t refuses;          // the letter of this offset is too large; 0: none
	int tries, writes, doubts;
};

extern struct consumer kafka;
extern struct held redis[PARTS], copy[PARTS];
extern size_t most_segments;        // in one checkpoint
extern uint64_t generation;
extern int nonces, claims[PARTS];
extern enum store_result answer;  // STORE_LOST: written, and the answer does not come; STORE_FAILED: not written
extern bool dead;                 // the process was killed: nothing more reaches the store
extern int64_t claim_takes_ms;
extern bool reconnects;           // the first claim of partition 1 opens a new connection
extern bool registry_up;
extern char events[4096];
extern int64_t first_seen;
extern int32_t told_partitions;

extern atomic_bool stop;
extern void (*script)(void);      // called at every poll
extern struct worker *worker;
extern struct stream_conf conf;
extern struct letter_box letters;

void world_start(void);              // two partitions, of MANY records and of none
void world_give(int32_t partition);  // as the group does
void world_take(int32_t partition, bool lost);
void world_finish(void);
void world_live(void (*what)(void)); // one life of a process; its script begins at poll 0 and ends it
void world_nap(int64_t ms);
uint64_t world_counted(int32_t partition); // in all segments
#endif

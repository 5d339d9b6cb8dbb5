// SPDX-License-Identifier: Apache-2.0
// Partitions of topics read once, from one offset to another, outside of any group.
//
//     topic_reader_open, topic_reader_add ...; while (r.open && !topic_reader_batch(...)) ...; topic_reader_close
#ifndef KD_APP_TOPIC_READER_H
#define KD_APP_TOPIC_READER_H
#include "config/config.h"
#include "kafka/consumer.h"

struct reader_part {
	char *topic;
	int32_t partition;
	int64_t low, high;         // of the log, when it was opened
	int64_t start, next, stop; // offsets: of the first record, the next to come, behind the last
	bool done, held;
};

struct topic_reader {              // zeroed at first
	struct consumer *consumer;
	struct reader_part *parts;
	size_t n, cap, open;       // open: not done
	struct mono_time deadline; // of silence
};

int topic_reader_open(struct topic_reader *r, const struct config *c, struct error *err) MUST_CHECK;
// The topics of the stream that there are: at least one, or an error. The caller frees names and list.
int topic_reader_topics(struct topic_reader *r, const struct stream_conf *s, char ***out, size_t *n,
			struct error *err) MUST_CHECK;
// Every partition of the topic: those records whose Kafka timestamps lie in [from, to), and what stands between
// them. INT64_MIN, INT64_MAX: open; the end is the present one.
int topic_reader_add(struct topic_reader *r, const char *topic, int64_t from, int64_t to, struct error *err) MUST_CHECK;
// The next records, perhaps none; the caller frees each with consumer_batch_free. -1: there was none for long, or
// they were deleted meanwhile.
int topic_reader_batch(struct topic_reader *r, struct message *m, size_t max, size_t *n, struct error *err) MUST_CHECK;
size_t topic_reader_part(const struct topic_reader *r, const struct message *m); // index of its partition
void topic_reader_end(struct topic_reader *r, size_t part);  // no more of it is wanted
// Nothing more comes of it, but for what was fetched already, until it is let go.
void topic_reader_hold(struct topic_reader *r, size_t part);
int topic_reader_let_go(struct topic_reader *r, size_t part, struct error *err) MUST_CHECK;
double topic_reader_share(const struct topic_reader *r);     // 0..1, by offsets
void topic_reader_close(struct topic_reader *r);
#endif

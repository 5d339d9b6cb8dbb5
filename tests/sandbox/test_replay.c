// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "kafka/consumer.h"
#include "sandbox/feeder.h"
#include "sandbox/mock.h"
#include "sandbox/replay.h"
#include "util/digest.h"

static const int32_t ids[REPLAY_STREAMS + 1] = {7, 8, 9, 10, 11};

static void expect_bytes(const struct replay_message *m, const char *want)
{
	char hex[400];

	cr_assert(lt(sz, m->len, 200));
	hex_encode(m->value, m->len, hex);
	cr_expect(eq(str, hex, (char *)want));
}

// Bytes by fastavro from the rows of elec2.csv; counts by Python.
Test(replay, messages)
{
	struct replay *r = replay_new(ids);
	struct replay_message m;
	int64_t last = INT64_MIN;
	size_t begun = 0;

	while (replay_next(r, &m)) {
		cr_assert(ge(i64, m.ts, last));
		last = m.ts;
		begun += m.fault_begins >= 0;
		if (m.stream == REPLAY_FEATURES && m.ts == 831391200000)
			expect_bytes(&m, "000000000780ccb7acb23000000000000000001d1f2dce18e6ac3f0209feb7921d1"
					 "bdc3f05fbaf73d366"
					 "6c3fc5387f130a11db3fedf2ad0feb8dda3f");
		if (m.stream == REPLAY_FEATURES && m.fault_begins == FAULT_SCHEMA)
			expect_bytes(&m, "000000000b808cccc8d431000000000000000034bc5983f755b53f10302e3334363"
					 "6323305fbaf73d366"
					 "6c3fc5387f130a11db3fedf2ad0feb8dda3f");
		if (m.stream == REPLAY_FEATURES && m.fault_begins == FAULT_MISSING)
			expect_bytes(&m, "0000000007808cedcef83100000000000000004371c79bfc16a53f0005fbaf73d36"
					 "66c3fc5387f130a11"
					 "db3fedf2ad0feb8dda3f");
	}
	cr_expect(eq(sz, begun, REPLAY_FAULTS));
	cr_expect(eq(u64, replay_count(r, REPLAY_FEATURES), 45264));
	cr_expect(eq(u64, replay_count(r, REPLAY_PREDICTIONS), 45264 - 6 * 48));
	cr_expect(eq(u64, replay_count(r, REPLAY_LABELS), 45264));
	cr_expect(eq(u64, replay_count(r, REPLAY_AA), 22632));
	cr_expect(eq(u64, replay_broken(r), 48));
	cr_expect(eq(i64, last, replay_end(r)));
	replay_free(r);
}

Test(replay, prediction)
{
	size_t n;
	struct elec2_row *rows = elec2_rows(&n);

	cr_expect(eq(sz, n, 45264));
	cr_expect(eq(i64, rows[20000].ts, 867391200000));
	// NumPy from the same coefficients.
	cr_expect(epsilon_eq(dbl, elec2_predict(&rows[20000]), 0.11240212679494402, 1e-12));
	free(rows);
}

struct reader {
	struct consumer *consumer;
	atomic_llong judged; // event ms
	int announced;
};

static void assigned(void *ctx, const char *topic, int32_t partition)
{
	struct reader *r = ctx;
	struct error err = ERROR_INIT;

	cr_assert(eq(int, consumer_start(r->consumer, topic, partition, 0, &err), 0), "%s", err.text);
}

static void revoked(void *ctx, const char *topic, int32_t partition, bool lost)
{
	(void)ctx, (void)topic, (void)partition, (void)lost;
}

// As if all streams were judged as far as the one that is read.
static void position(void *ctx, struct event_time newest[REPLAY_STREAMS])
{
	for (int s = 0; s < REPLAY_STREAMS; s++)
		newest[s].ms = atomic_load(&((struct reader *)ctx)->judged);
}

static void announce(void *ctx, enum replay_fault fault)
{
	((struct reader *)ctx)->announced |= 1 << fault;
}

// Through the mock cluster: everything arrives once, and never further ahead than allowed.
Test(replay, through_the_mock_cluster, .timeout = 120)
{
	static const char *const topics[] = {"elec2-features"};
	struct error err = ERROR_INIT;
	struct mock *mock = mock_new(1, &err);
	cr_assert(ne(ptr, mock, NULL), "%s", err.text);
	for (int i = 0; i < REPLAY_STREAMS; i++)
		cr_assert(eq(int, mock_topic(mock, replay_topics[i].name, 1, &err), 0), "%s", err.text);
	const struct kafka_property props[] = {{"bootstrap.servers", mock_bootstrap(mock)},
					       {"fetch.wait.max.ms", "10"}};
	struct reader reader = {.judged = INT64_MIN};
	const struct rebalance cb = {&reader, assigned, revoked};
	reader.consumer = consumer_new(props, 2, "g", 0, &cb, &err);
	cr_assert(ne(ptr, reader.consumer, NULL), "%s", err.text);
	cr_assert(eq(int, consumer_subscribe(reader.consumer, topics, 1, &err), 0));

	struct replay *replay = replay_new(ids);
	const int64_t ahead = 30LL * 86400000;
	struct feeder_conf conf = {.bootstrap = mock_bootstrap(mock),
				   .ahead_ms = ahead,
				   .ctx = &reader,
				   .position = position,
				   .announce = announce};
	struct feeder *feeder = feeder_start(replay, &conf, &err);
	cr_assert(ne(ptr, feeder, NULL), "%s", err.text);
	struct mono_time deadline = mono_after_ms(100000);
	int64_t next = 0, judged = 831391200000;
	while (next < 45264 && !mono_passed(deadline)) {
		struct message m[500];
		size_t n = consumer_batch(reader.consumer, 100, m, 500);
		for (size_t i = 0; i < n; i++) {
			if (m[i].kind != MESSAGE_RECORD)
				continue;
			cr_assert(eq(i64, m[i].offset, next));
			cr_assert(le(i64, m[i].time.ms, judged + ahead));
			next++;
			if (next % 480 == 0) {
				judged = m[i].time.ms;
				atomic_store(&reader.judged, judged);
			}
		}
		consumer_batch_free(m, n);
	}
	cr_expect(eq(i64, next, 45264));
	while (!feeder_done(feeder, &err) && !mono_passed(deadline))
		usleep(1000);
	cr_expect(eq(int, feeder_done(feeder, &err), 1), "%s", err.text);
	feeder_stop(feeder);
	cr_expect(eq(int, reader.announced, (1 << REPLAY_FAULTS) - 1));
	replay_free(replay);
	consumer_free(reader.consumer);
	mock_free(mock);
}

// SPDX-License-Identifier: Apache-2.0
// A worker's whole loop over brokers and a store that the test plays: each test is a sequence of
// docs/exactly-once.md. The functions of kafka/consumer.h are the played ones.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "collect/worker.h"
#include "util/json.h"
#include "util/xalloc.h"

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
};

static struct consumer kafka;
static struct held redis[PARTS], copy[PARTS];
static uint64_t generation;
static int nonces, claims[PARTS];
static enum store_result answer;  // STORE_LOST: written, and the answer does not come; STORE_FAILED: not written
static bool dead;                 // the process was killed: nothing more reaches the store
static int64_t claim_takes_ms;
static bool reconnects;           // the first claim of partition 1 opens a new connection
static bool registry_up;
static char events[4096];
static int64_t first_seen;
static int32_t told_partitions;

static atomic_bool stop;
static void (*script)(void);      // called at every poll
static struct worker *worker;

static void nap(int64_t ms)
{
	nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

// --- the brokers --------------------------------------------------------------------------------------

static char *record_text(int32_t partition, int64_t offset, size_t *len)
{
	char *text;

	if (offset != kafka.log[partition].pending) {
		text = xasprintf("x%d/%d/%lld", kafka.log[partition].generation, partition, (long long)offset);
		*len = strlen(text);
		return text;
	}
	text = xcalloc(6, 1);
	text[4] = 8; // schema id 8
	*len = 6;
	return text;
}

static size_t deliver(int32_t partition, struct message *out, size_t max)
{
	size_t n = 0;

	for (; kafka.log[partition].started && n < max; n++) {
		int64_t at = kafka.log[partition].at;
		out[n] = (struct message){.topic = "topic", .partition = partition, .offset = at, .time = {1000 + at}};
		if (at < kafka.log[partition].low) {
			out[n].kind = MESSAGE_OUT_OF_RANGE;
			kafka.log[partition].started = false;
		} else if (at < kafka.log[partition].records) {
			out[n].kind = MESSAGE_RECORD;
			out[n].raw = record_text(partition, at, &out[n].len);
			out[n].value = out[n].raw;
			kafka.log[partition].at++;
		} else if (kafka.log[partition].eof != kafka.log[partition].stable) {
			out[n].kind = MESSAGE_EOF;
			out[n].offset = kafka.log[partition].eof = kafka.log[partition].stable;
		} else {
			break;
		}
	}
	return n;
}

size_t consumer_batch(struct consumer *c, int timeout_ms, struct message *out, size_t max)
{
	(void)timeout_ms;
	size_t n = 0;

	cr_assert_leq(PARTS * A_BATCH, max);
	cr_assert_lt(c->polls++, 5000, "what the script waits for did not happen");
	for (int32_t p = 0; p < PARTS; p++)
		n += deliver(p, out + n, A_BATCH);
	script(); // after the messages: a rebalance may come while they are in hand
	if (!n)
		nap(1);
	return n;
}

void consumer_batch_free(struct message *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(m[i].raw);
}

const char *message_header(const struct message *m, const char *name, size_t *len)
{
	(void)m, (void)name;
	*len = 0;
	return NULL;
}

int consumer_start(struct consumer *c, const char *topic, int32_t partition, int64_t offset, struct error *err)
{
	(void)topic, (void)err;
	cr_assert(c->log[partition].assigned, "only what the group assigned is read");
	c->log[partition].started = true;
	c->log[partition].at = offset;
	c->log[partition].eof = -1;
	return 0;
}

void consumer_stop(struct consumer *c, const char *topic, int32_t partition)
{
	(void)topic;
	c->log[partition].started = false;
}

bool consumer_joined(const struct consumer *c)
{
	(void)c;
	return true;
}

bool consumer_lost(const struct consumer *c)
{
	return c->lost;
}

void consumer_commit(struct consumer *c, const char *topic, int32_t partition, int64_t next)
{
	(void)topic;
	c->log[partition].committed = next;
}

int consumer_range(struct consumer *c, const char *topic, int32_t partition, int64_t *low, int64_t *high, int timeout_ms,
		   struct error *err)
{
	(void)topic, (void)timeout_ms, (void)err;
	*low = c->log[partition].low;
	*high = c->log[partition].stable;
	return 0;
}

int consumer_offset_at(struct consumer *c, const char *topic, int32_t partition, struct wall_time t, int64_t *offset,
		       int timeout_ms, struct error *err)
{
	(void)topic, (void)timeout_ms, (void)err;
	*offset = t.ms - 1000 < c->log[partition].stable ? t.ms - 1000 : c->log[partition].stable;
	return 0;
}

int consumer_partitions(struct consumer *c, const char *topic, int timeout_ms, struct error *err)
{
	(void)topic, (void)timeout_ms, (void)err;
	return c->partitions;
}

int64_t consumer_known_end(struct consumer *c, const char *topic, int32_t partition)
{
	(void)topic;
	return c->log[partition].end;
}

int consumer_committed(struct consumer *c, const char *topic, int32_t partition, int64_t *offset, int timeout_ms,
		       struct error *err)
{
	(void)topic, (void)timeout_ms, (void)err;
	*offset = c->log[partition].committed;
	return 0;
}

char *consumer_cluster_id(struct consumer *c, int timeout_ms)
{
	(void)c, (void)timeout_ms;
	return xstrdup("cluster");
}

int64_t consumer_session_ms(const struct consumer *c)
{
	return c->session_ms;
}

const char *consumer_trouble(const struct consumer *c)
{
	(void)c;
	return "";
}

void consumer_free(struct consumer *c)
{
	(void)c;
}

struct consumer *consumer_new(const struct kafka_property *props, size_t nprops, const char *group, int index,
			      const struct rebalance *cb, struct error *err)
{
	(void)props, (void)nprops, (void)group, (void)index, (void)cb, (void)err;
	return NULL;
}

int consumer_subscribe(struct consumer *c, const char *const *topics, size_t n, struct error *err)
{
	(void)c, (void)topics, (void)n, (void)err;
	return -1;
}

// --- the store and the registry -----------------------------------------------------------------------

static void play_scope(void *ctx, const char *scope)
{
	(void)ctx;
	cr_assert_str_eq(scope, "cluster/group");
}

static int play_claim(void *ctx, const char *topic, int32_t partition, struct claim *out, struct error *err)
{
	struct held *h = &redis[partition];

	(void)ctx, (void)topic;
	if (dead)
		return error_set(err, "killed");
	if (claim_takes_ms)
		nap(claim_takes_ms);
	if (reconnects && partition == 1 && !claims[1])
		generation++;
	claims[partition]++;
	if (kafka.nclaims < 8)
		kafka.claims_at[kafka.nclaims++] = kafka.polls;
	snprintf(h->nonce, sizeof h->nonce, "%d", ++nonces);
	*out = (struct claim){.fresh = h->next < 0, .next = h->next, .check_offset = h->co, .check_ts = h->ct,
			      .check_crc = h->cc, .waiting_since = h->waiting_since};
	memcpy(out->nonce, h->nonce, sizeof h->nonce);
	if (h->next >= 0) {
		out->marks = xcalloc(1, sizeof *out->marks);
		out->marks[0].stream = xstrdup("s");
		out->marks[0].max_event = h->max_event;
		out->marks[0].max_untimed = INT64_MIN;
		out->marks[0].next = h->next;
		out->marks[0].hole = h->open;
		out->nmarks = 1;
	}
	return 0;
}

static void put_segment(struct held *h, const char *nonce, const struct segment_write *w)
{
	struct error err = ERROR_INIT;
	size_t k = 0;

	while (k < h->nsegments && (strcmp(h->segments[k].nonce, nonce) != 0 || h->segments[k].n != w->n))
		k++;
	cr_assert_lt(k, ARRAY_LEN(h->segments));
	h->nsegments = k == h->nsegments ? k + 1 : h->nsegments;
	struct pane *p = pane_decode(w->bytes, w->len, NULL, NULL, &err);
	cr_assert(p, "%s", err.text);
	snprintf(h->segments[k].nonce, sizeof h->segments[k].nonce, "%s", nonce);
	h->segments[k].n = w->n;
	h->segments[k].records = p->records;
	pane_free(p);
}

static enum store_result play_checkpoint(void *ctx, const struct checkpoint *c, const int64_t *widths, int64_t *floors,
					 struct error *err)
{
	struct held *h = &redis[c->partition];
	enum store_result r = answer;

	(void)ctx, (void)widths;
	floors[0] = INT64_MIN;
	if (dead || answer == STORE_FAILED) {
		error_set(err, "not written");
		return dead ? STORE_LOST : STORE_FAILED;
	}
	if (strcmp(h->nonce, c->nonce) != 0 || h->next != c->expected_next) {
		error_set(err, "fenced");
		return STORE_FENCED;
	}
	h->next = c->next;
	h->co = c->check_offset;
	h->ct = c->check_ts;
	h->cc = c->check_crc;
	h->target = c->target;
	h->waiting_since = c->waiting_since;
	h->waits += c->waiting_since != 0;
	h->max_event = c->marks[0].max_event;
	h->end = c->end;
	h->idle = c->idle;
	h->lost += c->records_lost;
	if (c->marks[0].hole_closed) {
		cr_assert_lt(h->nclosed, ARRAY_LEN(h->closed));
		h->closed[h->nclosed++] = c->marks[0].hole;
		h->open = (struct hole){0, 0};
	} else if (c->marks[0].hole.from < c->marks[0].hole.to) {
		h->open = c->marks[0].hole;
	}
	if (!told_partitions)
		told_partitions = c->partitions;
	if (first_seen == INT64_MIN)
		first_seen = 1000 + kafka.log[c->partition].records;
	for (size_t i = 0; i < c->nsegments; i++)
		put_segment(h, c->nonce, &c->segments[i]);
	for (size_t i = 0; i < c->nevents; i++)
		snprintf(events + strlen(events), sizeof events - strlen(events), "%s\n", c->events[i]);
	if (answer == STORE_LOST) {
		generation++;
		answer = STORE_OK;
		error_set(err, "no answer");
	}
	return r;
}

static int play_first_seen(void *ctx, const char *stream, const char *topic, int64_t *ms, int32_t *partitions,
			   struct error *err)
{
	(void)ctx, (void)stream, (void)topic, (void)err;
	*ms = first_seen;
	*partitions = told_partitions;
	return 0;
}

static int play_segments(void *ctx, const char *stream, int64_t width, int64_t start, const char *topic, int32_t partition,
			 void (*each)(void *arg, const char *key, const char *slice, const void *bytes, size_t len), void *arg,
			 struct error *err)
{
	(void)ctx, (void)stream, (void)width, (void)start, (void)topic, (void)partition, (void)each, (void)arg, (void)err;
	return 0;
}

static uint64_t play_generation(void *ctx)
{
	(void)ctx;
	return generation;
}

static enum registry_answer play_schema(void *ctx, int32_t id, const struct registry_schema **out)
{
	(void)ctx, (void)id;
	*out = NULL;
	return registry_up ? REGISTRY_DENIED : REGISTRY_PENDING;
}

static enum subject_answer play_subject(void *ctx, int32_t id, const char *subject)
{
	(void)ctx, (void)id, (void)subject;
	return SUBJECT_YES;
}

// --- the test's hands ---------------------------------------------------------------------------------

static struct stream_conf conf;

static void start(void)
{
	conf = (struct stream_conf){.name = (char *)"s", .topic = (char *)"topic", .window_ms = 3600000, .slide_ms = 60000,
				    .lateness_ms = 3600000, .pane_ms = 60000, .max_slices = 2};
	kafka = (struct consumer){.session_ms = 10000};
	generation = 1;
	first_seen = INT64_MIN;
	kafka.partitions = 1;
	for (int p = 0; p < PARTS; p++) {
		kafka.log[p].records = kafka.log[p].stable = kafka.log[p].end = p ? 0 : MANY;
		kafka.log[p].pending = kafka.log[p].committed = -1;
		redis[p] = (struct held){.next = -1, .co = -1, .target = -1};
	}
}

TestSuite(worker, .init = start, .timeout = 60);

static void give(int32_t partition)
{
	kafka.log[partition].assigned = true;
	worker_assigned(worker, "topic", partition);
}

static void take(int32_t partition, bool lost)
{
	worker_revoked(worker, "topic", partition, lost);
	kafka.log[partition].assigned = kafka.log[partition].started = false;
}

static void finish(void)
{
	atomic_store(&stop, true);
}

// One life of a process; its script begins at poll 0 and ends it with finish().
static void live(void (*what)(void))
{
	const struct config config = {.checkpoint_ms = 0, .group_id = (char *)"group"};
	const struct collect_stream def = {&conf, NULL, NULL, NULL, NULL};
	const struct collect_conf cc = {&config, &def, 1};
	struct wstream stream;
	struct worker w = {.conf = &cc, .consumer = &kafka, .streams = &stream, .stop = &stop,
			   .port = {NULL, play_scope, play_claim, play_checkpoint, play_first_seen, NULL, play_segments,
				    play_generation, play_schema, NULL, play_subject}};

	wstream_init(&stream, &def);
	record_values_init(&w.scratch);
	pthread_mutex_init(&w.mutex, NULL);
	worker = &w;
	script = what;
	kafka.polls = 0;
	dead = false;
	atomic_store(&stop, false);
	worker_main(&w);
	for (size_t i = 0; i < w.nparts; i++)
		part_free(w.parts[i]);
	for (int p = 0; p < PARTS; p++)
		kafka.log[p].assigned = kafka.log[p].started = false;
	free(w.parts);
	free(w.shown);
	free(w.shown_parts);
	free(w.scope);
	record_values_release(&w.scratch);
	wstream_release(&stream);
	pthread_mutex_destroy(&w.mutex);
}

static uint64_t counted(int32_t partition)
{
	uint64_t n = 0;

	for (size_t i = 0; i < redis[partition].nsegments; i++)
		n += redis[partition].segments[i].records;
	return n;
}

// Between the records at these offsets, whose times are 1000 and the offset.
static void expect_hole(int64_t before, int64_t after)
{
	int64_t from = 1000 + before - conf.lateness_ms, to = 1000 + after + conf.lateness_ms + 1;

	cr_assert_eq(redis[0].nclosed, 1);
	cr_expect_eq(redis[0].closed[0].from, from, "from %lld", (long long)redis[0].closed[0].from);
	cr_expect_eq(redis[0].closed[0].to, to, "to %lld", (long long)redis[0].closed[0].to);
	cr_expect_eq(redis[0].open.to, 0);
}

static void read_all(void)
{
	if (kafka.polls == 1)
		give(0);
	if (redis[0].next == kafka.log[0].stable && redis[0].idle)
		finish();
}

Test(worker, every_record_counts_once_and_the_end_is_stored_as_next)
{
	kafka.log[0].stable = kafka.log[0].end = MANY + 1; // a transaction's marker
	live(read_all);
	cr_assert_eq(counted(0), MANY);
	cr_assert_eq(redis[0].next, MANY + 1);
	cr_assert_eq(redis[0].co, MANY - 1);
	cr_assert_str_eq(events, "");
	live(read_all);
	cr_assert_eq(counted(0), MANY, "the check record is read, not counted");
	cr_assert_str_eq(events, "");
}

static void die_while_waiting(void)
{
	if (kafka.polls == 1)
		give(0);
	if (redis[0].next == 150) {
		dead = true;
		finish();
	}
}

static int64_t since_when;
static bool went_on_waiting;

static void wait_and_go_on(void)
{
	registry_up = kafka.polls > 2 && (!since_when || went_on_waiting);
	went_on_waiting |= since_when && redis[0].waits && redis[0].waiting_since == since_when;
	read_all();
}

Test(worker, one_killed_while_it_waits_for_a_schema_is_no_new_topic)
{
	kafka.log[0].pending = 150; // the messages before and after it come in one batch
	live(die_while_waiting);
	cr_assert_eq(counted(0), 150);
	cr_assert_gt(redis[0].waiting_since, 0);
	since_when = --redis[0].waiting_since; // told apart from a wait that began anew
	redis[0].waits = 0;
	live(wait_and_go_on);
	cr_assert(went_on_waiting, "a restart does not make the wait a shorter one");
	cr_assert_eq(redis[0].waiting_since, 0);
	cr_assert_str_eq(events, "");
	cr_assert_eq(counted(0), MANY);
}

Test(worker, a_waiting_partition_goes_on_where_it_stood)
{
	kafka.log[0].pending = 150;
	live(wait_and_go_on);
	cr_assert_eq(counted(0), MANY);
	cr_assert_eq(claims[0], 1);
}

Test(worker, a_topic_made_anew_is_counted_from_its_start)
{
	live(read_all);
	kafka.log[0].generation++;
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = MANY + 50; // what follows is in hand with the check record
	live(read_all);
	cr_assert(strstr(events, "topic_recreated"));
	cr_assert_eq(counted(0), MANY + MANY + 50);
	expect_hole(MANY - 1, MANY - 1);
}

static void lose_an_answer(void)
{
	if (kafka.polls == 1)
		give(0);
	if (kafka.polls == 2)
		answer = STORE_LOST;
	if (kafka.polls > 4)
		read_all();
}

Test(worker, a_write_without_an_answer_is_not_sent_again)
{
	live(lose_an_answer);
	cr_assert_eq(counted(0), MANY);
	cr_assert_eq(claims[0], 2);
}

static int64_t behind;

static void go_back(void)
{
	if (kafka.polls == 1)
		give(0);
	if (redis[0].next == MANY && redis[0].idle && generation == 1) {
		memcpy(copy, redis, sizeof copy);
		kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = MANY + 100;
		generation++;
	}
	if (redis[0].next == MANY + 100 && generation == 2) {
		memcpy(redis, copy, sizeof redis);
		generation++;
	}
	if (generation == 3 && redis[0].target > 0)
		behind = redis[0].target;
	if (generation == 3 && redis[0].next == MANY + 100 && redis[0].target < 0)
		finish();
}

Test(worker, after_a_rollback_it_catches_up_and_counts_once)
{
	live(go_back);
	cr_assert_eq(behind, MANY + 100);
	cr_assert_eq(counted(0), MANY + 100);
	cr_assert_eq(claims[0], 3);
}

static void reconnect_by_another_claim(void)
{
	if (kafka.polls == 1)
		give(0);
	if (claims[0] == 1 && redis[0].idle && !claims[1] && !kafka.log[1].assigned)
		give(1);
	if (claims[0] == 2)
		finish();
}

Test(worker, every_claim_of_an_old_connection_is_taken_again)
{
	reconnects = true;
	live(reconnect_by_another_claim);
	cr_assert_eq(counted(0), MANY);
	cr_assert_eq(claims[1], 1);
}

static void read_both(void)
{
	if (kafka.polls == 1)
		give(0);
	if (kafka.polls == 2)
		give(1);
	if (redis[0].idle && redis[1].idle)
		finish();
}

// The records of partition 1 are older than the stream's first claim in either case.
Test(worker, start_latest_skips_what_was_there_and_nothing_of_a_partition_that_comes_later)
{
	conf.start = START_LATEST;
	kafka.log[1].records = kafka.log[1].stable = kafka.log[1].end = 60;
	kafka.partitions = 2;
	live(read_both);
	cr_assert_eq(counted(0), 0);
	cr_assert_eq(counted(1), 0);
	cr_assert_eq(redis[1].next, 60);
	redis[1] = (struct held){.next = -1, .co = -1, .target = -1};
	told_partitions = 1; // had it come later
	live(read_both);
	cr_assert_eq(counted(1), 60);
}

Test(worker, what_the_log_no_longer_holds_is_said_and_lost)
{
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = 100;
	live(read_all);
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = MANY;
	kafka.log[0].low = 250;
	live(read_all);
	cr_assert(strstr(events, "\"gap\""), "%s", events);
	cr_assert_eq(redis[0].lost, 150);
	cr_assert_eq(counted(0), 100 + 150);
	expect_hole(99, 250);
}

Test(worker, a_log_cut_short_is_said_and_read_from_its_end)
{
	live(read_all);
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = 300;
	live(read_all);
	cr_assert(strstr(events, "log_truncated"));
	cr_assert_eq(redis[0].next, 300);
	cr_assert_eq(redis[0].co, -1);
	cr_assert_eq(counted(0), MANY);
	cr_expect_eq(redis[0].nclosed, 0);
	cr_expect_eq(redis[0].open.from, 1000 + MANY - 1 - conf.lateness_ms);
	cr_expect_gt(redis[0].open.to, wall_now().ms);
}

Test(worker, an_empty_store_with_an_offset_in_kafka_has_lost_its_state)
{
	kafka.log[0].committed = 77;
	live(read_all);
	cr_assert(strstr(events, "state_lost"));
	cr_assert_eq(counted(0), MANY, "start: earliest");
}

static void gap_and_die(void)
{
	if (kafka.polls == 1)
		give(0);
	if (redis[0].lost) {
		dead = true;
		finish();
	}
}

Test(worker, a_hole_outlives_the_worker_that_found_it)
{
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = 100;
	live(read_all);
	kafka.log[0].records = kafka.log[0].stable = kafka.log[0].end = MANY;
	kafka.log[0].low = 250;
	live(gap_and_die);
	cr_assert_eq(counted(0), 100);
	cr_assert_gt(redis[0].open.to, wall_now().ms);
	live(read_all);
	cr_assert_eq(redis[0].lost, 150, "found once");
	cr_assert_eq(counted(0), 100 + 150);
	expect_hole(99, 250);
}

static void lost_unasked(void)
{
	if (kafka.polls == 1)
		give(0);
	if (kafka.polls == 2) { // messages are in hand
		kafka.lost = true;
		take(0, true);
	}
	if (kafka.polls == 10)
		give(0);
	if (kafka.polls == 20)
		finish();
}

Test(worker, what_the_group_took_away_is_neither_written_nor_claimed)
{
	live(lost_unasked);
	cr_assert_eq(counted(0), 0);
	cr_assert_eq(claims[0], 1);
}

static void slow_claims(void)
{
	if (kafka.polls == 1) {
		give(0);
		give(1);
	}
	if (claims[0] && claims[1])
		finish();
}

Test(worker, a_claim_needs_a_poll_younger_than_the_session)
{
	kafka.session_ms = 20;
	claim_takes_ms = 40;
	live(slow_claims);
	cr_assert_gt(kafka.claims_at[1], kafka.claims_at[0]);
}

static void zombie(void)
{
	if (kafka.polls == 1)
		give(0);
	if (kafka.polls == 2) // messages are in hand; another process claims
		snprintf(redis[0].nonce, sizeof redis[0].nonce, "another");
	if (kafka.polls == 3) {
		cr_assert_eq(counted(0), 0);
		take(0, true);
		finish();
	}
}

Test(worker, a_fenced_worker_asks_the_group_first)
{
	live(zombie);
	cr_assert_str_eq(redis[0].nonce, "another");
	cr_assert_eq(claims[0], 1);
}

static void open_transaction(void)
{
	if (kafka.polls == 1)
		give(0);
	if (redis[0].next == MANY && kafka.log[0].records == MANY) {
		cr_assert_not(redis[0].idle, "records that nobody may read yet lie behind");
		cr_assert_eq(redis[0].end, MANY, "lag is to the last stable offset");
		if (redis[0].target < 0) {
			worker->parts[0]->held_since = (struct mono_time){0};
			worker->parts[0]->dirty = true;
		} else {
			kafka.log[0].records = kafka.log[0].stable = MANY + 30;
		}
	}
	if (kafka.log[0].records > MANY)
		read_all();
}

Test(worker, an_open_transaction_is_no_end_and_one_open_for_long_is_unknown)
{
	kafka.log[0].end = MANY + 30;
	live(open_transaction);
	cr_assert_eq(counted(0), MANY + 30);
	cr_assert_eq(redis[0].target, -1);
}

static void refused(void)
{
	answer = STORE_FAILED;
	if (kafka.polls == 1)
		give(0);
	if (kafka.polls > 600)
		finish();
}

Test(worker, a_server_that_refuses_is_not_asked_again_at_once)
{
	live(refused);
	cr_assert_eq(claims[0], 1);
}

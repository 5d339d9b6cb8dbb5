// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/json.h"
#include "util/xalloc.h"

struct consumer kafka;
struct held redis[PARTS], copy[PARTS];
size_t most_segments;
uint64_t generation;
int nonces, claims[PARTS];
enum store_result answer;  // STORE_LOST: written, and the answer does not come; STORE_FAILED: not written
bool dead;                 // the process was killed: nothing more reaches the store
int64_t claim_takes_ms;
bool reconnects;           // the first claim of partition 1 opens a new connection
bool registry_up;
char events[4096];
int64_t first_seen;
int32_t told_partitions;

atomic_bool stop;
void (*script)(void);      // called at every poll
struct worker *worker;
struct stream_conf conf;
struct letter_box letters;

void world_nap(int64_t ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static int64_t letter_offset(const struct outgoing *m)
{
	for (size_t i = 0; i < m->nheaders; i++)
		if (!strcmp(m->headers[i].name, "kdrift.offset")) {
			char text[24] = "";
			memcpy(text, m->headers[i].value, m->headers[i].len);
			return atoll(text);
		}
	cr_assert_fail("a letter tells its offset");
	return -1;
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
		world_nap(1);
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

bool message_header_at(const struct message *m, size_t i, struct kafka_header *out)
{
	(void)m, (void)i, (void)out;
	return false;
}

struct membership *consumer_membership(struct consumer *c)
{
	return c->lost ? NULL : (struct membership *)&c->session_ms;
}

void membership_free(struct membership *m)
{
	(void)m;
}

struct transaction *transaction_new(const struct kafka_property *props, size_t nprops, const char *id, struct error *err)
{
	(void)props, (void)nprops, (void)id, (void)err;
	return (struct transaction *)&kafka;
}

int transaction_open(struct transaction *t, int timeout_ms, struct error *err)
{
	(void)t, (void)timeout_ms, (void)err;
	return 0;
}

// What is sent and how far it was read are one.
enum transaction_result transaction_write(struct transaction *t, const struct transaction_write *w, int timeout_ms,
					  size_t *refused, struct error *err)
{
	(void)t, (void)timeout_ms;
	enum transaction_result r = letters.next;

	letters.tries++;
	for (size_t i = 0; i < w->nmessages && r != TRANSACTION_FAILED; i++) {
		if (letters.refuses && letters.refuses == letter_offset(w->messages[i])) {
			*refused = i;
			error_set(err, "too large");
			return TRANSACTION_REFUSED;
		}
	}
	if (r == TRANSACTION_FAILED || dead) {
		error_set(err, "the topic is away");
		return TRANSACTION_FAILED;
	}
	bool swallowed = letters.swallows && r == TRANSACTION_UNKNOWN;
	for (size_t i = 0; i < w->nmessages && !swallowed; i++)
		letters.times[w->messages[i]->lane][letter_offset(w->messages[i])]++;
	for (size_t i = 0; i < w->noffsets && !swallowed; i++) {
		cr_assert(kafka.log[w->offsets[i].partition].committed_may_fall ||
			  w->offsets[i].next >= kafka.log[w->offsets[i].partition].committed, "it never goes back");
		kafka.log[w->offsets[i].partition].committed = w->offsets[i].next;
	}
	letters.writes++;
	if (r == TRANSACTION_UNKNOWN)
		letters.next = TRANSACTION_DONE;
	if (letters.kills)
		dead = true;
	return r;
}

void transaction_free(struct transaction *t)
{
	(void)t;
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
		world_nap(claim_takes_ms);
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
		out->marks[0].letters = h->letters;
		out->nmarks = 1;
	}
	if (h->nlimits) {
		out->states = xcalloc(1, sizeof *out->states);
		out->states[0] = (struct state_blob){xstrdup("s"), xstrdup("letter limits"),
						     xstrndup((char *)h->limits, h->nlimits), h->nlimits};
		out->nstates = 1;
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
	cr_assert_eq(w->again, k < h->nsegments, "segment %u is not told apart from a new one", w->n);
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
	most_segments = c->nsegments > most_segments ? c->nsegments : most_segments;
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
	h->letters = c->marks[0].letters;
	for (size_t i = 0; i < c->nstates; i++) {
		cr_assert(!strcmp(c->states[i].name, "letter limits") && c->states[i].len <= sizeof h->limits);
		h->nlimits = c->states[i].len;
		memcpy(h->limits, c->states[i].bytes, h->nlimits);
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

void world_start(void)
{
	conf = (struct stream_conf){.name = (char *)"s", .topic = (char *)"topic", .window_ms = 3600000, .slide_ms = 60000,
				    .lateness_ms = 3600000, .pane_ms = 60000, .max_slices = 2};
	kafka = (struct consumer){.session_ms = 10000};
	generation = 1;
	most_segments = 0;
	first_seen = INT64_MIN;
	kafka.partitions = 1;
	for (int p = 0; p < PARTS; p++) {
		kafka.log[p].records = kafka.log[p].stable = kafka.log[p].end = p ? 0 : MANY;
		kafka.log[p].pending = kafka.log[p].committed = -1;
		redis[p] = (struct held){.next = -1, .co = -1, .target = -1};
	}
}


void world_give(int32_t partition)
{
	kafka.log[partition].assigned = true;
	worker_assigned(worker, "topic", partition);
}

void world_take(int32_t partition, bool lost)
{
	worker_revoked(worker, "topic", partition, lost);
	kafka.log[partition].assigned = kafka.log[partition].started = false;
}

void world_finish(void)
{
	atomic_store(&stop, true);
}

// One life of a process; its script begins at poll 0 and ends it with finish().
void world_live(void (*what)(void))
{
	const struct config config = {.checkpoint_ms = 0, .group_id = (char *)"group"};
	const struct collect_stream def = {&conf, NULL, NULL, NULL, NULL};
	const struct collect_conf cc = {&config, &def, 1};
	struct wstream stream;
	struct error err = ERROR_INIT;
	struct worker w = {.conf = &cc, .consumer = &kafka, .streams = &stream, .stop = &stop,
			   .port = {NULL, play_scope, play_claim, play_checkpoint, play_first_seen, NULL, play_segments,
				    NULL, play_generation, play_schema, NULL, play_subject}};

	wstream_init(&stream, &def);
	record_values_init(&w.scratch);
	pthread_mutex_init(&w.mutex, NULL);
	cr_assert_eq(forward_init(&w, NULL, 0, &err), 0, "%s", err.text);
	worker = &w;
	script = what;
	kafka.polls = 0;
	dead = false;
	atomic_store(&stop, false);
	worker_main(&w);
	for (size_t i = 0; i < w.nparts; i++)
		part_free(w.parts[i]);
	forward_release(&w.forwarder);
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

uint64_t world_counted(int32_t partition)
{
	uint64_t n = 0;

	for (size_t i = 0; i < redis[partition].nsegments; i++)
		n += redis[partition].segments[i].records;
	return n;
}

// SPDX-License-Identifier: Apache-2.0
#include "sandbox/feeder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "kafka/producer.h"
#include "util/xalloc.h"

enum { FLUSH_MS = 30000, NAP_MS = 10 };

struct feeder {
	struct replay *replay;
	struct feeder_conf conf;
	struct producer *producer;
	pthread_t thread;
	atomic_bool stop;
	atomic_int done;			 // 1 done, -1 failed
	struct error err;			 // written before done
	int64_t first;				 // event ms
	int64_t sent[REPLAY_STREAMS];		 // of the last message of each stream; INT64_MIN: none
	struct event_time known[REPLAY_STREAMS]; // how far the monitor was when last asked
};

static void nap(void)
{
	nanosleep(&(struct timespec){0, NAP_MS * 1000000}, NULL);
}

// Is a stream, of which more was sent than is judged, too far back?
static bool behind(const struct feeder *f, int64_t ts)
{
	for (int s = 0; s < REPLAY_STREAMS; s++)
		if (f->known[s].ms < f->sent[s] &&
		    (f->known[s].ms < f->first ? f->first : f->known[s].ms) < ts - f->conf.ahead_ms)
			return true;
	return false;
}

static bool too_early(struct feeder *f, int64_t ts, struct mono_time start)
{
	if (f->conf.days_per_second > 0 &&
	    (double)(ts - f->first) > f->conf.days_per_second * 86400.0 * (double)mono_ms_since(start))
		return true;
	if (!behind(f, ts))
		return false;
	f->conf.position(f->conf.ctx, f->known);
	return behind(f, ts);
}

static int feed(struct feeder *f, struct error *err)
{
	struct mono_time start = mono_now();
	struct replay_message m;
	size_t n;

	f->first = replay_rows(f->replay, &n)->ts;
	while (replay_next(f->replay, &m)) {
		if (too_early(f, m.ts, start)) {
			// What is held back in the producer would hold back the monitor.
			if (producer_flush(f->producer, FLUSH_MS, err))
				return -1;
			while (too_early(f, m.ts, start)) {
				if (atomic_load(&f->stop))
					return 0;
				nap();
			}
		}
		if (m.fault_begins >= 0)
			f->conf.announce(f->conf.ctx, (enum replay_fault)m.fault_begins);
		struct producer_message out = {.topic = replay_topics[m.stream].name,
					       .partition = 0,
					       .value = m.value,
					       .len = m.len,
					       .time = wall_from_event((struct event_time){m.ts})};
		if (producer_send(f->producer, &out, err))
			return -1;
		f->sent[m.stream] = m.ts;
	}
	return producer_flush(f->producer, FLUSH_MS, err) ? -1 : 1;
}

static void *feeder_main(void *arg)
{
	struct feeder *f = arg;

	atomic_store(&f->done, feed(f, &f->err));
	return NULL;
}

struct feeder *feeder_start(struct replay *r, const struct feeder_conf *conf, struct error *err)
{
	struct feeder *f = xcalloc(1, sizeof *f);
	const struct kafka_property props[] = {{"bootstrap.servers", conf->bootstrap}, {"linger.ms", "1"}};

	f->replay = r;
	f->conf = *conf;
	for (int s = 0; s < REPLAY_STREAMS; s++) {
		f->sent[s] = INT64_MIN;
		f->known[s] = EVENT_TIME_NONE;
	}
	f->producer = producer_new(props, ARRAY_LEN(props), err);
	if (!f->producer) {
		free(f);
		return NULL;
	}
	if (pthread_create(&f->thread, NULL, feeder_main, f)) {
		error_set(err, "feeder: no thread to be had");
		producer_free(f->producer);
		free(f);
		return NULL;
	}
	return f;
}

int feeder_done(struct feeder *f, struct error *err)
{
	int done = atomic_load(&f->done);

	return done < 0 ? error_set(err, "replay: %s", f->err.text) : done;
}

void feeder_stop(struct feeder *f)
{
	if (!f)
		return;
	atomic_store(&f->stop, true);
	pthread_join(f->thread, NULL);
	producer_free(f->producer);
	free(f);
}

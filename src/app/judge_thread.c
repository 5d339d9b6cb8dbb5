// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include "app/internal.h"
#include "util/log.h"
#include "util/xalloc.h"

enum { LEASE_MS = 8000, RENEW_MS = 2000, WAIT_MS = 250, DEMO_WAIT_MS = 20, TYPES_MS = 500, TRIM_MS = 10000 };

static void set_leading(struct app *a, bool leads)
{
	if (atomic_exchange(&a->leading, leads) != leads)
		log_info("judge", leads ? "this process leads: it judges and delivers" : "another process leads");
}

static bool has_types(const struct app *a)
{
	bool any = false;

	for (size_t i = 0; i < a->model->config->nstreams; i++)
		any |= a->model->config->streams[i].by_record;
	return any;
}

// A record type that was counted for the first time gets a judge with one more stream; all that the old one must
// remember is in the store. 1: nothing may be judged in this round, for a reload holds the lock until this thread
// has ended.
static int keep_types(struct app *a, struct mono_time *looked, struct error *err)
{
	struct types *fresh;
	int rc = -1;

	if (!has_types(a) || (a->types && mono_ms_since(*looked) < TYPES_MS))
		return 0;
	struct collect_ctx ctx = {.store = a->judge_store};
	const struct collect_port port = collect_port_of(&ctx);
	if (types_look(a->model, &port, a->types, &fresh, err))
		return -1;
	*looked = mono_now();
	if (!fresh)
		return 0;
	struct judge *judge = judge_new(&fresh->conf, &a->judge_port), *old = a->judge;
	struct types *known = a->types;
	if (!judge_tick(judge, wall_now(), err)) // so that it has a status to show
		rc = pthread_rwlock_trywrlock(&a->lock) ? 1 : 0;
	if (rc) {
		judge_free(judge);
		types_free(fresh);
		*looked = (struct mono_time){0};
		return rc;
	}
	a->judge = judge;
	a->types = fresh;
	pthread_rwlock_unlock(&a->lock);
	judge_free(old);
	types_free(known);
	return 0;
}

// One round: wait for a wake-up, keep the lease, judge.
static int round_once(struct app *a, struct mono_time *renewed, struct mono_time *looked, struct error *err)
{
	int woken = store_wait_wake(a->judge_store, a->opt.clock_is_watermark ? DEMO_WAIT_MS : WAIT_MS, err);

	if (woken < 0)
		return -1;
	if (mono_ms_since(*renewed) >= RENEW_MS || !atomic_load(&a->leading)) {
		int leads = store_lease(a->judge_store, a->lease, LEASE_MS, err);
		if (leads < 0)
			return -1;
		set_leading(a, leads);
		*renewed = mono_now();
	}
	if (!atomic_load(&a->leading)) {
		*looked = (struct mono_time){0};
		return 0;
	}
	int busy = keep_types(a, looked, err);
	if (busy)
		return busy < 0 ? -1 : 0;
	if (judge_tick(a->judge, wall_now(), err))
		return -1;
	deliver_wake(a->deliver);
	uint64_t waiting = 0, dead = 0;
	if (store_outbox_count(a->judge_store, &waiting, &dead, err))
		return -1;
	atomic_store(&a->waiting, waiting);
	atomic_store(&a->dead, dead);
	atomic_store(&a->ticked_at, mono_now().ns);
	return 0;
}

void *judge_main(void *arg)
{
	struct app *a = arg;
	struct mono_time renewed = {0}, looked = {0}, complained = {0}, trimmed = mono_now();

	while (!atomic_load(&a->stop_judge)) {
		struct error err = ERROR_INIT;

		// A backlog opens many panes at once; what they held would stay with the process for good.
		if (mono_ms_since(trimmed) >= TRIM_MS) {
			model_rest(a->model);
			xtrim();
			trimmed = mono_now();
		}
		bool up = !round_once(a, &renewed, &looked, &err);
		atomic_store(&a->store_up, up);
		if (up)
			continue;
		set_leading(a, false); // until the lease is seen again, nothing is judged or sent
		renewed = (struct mono_time){0};
		if (mono_ms_since(complained) > 5000) {
			log_warn("judge", "%s", err.text);
			complained = mono_now();
		}
		nanosleep(&(struct timespec){0, 200000000}, NULL);
	}
	struct error ignored = ERROR_INIT;
	if (atomic_load(&a->leading) && store_lease_release(a->judge_store, a->lease, &ignored))
		log_debug("judge", "%s", ignored.text);
	return NULL;
}

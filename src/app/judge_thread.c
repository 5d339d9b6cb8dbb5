// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include "app/internal.h"
#include "util/log.h"

enum { LEASE_MS = 8000, RENEW_MS = 2000, WAIT_MS = 250, DEMO_WAIT_MS = 20 };

static void set_leading(struct app *a, bool leads)
{
	if (atomic_exchange(&a->leading, leads) != leads)
		log_info("judge", leads ? "this process leads: it judges and delivers" : "another process leads");
}

// One round: wait for a wake-up, keep the lease, judge.
static int round_once(struct app *a, struct mono_time *renewed, struct error *err)
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
	if (!atomic_load(&a->leading))
		return 0;
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
	struct mono_time renewed = {0}, complained = {0};

	while (!atomic_load(&a->stop_judge)) {
		struct error err = ERROR_INIT;
		bool up = !round_once(a, &renewed, &err);
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

// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>

#include "util/cond.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static bool told;

static void *tell(void *arg)
{
	pthread_mutex_lock(&mutex);
	told = true;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&mutex);
	return arg;
}

Test(cond, waits_for_a_signal_up_to_a_deadline, .timeout = 60)
{
	struct mono_time deadline = mono_after_ms(20);
	pthread_t thread;

	cond_init(&changed);
	pthread_mutex_lock(&mutex);
	while (cond_wait_until(&changed, &mutex, deadline))
		; // a wake-up without a signal is allowed
	cr_assert(mono_passed(deadline), "it gave up before its time");
	deadline = mono_after_ms(30000);
	cr_assert_eq(pthread_create(&thread, NULL, tell, NULL), 0);
	while (!told)
		cr_assert(cond_wait_until(&changed, &mutex, deadline), "nothing was told");
	pthread_mutex_unlock(&mutex);
	pthread_join(thread, NULL);
	pthread_cond_destroy(&changed);
}

// SPDX-License-Identifier: Apache-2.0
#include "util/cond.h"

#include <errno.h>
#include <time.h>

void cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, struct mono_time deadline)
{
	struct timespec t = {deadline.ns / 1000000000, deadline.ns % 1000000000};

	return pthread_cond_timedwait(c, m, &t) != ETIMEDOUT;
}

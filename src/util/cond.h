// SPDX-License-Identifier: Apache-2.0
// Condition variables that wait by the monotonic clock.
#ifndef KD_UTIL_COND_H
#define KD_UTIL_COND_H
#include <pthread.h>

#include "util/clock.h"

void cond_init(pthread_cond_t *c); // pthread_cond_destroy ends it
// As pthread_cond_wait, up to a deadline. False: it has passed.
bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, struct mono_time deadline);
#endif

// SPDX-License-Identifier: Apache-2.0
// What an attempt's outcome means. Pure: the answer, the attempt's number, the tier and a random number go
// in, a decision comes out.
//
//   2xx             delivered
//   408, 429, 5xx   try again, as after no answer at all
//   410             dead: the endpoint says that it is closed for good
//   3xx, other 4xx  dead: trying again cannot help, an operator must
//
// When to try again. `immediate`: during a message's first 10 minutes a full jitter, uniform in
// [0, min(15 s, 2^(n-1) s)] after attempt n; then the delays of Standard Webhooks as a timetable that starts
// at the 10th minute, so that neither a restart nor the number of early attempts shifts it. `daily` and
// `weekly`: the same delays, one an attempt. Retry-After is a lower bound of at most an hour. A message is
// dead when its delays are used up and it was tried at least as often as there are delays.
#ifndef KD_DELIVER_CLASSIFY_H
#define KD_DELIVER_CLASSIFY_H
#include <stdint.h>

enum outcome { OUTCOME_DELIVERED, OUTCOME_RETRY, OUTCOME_DEAD };

struct attempt {
	long status;           // 0: no answer came
	const char *error;     // why no answer came; used with status 0
	uint32_t number;       // this attempt, from 1
	const char *tier;      // "immediate", "daily", "weekly"
	int64_t retry_after_s; // -1: none
	int64_t age_ms;        // since the message was created
	double random;         // in [0, 1)
};

struct verdict {
	enum outcome outcome;
	int64_t delay_ms;      // OUTCOME_RETRY: from now
	char why[400];         // in words; "" where delivered
};

void classify_http(const struct attempt *a, struct verdict *out);
#endif

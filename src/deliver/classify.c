// SPDX-License-Identifier: Apache-2.0
#include "deliver/classify.h"

#include <stdio.h>
#include <string.h>

#include "util/xalloc.h"

enum { EAGER_MS = 600000, EAGER_STEP_MS = 1000, EAGER_MAX_MS = 15000, RETRY_AFTER_MAX_S = 3600 };

// After the first attempt; Standard Webhooks.
static const int64_t delays[] = {5000,	   300000,   1800000,  7200000, 18000000,
				 36000000, 50400000, 72000000, 86400000};

static int64_t eager_delay(const struct attempt *a)
{
	int64_t most = EAGER_STEP_MS;

	for (uint32_t n = 1; n < a->number && most < EAGER_MAX_MS; n++)
		most *= 2;
	if (most > EAGER_MAX_MS)
		most = EAGER_MAX_MS;
	return (int64_t)(a->random * (double)most);
}

// -1: used up.
static int64_t listed_delay(const struct attempt *a)
{
	return a->number >= 1 && a->number <= ARRAY_LEN(delays) ? delays[a->number - 1] : -1;
}

static int64_t next_delay(const struct attempt *a)
{
	if (strcmp(a->tier, "immediate") != 0)
		return listed_delay(a);
	if (a->age_ms < EAGER_MS)
		return eager_delay(a);
	int64_t at = EAGER_MS;
	for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
		at += delays[i];
		if (at > a->age_ms)
			return at - a->age_ms;
	}
	return listed_delay(a);
}

static void describe(const struct attempt *a, struct verdict *v)
{
	if (!a->status)
		snprintf(v->why, sizeof v->why, "no answer: %s",
			 a->error && *a->error ? a->error : "unknown cause");
	else if (a->status == 410)
		snprintf(v->why, sizeof v->why,
			 "answered 410: the endpoint says that it is disabled; give the receiver another url "
			 "or remove it");
	else if (a->status >= 300 && a->status < 400)
		snprintf(v->why, sizeof v->why,
			 "answered %ld: redirects are not followed; set the receiver's url to the final "
			 "address",
			 a->status);
	else if (a->status == 401 || a->status == 403)
		snprintf(v->why, sizeof v->why, "answered %ld: refused; check the receiver's secret and url",
			 a->status);
	else
		snprintf(v->why, sizeof v->why, "answered %ld", a->status);
}

void classify_http(const struct attempt *a, struct verdict *out)
{
	*out = (struct verdict){.outcome = OUTCOME_DEAD};
	if (a->status >= 200 && a->status < 300) {
		out->outcome = OUTCOME_DELIVERED;
		return;
	}
	describe(a, out);
	if (a->status >= 300 && a->status < 500 && a->status != 408 && a->status != 429)
		return;
	int64_t delay = next_delay(a);
	if (delay < 0) {
		size_t len = strlen(out->why);
		snprintf(out->why + len, sizeof out->why - len, "; given up after %u attempts", a->number);
		return;
	}
	int64_t asked = a->retry_after_s < RETRY_AFTER_MAX_S ? a->retry_after_s : RETRY_AFTER_MAX_S;
	out->outcome = OUTCOME_RETRY;
	out->delay_ms = asked * 1000 > delay ? asked * 1000 : delay;
}

// SPDX-License-Identifier: Apache-2.0
// IANA time zones as the system has them (TZif version 2 or later, RFC 8536), and the instants at which a
// digest is due. A local time that a change of the clocks skips is read with the offset before the change
// (02:30 becomes 03:30); one that occurs twice is its first occurrence.
#ifndef KD_JUDGE_TZ_H
#define KD_JUDGE_TZ_H
#include <stdint.h>

#include "judge/judge.h"
#include "util/error.h"

struct tz;
struct tz *tz_load(const char *name, struct error *err) MUST_CHECK; // NULL with err where there is no such zone
void tz_free(struct tz *z);
int64_t tz_offset(const struct tz *z, int64_t utc);                  // seconds east of UTC; utc in unix seconds
// Days since the epoch and second of the day, local -> unix seconds.
int64_t tz_to_utc(const struct tz *z, int64_t day, int second);
// The first instant after / the last instant at or before `ms` (wall) at which the schedule is due.
int64_t schedule_next(const struct digest_schedule *s, const struct tz *z, int64_t ms);
int64_t schedule_last(const struct digest_schedule *s, const struct tz *z, int64_t ms);
#endif

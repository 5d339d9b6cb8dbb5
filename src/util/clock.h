// SPDX-License-Identifier: Apache-2.0
// Three clocks, three types, so that they cannot be mixed: event time (what a record says), wall time
// (this machine's calendar) and monotonic time (for time-outs and leases). Event and wall time are unix
// milliseconds. A conversion between them is a decision and has a name.
#ifndef KD_UTIL_CLOCK_H
#define KD_UTIL_CLOCK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_time {
	int64_t ms;
};
struct wall_time {
	int64_t ms;
};
struct mono_time {
	int64_t ns;
};

#define EVENT_TIME_NONE ((struct event_time){INT64_MIN})

static inline bool event_time_set(struct event_time t)
{
	return t.ms != INT64_MIN;
}

struct wall_time wall_now(void);
struct mono_time mono_now(void);
int64_t mono_ms_since(struct mono_time since);                 // whole milliseconds, now - since
struct mono_time mono_after_ms(int64_t ms);                    // a deadline
bool mono_passed(struct mono_time deadline);
int mono_ms_left(struct mono_time deadline);                   // for a call that takes a time; at least 1

// A Kafka timestamp, which a producer took from its wall clock, used as the event's time.
static inline struct event_time event_from_wall(struct wall_time w)
{
	return (struct event_time){w.ms};
}
// "The judge's wall clock is the watermark" (demo, backtest).
static inline struct wall_time wall_from_event(struct event_time e)
{
	return (struct wall_time){e.ms};
}

// Floor of ms to a multiple of width, for negative times too.
int64_t time_floor(int64_t ms, int64_t width);

// RFC 3339 in UTC with milliseconds only where there are any ("2026-11-21T09:00:00Z"); buf >= 32 bytes.
const char *time_format(int64_t ms, char *buf, size_t n);
// RFC 3339 (any offset; a bare date is midnight UTC) or unix milliseconds. 0 or -1.
int time_parse(const char *s, int64_t *ms);
// "250ms", "30s", "5m", "1h", "7d", "2w", joined ("1h30m"). 0 or -1; never negative.
int duration_parse(const char *s, int64_t *ms);
// The shortest such text; buf >= 32 bytes.
const char *duration_format(int64_t ms, char *buf, size_t n);
#endif

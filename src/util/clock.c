// SPDX-License-Identifier: Apache-2.0
#include "util/clock.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct wall_time wall_now(void)
{
	return (struct wall_time){read_clock(CLOCK_REALTIME) / 1000000};
}

struct mono_time mono_now(void)
{
	return (struct mono_time){read_clock(CLOCK_MONOTONIC)};
}

int64_t mono_ms_since(struct mono_time since)
{
	return (mono_now().ns - since.ns) / 1000000;
}

struct mono_time mono_after_ms(int64_t ms)
{
	return (struct mono_time){mono_now().ns + ms * 1000000};
}

bool mono_passed(struct mono_time deadline)
{
	return mono_now().ns >= deadline.ns;
}

int mono_ms_left(struct mono_time deadline)
{
	int64_t ms = -mono_ms_since(deadline);

	return ms > 1 ? (int)ms : 1;
}

int64_t time_floor(int64_t ms, int64_t width)
{
	int64_t r = ms % width;

	return ms - (r < 0 ? r + width : r);
}

const char *time_format(int64_t ms, char *buf, size_t n)
{
	int64_t part = ms - time_floor(ms, 1000);
	time_t s = (time_t)(time_floor(ms, 1000) / 1000);
	struct tm tm;

	if (!gmtime_r(&s, &tm)) {
		snprintf(buf, n, "%" PRId64, ms);
		return buf;
	}
	size_t k = strftime(buf, n, "%Y-%m-%dT%H:%M:%S", &tm);
	if (part)
		k += (size_t)snprintf(buf + k, n - k, ".%03d", (int)part);
	snprintf(buf + k, n - k, "Z");
	return buf;
}

int time_parse(const char *s, int64_t *ms)
{
	struct tm tm = {0};
	char *end;

	if (!*s)
		return -1;
	long long whole = strtoll(s, &end, 10);
	if (!*end) {
		*ms = whole;
		return 0;
	}
	const char *p = strptime(s, "%Y-%m-%d", &tm);
	if (!p)
		return -1;
	int64_t frac = 0, offset = 0;
	if (*p == 'T' || *p == 't' || *p == ' ') {
		p = strptime(p + 1, "%H:%M:%S", &tm);
		if (!p)
			return -1;
		if (*p == '.') {
			int64_t scale = 100;
			for (p++; isdigit((unsigned char)*p); p++, scale /= 10)
				frac += (*p - '0') * scale;
		}
		if (*p == 'Z' || *p == 'z') {
			p++;
		} else if (*p == '+' || *p == '-') {
			int h, m, used = 0;
			if (sscanf(p + 1, "%2d:%2d%n", &h, &m, &used) != 2 || used != 5)
				return -1;
			offset = (*p == '-' ? -1 : 1) * (h * 3600 + m * 60);
			p += 1 + used;
		} else {
			return -1;
		}
	}
	if (*p)
		return -1;
	*ms = ((int64_t)timegm(&tm) - offset) * 1000 + frac;
	return 0;
}

static const struct {
	const char *name;
	int64_t ms;
} units[] = {{"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

int duration_parse(const char *s, int64_t *ms)
{
	int64_t total = 0;

	if (!isdigit((unsigned char)*s))
		return -1;
	while (*s) {
		char *end;
		size_t len, i;
		if (!isdigit((unsigned char)*s))
			return -1;
		double v = strtod(s, &end);
		len = strspn(end, "abcdefghijklmnopqrstuvwxyz");
		for (i = 0; i < sizeof units / sizeof *units; i++)
			if (strlen(units[i].name) == len && !strncmp(end, units[i].name, len))
				break;
		if (i == sizeof units / sizeof *units || v > 1e12)
			return -1;
		total += (int64_t)(v * (double)units[i].ms + 0.5);
		s = end + len;
	}
	*ms = total;
	return 0;
}

const char *duration_format(int64_t ms, char *buf, size_t n)
{
	size_t k = 0;

	if (ms <= 0) {
		snprintf(buf, n, "0s");
		return buf;
	}
	for (size_t i = 0; i < sizeof units / sizeof *units && ms && k < n; i++) {
		if (units[i].ms == 604800000 && ms % units[i].ms)
			continue;
		if (ms >= units[i].ms)
			k += (size_t)snprintf(buf + k, n - k, "%" PRId64 "%s", ms / units[i].ms, units[i].name);
		ms %= units[i].ms;
	}
	return buf;
}

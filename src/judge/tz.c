// SPDX-License-Identifier: Apache-2.0
// A zone file holds the past changes of the offset, and at its end a POSIX TZ string (such as
// "CET-1CEST,M3.5.0,M10.5.0/3") for everything after the last of them.
#include "judge/tz.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/xalloc.h"

enum { DAY = 86400, HOUR = 3600 };

struct change { // of the POSIX string: when in the year
	char kind;  // 'M' month.week.weekday, 'J' day 1..365 without 29 February, 'N' day 0..365
	int month, week, day;
	int second; // local, of that day; may lie outside of it
};

struct tz {
	int64_t *when;    // ascending, unix seconds
	int32_t *offset;  // offset[0] before when[0], offset[i + 1] from when[i]
	size_t n;
	bool has_rule, has_dst;
	int32_t std, dst;
	struct change to_dst, to_std;
};

// --- the calendar -------------------------------------------------------------------------------------

// Days since 1970-01-01 of the proleptic Gregorian date; months may be 1..12.
static int64_t days_of(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t year_of(int64_t day)
{
	int64_t y = 1970 + day / 366;

	while (days_of(y + 1, 1, 1) <= day)
		y++;
	while (days_of(y, 1, 1) > day)
		y--;
	return y;
}

static bool leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int weekday_of(int64_t day) // 0 Sunday
{
	return (int)(((day + 4) % 7 + 7) % 7);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

// --- the POSIX string ---------------------------------------------------------------------------------

static bool skip_name(const char **p)
{
	const char *s = *p;

	if (*s == '<') {
		s = strchr(s, '>');
		if (!s)
			return false;
		*p = s + 1;
		return true;
	}
	while (isalpha((unsigned char)*s))
		s++;
	bool any = s > *p;
	*p = s;
	return any;
}

static bool read_int(const char **p, int lo, int hi, int *out)
{
	char *end;
	long v = isdigit((unsigned char)**p) ? strtol(*p, &end, 10) : -1;

	if (v < lo || v > hi)
		return false;
	*p = end;
	*out = (int)v;
	return true;
}

// [+-]h[h[h]][:mm[:ss]] in seconds.
static bool read_hms(const char **p, int *out)
{
	int sign = **p == '-' ? -1 : 1, h, m = 0, s = 0;

	if (**p == '-' || **p == '+')
		++*p;
	if (!read_int(p, 0, 167, &h))
		return false;
	if (**p == ':' && (++*p, !read_int(p, 0, 59, &m)))
		return false;
	if (**p == ':' && (++*p, !read_int(p, 0, 59, &s)))
		return false;
	*out = sign * (h * HOUR + m * 60 + s);
	return true;
}

static bool read_change(const char **p, struct change *c)
{
	*c = (struct change){.kind = 'N', .second = 2 * HOUR};
	if (**p == 'M') {
		c->kind = 'M';
		++*p;
		if (!read_int(p, 1, 12, &c->month) || *(*p)++ != '.' || !read_int(p, 1, 5, &c->week) ||
		    *(*p)++ != '.' || !read_int(p, 0, 6, &c->day))
			return false;
	} else {
		if (**p == 'J') {
			c->kind = 'J';
			++*p;
		}
		if (!read_int(p, 0, 365, &c->day))
			return false;
	}
	return **p != '/' || (++*p, read_hms(p, &c->second));
}

static bool read_posix(struct tz *z, const char *p)
{
	int west;

	if (!skip_name(&p) || !read_hms(&p, &west))
		return false;
	z->std = -west;
	z->has_rule = true;
	if (!*p)
		return true;
	if (!skip_name(&p))
		return false;
	z->dst = z->std + HOUR;
	if (*p != ',') {
		if (!read_hms(&p, &west))
			return false;
		z->dst = -west;
	}
	z->has_dst = true;
	return *p++ == ',' && read_change(&p, &z->to_dst) && *p++ == ',' && read_change(&p, &z->to_std) && !*p;
}

// Local seconds (with the offset before the change) at which it happens in the year.
static int64_t change_in(const struct change *c, int64_t year)
{
	int64_t day = days_of(year, 1, 1) + c->day;

	if (c->kind == 'J') {
		day += (leap(year) && c->day >= 60) - 1;
	} else if (c->kind == 'M') {
		int64_t first = days_of(year, c->month, 1);
		int64_t next = c->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, c->month + 1, 1);
		day = first + (c->day - weekday_of(first) + 7) % 7 + (c->week - 1) * 7;
		while (day >= next)
			day -= 7;
	}
	return day * DAY + c->second;
}

static int64_t rule_offset(const struct tz *z, int64_t utc)
{
	if (!z->has_dst)
		return z->std;
	int64_t year = year_of(floor_div(utc + z->std, DAY));
	int64_t on = change_in(&z->to_dst, year) - z->std, off = change_in(&z->to_std, year) - z->dst;
	bool dst = on < off ? utc >= on && utc < off : utc >= on || utc < off;
	return dst ? z->dst : z->std;
}

// --- the file -----------------------------------------------------------------------------------------

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

struct header {
	uint32_t isut, isstd, leap, time, type, chars;
};

static bool read_header(const uint8_t *p, size_t n, struct header *h)
{
	if (n < 44 || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return false;
	*h = (struct header){be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40)};
	return h->time < 100000 && h->type > 0 && h->type <= 256 && h->leap < 1000 && h->chars < 10000 &&
	       h->isut <= h->type && h->isstd <= h->type;
}

static size_t block_size(const struct header *h, size_t width)
{
	return h->time * width + h->time + h->type * 6 + h->chars + h->leap * (width + 4) + h->isstd + h->isut;
}

static bool read_file(struct tz *z, const uint8_t *p, size_t n)
{
	struct header h;

	if (!read_header(p, n, &h))
		return false;
	size_t skip = 44 + block_size(&h, 4);
	if (skip > n || !read_header(p + skip, n - skip, &h))
		return false;
	const uint8_t *times = p + skip + 44, *index = times + h.time * 8, *types = index + h.time;
	size_t end = skip + 44 + block_size(&h, 8);
	if (end + 2 > n || p[end] != '\n')
		return false;
	z->n = h.time;
	z->when = xcalloc(h.time + 1, sizeof *z->when);
	z->offset = xcalloc(h.time + 1, sizeof *z->offset);
	z->offset[0] = (int32_t)be32(types);
	for (size_t i = 0; i < h.time; i++) {
		if (index[i] >= h.type)
			return false;
		z->when[i] = be64(times + 8 * i);
		z->offset[i + 1] = (int32_t)be32(types + 6 * index[i]);
	}
	const char *footer = (const char *)p + end + 1, *stop = memchr(footer, '\n', n - end - 1);
	if (!stop)
		return false;
	char *text = xstrndup(footer, (size_t)(stop - footer));
	bool ok = !*text || read_posix(z, text);
	free(text);
	return ok;
}

struct tz *tz_load(const char *name, struct error *err)
{
	struct tz *z = xcalloc(1, sizeof *z);

	if (!strcmp(name, "UTC")) {
		z->has_rule = true;
		return z;
	}
	char *path = xasprintf("/usr/share/zoneinfo/%s", name);
	struct buf b = BUF_INIT;
	bool ok = false;
	if (!*name || *name == '/' || strstr(name, "..") || buf_read_file(&b, path, 1 << 20) < 0)
		error_set(err, "time zone %s: there is no %s; use an IANA name such as Europe/Berlin, or install tzdata", name,
			  path);
	else if (!read_file(z, (const uint8_t *)b.data, b.len))
		error_set(err, "time zone %s: %s is not a TZif file of version 2 or later", name, path);
	else
		ok = true;
	free(path);
	buf_release(&b);
	if (!ok) {
		tz_free(z);
		z = NULL;
	}
	return z;
}

void tz_free(struct tz *z)
{
	if (!z)
		return;
	free(z->when);
	free(z->offset);
	free(z);
}

int64_t tz_offset(const struct tz *z, int64_t utc)
{
	size_t lo = 0, hi = z->n;

	if (z->has_rule && (!z->n || utc >= z->when[z->n - 1]))
		return rule_offset(z, utc);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (z->when[mid] <= utc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return z->offset ? z->offset[lo] : 0;
}

int64_t tz_to_utc(const struct tz *z, int64_t day, int second)
{
	int64_t local = day * DAY + second;
	// No zone changes its offset twice within a day: these are the offsets before and after a change nearby.
	int64_t before = tz_offset(z, local - DAY), after = tz_offset(z, local + DAY);

	if (tz_offset(z, local - before) == before)
		return local - before;
	if (tz_offset(z, local - after) == after)
		return local - after;
	return local - before;
}

static bool falls_on(const struct digest_schedule *s, int64_t day)
{
	return s->weekday < 0 || weekday_of(day) == s->weekday;
}

int64_t schedule_next(const struct digest_schedule *s, const struct tz *z, int64_t ms)
{
	int64_t utc = floor_div(ms, 1000), day = floor_div(utc + tz_offset(z, utc), DAY) - 1;

	for (;; day++) {
		int64_t due = tz_to_utc(z, day, s->hour * HOUR + s->minute * 60) * 1000;
		if (falls_on(s, day) && due > ms)
			return due;
	}
}

int64_t schedule_last(const struct digest_schedule *s, const struct tz *z, int64_t ms)
{
	int64_t utc = floor_div(ms, 1000), day = floor_div(utc + tz_offset(z, utc), DAY) + 1;

	for (;; day--) {
		int64_t due = tz_to_utc(z, day, s->hour * HOUR + s->minute * 60) * 1000;
		if (falls_on(s, day) && due <= ms)
			return due;
	}
}

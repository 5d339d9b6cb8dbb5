// SPDX-License-Identifier: Apache-2.0
#include "web/html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"

#define DASH "\xe2\x80\x93"

void html_number(struct buf *out, const json_t *v)
{
	double x = json_is_number(v) ? json_number_value(v) : NAN;

	if (!isfinite(x))
		buf_adds(out, DASH);
	else if (x == floor(x) && fabs(x) < 1e6)
		buf_addf(out, "%.0f", x);
	else
		buf_addf(out, "%.4g", x);
}

void html_ratio(struct buf *out, double part, double whole)
{
	double percent = 100 * part / whole;

	if (!(whole > 0) || !isfinite(percent))
		buf_adds(out, DASH);
	else if (percent > 0 && percent < 0.01)
		buf_adds(out, "&lt; 0.01 %");
	else
		buf_addf(out, "%.*f %%", percent == 0 || percent >= 100 ? 0 : 2, percent);
}

void html_age(struct buf *out, int64_t ms)
{
	int64_t s = ms > 0 ? ms / 1000 : 0;
	const struct {
		const char *name, *smaller;
		int64_t seconds, step;
	} units[] = {{"d", "h", 86400, 3600}, {"h", "min", 3600, 60}, {"min", "s", 60, 1}};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (s < units[i].seconds)
			continue;
		buf_addf(out, "%" PRId64 " %s", s / units[i].seconds, units[i].name);
		if (s % units[i].seconds / units[i].step)
			buf_addf(out, " %" PRId64 " %s", s % units[i].seconds / units[i].step,
				 units[i].smaller);
		return;
	}
	buf_addf(out, "%" PRId64 " s", s);
}

int64_t html_time(const json_t *obj, const char *key)
{
	int64_t ms;

	return time_parse(json_get_str(obj, key, ""), &ms) < 0 ? INT64_MIN : ms;
}

void html_wrap(struct buf *out, const char *before, const char *s, const char *after)
{
	if (!*s)
		return;
	buf_adds(out, before);
	html_text(out, s);
	buf_adds(out, after);
}

void html_moment(struct buf *out, const char *before, int64_t ms, const char *after)
{
	char when[40];

	if (ms == INT64_MIN)
		return;
	time_format(time_floor(ms, 1000), when, sizeof when);
	char *t = strchr(when, 'T');
	if (t)
		*t = ' ';
	html_wrap(out, before, when, after);
}

void html_words(struct buf *out, const char *s)
{
	for (; *s; s++)
		html_text(out, *s == '_' ? " " : (const char[]){*s, 0});
}

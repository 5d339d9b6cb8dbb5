// SPDX-License-Identifier: Apache-2.0
#include "util/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "util/clock.h"

static atomic_int threshold = LOG_INFO;
static const char *const names[] = {"debug", "info", "warn", "error"};

void log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

void log_at(enum log_level level, const char *component, const char *fmt, ...)
{
	char text[1600], when[40];
	va_list ap;

	if ((int)level < atomic_load(&threshold))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++) // one event stays one line, whatever the input held
		if ((unsigned char)*p < ' ')
			*p = ' ';
	fprintf(stderr, "time=%s level=%s component=%s msg=\"%s\"\n",
		time_format(wall_now().ms, when, sizeof when), names[level], component, text);
}

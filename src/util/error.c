// SPDX-License-Identifier: Apache-2.0
#include "util/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->set)
		return -1;
	err->set = true;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return -1;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	char head[sizeof err->text], old[sizeof err->text];
	va_list ap;

	if (!err || !err->set)
		return -1;
	va_start(ap, fmt);
	vsnprintf(head, sizeof head, fmt, ap);
	va_end(ap);
	memcpy(old, err->text, sizeof old);
	int n = snprintf(err->text, sizeof err->text, "%.390s: ", head);
	snprintf(err->text + n, sizeof err->text - (size_t)n, "%.400s", old);
	return -1;
}

void error_clear(struct error *err)
{
	err->set = false;
	err->text[0] = 0;
}

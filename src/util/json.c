// SPDX-License-Identifier: Apache-2.0
#include "util/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

json_t *json_parse(const char *text, size_t len, struct error *err)
{
	json_error_t e;
	json_t *v = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);

	if (!v)
		error_set(err, "line %d column %d: %s", e.line, e.column, e.text);
	return v;
}

json_t *json_parse_file(const char *path, struct error *err)
{
	json_error_t e;
	json_t *v = json_load_file(path, JSON_REJECT_DUPLICATES, &e);

	if (!v)
		error_set(err, "%s: line %d column %d: %s", path, e.line, e.column, e.text);
	return v;
}

json_t *json_num(double v)
{
	return isfinite(v) ? json_real(v == 0 ? 0 : v) : json_null();
}

json_t *json_time(int64_t ms)
{
	char when[40];

	return ms == INT64_MIN ? json_null() : json_string(time_format(ms, when, sizeof when));
}

json_t *json_strn(const char *s, size_t n)
{
	json_t *v = json_stringn(s, n);

	if (v)
		return v;
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c < 0x80 && c)
			buf_addc(&b, (char)c);
		else
			buf_addf(&b, "\\x%02x", c);
	}
	v = json_stringn(b.data ? b.data : "", b.len);
	buf_release(&b);
	return v;
}

json_t *json_str(const char *s)
{
	return s ? json_strn(s, strlen(s)) : json_null();
}

char *json_text(const json_t *v)
{
	return json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
}

char *json_pretty(const json_t *v)
{
	return json_dumps(v, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
}

const char *json_get_str(const json_t *obj, const char *key, const char *fallback)
{
	const char *s = json_string_value(json_object_get(obj, key));

	return s ? s : fallback;
}

int64_t json_get_int(const json_t *obj, const char *key, int64_t fallback)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_integer(v) ? json_integer_value(v) : json_is_real(v) ? (int64_t)json_real_value(v) : fallback;
}

double json_get_num(const json_t *obj, const char *key, double fallback)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_number(v) ? json_number_value(v) : fallback;
}

// SPDX-License-Identifier: Apache-2.0
#include "plan_help.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "util/xalloc.h"

struct plan *compile(const char *schema, const struct plan_options *opt)
{
	struct error err = ERROR_INIT;
	struct plan *p = plan_compile(&(struct schema_text){.text = (char *)schema, .len = strlen(schema)}, opt, &err);

	cr_assert(p != NULL, "%s: %s", schema, err.text);
	return p;
}

void walk(const struct plan *p, const void *bytes, size_t n, struct record_values *r)
{
	uint8_t *exact = xmalloc(n ? n : 1);

	memcpy(exact, bytes, n);
	plan_walk(p, exact, n, r);
	for (size_t i = 0; i < r->nvalues; i++) // texts point into the bytes
		if (r->values[i].kind == VALUE_STRING && (const uint8_t *)r->values[i].str >= exact &&
		    (const uint8_t *)r->values[i].str < exact + n)
			r->values[i].str = (const char *)bytes + ((const uint8_t *)r->values[i].str - exact);
	free(exact);
}

void put_double(struct buf *b, double v)
{
	buf_f64(b, v);
}

void put_text(struct buf *b, const char *s)
{
	buf_svar(b, (int64_t)strlen(s));
	buf_adds(b, s);
}

static const char *const kinds[VIOLATION_KINDS] = {
    [VIOLATION_UNDECODABLE] = "undecodable",
    [VIOLATION_TRAILING_BYTES] = "trailing_bytes",
    [VIOLATION_MISSING_FIELD] = "missing_field",
    [VIOLATION_WRONG_TYPE] = "wrong_type",
    [VIOLATION_NULL] = "null",
    [VIOLATION_RANGE] = "range",
    [VIOLATION_ALLOWED] = "allowed",
    [VIOLATION_PATTERN] = "pattern",
    [VIOLATION_LENGTH] = "length",
    [VIOLATION_FRESHNESS] = "freshness",
};

const char *breaches(const struct plan *p, const struct record_values *r)
{
	static char text[512];
	size_t at = 0;

	text[0] = 0;
	for (size_t i = 0; i < r->nbreaches; i++)
		at += (size_t)snprintf(
		    text + at, sizeof text - at, "%s%s %s", i ? ", " : "", kinds[r->breaches[i].kind],
		    r->breaches[i].slot < 0 ? "-" : plan_slot(p, (size_t)r->breaches[i].slot)->path);
	return text;
}

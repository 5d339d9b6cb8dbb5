// SPDX-License-Identifier: Apache-2.0
// Schemas and payloads by hand, and what a plan makes of them.
#ifndef TEST_PLAN_HELP_H
#define TEST_PLAN_HELP_H
#include "schema/plan.h"
#include "util/buf.h"

#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define RECORD(fields)	  "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define NULLABLE(type)	  "[\"null\"," type "]"

struct plan *compile(const char *schema, const struct plan_options *opt);
// From bytes that end where they end, so that a sanitizer sees a read past them.
void walk(const struct plan *p, const void *bytes, size_t n, struct record_values *r);
void put_double(struct buf *b, double v);
void put_text(struct buf *b, const char *s);
// "kind path, kind path" of all breaches, in order.
const char *breaches(const struct plan *p, const struct record_values *r);
#define assert_breaches(p, r, want)                                                                          \
	cr_assert(strcmp(breaches(p, r), want) == 0, "got \"%s\", want \"%s\" (%s)", breaches(p, r), want,   \
		  (r)->detail)
#endif

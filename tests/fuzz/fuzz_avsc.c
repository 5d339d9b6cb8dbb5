// SPDX-License-Identifier: Apache-2.0
// Schemas: a text up to the first NUL, compiled with every field monitored, and a record's bytes behind it.
#include <string.h>

#include "checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct record_values r;
	struct error err = ERROR_INIT;
	size_t len = strnlen((const char *)data, n);
	struct plan *p = plan_compile(&(struct schema_text){.text = (char *)data, .len = len}, &(struct plan_options){.event_time = "ts", .all_fields = true}, &err);

	check(p || *err.text);
	if (!p)
		return 0;
	if (len < n) {
		plan_walk(p, data + len + 1, n - len - 1, &r);
		check_walk(p, &r, n);
	}
	plan_free(p);
	return 0;
}

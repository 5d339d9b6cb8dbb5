// SPDX-License-Identifier: Apache-2.0
// Contracts: a reader's schema up to the first NUL, a writer's behind it. A schema keeps every level with
// itself, and what is refused has a reason.
#include <string.h>

#include "checks.h"
#include "schema/compat.h"

static void resolve_both(const struct avsc *older, const struct avsc *newer)
{
	struct compat c = {0};
	char why[200] = "";
	bool kept = compat_check(COMPAT_FULL, older, newer, &c);

	compat_why(&c, why, sizeof why);
	check(kept == !*why);
	check(kept == compat_keeps(COMPAT_FULL, &c));
	check(kept == (compat_check(COMPAT_BACKWARD, older, newer, NULL) &&
		       compat_check(COMPAT_FORWARD, older, newer, NULL)));
	compat_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct error err = ERROR_INIT;
	size_t len = strnlen((const char *)data, n), at = len < n ? len + 1 : n;
	struct avsc *a = avsc_parse(&(struct schema_text){.text = (char *)data, .len = len}, &err), *b = NULL;

	if (a)
		b = avsc_parse(&(struct schema_text){.text = (char *)data + at, .len = n - at}, &err);
	if (a && b)
		resolve_both(a, b);
	if (a)
		check(compat_check(COMPAT_FULL, a, a, NULL));
	avsc_free(a);
	avsc_free(b);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Framing: a payload lies within the value and ends with it; what is refused has a reason.
#include "checks.h"
#include "schema/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct frame f;
	const char *why = NULL;

	if (wire_parse(data, n, &f, &why))
		check(why && *why);
	else
		check(f.payload >= data && f.payload + f.len == data + n);
	return 0;
}

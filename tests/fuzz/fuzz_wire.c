// SPDX-License-Identifier: Apache-2.0
// Framing: a payload lies within the message and ends with it, and what is refused has a reason. The first two
// bytes choose the framing and how many of those that follow are the value of the header asked for first.
#include <stdlib.h>

#include "schema/wire.h"

struct header {
	const uint8_t *bytes;
	size_t n;
};

static const char *header_of(const void *message, const char *name, size_t *len)
{
	const struct header *h = message;

	(void)name;
	*len = h->n;
	return h->n ? (const char *)h->bytes : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char text[SCHEMA_REF_TEXT];
	const char *why = NULL;
	struct frame f;

	if (n < 2)
		return 0;
	enum framing framing = (enum framing)(data[0] % (FRAMING_NONE + 1));
	struct header h = {data + 2, data[1] % 20 < n - 2 ? data[1] % 20 : 0};
	const struct wire_headers headers = {&h, header_of, false};
	const uint8_t *value = data + 2 + h.n, *end = data + n;

	if (wire_parse(framing, value, (size_t)(end - value), &headers, &f, &why)) {
		if (!why || !*why)
			abort();
	} else if (f.payload < value || f.payload + f.len != end) {
		abort();
	} else {
		schema_ref_text(&f.schema, text);
	}
	return 0;
}

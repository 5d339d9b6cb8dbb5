// SPDX-License-Identifier: Apache-2.0
// Expressions and their patterns: what is refused has a reason; what is not gives a verdict, the same one twice,
// whatever its operands are. The first byte turns the operands, so that each reference meets each type.
#include <stdlib.h>
#include <string.h>

#include "schema/expr.h"

enum { REFS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct cel_value values[] = {
	    {.type = CEL_ABSENT},	  {.type = CEL_NULL},
	    cel_bool(true),		  cel_int(INT64_MIN),
	    cel_int(3),			  {.type = CEL_UINT, .u = UINT64_MAX},
	    cel_double(-0.5),		  cel_text(CEL_STRING, "", 0),
	    cel_text(CEL_STRING, "ab\nä\xf0\x9f\x98\x80", 9), cel_text(CEL_BYTES, "\xff", 1),
	    {.type = CEL_LIST, .i = 2},	  {.type = CEL_RECORD},
	};
	const size_t kinds = sizeof values / sizeof *values;
	struct cel_value operands[REFS];
	struct error err = ERROR_INIT;
	struct buf scratch = BUF_INIT;
	const char *why = NULL;

	if (!n)
		return 0;
	char *text = malloc(n);
	if (!text)
		abort();
	memcpy(text, data + 1, n - 1);
	text[n - 1] = 0;
	struct expr *e = expr_parse(text, &err);
	if (!e != err.set || (err.set && !*err.text))
		abort();
	for (size_t i = 0; e && i < expr_refs(e); i++) {
		operands[i % REFS] = values[(data[0] + i) % kinds];
		expr_bind(e, i, (uint32_t)(i % REFS));
	}
	if (e) {
		const enum expr_verdict first = expr_eval(e, operands, &scratch, &why);

		if (!why || (first == EXPR_ERROR && !*why) || expr_eval(e, operands, &scratch, &why) != first)
			abort();
	}
	expr_free(e);
	buf_release(&scratch);
	free(text);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Errors: a function that can fail returns 0 or -1 and takes `struct error *err` last. The first error
// wins; err is untouched on success. A text says what was attempted, on what, and what to do about it.
#ifndef KD_UTIL_ERROR_H
#define KD_UTIL_ERROR_H
#include <stdbool.h>

struct error {
	bool set;
	char text[800];
};

#define ERROR_INIT {false, ""}
#define MUST_CHECK __attribute__((warn_unused_result))

// Always returns -1, so `return error_set(err, ...)`. err may be NULL.
int error_set(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// Puts "what: " before a text that is already set. Always returns -1.
int error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void error_clear(struct error *err);
#endif

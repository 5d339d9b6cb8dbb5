// SPDX-License-Identifier: Apache-2.0
// Regular expressions in RE2's syntax, by RE2: over UTF-8, in time linear in the text. Thread-safe.
#ifndef KD_UTIL_RE_H
#define KD_UTIL_RE_H
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#include "util/error.h"

struct re;
struct re *re_new(const char *pattern, size_t n, struct error *err) MUST_CHECK; // NULL: err says what is wrong with it
void re_free(struct re *r);
bool re_found(const struct re *r, const char *text, size_t n); // anywhere in the text

#ifdef __cplusplus
}
#endif
#endif

// SPDX-License-Identifier: Apache-2.0
// Patterns as CEL's matches() takes them: RE2's syntax without flags, Unicode classes and \Q..\E. A pattern is
// searched for anywhere in a text of valid UTF-8, by code point, in time linear in the text, and without
// allocating: a Thompson automaton whose states are run side by side. POSIX regexec() does none of the three.
#ifndef KD_SCHEMA_RE_H
#define KD_SCHEMA_RE_H
#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct re;
struct re *re_compile(const char *pattern, size_t n, struct error *err) MUST_CHECK; // NULL: with what is wrong
void re_free(struct re *r);
bool re_matches(const struct re *r, const char *text, size_t n);
#endif

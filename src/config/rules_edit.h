// SPDX-License-Identifier: Apache-2.0
// Numbers of a rules file put in place of others: all else stays as it stands, comments too. The reason follows
// the number on its line, or stands above it where the line has a comment or several rules.
#ifndef KD_CONFIG_RULES_EDIT_H
#define KD_CONFIG_RULES_EDIT_H
#include "util/buf.h"
#include "util/error.h"

struct rule_edit {
	const char *rule, *key; // "above" of the rule of that name
	double value;
	const char *why;        // one line
};

// Appends the file's text with the edits. -1 with err: a rule or its key does not stand there as a plain number.
int rules_edit(const char *file, const struct rule_edit *edits, size_t n, struct buf *out, struct error *err) MUST_CHECK;
#endif

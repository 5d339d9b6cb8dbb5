// SPDX-License-Identifier: Apache-2.0
// Values of a rules file put in place of others: all else stays as it stands, comments too. The reason follows
// the value on its line, or stands above it where the line has a comment or several rules. A reason that begins with
// RULES_EDIT_MARK takes the place of one that an earlier edit left there.
#ifndef KD_CONFIG_RULES_EDIT_H
#define KD_CONFIG_RULES_EDIT_H
#include "util/buf.h"
#include "util/error.h"

#define RULES_EDIT_MARK "tune: "

enum { RULE_EDIT_KEYS = 3 };

struct rule_edit {
	const char *rule, *key; // "above" of the rule of that name
	double value;           // in place of a number; NaN: `instead`
	const char *why;        // one line; NULL: it is said elsewhere
	const char *instead[RULE_EDIT_KEYS][2]; // keys and plain values in place of the key and its value; none: both stay
};

// Appends the file's text with the edits. -1 with err: a rule or its key does not stand there, or not as a plain number.
int rules_edit(const char *file, const struct rule_edit *edits, size_t n, struct buf *out, struct error *err) MUST_CHECK;
#endif

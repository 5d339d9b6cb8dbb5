// SPDX-License-Identifier: Apache-2.0
// A registry's ruleSet, as far as a reader of records is concerned with it: conditions on what is written, and
// what is encrypted. docs/rules.md says what becomes of each kind, mode and type.
#ifndef KD_SCHEMA_RULE_SET_H
#define KD_SCHEMA_RULE_SET_H
#include <stdbool.h>
#include <stddef.h>

enum domain_type { DOMAIN_CEL, DOMAIN_CEL_FIELD, DOMAIN_OTHER };

struct domain_rule {
	char *name, *expr, *doc; // expr and doc may be NULL
	char *type;		 // as it is written
	enum domain_type is;
	char **tags;
	size_t ntags;
};

struct rule_set {
	struct domain_rule *rules; // conditions that hold for what is written, in order
	size_t nrules;
	char **encrypted; // tags of encrypted fields
	size_t nencrypted;
	bool encrypts_all;     // an ENCRYPT rule without tags: every field
	bool encrypts_payload;
};

// What is no rule set is an empty one; json may be NULL.
void rule_set_read(struct rule_set *s, const char *json);
void rule_set_release(struct rule_set *s);
#endif

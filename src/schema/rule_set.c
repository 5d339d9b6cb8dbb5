// SPDX-License-Identifier: Apache-2.0
#include "schema/rule_set.h"

#include <stdlib.h>
#include <string.h>

#include "util/json.h"
#include "util/xalloc.h"

static char **read_tags(const json_t *rule, size_t *n)
{
	const json_t *list = json_object_get(rule, "tags"), *item;
	char **tags = xcalloc(json_array_size(list) + 1, sizeof *tags);
	size_t i;

	*n = 0;
	json_array_foreach(list, i, item) if (json_is_string(item))
		tags[(*n)++] = xstrdup(json_string_value(item));
	return tags;
}

static void read_encryption(struct rule_set *s, const json_t *rule)
{
	size_t n;
	char **tags = read_tags(rule, &n);

	s->encrypts_all |= !n;
	s->encrypted = xrealloc(s->encrypted, (s->nencrypted + n + 1) * sizeof *s->encrypted);
	memcpy(s->encrypted + s->nencrypted, tags, n * sizeof *tags);
	s->nencrypted += n;
	free(tags);
}

static void read_rule(struct rule_set *s, const json_t *rule)
{
	const char *type = json_get_str(rule, "type", ""), *mode = json_get_str(rule, "mode", "WRITEREAD");

	if (!json_is_object(rule) || json_is_true(json_object_get(rule, "disabled")) ||
	    (strcmp(mode, "WRITE") != 0 && strcmp(mode, "WRITEREAD") != 0))
		return;
	if (!strcmp(type, "ENCRYPT_PAYLOAD")) {
		s->encrypts_payload = true;
	} else if (!strcmp(type, "ENCRYPT")) {
		read_encryption(s, rule);
	} else if (strcmp(json_get_str(rule, "kind", "CONDITION"), "TRANSFORM") != 0) {
		const char *name = json_get_str(rule, "name", "");
		struct domain_rule r = {.name = xstrdup(*name ? name : "unnamed"),
					.expr = xstrdup(json_get_str(rule, "expr", NULL)),
					.doc = xstrdup(json_get_str(rule, "doc", NULL)),
					.type = xstrdup(type),
					.is = !strcmp(type, "CEL")	   ? DOMAIN_CEL
					      : !strcmp(type, "CEL_FIELD") ? DOMAIN_CEL_FIELD
									   : DOMAIN_OTHER};

		r.tags = read_tags(rule, &r.ntags);
		s->rules = xrealloc(s->rules, (s->nrules + 1) * sizeof *s->rules);
		s->rules[s->nrules++] = r;
	}
}

void rule_set_read(struct rule_set *s, const char *json)
{
	static const char *const lists[] = {"domainRules", "encodingRules"};
	json_t *doc = json ? json_parse(json, strlen(json), NULL) : NULL;
	const json_t *item;
	size_t i;

	*s = (struct rule_set){0};
	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		json_array_foreach(json_object_get(doc, lists[k]), i, item) read_rule(s, item);
	json_decref(doc);
}

void rule_set_release(struct rule_set *s)
{
	for (size_t i = 0; i < s->nrules; i++) {
		struct domain_rule *r = &s->rules[i];

		for (size_t k = 0; k < r->ntags; k++)
			free(r->tags[k]);
		free(r->tags);
		free(r->name);
		free(r->expr);
		free(r->doc);
		free(r->type);
	}
	for (size_t i = 0; i < s->nencrypted; i++)
		free(s->encrypted[i]);
	free(s->rules);
	free(s->encrypted);
	*s = (struct rule_set){0};
}

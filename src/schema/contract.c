// SPDX-License-Identifier: Apache-2.0
#include "schema/contract.h"

#include <stdio.h>
#include <stdlib.h>

#include "schema/plan.h"
#include "util/buf.h"
#include "util/xalloc.h"

#define MAX_FILE (4u << 20)

struct contract {
	struct avsc *schema;
	struct plan *plan;	 // for its field paths alone
	size_t *fields, nfields; // slots of the plan
};

struct contract *contract_load(const char *path, struct error *err)
{
	const struct plan_options all = {.all_fields = true};
	struct contract *c = xcalloc(1, sizeof *c);
	struct buf text = BUF_INIT;

	if (buf_read_file(&text, path, MAX_FILE) < 0) {
		error_set(err, "contract %s: %m", path);
	} else {
		struct schema_text schema = schema_text_avro(text.data, text.len);
		if (!(c->schema = avsc_parse(&schema, err)) || !(c->plan = plan_compile(&schema, &all, err)))
			error_prefix(err, "contract %s", path);
	}
	buf_release(&text);
	if (!c->plan) {
		contract_free(c);
		return NULL;
	}
	c->fields = xcalloc(plan_slots(c->plan) + 1, sizeof *c->fields);
	for (size_t i = 0; i < plan_slots(c->plan); i++)
		if (plan_slot(c->plan, i)->type != FIELD_NONE)
			c->fields[c->nfields++] = i;
	return c;
}

void contract_free(struct contract *c)
{
	if (!c)
		return;
	avsc_free(c->schema);
	plan_free(c->plan);
	free(c->fields);
	free(c);
}

size_t contract_fields(const struct contract *c)
{
	return c->nfields;
}

const char *contract_field(const struct contract *c, size_t i)
{
	return plan_slot(c->plan, c->fields[i])->path;
}

enum field_type contract_field_type(const struct contract *c, size_t i)
{
	return plan_slot(c->plan, c->fields[i])->type;
}

const struct avsc *contract_schema(const struct contract *c)
{
	return c->schema;
}

enum contract_verdict contract_check(const struct contract *c, enum compat_level level, const struct schema_text *text,
				     char *why, size_t n)
{
	struct error err = ERROR_INIT;
	struct compat found = {0};

	if (n)
		*why = 0;
	if (level == COMPAT_NONE)
		return CONTRACT_OK;
	struct avsc *writer = avsc_parse(text, &err);
	if (!writer) {
		snprintf(why, n, "the writer's schema cannot be read: %s", err.text);
		return CONTRACT_BREACH;
	}
	bool ok = compat_check(level, writer, c->schema, &found);
	compat_why(&found, why, n);
	compat_release(&found);
	avsc_free(writer);
	return ok ? CONTRACT_OK : CONTRACT_BREACH;
}

// SPDX-License-Identifier: Apache-2.0
#include "schema/file.h"

#include <stdlib.h>

#include "schema/plan.h"
#include "util/buf.h"
#include "util/xalloc.h"

#define MAX_FILE (4u << 20)

struct registry_schema *schema_file_load(const char *path, enum schema_type type, struct error *err)
{
	const struct plan_options all = {.all_fields = true};
	struct buf text = BUF_INIT;
	struct registry_schema *s = NULL;

	if (buf_read_file(&text, path, MAX_FILE) < 0) {
		error_set(err, "schema %s: %m", path);
	} else {
		struct schema_text schema = {.type = type, .text = text.data, .len = text.len};
		struct plan *p = plan_compile(&schema, &all, err);
		if (p) {
			s = xcalloc(1, sizeof *s);
			s->id = -1;
			s->schema = schema_text_copy(&schema);
		} else {
			error_prefix(err, "schema %s", path);
		}
		plan_free(p);
	}
	buf_release(&text);
	return s;
}

void schema_file_free(struct registry_schema *s)
{
	if (!s)
		return;
	schema_text_release(&s->schema);
	free(s);
}
